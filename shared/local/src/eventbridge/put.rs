//! `PutEvents` (EventBridge API Reference).

use serde_json::{Value, json};

use super::{Bus, EventBridge, bus_arn, invalid};
use crate::{context::Context, faulty::JsonError, times::iso};

/// Entries of a request.
const ENTRIES: usize = 10;
/// Bytes of an entry, and of all entries of a request (API Reference, `PutEvents`; User Guide, sending events with
/// `PutEvents`).
const ENTRY_BYTES: usize = 256 * 1024;
const REQUEST_BYTES: usize = 1024 * 1024;

impl EventBridge {
    pub(crate) fn call(
        &mut self,
        context: &mut Context,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Result<Value, JsonError> {
        if operation != "PutEvents" {
            return Err(JsonError::new("UnknownOperationException", ""));
        }
        let entries = body["Entries"].as_array();
        let entries = entries.ok_or_else(|| invalid("Entries must not be null"))?;
        if entries.is_empty() || entries.len() > ENTRIES {
            return Err(invalid(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length \
                 less than or equal to 10 and greater than or equal to 1",
            ));
        }
        let sizes: Vec<usize> = entries.iter().map(size).collect();
        if sizes.iter().any(|size| *size > ENTRY_BYTES)
            || sizes.iter().sum::<usize>() >= REQUEST_BYTES
        {
            return Err(invalid(
                "Total size of the entries in the request is over the limit.",
            ));
        }
        let mut failed = 0;
        let mut answers = Vec::new();
        for entry in entries {
            match self.put(context, region, entry) {
                Ok(id) => answers.push(json!({"EventId": id})),
                Err((code, message)) => {
                    failed += 1;
                    answers.push(json!({"ErrorCode": code, "ErrorMessage": message}));
                }
            }
        }
        Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
    }

    /// Puts one entry on its bus; its id.
    fn put(
        &mut self,
        context: &mut Context,
        region: &str,
        entry: &Value,
    ) -> Result<String, (&'static str, String)> {
        let required = |name: &str| {
            let text = entry[name].as_str().filter(|text| !text.is_empty());
            text.ok_or_else(|| {
                let why = format!(
                    "Parameter {name} is not valid. Reason: {name} is a required argument."
                );
                ("InvalidArgument", why)
            })
        };
        let (source, kind) = (required("Source")?, required("DetailType")?);
        let detail: Value = serde_json::from_str(required("Detail")?).unwrap_or_default();
        if !detail.is_object() {
            return Err(("MalformedDetail", "Detail is malformed.".to_owned()));
        }
        if source.starts_with("aws.") {
            let why = "Not authorized for the source.".to_owned();
            return Err(("NotAuthorizedForSourceException", why));
        }
        let arn = bus_arn(region, &context.account, entry["EventBusName"].as_str());
        let Some(Bus { events, refusals }) = self.buses.get_mut(&arn) else {
            let why = format!("Event bus {arn} does not exist.");
            return Err(("ResourceNotFoundException", why));
        };
        if !refusals.is_empty() {
            return Err((refusals.remove(0), "Refused.".to_owned()));
        }
        let id = context.ids.uuid();
        events.push(json!({
            "version": "0",
            "id": id,
            "detail-type": kind,
            "source": source,
            "account": context.account,
            "time": iso(context.now),
            "region": arn.split(':').nth(3),
            "resources": entry.get("Resources").cloned().unwrap_or_else(|| json!([])),
            "detail": detail,
        }));
        Ok(id)
    }
}

/// Bytes that an entry counts for (User Guide, calculating the size of an entry).
fn size(entry: &Value) -> usize {
    let text = |name: &str| entry[name].as_str().map_or(0, str::len);
    let resources = entry["Resources"].as_array().into_iter().flatten();
    let resources = resources.filter_map(Value::as_str).map(str::len);
    let time = if entry["Time"].is_null() { 0 } else { 14 };
    time + text("Source") + text("DetailType") + text("Detail") + resources.sum::<usize>()
}
