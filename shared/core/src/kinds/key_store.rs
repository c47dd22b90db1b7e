//! Custom key stores: CloudHSM clusters and external key managers on which keys depend.

use serde::Serialize;

use super::words::{CONFIRM, list, root, who};
use super::{Case, Describe, step};
use crate::about::KeyStore;
use crate::facts::Reads;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

const READS: Reads = Reads {
    rotation: false,
    last_use: false,
};

fn name(case: &Case<'_>) -> Text {
    case.key_store
        .map_or_else(|| text!["a custom key store"], KeyStore::name_of)
}

/// Fills in the name that the record has.
fn imply_name(store: &mut KeyStore, name: &Option<Untrusted>) {
    if store.name.is_none() {
        store.name.clone_from(name);
    }
}

/// Says so if KMS now reports another state than the event brought about.
fn contradiction(case: &Case<'_>, expected: &[&str]) -> Text {
    let state = case
        .key_store
        .and_then(|store| store.connection_state.as_ref());
    match state {
        _ if case.gone => text!["KMS does not know the key store any more."],
        Some(state) if case.live && !expected.contains(&state.as_str()) => text![
            "But KMS now reports it as ",
            state,
            ": it changed since, or this answer is older than the event (KMS may lag for some seconds)."
        ],
        _ => Text::new(),
    }
}

/// Why the last attempt to connect failed.
fn error_code(case: &Case<'_>) -> Text {
    let code = case.key_store.and_then(|store| store.error_code.as_ref());
    code.map_or_else(Text::new, |code| {
        text!["KMS says why it failed: ", code, "."]
    })
}

fn keys(case: &Case<'_>) -> Option<u64> {
    case.key_store.and_then(|store| store.key_count)
}

/// `aws kms <operation> --custom-key-store-id <id> --region <Region>`. The id's alphabet is checked.
fn store_command(region: Option<&Untrusted>, operation: &str, case: &Case<'_>) -> Option<String> {
    let region = crate::arn::Region::new(region?.as_str())?;
    let id = crate::arn::KeyStoreId::new(case.key_store?.id.as_str())?;
    Some(format!(
        "aws kms {operation} --custom-key-store-id {} --region {}",
        id.as_str(),
        region.as_str()
    ))
}

fn see(region: Option<&Untrusted>, case: &Case<'_>) -> Step {
    step(
        text!["See how the key store stands"],
        store_command(region, "describe-custom-key-stores", case),
    )
}

/// What the record of an operation on a key store has beside its id.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    name: Option<Untrusted>,
    region: Option<Untrusted>,
}

macro_rules! told {
    ($($kind:ident)+) => {$(
        impl $kind {
            /// Takes in the store's name and Region as the record has them.
            pub fn told(mut self, name: Option<Untrusted>, region: Option<Untrusted>) -> Self {
                self.told = Told { name, region };
                self
            }
        }
    )+};
}
told! { KeyStoreDisconnected KeyStoreConnected KeyStoreCreated KeyStoreDeleted KeyStoreUpdated }

/// A key store was disconnected: none of its keys works.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyStoreDisconnected {
    /// Its CloudHSM cluster.
    pub cluster_id: Option<Untrusted>,
    #[serde(skip)]
    told: Told,
}

impl KeyStoreDisconnected {
    /// Of a store on this cluster, if it is one of CloudHSM.
    pub fn on(cluster_id: Option<Untrusted>) -> Self {
        Self {
            cluster_id,
            ..Self::default()
        }
    }
}

impl Describe for KeyStoreDisconnected {
    const NAME: &'static str = "KeyStoreDisconnected";
    const READS: Reads = READS;

    fn imply_key_store(&self, store: &mut KeyStore) {
        imply_name(store, &self.told.name);
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        match keys(case) {
            Some(1..) => Severity::Critical,
            _ => Severity::High,
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![name(case), " was disconnected"];
        match keys(case) {
            Some(1) => text.push(": its key cannot be used"),
            Some(count @ 2..) => text.push(text![": its ", count, " keys cannot be used"]),
            _ => {}
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " disconnected ", name(case), " from KMS."];
        text.sentence(contradiction(case, &["DISCONNECTED", "DISCONNECTING"]));
        text.sentence(match keys(case) {
            Some(1) => text![
                "One key is in it. Until it is connected again, every cryptographic operation with that key fails."
            ],
            Some(count @ 2..) => text![
                count,
                " keys are in it. Until it is connected again, every cryptographic operation with them fails."
            ],
            Some(_) => text![
                "No key was found in it among those that KMS Watch may describe. Should there be one, it cannot be \
                 used until the store is connected again."
            ],
            None => text![
                "How many keys are in it could not be found out. Until it is connected again, every cryptographic \
                 operation with any of them fails."
            ],
        });
        text.sentence("Nothing is lost: connecting it brings the keys back.");
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let region = self.told.region.as_ref();
        if case.gone {
            return Vec::new();
        }
        vec![
            step(
                text![CONFIRM, "connect it again, which may take 20 minutes"],
                store_command(region, "connect-custom-key-store", case),
            ),
            see(region, case),
        ]
    }
}

/// Somebody asked KMS to connect a key store, which takes its time and may fail without another event.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyStoreConnected {
    /// Its CloudHSM cluster.
    pub cluster_id: Option<Untrusted>,
    #[serde(skip)]
    told: Told,
}

impl KeyStoreConnected {
    /// Of a store on this cluster, if it is one of CloudHSM.
    pub fn on(cluster_id: Option<Untrusted>) -> Self {
        Self {
            cluster_id,
            ..Self::default()
        }
    }
}

impl Describe for KeyStoreConnected {
    const NAME: &'static str = "KeyStoreConnected";
    const READS: Reads = READS;

    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn imply_key_store(&self, store: &mut KeyStore) {
        imply_name(store, &self.told.name);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let state = case
            .key_store
            .and_then(|store| store.connection_state.as_ref());
        match state.map(Untrusted::as_str) {
            Some("CONNECTED") => text![name(case), " is connected"],
            _ => text![name(case), " is to be connected"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " asked KMS to connect ", name(case), "."];
        let state = case
            .key_store
            .and_then(|store| store.connection_state.as_ref());
        text.sentence(match state.map(Untrusted::as_str) {
            Some("CONNECTED") => text!["KMS reports it as CONNECTED."],
            Some("CONNECTING") | None if !case.gone => text![
                "That may take 20 minutes, and KMS tells nobody how it ends: see for yourself."
            ],
            _ => contradiction(case, &[]),
        });
        text.sentence(error_code(case));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![see(self.told.region.as_ref(), case)]
    }
}

/// A key store was created.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyStoreCreated {
    /// Its CloudHSM cluster.
    pub cluster_id: Option<Untrusted>,
    #[serde(skip)]
    told: Told,
}

impl KeyStoreCreated {
    /// Of a store on this cluster, if it is one of CloudHSM.
    pub fn on(cluster_id: Option<Untrusted>) -> Self {
        Self {
            cluster_id,
            ..Self::default()
        }
    }
}

impl Describe for KeyStoreCreated {
    const NAME: &'static str = "KeyStoreCreated";
    const READS: Reads = READS;
    // There is none in it yet.
    const COUNTS_KEYS: bool = false;

    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn imply_key_store(&self, store: &mut KeyStore) {
        imply_name(store, &self.told.name);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![name(case), " was created"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " created ", name(case)];
        if let Some(cluster) = &self.cluster_id {
            text.push(text![" on the CloudHSM cluster ", cluster]);
        }
        text.push(".");
        text.sentence("It can hold keys once it is connected.");
        if case.gone {
            text.sentence("KMS does not know it any more.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        Vec::new()
    }
}

/// A key store was deleted.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyStoreDeleted {
    /// Its CloudHSM cluster.
    pub cluster_id: Option<Untrusted>,
    #[serde(skip)]
    told: Told,
}

impl KeyStoreDeleted {
    /// Of a store on this cluster, if it is one of CloudHSM.
    pub fn on(cluster_id: Option<Untrusted>) -> Self {
        Self {
            cluster_id,
            ..Self::default()
        }
    }
}

impl Describe for KeyStoreDeleted {
    const NAME: &'static str = "KeyStoreDeleted";
    const READS: Reads = READS;
    // KMS deletes none that holds a key (AWS KMS API Reference, DeleteCustomKeyStore).
    const COUNTS_KEYS: bool = false;

    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn imply_key_store(&self, store: &mut KeyStore) {
        imply_name(store, &self.told.name);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![name(case), " was deleted"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " deleted ", name(case), "."];
        text.sentence(
            "KMS deletes only a store without keys, so no key is lost with it. Its CloudHSM cluster or external key \
             manager stays as it is, with whatever keys it holds of its own.",
        );
        let listed = case
            .key_store
            .and_then(|store| store.connection_state.as_ref());
        if !case.gone && listed.is_some() {
            text.sentence("KMS still lists it: this answer is older than the event (KMS may lag for some seconds).");
        }
        text.sentence("It cannot be brought back; one like it can be created.");
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        Vec::new()
    }
}

/// Settings of a key store were changed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyStoreUpdated {
    /// Its CloudHSM cluster.
    pub cluster_id: Option<Untrusted>,
    /// Names of the settings that were given, without their values.
    pub settings: Vec<Untrusted>,
    #[serde(skip)]
    told: Told,
}

impl KeyStoreUpdated {
    /// Of a store on this cluster, if it is one of CloudHSM, with the settings that were given.
    pub fn with(cluster_id: Option<Untrusted>, settings: Vec<Untrusted>) -> Self {
        Self {
            cluster_id,
            settings,
            ..Self::default()
        }
    }
}

impl Describe for KeyStoreUpdated {
    const NAME: &'static str = "KeyStoreUpdated";
    const READS: Reads = READS;

    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn imply_key_store(&self, store: &mut KeyStore) {
        imply_name(store, &self.told.name);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![name(case), " was changed"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " changed ", name(case)];
        if !self.settings.is_empty() {
            text.push(text![": ", list(&self.settings, 8)]);
        }
        text.push(".");
        text.sentence(
            "With wrong settings KMS cannot reach the cluster or the external key manager, and none of its keys works.",
        );
        if let Some(count @ 1..) = keys(case) {
            let noun = if count == 1 {
                " key is in it."
            } else {
                " keys are in it."
            };
            text.sentence(text![count, noun]);
        }
        let store = case.key_store;
        if let Some(state) = store.and_then(|store| store.connection_state.as_ref()) {
            text.sentence(text!["KMS reports it as ", state, "."]);
        }
        text.sentence(error_code(case));
        if case.gone {
            text.sentence("KMS does not know it any more.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![see(self.told.region.as_ref(), case)]
    }
}
