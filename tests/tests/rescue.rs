//! The built function key-rescue on the embedded AWS: what it does to keys, with its role alone, on a bad day.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use watch_local::{Caller, Invocation, LocalAws, Moment, NewKey, Options, Policy};
use watch_tests::template::{Stack, Template};
use watch_tests::{Function, event};

const FUNCTION_KEY: &str = "AKIDFUNCTION";
const PAYMENTS: &str = "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const ROLE: &str = "kms-watch-KeyRescueRole-1A2B3C4D5E6F";
const SWITCH: &str = "/kms-watch/kms-watch/rescue";
const TOPICS: [&str; 3] = ["people", "chat", "feed"];
const ALL: &str = "cancel-deletion,enable-rotation,enable-key";

fn role_arn() -> String {
    format!("arn:aws:iam::111122223333:role/{ROLE}")
}

/// An account with a protected key. Its clock shows the time of day, as the function's does: old events are left alone.
#[expect(
    clippy::disallowed_methods,
    reason = "the binary asks the clock of the machine"
)]
fn account() -> Arc<LocalAws> {
    let start = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let options = Options {
        start,
        ..Options::default()
    };
    let aws = LocalAws::start(options).unwrap();
    let key = NewKey::symmetric()
        .id(PAYMENTS)
        .alias("alias/payments")
        .tag("Owner", "team-pay")
        .tag("kms-watch:protect", "true")
        .rotating_every(180);
    aws.add_key(key);
    aws.put_parameter(SWITCH, "String", "on");
    let caller = Caller::assumed_role(ROLE, "kms-watch-KeyRescueFunction-1A2B3C4D5E6F");
    aws.caller_for(FUNCTION_KEY, caller);
    Arc::new(aws)
}

fn start(aws: &Arc<LocalAws>, more: &[(&str, &str)]) -> Function {
    let arn = role_arn();
    let mut variables = vec![
        ("STACK_NAME", "kms-watch"),
        ("RESCUE_ROLE_ARN", arn.as_str()),
        ("RESCUE_MODE", "act"),
        ("RESCUE_ACTIONS", ALL),
        ("RESCUE_BUTTONS", ALL),
        ("RESCUE_PER_HOUR", "20"),
        ("RESCUE_SWITCH", SWITCH),
    ];
    variables.extend(more);
    Function::start_on(Arc::clone(aws), "key-rescue", &variables)
}

/// What EventBridge hands over of a call by somebody.
fn done(aws: &LocalAws, operation: &str, mut body: Value) -> Value {
    body["KeyId"] = PAYMENTS.into();
    aws.call(operation, body).unwrap();
    aws.take_events().pop().unwrap()
}

fn scheduled(aws: &LocalAws) -> Value {
    done(
        aws,
        "ScheduleKeyDeletion",
        json!({"PendingWindowInDays": 30}),
    )
}

/// The calls of the function that changed the key, as CloudTrail has them.
fn acts(aws: &LocalAws) -> Vec<String> {
    let by_rescue = |event: &Value| {
        let issuer = &event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"];
        *issuer == role_arn() && event["detail"]["errorCode"].is_null()
    };
    let events = aws.take_events();
    let names = events.iter().filter(|event| by_rescue(event));
    names
        .map(|event| event["detail"]["eventName"].as_str().unwrap().to_owned())
        .collect()
}

fn kinds(function: &Function) -> Vec<String> {
    let alerts = function.feed();
    let kinds = alerts.iter().map(|alert| alert["kind"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

fn state(aws: &LocalAws) -> String {
    let key = aws.call("DescribeKey", json!({"KeyId": PAYMENTS})).unwrap();
    key["KeyMetadata"]["KeyState"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_done_is_taken_back_with_the_role_of_the_template_and_nothing_more() {
    let aws = account();
    let stack = [
        ("AlertTopic", "people"),
        ("ChatAlertTopic", "chat"),
        ("FeedAlertTopic", "feed"),
    ]
    .into_iter()
    .fold(Stack::default(), |stack, (topic, name)| {
        stack.with(topic, format!("arn:aws:sns:us-east-1:111122223333:{name}"))
    });
    let stack = stack
        .without("RescueActsByAlias")
        .without("RescueActsByList");
    let mut statements = Template::read().role_statements("key-rescue", &stack);
    let by_code = ["kms:", "dynamodb:", "sns:Publish", "ssm:"];
    statements.retain(|statement| {
        let mut actions = statement["Action"].as_array().unwrap().iter();
        actions.any(|action| {
            by_code
                .iter()
                .any(|own| action.as_str().unwrap().starts_with(own))
        })
    });
    let role = Policy::from_json(&statements.into()).unwrap();
    let events = [
        done(&aws, "DisableKeyRotation", json!({})),
        done(&aws, "DisableKey", json!({})),
    ];
    aws.restrict(FUNCTION_KEY, role);
    let function = start(&aws, &[]);
    // KMS takes no call about the rotation of a key that is off; Lambda tries again.
    let [rotation, disabled] = &events;
    let refused = function.invoke(rotation.to_string());
    assert!(matches!(refused, Invocation::Error(_)), "{refused:?}");
    function.handle(disabled);
    function.handle(rotation);
    assert_eq!(acts(&aws), ["EnableKey", "EnableKeyRotation"]);
    let told = ["KeyRescueFailed", "KeyRescued", "KeyRescued"];
    assert_eq!(kinds(&function), told);
    let rotation = json!({"KeyId": PAYMENTS});
    let rotation = aws.call("GetKeyRotationStatus", rotation).unwrap();
    assert_eq!(rotation["KeyRotationEnabled"], true);
    let outcome = function.handle(&scheduled(&aws));
    assert_eq!(acts(&aws), ["CancelKeyDeletion"]);
    assert_eq!(state(&aws), "Disabled");
    let alert = &outcome["alerts"][0];
    assert_eq!(
        (&alert["kind"], &alert["severity"]),
        (&json!("KeyRescued"), &json!("HIGH"))
    );
    assert_eq!(alert["enrichment"]["status"], "COMPLETE");
    assert!(alert["details"]["requestId"].is_string(), "{alert}");
    let unused = function.aws.unused_permissions(FUNCTION_KEY);
    assert_eq!(unused, [], "granted, and not needed");
}

/// Each call is a place to die. Lambda invokes again, in a new environment, under the same request id.
#[test]
fn a_process_that_dies_at_any_call_acts_once_and_is_never_silent() {
    let calls = {
        let aws = account();
        let event = scheduled(&aws);
        let function = start(&aws, &[]);
        function.ready();
        aws.clear_requests();
        function.handle(&event);
        aws.requests().len() as u64
    };
    assert!((15..40).contains(&calls), "{calls}");
    for moment in [Moment::BeforeEffect, Moment::AfterEffect] {
        for call in 1..=calls {
            let aws = account();
            let event = scheduled(&aws).to_string();
            let function = start(&aws, &[]);
            function.ready();
            function.kill_at(call, moment);
            let request = function.lambda.queue(event.clone());
            assert!(
                !function.ended().success(),
                "call {call}, {moment:?}: the process lives"
            );
            drop(function);
            let function = start(&aws, &[]);
            let ended = function.retry(&request, event.clone());
            assert!(matches!(ended, Invocation::Response(_)), "{ended:?}");
            let label = format!("call {call}, {moment:?}");
            assert_eq!(acts(&aws), ["CancelKeyDeletion"], "{label}");
            assert_eq!(state(&aws), "Disabled", "{label}");
            let told = kinds(&function);
            assert!((1..=2).contains(&told.len()), "{label}: {told:?}");
            assert!(
                told.iter().all(|kind| kind == "KeyRescued"),
                "{label}: {told:?}"
            );
            // Whoever comes later finds nothing to do, and tells nobody.
            let again = function.invoke(event);
            let Invocation::Response(again) = again else {
                panic!("{label}: {again:?}");
            };
            assert_eq!(again["outcome"], "ignored", "{label}");
            assert_eq!(
                (acts(&aws).len(), kinds(&function).len()),
                (0, 0),
                "{label}"
            );
        }
    }
}

#[test]
fn two_at_once_act_once() {
    for _ in 0..5 {
        let aws = account();
        let event = scheduled(&aws).to_string();
        let functions = [start(&aws, &[]), start(&aws, &[])];
        functions.iter().for_each(Function::ready);
        std::thread::scope(|scope| {
            for function in &functions {
                scope.spawn(|| function.invoke(event.clone()));
            }
        });
        assert_eq!(acts(&aws), ["CancelKeyDeletion"]);
        assert_eq!(kinds(&functions[0]), ["KeyRescued"]);
    }
}

#[test]
fn what_aws_refuses_is_told_and_tried_again() {
    type Break = fn(&LocalAws);
    let breaks: [(&str, Break, bool); 6] = [
        (
            "denied",
            |aws| _ = aws.faults().deny("CancelKeyDeletion"),
            false,
        ),
        (
            "throttled",
            |aws| _ = aws.faults().throttle("CancelKeyDeletion", 3),
            true,
        ),
        (
            "500",
            |aws| _ = aws.faults().fail("CancelKeyDeletion", 1),
            true,
        ),
        (
            "no connection",
            |aws| _ = aws.faults().reset("CancelKeyDeletion", 1),
            true,
        ),
        (
            "no switch",
            |aws| _ = aws.faults().throttle("ssm:*", 3),
            true,
        ),
        (
            "no ledger",
            |aws| _ = aws.faults().deny("dynamodb:*"),
            false,
        ),
    ];
    for (why, broken, again) in breaks {
        let aws = account();
        let event = scheduled(&aws).to_string();
        let function = start(&aws, &[]);
        function.ready();
        broken(&aws);
        let first = function.invoke(event.clone());
        assert_eq!(
            matches!(first, Invocation::Error(_)),
            again,
            "{why}: {first:?}"
        );
        let alerts = function.feed();
        assert_eq!(alerts.len(), 1, "{why}");
        assert_eq!(alerts[0]["kind"], "KeyRescueFailed", "{why}");
        assert_eq!(alerts[0]["severity"], "CRITICAL", "{why}");
        assert_eq!(alerts[0]["details"]["again"], again, "{why}");
        let command = alerts[0]["nextSteps"][0]["command"].as_str().unwrap();
        assert!(command.starts_with("aws kms cancel-key-deletion "), "{why}");
        assert_eq!(
            (acts(&aws).len(), state(&aws).as_str()),
            (0, "PendingDeletion"),
            "{why}"
        );
        aws.faults().clear();
        function.handle(&serde_json::from_str(&event).unwrap());
        assert_eq!(acts(&aws), ["CancelKeyDeletion"], "{why}");
        assert_eq!(kinds(&function), ["KeyRescued"], "{why}");
    }
}

#[test]
fn a_rescue_of_which_nobody_could_be_told_is_told_later() {
    let aws = account();
    let event = scheduled(&aws).to_string();
    let function = start(&aws, &[]);
    function.ready();
    aws.faults().deny("sns:*");
    let first = function.invoke(event.clone());
    assert!(matches!(first, Invocation::Error(_)), "{first:?}");
    assert_eq!(acts(&aws), ["CancelKeyDeletion"]);
    aws.faults().clear();
    // Another invocation, as of somebody who redrives the event.
    function.handle(&serde_json::from_str(&event).unwrap());
    assert_eq!(acts(&aws).len(), 0);
    assert_eq!(TOPICS.map(|topic| function.received(topic).len()), [1; 3]);
}

#[test]
fn a_slow_kms_is_not_called_twice() {
    let aws = account();
    let event = scheduled(&aws);
    let function = start(&aws, &[]);
    function.ready();
    aws.faults()
        .slow("CancelKeyDeletion", Duration::from_secs(5));
    let _ = function.invoke(event.to_string());
    aws.faults().clear();
    std::thread::sleep(Duration::from_secs(2));
    let _ = function.invoke(event.to_string());
    assert_eq!(acts(&aws), ["CancelKeyDeletion"]);
    let told = kinds(&function);
    assert!(told.iter().any(|kind| kind == "KeyRescued"), "{told:?}");
}

#[test]
fn its_own_calls_are_told_as_its_own_and_start_nothing() {
    let aws = account();
    let event = scheduled(&aws);
    let function = start(&aws, &[]);
    function.handle(&event);
    let cancelled = aws.take_events().pop().unwrap();
    assert_eq!(cancelled["detail"]["eventName"], "CancelKeyDeletion");
    let outcome = function.handle(&cancelled);
    assert_eq!(outcome["outcome"], "ignored");
    drop(function);
    let arn = role_arn();
    let told = |variables: &[(&str, &str)]| {
        let function = Function::start_on(Arc::clone(&aws), "key-deletion", variables);
        let outcome = function.handle(&cancelled);
        outcome["alerts"][0]["summary"].as_str().unwrap().to_owned()
    };
    let ours = "KMS Watch itself made this call";
    assert!(!told(&[("RESCUE_ROLE_ARN", ""), ("LEDGER_TABLE", "")]).contains(ours));
    assert!(told(&[("RESCUE_ROLE_ARN", &arn)]).contains(ours));
}

#[test]
fn a_button_is_offered_where_it_helps_and_works() {
    let aws = account();
    let event = scheduled(&aws);
    let context = |variables: &[(&str, &str)]| {
        let mut all = vec![("LEDGER_TABLE", "")];
        all.extend(variables);
        let function = Function::start_on(Arc::clone(&aws), "key-deletion", &all);
        function.handle(&event);
        let message = function.received("chat").pop().unwrap();
        let message: Value = serde_json::from_str(&message.message).unwrap();
        message["metadata"]["additionalContext"].clone()
    };
    // Without the function, or where it would not act, there is no button.
    assert!(context(&[]).get("rescue").is_none());
    assert!(
        context(&[("RESCUE_BUTTONS", "enable-rotation")])
            .get("rescue")
            .is_none()
    );
    let offered = context(&[("RESCUE_BUTTONS", ALL)]);
    assert_eq!(offered["rescue"], "cancel-key-deletion");
    // What the button of the template hands over.
    let payload = json!({"rescue": offered["rescue"], "keyId": offered["keyId"], "region": offered["region"]});
    let function = start(&aws, &[]);
    let outcome = function.handle(&payload);
    assert_eq!(
        outcome["alerts"][0]["details"]["order"]["trigger"],
        "BUTTON"
    );
    assert_eq!(state(&aws), "Disabled");
    assert_eq!(acts(&aws), ["CancelKeyDeletion"]);
    // Pressed again, it says that there is nothing to do.
    let outcome = function.handle(&payload);
    assert_eq!(outcome["outcome"], "ignored");
    assert_eq!(outcome["reason"], "the key is as it should be");
}

#[test]
fn the_tag_is_what_protects_a_key_and_its_removal_is_told() {
    let aws = account();
    let removed = done(
        &aws,
        "UntagResource",
        json!({"TagKeys": ["kms-watch:protect"]}),
    );
    let event = scheduled(&aws);
    let function = start(&aws, &[]);
    let outcome = function.handle(&event);
    assert_eq!(outcome["outcome"], "ignored");
    assert_eq!((acts(&aws).len(), kinds(&function).len()), (0, 0));
    drop(function);
    let arn = role_arn();
    let activity = Function::start_on(aws, "key-activity", &[("RESCUE_ROLE_ARN", &arn)]);
    let alert = activity.handle(&removed)["alerts"][0].take();
    assert_eq!(
        (&alert["kind"], &alert["severity"]),
        (&json!("KeyTagsChanged"), &json!("HIGH"))
    );
    assert_eq!(alert["details"]["protectionRemoved"], true);
    let summary = alert["summary"].as_str().unwrap();
    assert!(summary.contains("no longer takes back"), "{summary}");
}

/// Takes the tag away, and what EventBridge told of that.
fn untag(aws: &LocalAws) {
    let body = json!({"TagKeys": ["kms-watch:protect"]});
    done(aws, "UntagResource", body);
}

/// Calls about aliases, which name no key in `KeyId`.
fn alias(aws: &LocalAws, operation: &str, body: Value) -> Value {
    aws.call(operation, body).unwrap();
    aws.take_events().pop().unwrap()
}

#[test]
fn an_alias_of_the_pattern_protects_a_key_and_one_that_looks_like_it_does_not() {
    let pattern = [("PROTECTED_ALIASES", "alias/prod-*")];
    for (name, protects) in [
        ("alias/prod-pay", true),
        ("alias/my-prod-pay", false),
        ("alias/PROD-pay", false),
        ("alias/prod", false),
    ] {
        let aws = account();
        untag(&aws);
        let body = json!({"AliasName": name, "TargetKeyId": PAYMENTS});
        alias(&aws, "CreateAlias", body);
        let event = scheduled(&aws);
        let function = start(&aws, &pattern);
        function.handle(&event);
        assert_eq!(acts(&aws).len(), usize::from(protects), "{name}");
        let told: &[&str] = if protects { &["KeyRescued"] } else { &[] };
        assert_eq!(kinds(&function), told, "{name}");
    }
    // Whoever takes the alias away before the deletion is told of, and the key is left.
    let aws = account();
    untag(&aws);
    let body = json!({"AliasName": "alias/prod-pay", "TargetKeyId": PAYMENTS});
    alias(&aws, "CreateAlias", body);
    let deleted = alias(&aws, "DeleteAlias", json!({"AliasName": "alias/prod-pay"}));
    let event = scheduled(&aws);
    let function = start(&aws, &pattern);
    let outcome = function.handle(&event);
    assert_eq!(outcome["reason"], "the key is not protected");
    assert_eq!(state(&aws), "PendingDeletion");
    drop(function);
    let arn = role_arn();
    let variables = [("RESCUE_ROLE_ARN", arn.as_str()), pattern[0]];
    let activity = Function::start_on(aws, "key-activity", &variables);
    let alert = activity.handle(&deleted)["alerts"][0].take();
    assert_eq!(
        (&alert["kind"], &alert["severity"]),
        (&json!("AliasDeleted"), &json!("HIGH"))
    );
    assert_eq!(alert["details"]["protectionRemoved"], true);
}

/// The list in the role is a lock of its own: what the settings list and the role does not, stays as it is.
#[test]
fn a_listed_key_is_rescued_by_the_role_that_lists_it() {
    let listed = format!("arn:aws:kms:us-east-1:111122223333:key/{PAYMENTS}");
    let other = "arn:aws:kms:us-east-1:111122223333:key/c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";
    for (in_role, told) in [(listed.as_str(), "KeyRescued"), (other, "KeyRescueFailed")] {
        let aws = account();
        untag(&aws);
        let event = scheduled(&aws);
        let stack = Stack::default()
            .with("ProtectedKeys", in_role)
            .without("RescueActsByAlias");
        let mut statements = Template::read().role_statements("key-rescue", &stack);
        // The simulator takes every condition as met: of the locks, that of the list is what is left.
        let by_tag = |it: &Value| {
            let is_write = it["Action"].to_string().contains("kms:CancelKeyDeletion");
            is_write && it["Resource"].to_string().contains('*')
        };
        statements.retain(|it| !by_tag(it));
        for statement in &mut statements {
            if statement["Action"].to_string().contains("sns:") {
                statement["Resource"] = json!(["*"]);
            }
        }
        aws.restrict(FUNCTION_KEY, Policy::from_json(&statements.into()).unwrap());
        let function = start(&aws, &[("PROTECTED_KEYS", &listed)]);
        function.handle(&event);
        assert_eq!(kinds(&function), [told]);
        assert_eq!(acts(&aws).len(), usize::from(told == "KeyRescued"));
    }
}

/// Nothing that stands in the settings protects more than it says.
#[test]
fn hostile_patterns_and_lists_protect_nothing() {
    for (name, value) in [
        (
            "PROTECTED_ALIASES",
            "*,alias/,alias/?*,alias/${aws:username}*,ALIAS/*",
        ),
        (
            "PROTECTED_KEYS",
            "*,5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913,arn:aws:kms:us-east-1:111122223333:key/*",
        ),
    ] {
        let aws = account();
        untag(&aws);
        let event = scheduled(&aws);
        let function = start(&aws, &[(name, value)]);
        function.handle(&event);
        assert_eq!((acts(&aws).len(), kinds(&function).len()), (0, 0), "{name}");
    }
}

#[test]
fn it_does_not_start_on_a_misunderstanding() {
    let aws = account();
    for (name, value) in [
        ("RESCUE_MODE", "yes"),
        ("RESCUE_ACTIONS", "everything"),
        ("RESCUE_PER_HOUR", "1000"),
        ("RESCUE_SWITCH", ""),
        ("LEDGER_TABLE", ""),
    ] {
        let (status, stdout, stderr) = start(&aws, &[(name, value)]).end();
        assert_eq!(status.code(), Some(1), "{name}");
        assert!(stdout.is_empty(), "{stdout}");
        let line: Value = serde_json::from_str(&stderr).unwrap();
        assert!(line.to_string().contains(name), "{line}");
    }
    // The sample of another folder, which is no business of it.
    let function = start(&aws, &[]);
    let outcome = function.handle(&event("key-rotation/kms-rotation-old.json"));
    assert_eq!(outcome["outcome"], "ignored");
}
