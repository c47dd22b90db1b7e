//! `kms-watch redrive`: hands over again what a stack could not handle.
//!
//! It sends only to functions of the stack and to its health topic, whatever a message says: whoever can write to a queue
//! can name any target. A message goes only once its target has taken the event. What is handed over twice is told once: the
//! claim in the ledger sees to that.
//!
//! IAM actions: `cloudformation:ListStackResources`; `sqs:ReceiveMessage`, `sqs:DeleteMessage` and
//! `sqs:ChangeMessageVisibility` on the two queues; `lambda:InvokeFunction` on the functions; `sns:Publish` on the health topic.

mod aws;
mod message;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use watch_core::arn::TopicArn;
use watch_core::ports::CallError;

use crate::account::{self, Access, AccountError, not_empty};
use crate::redrive::aws::Aws;
use crate::redrive::message::Own;
use crate::redrive::run::{Fate, Outcome, Plan, Redriven};
use crate::stack::{Stack, StackError};
use crate::{exit_codes, output};

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch redrive                        what waits, and where it would go
  kms-watch redrive --yes                  sends it
  kms-watch redrive --yes --most 10        the first ten, to see whether the cause is removed";

/// The queues, by their names in the template.
const QUEUES: [&str; 2] = ["UndeliveredEvents", "FailedInvocations"];
/// Refusals that are shown one by one.
const SHOWN: usize = 20;

/// Of which stack, and how far.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    access: Access,
    /// Stack whose queues are read
    #[arg(long, value_name = "NAME", default_value = Stack::DEFAULT, value_parser = not_empty)]
    stack: String,
    /// Send, and delete what was handled. Without it nothing is sent
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Look only, which is the default
    #[arg(long)]
    dry_run: bool,
    /// Messages at most
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    most: u32,
}

/// Why nothing is handed over, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedriveError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(
        "failed to read a queue: {0}\nyou may need sqs:ReceiveMessage; what was handled so far is done, and the rest stays"
    )]
    Queue(CallError),
    #[error("failed to write")]
    Output(#[from] io::Error),
}

/// Hands over, or looks.
pub(crate) async fn run(args: &Args, quiet: bool) -> Result<u8, RedriveError> {
    let sdk = account::load(&args.access).await?;
    let stack = Stack::find(&sdk, &args.stack).await?;
    let (own, urls) = targets(&stack)?;
    let plan = Plan {
        own: &own,
        only_look: !args.yes,
        most: usize::try_from(args.most).unwrap_or(usize::MAX),
    };
    let aws = Aws::new(&sdk, plan.only_look);
    let progress = Progress::new(quiet);
    let done = run::redrive(&aws, &aws, &urls, &plan, |outcome| progress.tell(outcome)).await;
    progress.end();
    let done = done.map_err(RedriveError::Queue)?;
    output::print(report(&done, args.yes).as_bytes())?;
    Ok(code(&done))
}

/// Who may get something, and the queues. A stack that has not all of it is another product's, or is not whole.
fn targets(stack: &Stack) -> Result<(Own, Vec<String>), StackError> {
    stack.is_kms_watch()?;
    let topic: TopicArn = stack.need_parsed("HealthTopic")?;
    let functions: BTreeSet<String> = stack
        .of_type("AWS::Lambda::Function")
        .map(|(_, name)| name.to_owned())
        .collect();
    let own = Own {
        account: topic.account().as_str().to_owned(),
        region: topic.region().as_str().to_owned(),
        functions,
        health_topic: topic.as_str().to_owned(),
    };
    let urls = QUEUES.map(|queue| stack.need(queue).map(str::to_owned));
    Ok((own, urls.into_iter().collect::<Result<_, _>>()?))
}

/// On standard error while it runs: a line for each message that stays.
struct Progress {
    bar: indicatif::ProgressBar,
    quiet: bool,
    shown: std::cell::Cell<usize>,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let bar = if quiet {
            indicatif::ProgressBar::hidden()
        } else {
            indicatif::ProgressBar::new_spinner()
        };
        Self {
            bar,
            quiet,
            shown: std::cell::Cell::new(0),
        }
    }

    fn tell(&self, outcome: &Outcome) {
        self.bar.inc(1);
        self.bar
            .set_message(format!("{} messages", self.bar.position()));
        let Some(why) = why(outcome) else { return };
        self.shown.update(|shown| shown + 1);
        if self.shown.get() <= SHOWN && !self.quiet {
            let message = outcome.message.as_str();
            let line = || output::note(format_args!("message {message} stays: {why}"));
            self.bar.suspend(line);
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
        let more = self.shown.get().saturating_sub(SHOWN);
        if more > 0 && !self.quiet {
            output::note(format_args!("and {more} more stay"));
        }
    }
}

/// Why a message stays. Of the event nothing is said, since it holds what others wrote.
fn why(outcome: &Outcome) -> Option<String> {
    let to = outcome.to.as_deref().unwrap_or_default();
    match &outcome.fate {
        Fate::Handled | Fate::Ready => None,
        Fate::Left(error) => Some(format!(
            "{to} has it, and the message could not be deleted: {error}"
        )),
        Fate::Failed(error) => Some(format!("{to} did not take it: {error}")),
        Fate::Refused(refusal) => Some(refusal.to_string()),
    }
}

fn report(done: &Redriven, sent: bool) -> String {
    let mut by_target: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in &done.outcomes {
        if let (Fate::Ready | Fate::Handled, Some(to)) = (&outcome.fate, &outcome.to) {
            *by_target.entry(to).or_default() += 1;
        }
    }
    let went: usize = by_target.values().sum();
    let stay = done.outcomes.len() - went;
    let mut text = String::new();
    for (to, count) in &by_target {
        text += &format!("{count:>6}  {to}\n");
    }
    text += &if sent {
        format!("{went} handled, {stay} kept\n")
    } else if done.outcomes.is_empty() {
        "nothing waits\n".to_owned()
    } else {
        format!("{went} would be sent, {stay} would be kept; --yes sends\n")
    };
    if done.is_more {
        text += "There may be more: run it again, or with a larger --most.\n";
    }
    text
}

/// What waits is found; what was handed over is done.
fn code(done: &Redriven) -> u8 {
    let is_done = |outcome: &Outcome| outcome.fate == Fate::Handled;
    if done.outcomes.iter().all(is_done) && !done.is_more {
        exit_codes::DONE
    } else {
        exit_codes::FOUND
    }
}
