//! Custom key stores that do not work.

use watch_core::arn::KeyStoreId;
use watch_core::decision::Occurrence;
use watch_core::kinds::KeyStoreUnhealthy;
use watch_core::ledger::Profile;
use watch_core::ledger::profile::Dated;
use watch_core::subject::Subject;
use watch_core::text::Untrusted;

use super::run::Run;
use super::{Ports, Sweep};
use crate::census::key_stores;
use crate::position::{Episode, Position};
use crate::tally::Tally;

impl<W: Ports> Sweep<W> {
    /// Custom key stores that do not work: told once, until they work again.
    pub(super) async fn stores(&self, run: &Run<'_, W>, position: &mut Position) {
        let stores = match key_stores(&self.kms).await {
            Ok(stores) => stores,
            Err(error) => {
                run.note(format!("the key stores were not listed: {error}"));
                return;
            }
        };
        let known = std::mem::take(&mut position.stores);
        for (id, data) in stores {
            let word =
                |word: &Option<Untrusted>| word.as_ref().map(|word| word.as_str().to_owned());
            let state = word(&data.connection_state).unwrap_or_default();
            let error_code = word(&data.error_code);
            let before = known.get(id.as_str());
            let holds_keys = position
                .keys_by_store
                .get(id.as_str())
                .is_some_and(|keys| *keys > 0);
            let is_down = state == "FAILED" || (state == "DISCONNECTED" && holds_keys);
            let episode = match before {
                Some(before) if before.state == state && before.error_code == error_code => {
                    before.clone()
                }
                before => Episode {
                    worked_at: before.and_then(|before| before.worked_at),
                    state,
                    error_code,
                    since: run.at,
                    told: false,
                },
            };
            let episode = self.store_episode(run, &id, is_down, episode).await;
            position.stores.insert(id.as_str().to_owned(), episode);
        }
    }

    async fn store_episode(
        &self,
        run: &Run<'_, W>,
        id: &KeyStoreId,
        is_down: bool,
        mut episode: Episode,
    ) -> Episode {
        if !is_down {
            episode.worked_at = Some(run.at);
            return episode;
        }
        // What somebody did has an event of its own, which may be late.
        let may_be_told = episode.state == "DISCONNECTED" && !run.first;
        if episode.told || (may_be_told && run.at.duration_since(episode.since) < self.config.hold)
        {
            return episode;
        }
        let subject = self.store_subject(id);
        if may_be_told && self.was_disconnected(run, &subject, &episode).await {
            episode.told = true;
            return episode;
        }
        let error_code = episode.error_code.as_deref().map(Untrusted::new);
        let state = Untrusted::new(&episode.state);
        let kind = KeyStoreUnhealthy::of_sweep(episode.since, &state, error_code.as_ref());
        let occurrence = Occurrence::of_sweep(subject, kind, episode.since, None);
        episode.told = self.tell(run, occurrence).await;
        episode
    }

    fn store_subject(&self, id: &KeyStoreId) -> Subject {
        let home = self.account();
        Subject::KeyStore {
            partition: home.partition().clone(),
            account: home.account().clone(),
            region: home.region().clone(),
            id: id.clone(),
        }
    }

    /// Remembers which keys each custom key store holds, and what depends on them: an alert about the key store has no time to
    /// look for them.
    pub(super) async fn note_keys_of_stores(&self, run: &Run<'_, W>, tally: &mut Tally) {
        for (id, keys) in std::mem::take(&mut tally.store_keys) {
            let Some(id) = KeyStoreId::new(&id) else {
                continue;
            };
            let profile = Profile {
                store_keys: Some(Dated {
                    value: keys,
                    as_of: run.at,
                }),
                ..Profile::default()
            };
            let change = Profile::default().changes(&profile, run.at);
            let key = Profile::key(&self.store_subject(&id).partition_key());
            if let Err(error) = run.store.set(&key, &change).await {
                run.note(format!("the keys of a key store were not noted: {error}"));
            }
        }
    }

    /// People know that somebody disconnected the key store, since it last worked.
    async fn was_disconnected(
        &self,
        run: &Run<'_, W>,
        subject: &Subject,
        episode: &Episode,
    ) -> bool {
        let item = run.store.get(Profile::key(&subject.partition_key())).await;
        let profile = item
            .ok()
            .flatten()
            .map_or_else(Profile::default, |item| Profile::read(&item));
        let told = profile.tellings.get("KeyStoreDisconnected");
        told.is_some_and(|told| episode.worked_at.is_none_or(|worked| told.at >= worked))
    }
}
