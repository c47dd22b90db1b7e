//! The watch itself: whether it can still tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use watch_core::arn::TopicArn;
use watch_core::decision::Occurrence;
use watch_core::kinds::{Deployment, LastCanary, WatchChanged};
use watch_core::ledger::history::Entry;
use watch_core::ledger::{Item, ItemKey};
use watch_core::ports::{CallError, CallErrorKind, Datum, MetricUnit, Parts, Workers};
use watch_core::stack::Stack;

use super::run::Run;
use super::{Ports, Sweep};
use crate::attest::noted::{Facets, Noted, Seen};
use crate::attest::rules::Deployed;
use crate::attest::{
    Audience, Finding, Group, alarms, canary, functions, listeners, of_topic, queues, rules,
    trails, unseen, weigh,
};
use crate::order::Depth;
use crate::position::Position;
use crate::tally::datum;

/// Longest wait for all answers about a group.
const PATIENCE: Duration = Duration::from_secs(60);
/// As much of a long stack's name is left in any name of a rule.
const PREFIX: usize = 18;
/// Clocks of two services differ by less.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What a look at the watch found.
#[derive(Default)]
struct Look {
    findings: Vec<Finding>,
    /// The groups that were seen.
    groups: BTreeSet<Group>,
    seen: Seen,
    data: Vec<Datum>,
}

/// What a sweep looks at beside what it always does.
#[derive(Clone, Copy)]
struct Wanted {
    targets: bool,
    functions: bool,
    trails: bool,
}

/// What the ledger has of the watch, as far as alerts prove it.
struct Remembered {
    noted: Option<Noted>,
    deployed_at: Option<Timestamp>,
    canary_at: Option<Timestamp>,
}

impl Remembered {
    /// What is seen now may be the doing of a deployment, or was never noted.
    fn is_open(&self, at: Timestamp) -> bool {
        let noted = self.noted.as_ref();
        noted.is_none_or(|noted| noted.is_open(self.deployed_at, at))
    }
}

impl Look {
    /// Takes in what was found of a group, or that it could not be seen.
    fn take(&mut self, group: Group, found: Result<Vec<Finding>, CallError>) {
        match found {
            Ok(findings) => {
                self.groups.insert(group);
                self.findings.extend(findings);
            }
            Err(error) => self.findings.push(unseen(group, &error)),
        }
    }
}

impl<W: Ports> Sweep<W> {
    /// Looks at the parts of the watch, and tells what is wrong with them, once. The measurements go to alarms that need no
    /// topic of alerts.
    pub(super) async fn attest(&self, run: &Run<'_, W>, position: &mut Position) -> Vec<Datum> {
        let Some(health) = &self.config.health_topic else {
            return Vec::new();
        };
        let mut look = Look::default();
        self.look_at_topics(run, health, &mut look).await;
        if let Some(stack) = self.config.alerts.stack()
            && !self.config.watched_functions.is_empty()
        {
            let remembered = self.remembered(run).await;
            let is_open = remembered.as_ref().is_none_or(|it| it.is_open(run.at));
            let wanted = |group: Group| {
                run.depth == Depth::Full || position.wrong.keys().any(|name| group.has(name))
            };
            let wanted = Wanted {
                targets: wanted(Group::Rules),
                functions: is_open || wanted(Group::Functions),
                trails: wanted(Group::Trails),
            };
            self.look_at_parts(&stack, health, wanted, &mut look).await;
            match remembered {
                Some(remembered) => self.compare(run, position, remembered, &mut look).await,
                None => run.note("what was noted of the watch could not be read".to_owned()),
            }
        }
        self.tell_findings(run, position, look).await
    }

    async fn look_at_topics(&self, run: &Run<'_, W>, health: &TopicArn, look: &mut Look) {
        let topics = [
            (&self.config.alerts.alert_topic, Audience::Alerts),
            (health, Audience::Health),
        ];
        look.groups.insert(Group::Topics);
        for (topic, audience) in topics {
            let subscriptions = self.parts.subscriptions(topic).await;
            if let Ok(subscriptions) = &subscriptions {
                let count = listeners(subscriptions, audience) as f64;
                let stack = self.stack_name().map(|name| ("Stack", name.to_owned()));
                let topic = ("Topic", audience.as_str().to_owned());
                look.data.push(Datum {
                    // By the stack, like the age of a sweep: no other one speaks for this.
                    dimensions: stack.into_iter().chain([topic]).collect(),
                    ..datum("Listeners", MetricUnit::Count, count, run.at)
                });
            }
            look.findings
                .extend(of_topic(topic, audience, &subscriptions));
        }
    }

    /// Looks at what a call or two tell, and at the rest if it is wanted.
    async fn look_at_parts(
        &self,
        stack: &Stack<'_>,
        health: &TopicArn,
        wanted: Wanted,
        look: &mut Look,
    ) {
        let found = patiently(self.rules(stack, health, wanted.targets)).await;
        look.take(Group::Rules, found);
        let found = patiently(self.alarms(stack, &mut look.seen)).await;
        look.take(Group::Alarms, found);
        let found = patiently(self.queues(&mut look.seen)).await;
        look.take(Group::Queues, found);
        if wanted.functions {
            let found = patiently(self.functions(&mut look.seen)).await;
            look.take(Group::Functions, found);
        }
        if wanted.trails {
            let found = patiently(async { Ok(trails::judge(&self.parts.trails().await?)) }).await;
            look.take(Group::Trails, found.map(Vec::from_iter));
        }
    }

    /// Every sweep sees the rules; where they lead takes a call for each.
    async fn rules(
        &self,
        stack: &Stack<'_>,
        health: &TopicArn,
        with_targets: bool,
    ) -> Result<Vec<Finding>, CallError> {
        let prefix: String = stack.name.chars().take(PREFIX).collect();
        let mut deployed: Vec<Deployed> = Vec::new();
        for rule in self.parts.rules(&prefix).await? {
            if stack.resource(&rule.name).is_none() {
                continue;
            }
            let targets = match with_targets {
                true => Some(self.parts.targets(&rule.name).await?),
                false => None,
            };
            deployed.push((rule, targets));
        }
        let expected = rules::expected_with(&self.config.watched_functions, stack);
        Ok(rules::judge(&expected, &deployed, stack, health))
    }

    async fn functions(&self, seen: &mut Seen) -> Result<Vec<Finding>, CallError> {
        let mut found = Vec::new();
        let mut noted = BTreeMap::new();
        for name in &self.config.watched_functions {
            match self.parts.function(name).await {
                Ok(function) => {
                    found.extend(functions::judge(name, &function));
                    noted.insert(name.clone(), functions::facets(&function));
                }
                Err(error) if error.kind() == CallErrorKind::NotFound => {
                    found.push(functions::missing(name));
                }
                Err(error) => return Err(error),
            }
        }
        seen.functions = Some(noted);
        Ok(found)
    }

    async fn alarms(&self, stack: &Stack<'_>, seen: &mut Seen) -> Result<Vec<Finding>, CallError> {
        let prefix = format!("{}-", stack.name);
        let all = self.parts.alarms(&prefix).await?;
        // Another stack's name may begin in the same way.
        let own = all
            .into_iter()
            .filter(|alarm| stack.resource(&alarm.name).is_some());
        let own: Vec<_> = own.collect();
        let mut found = Vec::from_iter(alarms::judge(&own, stack));
        let noted: BTreeMap<String, Facets> = own
            .iter()
            .map(|alarm| (alarm.name.clone(), alarms::facets(alarm)))
            .collect();
        let rules = self.parts.mute_rules().await?;
        let longest = self.config.alerts.longest_mute_hours;
        found.extend(alarms::muted(&rules, stack, longest));
        seen.alarms = Some(noted);
        Ok(found)
    }

    async fn queues(&self, seen: &mut Seen) -> Result<Vec<Finding>, CallError> {
        let mut found = Vec::new();
        let mut noted = BTreeMap::new();
        for url in &self.config.watched_queues {
            match self.parts.queue(url).await {
                Ok(attributes) => {
                    found.extend(queues::judge(url, &attributes));
                    let name = queues::name_of(url).to_owned();
                    noted.insert(name, queues::facets(&attributes));
                }
                Err(error) if error.kind() == CallErrorKind::NotFound => {
                    found.push(queues::missing(url));
                }
                Err(error) => return Err(error),
            }
        }
        seen.queues = Some(noted);
        Ok(found)
    }

    /// What the ledger has of the watch; `None` if it gives no answer.
    async fn remembered(&self, run: &Run<'_, W>) -> Option<Remembered> {
        let names = [
            Noted::key(&run.account),
            Deployment::key(&run.account),
            LastCanary::key(&run.account),
        ];
        let items = run.store.read(&names).await.ok()?;
        let item = |name: &ItemKey| items.iter().find(|item| name.names(item));
        let [noted, deployment, canary] = names.each_ref().map(item);
        let deployment = deployment.and_then(Deployment::read);
        let deployment = deployment.and_then(|it| it.proof(&run.account));
        let canary = canary.and_then(LastCanary::read);
        let canary = canary.and_then(|it| it.proof(&run.account));
        let deployed = |entry: &Entry| entry.deployment && entry.kind == "WatchChanged";
        let came = |entry: &Entry| entry.kind == "WatchCanary";
        let at = |entry: Option<Entry>| entry.map(|entry| entry.occurred_at);
        Some(Remembered {
            noted: noted.and_then(Noted::read),
            deployed_at: at(self.proof(run, deployment, deployed).await),
            canary_at: at(self.proof(run, canary, came).await),
        })
    }

    /// Holds what was seen against what the ledger noted, and looks whether the canary came.
    async fn compare(
        &self,
        run: &Run<'_, W>,
        position: &mut Position,
        remembered: Remembered,
        look: &mut Look,
    ) {
        let is_open = remembered.is_open(run.at);
        let Remembered {
            noted, canary_at, ..
        } = remembered;
        look.groups.insert(Group::Canary);
        let since = position.watching_since.map_or(run.at, |it| it.min(run.at));
        position.watching_since = Some(since);
        look.findings
            .extend(canary::judge(canary_at, since, run.at));

        let seen = std::mem::take(&mut look.seen);
        let new = match noted {
            None => {
                if std::mem::replace(&mut position.parts_noted, true) {
                    look.findings.push(canary::forgotten());
                }
                Noted::first(seen, run.at)
            }
            Some(mut noted) if is_open => {
                noted.take(seen, run.at);
                noted
            }
            Some(mut noted) => {
                look.findings.extend(noted.compare(&seen));
                if !noted.learn(&seen) {
                    return;
                }
                noted
            }
        };
        if let Err(error) = run.store.put(&[new.item(Noted::key(&run.account))]).await {
            run.note(format!("the parts of the watch were not noted: {error}"));
        }
    }

    /// The alert that an item of the ledger names, if the history has it, it tells of that, and it is not of the future.
    async fn proof(
        &self,
        run: &Run<'_, W>,
        name: Option<ItemKey>,
        tells: impl Fn(&Entry) -> bool,
    ) -> Option<Entry> {
        let name = name?;
        let item: Option<Item> = run.store.get(name.clone()).await.unwrap_or_default();
        let entry = Entry::read(&item?)?;
        let is_it = Entry::key(&run.account, entry.occurred_at, &entry.alert_id) == name;
        let ahead = entry.occurred_at.duration_since(run.at) > SKEW;
        (is_it && tells(&entry) && !ahead).then_some(entry)
    }

    /// Tells each finding once: by its name it is a duplicate as long as it stays, and a new one when it comes again.
    async fn tell_findings(
        &self,
        run: &Run<'_, W>,
        position: &mut Position,
        look: Look,
    ) -> Vec<Datum> {
        let known = std::mem::take(&mut position.wrong);
        let (due, wrong) = weigh(look.findings, &known, &look.groups, run.at);
        let region = self.config.alerts.alert_topic.region();
        for (finding, since) in due {
            let finding = finding.since(since, self.stack_name(), region);
            let kind = WatchChanged::of_sweep(finding);
            let occurrence = Occurrence::of_sweep(self.account(), kind, since, None);
            self.tell(run, occurrence).await;
        }
        position.wrong = wrong;
        look.data
    }
}

/// What is asked about a group, or that it takes too long.
async fn patiently<T>(look: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let found = tokio::time::timeout(PATIENCE, look).await;
    found.unwrap_or_else(|_| Err(CallError::timeout(PATIENCE)))
}
