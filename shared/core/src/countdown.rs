//! Counting down to a day on which something is lost. Pure.
//!
//! People are told at some numbers of days before, the steps, and once at each, whoever counts: the sweep over all keys,
//! or an alarm that goes off somewhere between two of them.

use jiff::{SignedDuration, Timestamp};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// The step that is reached at `at`: the smallest of `steps`, in days, that is no less than what is left until
/// `deadline`. `None` if the deadline is further away than all of them.
pub fn step(steps: &[u32], at: Timestamp, deadline: Timestamp) -> Option<u32> {
    let left = left(at, deadline);
    let reached = |step: &&u32| SignedDuration::from_secs(i64::from(**step) * DAY) >= left;
    steps.iter().filter(reached).min().copied()
}

/// Whole days that are left at `at` until `deadline`; none once it has passed.
pub fn days_left(at: Timestamp, deadline: Timestamp) -> u32 {
    u32::try_from(left(at, deadline).as_secs() / DAY).unwrap_or(0)
}

/// What is left at `at` until `deadline`; less than nothing once it has passed.
pub fn left(at: Timestamp, deadline: Timestamp) -> SignedDuration {
    deadline.duration_since(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [u32; 5] = [30, 14, 7, 3, 1];

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_step_is_the_smallest_that_what_is_left_fits_into() {
        let deadline = at("2026-03-31T12:00:00Z");
        for (now, expected, days) in [
            ("2026-03-01T11:59:59Z", None, 30),
            ("2026-03-01T12:00:00Z", Some(30), 30),
            ("2026-03-02T13:00:00Z", Some(30), 28),
            ("2026-03-17T11:59:59Z", Some(30), 14),
            ("2026-03-17T12:00:00Z", Some(14), 14),
            ("2026-03-24T11:00:00Z", Some(14), 7),
            ("2026-03-24T12:00:00Z", Some(7), 7),
            ("2026-03-28T12:00:00Z", Some(3), 3),
            ("2026-03-30T11:59:59Z", Some(3), 1),
            ("2026-03-30T12:00:00Z", Some(1), 1),
            ("2026-03-31T11:00:00Z", Some(1), 0),
            ("2026-03-31T12:00:00Z", Some(1), 0),
            // Late, and still the last step.
            ("2026-04-09T12:00:00Z", Some(1), 0),
        ] {
            assert_eq!(step(&STEPS, at(now), deadline), expected, "{now}");
            assert_eq!(days_left(at(now), deadline), days, "{now}");
        }
    }

    #[test]
    fn the_order_of_the_steps_does_not_matter_and_there_may_be_none() {
        let (now, deadline) = (at("2026-03-01T00:00:00Z"), at("2026-03-06T00:00:00Z"));
        assert_eq!(step(&[1, 60, 7], now, deadline), Some(7));
        assert_eq!(step(&[3], now, deadline), None);
        assert_eq!(step(&[], now, deadline), None);
    }

    #[test]
    fn no_moment_is_too_far_away() {
        assert_eq!(step(&STEPS, Timestamp::MIN, Timestamp::MAX), None);
        assert_eq!(step(&STEPS, Timestamp::MAX, Timestamp::MIN), Some(1));
        assert_eq!(days_left(Timestamp::MAX, Timestamp::MIN), 0);
    }
}
