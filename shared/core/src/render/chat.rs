//! For chat: the custom notification of Amazon Q Developer in chat applications, which shows it in Slack or Microsoft
//! Teams (Amazon Q Developer in chat applications Administrator Guide, custom notifications).
//!
//! Both understand `code` and differ in everything else, so values of others stand in code and nothing is bold.

use serde::Serialize;

use super::{Row, actor_rows, key_rows, key_store_rows};
use crate::alert::Alert;
use crate::enrichment::EnrichmentStatus;
use crate::kinds::Section;
use crate::text::{Span, Text, Untrusted, minute};

/// Longest title in characters.
const TITLE_LIMIT: usize = 250;
/// Longest description in characters.
const DESCRIPTION_LIMIT: usize = 8_000;
/// Longest next step in characters.
const STEP_LIMIT: usize = 350;
/// Longest keyword in characters.
const KEYWORD_LIMIT: usize = 75;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    version: &'static str,
    source: &'static str,
    id: &'a str,
    content: Content,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    text_type: &'static str,
    title: String,
    description: String,
    next_steps: Vec<String>,
    keywords: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    thread_id: String,
    summary: String,
    additional_context: Context<'a>,
    enable_custom_actions: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    kind: &'a str,
    severity: &'a str,
    account: &'a str,
    region: &'a str,
    key_id: &'a str,
}

/// The notification as JSON. All alerts of one story form one thread.
///
/// # Errors
///
/// Never for an alert of this program; a serializer's error is passed on rather than turned into silence.
pub fn chat(alert: &Alert) -> Result<String, serde_json::Error> {
    let key = alert.key.as_ref();
    let severity = alert.severity.as_str();
    let account = alert
        .account
        .as_ref()
        .map_or("", |account| account.as_str());
    let region = alert.region.as_ref().map_or("", |region| region.as_str());
    let owner = key
        .and_then(|key| key.owner.as_ref())
        .map(|owner| fit(&crate::text![owner], KEYWORD_LIMIT));
    let title = fit(&crate::text![severity, ": ", &alert.title], TITLE_LIMIT);
    serde_json::to_string(&Notification {
        version: "1.0",
        source: "custom",
        id: &alert.id,
        content: Content {
            text_type: "client-markdown",
            description: description(alert),
            next_steps: alert
                .next_steps
                .iter()
                .map(|step| next_step(&step.text, step.command.as_deref()))
                .collect(),
            keywords: [
                Some(severity.to_owned()),
                Some(alert.kind.to_owned()),
                owner,
            ]
            .into_iter()
            .flatten()
            .collect(),
            title: title.clone(),
        },
        metadata: Metadata {
            thread_id: alert.thread(),
            summary: title,
            additional_context: Context {
                kind: alert.kind,
                severity,
                account,
                region,
                key_id: key.map_or("NONE", |key| &key.id),
            },
            enable_custom_actions: true,
        },
    })
}

fn description(alert: &Alert) -> String {
    // The summary alone may take half; the rows are bounded one by one.
    let mut text = fit(&alert.summary, DESCRIPTION_LIMIT / 2);
    text.push('\n');
    let account = alert
        .account
        .as_ref()
        .map_or("unknown", |account| account.as_str());
    let region = alert
        .region
        .as_ref()
        .map_or("unknown", |region| region.as_str());
    let place = format!("Where: {account} {region}, {}", minute(alert.occurred_at));
    let store = key_store_rows(alert).into_iter();
    let rows = key_rows(alert).into_iter().map(|row| line("", row));
    let rows = rows.chain(store.map(|row| line("Key store ", row)));
    let sections = alert.details.sections().into_iter();
    let rows = rows.chain(sections.map(|section| line("", in_short(section))));
    let actor = actor_rows(alert).into_iter().map(|row| line("Actor ", row));
    let missing = (alert.enrichment.status != EnrichmentStatus::Complete).then(|| {
        let facts: Vec<_> = alert
            .enrichment
            .missing
            .iter()
            .map(|missing| missing.fact)
            .collect();
        format!("Not found out: {}", facts.join(", "))
    });
    let link = alert
        .links
        .key
        .as_ref()
        .map(|link| format!("Console: {}", entities(link)));
    let alarm = alert
        .links
        .alarm
        .as_ref()
        .map(|link| format!("Alarm: {}", entities(link)));
    let lines = rows.chain(actor).chain([place]).chain(missing);
    for line in lines.chain(link).chain(alarm) {
        if text.chars().count() + line.chars().count() >= DESCRIPTION_LIMIT {
            break;
        }
        text.push('\n');
        text.push_str(&line);
    }
    text
}

/// How many lines of a list are shown.
const LINES: usize = 3;

/// A list on one line, its beginning only.
fn in_short(section: Section) -> Row {
    let more = section.rows.len().saturating_sub(LINES);
    let mut text = Text::new();
    for (name, value) in section.rows.into_iter().take(LINES) {
        if !text.spans().is_empty() {
            text.push("; ");
        }
        if !name.is_empty() {
            text.push(Span::Own(name));
            text.push(" ");
        }
        text.push(value);
    }
    if more > 0 {
        text.push("; …");
    }
    (section.heading, text)
}

fn line(of: &str, (name, value): Row) -> String {
    format!("{of}{name}: {}", fit(&value, 400))
}

fn next_step(text: &Text, command: Option<&str>) -> String {
    let Some(command) = command else {
        return fit(text, STEP_LIMIT);
    };
    // A command is whole or not there.
    let command = format!(": `{}`", entities(command));
    match STEP_LIMIT.checked_sub(command.chars().count()) {
        Some(left @ 40..) => fit(text, left) + &command,
        _ => fit(text, STEP_LIMIT),
    }
}

/// The text within `limit` characters: values are shortened before words are.
fn fit(text: &Text, limit: usize) -> String {
    let render = |bound| text.render(entities, |value| code(value, bound));
    for bound in [256, 128, 64, 32, 16] {
        let rendered = render(bound);
        if rendered.chars().count() <= limit {
            return rendered;
        }
    }
    // Only our own words are left to cut. No code span may stay open, no entity in halves.
    let whole = text.render(str::to_owned, |_| "…".to_owned());
    let cut = Untrusted::bounded(&whole.replace(['<', '>', '&', '`'], ""), limit);
    cut.as_str().to_owned()
}

/// A value of others as code: nothing in it is markup, a mention or a link.
fn code(value: &Untrusted, bound: usize) -> String {
    if value.is_empty() {
        return String::new();
    }
    format!(
        "`{}`",
        entities(&value.shortened(bound).as_str().replace('`', "'"))
    )
}

/// Slack's three control characters (Slack API, formatting message text).
fn entities(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn no_value_becomes_markup() {
        let value =
            Untrusted::new("<!channel> *bold* `code` _x_ <https://evil.example|click> & @here");
        let shown = fit(&text!["of ", &value], TITLE_LIMIT);
        assert_eq!(
            shown,
            "of `&lt;!channel&gt; *bold* 'code' _x_ &lt;https://evil.example|click&gt; &amp; @here`"
        );
    }

    #[test]
    fn values_are_shortened_before_words() {
        let value = Untrusted::new(&"<".repeat(200));
        let shown = fit(&text!["a ", &value, " z"], 250);
        assert!(
            shown.starts_with("a `&lt;") && shown.ends_with("…` z"),
            "{shown}"
        );
        assert!(shown.chars().count() <= 250);
    }

    #[test]
    fn a_long_command_is_left_out_and_never_cut() {
        let command = "x".repeat(STEP_LIMIT);
        assert_eq!(next_step(&text!["Undo"], Some(&command)), "Undo");
        assert_eq!(
            next_step(&text!["Undo"], Some("aws kms a && b")),
            "Undo: `aws kms a &amp;&amp; b`"
        );
    }
}
