//! The three services that know what depends on a key, behind one port each.

use aws_config::SdkConfig;
use jiff::Timestamp;
use serde_json::Value;
use watch_core::answers::Grant;
use watch_core::arn::{KeyArn, Region};
use watch_core::ports::{CallError, Grants, Page, Recorder, Uses};

use crate::cloudtrail::CloudTrailAdapter;
use crate::kms::KmsAdapter;
use crate::recorder::RecorderAdapter;

/// Who knows what depends on a key: KMS of its grants, CloudTrail of its uses, AWS Config of what is configured with it.
#[derive(Clone, Debug)]
pub struct Traces {
    kms: KmsAdapter,
    trail: CloudTrailAdapter,
    recorder: RecorderAdapter,
}

impl Traces {
    /// Clients with timeouts and retries of their own. Nobody waits for them, so they are patient.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self {
            kms: KmsAdapter::patient(sdk),
            trail: CloudTrailAdapter::new(sdk),
            recorder: RecorderAdapter::new(sdk),
        }
    }
}

impl Grants for Traces {
    async fn list_grants(
        &self,
        key: &KeyArn,
        marker: Option<&str>,
    ) -> Result<Page<Grant>, CallError> {
        self.kms.list_grants(key, marker).await
    }
}

impl Uses for Traces {
    async fn uses_of_key(
        &self,
        key: &KeyArn,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Page<Value>, CallError> {
        self.trail.uses_of_key(key, since, until).await
    }

    async fn event(&self, key: &KeyArn, id: &str) -> Result<Page<Value>, CallError> {
        self.trail.event(key, id).await
    }
}

impl Recorder for Traces {
    async fn is_recording(&self, region: &Region) -> Result<bool, CallError> {
        self.recorder.is_recording(region).await
    }

    async fn select(
        &self,
        region: &Region,
        expression: &str,
        token: Option<&str>,
    ) -> Result<Page<Value>, CallError> {
        self.recorder.select(region, expression, token).await
    }
}
