//! A finding as Security Hub takes it: the AWS Security Finding Format (Security Hub API Reference, `AwsSecurityFinding`).
//!
//! Two findings with one `Id` replace each other if the `UpdatedAt` of the later one is later. So a story is one finding, and an
//! alert that comes late changes nothing. What a person did to a finding there (workflow, notes) no import changes.

use serde_json::{Map, Value, json};
use watch_core::hash::short_hash;
use watch_core::severity::Severity;
use watch_core::text::Untrusted;

use crate::finding::{Actor, Finding, Home, Key, Resource, Standing};
use crate::words::{fit, fit_all};

/// Longest values (API Reference: `AwsSecurityFinding`, `Recommendation`), here in bytes.
const ID: usize = 512;
const TITLE: usize = 256;
const DESCRIPTION: usize = 1_024;
const RECOMMENDATION: usize = 512;
const PRODUCT_FIELD: usize = 2_048;
const OTHER: usize = 1_024;

/// What findings of KMS Watch, and their fields, begin with.
const PREFIX: &str = "kms-watch/";

/// States of a key that the format knows (API Reference, `AwsKmsKeyDetails`).
const STATES: [&str; 5] = [
    "Disabled",
    "Enabled",
    "PendingDeletion",
    "PendingImport",
    "Unavailable",
];
/// Partitions that the format knows (API Reference, `Resource`).
const PARTITIONS: [&str; 3] = ["aws", "aws-cn", "aws-us-gov"];

/// The word for a severity.
pub const fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}

/// The product that an account's own findings belong to.
pub fn product_arn(home: &Home) -> String {
    let Home {
        partition,
        account,
        region,
    } = home;
    let (partition, account, region) = (partition.as_str(), account.as_str(), region.as_str());
    format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default")
}

/// The name of a story's finding.
pub fn id(finding: &Finding) -> String {
    let whole = format!("{PREFIX}{}", finding.story);
    if whole.len() <= ID {
        return whole;
    }
    format!("{PREFIX}{}", short_hash(&finding.story))
}

/// The finding for `BatchImportFindings` in an account and Region.
pub fn asff(finding: &Finding, home: &Home) -> Value {
    let archived = finding.standing == Standing::Closed;
    let kind = &finding.kind;
    let mut json = json!({
        "SchemaVersion": "2018-10-08",
        "Id": id(finding),
        "ProductArn": product_arn(home),
        "ProductName": "KMS Watch",
        "CompanyName": "KMS Watch",
        "GeneratorId": format!("{PREFIX}{kind}"),
        // Whose caller imports it: what it is about is below.
        "AwsAccountId": home.account.as_str(),
        "Region": home.region.as_str(),
        "CreatedAt": finding.occurred_at.to_string(),
        "UpdatedAt": finding.updated_at().to_string(),
        "LastObservedAt": finding.updated_at().to_string(),
        "Title": fit(finding.title.as_str(), TITLE),
        "Description": description(finding),
        "FindingProviderFields": {
            "Severity": { "Label": label(finding.severity), "Original": finding.severity.as_str() },
            "Types": [format!("{}/{kind}", finding.rule.category)],
        },
        "ProductFields": product_fields(finding),
        "Resources": [resource(finding, home)],
        "RecordState": if archived { "ARCHIVED" } else { "ACTIVE" },
    });
    let steps = fit_all(finding.steps.iter().map(Untrusted::as_str), RECOMMENDATION);
    if !steps.is_empty() {
        json["Remediation"]["Recommendation"]["Text"] = steps.into();
    }
    if let Some(link) = &finding.link {
        json["SourceUrl"] = link.as_str().into();
    }
    json
}

fn description(finding: &Finding) -> String {
    let summary = fit(finding.summary.as_str(), DESCRIPTION);
    if summary.is_empty() {
        return fit(finding.title.as_str(), DESCRIPTION);
    }
    summary
}

/// What the format has no place for, and what the alert is found again by.
fn product_fields(finding: &Finding) -> Map<String, Value> {
    let actor = finding.actor.as_ref();
    let of_actor =
        |value: fn(&Actor) -> &Option<Untrusted>| actor.and_then(|it| value(it).as_ref());
    let text = |value: Option<&Untrusted>| value.map(|value| value.as_str().to_owned());
    let owner = match &finding.resource {
        Resource::Key(key) => text(key.owner.as_ref()),
        Resource::KeyStore { .. } | Resource::Account => None,
    };
    let fields = [
        ("dedupKey", Some(finding.story.clone())),
        ("alertId", Some(finding.id.clone())),
        ("kind", Some(finding.kind.clone())),
        ("status", Some(finding.standing.as_str().to_owned())),
        ("occurredAt", Some(finding.occurred_at.to_string())),
        ("observedAt", Some(finding.observed_at.to_string())),
        (
            "undoUntil",
            finding.undo_until.map(|until| until.to_string()),
        ),
        ("account", Some(finding.account.as_str().to_owned())),
        ("region", Some(finding.region.as_str().to_owned())),
        ("keyArn", finding.key_arn()),
        ("owner", owner),
        ("actor", text(of_actor(|it| &it.name))),
        ("actorArn", text(of_actor(|it| &it.arn))),
        ("accessKeyId", text(of_actor(|it| &it.access_key))),
        ("source", text(of_actor(|it| &it.source))),
        ("via", text(of_actor(|it| &it.via))),
        ("operation", text(finding.operation.as_ref())),
        ("eventId", text(finding.event_id.as_ref())),
    ];
    let fields = fields.into_iter();
    fields
        .filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((format!("{PREFIX}{name}"), fit(&value, PRODUCT_FIELD).into()))
        })
        .collect()
}

fn resource(finding: &Finding, home: &Home) -> Value {
    let mut json = match &finding.resource {
        Resource::Key(key) => json!({
            "Type": "AwsKmsKey",
            "Id": key.arn.to_string(),
            "Region": key.arn.region().as_str(),
            "Details": { "AwsKmsKey": details(key) },
        }),
        Resource::KeyStore { id, name } => {
            let name = name.as_ref().unwrap_or(id);
            json!({
                "Type": "Other",
                "Id": id.as_str(),
                "Region": finding.region.as_str(),
                "Details": { "Other": { "customKeyStoreName": fit(name.as_str(), OTHER) } },
            })
        }
        Resource::Account => json!({
            "Type": "AwsAccount",
            "Id": format!("AWS::::Account:{}", finding.account.as_str()),
            "Region": finding.region.as_str(),
        }),
    };
    if PARTITIONS.contains(&home.partition.as_str()) {
        json["Partition"] = home.partition.as_str().into();
    }
    json
}

fn details(key: &Key) -> Value {
    let mut json = json!({
        "AWSAccountId": key.arn.account().as_str(),
        "KeyId": key.arn.id(),
    });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            json[name] = value;
        }
    };
    let word = |value: &Option<Untrusted>| {
        let value = value.clone().and_then(Untrusted::non_empty);
        value.map(|value| Value::from(value.as_str()))
    };
    set("KeyManager", word(&key.manager));
    set("Origin", word(&key.origin));
    set(
        "KeyState",
        word(&key.state).filter(|state| STATES.iter().any(|known| state == known)),
    );
    set(
        "CreationDate",
        key.created_at.map(|at| at.as_second().into()),
    );
    set("KeyRotationStatus", key.rotates.map(Value::from));
    json
}
