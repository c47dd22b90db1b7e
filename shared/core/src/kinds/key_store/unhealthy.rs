//! A custom key store in trouble: an alarm went off about it, or the sweep over all keys found it without a connection.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::failures::Failure;
use super::{
    connect_time, count_words, see_store, short_name, store_command, store_facts, store_name,
    unusable_keys,
};
use crate::about::KeyStore;
use crate::actor::Actor;
use crate::arn::{AccountId, Region};
use crate::event::Labels;
use crate::hash::short_hash;
use crate::kinds::case::{Case, ask, fix, look};
use crate::kinds::describe::{Ask, Found, Identify, Identity, Learn, Tell};
use crate::kinds::signal::{Alarm, Signal, Unit, Watches};
use crate::kinds::signal::{ITS_OWNERS_WORDS, alarm_sentences, look_at_alarm, measured};
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
    /// The metric that the alarm watches, `null` if there are several, or none.
    metric: Option<&'a Untrusted>,
    /// The metric's namespace.
    namespace: Option<&'a Untrusted>,
    /// The accounts whose metrics are watched, if they are not the alarm's own.
    accounts: &'a [AccountId],
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
            namespace: signal.and_then(|signal| signal.namespace.as_ref()),
            accounts: signal.map_or(&[], |signal| &signal.accounts),
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

impl Identify for KeyStoreUnhealthy {
    fn is_by_event(&self) -> bool {
        false
    }

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
}

impl Ask for KeyStoreUnhealthy {
    fn names_dependants(&self) -> bool {
        true
    }
}

impl Learn for KeyStoreUnhealthy {
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
}

impl Tell for KeyStoreUnhealthy {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        let keys = case.key_store.and_then(|store| store.key_count);
        match &self.0 {
            // Nothing fails for it.
            Finding::Alarm(signal) if signal.watches_credential() => Severity::Low,
            Finding::Alarm(signal) if signal.alarm.set_by_hand => Severity::Medium,
            _ if keys == Some(0) => Severity::Medium,
            _ => Severity::High,
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        let keys = case.key_store.and_then(|store| store.key_count);
        Some(match &self.0 {
            Finding::Alarm(signal) if signal.watches_credential() => {
                text!["nothing fails because a credential is old"]
            }
            Finding::Alarm(signal) if signal.alarm.set_by_hand => {
                text!["somebody set the state of the alarm by hand"]
            }
            _ => match keys {
                Some(0) => text!["KMS Watch found no key in the key store"],
                Some(1) => text!["the key store holds a key"],
                Some(count) => text!["the key store holds ", count, " keys"],
                None => text!["it is not known how many keys the key store holds"],
            },
        })
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
        return text!["Alarm about ", name, ": ", signal.alarm.name.shortened(120)];
    };
    let [before, after] = metric.title;
    let whose = text![before, name];
    match signal.value {
        Some(value) if metric.unit == Unit::Days && value <= 0.0 => {
            text![whose, " expired"]
        }
        Some(value) => {
            let [before, after] = metric.with_value;
            text![whose, before, signal.say(value), after]
        }
        None => text![whose, after],
    }
}

fn alarm_summary(signal: &Signal, case: &Case<'_>) -> Text {
    let mut text = Text::new();
    if let Watches::KeyStore(metric) = signal.watches() {
        text.sentence(metric.breaks);
    } else if signal.alarm.children.is_empty() {
        text.sentence(ITS_OWNERS_WORDS);
    }
    measured(&mut text, signal);
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
            steps.push(look(text![*advice], command));
        }
    } else {
        steps.push(look_at_alarm());
    }
    if case.key_store.is_some() {
        steps.push(see_store(case, region));
    }
    steps
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
        let name = short_name(case);
        if self.is_over(case) {
            return text![name, " was ", &self.state, ", and is CONNECTED now"];
        }
        let mut text = match self.state.as_str() {
            "FAILED" => text![name, " could not be connected"],
            "DISCONNECTED" => text![name, " is disconnected"],
            _ => text![name, " is ", &self.state],
        };
        text.push(unusable_keys(
            case.key_store.and_then(|store| store.key_count),
        ));
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let name = case.key_store.map_or_else(
            || text!["a custom key store"],
            |store| text![store.name_of()],
        );
        let mut text = Text::new();
        if !case.gone && !self.is_over(case) {
            text.sentence(
                "Every cryptographic operation with a key in the key store fails until the key store is connected.",
            );
        }
        text.sentence(text!["A sweep found ", name, " ", &self.state]);
        if let Some(code) = &self.error_code {
            text.push(text![" (", code, ")"]);
        }
        text.push(text![" on ", self.found_at, "."]);
        if case.gone {
            text.sentence("KMS now answers that the key store does not exist.");
            return text;
        }
        text.sentence(
            match (self.code().and_then(Failure::of), self.state.as_str()) {
                (Some(failure), _) => failure.means,
                (None, "FAILED") => "KMS tried to connect the key store, and failed.",
                (None, "DISCONNECTED") => "Somebody disconnected it, or nobody ever connected it.",
                (None, _) => "",
            },
        );
        if let Some(state) = self.changed(case) {
            text.sentence(text!["But KMS now reports the key store as ", state, "."]);
        }
        text.sentence(count_words(
            case.key_store.and_then(|store| store.key_count),
        ));
        if !self.is_over(case) {
            text.sentence(
                "The keys work again once the key store is connected, if its cluster or external key manager still has them.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let region = self.region.as_ref();
        let see = see_store(case, region);
        if case.gone || self.is_over(case) {
            return vec![see];
        }
        let mut steps = Vec::new();
        let has_failed = self.changed(case).unwrap_or(&self.state).as_str() == "FAILED";
        if has_failed {
            // KMS API Reference, ConnectCustomKeyStore: not valid for one that is FAILED.
            steps.push(fix(
                text![
                    "Disconnect the key store: KMS neither connects nor changes one that is FAILED"
                ],
                store_command(case, region, "disconnect-custom-key-store"),
            ));
        } else {
            steps.push(ask(text![
                "Ask whoever runs the key store why it is disconnected: this may be incident response"
            ]));
        }
        let failure = self.code().and_then(Failure::of);
        steps.extend(failure.map(|failure| fix(text![failure.advice], None)));
        let lead = if has_failed { "Then" } else { "If it is not," };
        steps.push(fix(
            text![
                lead,
                " connect the key store (takes ",
                connect_time(case, false),
                ")"
            ],
            store_command(case, region, "connect-custom-key-store"),
        ));
        steps.push(see);
        steps
    }
}
