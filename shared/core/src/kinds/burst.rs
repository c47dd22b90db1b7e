//! Many alerts of one kind by one actor, told as one.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use super::{KeyDeletionScheduled, KeyDisabled, KeyMaterialDeleted};
use crate::arn::KeyArn;
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Identify, Identity, Limit, Section, Tell};
use crate::kinds::words::who;
use crate::ledger::burst::{SINGLY, WINDOW_MINUTES, next_step};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// How many names stand in a summary; the details have more.
const NAMED: usize = 20;

/// Kinds that are no routine where there are many, whatever each single key is worth.
const GRAVE_IN_NUMBERS: [&str; 3] = [
    KeyDeletionScheduled::NAME,
    KeyDisabled::NAME,
    KeyMaterialDeleted::NAME,
];

/// One actor does the same to many keys. There is one such alert for each owner concerned.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Burst {
    /// The kind of alert that is folded.
    pub of: &'static str,
    /// How many there were within the last minutes, by this actor, whoever owns the keys.
    pub count: u64,
    /// Owner of the keys that this alert is about, `null` for keys without one.
    pub owner: Option<Untrusted>,
    /// Those of the owner's keys that are known by now, the first ones first.
    pub members: Vec<BurstMember>,
    /// Of how many more of this owner people were told before.
    pub more: u64,
    /// Beginning of the window of time in which they were counted.
    pub since: Timestamp,
    /// The operation that CloudTrail recorded.
    #[serde(skip)]
    pub event_name: Option<Untrusted>,
    /// What the counter counts: kind and actor.
    #[serde(skip)]
    pub series: String,
    /// Which message about it this is, the same for each try.
    #[serde(skip)]
    pub part: String,
    /// It is over, and this is what people were not told yet.
    #[serde(skip)]
    pub rest: bool,
    /// There is a feed, which has each single alert.
    #[serde(skip)]
    pub on_feed: bool,
    /// The highest severity among the members.
    #[serde(skip)]
    pub severity: Severity,
}

/// A key in a burst.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BurstMember {
    /// ARN of the key.
    pub about: String,
    /// Its name.
    pub name: Untrusted,
    /// Severity of its own alert.
    pub severity: Untrusted,
    /// Id of its own alert.
    pub alert_id: String,
}

impl Identify for Burst {
    fn limit(&self) -> Limit {
        Limit::None
    }

    // It tells of alerts, which say so themselves.
    fn is_by_event(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity {
        let owner = self.owner.as_ref().map_or("", Untrusted::as_str);
        Identity::Content(format!(
            "{}#{}#{}#{owner}",
            self.series, self.since, self.part
        ))
    }
}

impl Tell for Burst {
    fn severity(&self, _: &Case<'_>) -> Severity {
        if GRAVE_IN_NUMBERS.contains(&self.of) {
            self.severity.max(Severity::High)
        } else {
            self.severity
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let times = if self.rest { " more " } else { " times " };
        let mut text = text![self.count, times, self.of];
        if case.actor.is_some() {
            text.push(text![" by ", who(case)]);
        }
        match &self.owner {
            Some(owner) => text.push(text![", keys of ", owner]),
            None => text.push(", keys without owner"),
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match case.actor {
            Some(_) => text![who(case), " gave rise to "],
            None => text!["There were "],
        };
        text.push(text![self.count]);
        if self.rest {
            text.push(text![
                " more alerts of the kind ",
                self.of,
                " in a burst that is over. People were not told of these by name until now."
            ]);
        } else {
            text.push(text![
                " alerts of the kind ",
                self.of,
                " within ",
                WINDOW_MINUTES,
                " minutes. From number ",
                SINGLY + 1,
                " on they are folded into one for each owner."
            ]);
        }
        match &self.owner {
            Some(owner) => text.sentence(text!["This one is about the keys of ", owner, ": "]),
            None => text.sentence("This one is about keys without an owner: "),
        }
        for (index, member) in self.members.iter().take(NAMED).enumerate() {
            if index > 0 {
                text.push(", ");
            }
            text.push(&member.name);
        }
        let unnamed = self.members.len().saturating_sub(NAMED);
        if unnamed > 0 {
            text.push(text![" and ", unnamed as u64, " more, named below"]);
        }
        text.push(".");
        text.sentence(self.outlook());
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let first = match case.actor {
            Some(_) => text![
                "If nobody expected this, stop ",
                who(case),
                " first, then undo what was done key by key"
            ],
            None => text!["Look for what they have in common, then go on key by key"],
        };
        let mut steps = vec![look(first, None)];
        let event = self.event_name.as_ref().map(Untrusted::as_str);
        if let Some(event) = event.filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric())) {
            let command = format!(
                "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue={event} \
                 --max-results 50"
            );
            steps.push(look(text!["See all of it in CloudTrail"], Some(command)));
        }
        steps.extend(self.members.iter().filter_map(|member| {
            let (what, command) = undo(self.of, &member.about)?;
            Some(look(text![what, &member.name], Some(command)))
        }));
        steps
    }

    fn sections(&self) -> Vec<Section> {
        let rows = self.members.iter().map(|member| {
            let about = Untrusted::new(&member.about);
            let line = text![&member.severity, ": ", &member.name, ", ", about];
            (Cow::Borrowed(""), line)
        });
        vec![Section {
            heading: "The alerts",
            rows: rows.collect(),
        }]
    }
}

impl Burst {
    /// What comes next, and where the single alerts are.
    fn outlook(&self) -> Text {
        let mut text = Text::new();
        if self.more > 0 {
            text.sentence(text![
                "Of ",
                self.more,
                " more of the owner's keys people were told before."
            ]);
        }
        if !self.rest {
            if let Some(next) = next_step(self.count) {
                text.sentence(text!["The next such alert comes with number ", next, "."]);
            }
            text.sentence(
                "What comes until then is named when the burst is over: with the next event after it, at the latest by the \
                 next sweep. What is more urgent goes out by itself.",
            );
        }
        text.sentence(if self.on_feed {
            "Each single alert is on the feed and in the ledger's history, with its undo."
        } else {
            "Each single alert is in the ledger's history. There is no feed topic that has its text."
        });
        text
    }
}

/// What undoes an alert of this kind, or shows what to undo.
fn undo(kind: &str, about: &str) -> Option<(&'static str, String)> {
    let (what, operation, rest) = match kind {
        "KeyDeletionScheduled" | "KeyDeletionNear" => ("Keep ", "cancel-key-deletion", ""),
        "KeyDisabled" | "KeyDeletionCancelled" => ("Enable ", "enable-key", ""),
        "KeyEnabled" => ("Disable ", "disable-key", ""),
        "KeyRotationDisabled" => ("Rotate ", "enable-key-rotation", ""),
        "KeyRotationEnabled" => ("Stop the rotation of ", "disable-key-rotation", ""),
        "KeyPolicyChanged" | "KeyCreated" | "KeyReplicated" => (
            "See the policy of ",
            "get-key-policy",
            " --policy-name default --query Policy --output text",
        ),
        "GrantCreated" | "GrantRevoked" | "GrantRetired" => {
            ("See the grants of ", "list-grants", "")
        }
        "KeyTagsChanged" => ("See the tags of ", "list-resource-tags", ""),
        "AliasMoved" | "AliasCreated" | "AliasDeleted" => {
            ("See the aliases of ", "list-aliases", "")
        }
        _ => return None,
    };
    // Parsed, so that nothing but an ARN comes into a command.
    let arn: KeyArn = about.parse().ok()?;
    let region = arn.region().as_str();
    Some((
        what,
        format!("aws kms {operation} --key-id {arn}{rest} --region {region}"),
    ))
}
