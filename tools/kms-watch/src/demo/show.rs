//! What the audience of the demo sees.

mod summary;

use std::io::Write;

use anstyle::Style;
use serde_json::{Value, json};
use watch_core::alert::Alert;
use watch_core::kinds::Kind;
use watch_core::pipeline::Verdict;
use watch_local::Published;

use self::summary::Summary;
use crate::demo::error::DemoError;
use crate::demo::format::Format;
use crate::demo::stage::{Posts, Teller, Telling};
use crate::style::{BOLD, DIM, RULE, style};

/// Lines of what happened, for a reader in a hurry.
const LINES: usize = 4;
/// Lines of a list, for the same.
const LISTED: usize = 3;

/// Heading of the list of those who depend on a key, in a mail.
const LIST: &str = "WHAT DEPENDS ON IT";

/// How much of a mail is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All of it.
    Whole,
    /// Its subject, and of a mail about many keys what it says of them.
    Brief,
}

/// Prints what happens, and remembers it for the summary.
pub(crate) struct Show {
    out: Box<dyn Write>,
    format: Format,
    summary: Summary,
    /// What came of the scene: alerts, and what each topic got.
    alerts: usize,
    sent: [(&'static str, usize); 3],
}

impl Show {
    /// For those who want what the story leaves behind, not the story.
    pub(crate) fn to_nobody() -> Self {
        Self::on(Box::new(std::io::sink()), Format::Text)
    }

    pub(crate) fn on(out: Box<dyn Write>, format: Format) -> Self {
        Self {
            out,
            format,
            summary: Summary::default(),
            alerts: 0,
            sent: Posts::default().count(),
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

    /// A remark on what happens.
    pub(crate) fn remark(&mut self, text: &str) -> Result<(), DemoError> {
        if !self.json() {
            writeln!(self.out, "\n{DIM}{text}{DIM:#}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// A chapter begins.
    pub(crate) fn chapter(&mut self, number: usize, title: &str) -> Result<(), DemoError> {
        if !self.json() && self.format != Format::Short {
            writeln!(self.out, "\n{BOLD}{RULE}{number}. {title}{RULE:#}{BOLD:#}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// An attempt of an invocation failed, perhaps after some topics took the alert.
    pub(crate) fn failed(
        &mut self,
        attempt: u32,
        error: &dyn std::error::Error,
        posts: &Posts,
    ) -> Result<(), DemoError> {
        self.sent(posts);
        if !self.json() {
            writeln!(self.out, "\n{DIM}attempt {attempt} failed: {error}")?;
            let served = posts.topics().join(" and ");
            if !served.is_empty() {
                writeln!(self.out, "served already: {served}")?;
            }
            write!(self.out, "{DIM:#}")?;
        }
        Ok(())
    }

    /// Something happens.
    pub(crate) fn scene(&mut self, when: &str, what: &str) -> Result<(), DemoError> {
        self.alerts = 0;
        self.sent = Posts::default().count();
        if !self.json() {
            writeln!(self.out, "\n{BOLD}{RULE}━━ {when}{RULE:#}{BOLD:#}  {what}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// An event came to nothing.
    pub(crate) fn ignored(&mut self, name: &str, reason: &str) -> Result<(), DemoError> {
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

    /// What one function made of an event.
    pub(crate) fn telling(&mut self, telling: &Telling, detail: Detail) -> Result<(), DemoError> {
        if let Some(posts) = telling.attempts.last() {
            self.sent(posts);
        }
        if telling.outcome.verdict == Verdict::Duplicate {
            return self.duplicate(telling);
        }
        for alert in &telling.outcome.alerts {
            // A mail about many keys goes with the alert about the last of them.
            self.alerts += usize::from(!matches!(alert.details, Kind::Burst(_)));
            let messages = telling.messages(alert);
            if self.json() {
                self.line(telling, alert, messages)?;
            } else if detail == Detail::Brief && self.format == Format::Text {
                self.brief(alert, messages)?;
            } else {
                self.alert(alert, messages)?;
            }
            self.summary.alert(telling, alert);
        }
        self.retried(telling)
    }

    /// The same was told before.
    fn duplicate(&mut self, telling: &Telling) -> Result<(), DemoError> {
        let Telling {
            function,
            teller: Teller { service, event },
            outcome,
            ..
        } = telling;
        self.summary.duplicate();
        if self.json() {
            let line = json!({
                "function": function,
                "event": event,
                "outcome": outcome.verdict,
                "reason": outcome.reason,
            });
            writeln!(self.out, "{line}")?;
        } else {
            writeln!(
                self.out,
                "{DIM}the same told again by {service} ({event}): recognised, nothing sent{DIM:#}"
            )?;
        }
        Ok(())
    }

    /// Which topics the last attempt served, if there were others before it.
    fn retried(&mut self, telling: &Telling) -> Result<(), DemoError> {
        if let [_, .., last] = telling.attempts.as_slice()
            && !self.json()
        {
            let number = telling.attempts.len();
            let topics = last.topics().join(", ");
            writeln!(
                self.out,
                "{DIM}attempt {number} published to: {topics}{DIM:#}"
            )?;
        }
        Ok(())
    }

    fn sent(&mut self, posts: &Posts) {
        for ((_, sum), (_, count)) in self.sent.iter_mut().zip(posts.count()) {
            *sum += count;
        }
    }

    /// What the topics got in this scene.
    pub(crate) fn tally(&mut self) -> Result<(), DemoError> {
        if !self.json() {
            let sent = self.sent.map(|(topic, count)| format!("{topic} {count}"));
            let alerts = if self.alerts == 1 { "alert" } else { "alerts" };
            writeln!(
                self.out,
                "\n{BOLD}{} {alerts}; messages sent: {}{BOLD:#}",
                self.alerts,
                sent.join(", ")
            )?;
        }
        Ok(())
    }

    /// For machines.
    fn line(
        &mut self,
        telling: &Telling,
        alert: &Alert,
        [mail, chat, feed]: [Option<&Published>; 3],
    ) -> Result<(), DemoError> {
        let attempts: Vec<_> = telling.attempts.iter().map(Posts::topics).collect();
        let line = json!({
            "function": telling.function,
            "event": telling.teller.event,
            "outcome": telling.outcome.verdict,
            "kind": alert.kind,
            "attempts": attempts,
            "people": mail.map(|mail| json!({ "subject": mail.subject, "body": mail.message })),
            "chat": chat.map(body),
            "feed": feed.map(body),
        });
        writeln!(self.out, "{line}")?;
        Ok(())
    }

    /// A line for each mail, with the number of the alert that it came with.
    fn brief(
        &mut self,
        alert: &Alert,
        [mail, ..]: [Option<&Published>; 3],
    ) -> Result<(), DemoError> {
        let Some(mail) = mail else {
            return Ok(());
        };
        let style = style(alert.severity);
        let subject = mail.subject.as_deref().unwrap_or_default();
        let number = self.alerts;
        writeln!(
            self.out,
            "{DIM}{number:>3}{DIM:#}  {style}{subject}{style:#}"
        )?;
        if matches!(alert.details, Kind::Burst(_)) {
            let mut paragraphs = mail.message.split("\n\n");
            for line in paragraphs.nth(1).unwrap_or_default().lines() {
                writeln!(self.out, "       {line}")?;
            }
        }
        Ok(())
    }

    fn alert(
        &mut self,
        alert: &Alert,
        [mail, chat, feed]: [Option<&Published>; 3],
    ) -> Result<(), DemoError> {
        if self.format == Format::Short {
            return mail.map_or(Ok(()), |mail| self.gist(alert, mail, feed));
        }
        if let Some(mail) = mail {
            self.mail(alert, mail)?;
        }
        if !self.summary.is_empty() && self.format == Format::Text {
            let bytes = feed.map_or(0, |feed| feed.message.len());
            let chat = match (chat, &alert.key) {
                (Some(_), Some(_)) => "chat has it in the key's thread, ",
                (Some(_), None) => "chat has it, ",
                (None, _) => "",
            };
            writeln!(
                self.out,
                "\n{DIM}{chat}the feed has it as {bytes} bytes of JSON (--full shows them){DIM:#}"
            )?;
            return Ok(());
        }
        if let Some(chat) = chat.map(body) {
            self.chat(&chat)?;
        }
        if let Some(feed) = feed.map(body) {
            self.heading("machines, on the feed")?;
            for line in format!("{feed:#}").lines() {
                writeln!(self.out, "  {line}")?;
            }
        }
        Ok(())
    }

    /// Of a mail its subject, what happened, and what to do first.
    fn gist(
        &mut self,
        alert: &Alert,
        mail: &Published,
        feed: Option<&Published>,
    ) -> Result<(), DemoError> {
        let style = style(alert.severity);
        let subject = mail.subject.as_deref().unwrap_or_default();
        writeln!(self.out, "  {style}{subject}{style:#}")?;
        if matches!(alert.details, Kind::DependantsFound(_)) {
            return self.list(mail);
        }
        let paragraphs: Vec<_> = mail.message.split("\n\n").collect();
        let what = paragraphs.get(1).copied().unwrap_or_default();
        for (number, line) in (1..=LINES).zip(what.lines()) {
            let more = if number == LINES { " …" } else { "" };
            writeln!(self.out, "    {}{more}", line.trim_start())?;
        }
        let step = &feed.map(body).unwrap_or_default()["nextSteps"][0];
        for part in [&step["text"], &step["command"]] {
            if let Some(words) = part.as_str() {
                writeln!(self.out, "    → {words}")?;
            }
        }
        Ok(())
    }

    /// Of a mail its list: what it tells is no more than that, and what to do was told before.
    fn list(&mut self, mail: &Published) -> Result<(), DemoError> {
        let (_, list) = mail.message.split_once(LIST).unwrap_or_default();
        let lines = list.lines().skip(1).take_while(|line| !line.is_empty());
        for line in lines.take(LISTED) {
            writeln!(self.out, "    {}", line.trim_start())?;
        }
        Ok(())
    }

    fn mail(&mut self, alert: &Alert, mail: &Published) -> Result<(), DemoError> {
        let style = style(alert.severity);
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
        Ok(())
    }

    fn chat(&mut self, chat: &Value) -> Result<(), DemoError> {
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
        Ok(())
    }

    fn heading(&mut self, audience: &str) -> Result<(), DemoError> {
        writeln!(self.out, "\n{RULE}── {audience}{RULE:#}")?;
        Ok(())
    }

    /// Everything on one screen.
    pub(crate) fn summary(&mut self) -> Result<(), DemoError> {
        if self.json() || self.summary.is_empty() {
            return Ok(());
        }
        self.summary.write(&mut self.out)
    }
}

fn body(message: &Published) -> Value {
    serde_json::from_str(&message.message).unwrap_or_default()
}
