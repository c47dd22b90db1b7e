//! The pictures of the page: states, deadlines on a time line, ages, rotation. Drawn in SVG, each with its numbers as text.

use std::collections::BTreeMap;

use jiff::Timestamp;
use watch_core::key::State;
use watch_core::text::minute;

use crate::inventory::row::{RotationStatus, Row};
use crate::inventory::survey::Survey;
use crate::output::html::escape;

const WIDTH: f64 = 520.0;
/// Room for the names, left of the bars, and for the numbers on their right.
const NAMES: f64 = 170.0;
const NUMBERS: f64 = 90.0;
const LINE: f64 = 22.0;
/// Deadlines that are drawn, the nearest first.
const MOST: usize = 20;
/// Days of a year.
const YEAR: i64 = 365;

type Counts = Vec<(String, usize, &'static str)>;

pub(super) fn all(survey: &Survey, within_days: u32) -> String {
    let rows = &survey.rows;
    [
        bars("States", &states(rows)),
        deadlines(survey, within_days),
        bars("Ages", &ages(rows, survey.at)),
        bars("Rotation", &rotation(rows)),
    ]
    .concat()
}

fn states(rows: &[Row]) -> Counts {
    let mut counts = BTreeMap::new();
    for row in rows {
        let state = row.state.as_ref().map_or("unknown", State::as_str);
        *counts.entry(state.to_owned()).or_insert(0) += 1;
    }
    let class = |state: &str| match state {
        "Enabled" => "fine",
        "PendingDeletion" | "PendingReplicaDeletion" => "urgent",
        _ => "wrong",
    };
    let counts = counts.into_iter().map(|(state, count)| {
        let class = class(&state);
        (state, count, class)
    });
    counts.collect()
}

fn ages(rows: &[Row], now: Timestamp) -> Counts {
    let bounds = [
        (30, "under 30 days"),
        (90, "under 90 days"),
        (YEAR, "under a year"),
        (3 * YEAR, "under 3 years"),
        (i64::MAX, "older"),
    ];
    let ages = rows.iter().filter_map(|row| row.created_at);
    let ages: Vec<_> = ages
        .map(|at| now.duration_since(at).as_hours() / 24)
        .collect();
    let mut least = 0;
    let mut counts = Vec::new();
    for (bound, name) in bounds {
        let count = ages
            .iter()
            .filter(|age| (least..bound).contains(age))
            .count();
        counts.push((name.to_owned(), count, "fine"));
        least = bound;
    }
    counts
}

fn rotation(rows: &[Row]) -> Counts {
    let kinds = [
        (RotationStatus::On, "on", "fine"),
        (RotationStatus::Off, "off", "wrong"),
        (RotationStatus::NotApplicable, "not applicable", "notable"),
        (RotationStatus::ByAws, "by AWS", "fine"),
        (RotationStatus::Unknown, "unknown", "wrong"),
    ];
    let count = |status| {
        rows.iter()
            .filter(|row| row.rotation.status == status)
            .count()
    };
    let counts = kinds.map(|(status, name, class)| (name.to_owned(), count(status), class));
    counts
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .collect()
}

/// A bar for each count.
fn bars(title: &str, counts: &Counts) -> String {
    let most = counts.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
    let room = WIDTH - NAMES - NUMBERS;
    let mut marks = String::new();
    for (line, (name, count, class)) in counts.iter().enumerate() {
        let top = line as f64 * LINE;
        let length = room * *count as f64 / most.max(1) as f64;
        marks.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" class=\"name\">{}</text><rect x=\"{NAMES}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" rx=\"2\" \
             class=\"{class}\"/><text x=\"{:.1}\" y=\"{}\">{count}</text>\n",
            NAMES - 8.0,
            top + 15.0,
            escape(name),
            top + 4.0,
            NAMES + length + 6.0,
            top + 15.0,
        ));
    }
    figure(title, counts.len(), &marks)
}

/// What ends within the days that are looked ahead, on a line from now to then.
fn deadlines(survey: &Survey, within_days: u32) -> String {
    let days = |at: Timestamp| at.duration_since(survey.at).as_secs_f64() / 86_400.0;
    let horizon = f64::from(within_days.max(1));
    let mut ends: Vec<_> = survey
        .rows
        .iter()
        .filter_map(|row| match (row.deletion_at, row.expires_at) {
            (Some(at), _) => Some((at, row, "urgent", "deleted")),
            (None, Some(at)) => Some((at, row, "wrong", "expires")),
            (None, None) => None,
        })
        .filter(|(at, ..)| (0.0..=horizon).contains(&days(*at)))
        .collect();
    ends.sort_by_key(|(at, ..)| *at);
    ends.truncate(MOST);
    let room = WIDTH - NAMES - NUMBERS;
    let mut marks = String::new();
    for (line, (at, row, class, word)) in ends.iter().enumerate() {
        let (middle, end) = (
            line as f64 * LINE + 11.0,
            NAMES + room * days(*at) / horizon,
        );
        let name: String = row.name().chars().take(24).collect();
        let (whole, date) = (escape(row.name()), minute(*at));
        marks.push_str(&format!(
            "<g><title>{whole} {word} {date}</title><text x=\"{}\" y=\"{}\" class=\"name\">{}</text>\
             <line x1=\"{NAMES}\" y1=\"{middle}\" x2=\"{end:.1}\" y2=\"{middle}\" class=\"{class}\"/>\
             <circle cx=\"{end:.1}\" cy=\"{middle}\" r=\"5\" class=\"{class}\"/><text x=\"{:.1}\" y=\"{}\">{word} in {:.0} d</text></g>\n",
            NAMES - 8.0,
            middle + 4.0,
            escape(&name),
            end + 9.0,
            middle + 4.0,
            days(*at).floor(),
        ));
    }
    if ends.is_empty() {
        marks.push_str("<text x=\"0\" y=\"15\">nothing</text>\n");
    }
    figure(
        &format!("Ends within {within_days} days"),
        ends.len(),
        &marks,
    )
}

fn figure(title: &str, lines: usize, marks: &str) -> String {
    let height = lines.max(1) as f64 * LINE;
    format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n{marks}</svg></figure>\n"
    )
}
