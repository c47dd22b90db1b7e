//! One of the two services that answer the same calls.

use std::collections::BTreeMap;
use std::fmt::Debug;

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::error::SdkError;
use serde_json::{Value, json};

use crate::tape::Tape;

/// Members whose values are random: only which of them are equal can be compared.
const RANDOM: [&str; 6] = [
    "CiphertextBlob",
    "CurrentKeyMaterialId",
    "KeyMaterialId",
    "MessageId",
    "NextMarker",
    "Plaintext",
];

/// Lists for which AWS promises no order.
const UNORDERED: [&str; 6] = [
    "Aliases",
    "AttributeDefinitions",
    "Keys",
    "SS",
    "TableNames",
    "Tags",
];

/// What came of a step.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `200`, or the status with the code of the error.
    pub(crate) outcome: String,
    pub(crate) members: Value,
}

/// A service, and what it answered.
pub(crate) struct Side {
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    tape: Tape,
    /// Seconds since 1970, by its own clock.
    start: f64,
    /// What stands for ids and random values, by their first appearance.
    names: BTreeMap<String, String>,
    pub(crate) answers: Vec<(String, Answer)>,
}

impl Side {
    pub(crate) fn new(endpoint: &str, region: &str, start: f64) -> Self {
        let tape = Tape::default();
        let config = watch_aws::sdk::local(endpoint, region)
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .build();
        let kms = aws_sdk_kms::config::Builder::from(&config).interceptor(tape.clone());
        let sns = aws_sdk_sns::config::Builder::from(&config).interceptor(tape.clone());
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(tape.clone());
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            tape,
            start,
            names: BTreeMap::new(),
            answers: Vec::new(),
        }
    }

    /// Awaits a call and notes its answer, made comparable; returns the answer as it came.
    pub(crate) async fn step<T, E: Debug>(
        &mut self,
        step: impl Into<String>,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Value {
        let step = step.into();
        let result = call.await;
        let answer = self.tape.take();
        // The SDK itself must make sense of it.
        if let Err(error) = result {
            assert!(
                matches!(error, SdkError::ServiceError(_)),
                "{step}: {error:?}, {answer}"
            );
        }
        assert!(
            self.answers.iter().all(|(other, _)| *other != step),
            "two steps are named {step}"
        );
        let comparable = self.comparable(&step, &answer);
        self.answers.push((step, comparable));
        answer["body"].clone()
    }

    /// How it ended, and the members of the answer. Texts of errors are left out: AWS documents few of them, and
    /// nobody should depend on them.
    fn comparable(&mut self, step: &str, answer: &Value) -> Answer {
        let (status, body) = (&answer["status"], &answer["body"]);
        let (outcome, members) = if *status == 200 {
            (status.to_string(), self.value(step, "", body))
        } else {
            (format!("{status} {}", error_code(body)), json!({}))
        };
        Answer { outcome, members }
    }

    fn value(&mut self, step: &str, member: &str, value: &Value) -> Value {
        match value {
            // To an SDK, a member that is null is not there.
            Value::Object(members) => members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), self.value(step, name, value)))
                .collect(),
            Value::Array(entries) => {
                let mut entries: Vec<Value> = entries
                    .iter()
                    .map(|entry| self.value(step, member, entry))
                    .collect();
                if UNORDERED.contains(&member) {
                    entries.sort_by_cached_key(Value::to_string);
                }
                entries.into()
            }
            // Policies are compared by what they say, not by their layout.
            Value::String(text) if member == "Policy" => {
                serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())
            }
            Value::Number(number) if member.contains("Date") => {
                let days = (number.as_f64().unwrap_or_default() - self.start) / 86_400.0;
                format!("<day {days:.0}>").into()
            }
            Value::String(text) if RANDOM.contains(&member) => self.name(step, member, text).into(),
            Value::String(text) => self.without_ids(step, text).into(),
            other => other.clone(),
        }
    }

    /// Where the value came up first: the same on both sides, however many others there are.
    fn name(&mut self, step: &str, kind: &str, value: &str) -> String {
        let first = format!("<{kind} of {step}>");
        self.names.entry(value.to_owned()).or_insert(first).clone()
    }

    /// Key ids stand alone or at the end of an ARN.
    fn without_ids(&mut self, step: &str, text: &str) -> String {
        let (before, id) = text
            .rsplit_once('/')
            .map_or(("", text), |(before, id)| (&text[..=before.len()], id));
        let is_id = id.starts_with("mrk-") || id.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        if is_id {
            format!("{before}{}", self.name(step, "key", id))
        } else {
            text.to_owned()
        }
    }
}

/// `__type` of awsJson, `<Code>` of the query protocol.
fn error_code(body: &Value) -> String {
    // Some services put a namespace before the code; SDKs cut it off.
    let code = body["__type"].as_str().or(body["Code"].as_str());
    let code = code.map(|code| code.rsplit('#').next().unwrap_or(code));
    code.unwrap_or("no code").to_owned()
}
