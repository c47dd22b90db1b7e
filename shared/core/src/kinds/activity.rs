//! Is the key on, and where is its primary?

use jiff::Timestamp;
use serde::Serialize;

use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, contain, look, undo};
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{CONFIRM, contradiction, described, last_use, root, who};
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Days back within which a key that is switched off counts as at work.
const AT_WORK_DAYS: i64 = 1;

/// A key was switched off.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDisabled {}

impl Identify for KeyDisabled {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Ask for KeyDisabled {
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
        if case.used_within(AT_WORK_DAYS) {
            Severity::Critical
        } else {
            Severity::High
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let at_work = if case.used_within(AT_WORK_DAYS) {
            " while it is in use"
        } else {
            ""
        };
        text![case.name(), " was disabled", at_work]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " disabled ", case.name(), described(case), "."];
        text.sentence(match case.state() {
            Some(State::Unavailable) if !case.gone => text![
                "KMS reports it as Unavailable: its custom key store is disconnected, and it stays disabled when the \
                 store is connected again."
            ],
            _ => contradiction(case, &[State::Disabled], "it changed again since"),
        });
        text.sentence(
            "While it is disabled, every cryptographic operation with it fails, also through the services that use it. \
             Nothing is lost: enabling it brings everything back.",
        );
        text.sentence(last_use(case));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = vec![look(
            text!["See who works with the key and now fails"],
            case.history_command(),
        )];
        if !case.gone {
            let enable = undo(
                text![CONFIRM, "enable the key"],
                case.kms_command("enable-key", ""),
            );
            steps.insert(0, enable);
        }
        steps
    }
}

/// A key was switched on.
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
        Severity::Low
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " was enabled"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " enabled ", case.name(), described(case), "."];
        text.sentence(match case.state() {
            Some(State::Unavailable) if !case.gone => {
                text!["It still cannot be used: its custom key store is disconnected."]
            }
            _ => contradiction(case, &[State::Enabled], "it changed again since"),
        });
        if case.state() == Some(&State::Enabled) {
            text.sentence("It can be used again by whoever its policy and grants let in.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return Vec::new();
        }
        vec![contain(
            text!["If it was disabled for a reason, disable it again"],
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

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![case.name(), " has a new primary Region"];
        if let Some(region) = &self.to {
            text.push(text![": ", region]);
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " moved the primary of ",
            case.name(),
            described(case)
        ];
        if let Some(region) = &self.from {
            text.push(text![" from ", region]);
        }
        if let Some(region) = &self.to {
            text.push(text![" to ", region]);
        }
        text.push(".");
        text.sentence(
            "All related keys go on working. Automatic rotation and new replicas are managed at the new primary key \
             from now on, and it is the one that cannot be deleted while it has replicas.",
        );
        if case.gone {
            text.sentence("KMS does not know the key any more.");
        } else if case.state() == Some(&State::Updating) {
            text.sentence(
                "KMS is still at it: until it is done, the key cannot be enabled or disabled.",
            );
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
        vec![look(
            text!["Move it back, unless that is where it is meant to be"],
            back().filter(|_| !case.gone),
        )]
    }
}
