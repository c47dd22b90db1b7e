//! What goes away next, and what rotates.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use watch_core::key::State;
use watch_core::page::{End, Tone, left, time_line};
use watch_sweep::listing::Row;

use super::{Scene, as_of, counted, is_asked_for, narrowed};
use crate::html::{Cell, Page, Tile, titles};
use crate::library::List;

/// Ends that are drawn, rotations that are, and ends in the table.
const DRAWN: usize = 12;
const ROTATIONS: usize = 6;
const LISTED: usize = 50;
/// What expires so soon is urgent.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

struct Due<'a> {
    row: &'a Row,
    at: Timestamp,
    word: &'static str,
    tone: Tone,
}

/// Draws it.
pub fn draw(page: &mut Page, scene: &Scene<'_>, list: &List) {
    let days = scene.ask.days;
    page.title(&format!("What goes away within {days} days"));
    if !as_of(page, scene, list) {
        return;
    }
    narrowed(page, scene.ask);
    let rows: Vec<_> = list
        .rows()
        .filter(|row| is_asked_for(scene.ask, row))
        .collect();
    let until = scene
        .now
        .saturating_add(SignedDuration::from_hours(i64::from(days) * 24))
        .unwrap_or(Timestamp::MAX);
    let ends = ends(&rows, scene.now, until);
    let rotations = rotations(&rows, scene.now, until);
    let count = |word: &str| ends.iter().filter(|due| due.word == word).count();
    // Their date is set when the last replica is gone.
    let waiting = rows
        .iter()
        .filter(|row| row.state == Some(State::PendingReplicaDeletion));
    page.tiles(&[
        tile("deleted", count("deleted"), Tone::Urgent, ""),
        tile("material expires", count("expires"), Tone::Wrong, ""),
        tile(
            "wait for replicas",
            waiting.count(),
            Tone::Wrong,
            "deleted after the last",
        ),
        tile("rotate", rotations.len(), Tone::Fine, "nothing is lost"),
    ]);
    page.raw("<div class=\"figures\">\n");
    page.raw(&figure("Goes away", scene, &ends, DRAWN));
    page.raw(&figure("Rotates next", scene, &rotations, ROTATIONS));
    page.raw("</div>\n");
    table(page, scene, &ends);
}

fn tile(name: &'static str, count: usize, tone: Tone, remark: &str) -> Tile {
    Tile {
        number: count.to_string(),
        name,
        remark: remark.to_owned(),
        tone: if count == 0 { Tone::Notable } else { tone },
    }
}

/// What is lost until then, the nearest first. A deletion whose date is over is due until KMS has made it.
fn ends<'a>(rows: &[&'a Row], now: Timestamp, until: Timestamp) -> Vec<Due<'a>> {
    let mut ends = Vec::new();
    for row in rows {
        let is_pending = row.state.as_ref().is_some_and(State::is_pending_deletion);
        if let Some(at) = row.deletion_at.filter(|at| is_pending && *at <= until) {
            ends.push(Due {
                row,
                at,
                word: "deleted",
                tone: Tone::Urgent,
            });
        }
        let expires = row.expires_at.filter(|at| *at > now && *at <= until);
        // Not what the key does not live to see.
        if let Some(at) =
            expires.filter(|at| !is_pending || row.deletion_at.is_none_or(|end| *at < end))
        {
            let is_soon = at.duration_since(now) <= SOON;
            let tone = if is_soon { Tone::Urgent } else { Tone::Wrong };
            ends.push(Due {
                row,
                at,
                word: "expires",
                tone,
            });
        }
    }
    ends.sort_by_key(|due| (due.at, due.row.name().to_owned()));
    ends
}

fn rotations<'a>(rows: &[&'a Row], now: Timestamp, until: Timestamp) -> Vec<Due<'a>> {
    let mut rotations: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let at = row.rotates_at.filter(|at| *at > now && *at <= until)?;
            Some(Due {
                row,
                at,
                word: "rotates",
                tone: Tone::Fine,
            })
        })
        .collect();
    rotations.sort_by_key(|due| due.at);
    rotations
}

fn figure(title: &str, scene: &Scene<'_>, all: &[Due<'_>], most: usize) -> String {
    let ends: Vec<_> = all
        .iter()
        .take(most)
        .map(|due| End {
            name: due.row.name().to_owned(),
            word: due.word,
            at: due.at,
            tone: due.tone,
        })
        .collect();
    let title = match all.len().checked_sub(most) {
        Some(more @ 1..) => format!("{title}, {} more", more),
        _ => title.to_owned(),
    };
    time_line(&title, scene.now, scene.ask.days, &ends)
}

/// A button that shows the alerts about a deletion. Those about an expiry are told apart by the material, which the list does not have.
fn thread(page: &Page, due: &Due<'_>) -> String {
    if due.word != "deleted" || !page.can_ask() {
        return String::new();
    }
    let label = format!("Thread of the deletion of {}", due.row.name());
    let ask = json!({"view": "thread", "key": due.row.id, "story": "deletion"});
    page.button("Thread", &label, true, "", &ask)
}

fn table(page: &mut Page, scene: &Scene<'_>, ends: &[Due<'_>]) {
    if ends.is_empty() {
        page.line("Nothing goes away.");
        return;
    }
    let names = titles(&["Key", "What", "When", "Left", "Owner", "Thread"]);
    let rows: Vec<_> = ends
        .iter()
        .take(LISTED)
        .map(|due| {
            let owner = due
                .row
                .owner
                .as_ref()
                .map_or("no owner", |owner| owner.as_str());
            let button = page.key_button(due.row.name(), &due.row.id);
            vec![
                Cell::markup(button),
                Cell::new(due.word).class(due.tone.class()),
                Cell::time(Some(due.at)),
                Cell::new(&left(scene.now, due.at)),
                Cell::new(owner),
                Cell::markup(thread(page, due)),
            ]
        })
        .collect();
    page.table("What goes away", &names, rows);
    if let Some(more @ 1..) = ends.len().checked_sub(LISTED) {
        page.aside(&format!(
            "{} more: the view keys sorts by expiration date.",
            counted(more, "date")
        ));
    }
}
