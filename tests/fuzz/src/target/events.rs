//! Any JSON through every function, on a KMS that answers anything.
//!
//! Input: `{"event": …, "kms": …, "settings": …, "broken": […], "ledger": "<error code>", "now": …}`.

use serde_json::Value;
use watch_core::pipeline::Verdict as Outcome;

use super::FUNCTIONS;
use crate::world::{Function, block_on, function, name};
use crate::{Verdict, messages};

/// Runs an input.
///
/// # Errors
///
/// What does not hold: of the messages; that a function fails only if a topic does, and then tells when it is tried
/// again; that what was told is not told again.
pub fn run(input: &Value) -> Verdict {
    if input["ledger"].is_array() {
        // That is the target `ledger`.
        return Ok(());
    }
    FUNCTIONS.iter().try_for_each(|(name, decide)| {
        let watch = function(name, *decide, input);
        handle(&watch, input).map_err(|problem| format!("{name}: {problem}"))
    })
}

fn handle(watch: &Function, input: &Value) -> Verdict {
    let event = &input["event"];
    let forgetful = input["ledger"].is_string();
    let failed = block_on(watch.handle(event, "one")).err();
    messages::check(&watch.topics.sent.borrow())?;
    let broken = std::mem::take(&mut *watch.topics.broken.borrow_mut());
    if let Some(error) = failed {
        if broken.is_empty() {
            return Err(format!("failed with every topic at work: {error}"));
        }
        // Lambda tries again, now that the topic works.
        let again = block_on(watch.handle(event, "one"));
        again.map_err(|error| format!("failed again: {error}"))?;
        messages::check(&watch.topics.sent.borrow())?;
    }
    if forgetful {
        return Ok(());
    }
    watch.topics.sent.borrow_mut().clear();
    let outcome = block_on(watch.handle(event, "two"));
    let outcome = outcome.map_err(|error| format!("failed the second time: {error}"))?;
    let sent = watch.topics.sent.borrow();
    messages::check(&sent)?;
    let for_people = sent.iter().find(|message| name(message) != "feed");
    match for_people {
        Some(message) => Err(format!(
            "told twice: {:?} {}",
            message.subject, message.body
        )),
        None if outcome.verdict == Outcome::Delivered && sent.is_empty() => {
            Err("said to be delivered, and nothing was sent".to_owned())
        }
        None => Ok(()),
    }
}
