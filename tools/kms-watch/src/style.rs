//! Colours of the terminal.

use anstyle::{AnsiColor, Color, Style};
use watch_core::severity::Severity;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RULE: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Cyan)));

pub(crate) fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical => AnsiColor::BrightRed,
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Green,
        Severity::Info => AnsiColor::Blue,
    };
    Style::new().fg_color(Some(Color::Ansi(color))).bold()
}
