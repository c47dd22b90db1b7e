//! Keys are used more or less than usual.

use serde::Serialize;

use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Identify, Identity, Tell};
use crate::kinds::signal::{Alarm, Signal, Watches};
use crate::kinds::signal::{ITS_OWNERS_WORDS, alarm_sentences, look_at_alarm, measured};
use crate::kinds::words::{last_use, state_note};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

const FEWER: &str = "Far fewer";

/// Keys are used more or less than usual; or an alarm went off of which only the name is known.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct KmsUsageAnomaly(pub Signal);

impl KmsUsageAnomaly {
    fn is_known(&self) -> bool {
        self.0.watches() == Watches::Usage
    }

    /// The alarm of this stack on what a trail's log says of keys that are pending deletion.
    fn is_of_lost_key(&self) -> bool {
        self.0
            .metric
            .as_ref()
            .is_some_and(|name| name.as_str() == "PendingDeletionUse")
    }

    /// More than usual, or less, if the numbers say so.
    fn direction(&self) -> Option<&'static str> {
        let Signal {
            value,
            usual_from,
            usual_to,
            threshold,
            ..
        } = self.0;
        let value = value?;
        if usual_to.or(threshold).is_some_and(|to| value > to) {
            return Some("Many more");
        }
        usual_from
            .or(threshold)
            .is_some_and(|from| value < from)
            .then_some(FEWER)
    }
}

impl Identify for KmsUsageAnomaly {
    fn identity(&self) -> Identity {
        Identity::Alarm(self.0.alarm.change())
    }

    fn alarm(&self) -> Option<&Alarm> {
        Some(&self.0.alarm)
    }
}

impl Tell for KmsUsageAnomaly {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    /// What an alarm means of which nothing is known, only its owner knows: that is no reason for more than a look.
    fn severity(&self, _: &Case<'_>) -> Severity {
        match self.is_of_lost_key() && !self.0.alarm.set_by_hand {
            true => Severity::High,
            false => Severity::Medium,
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match self.severity(case) {
            Severity::High => text!["somebody needs a key that is pending deletion"],
            _ if self.0.alarm.set_by_hand => text!["somebody set the state by hand"],
            _ => text!["the alarm alone shows no harm"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        if self.is_of_lost_key() {
            return text!["Attempted use of a key that is pending deletion"];
        }
        if !self.is_known() {
            return match case.key {
                Some(key) => text![
                    "Alarm about ",
                    key.name(),
                    ": ",
                    self.0.alarm.name.shortened(120)
                ],
                None => text!["Alarm about KMS: ", self.0.alarm.name.shortened(120)],
            };
        }
        let what = match (self.0.dimension("Operation"), case.key) {
            (Some(operation), Some(key)) => text![operation, " requests with ", key.name()],
            (None, Some(key)) => text!["cryptographic requests with ", key.name()],
            (Some(operation), None) => text![operation, " requests to KMS"],
            (None, None) => text!["cryptographic requests to KMS"],
        };
        let what = match self.0.another_account().filter(|_| case.key.is_none()) {
            Some(account) => text![what, " in ", account],
            None => what,
        };
        match self.direction() {
            Some(direction) => text![direction, " ", what, " than usual"],
            None => text!["Unusual number of ", what],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = Text::new();
        if self.is_of_lost_key() {
            text.sentence(
                "Somebody still needs the data of that key, which becomes permanently unrecoverable with the deletion. The alarm \
                 does not name the key; CloudTrail does.",
            );
        } else if !self.is_known() {
            if self.0.alarm.children.is_empty() {
                text.sentence(ITS_OWNERS_WORDS);
            }
        } else if self.direction() == Some(FEWER) {
            text.sentence(
                "Either an application is down, or somebody no longer has access to the key.",
            );
        } else {
            text.sentence(
                "Either an application is new or faulty, or somebody reads a data store in bulk.",
            );
        }
        measured(&mut text, &self.0);
        if let Some(key) = case.key {
            text.sentence(state_note(case, &[]));
            if key.last_use.is_some() {
                text.sentence(last_use(case));
            }
        }
        alarm_sentences(&mut text, &self.0);
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.is_of_lost_key() {
            return vec![
                look(
                    text![
                        "Find the calls in CloudTrail whose errorMessage ends in \"is pending deletion.\"; they name key and caller"
                    ],
                    None,
                ),
                undo(
                    text!["Unless nobody needs its data, cancel the deletion of that key"],
                    None,
                ),
            ];
        }
        let mut steps = vec![look_at_alarm()];
        if self.is_known() {
            let history = case.history_command();
            let what = match history {
                Some(_) => text!["See who used or changed the key in the last 90 days"],
                None => text!["See in CloudTrail who uses keys, and from where"],
            };
            steps.push(look(what, history));
        }
        steps
    }
}
