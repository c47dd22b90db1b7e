//! `kms-watch explain`: what the functions make of events of the user's own, on an embedded AWS.

use std::io::Read;

use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value};
use watch_core::event::{Event, unwrap};
use watch_core::pipeline::Verdict;
use watch_local::{NewKey, Options};

use crate::demo::error::DemoError;
use crate::demo::format::Format;
use crate::demo::show::{Detail, Show};
use crate::demo::stage::{Attempt, Stage, Teller, Telling};
use crate::exit_codes;

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch explain event.json                        an event as EventBridge hands it over, or a message of a queue
  aws sqs receive-message … | jq '.Messages[0].Body | fromjson' | kms-watch explain -
  kms-watch explain --json events/key-deletion/*.json";

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    /// A file with an event; `-` is standard input
    #[arg(required = true, value_name = "EVENT")]
    events: Vec<String>,
    /// Show chat and feed of every alert, not of the first only
    #[arg(long)]
    full: bool,
    /// One line of JSON for each alert, for machines
    #[arg(long, conflicts_with = "full")]
    json: bool,
}

impl Args {
    fn format(&self) -> Format {
        match (self.json, self.full) {
            (true, _) => Format::Json,
            (false, true) => Format::Full,
            (false, false) => Format::Text,
        }
    }
}

/// Shows what becomes of the events.
pub(crate) async fn run(args: &Args) -> Result<u8, DemoError> {
    let mut show = Show::on(Box::new(anstream::stdout().lock()), args.format());
    handle_all(&args.events, &mut show).await?;
    show.summary()?;
    Ok(exit_codes::DONE)
}

/// Handles each file's event on an AWS of its own.
async fn handle_all(names: &[String], show: &mut Show) -> Result<(), DemoError> {
    // All are read first: a wrong name must not be found after a page of alerts.
    let events = names
        .iter()
        .map(|name| read(name))
        .collect::<Result<Vec<_>, _>>()?;
    for (name, event) in names.iter().zip(&events) {
        let stage = Stage::new(at_the_time_of(event))?;
        show.scene(
            name,
            "The key is a stand-in: the embedded AWS cannot know yours.",
        )?;
        stand_in(&stage, event);
        if let Some(reason) = handle(&stage, event, show).await? {
            show.ignored(name, &reason)?;
        }
    }
    Ok(())
}

/// Gives an event, which may be wrapped as no rule matches it, to every function. If none has a use for it, the answer
/// is why the last one has not.
async fn handle(
    stage: &Stage,
    event: &Value,
    show: &mut Show,
) -> Result<Option<String>, DemoError> {
    let mut ignored = Some(String::new());
    for function in stage.functions() {
        let Attempt { result, posts } = stage.invoke(function, event, &stage.request()).await;
        let outcome = result?;
        if outcome.verdict == Verdict::Ignored {
            if let Some(reason) = &mut ignored {
                *reason = outcome.reason.unwrap_or_default();
            }
            continue;
        }
        ignored = None;
        let telling = Telling {
            function: function.watch.function,
            teller: Teller::of(event),
            outcome,
            attempts: vec![posts],
        };
        show.telling(&telling, Detail::Whole)?;
        let alerts = &telling.outcome.alerts;
        let unreadable = alerts.iter().all(|alert| alert.kind == "UnreadableEvent");
        if unreadable && !alerts.is_empty() {
            // Each function would say the same.
            break;
        }
    }
    Ok(ignored)
}

fn read(name: &str) -> Result<Value, DemoError> {
    let mut text = Vec::new();
    let read = if name == "-" {
        std::io::stdin().lock().read_to_end(&mut text).map(|_| ())
    } else {
        std::fs::read(name).map(|bytes| text = bytes)
    };
    let name = if name == "-" { "standard input" } else { name }.to_owned();
    match read {
        Ok(()) => serde_json::from_slice(&text).map_err(|source| DemoError::Json { name, source }),
        Err(source) => Err(DemoError::Read { name, source }),
    }
}

/// An AWS whose clock shows when the event happened: its dates are then those of the event.
fn at_the_time_of(payload: &Value) -> Options {
    let options = Options::default();
    let times = unwrap(payload)
        .into_iter()
        .flatten()
        .filter_map(|body| Event::read(&body).ok()?.envelope().time);
    let start = times.min().unwrap_or(options.start);
    // Then the use of older keys, such as the stand-in, is unknown.
    Options {
        start,
        usage_tracking_start: start,
        ..options
    }
}

/// Puts the key that the event tells of in place, and does to it what the event tells, as far as that goes.
fn stand_in(stage: &Stage, payload: &Value) {
    for body in unwrap(payload).into_iter().flatten() {
        let Ok(event) = Event::read(&body) else {
            continue;
        };
        let (key, material, call) = match &event {
            Event::Kms(event) => (
                Some(&event.key),
                event.envelope.detail_type.as_str().contains("Material"),
                None,
            ),
            Event::CloudTrail(event) => (
                event.key.as_ref(),
                event.name.as_str().contains("KeyMaterial"),
                Some(event.name.as_str()),
            ),
            Event::OtherCall(_) | Event::Alarm(_) | Event::Share(_) | Event::Other(_) => {
                (None, false, None)
            }
        };
        let deleted = call == Some("DeleteKey")
            || event.envelope().detail_type.as_str() == "KMS CMK Deletion";
        let Some(key) = key.filter(|_| !deleted) else {
            continue;
        };
        let new = if material {
            NewKey::imported()
        } else {
            NewKey::symmetric()
        };
        stage.aws.add_key(
            new.id(key.id())
                .in_region(key.region().as_str())
                .created(a_year_before(stage.aws.now()))
                .alias("alias/stand-in")
                .described("Stand-in for your key")
                .tag("Owner", "you"),
        );
        if let (Some(call), Some(request)) = (call, body["detail"]["requestParameters"].as_object())
        {
            // What the simulator refuses has no effect, and the alert says what it can.
            let _ = stage
                .aws
                .call_in(key.region().as_str(), call, api_members(request));
        }
        stage.aws.take_events();
    }
}

fn a_year_before(at: Timestamp) -> Timestamp {
    at.saturating_sub((365 * 24).hours()).unwrap_or(at)
}

/// CloudTrail writes `keyId` where the API has `KeyId`.
fn api_members(request: &Map<String, Value>) -> Value {
    let capital = |name: &String| {
        let mut letters = name.chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    };
    request
        .iter()
        .map(|(name, value)| (capital(name), value.clone()))
        .collect()
}
