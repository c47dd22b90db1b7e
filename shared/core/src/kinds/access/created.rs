//! A key is new.

use jiff::Timestamp;
use serde::Serialize;

use super::exposure::{see_uses, state_if_off, stop_all_use};
use super::fresh::FreshPolicy;
use super::judge::judge_alone;
use super::memory::{remember, remembered};
use super::{PUT_BACK, SEE_POLICY};
use crate::about::Key;
use crate::answers::Metadata;
use crate::facts::PolicyOf;
use crate::key::Origin;
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, root, who};
use crate::ledger::{Item, ItemKey, Policy};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// A key was created. Its record may have the policy; KMS is asked all the same.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyCreated {
    /// The policy that it was created with, or that it has now if that is worse.
    #[serde(flatten)]
    pub policy: FreshPolicy,
    /// What the record says of the key.
    #[serde(skip)]
    pub told: Metadata,
    /// The policy that it was created with, if the record has it.
    #[serde(skip)]
    pub asked_for: Option<String>,
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
            self.policy.take(judge_alone(text, found));
        }
        if let Some(text) = found.policy {
            // Somebody may have put another one since: that is told by itself, but what is worse counts here too.
            let mut now = self.policy.clone();
            now.take(judge_alone(text, found));
            if asked_for.is_none() || now.severity() > self.policy.severity() {
                self.policy = now;
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
        self.policy.severity()
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        self.policy.severity_reason()
    }

    fn title(&self, case: &Case<'_>) -> Text {
        self.policy
            .title(case.name(), text!["created"], text!["new key"])
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = self.policy.words("the new key");
        text.sentence(text![
            who(case),
            " created ",
            case.name(),
            described(case),
            "."
        ]);
        text.sentence(state_if_off(case));
        if self.policy.public.is_none() && self.policy.unreadable.is_none() {
            text.sentence(
                "KMS Watch could not read the policy, so who can use the key is not known.",
            );
        }
        let key = case.key;
        if key.is_some_and(|key| key.owner.is_none() && key.tags.is_some()) {
            text.sentence("No tag names an owner.");
        }
        if key.and_then(|key| key.origin.as_ref()) == Some(&Origin::External) {
            text.sentence("Somebody must import key material before the key can be used.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.severity(case) == Severity::Info {
            return Vec::new();
        }
        if case.gone {
            return vec![look(
                text!["Find out what was done to the key"],
                case.history_command(),
            )];
        }
        let mut steps = Vec::new();
        if self.policy.is_open() {
            steps.extend(stop_all_use(case));
        }
        steps.push(look(
            text!["Read the policy"],
            case.kms_command("get-key-policy", SEE_POLICY),
        ));
        steps.push(undo(
            text!["Write the policy that you want into key-policy.json, and set it"],
            case.kms_command("put-key-policy", PUT_BACK),
        ));
        if self.policy.is_open() {
            steps.push(see_uses(case));
        }
        steps
    }
}

fn fill<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
