//! Something to do.

use serde::Serialize;

use crate::text::Text;

/// Something to do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// What and why.
    pub text: Text,
    /// A command of the AWS CLI, complete and safe to paste into a POSIX shell.
    pub command: Option<String>,
}

/// A value of others that may stand in a command as it is: a shell, the AWS CLI and a mail reader take it for nothing else.
pub(crate) fn is_bare(value: &str) -> bool {
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
