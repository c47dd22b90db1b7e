//! For people: an e-mail in plain text. The first lines carry all that is needed to decide; the rest stands under a rule.

use super::body::{Body, INDENT, plain};
use super::rows::{
    Row, Worth, actor_rows, key_rows, key_store_rows, place_rows, sections as rows_of_lists,
};
use super::unlinked::unlinked_block;
use super::{SUBJECT_LIMIT, lines};
use crate::alert::Alert;
use crate::kinds::Kind;
use crate::step::Step;
use crate::text::{Span, Text};

/// Lines above the rule, which carry all.
const HEAD_LINES: usize = 15;
/// Lines of a usual mail. Rows of little worth give way; lists of a kind's own do not.
const LINES: usize = 30;
const RULE: &str = "------------------------------------------------------------";

/// The subject line: begins with the severity's word, ends with account and Region. The title gives way to them.
pub fn subject(alert: &Alert) -> String {
    let place = match (&alert.account, &alert.region) {
        (Some(account), Some(region)) => format!(" [{} {}]", account.as_str(), region.as_str()),
        _ => String::new(),
    };
    let severity = alert.severity.as_str();
    let room = SUBJECT_LIMIT.saturating_sub(units(severity) + ": ".len() + units(&place));
    format!("{severity}: {}{place}", fit(&alert.title, room))
}

/// The text within `limit` as UTF-16 counts: values give way before words do.
fn fit(text: &Text, limit: usize) -> String {
    for bound in [256, 128, 64, 48, 32, 24, 16] {
        let shown = plain(&shortened(text, bound));
        if units(&shown) <= limit {
            return shown;
        }
    }
    let mut short = String::new();
    // Room for the mark, and for a quotation mark that has to be closed.
    let mut left = limit.saturating_sub(2);
    for c in plain(&shortened(text, 24)).chars() {
        let Some(rest) = left.checked_sub(c.len_utf16()) else {
            break;
        };
        short.push(c);
        left = rest;
    }
    without_half_a_host(&mut short);
    let is_open = short.matches('"').count() % 2 == 1;
    let end = short.trim_end_matches([' ', ',', ':', ';', '(']).len();
    short.truncate(end);
    short + "…" + if is_open { "\"" } else { "" }
}

/// Takes a dot and what follows it from the last word, which was cut: the name of an AWS service that lost its end could be
/// anybody's host.
fn without_half_a_host(short: &mut String) {
    let start = short.rfind(' ').map_or(0, |space| space + 1);
    let word = &short[start..];
    let mut dots = word.match_indices('.').filter(|(at, _)| {
        let mut after = word[at + 1..].chars();
        after.next().is_none_or(char::is_alphabetic)
    });
    if let Some((dot, _)) = dots.next().filter(|_| !word.contains("arn:")) {
        short.truncate(start + dot);
    }
}

fn shortened(text: &Text, bound: usize) -> Text {
    let mut short = Text::new();
    for span in text.spans() {
        match span {
            Span::Own(_) => short.push(span.clone()),
            Span::Untrusted(value) => short.push(value.shortened(bound)),
        }
    }
    short
}

/// Length as UTF-16 counts it, which is never less than the number of characters.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The body of the e-mail.
pub fn people(alert: &Alert) -> String {
    let (first, more) = alert
        .next_steps
        .split_at(until_a_command(&alert.next_steps));
    let mut facts = Body::default();
    facts.gap();
    head_facts(&mut facts, alert);
    steps(&mut facts, alert, first, 1);
    head_link(&mut facts, alert);

    let mut body = Body::default();
    let title = format!("{}: {}", alert.severity.as_str(), plain(&alert.title));
    body.hanging("", &title);
    body.gap();
    let room = HEAD_LINES.saturating_sub(body.lines() + facts.lines());
    let below = summary(&mut body, alert, room);
    body.append(&facts);
    body.verbatim(RULE);

    if !below.spans().is_empty() {
        body.paragraph(&plain(&below));
    }
    for line in lines::missing(alert) {
        body.paragraph(&plain(&line));
    }
    sections(&mut body, alert);
    if !more.is_empty() {
        body.verbatim("AND THEN");
        steps(&mut body, alert, more, first.len() + 1);
    }
    tables(&mut body, alert);
    excerpt(&mut body, alert);
    body.verbatim("-- ");
    body.verbatim(&format!("KMS Watch, {}, alert {}", alert.kind, alert.id));
    body.finish()
}

/// How many steps there are up to the first with a command, at most two.
fn until_a_command(steps: &[Step]) -> usize {
    let command = steps.iter().position(|step| step.command.is_some());
    command.map_or(1, |at| at + 1).min(2).min(steps.len())
}

/// As many sentences as there is room for, and why it is that urgent. Returns what is left.
fn summary(body: &mut Body, alert: &Alert, room: usize) -> Text {
    let sentences = alert.summary.sentences();
    let said = |count: usize| {
        let mut text = Text::new();
        sentences
            .iter()
            .take(count)
            .for_each(|it| text.sentence(it));
        text.sentence(alert.severity_reason.clone().unwrap_or_default());
        let mut said = Body::default();
        said.paragraph(&plain(&text));
        said
    };
    let fits = |count: &usize| said(*count).lines() <= room;
    let count = (1..=sentences.len()).rev().find(fits).unwrap_or(1);
    body.append(&said(count));
    let mut left = Text::new();
    sentences
        .iter()
        .skip(count)
        .for_each(|it| left.sentence(it));
    left
}

/// Until when, who, whose.
fn head_facts(body: &mut Body, alert: &Alert) {
    if let Some(until) = lines::deadline(alert) {
        body.row("Until", &plain(&until));
    }
    let by = if alert.actor.is_some() { "By" } else { "At" };
    body.row(by, &plain(&lines::who(alert)));
    if let Some(owner) = lines::owner(alert) {
        body.row("Owner", &plain(&owner));
    }
}

fn head_link(body: &mut Body, alert: &Alert) {
    if let Some((name, link)) = links(alert).next() {
        body.whole(name, link);
    }
}

/// Pages of the console, the first one the most useful.
fn links(alert: &Alert) -> impl Iterator<Item = (&'static str, &String)> {
    let links = &alert.links;
    let all = [
        ("Console", &links.key),
        ("Alarm", &links.alarm),
        ("CloudTrail", &links.event),
    ];
    all.into_iter()
        .filter_map(|(name, link)| Some((name, link.as_ref()?)))
}

/// What the kind of alert has to say in detail.
fn sections(body: &mut Body, alert: &Alert) {
    for section in rows_of_lists(alert) {
        body.verbatim(&section.heading.to_uppercase());
        for (name, line) in &section.rows {
            match name.as_ref() {
                "" => body.paragraph(&plain(line)),
                name => body.row(name, &plain(line)),
            }
        }
    }
}

/// What to do, with the commands.
fn steps(body: &mut Body, alert: &Alert, steps: &[Step], from: usize) {
    for (number, step) in (from..).zip(steps) {
        let lead = format!("{INDENT}{number}. ");
        body.hanging(&lead, &plain(&lines::step(alert, step)));
        if let Some(command) = &step.command {
            // Never broken: it must work when pasted.
            body.verbatim(&format!("{INDENT}   {command}"));
        }
    }
}

/// What is known of the key, of the caller, of when and where, as far as it is not said above and there is room.
fn tables(body: &mut Body, alert: &Alert) {
    let mut all = [
        ("KEY", key_rows(alert)),
        ("KEY STORE", key_store_rows(alert)),
        ("WHO", actor_rows(alert)),
        ("WHEN AND WHERE", place_rows(alert)),
    ];
    for (_, rows) in &mut all {
        rows.retain(|row| !is_said(body, row));
    }
    let more: Vec<_> = links(alert).skip(1).collect();
    // The signature takes two.
    let room = LINES.saturating_sub(body.lines() + 2 + more.len());
    let mut laid_out = lay_out(&all);
    while laid_out.lines() > room && give_way(&mut all) {
        laid_out = lay_out(&all);
    }
    body.append(&laid_out);
    for (name, link) in &more {
        body.whole(name, link);
    }
}

/// The row says nothing new. A word as short as `no` may well stand above, and mean something else.
fn is_said(body: &Body, row: &Row) -> bool {
    const TELLING: usize = 6;
    let value = plain(&row.value);
    value.len() >= TELLING && body.says(&value)
}

fn lay_out(tables: &[(&str, Vec<Row>)]) -> Body {
    let mut body = Body::default();
    for (heading, rows) in tables {
        body.table(heading, rows);
    }
    body
}

/// Drops the last of the rows that are worth least; `false` if only those are left that must stay.
fn give_way(tables: &mut [(&str, Vec<Row>)]) -> bool {
    for worth in [Worth::Extra, Worth::Good] {
        for (_, rows) in tables.iter_mut().rev() {
            if let Some(at) = rows.iter().rposition(|row| row.worth == worth) {
                rows.remove(at);
                return true;
            }
        }
    }
    false
}

/// How an event begins that could not be read.
fn excerpt(body: &mut Body, alert: &Alert) {
    if let Kind::UnreadableEvent(unreadable) = &alert.details {
        body.verbatim("THE EVENT BEGINS");
        body.marked(&unlinked_block(&unreadable.excerpt));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KeyRotated;
    use crate::pipeline::tests::alert_about;
    use crate::text::Untrusted;

    fn titled(title: Text) -> String {
        let mut alert = alert_about(KeyRotated::default());
        alert.title = title;
        subject(&alert)
    }

    fn value(raw: &str) -> Untrusted {
        Untrusted::bounded(raw, 1_000)
    }

    #[test]
    fn no_cut_makes_a_host_of_the_name_of_a_service() {
        use crate::text;
        const WORDS: &str =
            "Denied: DeleteImportedKeyMaterial on key c7d92e40 and on others of them";
        let mut cut = 0;
        for length in 20..WORDS.len() {
            let service = value("fargate.amazonaws.com");
            let subject = titled(text![&WORDS[..length], " by ", service, " and more of it"]);
            let whole = subject.contains("fargate.amazonaws.com");
            assert!(whole || !subject.contains("fargate."), "{subject}");
            cut += usize::from(!whole && subject.contains("fargate"));
        }
        assert!(cut > 5, "{cut}");
    }

    #[test]
    fn a_subject_keeps_account_and_region_and_cuts_the_title() {
        use crate::text;
        let place = "[111122223333 us-east-1]";
        assert_eq!(titled(text!["short"]), format!("LOW: short {place}"));
        // Values give way first.
        let long = titled(text!["Deletion of ", value(&"x".repeat(200)), " scheduled"]);
        assert_eq!(
            long,
            format!("LOW: Deletion of \"{}…\" scheduled {place}", "x".repeat(31))
        );
        for long in [
            text![value(&"x".repeat(95)), value(&"🔑".repeat(95))],
            text![
                "so many words of ours that there is no room for all of them, however short \
                 the name of the key may be: ",
                value("a \"b")
            ],
            text![
                "\"",
                value(&"word ".repeat(90)),
                "\" and many, many words of ours after it, too many"
            ],
        ] {
            let subject = titled(long);
            assert!(units(&subject) <= SUBJECT_LIMIT, "{subject}");
            assert!(subject.ends_with(place), "{subject}");
            assert_eq!(subject.matches('"').count() % 2, 0, "{subject}");
            assert!(subject.contains('…'), "{subject}");
        }
    }
}
