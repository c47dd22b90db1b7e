//! Metrics.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::Builder;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;
use watch_core::ports::{CallError, Datum, MAX_DATA, MetricUnit, Metrics};

use crate::error::call_error;
use crate::sdk;

#[cfg(test)]
mod tests;

const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// Metrics of CloudWatch on the AWS SDK.
#[derive(Clone, Debug)]
pub struct CloudWatchAdapter {
    client: Client,
}

impl CloudWatchAdapter {
    /// A client with timeouts and retries of its own.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self::from_builder(Builder::from(sdk))
    }

    fn from_builder(config: Builder) -> Self {
        let config = config
            // A thousand data are some 200 KB, where 1 MB may be (CloudWatch API Reference, PutMetricData). Compressing
            // them would cost a small function more time than sending them, and each test a body that it cannot read.
            .disable_request_compression(true)
            .timeout_config(sdk::timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
            .retry_config(sdk::retries(
                Duration::from_millis(100),
                Duration::from_secs(2),
            ));
        Self {
            client: Client::from_conf(config.build()),
        }
    }
}

impl Metrics for CloudWatchAdapter {
    async fn put_metric_data(&self, namespace: &str, data: &[Datum]) -> Result<(), CallError> {
        if data.len() > MAX_DATA {
            let what = format!("{} data, and {MAX_DATA} fit into a call", data.len());
            return Err(CallError::new("TooManyData", &what));
        }
        self.client
            .put_metric_data()
            .namespace(namespace)
            .set_metric_data(Some(data.iter().map(datum).collect()))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error(&error, OPERATION_TIMEOUT))
    }
}

/// Stored by the minute, since nothing else is said.
fn datum(datum: &Datum) -> MetricDatum {
    let dimensions = datum
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    MetricDatum::builder()
        .metric_name(datum.name)
        .set_dimensions(Some(dimensions.collect()))
        .unit(match datum.unit {
            MetricUnit::Count => StandardUnit::Count,
            MetricUnit::Seconds => StandardUnit::Seconds,
            MetricUnit::None => StandardUnit::None,
        })
        .value(datum.value)
        .timestamp(DateTime::from_millis(datum.at.as_millisecond()))
        .build()
}
