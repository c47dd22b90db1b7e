//! `kms-watch plan`: a monitoring plan that fits the account, with the user's own credentials. It reads, and changes nothing.
//!
//! The AWS KMS Developer Guide asks six questions of a monitoring plan. The answers are made of what the account has and of what is
//! deployed; what could not be read is unknown, and never fine.
//!
//! | file | what it holds |
//! |---|---|
//! | `args`, `questions` | what the user says: options, or answers on a terminal |
//! | `ask` | what AWS says: keys of all Regions, stacks, listeners, metrics |
//! | `metrics` | which metrics come first, and what two weeks of one are. Pure |
//! | `page` | the answers, the gaps, the parameters. Pure |
//! | `render` | the page as a table, Markdown, HTML |
//! | `json` | the page for programs, by its schema |
//! | `samconfig` | the parameters as a file for `sam deploy` |
//!
//! IAM actions: those of `kms-watch inventory`; `cloudformation:ListStackResources`, `sns:ListSubscriptionsByTopic`,
//! `sns:GetSubscriptionAttributes`, `cloudwatch:ListMetrics`, `cloudwatch:GetMetricData` and
//! `config:DescribeConfigurationRecorderStatus`.

pub(crate) mod args;
mod ask;
pub(crate) mod error;
mod json;
mod metrics;
mod page;
mod questions;
mod render;
mod samconfig;

use std::io::{self, IsTerminal as _};

use watch_aws::SystemClock;
use watch_core::ports::Clock as _;

use crate::inventory::sample;
use crate::output::{Target, note};
use crate::plan::args::Args;
use crate::plan::error::PlanError;
use crate::plan::page::Page;
use crate::{account, exit_codes, output};

/// Makes the plan, and the file if one is wanted.
pub(crate) async fn run(args: &Args, quiet: bool) -> Result<u8, PlanError> {
    let target = args.output.as_deref().map(Target::new).transpose()?;
    let samconfig = args.samconfig_target()?;
    let wishes = if args.ask {
        if !io::stdin().is_terminal() {
            return Err(PlanError::NoTerminal);
        }
        questions::ask(&args.wishes, &mut io::stdin().lock(), &mut io::stderr())?
    } else {
        args.wishes.clone()
    };
    let facts = if args.demo {
        let aws = sample::start().map_err(PlanError::Demo)?;
        let sdk = sample::config(&aws);
        ask::ask(&sdk, args, sample::HASTE, aws.now(), quiet).await?
    } else {
        let sdk = account::configuration(args.profile.as_deref()).await?;
        ask::ask(&sdk, args, 1.0, SystemClock.now(), quiet).await?
    };
    let page = Page::new(&facts, &wishes, &args.owner_tag_key);
    if let Some(file) = samconfig {
        let regions: Vec<_> = facts.places.iter().map(|place| &place.region).collect();
        file.write(samconfig::render(&page.parameters, &regions, &args.stack).as_bytes())?;
    }
    let report = render::render(&page, args.format())?;
    match target {
        Some(target) => target.write(&anstream::adapter::strip_bytes(&report).into_vec())?,
        None => output::print(&report)?,
    }
    let unknown = page.gaps.iter().filter(|gap| gap.is_unknown).count();
    if unknown == 0 {
        return Ok(exit_codes::DONE);
    }
    note(format_args!(
        "{unknown} of the gaps are what could not be read"
    ));
    Ok(exit_codes::INCOMPLETE)
}
