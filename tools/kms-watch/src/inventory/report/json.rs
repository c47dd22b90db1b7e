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
    use std::path::Path;

    use schemars::generate::SchemaSettings;
    use serde_json::{Value, json};

    use super::*;

    fn schema() -> Value {
        let generator = SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator();
        let mut schema = generator.into_root_schema_for::<Report<'_>>().to_value();
        schema["$id"] = json!("https://kms-watch.invalid/schema/inventory-1.0.json");
        schema["title"] = json!("KMS Watch inventory");
        schema
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the test says there that the file is to be made anew"
    )]
    fn the_published_schema_is_that_of_the_types() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/schema")
            .join(format!("inventory-{VERSION}.json"));
        let schema = schema();
        // In which order the members stand depends on what else is built.
        let published = || -> Option<Value> {
            serde_json::from_str(&std::fs::read_to_string(&file).ok()?).ok()
        };
        let is_to_be_made = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
        if is_to_be_made && published().as_ref() != Some(&schema) {
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            std::fs::write(&file, text).unwrap();
        }
        assert!(
            published() == Some(schema),
            "{} is another; INSTA_UPDATE=always makes it anew",
            file.display()
        );
    }
}
