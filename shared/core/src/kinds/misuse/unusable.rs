//! Somebody needs a key that cannot be used.

use jiff::Timestamp;
use serde::Serialize;

use super::{READS, attempts, calls_named, name, series};
use crate::about::Key;
use crate::actor::Actor;
use crate::arn::KeyStoreId;
use crate::arn::Region;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::material::restore;
use crate::kinds::words::{
    NOT_FOUND, confirmed_by, contradiction, database_deadline, delayed, last_use, list, loss,
    principal_name, who,
};
use crate::kinds::{KeyDisabled, KeyMaterialDeleted};
use crate::ledger::Profile;
use crate::ledger::repeats::Repeats;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// How many names of an encryption context are shown; the details have more.
const SHOWN_CONTEXT: usize = 5;

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
    /// Which one of its series it is; `null` if nobody counts. A series ends when nothing comes for a day.
    pub total: Option<u64>,
    /// When the first of the series happened; `null` if nobody counts.
    pub first_at: Option<Timestamp>,
    /// It is told because it is this attempt of its series.
    #[serde(skip)]
    pub step: Option<u64>,
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
    /// Who made the key unusable, as the ledger remembers.
    #[serde(skip)]
    pub causes: Causes,
}

/// Who made the key unusable, and when.
#[derive(Clone, Debug)]
struct Cause {
    /// Who, if that is known.
    by: Option<Untrusted>,
    at: Timestamp,
    /// What they did.
    what: &'static str,
}

/// What the ledger remembers of those who can make a key unusable.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    deletion: Option<Cause>,
    disabling: Option<Cause>,
    material: Option<Cause>,
}

impl Causes {
    fn of(profile: &Profile) -> Self {
        let act = |kind: &str, what| {
            let act = profile.acts.get(kind)?;
            Some(Cause {
                by: act.by.as_ref().map(principal_name),
                at: act.at,
                what,
            })
        };
        let deletion = profile.scheduled.as_ref().map(|scheduled| Cause {
            by: scheduled.by.clone(),
            at: scheduled.at,
            what: "scheduled the deletion",
        });
        // A cancelled deletion leaves the key disabled too.
        let cancelled = profile.cancelled_at;
        let disabling = act(KeyDisabled::NAME, "disabled the key")
            .filter(|cause| cancelled.is_none_or(|at| at <= cause.at));
        Self {
            deletion,
            disabling,
            material: act(KeyMaterialDeleted::NAME, "deleted key material"),
        }
    }
}

/// Why a key in this state cannot be used.
fn unusable(state: &State) -> Option<&'static str> {
    match state {
        State::PendingDeletion => Some("is pending deletion"),
        State::PendingReplicaDeletion => Some("is pending deletion after its replicas"),
        State::Disabled => Some("is disabled"),
        State::PendingImport => Some("lacks its imported key material"),
        State::Unavailable => Some("is disconnected from its key store"),
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

    /// Who made the key unusable.
    fn cause(&self, case: &Case<'_>) -> Option<&Cause> {
        match self.state(case)? {
            state if state.is_pending_deletion() => self.causes.deletion.as_ref(),
            State::Disabled => self.causes.disabling.as_ref(),
            State::PendingImport => self.causes.material.as_ref(),
            _ => None,
        }
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
            return text![". KMS gives this reason: \"", words.shortened(300), "\""];
        }
        match (&self.reason, self.reason_from_kms) {
            (Some(state), false) => text![
                " because the key ",
                unusable(state).unwrap_or("cannot be used"),
                "."
            ],
            (Some(state), true) => text![
                " because of the state of the key. CloudTrail does not say which; KMS now reports it as ",
                state,
                "."
            ],
            (None, _) => text![
                " because of the state of the key. Which one it was, neither CloudTrail nor KMS says."
            ],
        }
    }

    /// What becomes of those who need the key.
    fn impact(&self, case: &Case<'_>) -> Text {
        let date = case.key.and_then(|key| key.deletion_at);
        let when = match (self.state(case), date) {
            (Some(State::PendingDeletion), Some(date)) => {
                text!["Unless somebody cancels by ", date, ", "]
            }
            (Some(state), _) if state.is_pending_deletion() => {
                text!["Unless somebody cancels the deletion in time, "]
            }
            _ => return Text::new(),
        };
        case.key.map_or_else(Text::new, |key| loss(key, Some(when)))
    }

    /// How the key works again.
    fn mend(&self, case: &Case<'_>) -> Vec<Step> {
        // Who needs the key is not who locked it.
        let by = self.cause(case).and_then(|cause| cause.by.as_ref());
        let enable = || {
            undo(
                text![confirmed_by(case, by), "enable the key"],
                case.kms_command("enable-key", ""),
            )
        };
        match self.state(case) {
            Some(state) if state.is_pending_deletion() => vec![
                undo(
                    text!["Cancel the deletion, which leaves the key Disabled"],
                    case.kms_command("cancel-key-deletion", ""),
                ),
                enable(),
            ],
            Some(State::Disabled) => vec![enable()],
            Some(State::PendingImport) => {
                let mut steps = vec![look(
                    text!["See which key material is missing"],
                    case.kms_command(
                        "list-key-rotations",
                        "--include-key-material ALL_KEY_MATERIAL",
                    ),
                )];
                // Somebody deleted the material, and may have meant to protect something.
                let import = match self.cause(case) {
                    Some(_) => text![confirmed_by(case, by), "import the same key material again"],
                    None => text!["Import the same key material again"],
                };
                steps.extend(restore(case, None, false, import));
                steps
            }
            Some(State::Unavailable) => vec![connect(case)],
            _ if self.custom_key_store_id.is_some() => vec![see_store(case)],
            _ => vec![look(
                text!["See the state of the key"],
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

    fn is_attempt(&self) -> bool {
        true
    }

    fn step(&self) -> Option<u64> {
        self.step
    }
}

impl Ask for UnusableKeyUsed {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for UnusableKeyUsed {
    fn recall(&mut self, profile: &Profile) {
        self.causes = Causes::of(profile);
    }

    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        profile.note_act(Self::NAME, at, actor);
    }

    fn repeated(&mut self, repeats: &Repeats) {
        self.attempts = Some(repeats.attempts);
        self.since = repeats.since;
        self.total = Some(repeats.total);
        self.first_at = repeats.first;
    }

    fn reached(&mut self, step: u64) {
        self.step = Some(step);
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

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match self.severity(case) {
            Severity::Critical => text!["somebody needs a key that is pending deletion"],
            _ => text!["something that needs the key fails"],
        })
    }

    fn undo_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        let pending = self.state(case) == Some(&State::PendingDeletion) && !case.gone;
        case.key.and_then(|key| key.deletion_at).filter(|_| pending)
    }

    /// The days began when somebody made the key unusable, if that is known.
    fn databases_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        let undo = self.undo_until(case);
        database_deadline(case, self.cause(case)?.at)
            .filter(|databases| undo.is_none_or(|undo| *databases < undo))
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let (name, operation) = (self.name(case), &self.operation);
        let date = case.key.and_then(|key| key.deletion_at);
        let state = self.state(case);
        let why = match (state, date) {
            (Some(State::PendingDeletion), Some(date)) => text!["deletion due ", date],
            (Some(state), _) => {
                let words = unusable(state).unwrap_or("cannot be used");
                text!["the key ", words]
            }
            (None, _) if self.other_reason().is_some() => {
                return text![operation, " with ", name, " fails for ", who(case)];
            }
            (None, _) => text!["the key cannot be used"],
        };
        text![name, " still needed; ", why]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " still needs the key: ",
            &self.operation,
            " failed"
        ];
        text.push(self.why());
        if let Some(reason) = &self.reason {
            text.sentence(contradiction(
                case,
                std::slice::from_ref(reason),
                "its state changed since",
            ));
        } else if case.gone {
            text.sentence(NOT_FOUND);
        }
        if !case.gone {
            text.sentence(self.impact(case));
        }
        if let Some(cause) = self.cause(case) {
            text.sentence(match &cause.by {
                Some(by) => text![by, " ", cause.what, " on ", cause.at, "."],
                None => text!["Somebody ", cause.what, " on ", cause.at, "."],
            });
            if let Some(deadline) = self.databases_until(case) {
                text.sentence(delayed(case, Some(deadline), self.undo_until(case)));
            }
        }
        if self.one_of_two {
            text.sentence(text![
                &self.operation,
                " uses two keys, and CloudTrail does not say which one failed. Check the other key too."
            ]);
        }
        if case.key.is_none() {
            text.sentence(
                "CloudTrail recorded only this name, so KMS could not be asked about the key.",
            );
        }
        text.sentence(self.context());
        if case.key.is_some() {
            text.sentence(last_use(case));
        }
        text.sentence(attempts(
            (self.attempts, self.since),
            (self.total, self.first_at),
        ));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let history = case.history_command();
        let history = match history {
            Some(history) => look(
                text!["See who used or changed the key in the last 90 days"],
                Some(history),
            ),
            None => look(
                text!["See who called ", &self.operation],
                calls_named(&self.operation, self.region.as_ref()),
            ),
        };
        if case.gone {
            return vec![history];
        }
        if case.key.is_none() {
            let find = self.region.as_ref().map(|region| {
                format!(
                    "aws kms list-aliases --output table --region {}",
                    region.as_str()
                )
            });
            return vec![look(text!["Find the key by its alias"], find), history];
        }
        let mut steps = self.mend(case);
        steps.push(history);
        steps
    }
}

impl UnusableKeyUsed {
    /// What the data belongs to, by the names in the encryption context.
    fn context(&self) -> Text {
        if self.encryption_context_keys.is_empty() {
            return Text::new();
        }
        text![
            "The encryption context names ",
            list(&self.encryption_context_keys, SHOWN_CONTEXT),
            "."
        ]
    }
}

/// How the key store stands that holds the key.
fn see_store(case: &Case<'_>) -> Step {
    look(
        text!["See the state of the custom key store of the key"],
        store_command(case, "describe-custom-key-stores"),
    )
}

/// How a key works again whose key store was disconnected.
fn connect(case: &Case<'_>) -> Step {
    let region = case.key.map(|key| key.arn.region().as_str());
    let connect = text![confirmed_by(case, None), "connect the custom key store"];
    match store_command(case, "connect-custom-key-store") {
        Some(command) => undo(connect, Some(command)),
        None => look(
            text!["See which custom key store is disconnected"],
            region.map(|region| {
                format!(
                    "aws kms describe-custom-key-stores --query \
                     \"CustomKeyStores[].[CustomKeyStoreId,CustomKeyStoreName,ConnectionState]\" --output table \
                     --region {region}"
                )
            }),
        ),
    }
}

fn store_command(case: &Case<'_>, operation: &str) -> Option<String> {
    let key = case.key?;
    let store = KeyStoreId::new(key.custom_key_store_id.as_ref()?.as_str())?;
    let (store, region) = (store.as_str(), key.arn.region().as_str());
    Some(format!(
        "aws kms {operation} --custom-key-store-id {store} --region {region}"
    ))
}
