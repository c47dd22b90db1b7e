//! Numbers as people read them.

use serde::Serialize;

use crate::text::Span;

/// What the numbers of an alarm count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Unit {
    /// Days.
    Days,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Things that were counted.
    Count,
    /// Hundredths of a whole.
    Percent,
}

impl Unit {
    /// `6 days`, `412 ms`, `83 %`.
    pub(in crate::kinds) fn say(self, value: f64) -> Span {
        let number = number(value);
        let one = number == "1";
        let said = match self {
            Self::Days if one => "1 day".to_owned(),
            Self::Days => format!("{number} days"),
            Self::Seconds => return seconds(value),
            Self::Milliseconds => format!("{number} ms"),
            Self::Count => number,
            Self::Percent => format!("{number} %"),
        };
        Span::Own(said.into())
    }
}

/// Seconds in the largest unit that fits.
pub(super) fn seconds(value: f64) -> Span {
    let (size, name) = [(86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute")]
        .into_iter()
        .find(|(size, _)| value.abs() >= *size)
        .unwrap_or((1.0, "second"));
    // What is left is never said to be more than it is.
    let number = number((value / size).floor());
    let plural = if number == "1" { "" } else { "s" };
    Span::Own(format!("{number} {name}{plural}").into())
}

/// With as many digits as people read: `9`, `84.6`, `12,345`.
pub(super) fn number(value: f64) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:e}");
    }
    let text = if value.abs() >= 1_000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let (sign, digits) = whole
        .strip_prefix('-')
        .map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if grouped == "0" && fraction.is_empty() {
        ""
    } else {
        sign
    };
    if fraction.is_empty() {
        return format!("{sign}{grouped}");
    }
    format!("{sign}{grouped}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_digits_as_people_read() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.001, "0"),
            (9.0, "9"),
            (84.6, "84.6"),
            (84.66, "84.7"),
            (0.846, "0.85"),
            (-3.0, "-3"),
            (999.96, "1,000"),
            (1_234.5, "1,234"),
            (540_000.0, "540,000"),
            (1_234_567.0, "1,234,567"),
            (1e20, "1e20"),
        ] {
            assert_eq!(number(value), expected, "{value}");
        }
    }

    #[test]
    fn units_are_said_as_people_say_them() {
        let say = |unit: Unit, value| match unit.say(value) {
            Span::Own(text) => text.into_owned(),
            Span::Untrusted(_) => panic!("no value of others"),
        };
        assert_eq!(say(Unit::Days, 6.0), "6 days");
        assert_eq!(say(Unit::Days, 1.0), "1 day");
        assert_eq!(say(Unit::Milliseconds, 412.0), "412 ms");
        assert_eq!(say(Unit::Percent, 83.0), "83 %");
        assert_eq!(say(Unit::Count, 12_345.0), "12,345");
        assert_eq!(say(Unit::Seconds, 2_588_400.0), "29 days");
        assert_eq!(say(Unit::Seconds, 5_400.0), "1 hour");
        assert_eq!(say(Unit::Seconds, 0.0), "0 seconds");
    }
}
