//! Alerts about the watch itself.

use serde::Serialize;

use crate::hash::short_hash;
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Identify, Identity, Limit, Tell};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// An event came that could not be read. Told, so that silence never hides a change of format.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnreadableEvent {
    /// The function that got the event.
    pub function: &'static str,
    /// What is wrong with it.
    pub reason: Untrusted,
    /// The first 1 KB of it.
    pub excerpt: Untrusted,
    /// SHA-256 of it, shortened.
    pub body_hash: String,
    /// What it says it is: its source, type and call.
    #[serde(skip)]
    pub called: String,
}

impl Identify for UnreadableEvent {
    fn limit(&self) -> Limit {
        Limit::Hourly
    }

    fn shape(&self) -> Option<String> {
        Some(short_hash(&format!(
            "{}\n{}",
            self.reason.as_str(),
            self.called
        )))
    }

    fn identity(&self) -> Identity {
        Identity::Content(self.body_hash.clone())
    }
}

impl Tell for UnreadableEvent {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn title(&self, _: &Case<'_>) -> Text {
        text![self.function, " got an event that it cannot read"]
    }

    fn summary(&self, _: &Case<'_>) -> Text {
        text![
            "Something may have happened to a key, and KMS Watch cannot tell what: ",
            &self.reason,
            ". AWS may have changed the form of its events, or something else invokes the function."
        ]
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        vec![
            look(
                text![
                    "Read the excerpt of the event in this alert, and find in CloudTrail what happened"
                ],
                None,
            ),
            look(
                text!["If it is a genuine event of AWS, report it to the maintainers of KMS Watch"],
                None,
            ),
        ]
    }
}
