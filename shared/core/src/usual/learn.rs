//! One look at a key: what it adds to what is remembered, and what about it is unusual.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    CountedBy, DAYS, Day, Habit, IDLE_DAYS, Idle, KNOWN, Known, LEARNING_DAYS, NAMED, NEWCOMERS,
    Newcomer, Surge, Unusual, Usual, number,
};
use crate::answers::LastUsage;
use crate::dependants::{Act, History, REMEMBERED};
use crate::text::Untrusted;

/// How late a record, or a last use, may come: KMS says "an hour", CloudTrail "fifteen minutes".
pub const LATE: SignedDuration = SignedDuration::from_mins(90);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// On so many days of the last sixty somebody new came: then newcomers are usual for the key.
const CHURN: usize = 3;
const CHURN_DAYS: i32 = 60;
/// Of ten looks eight read everything: else somebody who was not seen may have been there all the time.
const WHOLE_OF_TEN: u32 = 8;

/// What was seen of a key.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When.
    pub at: Timestamp,
    /// What `GetKeyLastUsage` said.
    pub usage: &'a LastUsage,
    /// What the event history showed; `None` if it gave no answer, or there is nothing in it.
    pub history: Option<&'a History>,
    /// Uses a day by KMS's metric, if that was asked and has some.
    pub measured: Option<&'a BTreeMap<i32, u64>>,
}

impl Look<'_> {
    /// By what KMS says there is no use in the event history.
    fn is_unused(&self) -> bool {
        let used = self.usage.used.as_ref();
        used.is_none_or(|used| self.at.duration_since(used.at) > REMEMBERED)
    }
}

impl Usual {
    /// Takes in what was seen, and says what of it is unusual. What is due is the caller's to tell, and to clear.
    pub fn take_in(&mut self, look: &Look<'_>) -> Option<Unusual> {
        let created = self.created_at.zip(look.usage.created_at);
        if created.is_some_and(|(known, created)| known != created) {
            *self = Self::default();
        }
        self.created_at = look.usage.created_at.or(self.created_at);
        let before = self.clone();
        self.forget(look.at);
        let idle = before.idle(look);
        self.go_back(look);
        let newcomers = self.meet(&before, look);
        self.count(look);
        let surge = self.judge(look.at, look.measured.is_some());
        self.last_use = look
            .usage
            .used
            .as_ref()
            .map(|used| used.at)
            .or(self.last_use);
        self.looked_at = Some(look.at);

        if !before.has_learnt(look.at) {
            return None;
        }
        let count = newcomers.len();
        if idle.is_none() && count == 0 && surge.is_none() {
            return None;
        }
        let first = newcomers.iter().map(|it| it.first_at);
        let first = first.chain(idle.iter().map(|idle| idle.used_at));
        let at = first.min().or(surge.as_ref().map(|surge| surge.day));
        Some(Unusual {
            at: at.unwrap_or(look.at),
            idle,
            newcomers: newcomers.into_iter().take(NEWCOMERS).collect(),
            newcomer_count: u32::try_from(count).unwrap_or(u32::MAX),
            surge,
            usual: before.habit(self, look.at),
        })
    }

    fn forget(&mut self, now: Timestamp) {
        let oldest = number(now) - DAYS;
        self.days.retain(|day| day.day > oldest);
        self.known.retain(|known| known.day > oldest);
        self.newcomer_days.retain(|day| *day > oldest);
    }

    fn has_learnt(&self, now: Timestamp) -> bool {
        let since = self.since.filter(|_| self.looked_at.is_some());
        since.is_some_and(|since| now.duration_since(since) >= DAY * LEARNING_DAYS)
    }

    /// A use since the last look, before which there was none for long.
    fn idle(&self, look: &Look<'_>) -> Option<Idle> {
        let used_at = look.usage.used.as_ref()?.at;
        let looked_at = self.looked_at?;
        if self.last_use.is_some_and(|known| used_at <= known) {
            return None;
        }
        let tracked = look.usage.tracked_since.max(look.usage.created_at);
        let unused_since = self.last_use.or(tracked)?;
        let days = looked_at.duration_since(unused_since).as_hours() / 24;
        (days >= IDLE_DAYS).then(|| Idle {
            used_at,
            used_before: self.last_use,
            days: u32::try_from(days).unwrap_or(u32::MAX),
        })
    }

    /// How far back it is known: at the first look, as far as the event history was read.
    fn go_back(&mut self, look: &Look<'_>) {
        if self.since.is_some() {
            return;
        }
        let back_to = match look.history {
            Some(history) => history.back_to,
            None if look.is_unused() => look.at.checked_sub(REMEMBERED).ok(),
            None => return,
        };
        let created = look.usage.created_at.unwrap_or(Timestamp::MIN);
        self.since = back_to.map(|back_to| back_to.max(created));
        self.judged = Some(number(look.at) - 1);
    }

    /// Learns who used the key. Who is new to it, if that is worth telling.
    fn meet(&mut self, before: &Self, look: &Look<'_>) -> Vec<Newcomer> {
        let Some(history) = look.history else {
            return Vec::new();
        };
        let gapless = match (history.back_to, before.counted_until) {
            (Some(back_to), Some(until)) => back_to <= until,
            _ => true,
        };
        self.whole = self.whole << 1 | u16::from(gapless);
        self.looks = self.looks.saturating_add(1).min(16);

        let mut newcomers = self.strange(before, history);
        // Strangers first: nobody hides one behind a crowd.
        newcomers.sort_by_key(|(_, it)| (!it.new_account, it.first_at));
        let learning = !before.has_learnt(look.at);
        let room = if learning { KNOWN } else { NEWCOMERS };
        let learnt = newcomers.iter().take(room).map(|(known, _)| known.clone());
        self.known.extend(learnt);
        self.forget_surplus();

        // Who was there before the last look is no newcomer: that look did not reach so far back.
        let until = before.counted_until.unwrap_or(look.at);
        let mut newcomers: Vec<_> = newcomers.into_iter().map(|(_, it)| it).collect();
        newcomers.retain(|it| it.first_at > until);
        let sees_all = self.whole.count_ones() * 10 >= WHOLE_OF_TEN * u32::from(self.looks);
        let lately = number(look.at) - CHURN_DAYS;
        let days = before.newcomer_days.iter().filter(|day| **day > lately);
        let comes_often = days.count() >= CHURN;
        if !learning && newcomers.iter().any(|it| !it.new_account) {
            self.newcomer_days.push(number(look.at));
            self.newcomer_days.dedup();
        }
        newcomers.retain(|it| it.new_account || (sees_all && !comes_often));
        newcomers
    }

    /// Sees those again who are known. The others, each with its first use.
    fn strange(&mut self, before: &Self, history: &History) -> Vec<(Known, Newcomer)> {
        let accounts: BTreeSet<_> = before.known.iter().map(|it| &it.account).collect();
        let mut found: BTreeMap<(&Untrusted, &Option<Untrusted>), (Timestamp, i32, u32)> =
            BTreeMap::new();
        for it in history.seen.iter().filter(|it| it.act == Act::Use) {
            let day = number(it.at);
            let one = found
                .entry((&it.name, &it.account))
                .or_insert((it.at, day, 0));
            *one = (one.0.min(it.at), one.1.max(day), one.2 + 1);
        }
        let mut newcomers = Vec::new();
        for ((name, account), (first_at, day, uses)) in found {
            let mut known = self.known.iter_mut();
            let is_it = |it: &&mut Known| it.name == *name && it.account == *account;
            if let Some(known) = known.find(is_it) {
                known.day = known.day.max(day);
                continue;
            }
            let known = Known {
                name: name.clone(),
                account: account.clone(),
                day,
            };
            newcomers.push((
                known,
                Newcomer {
                    name: name.clone(),
                    account: account.clone(),
                    new_account: !accounts.contains(account),
                    first_at,
                    uses,
                },
            ));
        }
        newcomers
    }

    /// Counts what happened, by day.
    fn count(&mut self, look: &Look<'_>) {
        let until = look.at.checked_sub(LATE).unwrap_or(look.at);
        let since = self.counted_until.or(self.since);
        if let (Some(history), Some(since)) = (look.history, since) {
            for it in &history.seen {
                let is_first = self.counted_until.is_none() && it.at == since;
                if it.at > until || (it.at <= since && !is_first) {
                    continue;
                }
                let Some(day) = self.day(number(it.at), look.at) else {
                    continue;
                };
                let slot = match it.act {
                    Act::Use => &mut day.uses,
                    Act::Failed => &mut day.failed,
                    Act::Denied => &mut day.denied,
                    Act::Change => &mut day.changes,
                };
                *slot = slot.saturating_add(1);
            }
            if let Some(gap_until) = history.back_to.filter(|back_to| *back_to > since) {
                for day in number(since)..=number(gap_until) {
                    if let Some(day) = self.day(day, look.at) {
                        day.at_least = true;
                    }
                }
            }
        }
        if look.history.is_some() || look.is_unused() {
            self.counted_until = self.counted_until.max(Some(until));
        }
        if let Some(measured) = look.measured.filter(|measured| !measured.is_empty()) {
            let today = number(look.at);
            let first = measured.keys().next().copied().unwrap_or(today);
            self.measured_since = Some(self.measured_since.map_or(first, |it| it.min(first)));
            for day in first.max(today - DAYS + 1)..=today {
                let uses = measured.get(&day).copied().unwrap_or_default();
                if let Some(day) = self.day(day, look.at) {
                    day.uses = u32::try_from(uses).unwrap_or(u32::MAX);
                    // Today is not over.
                    day.at_least = day.day == today;
                }
            }
        }
        self.days.retain(|day| {
            let quiet = Day {
                day: day.day,
                ..Day::default()
            };
            *day != quiet
        });
    }

    /// The entry of a day, if that is remembered.
    fn day(&mut self, day: i32, now: Timestamp) -> Option<&mut Day> {
        let today = number(now);
        if day > today || day <= today - DAYS {
            return None;
        }
        let place = match self.days.binary_search_by_key(&day, |it| it.day) {
            Ok(place) => place,
            Err(place) => {
                let new = Day {
                    day,
                    ..Day::default()
                };
                self.days.insert(place, new);
                place
            }
        };
        self.days.get_mut(place)
    }

    /// Judges the days since the last look, and what is known of today. The first of an episode is told.
    fn judge(&mut self, now: Timestamp, measured: bool) -> Option<Surge> {
        let today = number(now);
        let from = self.judged.map_or(today, |judged| judged + 1);
        let mut told: Option<Surge> = None;
        for day in from.max(today - DAYS)..=today {
            let Some(surge) = self.surge(day) else {
                continue;
            };
            let goes_on = self.days.iter().any(|it| it.unusual && it.day == day - 1);
            let known = self.days.iter_mut().find(|it| it.day == day);
            let is_news = known.is_some_and(|it| !std::mem::replace(&mut it.unusual, true));
            if is_news && !goes_on {
                told = Some(surge);
            }
        }
        // What the metric did not say this time, it may say the next.
        if measured || self.measured_since.is_none() {
            self.judged = Some(today - 1);
        }
        told
    }

    /// What was usual before, with what else was seen lately.
    fn habit(&self, after: &Self, now: Timestamp) -> Habit {
        let today = number(now);
        let last = after.days.last().copied().unwrap_or_default();
        Habit {
            since: self.since,
            uses_a_day: after.uses_a_day(today),
            principals: u32::try_from(self.known.len()).unwrap_or(u32::MAX),
            names: self
                .known
                .iter()
                .take(NAMED)
                .map(|it| it.name.clone())
                .collect(),
            counted_by: match after.measured_since {
                Some(_) => CountedBy::Metric,
                None => CountedBy::EventHistory,
            },
            failed: last.failed,
            denied: last.denied,
            changes: last.changes,
        }
    }
}
