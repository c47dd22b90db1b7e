//! The middle of many measurements, and how far they are apart.

use std::time::Duration;

use serde::Serialize;

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

/// What is said of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) p10: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) count: usize,
}

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn push_ms(&mut self, value: Duration) {
        self.push(value.as_secs_f64() * 1_000.0);
    }

    pub(crate) fn summary(&self) -> Option<Summary> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Summary {
            median: quantile(&sorted, 0.5)?,
            p10: quantile(&sorted, 0.1)?,
            p90: quantile(&sorted, 0.9)?,
            p99: quantile(&sorted, 0.99)?,
            count: sorted.len(),
        })
    }
}

/// Between the two nearest measurements.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there are never so many measurements"
    )]
    let (place, below) = {
        let place = part * sorted.len().checked_sub(1)? as f64;
        (place, place.floor() as usize)
    };
    let low = *sorted.get(below)?;
    let high = *sorted.get(below + 1).unwrap_or(&low);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_lies_between_the_measurements() {
        assert_eq!(Samples::default().summary(), None);
        let mut samples = Samples::default();
        for value in [4.0, 1.0, 3.0, 2.0, 5.0] {
            samples.push(value);
        }
        let summary = samples.summary().unwrap();
        assert_eq!((summary.median, summary.p10, summary.count), (3.0, 1.4, 5));
        assert!((summary.p99 - 4.96).abs() < 1e-9);
    }
}
