//! EventBridge: buses, and what is put on them.

mod put;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::faulty::JsonError;

/// The buses that there are, by ARN.
#[derive(Debug, Default)]
pub(crate) struct EventBridge {
    buses: BTreeMap<String, Bus>,
}

/// A bus.
#[derive(Debug, Default)]
struct Bus {
    /// As its rules would get them.
    events: Vec<Value>,
    /// Entries that it refuses, first to last: the code for each.
    refusals: Vec<&'static str>,
}

impl EventBridge {
    /// A bus with this ARN, of whatever account and Region.
    pub(crate) fn create_bus(&mut self, arn: &str) {
        self.buses.entry(arn.to_owned()).or_default();
    }

    /// What was put on a bus since the last time.
    pub(crate) fn take(&mut self, arn: &str) -> Vec<Value> {
        let bus = self.buses.get_mut(arn);
        bus.map_or_else(Vec::new, |bus| std::mem::take(&mut bus.events))
    }

    /// The next entries for a bus are refused, each with this code, while the call succeeds.
    pub(crate) fn refuse(&mut self, arn: &str, code: &'static str, times: usize) {
        if let Some(bus) = self.buses.get_mut(arn) {
            bus.refusals.extend(std::iter::repeat_n(code, times));
        }
    }
}

/// ARN of the bus that a request is about, as IAM has it.
pub(crate) fn resource(region: &str, account: &str, body: &Value) -> Option<String> {
    let entry = &body["Entries"][0];
    Some(bus_arn(region, account, entry["EventBusName"].as_str()))
}

/// The ARN of a bus that is named by itself or by its ARN.
fn bus_arn(region: &str, account: &str, named: Option<&str>) -> String {
    match named {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        name => {
            let partition = crate::spelling::partition(region);
            let name = name.unwrap_or("default");
            format!("arn:{partition}:events:{region}:{account}:event-bus/{name}")
        }
    }
}

/// An error of the request as a whole.
pub(crate) fn invalid(message: &str) -> JsonError {
    JsonError::new("ValidationException", message)
}
