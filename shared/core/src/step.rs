//! Something to do.

use serde::Serialize;

use crate::arn::{AccountId, KeyArn, Region};
use crate::text::Text;

/// Something to do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// What it is good for.
    #[serde(rename = "type")]
    pub kind: StepType,
    /// What and why.
    pub text: Text,
    /// A command of the AWS CLI, complete and safe to paste into a POSIX shell.
    pub command: Option<String>,
    /// The command changes something in AWS.
    pub mutating: bool,
    /// Account in which to run the command; `null` without one.
    pub account: Option<AccountId>,
    /// Region in which the command runs; `null` without one.
    pub region: Option<Region>,
}

/// What a step is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StepType {
    /// Stops further harm, and can be taken back.
    Contain,
    /// Takes back what happened.
    Undo,
    /// Finds out from a person.
    Ask,
    /// Finds out by looking.
    Look,
    /// Mends what does not work.
    Fix,
}

impl Step {
    /// A step. What the command does, and where, is read from the command itself.
    pub fn new(kind: StepType, text: Text, command: Option<String>) -> Self {
        let line = command.as_deref().unwrap_or_default();
        let key = words(line).find_map(|word| word.parse::<KeyArn>().ok());
        let region = words(line).skip_while(|word| *word != "--region").nth(1);
        let region = region.and_then(Region::new);
        let mutating = is_mutating(line);
        Self {
            kind,
            text,
            mutating,
            account: key.map(|key| key.account().clone()),
            region,
            command,
        }
    }

    /// The command runs in `account`, unless it says otherwise itself.
    pub(crate) fn run_in(&mut self, account: &AccountId, region: &Region) {
        if self.command.is_some() {
            self.account.get_or_insert_with(|| account.clone());
            self.region.get_or_insert_with(|| region.clone());
        }
    }
}

/// Operations that change nothing begin with one of these (the services' API references).
const READS: [&str; 8] = [
    "detect",
    "describe",
    "get",
    "list",
    "lookup",
    "filter",
    "start-query",
    "wait",
];

/// `aws <service> <operation>`: the operation is none that only reads.
fn is_mutating(command: &str) -> bool {
    let mut words = words(command);
    let (Some("aws"), Some(_), Some(operation)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    !READS.iter().any(|read| operation.starts_with(read))
}

fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split_ascii_whitespace()
}

/// A value of others that may stand in a command as it is: a shell, the AWS CLI and a mail reader take it for nothing else.
pub fn is_bare(value: &str) -> bool {
    let is_link = value.contains("//") || value.to_ascii_lowercase().contains("www.");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.:/@+-".contains(&b);
    !value.is_empty() && !value.starts_with('-') && !is_link && value.bytes().all(plain)
}

/// The URL of a queue, which `aws sqs` wants in place of a name: a host of AWS, an account, a name, and nothing else.
pub(crate) fn is_queue_url(value: &str) -> bool {
    let parts = value
        .strip_prefix("https://sqs.")
        .and_then(|rest| rest.split_once(".amazonaws.com"))
        .map(|(region, path)| (region, path.strip_prefix(".cn").unwrap_or(path)));
    let path = |path: &str| {
        let (account, name) = path.strip_prefix('/')?.split_once('/')?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        let is_name = (1..=80).contains(&name.len()) && name.bytes().all(plain);
        Some(is_name && account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.is_some_and(|(region, rest)| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !region.is_empty() && region.bytes().all(plain) && path(rest) == Some(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn step(command: &str) -> Step {
        Step::new(StepType::Look, text!["x"], Some(command.to_owned()))
    }

    #[test]
    fn what_a_command_does_and_where_is_read_from_it() {
        let key = "arn:aws:kms:eu-west-1:111122223333:key/0a1b";
        let undo = step(&format!(
            "aws kms cancel-key-deletion --key-id {key} --region eu-west-1"
        ));
        assert!(undo.mutating);
        assert_eq!(
            undo.account.as_ref().map(AccountId::as_str),
            Some("111122223333")
        );
        assert_eq!(undo.region.as_ref().map(Region::as_str), Some("eu-west-1"));
        let look = step("aws cloudtrail lookup-events --max-results 50");
        assert!(!look.mutating);
        assert_eq!((&look.account, &look.region), (&None, &None));
        assert!(!Step::new(StepType::Ask, text!["x"], None).mutating);
    }

    #[test]
    fn where_the_command_runs_is_what_it_is_about_unless_it_says_so() {
        let (account, region) = (
            AccountId::new("444455556666").unwrap(),
            Region::new("us-east-1").unwrap(),
        );
        let mut silent = step("aws kms list-aliases");
        silent.run_in(&account, &region);
        assert_eq!(silent.account.as_ref(), Some(&account));
        assert_eq!(silent.region.as_ref(), Some(&region));
        let mut says = step("aws kms list-aliases --region eu-west-1");
        says.run_in(&account, &region);
        assert_eq!(says.region.as_ref().map(Region::as_str), Some("eu-west-1"));
        let mut none = Step::new(StepType::Ask, text!["x"], None);
        none.run_in(&account, &region);
        assert_eq!((none.account, none.region), (None, None));
    }

    #[test]
    fn a_bare_value_is_nothing_else_to_a_shell_or_a_mail_reader() {
        for value in [
            "team-pay",
            "arn:aws:sns:eu-west-1:111122223333:t",
            "a@b.example",
            "x/y_z+1.2",
        ] {
            assert!(is_bare(value), "{value}");
        }
        for value in [
            "",
            "-rf",
            "a b",
            "a;b",
            "$(id)",
            "`id`",
            "a'b",
            "a\"b",
            "a\nb",
            "é",
            "a=b",
            "#a",
            "*",
            "~",
            "a,b",
            "a|b",
            "https://evil.example",
            "file://x",
            "x//evil.example",
            "www.evil.example",
            "xWWW.evil.example",
        ] {
            assert!(!is_bare(value), "{value:?}");
        }
    }

    #[test]
    fn a_queue_has_a_host_of_aws_and_a_plain_name() {
        for url in [
            "https://sqs.us-east-1.amazonaws.com/111122223333/kms-watch-Failed_1",
            "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q",
        ] {
            assert!(is_queue_url(url), "{url}");
        }
        for url in [
            "http://sqs.us-east-1.amazonaws.com/111122223333/q",
            "https://sqs.evil.example/111122223333/q",
            "https://sqs.us-east-1.amazonaws.com.evil.example/111122223333/q",
            "https://sqs.us-east-1.amazonaws.com@evil.example/111122223333/q",
            "https://sqs.evil.example/x.amazonaws.com/111122223333/q",
            "https://sqs.us-east-1.amazonaws.com/111122223333/q@b.example",
            "https://sqs.us-east-1.amazonaws.com/111122223333/q/../..",
            "https://sqs.us-east-1.amazonaws.com/1111/q",
            "https://sqs.us-east-1.amazonaws.com/111122223333/",
            "kms-watch-Failed",
        ] {
            assert!(!is_queue_url(url), "{url}");
        }
    }
}
