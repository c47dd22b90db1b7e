//! AWS as far as the functions call it: over TLS, always after the same delay, and always the same answers. Every claim is
//! new, every key is there, every message is taken.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::clock;
use crate::http::{self, Request, Response, Server};
use crate::subjects::DEPENDED_KEY;
use crate::tls::HOST;

/// Keys that a sweep finds.
pub(crate) const KEYS: u32 = 20;

/// The services, each with a host of its own as with AWS, so that none uses the connections of another.
const SERVICES: [&str; 5] = ["KMS", "SNS", "DYNAMODB", "CLOUDTRAIL", "CLOUDWATCH"];

const ACCOUNT: &str = "111122223333";
const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

/// A time in 2026, as KMS words it.
const MOMENT: f64 = 1_769_990_400.0;

/// The services on loopback, for one process, until this is dropped.
#[derive(Debug)]
pub(crate) struct Stub {
    servers: Vec<Server>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tls: Arc<ServerConfig>,
    delay: Duration,
    seen: Mutex<Seen>,
}

/// What came in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// TLS connections that were made.
    pub(crate) connections: usize,
    /// Calls by operation.
    pub(crate) calls: BTreeMap<String, usize>,
    /// Operations that were called twice with the same request.
    pub(crate) twice: BTreeSet<String>,
    /// How long the answers took.
    pub(crate) delays: Vec<Duration>,
    requests: BTreeSet<(String, u64)>,
}

impl Seen {
    /// Calls of all operations.
    pub(crate) fn total(&self) -> usize {
        self.calls.values().sum()
    }
}

impl Stub {
    /// Answers that come after `delay`.
    pub(crate) fn start(tls: &Arc<ServerConfig>, delay: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            tls: Arc::clone(tls),
            delay,
            seen: Mutex::default(),
        });
        let servers = SERVICES
            .iter()
            .map(|service| {
                let shared = Arc::clone(&shared);
                // Clients that hang up are no errors, and others are seen as connections that were not made.
                Server::start(service, move |stream| _ = shared.serve(stream))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { servers, shared })
    }

    /// What tells an SDK where the services are.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (String, String)> {
        let services = SERVICES.iter().zip(&self.servers);
        services.map(|(service, server)| {
            (
                format!("AWS_ENDPOINT_URL_{service}"),
                format!("https://{HOST}:{}", server.port()),
            )
        })
    }

    /// What came in since the last time; connections are counted from the beginning.
    pub(crate) fn take(&self) -> Seen {
        let mut seen = self.shared.lock();
        let connections = seen.connections;
        let new = Seen {
            connections,
            ..Seen::default()
        };
        std::mem::replace(&mut *seen, new)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut connection =
            ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        connection.complete_io(&mut stream)?;
        self.lock().connections += 1;
        http::serve(StreamOwned::new(connection, stream), |request| {
            let (operation, response) = answer(&request);
            let due = request.at + self.delay;
            std::thread::sleep(due.saturating_sub(clock::now()));
            let mut hasher = DefaultHasher::new();
            request.body.hash(&mut hasher);
            let mut seen = self.lock();
            seen.delays.push(clock::now().saturating_sub(request.at));
            if !seen.requests.insert((operation.clone(), hasher.finish())) {
                seen.twice.insert(operation.clone());
            }
            *seen.calls.entry(operation).or_default() += 1;
            Some(response)
        })
    }
}

/// The operation, and its answer.
fn answer(request: &Request) -> (String, Response) {
    if let Some(target) = request.header("x-amz-target") {
        let (service, operation) = target.rsplit_once('.').unwrap_or(("", target));
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        let (kind, answer) = if service.starts_with("DynamoDB") {
            (JSON_1_0, dynamodb(operation, &body))
        } else {
            (JSON_1_1, kms(operation, &body))
        };
        let response = match answer {
            Some(answer) => respond(200, kind, answer.to_string().into_bytes()),
            None => respond(
                400,
                kind,
                json!({"__type": "UnknownOperationException"})
                    .to_string()
                    .into_bytes(),
            ),
        };
        return (operation.to_owned(), response);
    }
    if let Some((_, operation)) = request.path.rsplit_once("/operation/") {
        let mut response = respond(200, "application/cbor", vec![0xa0]);
        response
            .headers
            .push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
        return (operation.to_owned(), response);
    }
    let body = String::from_utf8_lossy(&request.body);
    let mut members = body.split('&').filter_map(|member| member.split_once('='));
    let action = members.find(|(name, _)| *name == "Action");
    let action = action.map_or("nothing", |(_, action)| action).to_owned();
    let response = respond(200, "text/xml", sns(&action).into_bytes());
    (action, response)
}

fn respond(status: u16, kind: &str, body: Vec<u8>) -> Response {
    Response {
        status,
        headers: vec![
            ("content-type", kind.to_owned()),
            (
                "x-amzn-requestid",
                "6f2c1d3e-0b7a-4c55-9a1e-3d2f4b5a6c7d".to_owned(),
            ),
            ("date", "Mon, 02 Feb 2026 00:00:00 GMT".to_owned()),
        ],
        body,
    }
}

fn sns(action: &str) -> String {
    let result = match action {
        "Publish" => "<MessageId>1b0d7c5e-7d2e-5f0a-8a53-2c1f8f0e9d4b</MessageId>",
        _ => "<Attributes></Attributes>",
    };
    format!(
        "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>6f2c1d3e-0b7a-4c55-9a1e-3d2f4b5a6c7d</RequestId></ResponseMetadata>\
         </{action}Response>"
    )
}

/// Nothing is known, every condition holds, and every count is one.
fn dynamodb(operation: &str, body: &Value) -> Option<Value> {
    Some(match operation {
        "PutItem" => json!({}),
        "GetItem" => json!({}),
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object()?;
            let empty: serde_json::Map<_, _> = tables
                .keys()
                .map(|table| (table.clone(), json!([])))
                .collect();
            json!({"Responses": empty, "UnprocessedKeys": {}})
        }
        "BatchWriteItem" => json!({"UnprocessedItems": {}}),
        "UpdateItem" if body["ReturnValues"] == "ALL_NEW" => {
            let mut attributes = body["Key"].as_object()?.clone();
            let names = body["ExpressionAttributeNames"].as_object();
            for (placeholder, name) in names.into_iter().flatten() {
                let value = match placeholder.as_str() {
                    "#note" => body["ExpressionAttributeValues"][":note"].clone(),
                    _ => json!({"N": "1"}),
                };
                attributes.insert(name.as_str()?.to_owned(), value);
            }
            json!({"Attributes": attributes})
        }
        "UpdateItem" => json!({}),
        _ => return None,
    })
}

/// KMS, and CloudTrail, whose history is empty.
fn kms(operation: &str, body: &Value) -> Option<Value> {
    let id = body["KeyId"].as_str().unwrap_or_default();
    let id = id.rsplit('/').next().unwrap_or_default();
    let arn = arn(id);
    Some(match operation {
        "DescribeKey" => json!({"KeyMetadata": metadata(id)}),
        "ListAliases" if id.is_empty() => json!({
            "Aliases": keys().map(|id| alias(&id)).collect::<Vec<_>>(),
            "Truncated": false,
        }),
        "ListAliases" => json!({"Aliases": [alias(id)], "Truncated": false}),
        "ListResourceTags" => json!({
            "Tags": [
                {"TagKey": "Owner", "TagValue": "team-orders"},
                {"TagKey": "Environment", "TagValue": "production"},
                {"TagKey": "CostCentre", "TagValue": "4711"},
            ],
            "Truncated": false,
        }),
        "GetKeyRotationStatus" => json!({
            "KeyId": arn,
            "KeyRotationEnabled": true,
            "NextRotationDate": MOMENT + 31_536_000.0,
            "RotationPeriodInDays": 365,
        }),
        "ListKeyRotations" => json!({
            "Rotations": [{
                "KeyId": arn,
                "KeyMaterialId": "94fda3ab60e3f05fda5aec6543f3f6e85a50550aa6947b5164c50d1d2045215f",
                "KeyMaterialState": "CURRENT",
            }],
            "Truncated": false,
        }),
        "GetKeyLastUsage" => json!({
            "KeyCreationDate": MOMENT,
            "KeyId": id,
            "KeyLastUsage": {
                "CloudTrailEventId": "5f4e696b-626d-4d04-89f6-bad1b423f386",
                "KmsRequestId": "79b38166-9149-48ca-a75a-4a1c15dd743d",
                "Operation": "Decrypt",
                "Timestamp": MOMENT + 86_400.0,
            },
            "TrackingStartDate": MOMENT,
        }),
        "GetKeyPolicy" => json!({"Policy": policy(), "PolicyName": "default"}),
        "ListKeys" => {
            let keys = keys().map(|id| json!({"KeyArn": self::arn(&id), "KeyId": id}));
            json!({"Keys": keys.collect::<Vec<_>>(), "Truncated": false})
        }
        "DescribeCustomKeyStores" => stores(&body["CustomKeyStoreId"]),
        "ListGrants" => json!({"Grants": grants(id), "Truncated": false}),
        "LookupEvents" => json!({"Events": uses(body)}),
        _ => return None,
    })
}

/// Those of fourteen volumes, if others depend on the key.
fn grants(id: &str) -> Vec<Value> {
    let count = if id.starts_with(DEPENDED_KEY) { 14 } else { 0 };
    let grant = |number: u32| {
        json!({
            "GrantId": format!("{number:064x}"),
            "GranteePrincipal": "ec2.amazonaws.com",
            "Operations": ["Decrypt", "GenerateDataKeyWithoutPlaintext"],
            "Constraints": {"EncryptionContextSubset": {"aws:ebs:id": format!("vol-0{number:03}")}},
        })
    };
    (0..count).map(grant).collect()
}

/// A page of uses for as many buckets, if others depend on the key.
fn uses(body: &Value) -> Vec<Value> {
    let attribute = &body["LookupAttributes"][0]["AttributeValue"];
    let key = attribute.as_str().unwrap_or_default();
    let count = if key.contains(DEPENDED_KEY) { 49 } else { 0 };
    let used = |number: u32| {
        let record = json!({
            "eventName": "GenerateDataKey",
            "eventTime": "2026-02-14T01:00:00Z",
            "eventID": format!("{number:036}"),
            "userIdentity": {
                "type": "AssumedRole",
                "accountId": ACCOUNT,
                "invokedBy": "s3.amazonaws.com",
                "sessionContext": {"sessionIssuer": {"arn": format!("arn:aws:iam::{ACCOUNT}:role/app-{}", number % 7)}},
            },
            "requestParameters": {"encryptionContext": {"aws:s3:arn": format!("arn:aws:s3:::bucket-{}", number % 9)}},
            "resources": [{"ARN": key}],
        });
        json!({"EventId": number.to_string(), "CloudTrailEvent": record.to_string()})
    };
    (0..count).map(used).collect()
}

fn metadata(id: &str) -> Value {
    json!({
        "AWSAccountId": ACCOUNT,
        "Arn": arn(id),
        "CreationDate": MOMENT,
        "CurrentKeyMaterialId": "94fda3ab60e3f05fda5aec6543f3f6e85a50550aa6947b5164c50d1d2045215f",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Description": "Orders of the shop",
        "Enabled": true,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "KeyId": id,
        "KeyManager": "CUSTOMER",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": false,
        "Origin": "AWS_KMS",
    })
}

/// The store that is asked for; asked for all, none.
fn stores(id: &Value) -> Value {
    let store = json!({
        "ConnectionState": "CONNECTED",
        "CreationDate": MOMENT,
        "CustomKeyStoreId": id,
        "CustomKeyStoreName": "vault",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
    });
    let stores: Vec<_> = id.is_string().then_some(store).into_iter().collect();
    json!({"CustomKeyStores": stores, "Truncated": false})
}

fn keys() -> impl Iterator<Item = String> {
    (0..KEYS).map(|number| format!("5f0c1b7e-2a94-4d3e-9c61-{number:012x}"))
}

fn arn(id: &str) -> String {
    format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}")
}

fn alias(id: &str) -> Value {
    let name = format!("alias/orders-{}", &id[id.len().saturating_sub(4)..]);
    json!({
        "AliasArn": format!("arn:aws:kms:us-east-1:{ACCOUNT}:{name}"),
        "AliasName": name,
        "CreationDate": MOMENT,
        "LastUpdatedDate": MOMENT,
        "TargetKeyId": id,
    })
}

fn policy() -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Account",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "Use",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/AppServer")},
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
            },
        ],
    })
    .to_string()
}
