//! What somebody did to a key store.

use serde::Serialize;

use super::{connect_time, count_words, short_name, store_command, unusable_keys};
use crate::about::KeyStore;
use crate::arn::Region;
use crate::kinds::case::{Case, ask, fix, look, undo};
use crate::kinds::describe::{Ask, Learn, Tell};
use crate::kinds::words::{list, root, who};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

fn name(case: &Case<'_>) -> Text {
    case.key_store
        .map_or_else(|| text!["a custom key store"], KeyStore::name_of)
}

/// Says so if KMS now reports another state than the event brought about.
fn contradiction(case: &Case<'_>, expected: &[&str]) -> Text {
    match state(case) {
        _ if case.gone => text!["KMS answers that the key store does not exist."],
        Some(state) if case.live && !expected.contains(&state.as_str()) => text![
            "But KMS now reports the key store as ",
            state,
            ". The state changed since, or the answer is older than the event."
        ],
        _ => Text::new(),
    }
}

/// Why the last attempt to connect failed.
fn error_code(case: &Case<'_>) -> Text {
    let code = case.key_store.and_then(|store| store.error_code.as_ref());
    code.map_or_else(Text::new, |code| {
        text!["The last attempt to connect failed with ", code, "."]
    })
}

/// KMS says now that it is so.
fn is_now(case: &Case<'_>, expected: &str) -> bool {
    case.live && state(case).is_some_and(|state| state.as_str() == expected)
}

fn keys(case: &Case<'_>) -> Option<u64> {
    case.key_store.and_then(|store| store.key_count)
}

fn state<'a>(case: &Case<'a>) -> Option<&'a Untrusted> {
    case.key_store?.connection_state.as_ref()
}

/// What the record of an operation on a key store has beside its id.
#[derive(Clone, Debug, Default)]
struct Told {
    name: Option<Untrusted>,
    region: Option<Untrusted>,
}

impl Told {
    fn see(&self, case: &Case<'_>) -> Step {
        look(
            text!["Read the state of the key store"],
            self.command(case, "describe-custom-key-stores"),
        )
    }

    fn command(&self, case: &Case<'_>, operation: &str) -> Option<String> {
        let region = Region::new(self.region.as_ref()?.as_str())?;
        store_command(case, Some(&region), operation)
    }
}

/// The kinds, each with what all have: the store's cluster, and what the record says of the store.
macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $kind:ident { $($(#[doc = $about:literal])+ $field:ident: $type:ty,)* })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $kind {
            /// Its CloudHSM cluster.
            pub cluster_id: Option<Untrusted>,
            $($(#[doc = $about])+ pub $field: $type,)*
            #[serde(skip)]
            told: Told,
        }

        impl $kind {
            /// Of a store on this cluster, if it is one of CloudHSM.
            pub fn on(cluster_id: Option<Untrusted>) -> Self {
                Self {
                    cluster_id,
                    ..Self::default()
                }
            }

            /// Takes in the store's name and Region as the record has them.
            pub fn told(mut self, name: Option<Untrusted>, region: Option<Untrusted>) -> Self {
                self.told = Told { name, region };
                self
            }
        }

        impl Learn for $kind {
            fn imply_key_store(&self, store: &mut KeyStore) {
                if store.name.is_none() {
                    store.name.clone_from(&self.told.name);
                }
            }
        }
    )+};
}

operations! {
    /// A key store was disconnected: none of its keys works.
    KeyStoreDisconnected {}
    /// Somebody asked KMS to connect a key store, which takes its time and may fail without another event.
    KeyStoreConnected {}
    /// A key store was created.
    KeyStoreCreated {}
    /// A key store was deleted.
    KeyStoreDeleted {}
    /// Settings of a key store were changed.
    KeyStoreUpdated {
        /// Names of the settings that were given, without their values.
        settings: Vec<Untrusted>,
    }
}

impl KeyStoreUpdated {
    /// Of a store on this cluster, if it is one of CloudHSM, with the settings that were given.
    pub fn with(cluster_id: Option<Untrusted>, settings: Vec<Untrusted>) -> Self {
        Self {
            settings,
            ..Self::on(cluster_id)
        }
    }
}

impl Ask for KeyStoreDisconnected {
    fn names_dependants(&self) -> bool {
        true
    }
}

impl Tell for KeyStoreDisconnected {
    fn severity(&self, case: &Case<'_>) -> Severity {
        match keys(case) {
            Some(1..) => Severity::Critical,
            _ => Severity::High,
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match keys(case) {
            Some(1) => text!["the key in the key store is unusable"],
            Some(count @ 2..) => text!["the ", count, " keys in the key store are unusable"],
            Some(_) => text!["a key that KMS Watch cannot describe would be unusable"],
            None => text!["it is not known how many keys are unusable"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        if is_now(case, "CONNECTED") {
            return text![short_name(case), " disconnected, and CONNECTED now"];
        }
        text![short_name(case), " disconnected", unusable_keys(keys(case))]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        // Where KMS says otherwise, both are said.
        let mut text = contradiction(case, &["DISCONNECTED", "DISCONNECTING"]);
        let is_connected = is_now(case, "CONNECTED");
        let whose = match keys(case) {
            Some(1) => text!["with its key"],
            Some(count @ 2..) => text!["with its ", count, " keys"],
            _ => text!["with a key in it"],
        };
        text.sentence(if is_connected {
            text![
                "If the key store is disconnected, every cryptographic operation ",
                whose,
                " fails."
            ]
        } else {
            text![
                "Every cryptographic operation ",
                whose,
                " fails until the key store is connected."
            ]
        });
        if !matches!(keys(case), Some(1..)) {
            text.sentence(count_words(keys(case)));
        }
        text.sentence(text![who(case), " disconnected ", name(case), " from KMS."]);
        text.sentence(error_code(case));
        text.sentence("No key is lost: the keys work again once the key store is connected.");
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return Vec::new();
        }
        if is_now(case, "CONNECTED") {
            return vec![self.told.see(case)];
        }
        let mut steps = Vec::new();
        if is_now(case, "FAILED") {
            // KMS API Reference, ConnectCustomKeyStore: not valid for one that is FAILED.
            steps.push(fix(
                text!["Disconnect the key store: KMS cannot connect one that is FAILED"],
                self.told.command(case, "disconnect-custom-key-store"),
            ));
        }
        steps.push(ask(text![
            "Ask ",
            who(case),
            " or whoever runs the key store why it was disconnected: this may be incident response"
        ]));
        steps.push(undo(
            text![
                "If it was not, connect the key store again (takes ",
                connect_time(case, self.cluster_id.is_some()),
                ")"
            ],
            self.told.command(case, "connect-custom-key-store"),
        ));
        steps.push(self.told.see(case));
        steps
    }
}

impl Tell for KeyStoreConnected {
    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["connecting makes keys usable, and breaks none"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let done = match state(case).map(Untrusted::as_str) {
            Some("CONNECTED") => " connected",
            Some("FAILED") => " could not be connected",
            _ => " is being connected",
        };
        text![short_name(case), done]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match state(case).map(Untrusted::as_str) {
            Some("CONNECTED") if !case.gone => {
                text!["KMS reports the key store as CONNECTED: its keys are usable."]
            }
            Some("CONNECTING") | None if !case.gone => text![
                "Connecting takes ",
                connect_time(case, self.cluster_id.is_some()),
                ". No event tells how it ends: read the state after that."
            ],
            _ => contradiction(case, &[]),
        };
        text.sentence(error_code(case));
        text.sentence(text![who(case), " asked KMS to connect ", name(case), "."]);
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![self.told.see(case)]
    }
}

impl Ask for KeyStoreCreated {
    // There is none in it yet.
    fn counts_keys(&self) -> bool {
        false
    }
}

impl Tell for KeyStoreCreated {
    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["a new key store holds no key"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![short_name(case), " created"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " created ", name(case)];
        if let Some(cluster) = &self.cluster_id {
            text.push(text![" on the CloudHSM cluster ", cluster]);
        }
        text.push(".");
        text.sentence("The key store can hold keys once it is connected.");
        if case.gone {
            text.sentence("KMS answers that the key store does not exist.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        Vec::new()
    }
}

impl Ask for KeyStoreDeleted {
    // KMS deletes none that holds a key (AWS KMS API Reference, DeleteCustomKeyStore).
    fn counts_keys(&self) -> bool {
        false
    }
}

impl Tell for KeyStoreDeleted {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text![
            "KMS deletes only a key store without keys, so no key is lost"
        ])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![short_name(case), " deleted"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text!["No key is lost: KMS deletes only a key store without keys."];
        text.sentence(text![who(case), " deleted ", name(case), "."]);
        text.sentence(
            "Its CloudHSM cluster or external key manager stays as it was, with the keys that it holds.",
        );
        if !case.gone && state(case).is_some() {
            text.sentence("KMS still lists the key store: the answer is older than the event.");
        }
        text.sentence("A key store cannot be restored; you can create one like it.");
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        Vec::new()
    }
}

impl Tell for KeyStoreUpdated {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["with wrong settings no key of the key store works"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        match self.settings.as_slice() {
            [] => text![short_name(case), " changed"],
            settings => text![short_name(case), " changed: ", list(settings, 2)],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text =
            text!["With wrong settings KMS cannot reach the key store, and its keys are unusable."];
        text.sentence(text![who(case), " changed ", name(case)]);
        if !self.settings.is_empty() {
            text.push(text![": ", list(&self.settings, 8)]);
        }
        text.push(".");
        if let Some(state) = state(case) {
            text.sentence(text!["KMS reports the key store as ", state, "."]);
        }
        text.sentence(error_code(case));
        text.sentence(count_words(keys(case)));
        if case.gone {
            text.sentence("KMS answers that the key store does not exist.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![self.told.see(case)]
    }
}
