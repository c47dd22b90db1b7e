//! What is held back of a burst.

use jiff::Timestamp;

use crate::ledger::ItemKey;
use crate::ledger::burst::Note;
use crate::ledger::held::Held;
use crate::ledger::history::Entry;
use crate::severity::Severity;
use crate::text::Untrusted;

/// An alert that is held back, and what it belongs to.
pub(super) struct Holding {
    /// How many alerts the burst has by now.
    pub(super) count: u64,
    /// Whom people are told of now: everybody, those of one owner, or nobody.
    pub(super) due: Due,
    /// The members of the burst that are known.
    pub(super) members: Vec<Member>,
    pub(super) since: Timestamp,
    pub(super) series: String,
    /// The most urgent that people were told.
    pub(super) level: Severity,
}

/// Who is told now of what is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Everybody concerned.
    All,
    /// This owner, whose first key it is.
    Owner(String),
    /// Nobody.
    Later,
}

/// An alert of a burst.
#[derive(Clone)]
pub(super) struct Member {
    /// The item that holds it; `None` if it went out by itself.
    pub(super) item: Option<ItemKey>,
    pub(super) held: Held,
}

impl Member {
    /// One that went out by itself.
    pub(super) fn singly(note: &Note, entry: Entry) -> Self {
        Self {
            item: None,
            held: Held {
                alert: entry.alert_id,
                at: entry.occurred_at,
                about: note.about.clone(),
                name: entry.name,
                owner: entry.owner,
                severity: entry.severity,
                told: true,
                kind: None,
                title: None,
            },
        }
    }

    pub(super) fn owner(&self) -> &str {
        self.held.owner.as_ref().map_or("", Untrusted::as_str)
    }
}
