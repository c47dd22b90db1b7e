//! First stage: what is asked of KMS and of the ledger, as far as the kind of alert says. Pure.

use jiff::Timestamp;

use super::audience::may_be_for_people;
use super::plan::Plan;
use super::story;
use crate::actor::Actor;
use crate::config::Config;
use crate::decision::Occurrence;
use crate::kinds::Limit;
use crate::kinds::story::Part;
use crate::ledger::burst::Window;
use crate::ledger::held::Open;
use crate::ledger::history::Entry;
use crate::ledger::repeats::{STEPS, Series};
use crate::ledger::{ItemKey, Profile, Raised};
use crate::subject::Subject;

/// An occurrence, and what is to be asked about it.
pub(super) struct Draft {
    pub(super) occurrence: Occurrence,
    pub(super) frame: Frame,
    /// Which round trips run together.
    pub(super) plan: Plan,
    /// The items of the ledger that are read.
    pub(super) recalled: Vec<ItemKey>,
    _made: (),
}

/// What stands fast of an occurrence from the beginning, whatever is learnt of it.
pub(super) struct Frame {
    /// Now, in whole seconds, as events have it: so that texts of times sort like times.
    pub(super) now: Timestamp,
    /// When it happened.
    pub(super) at: Timestamp,
    /// What it is about.
    pub(super) subject: Subject,
    /// The name under which the ledger keeps everything about that.
    pub(super) partition: String,
    /// The window in which alerts like it are counted, if people may want it.
    pub(super) window: Option<Window>,
    /// What repeats of it are counted together.
    pub(super) series: Option<Series>,
    /// What is remembered of the alarm that told of it.
    pub(super) alarm: Option<ItemKey>,
}

impl Frame {
    /// The ledger remembers something of what it is about.
    pub(super) fn has_profile(&self) -> bool {
        self.subject.key().is_some() || self.subject.key_store().is_some()
    }
}

impl Draft {
    /// Drafts the alert of an occurrence. `run` is Lambda's id of the invocation; `None` without a ledger, where nothing is
    /// counted.
    pub(super) fn new(
        config: &Config,
        function: &'static str,
        occurrence: Occurrence,
        now: Timestamp,
        run: Option<&str>,
    ) -> Self {
        let has_ledger = run.is_some();
        let now = whole_seconds(now);
        let at = occurrence.occurred_at.unwrap_or(now);
        let subject = occurrence.subject.clone();
        let partition = subject.partition_key();
        let kind = &occurrence.kind;
        let series = kind.repeats().filter(|_| has_ledger);
        let frame = Frame {
            now,
            at,
            window: run.and_then(|run| window(config, function, &occurrence, at, run)),
            series: series.map(|name| Series::new(&partition, kind.name(), &name)),
            alarm: kind
                .alarm()
                .map(|alarm| Raised::key(&partition, alarm.series())),
            subject,
            partition,
        };
        let plan = Plan::of(kind, frame.series.is_some());
        let mut recalled = recalled(config, &occurrence, &frame);
        if plan == Plan::AtOnce && has_ledger {
            // What proves that it was told, if it was told in the same words.
            recalled.push(Entry::key(&frame.partition, at, &occurrence.alert_id(at)));
        }
        Self {
            recalled,
            plan,
            frame,
            occurrence,
            _made: (),
        }
    }
}

/// A moment as events have it.
pub(super) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The item of the claim to an occurrence.
pub(super) fn claim_key(occurrence: &Occurrence) -> ItemKey {
    let sort = format!("claim#{}", occurrence.identity());
    ItemKey::new(occurrence.subject.partition_key(), sort)
}

/// The item of the claim to an occurrence as this attempt of its series.
pub(super) fn step_claim(occurrence: &Occurrence, step: u64) -> ItemKey {
    let ItemKey { partition, sort } = claim_key(occurrence);
    ItemKey::new(partition, format!("{sort}#{step}"))
}

fn recalled(config: &Config, occurrence: &Occurrence, frame: &Frame) -> Vec<ItemKey> {
    let mut recalled = Vec::new();
    if frame.has_profile() {
        recalled.push(Profile::key(&frame.partition));
    }
    recalled.extend(frame.alarm.clone());
    if let Some(window) = &frame.window {
        recalled.extend([window.counter_before(), Open::list(&home(config))]);
    }
    if let Some(series) = &frame.series {
        recalled.extend(series.keys());
        recalled.push(claim_key(occurrence));
        if occurrence.kind.is_attempt() {
            recalled.extend(STEPS.map(|step| step_claim(occurrence, step)));
        }
    }
    recalled.extend(occurrence.kind.memories(&frame.subject));
    recalled.extend(story::indexes(occurrence, &frame.partition));
    recalled
}

fn window(
    config: &Config,
    function: &'static str,
    occurrence: &Occurrence,
    at: Timestamp,
    run: &str,
) -> Option<Window> {
    let Occurrence { kind, subject, .. } = occurrence;
    let partition = subject.account_key();
    // Whoever heard of the beginning hears of the end, and a thousand ends are a burst, too.
    let ends = matches!(kind.story().part, Part::Closes | Part::Ends);
    let wanted = ends || may_be_for_people(config, kind.name(), kind.ceiling());
    if !wanted || kind.quiet().is_some() {
        return None;
    }
    match kind.limit() {
        Limit::Burst => {
            // Without an actor nothing says that two of them have anything in common but the run that found them.
            let run = || format!("run {run}");
            let actor = occurrence.actor.as_ref().map_or_else(run, who);
            Some(Window::of_burst(&partition, kind.name(), &actor, at))
        }
        Limit::Hourly => {
            let what = format!("{}#{function}", kind.name());
            Some(Window::of_hour(&partition, &what, at))
        }
        Limit::None => None,
    }
}

/// The name under which the ledger keeps everything about the account and Region of the watch.
pub(super) fn home(config: &Config) -> String {
    let home = &config.alert_topic;
    format!(
        "account#{}#{}",
        home.account().as_str(),
        home.region().as_str()
    )
}

/// One actor: the same session of the same principal.
fn who(actor: &Actor) -> String {
    let arn = actor.arn.as_ref().unwrap_or(&actor.name);
    format!("{} {}", actor.kind.as_str(), arn.as_str())
}
