//! What was noted of functions, alarms and queues after the last deployment, and what is not so any more.
//!
//! The template does not say what code a function will have. So the first sweep notes it, and each deployment that the ledger
//! knows, by its alert, allows for other values for some hours.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use watch_core::ledger::{Item, ItemKey, PARTITION_KEY, SORT_KEY, guards, sweeps};
use watch_core::text;
use watch_core::text::{Text, Untrusted};

use super::{Finding, Group, and_more};

/// Sort key of the item.
const PARTS: &str = "watch#parts";
/// A deployment is over by then.
const DEPLOYS_FOR: SignedDuration = SignedDuration::from_hours(3);
/// Clocks of two services differ by less.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// What of a function decides what it tells.
const SILENCING: [&str; 3] = ["code", "role", "environment"];

/// What is noted of a part, by what it is called.
pub type Facets = BTreeMap<String, String>;

/// What is noted of the parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Noted {
    /// When it was so.
    pub at: Timestamp,
    /// Functions by name.
    pub functions: BTreeMap<String, Facets>,
    /// Alarms by name.
    pub alarms: BTreeMap<String, Facets>,
    /// Queues by name.
    pub queues: BTreeMap<String, Facets>,
    /// Schedules by name.
    #[serde(default)]
    pub schedules: BTreeMap<String, Facets>,
    /// What is wrong, and since when, if nothing else knows.
    #[serde(default)]
    pub wrong: BTreeMap<String, Timestamp>,
}

/// What this sweep saw; `None` of what it did not look at.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Functions by name.
    pub functions: Option<BTreeMap<String, Facets>>,
    /// Alarms by name.
    pub alarms: Option<BTreeMap<String, Facets>>,
    /// Queues by name.
    pub queues: Option<BTreeMap<String, Facets>>,
    /// Schedules by name.
    pub schedules: Option<BTreeMap<String, Facets>>,
}

impl Noted {
    /// Name of the sweep's item. It stands where only the sweep may write.
    pub fn key(account_key: &str) -> ItemKey {
        ItemKey::new(sweeps(account_key), PARTS)
    }

    /// Name of the item of watch-guard, which looks at the sweep. It stands where only watch-guard may write.
    pub fn key_of_guard(account_key: &str) -> ItemKey {
        ItemKey::new(guards(account_key), PARTS)
    }

    /// Reads the item.
    pub fn read(item: &Item) -> Option<Self> {
        Self::deserialize(Value::Object(item.clone())).ok()
    }

    /// The item of this name.
    pub fn item(&self, name: ItemKey) -> Item {
        let mut item = match serde_json::to_value(self) {
            Ok(Value::Object(item)) => item,
            _ => Item::new(),
        };
        item.insert(PARTITION_KEY.to_owned(), name.partition.into());
        item.insert(SORT_KEY.to_owned(), name.sort.into());
        item
    }

    /// Nothing is known yet but what was seen.
    pub fn first(seen: Seen, at: Timestamp) -> Self {
        let mut noted = Self {
            at,
            functions: BTreeMap::new(),
            alarms: BTreeMap::new(),
            queues: BTreeMap::new(),
            schedules: BTreeMap::new(),
            wrong: BTreeMap::new(),
        };
        noted.take(seen, at);
        noted
    }

    /// What was seen is how it is deployed.
    pub fn take(&mut self, seen: Seen, at: Timestamp) {
        self.at = at;
        self.functions = seen
            .functions
            .unwrap_or_else(|| std::mem::take(&mut self.functions));
        self.alarms = seen
            .alarms
            .unwrap_or_else(|| std::mem::take(&mut self.alarms));
        self.queues = seen
            .queues
            .unwrap_or_else(|| std::mem::take(&mut self.queues));
        self.schedules = seen
            .schedules
            .unwrap_or_else(|| std::mem::take(&mut self.schedules));
    }

    /// Notes what was seen and never noted: the first look may not have seen all. `true` if there is something.
    pub fn learn(&mut self, seen: &Seen) -> bool {
        let mut learnt = false;
        for (noted, seen) in [
            (&mut self.functions, &seen.functions),
            (&mut self.alarms, &seen.alarms),
            (&mut self.queues, &seen.queues),
            (&mut self.schedules, &seen.schedules),
        ] {
            for (name, facets) in seen.iter().flatten() {
                if !noted.contains_key(name) {
                    noted.insert(name.clone(), facets.clone());
                    learnt = true;
                }
            }
        }
        learnt
    }

    /// A deployment that began at `deployed_at` may have made what is seen at `at` another than what is noted.
    pub fn is_open(&self, deployed_at: Option<Timestamp>, at: Timestamp) -> bool {
        deployed_at.is_some_and(|deployed| {
            self.at.duration_since(deployed) < DEPLOYS_FOR && deployed.duration_since(at) <= SKEW
        })
    }

    /// What is not as it was noted.
    pub fn compare(&self, seen: &Seen) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(seen) = &seen.functions {
            for (name, noted) in &self.functions {
                found.extend(
                    seen.get(name)
                        .and_then(|seen| of_function(name, noted, seen)),
                );
            }
        }
        if let Some(seen) = &seen.schedules {
            for (name, noted) in &self.schedules {
                let seen = seen.get(name);
                found.extend(seen.and_then(|seen| of_schedule(name, noted, seen)));
            }
        }
        if let Some(seen) = &seen.alarms {
            found.extend(of_alarms(&self.alarms, seen));
        }
        if let Some(seen) = &seen.queues {
            for (name, noted) in &self.queues {
                if seen.get(name).is_some_and(|seen| seen != noted) {
                    let what = text!["the settings of the queue are not those that were deployed"];
                    let version = seen.get(name).map(|seen| format!("{seen:?}"));
                    let finding = Finding::new(Group::Queues, "settings", name, what);
                    found.push(finding.version(&version.unwrap_or_default()).held());
                }
            }
        }
        found
    }
}

fn of_function(name: &str, noted: &Facets, seen: &Facets) -> Option<Finding> {
    // What only one of them has was not looked at.
    let differs =
        |(facet, noted): &(&String, &String)| seen.get(*facet).is_some_and(|seen| seen != *noted);
    let changed = noted.iter().filter(differs).map(|(facet, _)| facet);
    let changed: Vec<&String> = changed.collect();
    if changed.is_empty() {
        return None;
    }
    let mut what = Text::new();
    for (number, facet) in changed.iter().enumerate() {
        let before = if number == 0 { "its " } else { ", " };
        what.push(text![before, Untrusted::new(facet)]);
    }
    what.push(text![
        " changed, and no known deployment of the stack did that. The function may send no alerts, or false ones"
    ]);
    let version: Vec<_> = changed
        .iter()
        .filter_map(|facet| seen.get(*facet))
        .collect();
    let finding = Finding::new(Group::Functions, "changed", name, what)
        .version(&watch_core::hash::short_hash(&format!("{version:?}")))
        .held();
    let silences = changed
        .iter()
        .any(|facet| SILENCING.contains(&facet.as_str()));
    Some(if silences {
        finding.silencing()
    } else {
        finding
    })
}

fn of_schedule(name: &str, noted: &Facets, seen: &Facets) -> Option<Finding> {
    let differs = noted
        .iter()
        .any(|(facet, noted)| seen.get(facet).is_some_and(|seen| seen != noted));
    let what = text![
        "the schedule is not the one that was deployed: sweeps may not start, or not look at all keys"
    ];
    differs.then(|| {
        Finding::new(Group::Schedules, "changed", name, what)
            .version(&watch_core::hash::short_hash(&format!("{seen:?}")))
            .silencing()
            .held()
    })
}

fn of_alarms(noted: &BTreeMap<String, Facets>, seen: &BTreeMap<String, Facets>) -> Vec<Finding> {
    let finding = |check, names: &[&str], what| {
        let version = watch_core::hash::short_hash(&names.join("\n"));
        Finding::new(Group::Alarms, check, names[0], what)
            .version(&version)
            .held()
    };
    let mut found = Vec::new();
    let gone: Vec<&str> = noted
        .keys()
        .filter(|name| !seen.contains_key(*name))
        .map(String::as_str)
        .collect();
    if !gone.is_empty() {
        let what = text!["the alarm ", and_more(&gone), " is missing"];
        found.push(finding("missing", &gone, what).silencing());
    }
    let changed: Vec<&str> = noted
        .iter()
        .filter(|(name, noted)| seen.get(*name).is_some_and(|seen| seen != *noted))
        .map(|(name, _)| name.as_str())
        .collect();
    if !changed.is_empty() {
        let what = text![
            "the definition of the alarm ",
            and_more(&changed),
            " is not the deployed one, so the alarm may never go off"
        ];
        let versions: Vec<_> = changed.iter().map(|name| seen.get(*name)).collect();
        let version = watch_core::hash::short_hash(&format!("{versions:?}"));
        found.push(finding("changed", &changed, what).version(&version));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-20T10:00:00Z";

    fn parts(of: &[(&str, &[(&str, &str)])]) -> BTreeMap<String, Facets> {
        let facets = |facets: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            facets.iter().map(own).collect()
        };
        of.iter()
            .map(|(name, of)| ((*name).to_owned(), facets(of)))
            .collect()
    }

    fn seen() -> Seen {
        Seen {
            functions: Some(parts(&[("f", &[("code", "1"), ("settings", "1")])])),
            alarms: Some(parts(&[
                ("a", &[("definition", "1")]),
                ("b", &[("definition", "1")]),
            ])),
            queues: Some(parts(&[("q", &[("settings", "1")])])),
            schedules: Some(parts(&[("s", &[("settings", "1")])])),
        }
    }

    fn found(noted: &Noted, seen: &Seen) -> Vec<(&'static str, bool)> {
        let found = noted.compare(seen).into_iter();
        found.map(|it| (it.check, it.silences)).collect()
    }

    #[test]
    fn what_is_not_as_it_was_noted_is_found_and_what_was_not_looked_at_is_not() {
        let noted = Noted::first(seen(), at(NOW));
        assert_eq!(
            Noted::read(&noted.item(Noted::key("account#1#r"))),
            Some(noted.clone())
        );
        assert_eq!(found(&noted, &seen()), []);
        assert_eq!(found(&noted, &Seen::default()), []);
        let mut other = seen();
        other.functions = Some(parts(&[("f", &[("code", "2"), ("settings", "1")])]));
        assert_eq!(found(&noted, &other), [("changed", true)]);
        other.functions = Some(parts(&[("f", &[("code", "1"), ("settings", "2")])]));
        assert_eq!(found(&noted, &other), [("changed", false)]);
        let mut fewer = seen();
        fewer.alarms = Some(parts(&[("b", &[("definition", "2")])]));
        assert_eq!(
            found(&noted, &fewer),
            [("missing", true), ("changed", false)]
        );
        let mut queue = seen();
        queue.queues = Some(parts(&[("q", &[("settings", "2")])]));
        assert_eq!(found(&noted, &queue), [("settings", false)]);
        let mut schedule = seen();
        schedule.schedules = Some(parts(&[("s", &[("settings", "2")])]));
        assert_eq!(found(&noted, &schedule), [("changed", true)]);
        // Another change is another finding.
        let name = |seen: &Seen| noted.compare(seen)[0].name();
        let mut third = queue.clone();
        third.queues = Some(parts(&[("q", &[("settings", "3")])]));
        assert_ne!(name(&queue), name(&third));
    }

    #[test]
    fn what_the_first_look_did_not_see_is_noted_by_the_next_and_what_is_noted_stays() {
        let blind = Seen {
            functions: None,
            ..seen()
        };
        let mut noted = Noted::first(blind, at(NOW));
        assert!(noted.learn(&seen()));
        assert!(!noted.learn(&seen()), "once");
        let mut other = seen();
        other.functions = Some(parts(&[("f", &[("code", "2"), ("settings", "1")])]));
        assert!(!noted.learn(&other), "another value is no news");
        assert_eq!(found(&noted, &other), [("changed", true)]);
    }

    #[test]
    fn a_deployment_is_open_until_it_is_over_and_none_is_ahead() {
        let noted = Noted::first(seen(), at(NOW));
        for (deployed, open) in [
            ("2026-11-20T11:00:00Z", true),
            ("2026-11-20T07:00:01Z", true),
            ("2026-11-20T07:00:00Z", false),
            ("2026-11-20T12:06:00Z", false),
        ] {
            let is_open = noted.is_open(Some(at(deployed)), at("2026-11-20T12:00:00Z"));
            assert_eq!(is_open, open, "{deployed}");
        }
        assert!(!noted.is_open(None, at(NOW)));
    }
}
