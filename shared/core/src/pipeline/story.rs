//! The names of stories, and of the items of the ledger that say what is open of them. Pure.

use crate::decision::Occurrence;
use crate::kinds::story::{Part, Story};
use crate::ledger::{ItemKey, Openings};
use crate::subject::Subject;

/// The items of the ledger that say what is open, of the stories that an occurrence may be a part of.
pub(super) fn indexes(occurrence: &Occurrence, partition: &str) -> Vec<ItemKey> {
    let story = occurrence.kind.story();
    // What is open of an alarm is remembered with the alarm.
    let is_kept =
        story.part != Part::Event && occurrence.kind.alarm().is_none_or(|_| !is_of_alarm(&story));
    let unnamed = story.unnamed.filter(|_| story.looks_back);
    let conditions = story.condition.into_iter().chain(unnamed);
    let mut keys: Vec<_> = conditions
        .filter(|_| is_kept)
        .map(|condition| Openings::key(partition, &condition))
        .collect();
    keys.dedup();
    keys
}

fn is_of_alarm(story: &Story) -> bool {
    let condition = story.condition.as_deref();
    condition.is_some_and(|condition| condition.starts_with("alarm#"))
}

/// The name of the story `condition` of `subject`.
pub(super) fn dedup_key(subject: &Subject, condition: &str) -> String {
    let whose = match subject {
        Subject::Key(key) => key.to_string(),
        // An id alone does not say of which account.
        Subject::KeyStore { id, .. } => format!("{}#{}", subject.account_key(), id.as_str()),
        Subject::Account { .. } => subject.account_key(),
    };
    format!("{whose}#{condition}")
}

/// What is remembered with an alarm of the story that its alert is a part of, if it is not the alarm's own.
pub(super) fn condition_beside(story: &Story) -> Option<String> {
    story.condition.clone().filter(|_| !is_of_alarm(story))
}
