//! What EventBridge would deliver: KMS's own events, and CloudTrail records of calls and of what KMS did by itself
//! (KMS Developer Guide, "Monitor KMS keys with Amazon EventBridge" and "Logging AWS KMS API calls with
//! AWS CloudTrail").

mod date;
mod trail;

use serde_json::{Value, json};

pub(crate) use date::iso;
pub(crate) use trail::to_trail;

use crate::{
    caller::Caller,
    kms::{KmsError, partition},
    world::World,
};

/// Which generation of event shapes is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventShape {
    /// With the ids of the key material, as since 2025.
    #[default]
    Current,
    /// As before: nothing but the key id in KMS's own events, no material ids in the records.
    Old,
}

/// Events that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) shape: EventShape,
    failed_calls: bool,
    read_only: bool,
    events: Vec<Value>,
}

impl Outbox {
    pub(crate) fn new(shape: EventShape, failed_calls: bool, read_only: bool) -> Self {
        Self {
            shape,
            failed_calls,
            read_only,
            events: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }
}

/// The key that an event is about; it may be gone already.
#[derive(Debug)]
pub(crate) struct EventKey {
    pub(crate) region: String,
    pub(crate) id: String,
    pub(crate) arn: String,
}

/// The part of a call that only the operation knows.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// ARNs, in the order of the record.
    pub(crate) resources: Vec<String>,
    /// In place of the request's members.
    pub(crate) parameters: Option<Value>,
    pub(crate) response: Option<Value>,
    pub(crate) additional: Option<Value>,
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
    pub(crate) error: Option<&'a KmsError>,
    pub(crate) trail: Trail,
}

impl World {
    /// One of KMS's own three events.
    pub(crate) fn native_event(&mut self, key: &EventKey, detail_type: &str, detail: Value) {
        let detail = match self.outbox.shape {
            EventShape::Current => detail,
            EventShape::Old => json!({"key-id": key.id}),
        };
        self.send(&key.region, detail_type, json!([key.arn]), detail);
    }

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
            detail["serviceEventDetails"] = match self.outbox.shape {
                EventShape::Current => details,
                EventShape::Old => json!({"keyId": key.id}),
            };
        }
        if let Some(additional) = additional {
            // Documented for keys of a CloudHSM key store only.
            detail["additionalEventData"] = additional;
            detail["responseElements"] = json!({"keyId": key.arn});
        }
        self.send(
            &key.region,
            "AWS Service Event via CloudTrail",
            json!([]),
            detail,
        );
    }

    /// The CloudTrail record of a call, if EventBridge would get one.
    pub(crate) fn record_api_call(&mut self, call: ApiCall<'_>) {
        if call.read_only && !self.outbox.read_only {
            return;
        }
        if call
            .error
            .is_some_and(|error| !self.outbox.failed_calls || !error.is_logged())
        {
            return;
        }
        let mut detail = self.api_call_detail(&call);
        if self.outbox.shape == EventShape::Old {
            forget_material_ids(&mut detail);
        }
        self.send(
            call.region,
            "AWS API Call via CloudTrail",
            json!([]),
            detail,
        );
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
        if let Some(error) = call.error {
            detail["errorCode"] = error.trail_code().into();
            detail["errorMessage"] = error.message.as_str().into();
        }
        // A call that found no key has no resources.
        if !call.trail.resources.is_empty()
            && call
                .error
                .is_none_or(|error| error.code != "NotFoundException")
        {
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

    fn send(&mut self, region: &str, detail_type: &str, resources: Value, detail: Value) {
        let event = json!({
            "version": "0",
            "id": self.ids.uuid(),
            "detail-type": detail_type,
            "source": "aws.kms",
            "account": self.account,
            "time": iso(self.now),
            "region": region,
            "resources": resources,
            "detail": detail,
        });
        self.outbox.events.push(event);
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
