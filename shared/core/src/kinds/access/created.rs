//! A key is new.

use jiff::Timestamp;
use serde::Serialize;

use super::judge::judge_alone;
use super::memory::{remember, remembered};
use super::{PUT_BACK, SEE_POLICY, new_policy_severity, policy_words};
use crate::about::Key;
use crate::answers::Metadata;
use crate::key::Origin;
use crate::kinds::case::{Case, step};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, root, who};
use crate::ledger::{Item, ItemKey, Policy};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// A key was created. Its record has no policy, so KMS is asked.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyCreated {
    /// Everybody in every AWS account is let in. `null` if that cannot be told.
    pub public: Option<bool>,
    /// Accounts that are let in, other than the owner and the trusted ones.
    pub foreign_accounts: Vec<Untrusted>,
    /// Nobody of the account may change the policy. `null` if that cannot be told.
    pub lockout: Option<bool>,
    /// IAM policies of the account decide too. `null` if that cannot be told.
    pub delegates_to_iam: Option<bool>,
    /// The call asked KMS not to check that somebody can change the policy.
    pub bypassed_lockout_check: bool,
    /// Why the policy could not be read, or not all of it.
    pub unreadable: Option<Untrusted>,
    /// What the record says of the key.
    #[serde(skip)]
    pub told: Metadata,
}

impl Ask for KeyCreated {
    fn reads_policy(&self) -> bool {
        true
    }

    fn memories(&self, subject: &crate::subject::Subject) -> Vec<ItemKey> {
        vec![Policy::key(&subject.partition_key())]
    }
}

impl Learn for KeyCreated {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let Some(text) = found.policy else {
            return Vec::new();
        };
        let judged = judge_alone(text, found);
        self.public = judged.public;
        self.foreign_accounts = judged.foreign;
        self.lockout = judged.lockout;
        self.delegates_to_iam = judged.delegates;
        self.unreadable = judged.unreadable;
        // As of now: somebody may have put another one since the key was created.
        remember(found, text, found.now, remembered(found).as_ref())
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        let Metadata {
            state,
            manager,
            origin,
            spec,
            usage,
            description,
            custom_key_store_id,
            ..
        } = &self.told;
        fill(&mut key.state, state);
        fill(&mut key.manager, manager);
        fill(&mut key.origin, origin);
        fill(&mut key.spec, spec);
        fill(&mut key.usage, usage);
        fill(&mut key.description, description);
        fill(&mut key.custom_key_store_id, custom_key_store_id);
    }
}

impl Tell for KeyCreated {
    fn severity(&self, _: &Case<'_>) -> Severity {
        new_policy_severity(self.public, self.unreadable.is_some())
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let how = match (self.public, &self.unreadable) {
            (Some(true), _) => ", open to every AWS account",
            (_, Some(_)) => " with a key policy that could not be read",
            _ => "",
        };
        text![case.name(), " was created", how]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " created ", case.name(), described(case), "."];
        if case.gone {
            text.sentence(
                "KMS does not know it: it is deleted since, or this answer is older than the event (KMS may lag for \
                 some seconds).",
            );
        }
        text.sentence(policy_words(
            "Its",
            self.public,
            &self.foreign_accounts,
            self.unreadable.as_ref(),
        ));
        if self.lockout == Some(true) {
            text.sentence(
                "Nobody of the account may change its policy: only AWS Support can make it manageable.",
            );
        }
        if self.bypassed_lockout_check {
            text.sentence(
                "The call told KMS to skip its check that somebody can change the policy \
                 (BypassPolicyLockoutSafetyCheck).",
            );
        }
        if self.public.is_none() && self.unreadable.is_none() {
            text.sentence("Who may use it could not be found out: its policy was not to be had.");
        }
        let key = case.key;
        if key.is_some_and(|key| key.owner.is_none() && key.tags.is_some()) {
            text.sentence("No tag names its owner.");
        }
        if key.and_then(|key| key.origin.as_ref()) == Some(&Origin::External) {
            text.sentence("Its key material has to be imported before it can be used.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone || self.severity(case) == Severity::Info {
            return Vec::new();
        }
        vec![
            step(
                text!["See the policy"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ),
            step(
                text!["Write the policy that is meant into key-policy.json, and put it"],
                case.kms_command("put-key-policy", PUT_BACK),
            ),
            step(text!["See who has used the key"], case.history_command()),
        ]
    }
}

fn fill<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
