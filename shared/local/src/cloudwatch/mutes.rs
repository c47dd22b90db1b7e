//! Rules that mute alarms (CloudWatch API Reference). They are kept and shown, and mute nothing here.

use serde_json::{Value, json};

use super::{
    alarm::text,
    error::{CloudWatchError, Outcome},
    page::page,
    state::CloudWatch,
};
use crate::{context::Context, spelling::partition};

/// Rules per page.
const PAGE: usize = 50;

impl CloudWatch {
    pub(super) fn put_mute_rule(&mut self, region: &str, body: &Value) -> Outcome {
        let name = text(body, "Name").ok_or_else(|| CloudWatchError::missing("Name"))?;
        let place = (region.to_owned(), name.to_owned());
        self.mutes.insert(place, body.clone());
        Ok(json!({}))
    }

    pub(super) fn list_mute_rules(&self, context: &Context, region: &str, body: &Value) -> Outcome {
        let of_region = self.mutes.keys().filter(|(at, _)| at == region);
        let shown = of_region.map(|(_, name)| {
            let (aws, account) = (partition(region), &context.account);
            let arn = format!("arn:{aws}:cloudwatch:{region}:{account}:alarm-mute-rule:{name}");
            json!({"AlarmMuteRuleArn": arn, "Status": "ACTIVE"})
        });
        page(body, PAGE, "AlarmMuteRuleSummaries", shown.collect())
    }

    pub(super) fn get_mute_rule(&self, region: &str, body: &Value) -> Outcome {
        let name = text(body, "AlarmMuteRuleName").unwrap_or_default();
        let rule = self.mutes.get(&(region.to_owned(), name.to_owned()));
        let none = || CloudWatchError {
            status: 404,
            ..CloudWatchError::new("ResourceNotFoundException", "There is no such rule.")
        };
        rule.cloned().ok_or_else(none)
    }
}
