//! One object: what was asked, what could not be read, and the keys, the most urgent first. New members and values are no
//! breaking change; `docs/schema` has the schema, which a test makes of these types.

use jiff::Timestamp;
use serde::Serialize;

use crate::inventory::error::InventoryError;
use crate::inventory::not_read::NotRead;
use crate::inventory::row::Row;
use crate::inventory::survey::{AccountRead, Survey};

/// Of the members, in case one of them ever changes its meaning.
const VERSION: &str = "1.0";

/// A report of `kms-watch inventory`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    schema_version: &'static str,
    /// When it was made.
    at: Timestamp,
    /// Every account and Region was read, and KMS answered every question that it did not refuse.
    complete: bool,
    /// The accounts that could be asked, and in which Regions they were read.
    accounts: &'a [AccountRead],
    /// Accounts and Regions of which nothing is known, and why.
    not_read: &'a [NotRead],
    not_listed: NotListed,
    /// The most urgent first.
    keys: &'a [Row],
}

/// Keys that are counted only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct NotListed {
    /// AWS manages them.
    aws_managed: u64,
    /// The filters leave them out.
    filtered: u64,
}

pub(crate) fn render(survey: &Survey) -> Result<Vec<u8>, InventoryError> {
    let report = Report {
        schema_version: VERSION,
        at: survey.at,
        complete: survey.is_complete(),
        accounts: &survey.accounts,
        not_read: &survey.not_read,
        not_listed: NotListed {
            aws_managed: survey.managed_unlisted,
            filtered: survey.filtered,
        },
        keys: &survey.rows,
    };
    let mut report = serde_json::to_vec_pretty(&report)?;
    report.push(b'\n');
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::is_published;

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        is_published::<Report<'_>>(&format!("inventory-{VERSION}"), "KMS Watch inventory");
    }
}
