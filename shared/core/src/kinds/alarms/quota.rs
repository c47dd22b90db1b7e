//! Requests to KMS come near their quota.

use serde::Serialize;

use crate::kinds::case::{Case, fix, look};
use crate::kinds::describe::{Identify, Identity, Tell};
use crate::kinds::signal::{Alarm, Signal, Unit, alarm_sentences, measured};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// Requests to KMS come near their quota, for the whole account in the Region.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct KmsQuotaNear(pub Signal);

impl KmsQuotaNear {
    /// The requests that share the quota.
    fn requests(&self) -> Text {
        let mut text = self.of_resource();
        if let Some(account) = self.0.another_account() {
            text.push(text![" of ", account]);
        }
        text
    }

    fn of_resource(&self) -> Text {
        let Some(resource) = self.0.dimension("Resource") else {
            return text!["Requests to KMS"];
        };
        match resource.as_str() {
            "CryptographicOperationsSymmetric" => {
                text!["Cryptographic requests with symmetric keys"]
            }
            "CryptographicOperationsRsa" => text!["Cryptographic requests with RSA keys"],
            "CryptographicOperationsEcc" => text!["Cryptographic requests with ECC keys"],
            _ => text!["Requests to KMS for ", resource],
        }
    }
}

impl Identify for KmsQuotaNear {
    fn identity(&self) -> Identity {
        Identity::Alarm(self.0.alarm.change())
    }

    fn alarm(&self) -> Option<&Alarm> {
        Some(&self.0.alarm)
    }
}

impl Tell for KmsQuotaNear {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        match self.0.alarm.set_by_hand {
            true => Severity::Medium,
            false => Severity::High,
        }
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(match self.0.alarm.set_by_hand {
            true => text!["somebody set the state by hand"],
            false => text!["KMS may soon throttle the whole account"],
        })
    }

    fn title(&self, _: &Case<'_>) -> Text {
        match (self.0.value, self.0.unit) {
            (Some(value), Some(Unit::Percent)) => {
                text![
                    self.requests(),
                    " at ",
                    self.0.say(value),
                    " of their quota"
                ]
            }
            _ => text![self.requests(), " near their quota"],
        }
    }

    fn summary(&self, _: &Case<'_>) -> Text {
        let account = self.0.another_account();
        let mut text = text![
            "Above the quota, KMS throttles requests of all applications and AWS services in the whole ",
            account.unwrap_or_else(|| text!["account"]),
            " and Region."
        ];
        measured(&mut text, &self.0);
        text.sentence("KMS counts per second: short bursts may be throttled below 100 %.");
        alarm_sentences(&mut text, &self.0);
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let quotas = self.0.alarm.region().map(|region| {
            format!(
                "aws service-quotas list-service-quotas --service-code kms --query \"Quotas[].[QuotaName,Value,QuotaCode]\" \
                 --output table --region {}",
                region.as_str()
            )
        });
        let see = match self.0.another_account() {
            Some(account) => text!["In ", account, ", see the quotas, and request an increase"],
            None => text!["See the quotas, and request an increase"],
        };
        vec![
            look(
                text!["Find in CloudTrail who sends the most requests"],
                None,
            ),
            fix(
                text!["Let that application cache data keys (AWS Encryption SDK, S3 Bucket Keys)"],
                None,
            ),
            look(see, quotas),
        ]
    }
}
