//! Repeats: who fails to use a key does so again and again. Chat and feed hear of it once an hour; mail of the first attempt of a
//! series, the tenth, the hundredth, then once a day, and of the rest when it stopped.
//!
//! Two items in the partition of what it is about. The counter is raised by one for every repeat that is not told, and says when
//! the last of them happened. Beside it stands how far it was when it was told last, and what was mailed, written whole with
//! every alert in the same request as the alert's mark. The difference is what the next alert says. Repeats that are counted
//! while an alert is on its way, or that come late, are the next alert's: none is told twice, and none is lost but with a failed
//! write.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::hash::short_hash;
use crate::items::{COUNT, Item, ItemKey, KEPT_DAYS, TIME_TO_LIVE, expiry, keyed};

/// Attempts of a series of which mail tells as soon as they come, beside the first.
pub const STEPS: [u64; 2] = [10, 100];
/// After that mail tells once in this time. A series that was still for as long is over: what comes then is the first of another.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A series is still after this time, or after twice the time that lay between its attempts.
const STILL: SignedDuration = SignedDuration::from_hours(1);
/// The clocks of two services differ by less.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// When the counter was made: one that is made anew, after its time to live, begins at zero.
const BEGUN: &str = "begun";
/// When what was counted last happened.
const LAST: &str = "last";
/// When what was told last happened.
const AT: &str = "at";
/// When the first of the series happened.
const FROM: &str = "from";
/// How many of the series an alert told, and how far the counter was before it.
const ALERTS: &str = "alerts";
const BASE: &str = "base";
/// What was mailed last: up to which attempt, when that happened, and as which alert.
const MAILED: &str = "mailed";
const MAILED_AT: &str = "mailedAt";
const MAILED_AS: &str = "mailedAs";
/// When mail last told that it stopped.
const RESTED: &str = "restedAt";

/// Things that repeat each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    counter: ItemKey,
    told: ItemKey,
}

/// How often it happened again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// How many times since it was told last.
    pub attempts: u64,
    /// When what was told last happened; `None` if it never was told.
    pub since: Option<Timestamp>,
    /// How many there are of the series.
    pub total: u64,
    /// When the first of the series happened.
    pub first: Option<Timestamp>,
    /// What was mailed last.
    pub mail: Option<Mail>,
    count: u64,
    base: u64,
    alerts: u64,
    begun: Option<Value>,
    last: Option<Timestamp>,
    rested: Option<Timestamp>,
}

/// What mail told of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Up to which attempt.
    pub total: u64,
    /// When that happened.
    pub at: Timestamp,
    /// Sort key of the alert.
    pub told_as: String,
}

impl Series {
    /// What `kind` calls `name`, of the subject `partition`.
    pub fn new(partition: &str, kind: &str, name: &str) -> Self {
        Self::of(ItemKey::new(
            partition,
            format!("count#{kind}#{}", short_hash(name)),
        ))
    }

    /// The series with this counter.
    pub fn of(counter: ItemKey) -> Self {
        Self {
            told: ItemKey::new(&counter.partition, format!("{}#told", counter.sort)),
            counter,
        }
    }

    /// The items that [`Self::find`] needs.
    pub fn keys(&self) -> [ItemKey; 2] {
        [self.counter.clone(), self.told.clone()]
    }

    /// The counter.
    pub fn counter(&self) -> &ItemKey {
        &self.counter
    }

    /// What a counter that is made at `now` holds beside its number.
    pub fn fresh(now: Timestamp) -> Item {
        Item::from_iter([
            (BEGUN.to_owned(), now.to_string().into()),
            (TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into()),
        ])
    }

    /// What the counter holds of the attempt that was counted last.
    pub fn latest(at: Timestamp) -> Item {
        Item::from_iter([(LAST.to_owned(), at.to_string().into())])
    }

    /// How it stands, from the items that were read.
    pub fn find(&self, items: &[Item]) -> Repeats {
        let get = |key: &ItemKey, name: &str| {
            let item = items.iter().find(|item| key.names(item))?;
            item.get(name).cloned()
        };
        let number = |key, name| {
            let number = get(key, name).and_then(|number| number.as_u64());
            number.unwrap_or(0)
        };
        let time = |key, name| -> Option<Timestamp> { get(key, name)?.as_str()?.parse().ok() };
        let count = number(&self.counter, COUNT);
        let begun = get(&self.counter, BEGUN);
        // Told before anything was counted, or told of this counter.
        let told_of = get(&self.told, BEGUN).filter(|told_of| !told_of.is_null());
        let goes_on = told_of.is_none() || told_of == begun;
        let of_run = |name| if goes_on { number(&self.told, name) } else { 0 };
        let mail = || {
            Some(Mail {
                total: number(&self.told, MAILED),
                at: time(&self.told, MAILED_AT)?,
                told_as: get(&self.told, MAILED_AS)?.as_str()?.to_owned(),
            })
        };
        let (base, alerts) = (of_run(BASE).min(count), of_run(ALERTS));
        let since = time(&self.told, AT);
        Repeats {
            attempts: count.saturating_sub(of_run(COUNT)),
            since,
            total: (count - base).saturating_add(alerts),
            first: time(&self.told, FROM),
            mail: mail().filter(|_| goes_on),
            count,
            base,
            alerts,
            begun,
            last: time(&self.counter, LAST).max(since),
            rested: time(&self.told, RESTED).filter(|_| goes_on),
        }
    }

    /// The item that says that `repeats` were told, with something that happened `at`; `mailed_as` if mail told of it.
    pub fn told(
        &self,
        repeats: &Repeats,
        at: Timestamp,
        mailed_as: Option<&str>,
        now: Timestamp,
    ) -> Item {
        let last = repeats.since.map_or(at, |since| since.max(at));
        let mut attributes = Item::from_iter([
            (COUNT.to_owned(), repeats.count.into()),
            (BASE.to_owned(), repeats.base.into()),
            (ALERTS.to_owned(), repeats.alerts.into()),
            (BEGUN.to_owned(), repeats.begun.clone().unwrap_or_default()),
            (AT.to_owned(), last.to_string().into()),
            (TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into()),
        ]);
        let mut note = |name: &str, value: Option<String>| {
            attributes.extend(value.map(|value| (name.to_owned(), value.into())));
        };
        note(FROM, repeats.first.map(|at| at.to_string()));
        note(RESTED, repeats.rested.map(|at| at.to_string()));
        let mail = match mailed_as {
            Some(told_as) => Some(Mail {
                total: repeats.total,
                at,
                told_as: told_as.to_owned(),
            }),
            None => repeats.mail.clone(),
        };
        if let Some(mail) = mail {
            note(MAILED_AT, Some(mail.at.to_string()));
            note(MAILED_AS, Some(mail.told_as));
            attributes.insert(MAILED.to_owned(), mail.total.into());
        }
        keyed(&self.told, attributes)
    }

    /// What to set beside the counter once mail told that it stopped.
    pub fn rested(&self, repeats: &Repeats, now: Timestamp) -> (ItemKey, Item) {
        let set = Item::from_iter([
            (MAILED.to_owned(), repeats.total.into()),
            (RESTED.to_owned(), now.to_string().into()),
        ]);
        (self.told.clone(), set)
    }
}

impl Repeats {
    /// How it stands with an attempt `at` of which an alert tells; `is_counted` if the counter has that already.
    pub fn with(mut self, at: Timestamp, is_counted: bool) -> Self {
        if self.first.is_none() || self.is_over(at) {
            self = Self {
                first: Some(at),
                base: self.count,
                alerts: 0,
                mail: None,
                rested: None,
                ..self
            };
        }
        if is_counted {
            self.attempts = self.attempts.saturating_sub(1);
            self.base = self.base.min(self.count.saturating_sub(1));
        } else {
            self.alerts = self.alerts.saturating_add(1);
        }
        self.first = self.first.map(|first| first.min(at));
        self.total = (self.count - self.base).saturating_add(self.alerts);
        self
    }

    /// Nothing came for a day before `at`.
    fn is_over(&self, at: Timestamp) -> bool {
        self.last.is_none_or(|last| at.duration_since(last) >= DAY)
    }

    /// The attempt of which mail is still to tell by itself: the tenth, the hundredth.
    pub fn step(&self) -> Option<u64> {
        let mailed = self.mail.as_ref()?.total;
        let owed = |step: &u64| mailed < *step && *step <= self.total;
        STEPS.into_iter().rfind(owed)
    }

    /// Mail told of the series within the day before `at`, and no further step was reached.
    pub fn is_known(&self, at: Timestamp, now: Timestamp) -> Option<&Mail> {
        let mail = self.mail.as_ref()?;
        // What says that it was told in the time to come was written by no function.
        let is_fresh = at.duration_since(mail.at) < DAY
            && mail.at.duration_since(at) < DAY
            && mail.at.duration_since(now) <= SKEW;
        (is_fresh && self.step().is_none()).then_some(mail)
    }

    /// When the last of the series happened.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// How many of the series mail told of.
    pub fn mailed(&self) -> u64 {
        self.mail.as_ref().map_or(0, |mail| mail.total)
    }

    /// What a sweep does about it at `now`.
    pub fn rest(&self, now: Timestamp) -> Rest {
        let (Some(mail), Some(last), Some(first)) = (&self.mail, self.last, self.first) else {
            return Rest::Nothing;
        };
        // A time ahead of the clock must not keep it from people.
        let ahead = last.duration_since(now) > SKEW;
        let gaps = i32::try_from(self.total.saturating_sub(1).max(1)).unwrap_or(i32::MAX);
        let pause = last.duration_since(first) / gaps * 2;
        let still = now.duration_since(last) >= pause.clamp(STILL, DAY);
        let told = |at: Timestamp| now.duration_since(at) < DAY && at.duration_since(now) <= SKEW;
        let rested = self.rested.is_some_and(|at| told(at) || told(mail.at));
        match self.total > mail.total {
            true if (ahead || still) && !rested => Rest::Due,
            false if ahead || now.duration_since(last) >= DAY => Rest::Nothing,
            _ => Rest::Later,
        }
    }
}

/// What a sweep does about a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// People are told of the rest.
    Due,
    /// It looks again the next time.
    Later,
    /// Nothing is left to tell.
    Nothing,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn series() -> Series {
        Series::new("k", "UnusableKeyUsed", "role Decrypt")
    }

    /// The counter as it stands after `count` repeats.
    fn counter(count: u64, begun: &str) -> Item {
        let mut item = keyed(series().counter(), Series::fresh(at(begun)));
        item.insert(COUNT.to_owned(), count.into());
        item
    }

    const BEGUN_AT: &str = "2026-11-20T10:05:00Z";
    const TOLD_AT: &str = "2026-11-20T11:00:00Z";

    #[test]
    fn only_what_was_not_told_counts() {
        let nothing = series().find(&[]);
        assert_eq!((nothing.attempts, nothing.since), (0, None));
        // Told for the first time, before anything was counted.
        let told = series().told(&nothing, at(BEGUN_AT), None, at(BEGUN_AT));
        let first = series().find(&[counter(99, BEGUN_AT), told]);
        assert_eq!((first.attempts, first.since), (99, Some(at(BEGUN_AT))));
        let told = series().told(&first, at(TOLD_AT), None, at(TOLD_AT));
        let second = series().find(&[told, counter(104, BEGUN_AT)]);
        assert_eq!((second.attempts, second.since), (5, Some(at(TOLD_AT))));
    }

    #[test]
    fn a_counter_that_was_made_anew_begins_at_nought() {
        let first = series().find(&[counter(99, BEGUN_AT)]);
        let told = series().told(&first, at(TOLD_AT), None, at(TOLD_AT));
        for count in [3, 99, 120] {
            let anew = series().find(&[counter(count, "2028-01-01T00:00:00Z"), told.clone()]);
            assert_eq!(anew.attempts, count);
        }
    }

    #[test]
    fn what_comes_late_does_not_set_the_time_back() {
        let first = series().find(&[]);
        let told = series().told(&first, at(TOLD_AT), None, at(TOLD_AT));
        let second = series().find(&[told]);
        let late = series().told(&second, at(BEGUN_AT), None, at(TOLD_AT));
        assert_eq!(series().find(&[late]).since, Some(at(TOLD_AT)));
    }

    #[test]
    fn series_are_told_apart_and_nobody_can_forge_a_name() {
        let keys = |name| Series::new("k", "UnusableKeyUsed", name).keys();
        assert_ne!(keys("a"), keys("b"));
        let [counter, told] = keys("x#told#../");
        assert!(counter.sort.len() < 80 && told.sort == format!("{}#told", counter.sort));
        let item = json!({"pk": "k", "sk": counter.sort, COUNT: "many", BEGUN: 5});
        let Value::Object(item) = item else {
            unreachable!()
        };
        assert_eq!(
            Series::new("k", "UnusableKeyUsed", "x#told#../")
                .find(&[item])
                .attempts,
            0
        );
    }
}
