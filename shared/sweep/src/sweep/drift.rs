//! Policies or grants that are not as they were known: found with the look at a key, told when nobody else did.

use watch_core::answers::Grant;
use watch_core::arn::KeyArn;
use watch_core::decision::Occurrence;
use watch_core::kinds::{
    GrantCreated, GrantRevoked, GrantTold, KeyAccessDrifted, KeyPolicyChanged, KeyShareEnded,
    KeyShared, Kind,
};
use watch_core::ledger::profile::Held;
use watch_core::ledger::{Item, ItemKey, Policy, Profile};
use watch_core::ports::CallError;
use watch_core::subject::Subject;
use watch_core::text::Untrusted;

use super::run::Run;
use super::{Ports, Sweep};
use crate::access::{Drifted, KnownGrants, is_same_policy, lets_in_strangers, policy_hash};
use crate::look::{Look, all_grants};
use crate::missed::recorded;
use crate::roster::Entry;

/// How it stands with a difference, some time after it was found.
enum Still {
    /// An event told of it, or it is none any more.
    Told,
    /// It is there, and this would have told of it.
    There(Box<Kind>),
    /// What was made is not there any more.
    Gone,
}

/// What a look found about who may use a key.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// To be told, unless an event does.
    pub(super) held: Vec<Held>,
    /// What is known from now on.
    pub(super) items: Vec<Item>,
}

impl<W: Ports> Sweep<W> {
    /// Compares a key's policy and grants with what is known; what the roster keeps of them is put into `entry`.
    pub(super) async fn compare_access(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        look: &Look,
        items: &[Item],
        entry: &mut Entry,
    ) -> Result<Access, CallError> {
        let mut access = Access::default();
        let remembered = async |name: ItemKey, was_read: bool| match was_read {
            true => Ok(items.iter().find(|item| name.names(item)).cloned()),
            false => run.store.get(name).await,
        };
        let mut found = Vec::new();
        if let Some(Ok(live)) = &look.policy {
            let hash = Some(policy_hash(live));
            if entry.policy_hash != hash {
                let name = Policy::key(&key.to_string());
                let item = remembered(name, entry.policy_hash.is_none()).await?;
                let known = item.as_ref().and_then(Policy::read);
                found.extend(self.compare_policy(run, key, live, known, &mut access));
                (entry.policy_hash, entry.policy_known) = (hash, true);
            }
        }
        if let Some(Ok(live)) = &look.shared {
            found.extend(self.compare_share(key, live.as_deref(), entry));
        }
        if let Some(Ok(live)) = &look.grants
            && entry.grants_hash != Some(KnownGrants::of(live, key.account()).hash())
        {
            let name = KnownGrants::key(&key.to_string());
            let item = remembered(name, entry.grants_hash.is_none()).await?;
            let known = item.as_ref().and_then(KnownGrants::read);
            let known = known.filter(|_| entry.grants_hash.is_some() || !run.first);
            let known = compare_grants(key, live, known, &mut found);
            entry.grants_hash = Some(known.hash());
            access.items.push(known.item(&key.to_string()));
        }
        let known_at = run.full_at.unwrap_or(run.at);
        access.held = found
            .iter()
            .map(|drifted| drifted.held(known_at, run.at))
            .collect();
        Ok(access)
    }

    fn compare_policy(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        live: &str,
        known: Option<Policy>,
        access: &mut Access,
    ) -> Option<Drifted> {
        if let Some(known) = known {
            // An event told of it, if it is the one that the ledger has.
            return (!is_same_policy(&known.policy, live)).then_some(Drifted::Policy);
        }
        let policy = Policy {
            policy: live.to_owned(),
            as_of: run.at,
        };
        access.items.push(policy.item(&key.to_string()));
        let trusted = &self.config.alerts.trusted_accounts;
        lets_in_strangers(live, key, trusted).then_some(Drifted::PolicyAtFirstSight)
    }

    /// Compares the policy by which AWS RAM shares a key with the one that was there.
    fn compare_share(
        &self,
        key: &KeyArn,
        live: Option<&str>,
        entry: &mut Entry,
    ) -> Option<Drifted> {
        let hash = policy_hash(live.unwrap_or_default());
        let known = entry.shared_hash.replace(hash);
        if known == entry.shared_hash {
            return None;
        }
        let trusted = &self.config.alerts.trusted_accounts;
        match (known, live) {
            (Some(_), Some(_)) => Some(Drifted::Shared),
            (Some(_), None) => Some(Drifted::ShareEnded),
            (None, Some(live)) if lets_in_strangers(live, key, trusted) => {
                Some(Drifted::SharedAtFirstSight)
            }
            (None, _) => None,
        }
    }

    /// What such a difference tells of; `None` if it was told, or is none any more.
    pub(super) async fn drifted(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        held: &Held,
        drifted: &Drifted,
    ) -> Result<Option<Occurrence>, CallError> {
        let subject = Subject::Key(key.clone());
        let kind = match self.still(run, key, drifted).await? {
            Still::Told => return Ok(None),
            Still::There(kind) => Some(*kind),
            Still::Gone => None,
        };
        let at_first_sight = match drifted {
            Drifted::PolicyAtFirstSight => Some(KeyAccessDrifted::at_first_sight(held.found_at)),
            Drifted::SharedAtFirstSight => {
                Some(KeyAccessDrifted::shared_at_first_sight(held.found_at))
            }
            _ => None,
        };
        if let Some(kind) = at_first_sight {
            let occurrence = Occurrence::of_sweep(subject, kind, held.found_at, None);
            return Ok(Some(occurrence));
        }
        for operation in drifted.operations() {
            let records = run.history.records(operation, held.known_at).await;
            let is_it = |kind: &Kind| is_of(kind, drifted);
            if let Some(mut occurrence) = recorded(&records, &self.decides, key, held, is_it)
                && let Some(kind) =
                    KeyAccessDrifted::of(occurrence.kind.clone(), held.known_at, held.found_at)
            {
                occurrence.kind = kind.into();
                return Ok(Some(occurrence));
            }
        }
        // A grant that came and went, of which there is no record, is nothing that anybody could look at.
        let kind = kind.and_then(|kind| KeyAccessDrifted::of(kind, held.known_at, held.found_at));
        Ok(kind.map(|kind| Occurrence {
            call_id: Some(format!("sweep#{}#{}", held.what, held.found_at)),
            ..Occurrence::of_sweep(subject, kind.unrecorded(), held.found_at, None)
        }))
    }

    /// How it stands with a difference that was held.
    async fn still(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        drifted: &Drifted,
    ) -> Result<Still, CallError> {
        let changed = Kind::from(KeyPolicyChanged::asked_for(None, false));
        Ok(match drifted {
            Drifted::PolicyAtFirstSight | Drifted::SharedAtFirstSight => {
                Still::There(changed.into())
            }
            Drifted::Shared => match self.kms.get_shared_policy(key).await {
                // It came and went: the record of the call is what is left to tell.
                Ok(None) => Still::Gone,
                _ => Still::There(Box::new(KeyShared::default().into())),
            },
            Drifted::ShareEnded => match self.kms.get_shared_policy(key).await {
                Ok(Some(_)) => Still::Told,
                _ => Still::There(Box::new(KeyShareEnded::default().into())),
            },
            Drifted::Policy => {
                let item = run.store.get(Policy::key(&key.to_string())).await?;
                let known = item.as_ref().and_then(Policy::read);
                let live = self.kms.get_key_policy(key).await;
                match (known, live) {
                    // Its event came after all, or it was put back.
                    (Some(known), Ok(live)) if is_same_policy(&known.policy, &live) => Still::Told,
                    _ => Still::There(changed.into()),
                }
            }
            Drifted::GrantCreated(id) => {
                let grants = all_grants(&self.kms, key).await.unwrap_or_default();
                let grant = grants.into_iter().find(|grant| grant.id == *id);
                match grant.map(GrantCreated::from) {
                    None => Still::Gone,
                    // That a stranger was let in is not taken from a note: its record says who told.
                    Some(grant)
                        if !grant.is_for_strangers(key.account())
                            && self
                                .was_grant_told(run, key, GrantTold::Created, id)
                                .await? =>
                    {
                        Still::Told
                    }
                    Some(grant) => Still::There(Box::new(grant.into())),
                }
            }
            Drifted::GrantEnded(id) => {
                if self.was_grant_told(run, key, GrantTold::Ended, id).await? {
                    return Ok(Still::Told);
                }
                let grant = GrantRevoked {
                    grant_id: Some(Untrusted::new(id)),
                    by_service_for_itself: false,
                };
                Still::There(Box::new(grant.into()))
            }
        })
    }

    async fn was_grant_told(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        told: GrantTold,
        id: &str,
    ) -> Result<bool, CallError> {
        let name = told.key(&key.to_string(), id);
        Ok(run.store.get(name).await?.is_some())
    }
}

/// The grants that are known from now on. At first sight nothing is told.
fn compare_grants(
    key: &KeyArn,
    live: &[Grant],
    known: Option<KnownGrants>,
    found: &mut Vec<Drifted>,
) -> KnownGrants {
    match known {
        Some(mut known) => {
            found.extend(known.follow(live, key.account()));
            known
        }
        None => KnownGrants::of(live, key.account()),
    }
}

/// The items of a key that a look needs: what is compared only where it may differ is read then.
pub(super) fn items_of(key: &KeyArn, known: Option<&Entry>, grants: bool) -> Vec<ItemKey> {
    let partition = key.to_string();
    let mut names = vec![Profile::key(&partition)];
    if known.is_none_or(|entry| entry.policy_hash.is_none()) {
        names.push(Policy::key(&partition));
    }
    if grants && known.is_none_or(|entry| entry.grants_hash.is_none()) {
        names.push(KnownGrants::key(&partition));
    }
    names
}

/// The record's kind is the one that made the difference.
fn is_of(kind: &Kind, drifted: &Drifted) -> bool {
    let is = |told: &Option<Untrusted>, id: &str| told.as_ref().is_some_and(|it| it.as_str() == id);
    match (kind, drifted) {
        (Kind::KeyPolicyChanged(_), Drifted::Policy)
        | (Kind::KeyShared(_), Drifted::Shared)
        | (Kind::KeyShareEnded(_), Drifted::ShareEnded) => true,
        (Kind::GrantCreated(grant), Drifted::GrantCreated(id)) => is(&grant.grant_id, id),
        (Kind::GrantRevoked(grant), Drifted::GrantEnded(id)) => is(&grant.grant_id, id),
        (Kind::GrantRetired(grant), Drifted::GrantEnded(id)) => is(&grant.grant_id, id),
        _ => false,
    }
}
