//! Some lines for people: what they lose first, then who does.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Dependants, Principal, Resource};
use crate::context::ResourceKind;
use crate::text;
use crate::text::{Span, Text};

/// Most lines, the one that says how many more there are among them.
const LINES: usize = 6;
/// So many resources of a type have a line each.
const SINGLY: usize = 2;

impl Dependants {
    /// The lines, as seen at the time of the alert; none if nobody is known.
    pub fn lines(&self, at: Timestamp) -> Vec<Text> {
        let (mut lines, mut shown) = (Vec::new(), 0_u64);
        // Of a few principals there is always room for two.
        let for_resources = LINES - 1 - self.principals.len().min(2);
        for group in by_kind(&self.resources) {
            if lines.len() == for_resources {
                break;
            }
            let room = for_resources - lines.len();
            if group.len() <= SINGLY.min(room) {
                lines.extend(group.iter().map(|resource| resource.line(at)));
            } else {
                lines.push(together(&group, at));
            }
            shown += u64::try_from(group.len()).unwrap_or_default();
        }
        for principal in &self.principals {
            if lines.len() == LINES - 1 {
                break;
            }
            lines.push(principal.line(at));
            shown += 1;
        }
        let more = self.count.saturating_sub(shown);
        match (more, self.complete) {
            (0, true) => {}
            (0, false) if lines.is_empty() => {}
            (0, false) => lines.push(text!["perhaps more: not everything could be read"]),
            (more, true) => lines.push(text![more, " more"]),
            (more, false) => lines.push(text!["at least ", more, " more"]),
        }
        lines
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
fn together(group: &[&Resource], at: Timestamp) -> Text {
    let Some(first) = group.first() else {
        return Text::new();
    };
    let mut text = text![
        group.len(),
        " ",
        first.kind.words(group.len() > 1),
        ", such as ",
        &first.id
    ];
    if let Some(seen) = first.last_seen {
        text.push(text![" (", ago(seen, at), ")"]);
    }
    text
}

impl Resource {
    /// `S3 bucket acme-ledger (AppServer, 11 hours ago)`.
    fn line(&self, at: Timestamp) -> Text {
        let mut text = text![self.kind.words(false), " ", &self.id];
        match (&self.used_by, self.last_seen) {
            (Some(by), Some(seen)) => text.push(text![" (", by, ", ", ago(seen, at), ")"]),
            (None, Some(seen)) => text.push(text![" (", ago(seen, at), ")"]),
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
