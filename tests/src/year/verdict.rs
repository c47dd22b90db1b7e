//! The verdict on a year.

use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::report::Report;
use super::truth::{End, Message, Occurrence, Pages, Topic, window};

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// How many alerts of a kind by an actor within five minutes are told one by one.
const SINGLY: usize = 5;

/// Kinds that KMS tells of by itself: their identity is not a call's.
const BY_KMS: [&str; 3] = ["KeyRotated", "KeyMaterialExpired", "KeyDeleted"];

/// The feed has it, as nothing that people hear of.
fn is_info(occurrence: &Occurrence) -> bool {
    let mut feed = singly(occurrence, Topic::Feed).peekable();
    feed.peek().is_some() && feed.all(|message| message.info)
}

/// The invocation also told what was held back of a burst that is over.
fn tells_the_rest(occurrence: &Occurrence, run: usize) -> bool {
    let mut messages = occurrence.messages.iter();
    messages.any(|message| message.burst && message.run == run)
}

/// Judges the year.
pub(super) fn judge(options: Options, pages: &Pages) -> Report {
    let mut report = Report {
        seeds: 1,
        ledger: options.ledger,
        calm: options.calm,
        occurrences: pages.occurrences.len() as u64,
        noise: pages.noise,
        duplicates: pages.duplicates,
        mass_actions: pages.mass_actions,
        invocations: pages.runs.len() as u64,
        retries: pages.retries,
        redriven: pages.redriven,
        faults: pages.faults.clone(),
        wrong: pages.wrong.len() as u64,
        ..Report::default()
    };
    for (service, calls) in &pages.calls {
        report.calls.insert((*service).to_owned(), *calls);
    }
    for run in &pages.runs {
        let name = run.end.name().to_owned();
        *report.ends.entry(name).or_default() += 1;
    }
    for text in pages.wrong.iter().take(5) {
        report.problems.push(format!("wrong: {text}"));
    }
    Judge::new(options, pages).judge(&mut report);
    report
}

struct Judge<'a> {
    options: Options,
    pages: &'a Pages,
    /// Seconds at which things of a kind were done by an actor, sorted.
    times: BTreeMap<(&'a str, &'a str), Vec<i64>>,
    /// Bursts that people and chat were told of: kind, actor, owner, window.
    bursts: BTreeSet<(&'a str, &'a str, &'a str, i64, Topic)>,
    /// Occurrences by kind and key.
    same: BTreeMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Judge<'a> {
    fn new(options: Options, pages: &'a Pages) -> Self {
        let mut judge = Self {
            options,
            pages,
            times: BTreeMap::new(),
            bursts: BTreeSet::new(),
            same: BTreeMap::new(),
        };
        for (number, occurrence) in pages.occurrences.iter().enumerate() {
            let (kind, actor) = (occurrence.kind, occurrence.actor.as_str());
            let second = occurrence.at.as_second();
            judge.times.entry((kind, actor)).or_default().push(second);
            judge
                .same
                .entry((kind, &occurrence.key))
                .or_default()
                .push(number);
            for message in occurrence.messages.iter().filter(|message| message.burst) {
                let burst = (kind, actor, message.owner.as_str(), message.window);
                let (kind, actor, owner, window) = burst;
                judge
                    .bursts
                    .insert((kind, actor, owner, window, message.topic));
            }
        }
        judge
    }

    fn judge(&self, report: &mut Report) {
        for occurrence in &self.pages.occurrences {
            let tellings = &occurrence.tellings;
            report.tellings += tellings.len() as u64;
            let lost = tellings.iter().filter(|telling| telling.copies == 0);
            report.tellings_lost += lost.count() as u64;
            report.bursts += occurrence
                .messages
                .iter()
                .filter(|message| message.burst && message.topic == Topic::People)
                .count() as u64;
            if !occurrence.was_told() {
                report.untold += 1;
                continue;
            }
            self.judge_loss(occurrence, report);
            self.judge_repetition(occurrence, report);
            self.judge_silence(occurrence, report);
            if self.is_misnamed(occurrence) {
                report.misnamed += 1;
            }
            self.count_requests(occurrence, report);
        }
        self.count_all_requests(report);
    }

    fn judge_loss(&self, occurrence: &Occurrence, report: &mut Report) {
        let has = |topic| singly(occurrence, topic).next().is_some();
        let missing: Vec<_> = Topic::ALL
            .into_iter()
            .filter(|topic| !has(*topic))
            // What is INFO, as an automatic rotation, goes to the feed alone.
            .filter(|topic| *topic == Topic::Feed || !is_info(occurrence))
            .collect();
        if missing.is_empty() {
            report.told += 1;
            return;
        }
        if missing.contains(&Topic::Feed) && self.is_merged(occurrence) {
            report.merged += 1;
            return;
        }
        if !missing.contains(&Topic::Feed) && self.is_folded(occurrence, &missing) {
            report.folded += 1;
            return;
        }
        report.lost += 1;
        let topics: Vec<_> = missing.iter().map(|topic| topic.name()).collect();
        report.problem(format!(
            "seed {}: lost for {}: {}",
            self.options.seed,
            topics.join(", "),
            self.describe(occurrence)
        ));
    }

    /// There were enough to fold, and those who have no alert know of the burst.
    fn is_folded(&self, occurrence: &Occurrence, missing: &[Topic]) -> bool {
        let (kind, actor) = (occurrence.kind, occurrence.actor.as_str());
        let told = singly(occurrence, Topic::Feed).any(|message| {
            missing.iter().all(|topic| {
                let burst = (kind, actor, message.owner.as_str(), message.window, *topic);
                self.bursts.contains(&burst)
            })
        });
        self.options.ledger && self.is_one_of_many(occurrence) && told
    }

    /// One actor did so much of it at the time that it may be folded.
    fn is_one_of_many(&self, occurrence: &Occurrence) -> bool {
        let begin = window(occurrence.at);
        // KMS says of a deletion that it was some seconds later.
        let around = begin - 300..=begin + 310;
        let times = &self.times[&(occurrence.kind, occurrence.actor.as_str())];
        times.iter().filter(|it| around.contains(it)).count() > SINGLY
    }

    /// By contract it is one with another: nobody said which key material it was.
    fn is_merged(&self, occurrence: &Occurrence) -> bool {
        let others = &self.same[&(occurrence.kind, occurrence.key.as_str())];
        BY_KMS.contains(&occurrence.kind)
            && others.iter().any(|number| {
                let other = &self.pages.occurrences[*number];
                let apart = other.at.duration_since(occurrence.at).unsigned_abs();
                !std::ptr::eq(other, occurrence)
                    && apart.as_secs() <= DAY
                    && (other.has_unnamed_telling() || occurrence.has_unnamed_telling())
                    && singly(other, Topic::Feed).next().is_some()
            })
    }

    fn judge_repetition(&self, occurrence: &Occurrence, report: &mut Report) {
        for topic in Topic::ALL {
            let messages: Vec<_> = singly(occurrence, topic).collect();
            for again in 1..messages.len() {
                let cause = self.cause(occurrence, topic, &messages[..=again]);
                if topic == Topic::People {
                    *report.twice.entry(cause.to_owned()).or_default() += 1;
                } else {
                    *report.twice_elsewhere.entry(cause.to_owned()).or_default() += 1;
                }
                if cause == UNEXPLAINED && self.options.ledger {
                    report.problem(format!(
                        "seed {}: again on {}: {}",
                        self.options.seed,
                        topic.name(),
                        self.describe(occurrence)
                    ));
                }
            }
        }
    }

    /// Why the topic took the last of these, after the others.
    fn cause(&self, occurrence: &Occurrence, topic: Topic, messages: &[&Message]) -> &'static str {
        if !self.options.ledger {
            return "no ledger";
        }
        let Some((last, before)) = messages.split_last() else {
            return UNEXPLAINED;
        };
        let runs = &self.pages.runs;
        let sent = |message: &Message| &runs[message.run];
        let known: Vec<_> = occurrence.runs.iter().map(|run| &runs[*run]).collect();
        let until = sent(last).ended;
        let concerned = || known.iter().filter(|run| run.started <= until);
        let half = |message: &&Message| sent(message).end == End::Failed;
        if last.critical && before.iter().any(half) {
            return "critical, and half served by another invocation";
        }
        if concerned().any(|run| run.unanswered.contains(&topic)) {
            return "SNS's answer was lost";
        }
        if before.iter().any(|message| {
            let run = sent(message);
            matches!(run.end, End::Killed | End::TimedOut) && !run.marked
        }) {
            return "the process died between publishing and marking";
        }
        let matters = |what: &String| !matches!(what.as_str(), "count" | "add");
        if concerned().any(|run| run.ledger_failures.iter().any(matters)) {
            return "the ledger failed, and the log said so";
        }
        if self.is_misnamed(occurrence) {
            return MISNAMED;
        }
        if BY_KMS.contains(&occurrence.kind)
            && concerned().any(|run| run.unnamed && !run.materials_known)
        {
            return SLIP;
        }
        UNEXPLAINED
    }

    /// An alert whose ledger failed before it went out has to say so.
    fn judge_silence(&self, occurrence: &Occurrence, report: &mut Report) {
        let sent_singly = |run| singly(occurrence, Topic::People).any(|it| it.run == run);
        for message in singly(occurrence, Topic::Feed).filter(|it| sent_singly(it.run)) {
            let before = |what: &String| matches!(what.as_str(), "read" | "claim" | "count");
            let failed = self.pages.runs[message.run]
                .ledger_failures
                .iter()
                .any(before);
            if failed && !message.says_ledger {
                report.silent += 1;
                report.problem(format!(
                    "seed {}: silent about the ledger: {}",
                    self.options.seed,
                    self.describe(occurrence)
                ));
            }
        }
    }

    /// An alert about it names another key material.
    fn is_misnamed(&self, occurrence: &Occurrence) -> bool {
        singly(occurrence, Topic::Feed).any(|message| message.misnamed)
    }

    /// The bill of what met nothing unusual.
    fn count_requests(&self, occurrence: &Occurrence, report: &mut Report) {
        let Some((first, others)) = occurrence.runs.split_first() else {
            return;
        };
        let run = &self.pages.runs[*first];
        let alone = others
            .iter()
            .all(|other| self.pages.runs[*other].started > run.ended);
        if alone && run.end == End::Delivered && !run.ledger_fault {
            let requests = if self.is_recurring(occurrence) {
                &mut report.recurring
            } else if self.is_one_of_many(occurrence) || tells_the_rest(occurrence, *first) {
                &mut report.of_many
            } else {
                &mut report.ordinary
            };
            requests.add(run.writes, run.reads);
        }
    }

    /// KMS did the same another time: what stands in the ledger of that has to be read and written over.
    fn is_recurring(&self, occurrence: &Occurrence) -> bool {
        let others = &self.same[&(occurrence.kind, occurrence.key.as_str())];
        BY_KMS.contains(&occurrence.kind) && others.len() > 1
    }

    fn count_all_requests(&self, report: &mut Report) {
        for run in &self.pages.runs {
            if matches!(run.end, End::Delivered | End::Suppressed) {
                report.all.add(run.writes, run.reads);
            }
        }
    }

    fn describe(&self, occurrence: &Occurrence) -> String {
        let runs: Vec<String> = occurrence
            .runs
            .iter()
            .map(|number| {
                let run = &self.pages.runs[*number];
                let sent = |topic| {
                    let mut messages = occurrence.messages.iter();
                    messages.any(|it| it.run == *number && it.topic == topic)
                };
                let topics: Vec<_> = Topic::ALL
                    .into_iter()
                    .filter(|topic| sent(*topic))
                    .map(Topic::name)
                    .collect();
                format!(
                    "{}..{} {}{}{} told [{}] ledger {:?}",
                    run.started,
                    run.ended,
                    run.end.name(),
                    if run.unnamed { " unnamed" } else { "" },
                    if run.materials_known {
                        ""
                    } else {
                        " without materials"
                    },
                    topics.join(" "),
                    run.ledger_failures
                )
            })
            .collect();
        format!(
            "{} of {} at {} by {}; invocations: {}",
            occurrence.kind,
            occurrence.key,
            occurrence.at,
            occurrence.actor,
            runs.join("; ")
        )
    }
}

/// What stands for a repetition without a cause.
pub(super) const UNEXPLAINED: &str = "unexplained";
/// The known slip.
pub(super) const SLIP: &str = "the key material was not known";

/// A known bug: see `Report::misnamed`.
pub(super) const MISNAMED: &str = "the key material was taken for another";

/// The messages of its own that a topic took.
fn singly(occurrence: &Occurrence, topic: Topic) -> impl Iterator<Item = &Message> {
    let messages = occurrence.messages.iter();
    messages.filter(move |message| !message.burst && message.topic == topic)
}
