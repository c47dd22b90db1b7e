//! One alert per occurrence: who tells of it, and to whom it was told.
//!
//! A claim is taken by a conditional write, held by a lease, and ends as delivered. What its holder did not finish,
//! another takes over when the lease has run out, or the holder itself as soon as Lambda asks it again: an alert is
//! never lost, at worst told twice.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Item, ItemKey, KEPT_DAYS, expiry, to_item};

/// How long a claim is held: more than the 30 seconds that Lambda gives an invocation, less than the minute after which
/// it tries again (Lambda Developer Guide, asynchronous invocation).
const LEASE: Duration = Duration::from_secs(50);

/// Two tellings of something that KMS did are tellings of one occurrence if no more time than this lies between them.
const SAME_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// How many earlier occurrences of one identity a claim remembers.
const REMEMBERED: usize = 8;

/// The right to tell of an occurrence, or the record that it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Its item: `claim#<identity>` of the occurrence's subject.
    #[serde(flatten)]
    pub key: ItemKey,
    /// Raised by every write, so that none overwrites another unseen.
    pub version: u64,
    /// How far it is.
    pub state: ClaimState,
    /// The invocation that holds it: Lambda's request id, which its retries share.
    pub owner: String,
    /// Until when the owner holds it.
    pub lease: Timestamp,
    /// The topics served.
    pub topics: BTreeSet<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the same happened before, as far as that was told.
    #[serde(default)]
    pub before: Vec<Timestamp>,
    /// CloudTrail's id of the call that is told, where it stands for others of its kind: it is not one more of them if it
    /// comes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Sort key of the alert that told of it, where that was told under another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_as: Option<String>,
    /// When the item may be deleted, in seconds since 1970.
    pub ttl: i64,
}

/// How far a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ClaimState {
    /// Somebody is telling.
    Claimed,
    /// Every topic has it.
    Delivered,
}

/// What a claim means to somebody who wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was told.
    Told,
    /// Another is about to tell.
    Held,
    /// It can be had: the claim to write in its place.
    Open(Box<Claim>),
}

impl Claim {
    /// The claim that `owner` would like to have.
    pub fn new(key: ItemKey, owner: &str, occurred_at: Timestamp, now: Timestamp) -> Self {
        Self {
            key,
            version: 1,
            state: ClaimState::Claimed,
            owner: owner.to_owned(),
            lease: now.saturating_add(LEASE).unwrap_or(Timestamp::MAX),
            topics: BTreeSet::new(),
            occurred_at,
            before: Vec::new(),
            call: None,
            told_as: None,
            ttl: expiry(now, KEPT_DAYS),
        }
    }

    /// Reads an item. One that is no claim is none.
    pub fn read(item: &Item) -> Option<Self> {
        serde_json::from_value(Value::Object(item.clone())).ok()
    }

    /// Its item.
    pub fn item(&self) -> Item {
        to_item(self)
    }

    /// What `self`, which stands in the ledger, means to `wanted`. If the identity `recurs`, the same thing more than a
    /// day away is a new occurrence.
    pub(crate) fn standing(&self, wanted: &Self, recurs: bool, now: Timestamp) -> Standing {
        let same = |at: &Timestamp| {
            !recurs || at.duration_since(wanted.occurred_at).unsigned_abs() <= SAME_WITHIN
        };
        if self.before.iter().any(same) {
            return Standing::Told;
        }
        let delivered = self.state == ClaimState::Delivered;
        if delivered && same(&self.occurred_at) {
            return Standing::Told;
        }
        // Nobody holds a claim for longer than a lease: one that says so was not written by a function.
        let most = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        let leased = self.lease > now && self.lease <= most;
        if !delivered && self.owner != wanted.owner && leased {
            return Standing::Held;
        }
        let mut open = wanted.clone();
        open.version = self.version.saturating_add(1);
        open.before.clone_from(&self.before);
        if same(&self.occurred_at) {
            // What an invocation served it need not serve again when it is tried anew. That another one served it only the
            // ledger says, and no item of it keeps an alert from anybody.
            if self.owner == wanted.owner {
                open.topics.clone_from(&self.topics);
            }
        } else if delivered {
            open.before.push(self.occurred_at);
            let surplus = open.before.len().saturating_sub(REMEMBERED);
            open.before.drain(..surplus);
        }
        Standing::Open(Box::new(open))
    }

    /// When the occurrences happened that it says were told.
    pub fn told_at(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.before.iter().copied().chain([self.occurred_at])
    }

    /// Everybody was told, by the alert with this sort key.
    pub fn delivered_as(mut self, told_as: String) -> Self {
        self.told_as = Some(told_as);
        self.delivered(BTreeSet::new())
    }

    /// Everybody was told.
    pub fn delivered(mut self, topics: BTreeSet<String>) -> Self {
        self.version = self.version.saturating_add(1);
        self.state = ClaimState::Delivered;
        self.topics.extend(topics);
        self
    }

    /// Some topics have it, the others are still owed; whoever is asked next may go on at once.
    pub fn owing(mut self, topics: BTreeSet<String>, now: Timestamp) -> Self {
        self.version = self.version.saturating_add(1);
        self.topics.extend(topics);
        self.lease = now;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-20T12:00:00Z";
    const THEN: &str = "2026-11-20T10:00:00Z";

    fn claim(owner: &str, occurred_at: &str) -> Claim {
        Claim::new(
            ItemKey::new("k", "claim#x"),
            owner,
            at(occurred_at),
            at(NOW),
        )
    }

    fn served(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn open(standing: Standing) -> Claim {
        match standing {
            Standing::Open(claim) => *claim,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_delivered_is_never_told_again_but_a_day_later_where_it_recurs() {
        let told = claim("a", THEN).delivered(served(&["people"]));
        for (occurred_at, recurs, told_already) in [
            (THEN, false, true),
            ("2028-11-20T10:00:00Z", false, true),
            (THEN, true, true),
            ("2026-11-21T10:00:00Z", true, true),
            ("2026-11-19T10:00:00Z", true, true),
            ("2026-11-21T10:00:01Z", true, false),
            ("2026-11-19T09:59:59Z", true, false),
        ] {
            let standing = told.standing(&claim("b", occurred_at), recurs, at(NOW));
            assert_eq!(
                standing == Standing::Told,
                told_already,
                "{occurred_at} {recurs}"
            );
        }
    }

    #[test]
    fn a_new_occurrence_owes_every_topic_and_remembers_the_one_before() {
        let told = claim("a", THEN).delivered(served(&["people"]));
        let next = open(told.standing(&claim("b", "2026-12-20T10:00:00Z"), true, at(NOW)));
        assert_eq!((next.topics.len(), next.version), (0, told.version + 1));
        assert_eq!(next.before, [at(THEN)]);
        // A late telling of the first one.
        let next = next.delivered(served(&["people"]));
        let late = claim("c", "2026-11-20T09:00:00Z");
        assert_eq!(next.standing(&late, true, at(NOW)), Standing::Told);
    }

    #[test]
    fn memory_of_earlier_occurrences_is_bounded() {
        let mut last = claim("a", THEN).delivered(BTreeSet::new());
        for day in 1..=20_i32 {
            let wanted = Claim {
                occurred_at: at(THEN) + jiff::SignedDuration::from_hours(48 * i64::from(day)),
                ..claim("a", THEN)
            };
            last = open(last.standing(&wanted, true, at(NOW))).delivered(BTreeSet::new());
        }
        assert_eq!(last.before.len(), REMEMBERED);
    }

    #[test]
    fn a_held_claim_is_its_owners_until_the_lease_has_run_out() {
        let held = claim("a", THEN);
        let later = |seconds| at(NOW) + jiff::SignedDuration::from_secs(seconds);
        let wanted = claim("b", THEN);
        assert_eq!(held.standing(&wanted, false, later(49)), Standing::Held);
        assert_eq!(open(held.standing(&wanted, false, later(50))).owner, "b");
        assert_eq!(
            open(held.standing(&claim("a", THEN), false, later(1))).owner,
            "a"
        );
    }

    #[test]
    fn what_is_owed_can_be_taken_at_once_and_its_owner_serves_nothing_again() {
        let half = claim("a", THEN).owing(served(&["feed"]), at(NOW));
        let next = open(half.standing(&claim("a", THEN), true, at(NOW)));
        assert_eq!(next.topics, served(&["feed"]));
        assert_eq!(next.version, half.version + 1);
        // Of another invocation's word nothing is believed.
        let next = open(half.standing(&claim("b", THEN), true, at(NOW)));
        assert_eq!((next.topics.len(), next.version), (0, half.version + 1));
        // But what was half told of another occurrence counts for nothing.
        let other = open(half.standing(&claim("b", "2026-12-20T10:00:00Z"), true, at(NOW)));
        assert_eq!((other.topics.len(), other.before.len()), (0, 0));
    }

    #[test]
    fn a_claim_survives_the_table() {
        let claim = claim("a", THEN).delivered(served(&["people"]));
        assert_eq!(Claim::read(&claim.item()), Some(claim.clone()));
        let mut item = claim.item();
        item.remove("lease");
        assert_eq!(Claim::read(&item), None);
    }
}
