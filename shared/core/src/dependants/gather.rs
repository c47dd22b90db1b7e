//! Asking who depends on a key, within a limit of time: whatever is not answered is missing, and nothing fails.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join3;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use super::findings::Findings;
use super::{Dependants, Evidence, History, Observed, REMEMBERED, recorded};
use crate::arn::KeyArn;
use crate::enrichment::Missing;
use crate::ports::{CallError, CallErrorKind, Grants, Page, Recorder, Uses};
use crate::text::Untrusted;

/// The first look-ups go back without a gap, the next ones leap: a busy key fills a page in a minute, and who uses it once a week is
/// who nobody thinks of. Whoever asks more often goes on from there without a gap.
const LEAPS: [SignedDuration; 6] = [
    SignedDuration::ZERO,
    SignedDuration::ZERO,
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(30 * 24),
];

/// Why AWS Config was not asked.
const NOT_RECORDING: &str = "no recorder of AWS Config is on in this Region";

/// What is asked, and how patiently.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// About which key.
    pub key: &'a KeyArn,
    /// Its aliases, as far as they are known: a resource may have been given one of them as its key.
    pub aliases: &'a [Untrusted],
    /// CloudTrail's id of its last use, if KMS told that.
    pub last_use: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
    /// How long it may take in all.
    pub limit: Duration,
    /// Pages of a hundred grants that may be read.
    pub grant_pages: usize,
    /// Pages of the event history that may be read.
    pub pages: usize,
    /// Pages of a hundred resources that may be read of AWS Config, which is not asked if there are none.
    pub config_pages: usize,
    /// Between two pages of the event history: an account and Region may ask for two a second (AWS CloudTrail API Reference, `LookupEvents`).
    pub pause: Duration,
}

/// What was answered, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// What was found.
    pub findings: Findings,
    /// What was not, and why.
    pub missing: Vec<Missing>,
    /// What the event history showed, if it answered.
    pub history: Option<History>,
}

impl Gathered {
    /// Together with what was known before, if anything was answered.
    pub fn with(mut self, known: Option<&Dependants>, now: Timestamp) -> Option<Dependants> {
        if !self.findings.has_any() {
            return None;
        }
        if let Some(known) = known {
            self.findings.recall(known, now);
        }
        Some(self.findings.into_dependants(now))
    }
}

/// Asks KMS for the grants of a key, CloudTrail for its uses and AWS Config for what is configured with it, side by side.
pub async fn gather(
    grants: &impl Grants,
    uses: &impl Uses,
    recorder: &impl Recorder,
    ask: &Ask<'_>,
) -> Gathered {
    let ends = Instant::now() + ask.limit;
    let [mut of_grants, mut of_uses, mut of_config] = [(); 3].map(|()| Gathered::default());
    join3(
        read_grants(grants, ask, ends, &mut of_grants),
        read_uses(uses, ask, ends, &mut of_uses),
        read_config(recorder, ask, ends, &mut of_config),
    )
    .await;
    for other in [of_grants, of_config] {
        of_uses.findings.absorb(other.findings);
        of_uses.missing.extend(other.missing);
    }
    of_uses
}

async fn read_grants(grants: &impl Grants, ask: &Ask<'_>, ends: Instant, gathered: &mut Gathered) {
    let mut marker: Option<String> = None;
    for page in 1..=ask.grant_pages {
        let call = grants.list_grants(ask.key, marker.as_deref());
        let answer = match within(ends, ask.limit, call).await {
            Ok(answer) => answer,
            // Its grants went with the key.
            Err(error) if error.kind() == CallErrorKind::NotFound => return,
            Err(error) => return gathered.lacks("grants", Evidence::Grants, &error),
        };
        gathered.findings.source(Evidence::Grants);
        for grant in &answer.items {
            gathered.findings.grant(grant);
        }
        marker = answer.next;
        if marker.is_none() {
            return;
        }
        if page == ask.grant_pages {
            gathered.findings.cut(Evidence::Grants);
        }
    }
}

async fn read_config(
    recorder: &impl Recorder,
    ask: &Ask<'_>,
    ends: Instant,
    gathered: &mut Gathered,
) {
    if ask.config_pages == 0 {
        return;
    }
    // A recorder that is off leaves what it recorded, and says nothing of it: an empty answer would prove nothing.
    let is_recording = within(ends, ask.limit, recorder.is_recording(ask.key.region())).await;
    let is_recording = is_recording.and_then(|is_recording| match is_recording {
        true => Ok(()),
        false => Err(CallError::new("NotRecording", NOT_RECORDING)),
    });
    if let Err(error) = is_recording {
        return gathered.lacks("config", Evidence::Config, &error);
    }
    let (expressions, is_cut) = recorded::expressions(ask.key, ask.aliases);
    if is_cut {
        gathered.findings.more();
    }
    let mut pages = 0;
    for expression in &expressions {
        let mut token: Option<String> = None;
        loop {
            if pages == ask.config_pages {
                return gathered.findings.cut(Evidence::Config);
            }
            pages += 1;
            let call = recorder.select(ask.key.region(), expression, token.as_deref());
            let page = match within(ends, ask.limit, call).await {
                Ok(page) => page,
                Err(error) => return gathered.lacks("config", Evidence::Config, &error),
            };
            gathered.findings.source(Evidence::Config);
            for item in &page.items {
                gathered.findings.recorded(item);
            }
            token = page.next;
            if token.is_none() {
                break;
            }
        }
    }
}

async fn read_uses(uses: &impl Uses, ask: &Ask<'_>, ends: Instant, gathered: &mut Gathered) {
    let since = ask.now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
    // Events of this second are wanted, too.
    let mut until = ask.now;
    let (mut seen, mut leapt, mut found) = (BTreeSet::new(), false, false);
    let mut whole = false;
    for number in 0..ask.pages {
        let leap = LEAPS.get(number).copied().unwrap_or(SignedDuration::ZERO);
        let landing = ask.now.checked_sub(leap).unwrap_or(until);
        // Only the first one need not wait: whoever asks about many keys waits between them.
        if number > 0 {
            leapt |= landing < until;
            until = until.min(landing);
            tokio::time::sleep(ask.pause).await;
        }
        let call = uses.uses_of_key(ask.key, since, until);
        let page = match within(ends, ask.limit, call).await {
            Ok(page) => page,
            Err(error) => return gathered.lacks("eventHistory", Evidence::EventHistory, &error),
        };
        gathered.findings.source(Evidence::EventHistory);
        let is_last = page.next.is_none();
        found |= gathered.take_in(page, &mut seen, &mut until);
        if !leapt {
            let back_to = if is_last { since } else { until };
            gathered.history.get_or_insert_default().back_to = Some(back_to);
        }
        if is_last {
            whole = !leapt;
            break;
        }
    }
    if whole || ask.pages == 0 {
        return;
    }
    gathered.findings.more();
    // Those who only look at keys may have filled every page.
    let last_use = ask.last_use.filter(|id| !found && !seen.contains(*id));
    if let Some(id) = last_use {
        tokio::time::sleep(ask.pause).await;
        match within(ends, ask.limit, uses.event(ask.key, id)).await {
            Ok(page) => _ = gathered.take_in(page, &mut seen, &mut until),
            Err(error) => gathered.lacks("lastUseEvent", Evidence::EventHistory, &error),
        }
    }
}

/// The answer, if it comes in time.
async fn within<T>(
    ends: Instant,
    limit: Duration,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout_at(ends, call).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::timeout(limit)),
    }
}

impl Gathered {
    /// Takes in the records that were not seen yet; `oldest` is the time of the oldest. Whether one was of a use.
    fn take_in(
        &mut self,
        page: Page<Value>,
        seen: &mut BTreeSet<String>,
        oldest: &mut Timestamp,
    ) -> bool {
        let mut found = false;
        for record in page.items {
            let id = record["eventID"].as_str().unwrap_or_default();
            if !id.is_empty() && !seen.insert(id.to_owned()) {
                continue;
            }
            let at = record["eventTime"].as_str().and_then(|at| at.parse().ok());
            *oldest = at.unwrap_or(*oldest).min(*oldest);
            found |= self.findings.record(&record);
            let history = self.history.get_or_insert_default();
            history.seen.extend(Observed::read(&record));
        }
        found
    }

    fn lacks(&mut self, fact: &'static str, source: Evidence, error: &CallError) {
        self.findings.cut(source);
        self.missing.push(Missing {
            fact,
            reason: error.reason(),
            throttled: error.kind() == CallErrorKind::Throttled,
        });
    }
}
