//! What waits in the queues of what could not be handled.

use std::collections::BTreeMap;

use serde_json::json;
use watch_core::hash::short_hash;
use watch_core::text;

use super::noted::Facets;
use super::{Finding, Group};

/// Attributes of a queue that a deployment sets.
const SETTINGS: [&str; 7] = [
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
];

/// The name at the end of a queue's URL.
pub fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// Messages wait in the queue. How many does not matter: each is an alert that nobody has read.
pub fn judge(url: &str, attributes: &BTreeMap<String, String>) -> Option<Finding> {
    let count = attributes.get("ApproximateNumberOfMessages")?;
    if count == "0" {
        return None;
    }
    let what = text![
        "messages wait in the queue, so nobody was notified of these events. kms-watch redrive sends them again"
    ];
    let finding = Finding::new(Group::Queues, "waiting", name_of(url), what);
    Some(finding.by_itself().held())
}

/// The queue is not there.
pub fn missing(url: &str) -> Finding {
    let what = text!["the queue is missing, so failed events are lost"];
    Finding::new(Group::Queues, "missing", name_of(url), what)
        .silencing()
        .held()
}

/// What is noted of a queue.
pub fn facets(attributes: &BTreeMap<String, String>) -> Facets {
    let settings = SETTINGS.map(|name| attributes.get(name));
    Facets::from([(
        "settings".to_owned(),
        short_hash(&json!(settings).to_string()),
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_if_the_next_sweep_finds_it_too() {
        let attributes = |count: &str| {
            BTreeMap::from([
                ("ApproximateNumberOfMessages".to_owned(), count.to_owned()),
                ("MessageRetentionPeriod".to_owned(), "1209600".to_owned()),
            ])
        };
        let url = "https://sqs.us-east-1.amazonaws.com/111122223333/kms-watch-FailedInvocations-1A";
        assert!(judge(url, &attributes("0")).is_none());
        let found = judge(url, &attributes("3")).unwrap();
        assert!(found.held && !found.silences);
        assert_eq!(found.name(), judge(url, &attributes("4")).unwrap().name());
        assert_eq!(facets(&attributes("0")), facets(&attributes("3")));
        let mut short = attributes("0");
        short.insert("MessageRetentionPeriod".to_owned(), "60".to_owned());
        assert_ne!(facets(&attributes("0")), facets(&short));
    }
}
