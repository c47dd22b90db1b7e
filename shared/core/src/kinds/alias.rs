//! What a key is called: applications find their key by an alias, so whoever moves it moves them.

use serde::Serialize;

use crate::arn::KeyArn;
use crate::facts::{PolicyOf, Reads};
use crate::kinds::access::{
    asked_conditions, is_about_aliases, is_usable, owner, policy_item, see_conditions, state_if_off,
};
use crate::kinds::case::{Case, RECENT_DAYS, look, undo};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, last_use, list, root, who};
use crate::ledger::alias::{is_alias, other_name};
use crate::ledger::{AliasTarget, Item, ItemKey};
use crate::protection::Protection;
use crate::severity::Severity;
use crate::step::Step;
use crate::subject::Subject;
use crate::text;
use crate::text::{Span, Text, Untrusted};

/// A key with what else it is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedKey {
    /// Key ARN.
    pub arn: KeyArn,
    /// Another alias of it, or its description.
    pub name: Option<Untrusted>,
}

impl NamedKey {
    /// `key 5f0c1b7e-… ("Card data")`.
    fn words(&self) -> Text {
        let mut text = text!["key ", Span::Own(self.arn.id().to_owned().into())];
        if let Some(name) = &self.name {
            text.push(text![" (\"", name.shortened(80), "\")"]);
        }
        text
    }

    /// `the key of alias/other`, or `key 5f0c1b7e`: for a title.
    fn short(&self) -> Text {
        match &self.name {
            Some(name) if is_alias(name.as_str()) => text!["the key of ", name],
            _ => text!["key ", short_id(&self.arn)],
        }
    }
}

/// The beginning of a key's id, for a title.
fn short_id(arn: &KeyArn) -> Span {
    Span::Own(arn.id().chars().take(8).collect::<String>().into())
}

/// `key 5f0c1b7e-…`, whole, with what else it is known by.
fn key_words(case: &Case<'_>) -> Text {
    case.key.map_or_else(Text::new, |key| {
        text!["key ", Span::Own(key.id.clone().into()), described(case)]
    })
}

/// The item of the alias, if it has a name that KMS would let it have, and that of the key's policy.
fn memory(alias: &Untrusted, subject: &Subject) -> Vec<ItemKey> {
    is_alias(alias.as_str())
        .then(|| AliasTarget::key(&subject.account_key(), alias.as_str()))
        .into_iter()
        .chain([policy_item(subject)])
        .collect()
}

/// That the policy goes by the key's names, so that this changes who may use it.
fn conditions_words(conditions: &[Untrusted]) -> Text {
    if conditions.is_empty() {
        return Text::new();
    }
    text![
        "The key policy has conditions on ",
        list(conditions, 2),
        ": who can use the key may have changed."
    ]
}

/// What a key loses with the alias that protected it.
fn unprotected_words(which: &'static str, rescues: bool) -> Text {
    let mut text = text![which, " no longer counts as protected."];
    if rescues {
        text.sentence("KMS Watch no longer takes back what is done to that key. A deletion would now only be reported.");
    }
    text
}

/// The key loses its protection with the alias. What is not known of the key does not protect it.
fn unprotects(alias: &Untrusted, found: &Found<'_>) -> bool {
    let (protection, profile) = (found.settings.protection, found.profile);
    let is_protected = |key: &KeyArn| {
        let names = profile.aliases.iter().flat_map(|known| &known.value);
        let names: Vec<_> = names.filter(|name| *name != alias).cloned().collect();
        let tags = profile.tags.as_ref().map(|known| &known.value);
        protection.is_protected(key, tags, Some(&names))
    };
    protection.is_of(alias.as_str()) && !found.subject.key().is_some_and(is_protected)
}

fn remembered(alias: &Untrusted, found: &Found<'_>) -> Option<AliasTarget> {
    let key = AliasTarget::key(&found.subject.account_key(), alias.as_str());
    found.item(&key).and_then(AliasTarget::read)
}

/// What the alias names from now on, unless something later is known.
fn remember(alias: &Untrusted, target: &AliasTarget, found: &Found<'_>) -> Vec<Item> {
    let late = remembered(alias, found).is_some_and(|known| known.as_of > target.as_of);
    if late || !is_alias(alias.as_str()) {
        return Vec::new();
    }
    vec![target.item(&found.subject.account_key(), alias.as_str(), found.now)]
}

fn target(alias: &Untrusted, found: &Found<'_>) -> Option<AliasTarget> {
    let key = found.subject.key()?;
    Some(AliasTarget::new(
        alias.as_str(),
        key,
        found.profile,
        found.at,
    ))
}

/// `aws kms <operation> --alias-name <alias> --target-key-id <key> --region <Region>`.
fn alias_command(operation: &str, alias: &Untrusted, key: &KeyArn) -> Option<String> {
    is_alias(alias.as_str()).then(|| {
        format!(
            "aws kms {operation} --alias-name {} --target-key-id {key} --region {}",
            alias.as_str(),
            key.region().as_str()
        )
    })
}

/// An alias names another key now.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AliasMoved {
    /// The alias.
    pub alias: Untrusted,
    /// The key that it named. CloudTrail does not say; `null` if the ledger does not know it either.
    pub from: Option<NamedKey>,
    /// The key that it names now.
    pub to: Option<NamedKey>,
    /// Condition keys of the key's policy that ask for its aliases: who may use the key has changed.
    pub policy_conditions: Vec<Untrusted>,
    /// The alias protected the key that it named. Whether a tag protects that key, too, is not known.
    pub protection_removed: bool,
    /// The alias protects the key that it names now.
    #[serde(skip)]
    protects: bool,
    /// The stack has a function that rescues protected keys.
    #[serde(skip)]
    rescues: bool,
}

impl AliasMoved {
    /// `alias` was moved; whence and where to is found out later.
    pub fn new(alias: Untrusted) -> Self {
        Self {
            alias,
            from: None,
            to: None,
            policy_conditions: Vec::new(),
            protection_removed: false,
            protects: false,
            rescues: false,
        }
    }

    /// Another alias, or the list, protects the key that it named.
    fn is_protected_otherwise(&self, protection: &Protection) -> bool {
        self.from.as_ref().is_some_and(|from| {
            let name = from.name.as_ref().map(std::slice::from_ref);
            protection.is_protected(&from.arn, None, name)
        })
    }

    /// It was put where it was.
    fn is_same(&self) -> bool {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => from.arn == to.arn,
            _ => false,
        }
    }
}

impl Ask for AliasMoved {
    fn reads_policy(&self) -> Option<PolicyOf> {
        Some(PolicyOf::Owner)
    }

    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        memory(&self.alias, subject)
    }
}

impl Learn for AliasMoved {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        self.policy_conditions = asked_conditions(found, is_about_aliases);
        self.to = found.subject.key().map(|arn| NamedKey {
            arn: arn.clone(),
            name: other_name(self.alias.as_str(), found.profile),
        });
        // What is known from later than this is not what was before.
        self.from = remembered(&self.alias, found)
            .filter(|known| known.as_of <= found.at)
            .and_then(|AliasTarget { key, name, .. }| Some(NamedKey { arn: key?, name }));
        let protection = found.settings.protection;
        self.protects = protection.is_of(self.alias.as_str()) && !self.is_same();
        self.protection_removed = self.protects && !self.is_protected_otherwise(protection);
        self.rescues = found.settings.rescues;
        target(&self.alias, found)
            .map(|target| remember(&self.alias, &target, found))
            .unwrap_or_default()
    }
}

impl AliasMoved {
    /// The new key cannot be used, as KMS says now.
    fn is_dead_end(case: &Case<'_>) -> bool {
        !is_usable(case)
    }
}

impl Tell for AliasMoved {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        if Self::is_dead_end(case) || self.protection_removed {
            Severity::High
        } else {
            Severity::Medium
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match case.state_now() {
            _ if case.gone => text!["KMS answers that the new key does not exist"],
            Some(state) if Self::is_dead_end(case) => text!["the new key is ", state],
            _ if self.is_same() => text!["the alias points to the same key as before"],
            _ if self.protection_removed => text!["the alias protected the old key"],
            _ => text!["applications that name the alias now use another key"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let to = match &self.to {
            Some(to) => to.short(),
            None => text!["another key"],
        };
        match case.state_now() {
            _ if case.gone => text![&self.alias, " now points to a key that KMS does not find"],
            Some(state) if state.is_pending_deletion() => {
                text![&self.alias, " now points to a key pending deletion"]
            }
            Some(state) if Self::is_dead_end(case) => {
                text![&self.alias, " now points to a key that is ", state]
            }
            _ if self.is_same() => text![&self.alias, " set again to the same key"],
            _ if self.protection_removed => {
                text![
                    &self.alias,
                    " now points to ",
                    to,
                    " and no longer protects the old key"
                ]
            }
            _ => text![&self.alias, " now points to ", to],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = Text::new();
        if Self::is_dead_end(case) {
            text.sentence("Applications that name the alias cannot use its new key.");
            text.sentence(state_if_off(case));
        } else if !self.is_same() {
            text.sentence("Applications that name the alias use the new key from now on.");
        }
        text.sentence(text![who(case), " moved ", &self.alias]);
        match &self.from {
            Some(from) => text.push(text![" from ", from.words()]),
            None => text.push(" from a key that is not known"),
        }
        if let Some(to) = &self.to {
            text.push(text![" to ", to.words()]);
        }
        text.push(".");
        if self.is_same() {
            text.sentence("The alias pointed to the same key before, so nothing changes.");
            return text;
        }
        if self.protection_removed {
            text.sentence(unprotected_words("The old key", self.rescues));
        }
        if self.protects {
            text.sentence("The new key counts as protected from now on.");
        }
        text.sentence(
            "Data encrypted under the old key stays readable while that key is usable. Calls that name the alias to \
             decrypt, verify or sign for the old key fail.",
        );
        text.sentence("Callers need permission for the new key.");
        text.sentence(conditions_words(&self.policy_conditions));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.is_same() {
            return Vec::new();
        }
        if let Some(from) = &self.from {
            return vec![undo(
                text![
                    "Unless ",
                    owner(case),
                    " wants the new key, point the alias back to the old one"
                ],
                alias_command("update-alias", &self.alias, &from.arn),
            )];
        }
        // CloudTrail names a key in these records, and the alias.
        let (alias, region) = (self.alias.as_str(), case.key.map(|key| key.arn.region()));
        let find = |operation: &str| {
            let region = region.filter(|_| is_alias(alias))?.as_str();
            Some(format!(
                "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue={operation} \
                 --query \"Events[?contains(CloudTrailEvent,'{alias}')].[EventTime,Username,join(' ',Resources[].ResourceName)]\" \
                 --output table --region {region}"
            ))
        };
        vec![
            look(
                text!["Find the old key: the UpdateAlias record before this one names it"],
                find("UpdateAlias"),
            ),
            look(
                text!["If there is none, the CreateAlias record names the old key"],
                find("CreateAlias"),
            ),
        ]
    }
}

/// A key got an alias.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AliasCreated {
    /// The alias.
    pub alias: Untrusted,
    /// Condition keys of the key's policy that ask for its aliases: who may use the key has changed.
    pub policy_conditions: Vec<Untrusted>,
    /// The alias protects the key.
    #[serde(skip)]
    protects: bool,
}

impl AliasCreated {
    /// What becomes of the policy is found out later.
    pub fn new(alias: Untrusted) -> Self {
        Self {
            alias,
            policy_conditions: Vec::new(),
            protects: false,
        }
    }
}

impl Ask for AliasCreated {
    fn reads_policy(&self) -> Option<PolicyOf> {
        Some(PolicyOf::Owner)
    }

    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        memory(&self.alias, subject)
    }
}

impl Learn for AliasCreated {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        self.protects = found.settings.protection.is_of(self.alias.as_str());
        self.policy_conditions = asked_conditions(found, is_about_aliases);
        target(&self.alias, found)
            .map(|target| remember(&self.alias, &target, found))
            .unwrap_or_default()
    }
}

impl Tell for AliasCreated {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.policy_conditions.is_empty() {
            Severity::Info
        } else {
            Severity::Medium
        }
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        reason_of(&self.policy_conditions)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![&self.alias, " created"];
        if let Some(key) = case.key {
            text.push(text![" for key ", short_id(&key.arn)]);
        }
        if !self.policy_conditions.is_empty() {
            text.push(", whose policy has conditions on aliases");
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " created ", &self.alias];
        if case.key.is_some() {
            text.push(text![" for ", key_words(case)]);
        }
        text.push(".");
        if self.protects {
            text.sentence("The key counts as protected from now on, by this alias.");
        }
        text.sentence(conditions_words(&self.policy_conditions));
        text.sentence(state_if_off(case));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.policy_conditions.is_empty() || case.gone {
            return Vec::new();
        }
        see_conditions(case).into()
    }
}

/// A key lost an alias.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AliasDeleted {
    /// The alias.
    pub alias: Untrusted,
    /// Condition keys of the key's policy that ask for its aliases: who may use the key has changed.
    pub policy_conditions: Vec<Untrusted>,
    /// The alias protected the key, and nothing else does, as far as that is known.
    pub protection_removed: bool,
    /// The stack has a function that rescues protected keys.
    #[serde(skip)]
    rescues: bool,
}

impl AliasDeleted {
    /// What becomes of the policy is found out later.
    pub fn new(alias: Untrusted) -> Self {
        Self {
            alias,
            policy_conditions: Vec::new(),
            protection_removed: false,
            rescues: false,
        }
    }
}

impl Ask for AliasDeleted {
    fn reads_policy(&self) -> Option<PolicyOf> {
        Some(PolicyOf::Owner)
    }

    // How urgent it is depends on it, and aliases are deleted seldom.
    fn reads(&self) -> Reads {
        Reads {
            rotation: false,
            last_use: true,
        }
    }

    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        memory(&self.alias, subject)
    }
}

impl Learn for AliasDeleted {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        self.policy_conditions = asked_conditions(found, is_about_aliases);
        self.protection_removed = unprotects(&self.alias, found);
        self.rescues = found.settings.rescues;
        remember(&self.alias, &AliasTarget::deleted(found.at), found)
    }
}

impl Tell for AliasDeleted {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        if self.protection_removed || case.used_within(RECENT_DAYS) {
            Severity::High
        } else if !self.policy_conditions.is_empty() {
            Severity::Medium
        } else {
            Severity::Low
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        if self.protection_removed {
            return Some(text!["the alias that protected the key is gone"]);
        }
        // Otherwise the key's last use is the reason.
        if case.used_within(RECENT_DAYS) {
            return None;
        }
        reason_of(&self.policy_conditions)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let in_use = if self.protection_removed {
            "; its key is no longer protected"
        } else if case.used_within(RECENT_DAYS) {
            "; its key is in use"
        } else {
            ""
        };
        text![&self.alias, " deleted", in_use]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text =
            text!["Applications that name the alias fail until somebody creates the alias again."];
        if self.protection_removed {
            text.sentence(unprotected_words("The key", self.rescues));
        }
        text.sentence(text![who(case), " deleted ", &self.alias]);
        if case.key.is_some() {
            text.push(text![" of ", key_words(case)]);
        }
        text.push(".");
        text.sentence(if case.gone {
            state_if_off(case)
        } else {
            last_use(case)
        });
        text.sentence("The key and its data stay as they were.");
        if !case.gone {
            text.sentence(state_if_off(case));
        }
        text.sentence(conditions_words(&self.policy_conditions));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let Some(key) = case.key.filter(|_| !case.gone) else {
            return Vec::new();
        };
        vec![undo(
            text![
                "Unless ",
                owner(case),
                " knows that nobody uses the alias, create the alias again"
            ],
            alias_command("create-alias", &self.alias, &key.arn),
        )]
    }
}

/// Why a change of a key's aliases counts, if its policy asks for them.
fn reason_of(conditions: &[Untrusted]) -> Option<Text> {
    (!conditions.is_empty())
        .then(|| text!["the key policy has conditions on ", list(conditions, 2)])
}
