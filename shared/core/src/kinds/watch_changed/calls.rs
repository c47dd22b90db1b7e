//! Every API call that can silence KMS Watch: where its record names what it is about, how bad it is, what stops, and what
//! brings it back.
//!
//! Names are those of CloudTrail's records (the services' developer guides, "logging with CloudTrail"; the API models):
//! parameters begin with a small letter, and Lambda adds a date and a version to most names, which [`find`] takes off.
//! `template.yaml` has the same calls in its rules; a test compares.

use jiff::{Span, SpanRelativeTo, Unit};
use serde_json::Value;

use crate::event::ApiCall;
use crate::text::Untrusted;

/// A call that can change what the watch sees or says.
#[derive(Debug)]
pub struct Call {
    /// The service, as `eventSource` has it without `.amazonaws.com`.
    pub service: &'static str,
    /// The operation, without Lambda's version.
    pub name: &'static str,
    /// Where the request names what it is about, the surest first; `*` is every entry of a list.
    pub at: &'static [&'static str],
    /// How bad it is.
    pub weight: Weight,
    /// What follows, as half a sentence.
    pub effect: &'static str,
    /// The command that brings it back or shows how it stands; `{}` is the resource. Empty if only a deployment does.
    pub restore: &'static str,
}

/// How bad a call is.
#[derive(Clone, Copy, Debug)]
pub enum Weight {
    /// Something of the watch is not what was deployed.
    Changes,
    /// Something is not seen, or not told, any more.
    Silences,
    /// It silences, and no deployment of this stack does it: what deploys is no excuse.
    Disables,
    /// The stack is being deployed.
    Deploys,
    /// Alarms are muted, for as many hours, without end or again and again for [`i64::MAX`].
    Mutes(i64),
    /// It takes nothing from the watch; why, as half a sentence.
    Nothing(&'static str),
    /// What was asked for tells.
    Asks(fn(&ApiCall) -> Weight),
}

/// Subjects that are not of the stack, and that the stack cannot do without.
pub(super) const TRAILS: &str = "cloudtrail";
/// The stack itself, by its name or id.
pub(super) const STACKS: &str = "cloudformation";
/// Parameters below the stack's own path.
pub(super) const PARAMETERS: &str = "ssm";

use Weight::{Asks, Changes, Deploys, Disables, Mutes, Nothing, Silences};

const RULE: &[&str] = &["rule"];
const NAME: &[&str] = &["name"];
const FUNCTION: &[&str] = &["functionName"];
const TOPIC: &[&str] = &["topicArn"];
const QUEUE: &[&str] = &["queueUrl"];
const TABLE: &[&str] = &["tableName"];
const RESOURCE: &[&str] = &["resourceArn"];
const ALARMS: &[&str] = &["alarmNames/*"];
const ALARM: &[&str] = &["alarmName"];
const GROUP: &[&str] = &["logGroupName", "logGroupIdentifier", "resourceIdentifier"];
const FILTER: &[&str] = &["logGroupName", "filterName"];
const ROLE: &[&str] = &["roleName"];
const STACK: &[&str] = &["stackName"];

/// How the name of the parameter ends that stops rescues.
const SWITCH: &str = "/rescue";
/// As many names a call may have (Systems Manager API Reference, DeleteParameters).
const MOST_PARAMETERS: usize = 10;

const TARGETS: &str = "aws events list-targets-by-rule --rule {}";
const GET_PARAMETER: &str = "aws ssm get-parameter --name {}";
const DRIFT: &str = "";

const fn row(
    (service, name): (&'static str, &'static str),
    at: &'static [&'static str],
    weight: Weight,
    effect: &'static str,
    restore: &'static str,
) -> Call {
    Call {
        service,
        name,
        at,
        weight,
        effect,
        restore,
    }
}

/// The table.
#[rustfmt::skip] // A table is read by its columns.
pub const CALLS: &[Call] = &[
    row(("events", "PutRule"), NAME, Asks(put_rule), "the rule may no longer match the events that it was deployed for", "aws events describe-rule --name {}"),
    row(("events", "DisableRule"), NAME, Silences, "the rule no longer matches any event", "aws events enable-rule --name {}"),
    row(("events", "DeleteRule"), NAME, Silences, "the events of the rule no longer reach KMS Watch", DRIFT),
    row(("events", "PutTargets"), RULE, Asks(put_targets), "the events of the rule may go to another target", TARGETS),
    row(("events", "RemoveTargets"), RULE, Silences, "the events of the rule no longer reach their target", TARGETS),
    row(("events", "UpdateEventBus"), NAME, Asks(default_bus), "the default event bus of the account may depend on a key that somebody can disable", "aws events describe-event-bus"),

    row(("lambda", "UpdateFunctionCode"), FUNCTION, Silences, "the function may run other code", DRIFT),
    row(("lambda", "UpdateFunctionConfiguration"), FUNCTION, Silences, "the function may publish to other topics (CloudTrail leaves its environment out)", "aws lambda get-function-configuration --function-name {}"),
    row(("lambda", "DeleteFunction"), FUNCTION, Silences, "the function no longer sends alerts", DRIFT),
    row(("lambda", "PutFunctionConcurrency"), FUNCTION, Asks(concurrency), "the function may be throttled", "aws lambda get-function-concurrency --function-name {}"),
    row(("lambda", "DeleteFunctionConcurrency"), FUNCTION, Changes, "the function can use all concurrency of the account", "aws lambda get-function-concurrency --function-name {}"),
    row(("lambda", "PutFunctionEventInvokeConfig"), FUNCTION, Changes, "events may be lost if the function fails", "aws lambda get-function-event-invoke-config --function-name {}"),
    row(("lambda", "UpdateFunctionEventInvokeConfig"), FUNCTION, Changes, "events may be lost if the function fails", "aws lambda get-function-event-invoke-config --function-name {}"),
    row(("lambda", "DeleteFunctionEventInvokeConfig"), FUNCTION, Changes, "events are lost if the function fails", DRIFT),
    row(("lambda", "AddPermission"), FUNCTION, Changes, "another principal may invoke the function with forged events", "aws lambda get-policy --function-name {}"),
    row(("lambda", "RemovePermission"), FUNCTION, Silences, "EventBridge may no longer be allowed to invoke the function", "aws lambda get-policy --function-name {}"),
    row(("lambda", "CreateEventSourceMapping"), &["eventSourceArn", "functionName"], Changes, "a new event source mapping reads a queue or invokes a function of KMS Watch", "aws lambda list-event-source-mappings"),
    row(("lambda", "UpdateEventSourceMapping"), FUNCTION, Changes, "a function of KMS Watch is invoked by an event source that is not of the template", "aws lambda list-event-source-mappings"),
    row(("lambda", "DeleteEventSourceMapping"), FUNCTION, Changes, "an event source no longer invokes a function of KMS Watch", "aws lambda list-event-source-mappings"),
    row(("lambda", "PutFunctionCodeSigningConfig"), FUNCTION, Changes, "the next deployment of the function may be refused", DRIFT),

    row(("sns", "Unsubscribe"), &["subscriptionArn"], Asks(unsubscribe), "a subscriber no longer gets messages, and the topic may have no other", "aws sns list-subscriptions"),
    row(("sns", "SetSubscriptionAttributes"), &["subscriptionArn"], Changes, "a filter may keep alerts from a subscriber", "aws sns get-subscription-attributes --subscription-arn {}"),
    row(("sns", "SetTopicAttributes"), TOPIC, Asks(topic_attributes), "the topic may no longer deliver alerts as deployed", "aws sns get-topic-attributes --topic-arn {}"),
    row(("sns", "DeleteTopic"), TOPIC, Silences, "the subscribers of the topic no longer get messages", DRIFT),
    row(("sns", "AddPermission"), TOPIC, Changes, "another principal may publish to the topic, also forged alerts", "aws sns get-topic-attributes --topic-arn {}"),
    row(("sns", "RemovePermission"), TOPIC, Silences, "KMS Watch may no longer be allowed to publish to the topic", "aws sns get-topic-attributes --topic-arn {}"),
    row(("sns", "PutDataProtectionPolicy"), RESOURCE, Silences, "messages may be blocked or masked", "aws sns get-data-protection-policy --resource-arn {}"),

    row(("sqs", "PurgeQueue"), QUEUE, Silences, "the failed events in the queue are deleted", "aws sqs get-queue-attributes --queue-url {} --attribute-names All"),
    row(("sqs", "DeleteQueue"), QUEUE, Silences, "failed events are lost", DRIFT),
    row(("sqs", "SetQueueAttributes"), QUEUE, Changes, "failed events may be lost", "aws sqs get-queue-attributes --queue-url {} --attribute-names All"),
    row(("sqs", "AddPermission"), QUEUE, Changes, "another principal may take events out of the queue", "aws sqs get-queue-attributes --queue-url {} --attribute-names All"),
    row(("sqs", "RemovePermission"), QUEUE, Changes, "failed events may be lost", "aws sqs get-queue-attributes --queue-url {} --attribute-names All"),
    row(("sqs", "StartMessageMoveTask"), &["sourceArn"], Changes, "the failed events move to another queue", "aws sqs list-message-move-tasks --source-arn {}"),

    row(("dynamodb", "DeleteTable"), TABLE, Silences, "the history of alerts and the names of deleted keys are lost", "aws dynamodb list-backups --table-name {}"),
    row(("dynamodb", "UpdateTable"), TABLE, Changes, "the ledger may lose its deletion protection, or depend on a key that somebody can disable", "aws dynamodb describe-table --table-name {}"),
    row(("dynamodb", "UpdateTimeToLive"), TABLE, Changes, "the ledger may expire its items", "aws dynamodb describe-time-to-live --table-name {}"),
    row(("dynamodb", "UpdateContinuousBackups"), TABLE, Changes, "overwritten items of the ledger may be unrecoverable", "aws dynamodb describe-continuous-backups --table-name {}"),
    row(("dynamodb", "PutResourcePolicy"), RESOURCE, Changes, "other principals may write to the ledger, or the functions may not", "aws dynamodb get-resource-policy --resource-arn {}"),
    row(("dynamodb", "DeleteResourcePolicy"), RESOURCE, Changes, "every principal that can write to tables of the account can write to the ledger", DRIFT),

    row(("scheduler", "UpdateSchedule"), NAME, Asks(schedule), "sweeps may not start, or not look at all keys", "aws scheduler get-schedule --name {}"),
    row(("scheduler", "DeleteSchedule"), NAME, Silences, "sweeps no longer start: no countdowns, and missed events stay missed", DRIFT),

    row(("monitoring", "DeleteAlarms"), ALARMS, Silences, "what the alarm watched can fail without an alert", DRIFT),
    row(("monitoring", "DisableAlarmActions"), ALARMS, Disables, "the alarm no longer notifies anybody", "aws cloudwatch enable-alarm-actions --alarm-names {}"),
    row(("monitoring", "PutMetricAlarm"), ALARM, Asks(put_alarm), "the alarm may watch another metric or notify another topic", "aws cloudwatch describe-alarms --alarm-names {}"),
    row(("monitoring", "PutCompositeAlarm"), ALARM, Asks(put_alarm), "the alarm may watch another metric or notify another topic", "aws cloudwatch describe-alarms --alarm-names {}"),
    row(("monitoring", "SetAlarmState"), ALARM, Changes, "the state of the alarm is not what CloudWatch measured", "aws cloudwatch describe-alarms --alarm-names {}"),
    row(("monitoring", "PutAlarmMuteRule"), &["muteTargets/alarmNames/*"], Asks(mute), "the alarm is muted", "aws cloudwatch list-alarm-mute-rules --alarm-name {}"),

    row(("logs", "DeleteLogGroup"), GROUP, Changes, "the logs of the function are deleted", DRIFT),
    row(("logs", "DeleteLogStream"), GROUP, Changes, "some logs of the function are deleted", DRIFT),
    row(("logs", "PutRetentionPolicy"), GROUP, Changes, "logs may be deleted sooner", "aws logs describe-log-groups --log-group-name-prefix {}"),
    row(("logs", "PutDataProtectionPolicy"), GROUP, Changes, "logs may be masked", "aws logs get-data-protection-policy --log-group-identifier {}"),
    row(("logs", "AssociateKmsKey"), GROUP, Changes, "logs depend on a key that somebody can disable", "aws logs disassociate-kms-key --log-group-name {}"),
    row(("logs", "PutMetricFilter"), FILTER, Changes, "use of keys that are pending deletion may not be counted", DRIFT),
    row(("logs", "DeleteMetricFilter"), FILTER, Silences, "use of keys that are pending deletion is no longer counted", DRIFT),

    row(("iam", "PutRolePolicy"), ROLE, Silences, "the function may have other permissions", "aws iam list-role-policies --role-name {}"),
    row(("iam", "DeleteRolePolicy"), ROLE, Silences, "the function loses permissions that it needs", DRIFT),
    row(("iam", "AttachRolePolicy"), ROLE, Silences, "the function may have other permissions", "aws iam list-attached-role-policies --role-name {}"),
    row(("iam", "DetachRolePolicy"), ROLE, Changes, "the function may lose permissions that it needs", "aws iam list-attached-role-policies --role-name {}"),
    row(("iam", "DeleteRole"), ROLE, Silences, "the function can no longer run", DRIFT),
    row(("iam", "UpdateAssumeRolePolicy"), ROLE, Silences, "the function may no longer assume its role, or another principal may", "aws iam get-role --role-name {}"),
    row(("iam", "PutRolePermissionsBoundary"), ROLE, Silences, "the function may lose permissions that its policy gives", "aws iam delete-role-permissions-boundary --role-name {}"),
    row(("iam", "DeleteRolePermissionsBoundary"), ROLE, Changes, "the role no longer has a permissions boundary", "aws iam get-role --role-name {}"),

    row((STACKS, "CreateChangeSet"), STACK, Asks(change_set), "a change set would make KMS Watch send fewer alerts", "aws cloudformation describe-change-set --stack-name {} --change-set-name NAME"),
    row((STACKS, "ExecuteChangeSet"), STACK, Deploys, "the stack is being updated", "aws cloudformation describe-stack-events --stack-name {}"),
    row((STACKS, "UpdateStack"), STACK, Asks(update), "the stack is being updated", "aws cloudformation describe-stack-events --stack-name {}"),
    row((STACKS, "RollbackStack"), STACK, Deploys, "the stack rolls back", "aws cloudformation describe-stack-events --stack-name {}"),
    row((STACKS, "ContinueUpdateRollback"), STACK, Deploys, "the stack rolls back", "aws cloudformation describe-stack-events --stack-name {}"),
    row((STACKS, "CancelUpdateStack"), STACK, Deploys, "the stack rolls back", "aws cloudformation describe-stack-events --stack-name {}"),
    row((STACKS, "DeleteStack"), STACK, Disables, "KMS Watch is being deleted here, and its alerts end", "aws cloudformation describe-stack-events --stack-name {}"),
    row((STACKS, "SetStackPolicy"), STACK, Changes, "updates may change other parts of the stack than before", "aws cloudformation get-stack-policy --stack-name {}"),
    row((STACKS, "UpdateTerminationProtection"), STACK, Asks(protection), "one call can now delete the stack", "aws cloudformation update-termination-protection --enable-termination-protection --stack-name {}"),
    row((STACKS, "CreateStackRefactor"), &["stackDefinitions/*/stackName", "resourceMappings/*/source/stackName"], Changes, "parts of KMS Watch may move to another stack", "aws cloudformation list-stack-refactors"),

    row((PARAMETERS, "PutParameter"), NAME, Asks(parameter), "the parameter may stop rescues of protected keys, or trust other accounts (CloudTrail hides its value)", GET_PARAMETER),
    row((PARAMETERS, "DeleteParameter"), NAME, Asks(parameter), "without its parameter, KMS Watch rescues no key, or trusts fewer accounts", DRIFT),
    row((PARAMETERS, "DeleteParameters"), &["names/*"], Asks(parameter), "without its parameter, KMS Watch rescues no key, or trusts fewer accounts", DRIFT),

    row((TRAILS, "StopLogging"), NAME, Silences, "without another trail, no API call on a key reaches KMS Watch", "aws cloudtrail start-logging --name {}"),
    row((TRAILS, "DeleteTrail"), NAME, Silences, "without another trail, no API call on a key reaches KMS Watch", "aws cloudtrail describe-trails"),
    row((TRAILS, "UpdateTrail"), NAME, Changes, "the trail may record fewer Regions, or fail to deliver", "aws cloudtrail get-trail --name {}"),
    row((TRAILS, "PutEventSelectors"), &["trailName"], Asks(selectors), "the trail may record fewer calls", "aws cloudtrail get-event-selectors --trail-name {}"),
];

/// The row of a call, by the members of its record.
pub fn find(source: &str, name: &str) -> Option<&'static Call> {
    let service = source.split('.').next().unwrap_or_default();
    let plain = unversioned(name);
    CALLS.iter().find(|row| {
        row.service.eq_ignore_ascii_case(service) && row.name.eq_ignore_ascii_case(plain)
    })
}

/// `UpdateFunctionCode20150331v2` → `UpdateFunctionCode` (Lambda Developer Guide, logging with CloudTrail).
pub fn unversioned(name: &str) -> &str {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'v');
    let version = &name[plain.len()..];
    if version.len() >= 8 && version.bytes().take(8).all(|b| b.is_ascii_digit()) {
        plain
    } else {
        name
    }
}

fn is_disabled(call: &ApiCall) -> bool {
    call.requested("state")
        .is_some_and(|state| state.as_str().eq_ignore_ascii_case("DISABLED"))
}

fn put_rule(call: &ApiCall) -> Weight {
    if is_disabled(call) { Disables } else { Changes }
}

fn schedule(call: &ApiCall) -> Weight {
    if is_disabled(call) { Disables } else { Changes }
}

/// To one more target is a change, to another one instead is silence; the record does not tell which.
fn put_targets(_: &ApiCall) -> Weight {
    Silences
}

fn default_bus(call: &ApiCall) -> Weight {
    match call.requested("kmsKeyIdentifier") {
        Some(_) => Silences,
        None => Changes,
    }
}

fn concurrency(call: &ApiCall) -> Weight {
    match number(call.requested_value("reservedConcurrentExecutions")) {
        Some(0) => Disables,
        Some(_) => Changes,
        None => Silences,
    }
}

fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|digits| digits.trim().parse().ok()))
}

/// Of the topics for people and for the watch's health; the others have programs for listeners.
fn unsubscribe(call: &ApiCall) -> Weight {
    let arn = call.requested_raw("subscriptionArn").unwrap_or_default();
    let arn = arn.to_ascii_lowercase();
    if arn.contains("-chatalerttopic") || arn.contains("-feedalerttopic") {
        Changes
    } else {
        Silences
    }
}

fn topic_attributes(call: &ApiCall) -> Weight {
    match call.requested("attributeName") {
        Some(name) if ["Policy", "KmsMasterKeyId"].contains(&name.as_str()) => Silences,
        Some(_) => Changes,
        None => Silences,
    }
}

fn put_alarm(call: &ApiCall) -> Weight {
    let off = call.requested_value("actionsEnabled");
    if *off == false || *off == "false" {
        Disables
    } else {
        Changes
    }
}

/// One maintenance of a known length is what mutes are for.
fn mute(call: &ApiCall) -> Weight {
    let text = |name: &str| call.requested_at(&format!("/rule/schedule/{name}"));
    let (when, length) = (text("expression"), text("duration"));
    Mutes(hours_of_mute(
        when.as_ref().map(Untrusted::as_str),
        length.as_ref().map(Untrusted::as_str),
    ))
}

/// How many hours a mute lasts; the most there is if it comes again, or nobody can say.
pub fn hours_of_mute(expression: Option<&str>, duration: Option<&str>) -> i64 {
    let once = expression.is_some_and(|when| when.starts_with("at("));
    let length = duration.and_then(|length| length.parse::<Span>().ok());
    let day = SpanRelativeTo::days_are_24_hours();
    let seconds = length.and_then(|length| length.total((Unit::Second, day)).ok());
    match seconds {
        // CloudWatch takes no more than fifteen days.
        Some(seconds) if once && (0.0..=1e7).contains(&seconds) => {
            #[expect(clippy::cast_possible_truncation, reason = "compared above")]
            let hours = (seconds / 3_600.0).ceil() as i64;
            hours
        }
        _ => i64::MAX,
    }
}

/// Settings under which people hear less, by the parameter and the value that does it.
fn is_quieter(name: &str, value: &str) -> bool {
    match name {
        "NotificationEmail" | "FeedTopic" | "ChatTopic" if value == "false" => true,
        "NotificationEmail" => value.is_empty(),
        "MinimumSeverity" => matches!(value, "MEDIUM" | "HIGH" | "CRITICAL"),
        "SeverityOverrides" => value.to_ascii_uppercase().contains("=OFF"),
        _ => false,
    }
}

fn quieter(call: &ApiCall) -> bool {
    let parameters = call.requested_value("parameters").as_array();
    parameters.into_iter().flatten().any(|parameter| {
        let text = |name: &str| parameter[name].as_str();
        text("parameterKey")
            .zip(text("parameterValue"))
            .is_some_and(|(name, value)| is_quieter(name, value))
    })
}

fn update(call: &ApiCall) -> Weight {
    if quieter(call) { Changes } else { Deploys }
}

fn change_set(call: &ApiCall) -> Weight {
    if quieter(call) {
        Changes
    } else {
        Nothing("a change set changes nothing before it is executed")
    }
}

fn protection(call: &ApiCall) -> Weight {
    if call.requested_flag("enableTerminationProtection") {
        Nothing("the stack is protected from being deleted")
    } else {
        Changes
    }
}

/// The switch of the rescues silences; another parameter lists whom KMS Watch trusts. CloudTrail has no value of a parameter, so that
/// switching rescues on looks like switching them off; where a record has it, it counts.
fn parameter(call: &ApiCall) -> Weight {
    let named = call.requested_all("name", 1);
    let listed = call.requested_all("names/*", MOST_PARAMETERS);
    let names: Vec<_> = named.into_iter().chain(listed).collect();
    let is_switch = |name: &&str| name.ends_with(SWITCH);
    if !names.is_empty() && !names.iter().any(is_switch) {
        return Changes;
    }
    match call.requested("value") {
        Some(value) if value.as_str() == "on" => Changes,
        Some(value) if value.as_str() == "off" => Disables,
        _ => Silences,
    }
}

/// Whether calls on keys are recorded still is what counts; what cannot be understood counts as no.
fn selectors(call: &ApiCall) -> Weight {
    let list = |name: &str| {
        call.requested_value(name)
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let kms = |value: &Value| {
        let values = value.as_array().into_iter().flatten();
        values
            .filter_map(Value::as_str)
            .any(|name| name.starts_with("kms."))
    };
    let basic = list("eventSelectors").iter().any(|selector| {
        selector["includeManagementEvents"] != false
            && selector["readWriteType"] != "ReadOnly"
            && !kms(&selector["excludeManagementEventSources"])
    });
    let advanced = list("advancedEventSelectors").iter().any(|selector| {
        let fields = selector["fieldSelectors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let is = |name: &str| fields.iter().find(|field| field["field"] == name);
        is("eventCategory").is_some_and(|field| field["equals"][0] == "Management")
            && is("eventSource").is_none_or(|field| !kms(&field["notEquals"]))
            && is("readOnly").is_none_or(|field| field["equals"][0] != "true")
    });
    if basic || advanced { Changes } else { Silences }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn every_row_is_whole_and_there_once() {
        let mut seen = std::collections::BTreeSet::new();
        for row in CALLS {
            let name = format!("{} {}", row.service, row.name);
            assert!(!row.at.is_empty() && row.effect.len() > 10, "{name}");
            assert!(!row.effect.ends_with('.'), "{name}");
            assert!(
                row.restore.is_empty() || row.restore.starts_with("aws "),
                "{name}"
            );
            assert!(seen.insert(name.clone()), "{name} is there twice");
        }
    }

    #[test]
    fn the_switch_of_the_rescues_weighs_more_than_a_list_of_the_trusted() {
        let weight = |request: Value| {
            let event = serde_json::json!({
                "source": "aws.ssm", "detail-type": "AWS API Call via CloudTrail",
                "detail": {"eventSource": "ssm.amazonaws.com", "eventName": "PutParameter", "requestParameters": request},
            });
            let Ok(Event::OtherCall(record)) = Event::read(&event) else {
                panic!("{event}");
            };
            match parameter(&record.call) {
                Silences => "silences",
                Disables => "disables",
                Changes => "changes",
                _ => "another",
            }
        };
        let hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
        let put = |name: &str, value: &str| serde_json::json!({"name": name, "value": value, "type": "String"});
        let switch = "/kms-watch/kms-watch/rescue";
        assert_eq!(weight(put(switch, hidden)), "silences");
        assert_eq!(weight(put(switch, "off")), "disables");
        assert_eq!(weight(put(switch, "on")), "changes");
        assert_eq!(
            weight(put("/kms-watch/kms-watch/trusted", hidden)),
            "changes"
        );
        let names = ["/kms-watch/kms-watch/trusted", switch];
        assert_eq!(weight(serde_json::json!({ "names": names })), "silences");
        assert_eq!(
            weight(serde_json::json!({ "names": names[..1] })),
            "changes"
        );
        // Left out, it may be any.
        assert_eq!(weight(Value::Null), "silences");
    }

    #[test]
    fn a_call_is_found_under_every_name_that_lambda_gave_it() {
        for name in [
            "UpdateFunctionCode",
            "UpdateFunctionCode20150331",
            "UpdateFunctionCode20150331v2",
            "updatefunctioncode20150331v2",
        ] {
            let row = find("lambda.amazonaws.com", name).expect(name);
            assert_eq!(row.name, "UpdateFunctionCode");
        }
        assert!(find("lambda.amazonaws.com", "UpdateFunctionCodev2").is_none());
        assert!(find("lambda.amazonaws.com", "Invoke").is_none());
        assert!(find("ec2.amazonaws.com", "PutRule").is_none());
        assert_eq!(unversioned("20150331"), "");
        assert_eq!(unversioned("Putüv2"), "Putüv2");
    }
}
