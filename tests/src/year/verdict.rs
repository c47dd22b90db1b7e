//! The verdict on a year.

use std::collections::BTreeMap;

use super::report::Report;
use super::truth::{End, Message, Occurrence, Pages, Topic, window};
use super::{BLIND, Options};

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// What is held back is told that much later at the earliest, in milliseconds.
const WINDOW: u128 = 5 * 60 * 1_000;

/// What is counted together: kind and actor.
fn series(occurrence: &Occurrence) -> (&str, &str) {
    let actor = match occurrence.kind {
        // All of these records are of one person.
        "WatchChanged" => "",
        _ => &occurrence.actor,
    };
    (occurrence.kind, actor)
}

/// How many alerts of a kind by an actor within five minutes are told one by one.
const SINGLY: usize = 5;

/// Kinds that KMS tells of by itself: their identity is not a call's.
const BY_KMS: [&str; 3] = ["KeyRotated", "KeyMaterialExpired", "KeyDeleted"];

/// The feed has it, as nothing that people hear of.
fn is_info(occurrence: &Occurrence) -> bool {
    let mut feed = singly(occurrence, Topic::Feed).peekable();
    feed.peek().is_some() && feed.all(|message| message.info)
}

/// The invocation also told what was held back of a burst that is over, or found it told.
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
        attacks: pages.attacks,
        forged: pages.forged,
        due: pages.due.clone(),
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
    /// When sweeps that came to their end began and ended.
    sweeps: Vec<(u128, u128)>,
    /// Occurrences by kind and key.
    same: BTreeMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Judge<'a> {
    fn new(options: Options, pages: &'a Pages) -> Self {
        let mut judge = Self {
            options,
            pages,
            times: BTreeMap::new(),
            sweeps: Vec::new(),
            same: BTreeMap::new(),
        };
        for (number, occurrence) in pages.occurrences.iter().enumerate() {
            let series = series(occurrence);
            let second = occurrence.at.as_second();
            judge.times.entry(series).or_default().push(second);
            judge
                .same
                .entry((occurrence.kind, &occurrence.key))
                .or_default()
                .push(number);
        }
        let ended = pages
            .runs
            .iter()
            .filter(|run| run.sweep && !run.end.is_failure());
        judge.sweeps = ended.map(|run| (run.started, run.ended)).collect();
        judge.sweeps.sort_unstable();
        judge
    }

    fn judge(&self, report: &mut Report) {
        for occurrence in &self.pages.occurrences {
            let tellings = &occurrence.tellings;
            report.tellings += tellings.len() as u64;
            let lost = tellings.iter().filter(|telling| telling.copies == 0);
            report.tellings_lost += lost.count() as u64;
            if let Some(ruse) = occurrence.ruse {
                *report.acts.entry(ruse.to_owned()).or_default() += 1;
            }
            if !occurrence.was_told() {
                self.judge_blindness(occurrence, report);
                self.judge_repetition(occurrence, report);
                continue;
            }
            self.judge_loss(occurrence, report);
            self.judge_delay(occurrence, report);
            self.judge_repetition(occurrence, report);
            self.judge_silence(occurrence, report);
            if self.is_misnamed(occurrence) {
                report.misnamed += 1;
            }
            self.count_requests(occurrence, report);
        }
        let mails = self.pages.burst_mails.iter();
        report.bursts += mails.filter(|mail| mail.topic == Topic::People).count() as u64;
        self.count_all_requests(report);
    }

    /// No event told of it: a sweep has, or it was over before one came.
    fn judge_blindness(&self, occurrence: &Occurrence, report: &mut Report) {
        let mut drifts = self
            .pages
            .drifted
            .get(occurrence.key_id())
            .into_iter()
            .flatten();
        if !occurrence.messages.is_empty() || drifts.any(|at| *at >= occurrence.at) {
            report.by_sweep += 1;
            return;
        }
        report.untold += 1;
        if self.options.ledger && occurrence.ruse == Some(BLIND) {
            report.unheard_acts += 1;
            let what = self.describe(occurrence);
            report.problem(format!("seed {}: no sweep told: {what}", self.options.seed));
        }
    }

    /// People know of it within a window and a sweep, and those to whom the key belonged know, too.
    fn judge_delay(&self, occurrence: &Occurrence, report: &mut Report) {
        let is_told = singly(occurrence, Topic::Feed).next().is_some();
        if !is_told || is_info(occurrence) {
            return;
        }
        let runs = occurrence.runs.iter().map(|run| &self.pages.runs[*run]);
        let dealt = runs.filter(|run| !run.sweep && !run.end.is_failure());
        let Some(dealt) = dealt.map(|run| run.ended).min() else {
            return;
        };
        let deadline = self.deadline(dealt);
        if self.heard_at(occurrence).is_none_or(|at| at > deadline) {
            report.unheard += 1;
            report.unheard_acts += u64::from(occurrence.ruse.is_some());
            let what = self.describe(occurrence);
            report.problem(format!(
                "seed {}: not heard in time: {what}",
                self.options.seed
            ));
        }
        // Without a ledger nobody remembers whose key it was. Where sweeps are left out, a read of its tags that the first one
        // was denied is not made good.
        if self.options.ledger
            && self.options.every_sweep
            && let Some(owner) = &occurrence.owner
            && singly(occurrence, Topic::People).any(|message| !message.owner.contains(owner))
        {
            report.rerouted += 1;
            let what = self.describe(occurrence);
            report.problem(format!(
                "seed {}: kept from {owner}: {what}",
                self.options.seed
            ));
        }
    }

    /// The end of the first sweep that came to its end, of those that began after the window was over.
    fn deadline(&self, dealt: u128) -> u128 {
        let over = dealt + WINDOW;
        let next = self.sweeps.partition_point(|(began, _)| *began < over);
        self.sweeps.get(next).map_or(u128::MAX, |(_, ended)| *ended)
    }

    /// When people knew of it: by itself, or by name with others.
    fn heard_at(&self, occurrence: &Occurrence) -> Option<u128> {
        let singly = singly(occurrence, Topic::People).map(|message| message.at);
        singly
            .min()
            .or_else(|| self.named_at(occurrence, Topic::People))
    }

    /// When it was named in a message about several.
    fn named_at(&self, occurrence: &Occurrence, topic: Topic) -> Option<u128> {
        let runs = occurrence
            .runs
            .iter()
            .map(|run| self.pages.runs[*run].started);
        let began = runs.min()?;
        let mails = &self.pages.burst_mails;
        let first = mails.partition_point(|mail| mail.at < began);
        let mut mails = mails[first..].iter().filter(|mail| mail.topic == topic);
        // Chat has the first names only, and says where the others are. What is about no key is named by its title.
        let by_name = topic == Topic::People && !occurrence.key.is_empty();
        let named = mails.find(|mail| {
            mail.text.contains(occurrence.kind)
                && (!by_name || mail.text.contains(occurrence.key_id()))
        });
        named.map(|mail| mail.at)
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

    /// There were enough to fold, or an attacker made the ledger say so, and those who have no alert know it by name.
    fn is_folded(&self, occurrence: &Occurrence, missing: &[Topic]) -> bool {
        let named = |topic: &Topic| self.named_at(occurrence, *topic).is_some();
        let many = self.is_one_of_many(occurrence) || self.is_forged(occurrence);
        self.options.ledger && many && missing.iter().all(named)
    }

    /// Items of the ledger that concern it were forged.
    fn is_forged(&self, occurrence: &Occurrence) -> bool {
        occurrence.ruse.is_some() || self.pages.poisoned.contains_key(&occurrence.key)
    }

    /// One actor did so much of it at the time that it may be folded.
    fn is_one_of_many(&self, occurrence: &Occurrence) -> bool {
        let begin = window(occurrence.at);
        // KMS says of a deletion that it was some seconds later.
        let around = begin - 300..=begin + 310;
        let times = &self.times[&series(occurrence)];
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
        // Redriven: what another invocation is said to have served does not count (ADR 14).
        let half = |message: &&Message| {
            let run = sent(message);
            run.end == End::Failed && run.request != sent(last).request
        };
        if before.iter().any(half) {
            return "half served by another invocation";
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
        let forged = self.pages.poisoned.get(&occurrence.key);
        if forged.is_some_and(|since| *since <= last.at) {
            return FORGED;
        }
        let matters = |what: &String| !matches!(what.as_str(), "count" | "add");
        if concerned().any(|run| run.ledger_failures.iter().any(matters)) {
            return "the ledger failed, and the log said so";
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
        if run.sweep || self.is_forged(occurrence) {
            return;
        }
        let alone = others
            .iter()
            .all(|other| self.pages.runs[*other].started > run.ended);
        if alone && run.end == End::Delivered && !run.ledger_fault {
            // What turns out to be below the level that people want leaves the counter: one write more (docs/adr/0008).
            let requests = if self.is_recurring(occurrence) || is_info(occurrence) {
                &mut report.recurring
            } else if self.is_one_of_many(occurrence)
                || run.closes
                || tells_the_rest(occurrence, *first)
            {
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

/// Who may write the ledger may have people hear twice.
pub(super) const FORGED: &str = "the ledger was forged";

/// The messages of its own that a topic took.
fn singly(occurrence: &Occurrence, topic: Topic) -> impl Iterator<Item = &Message> {
    let messages = occurrence.messages.iter();
    messages.filter(move |message| !message.burst && message.topic == topic)
}
