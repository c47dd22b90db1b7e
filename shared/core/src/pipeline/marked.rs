//! Last stage: the ledger knows that it was told, and what was learnt of the key.

use futures_util::future::{join_all, join5};

use super::ended::Told;
use super::gathered::when;
use super::letters::Letters;
use super::raised::note_alarm;
use super::served::Served;
use super::{Verdict, Watch};
use crate::ledger::history::{Entry, Heard};
use crate::ledger::{Item, Memory, PARTITION_KEY, Profile, SORT_KEY, alias};
use crate::ports::{Clock, Kms, Ledger, Topics};

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Writes down what was told and learnt.
    pub(super) async fn mark(&self, memory: &Memory<'_, L>, served: Served, request: &str) -> Told {
        let Served {
            letters, topics, ..
        } = served;
        let nobody = topics.is_empty();
        let mut marks = vec![letters.claim.clone().delivered(topics).item()];
        marks.extend(remembered(&letters));
        let Letters {
            alert,
            bursts,
            reason,
            for_people,
            folded,
            heard,
            frame,
            learnt,
            place,
            burst_marks,
            ..
        } = letters;
        let changes = if frame.has_profile() {
            learnt.before.changes(&learnt.profile, frame.now)
        } else {
            Item::new()
        };
        let profile = Profile::key(&frame.partition);
        let uncount = self.uncount(memory, place.as_ref().filter(|_| !for_people));
        let of_burst = burst_marks
            .iter()
            .map(|(key, change)| memory.set(key, change));
        let is_mailed = heard == Heard::Alone;
        join5(
            memory.put(&marks),
            memory.set(&profile, &changes),
            uncount,
            join_all(of_burst),
            when(is_mailed, self.list_series(memory, &alert, &frame)),
        )
        .await;
        self.close_due(&learnt.read, request).await;

        let mut alerts = vec![alert];
        alerts.extend(bursts);
        Told {
            verdict: if folded || nobody {
                Verdict::Suppressed
            } else {
                Verdict::Delivered
            },
            alerts,
            reason,
        }
    }
}

/// What goes into the same batch as the claim, each item once.
fn remembered(letters: &Letters) -> Vec<Item> {
    let Letters {
        alert,
        frame,
        learnt,
        for_people,
        heard,
        ..
    } = letters;
    let (now, at) = (frame.now, frame.at);
    let entry = alert.entry(*heard, now);
    let mut items = vec![entry.item(&frame.partition)];
    if let (Some(repeats), Some(series)) = (&learnt.repeats, &frame.series) {
        let sort = Entry::key(&frame.partition, at, &alert.id).sort;
        let mailed_as = (*heard == Heard::Alone).then_some(sort.as_str());
        items.push(series.told(repeats, at, mailed_as, now));
    }
    items.extend(note_alarm(
        &alert.details,
        &alert.id,
        frame,
        &learnt.read,
        !for_people,
    ));
    items.extend(learnt.items.iter().cloned());
    if let Some(key) = frame.subject.key() {
        let account = frame.subject.account_key();
        let sighted = alias::sighted(&account, key, &learnt.before, &learnt.profile, now);
        // A batch holds an item once, and what the event says is surer than what KMS lists.
        let new: Vec<_> = sighted.into_iter().filter(is_new(&items)).collect();
        items.extend(new);
    }
    items
}

/// Tells the items that are not among `items`.
fn is_new(items: &[Item]) -> impl Fn(&Item) -> bool + '_ {
    |item| {
        let name = |item: &Item| [PARTITION_KEY, SORT_KEY].map(|part| item.get(part).cloned());
        items.iter().all(|other| name(other) != name(item))
    }
}
