//! From the name of an operation to what it does.

use serde_json::Value;

use super::{
    alarm::text,
    alarms::alarm_arn,
    error::{CloudWatchError, Outcome},
    state::CloudWatch,
};
use crate::{context::Context, kms::Kms};

/// The ARN that a request is about; for permissions and faults.
pub(crate) fn resource(
    operation: &str,
    body: &Value,
    region: &str,
    account: &str,
) -> Option<String> {
    let name = match operation {
        "PutMetricAlarm" | "DescribeAlarmContributors" | "SetAlarmState" => {
            text(body, "AlarmName")?
        }
        "DescribeAlarms" | "DeleteAlarms" => match body.get("AlarmNames")?.as_array()?.as_slice() {
            [one] => one.as_str()?,
            _ => return None,
        },
        _ => return None,
    };
    Some(alarm_arn(region, account, name))
}

impl CloudWatch {
    /// Carries out an operation.
    pub(crate) fn call(
        &mut self,
        context: &mut Context,
        kms: &Kms,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Outcome {
        self.replan();
        match operation {
            "PutMetricData" => self.put_metric_data(region, body, context.now),
            "ListMetrics" => self.list_metrics(kms, region, body, context.now),
            "GetMetricData" => self.get_metric_data(kms, region, body),
            "PutMetricAlarm" => self.put_metric_alarm(context, region, body),
            "DescribeAlarms" => self.describe_alarms(region, body),
            "DescribeAlarmContributors" => self.describe_contributors(region, body),
            "SetAlarmState" => self.set_alarm_state(region, body),
            "DeleteAlarms" => self.delete_alarms(context, region, body),
            "PutAlarmMuteRule" => self.put_mute_rule(region, body),
            "ListAlarmMuteRules" => self.list_mute_rules(context, region, body),
            "GetAlarmMuteRule" => self.get_mute_rule(region, body),
            other => Err(CloudWatchError::new(
                "InvalidAction",
                format!("The action {other} is not valid for this endpoint."),
            )),
        }
    }
}
