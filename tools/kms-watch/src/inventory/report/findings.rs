//! Findings, for the places where security teams look: a finding for each key and each thing that is the matter with it, as
//! `finding-export` makes them of alerts.
//!
//! ASFF comes as one list, which `aws securityhub batch-import-findings --findings` takes, a hundred at once. OCSF comes as a line
//! each.

use serde_json::Value;
use watch_core::arn::Partition;
use watch_core::hash::short_hash;
use watch_core::severity::Severity;
use watch_core::text::Untrusted;
use watch_findings::asff::asff;
use watch_findings::finding::Key;
use watch_findings::ocsf::ocsf;
use watch_findings::{Finding, Home, Resource, Rule, Standing};

use crate::inventory::condition::{Condition, Weight};
use crate::inventory::error::InventoryError;
use crate::inventory::row::{RotationStatus, Row};
use crate::inventory::survey::Survey;

pub(crate) fn render_asff(
    survey: &Survey,
    wanted: &[Condition],
    within_days: u32,
) -> Result<Vec<u8>, InventoryError> {
    let all = findings(survey, wanted, within_days).map(|finding| {
        // Of the account and Region of the key, whose Security Hub alone takes it.
        let home = Home {
            partition: finding.partition.clone(),
            account: finding.account.clone(),
            region: finding.region.clone(),
        };
        asff(&finding, &home)
    });
    let mut text = serde_json::to_vec_pretty(&all.collect::<Vec<Value>>())?;
    text.push(b'\n');
    Ok(text)
}

pub(crate) fn render_ocsf(survey: &Survey, wanted: &[Condition], within_days: u32) -> Vec<u8> {
    let lines =
        findings(survey, wanted, within_days).map(|finding| format!("{}\n", ocsf(&finding)));
    lines.collect::<String>().into_bytes()
}

fn findings(
    survey: &Survey,
    wanted: &[Condition],
    within_days: u32,
) -> impl Iterator<Item = Finding> {
    survey.rows.iter().flat_map(move |row| {
        let matters = row.conditions.iter().filter(|it| wanted.contains(it));
        matters.map(move |condition| finding(*condition, row, survey, within_days))
    })
}

fn severity(condition: Condition) -> Severity {
    match condition.weight() {
        Weight::Urgent => Severity::High,
        Weight::Wrong => Severity::Medium,
        Weight::Notable => Severity::Low,
    }
}

fn finding(condition: Condition, row: &Row, survey: &Survey, within_days: u32) -> Finding {
    let name = condition.name();
    let story = format!("{}#inventory#{name}", row.arn);
    // Who reads a finding did not type the option.
    let help = condition
        .help()
        .replace("--within", &within_days.to_string());
    let says = format!("{} {help}", row.name());
    let alias = row.aliases.iter().flatten().next().cloned();
    let rotates = match row.rotation.status {
        RotationStatus::On => Some(true),
        RotationStatus::Off => Some(false),
        _ => None,
    };
    let word = |word: &str| Some(Untrusted::new(word));
    Finding {
        id: short_hash(&format!("{story}#{}", survey.at)),
        story,
        kind: name.to_owned(),
        rule: Rule::of(name),
        severity: severity(condition),
        standing: Standing::Open,
        title: Untrusted::new(&says),
        summary: Untrusted::bounded(&format!("{says}."), 1_024),
        occurred_at: survey.at,
        observed_at: survey.at,
        account: row.account.clone(),
        region: row.region.clone(),
        partition: Partition::clone(row.arn.partition()),
        resource: Resource::Key(Box::new(Key {
            alias,
            owner: row.owner.clone(),
            state: row.state.as_ref().and_then(|it| word(it.as_str())),
            manager: row.manager.as_ref().and_then(|it| word(it.as_str())),
            origin: row.origin.as_ref().and_then(|it| word(it.as_str())),
            created_at: row.created_at,
            rotates,
            ..Key::unknown(row.arn.clone())
        })),
        actor: None,
        operation: None,
        event_id: None,
        undo_until: row.deletion_at,
        steps: Vec::new(),
        link: None,
    }
}
