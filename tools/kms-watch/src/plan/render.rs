//! The plan for a terminal, a ticket and a browser. What others wrote is escaped for each.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;
use watch_core::page::{curve, escape};
use watch_core::text::minute;

use crate::output::markdown::{code, plain};
use crate::plan::args::Format;
use crate::plan::error::PlanError;
use crate::plan::json;
use crate::plan::page::{Cell, Gap, Page, Section};
use crate::style::BOLD;

const STYLE: &str = include_str!("page.css");

const GAPS: &str = "Gaps";

/// In this form.
pub(crate) fn render(page: &Page, format: Format) -> Result<Vec<u8>, PlanError> {
    Ok(match format {
        Format::Table => table(page).into_bytes(),
        Format::Md => markdown(page).into_bytes(),
        Format::Html => html(page).into_bytes(),
        Format::Json => json::render(page)?,
    })
}

/// The answers, and after them gaps and parameters in the same shape.
fn sections(page: &Page) -> Vec<Section> {
    let gaps = page.gaps.iter().map(|gap| {
        vec![
            sign(gap).into(),
            Cell::Other(gap.what.clone()),
            gap.fix.into(),
        ]
    });
    let parameters = page.parameters.iter().map(|it| {
        let value = it.value.as_deref().unwrap_or("to be set");
        vec![it.name.into(), Cell::Other(value.to_owned()), it.why.into()]
    });
    let own = page.sections.iter().map(|it| Section {
        heading: it.heading,
        columns: it.columns,
        rows: it.rows.clone(),
        note: it.note.clone(),
    });
    own.chain([
        Section {
            heading: GAPS,
            columns: &["", "what", "what to do"],
            rows: gaps.collect(),
            note: Some(
                "✗ is missing; ? could not be read, and is not known to be fine.".to_owned(),
            ),
        },
        Section {
            heading: "Parameters to set",
            columns: &["parameter", "value", "why"],
            rows: parameters.collect(),
            note: None,
        },
    ])
    .collect()
}

fn sign(gap: &Gap) -> &'static str {
    if gap.is_unknown { "?" } else { "✗" }
}

fn title(page: &Page) -> String {
    match &page.account {
        Some(account) => format!("Monitoring plan for the KMS keys of account {account}"),
        None => "Monitoring plan for the KMS keys of the account".to_owned(),
    }
}

fn table(page: &Page) -> String {
    let mut out = format!("{BOLD}{}{BOLD:#}\n{}\n", title(page), minute(page.at));
    for section in sections(page) {
        let _ = writeln!(out, "\n{BOLD}{}{BOLD:#}", section.heading);
        if section.heading == GAPS {
            // Two sentences beside each other would be wider than any terminal.
            for gap in &page.gaps {
                let _ = writeln!(out, "  {} {}\n    → {}", sign(gap), gap.what, gap.fix);
            }
        } else {
            rows(&mut out, &section);
        }
        if let Some(note) = &section.note {
            let _ = writeln!(out, "  {note}");
        }
    }
    out
}

fn rows(out: &mut String, section: &Section) {
    let width = |column: usize| {
        let cells = section.rows.iter().map(|row| row[column].as_str().width());
        let title = section.columns[column].width();
        cells.chain([title]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..section.columns.len()).map(width).collect();
    line(out, section.columns, &widths, Style::new().dimmed());
    for row in &section.rows {
        let cells: Vec<_> = row.iter().map(Cell::as_str).collect();
        line(out, &cells, &widths, Style::new());
    }
}

fn line(out: &mut String, cells: &[&str], widths: &[usize], style: Style) {
    let mut text = String::from("  ");
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        text.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
    }
    let _ = writeln!(out, "{style}{}{style:#}", text.trim_end());
}

fn markdown(page: &Page) -> String {
    let mut out = format!("# {}\n\n{}\n", title(page), minute(page.at));
    for section in sections(page) {
        let _ = writeln!(
            out,
            "\n## {}\n\n| {} |",
            section.heading,
            section.columns.join(" | ")
        );
        let _ = writeln!(out, "|{}", "---|".repeat(section.columns.len()));
        for row in &section.rows {
            let cells = row.iter().map(|cell| match cell {
                Cell::Own(text) => plain(text),
                Cell::Curve(curve) => curve.bars.clone(),
                Cell::Other(text) => code(text),
            });
            let _ = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        }
        if let Some(note) = &section.note {
            let _ = writeln!(out, "\n{note}");
        }
    }
    out
}

fn html(page: &Page) -> String {
    let mut body = String::new();
    for (number, section) in sections(page).iter().enumerate() {
        let titles = section.columns.iter().map(|title| match *title {
            "" => "<th scope=\"col\"><span class=\"unseen\">sign</span></th>".to_owned(),
            title => format!("<th scope=\"col\">{}</th>", escape(title)),
        });
        let titles: String = titles.collect();
        let rows = section.rows.iter().map(|row| {
            let cells = row.iter().map(|cell| match cell {
                Cell::Curve(it) => format!("<td>{}</td>", curve(&it.label, &it.values)),
                cell => format!("<td>{}</td>", escape(cell.as_str())),
            });
            format!("<tr>{}</tr>\n", cells.collect::<String>())
        });
        let rows: String = rows.collect();
        let note = section
            .note
            .as_deref()
            .map_or_else(String::new, |note| format!("<p>{}</p>\n", escape(note)));
        let _ = writeln!(
            body,
            "<h2 id=\"part{number}\">{}</h2>\n<div class=\"wide\" role=\"region\" aria-labelledby=\"part{number}\" tabindex=\"0\"><table>\n\
             <thead><tr>{titles}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n{note}",
            escape(section.heading)
        );
    }
    let title = escape(&title(page));
    // No script, and nothing from elsewhere: what others wrote can do nothing.
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{at}</p>\n{body}</main>\n\
         </body>\n</html>\n",
        at = minute(page.at),
    )
}
