//! What a key is called: applications find their key by an alias, so whoever moves it moves them.

use serde::Serialize;

use crate::arn::KeyArn;
use crate::facts::{PolicyOf, Reads};
use crate::kinds::access::{asked_conditions, is_about_aliases, policy_item, see_conditions};
use crate::kinds::case::{Case, RECENT_DAYS, look, undo};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, last_use, list, root, who};
use crate::ledger::alias::{is_alias, other_name};
use crate::ledger::{AliasTarget, Item, ItemKey};
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

    /// `the key of alias/other`, or `key 5f0c1b7e…`: for a title.
    fn short(&self) -> Text {
        match &self.name {
            Some(name) if is_alias(name.as_str()) => text!["the key of ", name],
            _ => {
                let id: String = self.arn.id().chars().take(12).collect();
                let cut = if self.arn.id().len() > 12 { "…" } else { "" };
                text!["key ", Span::Own(id.into()), cut]
            }
        }
    }
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
        "The key policy asks for ",
        list(conditions, 2),
        ", so this changes who may use the key."
    ]
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
}

impl AliasMoved {
    /// `alias` was moved; whence and where to is found out later.
    pub fn new(alias: Untrusted) -> Self {
        Self {
            alias,
            from: None,
            to: None,
            policy_conditions: Vec::new(),
        }
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
        target(&self.alias, found)
            .map(|target| remember(&self.alias, &target, found))
            .unwrap_or_default()
    }
}

impl Tell for AliasMoved {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn title(&self, _: &Case<'_>) -> Text {
        let mut text = text![&self.alias];
        if self.is_same() {
            text.push(" was pointed once more at the key that it names");
            return text;
        }
        text.push(" was moved");
        if let Some(from) = &self.from {
            text.push(text![" from ", from.short()]);
        }
        match &self.to {
            Some(to) => text.push(text![" to ", to.short()]),
            None => text.push(" to another key"),
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " moved ", &self.alias];
        match &self.from {
            Some(from) => text.push(text![" from ", from.words()]),
            None => text.push(" from a key that is not known"),
        }
        if let Some(to) = &self.to {
            text.push(text![" to ", to.words()]);
        }
        text.push(".");
        if self.is_same() {
            text.sentence("That is the key it named before, so nothing changes.");
            return text;
        }
        if self.from.is_none() {
            text.sentence(
                "CloudTrail records only the new key, and KMS Watch had not seen the alias before, or has no ledger.",
            );
        }
        text.sentence(
            "Whoever uses the key by this alias works with the new key from now on. Data that was encrypted with a \
             symmetric key stays readable as long as the old key lives, for its ciphertext finds it; but whoever \
             decrypts while naming the alias, and whoever signs, verifies or makes HMACs by it, fails on what the old \
             key made.",
        );
        text.sentence(
            "Permissions of the old key do not come along: callers need those of the new one.",
        );
        text.sentence(conditions_words(&self.policy_conditions));
        if case.gone {
            text.sentence("KMS does not know the new key.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(from) = self.from.as_ref().filter(|_| !self.is_same()) {
            steps.push(look(
                text!["Move it back, unless the new key is meant"],
                alias_command("update-alias", &self.alias, &from.arn),
            ));
        } else if self.from.is_none() {
            // The alias is the resource that the earlier records share.
            let (alias, region) = (self.alias.as_str(), case.key.map(|key| key.arn.region()));
            let command = region.filter(|_| is_alias(alias)).map(|region| {
                format!(
                    "aws cloudtrail lookup-events --lookup-attributes \
                     AttributeKey=EventName,AttributeValue=CreateAlias --max-results 50 --region {}",
                    region.as_str()
                )
            });
            steps.push(look(
                text!["Find the key that it named: the record of its creation or last move has it"],
                command,
            ));
        }
        steps
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
}

impl AliasCreated {
    /// What becomes of the policy is found out later.
    pub fn new(alias: Untrusted) -> Self {
        Self {
            alias,
            policy_conditions: Vec::new(),
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

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![&self.alias, " was created"];
        if let Some(key) = case.key {
            text.push(text![" for key ", Span::Own(key.id.clone().into())]);
        }
        if !self.policy_conditions.is_empty() {
            text.push(", whose policy goes by its names");
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " created ", &self.alias];
        if let Some(key) = case.key {
            text.push(text![
                " for key ",
                Span::Own(key.id.clone().into()),
                described(case)
            ]);
        }
        text.push(".");
        text.sentence(conditions_words(&self.policy_conditions));
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
}

impl AliasDeleted {
    /// What becomes of the policy is found out later.
    pub fn new(alias: Untrusted) -> Self {
        Self {
            alias,
            policy_conditions: Vec::new(),
        }
    }
}

impl AliasDeleted {
    /// What the key is called now, if that is not the alias itself, which KMS may still list for some seconds.
    fn key_words(case: &Case<'_>) -> Text {
        case.key.map_or_else(Text::new, |key| {
            text!["key ", Span::Own(key.id.clone().into()), described(case)]
        })
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
        remember(&self.alias, &AliasTarget::deleted(found.at), found)
    }
}

impl Tell for AliasDeleted {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        if case.used_within(RECENT_DAYS) {
            Severity::High
        } else if !self.policy_conditions.is_empty() {
            Severity::Medium
        } else {
            Severity::Low
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let in_use = if case.used_within(RECENT_DAYS) {
            " from a key that is in use"
        } else {
            ""
        };
        text![&self.alias, " was deleted", in_use]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " deleted ", &self.alias];
        if case.key.is_some() {
            text.push(text![", a name of ", Self::key_words(case)]);
        }
        text.push(".");
        text.sentence(
            "The key itself is as it was, and so is what it encrypted. But whoever names it by this alias fails until \
             the alias is there again.",
        );
        text.sentence(if case.gone {
            text!["KMS does not know the key any more."]
        } else {
            last_use(case)
        });
        text.sentence(conditions_words(&self.policy_conditions));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let Some(key) = case.key.filter(|_| !case.gone) else {
            return Vec::new();
        };
        vec![undo(
            text!["Undo, unless nobody uses the name"],
            alias_command("create-alias", &self.alias, &key.arn),
        )]
    }
}
