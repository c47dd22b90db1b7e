//! The whole story on one screen.

use std::io::Write;

use watch_core::alert::Alert;
use watch_core::kinds::Kind;
use watch_core::severity::Severity;
use watch_core::text::{Untrusted, minute};

use crate::demo::error::DemoError;
use crate::demo::stage::Telling;
use crate::style::{BOLD, RULE, style};

/// What was told.
#[derive(Default)]
pub(super) struct Summary {
    rows: Vec<Row>,
    /// Alerts that only the feed has by themselves.
    folded: usize,
    /// Tellings that were recognised.
    duplicates: usize,
}

struct Row {
    alert: Alert,
    topics: String,
}

impl Summary {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes an alert.
    pub(super) fn alert(&mut self, telling: &Telling, alert: &Alert) {
        let [mail, chat, feed] = telling.messages(alert);
        // What is good to know is for the feed alone.
        if mail.is_none() && alert.severity > Severity::Info {
            self.folded += 1;
            return;
        }
        let topics = [("people", mail), ("chat", chat), ("feed", feed)];
        let topics = topics
            .into_iter()
            .filter_map(|(topic, message)| message.map(|_| topic));
        self.rows.push(Row {
            alert: alert.clone(),
            topics: topics.collect::<Vec<_>>().join(" "),
        });
    }

    /// Takes a telling of something that was told before.
    pub(super) fn duplicate(&mut self) {
        self.duplicates += 1;
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> Result<(), DemoError> {
        writeln!(out, "\n{BOLD}{RULE}━━ In short{RULE:#}{BOLD:#}\n")?;
        let [when, severity, kind, key, told] = ["when", "severity", "kind", "key", "told"];
        writeln!(
            out,
            "{BOLD}{when:<10} {severity:<8} {kind:<20} {key:<20} {told}{BOLD:#}"
        )?;
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|row| row.alert.occurred_at);
        for Row { alert, topics } in rows {
            let style = style(alert.severity);
            writeln!(
                out,
                "{:<10} {style}{:<8}{style:#} {:<20} {:<20} {topics}",
                minute(alert.occurred_at)
                    .chars()
                    .take(10)
                    .collect::<String>(),
                alert.severity.as_str(),
                alert.kind,
                about(alert).chars().take(20).collect::<String>(),
            )?;
        }
        let Self {
            folded, duplicates, ..
        } = self;
        if *folded > 0 {
            writeln!(
                out,
                "\n{folded} more alerts are on the feed only: people were told of their like."
            )?;
        }
        if *duplicates > 0 {
            writeln!(
                out,
                "\n{duplicates} times AWS told the same again: recognised, nothing sent."
            )?;
        }
        Ok(())
    }
}

fn about(alert: &Alert) -> String {
    match (&alert.key, &alert.details) {
        (Some(key), _) => key.name().plain(),
        (None, Kind::Burst(burst)) => {
            let owner = burst.owner.as_ref().map_or("nobody", Untrusted::as_str);
            format!("keys of {owner}")
        }
        (None, _) => "–".to_owned(),
    }
}
