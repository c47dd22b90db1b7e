//! What keys of a year are like.

use fastrand::Rng;

use super::life::Misuse;

/// How a key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// By an application, some tens of times a day, less at weekends and on holidays. It grows, and its role has another name
    /// after some deployments.
    App,
    /// The same a thousand times a day: CloudTrail is read in part.
    Busy,
    /// Once a night, by a batch job.
    Nightly,
    /// On Sundays.
    Weekly,
    /// On the last working day of the month, by a role of its own.
    Monthly,
    /// By an application, eight times as often at the end of a month.
    Closing,
    /// By people, now and then.
    People,
    /// By roles with names that each deployment makes anew.
    Pipeline,
    /// By nobody, but for a drill after half a year.
    Archive,
}

impl Sort {
    /// Whether this misuse of such a key can be told from its habits at all.
    pub(super) fn has(self, misuse: Misuse) -> bool {
        match misuse {
            Misuse::Idle => self == Self::Archive,
            Misuse::Tenfold => self != Self::Archive,
            Misuse::Role | Misuse::Account => true,
        }
    }
}

/// Uses of a day by one role, some time between two seconds of the day.
pub(super) struct Work {
    pub(super) role: String,
    pub(super) account: &'static str,
    pub(super) uses: u32,
    pub(super) hours: (u32, u32),
}

pub(super) const OWN: &str = "111122223333";

pub(super) struct Key {
    sort: Sort,
    rng: Rng,
    base: f64,
    growth: f64,
    versions: u32,
    /// Days between deployments that change the role.
    deployed_every: i32,
    offset: i32,
}

impl Key {
    pub(super) fn new(sort: Sort, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let between = |rng: &mut Rng, from: f64, to: f64| from * (to / from).powf(rng.f64());
        let base = match sort {
            Sort::App | Sort::Closing => between(&mut rng, 8.0, 80.0),
            Sort::Busy => between(&mut rng, 400.0, 3_000.0),
            Sort::Nightly | Sort::Weekly | Sort::Monthly => between(&mut rng, 10.0, 2_000.0),
            Sort::People => 4.0,
            Sort::Pipeline => between(&mut rng, 8.0, 60.0),
            Sort::Archive => 30.0,
        };
        Self {
            sort,
            base,
            growth: between(&mut rng, 1.0, 4.0),
            versions: rng.u32(1..4),
            deployed_every: rng.i32(180..540),
            offset: rng.i32(0..180),
            rng,
        }
    }

    /// What is done on a day; `weekday` counts from Monday, `month` is the day of the month and the days that are left in it.
    pub(super) fn day(
        &mut self,
        day: i32,
        weekday: i32,
        (of_month, left): (i32, i32),
    ) -> Vec<Work> {
        let is_holiday = (170..184).contains(&day) || (355..366).contains(&day);
        let mut quiet = if weekday >= 5 { 0.3 } else { 1.0 };
        if is_holiday {
            quiet *= 0.3;
        }
        let trend = self.growth.powf(f64::from(day) / 365.0);
        let noise = (self.normal() * 0.35).exp();
        let uses = |count: f64| count.round().max(0.0) as u32;
        let deployment = (day + self.offset) / self.deployed_every;
        let role = |name: &str| format!("role/{name}");
        let work = |role: String, uses: u32, hours| Work {
            role,
            account: OWN,
            uses,
            hours,
        };
        // The last working day, where weekends are none.
        let closes = match weekday {
            4 => left <= 2,
            5 | 6 => false,
            _ => left == 0,
        };
        match self.sort {
            Sort::App | Sort::Busy => {
                let count = self.base * trend * noise * quiet;
                let parts = f64::from(self.versions);
                (0..self.versions)
                    .map(|part| {
                        let version = if part == 0 { deployment } else { 0 };
                        let name = role(&format!("App{part}-v{version}"));
                        work(name, uses(count / parts), (0, 24))
                    })
                    .collect()
            }
            Sort::Closing => {
                let peak = if closes || of_month == 1 { 8.0 } else { 1.0 };
                let count = self.base * trend * noise * quiet.max(peak / 8.0) * peak;
                vec![work(role("Ledger"), uses(count), (0, 24))]
            }
            Sort::Nightly => vec![work(role("Batch"), uses(self.base * noise), (1, 2))],
            Sort::Weekly if weekday == 6 => {
                vec![work(role("Weekly"), uses(self.base * noise), (3, 6))]
            }
            Sort::Monthly if closes => {
                vec![work(role("Closing"), uses(self.base * noise), (18, 22))]
            }
            Sort::People => {
                let mut done = Vec::new();
                for person in 0..6 {
                    if self.rng.f64() < 0.25 * quiet {
                        let count = self.rng.u32(1..=8);
                        done.push(work(format!("user/person{person}"), count, (8, 18)));
                    }
                }
                done
            }
            Sort::Pipeline => {
                let build = (day + self.offset) / 9;
                let name = role(&format!("ci-{:08X}", build.wrapping_mul(-1_640_531_535)));
                vec![work(name, uses(self.base * noise * quiet), (6, 20))]
            }
            Sort::Archive if day == 200 + self.offset / 10 => {
                vec![work(role("Restore"), 12, (9, 11))]
            }
            Sort::Weekly | Sort::Monthly | Sort::Archive => Vec::new(),
        }
    }

    /// Uses of a day on which such a key is used.
    pub(super) fn a_day_of_use(&self, day: i32) -> u32 {
        let trend = match self.sort {
            Sort::App | Sort::Busy | Sort::Closing => self.growth.powf(f64::from(day) / 365.0),
            _ => 1.0,
        };
        let base = match self.sort {
            Sort::People => self.base * 1.5,
            _ => self.base,
        };
        (base * trend).ceil() as u32
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.rng.f64()).sum::<f64>() - 6.0
    }

    pub(super) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }
}
