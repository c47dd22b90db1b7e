//! Some lines for people: what they lose first, then who does.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Dependants, Evidence, KeyOfStore, Principal, Resource};
use crate::context::ResourceKind;
use crate::text;
use crate::text::{Span, Text};

/// Most lines, the one that says how many more there are among them.
const LINES: usize = 6;
/// So many are named where a key has one line.
const IN_SHORT: usize = 3;
/// So many resources of a type have a line each.
const SINGLY: usize = 2;

impl Dependants {
    /// The lines, as seen at the time of the alert; none if nobody is known.
    pub fn lines(&self, at: Timestamp) -> Vec<Text> {
        let mut lines = Vec::new();
        let (mut resources, mut principals) = (self.resource_count, self.principal_count);
        // Of a few principals there is always room for two.
        let for_resources = LINES - 1 - self.principals.len().min(2);
        for group in by_kind(&self.resources) {
            if lines.len() == for_resources {
                break;
            }
            let room = for_resources - lines.len();
            let listed = u64::try_from(group.len()).unwrap_or_default();
            let first = group.first();
            let count = first.map_or(0, |it| self.count_of(it.kind)).max(listed);
            if group.len() <= SINGLY.min(room) && count == listed {
                lines.extend(group.iter().map(|resource| resource.line(at)));
            } else {
                lines.push(together(&group, count, at));
            }
            resources = resources.saturating_sub(count);
        }
        for principal in &self.principals {
            if lines.len() == LINES - 1 {
                break;
            }
            lines.push(principal.line(at));
            principals = principals.saturating_sub(1);
        }
        if resources + principals > 0 {
            lines.push(text![
                self.at_least(),
                counted(resources, principals, " more")
            ]);
        } else if !self.complete && !lines.is_empty() {
            lines.push(text!["perhaps more: not everything could be read"]);
        }
        lines
    }

    /// `at least 3 resources and 2 principals`.
    pub fn counts(&self) -> Text {
        let counts = counted(self.resource_count, self.principal_count, "");
        text![self.at_least(), counts]
    }

    fn at_least(&self) -> &'static str {
        if self.complete { "" } else { "at least " }
    }

    /// Which databases are among them, and the verb of the sentence: `RDS instance db-7QK2 needs`.
    pub fn databases_need(&self) -> Option<Text> {
        let first = self.databases().next()?;
        let name = text![first.kind.words(false), " ", &first.id];
        Some(match self.databases().count() {
            1 => text![name, " needs"],
            several => text![several, " databases, such as ", name, ", need"],
        })
    }
}

/// `3 resources and 2 principals`; with a word before each noun.
fn counted(resources: u64, principals: u64, word: &'static str) -> Text {
    let of = |count: u64, noun| {
        let plural = if count == 1 { "" } else { "s" };
        text![count, word, noun, plural]
    };
    let (resource, principal) = (of(resources, " resource"), of(principals, " principal"));
    match (resources, principals) {
        (_, 0) => resource,
        (0, _) => principal,
        _ => text![resource, " and ", principal],
    }
}

/// Resources by type, in the order in which the types come.
fn by_kind(resources: &[Resource]) -> Vec<Vec<&Resource>> {
    let mut order: Vec<ResourceKind> = Vec::new();
    let mut groups: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
    for resource in resources {
        if !order.contains(&resource.kind) {
            order.push(resource.kind);
        }
        groups
            .entry(resource.kind.name())
            .or_default()
            .push(resource);
    }
    // What is lost for good comes first.
    order.sort_by_key(|kind| !kind.is_database());
    let order = order.into_iter();
    order
        .filter_map(|kind| groups.remove(kind.name()))
        .collect()
}

/// `14 EBS volumes, such as vol-0a (2 hours ago)`.
fn together(group: &[&Resource], count: u64, at: Timestamp) -> Text {
    let Some(first) = group.first() else {
        return Text::new();
    };
    let mut text = text![
        count,
        " ",
        first.kind.words(count > 1),
        ", such as ",
        &first.id
    ];
    if let Some(seen) = first.last_seen {
        text.push(text![" (", ago(seen, at), ")"]);
    }
    text
}

impl KeyOfStore {
    /// `alias/orders (team-pay): RDS instance db-7QK2, S3 bucket acme-ledger and role/AppServer`.
    pub fn line(&self) -> Text {
        let mut text = text![&self.name];
        if let Some(owner) = &self.owner {
            text.push(text![" (", owner, ")"]);
        }
        let Some(dependants) = self.dependants.as_ref().filter(|it| it.count > 0) else {
            return text;
        };
        let groups = by_kind(&dependants.resources).into_iter();
        let resources = groups.filter_map(|group| {
            let first = *group.first()?;
            let count = dependants.count_of(first.kind).max(1);
            Some(match count {
                1 => text![first.kind.words(false), " ", &first.id],
                several => text![several, " ", first.kind.words(true)],
            })
        });
        let principals = dependants.principals.iter().map(|it| text![&it.name]);
        for (number, part) in resources.chain(principals).take(IN_SHORT).enumerate() {
            text.push(if number == 0 { ": " } else { ", " });
            text.push(part);
        }
        text.push(text!["; in all ", dependants.counts()]);
        text
    }
}

impl Resource {
    /// `S3 bucket acme-ledger (AppServer, 11 hours ago)`.
    fn line(&self, at: Timestamp) -> Text {
        let mut text = text![self.kind.words(false), " ", &self.id];
        match (&self.used_by, self.last_seen) {
            (Some(by), Some(seen)) => text.push(text![" (", by, ", ", ago(seen, at), ")"]),
            (None, Some(seen)) => text.push(text![" (", ago(seen, at), ")"]),
            (_, None) if self.via == Evidence::Config => text.push(" (by AWS Config)"),
            (_, None) => text.push(" (by a grant)"),
        }
        text
    }
}

impl Principal {
    /// `role/ci-deploy, 2 days ago (Decrypt)`.
    fn line(&self, at: Timestamp) -> Text {
        let mut text = text![&self.name];
        if let Some(service) = self.service.as_ref().filter(|it| **it != self.name) {
            text.push(text![" through ", service]);
        }
        text.push(match self.last_seen {
            Some(seen) => text![", ", ago(seen, at)],
            None => text![", by a grant"],
        });
        if let Some((first, rest)) = self.operations.split_first() {
            text.push(text![" (", first]);
            text.push(if rest.is_empty() { ")" } else { ", …)" });
        }
        text
    }
}

/// `11 hours ago`. What was seen since is as good as now.
fn ago(seen: Timestamp, at: Timestamp) -> Span {
    let minutes = at.duration_since(seen).as_mins();
    let (number, unit) = match minutes {
        ..2 => return Span::Own("just now".into()),
        2..120 => (minutes, "minutes"),
        120..2_880 => (minutes / 60, "hours"),
        _ => (minutes / 1_440, "days"),
    };
    Span::Own(format!("{number} {unit} ago").into())
}
