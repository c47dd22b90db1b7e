//! Tags: who owns a key, and, where policies ask for them, who may use it.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::answers::Tags;
use crate::facts::PolicyOf;
use crate::kinds::access::{asked_conditions, policy_item, see_conditions};
use crate::kinds::case::{Case, undo};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, list, root, who};
use crate::ledger::{Item, ItemKey, Profile};
use crate::owner::owner;
use crate::severity::Severity;
use crate::step::{Step, is_bare};
use crate::subject::Subject;
use crate::text;
use crate::text::{Text, Untrusted};

/// A tag that has another value now, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TagChange {
    /// Tag key.
    pub key: Untrusted,
    /// Value before; `null` if there was none, or it is not known.
    pub from: Option<Untrusted>,
    /// Value now; `null` if the tag was removed.
    pub to: Option<Untrusted>,
}

/// Tags of a key were set or removed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyTagsChanged {
    /// Tags that were not there. Empty if the tags before are not known.
    pub added: Vec<TagChange>,
    /// Tags that had another value; all that were set if the tags before are not known.
    pub changed: Vec<TagChange>,
    /// Tags that were removed.
    pub removed: Vec<TagChange>,
    /// The tag that names the owner is among them.
    pub owner_changed: bool,
    /// The owner before, if there was one and it is known.
    pub owner_from: Option<Untrusted>,
    /// The owner now.
    pub owner_to: Option<Untrusted>,
    /// Condition keys of the key's policy that ask for these tags: who may use the key has changed.
    pub policy_conditions: Vec<Untrusted>,
    /// Since when the tags before were known with which these are compared.
    pub compared_with: Option<Timestamp>,
    #[serde(skip)]
    set: Tags,
    #[serde(skip)]
    unset: Vec<Untrusted>,
    /// Name of the tag that names the owner, as it stands on the key.
    #[serde(skip)]
    owner_tag: Option<Untrusted>,
}

impl KeyTagsChanged {
    /// These were set.
    pub fn set(set: Tags) -> Self {
        Self {
            set,
            ..Self::default()
        }
    }

    /// These were removed.
    pub fn unset(unset: Vec<Untrusted>) -> Self {
        Self {
            unset,
            ..Self::default()
        }
    }

    fn keys(changes: &[TagChange]) -> Vec<Untrusted> {
        changes.iter().map(|change| change.key.clone()).collect()
    }
}

/// What a condition on a tag of the key begins with, in lower case (IAM User Guide, global condition keys).
const RESOURCE_TAG: &str = "aws:resourcetag/";

impl Ask for KeyTagsChanged {
    fn reads_policy(&self) -> Option<PolicyOf> {
        Some(PolicyOf::Owner)
    }

    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        vec![policy_item(subject)]
    }
}

impl Learn for KeyTagsChanged {
    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        profile.note_act(Self::NAME, at, actor);
    }

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        // Tags that were read after this happened may be the new ones.
        let known = found.before.tags.as_ref();
        let known = known.filter(|tags| tags.as_of < found.at);
        self.compared_with = known.map(|tags| tags.as_of);
        let before = known.map(|tags| &tags.value);
        let value = |key: &Untrusted| before.and_then(|before| before.get(key)).cloned();
        for (key, to) in &self.set {
            let (key, from, to) = (key.clone(), value(key), Some(to.clone()));
            let change = TagChange { key, from, to };
            match (&change.from, before) {
                (Some(_), _) if change.from == change.to => {}
                (None, Some(_)) => self.added.push(change),
                _ => self.changed.push(change),
            }
        }
        self.removed = self
            .unset
            .iter()
            .map(|key| TagChange {
                key: key.clone(),
                from: value(key),
                to: None,
            })
            .collect();

        let changed = [&self.added, &self.changed, &self.removed];
        let changed: Vec<_> = changed
            .into_iter()
            .flatten()
            .map(|change| change.key.as_str().to_ascii_lowercase())
            .collect();
        self.policy_conditions = asked_conditions(found, |key| {
            key.strip_prefix(RESOURCE_TAG)
                .is_some_and(|tag| changed.iter().any(|changed| changed == tag))
        });

        let name = found.settings.owner_tag_key;
        let names_owner = |key: &&Untrusted| key.as_str().eq_ignore_ascii_case(name);
        let mut after = before.cloned().unwrap_or_default();
        after.extend(self.set.clone());
        after.retain(|key, _| !self.unset.contains(key));
        self.owner_from = before.and_then(|before| owner(before, name));
        self.owner_to = owner(&after, name);
        self.owner_tag = self
            .set
            .keys()
            .chain(&self.unset)
            .find(names_owner)
            .cloned();
        self.owner_changed =
            self.owner_tag.is_some() && (before.is_none() || self.owner_from != self.owner_to);
        if before.is_some() {
            // The tag as it was, to put it back.
            let was = before.and_then(|before| before.keys().find(names_owner));
            self.owner_tag = was.cloned().or(self.owner_tag.take());
        }
        Vec::new()
    }
}

impl Tell for KeyTagsChanged {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.owner_changed || !self.policy_conditions.is_empty() {
            Severity::Medium
        } else {
            Severity::Info
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        match (&self.owner_from, &self.owner_to) {
            _ if !self.owner_changed && !self.policy_conditions.is_empty() => {
                text![name, " has other tags, and its policy goes by them"]
            }
            _ if !self.owner_changed => text![name, " has other tags"],
            (Some(from), Some(to)) => text![name, " has a new owner: ", to, " instead of ", from],
            (None, Some(to)) => text![name, " has a new owner: ", to],
            (Some(from), None) => text![name, " has no owner any more; it was ", from],
            (None, None) => text![name, " has no owner any more"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let verb = if self.unset.is_empty() {
            " set tags of "
        } else {
            " removed tags of "
        };
        let mut text = text![who(case), verb, case.name(), described(case), "."];
        let changed = match self.compared_with {
            Some(_) => "Changed: ",
            None => "Set: ",
        };
        for (what, changes) in [
            ("New: ", &self.added),
            (changed, &self.changed),
            ("Removed: ", &self.removed),
        ] {
            if !changes.is_empty() {
                text.sentence(text![what, list(&Self::keys(changes), 8), "."]);
            }
        }
        if self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty() {
            text.sentence("All of them had these values before.");
        }
        if self.owner_changed {
            text.sentence(match (&self.owner_from, &self.owner_to) {
                (Some(from), Some(to)) => {
                    text!["The owner was ", from, " and is now ", to, "."]
                }
                (None, Some(to)) if self.compared_with.is_none() => {
                    text!["The owner is now ", to, "; who it was before is not known."]
                }
                (None, Some(to)) => text!["The owner is now ", to, "; there was none before."],
                (Some(from), None) => text!["The owner was ", from, "; now no tag names one."],
                (None, None) => {
                    text!["The tag that names the owner was removed; whom it named is not known."]
                }
            });
            text.sentence(
                "Alerts about the key go by this tag: whoever subscribed to an owner's keys gets them by its new value.",
            );
        }
        text.sentence(if self.policy_conditions.is_empty() {
            text!["Where policies ask for tags, this also changes who may use the key."]
        } else {
            text![
                "The key policy asks for ",
                list(&self.policy_conditions, 6),
                ", so this changes who may use the key."
            ]
        });
        if case.gone {
            text.sentence("KMS does not know the key any more.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return Vec::new();
        }
        let mut steps: Vec<_> = self.give_back(case).into_iter().collect();
        if !self.policy_conditions.is_empty() {
            steps.extend(see_conditions(case));
        }
        steps
    }
}

impl KeyTagsChanged {
    /// The tag of the owner, as it was.
    fn give_back(&self, case: &Case<'_>) -> Option<Step> {
        let (tag, from) = self.owner_tag.as_ref().zip(self.owner_from.as_ref())?;
        if !self.owner_changed {
            return None;
        }
        // Tags may hold anything.
        let command = (is_bare(tag.as_str()) && is_bare(from.as_str())).then(|| {
            let tag = format!("--tags TagKey={},TagValue={}", tag.as_str(), from.as_str());
            case.kms_command("tag-resource", &tag)
        });
        Some(undo(
            text!["Undo, unless the key was handed over"],
            command.flatten(),
        ))
    }
}
