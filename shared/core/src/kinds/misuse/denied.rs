//! Somebody tried to change a key, and may not.

use jiff::Timestamp;
use serde::Serialize;

use super::{READS, attempts, calls_named, calls_of, is, name, series};
use crate::arn::Region;
use crate::facts::Reads;
use crate::kinds::case::{Case, contain, look};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::{described, last_use, who};
use crate::ledger::repeats::Repeats;
use crate::severity::Severity;
use crate::step::Step;
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

impl Identify for KeyChangeDenied {
    fn identity(&self) -> Identity {
        Identity::Hour(series(&self.principal, &self.operation))
    }

    fn repeats(&self) -> Option<String> {
        Some(series(&self.principal, &self.operation))
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
    }
}

impl Tell for KeyChangeDenied {
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
        let mut steps = vec![look(text!["See what else the caller tried"], tried)];
        if !is(case, "Root") {
            steps.push(contain(
                text![
                    "If the call was expected, give the caller the permission for ",
                    &self.operation,
                    ", or stop the calls"
                ],
                None,
            ));
        }
        steps.push(look(text![stop], None));
        steps
    }
}
