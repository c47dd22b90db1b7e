//! Who needs a key that cannot be used, and who may not change one.

use jiff::Timestamp;
use serde::Serialize;

use super::material::restore;
use super::words::{CONFIRM, contradiction, described, last_use, who};
use super::{Case, Describe, Identity, step};
use crate::about::Key;
use crate::actor::Actor;
use crate::arn::KeyStoreId;
use crate::arn::Region;
use crate::facts::Reads;
use crate::key::State;
use crate::ledger::repeats::Repeats;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// How many names of an encryption context are kept.
pub const CONTEXT_KEYS: usize = 20;

/// `GetKeyLastUsage` says whether the key ever worked for anybody; rotation is no matter of either.
const READS: Reads = Reads {
    rotation: false,
    last_use: true,
};

/// A cryptographic operation failed because of the state of the key: somebody needs a key that is about to be lost.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnusableKeyUsed {
    /// The operation that failed, such as `Decrypt`.
    pub operation: Untrusted,
    /// Why it failed: the error code.
    pub error_code: Untrusted,
    /// The state of the key that made it fail, from the error's message, else from KMS.
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
}

impl Describe for UnusableKeyUsed {
    const NAME: &'static str = "UnusableKeyUsed";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Hour(series(&self.principal, &self.operation))
    }

    fn repeats(&self) -> Option<String> {
        Some(series(&self.principal, &self.operation))
    }

    fn repeated(&mut self, repeats: &Repeats) {
        self.attempts = Some(repeats.attempts);
        self.since = repeats.since;
    }

    fn observe(&mut self, key: &Key) {
        if self.reason.is_none()
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
            " and failed, "
        ];
        match (&self.reason, self.reason_from_kms) {
            (Some(state), false) => text.push(text![
                "because the key ",
                unusable(state).unwrap_or("cannot be used"),
                "."
            ]),
            (Some(state), true) => text.push(text![
                "because of the key's state. CloudTrail does not say which; KMS now reports it as ",
                state,
                "."
            ]),
            (None, _) => text.push(
                "because of the key's state. Which one it was, neither CloudTrail nor KMS says.",
            ),
        }
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
        match self.state(case) {
            _ if case.gone => {}
            Some(State::PendingDeletion) => {
                match case.key.and_then(|key| key.deletion_at) {
                    Some(date) => text.sentence(text![
                        "Its deletion can be cancelled until ",
                        date,
                        "; after that, what needs it has lost it for ever."
                    ]),
                    None => text.sentence(
                        "Until its deletion it can be saved; after that, what needs it has lost it for ever.",
                    ),
                }
            }
            Some(State::PendingReplicaDeletion) => text.sentence(
                "Its waiting period begins when its last replica is deleted, and until its end it can be saved; after \
                 that, what needs it has lost it for ever.",
            ),
            _ => text.sentence("What needs it does not work until the key does."),
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
        let history = step(
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
                step(
                    text!["Find out which key is meant, and how it stands"],
                    find,
                ),
                history,
            ];
        }
        let mut steps = match self.state(case) {
            Some(state) if state.is_pending_deletion() => {
                let save = match case.key.and_then(|key| key.deletion_at) {
                    Some(date) => text!["Save the key: cancel its deletion before ", date],
                    None => text!["Save the key: cancel its deletion"],
                };
                vec![
                    step(save, case.kms_command("cancel-key-deletion", "")),
                    step(
                        text![CONFIRM, "enable the key, which cancelling leaves Disabled"],
                        case.kms_command("enable-key", ""),
                    ),
                ]
            }
            Some(State::Disabled) => vec![step(
                text![
                    CONFIRM,
                    "enable the key. The actor is whoever disabled it, not who needs it"
                ],
                case.kms_command("enable-key", ""),
            )],
            Some(State::PendingImport) => {
                let mut steps = vec![step(
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
            _ => vec![step(
                text!["See how the key stands"],
                case.kms_command("describe-key", ""),
            )],
        };
        steps.push(history);
        steps
    }
}

/// How a key works again whose key store was disconnected.
fn connect(case: &Case<'_>) -> Step {
    let region = case.key.map(|key| key.arn.region().as_str());
    let store = case.key.and_then(|key| key.custom_key_store_id.as_ref());
    match (store.and_then(|id| KeyStoreId::new(id.as_str())), region) {
        (Some(store), Some(region)) => step(
            text![CONFIRM, "connect the custom key store again"],
            Some(format!(
                "aws kms connect-custom-key-store --custom-key-store-id {} --region {region}",
                store.as_str()
            )),
        ),
        (_, region) => step(
            text![
                CONFIRM,
                "connect the custom key store again that is disconnected"
            ],
            region.map(|region| format!("aws kms describe-custom-key-stores --region {region}")),
        ),
    }
}

/// Changes by operation: how severe a denied attempt is, and what it would have done to the key.
const CHANGES: [(&str, Severity, &str); 27] = [
    ("ScheduleKeyDeletion", Severity::High, "delete"),
    ("DisableKey", Severity::High, "disable"),
    ("PutKeyPolicy", Severity::High, "change the policy of"),
    (
        "DeleteImportedKeyMaterial",
        Severity::High,
        "delete the imported material of",
    ),
    (
        "CancelKeyDeletion",
        Severity::Medium,
        "cancel the deletion of",
    ),
    ("EnableKey", Severity::Medium, "enable"),
    (
        "ImportKeyMaterial",
        Severity::Medium,
        "import material into",
    ),
    (
        "EnableKeyRotation",
        Severity::Medium,
        "switch on the rotation of",
    ),
    (
        "DisableKeyRotation",
        Severity::Medium,
        "switch off the rotation of",
    ),
    ("RotateKeyOnDemand", Severity::Medium, "rotate"),
    ("CreateGrant", Severity::Medium, "grant the use of"),
    ("RetireGrant", Severity::Medium, "retire a grant on"),
    ("RevokeGrant", Severity::Medium, "revoke a grant on"),
    ("CreateAlias", Severity::Medium, "give an alias to"),
    ("UpdateAlias", Severity::Medium, "move an alias to"),
    ("DeleteAlias", Severity::Medium, "delete the alias of"),
    ("TagResource", Severity::Medium, "change the tags of"),
    ("UntagResource", Severity::Medium, "remove tags of"),
    (
        "UpdateKeyDescription",
        Severity::Medium,
        "change the description of",
    ),
    ("ReplicateKey", Severity::Medium, "replicate"),
    (
        "UpdatePrimaryRegion",
        Severity::Medium,
        "change the primary Region of",
    ),
    ("CreateKey", Severity::Medium, "create"),
    ("CreateCustomKeyStore", Severity::Medium, "create"),
    ("ConnectCustomKeyStore", Severity::Medium, "connect"),
    ("DisconnectCustomKeyStore", Severity::Medium, "disconnect"),
    ("UpdateCustomKeyStore", Severity::Medium, "change"),
    ("DeleteCustomKeyStore", Severity::Medium, "delete"),
];

/// Somebody tried to change a key, and may not.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyChangeDenied {
    /// The operation that was denied, such as `ScheduleKeyDeletion`.
    pub operation: Untrusted,
    /// Why it failed: the error code.
    pub error_code: Untrusted,
    /// What denied it, in AWS's words, if they are there.
    pub reason: Option<Untrusted>,
    /// Custom key store that was to be changed.
    pub custom_key_store_id: Option<Untrusted>,
    /// How the call named the key, such as `alias/orders`, if CloudTrail did not record which key that is.
    pub requested_key: Option<Untrusted>,
    /// How many more attempts of the same role, operation and key were counted since the last alert about them; `null`
    /// if nobody counts, because there is no ledger or it failed.
    pub attempts: Option<u64>,
    /// When what the last alert told of happened, `null` if this is the first.
    pub since: Option<Timestamp>,
    /// Who called, without the session.
    #[serde(skip)]
    pub principal: Untrusted,
    /// Where CloudTrail recorded it.
    #[serde(skip)]
    pub region: Option<Region>,
}

impl KeyChangeDenied {
    /// The operation changes a key, or what keys hang on.
    pub fn is_change(operation: &str) -> bool {
        CHANGES.iter().any(|(name, ..)| *name == operation)
    }

    fn change(&self) -> (Severity, &'static str) {
        if self.operation.as_str() == "DeleteAlias" && self.requested_key.is_some() {
            return (Severity::Medium, "delete");
        }
        CHANGES
            .iter()
            .find(|(name, ..)| *name == self.operation.as_str())
            .map_or((Severity::Medium, "change"), |(_, severity, words)| {
                (*severity, *words)
            })
    }

    /// What was to be changed.
    fn name(&self, case: &Case<'_>) -> Text {
        let operation = self.operation.as_str();
        match &self.custom_key_store_id {
            Some(store) if case.key.is_none() => text!["the custom key store ", store],
            _ if operation == "CreateKey" => text!["a key"],
            _ if operation.ends_with("CustomKeyStore") => text!["a custom key store"],
            _ => name(case, self.requested_key.as_ref()),
        }
    }
}

impl Describe for KeyChangeDenied {
    const NAME: &'static str = "KeyChangeDenied";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Hour(series(&self.principal, &self.operation))
    }

    fn repeats(&self) -> Option<String> {
        Some(series(&self.principal, &self.operation))
    }

    fn repeated(&mut self, repeats: &Repeats) {
        self.attempts = Some(repeats.attempts);
        self.since = repeats.since;
    }

    fn ceiling(&self) -> Severity {
        self.change().0
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        self.change().0
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![
            who(case),
            " tried to ",
            self.change().1,
            " ",
            self.name(case),
            ", and was denied"
        ]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text!["This call changed nothing. ", who(case), " called "];
        text.push(&self.operation);
        text.push(text![
            " to ",
            self.change().1,
            " ",
            self.name(case),
            described(case),
            ", and AWS denied it"
        ]);
        match &self.reason {
            Some(reason) => text.push(text![": \"", reason, "\"."]),
            None => text.push("."),
        }
        if is(case, "Root") {
            text.sentence(
                "THIS IS THE ROOT USER: only a policy of the organisation, or the key's own, can deny it anything, and \
                 nobody should work as root.",
            );
        }
        if case.key.is_some() {
            text.sentence(last_use(case));
        }
        text.sentence(attempts(self.attempts, self.since));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let region = case
            .key
            .map(|key| key.arn.region())
            .or(self.region.as_ref());
        let tried = case
            .actor
            .and_then(|actor| calls_of(actor, region))
            .or_else(|| calls_named(&self.operation, region));
        let stop = if is(case, "Root") {
            "If nobody expected this, treat it as an attempted intrusion with THE KEYS TO THE WHOLE ACCOUNT: change the \
             root password, delete the root access keys, check its MFA device"
        } else if is(case, "IAMUser") {
            "If not, treat it as an attempted intrusion: deactivate the user's access keys, and see what else they did"
        } else if is(case, "AWSAccount") {
            "If not, treat it as an attempted intrusion: take the other account out of the key policy and the grants"
        } else if is(case, "AWSService") {
            "If not, find out for whom the service acts, and treat it as an attempted intrusion"
        } else {
            "If not, treat it as an attempted intrusion: revoke the role's active sessions, and see what else they did"
        };
        let mut steps = vec![step(text!["See what else the caller tried"], tried)];
        if !is(case, "Root") {
            steps.push(step(
                text![
                    "If the call was expected, give the caller the permission for ",
                    &self.operation,
                    ", or stop the calls"
                ],
                None,
            ));
        }
        steps.push(step(text![stop], None));
        steps
    }
}

/// What is counted together: who does what. The key is the partition.
fn series(principal: &Untrusted, operation: &Untrusted) -> String {
    format!("{}\n{}", principal.as_str(), operation.as_str())
}

/// The key's name for people, or how the call named it.
fn name(case: &Case<'_>, requested: Option<&Untrusted>) -> Text {
    match (case.key, requested) {
        (None, Some(requested)) => text![requested],
        (None, None) => text!["a key that CloudTrail does not name"],
        _ => case.name(),
    }
}

/// How often it happened, and when people hear of it again.
fn attempts(count: Option<u64>, since: Option<Timestamp>) -> Text {
    match (count, since) {
        (None, _) => text!["Without the ledger attempts are not counted, and each may be told."],
        (Some(1), Some(since)) => text![
            "Since the last such alert, of ",
            since,
            ", there was 1 further attempt."
        ],
        (Some(count), Some(since)) if count > 0 => text![
            "Since the last such alert, of ",
            since,
            ", there were ",
            count,
            " further attempts."
        ],
        (Some(_), Some(since)) => text!["The last such alert was of ", since, "."],
        (Some(_), None) => {
            text!["More attempts within this hour are counted, and told with the next alert."]
        }
    }
}

fn is(case: &Case<'_>, kind: &str) -> bool {
    case.actor.is_some_and(|actor| actor.kind.as_str() == kind)
}

/// What the caller did lately, as CloudTrail's event history has it. A user name there is that of a user, or of a session.
fn calls_of(actor: &Actor, region: Option<&Region>) -> Option<String> {
    let name = match actor.kind.as_str() {
        "Root" => "root",
        "IAMUser" => actor.name.as_str(),
        "AssumedRole" => actor.name.as_str().split_once('/')?.1,
        _ => return None,
    };
    // It comes from outside, and goes into a command.
    let is_plain = !name.starts_with('-')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"@._-".contains(&b));
    lookup("Username", Some(name).filter(|_| is_plain)?, region)
}

/// All calls of an operation.
fn calls_named(operation: &Untrusted, region: Option<&Region>) -> Option<String> {
    let name = operation.as_str();
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric());
    lookup("EventName", Some(name).filter(|_| is_plain)?, region)
}

fn lookup(attribute: &str, value: &str, region: Option<&Region>) -> Option<String> {
    Some(format!(
        "aws cloudtrail lookup-events --lookup-attributes AttributeKey={attribute},AttributeValue={value} --max-results \
         50 --region {}",
        region?.as_str()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;
    use crate::alert::Alert;
    use crate::answers::Metadata;
    use crate::arn::KeyArn;
    use crate::pipeline::tests::{FakeKms, alert_about, alert_from};

    fn used(reason: Option<State>) -> UnusableKeyUsed {
        UnusableKeyUsed {
            operation: Untrusted::new("Decrypt"),
            principal: Untrusted::new("role"),
            reason,
            ..UnusableKeyUsed::default()
        }
    }

    fn denied(operation: &str) -> KeyChangeDenied {
        KeyChangeDenied {
            operation: Untrusted::new(operation),
            principal: Untrusted::new("role"),
            ..KeyChangeDenied::default()
        }
    }

    fn in_state(state: Option<State>) -> FakeKms {
        FakeKms {
            metadata: Ok(Metadata {
                state,
                custom_key_store_id: Some(Untrusted::new("cks-1234")),
                ..Metadata::default()
            }),
            ..FakeKms::default()
        }
    }

    fn commands(alert: &Alert) -> Vec<&str> {
        let steps = alert.next_steps.iter();
        steps
            .filter_map(|step| step.command.as_deref()?.split(' ').nth(2))
            .collect()
    }

    #[test]
    fn a_key_that_is_pending_deletion_and_needed_is_critical() {
        use State::{Disabled, Enabled, PendingDeletion, PendingImport};
        use State::{PendingReplicaDeletion, Unavailable};
        for (reason, now, critical) in [
            (Some(PendingDeletion), Some(PendingDeletion), true),
            (Some(PendingReplicaDeletion), None, true),
            // KMS may lag, and the event does not.
            (Some(PendingDeletion), Some(Enabled), true),
            // Scheduled since.
            (Some(Disabled), Some(PendingDeletion), true),
            (None, Some(PendingReplicaDeletion), true),
            (Some(Disabled), Some(Disabled), false),
            (Some(PendingImport), Some(PendingImport), false),
            (Some(Unavailable), None, false),
            (None, Some(Enabled), false),
            (None, None, false),
        ] {
            let alert = alert_from(in_state(now.clone()), used(reason.clone()));
            let expected = if critical {
                Severity::Critical
            } else {
                Severity::High
            };
            assert_eq!(alert.severity, expected, "{reason:?} {now:?}");
            let advice = commands(&alert);
            assert_eq!(
                advice.contains(&"cancel-key-deletion"),
                critical,
                "{advice:?}"
            );
            assert_eq!(advice.last(), Some(&"lookup-events"));
        }
    }

    #[test]
    fn each_state_has_the_command_that_ends_it() {
        for (state, command, confirmed) in [
            (State::PendingDeletion, "cancel-key-deletion", 1),
            (State::Disabled, "enable-key", 1),
            (State::PendingImport, "list-key-rotations", 0),
            (State::Unavailable, "connect-custom-key-store", 1),
        ] {
            let alert = alert_from(in_state(Some(state.clone())), used(Some(state)));
            assert_eq!(commands(&alert)[0], command);
            let words = alert.next_steps.iter().map(|step| step.text.plain());
            assert_eq!(
                words.filter(|text| text.starts_with(CONFIRM)).count(),
                confirmed
            );
        }
        let alert = alert_from(in_state(None), used(Some(State::Unavailable)));
        assert!(
            alert.next_steps[0].command.as_ref().is_some_and(|command| command
                == "aws kms connect-custom-key-store --custom-key-store-id cks-1234 --region us-east-1"),
        );
    }

    #[test]
    fn a_store_id_that_is_none_never_gets_into_a_command() {
        let mut kms = in_state(Some(State::Unavailable));
        if let Ok(metadata) = &mut kms.metadata {
            metadata.custom_key_store_id = Some(Untrusted::new("cks-1; rm -rf ~"));
        }
        let alert = alert_from(kms, used(Some(State::Unavailable)));
        assert_eq!(commands(&alert)[0], "describe-custom-key-stores");
    }

    #[test]
    fn the_state_is_the_events_else_that_of_kms_if_it_explains_anything() {
        let reason = |event: Option<State>, now| {
            let alert = alert_from(in_state(now), used(event));
            let Kind::UnusableKeyUsed(details) = &alert.details else {
                panic!("{:?}", alert.details);
            };
            (details.reason.clone(), alert.summary.plain())
        };
        let (state, summary) = reason(None, Some(State::Disabled));
        assert_eq!(state, Some(State::Disabled));
        assert!(
            summary.contains("CloudTrail does not say which; KMS now reports it as Disabled"),
            "{summary}"
        );
        let (state, summary) = reason(None, Some(State::Enabled));
        assert_eq!(state, None);
        assert!(summary.contains("neither CloudTrail nor KMS"), "{summary}");
        let (state, summary) = reason(Some(State::Disabled), Some(State::Enabled));
        assert_eq!(state, Some(State::Disabled));
        assert!(
            summary.contains("But KMS now reports the key as Enabled"),
            "{summary}"
        );
    }

    #[test]
    fn what_would_lose_the_key_is_high() {
        let mut high: Vec<_> = CHANGES
            .iter()
            .map(|(operation, ..)| *operation)
            .filter(|operation| alert_about(denied(operation)).severity == Severity::High)
            .collect();
        high.sort_unstable();
        assert_eq!(
            high,
            [
                "DeleteImportedKeyMaterial",
                "DisableKey",
                "PutKeyPolicy",
                "ScheduleKeyDeletion"
            ]
        );
        for read in [
            "DescribeKey",
            "Decrypt",
            "GetKeyPolicy",
            "GetPublicKey",
            "ListKeys",
            "",
        ] {
            assert!(!KeyChangeDenied::is_change(read), "{read}");
        }
    }

    #[test]
    fn the_hour_is_the_events_and_each_role_and_operation_has_its_own() {
        let identity = |kind: Kind, at: Option<&str>| {
            kind.identity(Some("call"), at.map(|at| at.parse().unwrap()))
        };
        let ten = |kind: Kind| identity(kind, Some("2026-11-20T10:00:00Z"));
        let kind = || Kind::from(used(Some(State::Disabled)));
        assert_eq!(ten(kind()), identity(kind(), Some("2026-11-20T10:59:59Z")));
        assert_ne!(ten(kind()), identity(kind(), Some("2026-11-20T11:00:00Z")));
        assert_ne!(ten(kind()), identity(kind(), Some("2026-11-20T09:59:59Z")));
        // The reason is no part of it, the role and the operation are.
        assert_eq!(ten(kind()), ten(used(Some(State::PendingDeletion)).into()));
        let another = |principal: &str, operation: &str| {
            ten(UnusableKeyUsed {
                operation: Untrusted::new(operation),
                principal: Untrusted::new(principal),
                ..UnusableKeyUsed::default()
            }
            .into())
        };
        assert_eq!(ten(kind()), another("role", "Decrypt"));
        assert_ne!(ten(kind()), another("role", "Encrypt"));
        assert_ne!(ten(kind()), another("another", "Decrypt"));
        assert_ne!(ten(kind()), ten(denied("Decrypt").into()));
        assert!(!kind().recurs());
        // Without a time nobody knows the hour: each call is told.
        assert_eq!(identity(kind(), None), "UnusableKeyUsed#call#call");
    }

    #[test]
    fn names_of_others_get_into_a_command_only_if_they_are_plain() {
        let command = |kind: &str, name: &str| {
            let actor = Actor {
                kind: Untrusted::new(kind),
                name: Untrusted::new(name),
                ..Actor::unknown()
            };
            let region = Region::new("us-east-1");
            calls_of(&actor, region.as_ref())
        };
        let lookup = |name: &str| {
            format!(
                "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue={name} \
                 --max-results 50 --region us-east-1"
            )
        };
        assert_eq!(
            command("AssumedRole", "R/maria@x.org"),
            Some(lookup("maria@x.org"))
        );
        assert_eq!(command("IAMUser", "maria"), Some(lookup("maria")));
        assert_eq!(command("Root", "ROOT of account 1"), Some(lookup("root")));
        for name in ["R/$(id)", "R/a b", "R/a,b", "R/-x", "R/`x`", "R"] {
            assert_eq!(command("AssumedRole", name), None, "{name}");
        }
        assert_eq!(command("AWSAccount", "account 4"), None);
    }

    #[test]
    fn root_is_shouted() {
        let key: KeyArn = "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap();
        let key = Key::unknown(key);
        let actor = Actor {
            kind: Untrusted::new("Root"),
            name: Untrusted::new("ROOT of account 111122223333"),
            ..Actor::unknown()
        };
        let case = Case {
            at: Timestamp::UNIX_EPOCH,
            actor: Some(&actor),
            key: Some(&key),
            key_store: None,
            gone: false,
            live: true,
        };
        let kind = denied("DisableKey");
        assert!(
            kind.summary(&case)
                .plain()
                .contains("THIS IS THE ROOT USER")
        );
        assert!(kind.title(&case).plain().starts_with("ROOT of account"));
        let steps = kind.next_steps(&case);
        assert!(
            steps[1]
                .text
                .plain()
                .contains("THE KEYS TO THE WHOLE ACCOUNT")
        );
    }
}
