//! What a person or a program reads of it.

use std::fmt::Write as _;

use anstyle::Style;
use jiff::Timestamp;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;
use watch_core::dependants::{Dependants, Evidence, Principal, Resource};
use watch_core::page::escape;
use watch_core::text::{Untrusted, minute};

use crate::dependants::args::Format;
use crate::dependants::find::Found;
use crate::style::BOLD;
use crate::words::last_use;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}\
    .wide{overflow-x:auto}code{word-break:break-all}";

/// What is never found.
const LIMITS: &str =
    "Data that nobody used for 90 days leaves no trace, nor do uses in other Regions.";
/// The same, if AWS Config was asked.
const LIMITS_WITH_CONFIG: &str = "Data that nobody used for 90 days, and that AWS Config does not record, leaves no trace, nor do uses in \
    other Regions.";

/// In this form.
pub(crate) fn render(found: &Found, format: Format) -> Vec<u8> {
    match format {
        Format::Table => table(found),
        Format::Json => json(found),
        Format::Html => html(found),
    }
    .into_bytes()
}

/// A list: its heading, its columns, its rows.
struct List {
    heading: String,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

fn lists(dependants: &Dependants) -> [List; 2] {
    let heading = |shown: usize, count: u64, noun: &str| {
        let plural = if count == 1 { "" } else { "s" };
        let of = match u64::try_from(shown).unwrap_or(u64::MAX) < count {
            true => format!(", the last {shown} of them"),
            false => String::new(),
        };
        format!("{}{count} {noun}{plural}{of}", at_least(dependants))
    };
    let (resources, principals) = (&dependants.resources, &dependants.principals);
    [
        List {
            heading: heading(resources.len(), dependants.resource_count, "resource"),
            columns: &["type", "id", "last seen", "used by", "shown by"],
            rows: resources.iter().map(resource).collect(),
        },
        List {
            heading: heading(principals.len(), dependants.principal_count, "principal"),
            columns: &["name", "through", "last seen", "operations", "shown by"],
            rows: principals.iter().map(principal).collect(),
        },
    ]
}

fn at_least(dependants: &Dependants) -> &'static str {
    // What is only not listed was counted.
    if dependants.complete { "" } else { "at least " }
}

fn resource(resource: &Resource) -> Vec<String> {
    vec![
        resource.kind.words(false).to_owned(),
        resource.id.as_str().to_owned(),
        when(resource.last_seen),
        text(resource.used_by.as_ref()),
        evidence(resource.via).to_owned(),
    ]
}

fn principal(principal: &Principal) -> Vec<String> {
    let operations: Vec<_> = principal.operations.iter().map(Untrusted::as_str).collect();
    vec![
        principal.name.as_str().to_owned(),
        text(principal.service.as_ref()),
        when(principal.last_seen),
        operations.join(", "),
        evidence(principal.via).to_owned(),
    ]
}

fn when(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "–".to_owned(), minute)
}

fn text(value: Option<&Untrusted>) -> String {
    value.map_or("–", Untrusted::as_str).to_owned()
}

fn evidence(via: Evidence) -> &'static str {
    match via {
        Evidence::Grants => "a grant",
        Evidence::EventHistory => "the event history",
        Evidence::Config => "AWS Config",
    }
}

/// What is said of the key itself.
fn facts(found: &Found) -> Vec<(&'static str, String)> {
    let aliases: Vec<_> = found.aliases.iter().map(Untrusted::as_str).collect();
    let mut facts = Vec::new();
    if !aliases.is_empty() {
        facts.push(("Alias", aliases.join(", ")));
    }
    facts.extend(
        found
            .state
            .as_ref()
            .map(|state| ("State", state.as_str().to_owned())),
    );
    facts.extend(
        found
            .last_use
            .as_ref()
            .map(|usage| ("Last used", last_use(usage))),
    );
    facts
}

/// What is said in place of lists, or after them.
fn remarks(found: &Found) -> Vec<&'static str> {
    let mut remarks = Vec::new();
    match &found.dependants {
        None => remarks.push("No source could be read."),
        Some(dependants) if dependants.is_empty() => {
            remarks.push("Nobody was found to depend on the key.");
        }
        Some(dependants) => {
            if dependants.has_database() {
                remarks.push(
                    "A database is among them: RDS, Aurora and DynamoDB need a restore after 7 days without the key.",
                );
            }
            if !dependants.complete {
                remarks.push("Not everything could be read: there may be more.");
            }
        }
    }
    let sources = found.dependants.iter().flat_map(|it| &it.sources);
    remarks.push(
        match sources.into_iter().any(|it| *it == Evidence::Config) {
            true => LIMITS_WITH_CONFIG,
            false => LIMITS,
        },
    );
    remarks
}

fn table(found: &Found) -> String {
    let mut out = format!("{BOLD}{}{BOLD:#}\n", found.key);
    for (name, value) in facts(found) {
        let _ = writeln!(out, "  {name:<10}{value}");
    }
    for list in found.dependants.iter().flat_map(lists) {
        if list.rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{BOLD}{}{BOLD:#}", list.heading);
        let widths: Vec<_> = (0..list.columns.len())
            .map(|column| {
                let cells = list.rows.iter().map(|row| row[column].width());
                cells
                    .chain([list.columns[column].width()])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let titles: Vec<_> = list
            .columns
            .iter()
            .map(|title| (*title).to_owned())
            .collect();
        line(&mut out, &titles, &widths, Style::new().dimmed());
        for row in &list.rows {
            line(&mut out, row, &widths, Style::new());
        }
    }
    out.push('\n');
    for remark in remarks(found) {
        let _ = writeln!(out, "{remark}");
    }
    out
}

fn line(out: &mut String, cells: &[String], widths: &[usize], style: Style) {
    let mut text = String::from("  ");
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        text.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
    }
    let _ = writeln!(out, "{style}{}{style:#}", text.trim_end());
}

fn json(found: &Found) -> String {
    let missing: Vec<_> = found
        .missing
        .iter()
        .map(|missing| json!({"fact": missing.fact, "reason": missing.reason.as_str()}))
        .collect();
    let report = json!({
        "key": found.key.to_string(),
        "aliases": found.aliases,
        "state": found.state,
        "lastUse": found.last_use,
        "dependants": found.dependants,
        "missing": missing,
        "asOf": found.at,
    });
    format!("{report:#}\n")
}

fn html(found: &Found) -> String {
    let title = found.aliases.first().map(Untrusted::as_str);
    let title = escape(title.unwrap_or(found.key.id()));
    let mut body = format!(
        "<p><code>{}</code></p>\n<dl>\n",
        escape(&found.key.to_string())
    );
    for (name, value) in facts(found) {
        let _ = writeln!(body, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    body.push_str("</dl>\n");
    let cells = |cells: &[String], tag: &str| -> String {
        let cells = cells.iter();
        cells
            .map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)))
            .collect()
    };
    for list in found.dependants.iter().flat_map(lists) {
        if list.rows.is_empty() {
            continue;
        }
        let titles: Vec<_> = list
            .columns
            .iter()
            .map(|title| (*title).to_owned())
            .collect();
        let rows: String = list
            .rows
            .iter()
            .map(|row| format!("<tr>{}</tr>\n", cells(row, "td")))
            .collect();
        let _ = writeln!(
            body,
            "<h2>{}</h2>\n<div class=\"wide\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>",
            escape(&list.heading),
            cells(&titles, "th")
        );
    }
    for remark in remarks(found) {
        let _ = writeln!(body, "<p>{remark}</p>");
    }
    // No script, and nothing from elsewhere: what others wrote can do nothing.
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>What depends on {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>What depends on {title}</h1>\n<p>{at}</p>\n\
         {body}</body>\n</html>\n",
        at = minute(found.at),
    )
}
