//! `kms-watch dependants`: who and what depends on a key, by hand, with the user's own credentials.
//!
//! It asks what the functions ask after an alert about a key that is lost, more patiently, and it changes nothing.
//!
//! IAM actions: `kms:DescribeKey`, `kms:ListAliases`, `kms:GetKeyLastUsage` and `kms:ListGrants` on the key; `cloudtrail:LookupEvents` on
//! `*`; with `--config` `config:SelectResourceConfig` and `config:DescribeConfigurationRecorderStatus` on `*`.

pub(crate) mod args;
pub(crate) mod error;
mod find;
mod report;

use watch_aws::SystemClock;
use watch_core::ports::Clock as _;
use watch_core::text::Untrusted;

use crate::demo::chapter::Chapter;
use crate::demo::show::Show;
use crate::demo::story;
use crate::dependants::args::Args;
use crate::dependants::error::{DependantsError, advice_for};
use crate::dependants::find::{Pace, find};
use crate::inventory::sample;
use crate::output::{Target, note};
use crate::{account, exit_codes, output};

/// Seed of the demo's ids.
const SEED: u64 = 1;

/// Finds out, and writes the report.
pub(crate) async fn run(args: &Args) -> Result<u8, DependantsError> {
    let target = args.output.as_deref().map(Target::new).transpose()?;
    let found = if args.demo {
        // The one whose key is used by services.
        let stage = story::chapter(Chapter::Deletion, SEED, &mut Show::to_nobody()).await?;
        let (sdk, now) = (sample::config(&stage.aws), stage.aws.now());
        find(&sdk, args, now, Pace::ALONE).await?
    } else {
        let sdk = account::load(&args.access).await?;
        find(&sdk, args, SystemClock.now(), Pace::SHARED).await?
    };
    let report = report::render(&found, args.format());
    match target {
        Some(target) => target.write(&anstream::adapter::strip_bytes(&report).into_vec())?,
        None => output::print(&report)?,
    }
    for missing in &found.missing {
        note(format_args!(
            "no answer: {}: {}\n{}",
            missing.fact,
            Untrusted::bounded(missing.reason.as_str(), 300).as_str(),
            advice_for(missing)
        ));
    }
    Ok(match found.missing.is_empty() {
        true => exit_codes::DONE,
        false => exit_codes::INCOMPLETE,
    })
}
