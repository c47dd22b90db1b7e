//! The table for readers. It is made to fit: columns are cut where most can be cut, and where that is not enough, those
//! that matter least are left out.

use anstyle::{AnsiColor, Color, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use watch_core::arn::Region;
use watch_core::key::{Origin, State};
use watch_core::text::{Untrusted, day};

use crate::inventory::condition::Condition;
use crate::inventory::row::{RotationStatus, Row, UseStatus};

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const ALARM: Style = colour(AnsiColor::Red).bold();
const WARNING: Style = colour(AnsiColor::Yellow);
const HIDDEN: Style = colour(AnsiColor::Magenta);

/// Between two columns.
const GAP: usize = 2;

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

#[derive(Clone, Debug)]
struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            style: PLAIN,
        }
    }

    fn styled(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }

    fn untrusted(text: Option<&Untrusted>) -> Self {
        Self::new(text.map_or("", Untrusted::as_str))
    }

    fn date(date: Option<jiff::Timestamp>) -> Self {
        Self::new(date.map(days).unwrap_or_default())
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

/// A column, how narrow it may get, and how early it is left out: the least first, 0 never.
struct Column {
    title: &'static str,
    least: usize,
    dispensable: u8,
    cell: fn(&Row) -> Cell,
}

/// What is copied is never cut.
const WHOLE: usize = usize::MAX;

const COLUMNS: [Column; 15] = [
    Column::new("KEY ID", WHOLE, 0, |row| Cell::new(row.key_id.as_str())),
    Column::new("ALIAS", WHOLE, 0, alias),
    Column::new("ACCOUNT", WHOLE, 10, |row| Cell::new(row.account.as_str())),
    Column::new("REGION", WHOLE, 12, |row| Cell::new(row.region.as_str())),
    Column::new("STATUS", 15, 0, state),
    Column::new("CREATED", 10, 5, |row| Cell::date(row.created_at)),
    Column::new("EXPIRES", 10, 9, expiry),
    Column::new("ORIGIN", 8, 4, |row| {
        Cell::new(row.origin.as_ref().map_or("", Origin::as_str))
    }),
    Column::new("KEY STORE", 9, 2, |row| {
        Cell::untrusted(row.custom_key_store_id.as_ref())
    }),
    Column::new("OWNER", 10, 8, |row| Cell::untrusted(row.owner.as_ref())),
    Column::new("ROTATION", 9, 6, rotation),
    Column::new("LAST USE", 11, 7, last_use),
    Column::new("DELETION", 10, 11, deletion),
    Column::new("OTHER REGIONS", 14, 3, |row| {
        let regions: Vec<_> = row.other_regions().map(Region::as_str).collect();
        Cell::new(regions.join(" "))
    }),
    Column::new("TAGS", 12, 1, |row| {
        let tags: Vec<_> = row.other_tags().collect();
        Cell::new(tags.join(" "))
    }),
];

impl Column {
    const fn new(
        title: &'static str,
        least: usize,
        dispensable: u8,
        cell: fn(&Row) -> Cell,
    ) -> Self {
        Self {
            title,
            least,
            dispensable,
            cell,
        }
    }
}

fn alias(row: &Row) -> Cell {
    match row.aliases.as_deref() {
        None => Cell::styled("unknown", HIDDEN),
        Some([]) => Cell::new(""),
        Some([one]) => Cell::new(one.as_str()),
        Some([first, more @ ..]) => Cell::new(format!("{} +{}", first.as_str(), more.len())),
    }
}

fn state(row: &Row) -> Cell {
    let Some(state) = &row.state else {
        let is_denied = row.is(Condition::BlindSpot);
        return Cell::styled(if is_denied { "denied" } else { "no answer" }, HIDDEN);
    };
    let style = match state {
        State::PendingDeletion | State::PendingReplicaDeletion => ALARM,
        State::PendingImport | State::Unavailable | State::Disabled => WARNING,
        _ => PLAIN,
    };
    Cell::styled(state.as_str(), style)
}

fn expiry(row: &Row) -> Cell {
    let style = if row.is(Condition::Expiring) {
        WARNING
    } else {
        PLAIN
    };
    Cell {
        style,
        ..Cell::date(row.expires_at)
    }
}

fn deletion(row: &Row) -> Cell {
    match (row.deletion_at, &row.state) {
        (None, Some(State::PendingReplicaDeletion)) => Cell::styled("after its replicas", ALARM),
        (date, _) => Cell {
            style: ALARM,
            ..Cell::date(date)
        },
    }
}

fn rotation(row: &Row) -> Cell {
    let rotation = &row.rotation;
    match rotation.status {
        RotationStatus::On => {
            let period = rotation.period_days;
            let period = period.map(|days| format!(" {days} d"));
            let next = rotation.next_at.map(|date| format!(", {}", days(date)));
            let (period, next) = (period.unwrap_or_default(), next.unwrap_or_default());
            Cell::new(format!("on{period}{next}"))
        }
        RotationStatus::Off => Cell::styled("off", WARNING),
        RotationStatus::NotApplicable => Cell::styled("n/a", DIM),
        RotationStatus::ByAws => Cell::styled("by AWS", DIM),
        RotationStatus::Unknown => unanswered(row, &["GetKeyRotationStatus", "DescribeKey"]),
    }
}

fn last_use(row: &Row) -> Cell {
    let last_use = &row.last_use;
    let style = if row.is(Condition::Unused) {
        WARNING
    } else {
        PLAIN
    };
    match last_use.status {
        UseStatus::Used => {
            let operation = last_use.operation.as_ref();
            let operation = operation.map(|operation| format!(" {}", operation.as_str()));
            let date = last_use.at.map(days).unwrap_or_default();
            Cell::styled(format!("{date}{}", operation.unwrap_or_default()), style)
        }
        UseStatus::NeverUsed => Cell::styled("never", style),
        UseStatus::Unknown => match last_use.tracked_since {
            Some(since) => Cell::new(format!("not since {}", days(since))),
            None => unanswered(row, &["GetKeyLastUsage"]),
        },
        UseStatus::NotAsked => Cell::styled("not asked", DIM),
    }
}

fn unanswered(row: &Row, operations: &[&str]) -> Cell {
    let mut gaps = row.missing.iter();
    let is_denied = gaps.any(|gap| gap.denied && operations.contains(&gap.operation));
    Cell::styled(if is_denied { "denied" } else { "unknown" }, HIDDEN)
}

fn days(date: jiff::Timestamp) -> String {
    let mut text = watch_core::text::Text::new();
    text.push(day(date));
    text.plain()
}

/// The keys, no wider than `width`; nothing if there are none.
pub(crate) fn render(rows: &[Row], width: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    fn differs<T: PartialEq>(rows: &[Row], of: impl Fn(&Row) -> &T) -> bool {
        rows.windows(2).any(|pair| of(&pair[0]) != of(&pair[1]))
    }
    let (many_accounts, many_regions) = (
        differs(rows, |row| &row.account),
        differs(rows, |row| &row.region),
    );
    // What all keys have in common is said below the table.
    let wanted = |column: &&Column| match column.title {
        "ACCOUNT" => many_accounts,
        "REGION" => many_regions,
        "OTHER REGIONS" => rows.iter().any(|row| row.other_regions().next().is_some()),
        "TAGS" => rows.iter().any(|row| row.other_tags().next().is_some()),
        _ => true,
    };
    let mut columns: Vec<_> = COLUMNS
        .iter()
        .filter(wanted)
        .map(|column| Filled::new(column, rows))
        .collect();
    let left_out = width.map_or_else(Vec::new, |width| fit(&mut columns, width));

    let mut text = String::new();
    let titles = columns.iter().map(|filled| {
        let title = Cell::styled(filled.column.title, BOLD);
        (title, filled.width)
    });
    line(&mut text, titles);
    for row in 0..rows.len() {
        let cells = columns
            .iter()
            .filter_map(|filled| Some((filled.cells.get(row)?.clone(), filled.width)));
        line(&mut text, cells);
    }
    if !left_out.is_empty() {
        let titles = left_out.join(", ");
        text.push_str(&format!(
            "{DIM}No room for {titles}: a wider terminal, --format json or csv.{DIM:#}\n"
        ));
    }
    text
}

struct Filled {
    column: &'static Column,
    cells: Vec<Cell>,
    width: usize,
}

impl Filled {
    fn new(column: &'static Column, rows: &[Row]) -> Self {
        let cells: Vec<_> = rows.iter().map(column.cell).collect();
        let widest = cells.iter().map(Cell::width).max().unwrap_or(0);
        Self {
            width: widest.max(column.title.width()),
            column,
            cells,
        }
    }

    fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.text.is_empty())
    }

    fn least(&self) -> usize {
        self.column.least.min(self.width)
    }
}

/// Cuts columns to `width`; the titles of those for which there is no room.
fn fit(columns: &mut Vec<Filled>, width: usize) -> Vec<&'static str> {
    let gaps = |columns: &[Filled]| GAP * columns.len().saturating_sub(1);
    let mut left_out = Vec::new();
    loop {
        let least: usize = columns.iter().map(Filled::least).sum();
        if least + gaps(columns) <= width {
            break;
        }
        // What says nothing of any key goes first.
        let dispensable = columns
            .iter()
            .enumerate()
            .filter(|(_, filled)| filled.column.dispensable > 0)
            .min_by_key(|(_, filled)| (!filled.is_empty(), filled.column.dispensable));
        let Some((index, _)) = dispensable else {
            break;
        };
        let gone = columns.remove(index);
        if !gone.is_empty() {
            left_out.push(gone.column.title);
        }
    }
    loop {
        let taken: usize = columns.iter().map(|filled| filled.width).sum();
        let surplus = (taken + gaps(columns)).saturating_sub(width);
        // Of what can be cut, that of which most can be.
        let widest = columns
            .iter_mut()
            .filter(|filled| filled.width > filled.least())
            .max_by_key(|filled| filled.width - filled.least());
        match widest {
            Some(widest) if surplus > 0 => widest.width -= 1,
            _ => return left_out,
        }
    }
}

fn line(text: &mut String, cells: impl Iterator<Item = (Cell, usize)>) {
    let mut owed = 0;
    for (index, (cell, width)) in cells.enumerate() {
        if index > 0 {
            owed += GAP;
        }
        let shown = cut(&cell.text, width);
        if !shown.is_empty() {
            text.extend(std::iter::repeat_n(' ', owed));
            owed = 0;
            let style = cell.style;
            text.push_str(&format!("{style}{shown}{style:#}"));
        }
        owed += width.saturating_sub(shown.width());
    }
    text.push('\n');
}

/// As much of the text as fits, the last column `…` if something was cut.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut taken = 0;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > width.saturating_sub(1) {
            break;
        }
        shown.push(c);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_columns_and_not_to_characters() {
        assert_eq!(cut("payments", 8), "payments");
        assert_eq!(cut("payments", 7), "paymen…");
        assert_eq!(cut("支付密钥", 8), "支付密钥");
        assert_eq!(cut("支付密钥", 7), "支付密…");
        assert_eq!(cut("支付密钥", 6), "支付…");
    }
}
