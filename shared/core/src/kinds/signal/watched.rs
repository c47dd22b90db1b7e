//! What an alarm watches, and how that stands.

use std::collections::BTreeSet;

use serde::Serialize;

use super::alarm::{Alarm, children};
use super::store_metrics::{CREDENTIAL_AGE, STORE_METRICS, StoreMetric};
use super::unit::{Unit, seconds};
use crate::arn::{AccountId, KeyStoreId};
use crate::event::{AlarmEvent, Labels};
use crate::text;
use crate::text::{Span, Text, Untrusted};

/// What an alarm watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watches {
    /// How long imported key material lasts.
    Material,
    /// A custom key store.
    KeyStore(&'static StoreMetric),
    /// How many requests KMS gets, against a quota.
    Quota,
    /// How much keys are used.
    Usage,
    /// Something of which this program knows nothing: a metric of the user's own, other alarms, a log.
    Other,
}

/// How an alarm stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signal {
    /// The alarm.
    pub alarm: Alarm,
    /// The metric that it watches, `null` if there are several, or none.
    pub metric: Option<Untrusted>,
    /// The metric's namespace.
    pub namespace: Option<Untrusted>,
    /// The accounts whose metrics are watched, if they are not the alarm's own.
    pub accounts: Vec<AccountId>,
    /// The dimensions of it that are one certain value.
    pub dimensions: Labels,
    /// The last value that the alarm was evaluated on. Not known of contributors.
    pub value: Option<f64>,
    /// What it is compared with. Not known of contributors, nor of anomalies.
    pub threshold: Option<f64>,
    /// The lower end of what is usual, for alarms on anomalies.
    pub usual_from: Option<f64>,
    /// The upper end of it.
    pub usual_to: Option<f64>,
    /// What value and threshold count, if that is known.
    pub unit: Option<Unit>,
    /// Length of the period that a value is about, in seconds.
    pub period_seconds: Option<u32>,
    #[serde(skip)]
    watches: Watches,
}

impl Signal {
    /// What `event` says.
    pub fn of(event: &AlarmEvent) -> Self {
        let names = event.metric_names();
        let only = event.only_metric();
        let metric = match names.as_slice() {
            [only] => Some(only.clone()),
            [] => only.as_ref().map(|(name, _)| name.clone()),
            _ => None,
        };
        let mut accounts = event.metric_accounts();
        if accounts.len() == 1 && accounts.first() == event.account.as_ref() {
            accounts.clear();
        }
        let watches = watches(event, &names);
        let (usual_from, usual_to) = event.band();
        let dimensions = event.label_names().into_iter().filter_map(|name| {
            let value = event.dimension(name.as_str())?;
            Some((name, value))
        });
        Self {
            unit: match watches {
                Watches::Material => Some(Unit::Seconds),
                Watches::KeyStore(metric) => Some(metric.unit),
                Watches::Usage => Some(Unit::Count),
                Watches::Quota => quota_unit(event),
                Watches::Other => None,
            },
            dimensions: dimensions.collect(),
            value: event.datapoint(),
            threshold: event.threshold(),
            usual_from,
            usual_to,
            period_seconds: event.current.data.period,
            namespace: only.and_then(|(_, namespace)| namespace),
            accounts: accounts.into_iter().take(20).collect(),
            metric,
            watches,
            alarm: Alarm::of(event),
        }
    }

    /// What the alarm watches.
    pub fn watches(&self) -> Watches {
        self.watches
    }

    /// `account 444455556666`, if that is not the alarm's own.
    pub(in crate::kinds) fn another_account(&self) -> Option<Text> {
        match self.accounts.as_slice() {
            [only] => Some(text!["account ", only]),
            _ => None,
        }
    }

    /// What it watches, by the names that the event has for it, as a sentence.
    pub(in crate::kinds) fn watched(&self) -> Text {
        let mut text = Text::new();
        if self.watches == Watches::Other
            && let Some(metric) = &self.metric
        {
            text.push(text![
                "The alarm monitors the metric ",
                metric.shortened(120)
            ]);
            if let Some(namespace) = &self.namespace {
                text.push(text![" of ", namespace.shortened(120)]);
            }
            text.push(".");
        }
        if !self.accounts.is_empty() {
            text.sentence("The metrics are of account ");
            for (index, account) in self.accounts.iter().take(5).enumerate() {
                if index > 0 {
                    text.push(", ");
                }
                text.push(account);
            }
            text.push(if self.accounts.len() > 5 {
                " and others, "
            } else {
                ", "
            });
            text.push("the alarm is in another account.");
            if let Some(store) = self.dimension("CustomKeyStoreId") {
                text.sentence(text!["The custom key store is ", store.shortened(64), "."]);
            }
        }
        text
    }

    /// It watches how old a credential is.
    pub(in crate::kinds) fn watches_credential(&self) -> bool {
        matches!(self.watches, Watches::KeyStore(metric) if metric.name == CREDENTIAL_AGE)
    }

    /// A value in its unit.
    pub(in crate::kinds) fn say(&self, value: f64) -> Span {
        self.unit.unwrap_or(Unit::Count).say(value)
    }

    pub(in crate::kinds) fn dimension(&self, name: &str) -> Option<&Untrusted> {
        let mut dimensions = self.dimensions.iter();
        let (_, value) = dimensions.find(|(label, _)| label.as_str() == name)?;
        Some(value)
    }

    /// The value against what it is compared with, as a sentence; nothing if the event does not say.
    pub(in crate::kinds) fn numbers(&self) -> Text {
        let Some(value) = self.value else {
            return Text::new();
        };
        let mut text = text!["The last value is ", self.say(value)];
        if let (Some(Unit::Count), Some(period)) = (self.unit, self.period_seconds) {
            text.push(text![" in ", seconds(f64::from(period))]);
        }
        match (self.threshold, self.usual_from, self.usual_to) {
            (Some(threshold), ..) => {
                text.push(text!["; the threshold is ", self.say(threshold)]);
            }
            (None, Some(from), Some(to)) => {
                text.push(text!["; normal is ", self.say(from), " to ", self.say(to)]);
            }
            (None, None, Some(to)) => text.push(text!["; normal is at most ", self.say(to)]),
            (None, Some(from), None) => {
                text.push(text!["; normal is at least ", self.say(from)]);
            }
            (None, None, None) => {}
        }
        text.push(".");
        text
    }

    /// The dimensions but those that name a key or a key store, as a sentence.
    pub(in crate::kinds) fn particulars(&self) -> Text {
        let mut text = Text::new();
        let telling = self.dimensions.iter().filter(|(name, _)| {
            !["CustomKeyStoreId", "Service", "Type", "Class", "Resource"].contains(&name.as_str())
                && !name.as_str().ends_with("KeyArn")
                && !["KeyId", "KeyArn", "KeySpec"].contains(&name.as_str())
        });
        for (name, value) in telling.take(6) {
            text.push(if text.spans().is_empty() {
                "Dimensions: "
            } else {
                ", "
            });
            text.push(text![name.shortened(60), " ", value.shortened(100)]);
        }
        if !text.spans().is_empty() {
            text.push(".");
        }
        text
    }
}

fn watches(event: &AlarmEvent, names: &[Untrusted]) -> Watches {
    let has = |wanted: &str| names.iter().any(|name| name.as_str() == wanted);
    if has("SecondsUntilKeyMaterialExpiration") {
        return Watches::Material;
    }
    if let Some(metric) = STORE_METRICS.iter().find(|metric| has(metric.name)) {
        return Watches::KeyStore(metric);
    }
    match has("CallCount") {
        true if event.is_anomaly() => Watches::Usage,
        true => Watches::Quota,
        false if has("SuccessfulRequest") => Watches::Usage,
        false => Watches::Other,
    }
}

/// Requests as they are counted, or their share of a quota: metric math that multiplies by a hundred.
fn quota_unit(event: &AlarmEvent) -> Option<Unit> {
    let mut returned = event.metrics.iter().filter(|query| query.return_data);
    let returned = returned.next()?;
    let Some(expression) = &returned.expression else {
        return Some(Unit::Count);
    };
    if returned.select.is_some() {
        return Some(Unit::Count);
    }
    let mut words = expression
        .as_str()
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_')));
    words
        .any(|word| matches!(word, "100" | "100.0"))
        .then_some(Unit::Percent)
}

/// The custom key store that an alarm's own metrics name; of an alarm without metrics, the one that its name and the names
/// of the alarms that it is made of agree on.
pub fn key_store_of(event: &AlarmEvent) -> Option<KeyStoreId> {
    if !event.metrics.is_empty() {
        return event.custom_key_store_id();
    }
    let children = children(event);
    let names = children.iter().chain([&event.name]).chain(&event.rule);
    let ids: BTreeSet<_> = names.flat_map(|name| ids_in(name.as_str())).collect();
    let mut ids = ids.into_iter();
    let first = ids.next().filter(|_| ids.next().is_none())?;
    KeyStoreId::new(first)
}

/// Words of a name that look like ids of custom key stores: `cks-` and 17 or more hexadecimal digits.
fn ids_in(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices("cks-").filter_map(|(start, prefix)| {
        let rest = &name[start + prefix.len()..];
        let length = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        (length >= 17).then(|| &name[start..start + prefix.len() + length])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_key_stores_are_found_in_names() {
        let ids = |name| ids_in(name).collect::<Vec<_>>();
        assert_eq!(
            ids("kms-watch/xks-latency/cks-7be1d290f5a3c846a"),
            ["cks-7be1d290f5a3c846a"]
        );
        assert_eq!(
            ids("ALARM(\"cks-7be1d290f5a3c846a/x\") OR ALARM(\"cks-4c8f0a6d12e95b73e-é\")").len(),
            2
        );
        assert_eq!(ids("cks-outage cks-ü cks-"), [] as [&str; 0]);
    }
}
