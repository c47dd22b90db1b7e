//! A key has a replica more.

use serde::Serialize;

use super::fresh::FreshPolicy;
use super::judge::judge_alone;
use super::{PUT_BACK, SEE_POLICY};
use crate::arn::KeyArn;
use crate::kinds::case::{Case, contain, look, undo};
use crate::kinds::describe::{Found, Learn, Tell};
use crate::kinds::words::{described, root, who};
use crate::ledger::Item;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// A multi-Region key got a replica, with a policy of its own.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyReplicated {
    /// Region of the replica.
    pub replica_region: Option<Untrusted>,
    /// ARN of the replica.
    pub replica_arn: Option<KeyArn>,
    /// What the replica's policy says.
    #[serde(flatten)]
    pub policy: FreshPolicy,
    /// The replica's policy, if the record has it.
    #[serde(skip)]
    answered: Option<String>,
}

impl KeyReplicated {
    /// What a record of `ReplicateKey` says.
    pub fn to(region: Option<Untrusted>, replica: Option<KeyArn>, policy: Option<&str>) -> Self {
        Self {
            replica_region: region,
            replica_arn: replica,
            answered: policy.map(str::to_owned),
            ..Self::default()
        }
    }

    /// The call asked KMS not to check that somebody can change the policy.
    pub fn bypassing(mut self, bypassed_lockout_check: bool) -> Self {
        self.policy.bypassed_lockout_check = bypassed_lockout_check;
        self
    }
}

impl Learn for KeyReplicated {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        if let Some(text) = self.answered.take() {
            self.policy.take(judge_alone(&text, found));
        }
        Vec::new()
    }
}

impl Tell for KeyReplicated {
    fn severity(&self, _: &Case<'_>) -> Severity {
        self.policy.severity()
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        self.policy.severity_reason()
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let (mut done, mut made) = (text!["replicated"], text!["replica"]);
        if let Some(region) = &self.replica_region {
            done.push(text![" to ", region]);
            made.push(text![" in ", region]);
        }
        self.policy.title(case.name(), done, made)
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = self.policy.words("the replica");
        let place = match &self.replica_region {
            Some(region) => text![" to ", region],
            None => text![" to another Region"],
        };
        text.sentence(text![
            who(case),
            " replicated ",
            case.name(),
            described(case),
            place,
            "."
        ]);
        text.sentence(
            "The replica has the same key material: it can decrypt what this key encrypted. Its policy, grants, aliases \
             and tags are its own.",
        );
        text.sentence("KMS Watch sees the replica only if it is deployed in that Region.");
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let Some(replica) = self
            .replica_arn
            .as_ref()
            .filter(|_| self.severity(case) > Severity::Info)
        else {
            return Vec::new();
        };
        let command = |operation: &str, rest: &str| {
            let space = if rest.is_empty() { "" } else { " " };
            let region = replica.region().as_str();
            Some(format!(
                "aws kms {operation} --key-id {replica}{space}{rest} --region {region}"
            ))
        };
        let mut steps = Vec::new();
        if self.policy.is_open() {
            steps.push(contain(
                text!["Disable the replica. This stops every caller there; enable-key undoes it"],
                command("disable-key", ""),
            ));
        }
        steps.push(look(
            text!["Read the policy of the replica"],
            command("get-key-policy", SEE_POLICY),
        ));
        steps.push(undo(
            text!["Write the policy that you want into key-policy.json, and set it"],
            command("put-key-policy", PUT_BACK),
        ));
        steps
    }
}
