//! What tells of resource shares: CloudTrail's record of the call, and RAM's own event (AWS RAM User Guide, "Monitoring AWS RAM
//! using EventBridge"), which names the share alone.

use serde_json::{Value, json};

use super::state::Context;
use crate::{caller::Caller, spelling::partition, times::iso};

impl Context {
    /// The record of a call to AWS RAM.
    pub(crate) fn share_record(
        &mut self,
        region: &str,
        operation: &str,
        caller: &Caller,
        request: &Value,
        answer: &Value,
    ) {
        let record = json!({
            "eventVersion": "1.11",
            "userIdentity": caller.identity(partition(region), &self.account, self.now),
            "eventTime": iso(self.now),
            "eventSource": "ram.amazonaws.com",
            "eventName": operation,
            "awsRegion": region,
            "sourceIPAddress": caller.source_ip(),
            "userAgent": caller.agent(),
            "requestParameters": request,
            "responseElements": answer,
            "requestID": self.ids.uuid(),
            "eventID": self.ids.uuid(),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        self.history.remember(region, &record, self.now);
        let detail_type = "AWS API Call via CloudTrail";
        let mut event = self.envelope(region, detail_type, json!([]), record);
        event["source"] = "aws.ram".into();
        self.outbox.send(event, self.now);
    }

    /// RAM's own event.
    pub(crate) fn share_event(&mut self, region: &str, share: &str, associated: bool) {
        let status = if associated {
            "associated"
        } else {
            "disassociated"
        };
        let detail = json!({"event": "Resource Share Association", "status": status});
        let detail_type = "Resource Sharing State Change";
        let mut event = self.envelope(region, detail_type, json!([share]), detail);
        event["source"] = "aws.ram".into();
        self.outbox.send(event, self.now);
    }
}
