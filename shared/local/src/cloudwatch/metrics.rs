//! What is measured: data that was put, and what KMS publishes of its keys.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::kms::Kms;

/// KMS's metric of imported key material (KMS Developer Guide, "Create a CloudWatch alarm for expiration of imported key
/// material"): the earliest expiry of the materials of a key, until it has none.
pub(super) const EXPIRATION: &str = "SecondsUntilKeyMaterialExpiration";
/// KMS's count of cryptographic operations that succeeded (KMS Developer Guide, "Monitor KMS keys with Amazon CloudWatch").
pub(super) const USES: &str = "SuccessfulRequest";
pub(super) const KMS_NAMESPACE: &str = "AWS/KMS";

/// How often KMS is taken to publish it; the documentation does not say.
pub(super) const CADENCE: SignedDuration = SignedDuration::from_mins(1);

pub(super) type Dimensions = BTreeMap<String, String>;

/// Some values of a metric at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Datum {
    pub(super) at: Timestamp,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) sum: f64,
    pub(super) count: f64,
    /// `Count`, `Seconds`; `None` where none was given.
    pub(super) unit: &'static str,
}

impl Datum {
    /// So many requests, each of which counts one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody makes so many requests in an hour"
    )]
    fn counted(at: Timestamp, requests: u64) -> Self {
        let sum = requests as f64;
        Self {
            at,
            min: 1.0,
            max: 1.0,
            sum,
            count: sum,
            unit: "Count",
        }
    }
}

/// The name of a metric, as complete as names are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MetricName {
    pub(super) region: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) dimensions: Dimensions,
}

/// Metrics that were put.
#[derive(Debug, Default)]
pub(crate) struct Metrics(pub(super) BTreeMap<MetricName, Vec<Datum>>);

/// How a metric runs.
#[derive(Debug, Clone)]
pub(super) enum Curve {
    /// Seconds until then, once a minute.
    Until(Timestamp),
    Data(Vec<Datum>),
}

impl Metrics {
    /// All metrics of the Region with these names, also those of KMS.
    pub(super) fn matching<'a>(
        &'a self,
        kms: &'a Kms,
        region: &'a str,
        namespace: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = (Dimensions, Curve)> {
        let own = self
            .0
            .iter()
            .filter(move |(metric, _)| {
                (&*metric.region, &*metric.namespace, &*metric.name) == (region, namespace, name)
            })
            .map(|(metric, data)| (metric.dimensions.clone(), Curve::Data(data.clone())));
        let is_expiration = namespace == KMS_NAMESPACE && name == EXPIRATION;
        // Only imported material expires.
        let imported = is_expiration.then(|| kms.keys.imported());
        let of_kms = imported
            .into_iter()
            .flatten()
            .filter(move |key| key.region == region)
            .filter_map(|key| {
                let dimensions = Dimensions::from([("KeyId".to_owned(), key.id.clone())]);
                Some((dimensions, Curve::Until(key.earliest_expiry()?)))
            });
        let is_uses = namespace == KMS_NAMESPACE && name == USES;
        let uses = is_uses.then(|| kms.uses.of_region(region));
        let uses = uses.into_iter().flatten().map(|(dimensions, hours)| {
            let data = hours.map(|(at, uses)| Datum::counted(at, uses));
            (dimensions.clone(), Curve::Data(data.collect()))
        });
        own.chain(of_kms).chain(uses)
    }
}

impl Curve {
    /// The statistic of the period that ends then; `None` if there are no data in it.
    pub(super) fn value(
        &self,
        end: Timestamp,
        period: SignedDuration,
        statistic: &str,
    ) -> Option<f64> {
        let start = end.saturating_sub(period).ok()?;
        let (min, max, sum, count) = match self {
            Self::Until(expiry) => {
                let last = expiry.duration_since(end.saturating_sub(CADENCE).ok()?);
                let (min, max) = (seconds(last), seconds(expiry.duration_since(start)));
                let count = (seconds(period) / seconds(CADENCE)).max(1.0);
                (min, max.max(min), f64::midpoint(min, max) * count, count)
            }
            Self::Data(data) => {
                let within = data
                    .iter()
                    .filter(|datum| start <= datum.at && datum.at < end);
                let mut within = within.copied();
                let first = within.next()?;
                let all = within.fold(first, |all, datum| Datum {
                    at: datum.at,
                    min: all.min.min(datum.min),
                    max: all.max.max(datum.max),
                    sum: all.sum + datum.sum,
                    count: all.count + datum.count,
                    unit: all.unit,
                });
                (all.min, all.max, all.sum, all.count)
            }
        };
        match statistic {
            "Minimum" | "MIN" => Some(min),
            "Maximum" | "MAX" => Some(max),
            "Average" | "AVG" => Some(sum / count),
            "Sum" | "SUM" => Some(sum),
            "SampleCount" | "COUNT" => Some(count),
            _ => None,
        }
    }

    /// From when on, or until when, the statistic of a period that ends then is below the threshold.
    pub(super) fn crosses(
        &self,
        period: SignedDuration,
        statistic: &str,
        threshold: f64,
    ) -> Option<Timestamp> {
        let Self::Until(expiry) = self else {
            return None;
        };
        // The metric falls by a second a second, so one value tells when it has which other.
        let now = self.value(*expiry, period, statistic)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates far beyond any date"
        )]
        let early = SignedDuration::from_secs((threshold - now) as i64);
        expiry.checked_sub(early).ok()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds of some centuries fit into 53 bits"
)]
pub(super) fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs() as f64
}
