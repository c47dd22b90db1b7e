//! CloudTrail's event history: every record of the last 90 days, whether or not EventBridge delivered it
//! (CloudTrail User Guide, "Working with CloudTrail event history").
//!
//! It holds the records that the simulator makes, so reads and cryptographic operations only if
//! [`Options::read_only_events`](crate::Options::read_only_events) is set, and no more than a hundred thousand in each
//! Region: the oldest go first.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How long CloudTrail keeps records for lookups.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How many records of a Region are kept: a record of a kilobyte makes this a hundred megabytes.
const MOST: usize = 100_000;

/// Records by Region, each in the order of time.
#[derive(Debug)]
pub(crate) struct History {
    /// How long after the fact a record can be found.
    pub(crate) lag: SignedDuration,
    pub(super) by_region: BTreeMap<String, VecDeque<Entry>>,
    remembered: u64,
}

/// A record, and the members of it that lookups show or look for.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place in the history of all Regions.
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) source: String,
    pub(super) read_only: bool,
    pub(super) username: Option<String>,
    pub(super) access_key: Option<String>,
    /// Type and name.
    pub(super) resources: Vec<(String, String)>,
    pub(super) record: String,
}

impl History {
    pub(crate) fn new(lag: SignedDuration) -> Self {
        Self {
            lag,
            by_region: BTreeMap::new(),
            remembered: 0,
        }
    }

    /// Keeps a record that is made now.
    pub(crate) fn remember(&mut self, region: &str, record: &Value, now: Timestamp) {
        self.remembered += 1;
        let entries = self.by_region.entry(region.to_owned()).or_default();
        while entries.len() >= MOST || entries.front().is_some_and(|entry| entry.is_old(now)) {
            entries.pop_front();
        }
        entries.push_back(Entry::new(self.remembered, record, now));
    }

    /// The records of a Region, oldest first, also those that cannot be found yet.
    pub(crate) fn records(&self, region: &str) -> Vec<Value> {
        let entries = self.by_region.get(region).into_iter().flatten();
        entries
            .filter_map(|entry| serde_json::from_str(&entry.record).ok())
            .collect()
    }
}

impl Entry {
    fn new(number: u64, record: &Value, at: Timestamp) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let identity = &record["userIdentity"];
        let resources = record["resources"].as_array().map(Vec::as_slice);
        Self {
            number,
            at,
            id: text(&record["eventID"]),
            name: text(&record["eventName"]),
            source: text(&record["eventSource"]),
            read_only: record["readOnly"] == true,
            username: username(identity).map(str::to_owned),
            access_key: identity["accessKeyId"].as_str().map(str::to_owned),
            resources: resources
                .unwrap_or_default()
                .iter()
                .map(|resource| (text(&resource["type"]), text(&resource["ARN"])))
                .collect(),
            record: record.to_string(),
        }
    }

    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) > KEPT
    }
}

/// Whom a lookup names: the user, the session of a role or of a federated user, `root`; nobody for services of AWS and for
/// callers from other accounts, whose names the record does not tell.
fn username(identity: &Value) -> Option<&str> {
    match identity["type"].as_str()? {
        "Root" => Some("root"),
        "IAMUser" => identity["userName"].as_str(),
        "AssumedRole" | "FederatedUser" => {
            let (_, session) = identity["principalId"].as_str()?.split_once(':')?;
            Some(session)
        }
        _ => None,
    }
}
