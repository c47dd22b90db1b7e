//! One part of the roster: which of its keys are worth a look, and what is done with them.

use std::ops::Range;

use futures_util::stream::{self, StreamExt};
use watch_core::arn::KeyArn;
use watch_core::ports::CallError;
use watch_core::text::Untrusted;

use super::drift::items_of;
use super::gone::Fate;
use super::key::Seen;
use super::run::Run;
use super::{Ports, Sweep};
use crate::access;
use crate::census::Keys;
use crate::listing::{self, Row, Rows};
use crate::order::Depth;
use crate::roster::{self, Entries, Entry, SHARDS, hash_of_aliases};
use crate::still::Still;
use crate::tally::{Hidden, Tally};

/// Keys that are looked at at once. With answers in 20 ms that is enough for every quota.
const LOOKS_AT_ONCE: usize = 48;
/// So many keys are looked at before the position is noted.
const STRETCH: usize = 64;
/// Profiles that are read at once.
const PROFILES_AT_ONCE: usize = 50;

/// The parts of the roster from `shard` on that are dealt with together: those of a small account are small, and those that
/// are `left` as they are cost nothing.
pub(super) fn stretch(keys: &Keys, shard: u8, left: impl Fn(u8) -> bool) -> Range<u8> {
    let (mut end, mut count) = (shard, 0);
    while end < SHARDS && count < STRETCH {
        if !left(end) {
            count += keys.shard(end).len();
        }
        end += 1;
    }
    shard..end
}

/// What is said of a key that is there, and not on the list.
const LEFT_OUT: &str = "the list leaves out this key, which KMS knows";

/// Whether KMS lists a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    Yes,
    No,
}

/// What becomes of a part.
#[derive(Default)]
struct Part<'a> {
    /// What the roster says of it from now on.
    after: Entries,
    counted: Tally,
    /// The rows of those that were looked at.
    rows: Rows,
    /// Keys of which there is something to tell.
    seen: Vec<Seen<'a>>,
}

impl<W: Ports> Sweep<W> {
    /// Looks at the keys of one part of the roster, and counts them. `None` if there was no time for all.
    pub(super) async fn part(
        &self,
        run: &Run<'_, W>,
        listed: &[KeyArn],
        number: u8,
        (before, list): &(Entries, listing::Part),
    ) -> Result<Option<Tally>, CallError> {
        let mut part = Part::default();
        let worth = part.sort_out(run, listed, before);
        if !self
            .look_at_all(run, &worth, Listed::Yes, &mut part)
            .await?
        {
            return Ok(None);
        }
        let left_out = self.left_out(run, before, &mut part).await?;
        let left_out: Vec<_> = left_out
            .iter()
            .map(|(key, known)| (key, Some(known)))
            .collect();
        if !self
            .look_at_all(run, &left_out, Listed::No, &mut part)
            .await?
        {
            return Ok(None);
        }
        let Part {
            after,
            counted,
            rows,
            seen,
        } = part;
        self.tell_all(run, seen).await?;
        let shown = list.followed_by(rows_of(&after, rows, list), run.at);
        let mut items = Vec::new();
        if after != *before {
            items.push(roster::item(&run.account, number, &after));
        }
        if shown != *list {
            items.push(shown.item(&run.account, number));
        }
        run.store.put(&items).await?;
        // Of one that did not change, too: a run that died here had written it, and noted nothing.
        run.list.borrow_mut().note(number, &shown);
        let still = Still::of(listed, run.aliases.as_ref(), &after);
        run.still.borrow_mut().note(number, still);
        run.note_use_due(number, &after);
        Ok(Some(counted))
    }

    /// The keys of the roster that are not listed, and are there all the same. They are looked at like the others: a list
    /// that leaves keys out must not pass for an account without them.
    async fn left_out(
        &self,
        run: &Run<'_, W>,
        before: &Entries,
        part: &mut Part<'_>,
    ) -> Result<Vec<(KeyArn, Entry)>, CallError> {
        let mut there = Vec::new();
        for (id, entry) in before {
            let Some(key) = self.key(id).filter(|_| !part.after.contains_key(id)) else {
                continue;
            };
            if entry.managed && run.listed == 0 {
                part.counted.aws_managed += 1;
                part.after.insert(id.clone(), entry.clone());
                continue;
            }
            match self.missing(run, &key, entry).await? {
                Fate::Gone => {}
                Fate::Kept(entry) => {
                    part.after.insert(id.clone(), entry);
                }
                Fate::There(entry) => {
                    run.left_out.update(|count| count + 1);
                    part.after.insert(id.clone(), entry.clone());
                    there.push((key, entry));
                }
            }
        }
        Ok(there)
    }

    /// Looks at keys. Whether there was time for all.
    async fn look_at_all<'a>(
        &self,
        run: &Run<'_, W>,
        worth: &[(&'a KeyArn, Option<&Entry>)],
        listed: Listed,
        part: &mut Part<'a>,
    ) -> Result<bool, CallError> {
        for some in worth.chunks(PROFILES_AT_ONCE) {
            let names: Vec<_> = some
                .iter()
                .flat_map(|(key, known)| items_of(key, *known, self.config.grants))
                .collect();
            let items = &run.store.read(&names).await?;
            let looks = some
                .iter()
                .map(|(key, known)| Box::pin(self.look(run, items, key, *known)));
            let mut looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
            while let Some(seen) = looks.next().await {
                let Some(seen) = seen? else {
                    return Ok(false);
                };
                self.count(run, &seen, listed, part);
                if seen.has_news() {
                    part.seen.push(seen);
                }
            }
        }
        Ok(true)
    }

    fn count(&self, run: &Run<'_, W>, seen: &Seen<'_>, listed: Listed, part: &mut Part<'_>) {
        let entry = Entry {
            watched: seen.entry.watched || listed == Listed::No,
            ..seen.entry.clone()
        };
        part.after.insert(seen.key.id().to_owned(), entry);
        if seen.entry.managed {
            part.counted.aws_managed += 1;
            return;
        }
        let left_out = ("ListKeys", Untrusted::new(LEFT_OUT));
        let left_out = Some(&left_out).filter(|_| listed == Listed::No);
        let hidden = seen.hidden.as_ref().or(left_out);
        let hidden = hidden.map(|(operation, reason)| Hidden { operation, reason });
        let owner_tag_key = &self.config.alerts.owner_tag_key;
        let drifted = seen.ripe.iter().any(|held| held.kind == access::KIND);
        let row = Row {
            drifted_at: drifted.then_some(run.at),
            hidden: hidden.is_some(),
            ..Row::of(seen.key, &seen.profile, owner_tag_key)
        };
        part.rows.insert(row.id.clone(), row);
        part.counted.add(
            seen.key,
            &seen.profile,
            hidden.as_ref(),
            owner_tag_key,
            run.since,
            run.at,
        );
    }
}

impl Part<'_> {
    /// The keys that are worth a look, with what the roster says of them. The others stay as they are known.
    fn sort_out<'k, 'e, W: Ports>(
        &mut self,
        run: &Run<'_, W>,
        listed: &'k [KeyArn],
        before: &'e Entries,
    ) -> Vec<(&'k KeyArn, Option<&'e Entry>)> {
        let names = run.aliases.as_ref();
        let mut worth = Vec::new();
        for key in listed {
            let known = before.get(key.id());
            let is_managed = names.is_some_and(|names| names.tell_managed(key))
                || known.is_some_and(|entry| entry.managed);
            match known {
                _ if is_managed => {
                    self.counted.aws_managed += 1;
                    let managed = Entry {
                        managed: true,
                        ..Entry::default()
                    };
                    self.after.insert(key.id().to_owned(), managed);
                }
                Some(entry)
                    if run.depth == Depth::Light
                        && !entry.moves(names.map(|names| hash_of_aliases(names.of(key)))) =>
                {
                    self.after.insert(key.id().to_owned(), entry.clone());
                }
                known => worth.push((key, known)),
            }
        }
        worth
    }
}

/// The rows of the customer keys of a part: of those that this sweep did not look at, as they were shown before.
fn rows_of(after: &Entries, mut looked_at: Rows, before: &listing::Part) -> Rows {
    let customers = after.iter().filter(|(_, entry)| !entry.managed);
    let row = |id: &String| {
        let before = before.rows.get(id);
        let Some(row) = looked_at.remove(id) else {
            return before.cloned();
        };
        let drifted_before = before.and_then(|before| before.drifted_at);
        Some(Row {
            drifted_at: row.drifted_at.or(drifted_before),
            ..row
        })
    };
    let rows: Vec<_> = customers.map(|(id, _)| id).filter_map(row).collect();
    rows.into_iter().map(|row| (row.id.clone(), row)).collect()
}
