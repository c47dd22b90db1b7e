//! For people: an e-mail in plain text, short lines, the urgent things first.

use super::{BODY_LIMIT, Row, SUBJECT_LIMIT, actor_rows, key_rows, key_store_rows};
use crate::alert::Alert;
use crate::enrichment::{EnrichmentSource, EnrichmentStatus, Missing};
use crate::kinds::Kind;
use crate::text::{Text, Untrusted};

/// Columns that every mail reader shows without breaking.
const WIDTH: usize = 72;
/// Columns of the names in a table of facts.
const NAME_WIDTH: usize = 13;

/// The subject line: begins with the severity's word, ends with account and Region if they fit.
pub fn subject(alert: &Alert) -> String {
    let place = match (&alert.account, &alert.region) {
        (Some(account), Some(region)) => format!(" [{} {}]", account.as_str(), region.as_str()),
        _ => String::new(),
    };
    let severity = alert.severity.as_str();
    let title = plain(&alert.title);
    let whole = format!("{severity}: {title}{place}");
    if units(&whole) <= SUBJECT_LIMIT {
        return whole;
    }
    let mut short = String::new();
    let mut left = SUBJECT_LIMIT - severity.len() - ": ".len();
    let title_alone = units(&title) <= left;
    for c in title.chars() {
        let needed = c.len_utf16();
        if left < needed + usize::from(!title_alone) {
            break;
        }
        short.push(c);
        left -= needed;
    }
    format!("{severity}: {short}{}", if title_alone { "" } else { "…" })
}

/// Length as UTF-16 counts it, which is never less than the number of characters.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The body of the e-mail.
pub fn people(alert: &Alert) -> String {
    let mut body = Body::default();
    body.line(&format!(
        "{}: {}",
        alert.severity.as_str(),
        plain(&alert.title)
    ));
    body.gap();
    body.line(&plain(&alert.summary));
    sections(&mut body, alert);
    next_steps(&mut body, alert);
    what_is_known(&mut body, alert);
    when_and_where(&mut body, alert);
    if let Kind::UnreadableEvent(unreadable) = &alert.details {
        body.heading("THE EVENT BEGINS");
        body.line(&value(&unreadable.excerpt));
    }
    missing_facts(&mut body, alert);
    body.gap();
    body.verbatim("-- ");
    body.verbatim(&format!("KMS Watch, {}, alert {}", alert.kind, alert.id));
    body.finish()
}

/// What the kind of alert has to say in detail.
fn sections(body: &mut Body, alert: &Alert) {
    for section in alert.details.sections() {
        body.heading(&section.heading.to_uppercase());
        for (name, line) in &section.rows {
            match name.as_ref() {
                "" => body.line(&plain(line)),
                name => body.row(name, &plain(line)),
            }
        }
    }
}

/// What to do, with the commands.
fn next_steps(body: &mut Body, alert: &Alert) {
    if alert.next_steps.is_empty() {
        return;
    }
    body.heading("WHAT TO DO");
    for (number, step) in (1_usize..).zip(&alert.next_steps) {
        body.hanging(&format!("{number}. "), &plain(&step.text));
        if let Some(command) = &step.command {
            // Never broken: it must work when pasted.
            body.verbatim(&format!("   {command}"));
        }
    }
}

/// The key, the custom key store, and who did it.
fn what_is_known(body: &mut Body, alert: &Alert) {
    match alert.enrichment.as_of {
        Some(as_of) => {
            let known = format!("AS LAST KNOWN ON {}", crate::text::minute(as_of));
            body.table(&format!("KEY, {known}"), &key_rows(alert));
            body.table(&format!("KEY STORE, {known}"), &key_store_rows(alert));
        }
        None => {
            body.table("KEY", &key_rows(alert));
            body.table("KEY STORE", &key_store_rows(alert));
        }
    }
    body.table("WHO", &actor_rows(alert));
}

/// When and where it occurred, which event told of it, and where to look.
fn when_and_where(body: &mut Body, alert: &Alert) {
    body.heading("WHEN AND WHERE");
    body.row("Occurred", &crate::text::minute(alert.occurred_at));
    if let Some(account) = &alert.account {
        body.row("Account", account.as_str());
    }
    if let Some(region) = &alert.region {
        body.row("Region", region.as_str());
    }
    let source = &alert.source;
    if let Some(event) = source.event_name.as_ref().or(source.detail_type.as_ref()) {
        body.row("Event", &value(event));
    }
    if let Some(replay) = &source.replay {
        body.row(
            "Replay",
            &format!("sent again by the EventBridge replay {}", value(replay)),
        );
    }
    if let Some(link) = &alert.links.key {
        body.verbatim(&format!("{:NAME_WIDTH$}{link}", "Console"));
    }
    if let Some(link) = &alert.links.event {
        body.verbatim(&format!("{:NAME_WIDTH$}{link}", "CloudTrail"));
    }
    if let Some(link) = &alert.links.alarm {
        body.verbatim(&format!("{:NAME_WIDTH$}{link}", "Alarm"));
    }
}

/// What could not be found out, and why.
fn missing_facts(body: &mut Body, alert: &Alert) {
    if alert.enrichment.status == EnrichmentStatus::Complete {
        return;
    }
    body.heading(match alert.enrichment.source {
        EnrichmentSource::Event if alert.key_store.is_some() => {
            "KMS TELLS NOTHING OF THE KEY STORE; THIS IS WHAT THE EVENT SAYS"
        }
        EnrichmentSource::Event => "KMS TELLS NOTHING OF THE KEY; THIS IS WHAT THE EVENT SAYS",
        EnrichmentSource::Ledger => "WHAT KMS DID NOT SAY NOW; SHOWN AS LAST KNOWN, IF AT ALL",
        EnrichmentSource::Live => "WHAT COULD NOT BE FOUND OUT",
    });
    for (facts, reason) in by_reason(&alert.enrichment.missing) {
        body.hanging("", &facts.join(", "));
        body.hanging("  ", &value(reason));
    }
}

/// The missing facts, those with one reason together.
fn by_reason(missing: &[Missing]) -> Vec<(Vec<&'static str>, &Untrusted)> {
    let mut groups: Vec<(Vec<&'static str>, &Untrusted)> = Vec::new();
    for Missing { fact, reason, .. } in missing {
        match groups.iter_mut().find(|(_, known)| *known == reason) {
            Some((facts, _)) => facts.push(fact),
            None => groups.push((vec![fact], reason)),
        }
    }
    groups
}

/// Our own words as they are, values of others without live links.
fn plain(text: &Text) -> String {
    text.render(str::to_owned, value)
}

/// Mail readers turn what looks like an address of the web into a link; a key's description must not lead anybody away.
fn value(untrusted: &Untrusted) -> String {
    const HOST: &str = "www.";
    let text = untrusted.as_str().replace("://", "[:]//");
    // In any case. Lower case of ASCII changes no place.
    let lower = text.to_ascii_lowercase();
    let mut shown = String::new();
    let mut from = 0;
    for (at, _) in lower.match_indices(HOST) {
        let dot = at + HOST.len() - 1;
        shown.push_str(&text[from..dot]);
        shown.push_str("[.]");
        from = dot + 1;
    }
    shown + &text[from..]
}

#[derive(Default)]
struct Body(String);

impl Body {
    fn gap(&mut self) {
        self.0.push('\n');
    }

    fn heading(&mut self, words: &str) {
        self.gap();
        self.verbatim(words);
    }

    fn verbatim(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn line(&mut self, text: &str) {
        self.hanging("", text);
    }

    fn row(&mut self, name: &str, text: &str) {
        self.hanging(&format!("{name:NAME_WIDTH$}"), text);
    }

    fn table(&mut self, heading: &str, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        self.heading(heading);
        for (name, text) in rows {
            self.row(name, &plain(text));
        }
    }

    /// Lines of at most [`WIDTH`] columns, all but the first indented as far as `lead` is wide.
    fn hanging(&mut self, lead: &str, text: &str) {
        let indent = lead.chars().count();
        let mut line = lead.to_owned();
        let mut column = indent;
        let mut fresh = true;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let width = word.chars().count();
            if !fresh && column + 1 + width > WIDTH {
                self.verbatim(line.trim_end());
                line = " ".repeat(indent);
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

    fn finish(mut self) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KeyRotated;
    use crate::pipeline::tests::alert_about;

    fn titled(title: &str) -> String {
        let mut alert = alert_about(KeyRotated::default());
        alert.title = crate::text![Untrusted::bounded(title, 1_000)];
        subject(&alert)
    }

    #[test]
    fn a_subject_is_cut_to_its_limit_the_place_first() {
        assert_eq!(titled("short"), "LOW: short [111122223333 us-east-1]");
        let fits_alone = "x".repeat(94);
        assert_eq!(titled(&fits_alone), format!("LOW: {fits_alone}"));
        assert_eq!(titled(&"x".repeat(95)), format!("LOW: {}…", "x".repeat(93)));
        let emoji = titled(&"🔑".repeat(95));
        assert!(
            units(&emoji) <= SUBJECT_LIMIT && emoji.ends_with("🔑…"),
            "{emoji}"
        );
    }

    #[test]
    fn a_value_never_becomes_a_link() {
        assert_eq!(
            value(&Untrusted::new(
                "see https://evil.example, www.evil.example, éWWW.Www.evil.example"
            )),
            "see https[:]//evil.example, www[.]evil.example, éWWW[.]Www[.]evil.example"
        );
    }

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
}
