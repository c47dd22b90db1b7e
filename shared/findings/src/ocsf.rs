//! A finding as a Detection Finding of the Open Cybersecurity Schema Framework, version 1.5.0, with the profiles `cloud` and
//! `datetime` (<https://schema.ocsf.io/1.5.0/classes/detection_finding>).
//!
//! 1.5.0 is what Security Hub itself writes. Nothing that a later version deprecates is used. `metadata.uid` names this telling, the
//! same if it comes twice; `finding_info.uid` names the story, the same for what opens it and what closes it.

use std::net::IpAddr;

use serde_json::{Value, json};
use watch_core::kinds::story::Part;
use watch_core::severity::Severity;
use watch_core::text::Untrusted;

use crate::finding::{Actor, Finding, Resource, Standing};
use crate::words::{fit, fit_all};

/// The version of the schema.
pub const VERSION: &str = "1.5.0";
/// Detection Finding.
const CLASS: u32 = 2004;

/// Longest texts, so that a finding fits wherever it goes.
const TITLE: usize = 512;
const DESCRIPTION: usize = 4_096;
const REMEDIATION: usize = 4_096;

/// Types of observables.
const IP_ADDRESS: u32 = 2;
const RESOURCE_UID: u32 = 10;
const CREDENTIAL_UID: u32 = 19;

/// Number and word of a severity.
pub const fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// Number and word of what a finding does in its story.
pub fn activity(finding: &Finding) -> (u32, &'static str) {
    match (finding.standing, finding.rule.part()) {
        (Standing::Closed, _) => (3, "Close"),
        (Standing::Open, Part::Opens | Part::Event) => (1, "Create"),
        (Standing::Open, _) => (2, "Update"),
        (Standing::Event, Part::GoesOn | Part::Ends) => (2, "Update"),
        (Standing::Event, _) => (1, "Create"),
    }
}

/// The finding.
pub fn ocsf(finding: &Finding) -> Value {
    let (activity_id, activity_name) = activity(finding);
    let (severity_id, severity) = severity(finding.severity);
    let (status_id, status) = match finding.standing {
        Standing::Closed => (4, "Resolved"),
        Standing::Open | Standing::Event => (1, "New"),
    };
    let mut json = json!({
        "activity_id": activity_id,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity_id,
        "type_name": format!("Detection Finding: {activity_name}"),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_detail": finding.standing.as_str(),
        "is_alert": true,
        "time": finding.occurred_at.as_millisecond(),
        "time_dt": finding.occurred_at.to_string(),
        "message": fit(finding.title.as_str(), TITLE),
        "metadata": metadata(finding),
        "finding_info": info(finding),
        "cloud": {
            "provider": "AWS",
            "region": finding.region.as_str(),
            "cloud_partition": finding.partition.as_str(),
            "account": { "uid": finding.account.as_str(), "type_id": 10, "type": "AWS Account" },
        },
        "resources": [resource(finding)],
        "observables": observables(finding),
    });
    if let Some(evidence) = evidence(finding) {
        json["evidences"] = json!([evidence]);
    }
    let steps = fit_all(finding.steps.iter().map(Untrusted::as_str), REMEDIATION);
    if !steps.is_empty() {
        json["remediation"]["desc"] = steps.into();
    }
    if let Some(until) = finding.undo_until {
        json["unmapped"]["undoUntil"] = until.to_string().into();
    }
    json
}

fn metadata(finding: &Finding) -> Value {
    json!({
        "version": VERSION,
        "uid": finding.id,
        "event_code": finding.kind,
        "profiles": ["cloud", "datetime"],
        "product": {
            "name": "KMS Watch",
            "vendor_name": "KMS Watch",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "logged_time": finding.observed_at.as_millisecond(),
        "logged_time_dt": finding.observed_at.to_string(),
    })
}

fn info(finding: &Finding) -> Value {
    let mut json = json!({
        "uid": finding.story,
        "title": fit(finding.title.as_str(), TITLE),
        "types": [finding.kind],
        "analytic": { "name": finding.kind, "uid": finding.kind, "type_id": 1, "type": "Rule" },
        "created_time": finding.occurred_at.as_millisecond(),
        "created_time_dt": finding.occurred_at.to_string(),
        "modified_time": finding.updated_at().as_millisecond(),
        "modified_time_dt": finding.updated_at().to_string(),
    });
    if !finding.summary.is_empty() {
        json["desc"] = fit(finding.summary.as_str(), DESCRIPTION).into();
    }
    if let Some(attack) = finding.rule.attack {
        let named = |(uid, name): (&str, &str)| json!({ "uid": uid, "name": name });
        json["attacks"] = json!([{
            "tactic": named(attack.tactic), "technique": named(attack.technique),
        }]);
    }
    if let Some(link) = &finding.link {
        json["src_url"] = link.as_str().into();
    }
    json
}

fn resource(finding: &Finding) -> Value {
    let partition = finding.partition.as_str();
    match &finding.resource {
        Resource::Key(key) => {
            let mut json = json!({
                "uid": key.arn.to_string(),
                "type": "AWS::KMS::Key",
                "region": key.arn.region().as_str(),
                "cloud_partition": partition,
            });
            if let Some(alias) = &key.alias {
                json["name"] = alias.as_str().into();
            }
            if let Some(owner) = &key.owner {
                json["owner"]["name"] = owner.as_str().into();
            }
            json
        }
        Resource::KeyStore { id, name } => json!({
            "uid": id.as_str(),
            "name": name.as_ref().unwrap_or(id).as_str(),
            "type": "AWS::KMS::CustomKeyStore",
            "region": finding.region.as_str(),
            "cloud_partition": partition,
        }),
        Resource::Account => json!({
            "uid": finding.account.as_str(),
            "type": "AWS::Account",
            "region": finding.region.as_str(),
            "cloud_partition": partition,
        }),
    }
}

/// Who did it, by which call, from where.
fn evidence(finding: &Finding) -> Option<Value> {
    let mut json = json!({});
    if let Some(actor) = finding.actor.as_ref().and_then(actor) {
        json["actor"] = actor;
    }
    if let Some(operation) = &finding.operation {
        json["api"]["operation"] = operation.as_str().into();
        if let Some(id) = &finding.event_id {
            json["api"]["request"]["uid"] = id.as_str().into();
        }
    }
    let source = finding
        .actor
        .as_ref()
        .and_then(|actor| actor.source.as_ref());
    if let Some(source) = source {
        // CloudTrail has the name of a service in the place of an address (CloudTrail User Guide, record contents).
        let place = match source.as_str() {
            text if text.parse::<IpAddr>().is_ok() => "ip",
            text if text.contains('.') && !text.contains(' ') => "domain",
            _ => "svc_name",
        };
        json["src_endpoint"][place] = source.as_str().into();
    }
    let is_empty = json.as_object().is_none_or(serde_json::Map::is_empty);
    (!is_empty).then_some(json)
}

fn actor(actor: &Actor) -> Option<Value> {
    let mut json = json!({});
    let mut user = |name: &str, value: &Option<Untrusted>| {
        if let Some(value) = value {
            json["user"][name] = value.as_str().into();
        }
    };
    user("name", &actor.name);
    user("uid", &actor.arn);
    let is_named = actor.name.is_some() || actor.arn.is_some();
    if is_named {
        user("credential_uid", &actor.access_key);
        if let Some(account) = &actor.account {
            json["user"]["account"]["uid"] = account.as_str().into();
        }
    }
    if let Some(via) = &actor.via {
        json["invoked_by"] = via.as_str().into();
    }
    (is_named || actor.via.is_some()).then_some(json)
}

fn observables(finding: &Finding) -> Vec<Value> {
    let actor = finding.actor.as_ref();
    let source = actor.and_then(|actor| actor.source.as_ref());
    let source = source.filter(|source| source.as_str().parse::<IpAddr>().is_ok());
    let credential = actor.and_then(|actor| actor.access_key.as_ref());
    let text = |value: &Untrusted| value.as_str().to_owned();
    [
        (
            "resources[0].uid",
            RESOURCE_UID,
            "Resource UID",
            finding.key_arn(),
        ),
        (
            "evidences[0].src_endpoint.ip",
            IP_ADDRESS,
            "IP Address",
            source.map(text),
        ),
        (
            "evidences[0].actor.user.credential_uid",
            CREDENTIAL_UID,
            "User Credential ID",
            credential.map(text),
        ),
    ]
    .into_iter()
    .filter_map(|(name, type_id, word, value)| {
        Some(json!({ "name": name, "type_id": type_id, "type": word, "value": value? }))
    })
    .collect()
}
