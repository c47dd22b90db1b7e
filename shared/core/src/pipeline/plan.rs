//! Which round trips of an occurrence run together.
//!
//! | plan | first | then | for |
//! |---|---|---|---|
//! | at once | | recall ∥ ask ∥ claim ∥ count | what has a name of its own: nearly everything |
//! | facts first | recall ∥ ask | claim ∥ count | what is named by its key material, or by a date that KMS knows |
//! | ledger first | recall | ask ∥ claim ∥ count | what repeats itself: a repeat asks KMS nothing |
//!
//! Publishing and marking come after that, one round trip each.

use crate::kinds::Kind;

/// The order of an occurrence's round trips up to its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Everything together.
    AtOnce,
    /// It has no name before its key material, or its date, is known.
    FactsFirst,
    /// Most of its like are repeats. Whoever finds that out first costs two reads and one write, and asks KMS nothing: a
    /// program that fails a thousand times a second must not use up the quotas that other alerts need.
    LedgerFirst,
}

impl Plan {
    /// The plan for an occurrence of this kind; `counted` if its repeats are counted.
    pub(super) fn of(kind: &Kind, counted: bool) -> Self {
        if lacks_material(kind) || kind.needs_facts() {
            Self::FactsFirst
        } else if counted {
            Self::LedgerFirst
        } else {
            Self::AtOnce
        }
    }

    /// The ledger is read before the claim, and not with it.
    pub(super) fn recalls_first(self) -> bool {
        matches!(self, Self::FactsFirst | Self::LedgerFirst)
    }

    /// KMS is asked before the claim, and not with it.
    pub(super) fn asks_first(self) -> bool {
        self == Self::FactsFirst
    }
}

/// Its key material makes it what it is, and the telling does not say which.
pub(super) fn lacks_material(kind: &Kind) -> bool {
    kind.material() == Some(None)
}
