//! A monitoring plan of what the account has and of what is deployed.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_local::{ImportedMaterial, LocalAws, NewKey, StackResource};
use watch_template::Template;

use crate::setup::{Ran, aws, command, days, folder};

/// What others may write into a tag or an alias's description.
const HOSTILE: &str = "<script>alert(1)</script>|`x`[a](https://evil.example)";

/// Keys in three Regions, one of which has a stack whose health topic nobody listens to.
fn three_regions() -> LocalAws {
    let aws = aws();
    aws.set_regions(&["us-east-1", "eu-west-1", "eu-central-1", "us-west-2"]);
    aws.add_key(
        NewKey::symmetric()
            .alias("alias/orders")
            .tag("Owner", "team-shop"),
    );
    let there = |region| NewKey::symmetric().in_region(region);
    aws.add_key(
        there("eu-west-1")
            .alias("alias/payments")
            .deleted_at(days(9)),
    );
    let material = ImportedMaterial::new("sixteen of thirty-two bytes of it");
    let imported = NewKey::imported()
        .in_region("eu-central-1")
        .alias("alias/feed");
    aws.add_key(
        imported
            .tag("owner", HOSTILE)
            .material(material.expiring(days(4))),
    );
    deploy(&aws);
    aws
}

fn deploy(aws: &LocalAws) {
    let part = |logical: &str, kind: &str, physical: String| StackResource {
        logical_id: logical.to_owned(),
        kind: kind.to_owned(),
        physical_id: physical,
    };
    let functions = Template::read().functions();
    let mut parts: Vec<_> = functions
        .iter()
        .map(|it| {
            part(
                &it.id,
                "AWS::Lambda::Function",
                format!("kms-watch-{}", it.id),
            )
        })
        .collect();
    for topic in ["AlertTopic", "HealthTopic"] {
        let arn = aws.create_topic(&format!("kms-watch-{topic}"));
        if topic == "AlertTopic" {
            aws.subscribe(&arn, "email", "team@example.com").unwrap();
        }
        parts.push(part(topic, "AWS::SNS::Topic", arn));
    }
    aws.put_stack("kms-watch", "CREATE_COMPLETE", &[], &parts);
}

fn plan(aws: &LocalAws, words: &[&str]) -> Ran {
    Ran::of(command(aws, &[&["plan"], words].concat()))
}

/// What is missing, or unknown.
fn gaps(report: &Value, status: &str) -> Vec<String> {
    let gaps = report["gaps"].as_array().unwrap().iter();
    let of_status = gaps.filter(|gap| gap["status"] == status);
    of_status
        .map(|gap| gap["what"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_six_questions_are_answered_by_what_is_there() {
    let aws = three_regions();
    let ran = plan(&aws, &["--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let report = ran.plan();
    let plan = report["plan"].as_array().unwrap();
    let questions: Vec<_> = plan
        .iter()
        .map(|it| it["question"].as_str().unwrap())
        .collect();
    for question in [
        "What are your monitoring goals?",
        "What resources will you monitor?",
        "How often will you monitor these resources?",
        "What monitoring tools will you use?",
        "Who will perform the monitoring tasks?",
        "Who should be notified when something happens?",
    ] {
        assert!(questions.contains(&question), "{question}: {questions:?}");
    }
    let regions: Vec<_> = plan[1]["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["Region"])
        .collect();
    assert_eq!(regions, ["eu-central-1", "eu-west-1", "us-east-1"]);
    let missing = gaps(&report, "MISSING").join("\n");
    for words in [
        "pending deletion: 1 key: alias/payments",
        "expires within 30 days: 1 key: alias/feed",
        "no owner by the tag \"Owner\": 1 key: alias/payments",
        "eu-west-1 has keys, and no stack watches them",
        "eu-central-1 has keys, and no stack",
        "Nobody listens to HealthTopic in us-east-1",
        "guard against deletion",
    ] {
        assert!(missing.contains(words), "{words}: {missing}");
    }
    // Nothing is there of a Region without keys, and somebody listens to the alerts.
    for words in ["us-west-2", "AlertTopic", "us-east-1 has keys"] {
        assert!(!missing.contains(words), "{words}: {missing}");
    }
    assert!(gaps(&report, "UNKNOWN").is_empty());
    // As the template says it.
    let often = plan[3]["answers"].to_string();
    assert!(
        often.contains("cron(23 3 * * ? *)") && often.contains("rate(3 days)"),
        "{often}"
    );
    let metrics = plan[7]["answers"].to_string();
    assert!(
        metrics.contains("SecondsUntilKeyMaterialExpiration (1)"),
        "{metrics}"
    );
    let changes = |operation: &str| {
        !["Get", "List", "Describe"]
            .iter()
            .any(|it| operation.starts_with(it))
    };
    let asked: BTreeSet<_> = aws.requests().into_iter().map(|it| it.operation).collect();
    assert!(!asked.iter().any(|it| changes(it)), "{asked:?}");
}

#[test]
fn what_is_denied_or_throttled_is_unknown_and_never_fine() {
    for (operation, words) in [
        (
            "cloudformation:ListStackResources",
            "Whether us-east-1 has a stack",
        ),
        (
            "sns:ListSubscriptionsByTopic",
            "Who listens to AlertTopic in us-east-1",
        ),
        ("cloudwatch:ListMetrics", "Metrics of KMS in eu-west-1"),
        (
            "cloudwatch:GetMetricData",
            "Values of the metrics of KMS in eu-central-1",
        ),
        (
            "config:DescribeConfigurationRecorderStatus",
            "Whether AWS Config records",
        ),
        ("account:ListRegions", "Which Regions are enabled"),
        ("kms:DescribeKey", "Keys deny what is asked"),
        ("kms:ListResourceTags", "Keys deny what is asked"),
        ("kms:ListAliases", "Aliases in us-east-1"),
    ] {
        let aws = three_regions();
        aws.faults().deny(operation);
        let ran = plan(&aws, &["--format", "json"]);
        assert_eq!(ran.code, Some(3), "{operation}: {ran:?}");
        let report = ran.plan();
        let unknown = gaps(&report, "UNKNOWN").join("\n");
        assert!(unknown.contains(words), "{operation}: {unknown}");
        let denied = ["AccessDenied", "AuthorizationError", "deny"];
        assert!(
            denied.iter().any(|it| unknown.contains(it)),
            "{operation}: {unknown}"
        );
        let missing = gaps(&report, "MISSING").join("\n");
        if operation == "kms:ListResourceTags" {
            // Whose tags nobody may read is not nobody's.
            assert!(!missing.contains("no owner"), "{missing}");
            let who = report["plan"][5]["answers"].to_string();
            let is_unknown = who.contains("unknown") && !who.contains("nobody");
            assert!(is_unknown, "{who}");
        }
        if operation == "cloudwatch:GetMetricData" {
            // What there is is known all the same, and is not taken for nothing.
            let series = &report["metrics"][0]["series"][0];
            assert_eq!(series["name"], "SecondsUntilKeyMaterialExpiration");
            assert_eq!(series["points"], json!([]));
            let unread = series["unread"].as_str().unwrap();
            assert!(unread.contains("AccessDenied"), "{unread}");
            let row = &report["plan"][8]["answers"][0];
            assert_eq!(
                (&row["two weeks"], &row["last"]),
                (&json!("unknown"), &json!("–"))
            );
        }
        if operation.starts_with("cloudformation") {
            assert!(!missing.contains("no stack"), "{missing}");
            assert!(
                report["plan"][4]["answers"]
                    .to_string()
                    .contains("us-east-1: unknown")
            );
        }
    }
    for operation in ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData"] {
        let aws = three_regions();
        aws.faults().throttle(operation, u32::MAX);
        let ran = plan(&aws, &["--format", "json"]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let unknown = gaps(&ran.plan(), "UNKNOWN").join("\n");
        assert!(unknown.contains("Throttling"), "{operation}: {unknown}");
    }
}

/// Two weeks of each metric, by the statistic that says most.
#[test]
fn metrics_are_listed_with_their_keys_and_graphed() {
    let aws = three_regions();
    let orders = aws.add_key(NewKey::symmetric().alias("alias/graphed"));
    for day in 1..=13 {
        aws.count_uses(
            &orders,
            "Decrypt",
            days(-day),
            100 * u64::try_from(day).unwrap(),
        );
    }
    // Three weeks ago is not of the last two.
    aws.count_uses(&orders, "Decrypt", days(-21), 77_777);
    aws.clear_requests();
    let ran = plan(&aws, &["--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let report = ran.plan();
    let of_region = |region: &str| {
        let mut all = report["metrics"].as_array().unwrap().iter();
        all.find(|it| it["region"] == region).unwrap().clone()
    };
    let here = of_region("us-east-1");
    assert_eq!(here["counts"], json!({"SuccessfulRequest": 1}));
    let series = &here["series"][0];
    assert_eq!(series["keys"], json!(["alias/graphed"]));
    assert_eq!(
        series["dimensions"],
        json!({"KeyArn": orders, "Operation": "Decrypt"})
    );
    assert_eq!(
        (&series["statistic"], &series["periodSeconds"]),
        (&json!("Sum"), &json!(21_600))
    );
    let values = series["points"].as_array().unwrap().iter();
    let sum: f64 = values.map(|point| point["value"].as_f64().unwrap()).sum();
    assert!((sum - 9_100.0).abs() < 0.5, "{sum}");
    let feed = &of_region("eu-central-1")["series"][0];
    assert_eq!(feed["keys"], json!(["alias/feed"]));
    assert_eq!(feed["statistic"], "Minimum");
    let last = feed["points"].as_array().unwrap().last().unwrap();
    let left = last["value"].as_f64().unwrap() / 86_400.0;
    assert!((3.5..=4.5).contains(&left), "{left} days");
    assert_eq!(of_region("eu-west-1")["series"], json!([]));
    assert_eq!(aws.request_counts()["GetMetricData"], 2);

    let rows = report["plan"][8]["answers"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let row = &rows[1];
    for (column, text) in [
        ("Region", "us-east-1"),
        ("of", "alias/graphed, Operation=Decrypt"),
        ("least", "100"),
        ("average", "700"),
        ("most", "1,300"),
        ("last", "100"),
    ] {
        assert_eq!(row[column], text, "{column}: {row}");
    }
    let bars = row["two weeks"].as_str().unwrap();
    assert!(bars.contains('█') && bars.chars().count() == 14, "{bars}");
    let text = plan(&aws, &["--format", "md"]).out;
    assert!(
        text.contains(&format!("| {bars} | 100 | 700 | 1,300 | 100 |")),
        "{text}"
    );
    let page = plan(&aws, &["--format", "html"]).out;
    assert_eq!(page.matches("<svg class=\"curve\"").count(), 2, "{page}");
    let label = "aria-label=\"14 days: least 100, average 700, most 1,300, last 100\"";
    assert!(page.contains(label), "{page}");
}

#[test]
fn metrics_are_bounded_and_their_values_are_asked_for_together() {
    let aws = aws();
    let key = aws.add_key(NewKey::symmetric().alias("alias/busy"));
    for number in 0..41 {
        aws.count_uses(&key, &format!("Operation{number:02}"), days(-1), 1);
    }
    let shown = |most: &str| {
        aws.clear_requests();
        let ran = plan(&aws, &["--format", "json", "--metrics", most]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
        let report = ran.plan();
        let of_region = &report["metrics"][0];
        assert_eq!(of_region["counts"], json!({"SuccessfulRequest": 41}));
        let note = report["plan"][8]["note"].as_str().unwrap().to_owned();
        let calls = aws.request_counts().get("GetMetricData").copied();
        (
            of_region["series"].as_array().unwrap().len(),
            calls.unwrap_or(0),
            note,
        )
    };
    let (series, calls, note) = shown("40");
    assert_eq!((series, calls), (40, 1));
    assert!(note.contains("1 more metric:"), "{note}");
    let (series, calls, note) = shown("0");
    assert_eq!((series, calls), (0, 0));
    assert!(note.contains("41 more metrics:"), "{note}");
    let (series, calls, note) = shown("1000");
    assert_eq!((series, calls), (41, 1));
    assert!(!note.contains("more"), "{note}");
}

#[test]
fn what_others_wrote_stands_for_itself_in_every_form() {
    let aws = three_regions();
    let page = plan(&aws, &["--format", "html"]).out;
    assert!(
        !page.contains("<script") && page.contains("&lt;script&gt;"),
        "{page}"
    );
    assert!(
        page.contains("default-src 'none'") && !page.contains("src=") && !page.contains("<link")
    );
    let text = plan(&aws, &["--format", "md"]).out;
    assert!(
        text.contains("`<script>alert(1)</script>\\|'x'[a](https://evil.example)`"),
        "{text}"
    );
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let row = line.replace("\\|", "");
        assert!((3..=9).contains(&row.matches('|').count()), "{line}");
    }
    let table = plan(&aws, &["--color", "never"]).out;
    assert!(
        !table.contains(|c: char| c.is_control() && c != '\n'),
        "{table}"
    );
    assert!(table.contains("What are your monitoring goals?"), "{table}");
}

#[test]
fn the_parameters_are_those_of_the_template_and_a_file_for_each_region() {
    let aws = three_regions();
    aws.record_configurations(true);
    let file = folder().join("plan.toml");
    let name = file.to_str().unwrap();
    let wishes = [
        "--email",
        "you@example.com",
        "--health-email",
        "ops@example.com",
        "--chat",
        "--feed",
        "--trusted-accounts",
        "444455556666,777788889999",
        "--owner-tag-key",
        "team",
    ];
    let words = [&wishes[..], &["--samconfig", name, "--format", "json"]].concat();
    let ran = plan(&aws, &words);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.plan();
    let template = Template::read();
    for parameter in report["parameters"].as_array().unwrap() {
        let known = &template.document["Parameters"][parameter["name"].as_str().unwrap()];
        assert!(known.is_object(), "{parameter}");
        let allowed = known["AllowedValues"].as_array();
        assert!(
            allowed.is_none_or(|all| all.contains(&parameter["value"])),
            "{parameter}"
        );
    }
    let written = std::fs::read_to_string(&file).unwrap();
    for line in [
        "[default.deploy.parameters]",
        "[eu-west-1.deploy.parameters]",
        "[us-east-1.global.parameters]",
        "region = \"eu-central-1\"",
        "capabilities = \"CAPABILITY_IAM\"",
    ] {
        assert!(written.lines().any(|it| it == line), "{line}: {written}");
    }
    for value in [
        "NotificationEmail=\\\"you@example.com\\\"",
        "TrustedAccounts=\\\"444455556666,777788889999\\\"",
        "ConfigDependants=\\\"true\\\"",
        "OwnerTagKey=\\\"team\\\"",
    ] {
        assert_eq!(written.matches(value).count(), 3, "{value}: {written}");
    }
    // It is somebody's now.
    let again = plan(&aws, &["--samconfig", name]);
    assert_eq!((again.code, again.out.as_str()), (Some(2), ""), "{again:?}");
    assert!(again.err.contains("--force"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    let read: toml::Table = written.parse().unwrap();
    assert_eq!(read["version"].as_float(), Some(0.1));
    for (environment, region) in [
        ("default", "eu-central-1"),
        ("eu-west-1", "eu-west-1"),
        ("us-east-1", "us-east-1"),
    ] {
        let of = &read[environment];
        assert_eq!(of["global"]["parameters"]["region"].as_str(), Some(region));
        let deploy = &of["deploy"]["parameters"];
        assert_eq!(deploy["confirm_changeset"].as_bool(), Some(true));
        let overrides = deploy["parameter_overrides"].as_str().unwrap();
        let set = report["parameters"].as_array().unwrap().iter().map(|it| {
            let [name, value] = ["name", "value"].map(|member| it[member].as_str().unwrap());
            format!("{name}=\"{value}\"")
        });
        assert_eq!(overrides, set.collect::<Vec<_>>().join(" "));
    }
    assert_eq!(read.len(), 4, "{written}");
    let forced = plan(&aws, &["--samconfig", name, "--force"]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written.contains("# NotificationEmail is to be set"),
        "{written}"
    );
}

#[test]
fn an_account_without_keys_has_a_plan_too() {
    let aws = aws();
    let ran = plan(&aws, &["--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.plan();
    assert_eq!(report["plan"][1]["answers"][0]["keys"], "0");
    assert_eq!(report["parameters"][0]["value"], json!(null));
}

#[test]
fn questions_need_a_terminal_and_the_demo_needs_nothing() {
    let aws = aws();
    let ran = plan(&aws, &["--ask", "--demo"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.err.contains("--email"), "{}", ran.err);
    let file = folder().join("plan.html");
    let ran = plan(&aws, &["--demo", "-o", file.to_str().unwrap()]);
    // One of its keys denies everything.
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    let page = std::fs::read_to_string(&file).unwrap();
    for words in [
        "alias/payments",
        "alias/hr-salaries",
        "no stack watches them",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(aws.requests().is_empty());
}

/// As a reviewer reads it.
#[test]
fn the_demos_plan_for_a_ticket() {
    let ran = plan(&aws(), &["--demo", "--format", "md"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    insta::assert_snapshot!(ran.out);
}
