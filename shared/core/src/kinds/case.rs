//! What a kind words its alert from, and the commands that it offers.

use jiff::{Timestamp, ToSpan};

use crate::about::{Key, KeyStore, LastUse, LastUseStatus};
use crate::actor::Actor;
use crate::arn::Region;
use crate::dependants::Dependants;
use crate::key::State;
use crate::severity::Severity;
use crate::step::{Step, StepType};
use crate::text;
use crate::text::Text;

/// One occurrence with all that is known of it: what a kind words its alert from.
pub struct Case<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Option<&'a Actor>,
    /// The key, if it is about one.
    pub key: Option<&'a Key>,
    /// The custom key store, if it is about one.
    pub key_store: Option<&'a KeyStore>,
    /// Who and what depends on it, as far as that is known.
    pub dependants: Option<&'a Dependants>,
    /// KMS says that there is no such key, or key store.
    pub gone: bool,
    /// KMS did not fail to say how it stands: its state is what KMS says now, and no memory.
    pub live: bool,
    /// KMS refused to say when the key was used last, because it gets too many requests.
    pub use_refused: bool,
}

/// Days back from an occurrence within which a key counts as in use.
pub(super) const RECENT_DAYS: i64 = 30;
/// How old what the ledger knows of a key's use may be to count in place of KMS's answer, in days.
const REMEMBERED_USE_DAYS: i64 = 2;
/// Days back from an occurrence beyond which a key counts as idle.
const IDLE_DAYS: i64 = 90;

impl<'a> Case<'a> {
    /// The key's name for people.
    pub(super) fn name(&self) -> Text {
        self.key.map_or_else(|| text!["a key"], Key::name)
    }

    pub(super) fn state(&self) -> Option<&'a State> {
        self.key.and_then(|key| key.state.as_ref())
    }

    /// The state that KMS reported just now, and not the one that is remembered.
    pub(super) fn state_now(&self) -> Option<&'a State> {
        self.state().filter(|_| self.live && !self.gone)
    }

    pub(super) fn last_use(&self) -> Option<&'a LastUse> {
        self.key.and_then(|key| key.last_use.as_ref())
    }

    /// When the key was used last is not known, or only as of long ago, because KMS refused to say. Whoever makes enough
    /// requests can bring that about, so that it must not make anything less urgent.
    pub(super) fn use_is_unknown_by_refusal(&self) -> bool {
        let fresh = self.days_before(REMEMBERED_USE_DAYS);
        let remembered = self.last_use().and_then(|last_use| last_use.as_of);
        self.use_refused && remembered.is_none_or(|as_of| as_of < fresh)
    }

    /// The key was used in the `days` before it happened, or since; or KMS refused to say.
    pub(super) fn used_within(&self, days: i64) -> bool {
        if self.use_is_unknown_by_refusal() {
            return true;
        }
        let since = self.days_before(days);
        self.last_use()
            .and_then(|last_use| last_use.at)
            .is_some_and(|at| at >= since)
    }

    /// The key was never used, or not for [`IDLE_DAYS`]. What is not known does not count.
    pub(super) fn idle(&self) -> bool {
        if self.use_is_unknown_by_refusal() {
            return false;
        }
        let since = self.days_before(IDLE_DAYS);
        self.last_use()
            .is_some_and(|last_use| match last_use.status {
                LastUseStatus::NeverUsed => true,
                LastUseStatus::Used => last_use.at.is_some_and(|at| at < since),
                LastUseStatus::Unknown => false,
            })
    }

    pub(super) fn never_used(&self) -> bool {
        !self.use_is_unknown_by_refusal()
            && self
                .last_use()
                .is_some_and(|last_use| last_use.status == LastUseStatus::NeverUsed)
    }

    /// Why an alert about a key is as urgent as it is, if that follows from the key's last use.
    pub(super) fn reason_by_use(&self, severity: Severity) -> Option<Text> {
        if severity < Severity::High {
            return self.reason_of_disuse();
        }
        if self.use_is_unknown_by_refusal() {
            return Some(text![
                "KMS did not say when the key was last used, so that the key counts as in use"
            ]);
        }
        match self.last_use() {
            Some(last_use) if self.used_within(RECENT_DAYS) => {
                let mut text = text!["the key was used"];
                if let Some(at) = last_use.at {
                    text.push(text![" ", self.before(at)]);
                }
                if let Some(operation) = &last_use.operation {
                    text.push(text![" (", operation, ")"]);
                }
                Some(text)
            }
            // What is most urgent in spite of that is so for another reason.
            None
            | Some(LastUse {
                status: LastUseStatus::Unknown,
                ..
            }) if severity == Severity::High => Some(text!["the last use of the key is not known"]),
            // Not what is most urgent: that is so for another reason.
            Some(last_use) if severity == Severity::High => last_use
                .at
                .map(|at| text!["the key was last used ", self.before(at)]),
            _ => None,
        }
    }

    /// Why it is no more urgent than it is.
    fn reason_of_disuse(&self) -> Option<Text> {
        if self.never_used() {
            return Some(text!["the key was never used"]);
        }
        let at = self.last_use().and_then(|last_use| last_use.at);
        let at = at.filter(|_| self.idle())?;
        Some(text!["the key was last used ", self.before(at)])
    }

    /// How long before the occurrence something was, as people count: `11 hours earlier`.
    pub(super) fn before(&self, at: Timestamp) -> Text {
        let minutes = self.at.duration_since(at).as_mins();
        let (count, unit) = match minutes {
            ..0 => return text!["after this event, on ", at],
            0..120 => (minutes, "minute"),
            120..2_880 => (minutes / 60, "hour"),
            _ => (minutes / 1_440, "day"),
        };
        let plural = if count == 1 { "" } else { "s" };
        text![count, " ", unit, plural, " earlier"]
    }

    pub(super) fn days_before(&self, days: i64) -> Timestamp {
        self.at
            .saturating_sub((days * 24).hours())
            .unwrap_or(Timestamp::MIN)
    }

    /// `aws kms <operation> --key-id <ARN> <rest> --region <Region>`. The ARN's alphabet needs no quotes.
    pub(super) fn kms_command(&self, operation: &str, rest: &str) -> Option<String> {
        let arn = &self.key?.arn;
        let space = if rest.is_empty() { "" } else { " " };
        Some(format!(
            "aws kms {operation} --key-id {arn}{space}{rest} --region {}",
            arn.region().as_str()
        ))
    }

    /// Who did lately what to or with the key, as CloudTrail's event history has it.
    pub(super) fn history_command(&self) -> Option<String> {
        let arn = &self.key?.arn;
        Some(lookup_events(
            "ResourceName",
            &arn.to_string(),
            arn.region(),
        ))
    }
}

/// Reads are left out: those of KMS Watch itself are most of them. A shell leaves "! " alone.
const HISTORY_QUERY: &str = "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && \
                             ! starts_with(EventName,'Get')].[EventTime,EventName,Username]";

/// The last calls with this `attribute` in CloudTrail's event history, as a table. `value` is bare.
pub(super) fn lookup_events(attribute: &str, value: &str, region: &Region) -> String {
    format!(
        "aws cloudtrail lookup-events --lookup-attributes AttributeKey={attribute},AttributeValue={value} --max-items 200 \
         --query \"{HISTORY_QUERY}\" --output table --region {}",
        region.as_str()
    )
}

/// Stops further harm, and can be taken back.
pub(super) fn contain(text: Text, command: Option<String>) -> Step {
    Step::new(StepType::Contain, text, command)
}

/// Takes back what happened.
pub(super) fn undo(text: Text, command: Option<String>) -> Step {
    Step::new(StepType::Undo, text, command)
}

/// Asks a person.
pub(super) fn ask(text: Text) -> Step {
    Step::new(StepType::Ask, text, None)
}

/// Finds out by looking.
pub(super) fn look(text: Text, command: Option<String>) -> Step {
    Step::new(StepType::Look, text, command)
}

/// Mends what does not work.
pub(super) fn fix(text: Text, command: Option<String>) -> Step {
    Step::new(StepType::Fix, text, command)
}
