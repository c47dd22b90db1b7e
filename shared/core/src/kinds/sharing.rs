//! A key is shared by AWS RAM, or no longer: access beside its owner's policy and beside grants, in a second policy that RAM
//! writes (KMS API Reference, GetKeyPolicy, on the policy `AWS_RAM`).

use std::collections::BTreeSet;

use serde::Serialize;

use crate::event::ShareEvent;
use crate::facts::PolicyOf;
use crate::kinds::access::{
    judge_alone, owner, see_uses, short_principal, state_if_off, stop_all_use,
};
use crate::kinds::case::{Case, ask, contain, look};
use crate::kinds::describe::{Ask, Found, Identify, Identity, Learn, Tell};
use crate::kinds::words::{described, list, root, who};
use crate::ledger::Item;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Most principals that the details list.
const LISTED: usize = 64;
/// Most principals that a sentence names.
const NAMED: usize = 6;

const SEE_POLICY: &str = "--policy-name AWS_RAM --query Policy --output text";

/// A key was put into a resource share, or the share got other principals or another permission.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyShared {
    /// The ARN of the resource share.
    pub share: Option<Untrusted>,
    /// Its name.
    pub share_name: Option<Untrusted>,
    /// With whom, as the event tells: accounts, organisations and their units, roles, users, services.
    pub principals: Vec<Untrusted>,
    /// Accounts and organisations that are let in and are neither the owner's nor trusted.
    pub foreign: Vec<Untrusted>,
    /// Everybody in every AWS account is let in. `null` if that cannot be told.
    pub public: Option<bool>,
    /// Other keys of which the same event tells.
    pub other_keys: Vec<Untrusted>,
    /// Why the policy that RAM wrote could not be read.
    pub unreadable: Option<Untrusted>,
    #[serde(skip)]
    told: Told,
    /// Whom the event and the policy name could be told.
    #[serde(skip)]
    known: bool,
}

/// What of the event is no detail.
#[derive(Clone, Debug, Default)]
struct Told {
    /// The ARN of the share, fit for a command.
    share: Option<String>,
    /// RAM told it, and its status: such events come with best effort, and more than once.
    by_ram: Option<String>,
}

impl KeyShared {
    /// What an event says.
    pub fn told(event: &ShareEvent) -> Self {
        let others = event.keys.iter().skip(1);
        Self {
            share: event.share.as_deref().map(Untrusted::new),
            share_name: event.name.clone(),
            principals: event.principals.clone(),
            other_keys: others.map(|key| Untrusted::new(&key.to_string())).collect(),
            told: Told::of(event),
            ..Self::default()
        }
    }

    /// How it stands with the access, whoever arranged it.
    pub(super) fn standing(&self) -> Text {
        text![
            "AWS RAM shares it with ",
            self.whom(NAMED),
            ". The access is in a second policy of the key, AWS_RAM. The key policy and the list of grants do not show it."
        ]
    }

    /// With whom, in words: strangers first.
    fn whom(&self, most: usize) -> Text {
        if self.public == Some(true) {
            text!["every AWS account"]
        } else if !self.foreign.is_empty() {
            list(&self.foreign, most)
        } else if !self.principals.is_empty() {
            list(&self.principals, most)
        } else {
            text!["unknown principals"]
        }
    }

    /// Whoever the key is shared with is known, and none of them is a stranger.
    fn is_trusted(&self) -> bool {
        self.known
            && self.public != Some(true)
            && self.foreign.is_empty()
            && self.unreadable.is_none()
    }
}

impl Told {
    fn of(event: &ShareEvent) -> Self {
        let by_ram = event.record.is_none().then(|| {
            let share = event.share.as_deref().unwrap_or_default();
            format!("{share} {}", event.what.as_str())
        });
        Self {
            share: event.share.clone(),
            by_ram,
        }
    }

    fn identity(&self) -> Identity {
        self.by_ram.clone().map_or(Identity::Call, Identity::Hour)
    }

    /// Lists what is in the share.
    fn list_resources(&self) -> Option<String> {
        let share = self.share.as_ref()?;
        let region = share.split(':').nth(3)?;
        Some(format!(
            "aws ram list-resources --resource-owner SELF --resource-share-arns {share} --region {region}"
        ))
    }

    /// Takes the key out of the share.
    fn disassociate(&self, case: &Case<'_>) -> Option<String> {
        let (key, share) = (&case.key?.arn, self.share.as_ref()?);
        Some(format!(
            "aws ram disassociate-resource-share --resource-share-arn {share} --resource-arns {key} --region {}",
            key.region().as_str()
        ))
    }
}

impl Identify for KeyShared {
    fn identity(&self) -> Identity {
        self.told.identity()
    }
}

impl Ask for KeyShared {
    fn names_strangers(&self) -> bool {
        !self.foreign.is_empty() || self.public == Some(true)
    }

    fn reads_policy(&self) -> Option<PolicyOf> {
        Some(PolicyOf::Ram)
    }
}

impl Learn for KeyShared {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let settings = found.settings;
        let own = found.subject.account().as_str();
        let trusts = |account: &str| {
            let mut trusted = settings.trusted_accounts.iter();
            account == own || trusted.any(|trusted| trusted.as_str() == account)
        };
        let mut foreign = BTreeSet::new();
        for principal in &self.principals {
            let text = principal.as_str();
            // For a service of AWS the share is no way out of the account by itself.
            let is_service = text.ends_with(".amazonaws.com");
            let is_ours = match organization(text) {
                Some(id) => settings.trusted_organizations.contains(id),
                None => is_service || account_of(text).is_some_and(trusts),
            };
            if !is_ours {
                foreign.insert(principal.clone());
            }
        }
        self.known = !self.principals.is_empty();
        if let Some(text) = found.policy {
            let judged = judge_alone(text, found);
            self.public = judged.public;
            self.known |= judged.unreadable.is_none();
            self.unreadable = judged.unreadable;
            foreign.extend(judged.foreign);
            foreign.extend(judged.foreign_others);
        }
        self.foreign = foreign.into_iter().take(LISTED).collect();
        Vec::new()
    }
}

impl Tell for KeyShared {
    fn severity(&self, case: &Case<'_>) -> Severity {
        match (self.public, self.is_trusted()) {
            (Some(true), _) => Severity::Critical,
            (_, true) => Severity::Info,
            // Whether a key is in the share at all, such an event does not tell.
            (_, false) if case.key.is_none() => Severity::Medium,
            (_, false) => Severity::High,
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match self.public {
            Some(true) => text!["the share is open to every AWS account"],
            _ if self.is_trusted() => text!["everybody whom the share allows is trusted"],
            _ if case.key.is_none() => {
                text!["the event does not show whether a key is in the share"]
            }
            _ if !self.foreign.is_empty() => {
                text!["KMS Watch is not told to trust ", list(&self.foreign, 2)]
            }
            _ => text!["it is not known who can use the key"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let short: Vec<_> = self.foreign.iter().map(short_principal).collect();
        let whom = if self.public == Some(true) || short.is_empty() {
            self.whom(1)
        } else {
            list(&short, 1)
        };
        match case.key {
            Some(_) => text![case.name(), " shared with ", whom, " (AWS RAM)"],
            None => text!["AWS RAM share opened to ", whom, "; keys unknown"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match case.key {
            Some(_) => text![
                case.name(),
                described(case),
                " is shared by AWS RAM with ",
                self.whom(NAMED),
                "."
            ],
            None => text![
                "A resource share of AWS RAM is open to ",
                self.whom(NAMED),
                ". The event does not name a key."
            ],
        };
        if let Some(why) = &self.unreadable {
            text.sentence(text![
                "KMS Watch cannot read all of the policy AWS_RAM of the key (",
                why,
                ")."
            ]);
        }
        text.sentence(state_if_off(case));
        text.sentence(text![who(case), " changed the share"]);
        if let Some(name) = &self.share_name {
            text.push(text![" \"", name, "\""]);
        }
        text.push(".");
        if case.key.is_some() {
            text.sentence(
                "The access is in a second policy of the key, AWS_RAM. The key policy and the list of grants do not \
                 show it.",
            );
        }
        if !self.other_keys.is_empty() {
            text.sentence(text![
                "The same call also shares ",
                list(&self.other_keys, NAMED),
                "."
            ]);
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone || self.severity(case) == Severity::Info {
            return Vec::new();
        }
        if case.key.is_none() {
            return vec![look(
                text!["List the resources in the share, and look for keys"],
                self.told.list_resources(),
            )];
        }
        let take_out = self
            .told
            .disassociate(case)
            .map(|command| contain(text!["Take the key out of the share"], Some(command)));
        let stop = || stop_all_use(case);
        let mut steps: Vec<_> = take_out.or_else(stop).into_iter().collect();
        steps.push(look(
            text!["Read what the share allows"],
            case.kms_command("get-key-policy", SEE_POLICY),
        ));
        steps.push(see_uses(case));
        let question = if self.public == Some(true) || !self.foreign.is_empty() {
            text![" why ", self.whom(2), " must use the key"]
        } else {
            text![" who must use the key"]
        };
        steps.push(ask(text![
            "Before you share the key again, ask ",
            owner(case),
            question
        ]));
        steps
    }
}

/// A key was taken out of a resource share, or the share lost principals or is gone.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyShareEnded {
    /// The ARN of the resource share.
    pub share: Option<Untrusted>,
    /// Whose access ended, as the event tells; empty: that of all.
    pub principals: Vec<Untrusted>,
    /// Other keys of which the same event tells.
    pub other_keys: Vec<Untrusted>,
    #[serde(skip)]
    told: Told,
}

impl KeyShareEnded {
    /// What an event says.
    pub fn told(event: &ShareEvent) -> Self {
        let others = event.keys.iter().skip(1);
        Self {
            share: event.share.as_deref().map(Untrusted::new),
            principals: event.principals.clone(),
            other_keys: others.map(|key| Untrusted::new(&key.to_string())).collect(),
            told: Told::of(event),
        }
    }
}

impl Identify for KeyShareEnded {
    fn identity(&self) -> Identity {
        self.told.identity()
    }
}

impl Tell for KeyShareEnded {
    fn severity(&self, case: &Case<'_>) -> Severity {
        if case.key.is_some() {
            Severity::Low
        } else {
            Severity::Info
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match case.key {
            Some(_) => text!["access to the key ended, and nothing was opened"],
            None => text!["the event does not show whether a key was in the share"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        match case.key {
            Some(_) => text![case.name(), " no longer shared (AWS RAM)"],
            None => text!["AWS RAM share ended; keys unknown"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match (case.key, self.principals.is_empty()) {
            (Some(_), true) => text![
                "Whoever used ",
                case.name(),
                described(case),
                " through this share alone lost access."
            ],
            (None, true) => {
                text!["A resource share of AWS RAM ended. The event does not name a key."]
            }
            (Some(_), false) => text![
                list(&self.principals, NAMED),
                " lost access to ",
                case.name(),
                described(case),
                " through this share."
            ],
            (None, false) => text![
                list(&self.principals, NAMED),
                " left a resource share of AWS RAM. The event does not name a key."
            ],
        };
        text.sentence(text![who(case), " changed the share."]);
        text.sentence(state_if_off(case));
        text.sentence(root(case));
        text
    }
}

/// The account that a principal is of: an id of twelve digits, or that in an ARN.
fn account_of(principal: &str) -> Option<&str> {
    let is_id = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(principal)
        .filter(is_id)
        .or_else(|| principal.split(':').nth(4).filter(is_id))
}

/// The id of the organisation that a principal is, or that a unit is of
/// (`arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-…`).
fn organization(principal: &str) -> Option<&str> {
    let resource = principal.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    let service = principal.split(':').nth(2)?;
    let id = resource.split('/').find(|part| part.starts_with("o-"));
    id.filter(|_| service == "organizations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_of_an_account_or_an_organisation() {
        for (principal, account) in [
            ("444455556666", Some("444455556666")),
            ("arn:aws:iam::444455556666:role/r", Some("444455556666")),
            ("4444", None),
            ("arn:aws:iam::x:role/r", None),
        ] {
            assert_eq!(account_of(principal), account, "{principal}");
        }
        let unit = "arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-11111111";
        assert_eq!(organization(unit), Some("o-a1b2c3d4e5"));
        let role = "arn:aws:iam::444455556666:role/o-a1b2c3d4e5";
        assert_eq!(organization(role), None);
    }
}
