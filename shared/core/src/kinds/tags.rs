//! Tags: who owns a key, and, where policies ask for them, who may use it.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::answers::Tags;
use crate::facts::PolicyOf;
use crate::kinds::access::{asked_conditions, policy_item, see_conditions, state_if_off};
use crate::kinds::case::{Case, undo};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, list, root, who};
use crate::ledger::profile::PlannedTag;
use crate::ledger::{Item, ItemKey, Profile};
use crate::owner::owner;
use crate::protection::{PROTECT_TAG, PROTECT_VALUE, Way, has_tag};
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
    /// The tag that protects the key was removed, or says something else now, and nothing else protects the key.
    pub protection_removed: bool,
    /// Since when the tags before were known with which these are compared.
    pub compared_with: Option<Timestamp>,
    #[serde(skip)]
    set: Tags,
    #[serde(skip)]
    unset: Vec<Untrusted>,
    /// The tag that names the owner, as it is or was spelled on the key.
    #[serde(skip)]
    owner_tag: Option<Untrusted>,
    /// The stack has a function that rescues protected keys.
    #[serde(skip)]
    rescues: bool,
    /// What protects the key without that tag, if the tag is gone.
    #[serde(skip)]
    still_protected_by: Option<Way>,
    /// The tag that announces a deletion was set, to what, or removed.
    #[serde(skip)]
    planned: Option<Option<Untrusted>>,
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

/// Most tags that a command sets or removes: it must stay readable.
const AT_ONCE: usize = 10;

/// The tag that counts: the one of just this key, else one that differs in case.
fn owner_tag(tags: &Tags, name: &str) -> Option<Untrusted> {
    let named = |is_owner: fn(&str, &str) -> bool| {
        let mut tags = tags.iter();
        tags.find(|(key, owner)| is_owner(key.as_str(), name) && !owner.is_empty())
    };
    let (key, _) = named(|key, tag| key == tag).or_else(|| named(str::eq_ignore_ascii_case))?;
    Some(key.clone())
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
        let known = profile.planned_tag.as_ref();
        if let Some(says) = &self.planned
            && known.is_none_or(|known| known.at <= at)
        {
            profile.planned_tag = Some(PlannedTag {
                says: says.clone(),
                by: actor.map(|actor| actor.name.shortened(PlannedTag::SHOWN)),
                at,
            });
        }
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

        self.protection_lost(found, before);
        self.rescues = found.settings.rescues;

        let planned = Untrusted::new(found.settings.planned_tag_key);
        let set = self
            .set
            .get(&planned)
            .map(|says| says.shortened(PlannedTag::SHOWN));
        let unset = self.unset.contains(&planned);
        self.planned = set.map(Some).or(unset.then_some(None));

        let name = found.settings.owner_tag_key;
        let mut after = before.cloned().unwrap_or_default();
        after.extend(self.set.clone());
        after.retain(|key, _| !self.unset.contains(key));
        self.owner_from = before.and_then(|before| owner(before, name));
        self.owner_to = owner(&after, name);
        let touched = self.set.keys().chain(&self.unset);
        let is_touched = touched
            .into_iter()
            .any(|key| key.as_str().eq_ignore_ascii_case(name));
        self.owner_changed = is_touched && (before.is_none() || self.owner_from != self.owner_to);
        self.owner_tag = owner_tag(&after, name).or_else(|| owner_tag(before?, name));
        Vec::new()
    }
}

impl Tell for KeyTagsChanged {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.protection_removed {
            Severity::High
        } else if self.owner_changed || !self.policy_conditions.is_empty() {
            Severity::Medium
        } else {
            Severity::Info
        }
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(if self.protection_removed {
            text!["the tag that protects the key is gone"]
        } else if self.owner_changed {
            text!["the owner gets the alerts about the key"]
        } else if !self.policy_conditions.is_empty() {
            text![
                "the key policy has conditions on ",
                list(&self.policy_conditions, 2)
            ]
        } else {
            text!["neither the owner tag nor a tag that the key policy asks for changed"]
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        match (&self.owner_from, &self.owner_to) {
            _ if self.protection_removed => text!["Protection of ", name, " removed"],
            _ if !self.owner_changed && !self.policy_conditions.is_empty() => {
                text![
                    "Tags of ",
                    name,
                    " changed; its policy has conditions on them"
                ]
            }
            _ if !self.owner_changed => text!["Tags of ", name, " changed"],
            (Some(from), Some(to)) => text!["Owner of ", name, " changed to ", to, " from ", from],
            (None, Some(to)) => text!["Owner of ", name, " is now ", to],
            (Some(from), None) => text!["Owner tag of ", name, " removed (was ", from, ")"],
            (None, None) => text!["Owner tag of ", name, " removed"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = self.protection_words();
        text.sentence(self.owner_words());
        if !self.policy_conditions.is_empty() {
            text.sentence(text![
                "The key policy has conditions on ",
                list(&self.policy_conditions, 6),
                ": who can use the key may have changed."
            ]);
        }
        let verb = if self.unset.is_empty() {
            " set tags of "
        } else {
            " removed tags of "
        };
        text.sentence(text![who(case), verb, case.name(), described(case), "."]);
        let changed = match self.compared_with {
            Some(_) => "Changed tags: ",
            None => "Tags that were set: ",
        };
        for (what, changes) in [
            ("New tags: ", &self.added),
            (changed, &self.changed),
            ("Removed tags: ", &self.removed),
        ] {
            if !changes.is_empty() {
                text.sentence(text![what, list(&Self::keys(changes), 8), "."]);
            }
        }
        if self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty() {
            text.sentence("All these tags had the same values before.");
        } else if self.policy_conditions.is_empty() {
            text.sentence("IAM policies with conditions on tags may now decide differently.");
        }
        text.sentence(state_if_off(case));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return Vec::new();
        }
        let mut steps: Vec<_> = self.protecting(case).into_iter().collect();
        steps.extend(self.undoing(case));
        if !self.policy_conditions.is_empty() {
            steps.extend(see_conditions(case));
        }
        steps
    }
}

impl KeyTagsChanged {
    /// Finds out whether the tag that protects the key is gone, and whether something else protects the key.
    fn protection_lost(&mut self, found: &Found<'_>, before: Option<&Tags>) {
        let protect = Untrusted::new(PROTECT_TAG);
        let is = |says: &Untrusted| says.as_str() == PROTECT_VALUE;
        let touched = self.set.get(&protect).map(Some);
        let touched = touched.or(self.unset.contains(&protect).then_some(None));
        // Of tags that are not known the worse is taken to be so.
        let was = before.is_none_or(has_tag);
        if was && touched.is_some_and(|says| !says.is_some_and(is)) {
            let aliases = found.profile.aliases.as_ref();
            let aliases = aliases.map(|known| known.value.as_slice());
            let protection = found.settings.protection;
            let left = found
                .subject
                .key()
                .map(|key| protection.ways(key, None, aliases));
            self.still_protected_by = left.and_then(|left| left.first().copied());
            self.protection_removed = self.still_protected_by.is_none();
        }
    }

    /// What the key loses with the tag that protects it.
    fn protection_words(&self) -> Text {
        if let Some(way) = self.still_protected_by {
            return text!["The key stays protected by ", way.words(), "."];
        }
        if !self.protection_removed {
            return Text::new();
        }
        let mut text = text![
            "The key no longer counts as protected: the tag ",
            PROTECT_TAG,
            " does not say \"",
            PROTECT_VALUE,
            "\" any more."
        ];
        text.sentence(if self.rescues {
            "KMS Watch no longer takes back what is done to the key. A deletion would now only be reported."
        } else {
            "Policies that protect keys with this tag no longer cover the key."
        });
        text
    }

    /// Sets the protecting tag again, where what it said is not known.
    fn protecting(&self, case: &Case<'_>) -> Option<Step> {
        let unknown = self.compared_with.is_none() && self.protection_removed;
        unknown.then(|| {
            let tags = format!("--tags TagKey={PROTECT_TAG},TagValue={PROTECT_VALUE}");
            let command = case.kms_command("tag-resource", &tags);
            undo(
                text!["Unless the owner planned this, set the tag again"],
                command,
            )
        })
    }

    /// Whose key it was and is, and which tag says so.
    fn owner_words(&self) -> Text {
        if !self.owner_changed {
            return Text::new();
        }
        let mut text = match (&self.owner_from, &self.owner_to) {
            (Some(from), Some(to)) => {
                text!["The owner of the key is now ", to, ", and was ", from, "."]
            }
            (None, Some(to)) if self.compared_with.is_none() => {
                text![
                    "The owner of the key is now ",
                    to,
                    ". The owner before is not known."
                ]
            }
            (None, Some(to)) => text![
                "The owner of the key is now ",
                to,
                ". No tag named one before."
            ],
            (Some(from), None) => text![
                "No tag names an owner of the key any more. The owner was ",
                from,
                "."
            ],
            (None, None) => {
                text!["The tag that names the owner was removed. The owner before is not known."]
            }
        };
        if let Some(tag) = &self.owner_tag {
            text.sentence(text![
                "KMS Watch reads the owner from the tag ",
                tag,
                ". Alert subscriptions filtered by owner follow this tag."
            ]);
        }
        if self.owner_from.is_some() {
            text.sentence("The former owner also gets the alerts about the key for 7 days.");
        }
        text
    }

    /// What brings the tags back as they were. The tags before are known, or were not there.
    fn undoing(&self, case: &Case<'_>) -> Vec<Step> {
        let changed = self.changed.iter().chain(&self.removed);
        let former: Vec<_> = changed
            .filter_map(|change| Some((&change.key, change.from.as_ref()?)))
            .collect();
        let mut steps = Vec::new();
        if !former.is_empty() {
            let tags: Option<Vec<_>> = former
                .iter()
                .map(|(key, value)| {
                    let plain = is_bare(key.as_str()) && is_bare(value.as_str());
                    plain.then(|| format!("TagKey={},TagValue={}", key.as_str(), value.as_str()))
                })
                .collect();
            let command = tags.filter(|tags| tags.len() <= AT_ONCE).and_then(|tags| {
                case.kms_command("tag-resource", &format!("--tags {}", tags.join(" ")))
            });
            let what = if self.owner_changed {
                "Unless the former owner handed the key over, set the former values again"
            } else {
                "Unless the change was planned, set the former values again"
            };
            steps.push(undo(text![what], command));
        }
        if !self.added.is_empty() {
            let keys: Option<Vec<_>> = self
                .added
                .iter()
                .map(|change| is_bare(change.key.as_str()).then(|| change.key.as_str()))
                .collect();
            let command = keys.filter(|keys| keys.len() <= AT_ONCE).and_then(|keys| {
                case.kms_command("untag-resource", &format!("--tag-keys {}", keys.join(" ")))
            });
            steps.push(undo(
                text!["Unless the change was planned, remove the new tags"],
                command,
            ));
        }
        steps
    }
}
