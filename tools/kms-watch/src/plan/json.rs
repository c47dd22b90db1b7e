//! The plan for programs: one object. New members and values are no breaking change; `docs/schema` has the schema, which a test makes of
//! these types.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use serde::Serialize;

use crate::plan::page::{Gap, MetricsOf, Page, Parameter, Section};

/// Of the members, in case one of them ever changes its meaning.
const VERSION: &str = "1.0";

/// A monitoring plan of `kms-watch plan`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    schema_version: &'static str,
    /// When it was made.
    at: Timestamp,
    /// The account; `null` if no key told it.
    account: Option<&'a str>,
    /// The questions of the AWS KMS Developer Guide, and what belongs to them.
    plan: Vec<Answered<'a>>,
    /// The metrics of `AWS/KMS`, by Region.
    metrics: &'a [MetricsOf],
    /// What is missing, and what could not be read.
    gaps: Vec<Missing<'a>>,
    /// What to set in the template.
    parameters: Vec<Set<'a>>,
}

/// A question and its answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Answered<'a> {
    question: &'a str,
    /// The rows of the answer: texts by the column's title.
    answers: Vec<BTreeMap<&'a str, &'a str>>,
    /// What has no room in them.
    note: Option<&'a str>,
}

/// Something that is missing, or not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Missing<'a> {
    status: Status,
    what: &'a str,
    fix: &'a str,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Status {
    Missing,
    /// It could not be read, and is not known to be fine.
    Unknown,
}

/// A parameter of the template.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Set<'a> {
    name: &'a str,
    /// `null`: nobody said yet, and it should be set.
    value: Option<&'a str>,
    why: &'a str,
}

pub(crate) fn render(page: &Page) -> io::Result<Vec<u8>> {
    let report = Report {
        schema_version: VERSION,
        at: page.at,
        account: page.account.as_deref(),
        plan: page.sections.iter().map(answered).collect(),
        metrics: &page.metrics,
        gaps: page.gaps.iter().map(missing).collect(),
        parameters: page.parameters.iter().map(set).collect(),
    };
    let mut report = serde_json::to_vec_pretty(&report)?;
    report.push(b'\n');
    Ok(report)
}

fn answered(section: &Section) -> Answered<'_> {
    let rows = section.rows.iter().map(|row| {
        let cells = section.columns.iter().zip(row);
        cells.map(|(name, cell)| (*name, cell.as_str())).collect()
    });
    Answered {
        question: section.heading,
        answers: rows.collect(),
        note: section.note.as_deref(),
    }
}

fn missing(gap: &Gap) -> Missing<'_> {
    Missing {
        status: match gap.is_unknown {
            true => Status::Unknown,
            false => Status::Missing,
        },
        what: &gap.what,
        fix: gap.fix,
    }
}

fn set(parameter: &Parameter) -> Set<'_> {
    Set {
        name: parameter.name,
        value: parameter.value.as_deref(),
        why: parameter.why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::is_published;

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        is_published::<Report<'_>>(&format!("plan-{VERSION}"), "KMS Watch monitoring plan");
    }
}
