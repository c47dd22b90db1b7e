//! `kms-watch send-test`: one alert, marked as a test, on the way of every other, and a look whether it came through.
//!
//! The event goes to the function `watch-guard` as EventBridge hands one over, so that role, settings, topics and ledger are
//! those of a real alert. The way before it, from CloudTrail over a rule, is the canary's ([`doctor`](crate::doctor) says when
//! it last came): no person can make a call in the canary's name.
//!
//! IAM actions: `cloudformation:ListStackResources`; `lambda:InvokeFunction` on `watch-guard`; `dynamodb:BatchGetItem` on the
//! ledger.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use watch_aws::{DynamoDbAdapter, SystemClock};
use watch_core::arn::TopicArn;
use watch_core::decision::Decision;
use watch_core::event::Event;
use watch_core::kinds::{SEVERITY_TAG, TEST_NAME, TEST_TAG};
use watch_core::ledger::{Claim, ClaimState, ItemKey};
use watch_core::ports::{CallError, CallErrorKind, Clock as _, Ledger};
use watch_core::severity::Severity;

use crate::account::{self, Access, AccountError, not_empty};
use crate::services::Services;
use crate::stack::{Stack, StackError};
use crate::{exit_codes, output};

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch send-test                          everybody who gets alerts gets one more
  kms-watch send-test --severity CRITICAL      whatever thresholds and filters say
  kms-watch send-test --wait 600               Lambda's further attempts come after one and after two more minutes";

/// To which stack, and how.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    access: Access,
    /// Stack that sends it
    #[arg(long, value_name = "NAME", default_value = Stack::DEFAULT, value_parser = not_empty)]
    stack: String,
    /// Severity of the alert: whom it reaches may depend on it
    #[arg(long, value_name = "LEVEL", default_value = "HIGH", value_parser = severity)]
    severity: Severity,
    /// Seconds to wait until the ledger shows it
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
    /// JSON, for machines
    #[arg(long)]
    json: bool,
}

fn severity(text: &str) -> Result<Severity, &'static str> {
    let severity = text.to_ascii_uppercase().parse();
    severity.map_err(|_| "one of INFO, LOW, MEDIUM, HIGH, CRITICAL")
}

/// Why no test is under way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendTestError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("the function {function} could not be invoked: {error}\n{advice}", advice = advice(error))]
    Invoke { function: String, error: CallError },
    #[error(
        "the ledger could not be read: {0}\nthe test may have gone out; you may need dynamodb:BatchGetItem"
    )]
    Ledger(CallError),
    #[error("the function of this version would not take the test")]
    Unfit,
    #[error("failed to write")]
    Output(#[from] io::Error),
}

fn advice(error: &CallError) -> &'static str {
    match error.kind() {
        CallErrorKind::Denied => "you need lambda:InvokeFunction on it",
        CallErrorKind::NotFound => "it was deleted: deploy the stack again",
        _ => "kms-watch doctor may say more",
    }
}

/// Topics that an alert may go to, by their names in the template.
const TOPICS: [&str; 3] = ["AlertTopic", "ChatAlertTopic", "FeedAlertTopic"];
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// A test, and where the ledger shows it.
struct Test {
    name: String,
    event: Value,
    claim: ItemKey,
}

/// Sends it, and waits.
pub(crate) async fn run(args: &Args, quiet: bool) -> Result<u8, SendTestError> {
    let sdk = account::load(&args.access).await?;
    let stack = Stack::find(&sdk, &args.stack).await?;
    stack.is_kms_watch()?;
    let health: TopicArn = stack.need_parsed("HealthTopic")?;
    let function = stack.need("WatchGuardFunction")?;
    let ledger = DynamoDbAdapter::patient(&sdk, stack.ledger()?);
    let test = Test::new(SystemClock.now(), args.severity, &health, stack.ledger()?)?;
    let services = Services::new(&sdk);
    let sent = services.hand_over(function, test.event.clone()).await;
    sent.map_err(|error| SendTestError::Invoke {
        function: function.to_owned(),
        error,
    })?;
    if !quiet && !args.json {
        output::note(format_args!("test {} handed over to {function}", test.name));
    }
    let claim = wait(&ledger, &test.claim, args.wait, quiet).await?;
    let outcome = Outcome::new(&test.name, args, &stack, claim.as_ref());
    let text = if args.json {
        format!("{}\n", outcome.json())
    } else {
        outcome.text()
    };
    output::print(text.as_bytes())?;
    Ok(outcome.exit_code())
}

impl Test {
    fn new(
        now: Timestamp,
        severity: Severity,
        home: &TopicArn,
        table: &str,
    ) -> Result<Self, SendTestError> {
        let seed = format!("{}\n{}", now.as_nanosecond(), std::process::id());
        let name: String = Sha256::digest(seed.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = name[..TEST_NAME].to_owned();
        let event = event(&name, now, severity, home, table);
        // The name by which the function remembers it, by the function's own rule.
        let read = Event::read(&event).map_err(|_| SendTestError::Unfit)?;
        let Decision::Report(occurrence) = watch_guard::decide(&read) else {
            return Err(SendTestError::Unfit);
        };
        let sort = format!("claim#{}", occurrence.identity());
        let claim = ItemKey::new(occurrence.subject.partition_key(), sort);
        Ok(Self { name, event, claim })
    }
}

/// What the canary's event looks like, with another tag.
fn event(name: &str, now: Timestamp, severity: Severity, home: &TopicArn, table: &str) -> Value {
    let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (account, region) = (home.account().as_str(), home.region().as_str());
    let partition = home.partition().as_str();
    let by = "kms-watch send-test";
    json!({
        "version": "0", "id": format!("{name}-0000-4000-8000-000000000001"),
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.dynamodb",
        "account": account, "time": at, "region": region, "resources": [],
        "detail": {
            "eventVersion": "1.11", "userIdentity": {"type": "Unknown"}, "eventTime": at,
            "eventSource": "dynamodb.amazonaws.com", "eventName": "TagResource", "awsRegion": region,
            "sourceIPAddress": by, "userAgent": by,
            "requestParameters": {
                "resourceArn": format!("arn:{partition}:dynamodb:{region}:{account}:table/{table}"),
                "tags": [
                    {"key": TEST_TAG, "value": name},
                    {"key": SEVERITY_TAG, "value": severity.as_str()},
                ],
            },
            "responseElements": null, "eventID": format!("{name}-0000-4000-8000-000000000000"),
            "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
            "recipientAccountId": account, "eventCategory": "Management",
        },
    })
}

/// The claim of the test, once it is delivered, or as it is when the time is over.
async fn wait(
    ledger: &impl Ledger,
    key: &ItemKey,
    seconds: u64,
    quiet: bool,
) -> Result<Option<Claim>, SendTestError> {
    let bar = if quiet {
        indicatif::ProgressBar::hidden()
    } else {
        indicatif::ProgressBar::new_spinner()
    };
    let mut last = Ok(None);
    for second in 0..=seconds {
        bar.set_message(format!(
            "{second} of {seconds} s: the ledger does not show it"
        ));
        bar.tick();
        last = match ledger.read(std::slice::from_ref(key)).await {
            Ok(items) => Ok(items.first().and_then(Claim::read)),
            // Nobody may read it, or it may pass.
            Err(error) if error.kind() == CallErrorKind::Denied => {
                last = Err(error);
                break;
            }
            Err(error) => Err(error),
        };
        let delivered = |claim: &Claim| claim.state == ClaimState::Delivered;
        if last
            .as_ref()
            .is_ok_and(|claim| claim.as_ref().is_some_and(delivered))
        {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    bar.finish_and_clear();
    last.map_err(SendTestError::Ledger)
}

/// What became of the test.
struct Outcome<'a> {
    test: &'a str,
    function: &'a str,
    seconds: u64,
    severity: Severity,
    /// `None`: the ledger does not show it.
    state: Option<ClaimState>,
    served: Vec<String>,
    /// Topics of the stack that did not get it.
    others: Vec<String>,
}

impl<'a> Outcome<'a> {
    fn new(test: &'a str, args: &Args, stack: &'a Stack, claim: Option<&Claim>) -> Self {
        let served: BTreeSet<String> = claim.map(|it| it.topics.clone()).unwrap_or_default();
        let there: Vec<(&str, &str)> = TOPICS
            .into_iter()
            .filter_map(|id| Some((id, stack.part(id)?)))
            .collect();
        let has = |(_, arn): &&(&str, &str)| served.contains(*arn);
        let bus = served
            .iter()
            .find(|slot| slot.contains(":events:"))
            .map(|_| "the bus".to_owned());
        let name = |(id, _): &(&str, &str)| (*id).to_owned();
        Self {
            test,
            function: stack.part("WatchGuardFunction").unwrap_or_default(),
            seconds: args.wait,
            severity: args.severity,
            state: claim.map(|it| it.state),
            served: there.iter().filter(has).map(name).chain(bus).collect(),
            others: there.iter().filter(|it| !has(it)).map(name).collect(),
        }
    }

    fn text(&self) -> String {
        let (test, function, seconds) = (self.test, self.function, self.seconds);
        let (served, others) = (self.served.join(", "), self.others.join(", "));
        let log = format!("the log of {function} says why; kms-watch doctor looks at the rest");
        let mut text = match self.state {
            None => {
                return format!(
                    "✗ test {test}: after {seconds} s the ledger does not show it\n  {log}\n"
                );
            }
            Some(ClaimState::Claimed) if served.is_empty() => {
                format!(
                    "✗ test {test}: after {seconds} s no topic has it, {others} refused or did not answer\n  {log}\n"
                )
            }
            Some(ClaimState::Claimed) => {
                format!(
                    "✗ test {test}: after {seconds} s {served} has it, and {others} has not\n  {log}\n"
                )
            }
            Some(ClaimState::Delivered) => format!("✓ test {test} was delivered to {served}\n"),
        };
        if self.reached_people() {
            text += &format!(
                "  Look for \"Test {test}\" in the mailboxes of all who are subscribed. If it is in none: kms-watch doctor says who is\n  \
                 subscribed and confirmed; then look for spam filters, and at filter policies.\n"
            );
        } else if self.state == Some(ClaimState::Delivered) {
            text += &format!(
                "✗ AlertTopic did not get it: people get alerts of a higher severity than {}, or it waits for the digest of the day\n  \
                 kms-watch send-test --severity CRITICAL reaches them whatever the settings are\n",
                self.severity.as_str()
            );
        }
        text
    }

    fn reached_people(&self) -> bool {
        self.served.iter().any(|topic| topic == TOPICS[0])
    }

    fn json(&self) -> Value {
        let state = match self.state {
            None => "UNKNOWN",
            Some(ClaimState::Claimed) => "OWED",
            Some(ClaimState::Delivered) => "DELIVERED",
        };
        json!({
            "format": 1, "test": self.test, "severity": self.severity.as_str(), "state": state,
            "served": self.served, "notServed": self.others,
        })
    }

    /// People were reached, or not.
    fn exit_code(&self) -> u8 {
        if self.state == Some(ClaimState::Delivered) && self.reached_people() {
            exit_codes::DONE
        } else {
            exit_codes::FOUND
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(severity: Severity) -> Test {
        let health = "arn:aws:sns:eu-west-1:111122223333:kms-watch-HealthTopic-1A2B"
            .parse()
            .unwrap();
        let now = "2026-11-20T10:00:00.5Z".parse().unwrap();
        Test::new(now, severity, &health, "kms-watch-Ledger-1A2B").unwrap()
    }

    #[test]
    fn the_function_takes_the_test_under_the_name_that_is_waited_for() {
        for severity in ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"] {
            let test = test(severity.parse().unwrap());
            let name = &test.name;
            assert_eq!(name.len(), TEST_NAME);
            assert_eq!(test.claim.partition, "account#111122223333#eu-west-1");
            let claim = format!("claim#WatchTest#call#{name}-0000-4000-8000-000000000000");
            assert_eq!(test.claim.sort, claim);
        }
    }

    #[test]
    fn a_severity_is_read_in_any_case() {
        assert_eq!(severity("critical"), Ok(Severity::Critical));
        assert!(severity("soon").is_err());
    }
}
