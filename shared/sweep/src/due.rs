//! What is due: deletions, expiries and rotations with a date, at the steps at which people are told. Pure.

use jiff::{SignedDuration, Timestamp};
use watch_core::config::SweepConfig;
use watch_core::countdown;
use watch_core::key::State;
use watch_core::kinds::{KeyDeletionNear, KeyMaterialExpiring, KeyRotationOverdue, Kind};
use watch_core::ledger::Profile;

/// Whoever scheduled a deletion was told of it; the countdown begins a day later.
const QUIET_AFTER_SCHEDULING: SignedDuration = SignedDuration::from_hours(24);
/// A waiting period has seven days at least (KMS API Reference, ScheduleKeyDeletion): a deletion that is nearer than this was
/// not scheduled within the last day, whatever the profile says.
const LEAST_WHEN_FRESH: SignedDuration = SignedDuration::from_hours(6 * 24);

/// KMS rotates within some days of the date.
const ROTATION_IS_LATE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is due of a key.
#[derive(Clone, Debug)]
pub struct Due {
    /// What to tell.
    pub kind: Kind,
    /// The profile says that it was told: the same with the step at which. That counts if the ledger has the alert.
    pub noted: Option<Kind>,
}

/// The alerts that are due at `at` for a key that is known as `profile`.
pub fn due(profile: &Profile, config: &SweepConfig, at: Timestamp) -> Vec<Due> {
    let mut due = Vec::new();
    due.extend(deletion(profile, &config.deletion_warning_days, at));
    due.extend(expiries(profile, &config.alerts.expiry_warning_days, at));
    due.extend(rotation(profile, at));
    due
}

fn deletion(profile: &Profile, steps: &[u32], at: Timestamp) -> Option<Due> {
    let metadata = &profile.metadata.as_ref()?.value;
    if metadata.state != Some(State::PendingDeletion) {
        return None;
    }
    let deadline = metadata.deletion_at?;
    let step = countdown::step(steps, at, deadline)?;
    let scheduled = profile.scheduled.as_ref();
    let is_fresh = deadline.duration_since(at) >= LEAST_WHEN_FRESH
        && scheduled
            .is_some_and(|scheduled| at.duration_since(scheduled.at) < QUIET_AFTER_SCHEDULING);
    // That it is scheduled at all comes first.
    let is_held = profile
        .held
        .iter()
        .any(|held| held.kind == "KeyDeletionScheduled");
    if is_fresh || is_held {
        return None;
    }
    let near = KeyDeletionNear::new(deadline, steps, at);
    let noted = profile.counted("KeyDeletionNear", deadline, step);
    let noted = noted.map(|step| KeyDeletionNear {
        step: Some(step),
        ..near.clone()
    });
    Some(Due {
        kind: near.into(),
        noted: noted.map(Kind::from),
    })
}

/// One for each date on which material ends: the first stops the key, and whoever renews that one alone will be stopped by
/// the next.
fn expiries(profile: &Profile, steps: &[u32], at: Timestamp) -> Vec<Due> {
    // What is over is no countdown any more.
    let dates = dates_of_expiry(profile)
        .into_iter()
        .filter(|(date, _)| *date > at);
    dates
        .filter_map(|(date, material)| {
            let step = countdown::step(steps, at, date)?;
            let near = KeyMaterialExpiring::of_date(date, material, steps, at);
            let noted = profile.counted("KeyMaterialExpiring", date, step);
            let noted = noted.map(|step| {
                let mut noted = near.clone();
                noted.step = Some(step);
                noted
            });
            Some(Due {
                kind: near.into(),
                noted: noted.map(Kind::from),
            })
        })
        .collect()
}

/// When KMS rotates the key next by itself. A key that is not Enabled is not rotated.
pub fn next_rotation(profile: &Profile) -> Option<Timestamp> {
    let state = profile.metadata.as_ref()?.value.state.as_ref()?;
    let rotation = &profile.rotation.as_ref()?.value;
    rotation
        .next_at
        .filter(|_| rotation.enabled && *state == State::Enabled)
}

/// The dates on which imported material of the key ends, and a material that does. None that the key does not live to see.
pub fn dates_of_expiry(profile: &Profile) -> Vec<(Timestamp, Option<String>)> {
    let Some(metadata) = profile.metadata.as_ref().map(|known| &known.value) else {
        return Vec::new();
    };
    let materials = profile
        .materials
        .as_ref()
        .map_or(&[][..], |known| &known.value);
    let mut dates: Vec<_> = materials
        .iter()
        .filter(|material| material.imported != Some(false))
        .filter_map(|material| Some((material.valid_to?, material.id.clone())))
        .collect();
    // KMS's date for the key is the earliest of them; the list may not be had, or be older.
    if let Some(first) = metadata.expires_at {
        dates.retain(|(date, _)| *date >= first);
        if dates.iter().all(|(date, _)| *date != first) {
            dates.push((first, None));
        }
    }
    dates.retain(|(date, _)| metadata.deletion_at.is_none_or(|end| *date < end));
    dates.sort();
    dates.dedup_by_key(|(date, _)| *date);
    dates
}

/// Rotation reads as off while a deletion is pending, and a disabled key catches up when it is enabled (AWS KMS Developer
/// Guide, rotate keys): neither is late.
fn rotation(profile: &Profile, at: Timestamp) -> Option<Due> {
    let metadata = &profile.metadata.as_ref()?.value;
    let rotation = &profile.rotation.as_ref()?.value;
    if metadata.state != Some(State::Enabled) || !rotation.enabled {
        return None;
    }
    let due = rotation.next_at?;
    if at.duration_since(due) <= ROTATION_IS_LATE_AFTER {
        return None;
    }
    let late = Kind::from(KeyRotationOverdue::new(due, at));
    let noted = profile.counted("KeyRotationOverdue", due, 0);
    Some(Due {
        noted: noted.map(|_| late.clone()),
        kind: late,
    })
}

#[cfg(test)]
mod tests {
    use watch_core::answers::{Material, Metadata, RotationStatus};
    use watch_core::ledger::profile::{Dated, Held, Scheduled};

    use super::*;

    const NOW: &str = "2026-11-20T10:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn dated<T>(value: T) -> Option<Dated<T>> {
        Some(Dated {
            value,
            as_of: at(NOW),
        })
    }

    fn config() -> SweepConfig {
        SweepConfig::from_lookup(
            |name| match name {
                "ALERT_TOPIC_ARN" => Some("arn:aws:sns:us-east-1:111122223333:people".to_owned()),
                "LEDGER_TABLE" => Some("ledger".to_owned()),
                _ => None,
            },
            &[],
        )
        .unwrap()
    }

    fn told(profile: &Profile) -> Vec<String> {
        let due = due(profile, &config(), at(NOW));
        due.iter()
            .filter(|due| due.noted.is_none())
            .map(|due| match &due.kind {
                Kind::KeyDeletionNear(near) => {
                    format!("deletion {:?} {}", near.step, near.days_left)
                }
                Kind::KeyMaterialExpiring(near) => {
                    format!("expiry {:?} {:?}", near.step, near.key_material_id)
                }
                Kind::KeyRotationOverdue(late) => format!("rotation {}", late.days_overdue),
                other => other.name().to_owned(),
            })
            .collect()
    }

    fn pending(date: &str) -> Profile {
        Profile {
            metadata: dated(Metadata {
                state: Some(State::PendingDeletion),
                deletion_at: Some(at(date)),
                ..Metadata::default()
            }),
            ..Profile::default()
        }
    }

    #[test]
    fn only_the_most_urgent_step_of_a_deletion_is_told_and_once() {
        for (date, expected) in [
            ("2026-11-28T10:00:01Z", None),
            ("2026-11-27T10:00:00Z", Some("deletion Some(7) 7")),
            ("2026-11-22T12:00:00Z", Some("deletion Some(3) 2")),
            ("2026-11-20T12:00:00Z", Some("deletion Some(1) 0")),
            // KMS may take a day more.
            ("2026-11-20T09:00:00Z", Some("deletion Some(1) 0")),
        ] {
            let mut profile = pending(date);
            assert_eq!(told(&profile), Vec::from_iter(expected), "{date}");
            if let Some(step) = countdown::step(&[7, 3, 1], at(NOW), at(date)) {
                profile.note_countdown("KeyDeletionNear", at(date), step);
                assert!(told(&profile).is_empty(), "{date}");
            }
        }
        // At the next step again, and for another date from the beginning.
        let mut profile = pending("2026-11-22T12:00:00Z");
        profile.note_countdown("KeyDeletionNear", at("2026-11-22T12:00:00Z"), 7);
        profile.note_countdown("KeyDeletionNear", at("2026-11-21T12:00:00Z"), 1);
        assert_eq!(told(&profile), ["deletion Some(3) 2"]);
    }

    #[test]
    fn nothing_is_told_within_a_day_of_the_scheduling_nor_before_that_is_told() {
        let mut profile = pending("2026-11-27T10:00:00Z");
        let scheduled = |when| {
            Some(Scheduled {
                by: None,
                at: at(when),
            })
        };
        profile.scheduled = scheduled("2026-11-19T10:00:01Z");
        assert!(told(&profile).is_empty());
        profile.scheduled = scheduled("2026-11-19T10:00:00Z");
        assert_eq!(told(&profile).len(), 1);
        // A deletion that is so near was not scheduled today, and not in the future.
        let mut near = pending("2026-11-26T09:59:59Z");
        for when in ["2026-11-20T09:00:00Z", "2036-11-20T10:00:00Z"] {
            near.scheduled = scheduled(when);
            assert_eq!(told(&near).len(), 1, "{when}");
        }
        profile.held = vec![Held {
            kind: "KeyDeletionScheduled".to_owned(),
            what: String::new(),
            known_at: at(NOW),
            found_at: at(NOW),
            happened_at: None,
        }];
        assert!(told(&profile).is_empty());
        // Without a date there is nothing to count down to.
        let mut replica = pending("2026-11-27T10:00:00Z");
        replica.metadata.as_mut().unwrap().value.state = Some(State::PendingReplicaDeletion);
        assert!(told(&replica).is_empty());
    }

    fn material(id: &str, imported: bool, valid_to: &str) -> Material {
        Material {
            id: Some(id.to_owned()),
            imported: Some(imported),
            valid_to: Some(at(valid_to)),
            ..Material::default()
        }
    }

    #[test]
    fn every_material_has_a_countdown_of_its_own() {
        let mut profile = Profile {
            metadata: dated(Metadata {
                state: Some(State::Enabled),
                expires_at: Some(at("2026-11-23T10:00:00Z")),
                ..Metadata::default()
            }),
            materials: dated(vec![
                material("gone", false, "2026-11-21T10:00:00Z"),
                material("first", true, "2026-11-23T10:00:00Z"),
                material("second", true, "2026-12-10T10:00:00Z"),
                material("same day", true, "2026-12-10T10:00:00Z"),
                material("far", true, "2027-06-01T10:00:00Z"),
            ]),
            ..Profile::default()
        };
        assert_eq!(
            told(&profile),
            [
                "expiry Some(3) Some(\"first\")",
                "expiry Some(30) Some(\"same day\")"
            ]
        );
        profile.note_countdown("KeyMaterialExpiring", at("2026-11-23T10:00:00Z"), 3);
        assert_eq!(told(&profile), ["expiry Some(30) Some(\"same day\")"]);
        // A key that is deleted before does not live to see it.
        let metadata = &mut profile.metadata.as_mut().unwrap().value;
        metadata.deletion_at = Some(at("2026-12-01T10:00:00Z"));
        assert!(told(&profile).is_empty());
        // KMS's date for the key has to do where there is no list.
        profile.materials = None;
        profile.metadata.as_mut().unwrap().value.deletion_at = None;
        profile.countdowns.clear();
        assert_eq!(told(&profile), ["expiry Some(3) None"]);
        profile.metadata.as_mut().unwrap().value.expires_at = Some(at("2026-11-20T09:00:00Z"));
        assert!(told(&profile).is_empty());
    }

    #[test]
    fn a_rotation_is_overdue_after_a_week_unless_the_key_is_off_or_going() {
        let profile = |state, enabled, next: &str| Profile {
            metadata: dated(Metadata {
                state: Some(state),
                ..Metadata::default()
            }),
            rotation: dated(RotationStatus {
                enabled,
                period_days: Some(365),
                next_at: Some(at(next)),
            }),
            ..Profile::default()
        };
        let late = "2026-11-12T10:00:00Z";
        assert_eq!(told(&profile(State::Enabled, true, late)), ["rotation 8"]);
        assert!(told(&profile(State::Enabled, true, "2026-11-13T10:00:00Z")).is_empty());
        for (state, enabled) in [
            (State::Disabled, true),
            (State::PendingDeletion, false),
            (State::Enabled, false),
        ] {
            assert!(told(&profile(state, enabled, late)).is_empty());
        }
        let mut again = profile(State::Enabled, true, late);
        again.note_countdown("KeyRotationOverdue", at(late), 0);
        assert!(told(&again).is_empty());
    }
}
