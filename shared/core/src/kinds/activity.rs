//! Is the key on, and where is its primary?

use jiff::Timestamp;
use serde::Serialize;

use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, contain, look, undo};
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{
    NOT_FOUND, confirmed, contradiction, database_deadline, delayed, encrypts_at_rest, fails_now,
    root, state_note,
};
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Days back within which a key that is disabled counts as in use.
const IN_USE_DAYS: i64 = 1;

/// A key was disabled.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDisabled {}

impl KeyDisabled {
    /// Since when the key of `profile` has been disabled, at the latest, if it was disabled when KMS was asked last.
    pub(in crate::kinds) fn since(profile: &Profile) -> Option<Timestamp> {
        let known = profile.metadata.as_ref()?;
        let disabled = known.value.state == Some(State::Disabled);
        let act = profile.acts.get(Self::NAME).map(|act| act.at);
        let since = act.map_or(known.as_of, |at| at.min(known.as_of));
        disabled.then_some(since)
    }
}

impl Identify for KeyDisabled {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Ask for KeyDisabled {
    fn names_dependants(&self) -> bool {
        true
    }

    fn reads(&self) -> Reads {
        Reads {
            rotation: false,
            last_use: true,
        }
    }
}

impl Learn for KeyDisabled {
    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        profile.note_act(Self::NAME, at, actor);
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        if key.state.is_none() {
            key.state = Some(State::Disabled);
        }
    }
}

impl Tell for KeyDisabled {
    fn severity(&self, case: &Case<'_>) -> Severity {
        if case.used_within(IN_USE_DAYS) {
            Severity::Critical
        } else {
            Severity::High
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        let never = case.never_used();
        never.then(|| text!["whatever needs the key fails, though KMS recorded no use"])
    }

    fn databases_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        let off = case.state_now() != Some(&State::Enabled);
        database_deadline(case, case.at).filter(|_| off)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let in_use = if case.used_within(IN_USE_DAYS) && !case.use_is_unknown_by_refusal() {
            " while in use"
        } else {
            ""
        };
        text![case.name(), " disabled", in_use]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![fails_now(case)];
        text.sentence(delayed(case, self.databases_until(case), None));
        text.sentence(match case.state() {
            Some(State::Unavailable) if !case.gone => text![
                "KMS reports the key as Unavailable: its custom key store is disconnected. Connecting the store does not \
                 enable the key."
            ],
            _ => contradiction(case, &[State::Disabled], "its state changed since"),
        });
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let history = look(
            text!["See who used or changed the key in the last 90 days"],
            case.history_command(),
        );
        if case.gone {
            return vec![history];
        }
        let pending = case.state_now().is_some_and(State::is_pending_deletion);
        let mut steps = Vec::new();
        if pending {
            steps.push(undo(
                text!["Cancel the deletion that was scheduled since; the key stays Disabled"],
                case.kms_command("cancel-key-deletion", ""),
            ));
        }
        if case.state_now() != Some(&State::Enabled) {
            steps.push(undo(
                text![confirmed(case), "enable the key"],
                case.kms_command("enable-key", ""),
            ));
        }
        steps.push(history);
        steps
    }
}

/// A key was enabled.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyEnabled {}

impl Identify for KeyEnabled {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Learn for KeyEnabled {
    fn imply(&self, key: &mut Key, _: Timestamp) {
        if key.state.is_none() {
            key.state = Some(State::Enabled);
        }
    }
}

impl Tell for KeyEnabled {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    /// What KMS does not find, or has pending deletion, is not enabled.
    fn severity(&self, case: &Case<'_>) -> Severity {
        match case.gone || case.state_now().is_some_and(State::is_pending_deletion) {
            true => Severity::High,
            false => Severity::Low,
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match case.state_now() {
            _ if case.gone => text!["KMS does not find the key"],
            Some(state) if state.is_pending_deletion() => text!["KMS reports a pending deletion"],
            _ => text!["enabling a key breaks nothing"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![case.name(), " enabled"];
        match case.state_now() {
            _ if case.gone => text.push(", but KMS does not find the key"),
            Some(State::Enabled) | None => {}
            Some(state) => text.push(text![", but KMS reports ", state]),
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match case.state() {
            Some(State::Unavailable) if !case.gone => {
                text!["The key still cannot be used: its custom key store is disconnected."]
            }
            Some(State::Enabled) if !case.gone => {
                text![
                    "Everybody whom the key policy, grants and IAM policies allow can use the key again."
                ]
            }
            _ => contradiction(case, &[State::Enabled], "its state changed since"),
        };
        text.sentence(match encrypts_at_rest(case) {
            true => "RDS instances that stopped for lack of the key do not start by themselves.",
            false => "",
        });
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return vec![look(
                text!["Find out what was done to the key"],
                case.history_command(),
            )];
        }
        vec![contain(
            text!["If somebody disabled the key on purpose, disable it again"],
            case.kms_command("disable-key", ""),
        )]
    }
}

/// The primary of a multi-Region key is another one now.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrimaryRegionChanged {
    /// Region of the primary until now.
    pub from: Option<Untrusted>,
    /// Region of the primary from now on.
    pub to: Option<Untrusted>,
}

impl Tell for PrimaryRegionChanged {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["the change itself breaks nothing"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text!["Primary Region of ", case.name(), " changed"];
        if let Some(region) = &self.to {
            text.push(text![" to ", region]);
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text!["The change itself breaks nothing."];
        if let (Some(from), Some(to)) = (&self.from, &self.to) {
            text.sentence(text![
                "The primary key is now in ",
                to,
                ", and no longer in ",
                from,
                "."
            ]);
        }
        text.sentence(
            "Rotation and new replicas are now managed there. KMS cannot delete the primary key while it has replicas.",
        );
        if case.gone {
            text.sentence(NOT_FOUND);
        } else if case.state() == Some(&State::Updating) {
            text.sentence(
                "KMS has not finished: until then, nobody can enable or disable the key.",
            );
        } else {
            text.sentence(state_note(case, &[]));
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let back = || {
            // The call goes to the key that is the primary now, in its own Region.
            let (key, from, to) = (case.key?, self.from.as_ref()?, self.to.as_ref()?);
            let region = |name: &Untrusted| crate::arn::Region::new(name.as_str());
            let (from, to) = (region(from)?, region(to)?);
            let arn = &key.arn;
            let primary = crate::arn::KeyArn::new(
                arn.partition().clone(),
                to.clone(),
                arn.account().clone(),
                arn.id(),
            )
            .ok()?;
            Some(format!(
                "aws kms update-primary-region --key-id {primary} --primary-region {} --region {}",
                from.as_str(),
                to.as_str()
            ))
        };
        vec![undo(
            text!["If nobody planned the change, move the primary key back"],
            back().filter(|_| !case.gone),
        )]
    }
}
