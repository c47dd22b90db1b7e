//! What a check says.

use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text::Untrusted;
use watch_sweep::attest::Finding;

use super::answers::Place;

/// What a check says. What could not be seen is never well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is as it should be.
    Well(String),
    /// It is not, and this repairs it.
    Failed { what: String, fix: String },
    /// It could not be seen, and this is in the way.
    Unseen { why: String, fix: String },
}

/// Longest name of others in a line.
const NAME: usize = 90;
/// Names that are listed.
const LISTED: usize = 3;

impl Verdict {
    pub(crate) fn well(what: impl Into<String>) -> Self {
        Self::Well(what.into())
    }

    pub(crate) fn failed(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Failed {
            what: what.into(),
            fix: fix.into(),
        }
    }

    /// There is no answer yet, and it is too early to say that something is wrong.
    pub(crate) fn early(why: impl Into<String>) -> Self {
        Self::Unseen {
            why: why.into(),
            fix: "run kms-watch doctor again later".to_owned(),
        }
    }

    /// There is no answer.
    pub(crate) fn unseen(error: &CallError) -> Self {
        let fix = match error.kind() {
            CallErrorKind::Denied => {
                "allow these credentials to read it: docs/command.md has a policy"
            }
            CallErrorKind::Throttled => "others use up the request quota: run it again later",
            CallErrorKind::Timeout => "run it again, and check the network",
            CallErrorKind::NotFound => "it may have been deleted: deploy the stack again",
            CallErrorKind::NotApplicable | CallErrorKind::Other => "run it again",
        };
        Self::Unseen {
            why: error.reason().as_str().to_owned(),
            fix: fix.to_owned(),
        }
    }

    /// What a sweep would tell. The first is shown, and how many more there are.
    pub(crate) fn of_findings(
        findings: Vec<Finding>,
        place: &Place,
        at: jiff::Timestamp,
        well: impl Into<String>,
    ) -> Self {
        let count = findings.len();
        let Some(first) = findings.into_iter().next() else {
            return Self::well(well);
        };
        let first = first.since(at, Some(&place.stack), &place.region);
        let resource = first.resource.shortened(NAME);
        let mut what = format!("{}: {}", resource.as_str(), first.what.plain());
        if count > 1 {
            what += &format!(" (and {} more)", count - 1);
        }
        let fix = first.restore.unwrap_or_else(|| DEPLOY.to_owned());
        Self::failed(what, fix)
    }
}

/// What repairs most of what somebody changed by hand.
pub(crate) const DEPLOY: &str = "deploy the stack again";

/// A name of others, as it may stand in a line.
pub(crate) fn name(text: &str) -> String {
    Untrusted::bounded(text, NAME).as_str().to_owned()
}

/// The first names, and how many more there are.
pub(crate) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<_> = all.into_iter().collect();
    let shown: Vec<_> = all.iter().take(LISTED).map(|it| name(it)).collect();
    let more = all.len().saturating_sub(LISTED);
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}
