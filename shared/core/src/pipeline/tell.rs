//! Telling of one occurrence: once, to everybody who wants it, whatever fails.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::{join_all, join3, join4};
use jiff::Timestamp;

use super::assess::{Known, assess, is_for_people, may_be_for_people};
use super::{Verdict, Watch};
use crate::actor::Actor;
use crate::alert::Alert;
use crate::arn::TopicArn;
use crate::config::Config;
use crate::decision::Occurrence;
use crate::facts::{Facts, KeyStoreFacts};
use crate::kinds::{Background, Burst, BurstMember, Clues, Found, Kind, Limit};
use crate::ledger::burst::{self, Fold, Note, Owners, Tally, Window};
use crate::ledger::history::Entry;
use crate::ledger::repeats::Series;
use crate::ledger::{
    Acquired, Claim, ClaimState, Item, ItemKey, Member, Memory, PARTITION_KEY, Profile, Raised,
    SORT_KEY, alias,
};
use crate::ports::{Clock, Kms, Ledger, Message, Topics};
use crate::render;
use crate::severity::Severity;
use crate::source::Via;
use crate::subject::Subject;
use crate::text::Untrusted;

/// What became of an occurrence.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) verdict: Verdict,
    pub(super) alerts: Vec<Alert>,
    pub(super) reason: Option<Cow<'static, str>>,
}

/// Why an occurrence has to be told again.
#[derive(Debug)]
pub(super) enum Failure {
    /// Topics that did not take the alert.
    NotPublished(Vec<String>),
    /// Another invocation is about to tell, and was not done in time.
    Held(String),
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::NotPublished(vec![error.to_string()])
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPublished(topics) => f.write_str(&topics.join("; ")),
            Self::Held(kind) => write!(f, "another invocation is about to tell of this {kind}"),
        }
    }
}

/// A message, and what stands in the claim once it is served.
struct Post {
    slot: String,
    message: Message,
}

/// The messages of an occurrence, and why there are not more.
struct Letters {
    posts: Vec<Post>,
    /// Alerts about the burst that the alert is one of.
    bursts: Vec<Alert>,
    reason: Option<Cow<'static, str>>,
    /// The alert counts among those that people want.
    for_people: bool,
    /// People want it, and do not get it by itself.
    folded: bool,
}

/// What was asked of KMS.
enum Gathered {
    Key(Box<Facts>),
    KeyStore(Box<KeyStoreFacts>),
    Nothing,
}

impl Gathered {
    fn key(&self) -> Option<&Facts> {
        match self {
            Self::Key(facts) => Some(facts),
            Self::KeyStore(_) | Self::Nothing => None,
        }
    }

    /// The key's policy, as KMS has it now.
    fn policy(&self) -> Option<&str> {
        match self {
            Self::Key(facts) => facts.policy(),
            Self::KeyStore(_) | Self::Nothing => None,
        }
    }

    fn key_store(&self) -> Option<&KeyStoreFacts> {
        match self {
            Self::KeyStore(facts) => Some(facts),
            Self::Key(_) | Self::Nothing => None,
        }
    }

    /// What is known, from KMS and from the profile, which learns what is new.
    fn known(
        self,
        profile: &mut Profile,
        subject: &Subject,
        config: &Config,
        now: Timestamp,
    ) -> Known {
        match self {
            Self::Key(mut facts) => {
                profile.forget_another(facts.created_at());
                facts.recall(profile);
                facts.teach(profile, now);
                Known {
                    gone: facts.is_gone(),
                    enrichment: facts.enrichment(),
                    key: subject
                        .key()
                        .map(|arn| facts.into_key(arn.clone(), &config.owner_tag_key)),
                    ..Known::nothing()
                }
            }
            Self::KeyStore(mut facts) => {
                facts.recall(profile);
                facts.teach(profile, now);
                Known {
                    gone: facts.is_gone(),
                    enrichment: facts.enrichment(),
                    key_store: subject.key_store().map(|id| facts.into_key_store(id)),
                    ..Known::nothing()
                }
            }
            Self::Nothing => Known::nothing(),
        }
    }
}

/// How an alert is kept from being one too many, once it is counted.
struct Counted {
    window: Window,
    member: Member,
    tally: Option<Tally>,
    before: Option<Item>,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Tells of an occurrence, unless that was done.
    pub(super) async fn tell(
        &self,
        mut occurrence: Occurrence,
        request: &str,
    ) -> Result<Told, Failure> {
        // In whole seconds, as events have it: so that texts of times sort like times.
        let now = self.clock.now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let at = occurrence.occurred_at.unwrap_or(now);
        let memory = Memory::new(self.ledger.as_ref());
        let subject = occurrence.subject.clone();
        let partition = subject.partition_key();
        let window = self.window(&occurrence, at).filter(|_| memory.is_there());

        let alarm = occurrence.kind.alarm();
        let alarm = alarm.map(|alarm| Raised::key(&partition, alarm.series()));

        let mut recalled = Vec::from([Profile::key(&partition)]);
        recalled.retain(|_| has_profile(&subject));
        recalled.extend(alarm.clone());
        recalled.extend(window.iter().map(Window::counter_before));
        let series = occurrence.kind.repeats().filter(|_| memory.is_there());
        let series = series.map(|name| Series::new(&partition, occurrence.kind.name(), &name));
        if let Some(series) = &series {
            recalled.extend(series.keys());
            recalled.push(claim_key(&occurrence));
        }
        recalled.extend(occurrence.kind.memories(&subject));
        let recall = memory.read(&recalled);
        let gather = self.gather(&subject, &occurrence.kind);
        let (items, gathered, acquired, counter);
        if occurrence.kind.material() == Some(None) || occurrence.kind.needs_facts() {
            // The occurrence has no name before its key material, or its date, is known.
            (items, gathered) = futures_util::future::join(recall, gather).await;
            let profile = find_profile(&items, &partition);
            if occurrence.kind.material() == Some(None) {
                resolve(&mut occurrence.kind, &gathered, &profile, at);
            }
            let remembers = memory.is_there() && memory.problem().is_none();
            let background = Background {
                facts: gathered.key(),
                key_store: gathered.key_store(),
                profile: &profile,
                steps: &self.config.expiry_warning_days,
                at,
                raised: remembers.then(|| find_raised(&items, alarm.as_ref())),
            };
            if let Err(reason) = occurrence.kind.settle(&background) {
                return Ok(self.ignored(&occurrence, reason));
            }
            let claim = self.claim(&memory, &occurrence, at, request);
            let count = self.count(&memory, &occurrence, window.as_ref(), at);
            (acquired, counter) = futures_util::future::join(claim, count).await;
        } else if let Some(series) = &series {
            // Most of these are repeats. Whoever finds that out first costs one read and one write, and asks KMS nothing:
            // a program that fails a thousand times a second must not use up the quotas that other alerts need.
            items = recall.await;
            if let Some(claim) = find_delivered(&items, &claim_key(&occurrence)) {
                return Ok(self.repeat(&memory, series, &occurrence, &claim).await);
            }
            let claim = self.claim(&memory, &occurrence, at, request);
            let count = self.count(&memory, &occurrence, window.as_ref(), at);
            (gathered, acquired, counter) = join3(gather, claim, count).await;
        } else {
            let claim = self.claim(&memory, &occurrence, at, request);
            let count = self.count(&memory, &occurrence, window.as_ref(), at);
            (items, gathered, acquired, counter) = join4(recall, gather, claim, count).await;
        }
        let claim = match acquired {
            Acquired::Ours(claim) => claim,
            Acquired::Told(claim) => {
                // By another alarm, or by the sweep: this alarm's end is worth telling all the same.
                let told = note_alarm(&occurrence, alarm.as_ref(), &items, at, false, now);
                if !told.is_empty() {
                    memory.put(&told).await;
                }
                return Ok(match &series {
                    Some(series) => self.repeat(&memory, series, &occurrence, &claim).await,
                    None => self.duplicate(&occurrence),
                });
            }
            Acquired::Held => return Err(self.held(&occurrence)),
        };
        let known = find_profile(&items, &partition);
        if let Some(Some(material)) = occurrence.kind.material()
            && known.was_told_unnamed(occurrence.kind.name(), at)
        {
            // Now it has a name: the next one within the hour is another.
            let mut named = known.clone();
            named.note_telling(occurrence.kind.name(), Some(&material), at);
            let marks = [claim.delivered(BTreeSet::new()).item()];
            let (mark, profile) = (memory.put(&marks), Profile::key(&partition));
            let changes = known.changes(&named, now);
            futures_util::future::join(mark, memory.set(&profile, &changes)).await;
            return Ok(self.duplicate(&occurrence));
        }

        if occurrence.source.via == Via::CloudTrail && known.was_swept(occurrence.kind.name(), at) {
            // The sweep saw what the call did, and told of it, before this record came.
            memory.put(&[claim.delivered(BTreeSet::new()).item()]).await;
            return Ok(self.duplicate(&occurrence));
        }

        // What this event teaches is put down after the alert went out.
        let mut profile = known.clone();
        let policy = gathered.policy().map(str::to_owned);
        let mut found = gathered.known(&mut profile, &subject, &self.config, now);
        occurrence.kind.recall(&profile);
        // If the ledger failed, nobody knows how it stands: what was not told now is told the next time.
        let repeats = series
            .filter(|_| memory.problem().is_none())
            .map(|series| (series.find(&items), series));
        if let Some((repeats, _)) = &repeats {
            occurrence.kind.repeated(repeats);
        }
        let learnt = occurrence.kind.study(&Found {
            subject: &subject,
            at,
            now,
            settings: self.config.of_kinds(),
            before: &known,
            profile: &profile,
            items: &items,
            policy: policy.as_deref(),
        });
        let (kind, actor) = (&occurrence.kind, occurrence.actor.as_ref());
        kind.teach(&mut profile, at, actor);
        if let Some(material) = kind.material() {
            profile.note_telling(kind.name(), material.as_deref(), at);
        } else if kind.changes_state() {
            profile.note_telling(kind.name(), None, at);
        }
        if let Some(within) = &occurrence.unrecorded {
            profile.swept.insert(kind.name().to_owned(), within.clone());
        }

        let counted = window
            .zip(counter)
            .map(|(window, (member, tally))| Counted {
                before: items
                    .iter()
                    .find(|item| window.counter_before().names(item))
                    .cloned(),
                window,
                member,
                tally,
            });
        let (limit, quiet) = (kind.limit(), kind.quiet());
        if let Some(reason) = memory.problem() {
            found.lacks_ledger(reason);
        }
        let told_of = occurrence.clone();
        let alert = assess(&self.config, occurrence, at, found);
        let Letters {
            posts,
            bursts,
            reason,
            for_people,
            folded,
        } = self
            .letters(&memory, &alert, limit, quiet, counted.as_ref())
            .await?;

        let served = self.publish(&alert, posts, claim.topics.clone()).await;
        let served = match served {
            Ok(served) => served,
            Err((served, failures)) => {
                memory.note(&claim.owing(served, self.clock.now())).await;
                return Err(Failure::NotPublished(failures));
            }
        };
        let nobody = served.is_empty();
        let told = alert.entry(folded || !for_people, now).item(&partition);
        let mut marks = vec![claim.delivered(served).item(), told];
        marks.extend(repeats.map(|(repeats, series)| series.told(&repeats, at, now)));
        marks.extend(note_alarm(
            &told_of,
            alarm.as_ref(),
            &items,
            at,
            !for_people,
            now,
        ));
        marks.extend(learnt);
        if let Some(key) = subject.key() {
            let account = subject.account_key();
            let sighted = alias::sighted(&account, key, &known, &profile, now);
            // A batch holds an item once, and what the event says is surer than what KMS lists.
            marks.extend(
                sighted
                    .into_iter()
                    .filter(is_new(&marks))
                    .collect::<Vec<_>>(),
            );
        }
        let changes = if has_profile(&subject) {
            known.changes(&profile, now)
        } else {
            Item::new()
        };
        let profile_key = Profile::key(&partition);
        let mark = memory.put(&marks);
        let learn = memory.set(&profile_key, &changes);
        let uncount = self.uncount(&memory, counted.as_ref().filter(|_| !for_people));
        join3(mark, learn, uncount).await;

        let mut alerts = vec![alert];
        alerts.extend(bursts);
        Ok(Told {
            verdict: if folded || nobody {
                Verdict::Suppressed
            } else {
                Verdict::Delivered
            },
            alerts,
            reason,
        })
    }

    /// What goes to whom: people and chat hear of an alert by itself, with others, or not at all; the feed of each.
    async fn letters(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        limit: Limit,
        quiet: Option<Cow<'static, str>>,
        counted: Option<&Counted>,
    ) -> Result<Letters, Failure> {
        let wanted = is_for_people(&self.config, alert);
        let muted = wanted && quiet.is_some();
        let mut letters = Letters {
            posts: Vec::new(),
            bursts: Vec::new(),
            reason: quiet.filter(|_| wanted),
            for_people: wanted && !muted,
            folded: muted,
        };
        if letters.for_people {
            let folds = match (limit, counted) {
                (Limit::Burst, Some(counted)) => self.fold(memory, alert, counted).await,
                _ => Fold::Singly,
            };
            let told = counted.and_then(|counted| counted.tally.as_ref());
            let told = told.is_some_and(|tally| tally.place > 1);
            if let (Fold::Folded { count, step }, Some(counted)) = (folds, counted) {
                letters.reason =
                    Some(format!("{} is number {count} in a burst", alert.kind).into());
                letters.bursts = self.bursts(memory, alert, counted, count, step).await;
                for burst in &letters.bursts {
                    let mark = format!("#{}", burst.id);
                    letters.posts.extend(self.posts_for_people(burst, &mark)?);
                }
            } else if limit == Limit::Hourly && told {
                let kind = alert.kind;
                letters.reason =
                    Some(format!("people were told of {kind} within this hour").into());
            } else {
                letters.posts.extend(self.posts_for_people(alert, "")?);
            }
            letters.folded = letters.reason.is_some();
        } else if !muted {
            let kind = alert.kind;
            let reason = format!("{kind} is below the severity that people are told of");
            letters.reason = Some(reason.into());
        }
        if let Some(topic) = &self.config.feed_topic {
            letters
                .posts
                .push(post(topic, alert, None, render::feed(alert)?));
        }
        Ok(letters)
    }

    async fn gather(&self, subject: &Subject, kind: &Kind) -> Gathered {
        match subject {
            Subject::Key(key) => {
                let facts = if kind.is_enriched() {
                    Facts::gather(&self.kms, key, kind.reads(), kind.reads_policy()).await
                } else {
                    Facts::unasked()
                };
                Gathered::Key(Box::new(facts))
            }
            Subject::KeyStore { id, region, .. } => {
                let facts = KeyStoreFacts::gather(&self.kms, id, region, kind.counts_keys()).await;
                Gathered::KeyStore(Box::new(facts))
            }
            Subject::Account { .. } => Gathered::Nothing,
        }
    }

    async fn claim(
        &self,
        memory: &Memory<'_, L>,
        occurrence: &Occurrence,
        at: Timestamp,
        request: &str,
    ) -> Acquired {
        let key = claim_key(occurrence);
        let mut claim = Claim::new(key, request, at, self.clock.now());
        if occurrence.kind.repeats().is_some() {
            claim.call.clone_from(&occurrence.call_id);
        }
        memory
            .acquire(claim, occurrence.kind.recurs(), &self.clock)
            .await
    }

    /// The window in which alerts like this one are counted, if people may want it.
    fn window(&self, occurrence: &Occurrence, at: Timestamp) -> Option<Window> {
        let Occurrence { kind, subject, .. } = occurrence;
        let partition = subject.account_key();
        let wanted = may_be_for_people(&self.config, kind.name(), kind.ceiling());
        if !wanted || kind.quiet().is_some() {
            return None;
        }
        match kind.limit() {
            Limit::Burst => {
                let actor = occurrence.actor.as_ref().map_or_else(String::new, who);
                Some(Window::of_burst(&partition, kind.name(), &actor, at))
            }
            Limit::Hourly => {
                let what = format!("{}#{}", kind.name(), self.function);
                Some(Window::of_hour(&partition, &what, at))
            }
            Limit::None => None,
        }
    }

    /// Takes the occurrence into the counter of its window. `None` for the tally if the ledger does not answer.
    async fn count(
        &self,
        memory: &Memory<'_, L>,
        occurrence: &Occurrence,
        window: Option<&Window>,
        at: Timestamp,
    ) -> Option<(Member, Option<Tally>)> {
        let window = window?;
        let note = Note {
            at,
            alert: occurrence.alert_id(at),
            about: occurrence.subject.partition_key(),
            quiet: false,
        };
        let identity = format!("{}\n{}", note.about, occurrence.identity());
        let member = burst::member(&identity, &note, self.clock.now());
        let counter = memory.count(&window.counter(), &member).await;
        let tally = match counter {
            None => None,
            Some(counter) => match Tally::read(&counter, &member) {
                Some(tally) => Some(tally),
                None => {
                    let number = [crate::ledger::COUNT.to_owned()];
                    let full = memory.add(&window.counter(), &number, &Item::new()).await;
                    full.as_ref().map(Tally::beyond)
                }
            },
        };
        Some((member, tally))
    }

    /// Says in the counter that the alert is none that people want.
    async fn uncount(&self, memory: &Memory<'_, L>, counted: Option<&Counted>) {
        if let Some(Counted {
            window,
            member,
            tally: Some(_),
            ..
        }) = counted
        {
            let mut note = member.note.clone();
            note.insert("quiet".to_owned(), true.into());
            let mut change = Item::new();
            change.insert(member.note_name(), note.into());
            memory.set(&window.counter(), &change).await;
        }
    }

    /// One of a burst, or not.
    async fn fold(&self, memory: &Memory<'_, L>, alert: &Alert, counted: &Counted) -> Fold {
        let Some(tally) = &counted.tally else {
            return Fold::Singly;
        };
        let fold = burst::fold(tally, counted.before.as_ref(), alert.occurred_at);
        if fold == Fold::Singly || alert.severity != Severity::Critical {
            return fold;
        }
        // What is critical goes out by itself as long as the mailboxes bear it.
        let second = burst::second(&account_key(alert), alert.occurred_at);
        let ttl = burst::counted_until(self.clock.now());
        let once = Item::from_iter([(crate::ledger::TIME_TO_LIVE.to_owned(), ttl.into())]);
        let number = [crate::ledger::COUNT.to_owned()];
        let counter = memory.add(&second, &number, &once).await;
        let count = counter.and_then(|counter| counter.get(crate::ledger::COUNT)?.as_u64());
        if count.is_some_and(|count| count > burst::CRITICAL_A_SECOND) {
            fold
        } else {
            Fold::Singly
        }
    }

    /// The alerts about a burst that are due with `alert`, its member: one for each owner concerned at a step, else one
    /// for the owner of `alert` if it is the owner's first.
    async fn bursts(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        counted: &Counted,
        count: u64,
        step: Option<u64>,
    ) -> Vec<Alert> {
        let now = self.clock.now();
        let own = alert.owner().map_or("", Untrusted::as_str);
        let (numbers, once) = Owners::entry(own, &alert.id, now);
        let owners = memory.add(&counted.window.owners(), &numbers, &once).await;
        let owners = owners.map_or_else(Owners::default, |item| Owners::read(&item));
        let is_first = owners
            .all()
            .iter()
            .all(|owner| owner.name != own || owner.first == alert.id);
        if step.is_none() && !is_first {
            return Vec::new();
        }
        let members = self.members(memory, alert, counted).await;
        let mut concerned: BTreeSet<&str> = BTreeSet::from([own]);
        if step.is_some() {
            concerned.extend(owners.all().iter().map(|owner| owner.name.as_str()));
            concerned.extend(members.iter().map(|(owner, _, _)| owner.as_str()));
            // Who is told at a step is not told as one whose first key it is.
            let told = Owners::told(concerned.iter().copied(), &alert.id, now);
            memory.add(&counted.window.owners(), &[], &told).await;
        }
        concerned
            .into_iter()
            .map(|owner| {
                let of_owner = members.iter().filter(|(name, _, _)| name == owner);
                let severity = of_owner
                    .clone()
                    .map(|(_, severity, _)| *severity)
                    .max()
                    .unwrap_or(alert.severity);
                let members: Vec<_> = of_owner.map(|(_, _, member)| member.clone()).collect();
                let folded = owners.all().iter().find(|entry| entry.name == owner);
                let folded = folded.map_or(0, |entry| entry.folded);
                let kind = Burst {
                    of: alert.kind,
                    count,
                    owner: Untrusted::new(owner).non_empty(),
                    more: folded.saturating_sub(members.len() as u64),
                    members,
                    since: counted.window.start(),
                    event_name: alert.source.event_name.clone(),
                    series: counted.window.counter().sort,
                    step: step.unwrap_or(count),
                    severity,
                };
                self.burst_alert(alert, kind)
            })
            .filter(|burst| is_for_people(&self.config, burst))
            .collect()
    }

    fn burst_alert(&self, alert: &Alert, kind: Burst) -> Alert {
        let occurrence = Occurrence {
            kind: kind.into(),
            subject: Subject::Account {
                partition: alert.partition.clone(),
                account: alert
                    .account
                    .clone()
                    .unwrap_or_else(|| self.config.alert_topic.account().clone()),
                region: alert
                    .region
                    .clone()
                    .unwrap_or_else(|| self.config.alert_topic.region().clone()),
            },
            occurred_at: Some(alert.occurred_at),
            actor: alert.actor.clone(),
            source: alert.source.clone(),
            call_id: None,
            unrecorded: None,
        };
        assess(
            &self.config,
            occurrence,
            alert.occurred_at,
            Known::nothing(),
        )
    }

    /// The members of the burst that the counter keeps, from the history, with their owners; `alert` is the last.
    async fn members(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        counted: &Counted,
    ) -> Vec<(String, Severity, BurstMember)> {
        let notes = counted.tally.iter().flat_map(|tally| &tally.notes);
        let notes: Vec<&Note> = notes.filter(|note| note.alert != alert.id).collect();
        let keys: Vec<_> = notes
            .iter()
            .map(|note| Entry::key(&note.about, note.at, &note.alert))
            .collect();
        let items = memory.read(&keys).await;
        let mut members: Vec<_> = notes
            .iter()
            .zip(&keys)
            .filter_map(|(note, key)| {
                let entry = Entry::read(items.iter().find(|item| key.names(item))?)?;
                let owner = entry.owner.as_ref().map_or("", Untrusted::as_str);
                let severity = entry.severity.parse().unwrap_or(alert.severity);
                Some((
                    owner.to_owned(),
                    severity,
                    member(note.about.clone(), &entry),
                ))
            })
            .collect();
        let last = alert.entry(true, alert.occurred_at);
        let about = match (&alert.key, &alert.key_store) {
            (Some(key), _) => key.arn.to_string(),
            (None, Some(store)) => store.id.as_str().to_owned(),
            (None, None) => String::new(),
        };
        let owner = alert.owner().map_or("", Untrusted::as_str);
        members.push((owner.to_owned(), alert.severity, member(about, &last)));
        members
    }

    /// Counts what happened again. The call that was told is no repeat of itself.
    async fn repeat(
        &self,
        memory: &Memory<'_, L>,
        series: &Series,
        occurrence: &Occurrence,
        claim: &Claim,
    ) -> Told {
        if claim.call.is_none() || claim.call != occurrence.call_id {
            let number = [crate::ledger::COUNT.to_owned()];
            let fresh = Series::fresh(self.clock.now());
            memory.add(series.counter(), &number, &fresh).await;
        }
        self.duplicate(occurrence)
    }

    fn duplicate(&self, occurrence: &Occurrence) -> Told {
        let kind = occurrence.kind.name();
        tracing::info!(
            function = self.function,
            alert.kind = kind,
            event.id = occurrence.source.event_id.as_ref().map(Untrusted::as_str),
            "told before"
        );
        Told {
            verdict: Verdict::Duplicate,
            alerts: Vec::new(),
            reason: Some(format!("{kind} was told before").into()),
        }
    }

    fn ignored(&self, occurrence: &Occurrence, reason: Cow<'static, str>) -> Told {
        tracing::info!(
            function = self.function,
            alert.kind = occurrence.kind.name(),
            event.id = occurrence.source.event_id.as_ref().map(Untrusted::as_str),
            reason = %reason,
            "ignored"
        );
        Told {
            verdict: Verdict::Ignored,
            alerts: Vec::new(),
            reason: Some(reason),
        }
    }

    fn held(&self, occurrence: &Occurrence) -> Failure {
        let kind = occurrence.kind.name();
        tracing::warn!(
            function = self.function,
            alert.kind = kind,
            event.id = occurrence.source.event_id.as_ref().map(Untrusted::as_str),
            "another invocation is about to tell"
        );
        Failure::Held(kind.to_owned())
    }

    /// The messages for people and chat; `mark` tells them apart from others of the same invocation.
    fn posts_for_people(&self, alert: &Alert, mark: &str) -> Result<Vec<Post>, Failure> {
        let Config {
            alert_topic,
            chat_topic,
            ..
        } = &self.config;
        let subject = Some(render::subject(alert));
        let mut posts = vec![post(alert_topic, alert, subject, render::people(alert))];
        if let Some(topic) = chat_topic {
            posts.push(post(topic, alert, None, render::chat(alert)?));
        }
        for post in &mut posts {
            post.slot.push_str(mark);
        }
        Ok(posts)
    }

    /// Sends what is not `served` yet, in parallel: what is served then, and the topics that failed.
    async fn publish(
        &self,
        alert: &Alert,
        posts: Vec<Post>,
        mut served: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, (BTreeSet<String>, Vec<String>)> {
        let owed = posts.iter().filter(|post| !served.contains(&post.slot));
        let sent = owed.map(|post| async move { (post, self.topics.publish(&post.message).await) });
        let mut failures = Vec::new();
        for (post, result) in join_all(sent).await {
            match result {
                Ok(()) => _ = served.insert(post.slot.clone()),
                Err(error) => failures.push(format!("{}: {error}", post.message.topic.as_str())),
            }
        }
        if failures.is_empty() {
            tracing::info!(
                function = self.function,
                alert.id,
                alert.kind,
                alert.severity = alert.severity.as_str(),
                key.arn = alert.key.as_ref().map(|key| key.arn.to_string()),
                event.id = alert.source.event_id.as_ref().map(Untrusted::as_str),
                enrichment = ?alert.enrichment.status,
                topics = served.len(),
                "handled"
            );
            return Ok(served);
        }
        tracing::error!(
            function = self.function,
            alert.id,
            alert.kind,
            failures = failures.join("; "),
            "not delivered"
        );
        Err((served, failures))
    }
}

fn post(topic: &TopicArn, alert: &Alert, subject: Option<String>, body: String) -> Post {
    Post {
        slot: topic.as_str().to_owned(),
        message: Message {
            topic: topic.clone(),
            subject,
            body,
            attributes: render::attributes(alert),
        },
    }
}

/// The item of the claim to an occurrence.
fn claim_key(occurrence: &Occurrence) -> ItemKey {
    let sort = format!("claim#{}", occurrence.identity());
    ItemKey::new(occurrence.subject.partition_key(), sort)
}

/// The claim, if it was told under it.
fn find_delivered(items: &[Item], key: &ItemKey) -> Option<Claim> {
    let claim = Claim::read(items.iter().find(|item| key.names(item))?)?;
    (claim.state == ClaimState::Delivered).then_some(claim)
}

/// What is known of the key.
fn find_profile(items: &[Item], partition: &str) -> Profile {
    let key = Profile::key(partition);
    let item = items.iter().find(|item| key.names(item));
    item.map_or_else(Profile::default, Profile::read)
}

/// What is known of the alarm: that somebody was told that it went off.
fn find_raised(items: &[Item], key: Option<&ItemKey>) -> Option<Raised> {
    let item = items
        .iter()
        .find(|item| key.is_some_and(|key| key.names(item)));
    item.and_then(Raised::read)
}

/// What there is to remember of an alarm that was told of.
fn note_alarm(
    occurrence: &Occurrence,
    key: Option<&ItemKey>,
    items: &[Item],
    at: Timestamp,
    quiet: bool,
    now: Timestamp,
) -> Vec<Item> {
    let (Some(key), Some(alarm)) = (key, occurrence.kind.alarm()) else {
        return Vec::new();
    };
    let known = find_raised(items, Some(key));
    let raised = match (&occurrence.kind, known) {
        // A late telling hides no later one.
        (_, Some(known)) if alarm.is_raised() && known.at >= at => return Vec::new(),
        (kind, _) if alarm.is_raised() => Raised {
            at,
            alert_id: occurrence.alert_id(at),
            quiet,
            deadline: match kind {
                Kind::KeyMaterialExpiring(expiring) => expiring.expires_at,
                _ => None,
            },
            ended_at: None,
        },
        (Kind::AlarmRecovered(end), Some(known)) if end.resolved => Raised {
            ended_at: Some(at),
            ..known
        },
        _ => return Vec::new(),
    };
    vec![raised.item(key, now)]
}

/// Finds the key material of an occurrence whose telling lacks it: from KMS, from another telling, from what KMS said
/// before.
fn resolve(kind: &mut Kind, gathered: &Gathered, profile: &Profile, at: Timestamp) {
    let live = match gathered {
        Gathered::Key(facts) => facts.materials(),
        Gathered::KeyStore(_) | Gathered::Nothing => &[],
    };
    let remembered = profile.materials.as_ref();
    let clues = Clues {
        live,
        told: profile.told_material(kind.name(), at),
        remembered: remembered.map_or(&[], |materials| materials.value.as_slice()),
    };
    kind.resolve(&clues, at);
}

/// Tells the items that are not among `items`.
fn is_new(items: &[Item]) -> impl Fn(&Item) -> bool + '_ {
    |item| {
        let name = |item: &Item| [PARTITION_KEY, SORT_KEY].map(|part| item.get(part).cloned());
        items.iter().all(|other| name(other) != name(item))
    }
}

/// There is something to remember of it.
fn has_profile(subject: &Subject) -> bool {
    subject.key().is_some() || subject.key_store().is_some()
}

/// One actor: the same session of the same principal.
fn who(actor: &Actor) -> String {
    let arn = actor.arn.as_ref().unwrap_or(&actor.name);
    format!("{} {}", actor.kind.as_str(), arn.as_str())
}

fn account_key(alert: &Alert) -> String {
    let account = alert
        .account
        .as_ref()
        .map_or("", |account| account.as_str());
    let region = alert.region.as_ref().map_or("", |region| region.as_str());
    format!("account#{account}#{region}")
}

fn member(about: String, entry: &Entry) -> BurstMember {
    BurstMember {
        about,
        name: entry.name.clone(),
        severity: Untrusted::new(&entry.severity),
        alert_id: entry.alert_id.clone(),
    }
}
