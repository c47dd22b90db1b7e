//! Signs that a deletion is meant to do harm: what an attacker does, and a person who cleans up seldom.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::SHORTEST_WINDOW_DAYS;
use crate::hash::short_hash;
use crate::items::{COUNTED_DAYS, Item, ItemKey, TIME_TO_LIVE, expiry, keyed};
use crate::kinds::describe::Found;
use crate::kinds::{KeyDescriptionChanged, KeyDisabled, KeyPolicyChanged, KeyTagsChanged};
use crate::ledger::profile::Act;
use crate::severity::Severity;
use crate::subject::Subject;
use crate::text;
use crate::text::{Span, Text, Untrusted};

/// How long before a deletion the same principal disabled the key, to be a sign.
const DISABLED_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// How long before it somebody changed its policy, tags or description, to be a sign, or worth a word.
const CHANGED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Within which time many keys are a sign.
const MANY_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// So many keys are many.
const MANY: usize = 3;
/// How many keys the ledger keeps of one principal.
const KEPT: usize = 50;

/// A sign of intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Sign {
    /// The waiting period is the shortest that KMS allows, which nobody gets without asking for it.
    ShortestWaitingPeriod,
    /// The same principal disabled the key within the hour before.
    DisabledBefore,
    /// The key policy was changed within the day before.
    PolicyChangedBefore,
    /// Tags were changed within the day before.
    TagsChangedBefore,
    /// The same principal scheduled the deletion of three keys or more within the hour.
    ManyKeys,
}

/// What speaks for intent.
#[derive(Clone, Debug, Default)]
pub struct Intent {
    /// The signs, and how long before each was.
    signs: Vec<(Sign, SignedDuration)>,
    /// How long before the description was changed.
    described: Option<SignedDuration>,
    /// Keys of which the principal scheduled the deletion within the hour, this one included.
    keys: usize,
}

impl Intent {
    /// What the waiting period and the key's past say of a deletion that `principal` scheduled.
    pub(super) fn of(window: Option<u32>, principal: &Untrusted, found: &Found<'_>) -> Self {
        let mut intent = Self::default();
        if window.map(i64::from) == Some(SHORTEST_WINDOW_DAYS) {
            intent
                .signs
                .push((Sign::ShortestWaitingPeriod, SignedDuration::ZERO));
        }
        let acts = &found.before.acts;
        let since = |act: &Act| found.at.duration_since(act.at);
        let within = |kind: &str, most: SignedDuration| {
            let act = acts.get(kind)?;
            (!since(act).is_negative() && since(act) <= most).then_some((act, since(act)))
        };
        if let Some((act, ago)) = within(KeyDisabled::NAME, DISABLED_WITHIN)
            && !principal.is_empty()
            && act.by.as_ref() == Some(principal)
        {
            intent.signs.push((Sign::DisabledBefore, ago));
        }
        for (kind, sign) in [
            (KeyPolicyChanged::NAME, Sign::PolicyChangedBefore),
            (KeyTagsChanged::NAME, Sign::TagsChangedBefore),
        ] {
            if let Some((_, ago)) = within(kind, CHANGED_WITHIN) {
                intent.signs.push((sign, ago));
            }
        }
        intent.described = within(KeyDescriptionChanged::NAME, CHANGED_WITHIN).map(|(_, ago)| ago);
        intent
    }

    /// Counts this key among those of the principal.
    pub(super) fn count(&mut self, keys: &Keys) {
        self.keys = keys.0.len();
        if self.keys >= MANY {
            self.signs.push((Sign::ManyKeys, SignedDuration::ZERO));
        }
    }

    fn is_only_short(&self) -> bool {
        matches!(self.signs.as_slice(), [(Sign::ShortestWaitingPeriod, _)])
    }

    pub(super) fn signs(&self) -> Vec<Sign> {
        self.signs.iter().map(|(sign, _)| *sign).collect()
    }

    /// What the signs make of the severity that the key's use alone would have. The short waiting period alone is too
    /// usual to count: tools ask for it.
    pub(super) fn raise(&self, severity: Severity, never_used: bool) -> Severity {
        let floor = match self.signs.len() {
            0 => return severity,
            1 if self.is_only_short() => return severity,
            1 => Severity::High,
            // Nothing is lost with a key that was never used.
            2.. if never_used => Severity::High,
            2 if severity < Severity::High => Severity::High,
            2.. => Severity::Critical,
        };
        severity.max(floor)
    }

    /// Why the signs alone make it urgent.
    pub(super) fn reason(&self) -> Text {
        match self.signs.len() {
            1 => text!["one sign suggests intent"],
            count => text![count, " signs suggest intent"],
        }
    }

    pub(super) fn words(&self) -> Text {
        let mut text = Text::new();
        // The waiting period alone is no sign: who reads of it knows how long it is.
        let signs = self.signs.iter().filter(|_| !self.is_only_short());
        for (sign, ago) in signs {
            text.push(if text.spans().is_empty() {
                "Signs of intent: "
            } else {
                "; "
            });
            text.push(match sign {
                Sign::ShortestWaitingPeriod => {
                    text!["the waiting period is the shortest possible (the default is 30 days)"]
                }
                Sign::DisabledBefore => {
                    text!["the same principal disabled the key ", before(*ago)]
                }
                Sign::PolicyChangedBefore => text!["the key policy was changed ", before(*ago)],
                Sign::TagsChangedBefore => text!["tags were changed ", before(*ago)],
                Sign::ManyKeys => text![
                    "the same principal scheduled at least ",
                    self.keys,
                    " keys for deletion within an hour"
                ],
            });
        }
        if !text.spans().is_empty() {
            text.push(".");
        }
        if let Some(ago) = self.described {
            text.sentence(text!["The description was changed ", before(ago), "."]);
        }
        text
    }
}

/// `3 hours before`.
fn before(ago: SignedDuration) -> Span {
    let (count, unit) = match ago.as_mins() {
        0 => return Span::Own("less than a minute before".into()),
        minutes @ 1..=119 => (minutes, "minute"),
        minutes => (minutes / 60, "hour"),
    };
    let plural = if count == 1 { "" } else { "s" };
    Span::Own(format!("{count} {unit}{plural} before").into())
}

/// The keys of which a principal scheduled the deletion lately, and when. Two functions that run at the same moment may
/// each miss the other's: there are at least so many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(Vec<(String, Timestamp)>);

impl Keys {
    /// Their item, among those of the account.
    pub(super) fn key(subject: &Subject, principal: &Untrusted) -> ItemKey {
        let sort = format!("count#deletions#{}", short_hash(principal.as_str()));
        ItemKey::new(subject.account_key(), sort)
    }

    /// Those within the hour around `at`, and `own`.
    pub(super) fn read(item: Option<&Item>, own: &str, at: Timestamp) -> Self {
        let keys = item
            .and_then(|item| item.get("keys"))
            .and_then(Value::as_object);
        let mut keys: Vec<_> = keys
            .into_iter()
            .flatten()
            .filter_map(|(key, at)| Some((key.clone(), at.as_str()?.parse().ok()?)))
            .filter(|(key, then): &(String, Timestamp)| {
                key != own && then.duration_since(at).abs() <= MANY_WITHIN
            })
            .collect();
        keys.push((own.to_owned(), at));
        keys.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        keys.truncate(KEPT);
        Self(keys)
    }

    pub(super) fn item(&self, key: &ItemKey, now: Timestamp) -> Item {
        let keys: Item = self
            .0
            .iter()
            .map(|(key, at)| (key.clone(), at.to_string().into()))
            .collect();
        let mut item = keyed(key, Item::new());
        item.insert("keys".to_owned(), Value::Object(keys));
        item.insert(TIME_TO_LIVE.to_owned(), expiry(now, COUNTED_DAYS).into());
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn with(signs: &[Sign]) -> Intent {
        Intent {
            signs: signs
                .iter()
                .map(|sign| (*sign, SignedDuration::ZERO))
                .collect(),
            ..Intent::default()
        }
    }

    #[test]
    fn signs_raise_what_the_use_alone_would_be() {
        use Severity::{Critical, High, Medium};
        use Sign::{DisabledBefore, ManyKeys, PolicyChangedBefore, ShortestWaitingPeriod};
        for (signs, idle, unknown, never_used) in [
            (&[][..], Medium, High, Medium),
            (&[ShortestWaitingPeriod][..], Medium, High, Medium),
            (&[DisabledBefore][..], High, High, High),
            (
                &[ShortestWaitingPeriod, DisabledBefore][..],
                High,
                Critical,
                High,
            ),
            (
                &[ShortestWaitingPeriod, DisabledBefore, PolicyChangedBefore][..],
                Critical,
                Critical,
                High,
            ),
            (&[ManyKeys, DisabledBefore][..], High, Critical, High),
        ] {
            let intent = with(signs);
            assert_eq!(intent.raise(Medium, false), idle, "{signs:?}");
            assert_eq!(intent.raise(High, false), unknown, "{signs:?}");
            assert_eq!(intent.raise(Medium, true), never_used, "{signs:?}");
            assert_eq!(intent.raise(Critical, false), Critical, "{signs:?}");
        }
    }

    #[test]
    fn keys_of_the_hour_are_counted_once_each() {
        let key = ItemKey::new("account", "count#deletions#x");
        let mut item = None;
        for (key_arn, time, count) in [
            ("a", "2026-11-20T10:00:00Z", 1),
            ("b", "2026-11-20T10:20:00Z", 2),
            ("b", "2026-11-20T10:25:00Z", 2),
            ("c", "2026-11-20T10:59:00Z", 3),
            ("d", "2026-11-20T11:10:00Z", 3),
            ("e", "2026-11-20T13:00:00Z", 1),
        ] {
            let keys = Keys::read(item.as_ref(), key_arn, at(time));
            assert_eq!(keys.0.len(), count, "{key_arn}");
            item = Some(keys.item(&key, at(time)));
        }
        let broken =
            crate::items::to_item(&serde_json::json!({"keys": {"a": 5, "b": "yesterday"}}));
        assert_eq!(
            Keys::read(Some(&broken), "k", at("2026-11-20T10:00:00Z"))
                .0
                .len(),
            1
        );
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        for (seconds, words) in [
            (0, "less than a minute before"),
            (60, "1 minute before"),
            (7_199, "119 minutes before"),
            (7_200, "2 hours before"),
            (86_400, "24 hours before"),
        ] {
            let said = text![before(SignedDuration::from_secs(seconds))];
            assert_eq!(said.plain(), words);
        }
    }
}
