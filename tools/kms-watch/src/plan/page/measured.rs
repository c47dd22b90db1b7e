//! The metrics of `AWS/KMS`: how many there are, and two weeks of the first of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use watch_core::answers::MetricName;
use watch_core::arn::Region;
use watch_core::text::{Untrusted, minute};

use super::{Cell, Curve, Section};
use crate::inventory::row::Row;
use crate::plan::ask::{Facts, Place};
use crate::plan::metrics::{DAYS, Measured, PERIOD, TwoWeeks, measure_of, window};

/// Longest part of a name that is shown: CloudWatch allows 1,024 characters.
const LONGEST: usize = 120;

/// Dimensions whose value is a key.
const OF_KEYS: [&str; 4] = ["KeyId", "KeyArn", "SourceKeyArn", "DestinationKeyArn"];

/// The metrics of a Region, for programs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MetricsOf {
    region: Region,
    /// Why they could not be listed; `null` if they were.
    unread: Option<Untrusted>,
    /// How many there are, by name.
    counts: BTreeMap<String, usize>,
    /// There are more, which were not listed.
    more: bool,
    /// The first of them, those first that say what is lost soon.
    series: Vec<Series>,
}

/// A metric, and its last two weeks.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Series {
    name: Untrusted,
    dimensions: BTreeMap<String, Untrusted>,
    /// Aliases of the keys that the dimensions name, or ids of those without.
    keys: Vec<Untrusted>,
    /// By CloudWatch's name: `Minimum`.
    statistic: &'static str,
    period_seconds: i32,
    /// Why there are no values; `null` if they were read.
    unread: Option<Untrusted>,
    /// The oldest first. A period without data is not there.
    points: Vec<At>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct At {
    /// The beginning of the period.
    at: Timestamp,
    value: f64,
}

/// All of them, for programs.
pub(super) fn all(facts: &Facts) -> Vec<MetricsOf> {
    let of = |place: &Place| match &place.metrics {
        Err(error) => MetricsOf {
            region: place.region.clone(),
            unread: Some(error.reason().clone()),
            counts: BTreeMap::new(),
            more: false,
            series: Vec::new(),
        },
        Ok(metrics) => MetricsOf {
            region: place.region.clone(),
            unread: None,
            counts: metrics.counts.clone(),
            more: metrics.more,
            series: metrics
                .shown
                .iter()
                .map(|it| series(facts, place, it))
                .collect(),
        },
    };
    facts.places.iter().map(of).collect()
}

fn series(facts: &Facts, place: &Place, measured: &Measured) -> Series {
    let metric = &measured.metric;
    let clean = |text: &String| Untrusted::bounded(text, LONGEST);
    let dimensions = metric.dimensions.iter();
    let points = measured.points.iter().flatten();
    Series {
        name: clean(&metric.name),
        dimensions: dimensions
            .map(|(name, value)| (clean(name).as_str().to_owned(), clean(value)))
            .collect(),
        keys: keys(facts, place, metric),
        statistic: measure_of(&metric.name).statistic,
        period_seconds: PERIOD,
        unread: measured.points.as_ref().err().map(|it| it.reason().clone()),
        points: points
            .filter(|point| point.value.is_finite())
            .map(|point| At {
                at: point.at,
                value: point.value,
            })
            .collect(),
    }
}

/// The keys that a metric is about, by name.
fn keys(facts: &Facts, place: &Place, metric: &MetricName) -> Vec<Untrusted> {
    let named = metric.dimensions.iter();
    let named = named.filter(|(name, _)| OF_KEYS.contains(&name.as_str()));
    let name = |value: &String| {
        let id = value.rsplit('/').next().unwrap_or(value);
        let is_it = |row: &&Row| row.region == place.region && row.key_id == id;
        let row = facts.survey.rows.iter().find(is_it);
        Untrusted::bounded(row.map_or(id, Row::name), LONGEST)
    };
    named.map(|(_, value)| name(value)).collect()
}

/// What a metric is about: the keys by name, and the other dimensions.
fn about(facts: &Facts, place: &Place, metric: &MetricName) -> String {
    let keys = keys(facts, place, metric);
    let keys: Vec<_> = keys.iter().map(Untrusted::as_str).collect();
    let others = metric.dimensions.iter();
    let others = others
        .filter(|(name, _)| !OF_KEYS.contains(&name.as_str()))
        .map(|(name, value)| {
            let [name, value] = [name, value].map(|it| Untrusted::bounded(it, LONGEST));
            format!("{}={}", name.as_str(), value.as_str())
        });
    let mut parts: Vec<_> = others.collect();
    if !keys.is_empty() {
        parts.insert(0, keys.join(" → "));
    }
    parts.join(", ")
}

/// How many there are.
pub(super) fn counted(facts: &Facts) -> Section {
    let row = |place: &Place| {
        let metrics = match &place.metrics {
            Ok(metrics) if metrics.counts.is_empty() => "none yet".into(),
            Ok(metrics) => {
                let names = metrics.counts.iter().map(|(name, count)| {
                    let least = if metrics.more { "at least " } else { "" };
                    let name = Untrusted::bounded(name, LONGEST);
                    format!("{} ({least}{count})", name.as_str())
                });
                Cell::Other(names.collect::<Vec<_>>().join(", "))
            }
            Err(error) => Cell::Other(format!("unknown: {}", error.reason().as_str())),
        };
        vec![place.region.as_str().into(), metrics]
    };
    Section {
        heading: "Which metrics of AWS/KMS are there?",
        columns: &["Region", "metrics, and how many of each"],
        rows: facts.places.iter().map(row).collect(),
        note: Some("KMS has metrics of imported key material that expires, of external key stores, and of requests.".to_owned()),
    }
}

/// Two weeks of the first of them.
pub(super) fn graphed(facts: &Facts) -> Section {
    let now = facts.survey.at;
    let mut rows = Vec::new();
    let mut more = 0;
    for place in &facts.places {
        let Ok(metrics) = &place.metrics else {
            continue;
        };
        more += metrics.unshown();
        rows.extend(metrics.shown.iter().map(|it| row(facts, place, it, now)));
    }
    let (since, _) = window(now);
    let mut notes = vec![format!(
        "From {} on. A bar is a day, from zero on; · is a day without data.",
        minute(since)
    )];
    if more > 0 {
        let plural = if more == 1 { "" } else { "s" };
        notes.push(format!(
            "{more} more metric{plural}: --metrics NUMBER shows more of each Region."
        ));
    }
    Section {
        heading: "What did they show in the last two weeks?",
        columns: &[
            "Region",
            "metric",
            "of",
            "two weeks",
            "least",
            "average",
            "most",
            "last",
        ],
        rows,
        note: Some(notes.join(" ")),
    }
}

fn row(facts: &Facts, place: &Place, measured: &Measured, now: Timestamp) -> Vec<Cell> {
    let metric = &measured.metric;
    let about = about(facts, place, metric);
    let mut cells = vec![
        place.region.as_str().into(),
        Cell::Other(
            Untrusted::bounded(&metric.name, LONGEST)
                .as_str()
                .to_owned(),
        ),
        Cell::Other(about),
    ];
    let Ok(points) = &measured.points else {
        cells.extend(["unknown", "–", "–", "–", "–"].map(Cell::from));
        return cells;
    };
    let weeks = TwoWeeks::new(measured, points, now);
    let label = match &weeks.words {
        Some([least, average, most, last]) => {
            format!("{DAYS} days: least {least}, average {average}, most {most}, last {last}")
        }
        None => format!("{DAYS} days without data"),
    };
    cells.push(Cell::Curve(Curve {
        bars: weeks.bars,
        label,
        values: weeks.periods,
    }));
    let words = weeks.words.unwrap_or_else(|| ["–"; 4].map(str::to_owned));
    cells.extend(words.map(Cell::from));
    cells
}
