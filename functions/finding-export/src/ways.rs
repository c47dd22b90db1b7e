//! Security Hub, a bus, a queue, a bucket.
//!
//! IAM: `securityhub:BatchImportFindings`, `events:PutEvents`, `sqs:SendMessage`, `s3:PutObject`.

use std::collections::BTreeMap;

use aws_config::{Region, SdkConfig};
use futures_util::future::join_all;
use serde_json::{Value, json};
use watch_aws::BusAdapter;
use watch_aws::signed::{Call, Patience, Protocol, Service, Signed};
use watch_aws::start::{Failure, Handler, Invocation};
use watch_core::arn::BusArn;
use watch_core::config::{Bucket, ExportConfig, QueueArn};
use watch_core::hash::short_hash;
use watch_core::ports::{Bus, BusEvent, CallError};
use watch_core::text::is_identifier;
use watch_findings::asff::{self, asff};
use watch_findings::ocsf::ocsf;
use watch_findings::{Finding, Home};

use crate::batch::{Left, NoBatch};
use crate::export::Exporter;
use crate::way::{DeadLetters, Trouble, Way};

const SECURITY_HUB: Service = Service {
    name: "securityhub",
    id: "SecurityHub",
    protocol: Protocol::Rest,
};
const SQS: Service = Service {
    name: "sqs",
    id: "SQS",
    protocol: Protocol::Json {
        target: "AmazonSQS",
        version: "1.0",
    },
};
const S3: Service = Service {
    name: "s3",
    id: "S3",
    protocol: Protocol::Object,
};

/// Findings that Security Hub takes at once.
const IMPORTED: usize = 100;

/// What rules on the bus match.
const DETAIL_TYPE: &str = "OCSF Detection Finding";

/// The function, on the services that `sdk` leads to.
pub async fn exporter(config: ExportConfig, sdk: SdkConfig) -> Exporter<Out, Letters> {
    // The stack's own account, which Lambda does not tell.
    let topic = &config.alerts.alert_topic;
    let home = Home {
        partition: topic.partition().clone(),
        account: topic.account().clone(),
        region: topic.region().clone(),
    };
    let signed = Signed::new(&sdk, Patience::LONG);
    let hub = config
        .security_hub
        .then(|| Out::Hub(signed.clone(), home.clone()));
    let bus = config.bus.map(|bus| Out::Bus(BusAdapter::new(&sdk), bus));
    let queue = config
        .queue
        .map(|queue| Out::Queue(Signed::new(&at(&sdk, &queue), Patience::LONG), queue));
    let bucket = config
        .bucket
        .map(|bucket| Out::Bucket(signed.clone(), bucket, home.clone()));
    Exporter {
        home,
        minimum: config.minimum_severity,
        ways: [hub, bus, queue, bucket].into_iter().flatten().collect(),
        dead_letters: Letters(signed, config.dead_letters),
    }
}

/// The same in the Region of a queue.
fn at(sdk: &SdkConfig, queue: &QueueArn) -> SdkConfig {
    let region = Region::new(queue.region().as_str().to_owned());
    sdk.clone().into_builder().region(region).build()
}

impl Failure for NoBatch {
    fn kind(&self) -> &'static str {
        "NoBatch"
    }
}

impl<W: Way, D: DeadLetters> Handler for Exporter<W, D> {
    type Outcome = Left;
    type Failure = NoBatch;

    async fn handle(&self, payload: &Value, _: &Invocation) -> Result<Left, NoBatch> {
        self.handle(payload).await
    }
}

/// A way out.
#[derive(Debug)]
pub enum Out {
    /// Security Hub of the account and Region.
    Hub(Signed, Home),
    /// A bus of EventBridge.
    Bus(BusAdapter, BusArn),
    /// A queue of SQS.
    Queue(Signed, QueueArn),
    /// A bucket of S3.
    Bucket(Signed, Bucket, Home),
}

impl Way for Out {
    fn name(&self) -> &'static str {
        match self {
            Self::Hub(..) => "Security Hub",
            Self::Bus(..) => "bus",
            Self::Queue(..) => "queue",
            Self::Bucket(..) => "bucket",
        }
    }

    async fn send(&self, findings: &[&Finding]) -> Vec<Result<(), Trouble>> {
        if let Self::Hub(signed, home) = self {
            return import(signed, home, findings).await;
        }
        let all = findings.iter().map(async |finding| {
            let sent = self.send_one(finding).await;
            sent.map_err(|error| Trouble::from(&error))
        });
        join_all(all).await
    }
}

impl Out {
    async fn send_one(&self, finding: &Finding) -> Result<(), CallError> {
        let json = ocsf(finding);
        match self {
            // It takes many at once.
            Self::Hub(..) => Ok(()),
            Self::Bus(adapter, bus) => {
                let event = BusEvent {
                    bus: bus.clone(),
                    detail_type: DETAIL_TYPE,
                    detail: json.to_string(),
                    resources: finding.key_arn().into_iter().collect(),
                };
                adapter.put(&event).await
            }
            Self::Queue(signed, queue) => {
                let body = json!({"QueueUrl": queue.url(), "MessageBody": json.to_string()});
                send_message(signed, body).await
            }
            Self::Bucket(signed, bucket, home) => {
                let call = Call {
                    service: S3,
                    operation: "PutObject",
                    path: format!("/{}/{}", bucket.as_str(), object_key(finding, home)),
                    body: json,
                };
                signed.call(call).await.map(|_| ())
            }
        }
    }
}

/// Where a finding is in a bucket: by day, as AWS's own logs are, and by its own name, so that it is there once however often it is
/// sent.
fn object_key(finding: &Finding, home: &Home) -> String {
    let day = finding.occurred_at.strftime("%Y/%m/%d");
    let (account, region) = (home.account.as_str(), home.region.as_str());
    let name = match finding.id.as_str() {
        id if is_identifier(id) => id.to_owned(),
        id => short_hash(id),
    };
    format!("AWSLogs/{account}/KMSWatch/{region}/{day}/{name}.json")
}

async fn send_message(signed: &Signed, body: Value) -> Result<(), CallError> {
    let call = Call {
        service: SQS,
        operation: "SendMessage",
        path: "/".to_owned(),
        body,
    };
    signed.call(call).await.map(|_| ())
}

/// Imports findings. Of several in one story, which may have come in any order, only the latest is.
async fn import(signed: &Signed, home: &Home, findings: &[&Finding]) -> Vec<Result<(), Trouble>> {
    let mut latest: BTreeMap<String, &Finding> = BTreeMap::new();
    for finding in findings {
        let held = latest.entry(asff::id(finding)).or_insert(finding);
        if finding.updated_at() > held.updated_at() {
            *held = finding;
        }
    }
    let all: Vec<_> = latest
        .iter()
        .map(|(id, finding)| (id.as_str(), asff(finding, home)))
        .collect();
    let mut troubles = BTreeMap::new();
    for some in all.chunks(IMPORTED) {
        troubles.extend(import_some(signed, some).await);
    }
    let became = |finding: &&Finding| {
        troubles
            .get(&asff::id(finding))
            .cloned()
            .map_or(Ok(()), Err)
    };
    findings.iter().map(became).collect()
}

/// Imports findings in one call, and says which were not, by `Id`. Where Security Hub refuses all because of one, it gets them one
/// by one.
async fn import_some(signed: &Signed, some: &[(&str, Value)]) -> BTreeMap<String, Trouble> {
    let error = match import_at_once(signed, some).await {
        Ok(failed) => return failed,
        Err(error) => Trouble::from(&error),
    };
    if !error.lasts || some.len() == 1 {
        return some
            .iter()
            .map(|(id, _)| ((*id).to_owned(), error.clone()))
            .collect();
    }
    let mut troubles = BTreeMap::new();
    for one in some {
        match import_at_once(signed, std::slice::from_ref(one)).await {
            Ok(failed) => troubles.extend(failed),
            Err(error) => _ = troubles.insert(one.0.to_owned(), Trouble::from(&error)),
        }
    }
    troubles
}

async fn import_at_once(
    signed: &Signed,
    some: &[(&str, Value)],
) -> Result<BTreeMap<String, Trouble>, CallError> {
    let findings: Vec<_> = some.iter().map(|(_, finding)| finding).collect();
    let call = Call {
        service: SECURITY_HUB,
        operation: "BatchImportFindings",
        path: "/findings/import".to_owned(),
        body: json!({ "Findings": findings }),
    };
    let answer = signed.call(call).await?;
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let failed = answer["FailedFindings"].as_array().into_iter().flatten();
    let failed: BTreeMap<_, _> = failed
        .map(|failed| {
            let error = CallError::new(&text(failed, "ErrorCode"), &text(failed, "ErrorMessage"));
            (text(failed, "Id"), Trouble::from(&error))
        })
        .collect();
    let count = answer["FailedCount"].as_u64().unwrap_or_default();
    let known = some
        .iter()
        .filter(|(id, _)| failed.contains_key(*id))
        .count();
    // More failed than it names: nobody knows which, so all are sent again.
    if count > known as u64 {
        return Err(CallError::new(
            "FailedFindings",
            "Security Hub does not say which",
        ));
    }
    Ok(failed)
}

/// The queue of dead letters.
#[derive(Debug)]
pub struct Letters(Signed, String);

impl DeadLetters for Letters {
    async fn keep(&self, message: &str, reason: &str) -> Result<(), CallError> {
        let body = json!({
            "QueueUrl": self.1,
            "MessageBody": message,
            "MessageAttributes": { "reason": { "DataType": "String", "StringValue": reason } },
        });
        send_message(&self.0, body).await
    }
}
