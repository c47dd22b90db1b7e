//! `kms-watch history`: the life of one key as the ledger tells it, also of one that KMS has forgotten.

use std::io::{self, Write};

use aws_config::SdkConfig;
use jiff::Timestamp;
use serde_json::{Value, json};
use watch_core::about::LastUse;
use watch_core::ledger::history::Entry;
use watch_core::severity::Severity;
use watch_core::text::{Untrusted, minute};

use crate::account::{self, Access, AccountError};
use crate::demo::chapter::Chapter;
use crate::demo::error::DemoError;
use crate::demo::show::Show;
use crate::demo::story;
use crate::exit_codes;
use crate::ledger::{Ledger, LedgerError, Life};
use crate::stack::{Stack, StackError};
use crate::style::{BOLD, style};
use crate::words::last_use;

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch history alias/payments --demo             of a key of the demo
  kms-watch history alias/payments                    from the ledger of the stack kms-watch
  kms-watch history KEY_ARN --stack watch --json      one line of JSON for each alert";

/// Of which key, and where its ledger is.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    /// An alias with or without `alias/`, a key id, or a key ARN
    key: String,
    #[command(flatten)]
    access: Access,
    /// Stack whose ledger is read
    #[arg(long, value_name = "NAME", default_value = Stack::DEFAULT, conflicts_with = "demo")]
    stack: String,
    /// Tag that names the owner of a key
    #[arg(long, value_name = "KEY", default_value = "Owner")]
    owner_tag_key: String,
    /// The ledger of the demo, once its story is told: no account, no network
    #[arg(long, conflicts_with_all = ["profile", "region"])]
    demo: bool,
    /// Ids of the demo's keys
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "demo")]
    seed: u64,
    /// One line of JSON for each entry, for machines
    #[arg(long)]
    json: bool,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error("the ledger knows no key \"{wanted}\"{known}")]
    UnknownKey { wanted: String, known: String },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("failed to write")]
    Output(#[from] io::Error),
}

impl HistoryError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownKey { .. } => exit_codes::FOUND,
            Self::Demo(error) => error.exit_code(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_codes::DONE,
            _ => exit_codes::INCOMPLETE,
        }
    }
}

/// Columns of the names of facts.
const NAME_WIDTH: usize = 13;
/// Longest title and name of an actor in the table.
const TITLE_WIDTH: usize = 80;
const ACTOR_WIDTH: usize = 32;

/// Shows what the ledger knows of a key.
pub(crate) async fn run(args: &Args) -> Result<u8, HistoryError> {
    let lives = if args.demo {
        of_the_demo(&args.key, args.seed).await?
    } else {
        let sdk = account::load(&args.access).await?;
        of_the_stack(args, &sdk).await?
    };
    let mut out = anstream::stdout().lock();
    // A multi-Region key and its replicas share an id.
    for life in &lives {
        if args.json {
            write_json(&mut out, life)?;
        } else {
            write_text(&mut out, life)?;
        }
    }
    Ok(exit_codes::DONE)
}

/// Tells the story to nobody, and takes what it leaves in the ledgers.
async fn of_the_demo(name: &str, seed: u64) -> Result<Vec<Life>, HistoryError> {
    let stages = story::tell(Chapter::ALL, seed, &mut Show::to_nobody()).await?;
    let mut lives = Vec::new();
    for stage in &stages {
        lives.extend(stage.ledger.lives().await?);
    }
    if !lives.iter().any(|life| life.is_called(name)) {
        return Err(unknown(name, &lives));
    }
    lives.retain(|life| life.is_called(name));
    Ok(lives)
}

async fn of_the_stack(args: &Args, sdk: &SdkConfig) -> Result<Vec<Life>, HistoryError> {
    let stack = Stack::find(sdk, &args.stack).await?;
    let ledger = Ledger::new(sdk, stack.ledger()?, &args.owner_tag_key);
    let lives = ledger.called(sdk, &args.key).await?;
    if lives.is_empty() {
        return Err(unknown(&args.key, &[]));
    }
    Ok(lives)
}

fn unknown(name: &str, lives: &[Life]) -> HistoryError {
    let line = |life: &Life| {
        let alias = life.aliases().next().map_or("–", Untrusted::as_str);
        format!("\n  {alias:<20} {}", life.key)
    };
    let mut known: Vec<_> = lives.iter().map(line).collect();
    known.sort();
    if let Some(first) = known.first_mut() {
        first.insert_str(0, "; it knows");
    }
    HistoryError::UnknownKey {
        wanted: Untrusted::new(name).as_str().to_owned(),
        known: known.concat(),
    }
}

/// One line for each entry: its attributes, and the key.
fn write_json(out: &mut impl Write, life: &Life) -> Result<(), HistoryError> {
    for entry in &life.entries {
        let mut line = json!(entry);
        for member in line.as_object_mut().into_iter().flatten() {
            if let (_, Value::String(text)) = member {
                *text = Untrusted::bounded(text, 512).as_str().to_owned();
            }
        }
        line["key"] = life.key.to_string().into();
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn write_text(out: &mut impl Write, life: &Life) -> Result<(), HistoryError> {
    writeln!(out, "{BOLD}{}{BOLD:#}", life.key)?;
    for (name, value) in facts(life) {
        writeln!(out, "  {name:NAME_WIDTH$}{value}")?;
    }
    let rows: Vec<_> = life.entries.iter().map(Row::new).collect();
    let width = |column: fn(&Row) -> &Untrusted| {
        let lengths = rows.iter().map(|row| column(row).as_str().chars().count());
        lengths.max().unwrap_or(0).max(4)
    };
    let (what_width, who_width) = (width(|row| &row.what), width(|row| &row.who));
    let [when, severity, what, who, told] = ["when", "severity", "what", "who", "told"];
    writeln!(
        out,
        "\n{BOLD}{when:<20} {severity:<8} {what:<what_width$} {who:<who_width$} {told}{BOLD:#}"
    )?;
    for row in &rows {
        let style = row.severity.map(style).unwrap_or_default();
        let word = row.severity.map_or("?", Severity::as_str);
        writeln!(
            out,
            "{:<20} {style}{word:<8}{style:#} {:<what_width$} {:<who_width$} {}",
            minute(row.at),
            row.what.as_str(),
            row.who.as_str(),
            row.told
        )?;
    }
    writeln!(out)?;
    Ok(())
}

/// A line of the table: of what stands in the ledger, only what was cleaned again.
struct Row {
    at: Timestamp,
    severity: Option<Severity>,
    what: Untrusted,
    who: Untrusted,
    told: &'static str,
}

impl Row {
    fn new(entry: &Entry) -> Self {
        let severity = entry.severity.parse().ok();
        let actor = entry.actor.clone().and_then(Untrusted::non_empty);
        Self {
            at: entry.occurred_at,
            severity,
            what: entry.title.shortened(TITLE_WIDTH),
            who: actor.map_or_else(|| Untrusted::new("–"), |actor| actor.shortened(ACTOR_WIDTH)),
            told: match (entry.folded, severity) {
                (false, _) => "by itself",
                (true, Some(Severity::Info)) => "on the feed only",
                (true, _) => "in a burst",
            },
        }
    }
}

/// What the profile knows, in the order in which people ask.
fn facts(life: &Life) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    let text = |text: &Untrusted| text.as_str().to_owned();
    let profile = &life.profile;
    let aliases: Vec<_> = life.aliases().map(Untrusted::as_str).collect();
    fact("Alias", (!aliases.is_empty()).then(|| aliases.join(", ")));
    fact("Owner", life.owner.as_ref().map(text));
    let metadata = profile.metadata.as_ref();
    let described = metadata.and_then(|metadata| metadata.value.description.clone());
    fact(
        "Description",
        described
            .and_then(Untrusted::non_empty)
            .map(|words| text(&words.shortened(300))),
    );
    fact(
        "State",
        match (profile.deleted_at, metadata) {
            (Some(at), _) => Some(format!("deleted on {}", minute(at))),
            (None, Some(metadata)) => metadata
                .value
                .state
                .as_ref()
                .map(|state| format!("{} on {}", state.as_str(), minute(metadata.as_of))),
            (None, None) => None,
        },
    );
    fact(
        "Created",
        metadata
            .and_then(|metadata| metadata.value.created_at)
            .map(minute),
    );
    fact(
        "Last used",
        profile
            .last_use
            .as_ref()
            .map(|usage| last_use(&LastUse::from(usage.value.clone()))),
    );
    fact(
        "Scheduled",
        profile.scheduled.as_ref().map(|scheduled| {
            let by = scheduled.by.as_ref().map(text);
            let by = by.map_or_else(String::new, |by| format!(" by {by}"));
            format!("for deletion on {}{by}", minute(scheduled.at))
        }),
    );
    fact(
        "Cancelled",
        profile
            .cancelled_at
            .map(|at| format!("the deletion, on {}", minute(at))),
    );
    facts
}

#[cfg(test)]
mod tests {
    use anstream::AutoStream;
    use watch_core::ledger::Profile;

    use super::*;

    /// Whoever may write the table, or name a key, writes this.
    const HOSTILE: &str = "\u{1b}[2Ja\u{9b}31m\u{202e}b\nc\r";

    fn item(value: Value) -> watch_core::ledger::Item {
        match value {
            Value::Object(item) => item,
            other => panic!("{other}"),
        }
    }

    fn life(severity: &str, folded: bool) -> Life {
        let at = "2026-11-20T10:00:00Z";
        let entry = item(json!({
            "alertId": HOSTILE, "occurredAt": at, "kind": HOSTILE, "severity": severity, "title": HOSTILE,
            "name": HOSTILE, "owner": HOSTILE, "actor": HOSTILE, "via": HOSTILE, "eventName": HOSTILE,
            "folded": folded, "toldAt": at,
        }));
        let profile = item(json!({
            "metadata": {"value": {"state": HOSTILE, "description": HOSTILE}, "asOf": at},
            "aliases": {"value": [HOSTILE], "asOf": at},
            "lastUse": {"value": {"used": {"at": at, "operation": HOSTILE}}, "asOf": at},
            "scheduled": {"by": HOSTILE, "at": at},
        }));
        Life {
            key: "arn:aws:kms:us-east-1:111122223333:key/mrk-a"
                .parse()
                .unwrap(),
            profile: Profile::read(&profile),
            owner: Some(Untrusted::new(HOSTILE)),
            entries: vec![Entry::read(&entry).unwrap()],
        }
    }

    fn text(life: &Life) -> String {
        let mut out = AutoStream::never(Vec::new());
        write_text(&mut out, life).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn nothing_in_the_ledger_reaches_the_terminal_as_it_is() {
        let life = life(HOSTILE, false);
        let mut lines = Vec::new();
        write_json(&mut lines, &life).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(lines.lines().count(), 1);
        assert!(!lines.contains("\\u"), "{lines}");
        for output in [text(&life), lines, unknown(HOSTILE, &[life]).to_string()] {
            let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!output.contains(harmful), "{output:?}");
            assert!(output.contains("[2Ja31mb c"), "{output:?}");
        }
    }

    #[test]
    fn the_table_says_how_people_were_told() {
        for (severity, folded, told) in [
            ("HIGH", false, "HIGH     [2Ja31mb c [2Ja31mb c by itself"),
            ("HIGH", true, "in a burst"),
            ("INFO", true, "on the feed only"),
            ("SOON", false, "?        "),
        ] {
            let text = text(&life(severity, folded));
            let last = text.lines().rfind(|line| !line.is_empty()).unwrap();
            assert!(last.contains(told), "{last}");
        }
    }
}
