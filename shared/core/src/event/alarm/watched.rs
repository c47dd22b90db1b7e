//! What an alarm watches: metrics, and expressions over them.

use serde_json::Value;

use super::super::envelope::text;
use super::insights::Select;
use super::json::{LONGEST_EXPRESSION, Labels, labels, long_text, seconds};
use crate::arn::AccountId;
use crate::text::Untrusted;

/// One line of what an alarm watches: a metric, or an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricQuery {
    /// The name by which expressions refer to it.
    pub id: Option<Untrusted>,
    /// The metric, if it is one.
    pub metric: Option<Metric>,
    /// Metric math or a Metrics Insights query, if it is one.
    pub expression: Option<Untrusted>,
    /// What the expression asks for, if it is a Metrics Insights query.
    pub select: Option<Select>,
    /// What people call it.
    pub label: Option<Untrusted>,
    /// Length of an expression's period, in seconds.
    pub period: Option<u32>,
    /// The account whose metrics are watched, if another than the alarm's.
    pub account: Option<AccountId>,
    /// The alarm looks at this one, and not only at what is calculated from it.
    pub return_data: bool,
}

impl MetricQuery {
    pub(super) fn read(value: &Value) -> Self {
        let stat = &value["metricStat"];
        let metric = &stat["metric"];
        let expression = long_text(&value["expression"], LONGEST_EXPRESSION);
        Self {
            id: text(&value["id"]),
            metric: metric.is_object().then(|| Metric {
                namespace: text(&metric["namespace"]),
                name: text(&metric["name"]),
                dimensions: labels(&metric["dimensions"]),
                stat: text(&stat["stat"]),
                period: seconds(&stat["period"]),
            }),
            select: expression
                .as_ref()
                .and_then(|expression| Select::read(expression.as_str())),
            expression,
            label: text(&value["label"]),
            period: seconds(&value["period"]),
            account: value["accountId"].as_str().and_then(AccountId::new),
            // The API's default.
            return_data: value["returnData"] != false,
        }
    }

    /// Namespace, metric, and the labels with one certain value.
    pub(super) fn watched(
        &self,
    ) -> impl Iterator<Item = (Option<&Untrusted>, Option<&Untrusted>, &Labels)> {
        let metric = self
            .metric
            .iter()
            .map(|m| (m.namespace.as_ref(), m.name.as_ref(), &m.dimensions));
        let select = self
            .select
            .iter()
            .map(|s| (s.namespace.as_ref(), s.metric.as_ref(), &s.filters));
        metric.chain(select)
    }
}

/// A metric, with how it is summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// `AWS/KMS`, …
    pub namespace: Option<Untrusted>,
    /// The metric's name, as it came.
    pub name: Option<Untrusted>,
    /// The metric's dimensions.
    pub dimensions: Labels,
    /// `Minimum`, `Sum`, `p99`, …
    pub stat: Option<Untrusted>,
    /// Length of a period, in seconds.
    pub period: Option<u32>,
}

pub(super) fn value_of<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels
        .iter()
        .find(|(label, _)| label.as_str() == name)
        .map(|(_, value)| value.as_str())
}

/// Some pages of the documentation spell some metrics and dimensions in other ways, and alarms are made after them.
pub(super) fn spelled_right(name: &Untrusted) -> Untrusted {
    let right = match name.as_str() {
        "SecondsUntilKeyMaterialExpires" => "SecondsUntilKeyMaterialExpiration",
        "SuccesfulRequest" => "SuccessfulRequest",
        "ExtenalKeyStoreThrottle" => "ExternalKeyStoreThrottle",
        "XksProxyHsmStates" => "XksExternalKeyManagerStates",
        "XksProxyHsmState" => "XksExternalKeyManagerState",
        _ => return name.clone(),
    };
    Untrusted::new(right)
}
