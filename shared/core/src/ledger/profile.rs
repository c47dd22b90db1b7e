//! What is known of a key, or a custom key store, so that it has a name when KMS does not answer, and after it is gone.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actor::Actor;
use crate::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags};
use crate::dependants::{Dependants, KeyOfStore};
use crate::items::{Item, ItemKey, to_item};
use crate::owner::{OTHERS, owners};
use crate::text::{Untrusted, identifier};

/// Two tellings of one rotation or expiry, one of which does not name the material, lie no further apart than this.
const SAME_MATERIAL_WITHIN_HOURS: i64 = 1;

/// How old a fact becomes before it is written again although it is the same.
const REFRESHED_AFTER_HOURS: i64 = 24;

/// Materials of which a profile knows, the latest ones: what a key may have in thirty years of rotation every 90 days.
const MATERIALS: usize = 150;

/// Resources, and principals, of which a profile knows.
const DEPENDANTS: usize = 10;

/// A fact, and when KMS said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dated<T> {
    /// The fact.
    pub value: T,
    /// When KMS said so.
    pub as_of: Timestamp,
}

/// A deletion that was scheduled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduled {
    /// Who did it.
    pub by: Option<Untrusted>,
    /// When.
    pub at: Timestamp,
}

/// A deletion that was announced before it was scheduled, as the first alert told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Announced {
    /// What the tag said.
    pub says: Untrusted,
    /// When the key will be deleted.
    pub deletion_at: Timestamp,
}

/// A tag that announces a deletion was set or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedTag {
    /// What it says; `None` if it was removed.
    pub says: Option<Untrusted>,
    /// Who set or removed it.
    pub by: Option<Untrusted>,
    /// When.
    pub at: Timestamp,
}

impl PlannedTag {
    /// Longest value of the tag, or name, that is kept and shown.
    pub const SHOWN: usize = 80;
}

/// The last time that somebody did something to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who, without the session.
    pub by: Option<Untrusted>,
}

/// The last telling of a rotation, or of an expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Telling {
    /// The material, if it was known.
    #[serde(default, deserialize_with = "identifier")]
    pub material: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// A difference between what was known of a key and what KMS says, of which no event told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Kind of alert that would tell of it.
    pub kind: String,
    /// What tells it apart: the new state and its date, or key material.
    pub what: String,
    /// When what was known before was known last.
    pub known_at: Timestamp,
    /// When the difference was seen first.
    pub found_at: Timestamp,
    /// When it happened, if KMS says so.
    pub happened_at: Option<Timestamp>,
}

/// A telling of the sweep, of something that happened within this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Not before.
    pub since: Timestamp,
    /// Not after.
    pub until: Timestamp,
    /// Sort key of the alert that told of it.
    #[serde(default)]
    pub told_as: Option<String>,
}

/// How far back what a sweep saw counts: a full sweep looks at every key once a day.
const SWEPT_BACK: SignedDuration = SignedDuration::from_hours(26);

/// How long a former owner of a key hears of it.
const OWNED_DAYS: i64 = 7;

/// How long a countdown is remembered once its date has passed.
const COUNTED_DOWN_DAYS: i64 = 60;

/// What is known of a key. Each member is an attribute of its item, and each is written alone: a call that was denied
/// erases nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// What `DescribeKey` said.
    pub metadata: Option<Dated<Metadata>>,
    /// Names of the key.
    pub aliases: Option<Dated<Vec<Untrusted>>>,
    /// Its tags.
    pub tags: Option<Dated<Tags>>,
    /// Its automatic rotation.
    pub rotation: Option<Dated<RotationStatus>>,
    /// The material that it has had.
    pub materials: Option<Dated<Vec<Material>>>,
    /// Its last use.
    pub last_use: Option<Dated<LastUsage>>,
    /// Of a custom key store: what `DescribeCustomKeyStores` said.
    pub key_store: Option<Dated<KeyStoreData>>,
    /// Of a custom key store: how many keys it holds.
    pub key_count: Option<Dated<u64>>,
    /// The deletion that it waits for, or that ended it.
    pub scheduled: Option<Scheduled>,
    /// That it was announced.
    pub announced: Option<Announced>,
    /// The tag that announces a deletion, as it was set or removed last.
    pub planned_tag: Option<PlannedTag>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// The last tellings of what may be told without its material, by kind of alert.
    pub tellings: BTreeMap<String, Telling>,
    /// The last steps of countdowns that were told, by kind of alert and date ([`Profile::counted`]).
    pub countdowns: BTreeMap<String, u32>,
    /// What was done to the key last, by kind of alert, as far as a later deletion is seen in its light.
    pub acts: BTreeMap<String, Act>,
    /// Differences that the sweep found, and that are not told yet.
    pub held: Vec<Held>,
    /// What the sweep told without knowing of an event, by kind of alert: an event that comes after all is no news.
    pub swept: BTreeMap<String, Swept>,
    /// Who and what depends on the key, in short.
    pub dependants: Option<Dependants>,
    /// Of a custom key store, the keys that it holds and who depends on them, in short.
    pub store_keys: Option<Dated<Vec<KeyOfStore>>>,
    /// Who owned the key until lately, and when that was seen to be over ([`Profile::former_owners`]).
    pub owned: BTreeMap<Untrusted, Timestamp>,
    /// When any of this was written.
    pub as_of: Option<Timestamp>,
}

impl Profile {
    /// Name of the item with the profile of the key `partition`.
    pub fn key(partition: &str) -> ItemKey {
        ItemKey::new(partition, "profile")
    }

    /// Reads an item. An attribute that cannot be read costs that attribute only.
    pub fn read(item: &Item) -> Self {
        Self {
            metadata: attribute(item, "metadata"),
            aliases: attribute(item, "aliases"),
            tags: attribute(item, "tags"),
            rotation: attribute(item, "rotation"),
            materials: attribute(item, "materials"),
            last_use: attribute(item, "lastUse"),
            key_store: attribute(item, "keyStore"),
            key_count: attribute(item, "keyCount"),
            scheduled: attribute(item, "scheduled"),
            announced: attribute(item, "announced"),
            planned_tag: attribute(item, "plannedTag"),
            cancelled_at: attribute(item, "cancelledAt"),
            deleted_at: attribute(item, "deletedAt"),
            tellings: attribute(item, "tellings").unwrap_or_default(),
            countdowns: attribute(item, "countdowns").unwrap_or_default(),
            acts: attribute(item, "acts").unwrap_or_default(),
            held: attribute(item, "held").unwrap_or_default(),
            swept: attribute(item, "swept").unwrap_or_default(),
            dependants: attribute(item, "dependants"),
            store_keys: attribute(item, "storeKeys"),
            owned: attribute(item, "owned").unwrap_or_default(),
            as_of: attribute(item, "asOf"),
        }
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What has to be written so that the item that holds `self` holds `new`; nothing if nothing changed.
    pub fn changes(&self, new: &Self, now: Timestamp) -> Item {
        let (old, mut changed) = (to_item(self), to_item(new));
        changed.retain(|name, value| {
            let before = old.get(name).unwrap_or(&Value::Null);
            name != "asOf" && before != value
        });
        if !changed.is_empty() {
            changed.insert("asOf".to_owned(), now.to_string().into());
        }
        changed
    }

    /// The key that this profile is about was deleted, and another has its name now, as a replica that was made again.
    pub fn forget_another(&mut self, created_at: Option<Timestamp>) {
        let known = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.value.created_at);
        if let (Some(known), Some(created_at)) = (known, created_at)
            && known != created_at
        {
            *self = Self::default();
        }
    }

    /// The material of a rotation or expiry `kind` around `at`, if a telling of it named it.
    pub fn told_material(&self, kind: &str, at: Timestamp) -> Option<&str> {
        self.telling(kind, at)
            .and_then(|telling| telling.material.as_deref())
    }

    /// A rotation or expiry `kind` around `at` was told, without its material.
    pub fn was_told_unnamed(&self, kind: &str, at: Timestamp) -> bool {
        self.telling(kind, at)
            .is_some_and(|telling| telling.material.is_none())
    }

    fn telling(&self, kind: &str, at: Timestamp) -> Option<&Telling> {
        let telling = self.tellings.get(kind)?;
        near(telling.at, at).then_some(telling)
    }

    /// Takes note of a telling, unless one of a later time is known. One that names the material of another is that one.
    pub fn note_telling(&mut self, kind: &str, material: Option<&str>, at: Timestamp) {
        let is_older = |telling: &Telling| telling.at <= at;
        let is_named = material.is_some() && self.was_told_unnamed(kind, at);
        if is_named || self.tellings.get(kind).is_none_or(is_older) {
            let telling = Telling {
                material: material.map(str::to_owned),
                at,
            };
            self.tellings.insert(kind.to_owned(), telling);
        }
    }
}

impl Profile {
    /// Takes note of who depends on the key: of the latest, since every look at a key reads its profile.
    pub fn note_dependants(&mut self, dependants: Dependants) {
        self.dependants = Some(dependants.at_most(DEPENDANTS));
    }

    /// Takes note of what `actor` did, unless something later of the kind is known.
    pub fn note_act(&mut self, kind: &str, at: Timestamp, actor: Option<&Actor>) {
        if self.acts.get(kind).is_none_or(|act| act.at <= at) {
            let by = actor.map(|actor| actor.principal.clone());
            self.acts.insert(kind.to_owned(), Act { at, by });
        }
    }

    /// What the sweep told of a `kind` that happened around `at`, without its record.
    pub fn was_swept(&self, kind: &str, at: Timestamp) -> Option<&Swept> {
        // The clocks of KMS and of the watch are not one.
        let slack = SignedDuration::from_mins(1);
        let within = |swept: &&Swept| {
            at.duration_since(swept.since) >= -slack
                && at.duration_since(swept.until) <= slack
                && swept.until.duration_since(at) <= SWEPT_BACK
        };
        self.swept.get(kind).filter(within)
    }

    /// When a rotation or expiry `kind` around `at` was told without its material.
    pub fn told_unnamed_at(&self, kind: &str, at: Timestamp) -> Option<Timestamp> {
        let telling = self.telling(kind, at)?;
        telling.material.is_none().then_some(telling.at)
    }

    /// Takes note of those who owned the key `before` and do not now: they hear of it for some days more, so that nobody
    /// takes a key's alerts away from its owner by a tag.
    pub fn note_owners(&mut self, before: &Self, owner_tag_key: &str, now: Timestamp) {
        self.owned
            .retain(|_, over| is_within(*over, OWNED_DAYS, now));
        let (Some(before), Some(tags)) = (&before.tags, &self.tags) else {
            return;
        };
        for owner in owners(&before.value, owner_tag_key) {
            let is_over = owners(&tags.value, owner_tag_key).all(|other| other != owner);
            // The first ones stay: a row of made-up owners pushes out nobody.
            if is_over && self.owned.len() < OTHERS {
                self.owned.entry(owner.clone()).or_insert(now);
            }
        }
    }

    /// Who owned the key within the last days.
    pub fn former_owners(&self, now: Timestamp) -> impl Iterator<Item = &Untrusted> {
        let lately = move |(_, over): &(_, &Timestamp)| is_within(**over, OWNED_DAYS, now);
        self.owned.iter().filter(lately).map(|(owner, _)| owner)
    }

    /// A `kind` was told that happened since `known_at`, or just before.
    pub fn was_told_since(&self, kind: &str, known_at: Timestamp) -> bool {
        let slack = SignedDuration::from_mins(1);
        let told = self.tellings.get(kind);
        told.is_some_and(|told| told.at.duration_since(known_at) >= -slack)
    }

    /// The step, of `step` days or fewer, at which the countdown of `kind` to `deadline` is said to have been told.
    pub fn counted(&self, kind: &str, deadline: Timestamp, step: u32) -> Option<u32> {
        let told = self.countdowns.get(&format!("{kind}#{deadline}"));
        told.copied().filter(|told| *told <= step)
    }

    /// Takes note of a countdown that was told, and forgets those that are long over.
    pub fn note_countdown(&mut self, kind: &str, deadline: Timestamp, step: u32) {
        let told = self
            .countdowns
            .entry(format!("{kind}#{deadline}"))
            .or_insert(step);
        *told = step.min(*told);
        let old = deadline
            .saturating_sub((COUNTED_DOWN_DAYS * 24).hours())
            .unwrap_or(Timestamp::MIN);
        self.countdowns.retain(|name, _| {
            let date = name.rsplit_once('#').map(|(_, date)| date.parse());
            matches!(date, Some(Ok(date)) if Timestamp::ge(&date, &old))
        });
    }
}

/// No more than `days` before `now`, and not after it.
fn is_within(at: Timestamp, days: i64, now: Timestamp) -> bool {
    let slack = SignedDuration::from_mins(5);
    let ago = now.duration_since(at);
    ago >= -slack && ago <= SignedDuration::from_hours(days * 24)
}

/// So close together that they may be one.
pub fn near(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).unsigned_abs()
        <= std::time::Duration::from_secs(SAME_MATERIAL_WITHIN_HOURS.unsigned_abs() * 3_600)
}

/// Keeps `value` in `slot`, if it is new or what is there has become old.
pub fn learn<T: PartialEq + Clone>(slot: &mut Option<Dated<T>>, value: &T, now: Timestamp) {
    learn_within(slot, value, now, REFRESHED_AFTER_HOURS);
}

/// Keeps `value` in `slot`, if it is new or what is there is `hours` old.
pub fn learn_within<T: PartialEq + Clone>(
    slot: &mut Option<Dated<T>>,
    value: &T,
    now: Timestamp,
    hours: i64,
) {
    let fresh = slot.as_ref().is_some_and(|known| {
        let old = known
            .as_of
            .saturating_add(hours.hours())
            .unwrap_or(Timestamp::MAX);
        known.value == *value && now < old
    });
    if !fresh {
        *slot = Some(Dated {
            value: value.clone(),
            as_of: now,
        });
    }
}

/// The latest of a key's materials, as many as a profile keeps.
pub fn latest(materials: &[Material]) -> Vec<Material> {
    let surplus = materials.len().saturating_sub(MATERIALS);
    materials.iter().skip(surplus).cloned().collect()
}

fn attribute<T: DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
    let value = item.get(name).filter(|value| !value.is_null())?;
    serde_json::from_value(value.clone()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-20T12:00:00Z";

    fn item(value: Value) -> Item {
        match value {
            Value::Object(item) => item,
            other => panic!("{other}"),
        }
    }

    fn aliases(names: &[&str]) -> Vec<Untrusted> {
        names.iter().map(|name| Untrusted::new(name)).collect()
    }

    #[test]
    fn a_profile_survives_the_table() {
        let mut profile = Profile::default();
        learn(&mut profile.metadata, &Metadata::default(), at(NOW));
        learn(&mut profile.aliases, &aliases(&["alias/a"]), at(NOW));
        profile.note_telling("KeyRotated", Some("m"), at(NOW));
        profile.scheduled = Some(Scheduled {
            by: Some(Untrusted::new("maria")),
            at: at(NOW),
        });
        assert_eq!(Profile::read(&to_item(&profile)), profile);
    }

    #[test]
    fn an_attribute_that_cannot_be_read_costs_nothing_else() {
        let profile = Profile::read(&item(json!({
            "pk": "k", "sk": "profile", "metadata": {"value": 5, "asOf": "yesterday"}, "tags": null,
            "aliases": {"value": ["alias/a\u{202E}"], "asOf": NOW}
        })));
        assert_eq!(profile.metadata, None);
        assert_eq!(profile.aliases.unwrap().value, aliases(&["alias/a"]));
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut old = Profile::default();
        learn(&mut old.aliases, &aliases(&["alias/a"]), at(NOW));
        learn(&mut old.tags, &Tags::new(), at(NOW));
        old.scheduled = Some(Scheduled {
            by: None,
            at: at(NOW),
        });
        assert_eq!(old.changes(&old, at(NOW)), Item::new());

        let mut new = old.clone();
        learn(&mut new.aliases, &aliases(&["alias/b"]), at(NOW));
        new.scheduled = None;
        assert_eq!(
            Value::from(old.changes(&new, at(NOW))),
            json!({"aliases": {"value": ["alias/b"], "asOf": NOW}, "scheduled": null, "asOf": NOW})
        );
    }

    #[test]
    fn the_same_fact_is_written_again_after_a_day() {
        let mut known = None;
        learn(&mut known, &1, at(NOW));
        learn(&mut known, &1, at("2026-11-21T11:59:59Z"));
        assert_eq!(known.as_ref().unwrap().as_of, at(NOW));
        learn(&mut known, &1, at("2026-11-21T12:00:00Z"));
        assert_eq!(known.unwrap().as_of, at("2026-11-21T12:00:00Z"));
    }

    #[test]
    fn a_former_owner_hears_of_the_key_for_a_week() {
        let tagged = |owner: &str| Tags::from([(Untrusted::new("Owner"), Untrusted::new(owner))]);
        let retag = |profile: &mut Profile, tags: &Tags, now: &str| {
            let before = profile.clone();
            learn(&mut profile.tags, tags, at(now));
            profile.note_owners(&before, "Owner", at(now));
        };
        let mut profile = Profile::default();
        retag(&mut profile, &tagged("team-pay"), NOW);
        let former = |profile: &Profile, now: &str| -> Vec<String> {
            let owners = profile.former_owners(at(now));
            owners.map(|owner| owner.as_str().to_owned()).collect()
        };
        assert!(former(&profile, NOW).is_empty());
        for day in 10..30 {
            let now = format!("2026-11-20T12:00:{day}Z");
            retag(&mut profile, &tagged(&format!("thief-{day}")), &now);
        }
        let owners = former(&profile, "2026-11-27T12:00:10Z");
        assert!(owners.contains(&"team-pay".to_owned()), "{owners:?}");
        assert_eq!(owners.len(), OTHERS);
        assert!(!former(&profile, "2026-11-27T12:00:11Z").contains(&"team-pay".to_owned()));
        // One that is taken away altogether, and one that is written before its time.
        let mut profile = Profile::default();
        retag(&mut profile, &tagged("team-pay"), NOW);
        retag(&mut profile, &Tags::new(), NOW);
        assert_eq!(former(&profile, NOW), ["team-pay"]);
        assert!(former(&profile, "2026-11-19T12:00:00Z").is_empty());
    }

    #[test]
    fn a_key_that_was_made_again_has_another_profile() {
        let mut profile = Profile::default();
        let metadata = Metadata {
            created_at: Some(at(NOW)),
            ..Metadata::default()
        };
        learn(&mut profile.metadata, &metadata, at(NOW));
        let before = profile.clone();
        profile.forget_another(Some(at(NOW)));
        profile.forget_another(None);
        assert_eq!(profile, before);
        profile.forget_another(Some(at("2027-01-01T00:00:00Z")));
        assert!(profile.is_empty());
    }

    #[test]
    fn a_telling_without_its_material_meets_one_with_it_within_the_hour() {
        let mut profile = Profile::default();
        profile.note_telling("KeyRotated", None, at(NOW));
        assert!(profile.was_told_unnamed("KeyRotated", at("2026-11-20T13:00:00Z")));
        assert!(!profile.was_told_unnamed("KeyRotated", at("2026-11-20T13:00:01Z")));
        assert!(!profile.was_told_unnamed("KeyMaterialExpired", at(NOW)));
        profile.note_telling("KeyRotated", Some("m"), at(NOW));
        assert_eq!(profile.told_material("KeyRotated", at(NOW)), Some("m"));
        assert!(!profile.was_told_unnamed("KeyRotated", at(NOW)));
        // An earlier one that is told late does not hide it.
        profile.note_telling("KeyRotated", None, at("2026-11-20T11:00:00Z"));
        assert_eq!(profile.told_material("KeyRotated", at(NOW)), Some("m"));
    }
}
