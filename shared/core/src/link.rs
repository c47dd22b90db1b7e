//! Links into the AWS console. Its URLs are undocumented, so a link is an extra and never the only way.

use std::fmt::Write;

use crate::arn::{KeyArn, Partition, Region};
use crate::key::Manager;

/// Console of a Region, `None` in partitions without a public one.
fn console(partition: &Partition, region: &Region) -> Option<String> {
    let host = match partition.as_str() {
        "aws" => "console.aws.amazon.com",
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        "aws-eusc" => "console.amazonaws-eusc.eu",
        _ => return None,
    };
    Some(format!("https://{}.{host}", region.as_str()))
}

/// The page of a key.
pub fn key(key: &KeyArn, manager: Option<&Manager>) -> Option<String> {
    let list = if manager == Some(&Manager::Aws) {
        "defaultKeys"
    } else {
        "keys"
    };
    let region = key.region().as_str();
    Some(format!(
        "{}/kms/home?region={region}#/kms/{list}/{}",
        console(key.partition(), key.region())?,
        key.id()
    ))
}

/// The page of a CloudTrail event, which is there for 90 days.
pub fn event(partition: &Partition, region: &Region, event_id: &str) -> Option<String> {
    let console = console(partition, region)?;
    Some(format!(
        "{console}/cloudtrailv2/home?region={}#/events/{}",
        region.as_str(),
        percent_encoded(event_id)
    ))
}

/// What CloudTrail's event history has of a key, of 90 days.
pub fn events_of(key: &KeyArn) -> Option<String> {
    let console = console(key.partition(), key.region())?;
    Some(format!(
        "{console}/cloudtrailv2/home?region={}#/events?ResourceName={}",
        key.region().as_str(),
        percent_encoded(&key.to_string())
    ))
}

/// The log groups of a stack, by the beginning of their names.
pub fn logs(partition: &Partition, region: &Region, stack: &str) -> Option<String> {
    let console = console(partition, region)?;
    // What stands in the fragment is encoded twice, with `$` in the place of `%`.
    let name = percent_encoded(&percent_encoded(&format!("{stack}-"))).replace('%', "$");
    Some(format!(
        "{console}/cloudwatch/home?region={}#logsV2:log-groups$3FlogGroupNameFilter$3D{name}",
        region.as_str()
    ))
}

/// The page of a CloudWatch alarm.
pub fn alarm(partition: &Partition, region: &Region, name: &str) -> Option<String> {
    let console = console(partition, region)?;
    Some(format!(
        "{console}/cloudwatch/home?region={}#alarmsV2:alarm/{}",
        region.as_str(),
        percent_encoded(name)
    ))
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                out.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_follow_the_partition() {
        let link = |arn: &str| key(&arn.parse().unwrap(), Some(&Manager::Customer));
        assert_eq!(
            link("arn:aws:kms:eu-west-1:111122223333:key/k").as_deref(),
            Some("https://eu-west-1.console.aws.amazon.com/kms/home?region=eu-west-1#/kms/keys/k")
        );
        assert_eq!(
            link("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/k").as_deref(),
            Some(
                "https://us-gov-west-1.console.amazonaws-us-gov.com/kms/home?region=us-gov-west-1#/kms/keys/k"
            )
        );
        assert_eq!(
            link("arn:aws-iso:kms:us-iso-east-1:111122223333:key/k"),
            None
        );
    }

    #[test]
    fn what_is_seen_of_a_key_is_linked_in_every_partition() {
        for (arn, expected) in [
            (
                "arn:aws:kms:eu-west-1:111122223333:key/k",
                "https://eu-west-1.console.aws.amazon.com/cloudtrailv2/home?region=eu-west-1#/events?ResourceName=\
                 arn%3Aaws%3Akms%3Aeu-west-1%3A111122223333%3Akey%2Fk",
            ),
            (
                "arn:aws-cn:kms:cn-north-1:111122223333:key/k",
                "https://cn-north-1.console.amazonaws.cn/cloudtrailv2/home?region=cn-north-1#/events?ResourceName=\
                 arn%3Aaws-cn%3Akms%3Acn-north-1%3A111122223333%3Akey%2Fk",
            ),
            (
                "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/k",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudtrailv2/home?region=us-gov-west-1#/events?ResourceName=\
                 arn%3Aaws-us-gov%3Akms%3Aus-gov-west-1%3A111122223333%3Akey%2Fk",
            ),
        ] {
            assert_eq!(events_of(&arn.parse().unwrap()).as_deref(), Some(expected));
        }
        let elsewhere = "arn:aws-iso:kms:us-iso-east-1:111122223333:key/k";
        assert_eq!(events_of(&elsewhere.parse().unwrap()), None);
    }

    #[test]
    fn logs_are_those_of_the_stack() {
        let link = |partition: &str, region: &str, stack: &str| {
            logs(
                &Partition::new(partition).unwrap(),
                &Region::new(region).unwrap(),
                stack,
            )
        };
        assert_eq!(
            link("aws-cn", "cn-north-1", "kms-watch").as_deref(),
            Some(
                "https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#logsV2:log-groups$3FlogGroupNameFilter$3Dkms-watch-"
            )
        );
        let hostile = link("aws", "us-east-1", "a/b\"<#&").unwrap();
        assert!(
            hostile.ends_with("$3Da$252Fb$2522$253C$2523$2526-"),
            "{hostile}"
        );
        assert_eq!(link("aws-iso", "us-iso-east-1", "kms-watch"), None);
    }

    #[test]
    fn an_alarms_name_stays_inside_its_link() {
        let (partition, region) = (
            Partition::new("aws-cn").unwrap(),
            Region::new("cn-north-1").unwrap(),
        );
        assert_eq!(
            alarm(&partition, &region, "kms-watch/é: \"#?&<b>\"").as_deref(),
            Some(
                "https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#alarmsV2:alarm/\
                 kms-watch%2F%C3%A9%3A%20%22%23%3F%26%3Cb%3E%22"
            )
        );
    }

    #[test]
    fn a_hostile_event_id_stays_inside_its_link() {
        let (partition, region) = (
            Partition::new("aws").unwrap(),
            Region::new("us-east-1").unwrap(),
        );
        let link = event(&partition, &region, "a/b?c#d e\"").unwrap();
        assert!(link.ends_with("#/events/a%2Fb%3Fc%23d%20e%22"), "{link}");
    }
}
