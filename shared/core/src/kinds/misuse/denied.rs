//! Somebody tried to change a key, and AWS denied it.

use jiff::Timestamp;
use serde::Serialize;

use super::denial::Denial;
use super::{READS, attempts, calls_named, calls_of, is, name, series};
use crate::actor::Actor;
use crate::arn::Region;
use crate::facts::Reads;
use crate::kinds::case::{Case, contain, fix, look};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::{NOT_FOUND, last_use, root, state_note, who};
use crate::ledger::repeats::Repeats;
use crate::severity::Severity;
use crate::step::{Step, is_bare};
use crate::text;
use crate::text::{Text, Untrusted};

/// Changes by operation: how severe a denied attempt is, and what it would have done to the key.
pub(super) const CHANGES: [(&str, Severity, &str); 27] = [
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
        "enable the rotation of",
    ),
    (
        "DisableKeyRotation",
        Severity::Medium,
        "disable the rotation of",
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

/// Somebody tried to change a key, and AWS denied it.
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
    /// Which one of its series it is; `null` if nobody counts. A series ends when nothing comes for a day.
    pub total: Option<u64>,
    /// When the first of the series happened; `null` if nobody counts.
    pub first_at: Option<Timestamp>,
    /// It is told because it is this attempt of its series.
    #[serde(skip)]
    pub step: Option<u64>,
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

    /// The operation in our own words, which no subject cuts; one that is not in the table as the record has it.
    fn known_operation(&self) -> Text {
        let mut changes = CHANGES.iter();
        let known = changes.find(|(name, ..)| *name == self.operation.as_str());
        known.map_or_else(|| text![&self.operation], |(name, ..)| text![*name])
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

impl Identify for KeyChangeDenied {
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

impl Ask for KeyChangeDenied {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for KeyChangeDenied {
    fn repeated(&mut self, repeats: &Repeats) {
        self.attempts = Some(repeats.attempts);
        self.since = repeats.since;
        self.total = Some(repeats.total);
        self.first_at = repeats.first;
    }

    fn reached(&mut self, step: u64) {
        self.step = Some(step);
    }
}

impl Tell for KeyChangeDenied {
    fn ceiling(&self) -> Severity {
        self.change().0
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        self.change().0
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(match self.operation.as_str() {
            "PutKeyPolicy" => text!["the call would have changed who can use the key"],
            _ if self.change().0 == Severity::High => {
                text!["the call would have made the key unusable"]
            }
            _ => text!["the call changed nothing"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text!["Denied: ", self.known_operation()];
        if self.operation.as_str() != "CreateKey" {
            text.push(text![" on ", self.name(case)]);
        }
        text.push(text![" by ", who(case)]);
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "Nothing changed: AWS denied ",
            who(case),
            " the attempt to ",
            self.change().1,
            " ",
            self.name(case)
        ];
        match &self.reason {
            Some(reason) => text.push(text![" (\"", reason.shortened(160), "\")."]),
            None => text.push("."),
        }
        if case.key.is_some() {
            text.sentence(last_use(case));
            text.sentence(state_note(case, &[]));
            if case.gone {
                text.sentence(NOT_FOUND);
            }
        }
        text.sentence(root(case));
        text.sentence(attempts(
            (self.attempts, self.since),
            (self.total, self.first_at),
        ));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let region = case
            .key
            .map(|key| key.arn.region())
            .or(self.region.as_ref());
        let by_caller = case.actor.and_then(|actor| calls_of(actor, region));
        let tried = match by_caller {
            Some(calls) => look(text!["See what else this caller did"], Some(calls)),
            None => look(
                text!["See who else called ", &self.operation],
                calls_named(&self.operation, region),
            ),
        };
        let account = case.key.map(|key| key.arn.account());
        let denial = Denial::of(self.reason.as_ref());
        let mut steps = vec![tried];
        steps.extend(self.stop(case));
        if !is(case, "Root") {
            steps.push(fix(
                denial.allow(&self.operation, case.actor, account),
                None,
            ));
        }
        steps
    }
}

impl KeyChangeDenied {
    /// What keeps a caller from trying again whom nobody expected.
    fn stop(&self, case: &Case<'_>) -> Option<Step> {
        let actor = case.actor?;
        let step = match actor.kind.as_str() {
            "Root" => contain(
                text![
                    "Unless the holder of the root user confirms the call: change the root password, delete root access \
                     keys, check MFA"
                ],
                None,
            ),
            "IAMUser" => contain(
                text!["If nobody expected the call, deactivate the access key of the user"],
                deactivate(actor),
            ),
            "AssumedRole" | "Role" => contain(
                text![
                    "If nobody expected the call, revoke the active sessions of the role (IAM console, Revoke sessions)"
                ],
                None,
            ),
            "AWSAccount" => look(
                text!["See which accounts the key policy allows"],
                case.kms_command("get-key-policy", "--query Policy --output text"),
            ),
            // A service acts for somebody, and is no intruder.
            "AWSService" => look(
                text!["Find out for which resource the service made the call"],
                None,
            ),
            _ => contain(
                text!["If nobody expected the call, end the sessions of the caller"],
                None,
            ),
        };
        Some(step)
    }
}

/// Takes a user's access key out of service, which can be taken back.
fn deactivate(actor: &Actor) -> Option<String> {
    let id = actor.access_key_id.as_ref()?.as_str();
    let name = actor.name.as_str();
    // Long-term keys only: those of sessions cannot be deactivated.
    let usable = id.starts_with("AKIA") && is_bare(id) && is_bare(name);
    usable.then(|| {
        format!(
            "aws iam update-access-key --user-name {name} --access-key-id {id} --status Inactive"
        )
    })
}
