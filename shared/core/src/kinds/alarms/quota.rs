//! Requests to KMS come near their quota.

use serde::Serialize;

use crate::kinds::case::{Case, look};
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

    fn title(&self, _: &Case<'_>) -> Text {
        match (self.0.value, self.0.unit) {
            (Some(value), Some(Unit::Percent)) => {
                text![
                    self.requests(),
                    " use ",
                    self.0.say(value),
                    " of their quota"
                ]
            }
            _ => text![self.requests(), " come near their quota"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![self.title(case), "."];
        measured(&mut text, &self.0);
        let account = self.0.another_account();
        text.sentence(text![
            "The quota is for the whole ",
            account.unwrap_or_else(|| text!["account"]),
            " in this Region. Beyond it KMS refuses requests (ThrottlingException): of all applications, and of AWS services \
             that use keys for them.",
        ]);
        text.sentence(
            "The metric is a sum over its period: a burst within a minute may be refused below 100 %.",
        );
        alarm_sentences(&mut text, &self.0);
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let quotas = self.0.alarm.region().map(|region| {
            format!(
                "aws service-quotas list-service-quotas --service-code kms --region {}",
                region.as_str()
            )
        });
        let see = match self.0.another_account() {
            Some(account) => text!["In ", account, ", see the quota, and ask for a higher one"],
            None => text!["See the quota, and ask for a higher one"],
        };
        vec![
            look(
                text!["Find in CloudTrail who sends the most requests, and whether that is meant"],
                None,
            ),
            look(
                text![
                    "Have applications keep data keys for a while (AWS Encryption SDK, S3 Bucket Keys) instead of asking for \
                     each object"
                ],
                None,
            ),
            look(see, quotas),
        ]
    }
}
