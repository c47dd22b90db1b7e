//! Alarms and the dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_tests::template::{Function, Router, Stack, Template};

use super::{WIDGET, names};

#[test]
fn every_alarm_says_what_to_do_and_what_silence_means() {
    let template = Template::read();
    for (id, alarm) in template.resources("AWS::CloudWatch::Alarm") {
        assert!(alarm["TreatMissingData"].is_string(), "{id}");
        let description = alarm["AlarmDescription"].as_str().unwrap_or_default();
        assert!(
            (40..=1_024).contains(&description.len()),
            "{id}: {description}"
        );
        // "OK" would be told when the metric ends, which is when the material expires.
        assert!(alarm["OKActions"].is_null(), "{id}");
        // A list of states by key or store, and the worst of them, need both.
        for metric in alarm["Metrics"].as_array().into_iter().flatten() {
            let Some(query) = metric["Expression"].as_str() else {
                continue;
            };
            if query.starts_with("SELECT") {
                assert!(
                    query.contains(" GROUP BY ") && query.contains(" ORDER BY "),
                    "{id}: {query}"
                );
                // As far back as such an alarm can look.
                let seconds = metric["Period"].as_i64().unwrap()
                    * alarm["EvaluationPeriods"].as_i64().unwrap();
                assert!(seconds <= 3 * 60 * 60, "{id} looks back {seconds} s");
            }
        }
    }
}

/// What an alarm on KMS says is told by a function, with name, owner and advice; what an alarm on the watch itself says
/// must need none. No alarm does both, and none is without either.
#[test]
fn every_alarm_tells_a_function_or_the_health_topic() {
    let template = Template::read();
    let mut router = Router::new(&template, &Stack::default());
    for (id, alarm) in template.resources("AWS::CloudWatch::Alarm") {
        let name = format!("kms-watch-{id}");
        let event = |name: &str, detail_type: &str| {
            let arn = format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}");
            json!({"source": "aws.cloudwatch", "account": "111122223333",
                   "detail-type": detail_type, "resources": [arn],
                   "detail": {"alarmName": name}})
            .to_string()
        };
        let functions = router.functions(&event(&name, "CloudWatch Alarm State Change"));
        let of_contributor = event(&name, "CloudWatch Alarm Contributor State Change");
        assert_eq!(router.functions(&of_contributor), functions, "{id}");
        let actions = &alarm["AlarmActions"];
        if functions.is_empty() {
            assert_eq!(*actions, json!([{"Ref": "HealthTopic"}]), "{id}");
        } else {
            assert_eq!(functions.len(), 1, "{id}");
            assert!(actions.is_null(), "{id} is told twice");
        }
        let namespace = template.resolve(&alarm["Namespace"], &Stack::default());
        let namespace = namespace.as_str().unwrap_or_default();
        let of_watch = ["AWS/Lambda", "AWS/SQS", "KMSWatch"].contains(&namespace)
            || namespace.ends_with("/Health");
        assert_eq!(of_watch, functions.is_empty(), "{id}");
        // Not those of another stack.
        let other = event(&format!("another-{name}"), "CloudWatch Alarm State Change");
        assert!(router.functions(&other).is_empty(), "{id}");
    }
}

#[test]
fn an_expired_material_is_not_told_as_well_again() {
    let template = Template::read();
    let alarm = &template.document["Resources"]["MaterialExpiring"]["Properties"];
    assert_eq!(alarm["TreatMissingData"], "missing");
    assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
    // The mapping holds every choice, in seconds.
    let choices = template.document["Parameters"]["MaterialExpiryDays"]["AllowedValues"]
        .as_array()
        .unwrap();
    let days = template.document["Mappings"]["Days"].as_object().unwrap();
    assert_eq!(names(choices), days.keys().cloned().collect());
    for (day, entry) in days {
        let day: i64 = day.parse().unwrap();
        assert_eq!(entry["Seconds"], day * 24 * 60 * 60);
    }
}

#[test]
fn successes_are_not_counted_as_errors_of_a_key_store() {
    let template = Template::read();
    let alarm = &template.document["Resources"]["KeyStoreErrors"]["Properties"];
    let query = alarm["Metrics"][0]["Expression"].as_str().unwrap();
    assert!(query.contains("WHERE ExceptionName != 'None'"), "{query}");
}

/// A queue is where the function's events come from.
fn takes_from(function: &Function, queue: &str) -> bool {
    let mut events = function.properties["Events"]
        .as_object()
        .into_iter()
        .flatten();
    events.any(|(_, event)| event["Properties"]["Queue"]["Fn::GetAtt"][0] == queue)
}

#[test]
fn each_function_and_each_queue_is_watched_without_any_function() {
    let template = Template::read();
    let watched: BTreeSet<_> = template
        .resources("AWS::CloudWatch::Alarm")
        .filter(|(_, alarm)| alarm["Threshold"] == 0 && alarm["TreatMissingData"] == "notBreaching")
        .map(|(_, alarm)| {
            (
                alarm["MetricName"].to_string(),
                alarm["Dimensions"][0]["Value"].to_string(),
            )
        })
        .collect();
    let late: BTreeSet<_> = template
        .resources("AWS::CloudWatch::Alarm")
        .map(|(_, alarm)| {
            (
                alarm["MetricName"].to_string(),
                alarm["Dimensions"][0]["Value"].to_string(),
            )
        })
        .collect();
    let mut wanted = BTreeSet::new();
    for function in template.functions() {
        for metric in ["Errors", "Throttles"] {
            wanted.insert((
                json!(metric).to_string(),
                json!({"Ref": function.id}).to_string(),
            ));
        }
    }
    for (id, _) in template.resources("AWS::SQS::Queue") {
        let queue = json!({"Fn::GetAtt": [id, "QueueName"]}).to_string();
        // One that a function empties holds messages by right, and none for long.
        if template
            .functions()
            .iter()
            .any(|function| takes_from(function, id))
        {
            let age = (json!("ApproximateAgeOfOldestMessage").to_string(), queue);
            assert!(late.contains(&age), "{id}");
            continue;
        }
        wanted.insert((
            json!("ApproximateNumberOfMessagesVisible").to_string(),
            queue,
        ));
    }
    assert!(
        watched.is_superset(&wanted),
        "not watched: {:?}",
        wanted.difference(&watched)
    );
}

fn dashboard(template: &Template) -> Value {
    let body = &template.document["Resources"]["Dashboard"]["Properties"]["DashboardBody"];
    let body = template.resolve(body, &Stack::default());
    serde_json::from_str(body.as_str().unwrap()).expect("the dashboard is JSON")
}

/// What CloudWatch refuses, or shows nothing for (CloudWatch API Reference, dashboard body structure).
#[test]
fn the_dashboard_is_one_that_cloudwatch_takes_and_its_first_row_is_for_the_person_on_call() {
    let template = Template::read();
    let body = dashboard(&template);
    let widgets = body["widgets"].as_array().unwrap();
    assert!(widgets.len() <= 500);
    let first = widgets.iter().filter(|widget| widget["y"] == 0);
    let first: Vec<_> = first
        .map(|widget| widget["type"].as_str().unwrap())
        .collect();
    assert_eq!(first, ["alarm", "alarm", "custom"]);

    let home = "arn:aws:sns:us-east-1:111122223333:people".parse().unwrap();
    let widget = template.functions();
    let widget = widget.iter().find(|function| function.folder == WIDGET);
    let widget = widget.expect("the widget's function");
    assert_eq!(
        widget.properties["Tags"]["cw-custom-widget"],
        "describe:readOnly"
    );
    let endpoint = format!(
        "arn:aws:lambda:us-east-1:111122223333:function:kms-watch-{}",
        widget.id
    );
    let mut views = BTreeSet::new();
    for custom in widgets.iter().filter(|widget| widget["type"] == "custom") {
        let properties = &custom["properties"];
        assert_eq!(properties["endpoint"], endpoint);
        let params = &properties["params"];
        let read = key_widget::ask::Ask::read(params, &home);
        assert!(read.is_ok(), "{params}: {read:?}");
        views.insert(params["view"].as_str().unwrap());
    }
    // A thread is opened from a row.
    let all = key_widget::ask::VIEWS.iter().copied();
    assert_eq!(views, all.filter(|view| *view != "thread").collect());

    let variables = body["variables"].as_array().unwrap();
    assert!(variables.len() <= 25);
    let others = json!(widgets).to_string();
    for variable in variables {
        let pattern = variable["pattern"].as_str().unwrap();
        assert_eq!(variable["type"], "pattern");
        assert_eq!(variable["defaultValue"], pattern, "until somebody chooses");
        assert!(key_widget::ask::ANY.contains(&pattern), "{pattern}");
        assert!(others.contains(&format!("\"{pattern}\"")), "{pattern}");
        assert!(variable["id"].as_str().unwrap().len() <= 32);
        assert!(variable["label"].as_str().unwrap().len() <= 30);
    }
}

#[test]
fn the_dashboard_shows_every_alarm_and_every_function() {
    let template = Template::read();
    let body = dashboard(&template);
    let widgets = body["widgets"].as_array().unwrap();

    let mut shown = BTreeSet::new();
    for widget in widgets.iter().filter(|widget| widget["type"] == "alarm") {
        shown.extend(names(widget["properties"]["alarms"].as_array().unwrap()));
    }
    // A widget cannot name what may not be there.
    let always = template.section("Resources").filter(|(_, resource)| {
        resource["Type"] == "AWS::CloudWatch::Alarm" && resource["Condition"].is_null()
    });
    let alarms: BTreeSet<_> = always
        .map(|(id, _)| format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:kms-watch-{id}"))
        .collect();
    assert_eq!(shown, alarms);

    for metric in ["Invocations", "Duration"] {
        let lines = widgets.iter().flat_map(|widget| {
            widget["properties"]["metrics"]
                .as_array()
                .into_iter()
                .flatten()
        });
        let functions: BTreeSet<_> = lines
            .filter(|line| line[1] == metric)
            .map(|line| line[3].as_str().unwrap().to_owned())
            .collect();
        let wanted: BTreeSet<_> = template
            .functions()
            .iter()
            // A widget cannot name what may not be there.
            .filter(|function| function.condition.is_none())
            .map(|function| format!("kms-watch-{}", function.id))
            .collect();
        assert_eq!(functions, wanted, "{metric}");
    }

    let mut taken = BTreeSet::new();
    for widget in widgets {
        let at = |name: &str| widget[name].as_u64().unwrap();
        assert!(at("x") + at("width") <= 24);
        for x in at("x")..at("x") + at("width") {
            for y in at("y")..at("y") + at("height") {
                assert!(
                    taken.insert((x, y)),
                    "{} lies on another",
                    widget["properties"]["title"]
                );
            }
        }
    }
}
