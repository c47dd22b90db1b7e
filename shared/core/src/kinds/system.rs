//! Alerts about the watch itself.

use std::borrow::Cow;

use serde::Serialize;

use crate::arn::KeyArn;
use crate::hash::short_hash;
use crate::kinds::case::{Case, look, lookup_events};
use crate::kinds::describe::{Identify, Identity, Limit, Section, Tell};
use crate::kinds::misuse::KeyChangeDenied;
use crate::kinds::words::list;
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
    /// The call, or the type of event, that it says it is.
    pub event_name: Option<Untrusted>,
    /// ARNs, or ids, of keys that stand in it, wherever that is; at most twenty.
    pub keys: Vec<Untrusted>,
    /// The first 1 KB of it.
    pub excerpt: Untrusted,
    /// SHA-256 of it, shortened.
    pub body_hash: String,
    /// What it says it is: its source, type and call.
    #[serde(skip)]
    pub called: String,
}

/// How many keys a sentence names.
const NAMED: usize = 3;

/// What tells of a loss that KMS brings about by itself: calls, and types of event.
const BY_KMS: [&str; 4] = [
    "DeleteKey",
    "DeleteExpiredKeyMaterial",
    "KMS CMK Deletion",
    "KMS Imported Key Material Expiration",
];

impl UnreadableEvent {
    /// It is about a change that this product is there to tell of.
    fn matters(&self) -> bool {
        let name = self.event_name.as_ref().map_or("", Untrusted::as_str);
        KeyChangeDenied::is_change(name) || BY_KMS.contains(&name)
    }
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
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.matters() {
            Severity::High
        } else {
            Severity::Medium
        }
    }

    fn title(&self, _: &Case<'_>) -> Text {
        match &self.event_name {
            Some(name) => text![
                name.shortened(64),
                ": ",
                self.function,
                " cannot read this event"
            ],
            None => text![self.function, " cannot read an event"],
        }
    }

    fn summary(&self, _: &Case<'_>) -> Text {
        let mut text = match &self.event_name {
            Some(name) => text![
                "An event that calls itself ",
                name.shortened(64),
                " cannot be read: "
            ],
            None => text!["An event that does not say what it is cannot be read: "],
        };
        text.push(text![&self.reason, "."]);
        if self.matters() {
            text.sentence("Such events tell of changes of keys, and KMS Watch cannot tell what this one changed.");
        }
        text.sentence(match self.keys.len() {
            0 => text!["No key id was found in the event."],
            1 => text![
                "One key id was found in the event: ",
                list(&self.keys, NAMED),
                "."
            ],
            count => text![
                count as u64,
                " key ids were found in the event: ",
                list(&self.keys, NAMED),
                "."
            ],
        });
        text.sentence(
            "AWS may have changed the form of its events, or something else invokes the function.",
        );
        text
    }

    fn sections(&self) -> Vec<Section> {
        if self.keys.len() <= NAMED {
            return Vec::new();
        }
        let rows = self.keys.iter().map(|key| (Cow::Borrowed(""), text![key]));
        vec![Section {
            heading: "Keys in the event",
            rows: rows.collect(),
        }]
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let lookup = |key: &Untrusted| {
            let arn: KeyArn = key.as_str().parse().ok()?;
            Some(lookup_events(
                "ResourceName",
                &arn.to_string(),
                arn.region(),
            ))
        };
        let keys = self.keys.iter().filter_map(lookup).take(NAMED);
        let keys = keys.map(|command| look(text!["See what was done to the key"], Some(command)));
        let mut steps: Vec<Step> = keys.collect();
        steps.extend([
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
        ]);
        steps
    }
}
