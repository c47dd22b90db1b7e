//! A deletion that somebody announced: by a tag, before it was scheduled, or by the command, after.
//!
//! KMS takes no tags for a key that is pending deletion (KMS Developer Guide, key states), so that a tag on one is older than
//! its deletion. Whoever may schedule a deletion may set a tag first: a plan silences a countdown only where nobody uses the
//! key, and nothing of the first alert.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::about::{LastUse, LastUseStatus};
use crate::kinds::UnusableKeyUsed;
use crate::kinds::case::RECENT_DAYS;
use crate::kinds::describe::Found;
use crate::ledger::ack::Ack;
use crate::ledger::profile::{Announced, PlannedTag, Scheduled};
use crate::text;
use crate::text::{Text, Untrusted};

/// Longest value of a tag, or reason, that is shown.
const SHOWN: usize = PlannedTag::SHOWN;
/// The date of a deletion as the record has it, and as KMS has it, differ by less.
const SAME_DATE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How a deletion was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Planned {
    /// The key of the tag that says so; `null` if it was the command.
    pub tag: Option<Untrusted>,
    /// What the tag says, or the reason given: a date, a ticket.
    pub says: Untrusted,
    /// Who set the tag, or acknowledged the deletion by the command; `null` if that is not known.
    pub by: Option<Untrusted>,
    /// When they did so; `null` if that is not known.
    pub at: Option<Timestamp>,
}

impl Planned {
    /// What a tag of the key says, if there is one.
    pub(super) fn by_tag(found: &Found<'_>) -> Option<Self> {
        let key = Untrusted::new(found.settings.planned_tag_key);
        let tags = &found.profile.tags.as_ref()?.value;
        let says = tags.get(&key)?.shortened(SHOWN).non_empty()?;
        // What was set last, as far as an event told of it: another value was set by somebody else.
        let set = found.profile.planned_tag.as_ref();
        let set = set.filter(|set| set.says.as_ref() == Some(&says));
        Some(Self {
            tag: Some(key),
            by: set.and_then(|set| set.by.as_ref()?.shortened(SHOWN).non_empty()),
            at: set.map(|set| set.at),
            says,
        })
    }

    /// What is known of a deletion on `date`, and whether anything is otherwise than people were told.
    pub(super) fn of(found: &Found<'_>, date: Timestamp) -> Option<Self> {
        let item = found.item(&Ack::key(&found.subject.partition_key()));
        let ack = item.and_then(|item| Ack::read(item, date, found.now));
        let by_command = ack.map(|ack| Self {
            tag: None,
            says: ack.reason.shortened(SHOWN),
            by: Some(ack.by.shortened(SHOWN)),
            at: Some(ack.at),
        });
        by_command.or_else(|| {
            let now = Self::by_tag(found)?;
            let told = found.profile.announced.as_ref()?;
            let same_date = told.deletion_at.duration_since(date).abs() <= SAME_DATE_WITHIN;
            (told.says == now.says && same_date).then_some(now)
        })
    }

    /// What is remembered of the first alert, which said so.
    pub(super) fn announced(&self, deletion_at: Timestamp) -> Announced {
        Announced {
            says: self.says.clone(),
            deletion_at,
        }
    }

    /// Who says what.
    pub(super) fn words(&self) -> Text {
        let says = &self.says;
        let Some(tag) = &self.tag else {
            let mut text = match &self.by {
                Some(by) => text![by, " acknowledged the deletion"],
                None => text!["The deletion was acknowledged"],
            };
            if let Some(at) = self.at {
                text.push(text![" on ", at]);
            }
            text.push(text![": \"", says, "\"."]);
            return text;
        };
        let mut text = text![
            "The deletion is planned: the tag ",
            tag,
            " says \"",
            says,
            "\"."
        ];
        text.sentence(match (&self.by, self.at) {
            (Some(by), Some(at)) => text![by, " set the tag on ", at, "."],
            (_, Some(at)) => text!["The tag was set on ", at, ". By whom is not known."],
            (_, None) => text!["Who set the tag is not known."],
        });
        text
    }
}

/// Somebody tried to use the key since its deletion was scheduled.
pub(super) fn was_tried(found: &Found<'_>) -> bool {
    let scheduled = found
        .profile
        .scheduled
        .as_ref()
        .map(|Scheduled { at, .. }| *at);
    let tried = found.profile.acts.get(UnusableKeyUsed::NAME);
    tried.is_some_and(|act| scheduled.is_none_or(|at| act.at >= at))
}

/// Nobody used the key within the days before `scheduled`, nor since. What is not known does not count.
pub(super) fn is_unused(last_use: &LastUse, scheduled: Timestamp) -> bool {
    let since = scheduled - SignedDuration::from_hours(24 * RECENT_DAYS);
    match last_use.status {
        LastUseStatus::NeverUsed => true,
        LastUseStatus::Used => last_use.at.is_some_and(|at| at < since),
        LastUseStatus::Unknown => last_use
            .tracked_since
            .is_some_and(|tracked| tracked <= since),
    }
}
