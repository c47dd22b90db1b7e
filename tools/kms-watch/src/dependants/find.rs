//! Asks KMS, CloudTrail and, if that is wanted, AWS Config about one key.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{DisplayErrorContext, ProvideErrorMetadata};
use futures_util::future::join;
use jiff::Timestamp;
use watch_aws::{KmsAdapter, Traces};
use watch_core::about::LastUse;
use watch_core::arn::{KeyArn, Region};
use watch_core::dependants::{Ask, Dependants, gather};
use watch_core::enrichment::Missing;
use watch_core::ports::{CallError, CallErrorKind, Kms as _};
use watch_core::text::Untrusted;

use crate::account::in_region;
use crate::dependants::args::Args;
use crate::dependants::error::DependantsError;

/// Longest time that is spent on grants and the event history.
const LIMIT: Duration = Duration::from_secs(90);
/// Pages of a hundred grants.
const GRANT_PAGES: usize = 50;
/// Pages of fifty events.
const PAGES: usize = 24;
/// Pages of a hundred resources of AWS Config.
const CONFIG_PAGES: usize = 200;

/// How fast CloudTrail is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(Duration);

impl Pace {
    /// Two look-ups a second are the quota of an account and Region (AWS CloudTrail API Reference, `LookupEvents`).
    pub(crate) const SHARED: Self = Self(Duration::from_millis(600));
    /// Nobody shares the quotas of the embedded AWS.
    pub(crate) const ALONE: Self = Self(Duration::ZERO);
}

/// What is known of a key and of those who depend on it.
pub(crate) struct Found {
    pub(crate) key: KeyArn,
    pub(crate) at: Timestamp,
    pub(crate) aliases: Vec<Untrusted>,
    pub(crate) state: Option<Untrusted>,
    pub(crate) last_use: Option<LastUse>,
    /// `None` if neither source answered.
    pub(crate) dependants: Option<Dependants>,
    pub(crate) missing: Vec<Missing>,
}

/// Asks for everything. What is refused is missing; a key that is not there is an error.
pub(crate) async fn find(
    sdk: &SdkConfig,
    args: &Args,
    now: Timestamp,
    pace: Pace,
) -> Result<Found, DependantsError> {
    let (key, state) = describe(sdk, &args.key).await?;
    let kms = KmsAdapter::patient(sdk);
    let (aliases, usage) = join(kms.list_aliases(&key), kms.get_key_last_usage(&key)).await;
    let mut missing = Vec::new();
    let aliases = told("aliases", aliases, &mut missing).unwrap_or_default();
    let usage = told("lastUse", usage, &mut missing);
    let last_use = usage.map(LastUse::from);
    let event = last_use.as_ref().and_then(|it| it.event_id.as_ref());
    let ask = Ask {
        key: &key,
        aliases: &aliases,
        last_use: event.map(Untrusted::as_str),
        now,
        limit: LIMIT,
        grant_pages: GRANT_PAGES,
        pages: PAGES,
        config_pages: if args.config { CONFIG_PAGES } else { 0 },
        pause: pace.0,
    };
    let traces = Traces::new(sdk);
    let mut gathered = gather(&traces, &traces, &traces, &ask).await;
    missing.append(&mut gathered.missing);
    let dependants = gathered.with(None, now);
    Ok(Found {
        key,
        at: now,
        aliases,
        state,
        last_use,
        dependants,
        missing,
    })
}

fn told<T>(
    fact: &'static str,
    answer: Result<T, CallError>,
    missing: &mut Vec<Missing>,
) -> Option<T> {
    answer
        .map_err(|error| {
            missing.push(Missing {
                fact,
                reason: error.reason(),
                throttled: error.kind() == CallErrorKind::Throttled,
            });
        })
        .ok()
}

/// The ARN and the state of the key that is meant.
async fn describe(
    sdk: &SdkConfig,
    wanted: &str,
) -> Result<(KeyArn, Option<Untrusted>), DependantsError> {
    let is_named = wanted.starts_with("alias/") || wanted.starts_with("arn:");
    let is_id = is_named || wanted.starts_with("mrk-") || wanted.len() == 36;
    let id = if is_id {
        wanted.to_owned()
    } else {
        format!("alias/{wanted}")
    };
    // An ARN says where its key is.
    let region = wanted.strip_prefix("arn:").and_then(|rest| {
        let region = rest.split(':').nth(2)?;
        Region::new(region)
    });
    let there = region.map_or_else(|| sdk.clone(), |region| in_region(sdk, &region));
    let described = Client::new(&there).describe_key().key_id(id).send().await;
    let metadata = described.map_err(|error| match error.code() {
        Some("NotFoundException") => DependantsError::UnknownKey {
            wanted: Untrusted::new(wanted),
            region: there
                .region()
                .map_or_else(String::new, |region| region.as_ref().to_owned()),
        },
        Some(code) => refused(&format!("{code}: {}", error.message().unwrap_or_default())),
        None => refused(&DisplayErrorContext(&error).to_string()),
    })?;
    let metadata = metadata.key_metadata;
    let state = metadata.as_ref().and_then(|key| key.key_state.as_ref());
    let state = state.map(|state| Untrusted::new(state.as_str()));
    let arn = metadata.and_then(|key| key.arn?.parse().ok());
    let arn = arn.ok_or_else(|| refused("the answer names no key"))?;
    Ok((arn, state))
}

fn refused(reason: &str) -> DependantsError {
    DependantsError::Refused {
        reason: Untrusted::bounded(reason, 400),
    }
}
