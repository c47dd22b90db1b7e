//! A table for spreadsheets: one header line, lines end with CRLF, quoting as in RFC 4180.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use jiff::Timestamp;
use serde::Serialize;
use watch_core::arn::{AccountId, Region};
use watch_core::key::{Manager, Origin, State};
use watch_core::text::Untrusted;

use crate::inventory::error::InventoryError;
use crate::inventory::row::Row;
use crate::inventory::survey::Survey;

const HEADER: [&str; 32] = [
    "account",
    "region",
    "keyId",
    "aliases",
    "state",
    "createdAt",
    "expiresAt",
    "deletionAt",
    "origin",
    "customKeyStoreId",
    "owner",
    "rotation",
    "rotationPeriodDays",
    "nextRotationAt",
    "lastUse",
    "lastUseAt",
    "lastUseOperation",
    "usageTrackedSince",
    "manager",
    "spec",
    "usage",
    "multiRegion",
    "otherRegions",
    "description",
    "tags",
    "public",
    "foreign",
    "grants",
    "conditions",
    "missing",
    "arn",
    "notRead",
];

/// Of a place that could not be read, of which nothing else is known.
const NOT_READ: usize = HEADER.len() - 1;

pub(crate) fn render(survey: &Survey) -> Result<Vec<u8>, InventoryError> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(HEADER)?;
    let mut write = |record: [String; 32]| {
        writer.write_record(record.iter().map(|cell| safe(cell).into_owned()))
    };
    for row in &survey.rows {
        write(record(row)?)?;
    }
    for place in &survey.not_read {
        let mut record: [String; 32] = Default::default();
        let account = place.account.as_ref();
        let region = place.region.as_ref();
        record[0] = account.map_or("", AccountId::as_str).to_owned();
        record[1] = region.map_or("", Region::as_str).to_owned();
        record[NOT_READ] = format!("{}: {}", place.operation, place.reason.as_str());
        write(record)?;
    }
    writer
        .into_inner()
        .map_err(|error| InventoryError::Output(error.into_error()))
}

fn record(row: &Row) -> Result<[String; 32], InventoryError> {
    let text = |text: &Option<Untrusted>| text.as_ref().map_or("", Untrusted::as_str).to_owned();
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let many = |words: Vec<&str>| words.join(" ");
    let aliases = row.aliases.as_deref().unwrap_or_default();
    let missing = row.missing.iter().map(|gap| gap.operation).collect();
    let conditions = row.conditions.iter().map(|condition| condition.name());
    let tags = row.tags.iter().flatten();
    let tags: Vec<_> = tags
        .map(|(key, value)| format!("{}={}", key.as_str(), value.as_str()))
        .collect();
    let multi_region = row.multi_region.as_ref();
    let period = row.rotation.period_days;
    Ok([
        row.account.as_str().to_owned(),
        row.region.as_str().to_owned(),
        row.key_id.clone(),
        many(aliases.iter().map(Untrusted::as_str).collect()),
        row.state.as_ref().map_or("", State::as_str).to_owned(),
        time(row.created_at),
        time(row.expires_at),
        time(row.deletion_at),
        row.origin.as_ref().map_or("", Origin::as_str).to_owned(),
        text(&row.custom_key_store_id),
        text(&row.owner),
        word(&row.rotation.status)?,
        period.map(|days| days.to_string()).unwrap_or_default(),
        time(row.rotation.next_at),
        word(&row.last_use.status)?,
        time(row.last_use.at),
        text(&row.last_use.operation),
        time(row.last_use.tracked_since),
        row.manager.as_ref().map_or("", Manager::as_str).to_owned(),
        text(&row.spec),
        text(&row.usage),
        multi_region.map_or("", |of| of.kind.as_str()).to_owned(),
        many(row.other_regions().map(Region::as_str).collect()),
        text(&row.description),
        many(tags.iter().map(String::as_str).collect()),
        row.access
            .public
            .map(|it| it.to_string())
            .unwrap_or_default(),
        many(row.access.foreign.iter().map(Untrusted::as_str).collect()),
        row.access
            .grants
            .map(|it| it.to_string())
            .unwrap_or_default(),
        many(conditions.collect()),
        many(missing),
        row.arn.to_string(),
        String::new(),
    ])
}

/// The word that JSON has for it.
fn word(status: &impl Serialize) -> Result<String, InventoryError> {
    let value = serde_json::to_value(status)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Signs that make a formula of what they begin (OWASP, CSV injection). Full-width forms count too: some programs read
/// them as the same sign.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A cell of which a spreadsheet makes no formula: an apostrophe stands before what would begin one. Where the list
/// separator is a semicolon, and in programs that split at tabs or bars, a cell of ours may become several, quotes or not.
fn safe(cell: &str) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut begins = true;
    for c in cell.chars() {
        if begins && (FORMULA.contains(&c) || matches!(c, '\t' | '\r' | '\n')) {
            safe.push('\'');
        }
        // What is only blank or a quote does not tell yet what the cell begins with.
        begins = matches!(c, ';' | '；' | '|' | '\t' | '\r' | '\n')
            || (begins && (c.is_whitespace() || c == '"'));
        safe.push(c);
    }
    if safe.len() == cell.len() {
        Cow::Borrowed(cell)
    } else {
        Cow::Owned(safe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1"] {
            assert_eq!(safe(formula), format!("'{formula}"));
            // As the second cell of what is one for us.
            for between in [
                "team;", "team; ", "team;\"", "team|", "a;b;", ";", " ", "\"",
            ] {
                let cell = format!("{between}{formula}");
                assert_eq!(safe(&cell), format!("{between}'{formula}"), "{cell}");
            }
        }
        assert_eq!(safe("\t=1"), "'\t'=1");
        for harmless in [
            "",
            "a=1",
            "a;b=1",
            "team-pay; orders",
            "alias/payments",
            "2026-11-20T10:00:00Z",
            "'=1",
        ] {
            assert_eq!(safe(harmless), harmless);
        }
    }
}
