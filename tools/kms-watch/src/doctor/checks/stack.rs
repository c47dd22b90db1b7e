//! The deployment itself.

use jiff::SignedDuration;
use watch_core::arn::Partition;

use super::super::answers::Answers;
use super::super::verdict::{Verdict, name};

/// Clocks that differ by more make calls fail: a signature is good for five minutes (AWS General Reference, Signature Version 4).
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// Whether the last deployment came to its end.
pub(super) fn stack(answers: &Answers) -> Verdict {
    let state = match &answers.stack {
        Ok(state) => state,
        Err(error) => return Verdict::unseen(error),
    };
    let status = name(&state.status);
    match status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => {
            Verdict::well(format!("{} is {status}", name(&answers.place.stack)))
        }
        "UPDATE_ROLLBACK_COMPLETE" => Verdict::failed(
            format!("the last deployment failed and was rolled back ({status})"),
            "aws cloudformation describe-stack-events says why; then deploy again",
        ),
        other if other.ends_with("_IN_PROGRESS") => {
            Verdict::early(format!("a deployment is under way ({status})"))
        }
        _ => Verdict::failed(
            format!("the stack is {status}"),
            "aws cloudformation describe-stack-events says why",
        ),
    }
}

/// The three numbers of a version.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    let three = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(three)
}

/// Whether what is deployed is as new as this command.
pub(super) fn version(answers: &Answers) -> Verdict {
    let own = env!("CARGO_PKG_VERSION");
    let state = match &answers.stack {
        Ok(state) => state,
        Err(error) => return Verdict::unseen(error),
    };
    let deployed = state.version.as_deref().unwrap_or("none that it tells");
    let update = "deploy the version of this command, or install that of the stack";
    match (numbers(deployed), numbers(own)) {
        (Some(deployed), Some(command)) if deployed == command => {
            Verdict::well(format!("{own} is deployed"))
        }
        (Some(deployed_as), Some(command)) if deployed_as > command => Verdict::failed(
            format!(
                "version {} is deployed, and this command is {own}",
                name(deployed)
            ),
            "install the command of that version: it may not know all of the stack",
        ),
        _ => Verdict::failed(
            format!(
                "version {} is deployed, and this command is {own}",
                name(deployed)
            ),
            update,
        ),
    }
}

/// Whether KMS Watch knows the partition: links, commands and names of services differ.
pub(super) fn region(answers: &Answers) -> Verdict {
    let region = &answers.place.region;
    let partition = Partition::of_region(region);
    let (region, partition) = (region.as_str(), partition.as_str());
    match partition {
        "aws" => Verdict::well(format!("{region} is supported")),
        "aws-us-gov" | "aws-cn" => Verdict::well(format!(
            "{region} is supported, and nobody has reported a deployment in {partition}"
        )),
        _ => Verdict::failed(
            format!("KMS Watch does not know the partition {partition} of {region}"),
            "links and commands in alerts may be wrong there: deploy in another partition",
        ),
    }
}

/// Whether this machine and AWS have one time.
pub(super) fn clock(answers: &Answers) -> Verdict {
    let told = match &answers.stack {
        Ok(state) => state.told_at,
        Err(error) => return Verdict::unseen(error),
    };
    let Some(told) = told else {
        return Verdict::early("AWS did not say what time it is");
    };
    let ahead = answers.at.duration_since(told);
    if ahead.abs() <= SKEW {
        return Verdict::well("this machine's clock and that of AWS agree");
    }
    let way = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    Verdict::failed(
        format!(
            "this machine's clock is {} s {way} that of AWS: AWS refuses calls beyond five minutes, and the ages below are wrong",
            ahead.as_secs().abs()
        ),
        "set the clock, for example by NTP",
    )
}
