//! AWS Config: configurations of resources, as a test lays them down, and the query language that finds them (AWS Config API
//! Reference, `SelectResourceConfig`; Developer Guide, "Querying the current configuration state").

mod query;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::query::Query;
use crate::faulty::JsonError;

/// Longest expression.
const EXPRESSION_LIMIT: usize = 4_096;
/// Results on a page, at most.
const PAGE: u64 = 100;
/// Results on a page, if nobody says how many.
const USUAL_PAGE: u64 = 25;

/// Recorders and what they recorded, by Region.
#[derive(Debug, Default)]
pub(crate) struct Config {
    regions: BTreeMap<String, Recorder>,
}

#[derive(Debug, Default)]
struct Recorder {
    /// `None`: there is no recorder.
    recording: Option<bool>,
    items: Vec<Value>,
}

type Outcome = Result<Value, JsonError>;

impl Config {
    pub(crate) fn set_recording(&mut self, region: &str, recording: bool) {
        let recorder = self.regions.entry(region.to_owned()).or_default();
        recorder.recording = Some(recording);
    }

    pub(crate) fn record(&mut self, region: &str, item: Value) {
        let recorder = self.regions.entry(region.to_owned()).or_default();
        recorder.items.push(item);
    }

    pub(crate) fn call(&self, operation: &str, region: &str, body: &Value) -> Outcome {
        let none = Recorder::default();
        let recorder = self.regions.get(region).unwrap_or(&none);
        match operation {
            "DescribeConfigurationRecorderStatus" => {
                let status = |recording| json!({"name": "default", "recording": recording, "lastStatus": "SUCCESS"});
                let statuses: Vec<_> = recorder.recording.into_iter().map(status).collect();
                Ok(json!({"ConfigurationRecordersStatus": statuses}))
            }
            "SelectResourceConfig" => recorder.select(body),
            _ => Err(JsonError::new("UnknownOperationException", "")),
        }
    }
}

impl Recorder {
    fn select(&self, body: &Value) -> Outcome {
        let invalid = |code, what: String| Err(JsonError::new(code, what));
        let expression = body["Expression"].as_str().unwrap_or_default();
        if !(1..=EXPRESSION_LIMIT).contains(&expression.chars().count()) {
            let what = "1 validation error detected: Value at 'expression' failed to satisfy constraint: Member must have length less \
                        than or equal to 4096";
            return invalid("ValidationException", what.to_owned());
        }
        let most = match body["Limit"].as_u64().unwrap_or_default() {
            0 => USUAL_PAGE,
            most if most <= PAGE => most,
            most => {
                return invalid(
                    "InvalidLimitException",
                    format!("The limit {most} is invalid."),
                );
            }
        };
        let query = match Query::parse(expression) {
            Ok(query) => query,
            Err(what) => return invalid("InvalidExpressionException", what),
        };
        let start = match body["NextToken"].as_str().map(str::parse::<usize>) {
            None => 0,
            Some(Ok(start)) => start,
            Some(Err(_)) => {
                return invalid(
                    "InvalidNextTokenException",
                    "The token is invalid.".to_owned(),
                );
            }
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut found = self
            .items
            .iter()
            .filter(|item| query.selects(item))
            .skip(start);
        let results: Vec<_> = found
            .by_ref()
            .take(most)
            .map(|item| {
                let fields = query.fields.iter().filter_map(|field| {
                    let value = item.get(field)?;
                    Some((field.clone(), value.clone()))
                });
                Value::Object(fields.collect::<Map<_, _>>()).to_string()
            })
            .collect();
        let fields: Vec<_> = query
            .fields
            .iter()
            .map(|name| json!({"Name": name}))
            .collect();
        let mut answer = json!({"Results": results, "QueryInfo": {"SelectFields": fields}});
        if found.next().is_some() {
            answer["NextToken"] = (start + most).to_string().into();
        }
        Ok(answer)
    }
}
