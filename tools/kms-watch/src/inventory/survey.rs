//! The sweep by hand: every key of each account and Region, several Regions at a time.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Semaphore;
use watch_core::arn::{AccountId, Region};
use watch_core::text::Untrusted;
use watch_sweep::tally::{Hidden, Tally};

use crate::account;
use crate::inventory::accounts::{Account, Candidate, Entrance};
use crate::inventory::args::Args;
use crate::inventory::error::InventoryError;
use crate::inventory::not_read::NotRead;
use crate::inventory::progress::Progress;
use crate::inventory::question::Question;
use crate::inventory::region::{self, Failed, LOOKS_AT_ALL, Means, Surveyed};
use crate::inventory::regions::Regions;
use crate::inventory::row::{Row, Seen, UseStatus};

/// Accounts that are read at the same time, and Regions of each.
const ACCOUNTS_AT_ONCE: usize = 4;
const REGIONS_AT_ONCE: usize = 16;

/// Everything that the report is made of.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) at: Timestamp,
    /// By id.
    pub(crate) accounts: Vec<AccountRead>,
    /// Accounts and Regions of which nothing is known.
    pub(crate) not_read: Vec<NotRead>,
    /// The most urgent first.
    pub(crate) rows: Vec<Row>,
    /// The counts that the function makes too.
    pub(crate) tally: Tally,
    /// Keys that are not listed, since AWS manages them.
    pub(crate) managed_unlisted: u64,
    /// Keys that the filters leave out.
    pub(crate) filtered: u64,
    /// Regions whose aliases may not be listed.
    pub(crate) nameless: Vec<(Region, Untrusted)>,
}

/// An account, and where it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AccountRead {
    /// `null`: that of the credentials, which no key told.
    pub(crate) id: Option<AccountId>,
    /// As the organisation calls it.
    pub(crate) name: Option<Untrusted>,
    /// Those that were read.
    pub(crate) regions: Vec<Region>,
    /// Why the account could not say which Regions it has: then all that this version knows were asked.
    pub(crate) regions_assumed: Option<Untrusted>,
}

/// What became of an account.
struct Visited {
    account: AccountRead,
    surveyed: Vec<Surveyed>,
    not_read: Vec<NotRead>,
    /// Why Regions could not be read.
    failed: Vec<(Region, Failed)>,
}

/// Asks about every key of each account and Region. Whatever cannot be read is noted; only if nothing can, there is no report.
pub(crate) async fn survey(
    sdk: &SdkConfig,
    args: &Args,
    haste: f64,
    now: Timestamp,
    progress: &Progress,
) -> Result<Survey, InventoryError> {
    let entrance = Entrance::new(sdk, &args.reach).await?;
    let candidates = entrance.candidates().await?;
    progress.expect(candidates.len());
    let gate = Semaphore::new(LOOKS_AT_ALL);
    let means = Means {
        args,
        haste,
        gate: &gate,
        progress,
    };
    let visits = candidates
        .into_iter()
        .map(|candidate| visit(&entrance, candidate, &means));
    let visits = stream::iter(visits).buffer_unordered(ACCOUNTS_AT_ONCE);
    let visits: Vec<_> = visits.collect().await;
    let mut survey = Survey::begin(now);
    let surveyed = survey.gather(visits, sdk, args)?;
    let accounts: Vec<_> = args
        .trusted_accounts
        .iter()
        .map(AccountId::as_str)
        .collect();
    let organizations = args.trusted_organizations.iter();
    let organizations: Vec<_> = organizations.map(String::as_str).collect();
    let question = Question {
        owner_tag_key: &args.owner_tag_key,
        within_days: args.within_days,
        now,
        trusted_accounts: &accounts,
        trusted_organizations: &organizations,
    };
    for region in surveyed {
        survey.managed_unlisted += region.managed_unlisted;
        let nameless = region.nameless.map(|reason| (region.region, reason));
        survey.nameless.extend(nameless);
        for seen in region.seen {
            survey.add(&seen, args, question);
        }
    }
    survey.settle();
    Ok(survey)
}

async fn visit(
    entrance: &Entrance<'_>,
    candidate: Candidate,
    means: &Means<'_>,
) -> Result<Visited, NotRead> {
    let entered = entrance.enter(candidate).await;
    let account = match entered {
        Ok(account) => account,
        Err(not_read) => {
            means.progress.left();
            return Err(not_read);
        }
    };
    let regions = Regions::of(means.args.reach.regions(), &account.sdk, &account.partition).await;
    let mut visited = Visited {
        account: AccountRead {
            id: account.id.clone(),
            name: account.name.clone(),
            regions: Vec::new(),
            regions_assumed: regions.why_assumed(),
        },
        surveyed: Vec::new(),
        not_read: Vec::new(),
        failed: Vec::new(),
    };
    let mut all = regions.all.clone();
    if all.is_empty() {
        // Of a partition whose Regions nobody knows by heart, the configured one is asked, and what is left is a finding.
        if let Some(error) = &regions.assumed {
            let left = NotRead::new("ListRegions", error).of(account.id.as_ref());
            visited.not_read.push(left);
        }
        all.extend(account::configured_region(&account.sdk).ok());
    }
    means.progress.enter(all.len());
    let reads = all.into_iter().map(|region| read(&account, region, means));
    let mut reads = stream::iter(reads).buffer_unordered(REGIONS_AT_ONCE);
    while let Some((region, outcome)) = reads.next().await {
        match outcome {
            Ok(surveyed) => {
                visited.account.regions.push(region);
                visited.surveyed.push(surveyed);
            }
            Err(failed) if regions.is_disabled(&region, &failed.error) => {}
            Err(failed) => {
                let not_read = NotRead::new(failed.operation, &failed.error);
                let not_read = not_read.of(account.id.as_ref()).within(&region);
                visited.not_read.push(not_read);
                visited.failed.push((region, failed));
            }
        }
    }
    means.progress.left();
    visited.account.regions.sort_unstable();
    Ok(visited)
}

async fn read(
    account: &Account,
    region: Region,
    means: &Means<'_>,
) -> (Region, Result<Surveyed, Failed>) {
    let sdk = account::in_region(&account.sdk, &region);
    let label = match &account.id {
        Some(id) if means.args.reach.organization => format!("{} {}", id.as_str(), region.as_str()),
        _ => region.as_str().to_owned(),
    };
    let outcome = region::survey(&sdk, &region, &label, means).await;
    means.progress.read();
    (region, outcome)
}

impl Survey {
    fn begin(now: Timestamp) -> Self {
        Self {
            at: now,
            accounts: Vec::new(),
            not_read: Vec::new(),
            rows: Vec::new(),
            tally: Tally::default(),
            managed_unlisted: 0,
            filtered: 0,
            nameless: Vec::new(),
        }
    }

    /// Notes who was read and what was not; what was said there comes back. If nothing was said of a single account, that is all
    /// there is to say.
    fn gather(
        &mut self,
        visits: Vec<Result<Visited, NotRead>>,
        sdk: &SdkConfig,
        args: &Args,
    ) -> Result<Vec<Surveyed>, InventoryError> {
        let (mut failed, mut surveyed) = (Vec::new(), Vec::new());
        for visit in visits {
            match visit {
                Err(not_read) => self.not_read.push(not_read),
                Ok(visited) => {
                    self.not_read.extend(visited.not_read);
                    failed.extend(visited.failed);
                    self.accounts.push(visited.account);
                    surveyed.extend(visited.surveyed);
                }
            }
        }
        if !args.reach.organization && surveyed.is_empty() {
            // That of the configured Region says most.
            let configured = account::configured_region(sdk).ok();
            failed.sort_by_key(|(region, _)| (Some(region) != configured.as_ref(), region.clone()));
            if let Some((region, Failed { operation, error })) = failed.into_iter().next() {
                return Err(InventoryError::List {
                    operation,
                    region,
                    error,
                });
            }
        }
        Ok(surveyed)
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

    /// Puts in order what came as it came, and names the account of the credentials.
    fn settle(&mut self) {
        self.rows.sort_by(Row::urgency);
        if let [account] = &mut self.accounts[..] {
            let told = self.rows.first().map(|row| row.account.clone());
            account.id = account.id.take().or(told);
            for place in &mut self.not_read {
                place.account = place.account.take().or_else(|| account.id.clone());
            }
        }
        self.accounts.sort_by(|one, other| one.id.cmp(&other.id));
        let place = |place: &NotRead| (place.account.clone(), place.region.clone());
        self.not_read.sort_by_key(place);
        self.nameless.sort();
    }

    /// Keys about which KMS did not answer, although the caller may ask.
    pub(crate) fn incomplete(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_incomplete())
    }

    /// Everything was read, but what is denied for single keys.
    pub(crate) fn is_complete(&self) -> bool {
        self.not_read.is_empty() && self.incomplete().next().is_none()
    }

    /// What is denied for each of several keys of an account, which its own policy lacks: the operation, the accounts, and the
    /// keys.
    pub(crate) fn denied_everywhere(&self) -> Vec<(&'static str, Vec<&str>, usize)> {
        let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
        let mut denied: BTreeMap<(&'static str, &str), usize> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !row.is_managed()) {
            let account = row.account.as_str();
            *keys.entry(account).or_default() += 1;
            for gap in row.missing.iter().filter(|gap| gap.denied) {
                *denied.entry((gap.operation, account)).or_default() += 1;
            }
        }
        let mut found: BTreeMap<&'static str, (Vec<&str>, usize)> = BTreeMap::new();
        for ((operation, account), count) in denied {
            let all = keys.get(account).copied().unwrap_or_default();
            if all > 1 && count == all {
                let (accounts, sum) = found.entry(operation).or_default();
                accounts.push(account);
                *sum += all;
            }
        }
        let found = found.into_iter();
        found
            .map(|(operation, (accounts, keys))| (operation, accounts, keys))
            .collect()
    }

    /// Regions that were read, of whatever account, each once.
    pub(crate) fn regions(&self) -> Vec<&Region> {
        let mut regions: Vec<_> = self.accounts.iter().flat_map(|it| &it.regions).collect();
        regions.sort_unstable();
        regions.dedup();
        regions
    }

    /// Keys of customers that were not asked for their last use.
    pub(crate) fn uses_not_asked(&self) -> usize {
        let customers = self.rows.iter().filter(|row| !row.is_managed());
        customers
            .filter(|row| row.last_use.status == UseStatus::NotAsked)
            .count()
    }
}
