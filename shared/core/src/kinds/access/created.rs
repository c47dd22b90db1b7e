//! A key is new.

use jiff::Timestamp;
use serde::Serialize;

use super::fresh::Fresh;
use super::judge::{Judged, judge_alone};
use super::memory::{remember, remembered};
use super::{PUT_BACK, SEE_POLICY};
use crate::about::Key;
use crate::answers::Metadata;
use crate::facts::PolicyOf;
use crate::key::Origin;
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, root, who};
use crate::ledger::{Item, ItemKey, Policy};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// A key was created. Its record may have the policy; KMS is asked all the same.
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
    /// Who else is let in of whom that is not known to be right: organisations, networks, unique ids.
    #[serde(skip)]
    pub foreign_others: Vec<Untrusted>,
    /// What the record says of the key.
    #[serde(skip)]
    pub told: Metadata,
    /// The policy that it was created with, if the record has it.
    #[serde(skip)]
    pub asked_for: Option<String>,
}

impl KeyCreated {
    fn take(&mut self, judged: Judged) {
        self.public = judged.public;
        self.foreign_accounts = judged.foreign;
        self.foreign_others = judged.foreign_others;
        self.lockout = judged.lockout;
        self.delegates_to_iam = judged.delegates;
        self.unreadable = judged.unreadable;
    }

    fn policy(&self) -> Fresh<'_> {
        Fresh {
            whose: "Its",
            public: self.public,
            foreign: &self.foreign_accounts,
            foreign_others: &self.foreign_others,
            lockout: self.lockout,
            bypassed_lockout_check: self.bypassed_lockout_check,
            unreadable: self.unreadable.as_ref(),
        }
    }
}

impl Ask for KeyCreated {
    fn reads_policy(&self) -> Option<PolicyOf> {
        Some(PolicyOf::Owner)
    }

    fn memories(&self, subject: &crate::subject::Subject) -> Vec<ItemKey> {
        vec![Policy::key(&subject.partition_key())]
    }
}

impl Learn for KeyCreated {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let asked_for = self.asked_for.take();
        if let Some(text) = &asked_for {
            self.take(judge_alone(text, found));
        }
        if let Some(text) = found.policy {
            // Somebody may have put another one since: that is told by itself, but what is worse counts here too.
            let born = self.policy().severity();
            let mut now = self.clone();
            now.take(judge_alone(text, found));
            if asked_for.is_none() || now.policy().severity() > born {
                *self = now;
            }
        }
        let (text, as_of) = match (found.policy, &asked_for) {
            (Some(text), _) => (text, found.now),
            (None, Some(text)) => (text.as_str(), found.at),
            (None, None) => return Vec::new(),
        };
        remember(found, text, as_of, remembered(found).as_ref())
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
        self.policy().severity()
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " was created", self.policy().title()]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " created ", case.name(), described(case), "."];
        if case.gone {
            text.sentence(
                "KMS does not know it: it is deleted since, or this answer is older than the event (KMS may lag for \
                 some seconds).",
            );
        }
        text.sentence(self.policy().words());
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
            look(
                text!["See the policy"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ),
            look(
                text!["Write the policy that is meant into key-policy.json, and put it"],
                case.kms_command("put-key-policy", PUT_BACK),
            ),
            look(text!["See who has used the key"], case.history_command()),
        ]
    }
}

fn fill<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
