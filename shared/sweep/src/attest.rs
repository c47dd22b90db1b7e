//! Whether the watch can still tell: what a sweep finds of its own parts. Pure.
//!
//! | file | what it judges |
//! |---|---|
//! | this | what a finding is |
//! | `topics` | who listens |
//! | `rules` | rules and targets, against those of the template (`rules.json`) |
//! | `functions` | whether a function can run |
//! | `schedules` | whether the schedules of sweeps can start them |
//! | `alarms` | whether alarms can tell, and mute rules |
//! | `trails` | whether a trail records what the rules need |
//! | `queues` | what waits in the queues of what failed |
//! | `noted` | what is not as it was noted after the last deployment |
//! | `canary` | whether the canary came through lately |

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use watch_core::arn::Region;
use watch_core::kinds::WatchFinding;
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text;
use watch_core::text::{Text, Untrusted};

pub mod alarms;
pub mod canary;
pub mod functions;
pub mod noted;
pub mod queues;
pub mod rules;
pub mod schedules;
mod topics;
pub mod trails;

pub use topics::{Audience, listeners, of_topic};

/// What is looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Topics and their subscriptions.
    Topics,
    /// Rules, and where they lead.
    Rules,
    /// Functions.
    Functions,
    /// What starts functions.
    Schedules,
    /// Alarms, and rules that mute them.
    Alarms,
    /// Trails.
    Trails,
    /// Queues of what could not be handled.
    Queues,
    /// The canary, and what the ledger has of the parts.
    Canary,
}

impl Group {
    fn as_str(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Rules => "rules",
            Self::Functions => "functions",
            Self::Schedules => "schedules",
            Self::Alarms => "alarms",
            Self::Trails => "trails",
            Self::Queues => "queues",
            Self::Canary => "canary",
        }
    }

    /// `name` is that of a finding of this group.
    pub fn has(self, name: &str) -> bool {
        name.split_once('/')
            .is_some_and(|(group, _)| group == self.as_str())
    }
}

/// What is wrong with a part of the watch.
#[derive(Clone, Debug)]
pub struct Finding {
    group: Group,
    resource: Untrusted,
    check: &'static str,
    /// What it is now: another value is another finding.
    version: String,
    what: Text,
    silences: bool,
    restore: Option<String>,
    by_call: bool,
    /// A deployment may be at it: it is told if the next sweep finds it too.
    pub held: bool,
}

impl Finding {
    /// Something that only a call does, and that is told at once.
    pub fn new(group: Group, check: &'static str, resource: &str, what: Text) -> Self {
        Self {
            group,
            resource: Untrusted::new(resource),
            check,
            version: String::new(),
            what,
            silences: false,
            restore: None,
            by_call: true,
            held: false,
        }
    }

    /// Something is not seen or not told because of it.
    #[must_use]
    pub fn silencing(mut self) -> Self {
        self.silences = true;
        self
    }

    /// Told if the next sweep finds it too.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// No call need have done it.
    #[must_use]
    pub fn by_itself(mut self) -> Self {
        self.by_call = false;
        self
    }

    /// Another version is another finding.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The command that brings it back or shows how it stands.
    #[must_use]
    pub fn restore(mut self, command: Option<String>) -> Self {
        self.restore = command;
        self
    }

    /// What stays the same as long as it is wrong.
    pub fn name(&self) -> String {
        let (group, resource) = (self.group.as_str(), self.resource.as_str());
        format!("{group}/{}#{resource}#{}", self.check, self.version)
    }

    /// To be told, as found first then.
    pub fn since(self, found_at: Timestamp, stack: Option<&str>, region: &Region) -> WatchFinding {
        WatchFinding {
            resource: self.resource,
            check: self.check,
            version: self.version,
            what: self.what,
            silences: self.silences,
            by_call: self.by_call,
            restore: self.restore,
            by_guard: false,
            found_at,
            stack: stack.map(str::to_owned),
            region: Some(region.clone()),
        }
    }
}

/// What may be the doing of a deployment is told if it is still so after this: by the next look.
const HOLD: SignedDuration = SignedDuration::from_mins(25);

/// Those of the findings that are to be told, each with the time since when it is so, and the names of all that is wrong. `known`
/// is what was wrong at the last look. What of it is in no group of `seen` was not looked at, and stays as it was.
pub fn weigh(
    findings: Vec<Finding>,
    known: &BTreeMap<String, Timestamp>,
    seen: &BTreeSet<Group>,
    at: Timestamp,
) -> (Vec<(Finding, Timestamp)>, BTreeMap<String, Timestamp>) {
    let is_seen = |name: &str| seen.iter().any(|group| group.has(name));
    let unseen = known.iter().filter(|(name, _)| !is_seen(name));
    let unseen = unseen.map(|(name, since)| (name.clone(), *since));
    let mut wrong: BTreeMap<String, Timestamp> = unseen.collect();
    let mut due = Vec::new();
    for finding in findings {
        let since = known.get(&finding.name()).copied();
        let since = since.filter(|since| *since <= at).unwrap_or(at);
        wrong.insert(finding.name(), since);
        if !finding.held || at.duration_since(since) >= HOLD {
            due.push((finding, since));
        }
    }
    (due, wrong)
}

/// How a group stands cannot be seen. Whoever may not look will not be able to by itself.
pub fn unseen(group: Group, error: &CallError) -> Finding {
    let what = text![
        "whether its ",
        group.as_str(),
        " are as they were deployed cannot be seen (",
        error.reason(),
        ")"
    ];
    let denied = error.kind() == CallErrorKind::Denied;
    let finding = Finding::new(group, "unseen", group.as_str(), what).version(if denied {
        "denied"
    } else {
        "no answer"
    });
    if denied {
        finding
    } else {
        finding.held().by_itself()
    }
}

/// A name in a sentence, and how many more there are.
fn and_more(names: &[&str]) -> Text {
    let mut text = text![Untrusted::new(names.first().copied().unwrap_or_default())];
    if names.len() > 1 {
        text.push(text![" and of ", names.len() - 1, " more"]);
    }
    text
}
