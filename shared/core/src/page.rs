//! Pieces of HTML that the report by hand and the dashboard's widget share: text that stands for itself, colours, figures in SVG
//! with their numbers as text. No script, nothing from elsewhere.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::text::minute;

/// Width of a figure, and of the room left of its bars for names and right of them for numbers.
const WIDTH: f64 = 520.0;
const NAMES: f64 = 170.0;
const NUMBERS: f64 = 90.0;
const LINE: f64 = 22.0;
/// Characters of a name that have room there.
const NAME: usize = 24;

/// The colours of a page, as properties of CSS: text and background have a contrast of 4.5 and more.
pub const LIGHT: &str = "--ink: #1c2128; --paper: #fff; --soft: #59636e; --line: #d1d9e0; --leaf: #f6f8fa; --urgent: #c62828; \
     --wrong: #8a5300; --notable: #6e7781; --fine: #2f7d4f;";
/// The same for a dark page.
pub const DARK: &str = "--ink: #e6edf3; --paper: #0d1117; --soft: #9198a1; --line: #3d444d; --leaf: #151b23; --urgent: #ff7b72; \
     --wrong: #e3b341; --notable: #9198a1; --fine: #56b97a;";

/// How figures look. Each rule is about what stands within `scope`, a selector, so that it changes nothing else on a page of others.
pub fn figure_rules(scope: &str) -> String {
    const RULES: [&str; 10] = [
        "figure { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--leaf); }",
        "figcaption { margin-bottom: .5rem; font-weight: 600; }",
        "svg { width: 100%; height: auto; }",
        "svg text { fill: var(--ink); font-size: 12px; }",
        "svg .name { text-anchor: end; }",
        "rect.urgent, {} circle.urgent { fill: var(--urgent); }",
        "rect.wrong, {} circle.wrong { fill: var(--wrong); }",
        "rect.notable, {} circle.notable { fill: var(--notable); }",
        "rect.fine, {} circle.fine { fill: var(--fine); }",
        "line { stroke-width: 2; stroke: var(--notable); }",
    ];
    let mut text = String::new();
    for rule in RULES {
        let rule = rule.replace("{}", scope);
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{scope} {rule}");
    }
    for class in ["urgent", "wrong", "fine"] {
        let _ = writeln!(text, "{scope} line.{class} {{ stroke: var(--{class}); }}");
    }
    text
}

/// With what HTML and XML would take for their own written so that it stands for itself.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// How urgent what a mark stands for is: it has a class, and with it a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// A key is about to be lost.
    Urgent,
    /// Something is wrong.
    Wrong,
    /// Worth knowing.
    Notable,
    /// As it should be.
    Fine,
}

impl Tone {
    /// The class of CSS.
    pub fn class(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Wrong => "wrong",
            Self::Notable => "notable",
            Self::Fine => "fine",
        }
    }
}

/// A number with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What is counted.
    pub name: String,
    /// How many.
    pub count: usize,
    /// How that is.
    pub tone: Tone,
}

/// A bar for each count.
pub fn bars(title: &str, counts: &[Bar]) -> String {
    let most = counts.iter().map(|bar| bar.count).max().unwrap_or(0);
    let room = WIDTH - NAMES - NUMBERS;
    let mut marks = String::new();
    for (line, Bar { name, count, tone }) in counts.iter().enumerate() {
        let top = line as f64 * LINE;
        let length = room * *count as f64 / most.max(1) as f64;
        let _ = writeln!(
            marks,
            "<text x=\"{}\" y=\"{}\" class=\"name\">{}</text><rect x=\"{NAMES}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" rx=\"2\" \
             class=\"{}\"/><text x=\"{:.1}\" y=\"{}\">{count}</text>",
            NAMES - 8.0,
            top + 15.0,
            shortened(name),
            top + 4.0,
            tone.class(),
            NAMES + length + 6.0,
            top + 15.0,
        );
    }
    figure(title, counts.len(), &marks)
}

/// A count for each of some days, the last one today.
pub fn days(title: &str, counts: &[usize], tone: Tone) -> String {
    let most = counts.iter().copied().max().unwrap_or(0);
    let (height, step) = (LINE * 4.0, WIDTH / counts.len().max(1) as f64);
    let mut marks = String::new();
    for (day, count) in counts.iter().enumerate() {
        let room = height - 42.0;
        let tall = (room * *count as f64 / most.max(1) as f64).max(1.0);
        let (left, top) = (day as f64 * step + 3.0, height - 22.0 - tall);
        let ago = match counts.len() - 1 - day {
            0 => "today".to_owned(),
            1 => "1 day ago".to_owned(),
            ago => format!("{ago} days ago"),
        };
        let _ = writeln!(
            marks,
            "<g><title>{count}, {ago}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" rx=\"2\" class=\"{}\"/>",
            step - 6.0,
            tone.class(),
        );
        if *count > 0 {
            let middle = left + step / 2.0 - 3.0;
            let _ = write!(
                marks,
                "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{count}</text>",
                top - 4.0
            );
        }
        marks.push_str("</g>\n");
    }
    let _ = writeln!(
        marks,
        "<text x=\"3\" y=\"{bottom}\">{} days ago</text><text x=\"{:.1}\" y=\"{bottom}\" text-anchor=\"end\">today</text>",
        counts.len().saturating_sub(1),
        WIDTH - 3.0,
        bottom = height - 4.0,
    );
    figure(title, 4, &marks)
}

/// A line through values at equal distances, from zero on; a gap where there is none. In the ink of the text, and as large as the page
/// says: `svg.curve` of its style has `polyline`, `circle` and `line`. `label` says it to those who do not see it.
pub fn curve(label: &str, values: &[Option<f64>]) -> String {
    const WIDE: f64 = 160.0;
    const TALL: f64 = 32.0;
    const EDGE: f64 = 2.0;
    let known = || values.iter().flatten().copied();
    let (least, most) = (known().fold(0.0, f64::min), known().fold(0.0, f64::max));
    let span = most - least;
    let scale = if span > 0.0 {
        (TALL - 2.0 * EDGE) / span
    } else {
        0.0
    };
    let step = (WIDE - 2.0 * EDGE) / values.len().saturating_sub(1).max(1) as f64;
    let height = |value: f64| TALL - EDGE - (value - least) * scale;
    let point = |(place, value): (usize, f64)| (EDGE + place as f64 * step, height(value));
    let mut marks = String::new();
    let of_places: Vec<_> = values.iter().enumerate().collect();
    for run in of_places.split(|(_, value)| value.is_none()) {
        let points = run
            .iter()
            .filter_map(|(place, value)| Some(point((*place, (**value)?))));
        let points: Vec<_> = points.collect();
        match points.as_slice() {
            [] => {}
            // A line of one point is none.
            [(x, y)] => {
                let _ = write!(marks, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.5\"/>");
            }
            points => {
                let points: Vec<_> = points
                    .iter()
                    .map(|(x, y)| format!("{x:.1},{y:.1}"))
                    .collect();
                let _ = write!(marks, "<polyline points=\"{}\"/>", points.join(" "));
            }
        }
    }
    format!(
        "<svg class=\"curve\" viewBox=\"0 0 {WIDE} {TALL}\" role=\"img\" aria-label=\"{}\"><line x1=\"0\" y1=\"{zero:.1}\" x2=\"{WIDE}\" \
         y2=\"{zero:.1}\"/>{marks}</svg>",
        escape(label),
        zero = height(0.0),
    )
}

/// What ends at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Of what.
    pub name: String,
    /// What happens then, in a word: `deleted`.
    pub word: &'static str,
    /// When.
    pub at: Timestamp,
    /// How that is.
    pub tone: Tone,
}

/// What ends, the nearest first, on a line from `now` to `horizon` days later. What is further away stands at its end.
pub fn time_line(title: &str, now: Timestamp, horizon: u32, ends: &[End]) -> String {
    let days = |at: Timestamp| at.duration_since(now).as_secs_f64() / 86_400.0;
    let horizon = f64::from(horizon.max(1));
    let room = WIDTH - NAMES - NUMBERS - 40.0;
    let mut marks = String::new();
    for (line, end) in ends.iter().enumerate() {
        let middle = line as f64 * LINE + 11.0;
        let to = NAMES + room * (days(end.at) / horizon).clamp(0.0, 1.0);
        let (class, word) = (end.tone.class(), end.word);
        let _ = writeln!(
            marks,
            "<g><title>{whole} {word} {date}</title><text x=\"{}\" y=\"{}\" class=\"name\">{}</text>\
             <line x1=\"{NAMES}\" y1=\"{middle}\" x2=\"{to:.1}\" y2=\"{middle}\" class=\"{class}\"/>\
             <circle cx=\"{to:.1}\" cy=\"{middle}\" r=\"5\" class=\"{class}\"/><text x=\"{:.1}\" y=\"{}\">{word} {left}</text></g>",
            NAMES - 8.0,
            middle + 4.0,
            shortened(&end.name),
            to + 9.0,
            middle + 4.0,
            whole = escape(&end.name),
            date = minute(end.at),
            left = left(now, end.at),
        );
    }
    if ends.is_empty() {
        marks.push_str("<text x=\"0\" y=\"15\">nothing</text>\n");
    }
    figure(title, ends.len(), &marks)
}

/// `in 3 d`, `in 5 h`, `now`.
pub fn left(now: Timestamp, at: Timestamp) -> String {
    let left = at.duration_since(now).as_secs();
    match left {
        ..0 => "now".to_owned(),
        0..172_800 => format!("in {} h", left / 3_600),
        _ => format!("in {} d", left / 86_400),
    }
}

fn shortened(name: &str) -> String {
    let mut short: String = name.chars().take(NAME).collect();
    if short.len() < name.len() {
        short.pop();
        short.push('…');
    }
    escape(&short)
}

fn figure(title: &str, lines: usize, marks: &str) -> String {
    let height = lines.max(1) as f64 * LINE;
    let title = escape(title);
    format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n{marks}</svg></figure>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said_in_the_unit_that_counts() {
        let now: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        for (seconds, expected) in [
            (-1, "now"),
            (3_599, "in 0 h"),
            (172_799, "in 47 h"),
            (172_800, "in 2 d"),
            (864_000, "in 10 d"),
        ] {
            let at = now + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(left(now, at), expected, "{seconds}");
        }
    }

    #[test]
    fn a_name_of_others_is_text_in_a_figure_and_does_not_leave_its_place() {
        let now: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        let end = End {
            name: "</title><script>alert(1)</script>\" onload='x'".to_owned(),
            word: "deleted",
            at: now + jiff::SignedDuration::from_hours(24 * 900),
            tone: Tone::Urgent,
        };
        let figure = time_line("Due", now, 30, &[end]);
        assert!(
            !figure.contains("<script") && !figure.contains("onload='"),
            "{figure}"
        );
        assert!(figure.contains("cx=\"390.0\""), "{figure}");
    }

    #[test]
    fn a_curve_has_a_line_for_each_run_of_values_and_stays_in_its_place() {
        let drawn = curve(
            "\"least\" <0>",
            &[
                Some(0.0),
                Some(10.0),
                None,
                Some(5.0),
                None,
                Some(1e300),
                Some(-3.0),
            ],
        );
        assert_eq!(drawn.matches("<polyline").count(), 2);
        assert_eq!(drawn.matches("<circle").count(), 1);
        assert!(
            drawn.contains("aria-label=\"&quot;least&quot; &lt;0&gt;\""),
            "{drawn}"
        );
        let numbers = drawn.split(|c: char| !c.is_ascii_digit() && c != '.' && c != '-');
        for number in numbers.filter_map(|text| text.parse::<f64>().ok()) {
            assert!((0.0..=160.0).contains(&number), "{drawn}");
        }
        // The greatest is at the top, zero at the bottom.
        let flat = curve("", &[Some(0.0), Some(4.0)]);
        assert!(flat.contains("points=\"2.0,30.0 158.0,2.0\""), "{flat}");
        assert!(!curve("", &[None, None]).contains("<polyline"));
        let nothing = curve("", &[Some(0.0), Some(0.0)]);
        assert!(
            nothing.contains("points=\"2.0,30.0 158.0,30.0\""),
            "{nothing}"
        );
    }

    #[test]
    fn rules_are_about_what_is_within_the_scope() {
        for rule in figure_rules(".own").lines() {
            let (selectors, _) = rule.split_once('{').unwrap();
            for selector in selectors.split(',') {
                assert!(selector.trim().starts_with(".own "), "{rule}");
            }
        }
    }
}
