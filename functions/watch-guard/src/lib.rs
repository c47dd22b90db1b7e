//! Does somebody silence the watch?
//!
//! * Trigger: EventBridge rules for the API calls, through CloudTrail, that can change what KMS Watch sees or says, whoever
//!   they are about: in which ways a call may name its resource is the code's business, and not the rules'.
//! * Effect: one alert on the topics, nothing else. Other rules tell the health topic of the same calls without a function.
//! * IAM: `sns:Publish` and `sns:GetTopicAttributes` on its topics; its ledger; what [`guard`] reads of key-inventory. Nothing
//!   of KMS.
//!
//! Two calls it expects: the canary, by which the stack shows that the watch is at work; and a test, which `kms-watch send-test`
//! hands to this function itself, and which says to everybody that nothing happened.
//! Once an hour a schedule has it look at key-inventory, which looks at all others ([`check`]).
//!
//! What a call does stands in the table [`watch_core::kinds::watch_changed::calls::CALLS`]; whether it is about this stack is
//! seen by the names that CloudFormation gives (`watch_core::stack`).

pub mod check;
pub mod guard;

use watch_core::decision::{Decision, Occurrence};
use watch_core::event::{Event, Unreadable, is_call};
use watch_core::kinds::{Kind, WatchCanary, WatchChanged, WatchTest};

/// The function's name.
pub const NAME: &str = "watch-guard";

/// What this function makes of an event.
pub fn decide(event: &Event) -> Decision {
    let record = match event {
        Event::OtherCall(record) => record,
        // The rules let no other call through than those of the table.
        Event::Other(envelope) if is_call(envelope.detail_type.as_str()) => {
            return Decision::Unreadable(Unreadable::NoEvent("no eventName"));
        }
        other => return Decision::not_mine(other),
    };
    if let Some(test) = WatchTest::of_call(record) {
        return match (test, record.home()) {
            (Err(reason), _) => Decision::Ignore(reason.into()),
            (Ok(test), Some(subject)) => Occurrence::of_test(subject, record, test).into(),
            (Ok(_), None) => Decision::Unreadable(Unreadable::NoEvent("no account or Region")),
        };
    }
    let kind: Result<Kind, _> = match (WatchCanary::of_call(record), WatchChanged::of_call(record))
    {
        (Some(canary), _) => canary.map(Kind::from),
        (None, Some(changed)) => changed.map(Kind::from),
        (None, None) => return Decision::not_mine(event),
    };
    match (kind, record.home()) {
        (Err(reason), _) => Decision::Ignore(reason.into()),
        (Ok(kind), Some(subject)) => Occurrence::of_cloudtrail_on(subject, record, kind).into(),
        (Ok(_), None) => Decision::Unreadable(Unreadable::NoEvent("no account or Region")),
    }
}
