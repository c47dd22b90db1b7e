//! Alerts that were told, in a table.

use serde_json::json;
use watch_core::arn::KeyArn;
use watch_core::ledger::history::{Entry, Heard};
use watch_core::link;
use watch_core::severity::Severity;
use watch_core::text::Untrusted;

use super::Scene;
use crate::html::{Cell, Page, titles};
use crate::library::whole_story;

/// In whose history they stand.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// A key's.
    Key(&'a KeyArn),
    /// The account's.
    Account,
}

/// Alerts that were told, the latest first, each with its record in CloudTrail and, if wanted, its thread.
pub fn entries(
    page: &mut Page,
    scene: &Scene<'_>,
    whose: Whose<'_>,
    entries: &[Entry],
    threads: bool,
) {
    if entries.is_empty() {
        page.line("Nothing.");
        return;
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            // Of what stands in the ledger, only what was cleaned again.
            let severity: Option<Severity> = entry.severity.parse().ok();
            let class = match severity {
                Some(Severity::Critical | Severity::High) => "urgent",
                Some(Severity::Medium) => "wrong",
                _ => "soft",
            };
            let told = match entry.heard {
                Some(Heard::Alone) => "alone",
                Some(Heard::Together) => "with others",
                Some(Heard::Digest) => "in the digest",
                Some(Heard::Nobody) => "feed only",
                None => "",
            };
            let mut cells = vec![
                Cell::time(Some(entry.occurred_at)),
                Cell::new(severity.map_or("?", Severity::as_str)).class(class),
                Cell::new(entry.title.as_str()).class("long"),
                Cell::new(entry.actor.as_ref().map_or("", Untrusted::as_str)).class("long"),
                Cell::new(told),
                Cell::markup(record(page, scene, entry)),
            ];
            if threads {
                cells.push(Cell::markup(thread(page, scene, whose, entry)));
            }
            cells
        })
        .collect();
    let names = ["When", "Severity", "What", "Who", "Told", "Event", "Thread"];
    let names = &names[..names.len() - usize::from(!threads)];
    page.table("Alerts", &titles(names), rows);
}

/// Its record, which CloudTrail's event history has for 90 days.
fn record(page: &Page, scene: &Scene<'_>, entry: &Entry) -> String {
    let home = &scene.config.alert_topic;
    let id = entry.event_id.as_ref().map(Untrusted::as_str);
    let address = id.and_then(|id| link::event(home.partition(), home.region(), id));
    address.map_or_else(String::new, |address| page.link("CloudTrail", &address))
}

/// A button that shows all alerts of its story; none for an alert that stands alone.
fn thread(page: &Page, scene: &Scene<'_>, whose: Whose<'_>, entry: &Entry) -> String {
    let (key, partition) = match whose {
        Whose::Key(key) => (key.id(), key.to_string()),
        Whose::Account => ("", crate::library::account_of(&scene.config.alert_topic)),
    };
    let story = entry.dedup_key.as_deref();
    let story = story.and_then(|story| whole_story(&partition, story));
    let Some(story) = story.filter(|story| page.can_ask() && !story.starts_with("event#")) else {
        return String::new();
    };
    let ask = json!({"view": "thread", "key": key, "story": story});
    page.button(
        "Thread",
        &format!("Thread of: {}", entry.title.as_str()),
        true,
        "",
        &ask,
    )
}
