//! What a record of CloudTrail's says: who used the key, through which service, for which resource.

use jiff::Timestamp;
use serde_json::Value;

use super::findings::Findings;
use super::grants::is_account;
use super::{Evidence, Principal, Resource};
use crate::actor::{Actor, is_aws_itself};
use crate::context;
use crate::key::CRYPTOGRAPHIC;
use crate::text::Untrusted;

/// Why a use fails of somebody who needs the key, and would have been let in. In CloudTrail some have no `Exception`.
pub(super) const NEEDED: [&str; 4] = [
    "Disabled",
    "KMSInvalidState",
    "KeyUnavailable",
    "CustomKeyStoreInvalidState",
];

/// Members of a request that hold an encryption context.
const CONTEXTS: [&str; 3] = [
    "encryptionContext",
    "sourceEncryptionContext",
    "destinationEncryptionContext",
];

impl Findings {
    /// Takes in a record. What is no use of a key, or was refused, says nothing of who needs it. Whether it was one.
    pub fn record(&mut self, record: &Value) -> bool {
        let text = |name: &str| record[name].as_str().unwrap_or_default();
        let code = text("errorCode");
        let code = code.strip_suffix("Exception").unwrap_or(code);
        if !CRYPTOGRAPHIC.contains(&text("eventName"))
            || !(code.is_empty() || NEEDED.contains(&code))
        {
            return false;
        }
        let at: Option<Timestamp> = text("eventTime").parse().ok();
        let via = Evidence::EventHistory;
        let principal = Principal {
            service: service(&record["userIdentity"], text("sourceIPAddress")),
            last_seen: at,
            operations: vec![Untrusted::bounded(text("eventName"), 64)],
            count: 1,
            ..caller(record)
        };
        let who = principal.name.as_str().rsplit('/').next();
        let who = who.map(|who| Untrusted::bounded(who, 128));
        for member in CONTEXTS {
            let context = record["requestParameters"][member].as_object();
            let texts = context.into_iter().flatten();
            let texts = texts.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
            if let Some(named) = context::resource(texts) {
                self.resource(Resource {
                    last_seen: at,
                    used_by: who.clone(),
                    ..Resource::of(named, via)
                });
            }
        }
        self.principal(principal);
        true
    }
}

/// Who made a call, as far as that is a principal.
pub(super) fn caller(record: &Value) -> Principal {
    let actor = Actor::read(record);
    let principal = Principal::of(actor.principal.as_str(), Evidence::EventHistory);
    let account = actor.account.clone();
    Principal {
        account: account
            .filter(|id| is_account(id.as_str()))
            .or(principal.account),
        ..principal
    }
}

/// The service that passed the call on.
fn service(identity: &Value, source: &str) -> Option<Untrusted> {
    let by = identity["invokedBy"].as_str().into_iter().chain([source]);
    let is_service = |name: &&str| {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        let is_host = name.contains(".amazonaws.") && name.bytes().all(is_name);
        is_host && !is_aws_itself(name)
    };
    by.into_iter()
        .find(is_service)
        .map(|name| Untrusted::bounded(name, 128))
}
