//! Attempts that failed have stopped: mail tells what it did not tell of them.

use jiff::Timestamp;
use serde::Serialize;

use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Identify, Identity, Limit, Tell};
use crate::kinds::words::{NOT_FOUND, state_note};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Attempts of which mail told some have stopped.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptsStopped {
    /// Kind of the alerts that told of the attempts.
    pub of: &'static str,
    /// The operation that failed, if the history has the alert.
    pub operation: Option<Untrusted>,
    /// Who tried, if the history has the alert.
    pub by: Option<Untrusted>,
    /// Title of the last alert that went out by mail, if the history has it.
    pub title: Option<Untrusted>,
    /// How many attempts there were.
    pub attempts: u64,
    /// Of how many of them mail told before.
    pub mailed: u64,
    /// The first attempt.
    pub first_at: Timestamp,
    /// The last attempt.
    pub last_at: Timestamp,
    /// What the ledger calls the series.
    #[serde(skip)]
    pub series: String,
}

impl Identify for AttemptsStopped {
    fn limit(&self) -> Limit {
        Limit::None
    }

    fn identity(&self) -> Identity {
        Identity::Content(format!(
            "{}#{}#{}",
            self.series, self.last_at, self.attempts
        ))
    }

    // No event tells that none comes.
    fn is_by_event(&self) -> bool {
        false
    }

    // Mail told of their beginning.
    fn goes_to_people(&self) -> bool {
        true
    }
}

impl AttemptsStopped {
    /// What was tried, on what, by whom.
    fn what(&self, case: &Case<'_>) -> Text {
        let mut text = match &self.operation {
            Some(operation) => text![operation],
            None => text![self.of],
        };
        if case.key.is_some() {
            text.push(text![" on ", case.name()]);
        }
        if let Some(by) = &self.by {
            text.push(text![" by ", by]);
        }
        text
    }
}

impl Tell for AttemptsStopped {
    fn ceiling(&self) -> Severity {
        Severity::Low
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["the attempts stopped, and mail told of the first"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["Attempts stopped: ", self.what(case)]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "It stopped: ",
            self.attempts,
            " attempts from ",
            self.first_at,
            " to ",
            self.last_at,
            ". Mail told of ",
            self.mailed,
            " of them. Whether the cause is fixed or the caller gave up is not known."
        ];
        if let Some(title) = &self.title {
            text.sentence(text!["The last mail was \"", title.shortened(120), "\"."]);
        }
        if case.gone {
            text.sentence(NOT_FOUND);
        } else {
            text.sentence(state_note(case, &[]));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        match case.history_command() {
            Some(history) => vec![look(
                text!["See who used or changed the key in the last 90 days"],
                Some(history),
            )],
            None => Vec::new(),
        }
    }
}
