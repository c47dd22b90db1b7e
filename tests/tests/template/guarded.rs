//! Every call that can silence the watch goes two ways.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_core::arn::{AccountId, Region};
use watch_core::kinds::watch_changed::calls::{CALLS, Call};
use watch_core::stack::Stack as Own;
use watch_tests::template::{Router, Rule, Stack, Template};

use super::{GUARD, WIDGET, read};

/// Calls of the table as CloudTrail would record them, on a part of the stack, with the row's first parameter.
fn calls() -> impl Iterator<Item = (&'static Call, Value)> {
    CALLS.iter().map(|row| {
        let name = match (row.service, row.name) {
            ("cloudformation", _) => "kms-watch",
            (_, "UpdateEventBus") => "default",
            ("ssm", _) => "/kms-watch/kms-watch/rescue",
            _ => "kms-watch-Part-1A2B3C4D5E6F",
        };
        let place = row.at[0];
        let arn = |service, rest| format!("arn:aws:{service}:us-east-1:111122223333:{rest}{name}");
        let value = match place {
            "topicArn" => arn("sns", ""),
            "subscriptionArn" => format!("{}:8f0ec3a0", arn("sns", "")),
            "eventSourceArn" | "sourceArn" => arn("sqs", ""),
            "resourceArn" if row.service == "dynamodb" => arn("dynamodb", "table/"),
            "resourceArn" => arn("sns", ""),
            "queueUrl" => format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}"),
            _ => name.to_owned(),
        };
        let request = place
            .rsplit('/')
            .fold(json!(value), |inner, member| match member {
                "*" => json!([inner]),
                member => json!({ member: inner }),
            });
        // As Lambda calls it.
        let version = if row.service == "lambda" {
            "20150331v2"
        } else {
            ""
        };
        let event = json!({
            "source": format!("aws.{}", row.service), "detail-type": "AWS API Call via CloudTrail",
            "account": "111122223333", "region": "us-east-1",
            "detail": {
                "eventSource": format!("{}.amazonaws.com", row.service),
                "eventName": format!("{}{version}", row.name),
                "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/u"},
                "requestParameters": request,
            }
        });
        (row, event)
    })
}

/// What only watch-guard tells of, and why.
const NOT_TOLD_DIRECTLY: [(&str, &str); 4] = [
    ("CreateChangeSet", "changes nothing before it is executed"),
    (
        "CreateStackRefactor",
        "changes nothing before it is executed",
    ),
    (
        "UpdateEventSourceMapping",
        "names the function in its answer",
    ),
    (
        "DeleteEventSourceMapping",
        "names the function in its answer",
    ),
];

/// Whichever rule of the two ways somebody takes first, the other way tells.
#[test]
fn every_call_that_silences_is_told_twice_over_two_ways() {
    let template = Template::read();
    let mut router = Router::new(&template, &Stack::default());
    let rules = template.rules(&Stack::default());
    let way = |id: &String| {
        let rule = rules.iter().find(|rule| rule.id == *id).unwrap();
        rule.function.clone()
    };
    for (row, event) in calls() {
        let name = format!("{} {}", row.service, row.name);
        let ways = |event: &Value, router: &mut Router| -> Vec<_> {
            let matched = router.rules(&event.to_string());
            matched.iter().map(way).collect()
        };
        let function = Some(GUARD.to_owned());
        let directly = !NOT_TOLD_DIRECTLY.iter().any(|(call, _)| *call == row.name);
        let both = if directly {
            vec![None, function.clone()]
        } else {
            vec![function.clone()]
        };
        let mut told = ways(&event, &mut router);
        told.sort();
        assert_eq!(told, both, "{name}");

        // Without its parameters, which CloudTrail leaves out of long requests.
        let mut bare = event.clone();
        bare["detail"]["requestParameters"] = Value::Null;
        let mut told = ways(&bare, &mut router);
        told.sort();
        assert_eq!(told, both, "{name} without parameters");

        // An attempt, and a deployment, are for the function alone.
        let trail = row.service == "cloudtrail";
        for (pointer, value) in [
            ("errorCode", json!("AccessDenied")),
            (
                "userIdentity",
                json!({"type": "AssumedRole", "invokedBy": "cloudformation.amazonaws.com"}),
            ),
        ] {
            let mut other = event.clone();
            other["detail"][pointer] = value;
            if trail && pointer == "userIdentity" {
                // Any stack's: no deployment of this one changes a trail.
                continue;
            }
            assert_eq!(
                ways(&other, &mut router),
                std::slice::from_ref(&function),
                "{name} with {pointer}"
            );
        }

        // Of another account that sends its events here.
        let mut foreign = event.clone();
        foreign["account"] = json!("444455556666");
        assert_eq!(ways(&foreign, &mut router), [], "{name} of another account");

        // Of another stack.
        if !trail && row.name != "UpdateEventBus" {
            let text = event.to_string().replace("kms-watch", "orders");
            let matched = router.rules(&text);
            assert!(
                matched.iter().all(|id| way(id).is_some()),
                "{name} of another stack"
            );
        }
    }
}

/// A StackSet's instances have names of which CloudFormation leaves the beginning.
#[test]
fn parts_of_a_stack_with_a_long_name_are_told_directly_too() {
    let long = "StackSet-kms-watch-5f0c1b7e-8a3d-4c52-9d0e-2b6f1a7c3e45";
    let cut = |id: &str| format!("StackSet-kms-watch-5f0c1-{id}-1A2B3C4D5E6F");
    let stack = Stack::default().with("AWS::StackName", long).with(
        "MaterialExpirationFunctionCloudTrail",
        cut("MaterialExpirationFuncti"),
    );
    let mut router = Router::new(&Template::read(), &stack);
    for (row, event) in calls() {
        if NOT_TOLD_DIRECTLY.iter().any(|(call, _)| *call == row.name)
            || row.service == "cloudtrail"
        {
            continue;
        }
        let short = matches!(
            row.service,
            "events" | "scheduler" | "lambda" | "iam" | "sqs"
        );
        let name = if short {
            cut("Part")
        } else {
            format!("{long}-Part-1A2B3C4D5E6F")
        };
        let text = event
            .to_string()
            .replace("kms-watch-Part-1A2B3C4D5E6F", &name);
        let text = text.replace("\"kms-watch\"", &format!("\"{long}\""));
        let text = text.replace("/kms-watch/kms-watch/", &format!("/kms-watch/{long}/"));
        let matched = router.rules(&text);
        assert!(
            matched.iter().any(|id| id.ends_with("Changed")),
            "{} {}: {text}",
            row.service,
            row.name
        );
    }
}

/// Each name that the rules of watch-guard ask for is a row of the table: none was taken out there.
#[test]
fn the_rules_ask_for_no_call_that_the_table_does_not_have() {
    let rules = Template::read().rules(&Stack::default());
    let of_guard = |rule: &&Rule| {
        let id = rule.id.strip_prefix("WatchGuardFunction");
        id.is_some_and(|id| id != "Canary")
    };
    let mut asked = BTreeSet::new();
    for rule in rules.iter().filter(of_guard) {
        for name in rule.pattern["detail"]["eventName"].as_array().unwrap() {
            // `{"prefix": "UpdateFunction"}`: Lambda adds a date and a version.
            let (begin, whole) = (name["prefix"].as_str(), name.as_str());
            let is_row = |row: &&Call| match begin {
                Some(begin) => row.name.starts_with(begin),
                None => whole == Some(row.name),
            };
            let rows: Vec<_> = CALLS.iter().filter(is_row).map(|row| row.name).collect();
            assert!(!rows.is_empty(), "{name} is no row");
            asked.extend(rows);
        }
    }
    let rows = CALLS.iter().map(|row| row.name);
    assert_eq!(asked, rows.collect());
}

/// Folder and name of every function: the template's, or the one that CloudFormation gives.
fn functions() -> Vec<(String, String)> {
    let template = Template::read();
    let functions = template.functions().into_iter().map(|function| {
        let given = template.resolve(&function.properties["FunctionName"], &Stack::default());
        let made = format!("kms-watch-{}-1A2B3C4D5E6F", function.id);
        let name = given.as_str().map_or(made, str::to_owned);
        (function.folder, name)
    });
    functions.collect()
}

/// Whichever it is, and in whatever form a call names it.
#[test]
fn no_function_of_the_template_can_be_changed_unseen() {
    let template = Template::read();
    let mut router = Router::new(&template, &Stack::default());
    let account = AccountId::new("111122223333").unwrap();
    let region = Region::new("us-east-1").unwrap();
    let own = Own {
        name: "kms-watch",
        account: &account,
        region: &region,
    };
    let functions = functions();
    assert!(functions.iter().any(|(folder, _)| folder == WIDGET));
    for (folder, name) in functions {
        for text in [
            name.clone(),
            format!("{name}:$LATEST"),
            format!("111122223333:function:{name}"),
            format!("arn:aws:lambda:us-east-1:111122223333:function:{name}"),
        ] {
            for (row, mut event) in calls().filter(|(row, _)| row.at == ["functionName"]) {
                event["detail"]["requestParameters"] = json!({"functionName": text});
                let told = router.rules(&event.to_string());
                let is_direct = !NOT_TOLD_DIRECTLY.iter().any(|(call, _)| *call == row.name);
                let of = format!("{} of {folder} as {text}", row.name);
                assert!(told.contains("WatchGuardFunctionParts"), "{of}: {told:?}");
                assert_eq!(told.contains("PartChanged"), is_direct, "{of}");
            }
            // And watch-guard knows that it is of the stack.
            assert_eq!(own.resource(&text), Some(name.as_str()), "{folder}: {text}");
        }
    }
}

/// `*` is whatever there is.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return text == pattern;
    };
    text.strip_prefix(begin).is_some_and(|text| {
        let mut ends = (0..=text.len()).filter(|place| text.is_char_boundary(*place));
        ends.any(|place| is_like(&text[place..], rest))
    })
}

/// The policy of the organisation that docs/threat-model.md offers has all functions in it, and viewers can invoke the one that is theirs.
#[test]
fn the_policy_that_protects_the_stack_protects_every_function() {
    let policy: Value = serde_json::from_str(&read("docs/protect.scp.json")).unwrap();
    let list = |value: &Value| match value {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let denies = |action: &str, arn: &str| {
        policy["Statement"].as_array().unwrap().iter().any(|it| {
            let mut resources = list(&it["Resource"]).into_iter();
            list(&it["Action"]).contains(&json!(action))
                && resources.any(|pattern| is_like(arn, pattern.as_str().unwrap()))
        })
    };
    let function = |name: &str| format!("arn:aws:lambda:eu-west-1:444455556666:function:{name}");
    for (folder, name) in functions() {
        let arn = function(&name);
        for row in CALLS.iter().filter(|row| row.service == "lambda") {
            let action = format!("lambda:{}", row.name);
            // Which calls it denies at all, the table's own test knows.
            let of_another = denies(&action, &function("kms-watch-KeyDeletionFunction-1A2B"));
            assert_eq!(denies(&action, &arn), of_another, "{action} of {folder}");
        }
        assert_eq!(
            denies("lambda:InvokeFunction", &arn),
            folder != WIDGET,
            "{folder}"
        );
    }
    let changes = |name: &str| denies("lambda:UpdateFunctionCode", &function(name));
    assert!(changes("customWidget-kms-watch-8f0ec3a0") && !changes("customWidget-orders"));
}
