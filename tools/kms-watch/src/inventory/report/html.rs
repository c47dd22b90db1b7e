//! One page, complete in itself: pictures, and a table that sorts and filters without a server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use watch_core::key::State;
use watch_core::text::{Untrusted, minute};

use super::pictures;
use crate::inventory::condition::Condition;
use crate::inventory::row::Row;
use crate::inventory::survey::Survey;
use crate::output::html::escape;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

const COLUMNS: [&str; 9] = [
    "Alias",
    "Conditions",
    "State",
    "Due",
    "Owner",
    "Key id",
    "Region",
    "Account",
    "Last use",
];

pub(crate) fn render(survey: &Survey, within_days: u32, summary: &str) -> Vec<u8> {
    // Of scripts only ours, and nothing from elsewhere: what others wrote can do nothing, even if it got out of its cell.
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy =
        format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'");
    let rows: String = survey.rows.iter().map(row).collect();
    let titles: String = COLUMNS
        .iter()
        .map(|title| format!("<th><button type=\"button\">{title}</button></th>"))
        .collect();
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>KMS keys, {at}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<h1>KMS keys</h1>\n<p>{at}</p>\n<div class=\"pictures\">\n{pictures}</div>\n\
         <h2>All keys</h2>\n<p><label>Filter <input id=\"filter\" type=\"search\" placeholder=\"owner, state, alias …\"></label> \
         <span id=\"count\"></span></p>\n<div class=\"wide\"><table id=\"keys\">\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table></div>\n<h2>Summary</h2>\n<pre>{summary}</pre>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        at = minute(survey.at),
        pictures = pictures::all(survey, within_days),
        summary = escape(summary),
    );
    page.into_bytes()
}

fn row(row: &Row) -> String {
    let aliases: Vec<_> = row
        .aliases
        .iter()
        .flatten()
        .map(Untrusted::as_str)
        .collect();
    let due: Option<Timestamp> = row.deletion_at.or(row.expires_at);
    let conditions: Vec<_> = row.conditions.iter().map(|it| it.name()).collect();
    let weight = row.conditions.first().map_or("fine", |it| class(*it));
    let cells = [
        aliases.join(" "),
        conditions.join(" "),
        row.state
            .as_ref()
            .map_or("unknown", State::as_str)
            .to_owned(),
        due.map(minute).unwrap_or_default(),
        row.owner.as_ref().map_or("", Untrusted::as_str).to_owned(),
        row.key_id.clone(),
        row.region.as_str().to_owned(),
        row.account.as_str().to_owned(),
        row.last_use.at.map(minute).unwrap_or_default(),
    ];
    let cells: String = cells
        .iter()
        .map(|cell| format!("<td>{}</td>", escape(cell)))
        .collect();
    format!("<tr class=\"{weight}\">{cells}</tr>\n")
}

pub(super) fn class(condition: Condition) -> &'static str {
    use crate::inventory::condition::Weight;
    match condition.weight() {
        Weight::Urgent => "urgent",
        Weight::Wrong => "wrong",
        Weight::Notable => "notable",
    }
}
