//! The week in one message: how many keys there are, what comes, what changed, and what nobody watches.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::arn::{AccountId, KeyArn, Partition};
use crate::kinds::case::{Case, ask, fix};
use crate::kinds::describe::{Found, Identify, Identity, Learn, Limit, Section, Tell};
use crate::kinds::words::list;
use crate::ledger::Item;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Span, Text, Untrusted, day};

/// Most dates that a digest has, the soonest ones.
pub const MAX_DUE: usize = 200;

/// Most names of keys in each of its other lists.
pub const MAX_NAMES: usize = 20;

/// Most dates that people see.
const SHOWN_DUE: usize = 8;

/// Most names that people see in one list.
const SHOWN_NAMES: usize = 4;

/// Longest name in a digest, in characters: with [`MAX_DUE`] of the longest it has to fit into a message.
const NAME_BOUND: usize = 64;

/// Longest name that people see.
const SHOWN_BOUND: usize = 40;

/// Longest reason why a key is not watched.
const REASON_BOUND: usize = 160;

/// Most different states, or origins, that are counted.
const MAX_WORDS: usize = 16;

/// What a role needs to know a key (the key policy's part; the role's own policy has to allow the same).
const READ_ACTIONS: [&str; 7] = [
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:GetKeyLastUsage",
    "kms:ListGrants",
];

/// The keys of an account in a Region, once a week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InventoryDigest {
    /// The week by ISO 8601, such as `2026-W47` ([`iso_week`]).
    pub week: String,
    /// Since when changes were counted, `null` if there was no digest before.
    pub since: Option<Timestamp>,
    /// How many keys there are.
    pub totals: Totals,
    /// What changed since.
    pub changes: Changes,
    /// What comes in the next 30 days, the soonest first, 200 at most.
    pub due: Vec<Due>,
    /// How much more comes in that time.
    pub due_more: u64,
    /// Names of keys that could be rotated automatically and are not, 20 at most.
    pub without_rotation: Vec<Untrusted>,
    /// Names of keys without a use in the last 90 days, 20 at most.
    pub unused: Vec<Untrusted>,
    /// Keys of which KMS Watch cannot see enough, 20 at most.
    pub blind_spots: Vec<BlindSpot>,
    /// A statement for the key policies of the blind spots that opens them, as JSON; `null` if there are none.
    pub statement: Option<String>,
}

/// How many keys there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Totals {
    /// All of them.
    pub keys: u64,
    /// Those that AWS services manage. All other numbers are of the account's own keys.
    pub aws_managed: u64,
    /// By state.
    pub by_state: BTreeMap<String, u64>,
    /// By the origin of their material.
    pub by_origin: BTreeMap<String, u64>,
    /// Those whose deletion is scheduled.
    pub pending_deletion: u64,
    /// Those that could be rotated automatically and are not.
    pub without_rotation: u64,
    /// Those without a use in the last 90 days, as far as KMS has recorded.
    #[serde(rename = "unused90Days")]
    pub unused_90_days: u64,
    /// Those of which KMS Watch cannot see enough.
    pub blind_spots: u64,
}

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Changes {
    /// Keys that were created.
    pub created: u64,
    /// Keys that were deleted.
    pub deleted: u64,
    /// Keys that KMS no longer finds, for no known reason.
    pub vanished: u64,
    /// Rotations.
    pub rotated: u64,
    /// Deletions that were scheduled.
    pub deletions_scheduled: u64,
    /// Deletions that were cancelled.
    pub deletions_cancelled: u64,
    /// Keys that were disabled.
    pub disabled: u64,
}

impl Changes {
    /// What there was, in words.
    fn words(&self) -> Text {
        let mut text = Text::new();
        for (count, what) in [
            (self.created, " created"),
            (self.deleted, " deleted"),
            (self.vanished, " missing"),
            (self.rotated, " rotated"),
            (self.deletions_scheduled, " scheduled for deletion"),
            (self.deletions_cancelled, " deletions cancelled"),
            (self.disabled, " disabled"),
        ] {
            if count > 0 {
                if !text.spans().is_empty() {
                    text.push(", ");
                }
                text.push(text![count, what]);
            }
        }
        if text.spans().is_empty() {
            text.push("nothing");
        }
        text
    }
}

/// Something that is lost on a certain day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Due {
    /// ARN of the key.
    pub key: KeyArn,
    /// Its name.
    pub name: Untrusted,
    /// Its owner.
    pub owner: Option<Untrusted>,
    /// What comes.
    pub what: DueWhat,
    /// When.
    pub at: Timestamp,
}

/// What comes on a certain day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum DueWhat {
    /// The key is deleted.
    Deletion,
    /// Imported key material expires.
    MaterialExpiry,
}

impl DueWhat {
    fn words(self) -> &'static str {
        match self {
            Self::Deletion => "deletion of ",
            Self::MaterialExpiry => "expiry of the key material of ",
        }
    }
}

/// A key of which KMS Watch cannot see enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlindSpot {
    /// ARN of the key.
    pub key: KeyArn,
    /// Its name.
    pub name: Untrusted,
    /// What KMS answered.
    pub reason: Untrusted,
}

/// The week in which `at` lies, in UTC and by ISO 8601: `2026-W47`.
pub fn iso_week(at: Timestamp) -> String {
    let week = at.to_zoned(TimeZone::UTC).date().iso_week_date();
    format!("{:04}-W{:02}", week.year(), week.week())
}

/// A statement for a key policy, as JSON on one line: it lets IAM policies of the account decide who may read what there is
/// to know of the key, and nothing else.
pub fn blind_spot_statement(partition: &Partition, account: &AccountId) -> String {
    let (partition, account) = (partition.as_str(), account.as_str());
    let actions = READ_ACTIONS.map(|action| format!("\"{action}\"")).join(",");
    format!(
        "{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"arn:{partition}:iam::{account}:root\"}},\"Action\":[{actions}],\
         \"Resource\":\"*\"}}"
    )
}

impl InventoryDigest {
    /// Keeps it within what a message holds, whatever it was made of.
    fn bound(&mut self) {
        self.week = Untrusted::bounded(&self.week, 16).as_str().to_owned();
        self.due.sort_by(|one, other| {
            (one.at, one.what, &one.key).cmp(&(other.at, other.what, &other.key))
        });
        let surplus = self.due.len().saturating_sub(MAX_DUE);
        self.due.truncate(MAX_DUE);
        self.due_more = self.due_more.saturating_add(surplus as u64);
        for due in &mut self.due {
            due.name = due.name.shortened(NAME_BOUND);
            due.owner = due.owner.take().map(|owner| owner.shortened(NAME_BOUND));
        }
        for names in [&mut self.without_rotation, &mut self.unused] {
            names.truncate(MAX_NAMES);
            for name in names {
                *name = name.shortened(NAME_BOUND);
            }
        }
        self.blind_spots.truncate(MAX_NAMES);
        for spot in &mut self.blind_spots {
            spot.name = spot.name.shortened(NAME_BOUND);
            spot.reason = spot.reason.shortened(REASON_BOUND);
        }
        for counts in [&mut self.totals.by_state, &mut self.totals.by_origin] {
            let few = std::mem::take(counts).into_iter().take(MAX_WORDS);
            *counts = few
                .map(|(word, count)| (Untrusted::bounded(&word, 64).as_str().to_owned(), count))
                .collect();
        }
    }

    /// How much of this is due, among what the digest has.
    fn count(&self, what: DueWhat) -> usize {
        self.due.iter().filter(|due| due.what == what).count()
    }

    fn due_section(&self) -> Section {
        let mut rows: Vec<(Cow<'static, str>, Text)> = Vec::new();
        for due in self.due.iter().take(SHOWN_DUE) {
            let mut text = text![due.what.words(), due.name.shortened(SHOWN_BOUND)];
            if let Some(owner) = &due.owner {
                text.push(text![", ", owner.shortened(SHOWN_BOUND / 2)]);
            }
            let Span::Own(date) = day(due.at) else {
                continue;
            };
            rows.push((date, text));
        }
        let more = self.due_more + self.due.len().saturating_sub(SHOWN_DUE) as u64;
        if more > 0 {
            rows.push(("".into(), text!["and ", more, " more"]));
        }
        Section {
            heading: "Due in 30 days",
            rows,
        }
    }
}

/// `12: a, b, c and 9 more`.
fn counted<'a>(count: u64, names: impl Iterator<Item = &'a Untrusted>) -> Text {
    let names: Vec<_> = names.map(|name| name.shortened(SHOWN_BOUND)).collect();
    let mut text = text![count];
    let shown = names.len().min(SHOWN_NAMES);
    if shown > 0 {
        text.push(": ");
        let all = names.len() as u64 >= count && names.len() == shown;
        if all {
            text.push(list(&names, SHOWN_NAMES));
        } else {
            for (index, name) in names.iter().take(shown).enumerate() {
                text.push(if index > 0 { ", " } else { "" });
                text.push(name);
            }
            let more = count.saturating_sub(shown as u64);
            text.push(text![" and ", more, " more"]);
        }
    }
    text
}

/// ` key` or ` keys`.
fn keys(count: u64) -> Text {
    text![count, if count == 1 { " key" } else { " keys" }]
}

impl Identify for InventoryDigest {
    fn is_by_event(&self) -> bool {
        false
    }

    fn limit(&self) -> Limit {
        Limit::None
    }

    fn identity(&self) -> Identity {
        Identity::Week(self.week.clone())
    }
}

impl Learn for InventoryDigest {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        self.bound();
        let blind = self.totals.blind_spots > 0 || !self.blind_spots.is_empty();
        let (partition, account) = (found.subject.partition(), found.subject.account());
        self.statement = blind.then(|| blind_spot_statement(partition, account));
        Vec::new()
    }
}

impl Tell for InventoryDigest {
    fn ceiling(&self) -> Severity {
        Severity::Low
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, _: &Case<'_>) -> Text {
        let Totals {
            keys: all,
            pending_deletion,
            blind_spots,
            ..
        } = self.totals;
        let mut text = text![
            "Key inventory, week ",
            Untrusted::new(&self.week),
            ": ",
            keys(all)
        ];
        if pending_deletion > 0 {
            text.push(text![", ", pending_deletion, " pending deletion"]);
        }
        match blind_spots {
            0 => {}
            1 => text.push(", 1 blind spot"),
            count => text.push(text![", ", count, " blind spots"]),
        }
        text
    }

    fn summary(&self, _: &Case<'_>) -> Text {
        let Totals {
            keys: all,
            aws_managed,
            by_state,
            ..
        } = &self.totals;
        let mut text = text![keys(*all)];
        if *aws_managed > 0 {
            text.push(text![", ", *aws_managed, " of them AWS managed"]);
        }
        text.push(".");
        if !by_state.is_empty() {
            text.sentence("Customer managed: ");
            for (index, (state, count)) in by_state.iter().enumerate() {
                text.push(if index > 0 { ", " } else { "" });
                text.push(text![*count, " ", Untrusted::new(state)]);
            }
            text.push(".");
        }
        if self.due.is_empty() && self.due_more == 0 {
            text.sentence("Nothing is due in the next 30 days.");
            return text;
        }
        let at_least = if self.due_more > 0 { "at least " } else { "" };
        let deletions = self.count(DueWhat::Deletion);
        let ends = self.count(DueWhat::MaterialExpiry);
        text.sentence(text![
            "Due in the next 30 days: ",
            at_least,
            deletions,
            if deletions == 1 {
                " deletion"
            } else {
                " deletions"
            },
            " and ",
            ends,
            if ends == 1 { " expiry" } else { " expiries" },
            " of key material."
        ]);
        text
    }

    fn sections(&self) -> Vec<Section> {
        let totals = &self.totals;
        let line = |heading, text| Section {
            heading,
            rows: vec![("".into(), text)],
        };
        let mut sections = Vec::new();
        if !self.due.is_empty() {
            sections.push(self.due_section());
        }
        sections.push(line(
            "Changed this week",
            match self.since {
                Some(since) => text![self.changes.words(), " (since ", day(since), ")"],
                None => self.changes.words(),
            },
        ));
        for (heading, count, names) in [
            (
                "Without rotation",
                totals.without_rotation,
                &self.without_rotation,
            ),
            ("Unused for 90 days", totals.unused_90_days, &self.unused),
        ] {
            if count > 0 {
                sections.push(line(heading, counted(count, names.iter())));
            }
        }
        if totals.blind_spots > 0 {
            let names = self.blind_spots.iter().map(|spot| &spot.name);
            let mut text = counted(totals.blind_spots, names);
            text.push("; step 1 makes them readable");
            sections.push(line("Blind spots", text));
        }
        sections
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(statement) = &self.statement {
            steps.push(fix(
                text![
                    "Let KMS Watch read the blind spots: add this statement to their key policies: ",
                    Span::Own(statement.clone().into())
                ],
                None,
            ));
        }
        if self.count(DueWhat::Deletion) + self.count(DueWhat::MaterialExpiry) > 0 {
            steps.push(ask(text!["Make sure that the owners know the dates above"]));
        }
        steps
    }
}
