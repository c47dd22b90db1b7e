//! Any items in the ledger: whoever may write the table is no more to be trusted than whoever may name a key.
//!
//! Input: `{"ledger": [<item>…], "event": …, "kms": …}`, and `now` and `settings` as for the target `events`.

use serde_json::Value;
use watch_core::items::{Claim, Item};
use watch_core::ledger::burst::{Note, Tally, Window, member, recent};
use watch_core::ledger::history::Entry;
use watch_core::ledger::repeats::Series;
use watch_core::ledger::{AliasTarget, Policy, Profile, Raised};

use super::FUNCTIONS;
use crate::world::{block_on, function};
use crate::{Verdict, messages};

/// Runs an input.
///
/// # Errors
///
/// What does not hold: each item is read or not, and what was read is the same once it is written and read again; the
/// functions handle the event with these items, and fail only for a claim that another holds.
pub fn run(input: &Value) -> Verdict {
    let Some(items) = input["ledger"].as_array() else {
        return Ok(());
    };
    items
        .iter()
        .filter_map(Value::as_object)
        .try_for_each(read)?;
    FUNCTIONS.iter().try_for_each(|(name, decide)| {
        let watch = function(name, *decide, input);
        watch.topics.broken.borrow_mut().clear();
        let outcome = block_on(watch.handle(&input["event"], "one"));
        messages::check(&watch.topics.sent.borrow())
            .map_err(|problem| format!("{name}: {problem}"))?;
        match outcome {
            Err(error) if error.kind() != "OccurrenceHeld" => Err(format!("{name}: {error}")),
            _ => Ok(()),
        }
    })
}

/// Reads an item as everything that an item can be.
fn read(item: &Item) -> Verdict {
    let now = jiff::Timestamp::UNIX_EPOCH;
    again("claim", Claim::read(item).as_ref(), |claim| {
        Claim::read(&claim.item())
    })?;
    again("policy", Policy::read(item).as_ref(), |policy| {
        Policy::read(&policy.item("p"))
    })?;
    again("alias", AliasTarget::read(item).as_ref(), |target| {
        AliasTarget::read(&target.item("p", "alias/a", now))
    })?;
    let profile = Profile::read(item);
    if !profile.is_empty() {
        let changes = Profile::default().changes(&profile, now);
        let read = Profile::read(&changes);
        let lost = read.changes(&profile, now);
        let lost: Vec<_> = lost.keys().filter(|name| name.as_str() != "asOf").collect();
        if !lost.is_empty() {
            return Err(format!(
                "a profile loses {lost:?} when it is written: {profile:?}"
            ));
        }
    }
    drop((Entry::read(item), Raised::read(item), recent(item, now)));
    let window = Window::of_burst("p", "KeyDeleted", "somebody", now);
    let _ = (window.start(), window.counter(), window.counter_before());
    let note = Note {
        at: now,
        alert: "alert".to_owned(),
        about: "p".to_owned(),
        quiet: false,
    };
    let tally = Tally::read(item, &member("identity", &note, now)).or_else(|| Tally::beyond(item));
    if let Some(tally) = tally {
        let _ = watch_core::ledger::burst::fold(&tally, Some(item), now);
    }
    drop(Series::new("p", "UnusableKeyUsed", "series").find(std::slice::from_ref(item)));
    Ok(())
}

fn again<T: PartialEq + std::fmt::Debug>(
    what: &str,
    item: Option<&T>,
    write: impl Fn(&T) -> Option<T>,
) -> Verdict {
    match item {
        Some(item) if write(item).as_ref() != Some(item) => Err(format!(
            "the {what} {item:?} is read as {:?} once it was written",
            write(item)
        )),
        _ => Ok(()),
    }
}
