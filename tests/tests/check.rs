//! The built function watch-guard looks at the sweep, which cannot look at itself.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_local::{LocalAws, Options};
use watch_tests::deployed::{SCHEDULES, SWEEP, deploy, put_function, put_schedule};
use watch_tests::template::{Stack, Template};
use watch_tests::{Function, LEDGER, event};

const STACK: [(&str, &str); 1] = [("STACK_NAME", "kms-watch")];

struct Watched {
    aws: Arc<LocalAws>,
    guard: Function,
}

fn watched() -> Watched {
    let aws = Arc::new(LocalAws::start(Options::default()).expect("an AWS"));
    deploy(&aws);
    let guard = Function::start_on(Arc::clone(&aws), "watch-guard", &STACK);
    Watched { aws, guard }
}

/// The input of the schedule, as the template has it, with the time that Scheduler fills in.
fn order(at: &str) -> Value {
    let template = Template::read();
    let functions = template.functions();
    let guard = functions.iter().find(|it| it.folder == "watch-guard");
    let schedule = &guard.expect("watch-guard").properties["Events"]["Check"]["Properties"];
    let input = template.resolve(&schedule["Input"], &Stack::default());
    let input = input.as_str().expect("a text");
    let input = input.replace("<aws.scheduler.scheduled-time>", at);
    serde_json::from_str(&input).expect("the input is JSON")
}

impl Watched {
    /// Severity, resource and finding of what people are told by a look, an hour later.
    fn look(&self) -> Vec<String> {
        self.aws.advance(SignedDuration::from_hours(1));
        self.guard.handle(&order(&self.aws.now().to_string()));
        let people = self.guard.received("people").len();
        let alerts = self.guard.feed();
        assert_eq!(people, alerts.len(), "{alerts:#?}");
        let told = |alert: &Value| {
            assert!(
                alert["summary"]
                    .as_str()
                    .is_some_and(|text| text.starts_with("The function watch-guard checked")),
                "{alert}"
            );
            let details = &alert["details"];
            format!(
                "{} {}: {}",
                alert["severity"].as_str().unwrap_or_default(),
                details["resources"][0].as_str().unwrap_or_default(),
                details["effect"].as_str().unwrap_or_default()
            )
        };
        alerts.iter().map(told).collect()
    }

    /// What is told of a change, and by which look; by no other.
    fn told_after(&self, change: impl Fn(&LocalAws)) -> (usize, String) {
        assert_eq!(self.look(), [""; 0], "as it was deployed");
        change(&self.aws);
        let looks = (0..4).map(|number| (number, self.look()));
        let told: Vec<_> = looks
            .flat_map(|(number, told)| told.into_iter().map(move |told| (number, told)))
            .collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        told.into_iter().next().expect("one")
    }
}

/// Function, concurrency, schedules: whatever keeps the sweep from what it is for.
#[test]
fn a_sweep_that_is_not_as_it_was_deployed_is_told_once() {
    let [full, light] = SCHEDULES;
    let stop = |aws: &LocalAws| {
        let configuration = json!({"CodeSha256": "code of the deployment", "Role": "arn:aws:iam::111122223333:role/r",
            "State": "Active", "Environment": {"Variables": {"LEDGER_TABLE": "ledger"}}, "Timeout": 30});
        let invocation = json!({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21_600});
        aws.put_function(SWEEP, configuration, Some(0), Some(invocation));
    };
    type Change<'a> = (&'a dyn Fn(&LocalAws), usize, &'a str, &'a str);
    let cases: [Change<'_>; 7] = [
        (
            &|aws| put_function(aws, SWEEP, "other"),
            1,
            SWEEP,
            "its code changed",
        ),
        (&|aws| aws.delete_function(SWEEP), 1, SWEEP, "is missing"),
        (&stop, 0, SWEEP, "its reserved concurrency is 0"),
        (
            &|aws| put_schedule(aws, full, "DISABLED", "cron(53 * * * ? *)"),
            0,
            full,
            "the schedule is disabled",
        ),
        (
            &|aws| put_schedule(aws, light, "ENABLED", "rate(365 days)"),
            1,
            light,
            "not the one that was deployed",
        ),
        (&|aws| aws.delete_schedule(light), 1, light, "is missing"),
        (
            // Somebody had the sweep write of itself, and of the stack, what it may write.
            &|aws| {
                put_function(aws, SWEEP, "another");
                let sdk = watch_aws::sdk::local(&aws.endpoint_url(), aws.region());
                let ledger = watch_aws::DynamoDbAdapter::patient(&sdk, LEDGER);
                let noted = aws.table_items(LEDGER);
                let noted = noted
                    .iter()
                    .find(|item| item["pk"]["S"].as_str() == Some("guard#111122223333#us-east-1"));
                assert!(
                    noted.is_some(),
                    "what the guard noted stands where only it writes"
                );
                let forged = |pk: &str, sk: &str| {
                    let item = json!({"pk": pk, "sk": sk, "at": aws.now().to_string(), "alarms": {}, "queues": {},
                        "functions": {SWEEP: {"code": "another"}}, "toldAs": "alert#x"});
                    item.as_object().cloned().unwrap_or_default()
                };
                let items = [
                    forged("account#111122223333#us-east-1", "watch#parts"),
                    forged("sweep#111122223333#us-east-1", "watch#parts"),
                    forged("account#111122223333#us-east-1", "watch#deployment"),
                ];
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                use watch_core::ports::Ledger as _;
                let put = runtime.expect("a runtime").block_on(ledger.put(&items));
                put.expect("they are written");
            },
            1,
            SWEEP,
            "its code changed",
        ),
    ];
    for (change, when, resource, what) in cases {
        let (number, told) = watched().told_after(change);
        assert_eq!(number, when, "{told}");
        let begins = format!("CRITICAL {resource}: ");
        assert!(told.starts_with(&begins) && told.contains(what), "{told}");
    }
}

/// A deployment that people were told of may have changed all of it, and then that is how it is deployed.
#[test]
fn a_deployment_that_was_told_allows_for_another_sweep() {
    let watched = watched();
    assert_eq!(watched.look(), [""; 0]);
    let mut update = event("watch-guard/ct-disable-rule.json");
    update["detail"]["eventSource"] = json!("cloudformation.amazonaws.com");
    update["detail"]["eventName"] = json!("UpdateStack");
    update["detail"]["requestParameters"] = json!({"stackName": "kms-watch"});
    update["detail"]["eventTime"] = json!(watched.aws.now().to_string());
    assert_eq!(
        watched.guard.handle(&update)["alerts"][0]["severity"],
        "LOW"
    );
    watched.guard.received("people");
    watched.guard.feed();
    put_function(&watched.aws, SWEEP, "the next version");
    for _ in 0..4 {
        assert_eq!(watched.look(), [""; 0]);
    }
    // Three hours later it allows for nothing.
    let (_, told) = watched.told_after(|aws| put_function(aws, SWEEP, "and one more"));
    assert!(told.contains("its code changed"), "{told}");
}

#[test]
fn what_may_not_be_seen_is_told_once_and_nothing_is_noted_anew() {
    for (operation, group) in [
        ("lambda:GetFunctionConfiguration", "functions"),
        ("scheduler:GetSchedule", "schedules"),
    ] {
        let watched = watched();
        assert_eq!(watched.look(), [""; 0]);
        watched.aws.faults().deny(operation);
        let told = watched.look();
        let begins = format!("HIGH {group}: ");
        assert!(told.len() == 1 && told[0].starts_with(&begins), "{told:#?}");
        assert_eq!(watched.look(), [""; 0], "{operation} once");
        put_function(&watched.aws, SWEEP, "other");
        watched.aws.faults().clear();
        let told = [watched.look(), watched.look()].concat();
        assert!(
            told.len() == 1 && told[0].contains("its code changed"),
            "{told:#?}"
        );
    }
}

/// The names of what to look at come with the order.
#[test]
fn an_order_that_no_longer_names_the_sweep_is_told() {
    let watched = watched();
    assert_eq!(watched.look(), [""; 0]);
    let look = || {
        watched.aws.advance(SignedDuration::from_hours(1));
        let at = watched.aws.now().to_string();
        let other =
            json!({"check": "kms-watch-KeyDeletionFunction", "schedules": SCHEDULES, "at": at});
        let outcome = watched.guard.handle(&other);
        outcome["alerts"].as_array().cloned().unwrap_or_default()
    };
    assert_eq!(look().len(), 0);
    let told = look();
    assert_eq!(told[0]["severity"], "CRITICAL");
    assert_eq!(told[0]["details"]["resources"], json!([SWEEP]));
}
