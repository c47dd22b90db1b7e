//! The operations on alarms (CloudWatch API Reference).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    alarm::{self, Alarm, State, text},
    cbor::TIME,
    error::{CloudWatchError, Outcome},
    page::page,
    state::CloudWatch,
    state_change::{configuration_event, contributor_id},
};
use crate::{context::Context, spelling::partition, times::epoch};

/// Alarms per page.
const ALARMS_PAGE: usize = 100;

pub(super) fn alarm_arn(region: &str, account: &str, name: &str) -> String {
    format!(
        "arn:{}:cloudwatch:{region}:{account}:alarm:{name}",
        partition(region)
    )
}

impl CloudWatch {
    /// The state of an alarm by Region and name.
    pub(crate) fn alarm_state(&self, region: &str, name: &str) -> Option<&'static str> {
        let place = (region.to_owned(), name.to_owned());
        Some(self.alarms.get(&place)?.state.value)
    }

    pub(super) fn put_metric_alarm(
        &mut self,
        context: &mut Context,
        region: &str,
        body: &Value,
    ) -> Outcome {
        let name = text(body, "AlarmName").ok_or_else(|| CloudWatchError::missing("AlarmName"))?;
        if !(1..=255).contains(&name.chars().count()) || name.chars().any(|c| c.is_ascii_control())
        {
            return Err(CloudWatchError::invalid("AlarmName"));
        }
        if text(body, "AlarmDescription").is_some_and(|text| text.chars().count() > 1024) {
            return Err(CloudWatchError::invalid("AlarmDescription"));
        }
        let (source, rule) = alarm::read(body)?;
        let mut request = body.clone();
        for list in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
            if request.get(list).is_none() {
                request[list] = json!([]);
            }
            if request[list].as_array().is_some_and(|list| list.len() > 5) {
                return Err(CloudWatchError::invalid(format!("{list}: at most 5")));
            }
        }
        if request.get("ActionsEnabled").is_none() {
            request["ActionsEnabled"] = true.into();
        }
        if request.get("Threshold").is_some() {
            // Clients expect a number with a fraction.
            request["Threshold"] = rule.threshold.into();
        }
        if let Some(members) = request.as_object_mut() {
            members.remove("Tags");
        }
        let place = (region.to_owned(), name.to_owned());
        let previous = self.alarms.remove(&place);
        let known = previous.as_ref();
        let alarm = Alarm {
            region: region.to_owned(),
            name: name.to_owned(),
            arn: alarm_arn(region, &context.account, name),
            request,
            updated: context.now,
            source,
            metric_id: known.map_or_else(|| context.ids.uuid(), |known| known.metric_id.clone()),
            rule,
            // An update keeps the state until it is evaluated again.
            state: known.map_or_else(|| State::initial(context.now), |known| known.state.clone()),
            contributors: known.map_or_else(Default::default, |known| known.contributors.clone()),
            checked: Timestamp::MIN,
        };
        let operation = if known.is_some() { "update" } else { "create" };
        configuration_event(context, &alarm, operation, known);
        self.alarms.insert(place, alarm);
        Ok(json!({}))
    }

    pub(super) fn describe_alarms(&self, region: &str, body: &Value) -> Outcome {
        let names = body.get("AlarmNames").and_then(Value::as_array);
        let (prefix, state) = (text(body, "AlarmNamePrefix"), text(body, "StateValue"));
        if names.is_some_and(|names| !names.is_empty()) && prefix.is_some() {
            return Err(CloudWatchError::new(
                "ValidationError",
                "AlarmNamePrefix and AlarmNames cannot be specified together",
            ));
        }
        let shown = self
            .alarms
            .values()
            .filter(|alarm| alarm.region == region)
            .filter(|alarm| {
                names.is_none_or(|names| {
                    names.is_empty() || names.iter().any(|name| *name == *alarm.name)
                })
            })
            .filter(|alarm| prefix.is_none_or(|prefix| alarm.name.starts_with(prefix)))
            .filter(|alarm| state.is_none_or(|state| alarm.state.value == state))
            .map(described);
        let mut answer = page(body, ALARMS_PAGE, "MetricAlarms", shown.collect())?;
        answer["CompositeAlarms"] = json!([]);
        Ok(answer)
    }

    /// Until the alarm is evaluated again. No event tells of it, and no action is taken.
    pub(super) fn set_alarm_state(&mut self, region: &str, body: &Value) -> Outcome {
        let name = text(body, "AlarmName").unwrap_or_default();
        let value = text(body, "StateValue").unwrap_or_default();
        let value = ["OK", "ALARM", "INSUFFICIENT_DATA"]
            .into_iter()
            .find(|state| *state == value)
            .ok_or_else(|| CloudWatchError::invalid("StateValue"))?;
        let place = (region.to_owned(), name.to_owned());
        let alarm = self.alarms.get_mut(&place);
        alarm.ok_or_else(|| not_found(&[name]))?.state.value = value;
        Ok(json!({}))
    }

    /// The contributors in `ALARM`.
    pub(super) fn describe_contributors(&self, region: &str, body: &Value) -> Outcome {
        let name = text(body, "AlarmName").unwrap_or_default();
        let place = (region.to_owned(), name.to_owned());
        let alarm = self.alarms.get(&place);
        let alarm = alarm.ok_or_else(|| not_found(&[name]))?;
        let alarming = alarm.contributors.iter().filter(|(_, alarming)| **alarming);
        let shown = alarming.map(|(group, _)| {
            let attributes = alarm.attributes(group);
            json!({
                "ContributorId": contributor_id(&attributes),
                "ContributorAttributes": attributes,
                "StateReason": alarm.state.reason,
                "StateTransitionedTimestamp": {TIME: epoch(alarm.state.since)},
            })
        });
        page(body, ALARMS_PAGE, "AlarmContributors", shown.collect())
    }

    /// Those that exist are deleted even if others do not.
    pub(super) fn delete_alarms(
        &mut self,
        context: &mut Context,
        region: &str,
        body: &Value,
    ) -> Outcome {
        let names = body.get("AlarmNames").and_then(Value::as_array);
        let names = names.ok_or_else(|| CloudWatchError::missing("AlarmNames"))?;
        if names.len() > 100 {
            return Err(CloudWatchError::invalid("AlarmNames: at most 100"));
        }
        let mut missing = Vec::new();
        for name in names.iter().filter_map(Value::as_str) {
            let place = (region.to_owned(), name.to_owned());
            match self.alarms.remove(&place) {
                Some(alarm) => configuration_event(context, &alarm, "delete", None),
                None => missing.push(name),
            }
        }
        if missing.is_empty() {
            Ok(json!({}))
        } else {
            Err(not_found(&missing))
        }
    }
}

fn not_found(names: &[&str]) -> CloudWatchError {
    CloudWatchError {
        status: 404,
        ..CloudWatchError::new(
            "ResourceNotFound",
            format!("Alarms {} do not exist", names.join(", ")),
        )
    }
}

fn described(alarm: &Alarm) -> Value {
    let mut shown = alarm.request.clone();
    shown["AlarmArn"] = alarm.arn.as_str().into();
    shown["StateValue"] = alarm.state.value.into();
    shown["StateReason"] = alarm.state.reason.as_str().into();
    if let Some(data) = &alarm.state.data {
        shown["StateReasonData"] = data.as_str().into();
    }
    let since = json!({TIME: epoch(alarm.state.since)});
    shown["StateUpdatedTimestamp"] = since.clone();
    shown["StateTransitionedTimestamp"] = since;
    shown["AlarmConfigurationUpdatedTimestamp"] = json!({TIME: epoch(alarm.updated)});
    shown
}
