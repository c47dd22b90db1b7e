//! The views. Each is made of data that is there: none asks anybody anything.

pub mod changes;
pub mod due;
pub mod health;
pub mod key;
pub mod keys;
pub mod thread;
pub mod told;

use jiff::{SignedDuration, Timestamp};
use watch_core::config::Config;
use watch_core::key::State;
use watch_core::page::Tone;
use watch_core::text::{Untrusted, minute};
use watch_sweep::listing::Row;
use watch_sweep::position::Position;

use crate::ask::Ask;
use crate::html::{Page, span};
use crate::library::{List, Trouble};

/// Sweeps run every hour: without one for so long, what is shown may be wrong.
const OLD: SignedDuration = SignedDuration::from_hours(3);

/// What all views are drawn with.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What is asked for.
    pub ask: &'a Ask,
    /// Now.
    pub now: Timestamp,
    /// The settings that all functions have.
    pub config: &'a Config,
}

/// Nothing can be shown.
pub fn unread(page: &mut Page, trouble: &Trouble) {
    page.title("KMS Watch");
    page.notice(&trouble.to_string());
    page.line("This says nothing about the keys. Refresh the widget; if it stays, look at the log of key-widget.");
}

/// From when the data are, and whether that is good enough. Whether there are any.
fn as_of(page: &mut Page, scene: &Scene<'_>, list: &List) -> bool {
    if let Some(trouble) = &list.stale {
        page.notice(&format!("{trouble} Shown is what the ledger said before."));
    }
    let Position {
        run_at, full_at, ..
    } = list.position;
    let Some(run_at) = run_at else {
        page.notice("No sweep has looked at the keys yet. The first one runs within a day of the deployment.");
        return list.rows().next().is_some();
    };
    let age = scene.now.duration_since(run_at);
    let ago = format!("{} ago", span(age));
    if age > OLD {
        page.notice(&format!(
            "The last sweep was {ago}. What is shown may have changed since."
        ));
    }
    if full_at.is_none() {
        page.notice("No full sweep has come to its end yet: keys are missing.");
    }
    page.aside(&format!(
        "As the sweep of {} saw it, {ago}.",
        minute(run_at)
    ));
    true
}

/// Of the owner and the key store that were asked for.
fn is_asked_for(ask: &Ask, row: &Row) -> bool {
    let owner = row.owner.as_ref().map_or("", Untrusted::as_str);
    let is_owner = |asked: &Untrusted| {
        // The list keeps the beginning of a long one.
        let asked = asked.shortened(40);
        asked.as_str().to_lowercase() == owner.to_lowercase()
    };
    let store = row.store.as_ref().map(Untrusted::as_str);
    ask.owner.as_ref().is_none_or(is_owner)
        && ask
            .store
            .as_ref()
            .is_none_or(|asked| store == Some(asked.as_str()))
}

/// What of the keys is shown, in words; nothing if it is all.
fn narrowed(page: &mut Page, ask: &Ask) {
    let mut parts = Vec::new();
    parts.extend(
        ask.owner
            .as_ref()
            .map(|it| format!("owner {}", it.as_str())),
    );
    parts.extend(
        ask.store
            .as_ref()
            .map(|it| format!("key store {}", it.as_str())),
    );
    if !parts.is_empty() {
        page.aside(&format!("Only {}.", parts.join(", ")));
    }
}

fn tone_of(state: &State) -> Tone {
    match state {
        State::Enabled => Tone::Fine,
        state if state.is_pending_deletion() => Tone::Urgent,
        _ => Tone::Wrong,
    }
}

/// `1,234 keys`.
fn counted(count: usize, noun: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {noun}{}", if count == 1 { "" } else { "s" })
}
