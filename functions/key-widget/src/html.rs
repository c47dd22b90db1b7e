//! What all views are made of. The console removes scripts, `on…` attributes, frames and `<use>`, and says nothing of it: there are
//! none. Every rule of CSS is about what stands within one own class, since the page is a dashboard of others.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_core::page::{DARK, LIGHT, Tone, escape, figure_rules};
use watch_core::text::minute;

/// The own class.
const SCOPE: &str = ".kmsw";
/// Widgets that are narrower, in pixels, have larger letters in their figures.
const NARROW: f64 = 520.0;
/// Longest answer, in bytes. Lambda hands over 6 MB (Lambda Developer Guide, quotas); rows are bounded long before.
pub const MOST_BYTES: usize = 1_000_000;

const RULES: &[&str] = &[
    "{ color: var(--ink); background: var(--paper); font: 14px/1.45 system-ui, sans-serif; padding: .5rem; overflow-wrap: anywhere; }",
    "h2 { font-size: 1.15em; line-height: 1.3; margin: 0 0 .4rem; color: var(--ink); }",
    "h3 { font-size: 1em; margin: .9rem 0 .3rem; color: var(--ink); }",
    "p { margin: .3rem 0; color: var(--ink); }",
    "ul { margin: .3rem 0; padding-left: 1.2rem; color: var(--ink); }",
    ".soft { color: var(--soft); }",
    ".notice { border-left: 4px solid var(--urgent); padding: .3rem .6rem; background: var(--leaf); }",
    ".wide { overflow-x: auto; max-width: 100%; }",
    "table { border-collapse: collapse; width: 100%; background: var(--paper); }",
    "th, .kmsw td { padding: .25rem .5rem; border: 0; border-bottom: 1px solid var(--line); text-align: left; color: var(--ink); background: var(--paper); white-space: nowrap; font-weight: 400; }",
    "thead th { font-weight: 600; }",
    "td.long { white-space: normal; min-width: 12rem; }",
    ".urgent { color: var(--urgent); font-weight: 600; }",
    ".wrong { color: var(--wrong); font-weight: 600; }",
    ".fine { color: var(--fine); }",
    ".figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: .75rem; margin: .5rem 0; }",
    ".tiles { display: flex; flex-wrap: wrap; gap: .5rem; margin: .3rem 0 .6rem; }",
    ".tile { border: 1px solid var(--line); border-radius: .4rem; background: var(--leaf); padding: .4rem .7rem; min-width: 7rem; }",
    ".tile b { display: block; font-size: 1.5em; line-height: 1.2; }",
    "form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: 0 0 .4rem; }",
    "label { display: block; color: var(--soft); font-size: .9em; }",
    "input, .kmsw select { display: block; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: .3rem; padding: .2rem .4rem; font: inherit; max-width: 14rem; box-sizing: border-box; }",
    "button { color: var(--ink); background: none; border: 0; border-radius: .2rem; padding: 0; font: inherit; text-decoration: underline; cursor: pointer; text-align: left; }",
    "a, .kmsw a:visited { color: var(--ink); text-decoration: underline; }",
    "button.push { border: 1px solid var(--soft); border-radius: .3rem; padding: .2rem .6rem; text-decoration: none; background: var(--leaf); }",
    "thead th button { font-weight: 600; }",
    ":focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }",
    "code { color: var(--ink); background: var(--leaf); padding: 0 .2rem; font-size: .95em; }",
];

/// An answer that is being written.
#[derive(Debug)]
pub struct Page {
    body: String,
    is_dark: bool,
    is_narrow: bool,
    /// The function, for buttons; empty if nobody knows its ARN.
    endpoint: String,
}

impl Page {
    /// An empty answer for whoever asked.
    pub fn of(payload: &Value, function_arn: &str) -> Self {
        let context = &payload["widgetContext"];
        let is_arn = function_arn.starts_with("arn:")
            && function_arn.len() <= 512
            && function_arn
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b":-_$".contains(&b));
        Self {
            body: String::new(),
            is_dark: context["theme"] == "dark",
            is_narrow: context["width"]
                .as_f64()
                .is_some_and(|width| width < NARROW),
            endpoint: if is_arn {
                function_arn.to_owned()
            } else {
                String::new()
            },
        }
    }

    /// What was written, as the console takes it.
    pub fn finish(self) -> String {
        let palette = if self.is_dark { DARK } else { LIGHT };
        let scheme = if self.is_dark { "dark" } else { "light" };
        let mut style = format!("{SCOPE} {{ color-scheme: {scheme}; {palette} }}\n");
        for rule in RULES {
            let _ = writeln!(style, "{SCOPE} {rule}");
        }
        style.push_str(&figure_rules(SCOPE));
        if self.is_narrow {
            let _ = writeln!(style, "{SCOPE} svg text {{ font-size: 18px; }}");
        }
        let mut body = self.body;
        if body.len() > MOST_BYTES {
            body = "<p>There is more than a widget can show. Ask for less.</p>".to_owned();
        }
        format!(
            "<div class=\"kmsw cwdb-no-default-styles\">\n<style>\n{style}</style>\n{body}</div>\n"
        )
    }

    /// Our own markup.
    pub fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    /// A text of whomever.
    pub fn text(&mut self, text: &str) {
        self.body.push_str(&escape(text));
    }

    /// A heading of the view.
    pub fn title(&mut self, title: &str) {
        let _ = writeln!(self.body, "<h2>{}</h2>", escape(title));
    }

    /// A heading within it.
    pub fn heading(&mut self, title: &str) {
        let _ = writeln!(self.body, "<h3>{}</h3>", escape(title));
    }

    /// A paragraph.
    pub fn line(&mut self, text: &str) {
        let _ = writeln!(self.body, "<p>{}</p>", escape(text));
    }

    /// A paragraph beside the matter.
    pub fn aside(&mut self, text: &str) {
        let _ = writeln!(self.body, "<p class=\"soft\">{}</p>", escape(text));
    }

    /// A paragraph that nobody should miss.
    pub fn notice(&mut self, text: &str) {
        let _ = writeln!(self.body, "<p class=\"notice\">{}</p>", escape(text));
    }

    /// Words of a list, each as code.
    pub fn codes(&mut self, words: &[&str]) {
        let words: Vec<_> = words
            .iter()
            .map(|word| format!("<code>{}</code>", escape(word)))
            .collect();
        self.body.push_str(&words.join(", "));
    }

    /// A list of lines.
    pub fn list(&mut self, lines: impl IntoIterator<Item = String>) {
        self.raw("<ul>");
        for line in lines {
            let _ = write!(self.body, "<li>{}</li>", escape(&line));
        }
        self.raw("</ul>\n");
    }

    /// A button that asks this function again: `caption` on it, `label` for those who hear it. Where nobody knows the function's ARN, it is
    /// the caption alone: a button that does nothing is worse than none.
    pub fn button(
        &self,
        caption: &str,
        label: &str,
        popup: bool,
        class: &str,
        ask: &Value,
    ) -> String {
        let caption = escape(caption);
        if self.endpoint.is_empty() {
            return caption;
        }
        let display = if popup { "popup" } else { "widget" };
        let label = match label {
            "" => String::new(),
            label => format!(" aria-label=\"{}\"", escape(label)),
        };
        // It binds to what stands directly before it.
        format!(
            "<button type=\"button\"{class}{label}>{caption}</button><cwdb-action action=\"call\" display=\"{display}\" endpoint=\"{endpoint}\">{ask}</cwdb-action>",
            class = if class.is_empty() {
                String::new()
            } else {
                format!(" class=\"{class}\"")
            },
            endpoint = escape(&self.endpoint),
            ask = escape(&ask.to_string()),
        )
    }

    /// A link out of the dashboard, to an address that we made.
    pub fn link(&self, caption: &str, address: &str) -> String {
        format!(
            "<a href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">{}</a>",
            escape(address),
            escape(caption)
        )
    }

    /// Buttons work.
    pub fn can_ask(&self) -> bool {
        !self.endpoint.is_empty()
    }

    /// A button that shows a key.
    pub fn key_button(&self, caption: &str, id: &str) -> String {
        let ask = json!({"view": "key", "key": id});
        self.button(caption, &format!("Show key {caption}"), true, "", &ask)
    }

    /// A table that scrolls by itself if it is too wide. Titles and cells are markup.
    pub fn table(
        &mut self,
        label: &str,
        titles: &[String],
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) {
        let _ = writeln!(
            self.body,
            "<div class=\"wide\" role=\"region\" aria-label=\"{}\" tabindex=\"0\"><table><thead><tr>{}</tr></thead><tbody>",
            escape(label),
            titles.concat(),
        );
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                let class = match cell.class {
                    "" => String::new(),
                    class => format!(" class=\"{class}\""),
                };
                let _ = write!(self.body, "<td{class}>{}</td>", cell.markup);
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody></table></div>\n");
    }

    /// Numbers, each with a name and a remark.
    pub fn tiles(&mut self, tiles: &[Tile]) {
        self.raw("<div class=\"tiles\">");
        for Tile {
            number,
            name,
            remark,
            tone,
        } in tiles
        {
            let class = match tone {
                Tone::Notable => "soft",
                tone => tone.class(),
            };
            let _ = write!(
                self.body,
                "<div class=\"tile\"><b class=\"{class}\">{}</b>{}<br><span class=\"soft\">{}</span></div>",
                escape(number),
                escape(name),
                escape(remark),
            );
        }
        self.raw("</div>\n");
    }
}

/// A number with a name.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The number.
    pub number: String,
    /// What it counts.
    pub name: &'static str,
    /// What it was before, and the like.
    pub remark: String,
    /// How that is.
    pub tone: Tone,
}

/// A cell of a table, of markup.
#[derive(Clone, Debug)]
pub struct Cell {
    markup: String,
    class: &'static str,
}

impl Cell {
    /// Of a text.
    pub fn new(text: &str) -> Self {
        Self::markup(escape(text))
    }

    /// Of our own markup.
    pub fn markup(markup: String) -> Self {
        Self { markup, class: "" }
    }

    /// There is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.markup.is_empty()
    }

    /// With a class.
    #[must_use]
    pub fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// Of a time, to the minute; nothing if there is none.
    pub fn time(at: Option<Timestamp>) -> Self {
        Self::new(&at.map(minute).unwrap_or_default())
    }
}

/// A title of a column.
pub fn title(title: &str) -> String {
    format!("<th scope=\"col\">{}</th>", escape(title))
}

/// Titles of columns.
pub fn titles(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| title(name)).collect()
}

/// `35 minutes`, `3 hours`, `12 days`.
pub fn span(span: SignedDuration) -> String {
    let minutes = span.as_mins().max(0);
    let (count, unit) = match minutes {
        ..120 => (minutes, "minute"),
        120..2_880 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
