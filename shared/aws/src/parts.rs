//! The parts of the watch: rules, functions, queues and trails by signed JSON, alarms and topics by the SDK.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use serde_json::{Value, json};
use watch_core::answers::{
    AlarmData, FunctionData, MuteRule, Rule, ScheduleData, Subscription, Target, TrailData,
};
use watch_core::arn::TopicArn;
use watch_core::ports::{CallError, CallErrorKind, Page, Parts, Workers};

use crate::cloudwatch::CloudWatchAdapter;
use crate::page::page;
use crate::signed::{Call, Patience, Protocol, Service, Signed};
use crate::sns::SnsAdapter;
use crate::workers::WorkersAdapter;

#[cfg(test)]
mod tests;

/// Pages of rules that are read: another stack's names may begin in the same way.
const PAGES: usize = 20;
/// Trails that are looked at: an account may have five in a Region, and see an organisation's.
const MOST_TRAILS: usize = 20;

const EVENTS: Service = Service {
    name: "events",
    id: "EventBridge",
    protocol: Protocol::Json {
        target: "AWSEvents",
        version: "1.1",
    },
};
const TRAILS: Service = Service {
    name: "cloudtrail",
    id: "CloudTrail",
    protocol: Protocol::Json {
        target: "CloudTrail_20131101",
        version: "1.1",
    },
};
const QUEUES: Service = Service {
    name: "sqs",
    id: "SQS",
    protocol: Protocol::Json {
        target: "AmazonSQS",
        version: "1.0",
    },
};

/// The parts of the watch, each in its service.
#[derive(Clone, Debug)]
pub struct PartsAdapter {
    sns: SnsAdapter,
    cloudwatch: CloudWatchAdapter,
    signed: Signed,
    workers: WorkersAdapter,
}

impl PartsAdapter {
    /// Clients with timeouts and retries of their own.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self {
            sns: SnsAdapter::new(sdk),
            cloudwatch: CloudWatchAdapter::new(sdk),
            signed: Signed::new(sdk, Patience::LONG),
            workers: WorkersAdapter::new(sdk),
        }
    }

    async fn ask(
        &self,
        service: Service,
        operation: &'static str,
        body: Value,
    ) -> Result<Value, CallError> {
        let call = Call {
            service,
            operation,
            path: "/".to_owned(),
            body,
        };
        self.signed.call(call).await
    }

    async fn trail(&self, listed: &Value) -> Result<TrailData, CallError> {
        let arn = text(&listed["TrailARN"]);
        let status = self
            .ask(TRAILS, "GetTrailStatus", json!({"Name": arn}))
            .await?;
        let selectors = self
            .ask(TRAILS, "GetEventSelectors", json!({"TrailName": arn}))
            .await?;
        Ok(TrailData {
            arn,
            logging: status["IsLogging"] == true,
            selectors,
        })
    }
}

impl Workers for PartsAdapter {
    async fn function(&self, name: &str) -> Result<FunctionData, CallError> {
        self.workers.function(name).await
    }

    async fn schedule(&self, name: &str) -> Result<ScheduleData, CallError> {
        self.workers.schedule(name).await
    }
}

impl Parts for PartsAdapter {
    async fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Subscription>, CallError> {
        self.sns.subscriptions(topic).await
    }

    async fn rules(&self, prefix: &str) -> Result<Vec<Rule>, CallError> {
        let mut rules = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let mut body = json!({"NamePrefix": prefix});
            if let Some(token) = &token {
                body["NextToken"] = token.as_str().into();
            }
            let answer = self.ask(EVENTS, "ListRules", body).await?;
            rules.extend(list(&answer["Rules"]).iter().map(rule));
            let next = answer["NextToken"].as_str();
            let Page { next, .. } = page(Vec::<()>::new(), token.as_deref(), next.is_some(), next)?;
            if next.is_none() {
                return Ok(rules);
            }
            token = next;
        }
        Err(CallError::new(
            "TooManyRules",
            "the list of rules does not end",
        ))
    }

    async fn targets(&self, rule: &str) -> Result<Vec<Target>, CallError> {
        // A rule has five targets at most (EventBridge User Guide, quotas), and a page has a hundred.
        let answer = self
            .ask(EVENTS, "ListTargetsByRule", json!({"Rule": rule}))
            .await?;
        Ok(list(&answer["Targets"]).iter().map(target).collect())
    }

    async fn alarms(&self, prefix: &str) -> Result<Vec<AlarmData>, CallError> {
        self.cloudwatch.alarms(prefix).await
    }

    async fn mute_rules(&self) -> Result<Vec<MuteRule>, CallError> {
        self.cloudwatch.mute_rules().await
    }

    async fn trails(&self) -> Result<Vec<TrailData>, CallError> {
        let answer = self.ask(TRAILS, "DescribeTrails", json!({})).await?;
        let mut trails = Vec::new();
        for listed in list(&answer["trailList"]).iter().take(MOST_TRAILS) {
            match self.trail(listed).await {
                Ok(trail) => trails.push(trail),
                // Deleted since it was listed.
                Err(error) if error.kind() == CallErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(trails)
    }

    async fn queue(&self, url: &str) -> Result<BTreeMap<String, String>, CallError> {
        let body = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        let answer = self.ask(QUEUES, "GetQueueAttributes", body).await?;
        let attributes = answer["Attributes"].as_object().into_iter().flatten();
        Ok(attributes
            .map(|(name, value)| (name.clone(), text(value)))
            .collect())
    }
}

fn rule(listed: &Value) -> Rule {
    Rule {
        name: text(&listed["Name"]),
        state: text(&listed["State"]),
        pattern: serde_json::from_str(&text(&listed["EventPattern"])).unwrap_or_default(),
    }
}

fn target(listed: &Value) -> Target {
    let instead = ["Input", "InputPath", "InputTransformer"]
        .into_iter()
        .find(|name| !listed[*name].is_null());
    Target {
        arn: text(&listed["Arn"]),
        input: instead.map_or(Value::Null, |name| json!({name: listed[name]})),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
