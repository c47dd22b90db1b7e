//! Metrics of `AWS/KMS`: which of them come first, which statistic says most about each, and what two weeks of it are. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use watch_core::answers::{MetricName, Point};
use watch_core::ports::CallError;

/// Days that are looked back: as long as `ListMetrics` knows a metric without new data (CloudWatch API Reference, ListMetrics).
pub(crate) const DAYS: usize = 14;
/// Seconds of a period: 56 values of a metric, so that 500 metrics are one page of an answer, which has 100,800.
pub(crate) const PERIOD: i32 = 6 * 60 * 60;
/// Periods of a day.
const OF_A_DAY: usize = 4;

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Days,
    Milliseconds,
    Count,
}

/// How a metric is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    name: &'static str,
    /// By CloudWatch's name.
    pub(crate) statistic: &'static str,
    unit: Unit,
}

const fn measure(name: &'static str, statistic: &'static str, unit: Unit) -> Measure {
    Measure {
        name,
        statistic,
        unit,
    }
}

/// The metrics of the AWS KMS Developer Guide with the statistic that it calls useful, those first that say what is lost soon. Where its
/// pages spell a name in two ways, both are here.
static MEASURES: [Measure; 12] = [
    measure(
        "SecondsUntilKeyMaterialExpiration",
        "Minimum",
        Unit::Seconds,
    ),
    measure("XksProxyCertificateDaysToExpire", "Minimum", Unit::Days),
    measure("XksExternalKeyManagerStates", "Maximum", Unit::Count),
    measure("XksProxyHsmStates", "Maximum", Unit::Count),
    measure("XksProxyErrors", "Sum", Unit::Count),
    measure("ExternalKeyStoreThrottle", "Sum", Unit::Count),
    measure("ExtenalKeyStoreThrottle", "Sum", Unit::Count),
    measure("CloudHSMKeyStoreThrottle", "Sum", Unit::Count),
    measure("XksProxyLatency", "Average", Unit::Milliseconds),
    measure("XksProxyCredentialAge", "Maximum", Unit::Days),
    measure("SuccessfulRequest", "Sum", Unit::Count),
    measure("SuccesfulRequest", "Sum", Unit::Count),
];

/// A metric that is newer than this table.
static UNKNOWN: Measure = measure("", "Average", Unit::Count);

fn rank(name: &str) -> usize {
    let place = MEASURES.iter().position(|it| it.name == name);
    place.unwrap_or(MEASURES.len())
}

/// How the metric of this name is read.
pub(crate) fn measure_of(name: &str) -> &'static Measure {
    MEASURES.get(rank(name)).unwrap_or(&UNKNOWN)
}

/// The metrics of a Region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    /// How many there are, by name.
    pub(crate) counts: BTreeMap<String, usize>,
    /// There are more, which were not listed.
    pub(crate) more: bool,
    /// The first of them, with their values.
    pub(crate) shown: Vec<Measured>,
}

/// A metric, and its values or why there are none.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) metric: MetricName,
    pub(crate) points: Result<Vec<Point>, CallError>,
}

impl Metrics {
    /// Counts them all, and keeps the first, without values.
    pub(crate) fn of(mut names: Vec<MetricName>, more: bool, most: usize) -> Self {
        let mut counts = BTreeMap::new();
        for metric in &names {
            *counts.entry(metric.name.clone()).or_default() += 1;
        }
        names.sort_by(|one, other| (rank(&one.name), one).cmp(&(rank(&other.name), other)));
        names.truncate(most);
        let unread = |metric| Measured {
            metric,
            points: Ok(Vec::new()),
        };
        Self {
            counts,
            more,
            shown: names.into_iter().map(unread).collect(),
        }
    }

    /// How many are not shown.
    pub(crate) fn unshown(&self) -> usize {
        self.counts.values().sum::<usize>() - self.shown.len()
    }
}

/// Two weeks up to now, from the beginning of a period on.
pub(crate) fn window(now: Timestamp) -> (Timestamp, Timestamp) {
    let period = i64::from(PERIOD);
    let end = now.as_second().div_euclid(period) * period + period;
    let end = Timestamp::from_second(end).unwrap_or(now);
    let length = SignedDuration::from_hours(24 * DAYS as i64);
    (end.saturating_sub(length).unwrap_or(end), end)
}

/// The value of each period of the two weeks, `None` where nothing was measured.
pub(crate) fn periods(points: &[Point], now: Timestamp) -> Vec<Option<f64>> {
    let (since, _) = window(now);
    let mut values = vec![None; DAYS * OF_A_DAY];
    for point in points {
        let place = (point.at.as_second() - since.as_second()) / i64::from(PERIOD);
        if let Some(value) = usize::try_from(place)
            .ok()
            .and_then(|it| values.get_mut(it))
        {
            *value = Some(point.value).filter(|value| value.is_finite());
        }
    }
    values
}

/// The same of each day.
fn days(periods: &[Option<f64>], statistic: &str) -> Vec<Option<f64>> {
    let days = periods.chunks(OF_A_DAY).map(|day| {
        let known: Vec<f64> = day.iter().flatten().copied().collect();
        if known.is_empty() {
            return None;
        }
        let sum: f64 = known.iter().sum();
        Some(match statistic {
            "Sum" => sum,
            "Minimum" => known.into_iter().fold(f64::INFINITY, f64::min),
            "Maximum" => known.into_iter().fold(f64::NEG_INFINITY, f64::max),
            _ => sum / known.len() as f64,
        })
    });
    days.collect()
}

/// Two weeks of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TwoWeeks {
    /// The value of each period, for a picture.
    pub(crate) periods: Vec<Option<f64>>,
    /// The value of each day, as a row of bars.
    pub(crate) bars: String,
    /// Least, average, most and last value of a day; `None` if nothing was measured.
    pub(crate) words: Option<[String; 4]>,
}

impl TwoWeeks {
    pub(crate) fn new(measured: &Measured, points: &[Point], now: Timestamp) -> Self {
        let measure = measure_of(&measured.metric.name);
        let periods = periods(points, now);
        let days = days(&periods, measure.statistic);
        let known: Vec<f64> = days.iter().flatten().copied().collect();
        let words = known.last().map(|last| {
            let average = known.iter().sum::<f64>() / known.len() as f64;
            let least = known.iter().copied().fold(f64::INFINITY, f64::min);
            let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            [least, average, most, *last].map(|value| worded(value, measure.unit))
        });
        Self {
            bars: bars(&days),
            periods,
            words,
        }
    }
}

/// A bar of a character for each value, from zero on; a dot where there is none.
fn bars(values: &[Option<f64>]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| match value {
        None => '·',
        Some(value) if most > 0.0 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 7"
            )]
            let place = (value.max(0.0) / most * 7.0).round() as usize;
            BARS[place.min(7)]
        }
        Some(_) => BARS[0],
    };
    values.iter().map(bar).collect()
}

/// `1,204`, `0.5`, `9.3 d`, `35 ms`.
fn worded(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => format!("{} d", number(value / 86_400.0)),
        Unit::Days => format!("{} d", number(value)),
        Unit::Milliseconds => format!("{} ms", number(value)),
        Unit::Count => number(value),
    }
}

/// With one digit behind the point, if there is any.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut grouped = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !rest.is_empty() {
        grouped.push('.');
        grouped.push_str(rest);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, value: &str) -> MetricName {
        MetricName {
            name: name.to_owned(),
            dimensions: vec![("KeyId".to_owned(), value.to_owned())],
        }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_lost_soon_comes_first_and_the_rest_is_counted() {
        let names = vec![
            named("SuccessfulRequest", "b"),
            named("Newer", "a"),
            named("SuccessfulRequest", "a"),
            named("SecondsUntilKeyMaterialExpiration", "z"),
        ];
        let metrics = Metrics::of(names, true, 2);
        let shown: Vec<_> = metrics.shown.iter().map(|it| &it.metric).collect();
        assert_eq!(
            shown,
            [
                &named("SecondsUntilKeyMaterialExpiration", "z"),
                &named("SuccessfulRequest", "a")
            ]
        );
        assert_eq!(
            (metrics.counts["SuccessfulRequest"], metrics.unshown()),
            (2, 2)
        );
        assert_eq!(measure_of("Newer").statistic, "Average");
    }

    #[test]
    fn two_weeks_end_with_the_period_that_runs() {
        let now = time("2026-11-30T07:00:00Z");
        let (since, until) = (time("2026-11-16T12:00:00Z"), time("2026-11-30T12:00:00Z"));
        assert_eq!(window(now), (since, until));
        let point = |text: &str, value| Point {
            at: time(text),
            value,
        };
        let points = [
            point("2026-11-16T06:00:00Z", 1.0),
            point("2026-11-16T12:00:00Z", 2.0),
            point("2026-11-30T06:00:00Z", 3.0),
            point("2026-11-30T12:00:00Z", 4.0),
            point("2026-11-20T12:00:00Z", f64::NAN),
        ];
        let values = periods(&points, now);
        assert_eq!(values.len(), 56);
        assert_eq!((values[0], values[55]), (Some(2.0), Some(3.0)));
        assert_eq!(values.iter().flatten().count(), 2);
    }

    #[test]
    fn a_day_is_what_the_statistic_makes_of_its_periods() {
        let day = [Some(1.0), None, Some(4.0), Some(4.0)];
        for (statistic, value) in [
            ("Sum", 9.0),
            ("Minimum", 1.0),
            ("Maximum", 4.0),
            ("Average", 3.0),
        ] {
            assert_eq!(days(&day, statistic), [Some(value)], "{statistic}");
        }
        assert_eq!(days(&[None; 4], "Sum"), [None]);
    }

    #[test]
    fn bars_begin_at_zero_and_numbers_are_short() {
        assert_eq!(bars(&[Some(0.0), Some(50.0), None, Some(100.0)]), "▁▅·█");
        assert_eq!(bars(&[Some(0.0), Some(0.0)]), "▁▁");
        for (value, unit, expected) in [
            (1_234_567.0, Unit::Count, "1,234,567"),
            (0.25, Unit::Count, "0.2"),
            (-1_200.5, Unit::Count, "-1,200.5"),
            (129_600.0, Unit::Seconds, "1.5 d"),
            (35.0, Unit::Milliseconds, "35 ms"),
        ] {
            assert_eq!(worded(value, unit), expected);
        }
    }
}
