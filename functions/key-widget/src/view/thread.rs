//! A thread: all alerts of one story, together.
//!
//! A mail, and a message in a chat, has no address that a program could know: SNS gives none back. What can be linked is where the same
//! alerts are seen: here, in CloudTrail, and in the functions' logs.

use watch_core::arn::KeyArn;
use watch_core::ledger::history::Entry;
use watch_core::link;
use watch_core::text::{Untrusted, is_identifier};

use super::Scene;
use super::told::{Whose, entries};
use crate::html::Page;
use crate::library::Thread;

/// Ids that a query of the logs looks for.
const LOOKED_FOR: usize = 20;

/// No thread is chosen.
pub fn choose(page: &mut Page) {
    page.title("One thread");
    page.line("Choose an alert: in the views key and health, each has a button for its thread.");
}

/// Draws it: about a key, or about the account.
pub fn draw(
    page: &mut Page,
    scene: &Scene<'_>,
    key: Option<&KeyArn>,
    story: &Untrusted,
    thread: &Thread,
) {
    let name = thread.entries.first().map(|entry| entry.name.as_str());
    page.title(&format!(
        "The thread {} of {}",
        story.as_str(),
        name.unwrap_or_else(|| key.map_or("the account", KeyArn::id))
    ));
    page.line("All alerts about one condition, the latest first. On the feed, dedupKey is the same in all of them.");
    let whose = key.map_or(Whose::Account, Whose::Key);
    entries(page, scene, whose, &thread.entries, false);
    if thread.more {
        page.aside("Only the latest alerts were looked through: kms-watch history has the rest.");
    }
    elsewhere(page, scene, key, &thread.entries);
}

/// Where else they are seen.
fn elsewhere(page: &mut Page, scene: &Scene<'_>, key: Option<&KeyArn>, entries: &[Entry]) {
    page.heading("Where else");
    let home = &scene.config.alert_topic;
    let mut ways = Vec::new();
    if let Some(key) = key {
        ways.push(page.key_button("Everything about the key", key.id()));
        ways.extend(super::key::places(page, key));
    }
    let stack = scene.config.stack_name.as_deref();
    let logs = stack.and_then(|stack| link::logs(home.partition(), home.region(), stack));
    if let Some(logs) = logs {
        ways.push(page.link("Logs of the functions in CloudWatch", &logs));
    }
    page.raw(&format!("<p>{}</p>\n", ways.join(" · ")));
    let ids = entries.iter().map(|entry| entry.alert_id.as_str());
    let ids: Vec<_> = ids
        .filter(|id| is_identifier(id))
        .take(LOOKED_FOR)
        .collect();
    if !ids.is_empty() {
        page.text("In Logs Insights, this finds when they were sent: ");
        page.codes(&[&format!("filter @message like /{}/", ids.join("|"))]);
    }
    page.aside("In a mailbox, look for the titles: SNS gives a mail no address. In a chat, all alerts about one key are one thread.");
}
