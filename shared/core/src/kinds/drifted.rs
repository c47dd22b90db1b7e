//! Access to a key that changed though no event told of it: a sweep found it. Judged and worded as the event would be.
//!
//! A policy of its owner, a grant, or the second policy, which AWS RAM writes.

use jiff::Timestamp;
use serde::Serialize;

use super::Kind;
use super::access::{KeyPolicyChanged, owner, state_if_off};
use super::case::{Case, ask};
use super::describe::{Ask, Found, Identify, Identity, Learn, Section, Tell};
use super::grants::{GrantCreated, GrantRetired, GrantRevoked};
use super::sharing::{KeyShareEnded, KeyShared};
use super::words::{described, list};
use crate::actor::Actor;
use crate::facts::{PolicyOf, Reads};
use crate::ledger::{Item, ItemKey};
use crate::severity::Severity;
use crate::step::{Step, StepType};
use crate::subject::Subject;
use crate::text;
use crate::text::Text;

/// The kinds of event that it tells of when they did not come.
pub(super) const TELLS_OF: [&str; 6] = [
    KeyPolicyChanged::NAME,
    GrantCreated::NAME,
    GrantRevoked::NAME,
    GrantRetired::NAME,
    KeyShared::NAME,
    KeyShareEnded::NAME,
];

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Drift {
    /// Another key policy than the one that was known.
    #[default]
    Policy,
    /// At its first look, a policy that lets in strangers.
    PolicyAtFirstSight,
    /// A grant that was not there.
    GrantCreated,
    /// A grant that is not there any more.
    GrantEnded,
    /// Another second policy than the one that was known: AWS RAM shares the key, or shares it otherwise.
    Shared,
    /// At its first look, a second policy that lets in strangers.
    SharedAtFirstSight,
    /// AWS RAM shares the key no longer.
    ShareEnded,
}

/// A sweep found a policy or a grant of which no event told.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyAccessDrifted {
    /// What was found.
    pub drift: Drift,
    /// When it was known otherwise. `null` if nothing was known.
    pub known_at: Option<Timestamp>,
    /// When the sweep saw it first.
    pub found_at: Option<Timestamp>,
    /// What `KeyPolicyChanged` would have said.
    pub policy: Option<KeyPolicyChanged>,
    /// What `GrantCreated` would have said.
    pub grant_created: Option<GrantCreated>,
    /// What `GrantRevoked` would have said; so it is told, too, if nobody knows whether the grant was revoked or retired.
    pub grant_revoked: Option<GrantRevoked>,
    /// What `GrantRetired` would have said.
    pub grant_retired: Option<GrantRetired>,
    /// What `KeyShared` would have said.
    pub shared: Option<KeyShared>,
    /// What `KeyShareEnded` would have said.
    pub share_ended: Option<KeyShareEnded>,
    /// There is no record of how the grant ended.
    #[serde(skip)]
    unrecorded: bool,
}

impl KeyAccessDrifted {
    /// What an event would have told as `kind`; `None` if it is not about access.
    pub fn of(kind: Kind, known_at: Timestamp, found_at: Timestamp) -> Option<Self> {
        let mut this = Self {
            known_at: Some(known_at),
            found_at: Some(found_at),
            ..Self::default()
        };
        match kind {
            Kind::KeyPolicyChanged(change) => this.policy = Some(change),
            Kind::GrantCreated(grant) => {
                this.drift = Drift::GrantCreated;
                this.grant_created = Some(grant);
            }
            Kind::GrantRevoked(grant) => {
                this.drift = Drift::GrantEnded;
                this.grant_revoked = Some(grant);
            }
            Kind::GrantRetired(grant) => {
                this.drift = Drift::GrantEnded;
                this.grant_retired = Some(grant);
            }
            Kind::KeyShared(shared) => {
                this.drift = Drift::Shared;
                this.shared = Some(shared);
            }
            Kind::KeyShareEnded(ended) => {
                this.drift = Drift::ShareEnded;
                this.share_ended = Some(ended);
            }
            _ => return None,
        }
        Some(this)
    }

    /// The policy of a key that was never looked at before.
    pub fn at_first_sight(found_at: Timestamp) -> Self {
        Self {
            drift: Drift::PolicyAtFirstSight,
            found_at: Some(found_at),
            policy: Some(KeyPolicyChanged::default()),
            ..Self::default()
        }
    }

    /// The share of a key that was never looked at before.
    pub fn shared_at_first_sight(found_at: Timestamp) -> Self {
        Self {
            drift: Drift::SharedAtFirstSight,
            found_at: Some(found_at),
            shared: Some(KeyShared::default()),
            ..Self::default()
        }
    }

    /// There is no record of the call.
    #[must_use]
    pub fn unrecorded(self) -> Self {
        Self {
            unrecorded: true,
            ..self
        }
    }

    /// What an event would have told.
    pub(in crate::kinds) fn as_event(&self) -> Option<Kind> {
        let policy = self.policy.clone().map(Kind::from);
        let created = self.grant_created.clone().map(Kind::from);
        let revoked = self.grant_revoked.clone().map(Kind::from);
        let retired = self.grant_retired.clone().map(Kind::from);
        let shared = self.shared.clone().map(Kind::from);
        let ended = self.share_ended.clone().map(Kind::from);
        let access = policy.or(created).or(revoked).or(retired);
        access.or(shared).or(ended)
    }

    /// What words it. There is always one of them.
    fn told_by(&self) -> Option<&dyn Tell> {
        let policy = self.policy.as_ref().map(|it| it as &dyn Tell);
        let created = self.grant_created.as_ref().map(|it| it as &dyn Tell);
        let revoked = self.grant_revoked.as_ref().map(|it| it as &dyn Tell);
        let retired = self.grant_retired.as_ref().map(|it| it as &dyn Tell);
        let shared = self.shared.as_ref().map(|it| it as &dyn Tell);
        let ended = self.share_ended.as_ref().map(|it| it as &dyn Tell);
        let access = policy.or(created).or(revoked).or(retired);
        access.or(shared).or(ended)
    }

    fn is_at_first_sight(&self) -> bool {
        matches!(
            self.drift,
            Drift::PolicyAtFirstSight | Drift::SharedAtFirstSight
        )
    }

    /// A grant ended, and nobody knows by whom or how.
    fn is_unknown_end(&self) -> bool {
        self.unrecorded && self.drift == Drift::GrantEnded
    }
}

impl Identify for KeyAccessDrifted {
    fn identity(&self) -> Identity {
        match self.drift {
            Drift::PolicyAtFirstSight => Identity::Content("first sight".to_owned()),
            Drift::SharedAtFirstSight => Identity::Content("first sight of a share".to_owned()),
            _ => Identity::Call,
        }
    }

    fn is_telling_of(&self) -> Option<&'static str> {
        match self.drift {
            Drift::PolicyAtFirstSight | Drift::SharedAtFirstSight => None,
            Drift::Shared => Some(KeyShared::NAME),
            Drift::ShareEnded => Some(KeyShareEnded::NAME),
            Drift::Policy => Some(KeyPolicyChanged::NAME),
            Drift::GrantCreated => Some(GrantCreated::NAME),
            Drift::GrantEnded if self.grant_retired.is_some() => Some(GrantRetired::NAME),
            Drift::GrantEnded => Some(GrantRevoked::NAME),
        }
    }

    fn is_by_event(&self) -> bool {
        !self.is_at_first_sight()
    }
}

impl Ask for KeyAccessDrifted {
    fn names_strangers(&self) -> bool {
        self.as_event().is_some_and(|event| event.names_strangers())
    }

    fn reads(&self) -> Reads {
        Reads {
            rotation: false,
            last_use: false,
        }
    }

    fn reads_policy(&self) -> Option<PolicyOf> {
        let shared = self.shared.as_ref().map(|_| PolicyOf::Ram);
        self.policy.as_ref().map(|_| PolicyOf::Owner).or(shared)
    }

    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        let policy = self.policy.as_ref();
        policy.map_or_else(Vec::new, |policy| policy.memories(subject))
    }
}

impl Learn for KeyAccessDrifted {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let is_at_first_sight = self.is_at_first_sight();
        match (&mut self.policy, &mut self.grant_created) {
            (Some(policy), _) if is_at_first_sight => {
                policy.found(found);
                Vec::new()
            }
            (Some(policy), _) => policy.study(found),
            (_, Some(grant)) => grant.study(found),
            _ => self
                .shared
                .as_mut()
                .map_or_else(Vec::new, |shared| shared.study(found)),
        }
    }

    fn teach(&self, profile: &mut crate::ledger::Profile, at: Timestamp, actor: Option<&Actor>) {
        if let Some(policy) = &self.policy {
            policy.teach(profile, at, actor);
        }
    }
}

impl Tell for KeyAccessDrifted {
    fn severity(&self, case: &Case<'_>) -> Severity {
        let severity = self
            .told_by()
            .map_or(Severity::Medium, |it| it.severity(case));
        // That strangers were let in before anybody watched may be as it is meant; that everybody is, never.
        if self.is_at_first_sight() && severity < Severity::Critical {
            return Severity::Medium;
        }
        severity
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        if self.is_at_first_sight() && self.severity(case) < Severity::Critical {
            return Some(text![
                "the access is older than the watch, and may be as its owner wants it"
            ]);
        }
        self.told_by()?.severity_reason(case)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let foreign = self
            .policy
            .as_ref()
            .map_or(&[][..], |it| &it.foreign_accounts);
        if self.is_at_first_sight() && self.severity(case) < Severity::Critical {
            return match foreign {
                [] if self.shared.is_some() => {
                    text![case.name(), " is shared outside this account (first sweep)"]
                }
                [] => text!["Key policy of ", case.name(), " to review (first sweep)"],
                [one] => text![
                    "Account ",
                    one,
                    " has access to ",
                    case.name(),
                    " (first sweep)"
                ],
                _ => text![
                    "Accounts ",
                    list(foreign, 2),
                    " have access to ",
                    case.name(),
                    " (first sweep)"
                ],
            };
        }
        if self.is_unknown_end() {
            return text!["Grant on ", case.name(), " ended (found by a sweep)"];
        }
        self.told_by()
            .map_or_else(|| case.name(), |it| it.title(case))
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = Text::new();
        if let Some(shared) = self.shared.as_ref().filter(|_| self.is_at_first_sight()) {
            text.sentence(shared.standing());
            text.sentence(state_if_off(case));
            text.sentence(text![
                "A sweep looked at ",
                case.name(),
                described(case),
                " for the first time. The share is older than that, and who made it is not known."
            ]);
            return text;
        }
        if self.is_at_first_sight() {
            if let Some(policy) = &self.policy {
                text.sentence(policy.standing(case));
            }
            text.sentence(state_if_off(case));
            text.sentence(text![
                "A sweep looked at ",
                case.name(),
                described(case),
                " for the first time. The key policy is older than that, and who set it is not known."
            ]);
            return text;
        }
        if self.is_unknown_end() {
            text.sentence(text![
                "Whoever used ",
                case.name(),
                described(case),
                " by this grant alone lost access. The grant was revoked, or its grantee retired it."
            ]);
        } else if let Some(it) = self.told_by() {
            text.sentence(it.summary(case));
        }
        let span = self.known_at.zip(self.found_at);
        if let Some((known, found)) = span.filter(|_| self.unrecorded) {
            text.sentence(text![
                "No event told of this: a sweep found that it happened between ",
                known,
                " and ",
                found,
                "."
            ]);
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let steps = self
            .told_by()
            .map_or_else(Vec::new, |it| it.next_steps(case));
        if !self.is_at_first_sight() || self.severity(case) == Severity::Critical {
            return steps;
        }
        // What applications have relied on for long is not stopped before its owner was asked.
        let stays = |step: &Step| step.kind == StepType::Look;
        let mut steps: Vec<_> = steps.into_iter().filter(stays).collect();
        steps.push(ask(text![
            "Ask ",
            owner(case),
            " whether the access is still needed, before you change the key policy"
        ]));
        steps
    }

    fn sections(&self) -> Vec<Section> {
        self.told_by().map_or_else(Vec::new, |it| it.sections())
    }
}
