//! Metrics and alarms.

use jiff::Timestamp;
use serde_json::Value;

use super::aws::LocalAws;
use crate::cloudwatch::{CloudWatchError, MetricPoint};

impl LocalAws {
    /// Calls a CloudWatch operation (`PutMetricAlarm`) in the simulator's Region, without HTTP and without faults; names as
    /// in the API, times as `{"$time": seconds}`.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call_cloudwatch(&self, operation: &str, body: Value) -> Result<Value, CloudWatchError> {
        let region = self.region();
        self.with(|world| world.cloudwatch_call(operation, region, &body))
    }

    /// The state of an alarm in the simulator's Region: `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    #[must_use]
    pub fn alarm_state(&self, name: &str) -> Option<&'static str> {
        self.with(|world| world.cloudwatch.alarm_state(self.region(), name))
    }

    /// The data that were put for the metrics of a namespace in the simulator's Region, in the order of their times.
    #[must_use]
    pub fn metric_points(&self, namespace: &str) -> Vec<MetricPoint> {
        self.with(|world| world.cloudwatch.points(self.region(), namespace))
    }

    /// The sums of the data that were put for a metric, over all of its dimensions, in the order of their times.
    #[must_use]
    pub fn metric_data(&self, namespace: &str, name: &str) -> Vec<(Timestamp, f64)> {
        let points = self.metric_points(namespace).into_iter();
        points
            .filter(|point| point.name == name)
            .map(|point| (point.at, point.value))
            .collect()
    }
}
