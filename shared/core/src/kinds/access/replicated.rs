//! A key has a replica more.

use serde::Serialize;

use super::fresh::Fresh;
use super::judge::judge_alone;
use super::{PUT_BACK, SEE_POLICY};
use crate::arn::KeyArn;
use crate::kinds::case::{Case, look};
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
    /// The replica's policy lets in everybody in every AWS account. `null` if that cannot be told.
    pub public: Option<bool>,
    /// Accounts that the replica's policy lets in, other than the owner and the trusted ones.
    pub foreign_accounts: Vec<Untrusted>,
    /// Nobody of the account may change the replica's policy. `null` if that cannot be told.
    pub lockout: Option<bool>,
    /// The call asked KMS not to check that somebody can change the policy.
    pub bypassed_lockout_check: bool,
    /// Why the replica's policy could not be read, or not all of it.
    pub unreadable: Option<Untrusted>,
    /// Who else is let in of whom that is not known to be right: organisations, networks, unique ids.
    #[serde(skip)]
    pub foreign_others: Vec<Untrusted>,
    #[serde(skip)]
    policy: Option<String>,
}

impl KeyReplicated {
    /// What a record of `ReplicateKey` says.
    pub fn to(region: Option<Untrusted>, replica: Option<KeyArn>, policy: Option<&str>) -> Self {
        Self {
            replica_region: region,
            replica_arn: replica,
            policy: policy.map(str::to_owned),
            ..Self::default()
        }
    }

    /// The call asked KMS not to check that somebody can change the policy.
    pub fn bypassing(mut self, bypassed_lockout_check: bool) -> Self {
        self.bypassed_lockout_check = bypassed_lockout_check;
        self
    }

    fn policy(&self) -> Fresh<'_> {
        Fresh {
            whose: "The replica's",
            public: self.public,
            foreign: &self.foreign_accounts,
            foreign_others: &self.foreign_others,
            lockout: self.lockout,
            bypassed_lockout_check: self.bypassed_lockout_check,
            unreadable: self.unreadable.as_ref(),
        }
    }
}

impl Learn for KeyReplicated {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        if let Some(text) = self.policy.take() {
            let judged = judge_alone(&text, found);
            self.public = judged.public;
            self.foreign_accounts = judged.foreign;
            self.foreign_others = judged.foreign_others;
            self.lockout = judged.lockout;
            self.unreadable = judged.unreadable;
        }
        Vec::new()
    }
}

impl Tell for KeyReplicated {
    fn severity(&self, _: &Case<'_>) -> Severity {
        self.policy().severity()
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![case.name(), " was replicated"];
        if let Some(region) = &self.replica_region {
            text.push(text![" to ", region]);
        }
        text.push(self.policy().title());
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " made a replica of ",
            case.name(),
            described(case)
        ];
        if let Some(region) = &self.replica_region {
            text.push(text![" in ", region]);
        }
        text.push(".");
        text.sentence(
            "The replica has the same key material, so what one encrypts the other decrypts; its policy, grants, \
             aliases and tags are its own.",
        );
        text.sentence(self.policy().words());
        text.sentence(
            "What happens to the replica is watched only where KMS Watch is deployed in that Region.",
        );
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
            let region = replica.region().as_str();
            Some(format!(
                "aws kms {operation} --key-id {replica} {rest} --region {region}"
            ))
        };
        vec![
            look(
                text!["See the replica's policy"],
                command("get-key-policy", SEE_POLICY),
            ),
            look(
                text!["Write the policy that is meant into key-policy.json, and put it"],
                command("put-key-policy", PUT_BACK),
            ),
        ]
    }
}
