//! Somebody set a key policy: what it says, and what is new about it.

mod verdict;
mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use watch_policy::{Context, Diff, Policy as KeyPolicy, Question};

use super::change::{AccessChange, changes};
use super::judge::{Judged, judge, judge_alone, judged, unreadable, values, with_context};
use super::memory::{fetch_command, remember, remembered};
use crate::actor::Actor;
use crate::facts::PolicyOf;
use crate::key::State;
use crate::kinds::case::Case;
use crate::kinds::describe::{Ask, Found, Learn};
use crate::ledger::{Item, ItemKey, Policy, Profile};
use crate::text::Untrusted;

/// What KMS says now, against what the event set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    /// The one before.
    Before,
    /// Another one.
    Another,
}

/// Who is able to do one thing to the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessOf {
    /// `decrypt`, `encrypt`, `sign`, `authenticate`, `agree`, `change` (the policy), `grant`, `schedule` (deletion), or
    /// `cancel` (deletion).
    pub question: Untrusted,
    /// Who was sure to be able to do it, and is no more.
    pub lost: Vec<Untrusted>,
    /// Who may be able to do it, and was not.
    pub gained: Vec<Untrusted>,
    /// Who is sure to be able to do it now, of the account, trusted accounts and services.
    pub left: Vec<Untrusted>,
}

/// Most principals that are listed for one question.
const LISTED_OF: usize = 10;

/// Who is able to do what, where that changed.
fn access(diff: &Diff) -> Vec<AccessOf> {
    let known = diff.before.is_some();
    let asked = Question::ALL.into_iter().filter(|_| known);
    let first = |set: &BTreeSet<String>| values(set.iter().take(LISTED_OF));
    asked
        .map(|question| (question, diff.lost(question), diff.gained(question)))
        .filter(|(_, lost, gained)| !(lost.is_empty() && gained.is_empty()))
        .map(|(question, lost, gained)| AccessOf {
            question: Untrusted::new(question.name()),
            lost: first(&lost),
            gained: first(&gained),
            left: first(diff.after.who_may(question)),
        })
        .collect()
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
    /// Organisations, VPCs, endpoints and addresses, services through which everybody may come, and principals whose
    /// account is not known (unique ids, identity providers) that have more access than before, or of which that is not
    /// known.
    pub gained_others: Vec<Untrusted>,
    /// Nobody is sure to be able to use the key any more. `null` if that cannot be told.
    pub unusable: Option<bool>,
    /// A few are left in control of the key, and everybody else of the account is shut out, its root user included.
    /// `null` if that cannot be told.
    pub seized: Option<bool>,
    /// Who is able to do what, where that changed.
    pub access: Vec<AccessOf>,
    /// Fewer are sure to be able to cancel a deletion of the key than before.
    pub fewer_can_cancel: bool,
    /// It allows and denies the same as the policy before.
    pub unchanged: bool,
    /// Services that are let in whatever the account or resource is that they work for.
    pub open_services: Vec<Untrusted>,
    /// Services through which everybody in every account may use the key.
    pub open_via: Vec<Untrusted>,
    /// Services through which the account could decrypt, sign and the like, and is denied that now: what they hold cannot
    /// be read.
    pub shut_services: Vec<Untrusted>,
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
    /// The policy that KMS has now is another one, and somebody can change it.
    #[serde(skip)]
    open_again: bool,
    #[serde(skip)]
    nobody_can_cancel: bool,
    /// Denies stop services, whether or not they did before.
    #[serde(skip)]
    shuts_services: bool,
    /// Denies shut everybody of the account out of using the key, or of changing its policy.
    #[serde(skip)]
    shuts_the_account_out: bool,
    /// Others than accounts are let in of whom that is not known to be right.
    #[serde(skip)]
    lets_in_others: bool,
    /// Who is sure to be able to change the policy.
    #[serde(skip)]
    left_in_control: Vec<Untrusted>,
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

    /// A policy that is there, whenever it was set. What it is compared with, and whoever set it, is not known.
    pub(in crate::kinds) fn found(&mut self, found: &Found<'_>) {
        match found.policy {
            Some(text) => {
                let judged = judge_alone(text, found);
                self.gained_others.clone_from(&judged.foreign_others);
                self.take(judged);
                self.gained_accounts = self.foreign_accounts.clone();
            }
            None => self.take(unreadable("KMS did not return it")),
        }
    }

    fn take(&mut self, judged: Judged) {
        self.lets_in_others = !judged.foreign_others.is_empty();
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
        let diff = Diff::between(before, after, context);
        self.take(judged(&diff.after));
        let (added, all_added) = changes(&diff.added);
        let (removed, all_removed) = changes(&diff.removed);
        (self.added, self.removed) = (added, removed);
        let more_actions = |change: &AccessChange| change.more_actions > 0;
        self.bounded |= diff.more > 0
            || !(all_added && all_removed)
            || self.added.iter().chain(&self.removed).any(more_actions);
        let gains = diff.gains();
        self.gained_accounts = values(&gains.accounts);
        let others = [
            &gains.organizations,
            &gains.networks,
            &gains.unknown,
            &gains.via,
        ];
        self.gained_others = values(others.into_iter().flatten());
        let sure = diff.after.unreadable == 0;
        self.unusable = sure.then_some(diff.nobody_left_to_use());
        self.seized = sure.then_some(diff.is_seized());
        self.access = access(&diff);
        self.fewer_can_cancel = diff.fewer_can_cancel();
        self.nobody_can_cancel = diff.after.who_may(Question::Cancel).is_empty();
        self.shuts_the_account_out = Question::USES
            .iter()
            .chain(&[Question::Change])
            .any(|question| diff.after.is_denied_to_the_account(*question));
        self.shut_services = values(&diff.shut_services());
        self.shuts_services = !diff.after.shut_services.is_empty();
        self.left_in_control = values(diff.after.who_may(Question::Change));
        self.unchanged = before.is_some() && diff.is_empty() && sure;
        let delegated = diff.before.as_ref();
        self.lost_delegation = self.delegates_to_iam == Some(false)
            && delegated.is_some_and(|before| before.delegates_to_iam);
    }

    fn is_public(&self) -> bool {
        self.public == Some(true)
    }

    fn is_lockout(&self) -> bool {
        self.lockout == Some(true)
    }

    /// Nobody can put a policy back, as far as is known.
    fn is_locked_now(&self) -> bool {
        self.is_lockout() && !self.open_again
    }

    fn is_unusable(&self) -> bool {
        self.unusable == Some(true)
    }

    fn is_seized(&self) -> bool {
        self.seized == Some(true)
    }

    /// As it is now, whatever it was: it lets in no stranger, and those of the account keep what they need.
    pub(in crate::kinds) fn is_harmless(&self, case: &Case<'_>) -> bool {
        let lets_in = self.lets_in_others
            || !self.foreign_accounts.is_empty()
            || !self.open_services.is_empty()
            || !self.open_via.is_empty();
        let keeps_out =
            self.shuts_services || [self.lockout, self.unusable, self.seized].contains(&Some(true));
        let is_sure = self.public == Some(false)
            && self.lockout.is_some()
            && self.delegates_to_iam == Some(true)
            && self.unreadable.is_none();
        is_sure && !lets_in && !keeps_out && !is_pending(case)
    }

    /// It takes away who could cancel the deletion that runs.
    fn traps(&self, case: &Case<'_>) -> bool {
        is_pending(case) && (self.fewer_can_cancel || self.nobody_can_cancel)
    }
}

fn is_pending(case: &Case<'_>) -> bool {
    case.state().is_some_and(State::is_pending_deletion)
}

impl Ask for KeyPolicyChanged {
    fn names_strangers(&self) -> bool {
        self.public == Some(true) || self.lets_in_others || !self.foreign_accounts.is_empty()
    }

    // Also where the record has the policy: it costs no time beside the other reads, and tells whether another has
    // replaced it since.
    fn reads_policy(&self) -> Option<PolicyOf> {
        Some(PolicyOf::Owner)
    }

    fn memories(&self, subject: &crate::subject::Subject) -> Vec<ItemKey> {
        vec![Policy::key(&subject.partition_key())]
    }
}

impl Learn for KeyPolicyChanged {
    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        if !self.unchanged {
            profile.note_act(Self::NAME, at, actor);
        }
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
                self.take(unreadable("neither CloudTrail nor KMS returned it"));
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
                let same = |one: &KeyPolicy, other: &KeyPolicy| one.says_the_same_as(other);
                if let Some(live) = live.filter(|live| !same(live, &after)) {
                    let restored = read.as_ref().is_some_and(|before| same(before, &live));
                    self.now = Some(if restored { Now::Before } else { Now::Another });
                    let live = with_context(found, |context| judge(&live, context));
                    self.open_again = live.lockout == Some(false);
                }
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
}
