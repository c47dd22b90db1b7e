//! Whether the schedules of the sweeps can start them, and what of them is noted.

use jiff::Timestamp;
use serde_json::{Value, json};
use watch_core::answers::ScheduleData;
use watch_core::hash::short_hash;
use watch_core::step::is_bare;
use watch_core::text;

use super::noted::Facets;
use super::{Finding, Group};

/// Members that a deployment sets. Dates of AWS are none of them.
const SETTINGS: [&str; 7] = [
    "EndDate",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "Target",
];

/// What keeps the schedule `name` from starting anything `at` that time, whatever was noted of it.
pub fn judge(name: &str, schedule: &ScheduleData, at: Timestamp) -> Option<Finding> {
    let ScheduleData(schedule) = schedule;
    // Seconds of Unix time, with a fraction.
    let moment = |member: &str| schedule[member].as_f64();
    let now = at.as_second() as f64;
    let what = if schedule["State"] != "ENABLED" {
        text!["the schedule is disabled: sweeps no longer start"]
    } else if moment("EndDate").is_some_and(|end| end <= now) {
        text!["the schedule has ended: sweeps no longer start"]
    } else if moment("StartDate").is_some_and(|start| start > now) {
        text!["the schedule begins in the future: sweeps do not start"]
    } else {
        return None;
    };
    let restore = is_bare(name).then(|| format!("aws scheduler get-schedule --name {name}"));
    let finding = Finding::new(Group::Schedules, "state", name, what);
    Some(finding.silencing().restore(restore))
}

/// The schedule is not there.
pub fn missing(name: &str) -> Finding {
    let what = text!["the schedule is missing: sweeps no longer start"];
    Finding::new(Group::Schedules, "missing", name, what)
        .silencing()
        .held()
}

/// What is noted of a schedule.
pub fn facets(ScheduleData(schedule): &ScheduleData) -> Facets {
    let members: Vec<&Value> = SETTINGS.iter().map(|name| &schedule[*name]).collect();
    Facets::from([(
        "settings".to_owned(),
        short_hash(&json!(members).to_string()),
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(change: impl Fn(&mut Value)) -> ScheduleData {
        let mut schedule = json!({
            "State": "ENABLED", "ScheduleExpression": "cron(53 * * * ? *)", "CreationDate": 1.0,
            "Target": {"Arn": "arn:aws:lambda:us-east-1:1:function:f", "Input": "{}"}
        });
        change(&mut schedule);
        ScheduleData(schedule)
    }

    #[test]
    fn a_schedule_that_starts_nothing_silences() {
        let at = Timestamp::from_second(1_000).unwrap();
        let found = |schedule: &ScheduleData| judge("s", schedule, at).map(|it| it.silences);
        assert_eq!(found(&schedule(|_| {})), None);
        assert_eq!(found(&schedule(|it| it["EndDate"] = json!(1_001.5))), None);
        type Change = fn(&mut Value);
        let changes: [Change; 4] = [
            |it| it["State"] = json!("DISABLED"),
            |it| it["State"] = Value::Null,
            |it| it["EndDate"] = json!(999.5),
            |it| it["StartDate"] = json!(4_102_444_800.0),
        ];
        for change in changes {
            assert_eq!(found(&schedule(change)), Some(true));
        }
    }

    #[test]
    fn what_a_deployment_sets_is_noted() {
        let noted = facets(&schedule(|_| {}));
        assert_eq!(
            facets(&schedule(|it| it["CreationDate"] = json!(2.0))),
            noted
        );
        type Change = fn(&mut Value);
        let changes: [Change; 3] = [
            |it| it["ScheduleExpression"] = json!("rate(365 days)"),
            |it| it["Target"]["Arn"] = json!("arn:aws:lambda:us-east-1:1:function:other"),
            |it| it["Target"]["Input"] = json!("no order"),
        ];
        for change in changes {
            assert_ne!(facets(&schedule(change)), noted);
        }
    }
}
