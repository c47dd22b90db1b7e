//! Days as numbers, and their place in week and month.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

const SECONDS: i64 = 24 * 3_600;

/// The number of a day in UTC, counted from 1970.
pub fn number(at: Timestamp) -> i32 {
    i32::try_from(at.as_second().div_euclid(SECONDS)).unwrap_or(i32::MAX)
}

/// The beginning of a day.
pub fn beginning(day: i32) -> Timestamp {
    Timestamp::from_second(i64::from(day) * SECONDS).unwrap_or(Timestamp::MAX)
}

fn date(day: i32) -> Date {
    let first = jiff::civil::date(1970, 1, 1);
    first.saturating_add(i64::from(day).days())
}

/// Both lie about as far from the beginning or the end of their months: what comes once a month comes on either, also when it
/// waits for a working day.
pub(super) fn same_in_month(one: i32, other: i32) -> bool {
    const SLACK: i8 = 3;
    let place = |day: i32| {
        let date = date(day);
        (date.day(), date.days_in_month() - date.day())
    };
    let ((from, to), (other_from, other_to)) = (place(one), place(other));
    (from - other_from).abs() <= SLACK || (to - other_to).abs() <= SLACK
}
