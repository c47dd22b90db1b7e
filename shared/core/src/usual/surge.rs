//! How many uses a day usually has, and how many are far more.

use std::collections::BTreeMap;

use super::day::same_in_month;
use super::{DAYS, Surge, Usual, beginning};

/// So many times as many as usual is far more.
pub const TENFOLD: u32 = 10;
/// Fewer uses than this on a day are never far more.
pub const FLOOR: u32 = 50;
/// Each place in a month has been there once.
const A_MONTH: i32 = 35;
/// The days that a usual day is like.
const LATELY: i32 = 28;
/// Weeks that a day of the week is compared with.
const WEEKS: i32 = 8;
/// A peak in the month is so many times as high as other days. Less is the chance of a day, of which the highest must not count as usual.
const PEAK: u32 = 5;
/// So many unusual days among the last ones are the new usual.
const ACCEPTED: usize = 7;

/// The days before one that is judged.
struct Before {
    uses: BTreeMap<i32, u32>,
    from: i32,
    day: i32,
}

impl Before {
    fn of(usual: &Usual, day: i32) -> Option<Self> {
        let since = usual.days_since()?;
        let from = since.max(day.saturating_sub(DAYS));
        let within = usual
            .days
            .iter()
            .filter(|it| it.day >= from && it.day < day);
        let unusual = |it: &&super::Day| it.unusual;
        let lately = |it: &&super::Day| it.day >= day - LATELY;
        let accepted = within.clone().filter(unusual).filter(lately).count() >= ACCEPTED;
        let mut uses: BTreeMap<i32, u32> = (from..day).map(|day| (day, 0)).collect();
        for it in within {
            if it.unusual && !accepted {
                uses.remove(&it.day);
            } else {
                uses.insert(it.day, it.uses);
            }
        }
        Some(Self { uses, from, day })
    }

    fn lately(&self) -> u32 {
        median(self.uses.range(self.day - LATELY..).map(|(_, uses)| *uses))
    }

    /// How many uses such a day has: by the last weeks, by its place in the week and in the month. Of a key that is used on no
    /// such day, as many as a day of use has.
    fn usual(&self) -> u32 {
        let weeks = (1..=WEEKS).filter_map(|week| self.uses.get(&(self.day - 7 * week)));
        let of_week = median(weeks.copied());
        let others = self.uses.range(..=self.day - 20);
        let like = others.filter(|(other, _)| same_in_month(self.day, **other));
        let lately = self.lately();
        let of_month = like.map(|(_, uses)| *uses).max();
        let of_month = of_month.filter(|uses| *uses >= lately.saturating_mul(PEAK));
        let seasonal = lately.max(of_week).max(of_month.unwrap_or_default());
        if seasonal > 0 {
            return seasonal;
        }
        median(self.uses.values().copied().filter(|uses| *uses > 0))
    }

    fn most(&self) -> u32 {
        self.uses.values().copied().max().unwrap_or_default()
    }
}

impl Usual {
    /// The first whole day of which the uses are known.
    fn days_since(&self) -> Option<i32> {
        let since = super::number(self.since?) + 1;
        Some(self.measured_since.map_or(since, |first| first.max(since)))
    }

    /// Uses of a usual day before `day`.
    pub(super) fn uses_a_day(&self, day: i32) -> u32 {
        Before::of(self, day).map_or(0, |before| before.lately())
    }

    /// The uses of `day`, if they are far more than is usual.
    pub(super) fn surge(&self, day: i32) -> Option<Surge> {
        let it = self.days.iter().find(|it| it.day == day)?;
        let before = Before::of(self, day).filter(|before| before.day - before.from >= A_MONTH)?;
        let (usual, most) = (before.usual(), before.most());
        let is_far_more = usual > 0
            && it.uses >= FLOOR
            && it.uses >= usual.saturating_mul(TENFOLD)
            && it.uses > most;
        is_far_more.then(|| Surge {
            day: beginning(day),
            uses: it.uses,
            at_least: it.at_least,
            usual,
            most,
        })
    }
}

/// The one in the middle; of an even number, the larger.
fn median(numbers: impl Iterator<Item = u32>) -> u32 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
