//! The events that services send themselves (KMS Developer Guide, "Monitor KMS keys with Amazon EventBridge").

use serde_json::{Value, json};

use super::state::Context;
use crate::{events::EventShape, times::iso};

/// The key that an event is about; it may be gone already.
#[derive(Debug)]
pub(crate) struct EventKey {
    pub(crate) region: String,
    pub(crate) id: String,
    pub(crate) arn: String,
}

impl Context {
    /// One of KMS's own three events.
    pub(crate) fn native_event(&mut self, key: &EventKey, detail_type: &str, detail: Value) {
        let detail = match self.outbox.next_shape() {
            EventShape::Current => detail,
            EventShape::Old => json!({"key-id": key.id}),
        };
        self.send(&key.region, detail_type, json!([key.arn]), detail);
    }

    pub(super) fn send(
        &mut self,
        region: &str,
        detail_type: &str,
        resources: Value,
        detail: Value,
    ) {
        let event = self.envelope(region, detail_type, resources, detail);
        self.outbox.send(event, self.now);
    }

    /// An event of CloudWatch.
    pub(crate) fn alarm_event(
        &mut self,
        region: &str,
        detail_type: &str,
        arn: &str,
        detail: Value,
    ) {
        let mut event = self.envelope(region, detail_type, json!([arn]), detail);
        event["source"] = "aws.cloudwatch".into();
        self.outbox.send(event, self.now);
    }

    pub(super) fn envelope(
        &mut self,
        region: &str,
        detail_type: &str,
        resources: Value,
        detail: Value,
    ) -> Value {
        json!({
            "version": "0",
            "id": self.ids.uuid(),
            "detail-type": detail_type,
            "source": "aws.kms",
            "account": self.account,
            "time": iso(self.now),
            "region": region,
            "resources": resources,
            "detail": detail,
        })
    }
}
