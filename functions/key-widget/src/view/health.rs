//! Whether the watch is alive: what it noted of itself.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use watch_core::page::Tone;
use watch_core::text::{Untrusted, minute};
use watch_sweep::position::Episode;

use super::key::ago;
use super::told::{Whose, entries};
use super::{OLD, Scene};
use crate::html::{Cell, Page, Tile, span, titles};
use crate::library::State;

/// A full sweep comes every day, a canary every three; the sweep tells that one is missing after eight.
const FULL: SignedDuration = SignedDuration::from_hours(26);
const CANARY: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Findings and key stores that are shown.
const SHOWN: usize = 20;

/// Draws it.
pub fn draw(page: &mut Page, scene: &Scene<'_>, state: &State) {
    let position = state.position.clone().unwrap_or_default();
    let canary = state.canary.as_ref().map(|entry| entry.occurred_at);
    let deployed = state.deployment.as_ref().map(|entry| entry.occurred_at);
    let is_well = is_fresh(scene, position.run_at, OLD)
        && is_fresh(scene, position.full_at, FULL)
        && is_fresh(scene, canary, CANARY)
        && position.wrong.is_empty()
        && position.stores.is_empty();
    page.title(if is_well {
        "The watch is alive"
    } else {
        "Look at the watch"
    });
    let tile = |name, at, limit| tile(scene, name, at, limit);
    page.tiles(&[
        tile("last sweep", position.run_at, OLD),
        tile("last full sweep", position.full_at, FULL),
        tile("last canary", canary, CANARY),
        Tile {
            number: position.wrong.len().to_string(),
            name: "parts not as they should be",
            remark: String::new(),
            tone: if position.wrong.is_empty() {
                Tone::Fine
            } else {
                Tone::Urgent
            },
        },
        Tile {
            tone: Tone::Notable,
            ..tile("last deployment", deployed, SignedDuration::MAX)
        },
    ]);
    wrong(page, scene, &position.wrong);
    stores(page, scene, &position.stores);
    page.heading("What was told of the account and the watch last");
    entries(page, scene, Whose::Account, &state.told, true);
    page.aside(
        "This is what the ledger says. That nobody silenced the ledger's writers, the alarms beside this widget say.",
    );
}

fn is_fresh(scene: &Scene<'_>, at: Option<Timestamp>, limit: SignedDuration) -> bool {
    at.is_some_and(|at| scene.now.duration_since(at) <= limit)
}

/// How long ago something happened, and whether that is too long.
fn tile(
    scene: &Scene<'_>,
    name: &'static str,
    at: Option<Timestamp>,
    limit: SignedDuration,
) -> Tile {
    let number = at.map(|at| span(scene.now.duration_since(at)));
    let is_fresh = is_fresh(scene, at, limit);
    Tile {
        number: number.unwrap_or_else(|| "never".to_owned()),
        name,
        remark: at.map_or_else(String::new, |at| format!("ago, {}", minute(at))),
        tone: if is_fresh { Tone::Fine } else { Tone::Urgent },
    }
}

fn stores(page: &mut Page, scene: &Scene<'_>, stores: &BTreeMap<String, Episode>) {
    if stores.is_empty() {
        return;
    }
    page.heading("Custom key stores that do not work");
    let text = |text: &str| Cell::new(Untrusted::bounded(text, 64).as_str());
    let rows = stores.iter().take(SHOWN).map(|(id, episode)| {
        vec![
            text(id),
            text(&episode.state).class("urgent"),
            text(episode.error_code.as_deref().unwrap_or("")),
            Cell::new(&ago(scene, episode.since)),
        ]
    });
    let names = ["Custom key store ID", "Status", "Error", "Seen first"];
    page.table("Custom key stores", &titles(&names), rows);
}

/// What sweeps find wrong: names of the form `functions/missing#kms-watch-…#version`.
fn wrong(page: &mut Page, scene: &Scene<'_>, wrong: &BTreeMap<String, Timestamp>) {
    if wrong.is_empty() {
        return;
    }
    page.heading("Not as it should be");
    let rows = wrong.iter().take(SHOWN).map(|(name, since)| {
        let mut parts = name.splitn(3, '#');
        let mut next = || Untrusted::bounded(parts.next().unwrap_or_default(), 120);
        vec![
            Cell::new(next().as_str()).class("urgent"),
            Cell::new(next().as_str()).class("long"),
            Cell::new(&ago(scene, *since)),
        ]
    });
    page.table("Findings", &titles(&["What", "Part", "Seen first"]), rows);
    if let Some(more @ 1..) = wrong.len().checked_sub(SHOWN) {
        page.aside(&format!("{more} more."));
    }
    page.line("The alert WatchChanged says what to do about each.");
}
