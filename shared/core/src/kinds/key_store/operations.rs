//! What somebody did to a key store.

use serde::Serialize;

use super::store_command;
use crate::about::KeyStore;
use crate::arn::Region;
use crate::kinds::case::{Case, fix, look};
use crate::kinds::describe::{Ask, Learn, Tell};
use crate::kinds::words::{CONFIRM, list, root, who};
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
            text!["See how the key store stands"],
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

impl Tell for KeyStoreDisconnected {
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
        if case.gone {
            return Vec::new();
        }
        vec![
            fix(
                text![CONFIRM, "connect it again, which may take 20 minutes"],
                self.told.command(case, "connect-custom-key-store"),
            ),
            self.told.see(case),
        ]
    }
}

impl Tell for KeyStoreConnected {
    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn title(&self, case: &Case<'_>) -> Text {
        match state(case).map(Untrusted::as_str) {
            Some("CONNECTED") => text![name(case), " is connected"],
            _ => text![name(case), " is to be connected"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " asked KMS to connect ", name(case), "."];
        text.sentence(match state(case).map(Untrusted::as_str) {
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

    fn title(&self, case: &Case<'_>) -> Text {
        text![name(case), " was deleted"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " deleted ", name(case), "."];
        text.sentence(
            "KMS deletes only a store without keys, so no key is lost with it. Its CloudHSM cluster or external key \
             manager stays as it is, with whatever keys it holds of its own.",
        );
        if !case.gone && state(case).is_some() {
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

impl Tell for KeyStoreUpdated {
    fn ceiling(&self) -> Severity {
        Severity::Medium
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
        if let Some(state) = state(case) {
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
        vec![self.told.see(case)]
    }
}
