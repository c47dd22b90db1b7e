//! `kms-watch doctor`: whether a deployed stack works, with the user's own credentials. It reads, and changes nothing.
//!
//! The checks are a table ([`checks`]): what each asks, and a pure function that judges the answers. What could not be seen is
//! never well.
//!
//! IAM actions: `cloudformation:ListStackResources`, and those in the table.

mod answers;
mod ask;
mod aws;
mod checks;
mod report;
mod verdict;

use std::io;

use watch_aws::{DynamoDbAdapter, PartsAdapter, SystemClock};
use watch_core::arn::{Region, TopicArn};
use watch_core::ports::Clock as _;

use crate::account::{self, Access, AccountError, not_empty};
use crate::doctor::answers::Place;
use crate::doctor::aws::Aws;
use crate::doctor::checks::CHECKS;
use crate::doctor::report::{Checked, Head};
use crate::doctor::verdict::Verdict;
use crate::stack::{Stack, StackError};
use crate::{output, services};

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch doctor                              of the stack kms-watch
  kms-watch doctor --stack watch --profile ops  of another one, with other credentials
  kms-watch doctor --json                       for a pipeline: 0 all is well, 1 something failed, 3 something was not seen";

/// Of which stack.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    access: Access,
    /// Stack that is looked at
    #[arg(long, value_name = "NAME", default_value = Stack::DEFAULT, value_parser = not_empty)]
    stack: String,
    /// JSON, for machines
    #[arg(long)]
    json: bool,
}

/// Why nothing was looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoctorError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("failed to write")]
    Output(#[from] io::Error),
}

/// What CloudFormation says of a stack that is not there (CloudFormation API Reference, ListStackResources).
const NO_STACK: &str = "ValidationError";

/// Makes all checks.
pub(crate) async fn run(args: &Args) -> Result<u8, DoctorError> {
    let sdk = account::load(&args.access).await?;
    let region = account::configured_region(&sdk)?;
    let at = SystemClock.now();
    let mut head = Head {
        stack: verdict::name(&args.stack),
        account: None,
        region: region.as_str().to_owned(),
        at,
    };
    let found = tokio::time::timeout(services::LISTING, Stack::find(&sdk, &args.stack)).await;
    let found = found.unwrap_or_else(|_| Err(StackError::slow(&args.stack)));
    let checked = match found {
        // Whether there is a stack is not known: nor is anything of it.
        Err(StackError::Read { error, .. }) if error.code().as_str() != NO_STACK => {
            report::nothing_seen(&Verdict::unseen(&error))
        }
        Err(error) => return Err(error.into()),
        Ok(stack) => {
            let place = place(&stack, region)?;
            head.account = Some(place.account.as_str().to_owned());
            let parts = PartsAdapter::new(&sdk);
            let ledger = DynamoDbAdapter::patient(&sdk, stack.ledger()?);
            let aws = Aws::new(&sdk);
            let answers = ask::ask(place, at, &stack, (&parts, &aws, &ledger)).await;
            let make = |check: &checks::Check| Checked {
                name: check.name,
                asks: check.asks,
                verdict: (check.judge)(&answers),
            };
            CHECKS.iter().map(make).collect()
        }
    };
    let report = if args.json {
        format!("{}\n", report::json(&head, &checked))
    } else {
        report::text(&head, &checked)
    };
    output::print(report.as_bytes())?;
    Ok(report::exit_code(&checked))
}

/// Where the stack is, as the ARN of its health topic tells. One without it is another product's, or is not whole.
fn place(stack: &Stack, region: Region) -> Result<Place, StackError> {
    stack.is_much_of_kms_watch()?;
    let health_topic: TopicArn = stack.need_parsed("HealthTopic")?;
    Ok(Place {
        stack: stack.name.clone(),
        account: health_topic.account().clone(),
        region,
        health_topic,
    })
}
