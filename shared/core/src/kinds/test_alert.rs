//! The alert that a person asked for: it takes the way of every other one, and says that nothing happened.
//!
//! `kms-watch send-test` invokes the function as EventBridge does, with a record like that of the canary, whose tag is another.
//! No rule lets such a record through, so that whoever sends it may invoke the function, and might send any other.

use serde::Serialize;

use super::case::Case;
use super::describe::{Identify, Limit, Tell};
use crate::event::CloudTrailEvent;
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// The tag, whose value is the name of the test.
pub const TEST_TAG: &str = "kms-watch-test";
/// The tag, whose value is the severity that is wanted.
pub const SEVERITY_TAG: &str = "kms-watch-test-severity";
/// Characters of a test's name.
pub const TEST_NAME: usize = 8;

/// A person asked for an alert.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchTest {
    /// The test's name, by which its mail is found.
    pub test: Untrusted,
    /// The severity that was asked for.
    #[serde(skip)]
    severity: Severity,
}

impl WatchTest {
    /// The test, if the call looks like one; the error says why it does not count.
    pub fn of_call(record: &CloudTrailEvent) -> Option<Result<Self, &'static str>> {
        let is_tagging = record.service.as_str().starts_with("dynamodb.")
            && record.name.as_str() == "TagResource";
        let tags = record.call.requested_value("tags").as_array();
        let tags = tags.filter(|_| is_tagging)?;
        let value = |key: &str| {
            let tag = tags.iter().find(|tag| tag["key"] == key)?;
            tag["value"].as_str()
        };
        let test = value(TEST_TAG)?;
        let is_name = test.len() == TEST_NAME && test.bytes().all(|b| b.is_ascii_hexdigit());
        let severity = value(SEVERITY_TAG).map_or(Some(Severity::High), |it| it.parse().ok());
        Some(match severity {
            Some(severity) if is_name && record.error_code.is_none() => Ok(Self {
                test: Untrusted::new(test),
                severity,
            }),
            _ => Err("a test alert without a name or a severity"),
        })
    }
}

impl Identify for WatchTest {
    fn limit(&self) -> Limit {
        Limit::None
    }
}

impl Tell for WatchTest {
    /// As it was asked for, so that a filter or a threshold can be tried.
    fn severity(&self, _: &Case<'_>) -> Severity {
        self.severity
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text![
            "whoever ran kms-watch send-test asked for that severity"
        ])
    }

    fn title(&self, _: &Case<'_>) -> Text {
        text!["Test ", self.test.clone(), ": KMS Watch can reach you"]
    }

    fn summary(&self, _: &Case<'_>) -> Text {
        text![
            "Nothing happened to any key, and there is nothing to do. Somebody ran kms-watch send-test to see who gets alerts."
        ]
    }
}
