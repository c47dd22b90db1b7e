//! Configuration of the export of findings.

use std::str::FromStr;

use super::{Config, ConfigError, Reader};
use crate::arn::{AccountId, ArnError, BusArn, Partition, Region};
use crate::severity::Severity;

/// Settings of the export of findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportConfig {
    /// Those of a function that alerts, of which it is known whose stack it is.
    pub alerts: Config,
    /// Findings go to Security Hub.
    pub security_hub: bool,
    /// Bus that gets them in OCSF.
    pub bus: Option<BusArn>,
    /// Queue that gets them in OCSF.
    pub queue: Option<QueueArn>,
    /// Bucket that gets them in OCSF.
    pub bucket: Option<Bucket>,
    /// URL of the queue of what no way takes.
    pub dead_letters: String,
    /// Findings of this level and above are exported, and every end of a story.
    pub minimum_severity: Severity,
}

impl ExportConfig {
    /// Reads the settings through `lookup`, as [`Config::from_lookup`] does. A way out that is malformed is no way out, so the
    /// function does not start with it.
    ///
    /// # Errors
    ///
    /// All missing and malformed variables together, if a required one is among them.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&'static str],
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(&lookup);
        let flag = "neither true nor false";
        let security_hub = reader.choice("SECURITY_HUB_FINDINGS", false, flag, |text| {
            text.parse().ok()
        });
        let bus = reader.way("OCSF_BUS_ARN");
        let queue = reader.way("OCSF_QUEUE_ARN");
        let bucket = reader.way("OCSF_BUCKET");
        let is_nowhere = !security_hub && bus.is_none() && queue.is_none() && bucket.is_none();
        if is_nowhere && !reader.is_fatal {
            let what =
                "is not true, and none of OCSF_BUS_ARN, OCSF_QUEUE_ARN and OCSF_BUCKET is there";
            reader.fatal("SECURITY_HUB_FINDINGS", what);
        }
        let dead_letters = reader.text("FINDING_DEAD_LETTERS_URL");
        if dead_letters.is_none() {
            reader.fatal("FINDING_DEAD_LETTERS_URL", "is missing");
        }
        let minimum_severity = reader.optional("FINDING_MINIMUM_SEVERITY");
        let (mut problems, is_fatal) = (reader.problems, reader.is_fatal);
        match (Config::from_lookup(&lookup, required), dead_letters) {
            (Ok(mut alerts), Some(dead_letters)) if !is_fatal => {
                alerts.ignored.append(&mut problems);
                Ok(Self {
                    alerts,
                    security_hub,
                    bus,
                    queue,
                    bucket,
                    dead_letters,
                    minimum_severity: minimum_severity.unwrap_or(Severity::Low),
                })
            }
            (Ok(alerts), _) => {
                problems.splice(0..0, alerts.ignored);
                Err(ConfigError { problems })
            }
            (Err(error), _) => {
                problems.splice(0..0, error.problems);
                Err(ConfigError { problems })
            }
        }
    }
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// A way out, which is there and right, or not there.
    fn way<T: FromStr<Err = ArnError>>(&mut self, name: &str) -> Option<T> {
        let is_there = self.text(name).is_some();
        let way = self.optional(name);
        self.is_fatal |= is_there && way.is_none();
        way
    }
}

/// The ARN of a queue of SQS: `arn:aws:sqs:us-east-1:111122223333:findings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueArn {
    region: Region,
    account: AccountId,
    name: String,
    suffix: &'static str,
}

impl QueueArn {
    /// The queue's Region.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// What SQS calls the queue.
    pub fn url(&self) -> String {
        let (region, account) = (self.region.as_str(), self.account.as_str());
        format!(
            "https://sqs.{region}.{}/{account}/{}",
            self.suffix, self.name
        )
    }
}

impl FromStr for QueueArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let wrong = || ArnError::new("a standard queue of SQS", text);
        let parts: Vec<&str> = text.split(':').collect();
        let &["arn", partition, "sqs", region, account, name] = parts.as_slice() else {
            return Err(wrong());
        };
        // Up to 80 characters (SQS API Reference, CreateQueue). A FIFO queue wants a group for each message.
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let is_name = (1..=80).contains(&name.len()) && name.bytes().all(fits);
        let suffix = match partition {
            "aws-cn" => "amazonaws.com.cn",
            "aws-eusc" => "amazonaws.eu",
            _ => "amazonaws.com",
        };
        let parts = (
            Partition::new(partition),
            Region::new(region),
            AccountId::new(account),
        );
        match parts {
            (Some(_), Some(region), Some(account)) if is_name => Ok(Self {
                region,
                account,
                name: name.to_owned(),
                suffix,
            }),
            _ => Err(wrong()),
        }
    }
}

/// The name of a bucket of S3, which becomes a part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket(String);

impl Bucket {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Bucket {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        // Amazon S3 User Guide, general purpose bucket naming rules.
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        let is_end = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = text.as_bytes();
        let is_name = (3..=63).contains(&text.len())
            && bytes.iter().copied().all(fits)
            && is_end(bytes.first())
            && is_end(bytes.last())
            && !text.contains("..")
            && text.parse::<std::net::Ipv4Addr>().is_err();
        if is_name {
            Ok(Self(text.to_owned()))
        } else {
            Err(ArnError::new("a bucket of S3", text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<ExportConfig, ConfigError> {
        let topic = (
            "ALERT_TOPIC_ARN",
            "arn:aws:sns:us-east-1:111122223333:people",
        );
        let find = |name: &str| {
            variables
                .iter()
                .chain([&topic])
                .find(|(known, _)| *known == name)
        };
        ExportConfig::from_lookup(|name| find(name).map(|(_, value)| (*value).to_owned()), &[])
    }

    const LETTERS: (&str, &str) = ("FINDING_DEAD_LETTERS_URL", "https://sqs/q");

    #[test]
    fn it_needs_a_way_out_and_a_queue_for_what_none_takes() {
        let problems = read(&[]).unwrap_err().problems;
        assert_eq!(
            problems,
            [
                "SECURITY_HUB_FINDINGS is not true, and none of OCSF_BUS_ARN, OCSF_QUEUE_ARN and OCSF_BUCKET is there",
                "FINDING_DEAD_LETTERS_URL is missing"
            ]
        );
        let config = read(&[LETTERS, ("SECURITY_HUB_FINDINGS", "true")]).unwrap();
        assert!(config.security_hub && config.bus.is_none());
        assert_eq!(config.minimum_severity, Severity::Low);
    }

    #[test]
    fn a_malformed_way_out_is_none_even_beside_another() {
        for (name, value) in [
            (
                "OCSF_BUS_ARN",
                "arn:aws:events:us-east-1:111122223333:rule/a",
            ),
            (
                "OCSF_QUEUE_ARN",
                "https://sqs.us-east-1.amazonaws.com/111122223333/q",
            ),
            (
                "OCSF_QUEUE_ARN",
                "arn:aws:sqs:us-east-1:111122223333:q.fifo",
            ),
            ("OCSF_BUCKET", "../other"),
            ("OCSF_BUCKET", "192.0.2.1"),
            ("OCSF_BUCKET", "Upper"),
        ] {
            let error = read(&[LETTERS, ("SECURITY_HUB_FINDINGS", "true"), (name, value)]);
            let problems = error.unwrap_err().problems;
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(
                problems[0].starts_with(&format!("{name} is malformed")),
                "{problems:?}"
            );
        }
        let config = read(&[
            LETTERS,
            ("OCSF_BUCKET", "org.findings-1"),
            ("FINDING_MINIMUM_SEVERITY", "loud"),
        ])
        .unwrap();
        assert_eq!(config.alerts.ignored.len(), 1);
    }

    #[test]
    fn a_queue_has_the_hosts_of_its_partition() {
        let url = |arn: &str| arn.parse::<QueueArn>().unwrap().url();
        assert_eq!(
            url("arn:aws:sqs:eu-west-1:111122223333:q"),
            "https://sqs.eu-west-1.amazonaws.com/111122223333/q"
        );
        let china = url("arn:aws-cn:sqs:cn-north-1:111122223333:q");
        assert_eq!(
            china,
            "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q"
        );
    }
}
