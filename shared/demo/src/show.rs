//! What the audience of the demo sees.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anstream::AutoStream;
use anstyle::{AnsiColor, Color, Style};
use serde_json::{Value, json};
use watch_core::alert::Alert;
use watch_core::severity::Severity;
use watch_core::text::minute;
use watch_local::Published;

use crate::args::Format;
use crate::error::DemoError;
use crate::stage::Telling;

/// How long it takes a watcher to see some days pass, however many.
const PASSAGE: Duration = Duration::from_millis(500);

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RULE: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Cyan)));

/// A row of the summary.
struct Row {
    alert: Alert,
    function: &'static str,
    event: String,
    topics: String,
    again: bool,
}

/// Prints what happens, and remembers it for the summary.
pub(crate) struct Show {
    out: AutoStream<std::io::StdoutLock<'static>>,
    format: Format,
    /// Somebody watches, and may see time pass.
    live: bool,
    rows: Vec<Row>,
    told: BTreeSet<(String, &'static str)>,
    ignored: usize,
}

impl Show {
    pub(crate) fn new(format: Format, fast: bool) -> Self {
        let live = !fast && format != Format::Json && std::io::stdout().is_terminal();
        let out = anstream::stdout().lock();
        Self {
            out,
            format,
            live,
            rows: Vec::new(),
            told: BTreeSet::new(),
            ignored: 0,
        }
    }

    fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// A remark to the reader.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), DemoError> {
        if !self.json() {
            writeln!(self.out, "{BOLD}KMS Watch{BOLD:#}  {text}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// A chapter begins.
    pub(crate) fn chapter(&mut self, number: usize, title: &str) -> Result<(), DemoError> {
        if !self.json() {
            writeln!(self.out, "\n{BOLD}{RULE}{number}. {title}{RULE:#}{BOLD:#}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// A day of `days` has passed.
    pub(crate) async fn day(&mut self, day: i64, days: u32) -> Result<(), DemoError> {
        if self.live {
            write!(self.out, "\r{DIM}day {day} …{DIM:#}")?;
            self.out.flush()?;
            tokio::time::sleep(PASSAGE / days).await;
            // The line belongs to what comes next.
            write!(self.out, "\r            \r")?;
        }
        Ok(())
    }

    /// An invocation failed.
    pub(crate) fn failed(
        &mut self,
        attempt: u32,
        error: &dyn std::error::Error,
    ) -> Result<(), DemoError> {
        if !self.json() {
            writeln!(self.out, "\n{DIM}attempt {attempt} failed: {error}{DIM:#}")?;
        }
        Ok(())
    }

    /// Something happens.
    pub(crate) fn scene(&mut self, when: &str, what: &str) -> Result<(), DemoError> {
        self.told.clear();
        if !self.json() {
            writeln!(self.out, "\n{BOLD}{RULE}━━ {when}{RULE:#}{BOLD:#}  {what}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// An event came to nothing.
    pub(crate) fn ignored(&mut self, name: &str, reason: &str) -> Result<(), DemoError> {
        self.ignored += 1;
        if self.json() {
            writeln!(
                self.out,
                "{}",
                json!({ "event": name, "outcome": "ignored", "reason": reason })
            )?;
        } else {
            writeln!(self.out, "\nIgnored: {reason}.")?;
        }
        Ok(())
    }

    /// What one function published.
    pub(crate) fn telling(&mut self, telling: &Telling) -> Result<(), DemoError> {
        let mail = |alert: &Alert| find(&telling.people, alert);
        for alert in &telling.outcome.alerts {
            let (chat, feed) = (find(&telling.chat, alert), find(&telling.feed, alert));
            let topics: Vec<_> = [("people", mail(alert)), ("chat", chat), ("feed", feed)]
                .into_iter()
                .filter_map(|(name, message)| message.map(|_| name))
                .collect();
            let topics = topics.join(", ");
            let subject = alert
                .key
                .as_ref()
                .map_or_else(String::new, |key| key.arn.to_string());
            let again = !self.told.insert((subject, alert.kind));
            if self.json() {
                let line = json!({
                    "function": telling.function,
                    "outcome": telling.outcome.verdict,
                    "people": mail(alert).map(|mail| json!({ "subject": mail.subject, "body": mail.message })),
                    "chat": chat.map(body),
                    "feed": feed.map(body),
                });
                writeln!(self.out, "{line}")?;
            } else if again {
                let event = told_by(alert);
                writeln!(
                    self.out,
                    "\n{DIM}The same was told once more, by {event}: without a ledger it is published again.{DIM:#}"
                )?;
            } else {
                self.alert(alert, mail(alert), chat, feed)?;
            }
            let function = telling.function;
            self.rows.push(Row {
                alert: alert.clone(),
                function,
                event: told_by(alert),
                topics,
                again,
            });
        }
        Ok(())
    }

    fn alert(
        &mut self,
        alert: &Alert,
        mail: Option<&Published>,
        chat: Option<&Published>,
        feed: Option<&Published>,
    ) -> Result<(), DemoError> {
        let style = style(alert.severity);
        if let Some(mail) = mail {
            let subject = mail.subject.as_deref().unwrap_or_default();
            self.heading("people, by e-mail")?;
            writeln!(
                self.out,
                "{BOLD}Subject: {style}{subject}{style:#}{BOLD:#}\n"
            )?;
            for line in mail.message.lines() {
                let heading =
                    !line.is_empty() && line.chars().all(|c| c.is_uppercase() || " ;".contains(c));
                let line_style = if heading { BOLD } else { Style::new() };
                writeln!(self.out, "  {line_style}{line}{line_style:#}")?;
            }
        }
        if !self.rows.is_empty() && self.format == Format::Text {
            let bytes = feed.map_or(0, |feed| feed.message.len());
            let chat = if chat.is_some() {
                "chat has it in the key's thread, "
            } else {
                ""
            };
            writeln!(
                self.out,
                "\n{DIM}{chat}the feed has it as {bytes} bytes of JSON (--full shows them){DIM:#}"
            )?;
            return Ok(());
        }
        if let Some(chat) = chat.map(body) {
            self.heading("chat, through Amazon Q Developer")?;
            let content = &chat["content"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            writeln!(self.out, "  {BOLD}{}{BOLD:#}", text(&content["title"]))?;
            for line in text(&content["description"]).lines() {
                writeln!(self.out, "  {line}")?;
            }
            for step in content["nextSteps"].as_array().into_iter().flatten() {
                writeln!(self.out, "  → {}", text(step))?;
            }
            writeln!(
                self.out,
                "  {DIM}thread {}{DIM:#}",
                text(&chat["metadata"]["threadId"])
            )?;
        }
        if let Some(feed) = feed.map(body) {
            self.heading("machines, on the feed")?;
            for line in format!("{feed:#}").lines() {
                writeln!(self.out, "  {line}")?;
            }
        }
        Ok(())
    }

    fn heading(&mut self, audience: &str) -> Result<(), DemoError> {
        writeln!(self.out, "\n{RULE}── {audience}{RULE:#}")?;
        Ok(())
    }

    /// Everything on one screen.
    pub(crate) fn summary(&mut self) -> Result<(), DemoError> {
        if self.json() || self.rows.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\n{BOLD}{RULE}━━ In short{RULE:#}{BOLD:#}\n")?;
        let [when, severity, kind, key, function, told] = [
            "when",
            "severity",
            "kind",
            "key",
            "function",
            "told by → topics",
        ];
        writeln!(
            self.out,
            "{BOLD}{when:<20} {severity:<8} {kind:<21} {key:<20} {function:<20} {told}{BOLD:#}"
        )?;
        for Row {
            alert,
            function,
            event,
            topics,
            again,
        } in &self.rows
        {
            let style = if *again { DIM } else { style(alert.severity) };
            let name = alert
                .key
                .as_ref()
                .map_or_else(|| "–".to_owned(), |key| key.name().plain());
            writeln!(
                self.out,
                "{:<20} {style}{:<8}{style:#} {:<21} {:<20} {:<20} {event} → {topics}",
                minute(alert.occurred_at),
                alert.severity.as_str(),
                alert.kind,
                name.chars().take(20).collect::<String>(),
                function,
            )?;
        }
        Ok(())
    }
}

fn find<'a>(messages: &'a [Published], alert: &Alert) -> Option<&'a Published> {
    messages
        .iter()
        .find(|message| message.message.contains(&alert.id))
}

fn body(message: &Published) -> Value {
    serde_json::from_str(&message.message).unwrap_or_default()
}

fn told_by(alert: &Alert) -> String {
    let source = &alert.source;
    let event = source.event_name.as_ref().or(source.detail_type.as_ref());
    event.map_or_else(|| "?".to_owned(), |event| event.as_str().to_owned())
}

fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical => AnsiColor::BrightRed,
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Green,
        Severity::Info => AnsiColor::Blue,
    };
    Style::new().fg_color(Some(Color::Ansi(color))).bold()
}
