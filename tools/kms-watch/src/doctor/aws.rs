//! The port on AWS.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_cloudformation::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudformation::error::BoxError;
use jiff::Timestamp;
use watch_aws::RecorderAdapter;
use watch_core::arn::Region;
use watch_core::ports::{CallError, Recorder as _};

use super::answers::{Asked, StackState, TableState};
use super::ask::Account;
use crate::services::{Services, call_error};

/// CloudFormation, DynamoDB and Lambda.
pub(crate) struct Aws {
    cloudformation: aws_sdk_cloudformation::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    services: Services,
    recorder: RecorderAdapter,
}

impl Aws {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(sdk),
            services: Services::new(sdk),
            recorder: RecorderAdapter::new(sdk),
        }
    }
}

impl Account for Aws {
    async fn stack(&self, name: &str) -> Asked<StackState> {
        let date = Date::default();
        let call = self.cloudformation.describe_stacks().stack_name(name);
        let answer = call.customize().interceptor(date.clone()).send().await;
        let answer = answer.map_err(|error| call_error(&error))?;
        let stack = answer.stacks().first();
        let stack = stack.ok_or_else(|| CallError::new("NotFound", "there is no such stack"))?;
        let outputs = stack.outputs().iter();
        let mut versions = outputs.filter(|output| output.output_key() == Some("Version"));
        let version = versions.next().and_then(|output| output.output_value());
        let status = stack
            .stack_status()
            .map(|status| status.as_str().to_owned());
        let created = stack.creation_time().map(|at| at.secs());
        Ok(StackState {
            status: status.unwrap_or_default(),
            created_at: created.and_then(|at| Timestamp::from_second(at).ok()),
            version: version.map(str::to_owned),
            told_at: date.shown(),
        })
    }

    async fn concurrency(&self) -> Asked<Option<i64>> {
        self.services.concurrency().await
    }

    async fn table(&self, name: &str) -> Asked<TableState> {
        let call = self.dynamodb.describe_table().table_name(name);
        let answer = call.send().await.map_err(|error| call_error(&error))?;
        let table = answer.table();
        let status = table.and_then(|table| table.table_status());
        let protected = table.and_then(|table| table.deletion_protection_enabled());
        Ok(TableState {
            status: status.map_or_else(String::new, |it| it.as_str().to_owned()),
            is_protected: protected.unwrap_or_default(),
        })
    }

    async fn recovery(&self, name: &str) -> Asked<bool> {
        let call = self.dynamodb.describe_continuous_backups().table_name(name);
        let answer = call.send().await.map_err(|error| call_error(&error))?;
        let backups = answer.continuous_backups_description();
        let recovery = backups.and_then(|it| it.point_in_time_recovery_description());
        let status = recovery.and_then(|it| it.point_in_time_recovery_status());
        Ok(status.is_some_and(|status| status.as_str() == "ENABLED"))
    }

    async fn table_policy(&self, arn: &str) -> Asked<Option<String>> {
        let call = self.dynamodb.get_resource_policy().resource_arn(arn);
        match call.send().await {
            Ok(answer) => Ok(answer.policy().map(str::to_owned)),
            Err(error) => match call_error(&error) {
                // There is a table, and it has none.
                error if error.code().as_str() == "PolicyNotFoundException" => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn recording(&self, region: &Region) -> Asked<bool> {
        self.recorder.is_recording(region).await
    }
}

/// What the clock of AWS shows: the `Date` of an answer.
#[derive(Clone, Debug, Default)]
struct Date(Arc<Mutex<Option<Timestamp>>>);

impl Date {
    fn shown(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let read = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = read.map(|date| date.timestamp());
        Ok(())
    }
}
