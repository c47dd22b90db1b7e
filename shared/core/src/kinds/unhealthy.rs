//! A custom key store in trouble: an alarm went off about it, or the sweep over all keys found it without a connection.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::alarm::{
    ITS_OWNERS_WORDS, READS, alarm_sentences, look_at_alarm, measured, store_command, store_facts,
    store_name,
};
use super::signal::{Alarm, Signal, Unit, Watches};
use super::words::CONFIRM;
use super::{Case, Describe, Found, Identity, step};
use crate::about::KeyStore;
use crate::actor::Actor;
use crate::arn::Region;
use crate::event::Labels;
use crate::facts::Reads;
use crate::hash::short_hash;
use crate::ledger::{Item, Profile};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// A custom key store is in trouble, or will be.
#[derive(Clone, Debug)]
pub struct KeyStoreUnhealthy(Finding);

#[derive(Clone, Debug)]
enum Finding {
    Alarm(Box<Signal>),
    Sweep(Connection),
}

/// How the sweep found a key store.
#[derive(Clone, Debug)]
struct Connection {
    found_at: Timestamp,
    state: Untrusted,
    error_code: Option<Untrusted>,
    region: Option<Region>,
}

/// The details of a key store in trouble: how the alarm stands that went off, or how the sweep found the key store. What
/// the other would say is `null`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Details<'a> {
    /// The alarm, if it was one.
    alarm: Option<&'a Alarm>,
    /// The metric that the alarm watches, `null` if it is none of KMS's, or several.
    metric: Option<&'a Untrusted>,
    /// The dimensions of it that are one certain value.
    dimensions: Labels,
    /// The last value that the alarm was evaluated on. Not known of contributors.
    value: Option<f64>,
    /// What it is compared with. Not known of contributors, nor of anomalies.
    threshold: Option<f64>,
    /// The lower end of what is usual, for alarms on anomalies.
    usual_from: Option<f64>,
    /// The upper end of it.
    usual_to: Option<f64>,
    /// What value and threshold count, if that is known.
    unit: Option<Unit>,
    /// Length of the period that a value is about, in seconds.
    period_seconds: Option<u32>,
    /// When the sweep found it so first.
    found_at: Option<Timestamp>,
    /// The connection's state as the sweep found it: `FAILED`, `DISCONNECTED`.
    connection_state: Option<&'a Untrusted>,
    /// Why the last attempt to connect failed, as the sweep found it.
    error_code: Option<&'a Untrusted>,
}

impl Serialize for KeyStoreUnhealthy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.details().serialize(serializer)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for KeyStoreUnhealthy {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KeyStoreUnhealthy".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Details::json_schema(generator)
    }
}

impl KeyStoreUnhealthy {
    /// What an alarm says that went off.
    pub fn of_alarm(signal: Signal) -> Self {
        Self(Finding::Alarm(Box::new(signal)))
    }

    /// What somebody says who asked KMS. `found_at` is when it was found so first: it names the episode, and all tellings
    /// of one have the same.
    pub fn of_sweep(
        found_at: Timestamp,
        connection_state: &Untrusted,
        error_code: Option<&Untrusted>,
    ) -> Self {
        Self(Finding::Sweep(Connection {
            found_at,
            state: connection_state.shortened(64),
            error_code: error_code.map(|code| code.shortened(64)),
            region: None,
        }))
    }

    fn details(&self) -> Details<'_> {
        let signal = match &self.0 {
            Finding::Alarm(signal) => Some(signal.as_ref()),
            Finding::Sweep(_) => None,
        };
        let connection = match &self.0 {
            Finding::Sweep(connection) => Some(connection),
            Finding::Alarm(_) => None,
        };
        Details {
            alarm: signal.map(|signal| &signal.alarm),
            metric: signal.and_then(|signal| signal.metric.as_ref()),
            dimensions: signal.map_or_else(Labels::new, |signal| signal.dimensions.clone()),
            value: signal.and_then(|signal| signal.value),
            threshold: signal.and_then(|signal| signal.threshold),
            usual_from: signal.and_then(|signal| signal.usual_from),
            usual_to: signal.and_then(|signal| signal.usual_to),
            unit: signal.and_then(|signal| signal.unit),
            period_seconds: signal.and_then(|signal| signal.period_seconds),
            found_at: connection.map(|connection| connection.found_at),
            connection_state: connection.map(|connection| &connection.state),
            error_code: connection.and_then(|connection| connection.error_code.as_ref()),
        }
    }
}

impl Describe for KeyStoreUnhealthy {
    const NAME: &'static str = "KeyStoreUnhealthy";
    const READS: Reads = READS;
    const BY_EVENT: bool = false;

    fn identity(&self) -> Identity {
        match &self.0 {
            Finding::Alarm(signal) => Identity::Alarm(signal.alarm.change()),
            Finding::Sweep(connection) => Identity::Content(short_hash(&format!(
                "{}\n{}\n{}",
                connection.state.as_str(),
                connection.code().unwrap_or_default(),
                connection.found_at
            ))),
        }
    }

    fn alarm(&self) -> Option<&Alarm> {
        match &self.0 {
            Finding::Alarm(signal) => Some(&signal.alarm),
            Finding::Sweep(_) => None,
        }
    }

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        if let Finding::Sweep(connection) = &mut self.0 {
            connection.region = Some(found.subject.region().clone());
        }
        Vec::new()
    }

    /// The last episode that the sweep told of, so that the next one need not.
    fn teach(&self, profile: &mut Profile, _: Timestamp, _: Option<&Actor>) {
        if let Finding::Sweep(connection) = &self.0 {
            profile.note_telling(Self::NAME, None, connection.found_at);
        }
    }

    fn imply_key_store(&self, store: &mut KeyStore) {
        if let Finding::Sweep(connection) = &self.0
            && store.connection_state.is_none()
        {
            store.connection_state = Some(connection.state.clone());
            store.error_code.clone_from(&connection.error_code);
        }
    }

    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::High
    }

    fn title(&self, case: &Case<'_>) -> Text {
        match &self.0 {
            Finding::Alarm(signal) => alarm_title(signal, case),
            Finding::Sweep(connection) => connection.title(case),
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        match &self.0 {
            Finding::Alarm(signal) => alarm_summary(signal, case),
            Finding::Sweep(connection) => connection.summary(case),
        }
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        match &self.0 {
            Finding::Alarm(signal) => alarm_steps(signal, case),
            Finding::Sweep(connection) => connection.next_steps(case),
        }
    }
}

fn alarm_title(signal: &Signal, case: &Case<'_>) -> Text {
    let name = store_name(case);
    let Watches::KeyStore(metric) = signal.watches() else {
        return text![
            "An alarm about ",
            name,
            " went off: ",
            signal.alarm.name.shortened(120)
        ];
    };
    let [before, after] = metric.title;
    let whose = text![before, name];
    match signal.value {
        Some(value) if metric.unit == Unit::Days && value <= 0.0 => {
            text![whose, " has reached its end"]
        }
        Some(value) => {
            let [before, after] = metric.with_value;
            text![whose, before, signal.say(value), after]
        }
        None => text![whose, after],
    }
}

fn alarm_summary(signal: &Signal, case: &Case<'_>) -> Text {
    let mut text = text![alarm_title(signal, case), "."];
    measured(&mut text, signal);
    if let Watches::KeyStore(metric) = signal.watches() {
        text.sentence(metric.breaks);
    } else if signal.alarm.children.is_empty() {
        text.sentence(ITS_OWNERS_WORDS);
    }
    text.sentence(store_facts(case));
    alarm_sentences(&mut text, signal);
    text
}

fn alarm_steps(signal: &Signal, case: &Case<'_>) -> Vec<Step> {
    let region = signal.alarm.region();
    let mut steps = Vec::new();
    if let Watches::KeyStore(metric) = signal.watches() {
        let last = metric.advice.len().saturating_sub(1);
        for (index, advice) in metric.advice.iter().enumerate() {
            let command = metric.command.filter(|_| index == last && !case.gone);
            let command = command.and_then(|command| store_command(case, region, command));
            steps.push(step(text![*advice], command));
        }
    } else {
        steps.push(look_at_alarm());
    }
    if case.key_store.is_some() {
        steps.push(see(case, region));
    }
    steps
}

fn see(case: &Case<'_>, region: Option<&Region>) -> Step {
    step(
        text!["See how KMS stands with the key store"],
        store_command(case, region, "describe-custom-key-stores"),
    )
}

impl Connection {
    fn code(&self) -> Option<&str> {
        self.error_code.as_ref().map(Untrusted::as_str)
    }

    /// The state that KMS reports now, if it is another one.
    fn changed<'a>(&self, case: &Case<'a>) -> Option<&'a Untrusted> {
        let state = case.key_store?.connection_state.as_ref();
        state.filter(|state| case.live && **state != self.state)
    }

    /// KMS says now that it is connected.
    fn is_over(&self, case: &Case<'_>) -> bool {
        self.changed(case)
            .is_some_and(|state| state.as_str() == "CONNECTED")
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case
            .key_store
            .map_or_else(|| text!["custom key store"], KeyStore::name_of);
        let mut text = text!["The ", name];
        if self.is_over(case) {
            text.push(text![" was ", &self.state, ", and is CONNECTED now"]);
            return text;
        }
        match self.state.as_str() {
            "FAILED" => text.push(" could not be connected"),
            "DISCONNECTED" => text.push(" is not connected"),
            _ => text.push(text![" is ", &self.state]),
        }
        match case.key_store.and_then(|store| store.key_count) {
            Some(1) => text.push(": its key cannot be used"),
            Some(count @ 2..) => text.push(text![": its ", count, " keys cannot be used"]),
            _ => {}
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let name = case.key_store.map_or_else(
            || text!["a custom key store"],
            |store| text!["the ", store.name_of()],
        );
        let mut text = text!["The sweep over all keys found ", name, " ", &self.state];
        if let Some(code) = &self.error_code {
            text.push(text![" (", code, ")"]);
        }
        text.push(text![" on ", self.found_at, "."]);
        if case.gone {
            text.sentence("KMS does not know the key store any more.");
            return text;
        }
        text.sentence(
            match (self.code().and_then(Failure::of), self.state.as_str()) {
                (Some(failure), _) => failure.means,
                (None, "FAILED") => "KMS tried to connect it, and failed.",
                (None, "DISCONNECTED") => "Somebody disconnected it, or nobody ever connected it.",
                (None, _) => "",
            },
        );
        if let Some(state) = self.changed(case) {
            text.sentence(text!["But KMS now reports it as ", state, "."]);
        }
        let keys = case.key_store.and_then(|store| store.key_count);
        text.sentence(match keys {
            Some(0) => text!["No key was found in it among those that KMS Watch may describe."],
            Some(1) => text!["One key is in it."],
            Some(count) => text![count, " keys are in it."],
            None => text!["How many keys are in it could not be found out."],
        });
        if self.is_over(case) {
            return text;
        }
        text.sentence(
            "Until it is connected its keys are Unavailable: every cryptographic operation with them fails.",
        );
        text.sentence(
            "Nothing is lost for that alone: connecting it brings the keys back, as long as its cluster or external key manager \
             still has them.",
        );
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let region = self.region.as_ref();
        let mut steps = vec![see(case, region)];
        if case.gone || self.is_over(case) {
            return steps;
        }
        let has_failed = self.changed(case).unwrap_or(&self.state).as_str() == "FAILED";
        if has_failed {
            // KMS API Reference, ConnectCustomKeyStore: not valid for one that is FAILED.
            steps.push(step(
                text!["Disconnect it: KMS neither connects nor changes one that has FAILED"],
                store_command(case, region, "disconnect-custom-key-store"),
            ));
        }
        let failure = self.code().and_then(Failure::of);
        steps.extend(failure.map(|failure| step(text![failure.advice], None)));
        let connect = "connect it, which may take 20 minutes";
        let connect = if has_failed {
            text!["Then ", connect]
        } else {
            text![CONFIRM, connect]
        };
        steps.push(step(
            connect,
            store_command(case, region, "connect-custom-key-store"),
        ));
        steps
    }
}

/// Why an attempt to connect failed: what KMS's code means, and what to do.
struct Failure {
    code: &'static str,
    means: &'static str,
    advice: &'static str,
}

impl Failure {
    fn of(code: &str) -> Option<&'static Self> {
        FAILURES.iter().find(|failure| failure.code == code)
    }
}

/// The codes of failed connections (KMS API Reference, CustomKeyStoresListEntry, ConnectionErrorCode).
static FAILURES: [Failure; 18] = [
    Failure {
        code: "INVALID_CREDENTIALS",
        means: "KMS does not have the right password of the user kmsuser in the CloudHSM cluster.",
        advice: "Change the password of kmsuser in the cluster, and give KMS the new one (update-custom-key-store)",
    },
    Failure {
        code: "CLUSTER_NOT_FOUND",
        means: "KMS cannot find the CloudHSM cluster: it was deleted, or is another one now.",
        advice: "Find the cluster. If it was deleted, make one from a backup of it at once, and give KMS its id \
                 (update-custom-key-store): without the backup the keys are lost",
    },
    Failure {
        code: "NETWORK_ERRORS",
        means: "Errors of the network keep KMS from the CloudHSM cluster or the external key manager.",
        advice: "Look at the network: security groups, network ACLs and routes of the cluster, or the way to the proxy",
    },
    Failure {
        code: "INTERNAL_ERROR",
        means: "KMS failed for reasons of its own.",
        advice: "Try again; if it goes on, ask AWS Support",
    },
    Failure {
        code: "INSUFFICIENT_CLOUDHSM_HSMS",
        means: "The CloudHSM cluster has no active HSM.",
        advice: "Create an HSM in the cluster, two of them in different zones if the keys are to stay available",
    },
    Failure {
        code: "USER_LOCKED_OUT",
        means: "The user kmsuser is locked out of the CloudHSM cluster after too many wrong passwords.",
        advice: "Change the password of kmsuser in the cluster, and give KMS the new one (update-custom-key-store)",
    },
    Failure {
        code: "USER_NOT_FOUND",
        means: "The CloudHSM cluster has no user kmsuser.",
        advice: "Create the crypto user kmsuser in the cluster, and give KMS its password (update-custom-key-store)",
    },
    Failure {
        code: "USER_LOGGED_IN",
        means: "The user kmsuser is logged in to the CloudHSM cluster, so that KMS cannot log in and change its password.",
        advice: "Log kmsuser out of the cluster; if its password was changed, give KMS the new one (update-custom-key-store)",
    },
    Failure {
        code: "SUBNET_NOT_FOUND",
        means: "A subnet of the CloudHSM cluster was deleted.",
        advice: "Make a new cluster from a recent backup, in subnets that exist, and give KMS its id (update-custom-key-store)",
    },
    Failure {
        code: "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        means: "A subnet of the CloudHSM cluster has no free IP address, of which KMS needs one in each.",
        advice: "Free an IP address, better two, in each subnet of the cluster",
    },
    Failure {
        code: "XKS_PROXY_ACCESS_DENIED",
        means: "The external key store's proxy refuses the requests of KMS.",
        advice: "Look at the rules of the proxy: they must let KMS in, with the credential that it has",
    },
    Failure {
        code: "XKS_PROXY_NOT_REACHABLE",
        means: "KMS cannot reach the external key store's proxy.",
        advice: "See that the proxy runs, and that its endpoint is the one that KMS has (update-custom-key-store)",
    },
    Failure {
        code: "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        means: "KMS cannot find the VPC endpoint service through which it talks to the proxy.",
        advice: "See that the VPC endpoint service exists, has the name that KMS has, and admits KMS",
    },
    Failure {
        code: "XKS_PROXY_INVALID_RESPONSE",
        means: "The external key store's proxy answers what KMS does not understand.",
        advice: "Ask those who run the proxy: it must keep to the specification of AWS for such proxies",
    },
    Failure {
        code: "XKS_PROXY_INVALID_CONFIGURATION",
        means: "The settings of the external key store do not fit its proxy.",
        advice: "Compare the path of the proxy with the one that KMS has (update-custom-key-store)",
    },
    Failure {
        code: "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        means: "The VPC endpoint service through which KMS talks to the proxy is not set up as KMS needs it.",
        advice: "Compare the VPC endpoint service with what the KMS Developer Guide asks for: its private DNS name, its Region, \
                 its load balancer, and that KMS is admitted",
    },
    Failure {
        code: "XKS_PROXY_TIMED_OUT",
        means: "The external key store's proxy does not answer in time.",
        advice: "Look at the load of the proxy, at the network and at the external key manager behind it",
    },
    Failure {
        code: "XKS_PROXY_INVALID_TLS_CONFIGURATION",
        means: "KMS and the external key store's proxy do not agree on TLS.",
        advice: "Look at the certificate of the proxy (not expired, right name, from a public authority), and that it speaks TLS \
                 1.2 or 1.3",
    },
];
