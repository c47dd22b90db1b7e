//! Each judge over answers that differ in one thing.

use serde_json::json;
use watch_core::answers::{AlarmData, FunctionData, MuteRule, Subscription, TrailData};
use watch_core::ports::CallError;
use watch_template::Template;

use super::super::answers::{Memory, Place, StackState, TableState};
use super::super::report;
use super::*;

const HEALTH: &str = "arn:aws:sns:us-east-1:111122223333:kms-watch-HealthTopic";

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

/// Nothing is wrong, but that there are no rules, which the sweep's own tests judge.
fn answers() -> Answers {
    let template = Template::read();
    let now = at("2026-11-20T10:00:00Z");
    let functions = template.functions();
    let queue = "https://sqs.us-east-1.amazonaws.com/111122223333/kms-watch-FailedInvocations";
    let function = FunctionData {
        configuration: json!({"State": "Active"}),
        concurrency: None,
        invocation: json!({"DestinationConfig": {"OnFailure": {"Destination":
            "arn:aws:sqs:us-east-1:111122223333:kms-watch-FailedInvocations"}}}),
    };
    let alarm = |(id, properties): (&str, &serde_json::Value)| AlarmData {
        name: format!("kms-watch-{id}"),
        actions_enabled: true,
        actions: match properties["AlarmActions"].is_array() {
            true => vec![HEALTH.to_owned()],
            false => Vec::new(),
        },
        state: "OK".to_owned(),
        ..AlarmData::default()
    };
    let alarms: Vec<_> = template
        .resources("AWS::CloudWatch::Alarm")
        .map(alarm)
        .collect();
    let names = template
        .section("Resources")
        .map(|(id, _)| (id.to_owned(), format!("kms-watch-{id}")));
    let mut parts: std::collections::BTreeMap<_, _> = names.collect();
    parts.insert("FailedInvocations".to_owned(), queue.to_owned());
    let heard = Subscription {
        confirmed: true,
        ..Subscription::default()
    };
    let topics = ["AlertTopic", "HealthTopic"];
    let empty = [("ApproximateNumberOfMessages".to_owned(), "0".to_owned())];
    let selectors =
        json!({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true}]});
    let policy = json!({"Statement": [{"Effect": "Deny", "Principal": "*",
        "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"]}]});
    Answers {
        place: Place {
            stack: "kms-watch".to_owned(),
            account: watch_core::arn::AccountId::new("111122223333").unwrap(),
            region: watch_core::arn::Region::new("us-east-1").unwrap(),
            health_topic: HEALTH.parse().unwrap(),
        },
        at: now,
        parts,
        stack: Ok(StackState {
            status: "CREATE_COMPLETE".to_owned(),
            created_at: Some(at("2026-01-01T00:00:00Z")),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            told_at: Some(now),
        }),
        trails: Ok(vec![TrailData {
            arn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/main".to_owned(),
            logging: true,
            selectors,
        }]),
        rules: Ok(Vec::new()),
        functions: functions
            .iter()
            .map(|it| (it.id.clone(), Ok(function.clone())))
            .collect(),
        concurrency: Ok(Some(1_000)),
        topics: topics
            .map(|topic| (topic.to_owned(), Ok(vec![heard.clone()])))
            .into(),
        queues: [("FailedInvocations".to_owned(), Ok(empty.into()))].into(),
        alarms: Ok(alarms),
        mutes: Ok(Vec::new()),
        table: Ok(TableState {
            status: "ACTIVE".to_owned(),
            is_protected: true,
        }),
        recording: Ok(false),
        recovery: Ok(true),
        table_policy: Ok(Some(policy.to_string())),
        memory: Ok(Memory {
            run_at: Some(at("2026-11-20T09:53:00Z")),
            full_at: Some(at("2026-11-20T03:23:00Z")),
            canary_at: Some(at("2026-11-18T03:23:00Z")),
        }),
    }
}

/// Names of the checks that are not well, and how.
fn wrong(change: impl Fn(&mut Answers)) -> Vec<(&'static str, char)> {
    let mut answers = answers();
    change(&mut answers);
    let judged = CHECKS
        .iter()
        .map(|check| (check.name, (check.judge)(&answers)));
    judged
        .filter(|(name, _)| *name != "rules")
        .filter_map(|(name, verdict)| match verdict {
            Verdict::Well(_) => None,
            Verdict::Failed { .. } => Some((name, '✗')),
            Verdict::Unseen { .. } => Some((name, '?')),
        })
        .collect()
}

fn state(answers: &mut Answers) -> &mut StackState {
    answers.stack.as_mut().unwrap()
}

fn memory(answers: &mut Answers) -> &mut Memory {
    answers.memory.as_mut().unwrap()
}

#[test]
fn what_is_well_is_well() {
    assert_eq!(wrong(|_| {}), []);
}

#[test]
fn names_of_checks_are_different_words() {
    let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    let word = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert!(names.iter().all(word), "{names:?}");
}

#[test]
fn the_deployment_is_whole_of_this_version_and_on_time() {
    for (status, sign) in [
        ("UPDATE_COMPLETE", None),
        ("UPDATE_IN_PROGRESS", Some('?')),
        ("UPDATE_ROLLBACK_COMPLETE", Some('✗')),
        ("ROLLBACK_COMPLETE", Some('✗')),
        ("", Some('✗')),
    ] {
        let found = wrong(|it| status.clone_into(&mut state(it).status));
        let expected: Vec<_> = sign.map(|sign| ("stack", sign)).into_iter().collect();
        assert_eq!(found, expected, "{status}");
    }
    for version in [
        None,
        Some("0.0.1"),
        Some("99.0.0"),
        Some("0.1"),
        Some("x.y.z"),
    ] {
        let found = wrong(|it| state(it).version = version.map(str::to_owned));
        assert_eq!(found, [("version", '✗')], "{version:?}");
    }
    for (seconds, found) in [(60, 0), (-60, 0), (61, 1), (-61, 1)] {
        let later = |it: &mut Answers| it.at += jiff::SignedDuration::from_secs(seconds);
        assert_eq!(wrong(later).len(), found, "{seconds}");
    }
    assert_eq!(wrong(|it| state(it).told_at = None), [("clock", '?')]);
    let region = |name| {
        move |it: &mut Answers| {
            it.place.region = watch_core::arn::Region::new(name).unwrap();
        }
    };
    assert_eq!(wrong(region("cn-north-1")), []);
    assert_eq!(wrong(region("us-iso-east-1")), [("region", '✗')]);
}

#[test]
fn one_function_that_may_not_be_seen_is_no_function_that_is_well() {
    let denied = || CallError::new("AccessDeniedException", "no");
    let found = wrong(|it| {
        it.functions
            .insert("WatchGuardFunction".to_owned(), Err(denied()));
    });
    assert_eq!(found, [("functions", '?'), ("failed-events", '?')]);
    // What is seen to be wrong is said all the same.
    let found = wrong(|it| {
        it.functions
            .insert("AlarmRelayFunction".to_owned(), Err(denied()));
        let guard = it.functions.get_mut("WatchGuardFunction").unwrap();
        guard.as_mut().unwrap().concurrency = Some(0);
    });
    assert_eq!(found, [("functions", '✗'), ("failed-events", '?')]);
    let found = wrong(|it| {
        it.parts.remove("WatchGuardFunction");
    });
    assert_eq!(found, [("functions", '✗'), ("failed-events", '✗')]);
    for (most, found) in [(20, 0), (19, 1)] {
        assert_eq!(wrong(|it| it.concurrency = Ok(Some(most))).len(), found);
    }
    assert_eq!(wrong(|it| it.concurrency = Ok(None)), [("quota", '?')]);
}

#[test]
fn a_topic_needs_somebody_who_gets_all_that_is_critical() {
    let subscribe = |topic: &'static str, subscriptions: Vec<Subscription>| {
        wrong(move |it| {
            it.topics
                .insert(topic.to_owned(), Ok(subscriptions.clone()));
        })
    };
    let waiting = Subscription::default();
    let heard = Subscription {
        confirmed: true,
        ..Subscription::default()
    };
    let filtered = Subscription {
        filter: Some(r#"{"severity":["LOW"]}"#.to_owned()),
        ..heard.clone()
    };
    assert_eq!(
        subscribe("AlertTopic", Vec::new()),
        [("subscriptions", '✗')]
    );
    let both = subscribe("AlertTopic", vec![heard.clone(), waiting.clone()]);
    assert_eq!(both, [("subscriptions", '✗')]);
    let found = subscribe("HealthTopic", vec![waiting]);
    assert_eq!(found, [("subscriptions", '✗')]);
    assert_eq!(
        subscribe("AlertTopic", vec![filtered.clone()]),
        [("filters", '✗')]
    );
    assert_eq!(subscribe("AlertTopic", vec![filtered, heard]), []);
    assert_eq!(
        subscribe("ChatAlertTopic", Vec::new()),
        [("subscriptions", '✗')]
    );
    assert_eq!(wrong(|it| it.topics.clear()), [("subscriptions", '✗')]);
}

#[test]
fn queues_that_say_nothing_are_not_empty() {
    let found = wrong(|it| {
        it.queues
            .insert("FailedInvocations".to_owned(), Ok(Default::default()));
    });
    assert_eq!(found, [("queues", '?')]);
    assert_eq!(wrong(|it| it.queues.clear()), [("queues", '✗')]);
    // What somebody is about to handle is not handled.
    let out_of_sight = [
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "1"),
    ];
    let out_of_sight = out_of_sight.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let found = wrong(|it| {
        it.queues.insert(
            "FailedInvocations".to_owned(),
            Ok(out_of_sight.clone().into()),
        );
    });
    assert_eq!(found, [("queues", '✗')]);
}

#[test]
fn alarms_of_others_do_not_matter() {
    let mute = |alarm: &'static str| {
        wrong(move |it| {
            it.mutes = Ok(vec![MuteRule {
                name: "m".to_owned(),
                alarms: vec![alarm.to_owned()],
                expression: None,
                duration: None,
            }]);
        })
    };
    assert_eq!(mute("kms-watch-SweepMissed"), [("mutes", '✗')]);
    assert_eq!(mute("kms-watch-2-SweepMissed"), []);
    let on = |name: &'static str| {
        wrong(move |it| {
            let alarms = it.alarms.as_mut().unwrap();
            let alarm = alarms.iter_mut().find(|alarm| alarm.name == name).unwrap();
            "ALARM".clone_into(&mut alarm.state);
        })
    };
    assert_eq!(on("kms-watch-KeyMisuseThrottles"), [("throttles", '✗')]);
    assert_eq!(on("kms-watch-SweepMissed"), [("health", '✗')]);
    // That is about KMS, and people are told of it.
    assert_eq!(on("kms-watch-MaterialExpiring"), []);
    let found = wrong(|it| it.alarms = Ok(Vec::new()));
    assert_eq!(
        found,
        [("throttles", '✗'), ("alarms", '✗'), ("health", '✗')]
    );
}

#[test]
fn what_has_yet_to_come_is_early_in_a_new_stack_only() {
    let born = |hours: i64| {
        move |it: &mut Answers| {
            state(it).created_at = Some(it.at - jiff::SignedDuration::from_hours(hours));
            it.memory = Ok(Memory::default());
        }
    };
    assert_eq!(wrong(born(1)), [("sweeps", '?'), ("canary", '?')]);
    assert_eq!(wrong(born(3)), [("sweeps", '✗'), ("canary", '✗')]);
    let found = wrong(|it| {
        born(5)(it);
        memory(it).run_at = Some(it.at);
        memory(it).canary_at = Some(it.at);
    });
    assert_eq!(found, [("sweeps", '?')]);
    let found = wrong(|it| memory(it).canary_at = Some(at("2026-11-12T09:59:59Z")));
    assert_eq!(found, [("canary", '✗')]);
    let found = wrong(|it| memory(it).canary_at = Some(at("2026-11-12T10:00:00Z")));
    assert_eq!(found, []);
}

#[test]
fn a_policy_that_denies_less_does_not_count() {
    for policy in [
        "no JSON",
        "{}",
        r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":["dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:BatchWriteItem"]}]}"#,
        r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"dynamodb:PutItem"}]}"#,
        r#"{"Statement":[{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":["dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:BatchWriteItem"]}]}"#,
    ] {
        let found = wrong(|it| it.table_policy = Ok(Some(policy.to_owned())));
        assert_eq!(found, [("ledger-policy", '✗')], "{policy}");
    }
}

#[test]
fn whatever_has_no_answer_is_not_well_and_the_exit_code_says_so() {
    for error in [
        CallError::new("AccessDeniedException", "no"),
        CallError::new("ThrottlingException", "Rate exceeded"),
        CallError::timeout(std::time::Duration::from_secs(1)),
        CallError::new("Odd", ""),
    ] {
        let checked = report::nothing_seen(&Verdict::unseen(&error));
        assert_eq!(checked.len(), CHECKS.len());
        assert_eq!(report::exit_code(&checked), crate::exit_codes::INCOMPLETE);
        let found = wrong(|it| {
            it.stack = Err(error.clone());
            it.trails = Err(error.clone());
            it.concurrency = Err(error.clone());
            it.alarms = Err(error.clone());
            it.mutes = Err(error.clone());
            it.table = Err(error.clone());
            it.recovery = Err(error.clone());
            it.table_policy = Err(error.clone());
            it.memory = Err(error.clone());
            for function in it.functions.values_mut() {
                *function = Err(error.clone());
            }
            for topic in it.topics.values_mut() {
                *topic = Err(error.clone());
            }
            for queue in it.queues.values_mut() {
                *queue = Err(error.clone());
            }
        });
        // Where the stack is is known.
        assert_eq!(found.len(), CHECKS.len() - 2, "{found:?}");
        assert!(found.iter().all(|(_, sign)| *sign == '?'), "{found:?}");
    }
}
