//! What people are told in place of single alerts: at the steps of a burst, and when it is over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::assess::assess;
use super::draft::{home, whole_seconds};
use super::ended::Failure;
use super::holding::{Due, Holding, Member};
use super::past::Past;
use super::portrait::Portrait;
use super::{HandleError, Watch};
use crate::actor::Actor;
use crate::alert::Alert;
use crate::arn::{AccountId, Partition, Region};
use crate::decision::Occurrence;
use crate::hash::short_hash;
use crate::kinds::{Burst, BurstMember, KIND_NAMES, LowDigest};
use crate::ledger::held::{Held, Open};
use crate::ledger::{Acquired, Claim, Item, ItemKey, Listed, Memory};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::severity::Severity;
use crate::source::{Source, Via};
use crate::subject::Subject;
use crate::text::Untrusted;

/// Most alerts that one message names. A mail of a hundred is long; none of 256 KB is read.
const NAMED_AT_ONCE: usize = 100;

/// What all messages about one burst have in common.
struct Common {
    kind: &'static str,
    count: u64,
    since: Timestamp,
    series: String,
    rest: bool,
    subject: Subject,
    at: Timestamp,
    actor: Option<Actor>,
    source: Source,
}

/// Alerts about a burst, and what is to be noted once people have them.
#[derive(Default)]
pub(super) struct Bursts {
    pub(super) alerts: Vec<Alert>,
    pub(super) marks: Vec<(ItemKey, Item)>,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// The alerts about a burst that are due with `alert`, its member.
    pub(super) fn bursts(&self, alert: &Alert, holding: Holding) -> Bursts {
        let home = &self.config.alert_topic;
        let common = Common {
            kind: alert.kind,
            count: holding.count,
            since: holding.since,
            series: holding.series,
            rest: false,
            subject: Subject::Account {
                partition: alert.partition.clone(),
                account: alert.account.clone().unwrap_or(home.account().clone()),
                region: alert.region.clone().unwrap_or(home.region().clone()),
            },
            at: alert.occurred_at,
            actor: alert.actor.clone(),
            source: alert.source.clone(),
        };
        let mut members = holding.members;
        match holding.due {
            Due::All => {}
            Due::Owner(owner) => members.retain(|member| member.owner() == owner),
            Due::Later => return Bursts::default(),
        }
        self.word(&common, members)
    }

    /// One message, or more, for each owner of whose keys people are still to be told.
    fn word(&self, common: &Common, members: Vec<Member>) -> Bursts {
        let now = self.clock.now();
        let mut owners: BTreeMap<String, Vec<Member>> = BTreeMap::new();
        for member in members {
            let owner = member.owner().to_owned();
            owners.entry(owner).or_default().push(member);
        }
        let mut bursts = Bursts::default();
        for (owner, members) in owners {
            let (told, news): (Vec<_>, Vec<_>) = members.iter().partition(|m| m.held.told);
            // At a step everybody concerned hears how far it has come, also those to whom it is no news whose keys they are.
            let parts = news.chunks(NAMED_AT_ONCE).enumerate();
            let none: &[&Member] = &[];
            let parts = parts.chain(news.is_empty().then_some((0, none)));
            for (part, news) in parts {
                let before = if part == 0 { &told[..] } else { &[] };
                let room = NAMED_AT_ONCE - news.len();
                let named: Vec<&Member> = before.iter().take(room).chain(news).copied().collect();
                let kind = Burst {
                    of: common.kind,
                    count: if common.rest {
                        news.len() as u64
                    } else {
                        common.count
                    },
                    owner: Untrusted::new(&owner).non_empty(),
                    members: named.iter().map(|m| burst_member(&m.held)).collect(),
                    more: before.len().saturating_sub(room) as u64,
                    since: common.since,
                    event_name: common.source.event_name.clone(),
                    series: common.series.clone(),
                    part: part_of(common, news),
                    severity: worst(&named),
                    rest: common.rest,
                    on_feed: self.config.feed_topic.is_some(),
                };
                bursts.alerts.push(self.burst_alert(common, kind));
            }
            for Member { item, held } in news.into_iter().cloned() {
                let told = Held { told: true, ..held };
                bursts
                    .marks
                    .extend(item.map(|item| (item, told.change(now))));
            }
        }
        bursts.marks = merged(bursts.marks);
        bursts
    }

    fn burst_alert(&self, common: &Common, kind: Burst) -> Alert {
        let occurrence = Occurrence {
            kind: kind.into(),
            subject: common.subject.clone(),
            occurred_at: Some(common.at),
            actor: common.actor.clone(),
            source: common.source.clone(),
            call_id: None,
            unrecorded: None,
            sender: None,
        };
        let now = whole_seconds(self.clock.now());
        let (portrait, past) = (Portrait::blank(), Past::default());
        assess(&self.config, occurrence, common.at, now, portrait, &past).0
    }

    /// Tells the rest of every burst, by name. A sweep calls it, so that nothing waits longer than until the next one.
    ///
    /// # Errors
    ///
    /// If something could not be told, or the ledger does not say what there is. It stays open for the next time.
    pub async fn close_windows(&self, request: &str) -> Result<Vec<Alert>, HandleError> {
        let memory = Memory::new(self.ledger.as_ref());
        let home = home(&self.config);
        let mut lists = Listed::lists(&home);
        lists.push(Open::list(&home));
        let items = memory.read(&lists).await;
        // What waits for the end of its day does so.
        let now = self.clock.now();
        let open = items.iter().flat_map(Open::read_all);
        let open: Vec<_> = open
            .filter(|it| !it.is_of_day() || it.is_due(now))
            .collect();
        let mut failures: Vec<Failure> = Vec::new();
        if let Some(problem) = memory.problem() {
            failures.push(Failure::NotPublished(vec![problem.as_str().to_owned()]));
        }
        let (count, mut alerts) = (open.len(), Vec::new());
        for open in open {
            match Box::pin(self.close(&open, request)).await {
                Ok(told) => alerts.extend(told),
                Err(failure) => failures.push(failure),
            }
        }
        let (stopped, failed) = self.close_series(&items, request).await;
        alerts.extend(stopped);
        failures.extend(failed);
        if failures.is_empty() {
            return Ok(alerts);
        }
        Err(HandleError {
            alerts: count,
            failures,
        })
    }

    /// Tells the rest of the bursts that are over. What fails stays open for the next event, or the next sweep.
    pub(super) async fn close_due(&self, read: &[Item], request: &str) {
        let list = Open::list(&home(&self.config));
        let listed = read.iter().filter(|item| list.names(item));
        let now = self.clock.now();
        for open in listed.flat_map(Open::read_all).filter(|it| it.is_due(now)) {
            if let Err(failure) = Box::pin(self.close(&open, request)).await {
                tracing::warn!(function = self.function, %failure, "a burst stays open");
            }
        }
    }

    async fn close(&self, open: &Open, request: &str) -> Result<Vec<Alert>, Failure> {
        let memory = Memory::new(self.ledger.as_ref());
        let failed = || match memory.problem() {
            Some(problem) => Err(Failure::NotPublished(vec![problem.as_str().to_owned()])),
            None => Ok(()),
        };
        let keys = open.items();
        let items = memory.read(&keys).await;
        failed()?;
        let mut told = Vec::new();
        for alert in self.rest_of(open, held_in(&items)) {
            if self.tell_rest(&memory, &alert, request).await? {
                told.push(alert);
            }
        }
        for key in &keys {
            let held = items
                .iter()
                .filter(|item| key.names(item))
                .flat_map(Held::read_all);
            let gone = held.map(|held| (held.attribute(), Value::Null));
            memory.set(key, &gone.collect()).await;
        }
        let list = Open::list(&home(&self.config));
        memory.set(&list, &open.removal()).await;
        // What was held back while this was told.
        let new = held_in(&memory.read(&keys).await);
        if new.iter().any(|held| !held.told) {
            memory.set(&list, &open.change()).await;
        }
        Ok(told)
    }

    /// What people are to be told of what is held back.
    fn rest_of(&self, open: &Open, held: Vec<Held>) -> Vec<Alert> {
        if let Some(day) = open.day() {
            return self.low_digests(day, held);
        }
        let Some(common) = self.common(open, &held) else {
            return Vec::new();
        };
        let members = held.into_iter().filter(|held| !held.told);
        let members = members.map(|held| Member { item: None, held });
        self.word(&common, members.collect()).alerts
    }

    fn common(&self, open: &Open, held: &[Held]) -> Option<Common> {
        let home = &self.config.alert_topic;
        let (partition, account, region) = &open.place;
        let at = held.iter().filter(|held| !held.told).map(|held| held.at);
        Some(Common {
            kind: KIND_NAMES.into_iter().find(|name| *name == open.kind)?,
            count: held.iter().filter(|held| !held.told).count() as u64,
            since: open.since,
            series: open.item.sort.clone(),
            rest: true,
            subject: Subject::Account {
                partition: Partition::new(partition).unwrap_or(home.partition().clone()),
                account: AccountId::new(account).unwrap_or(home.account().clone()),
                region: Region::new(region).unwrap_or(home.region().clone()),
            },
            at: at.max()?,
            actor: open.actor.clone().map(|(kind, name, arn)| Actor {
                kind,
                name,
                arn,
                ..Actor::unknown()
            }),
            source: Source {
                via: Via::new(&open.via).unwrap_or(Via::CloudTrail),
                event_id: None,
                detail_type: None,
                event_name: open.event_name.clone(),
                replay: None,
            },
        })
    }

    /// Tells people of the rest of a burst, unless another has. `false` if so.
    async fn tell_rest(
        &self,
        memory: &Memory<'_, L>,
        burst: &Alert,
        request: &str,
    ) -> Result<bool, Failure> {
        let key = ItemKey::new(
            home(&self.config),
            format!("claim#{}#{}", burst.kind, burst.id),
        );
        let claim = Claim::new(key, request, burst.occurred_at, self.clock.now());
        let (claim, served) = match memory.acquire(claim, false, &self.clock).await {
            Acquired::Ours(claim) => ((*claim).clone(), claim.topics),
            // No item of the ledger keeps from people what is critical.
            Acquired::Told(claim) if burst.severity == Severity::Critical => {
                (*claim, BTreeSet::new())
            }
            Acquired::Told(_) => return Ok(false),
            Acquired::Held => return Err(Failure::Held(burst.kind.to_owned())),
        };
        let mut posts = self.posts_for_people(burst, "")?;
        if burst.kind == LowDigest::NAME {
            // Chat has each of them.
            posts.truncate(1);
        }
        let (served, failures) = self.publish(&posts, &served).await;
        if failures.is_empty() {
            self.log_handled(burst, served.len());
            memory.put(&[claim.delivered(served).item()]).await;
            return Ok(true);
        }
        memory.note(&claim.owing(served, self.clock.now())).await;
        Err(Failure::NotPublished(failures))
    }
}

/// The label of a message, the same for each try of it: whom it names.
fn part_of(common: &Common, news: &[&Member]) -> String {
    let mut ids: Vec<_> = news
        .iter()
        .map(|member| member.held.alert.as_str())
        .collect();
    ids.sort_unstable();
    format!("{}#{}", common.count, short_hash(&ids.join("\n")))
}

fn worst(members: &[&Member]) -> Severity {
    let severities = members.iter().map(|member| member.held.severity());
    severities.max().unwrap_or(Severity::Info)
}

fn burst_member(held: &Held) -> BurstMember {
    BurstMember {
        about: held.about.clone(),
        name: held.name.clone(),
        severity: Untrusted::new(&held.severity),
        alert_id: held.alert.clone(),
    }
}

fn held_in(items: &[Item]) -> Vec<Held> {
    items.iter().flat_map(Held::read_all).collect()
}

/// One change for each item.
fn merged(marks: Vec<(ItemKey, Item)>) -> Vec<(ItemKey, Item)> {
    let mut merged: Vec<(ItemKey, Item)> = Vec::new();
    for (key, change) in marks {
        match merged.iter_mut().find(|(known, _)| *known == key) {
            Some((_, changes)) => changes.extend(change),
            None => merged.push((key, change)),
        }
    }
    merged
}
