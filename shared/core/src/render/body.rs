//! Plain text that is laid out in lines and columns. What is not ours never stands at the beginning of a line.

use super::BODY_LIMIT;
use super::rows::Row;
use super::unlinked::{is_arn, unlinked};
use crate::text::Text;

/// Columns that every mail reader shows without breaking (RFC 3676).
const WIDTH: usize = 78;
/// What all lines begin with but headings of ours.
pub(super) const INDENT: &str = "  ";
/// Columns of the names in a table of facts.
const NAME_WIDTH: usize = 11;
/// Longest value among words, in characters: the feed has all of it. An ARN is whole.
const VALUE: usize = 200;
/// Columns of one of two cells in a line.
const CELL: usize = 38;

/// Our own words as they are, values of others without live links.
pub(super) fn plain(text: &Text) -> String {
    text.render(str::to_owned, |value, in_quotes| {
        if is_arn(value.as_str()) {
            return unlinked(value, in_quotes);
        }
        unlinked(&value.shortened(VALUE), in_quotes)
    })
}

/// Lines of text.
#[derive(Default)]
pub(super) struct Body(String);

impl Body {
    /// How many lines there are.
    pub(super) fn lines(&self) -> usize {
        self.0.lines().count()
    }

    /// The whole text on one line, to see whether it says something.
    pub(super) fn says(&self, what: &str) -> bool {
        let whole = self
            .0
            .split_ascii_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let is_part = |text: &str, at: usize| {
            let before = text[..at].chars().next_back();
            let after = text[at + what.len()..].chars().next();
            let inside = |c: char| c.is_alphanumeric() || c == '-' || c == '/';
            before.is_some_and(inside) || after.is_some_and(inside)
        };
        !what.is_empty()
            && whole
                .match_indices(what)
                .any(|(at, _)| !is_part(&whole, at))
    }

    pub(super) fn gap(&mut self) {
        self.0.push('\n');
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// A line of ours.
    pub(super) fn verbatim(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.hanging(INDENT, text);
    }

    /// A name and what it names.
    pub(super) fn row(&mut self, name: &str, text: &str) {
        self.hanging(&lead(name), text);
    }

    /// A link or a command of ours, whole, since it must work when it is clicked or pasted.
    pub(super) fn whole(&mut self, name: &str, text: &str) {
        self.verbatim(&format!("{}{text}", lead(name)));
    }

    /// Rows under a heading: short ones two in a line, those before long ones.
    pub(super) fn table(&mut self, heading: &str, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        self.verbatim(heading);
        let cells = rows.iter().map(|row| (row.name, plain(&row.value)));
        let (short, long): (Vec<_>, Vec<_>) = cells.partition(|(name, value)| {
            name.chars().count().max(NAME_WIDTH) + value.chars().count() < CELL
        });
        for pair in short.chunks(2) {
            let cells = pair
                .iter()
                .map(|(name, value)| format!("{name:NAME_WIDTH$}{value}"));
            let line: String = cells.map(|cell| format!("{cell:CELL$}")).collect();
            self.verbatim(&format!("{INDENT}{}", line.trim_end()));
        }
        for (name, value) in long {
            self.row(name, &value);
        }
    }

    /// What others wrote, as it is: each line begins with a mark.
    pub(super) fn marked(&mut self, text: &str) {
        const MARK: &str = "  | ";
        self.wrapped(MARK, MARK, text);
    }

    /// Lines of at most [`WIDTH`] columns, all but the first indented as far as `lead` is wide.
    pub(super) fn hanging(&mut self, lead: &str, text: &str) {
        self.wrapped(lead, &" ".repeat(lead.chars().count()), text);
    }

    fn wrapped(&mut self, lead: &str, margin: &str, text: &str) {
        let indent = lead.chars().count();
        let mut line = lead.to_owned();
        let mut column = indent;
        let mut fresh = true;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let width = word.chars().count();
            if !fresh && column + 1 + width > WIDTH && !is_number(word) {
                self.verbatim(line.trim_end());
                margin.clone_into(&mut line);
                column = indent;
                fresh = true;
            }
            if !fresh {
                line.push(' ');
                column += 1;
            }
            line.push_str(word);
            column += width;
            fresh = false;
        }
        self.verbatim(line.trim_end());
    }

    pub(super) fn finish(mut self) -> String {
        const NOTE: &str = "\n(shortened: the message would be larger than SNS allows)\n";
        if self.0.len() > BODY_LIMIT {
            let mut end = BODY_LIMIT - NOTE.len();
            while !self.0.is_char_boundary(end) {
                end -= 1;
            }
            self.0.truncate(end);
            self.0.push_str(NOTE);
        }
        self.0
    }
}

fn lead(name: &str) -> String {
    format!("{INDENT}{name:NAME_WIDTH$}")
}

/// It looks like the beginning of a step: no line that goes on begins with it, or a value could add a step.
fn is_number(word: &str) -> bool {
    let number = word.strip_suffix('.').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_over_long_body_is_shortened_with_a_note() {
        let mut body = Body::default();
        body.verbatim(&"é".repeat(BODY_LIMIT));
        let text = body.finish();
        assert!(text.len() <= BODY_LIMIT && text.ends_with("than SNS allows)\n"));
    }

    #[test]
    fn lines_break_between_words_and_hang() {
        let mut body = Body::default();
        body.hanging("1. ", &"word ".repeat(20));
        let lines: Vec<_> = body.0.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
        assert!(lines[0].starts_with("1. word") && lines[1].starts_with("   word"));
    }

    #[test]
    fn what_was_said_is_found_as_a_whole_and_across_lines() {
        let mut body = Body::default();
        body.verbatim("  of alias/payments until 2026-02-28 09:01");
        body.verbatim("  UTC, key 1234");
        for (what, said) in [
            ("2026-02-28 09:01 UTC", true),
            ("alias/payments", true),
            ("payments", false),
            ("123", false),
            ("1234", true),
            ("", false),
        ] {
            assert_eq!(body.says(what), said, "{what}");
        }
    }
}
