//! The sweep of one Region by hand, at half of KMS's quotas.

use std::cell::Cell;
use std::collections::HashMap;

use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt};
use tokio::sync::Semaphore;
use watch_aws::KmsAdapter;
use watch_core::answers::LastUsage;
use watch_core::arn::{KeyArn, Region};
use watch_core::ledger::Profile;
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text::Untrusted;
use watch_sweep::census::{Aliases, Keys};
use watch_sweep::look::{Look, Wants};
use watch_sweep::order::Depth;
use watch_sweep::pace::Paced;

use crate::inventory::args::{Args, LastUse};
use crate::inventory::progress::{Place, Progress};
use crate::inventory::row::Seen;

/// Keys of a Region that are looked at at the same time.
const LOOKS_AT_ONCE: usize = 48;
/// And of all Regions together: each look takes some connections.
pub(crate) const LOOKS_AT_ALL: usize = 96;
/// Two calls a second, of which none takes two seconds.
const USES_AT_ONCE: usize = 4;
/// A call that was neither answered nor refused is made so often.
const ATTEMPTS: u32 = 3;
/// Up to so many keys of a Region are asked for their last use without being told to: it takes less than two minutes.
const FEW: usize = 200;
/// After so many refusals and no answer, no further key is asked for its last use: each would take half a second.
const REFUSALS: u32 = 5;

/// What all Regions have in common.
pub(crate) struct Means<'a> {
    pub(crate) args: &'a Args,
    pub(crate) haste: f64,
    pub(crate) gate: &'a Semaphore,
    pub(crate) progress: &'a Progress,
}

/// What KMS said in a Region.
#[derive(Debug)]
pub(crate) struct Surveyed {
    pub(crate) region: Region,
    pub(crate) seen: Vec<Seen>,
    /// Keys that were not looked at, since their names say that AWS manages them.
    pub(crate) managed_unlisted: u64,
    /// Why keys have no names.
    pub(crate) nameless: Option<Untrusted>,
}

/// Why a Region could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) operation: &'static str,
    pub(crate) error: CallError,
}

/// A Region whose keys are known by their ids.
struct Listed<'a> {
    kms: Paced<KmsAdapter>,
    keys: Vec<KeyArn>,
    aliases: Option<Aliases>,
    means: &'a Means<'a>,
}

/// Asks about every key of a Region.
pub(crate) async fn survey(
    sdk: &SdkConfig,
    region: &Region,
    label: &str,
    means: &Means<'_>,
) -> Result<Surveyed, Failed> {
    let failed = |operation| move |error| Failed { operation, error };
    let Means { args, progress, .. } = means;
    let kms = Paced::new(KmsAdapter::patient(sdk)).with_factor(means.haste);
    let keys = Keys::list(&kms).await.map_err(failed("ListKeys"))?;
    let aliases = match Aliases::list(&kms).await {
        Ok(aliases) => Ok(aliases),
        // A key is one without a name, too.
        Err(error) if error.kind() == CallErrorKind::Denied => Err(error.reason()),
        Err(error) => return Err(failed("ListAliases")(error)),
    };
    let all = keys.count();
    // Nobody but AWS names a key so: that it manages it need not be asked.
    let is_wanted = |key: &&KeyArn| {
        let is_managed = aliases.as_ref().is_ok_and(|names| names.tell_managed(key));
        args.aws_managed || !is_managed
    };
    let keys: Vec<_> = keys.all().filter(is_wanted).cloned().collect();
    progress.note_use(&kms);
    progress.say(format_args!("{label}: {all} keys"));
    let (aliases, nameless) = match aliases {
        Ok(aliases) => (Some(aliases), None),
        Err(reason) => (None, Some(reason)),
    };
    let listed = Listed {
        kms,
        keys,
        aliases,
        means,
    };
    Ok(Surveyed {
        region: region.clone(),
        managed_unlisted: (all - listed.keys.len()) as u64,
        seen: listed.look(label).await,
        nameless,
    })
}

impl Listed<'_> {
    fn customers(&self) -> impl Iterator<Item = &KeyArn> {
        let is_managed = |key: &KeyArn| {
            let names = self.aliases.as_ref();
            names.is_some_and(|names| names.tell_managed(key))
        };
        self.keys.iter().filter(move |key| !is_managed(key))
    }

    /// The keys that are asked for their last use.
    fn asked(&self) -> Vec<&KeyArn> {
        let customers: Vec<_> = self.customers().collect();
        match self.means.args.last_use() {
            LastUse::Always => customers,
            LastUse::IfFew if customers.len() <= FEW => customers,
            LastUse::Never | LastUse::IfFew => Vec::new(),
        }
    }

    async fn look(&self, label: &str) -> Vec<Seen> {
        let asked = self.asked();
        let progress = self.means.progress;
        let place = progress.begin(label, self.keys.len(), asked.len());
        let (means, kms, at) = (self.means, &self.kms, &place);
        let looks = self.keys.iter().map(|key| async move {
            let permit = means.gate.acquire().await;
            let look = self.look_at(key).await;
            drop(permit);
            at.looked();
            progress.note_use(kms);
            (key, look)
        });
        let looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
        let uses = self.last_uses(asked, &place);
        let (looks, mut uses): (Vec<_>, _) =
            futures_util::future::join(looks.collect(), uses).await;
        progress.note_use(&self.kms);
        let seen = looks.into_iter().map(|(key, look)| Seen {
            last_use: uses.remove(key).filter(|usage| !means_nothing(usage)),
            key: key.clone(),
            look,
        });
        seen.collect()
    }

    async fn look_at(&self, key: &KeyArn) -> Look {
        let wants = Wants {
            depth: Depth::Full,
            policy: !self.means.args.no_policies,
            shares: false,
            grants: self.means.args.grants,
            before: &Profile::default(),
        };
        let aliases = || {
            let names = self.aliases.as_ref();
            names.map(|names| names.of(key).to_vec())
        };
        let mut look = Look::at(&self.kms, key, aliases(), wants).await;
        for _ in 1..ATTEMPTS {
            if !look.is_owed() {
                break;
            }
            look = Look::at(&self.kms, key, aliases(), wants).await;
        }
        look
    }

    /// Who may not ask is told so a few times, and then asks no more.
    async fn last_uses(
        &self,
        keys: Vec<&KeyArn>,
        place: &Place<'_>,
    ) -> HashMap<KeyArn, Result<LastUsage, CallError>> {
        let counts = (Cell::new(0), Cell::new(false));
        let (refusals, answered) = (&counts.0, &counts.1);
        let uses = keys.into_iter().map(|key| async move {
            if refusals.get() >= REFUSALS && !answered.get() {
                place.spared_use();
                return (key.clone(), Err(not_asked()));
            }
            let usage = self.last_use_of(key).await;
            match &usage {
                Err(error) if error.kind() == CallErrorKind::Denied => refusals.update(|it| it + 1),
                _ => answered.set(true),
            }
            place.asked_use();
            (key.clone(), usage)
        });
        stream::iter(uses)
            .buffer_unordered(USES_AT_ONCE)
            .collect()
            .await
    }

    async fn last_use_of(&self, key: &KeyArn) -> Result<LastUsage, CallError> {
        let mut answer = self.kms.get_key_last_usage(key).await;
        for _ in 1..ATTEMPTS {
            let is_owed = |error: &CallError| {
                matches!(error.kind(), CallErrorKind::Timeout | CallErrorKind::Other)
            };
            if !answer.as_ref().is_err_and(is_owed) {
                break;
            }
            answer = self.kms.get_key_last_usage(key).await;
        }
        answer
    }
}

/// As denied as those before it, as far as anybody can tell.
fn not_asked() -> CallError {
    let what = format!("not asked, since the first {REFUSALS} keys of the Region were all denied");
    CallError::new("AccessDeniedException", &what)
}

fn means_nothing(usage: &Result<LastUsage, CallError>) -> bool {
    usage
        .as_ref()
        .is_err_and(|error| error.kind() == CallErrorKind::NotApplicable)
}
