//! What the checks say, for a person and for a machine.

use anstyle::{AnsiColor, Color, Style};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::checks::CHECKS;
use super::verdict::Verdict;
use crate::exit_codes;
use crate::style::{BOLD, DIM};

/// Of the members of the JSON.
const FORMAT: u8 = 1;
const NAME_WIDTH: usize = 14;

/// A check that was made.
pub(crate) struct Checked {
    pub(crate) name: &'static str,
    pub(crate) asks: &'static str,
    pub(crate) verdict: Verdict,
}

/// Where it was made.
pub(crate) struct Head {
    pub(crate) stack: String,
    /// `None` if the stack could not be read.
    pub(crate) account: Option<String>,
    pub(crate) region: String,
    pub(crate) at: Timestamp,
}

/// Nothing could be asked.
pub(crate) fn nothing_seen(verdict: &Verdict) -> Vec<Checked> {
    let unseen = |check: &super::checks::Check| Checked {
        name: check.name,
        asks: check.asks,
        verdict: verdict.clone(),
    };
    CHECKS.iter().map(unseen).collect()
}

const fn coloured(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color))).bold()
}

/// A line for each check, and one for the fix of what is not well.
pub(crate) fn text(head: &Head, checked: &[Checked]) -> String {
    let mut text = format!("{BOLD}{} in {}{BOLD:#}\n", head.stack, head.region);
    for Checked { name, verdict, .. } in checked {
        let (sign, style, what, fix) = match verdict {
            Verdict::Well(what) => ("✓", coloured(AnsiColor::Green), what, None),
            Verdict::Failed { what, fix } => ("✗", coloured(AnsiColor::Red), what, Some(fix)),
            Verdict::Unseen { why, fix } => ("?", coloured(AnsiColor::Yellow), why, Some(fix)),
        };
        text += &format!("{style}{sign}{style:#} {name:NAME_WIDTH$} {what}\n");
        if let Some(fix) = fix {
            text += &format!("  {:NAME_WIDTH$} {DIM}→ {fix}{DIM:#}\n", "");
        }
    }
    let [well, failed, unseen] = counts(checked);
    let end = match (failed, unseen) {
        (0, 0) => "all is well",
        (0, _) => "what could not be seen may be wrong",
        _ => "what failed needs a look",
    };
    text += &format!("{well} well, {failed} failed, {unseen} not seen: {end}\n");
    text
}

/// The same with names that stay.
pub(crate) fn json(head: &Head, checked: &[Checked]) -> Value {
    let check = |checked: &Checked| {
        let (status, what, fix) = match &checked.verdict {
            Verdict::Well(what) => ("OK", what, None),
            Verdict::Failed { what, fix } => ("FAILED", what, Some(fix)),
            Verdict::Unseen { why, fix } => ("UNKNOWN", why, Some(fix)),
        };
        json!({"name": checked.name, "status": status, "what": what, "fix": fix, "asks": checked.asks})
    };
    let [well, failed, unseen] = counts(checked);
    json!({
        "format": FORMAT, "stack": head.stack, "account": head.account, "region": head.region,
        "at": head.at.to_string(), "command": env!("CARGO_PKG_VERSION"),
        "counts": {"ok": well, "failed": failed, "unknown": unseen},
        "checks": checked.iter().map(check).collect::<Vec<_>>(),
    })
}

fn counts(checked: &[Checked]) -> [usize; 3] {
    let mut counts = [0; 3];
    for Checked { verdict, .. } in checked {
        let place = match verdict {
            Verdict::Well(_) => 0,
            Verdict::Failed { .. } => 1,
            Verdict::Unseen { .. } => 2,
        };
        counts[place] += 1;
    }
    counts
}

/// What failed weighs more than what could not be seen.
pub(crate) fn exit_code(checked: &[Checked]) -> u8 {
    match counts(checked) {
        [_, 0, 0] => exit_codes::DONE,
        [_, 0, _] => exit_codes::INCOMPLETE,
        _ => exit_codes::FOUND,
    }
}
