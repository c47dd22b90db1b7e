//! The six questions of a monitoring plan (AWS KMS Developer Guide, "Monitoring AWS KMS keys"), answered.

use std::collections::BTreeMap;

use serde_json::Value;
use watch_core::key::Origin;
use watch_core::text::Untrusted;
use watch_template::{Stack, Template};

use super::{Cell, Section, keys, measured};
use crate::inventory::condition::{Condition, Weight};
use crate::inventory::row::Row;
use crate::plan::ask::{Asked, Facts, Place, TOOLS};

/// Keys, and owners, that are named.
const NAMED: usize = 200;

/// All sections, in the order of the questions.
pub(super) fn sections(facts: &Facts) -> Vec<Section> {
    let template = Template::read();
    vec![
        goals(facts),
        resources(facts),
        names(facts),
        how_often(&template),
        tools(facts, &template),
        who(facts),
        told(facts),
        measured::counted(facts),
        measured::graphed(facts),
    ]
}

/// How many keys are in one of these conditions.
fn count(facts: &Facts, conditions: &[Condition]) -> usize {
    let is_one = |row: &&Row| conditions.iter().any(|condition| row.is(*condition));
    keys(facts).filter(is_one).count()
}

fn goals(facts: &Facts) -> Section {
    let all = keys(facts).count();
    let watched = facts
        .places
        .iter()
        .filter(|it| matches!(it.stack, Ok(Some(_))));
    let of = |conditions: &[Condition], what: &str| format!("{} {what}", count(facts, conditions));
    let here = [
        of(&[Condition::PendingDeletion], "pending deletion"),
        of(&[Condition::Expiring], "expire within 30 days"),
        of(&[Condition::Public, Condition::Foreign], "open to others"),
        of(
            &[
                Condition::Disabled,
                Condition::PendingImport,
                Condition::Unavailable,
            ],
            "cannot be used",
        ),
        of(&[Condition::NoRotation], "could rotate, and do not"),
        format!(
            "{} of {} Regions have a stack",
            watched.count(),
            facts.places.len()
        ),
    ];
    let goals = [
        (
            "No key is lost before its deletion can be cancelled",
            "key-deletion, key-inventory",
        ),
        (
            "No imported key material expires unnoticed",
            "material-expiration, alarm-relay",
        ),
        ("Nobody gets access unnoticed", "key-activity"),
        (
            "Whoever needs a key can use it",
            "key-activity, key-misuse, alarm-relay",
        ),
        ("Keys rotate", "key-rotation, key-inventory"),
        (
            "The watch itself works",
            "watch-guard, alarms on the health topic",
        ),
    ];
    let rows = goals.into_iter().zip(here);
    Section {
        heading: "What are your monitoring goals?",
        columns: &["goal", "served by", "here"],
        rows: rows
            .map(|((goal, by), here)| vec![goal.into(), by.into(), here.into()])
            .collect(),
        note: Some(format!("{all} keys in {} Regions.", facts.places.len())),
    }
}

fn resources(facts: &Facts) -> Section {
    let row = |place: &Place| {
        let here = || keys(facts).filter(|row| row.region == place.region);
        let is_urgent = |row: &Row| {
            let worst = row.conditions.first();
            worst.is_some_and(|it| it.weight() == Weight::Urgent)
        };
        let number = |is: &dyn Fn(&Row) -> bool| Cell::from(here().filter(|row| is(row)).count());
        vec![
            place.region.as_str().into(),
            number(&|_| true),
            number(&|row| row.origin == Some(Origin::External)),
            number(&|row| row.custom_key_store_id.is_some()),
            number(&|row| row.multi_region.is_some()),
            number(&|row| row.tags.is_some() && row.owner.is_none()),
            number(&is_urgent),
        ]
    };
    Section {
        heading: "What resources will you monitor?",
        columns: &[
            "Region",
            "keys",
            "imported",
            "in key stores",
            "multi-Region",
            "without owner",
            "urgent",
        ],
        rows: facts.places.iter().map(row).collect(),
        note: match facts.survey.managed_unlisted {
            0 => None,
            count => Some(format!(
                "{count} more keys are managed by AWS, which watches them."
            )),
        },
    }
}

fn names(facts: &Facts) -> Section {
    let row = |row: &Row| {
        let conditions: Vec<_> = row.conditions.iter().map(|it| it.name()).collect();
        vec![
            Cell::Other(row.name().to_owned()),
            Cell::Other(row.owner.as_ref().map_or("–", Untrusted::as_str).to_owned()),
            row.region.as_str().into(),
            row.state
                .as_ref()
                .map_or("unknown", |it| it.as_str())
                .into(),
            match conditions.is_empty() {
                true => "–".into(),
                false => conditions.join(", ").into(),
            },
        ]
    };
    let more = keys(facts).count().saturating_sub(NAMED);
    Section {
        heading: "By name, the most urgent first",
        columns: &["key", "owner", "Region", "state", "condition"],
        rows: keys(facts).take(NAMED).map(row).collect(),
        note: (more > 0).then(|| format!("{more} more: kms-watch inventory lists them.")),
    }
}

/// When a function is started, as the template says.
fn schedule(template: &Template, function: &str, event: &str) -> String {
    let functions = template.functions();
    let found = functions.iter().find(|it| it.id == function);
    let event = found.map(|it| &it.properties["Events"][event]["Properties"]);
    expression(event.unwrap_or(&Value::Null))
}

fn expression(properties: &Value) -> String {
    let expression = properties["ScheduleExpression"].as_str();
    expression.unwrap_or_default().to_owned()
}

fn how_often(template: &Template) -> Section {
    let sweep = |event| schedule(template, "KeyInventoryFunction", event);
    let mut canaries = template.resources("AWS::Scheduler::Schedule");
    let canary = canaries
        .next()
        .map(|(_, properties)| expression(properties));
    let rows = [
        (
            "Calls that change a key, its access or its material",
            "at once".to_owned(),
            "CloudTrail, EventBridge, functions",
        ),
        (
            "Failed uses of keys",
            "at once".to_owned(),
            "CloudTrail, key-misuse",
        ),
        (
            "Keys that move, key stores, who listens",
            sweep("Light"),
            "light sweep",
        ),
        (
            "Every key: state, dates, policy, grants",
            sweep("Full"),
            "full sweep",
        ),
        (
            "Last uses, and who depends on a key",
            "every 20 hours".to_owned(),
            "sweeps",
        ),
        (
            "Metrics of KMS and of key stores",
            "as each alarm says".to_owned(),
            "CloudWatch alarms",
        ),
        (
            "The sweeps",
            schedule(template, "WatchGuardFunction", "Check"),
            "watch-guard",
        ),
        ("The way of an alert", canary.unwrap_or_default(), "canary"),
    ];
    Section {
        heading: "How often will you monitor these resources?",
        columns: &["what", "how often (UTC)", "by"],
        rows: rows
            .into_iter()
            .map(|(what, when, by)| vec![what.into(), when.into(), by.into()])
            .collect(),
        note: None,
    }
}

/// A value of each Region.
fn by_region(facts: &Facts, of: impl Fn(&Place) -> String) -> String {
    let regions = facts.places.iter();
    let regions: Vec<_> = regions
        .map(|place| format!("{}: {}", place.region.as_str(), of(place)))
        .collect();
    regions.join("; ")
}

fn tools(facts: &Facts, template: &Template) -> Section {
    let schedules: usize = template
        .functions()
        .iter()
        .filter_map(|function| function.properties["Events"].as_object())
        .flat_map(|events| events.values())
        .filter(|event| event["Type"] == "ScheduleV2")
        .count();
    let row = |(kind, name): (&'static str, &'static str)| {
        let planned = match kind {
            "AWS::Lambda::Function" => template.functions().len(),
            "AWS::Events::Rule" => template.rules(&Stack::default()).len(),
            "AWS::Scheduler::Schedule" => template.resources(kind).count() + schedules,
            _ => template.resources(kind).count(),
        };
        let deployed = by_region(facts, |place| match &place.stack {
            Ok(Some(stack)) => stack
                .parts
                .get(kind)
                .copied()
                .unwrap_or_default()
                .to_string(),
            Ok(None) => "no stack".to_owned(),
            Err(_) => "unknown".to_owned(),
        });
        vec![name.into(), planned.into(), deployed.into()]
    };
    Section {
        heading: "What monitoring tools will you use?",
        columns: &["tool", "in the template", "deployed"],
        rows: TOOLS.into_iter().map(row).collect(),
        note: Some("Findings of the past stay in the ledger: kms-watch history. By hand: kms-watch inventory, dependants, doctor.".to_owned()),
    }
}

fn who(facts: &Facts) -> Section {
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unknown = 0_usize;
    for row in keys(facts) {
        if row.tags.is_none() {
            unknown += 1;
            continue;
        }
        let owner = row.owner.as_ref().map_or("", Untrusted::as_str);
        *owners.entry(owner).or_default() += 1;
    }
    let nobody = owners.remove("");
    let mut owners: Vec<_> = owners.into_iter().collect();
    owners.sort_by_key(|(owner, keys)| (std::cmp::Reverse(*keys), *owner));
    let more = owners.len().saturating_sub(NAMED);
    let task = "answers alerts about these keys, and renews what expires";
    let mut rows: Vec<_> = owners
        .into_iter()
        .take(NAMED)
        .map(|(owner, keys)| vec![Cell::Other(owner.to_owned()), keys.into(), task.into()])
        .collect();
    if unknown > 0 {
        let task = "somebody has to read their tags: see the gaps";
        rows.push(vec!["unknown".into(), unknown.into(), task.into()]);
    }
    if let Some(keys) = nobody {
        rows.push(vec![
            "nobody".into(),
            keys.into(),
            "whoever gets the alerts has to find out who answers".into(),
        ]);
    }
    rows.extend([
        vec![
            "who gets the alerts".into(),
            "–".into(),
            "finds the owner, and takes back what may be taken back".into(),
        ],
        vec![
            "who gets alarms of the watch".into(),
            "–".into(),
            "repairs it: kms-watch doctor, kms-watch redrive".into(),
        ],
    ]);
    Section {
        heading: "Who will perform the monitoring tasks?",
        columns: &["who", "keys", "task"],
        rows,
        note: (more > 0).then(|| format!("{more} more owners.")),
    }
}

/// How many people or programs listen to a topic.
pub(super) fn listeners<'a>(place: &'a Place, topic: &str) -> Option<&'a Asked<usize>> {
    let stack = place.stack.as_ref().ok()?.as_ref()?;
    stack.listeners.get(topic)
}

fn told(facts: &Facts) -> Section {
    let topics = [
        (
            "AlertTopic",
            "people",
            "alerts from MinimumSeverity on, in words",
        ),
        (
            "HealthTopic",
            "whoever runs the watch",
            "what fails, and who changes the watch",
        ),
        ("ChatAlertTopic", "a chat", "the same as people, shorter"),
        ("FeedAlertTopic", "programs", "every alert as JSON"),
    ];
    let row = |(topic, whom, what): (&'static str, &'static str, &'static str)| {
        let heard = by_region(facts, |place| {
            match (&place.stack, listeners(place, topic)) {
                (Err(_), _) | (_, Some(Err(_))) => "unknown".to_owned(),
                (Ok(None), _) => "no stack".to_owned(),
                (Ok(Some(_)), None) => "not deployed".to_owned(),
                (Ok(Some(_)), Some(Ok(confirmed))) => format!("{confirmed} confirmed"),
            }
        });
        vec![topic.into(), whom.into(), what.into(), heard.into()]
    };
    Section {
        heading: "Who should be notified when something happens?",
        columns: &["topic", "for", "what", "subscriptions"],
        rows: topics.into_iter().map(row).collect(),
        note: None,
    }
}
