//! How a condition compares a value of the policy with one of the request.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::action::covers;

/// What a test compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equals,
    EqualsIgnoreCase,
    Like,
    /// `ArnEquals` and `ArnLike`, which do the same.
    Arn,
    Bool,
    Number(Order),
    Date(Order),
    Address,
    /// `Null`.
    Absence,
    /// An operator that is not known, or bytes.
    Unknown,
}

/// Which orders hold, of a request's value against a policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Order {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::AtLeast => ordering.is_ge(),
            Self::More => ordering.is_gt(),
        }
    }
}

/// An operator, given in lower case without prefix and `IfExists`: what it compares, and whether it is the negation
/// (IAM User Guide, IAM JSON policy elements: Condition operators).
pub(crate) fn operator(name: &str) -> (Compare, bool) {
    let (compare, not) = match name {
        "stringequals" => (Compare::Equals, false),
        "stringnotequals" => (Compare::Equals, true),
        "stringequalsignorecase" => (Compare::EqualsIgnoreCase, false),
        "stringnotequalsignorecase" => (Compare::EqualsIgnoreCase, true),
        "stringlike" => (Compare::Like, false),
        "stringnotlike" => (Compare::Like, true),
        "arnequals" | "arnlike" => (Compare::Arn, false),
        "arnnotequals" | "arnnotlike" => (Compare::Arn, true),
        "bool" => (Compare::Bool, false),
        "numericequals" => (Compare::Number(Order::Equal), false),
        "numericnotequals" => (Compare::Number(Order::Equal), true),
        "numericlessthan" => (Compare::Number(Order::Less), false),
        "numericlessthanequals" => (Compare::Number(Order::AtMost), false),
        "numericgreaterthan" => (Compare::Number(Order::More), false),
        "numericgreaterthanequals" => (Compare::Number(Order::AtLeast), false),
        "dateequals" => (Compare::Date(Order::Equal), false),
        "datenotequals" => (Compare::Date(Order::Equal), true),
        "datelessthan" => (Compare::Date(Order::Less), false),
        "datelessthanequals" => (Compare::Date(Order::AtMost), false),
        "dategreaterthan" => (Compare::Date(Order::More), false),
        "dategreaterthanequals" => (Compare::Date(Order::AtLeast), false),
        "ipaddress" => (Compare::Address, false),
        "notipaddress" => (Compare::Address, true),
        "null" => (Compare::Absence, false),
        _ => (Compare::Unknown, false),
    };
    (compare, not)
}

impl Compare {
    /// The request's value is as the policy's asks for; `None` where that is not known.
    pub(crate) fn matches(self, policy: &str, request: &str) -> Option<bool> {
        if policy.contains("${") {
            // A variable, which stands for another fact of the request.
            return None;
        }
        match self {
            Self::Equals => Some(policy == request),
            Self::EqualsIgnoreCase => Some(policy.eq_ignore_ascii_case(request)),
            Self::Bool => Some(policy.eq_ignore_ascii_case(request)),
            Self::Like => Some(covers(policy, request)),
            Self::Arn => Some(arn_covers(policy, request)),
            Self::Number(order) => {
                let (policy, request) = (policy.trim().parse().ok()?, request.parse::<f64>().ok()?);
                Some(order.holds(request.partial_cmp(&policy)?))
            }
            Self::Date(order) => Some(order.holds(seconds(request)?.cmp(&seconds(policy)?))),
            Self::Address => within(request.parse().ok()?, policy),
            Self::Absence | Self::Unknown => None,
        }
    }

    /// What always holds from `now` on, or never, or at times: a test against the time of the request.
    ///
    /// A condition that will hold some day is no less dangerous for being patient.
    pub(crate) fn holds_from(self, policy: &str, now: i64) -> Option<bool> {
        let (order, at) = match self {
            Self::Date(order) => (order, seconds(policy)?),
            Self::Number(order) => (order, policy.trim().parse::<f64>().ok()? as i64),
            _ => return None,
        };
        let ahead = at > now;
        match order {
            Order::Less | Order::AtMost if !ahead => Some(false),
            Order::More | Order::AtLeast if !ahead => Some(true),
            Order::Equal if !ahead => Some(false),
            _ if at > CENTURY_2100 => Some(matches!(order, Order::Less | Order::AtMost)),
            _ => None,
        }
    }
}

/// What is later is never.
const CENTURY_2100: i64 = 4_102_444_800;

/// The ARN operators compare each of the six parts on its own.
fn arn_covers(pattern: &str, arn: &str) -> bool {
    let (mut pattern, mut arn) = (pattern.splitn(6, ':'), arn.splitn(6, ':'));
    for _ in 0..6 {
        match (pattern.next(), arn.next()) {
            (Some(pattern), Some(part)) if covers(pattern, part) => {}
            _ => return false,
        }
    }
    true
}

/// Address within a range, `None` if the range is none.
fn within(address: IpAddr, range: &str) -> Option<bool> {
    let (start, prefix) = match range.split_once('/') {
        Some((start, prefix)) => (start, Some(prefix.parse::<u32>().ok()?)),
        None => (range, None),
    };
    let (bits, start, address) = match (start.parse().ok()?, address) {
        (IpAddr::V4(start), IpAddr::V4(address)) => (
            32,
            u128::from(start.to_bits()),
            u128::from(address.to_bits()),
        ),
        (IpAddr::V6(start), IpAddr::V6(address)) => (128, start.to_bits(), address.to_bits()),
        _ => return Some(false),
    };
    let prefix = prefix.unwrap_or(bits);
    match prefix {
        0 => Some(true),
        _ if prefix > bits => None,
        _ => Some(start >> (bits - prefix) == address >> (bits - prefix)),
    }
}

/// Seconds since 1970 of `2026-02-14T08:00:00Z`, of its date alone, or of a number of them.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let separated = text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
    if !separated {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 of a date of the Gregorian calendar, counted from March on, so that leap days come last.
    let march = year - i64::from(month < 3);
    let era = march.div_euclid(400);
    let of_era = march.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let clock = match text.len() {
        10 => 0,
        _ => number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19).unwrap_or(0),
    };
    Some(days * 86_400 + clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-02", Some(86_400)),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2026-02-14T08:00:00Z", Some(1_771_056_000)),
            ("2100-01-01T00:00Z", Some(CENTURY_2100)),
            ("1771056000", Some(1_771_056_000)),
            ("tomorrow", None),
            ("2026-13-01", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_compared_as_its_operator_says() {
        let compare =
            |name: &str, policy: &str, request: &str| operator(name).0.matches(policy, request);
        for (name, policy, request, expected) in [
            ("stringequals", "a*", "ab", Some(false)),
            ("stringlike", "a*", "ab", Some(true)),
            ("stringequals", "A", "a", Some(false)),
            ("stringequalsignorecase", "A", "a", Some(true)),
            (
                "arnlike",
                "arn:aws:iam::1:*",
                "arn:aws:iam::1:role/a:b",
                Some(true),
            ),
            (
                "arnlike",
                "arn:*:1:role/a",
                "arn:aws:iam::1:role/a",
                Some(false),
            ),
            (
                "stringlike",
                "arn:*:1:role/a",
                "arn:aws:iam::1:role/a",
                Some(true),
            ),
            ("bool", "True", "true", Some(true)),
            ("numericlessthan", "10", "9", Some(true)),
            ("numericgreaterthanequals", "10", "10", Some(true)),
            ("numericequals", "x", "10", None),
            (
                "dategreaterthan",
                "1970-01-01T00:00:00Z",
                "2026-01-01T00:00:00Z",
                Some(true),
            ),
            ("ipaddress", "192.0.2.0/24", "192.0.2.7", Some(true)),
            ("ipaddress", "192.0.2.0/24", "192.0.3.7", Some(false)),
            ("ipaddress", "0.0.0.0/0", "192.0.3.7", Some(true)),
            ("ipaddress", "::/0", "192.0.3.7", Some(false)),
            ("ipaddress", "192.0.2.0/33", "192.0.2.7", None),
            ("stringequals", "${aws:userid}", "a", None),
            ("perhaps", "a", "a", None),
        ] {
            assert_eq!(
                compare(name, policy, request),
                expected,
                "{name} {policy} {request}"
            );
        }
    }

    #[test]
    fn a_time_is_judged_for_all_that_comes() {
        let now = 1_771_056_000;
        let holds = |name: &str, policy: &str| operator(name).0.holds_from(policy, now);
        assert_eq!(holds("dategreaterthan", "1970-01-01T00:00:00Z"), Some(true));
        assert_eq!(holds("datelessthan", "1970-01-01T00:00:00Z"), Some(false));
        assert_eq!(holds("datelessthan", "2999-01-01T00:00:00Z"), Some(true));
        assert_eq!(holds("dategreaterthan", "2026-03-01T00:00:00Z"), None);
        assert_eq!(holds("numericgreaterthan", "0"), Some(true));
        assert_eq!(holds("stringequals", "1970-01-01T00:00:00Z"), None);
    }
}
