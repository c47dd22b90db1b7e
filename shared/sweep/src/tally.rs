//! What a sweep counts: for the metrics, the digest and the report by hand. Its size does not grow with the number of keys.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use watch_core::about::{LastUse, LastUseStatus};
use watch_core::answers::LastUsage;
use watch_core::arn::KeyArn;
use watch_core::dependants::KeyOfStore;
use watch_core::key::{Origin, State};
use watch_core::kinds::{BlindSpot, Changes, Due, DueWhat, Totals};
use watch_core::ledger::Profile;
use watch_core::owner::owner;
use watch_core::ports::{Datum, MetricUnit};
use watch_core::text::Untrusted;

use crate::due::dates_of_expiry;

/// What falls due within this time stands in the digest.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A key that was not used for so long is unused.
const UNUSED_AFTER: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Names that are kept of each list.
const NAMES: usize = 20;
/// Keys that are kept of each custom key store, and so many of the dependants of each.
const KEYS_OF_STORE: usize = 10;
const DEPENDANTS_OF_KEY: usize = 3;
/// Dates that are kept.
const DATES: usize = 200;

/// Counts of keys. They add up part by part, and survive between the runs of one sweep in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    /// Customer keys.
    pub keys: u64,
    /// Keys that AWS manages.
    pub aws_managed: u64,
    /// Customer keys by state.
    pub by_state: BTreeMap<String, u64>,
    /// Customer keys by the origin of their material.
    pub by_origin: BTreeMap<String, u64>,
    /// Earliest deletion.
    pub next_deletion: Option<Timestamp>,
    /// Earliest expiry of imported material.
    pub next_expiry: Option<Timestamp>,
    /// Keys that could rotate by themselves, and do not.
    pub without_rotation: Names,
    /// Since when the oldest material of all keys that could rotate is in use.
    pub oldest_material: Option<Timestamp>,
    /// Keys that were not used in 90 days, as far as that is known.
    pub unused: Names,
    /// Keys whose use was asked for at all.
    pub use_known: u64,
    /// Keys that the watch may not look at, in part or in whole.
    pub blind_spots: u64,
    /// The first of them.
    pub blind: Vec<BlindSpot>,
    /// What falls due in the next 30 days, the soonest first.
    pub due: Vec<Due>,
    /// How many more do.
    pub due_more: u64,
    /// What happened since the last digest, as far as the keys that are there show it.
    pub changes: Changes,
    /// Keys by the custom key store that holds them.
    pub by_store: BTreeMap<String, u64>,
    /// Some of those of each key store, those on which most depends.
    pub store_keys: BTreeMap<String, Vec<KeyOfStore>>,
}

/// Some of many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Names {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Untrusted>,
}

impl Names {
    fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.truncate(NAMES);
    }

    fn add(&mut self, name: &Untrusted) {
        self.count += 1;
        if self.first.len() < NAMES {
            self.first.push(name.clone());
        }
    }
}

/// What the watch may not see of a key.
#[derive(Clone, Debug)]
pub struct Hidden<'a> {
    /// The operation that was denied first.
    pub operation: &'static str,
    /// KMS's words.
    pub reason: &'a Untrusted,
}

impl Tally {
    /// Counts a customer key as it is known at `at`; changes count from `since`.
    pub fn add(
        &mut self,
        key: &KeyArn,
        profile: &Profile,
        hidden: Option<&Hidden<'_>>,
        owner_tag_key: &str,
        since: Timestamp,
        at: Timestamp,
    ) {
        self.keys += 1;
        let name = name_of(key, profile);
        if let Some(Hidden { operation, reason }) = hidden {
            self.blind_spots += 1;
            if self.blind.len() < NAMES {
                self.blind.push(BlindSpot {
                    key: key.clone(),
                    name: name.clone(),
                    reason: Untrusted::bounded(&format!("{operation}: {}", reason.as_str()), 320),
                });
            }
        }
        self.changes_of(profile, since);
        self.use_of(profile, &name, at);
        let Some(metadata) = profile.metadata.as_ref().map(|known| &known.value) else {
            return;
        };
        let word = |word: Option<&str>| word.unwrap_or("Unknown").to_owned();
        *self
            .by_state
            .entry(word(metadata.state.as_ref().map(State::as_str)))
            .or_default() += 1;
        *self
            .by_origin
            .entry(word(metadata.origin.as_ref().map(Origin::as_str)))
            .or_default() += 1;
        let owner = profile
            .tags
            .as_ref()
            .and_then(|tags| owner(&tags.value, owner_tag_key));
        if let Some(store) = &metadata.custom_key_store_id {
            let dependants = profile.dependants.clone();
            let of_store = KeyOfStore {
                key: key.clone(),
                name: name.clone(),
                owner: owner.clone(),
                dependants: dependants.map(|it| it.at_most(DEPENDANTS_OF_KEY)),
            };
            *self.by_store.entry(store.as_str().to_owned()).or_default() += 1;
            self.add_of_store(store.as_str().to_owned(), vec![of_store]);
        }
        self.rotation_of(profile, &name);
        self.dates_of(key, profile, (&name, owner), at);
    }

    /// What falls due.
    fn dates_of(
        &mut self,
        key: &KeyArn,
        profile: &Profile,
        (name, owner): (&Untrusted, Option<Untrusted>),
        at: Timestamp,
    ) {
        for (what, date) in dates(profile) {
            let next = match what {
                DueWhat::Deletion => Some(&mut self.next_deletion),
                DueWhat::MaterialExpiry => Some(&mut self.next_expiry).filter(|_| date > at),
            };
            if let Some(next) = next {
                *next = Some(next.map_or(date, |known| known.min(date)));
            }
            let is_near = date.duration_since(at) <= AHEAD;
            // What is over is told; only a deletion that KMS has yet to make is still due.
            if is_near && (date > at || what == DueWhat::Deletion) {
                self.add_due(Due {
                    key: key.clone(),
                    name: name.clone(),
                    owner: owner.clone(),
                    what,
                    at: date,
                });
            }
        }
    }

    fn add_of_store(&mut self, store: String, keys: Vec<KeyOfStore>) {
        let known = self.store_keys.entry(store).or_default();
        known.extend(keys);
        let count = |key: &KeyOfStore| key.dependants.as_ref().map_or(0, |it| it.count);
        known.sort_by(|a, b| (count(b), &a.name).cmp(&(count(a), &b.name)));
        known.truncate(KEYS_OF_STORE);
    }

    fn add_due(&mut self, due: Due) {
        let place = self.due.partition_point(|other| other.at <= due.at);
        self.due.insert(place, due);
        if self.due.len() > DATES {
            self.due.pop();
            self.due_more += 1;
        }
    }

    /// Adds the counts of another part.
    pub fn absorb(&mut self, other: Self) {
        fn sum(into: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>) {
            for (name, count) in from {
                *into.entry(name).or_default() += count;
            }
        }
        fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
            one.into_iter().chain(other).min()
        }
        self.keys += other.keys;
        self.aws_managed += other.aws_managed;
        sum(&mut self.by_state, other.by_state);
        sum(&mut self.by_origin, other.by_origin);
        sum(&mut self.by_store, other.by_store);
        for (store, keys) in other.store_keys {
            self.add_of_store(store, keys);
        }
        self.next_deletion = earlier(self.next_deletion, other.next_deletion);
        self.next_expiry = earlier(self.next_expiry, other.next_expiry);
        self.oldest_material = earlier(self.oldest_material, other.oldest_material);
        self.without_rotation.absorb(other.without_rotation);
        self.unused.absorb(other.unused);
        self.use_known += other.use_known;
        self.blind_spots += other.blind_spots;
        self.blind.extend(other.blind);
        self.blind.truncate(NAMES);
        self.due_more += other.due_more;
        for due in other.due {
            self.add_due(due);
        }
        self.changes.created += other.changes.created;
        self.changes.deleted += other.changes.deleted;
        self.changes.vanished += other.changes.vanished;
        self.changes.rotated += other.changes.rotated;
        self.changes.deletions_scheduled += other.changes.deletions_scheduled;
        self.changes.deletions_cancelled += other.changes.deletions_cancelled;
        self.changes.disabled += other.changes.disabled;
    }

    fn changes_of(&mut self, profile: &Profile, since: Timestamp) {
        let recent = |at: Option<Timestamp>| u64::from(at.is_some_and(|at| at >= since));
        let told = |kind: &str| profile.tellings.get(kind).map(|telling| telling.at);
        let metadata = profile.metadata.as_ref().map(|known| &known.value);
        let is = |state: State| metadata.is_some_and(|metadata| metadata.state == Some(state));
        self.changes.created += recent(metadata.and_then(|metadata| metadata.created_at));
        self.changes.rotated += recent(told("KeyRotated"));
        self.changes.deletions_scheduled +=
            recent(profile.scheduled.as_ref().map(|scheduled| scheduled.at));
        self.changes.deletions_cancelled += recent(profile.cancelled_at);
        if is(State::Disabled) {
            self.changes.disabled += recent(told("KeyDisabled"));
        }
    }

    fn use_of(&mut self, profile: &Profile, name: &Untrusted, at: Timestamp) {
        let Some(usage) = &profile.last_use else {
            return;
        };
        self.use_known += 1;
        if is_unused(&usage.value, at) {
            self.unused.add(name);
        }
    }

    fn rotation_of(&mut self, profile: &Profile, name: &Untrusted) {
        let Some(metadata) = profile.metadata.as_ref().map(|known| &known.value) else {
            return;
        };
        // KMS rotates by itself only symmetric material that it made (AWS KMS Developer Guide, rotate keys).
        let is_symmetric = metadata
            .spec
            .as_ref()
            .is_none_or(|spec| spec.as_str() == "SYMMETRIC_DEFAULT");
        if metadata.origin != Some(Origin::AwsKms) || !is_symmetric {
            return;
        }
        let Some(rotation) = profile.rotation.as_ref().map(|known| &known.value) else {
            return;
        };
        // While a deletion is pending, KMS says that rotation is off.
        if metadata
            .state
            .as_ref()
            .is_some_and(State::is_pending_deletion)
        {
            return;
        }
        if !rotation.enabled {
            self.without_rotation.add(name);
        }
        if let Some(since) = material_since(profile) {
            self.oldest_material = Some(
                self.oldest_material
                    .map_or(since, |oldest| oldest.min(since)),
            );
        }
    }

    /// Keys that wait for their deletion.
    pub fn pending_deletion(&self) -> u64 {
        [State::PendingDeletion, State::PendingReplicaDeletion]
            .iter()
            .filter_map(|state| self.by_state.get(state.as_str()))
            .sum()
    }

    /// The counts of the digest.
    pub fn totals(&self) -> Totals {
        Totals {
            keys: self.keys + self.aws_managed,
            aws_managed: self.aws_managed,
            by_state: self.by_state.clone(),
            by_origin: self.by_origin.clone(),
            pending_deletion: self.pending_deletion(),
            without_rotation: self.without_rotation.count,
            unused_90_days: self.unused.count,
            blind_spots: self.blind_spots,
        }
    }

    /// The measurements of a full sweep: some for the account, never one for each key, since CloudWatch takes money for
    /// each series.
    pub fn data(&self, at: Timestamp) -> Vec<Datum> {
        let count = |name, value: u64| datum(name, MetricUnit::Count, value as f64, at);
        let mut data = vec![
            count("Keys", self.keys),
            count("AwsManagedKeys", self.aws_managed),
            count("KeysWithoutRotation", self.without_rotation.count),
            count("UnusedKeys", self.unused.count),
            count("BlindSpots", self.blind_spots),
        ];
        for (dimension, counts) in [("State", &self.by_state), ("Origin", &self.by_origin)] {
            data.extend(counts.iter().map(|(value, keys)| Datum {
                dimensions: vec![(dimension, value.clone())],
                ..count("Keys", *keys)
            }));
        }
        data.extend(self.oldest_material.map(|oldest| {
            datum(
                "OldestMaterialDays",
                MetricUnit::None,
                days_between(oldest, at),
                at,
            )
        }));
        data
    }

    /// The measurements that every sweep makes, since each looks at every key that has a date.
    pub fn countdown_data(&self, at: Timestamp) -> Vec<Datum> {
        let days = |name, date: Option<Timestamp>| {
            date.map(|date| datum(name, MetricUnit::None, days_between(at, date), at))
        };
        let pending = self.pending_deletion() as f64;
        let mut data = vec![datum("PendingDeletionKeys", MetricUnit::Count, pending, at)];
        data.extend(days("DaysToNextDeletion", self.next_deletion));
        data.extend(days("DaysToNextMaterialExpiry", self.next_expiry));
        data
    }
}

/// Days from one time to a later one; none if it is earlier.
fn days_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.duration_since(from).as_secs_f64() / 86_400.0).max(0.0)
}

/// A measurement for the whole account.
pub fn datum(name: &'static str, unit: MetricUnit, value: f64, at: Timestamp) -> Datum {
    Datum {
        name,
        dimensions: Vec::new(),
        unit,
        value,
        at,
    }
}

/// The name that people know a key by: its first alias, else its id.
pub fn name_of(key: &KeyArn, profile: &Profile) -> Untrusted {
    let aliases = profile.aliases.as_ref().map(|known| &known.value);
    let alias = aliases.and_then(|aliases| aliases.first());
    alias.cloned().unwrap_or_else(|| Untrusted::new(key.id()))
}

/// The key was not used for 90 days before `at`. What is not known does not count.
pub fn is_unused(usage: &LastUsage, at: Timestamp) -> bool {
    let last_use = LastUse::from(usage.clone());
    let long_ago = |since: Option<Timestamp>| {
        since.is_some_and(|since| at.duration_since(since) > UNUSED_AFTER)
    };
    match last_use.status {
        LastUseStatus::Used => long_ago(last_use.at),
        LastUseStatus::NeverUsed => long_ago(usage.created_at),
        LastUseStatus::Unknown => false,
    }
}

/// Since when the material that encrypts now is in use: its rotation, or the period before the next one, or the key's
/// creation.
pub fn material_since(profile: &Profile) -> Option<Timestamp> {
    let materials = profile
        .materials
        .as_ref()
        .map_or(&[][..], |known| &known.value);
    let listed = materials
        .iter()
        .filter_map(|material| material.rotated_at)
        .max();
    let period_before = || {
        let rotation = &profile.rotation.as_ref()?.value;
        let period = SignedDuration::from_hours(i64::from(rotation.period_days?) * 24);
        rotation.next_at?.checked_sub(period).ok()
    };
    let created = profile.metadata.as_ref()?.value.created_at;
    listed.or_else(period_before).max(created)
}

/// The losses that lie before a key. A rotation loses nothing.
fn dates(profile: &Profile) -> Vec<(DueWhat, Timestamp)> {
    let Some(metadata) = profile.metadata.as_ref().map(|known| &known.value) else {
        return Vec::new();
    };
    let deletion = metadata
        .deletion_at
        .filter(|_| metadata.state == Some(State::PendingDeletion));
    let mut dates = Vec::new();
    dates.extend(deletion.map(|date| (DueWhat::Deletion, date)));
    dates.extend(
        dates_of_expiry(profile)
            .into_iter()
            .map(|(date, _)| (DueWhat::MaterialExpiry, date)),
    );
    dates
}

#[cfg(test)]
mod tests {
    use watch_core::answers::{Material, Metadata, RotationStatus, Use};
    use watch_core::ledger::profile::{Dated, Scheduled};

    use super::*;

    const NOW: &str = "2026-11-20T10:00:00Z";
    const WEEK_AGO: &str = "2026-11-13T10:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn dated<T>(value: T) -> Option<Dated<T>> {
        Some(Dated {
            value,
            as_of: at(NOW),
        })
    }

    fn profile(state: State) -> Profile {
        Profile {
            metadata: dated(Metadata {
                state: Some(state),
                origin: Some(Origin::AwsKms),
                created_at: Some(at("2024-01-01T00:00:00Z")),
                ..Metadata::default()
            }),
            ..Profile::default()
        }
    }

    fn count(profiles: &[Profile]) -> Tally {
        let mut tally = Tally::default();
        for (number, profile) in profiles.iter().enumerate() {
            let key = format!("arn:aws:kms:us-east-1:111122223333:key/{number}")
                .parse()
                .unwrap();
            tally.add(&key, profile, None, "Owner", at(WEEK_AGO), at(NOW));
        }
        tally
    }

    fn value(tally: &Tally, name: &str, dimension: Option<&str>) -> Option<f64> {
        let data = [tally.data(at(NOW)), tally.countdown_data(at(NOW))].concat();
        let mut data = data.into_iter().filter(|datum| {
            datum.name == name
                && datum.dimensions.first().map(|(_, value)| value.as_str()) == dimension
        });
        let found = data.next().map(|datum| datum.value);
        assert!(data.next().is_none(), "{name} is there twice");
        found
    }

    #[test]
    fn keys_are_counted_by_state_and_origin_and_dates_are_days_from_now() {
        let mut pending = profile(State::PendingDeletion);
        pending.metadata.as_mut().unwrap().value.deletion_at = Some(at("2026-11-22T22:00:00Z"));
        let mut imported = profile(State::Enabled);
        let metadata = &mut imported.metadata.as_mut().unwrap().value;
        (metadata.origin, metadata.expires_at) =
            (Some(Origin::External), Some(at("2026-12-20T10:00:00Z")));
        let tally = count(&[
            pending,
            imported,
            profile(State::Enabled),
            Profile::default(),
        ]);
        assert_eq!(value(&tally, "Keys", None), Some(4.0));
        assert_eq!(value(&tally, "Keys", Some("Enabled")), Some(2.0));
        assert_eq!(value(&tally, "Keys", Some("PendingDeletion")), Some(1.0));
        assert_eq!(value(&tally, "Keys", Some("EXTERNAL")), Some(1.0));
        assert_eq!(value(&tally, "PendingDeletionKeys", None), Some(1.0));
        assert_eq!(value(&tally, "DaysToNextDeletion", None), Some(2.5));
        assert_eq!(value(&tally, "DaysToNextMaterialExpiry", None), Some(30.0));
        let due: Vec<_> = tally.due.iter().map(|due| due.what).collect();
        assert_eq!(due, [DueWhat::Deletion, DueWhat::MaterialExpiry]);
        // Without such a key there is no such day.
        assert_eq!(
            value(
                &count(&[profile(State::Enabled)]),
                "DaysToNextDeletion",
                None
            ),
            None
        );
    }

    #[test]
    fn rotation_is_missed_only_where_a_key_could_have_it() {
        let rotating = |state, enabled| Profile {
            rotation: dated(RotationStatus {
                enabled,
                period_days: Some(365),
                next_at: Some(at("2027-01-19T10:00:00Z")),
            }),
            ..profile(state)
        };
        let mut imported = rotating(State::Enabled, false);
        imported.metadata.as_mut().unwrap().value.origin = Some(Origin::External);
        let tally = count(&[
            rotating(State::Enabled, true),
            rotating(State::Enabled, false),
            // KMS says so while a deletion is pending.
            rotating(State::PendingDeletion, false),
            profile(State::Enabled),
            imported,
        ]);
        assert_eq!(value(&tally, "KeysWithoutRotation", None), Some(1.0));
        assert_eq!(value(&tally, "OldestMaterialDays", None), Some(305.0));
        let mut listed = rotating(State::Enabled, true);
        listed.materials = dated(vec![Material {
            rotated_at: Some(at("2026-11-10T10:00:00Z")),
            ..Material::default()
        }]);
        assert_eq!(
            value(&count(&[listed]), "OldestMaterialDays", None),
            Some(10.0)
        );
    }

    #[test]
    fn a_key_is_unused_only_if_that_is_known() {
        let usage = |used: Option<&str>, tracked: &str, created: &str| {
            let used = used.map(|used| Use {
                at: at(used),
                operation: None,
                event_id: None,
            });
            LastUsage {
                used,
                tracked_since: Some(at(tracked)),
                created_at: Some(at(created)),
            }
        };
        let (old, new) = ("2024-01-01T00:00:00Z", "2026-11-01T00:00:00Z");
        for (usage, expected) in [
            (usage(Some("2026-11-01T00:00:00Z"), old, old), false),
            (usage(Some("2026-08-01T00:00:00Z"), old, old), true),
            // Never used, and old enough to say so.
            (usage(None, old, old), true),
            (usage(None, new, new), false),
            // Older than the record of its use.
            (usage(None, new, old), false),
        ] {
            assert_eq!(is_unused(&usage, at(NOW)), expected, "{usage:?}");
        }
    }

    #[test]
    fn changes_count_since_the_last_digest() {
        let mut scheduled = profile(State::PendingDeletion);
        scheduled.scheduled = Some(Scheduled {
            by: None,
            at: at("2026-11-14T00:00:00Z"),
        });
        let mut earlier = profile(State::PendingDeletion);
        earlier.scheduled = Some(Scheduled {
            by: None,
            at: at("2026-11-12T00:00:00Z"),
        });
        let mut off = profile(State::Disabled);
        off.note_telling("KeyDisabled", None, at("2026-11-19T00:00:00Z"));
        let mut new = profile(State::Enabled);
        new.metadata.as_mut().unwrap().value.created_at = Some(at("2026-11-19T00:00:00Z"));
        new.note_telling("KeyDisabled", None, at("2026-11-19T00:00:00Z"));
        let changes = count(&[scheduled, earlier, off, new]).changes;
        assert_eq!(
            (
                changes.created,
                changes.deletions_scheduled,
                changes.disabled
            ),
            (1, 1, 1)
        );
    }

    #[test]
    fn parts_add_up_and_stay_small() {
        let many: Vec<_> = (0..300)
            .map(|number| {
                let mut profile = profile(State::PendingDeletion);
                let date = at(NOW) + SignedDuration::from_mins(number % 7);
                profile.metadata.as_mut().unwrap().value.deletion_at = Some(date);
                profile
            })
            .collect();
        let whole = count(&many);
        let mut parts = Tally::default();
        for part in many.chunks(70) {
            parts.absorb(count(part));
        }
        assert_eq!(
            (parts.keys, parts.due.len(), parts.due_more),
            (300, DATES, 100)
        );
        let dates = |tally: &Tally| tally.due.iter().map(|due| due.at).collect::<Vec<_>>();
        assert_eq!(dates(&parts), dates(&whole));
        assert!(dates(&parts).is_sorted());
        assert_eq!(parts.totals(), whole.totals());
    }
}
