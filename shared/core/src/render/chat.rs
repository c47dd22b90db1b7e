//! For chat: the custom notification of Amazon Q Developer in chat applications, which shows it in Slack or Microsoft
//! Teams (Amazon Q Developer in chat applications Administrator Guide, custom notifications).
//!
//! Both understand `code` and differ in everything else, so nothing is bold. What is copied stands in code, and so does a
//! value of others that one of them could take for markup or a link.

use jiff::Timestamp;
use serde::Serialize;

use super::lines;
use super::rows::sections;
use crate::alert::Alert;
use crate::kinds::{RescueAction, Section};
use crate::step::{Step, StepType};
use crate::text;
use crate::text::{Span, Text, Untrusted};
use crate::value::delimited;

/// Longest title in characters.
const TITLE_LIMIT: usize = 250;
/// Longest description in characters.
const DESCRIPTION_LIMIT: usize = 8_000;
/// Most lines of a description.
const DESCRIPTION_LINES: usize = 6;
/// Most next steps: the mail has all.
const STEPS: usize = 3;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    key_arn: Option<String>,
    /// The command that takes back what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<&'a str>,
    /// Until when that helps, or until when data has to be saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    /// What a button may ask the function key-rescue for: only where it helps, and the function would do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rescue: Option<&'static str>,
    dedup_key: &'a str,
}

impl<'a> Context<'a> {
    fn of(alert: &'a Alert) -> Self {
        let key = alert.key.as_ref();
        let is_undo = |step: &&Step| step.kind == StepType::Undo && step.command.is_some();
        let undo = alert.next_steps.iter().find(is_undo);
        let deadlines = [alert.undo_until, alert.data_deadline];
        Self {
            kind: alert.kind,
            severity: alert.severity.as_str(),
            account: alert.account.as_ref().map_or("", |it| it.as_str()),
            region: alert.region.as_ref().map_or("", |it| it.as_str()),
            key_id: key.map_or("NONE", |key| &key.id),
            key_arn: key.map(|key| key.arn.to_string()),
            undo: undo.and_then(|step| step.command.as_deref()),
            deadline: deadlines.into_iter().flatten().min(),
            event_id: alert.source.event_id.as_ref().map(Untrusted::as_str),
            rescue: alert.rescue.map(RescueAction::command),
            dedup_key: &alert.dedup_key,
        }
    }
}

/// The notification as JSON. All alerts about one key form one thread, and with it all of a story.
///
/// # Errors
///
/// Never for an alert of this program; a serializer's error is passed on rather than turned into silence.
pub fn chat(alert: &Alert) -> Result<String, serde_json::Error> {
    let context = Context::of(alert);
    let owner = alert.owner();
    let owner = owner.map(|owner| fit(&text![owner], KEYWORD_LIMIT));
    let title = fit(
        &text![alert.severity.as_str(), ": ", &alert.title],
        TITLE_LIMIT,
    );
    let steps = alert.next_steps.iter().take(STEPS);
    let keywords = [
        Some(context.severity.to_owned()),
        Some(alert.kind.to_owned()),
        owner,
    ];
    serde_json::to_string(&Notification {
        version: "1.0",
        source: "custom",
        id: &alert.id,
        content: Content {
            text_type: "client-markdown",
            description: description(alert),
            next_steps: steps
                .map(|step| next_step(&lines::step(alert, step), step.command.as_deref()))
                .collect(),
            keywords: keywords.into_iter().flatten().collect(),
            title: title.clone(),
        },
        metadata: Metadata {
            thread_id: alert.thread(),
            summary: title,
            additional_context: context,
            enable_custom_actions: true,
        },
    })
}

/// What happened, until when, who, whose, where, and where to look: a line each.
fn description(alert: &Alert) -> String {
    let mut summary = alert.summary.clone();
    summary.sentence(alert.severity_reason.clone().unwrap_or_default());
    // The summary alone may take half; the lines are bounded one by one.
    let mut text = fit(&summary, DESCRIPTION_LIMIT / 2);
    for line in facts(alert)
        .into_iter()
        .take(DESCRIPTION_LINES - 1)
        .chain(lists(alert))
    {
        if text.chars().count() + line.chars().count() >= DESCRIPTION_LIMIT {
            break;
        }
        text.push('\n');
        text.push_str(&line);
    }
    text
}

fn facts(alert: &Alert) -> Vec<String> {
    let missing = lines::missing(alert).into_iter().next();
    let owner = lines::owner(alert).map(|owner| text!["Owner: ", owner, ". "]);
    let condition = lines::condition(alert).map(|it| text!["Key: ", it, ". "]);
    let about = [owner, condition, missing]
        .into_iter()
        .flatten()
        .reduce(|mut all, more| {
            all.push(more);
            all
        });
    let by = if alert.actor.is_some() { "By " } else { "At " };
    let lines = [
        lines::deadline(alert).map(|until| text!["Until ", until]),
        Some(text![by, lines::who(alert)]),
        about,
        Some(place(alert)),
    ];
    let links = &alert.links;
    let link = links
        .key
        .as_ref()
        .or(links.alarm.as_ref())
        .or(links.event.as_ref());
    let lines = lines
        .into_iter()
        .flatten()
        .map(|line| fit(&line, 700).trim_end().to_owned());
    lines
        .chain(link.map(|link| format!("Console: {}", entities(link))))
        .collect()
}

/// The key's ARN, which has account and Region in it, or these.
fn place(alert: &Alert) -> Text {
    if let Some(key) = &alert.key {
        return text!["ARN: ", &key.arn];
    }
    let mut place = text!["Where:"];
    if let Some(store) = &alert.key_store {
        place.push(text![" ", store.name_of(), ","]);
    }
    if let Some(account) = &alert.account {
        place.push(text![" ", account]);
    }
    if let Some(region) = &alert.region {
        place.push(text![" ", region]);
    }
    place
}

/// The lists of the kind of alert, a line each.
fn lists(alert: &Alert) -> Vec<String> {
    let sections = sections(alert).into_iter();
    sections
        .map(|section| {
            let heading = section.heading;
            format!("{heading}: {}", fit(&in_short(section), 400))
        })
        .collect()
}

/// How many lines of a list are shown.
const LINES: usize = 3;

/// A list on one line, its beginning only.
fn in_short(section: Section) -> Text {
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
    text
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
    let render = |bound| text.render(own, |it, in_quotes| value(&it.shortened(bound), in_quotes));
    for bound in [256, 128, 64, 32, 16] {
        let rendered = render(bound);
        if rendered.chars().count() <= limit {
            return rendered;
        }
    }
    // Only our own words are left to cut. No code span may stay open, no entity in halves.
    let whole = text.render(str::to_owned, |_, _| "…".to_owned());
    let cut = Untrusted::bounded(&whole.replace(['<', '>', '&', '`'], ""), limit);
    cut.as_str().to_owned()
}

/// Our own words; an ARN, and a statement of a policy, in code, since they are there to be copied.
fn own(words: &str) -> String {
    if words.starts_with("arn:") || words.starts_with('{') {
        format!("`{}`", entities(words))
    } else {
        entities(words)
    }
}

/// A value of others: as it is between delimiters if nothing in it can be markup, a mention or a link, else in code.
fn value(value: &Untrusted, in_quotes: bool) -> String {
    let shown = delimited(value.as_str(), true);
    if shown.is_empty() {
        return String::new();
    }
    if is_inert(&shown) {
        return delimited(value.as_str(), in_quotes);
    }
    format!("`{}`", entities(&shown.replace('`', "'")))
}

/// Slack and Teams have no use for any character of it.
fn is_inert(value: &str) -> bool {
    let mut before = None;
    let mut rest = value.chars().peekable();
    let mut colons = 0;
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        let between = |is: fn(&char) -> bool| {
            before.as_ref().is_some_and(is) && after.as_ref().is_some_and(is)
        };
        let inert = match c {
            // Emphasis only at the edge of a word.
            '_' => between(|c| c.is_ascii_alphanumeric()),
            // A dot before a letter could make a host.
            '.' => {
                !after.is_some_and(char::is_alphanumeric)
                    || after.is_some_and(|c| c.is_ascii_digit())
            }
            // Two of them enclose the name of an emoji; before a slash they end a scheme.
            ':' => {
                colons += 1;
                colons == 1 && after != Some('/')
            }
            '-' | '/' | ',' | '=' | '+' | ' ' | '\'' | '…' => c != '/' || after != Some('/'),
            _ => c.is_alphanumeric(),
        };
        if !inert {
            return false;
        }
        before = Some(c);
    }
    value.starts_with(char::is_alphanumeric)
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

    #[test]
    fn no_value_becomes_markup_a_mention_or_a_link() {
        for (value, shown) in [
            // Inert: as it is, quoted where it is no single word.
            ("alias/payments", "alias/payments"),
            ("alias/a:b", "alias/a:b"),
            ("KeyAdmin/maria", "KeyAdmin/maria"),
            ("Power_User/maria", "Power_User/maria"),
            ("198.51.100.24", "198.51.100.24"),
            ("aws-cli/2.22.4", "aws-cli/2.22.4"),
            (
                "Card data of the orders database",
                "\"Card data of the orders database\"",
            ),
            ("Größe 5", "\"Größe 5\""),
            ("say \"x\"", "\"say 'x'\""),
            // Anything else stands in code.
            (
                "<!channel> *bold* `code` _x_ <https://evil.example|click> & @here",
                "`&lt;!channel&gt; *bold* 'code' _x_ &lt;https://evil.example|click&gt; &amp; @here`",
            ),
            ("KeyAdmin/j.okafor", "`KeyAdmin/j.okafor`"),
            ("maria@example.com", "`maria@example.com`"),
            ("evil-sso.com/reset", "`evil-sso.com/reset`"),
            ("https://192.0.2.1", "`https://192.0.2.1`"),
            ("//x", "`//x`"),
            ("a//b", "`a//b`"),
            (":fire:", "`:fire:`"),
            ("a:b:c", "`a:b:c`"),
            ("_x_", "`_x_`"),
            ("x_", "`x_`"),
            ("*x*", "`*x*`"),
            ("~x~", "`~x~`"),
            ("# x", "`# x`"),
            ("- x", "`- x`"),
            ("> x", "`&gt; x`"),
            ("[a](b)", "`[a](b)`"),
            ("<at>x</at>", "`&lt;at&gt;x&lt;/at&gt;`"),
            ("<@U012AB3CD>", "`&lt;@U012AB3CD&gt;`"),
            ("@here", "`@here`"),
            ("a|b", "`a|b`"),
            ("te\u{430}m-pay", "`te\\u{430}m-pay`"),
            ("&amp;", "`&amp;amp;`"),
            ("evil.рф", "`evil.\\u{440}\\u{444}`"),
            ("", ""),
        ] {
            assert_eq!(
                fit(&text![Untrusted::new(value)], TITLE_LIMIT),
                shown,
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_copied_stands_in_code() {
        let key: crate::arn::KeyArn = "arn:aws:kms:us-east-1:111122223333:key/1".parse().unwrap();
        assert_eq!(
            fit(&text!["ARN: ", &key], TITLE_LIMIT),
            "ARN: `arn:aws:kms:us-east-1:111122223333:key/1`"
        );
        let role = Untrusted::new("arn:aws:iam::111122223333:role/x");
        assert_eq!(
            fit(&text![&role], TITLE_LIMIT),
            "`arn:aws:iam::111122223333:role/x`"
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
