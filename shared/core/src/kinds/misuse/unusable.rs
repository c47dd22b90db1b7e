//! Somebody needs a key that cannot be used.

use jiff::Timestamp;
use serde::Serialize;

use super::{READS, attempts, calls_named, name, series};
use crate::about::Key;
use crate::arn::KeyStoreId;
use crate::arn::Region;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, fix, look, undo};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::material::restore;
use crate::kinds::words::{CONFIRM, contradiction, described, last_use, who};
use crate::ledger::repeats::Repeats;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// A cryptographic operation failed because of the state of the key: somebody needs a key that is about to be lost.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnusableKeyUsed {
    /// The operation that failed, such as `Decrypt`.
    pub operation: Untrusted,
    /// Why it failed: the error code.
    pub error_code: Untrusted,
    /// Why it failed, in KMS's words.
    pub error_message: Option<Untrusted>,
    /// The state of the key that made it fail, from the error's message, or from KMS if that says no more. `null` if KMS
    /// gives another reason.
    pub reason: Option<State>,
    /// Names in the encryption context, at most twenty, never the values: they say what the data belongs to.
    pub encryption_context_keys: Vec<Untrusted>,
    /// Custom key store that holds the key.
    pub custom_key_store_id: Option<Untrusted>,
    /// How the call named the key, such as `alias/orders`, if CloudTrail did not record which key that is.
    pub requested_key: Option<Untrusted>,
    /// How many more attempts of the same role, operation and key were counted since the last alert about them; `null`
    /// if nobody counts, because there is no ledger or it failed.
    pub attempts: Option<u64>,
    /// When what the last alert told of happened, `null` if this is the first.
    pub since: Option<Timestamp>,
    /// The call was about two keys, and nothing says which of them made it fail.
    #[serde(skip)]
    pub one_of_two: bool,
    /// Who called, without the session.
    #[serde(skip)]
    pub principal: Untrusted,
    /// Where CloudTrail recorded it.
    #[serde(skip)]
    pub region: Option<Region>,
    /// The reason is KMS's answer and not the event's.
    #[serde(skip)]
    pub reason_from_kms: bool,
}

/// Why a key in this state cannot be used.
fn unusable(state: &State) -> Option<&'static str> {
    match state {
        State::PendingDeletion => Some("is pending deletion"),
        State::PendingReplicaDeletion => Some("is pending deletion after its replicas"),
        State::Disabled => Some("is disabled"),
        State::PendingImport => Some("lacks its imported key material"),
        State::Unavailable => Some("is cut off from its key store"),
        State::Enabled | State::Creating | State::Updating | State::Other(_) => None,
    }
}

impl UnusableKeyUsed {
    /// What keeps the key from being used. That a deletion was scheduled since the call is more urgent than the reason
    /// of the failure.
    fn state<'a>(&'a self, case: &Case<'a>) -> Option<&'a State> {
        case.state()
            .filter(|state| state.is_pending_deletion())
            .or(self.reason.as_ref())
    }

    fn name(&self, case: &Case<'_>) -> Text {
        name(case, self.requested_key.as_ref())
    }

    /// What KMS says, if it says something else than a state. The code alone says nothing: that of an invalid state also
    /// stands for an external key store that refuses a request, or a cluster that does not answer.
    fn other_reason(&self) -> Option<&Untrusted> {
        self.error_message
            .as_ref()
            .filter(|_| self.reason.is_none())
    }

    /// Why the call failed.
    fn why(&self) -> Text {
        if let Some(words) = self.other_reason() {
            return text!["and KMS gave this reason: \"", words.shortened(300), "\"."];
        }
        match (&self.reason, self.reason_from_kms) {
            (Some(state), false) => text![
                "because the key ",
                unusable(state).unwrap_or("cannot be used"),
                "."
            ],
            (Some(state), true) => text![
                "because of the key's state. CloudTrail does not say which; KMS now reports it as ",
                state,
                "."
            ],
            (None, _) => text![
                "because of the key's state. Which one it was, neither CloudTrail nor KMS says."
            ],
        }
    }

    /// What becomes of those who need it.
    fn outlook(&self, case: &Case<'_>) -> Text {
        match self.state(case) {
            Some(State::PendingDeletion) => match case.key.and_then(|key| key.deletion_at) {
                Some(date) => text![
                    "Its deletion can be cancelled until ",
                    date,
                    "; after that, what needs it has lost it for ever."
                ],
                None => text![
                    "Until its deletion it can be saved; after that, what needs it has lost it for ever."
                ],
            },
            Some(State::PendingReplicaDeletion) => text![
                "Its waiting period begins when its last replica is deleted, and until its end it can be saved; after \
                 that, what needs it has lost it for ever."
            ],
            _ if self.other_reason().is_some() => {
                text!["What needs it does not work until that is mended."]
            }
            _ => text!["What needs it does not work until the key does."],
        }
    }

    /// How the key works again.
    fn mend(&self, case: &Case<'_>) -> Vec<Step> {
        match self.state(case) {
            Some(state) if state.is_pending_deletion() => {
                let save = match case.key.and_then(|key| key.deletion_at) {
                    Some(date) => text!["Save the key: cancel its deletion before ", date],
                    None => text!["Save the key: cancel its deletion"],
                };
                vec![
                    undo(save, case.kms_command("cancel-key-deletion", "")),
                    undo(
                        text![CONFIRM, "enable the key, which cancelling leaves Disabled"],
                        case.kms_command("enable-key", ""),
                    ),
                ]
            }
            Some(State::Disabled) => vec![undo(
                text![
                    CONFIRM,
                    "enable the key. The actor is whoever disabled it, not who needs it"
                ],
                case.kms_command("enable-key", ""),
            )],
            Some(State::PendingImport) => {
                let mut steps = vec![look(
                    text!["See which key material is missing"],
                    case.kms_command(
                        "list-key-rotations",
                        "--include-key-material ALL_KEY_MATERIAL",
                    ),
                )];
                steps.extend(restore(case, None));
                steps
            }
            Some(State::Unavailable) => vec![connect(case)],
            _ if self.custom_key_store_id.is_some() => vec![see_store(case)],
            _ => vec![look(
                text!["See how the key stands"],
                case.kms_command("describe-key", ""),
            )],
        }
    }
}

impl Identify for UnusableKeyUsed {
    fn identity(&self) -> Identity {
        Identity::Hour(series(&self.principal, &self.operation))
    }

    fn repeats(&self) -> Option<String> {
        Some(series(&self.principal, &self.operation))
    }
}

impl Ask for UnusableKeyUsed {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for UnusableKeyUsed {
    fn repeated(&mut self, repeats: &Repeats) {
        self.attempts = Some(repeats.attempts);
        self.since = repeats.since;
    }

    fn observe(&mut self, key: &Key) {
        // Words that speak of a state without saying which leave it to KMS; other words are a reason of their own.
        let says_nothing = self
            .error_message
            .as_ref()
            .is_none_or(|words| words.as_str().to_lowercase().contains("state"));
        if self.reason.is_none()
            && says_nothing
            && let Some(state) = key.state.as_ref().filter(|state| unusable(state).is_some())
        {
            self.reason = Some(state.clone());
            self.reason_from_kms = true;
        }
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        if key.state.is_none() {
            key.state.clone_from(&self.reason);
        }
        if key.custom_key_store_id.is_none() {
            key.custom_key_store_id
                .clone_from(&self.custom_key_store_id);
        }
    }
}

impl Tell for UnusableKeyUsed {
    fn severity(&self, case: &Case<'_>) -> Severity {
        let pending = |state: &State| state.is_pending_deletion();
        if self.reason.as_ref().is_some_and(pending) || case.state().is_some_and(pending) {
            Severity::Critical
        } else {
            Severity::High
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let state = self.state(case).and_then(unusable);
        if state.is_none() && self.other_reason().is_some() {
            let (name, who) = (self.name(case), who(case));
            return text![
                &self.operation,
                " with ",
                name,
                " fails, and ",
                who,
                " needs it"
            ];
        }
        text![
            self.name(case),
            " ",
            state.unwrap_or("cannot be used"),
            ", and ",
            who(case),
            " still needs it"
        ]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " called ",
            &self.operation,
            " with ",
            self.name(case),
            described(case),
            " and failed, ",
        ];
        text.push(self.why());
        if self.one_of_two {
            text.sentence(text![
                &self.operation,
                " uses two keys, and CloudTrail does not say which of them failed: look at the other one too.",
            ]);
        }
        if case.key.is_none() {
            text.sentence(
                "CloudTrail recorded only this name of the key, so that KMS could not be asked about it.",
            );
        }
        if let Some(reason) = &self.reason {
            text.sentence(contradiction(
                case,
                std::slice::from_ref(reason),
                "its state has changed since",
            ));
        } else if case.gone {
            text.sentence("KMS does not know the key any more.");
        }
        if !case.gone {
            text.sentence(self.outlook(case));
        }
        if let Some((first, others)) = self.encryption_context_keys.split_first() {
            text.sentence(text!["The encryption context has these keys: ", first]);
            for other in others {
                text.push(text![", ", other]);
            }
            text.push(".");
        }
        if case.key.is_some() {
            text.sentence(last_use(case));
        }
        text.sentence(attempts(self.attempts, self.since));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let history = look(
            text!["See who works with the key"],
            case.history_command()
                .or_else(|| calls_named(&self.operation, self.region.as_ref())),
        );
        if case.gone {
            return vec![history];
        }
        if case.key.is_none() {
            let find = self
                .region
                .as_ref()
                .map(|region| format!("aws kms list-aliases --region {}", region.as_str()));
            return vec![
                look(
                    text!["Find out which key is meant, and how it stands"],
                    find,
                ),
                history,
            ];
        }
        let mut steps = self.mend(case);
        steps.push(history);
        steps
    }
}

/// How the key store stands that holds the key.
fn see_store(case: &Case<'_>) -> Step {
    let region = case.key.map(|key| key.arn.region().as_str());
    let store = case.key.and_then(|key| key.custom_key_store_id.as_ref());
    let store = store.and_then(|id| KeyStoreId::new(id.as_str()));
    let command = region.zip(store).map(|(region, store)| {
        let id = store.as_str();
        format!("aws kms describe-custom-key-stores --custom-key-store-id {id} --region {region}")
    });
    look(
        text!["See how the custom key store stands that holds the key"],
        command,
    )
}

/// How a key works again whose key store was disconnected.
fn connect(case: &Case<'_>) -> Step {
    let region = case.key.map(|key| key.arn.region().as_str());
    let store = case.key.and_then(|key| key.custom_key_store_id.as_ref());
    match (store.and_then(|id| KeyStoreId::new(id.as_str())), region) {
        (Some(store), Some(region)) => fix(
            text![CONFIRM, "connect the custom key store again"],
            Some(format!(
                "aws kms connect-custom-key-store --custom-key-store-id {} --region {region}",
                store.as_str()
            )),
        ),
        (_, region) => fix(
            text![
                CONFIRM,
                "connect the custom key store again that is disconnected"
            ],
            region.map(|region| format!("aws kms describe-custom-key-stores --region {region}")),
        ),
    }
}
