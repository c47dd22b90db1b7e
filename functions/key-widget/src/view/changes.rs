//! This week against the last.

use jiff::{SignedDuration, Timestamp};
use watch_core::page::{Tone, days, escape};

use super::{Scene, as_of, counted};
use crate::html::{Page, Tile};
use crate::library::List;

const WEEK: i64 = 7;
/// Days that are drawn.
const DRAWN: usize = 14;
/// Keys that are named of each kind.
const NAMED: usize = 8;

/// Something that happened to keys.
struct Happened {
    what: &'static str,
    tone: Tone,
    /// Key, name, when: the latest first.
    keys: Vec<(String, String, Timestamp)>,
}

impl Happened {
    fn new(
        what: &'static str,
        tone: Tone,
        now: Timestamp,
        keys: impl Iterator<Item = (String, String, Timestamp)>,
    ) -> Self {
        let since = now.saturating_sub(SignedDuration::from_hours(24 * DRAWN as i64));
        let since = since.unwrap_or(Timestamp::MIN);
        let mut keys: Vec<_> = keys.filter(|(.., at)| (since..=now).contains(at)).collect();
        keys.sort_by_key(|(id, _, at)| (std::cmp::Reverse(*at), id.clone()));
        Self { what, tone, keys }
    }

    /// How often so many days ago, for each of the days that are drawn.
    fn by_day(&self, now: Timestamp) -> [usize; DRAWN] {
        let mut counts = [0; DRAWN];
        for (.., at) in &self.keys {
            let ago = usize::try_from(now.duration_since(*at).as_hours() / 24).unwrap_or(0);
            if let Some(count) = counts.iter_mut().rev().nth(ago) {
                *count += 1;
            }
        }
        counts
    }
}

/// Draws it.
pub fn draw(page: &mut Page, scene: &Scene<'_>, list: &List) {
    page.title("This week against the last");
    if !as_of(page, scene, list) {
        return;
    }
    let now = scene.now;
    let rows = |of: fn(&watch_sweep::listing::Row) -> Option<Timestamp>| {
        list.rows()
            .filter_map(move |row| Some((row.id.clone(), row.name().to_owned(), of(row)?)))
    };
    let gone = list
        .gone()
        .map(|gone| (gone.id.clone(), gone.name.as_str().to_owned(), gone.at));
    let all = [
        Happened::new("new", Tone::Fine, now, rows(|row| row.created_at)),
        Happened::new("gone", Tone::Urgent, now, gone),
        Happened::new("drifted", Tone::Wrong, now, rows(|row| row.drifted_at)),
        Happened::new("rotated", Tone::Fine, now, rows(|row| row.rotated_at)),
    ];
    let tiles: Vec<_> = all
        .iter()
        .map(|happened| {
            let counts = happened.by_day(now);
            let (last, this) = counts.split_at(DRAWN - WEEK as usize);
            let (last, this): (usize, usize) = (last.iter().sum(), this.iter().sum());
            Tile {
                number: this.to_string(),
                name: happened.what,
                remark: format!("the week before: {last}"),
                tone: if this == 0 {
                    Tone::Notable
                } else {
                    happened.tone
                },
            }
        })
        .collect();
    page.tiles(&tiles);
    page.raw("<div class=\"figures\">\n");
    for happened in &all {
        let title = format!("Keys {} a day", happened.what);
        page.raw(&days(&title, &happened.by_day(now), happened.tone));
    }
    page.raw("</div>\n");
    for happened in &all {
        named(page, happened, now);
    }
    page.aside(
        "Gone: a sweep missed the key. Drifted: policy or grants changed, and no event told of it.",
    );
}

/// The latest of them, by name.
fn named(page: &mut Page, happened: &Happened, now: Timestamp) {
    if happened.keys.is_empty() {
        return;
    }
    page.heading(&format!("Keys {}", happened.what));
    let lines: String = happened
        .keys
        .iter()
        .take(NAMED)
        .map(|(id, name, at)| {
            let age = escape(&crate::html::span(now.duration_since(*at)));
            format!("<li>{}, {age} ago</li>", page.key_button(name, id))
        })
        .collect();
    page.raw(&format!("<ul>{lines}</ul>\n"));
    if let Some(more @ 1..) = happened.keys.len().checked_sub(NAMED) {
        page.aside(&format!("{} more in 14 days.", counted(more, "key")));
    }
}
