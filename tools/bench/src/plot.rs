//! The plot for the README: bars, each part on a scale of its own that begins with nothing.

use std::fmt::Write as _;

use crate::measure::Measure;
use crate::report::Report;
use crate::subjects::{FLOOR, MAIN, SERIAL, THREADS};

const WIDTH: f64 = 720.0;
const LABELS: f64 = 130.0;
const VALUES: f64 = 80.0;
const BAR: f64 = 18.0;
const GAP: f64 = 6.0;
const TITLE: f64 = 30.0;

/// The parts of the plot: title, measure, size of the function.
const PARTS: [(&str, Measure, Option<u32>); 3] = [
    ("Start to first poll, CPU ms", Measure::StartCpu, None),
    (
        "First event with the CPU share of 128 MB, ms",
        Measure::FirstWall,
        Some(128),
    ),
    ("Warm event, CPU ms", Measure::WarmCpu, None),
];

/// Who is drawn, and how.
const SUBJECTS: [(&str, &str, &str); 4] = [
    (FLOOR, "bare echo", "floor"),
    (MAIN, MAIN, "main"),
    (THREADS, THREADS, "peer"),
    (SERIAL, SERIAL, "peer"),
];

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.value{font-variant-numeric:tabular-nums}\
.floor{fill:#8c959f}.main{fill:#1a7f37}.peer{fill:#0969da}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.main{fill:#3fb950}.peer{fill:#4493f8}}";

/// The plot as SVG.
pub(crate) fn svg(report: &Report) -> String {
    let mut body = String::new();
    let mut y = 0.0;
    for (title, measure, megabytes) in PARTS {
        let bars: Vec<_> = SUBJECTS
            .iter()
            .filter_map(|(name, label, class)| {
                Some((*label, *class, report.median(name, megabytes, measure)?))
            })
            .collect();
        if bars.is_empty() {
            continue;
        }
        y += TITLE;
        _ = writeln!(
            body,
            r#"<text class="title" x="0" y="{:.0}">{title}</text>"#,
            y - 10.0
        );
        y = draw(&mut body, &bars, y) + GAP;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {y:.0}\" role=\"img\" \
         aria-label=\"Start, first event and warm event: key-deletion beside a bare function and boto3\">\n\
         <style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// Draws bars from `y` on; where they end.
fn draw(body: &mut String, bars: &[(&str, &str, f64)], mut y: f64) -> f64 {
    let longest = bars.iter().map(|(_, _, value)| *value).fold(0.0, f64::max);
    let room = WIDTH - LABELS - VALUES;
    for (label, class, value) in bars {
        let (text, width) = (y + BAR - 5.0, (room * value / longest).max(1.0));
        let shown = match *value {
            value if value < 10.0 => format!("{value:.2}"),
            value if value < 100.0 => format!("{value:.1}"),
            value => format!("{value:.0}"),
        };
        _ = writeln!(
            body,
            r#"<text x="{:.0}" y="{text:.0}" text-anchor="end">{label}</text><rect class="{class}" x="{LABELS:.0}" y="{y:.0}" width="{:.1}" height="{BAR:.0}" rx="2"/><text class="value" x="{:.1}" y="{text:.0}">{shown}</text>"#,
            LABELS - 8.0,
            width,
            LABELS + width + 6.0,
        );
        y += BAR + GAP;
    }
    y
}
