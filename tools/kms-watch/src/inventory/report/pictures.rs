//! The pictures of the page: states, deadlines on a time line, ages, rotation. How they are drawn is [`watch_core::page`]'s business.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use watch_core::key::State;
use watch_core::page::{Bar, End, Tone, bars, time_line};

use crate::inventory::row::{RotationStatus, Row};
use crate::inventory::survey::Survey;

/// Deadlines that are drawn, the nearest first.
const MOST: usize = 20;
/// Days of a year.
const YEAR: i64 = 365;

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

fn states(rows: &[Row]) -> Vec<Bar> {
    let mut counts = BTreeMap::new();
    for row in rows {
        let state = row.state.as_ref().map_or("unknown", State::as_str);
        *counts.entry(state.to_owned()).or_insert(0) += 1;
    }
    let tone = |state: &str| match state {
        "Enabled" => Tone::Fine,
        "PendingDeletion" | "PendingReplicaDeletion" => Tone::Urgent,
        _ => Tone::Wrong,
    };
    let counts = counts.into_iter().map(|(name, count)| Bar {
        tone: tone(&name),
        name,
        count,
    });
    counts.collect()
}

fn ages(rows: &[Row], now: Timestamp) -> Vec<Bar> {
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
        counts.push(Bar {
            name: name.to_owned(),
            count,
            tone: Tone::Fine,
        });
        least = bound;
    }
    counts
}

fn rotation(rows: &[Row]) -> Vec<Bar> {
    let kinds = [
        (RotationStatus::On, "on", Tone::Fine),
        (RotationStatus::Off, "off", Tone::Wrong),
        (
            RotationStatus::NotApplicable,
            "not applicable",
            Tone::Notable,
        ),
        (RotationStatus::ByAws, "by AWS", Tone::Fine),
        (RotationStatus::Unknown, "unknown", Tone::Wrong),
    ];
    let count = |status| {
        rows.iter()
            .filter(|row| row.rotation.status == status)
            .count()
    };
    let counts = kinds.map(|(status, name, tone)| Bar {
        name: name.to_owned(),
        count: count(status),
        tone,
    });
    counts.into_iter().filter(|bar| bar.count > 0).collect()
}

/// What ends within the days that are looked ahead, on a line from now to then.
fn deadlines(survey: &Survey, within_days: u32) -> String {
    let until = SignedDuration::from_hours(i64::from(within_days.max(1)) * 24);
    let mut ends: Vec<_> = survey
        .rows
        .iter()
        .filter_map(|row| match (row.deletion_at, row.expires_at) {
            (Some(at), _) => Some((at, row, Tone::Urgent, "deleted")),
            (None, Some(at)) => Some((at, row, Tone::Wrong, "expires")),
            (None, None) => None,
        })
        .filter(|(at, ..)| {
            let left = at.duration_since(survey.at);
            !left.is_negative() && left <= until
        })
        .collect();
    ends.sort_by_key(|(at, ..)| *at);
    ends.truncate(MOST);
    let ends: Vec<_> = ends
        .into_iter()
        .map(|(at, row, tone, word)| End {
            name: row.name().to_owned(),
            word,
            at,
            tone,
        })
        .collect();
    let title = format!("Ends within {within_days} days");
    time_line(&title, survey.at, within_days, &ends)
}
