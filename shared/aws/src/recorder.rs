//! AWS Config, by signed JSON: which resources are configured with a key.

use std::time::Duration;

use aws_config::{Region as SdkRegion, SdkConfig};
use serde_json::{Value, json};
use watch_core::arn::Region;
use watch_core::ports::{CallError, Page, Recorder};

use crate::page::page;
use crate::signed::{Call, Patience, Protocol, Service, Signed};

#[cfg(test)]
mod tests;

/// Nobody waits for it, but the function that asks has not long.
const PATIENCE: Patience = Patience {
    operation: Duration::from_secs(8),
    attempt: Duration::from_secs(3),
    attempts: 3,
};

/// Results on a page, at most (AWS Config API Reference, `SelectResourceConfig`).
const PAGE: u32 = 100;

const CONFIG: Service = Service {
    name: "config",
    id: "Config Service",
    protocol: Protocol::Json {
        target: "StarlingDoveService",
        version: "1.1",
    },
};

/// AWS Config's recorder, in whichever Region is asked about.
#[derive(Clone, Debug)]
pub struct RecorderAdapter {
    sdk: SdkConfig,
}

impl RecorderAdapter {
    /// With the credentials of `sdk`.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self { sdk: sdk.clone() }
    }

    async fn ask(
        &self,
        region: &Region,
        operation: &'static str,
        body: Value,
    ) -> Result<Value, CallError> {
        let region = SdkRegion::new(region.as_str().to_owned());
        let sdk = self.sdk.clone().into_builder().region(region).build();
        let call = Call {
            service: CONFIG,
            operation,
            path: "/".to_owned(),
            body,
        };
        Signed::new(&sdk, PATIENCE).call(call).await
    }
}

impl Recorder for RecorderAdapter {
    async fn is_recording(&self, region: &Region) -> Result<bool, CallError> {
        let operation = "DescribeConfigurationRecorderStatus";
        let answer = self.ask(region, operation, json!({})).await?;
        let recorders = answer["ConfigurationRecordersStatus"].as_array();
        Ok(recorders.is_some_and(|them| them.iter().any(|it| it["recording"] == true)))
    }

    async fn select(
        &self,
        region: &Region,
        expression: &str,
        token: Option<&str>,
    ) -> Result<Page<Value>, CallError> {
        let mut body = json!({"Expression": expression, "Limit": PAGE});
        if let Some(token) = token {
            body["NextToken"] = token.into();
        }
        let answer = self.ask(region, "SelectResourceConfig", body).await?;
        let unreadable = |what| CallError::new("UnreadableResponse", what);
        let results = answer["Results"].as_array();
        let results = results.ok_or_else(|| unreadable("the answer has no Results"))?;
        // One that is left out would be a gap that nobody sees.
        let items = results.iter().map(|result| {
            let text = result.as_str().unwrap_or_default();
            serde_json::from_str(text).map_err(|_| unreadable("a result is no JSON"))
        });
        let items: Vec<Value> = items.collect::<Result<_, _>>()?;
        let next = answer["NextToken"].as_str().filter(|it| !it.is_empty());
        page(items, token, next.is_some(), next)
    }
}
