//! That an event told of a grant: a sweep that finds the grant there, or gone, does not tell of it again.

use jiff::Timestamp;

use crate::items::{Item, ItemKey, TIME_TO_LIVE, expiry, keyed};
use crate::subject::Subject;
use crate::text::Untrusted;

/// A sweep that looks at all keys every day asks for it within two; a week leaves room for some that were missed.
const KEPT_DAYS: i64 = 7;

/// What an event told of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantTold {
    /// It was made.
    Created,
    /// It was revoked or retired.
    Ended,
}

impl GrantTold {
    /// Name of the item of the ledger, under the key `partition`.
    pub fn key(self, partition: &str, grant: &str) -> ItemKey {
        let what = match self {
            Self::Created => "created",
            Self::Ended => "ended",
        };
        ItemKey::new(partition, format!("grant#{grant}#{what}"))
    }

    pub(super) fn note(
        self,
        subject: &Subject,
        grant: Option<&Untrusted>,
        now: Timestamp,
    ) -> Vec<Item> {
        let item = |grant: &Untrusted| {
            let until = expiry(now, KEPT_DAYS).into();
            let attributes = Item::from_iter([(TIME_TO_LIVE.to_owned(), until)]);
            keyed(
                &self.key(&subject.partition_key(), grant.as_str()),
                attributes,
            )
        };
        grant.map(item).into_iter().collect()
    }
}
