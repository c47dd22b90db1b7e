//! One key: what KMS says of it is remembered together with what is to be told.

use jiff::{SignedDuration, Timestamp};
use watch_core::arn::KeyArn;
use watch_core::config::SweepConfig;
use watch_core::key::State;
use watch_core::ledger::profile::Held;
use watch_core::ledger::{Item, ItemKey, Profile, alias};
use watch_core::ports::CallError;
use watch_core::text::Untrusted;

use super::drift::Access;
use super::run::Run;
use super::{Ports, Sweep};
use crate::difference::differences;
use crate::due::{Due, due};
use crate::look::{Look, Wants};
use crate::order::Depth;
use crate::roster::{Entry, hash_of_aliases};

/// A key that expires so much later than the first step of the countdown is not looked at every hour.
const EXPIRY_AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// What a look at a key left behind.
pub(super) struct Seen<'a> {
    pub(super) key: &'a KeyArn,
    pub(super) entry: Entry,
    pub(super) profile: Profile,
    /// What the watch may not see: the operation, and KMS's words.
    pub(super) hidden: Option<(&'static str, Untrusted)>,
    /// Differences that were held long enough.
    pub(super) ripe: Vec<Held>,
    /// What is due.
    pub(super) due: Vec<Due>,
}

impl Seen<'_> {
    /// There is something to tell.
    pub(super) fn has_news(&self) -> bool {
        !self.ripe.is_empty() || !self.due.is_empty()
    }
}

impl<W: Ports> Sweep<W> {
    /// Looks at one key, and remembers what is new together with what is to be told of it. `None` if there is no time.
    pub(super) async fn look<'a>(
        &self,
        run: &Run<'_, W>,
        items: &[Item],
        key: &'a KeyArn,
        known: Option<&Entry>,
    ) -> Result<Option<Seen<'a>>, CallError> {
        if run.is_over() {
            return Ok(None);
        }
        let (at, partition) = (run.at, key.to_string());
        let find = |name: &ItemKey| items.iter().find(|item| name.names(item));
        let before = find(&Profile::key(&partition)).map_or_else(Profile::default, Profile::read);
        let mut entry = known.cloned().unwrap_or_default();
        let aliases = run.aliases.as_ref().map(|aliases| aliases.of(key).to_vec());
        let depth = known.map_or(Depth::Full, |_| run.depth);
        let wants = Wants {
            depth,
            policy: depth == Depth::Full,
            shares: depth == Depth::Full,
            grants: depth == Depth::Full && self.config.grants,
            before: &before,
        };
        let look = Look::at(&self.kms, key, aliases, wants).await;
        run.looked_at.update(|count| count + 1);

        let profile = if look.is_managed() {
            before
        } else {
            let access = self
                .compare_access(run, key, &look, items, &mut entry)
                .await?;
            // Of what a sweep has seen, what is new is told, whatever the ledger says of the sweeps before.
            let is_news = known.is_some() || !run.first;
            self.learn(run, key, &look, (&before, is_news), access)
                .await?
        };
        // What is said to be found in the future was not written by a sweep, and must not wait until then.
        let is_ripe = |held: &&Held| {
            at.duration_since(held.found_at) >= self.config.hold || held.found_at > at
        };
        let hidden = look.blind_spot();
        Ok(Some(Seen {
            key,
            entry: Entry {
                watched: is_watched(&profile, &look, &self.config, at),
                managed: look.is_managed(),
                policy_known: entry.policy_known,
                policy_hash: entry.policy_hash,
                shared_hash: entry.shared_hash,
                grants_hash: entry.grants_hash,
                aliases: look
                    .aliases
                    .as_deref()
                    .map_or(entry.aliases, hash_of_aliases),
                use_asked: entry.use_asked,
                gone_since: None,
            },
            hidden: hidden.map(|(operation, error)| (operation, error.reason())),
            ripe: profile.held.iter().filter(is_ripe).cloned().collect(),
            due: due(&profile, &self.config, at),
            profile,
        }))
    }

    /// Writes what a look found into the ledger: what is known of the key from now on.
    async fn learn(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        look: &Look,
        (before, is_news): (&Profile, bool),
        access: Access,
    ) -> Result<Profile, CallError> {
        let (at, partition) = (run.at, key.to_string());
        let mut profile = before.clone();
        look.teach(&mut profile, at);
        profile.note_owners(before, &self.config.alerts.owner_tag_key, at);
        let mut found = access.held;
        if is_news {
            found.extend(differences(before, &profile, at));
        }
        let is_new = |found: &Held| {
            let mut held = before.held.iter();
            held.all(|held| (&held.kind, &held.what) != (&found.kind, &found.what))
        };
        profile.held.extend(found.into_iter().filter(is_new));
        let changes = before.changes(&profile, at);
        run.store.set(&Profile::key(&partition), &changes).await?;
        let mut news = alias::sighted(&run.account, key, before, &profile, at);
        news.extend(access.items);
        run.store.put(&news).await?;
        Ok(profile)
    }
}

/// Every sweep has to look at the key: its state will change by itself, or it is not known how it stands.
fn is_watched(profile: &Profile, look: &Look, config: &SweepConfig, at: Timestamp) -> bool {
    let Some(metadata) = profile.metadata.as_ref().map(|known| &known.value) else {
        return look.is_owed();
    };
    let is_settled = matches!(metadata.state, Some(State::Enabled | State::Disabled));
    let first_step = config
        .alerts
        .expiry_warning_days
        .first()
        .copied()
        .unwrap_or_default();
    let ahead = SignedDuration::from_hours(i64::from(first_step) * 24) + EXPIRY_AHEAD;
    let expires = metadata
        .expires_at
        .is_some_and(|end| end.duration_since(at) <= ahead);
    !is_settled || expires || !profile.held.is_empty() || look.is_owed()
}
