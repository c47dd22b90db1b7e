//! Topics, queues, the ledger, and who may use them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use watch_core::kinds::watch_changed::calls::CALLS;
use watch_tests::template::{Function, Stack, Template};

use super::{EXPORTER, GUARD, RESCUER, SWEEPER, WIDGET, names, read};

fn deny_of<'a>(template: &'a Template, kind: &str, list: &str, id: &str) -> Option<&'a Value> {
    let mut policies = template.resources(kind);
    let (_, policy) = policies.find(|(_, policy)| policy[list] == json!([{"Ref": id}]))?;
    let statements = policy["PolicyDocument"]["Statement"].as_array()?;
    statements.iter().find(|statement| {
        statement["Effect"] == "Deny"
            && statement["Condition"] == json!({"Bool": {"aws:SecureTransport": "false"}})
    })
}

#[test]
fn topics_and_queues_take_nothing_without_tls() {
    let template = Template::read();
    let topics = template
        .resources("AWS::SNS::Topic")
        .map(|(id, _)| (id, "AWS::SNS::TopicPolicy", "Topics"));
    let queues = template
        .resources("AWS::SQS::Queue")
        .map(|(id, _)| (id, "AWS::SQS::QueuePolicy", "Queues"));
    let all: Vec<_> = topics.chain(queues).collect();
    assert_eq!(all.len(), 8);
    for (id, kind, list) in all {
        let deny = deny_of(&template, kind, list, id);
        assert!(deny.is_some_and(|deny| deny["Principal"] == "*"), "{id}");
    }
}

#[test]
fn no_key_of_the_customers_can_mute_a_topic() {
    let template = Template::read();
    for (id, topic) in template.resources("AWS::SNS::Topic") {
        // Unless somebody asks for it: the rules of some organisations do.
        let unless_asked = Stack::default().without("HasHealthTopicKey");
        let topic = template.resolve(topic, &unless_asked);
        let key = &topic["KmsMasterKeyId"];
        if id == "HealthTopic" {
            assert!(
                key.is_null(),
                "CloudWatch and EventBridge may not use {key}"
            );
        } else {
            assert_eq!(key, "alias/aws/sns", "{id}");
        }
    }
    for (id, queue) in template.resources("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 60 * 60, "{id}");
    }
}

#[test]
fn the_ledger_outlives_the_stack() {
    let template = Template::read();
    let table = &template.document["Resources"]["Ledger"];
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(table[policy], "Retain", "{policy}");
    }
    let properties = &table["Properties"];
    // Whoever deletes the stack, or the table by hand, deletes what alone names a deleted key.
    assert_eq!(properties["DeletionProtectionEnabled"], true);
    assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(
        properties["TimeToLiveSpecification"],
        json!({"AttributeName": "ttl", "Enabled": true})
    );
    assert_eq!(
        properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(properties["SSESpecification"], json!({"SSEEnabled": true}));
    assert_eq!(
        properties["KeySchema"],
        json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}])
    );
}

fn allowed<'a>(template: &'a Template, policy: &str) -> Vec<&'a Value> {
    let policy = &template.document["Resources"][policy]["Properties"]["PolicyDocument"];
    let statements = policy["Statement"].as_array().expect("statements");
    // One that depends on a condition is there.
    let there = statements.iter().map(|one| match one["Fn::If"].as_array() {
        Some(branches) => &branches[1],
        None => one,
    });
    there
        .filter(|statement| statement["Effect"] == "Allow")
        .collect()
}

#[test]
fn findings_are_made_of_this_stacks_feed_alone() {
    let template = Template::read();
    for queue in ["Findings", "UnexportedFindings"] {
        let allowed = allowed(&template, &format!("{queue}Policy"));
        assert_eq!(allowed.len(), 1, "{queue}");
        assert_eq!(
            allowed[0]["Principal"],
            json!({"Service": "sns.amazonaws.com"})
        );
        let feed = json!({"ArnEquals": {"aws:SourceArn": {"Ref": "FeedAlertTopic"}}});
        assert_eq!(allowed[0]["Condition"], feed);
    }
}

#[test]
fn services_publish_to_the_health_topic_for_this_stack_only() {
    let template = Template::read();
    let rules = template.rules(&Stack::default());
    for statement in allowed(&template, "HealthTopicPolicy") {
        let condition = template.resolve(&statement["Condition"], &Stack::default());
        assert_eq!(
            condition["StringEquals"]["aws:SourceAccount"],
            "111122223333"
        );
        if statement["Principal"]["Service"] == "events.amazonaws.com" {
            let direct = rules.iter().filter(|rule| rule.function.is_none());
            let arns: BTreeSet<_> = direct
                .map(|rule| {
                    format!(
                        "arn:aws:events:us-east-1:111122223333:rule/kms-watch-{}",
                        rule.id
                    )
                })
                .collect();
            assert_eq!(
                names(condition["ArnEquals"]["aws:SourceArn"].as_array().unwrap()),
                arns
            );
        }
    }
    assert_eq!(allowed(&template, "HealthTopicPolicy").len(), 2);
}

#[test]
fn the_feed_goes_to_a_queue_of_the_account_that_was_named_and_nowhere_else() {
    let template = Template::read();
    let statements = allowed(&template, "FeedAlertTopicPolicy");
    assert_eq!(statements.len(), 1);
    let stack = Stack::default().with("FeedSubscriberAccount", "444455556666");
    let statement = template.resolve(statements[0], &stack);
    assert_eq!(
        statement["Principal"]["AWS"],
        "arn:aws:iam::444455556666:root"
    );
    assert_eq!(
        statement["Condition"],
        json!({"StringEquals": {"sns:Protocol": "sqs"},
               "ArnLike": {"sns:Endpoint": "arn:aws:sqs:*:444455556666:*"}})
    );
}

/// Every role of a function, none else, and nothing that keeps the policy from being changed: nobody is locked out.
#[test]
fn only_the_functions_write_the_ledger_and_nobody_is_locked_out() {
    let template = Template::read();
    let ledger = &template.document["Resources"]["Ledger"]["Properties"];
    let statements = &ledger["ResourcePolicy"]["PolicyDocument"]["Statement"];
    let statements = statements.as_array().unwrap();
    assert_eq!(statements.len(), 1);
    let deny = &statements[0];
    assert_eq!(
        (&deny["Effect"], &deny["Principal"]),
        (&json!("Deny"), &json!("*"))
    );
    let writes = names(deny["Action"].as_array().unwrap());
    let known = [
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    ];
    assert_eq!(writes, known.map(str::to_owned).into());
    let stack = Stack::default();
    let but = template.resolve(
        &deny["Condition"]["ArnNotEquals"]["aws:PrincipalArn"],
        &stack,
    );
    let functions = template.functions();
    let role = |function: &Function| template.resolve(&function.properties["Role"], &stack);
    let writers = functions
        .iter()
        .filter(|it| ![EXPORTER, WIDGET].contains(&it.folder.as_str()));
    let roles: Vec<_> = writers.map(role).collect();
    assert_eq!(names(but.as_array().unwrap()), names(&roles));
}

/// What an item is about is its partition key, and of that IAM knows a condition.
#[test]
fn a_function_writes_of_what_its_alerts_are_about() {
    const KEYS: &str = "arn:aws:kms:*";
    let template = Template::read();
    // By role and action.
    let mut given: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let of_ledger = |(id, _): &(&str, &Value)| id.starts_with("Ledger");
    let policies = template.resources("AWS::IAM::Policy");
    for (id, policy) in policies.filter(of_ledger) {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            let keys = template.resolve(
                &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"],
                &Stack::default(),
            );
            let keys = names(keys.as_array().unwrap());
            let actions = match &statement["Action"] {
                Value::String(action) => BTreeSet::from([action.clone()]),
                actions => names(actions.as_array().unwrap()),
            };
            for role in policy["Roles"].as_array().unwrap() {
                for action in &actions {
                    let place = (role["Ref"].as_str().unwrap().to_owned(), action.clone());
                    let twice = given.insert(place, keys.clone());
                    assert_eq!(twice, None, "{id} {role} {action}");
                }
            }
        }
    }
    let mut wanted = BTreeMap::new();
    for function in template.functions() {
        let role = function.properties["Role"]["Fn::GetAtt"][0].as_str();
        // It has no ledger.
        if function.folder == EXPORTER {
            continue;
        }
        if function.folder == WIDGET {
            // It reads of this account's keys, of the list, and what watch-guard notes of canary and deployment.
            let own = "arn:aws:kms:*:111122223333:key/*";
            for action in ["dynamodb:BatchGetItem", "dynamodb:Query"] {
                let keys = [own, "account#*", "guard#*", "list#*"].map(str::to_owned);
                wanted.insert((role.unwrap().to_owned(), action.to_owned()), keys.into());
            }
            continue;
        }
        for action in ["BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem"] {
            let mut keys = vec!["account#*"];
            match function.folder.as_str() {
                // What it notes of the sweep nobody else may write, least of all the sweep.
                GUARD => keys.push("guard#*"),
                SWEEPER => keys.extend([KEYS, "cks-*", "list#*", "sweep#*"]),
                "key-activity" | "alarm-relay" => keys.extend([KEYS, "cks-*"]),
                // What was taken back nobody else may write.
                RESCUER => keys.extend([KEYS, "rescue#*"]),
                _ => keys.push(KEYS),
            }
            if function.folder == SWEEPER && action == "BatchGetItem" {
                keys.push("guard#*");
            }
            let place = (role.unwrap().to_owned(), format!("dynamodb:{action}"));
            wanted.insert(place, keys.into_iter().map(str::to_owned).collect());
        }
    }
    assert_eq!(given, wanted);
}

/// The policy of the organisation that docs/threat-model.md offers, against the table: what silences is denied, to all but
/// those who deploy.
#[test]
fn the_policy_that_protects_the_stack_denies_what_silences_it() {
    let policy: Value = serde_json::from_str(&read("docs/protect.scp.json")).unwrap();
    let mut denied = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Deny");
        match &statement["Action"] {
            Value::String(action) => _ = denied.insert(action.clone()),
            actions => denied.extend(names(actions.as_array().unwrap())),
        }
        let condition = statement["Condition"].as_object().unwrap();
        assert_eq!(condition.keys().collect::<Vec<_>>(), ["ArnNotLike"]);
        let but = condition["ArnNotLike"].as_object().unwrap();
        assert_eq!(but.keys().collect::<Vec<_>>(), ["aws:PrincipalArn"]);
        assert!(
            but["aws:PrincipalArn"]
                .to_string()
                .contains("role/KmsWatchDeployer")
        );
    }
    for row in CALLS {
        // What CloudTrail calls `monitoring`, IAM calls `cloudwatch`.
        let service = if row.service == "monitoring" {
            "cloudwatch"
        } else {
            row.service
        };
        let action = format!("{service}:{}", row.name);
        let is_left_out = [
            // Names no resource of the stack, so that a policy could only deny it for all.
            "events:UpdateEventBus",
            "lambda:CreateEventSourceMapping",
            "lambda:UpdateEventSourceMapping",
            "lambda:DeleteEventSourceMapping",
            "lambda:PutFunctionCodeSigningConfig",
            "logs:PutMetricFilter",
            "logs:DeleteMetricFilter",
            "sqs:StartMessageMoveTask",
        ]
        .contains(&action.as_str());
        assert_eq!(denied.contains(&action), !is_left_out, "{action}");
    }
}

/// Two stacks in one account and Region must not fight over a name.
#[test]
fn nothing_has_a_fixed_name() {
    const NAMES: [&str; 9] = [
        "AlarmName",
        "DashboardName",
        "FunctionName",
        "Name",
        "QueueName",
        "RoleName",
        "RuleName",
        "TableName",
        "TopicName",
    ];
    let template = Template::read();
    for (id, resource) in template.section("Resources") {
        for name in NAMES {
            // The console's viewers are allowed functions whose names begin so; what follows is the stack's own.
            let name_of_widget = &resource["Properties"][name]["Fn::Sub"];
            if id == "KeyWidgetFunction" && name == "FunctionName" {
                let (text, own) = (&name_of_widget[0], name_of_widget[1].to_string());
                let text = text.as_str().unwrap();
                assert!(text.starts_with("customWidget") && text.ends_with("-${Id}"));
                assert!(own.contains("AWS::StackId"), "{own}");
                continue;
            }
            let given = &resource["Properties"][name];
            // Named after the stack, it is no other stack's.
            let is_own = given["Fn::Sub"].as_str();
            let is_own = is_own.is_some_and(|given| given.contains("${AWS::StackName}"));
            assert!(given.is_null() || is_own, "{id} has a {name}");
        }
        if resource["Type"] == "AWS::Logs::LogGroup" {
            assert!(resource["Properties"]["LogGroupName"].is_null(), "{id}");
        }
    }
}
