//! Who may use a key: its policy, read and compared, when it is set, changed, or given to a replica.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use watch_policy::{Change, Context, Diff, Effect, MAX_BYTES, Policy as KeyPolicy};

use super::words::{CONFIRM, described, list, root, who};
use super::{Case, Describe, Found, step};
use crate::about::Key;
use crate::answers::Metadata;
use crate::arn::KeyArn;
use crate::facts::Reads;
use crate::key::Origin;
use crate::ledger::{Item, ItemKey, Policy};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Most accounts, and most services, that the details list.
const LISTED: usize = 100;
/// Longest value of a policy in the details, in characters.
const VALUE: usize = 256;
/// What the changes on each side may take of a message, in bytes.
const CHANGES: usize = 24 * 1024;
/// Most changes that are told in words on each side; the details have more.
const TOLD: usize = 4;
/// Most actions of a change that are told in words.
const TOLD_ACTIONS: usize = 6;

const READS: Reads = Reads {
    rotation: false,
    last_use: false,
};

/// What a principal was given, or what was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessChange {
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// `everybody`, an ARN, an account's id, a service.
    pub principal: Untrusted,
    /// `kms:Decrypt`, `kms:Get*`, `everything but kms:ScheduleKeyDeletion`.
    pub actions: Vec<Untrusted>,
    /// How many actions are not listed.
    pub more_actions: u64,
    /// `if kms:ViaService is s3.us-east-1.amazonaws.com`.
    pub condition: Option<Untrusted>,
    /// For what was removed: what is left to the principal under the same condition.
    pub left: Vec<Untrusted>,
}

impl From<&Change> for AccessChange {
    fn from(change: &Change) -> Self {
        let values = |values: &[String]| -> Vec<Untrusted> {
            values.iter().map(|value| value_of(value)).collect()
        };
        Self {
            effect: match change.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            },
            principal: value_of(&change.principal),
            actions: values(&change.actions),
            more_actions: change.more_actions as u64,
            condition: change.condition.as_deref().map(value_of),
            left: values(&change.left),
        }
    }
}

impl AccessChange {
    /// `<principal> may now kms:Decrypt, if …`.
    fn words(&self, verb: &'static str) -> Text {
        let mut text = text![&self.principal, verb, list(&self.actions, TOLD_ACTIONS)];
        if self.more_actions > 0 {
            text.push(" and more");
        }
        if let Some(condition) = &self.condition {
            text.push(text![", ", condition]);
        }
        if !self.left.is_empty() {
            text.push(text![
                " (what is left: ",
                list(&self.left, TOLD_ACTIONS),
                ")"
            ]);
        }
        text.push(".");
        text
    }

    fn is_allow(&self) -> bool {
        self.effect == "Allow"
    }
}

fn value_of(raw: &str) -> Untrusted {
    Untrusted::bounded(raw, VALUE)
}

/// As many changes as a message bears, and whether that is all of them.
fn changes(changes: &[Change]) -> (Vec<AccessChange>, bool) {
    let mut left = CHANGES;
    let mut kept = Vec::new();
    for change in changes.iter().map(AccessChange::from) {
        let size = serde_json::to_string(&change).map_or(usize::MAX, |json| json.len());
        let Some(rest) = left.checked_sub(size) else {
            return (kept, false);
        };
        left = rest;
        kept.push(change);
    }
    (kept, true)
}

/// What a policy says as it stands. `None` where that is not known for sure.
#[derive(Clone, Debug, Default)]
struct Judged {
    public: Option<bool>,
    foreign: Vec<Untrusted>,
    lockout: Option<bool>,
    delegates: Option<bool>,
    open_services: Vec<Untrusted>,
    open_via: Vec<Untrusted>,
    unreadable: Option<Untrusted>,
    bounded: bool,
}

fn unreadable(why: &str) -> Judged {
    Judged {
        unreadable: Some(Untrusted::new(why)),
        ..Judged::default()
    }
}

fn judge(policy: &KeyPolicy, context: &Context<'_>) -> Judged {
    let found = policy.assess(context);
    let sure = found.unreadable == 0;
    let values = |set: &BTreeSet<String>| -> Vec<Untrusted> {
        set.iter()
            .take(LISTED)
            .map(|value| value_of(value))
            .collect()
    };
    let sets = [
        &found.foreign_accounts,
        &found.open_services,
        &found.open_via,
    ];
    Judged {
        // What can be read may be enough to be sure.
        public: (sure || found.public).then_some(found.public),
        foreign: values(&found.foreign_accounts),
        lockout: sure.then_some(found.lockout),
        delegates: sure.then_some(found.delegates_to_iam),
        open_services: values(&found.open_services),
        open_via: values(&found.open_via),
        unreadable: (!sure).then(|| match found.unreadable {
            1 => Untrusted::new("one statement is not of the documented form"),
            count => Untrusted::new(&format!(
                "{count} statements are not of the documented form"
            )),
        }),
        bounded: sets.iter().any(|set| set.len() > LISTED),
    }
}

/// Judges a policy for the owner of the key, whose own and trusted accounts are not foreign.
fn with_context<T>(found: &Found<'_>, judge: impl FnOnce(&Context<'_>) -> T) -> T {
    let trusted: Vec<&str> = found
        .settings
        .trusted_accounts
        .iter()
        .map(|account| account.as_str())
        .collect();
    judge(&Context {
        account: found.subject.account().as_str(),
        trusted_accounts: &trusted,
    })
}

/// What a policy says for which there is nothing to compare.
fn judge_alone(text: &str, found: &Found<'_>) -> Judged {
    match KeyPolicy::parse(text) {
        Ok(policy) => with_context(found, |context| judge(&policy, context)),
        Err(error) => unreadable(&error.to_string()),
    }
}

/// What is written of a policy: as the last one, unless a later one is known, and the one before, to put it back.
fn remember(
    found: &Found<'_>,
    text: &str,
    as_of: Timestamp,
    remembered: Option<&Policy>,
) -> Vec<Item> {
    let partition = found.subject.partition_key();
    let is_late = remembered.is_some_and(|known| known.as_of > as_of);
    if is_late || text.len() > MAX_BYTES {
        return Vec::new();
    }
    let last = Policy {
        policy: text.to_owned(),
        as_of,
    };
    let replaced = remembered.filter(|known| known.policy != text);
    let mut items = vec![last.item(&partition)];
    items.extend(replaced.map(|known| known.replaced_item(&partition, found.now)));
    items
}

fn remembered(found: &Found<'_>) -> Option<Policy> {
    let key = Policy::key(&found.subject.partition_key());
    found.item(&key).and_then(Policy::read)
}

/// Reads an item of the ledger into a file, for a policy that is too long for a mail.
fn fetch_command(found: &Found<'_>, policy: &Policy) -> Option<String> {
    let table = found.settings.ledger_table?;
    let is_safe = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    let key = policy.replaced_key(&found.subject.partition_key());
    let region = found.settings.region.as_str();
    table.bytes().all(is_safe).then(|| {
        format!(
            "aws dynamodb get-item --table-name {table} --key '{{\"pk\":{{\"S\":\"{}\"}},\"sk\":{{\"S\":\"{}\"}}}}' \
             --query Item.policy.S --output text --region {region} > key-policy.json",
            key.partition, key.sort
        )
    })
}

const PUT_BACK: &str = "--policy-name default --policy file://key-policy.json";
const SEE_POLICY: &str = "--policy-name default --query Policy --output text";

/// What KMS says now, against what the event set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    /// The one before.
    Before,
    /// Another one.
    Another,
}

/// Somebody set the key policy.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyPolicyChanged {
    /// What the new policy says and the one before did not; all that it says if none before is known.
    pub added: Vec<AccessChange>,
    /// What the policy before said and the new one does not.
    pub removed: Vec<AccessChange>,
    /// Everybody in every AWS account is let in. `null` if that cannot be told.
    pub public: Option<bool>,
    /// Accounts that are let in, other than the owner and the trusted ones.
    pub foreign_accounts: Vec<Untrusted>,
    /// Those of them that have more access than before, or of which that is not known.
    pub gained_accounts: Vec<Untrusted>,
    /// Nobody of the account may change the policy any more. `null` if that cannot be told.
    pub lockout: Option<bool>,
    /// Services that are let in whatever the account or resource is that they work for.
    pub open_services: Vec<Untrusted>,
    /// Services through which everybody in every account may use the key.
    pub open_via: Vec<Untrusted>,
    /// IAM policies of the account decide too. `null` if that cannot be told.
    pub delegates_to_iam: Option<bool>,
    /// They did before, and do not any more.
    pub lost_delegation: bool,
    /// The call asked KMS not to check that somebody can still change the policy.
    pub bypassed_lockout_check: bool,
    /// Why the policy could not be read, or not all of it.
    pub unreadable: Option<Untrusted>,
    /// Since when the policy was known with which this one is compared.
    pub compared_with: Option<Timestamp>,
    /// There is more than is listed here.
    pub bounded: bool,
    /// The policy that was asked for, if the record has it.
    #[serde(skip)]
    policy: Option<String>,
    /// A policy that is later than this one is known.
    #[serde(skip)]
    later: Option<Timestamp>,
    #[serde(skip)]
    now: Option<Now>,
    /// How to fetch the policy before.
    #[serde(skip)]
    fetch: Option<String>,
}

impl KeyPolicyChanged {
    /// What a record of `PutKeyPolicy` says.
    pub fn asked_for(policy: Option<&str>, bypassed_lockout_check: bool) -> Self {
        Self {
            policy: policy.map(str::to_owned),
            bypassed_lockout_check,
            ..Self::default()
        }
    }

    fn take(&mut self, judged: Judged) {
        self.public = judged.public;
        self.foreign_accounts = judged.foreign;
        self.lockout = judged.lockout;
        self.delegates_to_iam = judged.delegates;
        self.open_services = judged.open_services;
        self.open_via = judged.open_via;
        self.unreadable = judged.unreadable;
        self.bounded = judged.bounded;
    }

    fn compare(&mut self, after: &KeyPolicy, before: Option<&KeyPolicy>, context: &Context<'_>) {
        self.take(judge(after, context));
        let diff = Diff::between(before, after);
        let (added, all_added) = changes(&diff.added);
        let (removed, all_removed) = changes(&diff.removed);
        (self.added, self.removed) = (added, removed);
        let more_actions = |change: &AccessChange| change.more_actions > 0;
        self.bounded |= diff.more > 0
            || !(all_added && all_removed)
            || self.added.iter().chain(&self.removed).any(more_actions);
        let mut gained = diff.gained_foreign(context);
        gained.extend(diff.widened_foreign(context));
        self.gained_accounts = gained.iter().take(LISTED).map(|it| value_of(it)).collect();
        self.lost_delegation = self.delegates_to_iam == Some(false)
            && before.is_some_and(|before| before.assess(context).delegates_to_iam);
    }

    fn is_public(&self) -> bool {
        self.public == Some(true)
    }

    fn is_lockout(&self) -> bool {
        self.lockout == Some(true)
    }

    fn verdicts(&self, case: &Case<'_>) -> Text {
        let mut text = Text::new();
        if self.is_public() {
            text.sentence(
                "The policy is PUBLIC: it lets in everybody in every AWS account, without a condition that keeps \
                 anybody out.",
            );
        }
        if self.is_lockout() {
            text.sentence(
                "Nobody of the account may change the policy any more: only AWS Support can make the key manageable \
                 again.",
            );
        }
        if let Some(why) = &self.unreadable {
            text.sentence(text![
                "The policy could not be read, or not all of it (",
                why,
                "), so nothing about it is known to be safe."
            ]);
        }
        if !self.gained_accounts.is_empty() {
            let accounts = list(&self.gained_accounts, 6);
            let plural = self.gained_accounts.len() > 1;
            text.sentence(match (self.compared_with, plural) {
                (Some(_), false) => text!["The foreign account ", accounts, " gains access."],
                (Some(_), true) => text!["The foreign accounts ", accounts, " gain access."],
                (None, false) => text!["The foreign account ", accounts, " has access."],
                (None, true) => text!["The foreign accounts ", accounts, " have access."],
            });
        }
        if self.lost_delegation {
            text.sentence(
                "IAM policies of the account no longer give access to the key: whoever the key policy does not name is \
                 locked out, administrators included.",
            );
        } else if self.delegates_to_iam == Some(false) && self.compared_with.is_none() {
            text.sentence("IAM policies of the account give no access to the key.");
        }
        if self.bypassed_lockout_check {
            text.sentence(
                "The call told KMS to skip its check that somebody can still change the policy \
                 (BypassPolicyLockoutSafetyCheck).",
            );
        }
        if !self.open_via.is_empty() {
            text.sentence(text![
                "Everybody in every AWS account may use the key through ",
                list(&self.open_via, 6),
                "."
            ]);
        }
        if !self.open_services.is_empty() {
            text.sentence(text![
                "Let in for whatever account or resource, without a condition on the source: ",
                list(&self.open_services, 6),
                "."
            ]);
        }
        text.sentence(root(case));
        text
    }

    fn comparison(&self) -> Text {
        let mut text = Text::new();
        let nothing = self.added.is_empty() && self.removed.is_empty() && !self.bounded;
        match (self.compared_with, self.later) {
            _ if self.unreadable.is_some() && self.added.is_empty() && self.removed.is_empty() => {}
            (Some(at), _) if nothing => {
                return text![
                    "It allows and denies the same as the policy before, which is known since ",
                    at,
                    "."
                ];
            }
            (Some(at), _) => text.sentence(text![
                "Against the policy before, which is known since ",
                at,
                ":"
            ]),
            (None, Some(later)) => text.sentence(text![
                "This was told late: a policy of ",
                later,
                " is known already, so what this one changed cannot be said. It gave all this:"
            ]),
            (None, None) => text.sentence(
                "The policy before is not known, so what changed cannot be said. The new one gives all this:",
            ),
        }
        for change in self.added.iter().take(TOLD) {
            let verb = match (change.is_allow(), self.compared_with) {
                (true, Some(_)) => " may now ",
                (true, None) => " may ",
                (false, Some(_)) => " is now denied ",
                (false, None) => " is denied ",
            };
            text.sentence(change.words(verb));
        }
        for change in self.removed.iter().take(TOLD) {
            let verb = if change.is_allow() {
                " may no longer "
            } else {
                " is no longer denied "
            };
            text.sentence(change.words(verb));
        }
        let more = self.added.len().saturating_sub(TOLD) + self.removed.len().saturating_sub(TOLD);
        if self.bounded {
            text.sentence("There are more changes than could be listed: read the whole policy.");
        } else if more > 0 {
            text.sentence(text!["Changes not told here: ", more, "."]);
        }
        text
    }
}

impl Describe for KeyPolicyChanged {
    const NAME: &'static str = "KeyPolicyChanged";
    const READS: Reads = READS;
    // Also where the record has the policy: it costs no time beside the other reads, and tells whether another has
    // replaced it since.
    const READS_POLICY: bool = true;

    fn memories(&self, subject: &crate::subject::Subject) -> Vec<ItemKey> {
        vec![Policy::key(&subject.partition_key())]
    }

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let known = remembered(found);
        self.later = known
            .as_ref()
            .map(|it| it.as_of)
            .filter(|it| *it > found.at);
        let before = known.as_ref().filter(|_| self.later.is_none());
        let read = before.and_then(|before| KeyPolicy::parse(&before.policy).ok());
        self.compared_with = before.filter(|_| read.is_some()).map(|before| before.as_of);
        let asked_for = self.policy.take();
        // What KMS has now is at least as young as its answer.
        let (text, as_of) = match (&asked_for, found.policy) {
            (Some(text), _) => (text.as_str(), found.at),
            (None, Some(text)) => (text, found.now),
            (None, None) => {
                self.take(unreadable("neither CloudTrail nor KMS tells it"));
                return Vec::new();
            }
        };
        match KeyPolicy::parse(text) {
            Ok(after) => {
                with_context(found, |context| {
                    self.compare(&after, read.as_ref(), context)
                });
                let live = found.policy.filter(|_| asked_for.is_some());
                let live = live.and_then(|live| KeyPolicy::parse(live).ok());
                let same =
                    |one: &KeyPolicy, other: &KeyPolicy| Diff::between(Some(one), other).is_empty();
                self.now = live.filter(|live| !same(live, &after)).map(|live| {
                    let restored = read.as_ref().is_some_and(|before| same(before, &live));
                    if restored { Now::Before } else { Now::Another }
                });
            }
            Err(error) => self.take(unreadable(&error.to_string())),
        }
        let items = remember(found, text, as_of, known.as_ref());
        // Only what will be there can be fetched.
        self.fetch = before
            .filter(|before| items.len() > 1 && before.policy != text)
            .and_then(|before| fetch_command(found, before));
        items
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.is_public() || self.is_lockout() {
            Severity::Critical
        } else if self.unreadable.is_some()
            || !self.gained_accounts.is_empty()
            || self.lost_delegation
            || self.bypassed_lockout_check
        {
            Severity::High
        } else {
            Severity::Medium
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        if self.is_public() {
            text![
                name,
                " is open to every AWS account: its key policy is public"
            ]
        } else if self.is_lockout() {
            text![name, " has a key policy that nobody can change any more"]
        } else if self.unreadable.is_some() {
            text![name, " has a new key policy that could not be read"]
        } else if !self.gained_accounts.is_empty() {
            let plural = if self.gained_accounts.len() > 1 {
                "s "
            } else {
                " "
            };
            let accounts = list(&self.gained_accounts, 2);
            text![
                name,
                " has a new key policy that lets in foreign account",
                plural,
                accounts
            ]
        } else if self.lost_delegation {
            text![
                name,
                " has a new key policy: IAM policies no longer give access"
            ]
        } else if self.bypassed_lockout_check {
            text![
                name,
                " has a new key policy, put without the lock-out check"
            ]
        } else {
            text![name, " has a new key policy"]
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " set the key policy of ",
            case.name(),
            described(case),
            "."
        ];
        if case.gone {
            text.sentence("KMS does not know the key any more.");
        }
        text.sentence(self.verdicts(case));
        text.sentence(match self.now {
            Some(Now::Before) => text![
                "But KMS now answers with the policy before: it was put back since, or this answer is older than the \
                 event (KMS may lag for some seconds)."
            ],
            Some(Now::Another) => text![
                "But KMS now has yet another policy: it was changed again since, or this answer is older than the \
                 event (KMS may lag for some seconds)."
            ],
            None => Text::new(),
        });
        text.sentence(self.comparison());
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.is_lockout() {
            steps.push(step(
                text![
                    "Open a case with AWS Support: nobody of the account can put the policy back"
                ],
                None,
            ));
        }
        let put_back = case.kms_command("put-key-policy", PUT_BACK);
        if let Some(fetch) = &self.fetch {
            steps.push(step(
                text![
                    CONFIRM,
                    "fetch the policy before from the ledger, and read it"
                ],
                Some(fetch.clone()),
            ));
            if !self.is_lockout() {
                steps.push(step(text!["Put it back"], put_back));
            }
            steps.push(step(
                text!["See the policy as it is now"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ));
        } else {
            steps.push(step(
                text!["See the policy as it is now"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ));
            if !self.is_lockout() && self.compared_with.is_none() {
                steps.push(step(
                    text![
                        CONFIRM,
                        "write the policy that is meant into key-policy.json, and put it"
                    ],
                    put_back,
                ));
            }
        }
        if self.is_public() || !self.gained_accounts.is_empty() {
            steps.push(step(
                text!["See who has used the key"],
                case.history_command(),
            ));
        }
        steps
    }
}

/// What is worth a word about the policy of a key that is new.
fn policy_words(
    of: &'static str,
    public: Option<bool>,
    foreign: &[Untrusted],
    unreadable: Option<&Untrusted>,
) -> Text {
    let mut text = Text::new();
    if public == Some(true) {
        text.sentence(text![
            of,
            " policy is PUBLIC: it lets in everybody in every AWS account, without a condition that keeps anybody out."
        ]);
    }
    if let Some(why) = unreadable {
        text.sentence(text![
            of,
            " policy could not be read, or not all of it (",
            why,
            "), so nothing about it is known to be safe."
        ]);
    }
    if !foreign.is_empty() {
        let plural = if foreign.len() > 1 { "s " } else { " " };
        text.sentence(text![
            of,
            " policy lets in the foreign account",
            plural,
            list(foreign, 6),
            "."
        ]);
    }
    text
}

/// How bad a policy is that was never another.
fn new_policy_severity(public: Option<bool>, unreadable: bool) -> Severity {
    match public {
        Some(true) => Severity::Critical,
        _ if unreadable => Severity::High,
        _ => Severity::Info,
    }
}

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

impl Describe for KeyCreated {
    const NAME: &'static str = "KeyCreated";
    const READS: Reads = READS;
    const READS_POLICY: bool = true;

    fn memories(&self, subject: &crate::subject::Subject) -> Vec<ItemKey> {
        vec![Policy::key(&subject.partition_key())]
    }

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
    /// Why the replica's policy could not be read, or not all of it.
    pub unreadable: Option<Untrusted>,
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
}

impl Describe for KeyReplicated {
    const NAME: &'static str = "KeyReplicated";
    const READS: Reads = READS;

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        if let Some(text) = self.policy.take() {
            let judged = judge_alone(&text, found);
            self.public = judged.public;
            self.foreign_accounts = judged.foreign;
            self.unreadable = judged.unreadable;
        }
        Vec::new()
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        new_policy_severity(self.public, self.unreadable.is_some())
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![case.name(), " was replicated"];
        if let Some(region) = &self.replica_region {
            text.push(text![" to ", region]);
        }
        if self.public == Some(true) {
            text.push(", open to every AWS account");
        }
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
        text.sentence(policy_words(
            "The replica's",
            self.public,
            &self.foreign_accounts,
            self.unreadable.as_ref(),
        ));
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
            step(
                text!["See the replica's policy"],
                command("get-key-policy", SEE_POLICY),
            ),
            step(
                text!["Write the policy that is meant into key-policy.json, and put it"],
                command("put-key-policy", PUT_BACK),
            ),
        ]
    }
}
