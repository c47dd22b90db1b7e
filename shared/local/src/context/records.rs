//! The records that CloudTrail makes: of calls, and of what KMS did by itself (KMS Developer Guide, "Logging AWS KMS API calls
//! with AWS CloudTrail").

use serde_json::{Value, json};

use super::{events::EventKey, state::Context};
use crate::{
    caller::Caller, cloudtrail::to_trail, events::EventShape, spelling::partition, times::iso,
};

const API_CALL: &str = "AWS API Call via CloudTrail";
const SERVICE_EVENT: &str = "AWS Service Event via CloudTrail";

/// The part of a call that only the operation knows.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// ARNs, in the order of the record.
    pub(crate) resources: Vec<String>,
    /// In place of the request's members.
    pub(crate) parameters: Option<Value>,
    pub(crate) response: Option<Value>,
    pub(crate) additional: Option<Value>,
    /// Documented records of keys in custom key stores have no `userAgent`.
    pub(crate) no_agent: bool,
}

/// How a call failed.
pub(crate) struct Failure {
    /// As CloudTrail writes it.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Whether CloudTrail records such failures at all.
    pub(crate) logged: bool,
}

/// A call to be recorded.
pub(crate) struct ApiCall<'a> {
    pub(crate) name: &'static str,
    pub(crate) read_only: bool,
    pub(crate) region: &'a str,
    pub(crate) caller: &'a Caller,
    /// The request as the API received it.
    pub(crate) parameters: &'a Value,
    pub(crate) request_id: String,
    pub(crate) event_id: String,
    pub(crate) failure: Option<Failure>,
    pub(crate) trail: Trail,
}

impl Context {
    /// The CloudTrail record of something that KMS did by itself.
    pub(crate) fn service_event(
        &mut self,
        key: &EventKey,
        name: &str,
        details: Option<Value>,
        additional: Option<Value>,
    ) {
        let mut detail = json!({
            "eventVersion": "1.11",
            "userIdentity": {"accountId": self.account, "invokedBy": "AWS Internal"},
            "eventTime": iso(self.now),
            "eventSource": "kms.amazonaws.com",
            "eventName": name,
            "awsRegion": key.region,
            "sourceIPAddress": "AWS Internal",
            "userAgent": "AWS Internal",
            "requestParameters": null,
            "responseElements": null,
            "eventID": self.ids.uuid(),
            "readOnly": false,
            "resources": self.resources(std::slice::from_ref(&key.arn)),
            "eventType": "AwsServiceEvent",
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        if let Some(details) = details {
            detail["serviceEventDetails"] = match self.outbox.next_shape() {
                EventShape::Current => details,
                EventShape::Old => json!({"keyId": key.id}),
            };
        }
        if let Some(additional) = additional {
            // Documented for keys of a CloudHSM key store only.
            detail["additionalEventData"] = additional;
            detail["responseElements"] = json!({"keyId": key.arn});
        }
        self.send_record(&key.region, SERVICE_EVENT, detail);
    }

    /// The CloudTrail record of a call, if EventBridge would get one.
    pub(crate) fn record_api_call(&mut self, call: ApiCall<'_>) {
        let logged = call.failure.as_ref().is_none_or(|failure| failure.logged);
        if !logged || !self.outbox.wants(call.read_only, call.failure.is_some()) {
            return;
        }
        let mut detail = self.api_call_detail(&call);
        if self.outbox.next_shape() == EventShape::Old {
            forget_material_ids(&mut detail);
        }
        let copy = call
            .caller
            .foreign_account()
            .filter(|_| self.outbox.copies())
            .map(|account| (account.to_owned(), detail.clone()));
        self.send_record(call.region, API_CALL, detail);
        if let Some((account, detail)) = copy {
            self.send_copy(&call, account, detail);
        }
    }

    /// The record as the caller's account got it: who exactly it was, another id, the same `sharedEventID`
    /// (CloudTrail User Guide, "CloudTrail record contents").
    fn send_copy(&mut self, call: &ApiCall<'_>, account: String, mut detail: Value) {
        let role = Caller::assumed_role("CrossAccount", "session");
        let partition = partition(call.region);
        detail["userIdentity"] = role.identity(partition, &account, self.now);
        detail["eventID"] = self.ids.uuid().into();
        detail["recipientAccountId"] = account.as_str().into();
        let mut event = self.envelope(call.region, API_CALL, json!([]), detail);
        event["account"] = account.into();
        self.outbox.send(event, self.now);
    }

    /// What KMS does now and then to keep related multi-Region keys in step: a call of its own, of no interest to
    /// anybody. The record names the primary key, wherever it is made (KMS Developer Guide,
    /// "`SynchronizeMultiRegionKey`" under "CloudTrail").
    pub(crate) fn synchronize_event(&mut self, region: &str, primary: &str) {
        let detail = json!({
            "eventVersion": "1.11",
            "userIdentity": {"accountId": self.account, "invokedBy": "AWS Internal"},
            "eventTime": iso(self.now),
            "eventSource": "kms.amazonaws.com",
            "eventName": "SynchronizeMultiRegionKey",
            "awsRegion": region,
            "sourceIPAddress": "AWS Internal",
            "userAgent": "AWS Internal",
            "requestParameters": null,
            "responseElements": {"keyId": primary},
            "requestID": self.ids.uuid(),
            "eventID": self.ids.uuid(),
            "readOnly": false,
            "resources": self.resources(&[primary.to_owned()]),
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        self.send_record(region, API_CALL, detail);
    }

    fn api_call_detail(&mut self, call: &ApiCall<'_>) -> Value {
        let partition = partition(call.region);
        let parameters = call
            .trail
            .parameters
            .clone()
            .unwrap_or_else(|| to_trail(call.parameters));
        let mut detail = json!({
            "eventVersion": "1.11",
            "userIdentity": call.caller.identity(partition, &self.account, self.now),
            "eventTime": iso(self.now),
            "eventSource": "kms.amazonaws.com",
            "eventName": call.name,
            "awsRegion": call.region,
            "sourceIPAddress": call.caller.source_ip(),
            "userAgent": call.caller.agent(),
            "requestParameters": parameters,
            "responseElements": call.trail.response,
            "requestID": call.request_id,
            "eventID": call.event_id,
            "readOnly": call.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        if let Some(failure) = &call.failure {
            detail["errorCode"] = failure.code.into();
            detail["errorMessage"] = failure.message.as_str().into();
        }
        if call.trail.no_agent
            && let Some(members) = detail.as_object_mut()
        {
            members.remove("userAgent");
        }
        // A call that found no key has no resources.
        let found = call
            .failure
            .as_ref()
            .is_none_or(|failure| failure.code != "NotFoundException");
        if found && !call.trail.resources.is_empty() {
            detail["resources"] = self.resources(&call.trail.resources);
        }
        if let Some(additional) = &call.trail.additional {
            detail["additionalEventData"] = additional.clone();
        }
        if call.caller.is_foreign() {
            // The caller's account gets a copy with the same id.
            detail["sharedEventID"] = self.ids.uuid().into();
        }
        // Neither services nor the console connect as a client of the account does.
        if !call.caller.is_service() && !call.caller.uses_console() {
            let suffix = if partition == "aws-cn" { ".cn" } else { "" };
            detail["tlsDetails"] = json!({
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_256_GCM_SHA384",
                "clientProvidedHostHeader": format!("kms.{}.amazonaws.com{suffix}", call.region),
            });
        }
        if call.caller.uses_console() {
            detail["sessionCredentialFromConsole"] = "true".into();
        }
        detail
    }

    fn resources(&self, arns: &[String]) -> Value {
        let entry = |arn| json!({"accountId": self.account, "type": "AWS::KMS::Key", "ARN": arn});
        arns.iter().map(entry).collect()
    }

    /// A record of CloudTrail: its history has it, whatever happens to the event.
    fn send_record(&mut self, region: &str, detail_type: &str, record: Value) {
        self.history.remember(region, &record, self.now);
        self.send(region, detail_type, json!([]), record);
    }
}

/// Records of imports had neither import types nor material ids, and no response.
fn forget_material_ids(detail: &mut Value) {
    if let Some(parameters) = detail["requestParameters"].as_object_mut() {
        for member in ["keyMaterialId", "importType", "keyMaterialDescription"] {
            parameters.remove(member);
        }
    }
    if detail["responseElements"].get("keyMaterialId").is_some() {
        detail["responseElements"] = Value::Null;
    }
}
