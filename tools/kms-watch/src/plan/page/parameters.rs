//! What to set when the stack is deployed. What is left out has the template's default.

use super::keys;
use crate::plan::args::Wishes;
use crate::plan::ask::Facts;

/// More keys than these make the comparison of grants take several runs.
const MANY: usize = 10_000;

/// A parameter of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    /// `None`: nobody said yet, and it should be set.
    pub(crate) value: Option<String>,
    pub(crate) why: &'static str,
}

fn parameter(name: &'static str, value: impl Into<Option<String>>, why: &'static str) -> Parameter {
    Parameter {
        name,
        value: value.into(),
        why,
    }
}

/// Those that differ from the defaults.
pub(super) fn parameters(facts: &Facts, wishes: &Wishes, owner_tag_key: &str) -> Vec<Parameter> {
    let set = || Some("true".to_owned());
    let mut all = vec![
        parameter(
            "NotificationEmail",
            wishes.email.clone(),
            "gets the alerts; without it nobody is told",
        ),
        parameter(
            "HealthEmail",
            wishes.health_email.clone(),
            "gets the alarms on the watch itself; another team is better",
        ),
    ];
    if wishes.chat {
        all.push(parameter("ChatTopic", set(), "a chat gets alerts"));
    }
    if wishes.feed {
        all.push(parameter("FeedTopic", set(), "programs read alerts"));
    }
    if owner_tag_key != "Owner" {
        let why = "the tag that names a key's owner";
        all.push(parameter("OwnerTagKey", plain(owner_tag_key), why));
    }
    if !wishes.trusted_accounts.is_empty() {
        let ids = wishes.trusted_accounts.iter().map(|id| id.as_str());
        let ids = ids.collect::<Vec<_>>().join(",");
        all.push(parameter(
            "TrustedAccounts",
            ids,
            "their access is not foreign",
        ));
    }
    if facts.places.iter().any(|place| place.recording == Ok(true)) {
        let why = "AWS Config records, and knows what nobody used for 90 days";
        all.push(parameter("ConfigDependants", set(), why));
    }
    if keys(facts).count() > MANY {
        let why = "grants of so many keys take several runs a day to compare";
        all.push(parameter("SweepGrants", "false".to_owned(), why));
    }
    all
}

/// The value, if it can stand in quotation marks in a file and in a shell.
fn plain(value: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(c);
    (value.len() <= 128 && value.chars().all(fits)).then(|| value.to_owned())
}
