//! What happens in the process alone: from the bytes of an event to those of the answer, with every message rendered; and
//! what a new policy of a key changes. `cargo bench -p watch-bench`
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::collections::BTreeMap;
use std::path::Path;

use divan::{Bencher, black_box};
use jiff::Timestamp;
use serde_json::{Value, json};
use watch_core::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags, Use};
use watch_core::arn::{KeyArn, KeyStoreId, Region};
use watch_core::config::Config;
use watch_core::decision::Decide;
use watch_core::key::{Manager, Origin, State};
use watch_core::ledger::NoLedger;
use watch_core::pipeline::Watch;
use watch_core::ports::{Bus, BusEvent, CallError, Clock, Kms, Message, Topics};
use watch_core::text::Untrusted;
use watch_policy::{Context, Diff, Policy};

/// Counts what is allocated, too.
#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

/// The largest of the sample events, the smallest, and the usual one.
const EVENTS: [(&str, &str, Decide); 3] = [
    ("alarm-relay", "alarm-hostile.json", alarm_relay::decide),
    (
        "key-deletion",
        "kms-deletion-without-key.json",
        key_deletion::decide,
    ),
    (
        "key-deletion",
        "ct-schedule-key-deletion.json",
        key_deletion::decide,
    ),
];

/// A key policy has at most 32 KB (AWS KMS API Reference, PutKeyPolicy).
const POLICY_BYTES: usize = 32 * 1_024;

fn main() {
    divan::main();
}

/// Without a ledger: read, decide, gather, assess, render, publish, and the answer.
#[divan::bench(args = EVENTS.map(|(_, file, _)| file))]
fn event(bencher: Bencher, file: &str) {
    let event = read(file);
    let (runtime, watch) = (runtime(), watch(file));
    bencher.bench_local(|| {
        let payload: Value = serde_json::from_slice(black_box(&event)).unwrap();
        let outcome = runtime.block_on(watch.handle(&payload, "request")).unwrap();
        serde_json::to_vec(&outcome).unwrap()
    });
}

/// Reading and deciding alone.
#[divan::bench(args = EVENTS.map(|(_, file, _)| file))]
fn read_and_decide(bencher: Bencher, file: &str) {
    let event = read(file);
    let (_, _, decide) = find(file);
    bencher.bench_local(|| {
        let payload: Value = serde_json::from_slice(black_box(&event)).unwrap();
        let events = watch_core::event::unwrap(&payload);
        // One of them has no key, and is told as what cannot be read.
        let event = watch_core::event::Event::read(events[0].as_ref().unwrap());
        event.map(|event| decide(&event))
    });
}

/// Reading two policies of 32 KB that differ in one statement, and comparing them.
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/3a1c74f2-5d0f-4b39-9a77-6f2f1c0d5f02";

#[divan::bench]
fn policy_diff(bencher: Bencher) {
    let (before, after) = (policy("kms:Decrypt"), policy("kms:*"));
    let context = Context::of_key(KEY).unwrap();
    bencher.bench_local(|| {
        let before = Policy::parse(black_box(&before)).unwrap();
        let after = Policy::parse(black_box(&after)).unwrap();
        let diff = Diff::between(Some(&before), &after, &context);
        assert!(!diff.is_empty());
    });
}

fn find(file: &str) -> (&'static str, &'static str, Decide) {
    *EVENTS.iter().find(|(_, known, _)| *known == file).unwrap()
}

fn read(file: &str) -> Vec<u8> {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    std::fs::read(events.join(find(file).0).join(file)).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

fn watch(file: &str) -> Watch<OneKey, Nobody, NoLedger, FixedClock> {
    let settings: BTreeMap<_, _> = [
        ("ALERT_TOPIC_ARN", "people"),
        ("CHAT_TOPIC_ARN", "chat"),
        ("FEED_TOPIC_ARN", "feed"),
    ]
    .map(|(name, topic)| (name, format!("arn:aws:sns:us-east-1:111122223333:{topic}")))
    .into();
    let (function, _, decide) = find(file);
    Watch {
        function,
        config: Config::from_lookup(|name| settings.get(name).cloned(), &[]).unwrap(),
        decide,
        kms: OneKey,
        topics: Nobody,
        ledger: None,
        clock: FixedClock,
    }
}

/// Statements for roles, until the policy is full; the last one allows `action`.
fn policy(action: &str) -> String {
    let statement = |number: usize, action: &str| {
        json!({
            "Sid": format!("Role{number}"),
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::111122223333:role/service-{number:04}")},
            "Action": [action, "kms:DescribeKey", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        })
    };
    let mut statements = Vec::new();
    let mut bytes = 0;
    while bytes < POLICY_BYTES - 600 {
        let statement = statement(statements.len(), "kms:Encrypt");
        bytes += statement.to_string().len() + 1;
        statements.push(statement);
    }
    statements.push(statement(statements.len(), action));
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// A topic that takes everything.
struct Nobody;

impl Bus for Nobody {
    async fn put(&self, event: &BusEvent) -> Result<(), CallError> {
        black_box(event);
        Ok(())
    }
}

impl Topics for Nobody {
    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        black_box(message);
        Ok(())
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// A KMS that knows the same of every key, at once.
struct OneKey;

impl Kms for OneKey {
    async fn describe_key(&self, _: &KeyArn) -> Result<Metadata, CallError> {
        Ok(Metadata {
            state: Some(State::Enabled),
            manager: Some(Manager::Customer),
            origin: Some(Origin::AwsKms),
            spec: Some(Untrusted::new("SYMMETRIC_DEFAULT")),
            usage: Some(Untrusted::new("ENCRYPT_DECRYPT")),
            description: Some(Untrusted::new("Orders of the shop")),
            created_at: Some(Timestamp::UNIX_EPOCH),
            ..Metadata::default()
        })
    }

    async fn list_aliases(&self, _: &KeyArn) -> Result<Vec<Untrusted>, CallError> {
        Ok(vec![Untrusted::new("alias/orders")])
    }

    async fn list_resource_tags(&self, _: &KeyArn) -> Result<Tags, CallError> {
        let tag = |(name, value)| (Untrusted::new(name), Untrusted::new(value));
        Ok([("Owner", "team-orders"), ("Environment", "production")]
            .map(tag)
            .into())
    }

    async fn get_key_rotation_status(&self, _: &KeyArn) -> Result<RotationStatus, CallError> {
        Ok(RotationStatus {
            enabled: true,
            period_days: Some(365),
            next_at: None,
        })
    }

    async fn list_materials(&self, _: &KeyArn) -> Result<Vec<Material>, CallError> {
        Ok(vec![Material::default()])
    }

    async fn get_key_policy(&self, _: &KeyArn) -> Result<String, CallError> {
        Ok(policy("kms:Decrypt"))
    }

    async fn describe_custom_key_store(
        &self,
        _: &KeyStoreId,
        _: &Region,
    ) -> Result<KeyStoreData, CallError> {
        Ok(KeyStoreData::default())
    }

    async fn count_keys_in_store(&self, _: &KeyStoreId, _: &Region) -> Result<u64, CallError> {
        Ok(20)
    }

    async fn get_key_last_usage(&self, _: &KeyArn) -> Result<LastUsage, CallError> {
        Ok(LastUsage {
            used: Some(Use {
                at: Timestamp::UNIX_EPOCH,
                operation: Some(Untrusted::new("Decrypt")),
                event_id: None,
            }),
            tracked_since: Some(Timestamp::UNIX_EPOCH),
            created_at: Some(Timestamp::UNIX_EPOCH),
        })
    }
}
