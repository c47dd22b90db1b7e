//! Functions and what starts them: Lambda and EventBridge Scheduler, by signed JSON.

use aws_config::SdkConfig;
use serde_json::Value;
use watch_core::answers::{FunctionData, ScheduleData};
use watch_core::ports::{CallError, CallErrorKind, Workers};

use crate::signed::{Call, Patience, Protocol, Service, Signed};

const LAMBDA: Service = Service {
    name: "lambda",
    id: "Lambda",
    protocol: Protocol::Rest,
};
const SCHEDULER: Service = Service {
    name: "scheduler",
    id: "Scheduler",
    protocol: Protocol::Rest,
};

/// Functions and schedules.
#[derive(Clone, Debug)]
pub struct WorkersAdapter(Signed);

impl WorkersAdapter {
    /// With timeouts and retries of its own.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self(Signed::new(sdk, Patience::LONG))
    }

    /// `GET` of what a service has under a name, which stands in the path in the place of `{}`.
    async fn get(
        &self,
        service: Service,
        operation: &'static str,
        path: &str,
        name: &str,
    ) -> Result<Value, CallError> {
        // Names of schedules may have dots; one of dots alone would be another path.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
            return Err(CallError::new("ConstructionFailure", "no name"));
        }
        let call = Call {
            service,
            operation,
            path: path.replace("{}", name),
            body: Value::Null,
        };
        self.0.call(call).await
    }
}

impl Workers for WorkersAdapter {
    async fn function(&self, name: &str) -> Result<FunctionData, CallError> {
        let get = async |operation, path| self.get(LAMBDA, operation, path, name).await;
        let configuration = get(
            "GetFunctionConfiguration",
            "/2015-03-31/functions/{}/configuration",
        );
        let configuration = configuration.await?;
        let concurrency = get(
            "GetFunctionConcurrency",
            "/2019-09-30/functions/{}/concurrency",
        );
        let concurrency = concurrency.await?;
        let invocation = get(
            "GetFunctionEventInvokeConfig",
            "/2019-09-25/functions/{}/event-invoke-config",
        );
        let invocation = match invocation.await {
            // Nothing is set.
            Err(error) if error.kind() == CallErrorKind::NotFound => Value::Null,
            invocation => invocation?,
        };
        Ok(FunctionData {
            configuration,
            concurrency: concurrency["ReservedConcurrentExecutions"].as_i64(),
            invocation,
        })
    }

    async fn schedule(&self, name: &str) -> Result<ScheduleData, CallError> {
        // Of the default group, where CloudFormation makes them.
        let answer = self.get(SCHEDULER, "GetSchedule", "/schedules/{}", name);
        Ok(ScheduleData(answer.await?))
    }
}
