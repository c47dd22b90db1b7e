//! What a look at key-inventory finds. Pure.
//!
//! The sweep looks at every function but itself: who replaced it would have it say that all is well. So this function looks at the
//! sweep, as the sweep looks at this one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use watch_core::answers::{FunctionData, ScheduleData};
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text;
use watch_sweep::attest::noted::{Facets, Noted, Seen};
use watch_sweep::attest::{Finding, Group, functions, schedules, unseen};

/// What the schedule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Name of the function that sweeps.
    pub function: String,
    /// Names of the schedules that start it.
    pub schedules: Vec<String>,
    /// The time for which it was asked; `None` for now.
    pub at: Option<Timestamp>,
}

impl Order {
    /// Reads the input of the schedule, `{"check":"<function>","schedules":["<name>",…],"at":"<RFC 3339>"}`. `None` for anything
    /// else.
    pub fn read(value: &Value) -> Option<Self> {
        let function = value.get("check")?.as_str()?.to_owned();
        let names = value["schedules"].as_array().into_iter().flatten();
        let names = names.filter_map(Value::as_str).map(str::to_owned);
        Some(Self {
            function,
            schedules: names.collect(),
            // What Scheduler did not fill in is now.
            at: value["at"].as_str().and_then(|at| at.parse().ok()),
        })
    }

    fn names(&self, name: &str) -> bool {
        self.function == name || self.schedules.iter().any(|it| it == name)
    }
}

/// What a look found.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could be seen.
    pub groups: BTreeSet<Group>,
    /// How it is.
    pub seen: Seen,
}

/// What the answers say, whatever was noted.
pub fn judge(
    order: &Order,
    function: Result<FunctionData, CallError>,
    answers: Vec<Result<ScheduleData, CallError>>,
    at: Timestamp,
) -> Look {
    let mut look = Look::default();
    let name = &order.function;
    match function {
        Ok(function) => {
            look.groups.insert(Group::Functions);
            look.findings.extend(functions::judge(name, &function));
            let facets = functions::facets(&function);
            look.seen.functions = Some(BTreeMap::from([(name.clone(), facets)]));
        }
        Err(error) if error.kind() == CallErrorKind::NotFound => {
            look.groups.insert(Group::Functions);
            look.findings.push(functions::missing(name));
        }
        Err(error) => look.findings.push(unseen(Group::Functions, &error)),
    }
    let mut noted: BTreeMap<String, Facets> = BTreeMap::new();
    let mut failed = None;
    for (name, answer) in order.schedules.iter().zip(answers) {
        match answer {
            Ok(schedule) => {
                look.findings.extend(schedules::judge(name, &schedule, at));
                noted.insert(name.clone(), schedules::facets(&schedule));
            }
            Err(error) if error.kind() == CallErrorKind::NotFound => {
                look.findings.push(schedules::missing(name));
            }
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => look.findings.push(unseen(Group::Schedules, &error)),
        None => {
            look.groups.insert(Group::Schedules);
            look.seen.schedules = Some(noted);
        }
    }
    look
}

/// What was noted, and the order does not name: its input is not the one that was deployed.
pub fn unnamed(order: &Order, noted: &Noted) -> Vec<Finding> {
    let functions = noted.functions.keys().map(|it| (Group::Functions, it));
    let schedules = noted.schedules.keys().map(|it| (Group::Schedules, it));
    let others = functions
        .chain(schedules)
        .filter(|(_, name)| !order.names(name));
    let finding = |(group, name): (Group, &String)| {
        let what = text![
            "the schedule of watch-guard no longer names this part, so nobody checks the part"
        ];
        Finding::new(group, "unnamed", name, what)
            .silencing()
            .held()
    };
    others.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order() -> Order {
        let order =
            json!({"check": "f", "schedules": ["full", "light"], "at": "2026-11-20T10:38:00Z"});
        Order::read(&order).unwrap()
    }

    fn enabled() -> ScheduleData {
        ScheduleData(json!({"State": "ENABLED"}))
    }

    #[test]
    fn an_order_is_read_and_nothing_else_is_one() {
        assert_eq!(order().schedules, ["full", "light"]);
        assert!(order().at.is_some());
        let unfilled = json!({"check": "f", "at": "<aws.scheduler.scheduled-time>"});
        assert_eq!(Order::read(&unfilled).unwrap().at, None);
        for other in [
            json!({}),
            json!({"check": 1}),
            json!([]),
            json!({"detail": {"check": "f"}}),
        ] {
            assert_eq!(Order::read(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_there_is_noted_and_what_is_not_is_found() {
        let at = order().at.unwrap();
        let none = || CallError::new("ResourceNotFoundException", "no");
        let denied = || CallError::new("AccessDeniedException", "no");
        let all = judge(
            &order(),
            Ok(FunctionData::default()),
            vec![Ok(enabled()), Ok(enabled())],
            at,
        );
        assert_eq!((all.findings.len(), all.groups.len()), (0, 2));
        let gone = judge(&order(), Err(none()), vec![Ok(enabled()), Err(none())], at);
        assert_eq!((gone.findings.len(), gone.groups.len()), (2, 2));
        let unseen = judge(
            &order(),
            Err(denied()),
            vec![Err(denied()), Ok(enabled())],
            at,
        );
        assert_eq!((unseen.findings.len(), unseen.groups.len()), (2, 0));
        assert!(unseen.seen.schedules.is_none());

        let noted = Noted::first(all.seen, at);
        assert_eq!(unnamed(&order(), &noted).len(), 0);
        let other = Order {
            function: "other".to_owned(),
            schedules: vec!["full".to_owned()],
            at: None,
        };
        assert_eq!(unnamed(&other, &noted).len(), 2);
    }
}
