//! Many alerts of one kind by one actor, told as one.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use super::{KeyDeletionCancelled, KeyDeletionScheduled, KeyDisabled, KeyMaterialDeleted};
use crate::arn::{KeyArn, Region};
use crate::kinds::case::{Case, ask, contain, look, lookup_events, undo};
use crate::kinds::describe::{Identify, Identity, Limit, Section, Tell};
use crate::kinds::words::who;
use crate::ledger::burst::{WINDOW_MINUTES, next_step};
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

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match self.severity(case) > self.severity {
            true => text!["it concerns many keys at once"],
            false => text!["one of the alerts has this severity"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let times = if self.rest { " more " } else { " times " };
        let mut text = text![self.count, times, self.of];
        match &self.owner {
            Some(owner) => text.push(text![", keys of ", owner]),
            None => text.push(", keys without owner"),
        }
        if case.actor.is_some() {
            text.push(text![", by ", who(case)]);
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![self.count];
        if self.rest {
            text.push(text![
                " more alerts ",
                self.of,
                " belong to a burst that is over"
            ]);
        } else {
            text.push(text![
                " alerts ",
                self.of,
                " arose within ",
                WINDOW_MINUTES,
                " minutes"
            ]);
        }
        if case.actor.is_some() {
            text.push(text![", all by ", who(case)]);
        }
        text.push(".");
        match &self.owner {
            Some(owner) => text.sentence(text!["Keys of ", owner, ": "]),
            None => text.sentence("Keys without an owner: "),
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
            Some(_) => contain(
                text![
                    "If nobody planned this, first stop ",
                    who(case),
                    ": end the sessions, deactivate the access keys"
                ],
                None,
            ),
            None => look(text!["Find out what the keys have in common"], None),
        };
        let mut steps = vec![first];
        let event = self.event_name.as_ref().map(Untrusted::as_str);
        let plain = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric());
        let region = self.members.iter().find_map(BurstMember::region);
        if let (Some(event), Some(region)) = (event.filter(plain), region) {
            let command = lookup_events("EventName", event, &region);
            steps.push(look(
                text!["See all calls of ", &Untrusted::new(event)],
                Some(command),
            ));
        }
        if LIFTS.contains(&self.of) {
            let owner = self.owner.as_ref();
            let whom = owner.map_or_else(|| text!["the owners"], |owner| text![owner]);
            steps.push(ask(text![
                "Before you enable a key, ask ",
                whom,
                " whether this is incident response"
            ]));
        }
        let members = self.members.iter();
        steps.extend(members.filter_map(|member| undo_of(self.of, member)));
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
                "Earlier alerts named ",
                self.more,
                " more keys of the owner."
            ]);
        }
        if !self.rest {
            if let Some(next) = next_step(self.count) {
                text.sentence(text!["The next such alert comes with number ", next, "."]);
            }
            text.sentence(
                "When the burst is over, one message names the rest. More severe alerts go out alone.",
            );
        }
        text.sentence(if self.on_feed {
            "The feed topic and the ledger have each single alert."
        } else {
            "The ledger has each single alert; there is no feed topic."
        });
        text
    }
}

impl BurstMember {
    fn region(&self) -> Option<Region> {
        let arn: KeyArn = self.about.parse().ok()?;
        Some(arn.region().clone())
    }
}

/// Kinds whose undoing lifts what may be a protection.
const LIFTS: [&str; 2] = [KeyDisabled::NAME, KeyDeletionCancelled::NAME];

/// What undoes an alert of this kind, or shows what to undo.
fn undo_of(kind: &str, member: &BurstMember) -> Option<Step> {
    type Make = fn(Text, Option<String>) -> Step;
    let (make, what, operation, rest): (Make, _, _, _) = match kind {
        "KeyDeletionScheduled" | "KeyDeletionNear" => {
            (undo, "Cancel the deletion of ", "cancel-key-deletion", "")
        }
        "KeyDisabled" | "KeyDeletionCancelled" => (undo, "Enable ", "enable-key", ""),
        "KeyEnabled" => (contain, "Disable ", "disable-key", ""),
        "KeyRotationDisabled" => (undo, "Rotate ", "enable-key-rotation", ""),
        "KeyRotationEnabled" => (undo, "Stop the rotation of ", "disable-key-rotation", ""),
        "KeyPolicyChanged" | "KeyCreated" | "KeyReplicated" => (
            look,
            "See the policy of ",
            "get-key-policy",
            " --policy-name default --query Policy --output text",
        ),
        "GrantCreated" | "GrantRevoked" | "GrantRetired" => {
            (look, "See the grants of ", "list-grants", "")
        }
        "KeyTagsChanged" => (look, "See the tags of ", "list-resource-tags", ""),
        "AliasMoved" | "AliasCreated" | "AliasDeleted" => {
            (look, "See the aliases of ", "list-aliases", "")
        }
        _ => return None,
    };
    // Parsed, so that nothing but an ARN comes into a command.
    let arn: KeyArn = member.about.parse().ok()?;
    let region = arn.region().as_str();
    let command = format!("aws kms {operation} --key-id {arn}{rest} --region {region}");
    Some(make(text![what, &member.name], Some(command)))
}
