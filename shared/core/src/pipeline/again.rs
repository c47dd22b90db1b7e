//! What happens again and again: counted, told once an hour on feed and chat, and mailed seldom ([`crate::ledger::repeats`]).

use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};

use super::assess::Assessed;
use super::draft::{Frame, home, step_claim};
use super::ended::{Ended, Failure};
use super::{HandleError, Verdict, Watch};
use crate::alert::Alert;
use crate::decision::Occurrence;
use crate::kinds::{AttemptsStopped, KIND_NAMES};
use crate::ledger::history::{Entry, Heard, PREFIX};
use crate::ledger::repeats::{Repeats, Rest, STEPS, Series};
use crate::ledger::{COUNT, Claim, ClaimState, Item, ItemKey, Listed, Memory};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::severity::Severity;
use crate::subject::Subject;

/// The alert that mail carried went out no longer ago, with some time for what comes late.
const MAILED_WITHIN: SignedDuration = SignedDuration::from_hours(26);

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Counts what happened again, and ends; unless it is the attempt of its series of which people are told at once.
    pub(super) async fn repeat(
        &self,
        memory: &Memory<'_, L>,
        series: &Series,
        occurrence: &Occurrence,
        frame: &Frame,
        claim: &Claim,
        items: &mut Vec<Item>,
    ) -> Result<u64, Ended> {
        for (step, claim) in step_claims(occurrence, items) {
            if claim.call.is_some() && claim.call == occurrence.call_id {
                // It was counted. Lambda may invoke again because a topic failed.
                return match claim.state {
                    ClaimState::Claimed => Ok(step),
                    ClaimState::Delivered => Err(self.duplicate(occurrence)),
                };
            }
        }
        let counter = self
            .count_again(memory, series, occurrence, frame, claim)
            .await;
        let Some(counter) = counter.filter(|_| occurrence.kind.is_attempt()) else {
            return Err(self.duplicate(occurrence));
        };
        items.retain(|item| !series.counter().names(item));
        items.push(counter);
        let step = series.find(items).step();
        let now = self.clock.now();
        let step = step.filter(|step| {
            let mut claims = step_claims(occurrence, items);
            // Somebody tells of it, or did.
            !claims.any(|(of, claim)| {
                of == *step && (claim.state == ClaimState::Delivered || claim.lease > now)
            })
        });
        step.ok_or_else(|| self.duplicate(occurrence))
    }

    /// Counts what happened again; the counter after that. The call that was told is no repeat of itself.
    pub(super) async fn count_again(
        &self,
        memory: &Memory<'_, L>,
        series: &Series,
        occurrence: &Occurrence,
        frame: &Frame,
        claim: &Claim,
    ) -> Option<Item> {
        if claim.call.is_some() && claim.call == occurrence.call_id {
            return None;
        }
        let number = [COUNT.to_owned()];
        let (fresh, latest) = (Series::fresh(self.clock.now()), Series::latest(frame.at));
        memory.add(series.counter(), &number, &fresh, &latest).await
    }

    /// Mail told of it lately, as far as the history proves, and a sweep will tell the rest: then mail does not tell of it again.
    pub(super) async fn is_known(&self, memory: &Memory<'_, L>, assessed: &Assessed) -> bool {
        let Assessed { alert, frame, .. } = assessed;
        let (Some(repeats), Some(listed)) = (&assessed.learnt.repeats, listed(alert, frame)) else {
            return false;
        };
        let Some(mail) = repeats.is_known(frame.at, frame.now) else {
            return false;
        };
        if !mail.told_as.starts_with(PREFIX) {
            return false;
        }
        let proof = ItemKey::new(&frame.partition, &mail.told_as);
        let (list, change) = listed.change(&home(&self.config));
        let proof = [proof];
        let (read, is_listed) = join(memory.read(&proof), memory.keep(&list, &change)).await;
        let entry = read.iter().find(|item| proof[0].names(item));
        let entry = entry.and_then(Entry::read);
        is_listed && entry.is_some_and(|entry| covers(&entry, alert, mail.at, frame.now))
    }

    /// Lists the series for the sweep that tells the rest of it.
    pub(super) async fn list_series(&self, memory: &Memory<'_, L>, alert: &Alert, frame: &Frame) {
        if let Some(listed) = listed(alert, frame) {
            let (list, change) = listed.change(&home(&self.config));
            memory.set(&list, &change).await;
        }
    }

    /// Tells the rest of each series in the lists `read` that stopped: the alerts, and what failed.
    pub(super) async fn close_series(
        &self,
        read: &[Item],
        request: &str,
    ) -> (Vec<Alert>, Vec<Failure>) {
        let memory = Memory::new(self.ledger.as_ref());
        let home = home(&self.config);
        let lists = Listed::lists(&home);
        let lists = read
            .iter()
            .filter(|item| lists.iter().any(|it| it.names(item)));
        let listed: Vec<_> = lists.flat_map(Listed::read_all).collect();
        let (mut alerts, mut failures) = (Vec::new(), Vec::new());
        if listed.is_empty() {
            return (alerts, failures);
        }
        let keys = listed.iter().flat_map(|listed| listed.series().keys());
        let counters = memory.read(&keys.collect::<Vec<_>>()).await;
        if let Some(problem) = memory.problem() {
            failures.push(Failure::NotPublished(vec![problem.as_str().to_owned()]));
            return (alerts, failures);
        }
        for listed in listed {
            let series = listed.series();
            let repeats = series.find(&counters);
            match repeats.rest(self.clock.now()) {
                Rest::Later => {}
                Rest::Nothing => {
                    let (list, removal) = listed.removal(&home);
                    memory.set(&list, &removal).await;
                }
                Rest::Due => match self.tell_stopped(&memory, &listed, &repeats, request).await {
                    Ok(told) => {
                        alerts.extend(told);
                        let (told, rested) = series.rested(&repeats, self.clock.now());
                        memory.set(&told, &rested).await;
                    }
                    Err(error) => failures.extend(error.failures),
                },
            }
        }
        (alerts, failures)
    }

    async fn tell_stopped(
        &self,
        memory: &Memory<'_, L>,
        listed: &Listed,
        repeats: &Repeats,
        request: &str,
    ) -> Result<Vec<Alert>, HandleError> {
        let kind = KIND_NAMES.into_iter().find(|name| *name == listed.kind);
        let (Some(of), Some(subject)) = (kind, listed.subject()) else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        // What happens in the time to come does so now.
        let last = repeats.last().map_or(now, |last| last.min(now));
        let first = repeats.first.map_or(last, |first| first.min(last));
        let stopped = AttemptsStopped {
            attempts: repeats.total,
            mailed: repeats.mailed(),
            first_at: first,
            last_at: last,
            series: listed.counter.sort.clone(),
            ..self.of_history(memory, of, &subject, repeats).await
        };
        let occurrence = Occurrence::of_sweep(subject, stopped, last, None);
        // On the heap: it holds every call of an alert at once.
        let outcome = Box::pin(self.report(occurrence, request)).await?;
        Ok(match outcome.verdict {
            Verdict::Delivered => outcome.alerts,
            _ => Vec::new(),
        })
    }

    /// What the history has of the attempts of which mail told.
    async fn of_history(
        &self,
        memory: &Memory<'_, L>,
        of: &'static str,
        subject: &Subject,
        repeats: &Repeats,
    ) -> AttemptsStopped {
        let mail = repeats.mail.iter();
        let mail = mail.filter(|mail| mail.told_as.starts_with(PREFIX));
        let key = mail.map(|mail| ItemKey::new(subject.partition_key(), &mail.told_as));
        let read = memory.read(&key.collect::<Vec<_>>()).await;
        let entry = read.iter().find_map(Entry::read);
        let entry = entry.filter(|entry| entry.kind == of);
        let (operation, by, title) = entry.map_or((None, None, None), |entry| {
            (entry.event_name, entry.actor, Some(entry.title))
        });
        AttemptsStopped {
            of,
            operation,
            by,
            title,
            ..AttemptsStopped::default()
        }
    }
}

/// The claims to the attempts of its series of which people are told at once, as far as there are any.
fn step_claims<'a>(
    occurrence: &Occurrence,
    items: &'a [Item],
) -> impl Iterator<Item = (u64, Claim)> + use<'a> {
    let keys = STEPS.map(|step| (step, step_claim(occurrence, step)));
    keys.into_iter().filter_map(|(step, key)| {
        let item = items.iter().find(|item| key.names(item))?;
        Some((step, Claim::read(item)?))
    })
}

/// A series that a sweep has to look at, once mail told of it.
fn listed(alert: &Alert, frame: &Frame) -> Option<Listed> {
    let series = frame.series.as_ref()?;
    let is_attempt = alert.details.is_attempt();
    is_attempt.then(|| Listed::new(series, alert.kind, &frame.subject))
}

/// People know by the alert `entry`, which they got by itself at the time of `mailed_at`, what `alert` says.
fn covers(entry: &Entry, alert: &Alert, mailed_at: Timestamp, now: Timestamp) -> bool {
    let severity = entry.severity.parse::<Severity>();
    entry.kind == alert.kind
        && entry.dedup_key.as_ref() == Some(&alert.dedup_key)
        && entry.heard == Some(Heard::Alone)
        && severity.is_ok_and(|told| told >= alert.severity)
        && entry.occurred_at == mailed_at
        && now.duration_since(entry.told_at) <= MAILED_WITHIN
}
