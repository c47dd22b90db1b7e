//! How often keys were used: what KMS publishes as `SuccessfulRequest` (KMS Developer Guide, "Monitor KMS keys with Amazon
//! CloudWatch").

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Uses that succeeded, by hour.
#[derive(Debug, Default, Clone)]
pub(crate) struct Uses(BTreeMap<(String, BTreeMap<String, String>), BTreeMap<i64, u64>>);

const HOUR: i64 = 3_600;

impl Uses {
    /// Counts uses of a key, or of the two of a re-encryption.
    pub(crate) fn count(
        &mut self,
        region: &str,
        operation: &str,
        keys: &[&str],
        at: Timestamp,
        uses: u64,
    ) {
        let names: &[&str] = match keys {
            [_] => &["KeyArn"],
            _ => &["SourceKeyArn", "DestinationKeyArn"],
        };
        let mut dimensions: BTreeMap<String, String> = names
            .iter()
            .zip(keys)
            .map(|(name, key)| ((*name).to_owned(), (*key).to_owned()))
            .collect();
        dimensions.insert("Operation".to_owned(), operation.to_owned());
        let hours = self.0.entry((region.to_owned(), dimensions)).or_default();
        *hours.entry(at.as_second().div_euclid(HOUR)).or_default() += uses;
    }

    /// The dimensions of each metric of a Region, and how often it counted at the beginning of which hours.
    pub(crate) fn of_region(
        &self,
        region: &str,
    ) -> impl Iterator<
        Item = (
            &BTreeMap<String, String>,
            impl Iterator<Item = (Timestamp, u64)>,
        ),
    > {
        let metrics = self.0.iter().filter(move |((of, _), _)| of == region);
        metrics.map(|((_, dimensions), hours)| {
            let hours = hours.iter().filter_map(|(hour, uses)| {
                Some((Timestamp::from_second(hour * HOUR).ok()?, *uses))
            });
            (dimensions, hours)
        })
    }
}
