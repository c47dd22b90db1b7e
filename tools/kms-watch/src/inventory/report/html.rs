//! One page, complete in itself: pictures, and a table that sorts and filters without a server.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use watch_core::arn::Region;
use watch_core::key::State;
use watch_core::page::{DARK, LIGHT, escape, figure_rules};
use watch_core::text::{Untrusted, minute};

use super::pictures;
use crate::inventory::condition::{Condition, Weight};
use crate::inventory::not_read;
use crate::inventory::row::Row;
use crate::inventory::survey::Survey;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

const COLUMNS: [&str; 11] = [
    "Alias",
    "Conditions",
    "State",
    "Due",
    "Owner",
    "Key id",
    "Region",
    "Account",
    "Last use",
    "Other Regions",
    "Tags",
];

pub(crate) fn render(survey: &Survey, within_days: u32, summary: &str) -> Vec<u8> {
    // Of scripts only ours, and nothing from elsewhere: what others wrote can do nothing, even if it got out of its cell.
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy =
        format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'");
    let rows: String = survey.rows.iter().map(row).collect();
    let titles: String = COLUMNS
        .iter()
        .map(|title| format!("<th scope=\"col\"><button type=\"button\">{title}</button></th>"))
        .collect();
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>KMS keys, {at}</title>\n<style>\n{style}</style>\n\
         </head>\n<body>\n<main>\n<h1>KMS keys</h1>\n<p>{at}</p>\n{not_read}<div class=\"pictures\">\n{pictures}</div>\n{places}\
         <h2 id=\"all\">All keys</h2>\n<p><label>Filter <input id=\"filter\" type=\"search\" placeholder=\"owner, state, alias …\"></label> \
         <span id=\"count\" role=\"status\"></span></p>\n<div class=\"wide\" role=\"region\" aria-labelledby=\"all\" tabindex=\"0\">\
         <table id=\"keys\">\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table></div>\n<h2 id=\"counts\">Summary</h2>\n<pre role=\"region\" aria-labelledby=\"counts\" tabindex=\"0\">{summary}</pre>\n\
         </main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        style = style(),
        not_read = unread(survey),
        places = places(&survey.rows),
        at = minute(survey.at),
        pictures = pictures::all(survey, within_days),
        summary = escape(summary),
    );
    page.into_bytes()
}

/// Colours and figures as everywhere, and what is special to this page.
fn style() -> String {
    let figures = figure_rules("main");
    format!(
        ":root {{ color-scheme: light dark; {LIGHT} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}\n{figures}{STYLE}"
    )
}

/// What nobody may take for empty.
fn unread(survey: &Survey) -> String {
    let lines: String = not_read::lines(&survey.not_read)
        .iter()
        .map(|line| format!("<li>{}</li>", escape(line)))
        .collect();
    if lines.is_empty() {
        return lines;
    }
    format!(
        "<section class=\"unread\" aria-labelledby=\"unread\">\n<h2 id=\"unread\">Not read</h2>\n<ul>{lines}</ul>\n</section>\n"
    )
}

/// How many keys there are in each Region of each account, if there are several.
fn places(rows: &[Row]) -> String {
    let mut places: BTreeMap<_, [usize; 3]> = BTreeMap::new();
    for row in rows {
        let [keys, urgent, wrong] = places
            .entry((row.account.as_str(), row.region.as_str()))
            .or_default();
        *keys += 1;
        match row.conditions.first().map(|it| it.weight()) {
            Some(Weight::Urgent) => *urgent += 1,
            Some(Weight::Wrong) => *wrong += 1,
            _ => {}
        }
    }
    if places.len() < 2 {
        return String::new();
    }
    let lines: String = places
        .iter()
        .map(|((account, region), [keys, urgent, wrong])| {
            format!(
                "<tr><td>{account}</td><td><button type=\"button\" data-filter=\"account:{account} region:{region}\">{region}</button></td>\
                 <td>{keys}</td><td>{urgent}</td><td>{wrong}</td></tr>\n"
            )
        })
        .collect();
    format!(
        "<h2 id=\"where\">Where they are</h2>\n<div class=\"wide\" role=\"region\" aria-labelledby=\"where\" tabindex=\"0\">\
         <table id=\"places\">\n<thead><tr><th scope=\"col\">Account</th><th scope=\"col\">Region</th><th scope=\"col\">Keys</th>\
         <th scope=\"col\">Urgent</th><th scope=\"col\">Wrong</th></tr></thead>\n<tbody>\n{lines}</tbody>\n</table></div>\n"
    )
}

fn row(row: &Row) -> String {
    let aliases: Vec<_> = row
        .aliases
        .iter()
        .flatten()
        .map(Untrusted::as_str)
        .collect();
    let regions: Vec<_> = row.other_regions().map(Region::as_str).collect();
    let tags: Vec<_> = row.other_tags().collect();
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
        regions.join(" "),
        tags.join(" "),
    ];
    let cells: String = cells
        .iter()
        .map(|cell| format!("<td>{}</td>", escape(cell)))
        .collect();
    format!("<tr class=\"{weight}\">{cells}</tr>\n")
}

pub(super) fn class(condition: Condition) -> &'static str {
    match condition.weight() {
        Weight::Urgent => "urgent",
        Weight::Wrong => "wrong",
        Weight::Notable => "notable",
    }
}
