//! What changed about a key between two looks at it, in the words of the alert that an event would have made. Pure.

use jiff::{SignedDuration, Timestamp};
use watch_core::answers::{Material, Metadata};
use watch_core::key::State;
use watch_core::ledger::Profile;
use watch_core::ledger::profile::Held;

/// More rotations of one key between two sweeps are not told one by one.
const MOST_ROTATIONS: usize = 10;

/// What a look found of which no event told: the key was known as `before`, and KMS now says `after`, both as of when
/// they were asked.
///
/// Nothing of a key that was not known, or of another that has its id now.
pub fn differences(before: &Profile, after: &Profile, at: Timestamp) -> Vec<Held> {
    let (Some(known), Some(now)) = (&before.metadata, &after.metadata) else {
        return Vec::new();
    };
    if known.value.created_at != now.value.created_at {
        return Vec::new();
    }
    let (old, new) = (&known.value, &now.value);
    let mut found = Vec::new();
    found.extend(of_state(old, new));
    found.extend(rotations(old, new, after));
    found.extend(losses(before, after, at));
    found
        .into_iter()
        .filter(|change| change.again || !before.was_told_since(change.kind, known.as_of))
        .map(|change| Held {
            kind: change.kind.to_owned(),
            what: change.what,
            known_at: known.as_of,
            found_at: at,
            happened_at: change.happened_at,
        })
        .collect()
}

struct Change {
    kind: &'static str,
    what: String,
    happened_at: Option<Timestamp>,
    /// It may follow upon another of its kind: a telling of that one is none of this one. What is told by its material has
    /// a claim of its own.
    again: bool,
}

impl Change {
    fn new(kind: &'static str, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            happened_at: None,
            again: false,
        }
    }

    fn again(kind: &'static str, what: impl Into<String>) -> Self {
        Self {
            again: true,
            ..Self::new(kind, what)
        }
    }
}

/// From one state to another (AWS KMS Developer Guide, key states). States that pass by themselves, and those of a key
/// store, are no news of the key.
fn of_state(old: &Metadata, new: &Metadata) -> Option<Change> {
    let (was, is) = (old.state.as_ref()?, new.state.as_ref()?);
    let date = |metadata: &Metadata| {
        metadata
            .deletion_at
            .map_or_else(String::new, |date| format!("#{date}"))
    };
    match (was, is) {
        (State::PendingDeletion, State::PendingDeletion) if old.deletion_at != new.deletion_at => {
            Some(Change::again(
                "KeyDeletionScheduled",
                format!("PendingDeletion{}", date(new)),
            ))
        }
        (State::PendingReplicaDeletion, State::PendingDeletion) => {
            // The last replica went, and with it the waiting period began: nobody called anything.
            let window = old
                .pending_window_days
                .map(|days| SignedDuration::from_hours(i64::from(days) * 24));
            let began = new
                .deletion_at
                .zip(window)
                .and_then(|(date, window)| date.checked_sub(window).ok());
            Some(Change {
                happened_at: began,
                ..Change::again(
                    "KeyDeletionScheduled",
                    format!("PendingDeletion{}", date(new)),
                )
            })
        }
        (was, is) if was == is => None,
        (State::PendingDeletion, State::PendingReplicaDeletion) => Some(Change::again(
            "KeyDeletionScheduled",
            "PendingReplicaDeletion",
        )),
        (was, State::PendingDeletion | State::PendingReplicaDeletion)
            if !was.is_pending_deletion() =>
        {
            Some(Change::new(
                "KeyDeletionScheduled",
                format!("{}{}", is.as_str(), date(new)),
            ))
        }
        (was, _) if was.is_pending_deletion() => Some(Change::new(
            "KeyDeletionCancelled",
            format!("{}{}", was.as_str(), date(old)),
        )),
        (_, State::Disabled) => Some(Change::new("KeyDisabled", "Disabled")),
        (State::Disabled, State::Enabled) => Some(Change::new("KeyEnabled", "Enabled")),
        (State::PendingImport, State::Enabled) => Some(Change::new(
            "KeyMaterialImported",
            new.current_material.clone().unwrap_or_default(),
        )),
        _ => None,
    }
}

/// New material became current.
fn rotations(old: &Metadata, new: &Metadata, after: &Profile) -> Vec<Change> {
    let (Some(was), Some(is)) = (&old.current_material, &new.current_material) else {
        return Vec::new();
    };
    if was == is {
        return Vec::new();
    }
    let materials = after
        .materials
        .as_ref()
        .map_or(&[][..], |materials| &materials.value);
    let rotated_at = |id: &String| {
        materials
            .iter()
            .find(|material| material.id.as_ref() == Some(id))?
            .rotated_at
    };
    let since = rotated_at(was);
    let mut rotated: Vec<_> = materials
        .iter()
        .filter(|material| material.rotated_at.is_some() && material.rotated_at > since)
        .filter_map(|material| Some((material.rotated_at, material.id.clone()?)))
        .filter(|(_, id)| id != was)
        .collect();
    rotated.sort();
    if rotated.iter().all(|(_, id)| id != is) {
        rotated.push((rotated_at(is), is.clone()));
    }
    let surplus = rotated.len().saturating_sub(MOST_ROTATIONS);
    let latest = rotated.into_iter().skip(surplus);
    latest
        .map(|(happened_at, material)| Change {
            happened_at,
            ..Change::again("KeyRotated", material)
        })
        .collect()
}

/// Imported material is not there any more.
fn losses(before: &Profile, after: &Profile, at: Timestamp) -> Vec<Change> {
    let (Some(known), Some(now)) = (&before.metadata, &after.metadata) else {
        return Vec::new();
    };
    if now.value.state != Some(State::PendingImport) {
        return Vec::new();
    }
    let loss = |material: &str, valid_to: Option<Timestamp>| match valid_to.filter(|end| *end <= at)
    {
        Some(end) => Change {
            happened_at: Some(end),
            ..Change::again("KeyMaterialExpired", material)
        },
        None => Change::again("KeyMaterialDeleted", material),
    };
    let was_there = |material: &&Material| material.imported != Some(false);
    let named: Vec<_> = match (&before.materials, &after.materials) {
        (Some(old), Some(new)) => old
            .value
            .iter()
            .filter(was_there)
            .filter(|material| {
                let is_there =
                    |other: &Material| other.id == material.id && other.imported == Some(true);
                material.id.is_some() && !new.value.iter().any(is_there)
            })
            .filter_map(|material| Some(loss(material.id.as_deref()?, material.valid_to)))
            .collect(),
        _ => Vec::new(),
    };
    let is_new = !matches!(
        known.value.state,
        Some(
            State::PendingImport
                | State::PendingDeletion
                | State::PendingReplicaDeletion
                | State::Creating
        ) | None
    );
    if named.is_empty() && is_new {
        return vec![loss("", known.value.expires_at)];
    }
    named
}

#[cfg(test)]
mod tests {
    use watch_core::ledger::profile::Dated;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const BEFORE: &str = "2026-11-19T10:00:00Z";
    const NOW: &str = "2026-11-20T10:00:00Z";

    fn profile(as_of: &str, change: impl FnOnce(&mut Metadata)) -> Profile {
        let mut value = Metadata {
            state: Some(State::Enabled),
            created_at: Some(at("2024-01-01T00:00:00Z")),
            current_material: Some("m1".to_owned()),
            ..Metadata::default()
        };
        change(&mut value);
        Profile {
            metadata: Some(Dated {
                value,
                as_of: at(as_of),
            }),
            ..Profile::default()
        }
    }

    fn in_state(as_of: &str, state: State, deletion: Option<&str>) -> Profile {
        profile(as_of, |metadata| {
            metadata.state = Some(state);
            metadata.deletion_at = deletion.map(at);
        })
    }

    fn found(before: &Profile, after: &Profile) -> Vec<String> {
        let found = differences(before, after, at(NOW));
        found
            .iter()
            .map(|held| {
                assert_eq!((held.known_at, held.found_at), (at(BEFORE), at(NOW)));
                let happened = held
                    .happened_at
                    .map_or_else(String::new, |at| format!(" at {at}"));
                format!("{} {}{happened}", held.kind, held.what)
            })
            .collect()
    }

    #[test]
    fn every_change_of_state_has_the_kind_that_its_event_would_have() {
        use State::{
            Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion,
            Unavailable, Updating,
        };
        let (d1, d2) = (Some("2026-12-20T10:00:00Z"), Some("2026-12-27T10:00:00Z"));
        for (was, old, is, new, expected) in [
            (Enabled, None, Enabled, None, None),
            (Enabled, None, Disabled, None, Some("KeyDisabled Disabled")),
            (Disabled, None, Enabled, None, Some("KeyEnabled Enabled")),
            (
                Enabled,
                None,
                PendingDeletion,
                d1,
                Some("KeyDeletionScheduled PendingDeletion#2026-12-20T10:00:00Z"),
            ),
            (
                Disabled,
                None,
                PendingReplicaDeletion,
                None,
                Some("KeyDeletionScheduled PendingReplicaDeletion"),
            ),
            (PendingDeletion, d1, PendingDeletion, d1, None),
            (
                PendingDeletion,
                d1,
                PendingDeletion,
                d2,
                Some("KeyDeletionScheduled PendingDeletion#2026-12-27T10:00:00Z"),
            ),
            (
                PendingDeletion,
                d1,
                Disabled,
                None,
                Some("KeyDeletionCancelled PendingDeletion#2026-12-20T10:00:00Z"),
            ),
            (
                PendingReplicaDeletion,
                None,
                Disabled,
                None,
                Some("KeyDeletionCancelled PendingReplicaDeletion"),
            ),
            (
                PendingDeletion,
                d1,
                PendingImport,
                None,
                Some("KeyDeletionCancelled PendingDeletion#2026-12-20T10:00:00Z"),
            ),
            (
                PendingImport,
                None,
                Enabled,
                None,
                Some("KeyMaterialImported m1"),
            ),
            (
                Enabled,
                None,
                PendingImport,
                None,
                Some("KeyMaterialDeleted "),
            ),
            (Creating, None, Enabled, None, None),
            (Creating, None, PendingImport, None, None),
            (Updating, None, Enabled, None, None),
            (Enabled, None, Updating, None, None),
            (Enabled, None, Unavailable, None, None),
            (Unavailable, None, Enabled, None, None),
        ] {
            let name = format!("{was:?} {old:?} -> {is:?} {new:?}");
            let found = found(&in_state(BEFORE, was, old), &in_state(NOW, is, new));
            assert_eq!(found, Vec::from_iter(expected), "{name}");
        }
    }

    #[test]
    fn the_clock_of_a_primary_starts_when_its_last_replica_is_gone() {
        let before = profile(BEFORE, |metadata| {
            metadata.state = Some(State::PendingReplicaDeletion);
            metadata.pending_window_days = Some(7);
        });
        let after = in_state(NOW, State::PendingDeletion, Some("2026-11-27T08:30:00Z"));
        let expected =
            "KeyDeletionScheduled PendingDeletion#2026-11-27T08:30:00Z at 2026-11-20T08:30:00Z";
        assert_eq!(found(&before, &after), [expected]);
    }

    #[test]
    fn what_was_told_since_is_no_difference_and_what_was_told_before_is_one() {
        let after = in_state(NOW, State::Disabled, None);
        let mut before = in_state(BEFORE, State::Enabled, None);
        before.note_telling("KeyDisabled", None, at("2026-11-19T11:00:00Z"));
        assert!(found(&before, &after).is_empty());
        let mut before = in_state(BEFORE, State::Enabled, None);
        before.note_telling("KeyDisabled", None, at("2026-11-10T11:00:00Z"));
        assert_eq!(found(&before, &after).len(), 1);
    }

    #[test]
    fn of_a_key_that_was_not_known_or_is_another_nothing_is_different() {
        let after = in_state(NOW, State::Disabled, None);
        assert!(found(&Profile::default(), &after).is_empty());
        let before = profile(BEFORE, |metadata| {
            metadata.created_at = Some(at("2020-01-01T00:00:00Z"))
        });
        assert!(found(&before, &after).is_empty());
    }

    fn material(
        id: &str,
        imported: bool,
        valid_to: Option<&str>,
        rotated_at: Option<&str>,
    ) -> Material {
        Material {
            id: Some(id.to_owned()),
            imported: Some(imported),
            valid_to: valid_to.map(at),
            rotated_at: rotated_at.map(at),
            ..Material::default()
        }
    }

    fn with(mut profile: Profile, materials: Vec<Material>) -> Profile {
        let as_of = profile.metadata.as_ref().unwrap().as_of;
        profile.materials = Some(Dated {
            value: materials,
            as_of,
        });
        profile
    }

    #[test]
    fn every_rotation_since_is_found_by_its_material() {
        let rotated = |id: &str| {
            profile(NOW, |metadata| {
                metadata.current_material = Some(id.to_owned())
            })
        };
        let before = profile(BEFORE, |_| {});
        assert_eq!(found(&before, &rotated("m2")), ["KeyRotated m2"]);
        let materials = vec![
            material("m0", true, None, None),
            material("m1", true, None, Some("2026-01-01T00:00:00Z")),
            material("m2", true, None, Some("2026-11-19T12:00:00Z")),
            material("m3", true, None, Some("2026-11-20T02:00:00Z")),
        ];
        assert_eq!(
            found(&before, &with(rotated("m3"), materials)),
            [
                "KeyRotated m2 at 2026-11-19T12:00:00Z",
                "KeyRotated m3 at 2026-11-20T02:00:00Z"
            ]
        );
    }

    #[test]
    fn each_material_that_is_lost_is_found_and_whether_it_had_reached_its_end() {
        let end = Some("2026-11-20T03:00:00Z");
        let before = with(
            in_state(BEFORE, State::Enabled, None),
            vec![
                material("m1", true, end, None),
                material("m2", true, None, None),
                material("m3", true, None, None),
            ],
        );
        let after = with(
            in_state(NOW, State::PendingImport, None),
            vec![
                material("m1", false, None, None),
                material("m2", true, None, None),
                material("m3", false, None, None),
            ],
        );
        assert_eq!(
            found(&before, &after),
            [
                "KeyMaterialExpired m1 at 2026-11-20T03:00:00Z",
                "KeyMaterialDeleted m3"
            ]
        );
        // A second one, when the key waits for its material already.
        let before = with(
            in_state(BEFORE, State::PendingImport, None),
            after.materials.clone().unwrap().value,
        );
        let lost = with(
            in_state(NOW, State::PendingImport, None),
            vec![material("m2", false, None, None)],
        );
        assert_eq!(found(&before, &lost), ["KeyMaterialDeleted m2"]);
        // Without KMS's list, the key's own date has to do.
        let before = profile(BEFORE, |metadata| metadata.expires_at = end.map(at));
        assert_eq!(
            found(&before, &in_state(NOW, State::PendingImport, None)),
            ["KeyMaterialExpired  at 2026-11-20T03:00:00Z"]
        );
    }
}
