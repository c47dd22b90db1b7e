//! A table for a ticket or a pull request. What others wrote stands in code spans, where nothing is a link.

use jiff::Timestamp;
use watch_core::key::State;
use watch_core::text::{Untrusted, minute};

use crate::inventory::row::Row;
use crate::output::markdown::code;

pub(crate) fn render(rows: &[Row], summary: &str) -> Vec<u8> {
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str("| key | alias | state | owner | due | what is the matter | tags | other Regions |\n|---|---|---|---|---|---|---|---|\n");
    }
    for row in rows {
        let aliases = row.aliases.iter().flatten().map(Untrusted::as_str);
        let aliases: Vec<_> = aliases.map(code).collect();
        let conditions: Vec<_> = row.conditions.iter().map(|it| it.name()).collect();
        let tags: Vec<_> = row.other_tags().map(|tag| code(&tag)).collect();
        let regions: Vec<_> = row.other_regions().map(|region| region.as_str()).collect();
        let due: Option<Timestamp> = row.deletion_at.or(row.expires_at);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            code(&row.arn.to_string()),
            aliases.join(" "),
            row.state
                .as_ref()
                .map_or_else(String::new, |it| code(State::as_str(it))),
            row.owner
                .as_ref()
                .map_or_else(String::new, |it| code(it.as_str())),
            due.map(minute).unwrap_or_default(),
            conditions.join(", "),
            tags.join(" "),
            regions.join(" "),
        ));
    }
    text.push_str("\n```text\n");
    // A fence of three backticks would end it.
    text.push_str(&summary.replace("```", "'''"));
    text.push_str("```\n");
    text.into_bytes()
}
