//! For machines: the alert's JSON.

use serde::Serialize;

use super::BODY_LIMIT;
use crate::about::Key;
use crate::alert::Alert;
use crate::enrichment::{EnrichmentStatus, Missing};
use crate::text::Untrusted;

/// Takes a member out of an alert.
type Shed = fn(&mut Alert);

/// How many of those who depend on a key are left where there is no room for more.
const DEPENDANTS: usize = 5;

/// What is left out of an alert that SNS would refuse, in this order: each has a name and may be asked of KMS again.
const SHEDDABLE: [(&str, Shed); 5] = [
    ("tags", |alert| of_key(alert, |key| key.tags = None)),
    ("aliases", |alert| of_key(alert, |key| key.aliases = None)),
    ("description", |alert| {
        of_key(alert, |key| key.description = None);
    }),
    ("multiRegion", |alert| {
        of_key(alert, |key| key.multi_region = None);
    }),
    ("dependants", |alert| {
        let dependants = alert.dependants.take();
        alert.dependants = dependants.map(|all| all.at_most(DEPENDANTS));
    }),
];

fn of_key(alert: &mut Alert, shed: impl FnOnce(&mut Key)) {
    if let Some(key) = &mut alert.key {
        shed(key);
    }
}

/// The alert as JSON. What does not fit into a message is left out and named in `enrichment.missing`.
///
/// # Errors
///
/// Never for an alert of this program; a serializer's error is passed on rather than turned into silence.
pub fn feed(alert: &Alert) -> Result<String, serde_json::Error> {
    fit(alert, BODY_LIMIT)
}

fn fit(alert: &Alert, limit: usize) -> Result<String, serde_json::Error> {
    let mut json = to_json(alert)?;
    if json.len() <= limit {
        return Ok(json);
    }
    let mut alert = alert.clone();
    for (fact, shed) in SHEDDABLE {
        shed(&mut alert);
        let reason = Untrusted::new("left out: the message would be larger than SNS allows");
        alert.enrichment.missing.push(Missing {
            fact,
            reason,
            throttled: false,
        });
        alert.enrichment.status = EnrichmentStatus::Partial;
        json = to_json(&alert)?;
        if json.len() <= limit {
            break;
        }
    }
    Ok(json)
}

fn to_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(value)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::kinds::KeyRotated;
    use crate::pipeline::tests::alert_about;

    #[test]
    fn what_does_not_fit_is_left_out_and_named() {
        let mut alert = alert_about(KeyRotated::default());
        let key = alert.key.as_mut().unwrap();
        let wide = |i: usize| {
            (
                Untrusted::new(&format!("{i}{}", "k".repeat(120))),
                Untrusted::new(&"v".repeat(250)),
            )
        };
        key.tags = Some((0..50).map(wide).collect());
        key.description = Some(Untrusted::new("stays"));
        assert!(fit(&alert, 100_000).unwrap().contains("vvvv"));
        let json: Value = serde_json::from_str(&fit(&alert, 10_000).unwrap()).unwrap();
        assert_eq!(json["key"]["tags"], Value::Null);
        assert_eq!(json["key"]["description"], "stays");
        assert_eq!(json["enrichment"]["status"], "PARTIAL");
        assert_eq!(json["enrichment"]["missing"][0]["fact"], "tags");
    }
}
