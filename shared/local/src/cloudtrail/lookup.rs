//! `LookupEvents` (CloudTrail API Reference).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    error::CloudTrailError,
    history::{Entry, History},
};
use crate::ids::to_hex;

/// Events per page: what there is without `MaxResults`, and the most.
const PAGE: u64 = 50;

/// The longest value of an attribute.
const MAX_VALUE: usize = 2000;

type Outcome = Result<Value, CloudTrailError>;

/// What a request asks for.
struct Query<'a> {
    attribute: Option<(&'a str, &'a str)>,
    /// Seconds since 1970; both are part of the range.
    start: Option<f64>,
    end: Option<f64>,
    /// Insights events, of which there are none.
    insights: bool,
    most: usize,
    /// Only records before this one: where the page before ended.
    before: Option<u64>,
    /// Of what has to be the same on all pages.
    fingerprint: String,
}

impl<'a> Query<'a> {
    fn read(region: &str, body: &'a Value) -> Result<Self, CloudTrailError> {
        if !body.is_object() {
            return Err(CloudTrailError::new(
                "SerializationException",
                "the body is not a JSON object",
            ));
        }
        let (start, end) = (time(body, "StartTime")?, time(body, "EndTime")?);
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(CloudTrailError::new(
                "InvalidTimeRangeException",
                "Start time cannot be after end time.",
            ));
        }
        let most = match member(body, "MaxResults") {
            None => PAGE,
            Some(number) => number
                .as_u64()
                .filter(|number| (1..=PAGE).contains(number))
                .ok_or_else(|| {
                    CloudTrailError::new(
                        "InvalidMaxResultsException",
                        "MaxResults must be between 1 and 50.",
                    )
                })?,
        };
        let insights = match member(body, "EventCategory").map(Value::as_str) {
            None => false,
            Some(Some("insight")) => true,
            Some(_) => {
                return Err(CloudTrailError::new(
                    "InvalidEventCategoryException",
                    "The event category is not valid.",
                ));
            }
        };
        let attribute = attribute(body)?;
        let fingerprint = fingerprint(region, body);
        let token = member(body, "NextToken");
        let before = token.map(|token| read_token(token, &fingerprint));
        Ok(Self {
            attribute,
            start,
            end,
            insights,
            most: usize::try_from(most).unwrap_or(usize::MAX),
            before: before.transpose()?,
            fingerprint,
        })
    }

    fn wants(&self, entry: &Entry) -> bool {
        let Some((key, value)) = self.attribute else {
            return !self.insights;
        };
        let found = match key {
            "EventId" => entry.id == value,
            "EventName" => entry.name == value,
            "EventSource" => entry.source == value,
            "ReadOnly" => entry.read_only.to_string() == value,
            "Username" => entry.username.as_deref() == Some(value),
            "AccessKeyId" => entry.access_key.as_deref() == Some(value),
            "ResourceType" => entry.resources.iter().any(|(kind, _)| kind == value),
            _ => entry.resources.iter().any(|(_, name)| name == value),
        };
        found && !self.insights
    }
}

/// The member, if it is there and not null.
fn member<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

fn time(body: &Value, name: &str) -> Result<Option<f64>, CloudTrailError> {
    let Some(time) = member(body, name) else {
        return Ok(None);
    };
    let seconds = time.as_f64().ok_or_else(|| {
        CloudTrailError::new(
            "SerializationException",
            format!("{name} has the wrong type"),
        )
    })?;
    Ok(Some(seconds))
}

fn attribute(body: &Value) -> Result<Option<(&str, &str)>, CloudTrailError> {
    const KEYS: &[&str] = &[
        "AccessKeyId",
        "EventId",
        "EventName",
        "EventSource",
        "ReadOnly",
        "ResourceName",
        "ResourceType",
        "Username",
    ];
    let invalid = |why: &str| CloudTrailError::new("InvalidLookupAttributesException", why);
    let attribute = match member(body, "LookupAttributes") {
        None => return Ok(None),
        Some(list) => match list.as_array().map(Vec::as_slice) {
            Some([]) => return Ok(None),
            Some([one]) => one,
            Some(_) => return Err(invalid("There can be only one lookup attribute.")),
            None => return Err(invalid("LookupAttributes is not a list.")),
        },
    };
    let text = |name: &str| attribute.get(name).and_then(Value::as_str);
    let key = text("AttributeKey").filter(|key| KEYS.contains(key));
    let key = key.ok_or_else(|| invalid("The attribute key is not valid."))?;
    let value = text("AttributeValue").filter(|value| (1..=MAX_VALUE).contains(&value.len()));
    let value = value.ok_or_else(|| invalid("The attribute value is not valid."))?;
    Ok(Some((key, value)))
}

/// "The token must be passed in with the same parameters as the previous call."
fn fingerprint(region: &str, body: &Value) -> String {
    let same = json!([
        region,
        member(body, "LookupAttributes"),
        member(body, "StartTime"),
        member(body, "EndTime"),
        member(body, "EventCategory"),
    ]);
    let mut digest = to_hex(&Sha256::digest(same.to_string()));
    digest.truncate(16);
    digest
}

fn write_token(before: u64, fingerprint: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{before}.{fingerprint}"))
}

fn read_token(token: &Value, fingerprint: &str) -> Result<u64, CloudTrailError> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(token.as_str()?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (before, of) = text.split_once('.')?;
        (of == fingerprint).then_some(before.parse().ok()?)
    };
    read().ok_or_else(|| {
        CloudTrailError::new(
            "InvalidNextTokenException",
            "The token is not valid, or was used with different parameters.",
        )
    })
}

impl Entry {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of this era fit into 53 bits"
    )]
    fn seconds(&self) -> f64 {
        self.at.as_second() as f64
    }

    fn shown(&self) -> Value {
        let resources = self.resources.iter();
        let resources: Vec<Value> = resources
            .map(|(kind, name)| json!({"ResourceType": kind, "ResourceName": name}))
            .collect();
        let mut event = json!({
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": self.read_only.to_string(),
            // As the record has it: without a fraction.
            "EventTime": self.at.as_second(),
            "EventSource": self.source,
            "Resources": resources,
            "CloudTrailEvent": self.record,
        });
        if let Some(username) = &self.username {
            event["Username"] = username.as_str().into();
        }
        if let Some(access_key) = &self.access_key {
            event["AccessKeyId"] = access_key.as_str().into();
        }
        event
    }
}

impl History {
    /// The page of a Region's history that the request asks for, the newest events first.
    fn lookup(&self, region: &str, body: &Value, now: Timestamp) -> Outcome {
        let query = Query::read(region, body)?;
        let Some(entries) = self.by_region.get(region) else {
            return Ok(json!({"Events": []}));
        };
        let visible = |entry: &Entry| now.duration_since(entry.at) >= self.lag;
        let is_before = |entry: &Entry| {
            visible(entry)
                && query.before.is_none_or(|before| entry.number < before)
                && query.end.is_none_or(|end| entry.seconds() <= end)
        };
        let is_after = |entry: &Entry| {
            !entry.is_old(now) && query.start.is_none_or(|start| entry.seconds() >= start)
        };
        let first = entries.partition_point(|entry| !is_after(entry));
        let end = entries.partition_point(is_before);
        let mut found = entries
            .range(first..end.max(first))
            .rev()
            .filter(|entry| query.wants(entry));
        let page: Vec<&Entry> = found.by_ref().take(query.most).collect();
        let more = found.next().is_some();
        let shown: Vec<Value> = page.iter().map(|entry| entry.shown()).collect();
        let mut answer = json!({"Events": shown});
        if let Some(last) = page.last().filter(|_| more) {
            answer["NextToken"] = write_token(last.number, &query.fingerprint).into();
        }
        Ok(answer)
    }
}

impl History {
    /// Carries out an operation of the API.
    pub(crate) fn call(
        &self,
        operation: &str,
        region: &str,
        body: &Value,
        now: Timestamp,
    ) -> Outcome {
        match operation {
            "LookupEvents" => self.lookup(region, body, now),
            other => Err(CloudTrailError::new(
                "UnknownOperationException",
                format!("{other} is not imitated"),
            )),
        }
    }
}
