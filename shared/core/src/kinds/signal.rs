//! What a CloudWatch alarm says: which alarm, what it watches, how it stands, and whether people want to hear of it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::arn::{KeyStoreId, Partition, Region};
use crate::event::{AlarmEvent, AlarmState, Labels};
use crate::hash::short_hash;
use crate::link;
use crate::text;
use crate::text::{Span, Text, Untrusted, minute};

/// A CloudWatch alarm, and what its event says of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alarm {
    /// Its name.
    pub name: Untrusted,
    /// Its ARN.
    pub arn: Option<Untrusted>,
    /// Its description.
    pub description: Option<Untrusted>,
    /// Of an alarm that watches several time series: the labels of the one that changed.
    pub contributor: Option<Labels>,
    /// Of a composite alarm: the alarms that made it change.
    pub children: Vec<Untrusted>,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: Untrusted,
    /// The state before. Not known of contributors.
    pub previous_state: Option<Untrusted>,
    /// ARN of the mute rule that is in force.
    pub muted_by: Option<Untrusted>,
    /// The end of its window.
    pub muted_until: Option<Timestamp>,
    /// What holds back a composite alarm's actions: an alarm, or a period of waiting. People are told all the same, since
    /// nothing tells when that ends.
    pub actions_suppressed_by: Option<Untrusted>,
    #[serde(skip)]
    place: Option<(Partition, Region)>,
    /// The alarm, or the one of its time series.
    #[serde(skip)]
    series: String,
    /// The one change of its state.
    #[serde(skip)]
    change: String,
    #[serde(skip)]
    muted: bool,
}

impl Alarm {
    /// What `event` says.
    pub fn of(event: &AlarmEvent) -> Self {
        let at = event.occurred_at();
        let arn = event.arn.as_ref().map(|arn| {
            let (partition, region) = (arn.partition.as_str(), arn.region.as_str());
            let (account, name) = (arn.account.as_str(), arn.name.as_str());
            format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}")
        });
        let which = arn
            .clone()
            .unwrap_or_else(|| event.name.as_str().to_owned());
        let own = event.contributor.as_ref();
        // CloudWatch's id may be another tomorrow; the labels say what it is about.
        let labels = own.map(|own| match (own.attributes.is_empty(), &own.id) {
            (true, Some(id)) => id.as_str().to_owned(),
            _ => format!("{:?}", own.attributes),
        });
        let series = format!("{which}\n{}", labels.unwrap_or_default());
        let stamp = event.current.stamp.as_ref().or(event.envelope.id.as_ref());
        let mute = event.mute.as_ref();
        let state = |state: &AlarmState| Untrusted::new(state.as_str());
        Self {
            name: event.name.clone(),
            arn: arn.map(|arn| Untrusted::bounded(&arn, 512)),
            description: event.description.clone(),
            contributor: own.map(|own| own.attributes.clone()),
            children: children(event),
            state: state(&event.current.state),
            previous_state: event.previous.as_ref().map(|was| state(&was.state)),
            muted_by: mute.and_then(|mute| mute.by.clone()),
            muted_until: mute.and_then(|mute| mute.end),
            actions_suppressed_by: event.current.suppressed_by.clone(),
            place: event.partition.clone().zip(event.region.clone()),
            change: short_hash(&format!(
                "{series}\n{:?}\n{}",
                own.and_then(|own| own.id.as_ref()),
                stamp.map_or("", Untrusted::as_str)
            )),
            series: short_hash(&series),
            // A window that is over by then, or not open yet, mutes nothing.
            muted: mute.is_some_and(|mute| {
                let over = mute.end.zip(at).is_some_and(|(end, at)| end <= at);
                let early = mute.start.zip(at).is_some_and(|(start, at)| start > at);
                !over && !early
            }),
        }
    }

    /// Its page.
    pub(crate) fn link(&self) -> Option<String> {
        let (partition, region) = self.place.as_ref()?;
        link::alarm(partition, region, self.name.as_str())
    }

    /// The Region that it is in.
    pub(super) fn region(&self) -> Option<&Region> {
        self.place.as_ref().map(|(_, region)| region)
    }

    /// Tells the alarm, and which of its time series, from all others.
    pub(crate) fn series(&self) -> &str {
        &self.series
    }

    /// Tells this change of its state from all others.
    pub(super) fn change(&self) -> String {
        self.change.clone()
    }

    /// It went off.
    pub(crate) fn is_raised(&self) -> bool {
        self.state.as_str() == "ALARM"
    }

    pub(super) fn was_raised(&self) -> bool {
        self.previous_state
            .as_ref()
            .is_some_and(|state| state.as_str() == "ALARM")
    }

    /// Why people are not told.
    pub(crate) fn muted(&self) -> Option<Cow<'static, str>> {
        let until = self
            .muted_until
            .map_or_else(String::new, |until| format!(" until {}", minute(until)));
        self.muted
            .then(|| format!("a mute rule of CloudWatch is in force on the alarm{until}").into())
    }

    /// `The alarm "name"`, with what it is about if it says so.
    pub(super) fn named(&self) -> Text {
        let mut text = text!["the alarm \"", self.name.shortened(160), "\""];
        if let Some(description) = &self.description {
            text.push(text![" (\"", description.shortened(300), "\")"]);
        }
        text
    }

    /// What holds back its actions, as a sentence.
    pub(super) fn held_back(&self) -> Text {
        let mut text = Text::new();
        if self.muted {
            let until = self
                .muted_until
                .map_or_else(Text::new, |until| text![" until ", until]);
            let by = self
                .muted_by
                .as_ref()
                .map_or_else(Text::new, |by| text![" (", by, ")"]);
            text.sentence(text![
                "The alarm is muted",
                until,
                " by a mute rule",
                by,
                ", so only the feed is told."
            ]);
        }
        if let Some(by) = &self.actions_suppressed_by {
            text.sentence(text![
                "CloudWatch holds back the alarm's own actions (",
                by,
                ")."
            ]);
        }
        text
    }
}

/// The alarms that a composite alarm blames.
fn children(event: &AlarmEvent) -> Vec<Untrusted> {
    let triggers = event.current.data.triggers.iter();
    let names = triggers.filter_map(|child| child.arn.as_ref().map(|arn| arn.name.clone()));
    names.take(20).collect()
}

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
    pub(super) fn say(self, value: f64) -> Span {
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
fn seconds(value: f64) -> Span {
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

/// A metric of custom key stores: what it means, what breaks, what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct StoreMetric {
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What it is about.
    pub noun: &'static str,
    /// Title: before the key store's name, after it, and after it with the value in between.
    pub title: [&'static str; 2],
    /// The end of the title where the value is known: before the value, and after it.
    pub with_value: [&'static str; 2],
    /// What breaks, and when.
    pub breaks: &'static str,
    /// What to do, most urgent first.
    pub advice: &'static [&'static str],
    /// A command for the last advice, for one key store.
    pub command: Option<&'static str>,
}

const SPREAD_LOAD: &str = "Find in CloudTrail who sends the most requests, and spread that load: use data keys that are kept \
                           for a while, or a key store of its own for each application";

/// The metrics of custom key stores (KMS Developer Guide, monitoring external key stores; KMS metrics and dimensions).
pub static STORE_METRICS: [StoreMetric; 7] = [
    StoreMetric {
        name: "XksProxyCertificateDaysToExpire",
        unit: Unit::Days,
        noun: "proxy certificate",
        title: ["The proxy certificate of ", " expires soon"],
        with_value: [" expires in ", ""],
        breaks: "Once it has expired KMS does not talk to the proxy any more, and every cryptographic operation with the \
                 keys in the store fails.",
        advice: &["Renew the TLS certificate on the external key store's proxy, for the same name"],
        command: None,
    },
    StoreMetric {
        name: "XksProxyCredentialAge",
        unit: Unit::Days,
        noun: "proxy credential",
        title: ["The proxy credential of ", " is old"],
        with_value: [" is ", " old"],
        breaks: "Nothing fails for it, but KMS never rotates this credential: whoever has got hold of it can use the proxy \
                 until somebody changes it.",
        advice: &[
            "Make a new credential on the external key store's proxy, and leave the old one valid for now",
            "Give KMS the new credential, then remove the old one from the proxy",
        ],
        command: Some(
            "update-custom-key-store --xks-proxy-authentication-credential file://credential.json",
        ),
    },
    StoreMetric {
        name: "XksProxyErrors",
        unit: Unit::Count,
        noun: "errors of the proxy",
        title: ["The proxy of ", " answers with errors"],
        with_value: [" answers with errors (", ")"],
        breaks: "Cryptographic operations with the keys in the store fail, or are slow because KMS tries again.",
        advice: &[
            "Retryable errors: look at the load of the proxy and at the network between it and KMS",
            "Non-retryable errors: look at the proxy's configuration and at the external key manager",
        ],
        command: None,
    },
    StoreMetric {
        name: "XksProxyLatency",
        unit: Unit::Milliseconds,
        noun: "latency of the proxy",
        title: ["The proxy of ", " answers slowly"],
        with_value: [" answers slowly (", ")"],
        breaks: "KMS waits 250 ms for an answer and tries once more; then the cryptographic operation fails.",
        advice: &["Look at the proxy, at the network and at the external key manager behind it"],
        command: None,
    },
    StoreMetric {
        name: "XksExternalKeyManagerStates",
        unit: Unit::Count,
        noun: "external key manager",
        title: ["The external key manager of ", " is impaired"],
        with_value: [" is impaired (instances: ", ")"],
        breaks: "The keys in the store work as long as other instances are Active. With none left, every cryptographic \
                 operation with them fails.",
        advice: &["Ask those who run the external key manager to look at the instances"],
        command: None,
    },
    StoreMetric {
        name: "ExternalKeyStoreThrottle",
        unit: Unit::Count,
        noun: "throttled requests",
        title: ["Requests to ", " are throttled"],
        with_value: [" are throttled (", ")"],
        breaks: "KMS refuses cryptographic operations with the keys in the store beyond their request quota. Callers that \
                 do not try again fail.",
        advice: &[SPREAD_LOAD],
        command: None,
    },
    StoreMetric {
        name: "CloudHSMKeyStoreThrottle",
        unit: Unit::Count,
        noun: "throttled requests",
        title: ["Requests to ", " are throttled"],
        with_value: [" are throttled (", ")"],
        breaks: "KMS or the CloudHSM cluster refuses cryptographic operations with the keys in the store. Callers that do \
                 not try again fail.",
        advice: &[
            "If the cluster is at its limit, add HSMs to it",
            SPREAD_LOAD,
        ],
        command: None,
    },
];

/// How an alarm stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signal {
    /// The alarm.
    pub alarm: Alarm,
    /// The metric that it watches, `null` if it is none of KMS's, or several.
    pub metric: Option<Untrusted>,
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
        let metric = match names.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
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
            metric,
            watches,
            alarm: Alarm::of(event),
        }
    }

    /// What the alarm watches.
    pub fn watches(&self) -> Watches {
        self.watches
    }

    /// A value in its unit.
    pub(super) fn say(&self, value: f64) -> Span {
        self.unit.unwrap_or(Unit::Count).say(value)
    }

    pub(super) fn dimension(&self, name: &str) -> Option<&Untrusted> {
        let mut dimensions = self.dimensions.iter();
        let (_, value) = dimensions.find(|(label, _)| label.as_str() == name)?;
        Some(value)
    }

    /// The value against what it is compared with, as a sentence; nothing if the event does not say.
    pub(super) fn numbers(&self) -> Text {
        let Some(value) = self.value else {
            return Text::new();
        };
        let mut text = text!["The last value is ", self.say(value)];
        if let (Some(Unit::Count), Some(period)) = (self.unit, self.period_seconds) {
            text.push(text![" in ", seconds(f64::from(period))]);
        }
        match (self.threshold, self.usual_from, self.usual_to) {
            (Some(threshold), ..) => {
                text.push(text!["; the alarm's threshold is ", self.say(threshold)]);
            }
            (None, Some(from), Some(to)) => {
                text.push(text!["; usual are ", self.say(from), " to ", self.say(to)]);
            }
            (None, None, Some(to)) => text.push(text!["; usual are ", self.say(to), " at most"]),
            (None, Some(from), None) => {
                text.push(text!["; usual are ", self.say(from), " at least"]);
            }
            (None, None, None) => {}
        }
        text.push(".");
        text
    }

    /// The dimensions but those that name a key or a key store, as a sentence.
    pub(super) fn particulars(&self) -> Text {
        let mut text = Text::new();
        let telling = self.dimensions.iter().filter(|(name, _)| {
            !["CustomKeyStoreId", "Service", "Type", "Class", "Resource"].contains(&name.as_str())
                && !name.as_str().ends_with("KeyArn")
                && !["KeyId", "KeyArn", "KeySpec"].contains(&name.as_str())
        });
        for (name, value) in telling.take(6) {
            text.push(if text.spans().is_empty() {
                "It is about "
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
