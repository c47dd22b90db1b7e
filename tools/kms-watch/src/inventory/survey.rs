//! The sweep by hand: every key of each Region, at half of KMS's quotas.

use std::collections::HashMap;

use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use watch_aws::KmsAdapter;
use watch_core::answers::LastUsage;
use watch_core::arn::{AccountId, KeyArn, Region};
use watch_core::ledger::Profile;
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text::Untrusted;
use watch_sweep::census::{Aliases, Keys};
use watch_sweep::look::{Look, Wants};
use watch_sweep::order::Depth;
use watch_sweep::pace::{Operation, Paced};
use watch_sweep::tally::{Hidden, Tally};

use crate::account;
use crate::inventory::args::{Args, LastUse};
use crate::inventory::error::InventoryError;
use crate::inventory::progress::Progress;
use crate::inventory::question::Question;
use crate::inventory::row::{Row, Seen};

/// Keys that are looked at at the same time.
const LOOKS_AT_ONCE: usize = 48;
/// Two calls a second, of which none takes two seconds.
const USES_AT_ONCE: usize = 4;
/// A call that was neither answered nor refused is made so often.
const ATTEMPTS: u32 = 3;
/// Up to so many keys are asked for their last use without being told to: it takes less than two minutes.
pub(crate) const FEW: usize = 200;

/// Everything that the report is made of.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) regions: Vec<Region>,
    pub(crate) at: Timestamp,
    /// The most urgent first.
    pub(crate) rows: Vec<Row>,
    /// The counts that the function makes too.
    pub(crate) tally: Tally,
    /// Keys that are not listed, since AWS manages them.
    pub(crate) managed_unlisted: u64,
    pub(crate) last_use_asked: bool,
    /// Keys that the filters leave out.
    pub(crate) filtered: u64,
    /// Regions whose aliases may not be listed.
    pub(crate) nameless: Vec<(Region, Untrusted)>,
}

/// A Region whose keys are known by their ids.
struct Listed {
    region: Region,
    kms: Paced<KmsAdapter>,
    keys: Vec<KeyArn>,
    aliases: Option<Aliases>,
    managed_unlisted: u64,
    asked: Asked,
}

/// What is asked about each key beside what it is.
#[derive(Clone, Copy, Debug)]
struct Asked {
    policies: bool,
    grants: bool,
}

/// Asks about every key of these Regions. A Region that cannot be listed fails all: a report without it would pass for
/// complete.
pub(crate) async fn survey(
    sdk: &SdkConfig,
    regions: &[Region],
    args: &Args,
    haste: f64,
    now: Timestamp,
    progress: &Progress,
) -> Result<Survey, InventoryError> {
    let mut survey = Survey::begin(regions, now);
    let mut listed = Vec::new();
    for region in regions {
        let sdk = account::in_region(sdk, region);
        let kms = Paced::new(KmsAdapter::patient(&sdk)).with_factor(haste);
        match list(kms, region, args, progress, &mut survey.nameless).await {
            Ok(region) => listed.push(region),
            Err(error) => {
                let region = region.clone();
                return Err(InventoryError::List { region, error });
            }
        }
    }
    let customers: usize = listed.iter().map(|region| region.customers().count()).sum();
    survey.last_use_asked = match args.last_use() {
        LastUse::Always => true,
        LastUse::Never => false,
        LastUse::IfFew => customers <= FEW,
    };
    let last_uses = if survey.last_use_asked { customers } else { 0 };
    progress.expect(
        listed.iter().map(|region| region.keys.len()).sum(),
        last_uses,
    );
    let trusted_accounts: Vec<_> = args
        .trusted_accounts
        .iter()
        .map(AccountId::as_str)
        .collect();
    let organizations: Vec<_> = args
        .trusted_organizations
        .iter()
        .map(String::as_str)
        .collect();
    let question = Question {
        owner_tag_key: &args.owner_tag_key,
        within_days: args.within_days,
        now,
        trusted_accounts: &trusted_accounts,
        trusted_organizations: &organizations,
    };
    for region in &listed {
        survey.managed_unlisted += region.managed_unlisted;
        progress.begin(&region.region, &region.kms);
        let seen = region.look(survey.last_use_asked, progress).await;
        progress.note_use(&region.kms);
        for seen in seen {
            survey.add(&seen, args, question);
        }
    }
    survey.rows.sort_by(Row::urgency);
    Ok(survey)
}

async fn list(
    kms: Paced<KmsAdapter>,
    region: &Region,
    args: &Args,
    progress: &Progress,
    nameless: &mut Vec<(Region, Untrusted)>,
) -> Result<Listed, CallError> {
    let keys = Keys::list(&kms).await?;
    let aliases = match Aliases::list(&kms).await {
        Ok(aliases) => Some(aliases),
        // A key is one without a name, too.
        Err(error) if error.kind() == CallErrorKind::Denied => {
            nameless.push((region.clone(), error.reason()));
            None
        }
        Err(error) => return Err(error),
    };
    let all = keys.count();
    // Nobody but AWS names a key so: that it manages it need not be asked.
    let is_wanted = |key: &&KeyArn| {
        args.aws_managed
            || aliases
                .as_ref()
                .is_none_or(|names| !names.tell_managed(key))
    };
    let keys: Vec<_> = keys.all().filter(is_wanted).cloned().collect();
    progress.note_use(&kms);
    progress.say(format_args!("{}: {all} keys", region.as_str()));
    Ok(Listed {
        region: region.clone(),
        managed_unlisted: (all - keys.len()) as u64,
        kms,
        keys,
        aliases,
        asked: Asked {
            policies: !args.no_policies,
            grants: args.grants,
        },
    })
}

impl Listed {
    fn customers(&self) -> impl Iterator<Item = &KeyArn> {
        let is_managed = |key: &KeyArn| {
            let names = self.aliases.as_ref();
            names.is_some_and(|names| names.tell_managed(key))
        };
        self.keys.iter().filter(move |key| !is_managed(key))
    }

    async fn look(&self, last_use: bool, progress: &Progress) -> Vec<Seen> {
        let looks = self.keys.iter().map(|key| async move {
            let look = self.look_at(key).await;
            progress.looked(&self.kms);
            (key, look)
        });
        let looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
        let asked: Vec<_> = if last_use {
            self.customers().collect()
        } else {
            Vec::new()
        };
        let uses = asked.into_iter().map(|key| async move {
            let usage = self.last_use_of(key).await;
            progress.asked_use(&self.kms);
            (key.clone(), usage)
        });
        let uses = stream::iter(uses).buffer_unordered(USES_AT_ONCE);
        let (looks, mut uses): (Vec<_>, HashMap<KeyArn, _>) =
            futures_util::future::join(looks.collect(), uses.collect()).await;
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
            policy: self.asked.policies,
            shares: false,
            grants: self.asked.grants,
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

fn means_nothing(usage: &Result<LastUsage, CallError>) -> bool {
    usage
        .as_ref()
        .is_err_and(|error| error.kind() == CallErrorKind::NotApplicable)
}

impl Survey {
    fn begin(regions: &[Region], now: Timestamp) -> Self {
        Self {
            regions: regions.to_vec(),
            at: now,
            rows: Vec::new(),
            tally: Tally::default(),
            managed_unlisted: 0,
            last_use_asked: false,
            filtered: 0,
            nameless: Vec::new(),
        }
    }

    fn add(&mut self, seen: &Seen, args: &Args, question: Question<'_>) {
        let Question { now, .. } = question;
        // Deleted since it was listed.
        if seen.look.is_gone() {
            return;
        }
        let profile = seen.profile(now);
        let row = Row::new(seen, &profile, question);
        if !args.filter.matches(&row) {
            self.filtered += 1;
            return;
        }
        if row.is_managed() {
            self.tally.aws_managed += 1;
            if !args.aws_managed {
                self.managed_unlisted += 1;
                return;
            }
        } else {
            let hidden = row.missing.iter().find(|gap| gap.denied);
            let hidden = hidden.map(|gap| Hidden {
                operation: gap.operation,
                reason: &gap.reason,
            });
            self.tally.add(
                &seen.key,
                &profile,
                hidden.as_ref(),
                question.owner_tag_key,
                now,
                now,
            );
        }
        self.rows.push(row);
    }

    /// Keys about which KMS did not answer, although the caller may ask.
    pub(crate) fn incomplete(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_incomplete())
    }

    /// An operation that is denied for every one of several keys: the caller's own policy lacks it.
    pub(crate) fn denied_everywhere(&self) -> Option<&'static str> {
        let customers = || self.rows.iter().filter(|row| !row.is_managed());
        if customers().count() < 2 {
            return None;
        }
        let denied = |operation: &Operation| {
            let name = operation.to_string();
            let lacks = |row: &Row| {
                row.missing
                    .iter()
                    .any(|gap| gap.denied && gap.operation == name)
            };
            customers().all(lacks)
        };
        let operation = Operation::ALL.into_iter().find(denied)?;
        let gaps = customers().flat_map(|row| &row.missing);
        gaps.map(|gap| gap.operation)
            .find(|name| *name == operation.to_string())
    }
}
