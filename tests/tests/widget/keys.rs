//! Ledgers as sweeps leave them.

use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_aws::SystemClock;
use watch_core::answers::{Metadata, RotationStatus};
use watch_core::arn::KeyArn;
use watch_core::dependants::{Findings, Principal, Resource};
use watch_core::key::{Origin, State};
use watch_core::ledger::history::{Entry, Heard};
use watch_core::ledger::profile::{Dated, Scheduled};
use watch_core::ledger::{Item, PARTITION_KEY, Policy, Profile, SORT_KEY};
use watch_core::ports::Clock;
use watch_core::text::Untrusted;
use watch_local::LocalAws;
use watch_sweep::listing::{Gone, Row};
use watch_tests::listed::{self, ACCOUNT, row};

const HOSTILE: &str =
    "<img src=x onerror=alert(1)>\u{202e}\"' </td></cwdb-action><script>x</script>";

/// When the tests began, in whole minutes.
pub(crate) fn now() -> Timestamp {
    static NOW: OnceLock<Timestamp> = OnceLock::new();
    *NOW.get_or_init(|| {
        let now = SystemClock.now().as_second();
        Timestamp::from_second(now - now % 60).unwrap()
    })
}

fn in_hours(hours: i64) -> Option<Timestamp> {
    Some(now() + SignedDuration::from_hours(hours))
}

pub(crate) fn policy(policy: &Value) -> watch_local::Policy {
    watch_local::Policy::from_json(policy).unwrap()
}

/// What is in the table.
pub(crate) struct Ledger(Vec<Item>);

impl Ledger {
    pub(crate) const HOSTILE_KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    pub(crate) fn id(number: u32) -> String {
        listed::id(number)
    }

    /// So many keys of all sorts.
    pub(crate) fn of(count: u32) -> Self {
        Self::with(
            (0..count).map(|number| row(number, now())).collect(),
            Vec::new(),
        )
    }

    /// What people might have, for pictures: with the life of the first key.
    pub(crate) fn pictured() -> Self {
        let mut ledger = Self::with(
            (0..60).map(|number| row(number, now())).collect(),
            vec![gone("alias/old-reports", 30), gone("alias/trial", 200)],
        );
        ledger.0.extend(life(
            &Self::id(0),
            "alias/payments",
            "team-pay",
            "Card data of the shop",
        ));
        ledger.0.extend(told());
        ledger
    }

    /// Everything in it was chosen by somebody who means harm.
    pub(crate) fn hostile() -> Self {
        let text = Some(Untrusted::new(HOSTILE));
        let row = Row {
            id: Self::HOSTILE_KEY.to_owned(),
            alias: text.clone(),
            owner: text.clone(),
            store: text.clone(),
            state: Some(State::PendingDeletion),
            origin: Some(Origin::new(HOSTILE)),
            deletion_at: in_hours(100),
            created_at: in_hours(-30),
            drifted_at: in_hours(-3),
            rotated_at: in_hours(-5),
            ..Row::default()
        };
        let mut ledger = Self::with(vec![row], vec![gone(HOSTILE, 3)]);
        ledger
            .0
            .extend(life(Self::HOSTILE_KEY, HOSTILE, HOSTILE, HOSTILE));
        ledger.0.extend(told());
        ledger
    }

    fn with(rows: Vec<Row>, gone: Vec<Gone>) -> Self {
        let mut items = listed::items(rows, gone, now());
        items.extend(canary());
        Self(items)
    }

    pub(crate) fn write(&self, aws: &LocalAws) {
        listed::write(&self.0, aws);
    }
}

fn gone(name: &str, hours: i64) -> Gone {
    Gone {
        id: Ledger::id(90_000),
        name: Untrusted::new(name),
        at: in_hours(-hours).unwrap(),
        scheduled: true,
    }
}

fn arn(id: &str) -> KeyArn {
    format!("arn:aws:kms:us-east-1:111122223333:key/{id}")
        .parse()
        .unwrap()
}

fn entry(kind: &str, severity: &str, title: &str, who: &str, hours: i64) -> Entry {
    Entry {
        alert_id: format!("{hours:04}"),
        occurred_at: in_hours(-hours).unwrap(),
        kind: kind.to_owned(),
        severity: severity.to_owned(),
        title: Untrusted::new(title),
        name: Untrusted::new("alias/payments"),
        owner: None,
        actor: Untrusted::new(who).non_empty(),
        via: "CLOUDTRAIL".to_owned(),
        event_name: None,
        event_id: Some(Untrusted::new(&format!(
            "8f0ec3a0-0000-4000-8000-{hours:012}"
        ))),
        folded: false,
        heard: Some(Heard::Alone),
        dedup_key: None,
        deployment: false,
        told_at: in_hours(-hours).unwrap(),
    }
}

/// A profile, a policy and a history.
fn life(id: &str, alias: &str, owner: &str, description: &str) -> Vec<Item> {
    let key = arn(id);
    let partition = key.to_string();
    let dated = |value| {
        Some(Dated {
            value,
            as_of: now(),
        })
    };
    let seen = in_hours(-11).unwrap();
    let mut found = Findings::default();
    let resource = json!({"service": "s3", "type": "AWS::S3::Bucket", "id": description, "lastSeen": seen, "via": "GRANTS"});
    let resource: Resource = serde_json::from_value(resource).unwrap();
    let principal = json!({"name": "role/Shop", "lastSeen": seen, "operations": ["Decrypt"], "count": 41, "via": "GRANTS"});
    let principal: Principal = serde_json::from_value(principal).unwrap();
    found.source(resource.via);
    found.resource(resource);
    found.principal(principal);
    let dependants = found.into_dependants(now());
    let profile = Profile {
        metadata: Some(Dated {
            value: Metadata {
                state: Some(State::PendingDeletion),
                origin: Some(Origin::AwsKms),
                spec: Some(Untrusted::new("SYMMETRIC_DEFAULT")),
                usage: Some(Untrusted::new("ENCRYPT_DECRYPT")),
                description: Some(Untrusted::new(description)),
                created_at: in_hours(-9_000),
                deletion_at: in_hours(48),
                ..Metadata::default()
            },
            as_of: now(),
        }),
        aliases: Some(Dated {
            value: vec![Untrusted::new(alias)],
            as_of: now(),
        }),
        tags: Some(Dated {
            value: [
                ("Owner", owner),
                ("stage", "production"),
                ("note", description),
            ]
            .map(|(key, value)| (Untrusted::new(key), Untrusted::new(value)))
            .into(),
            as_of: now(),
        }),
        rotation: dated(RotationStatus {
            enabled: true,
            period_days: Some(365),
            next_at: in_hours(900),
        }),
        scheduled: Some(Scheduled {
            by: Some(Untrusted::new("KeyAdmin/maria")),
            at: in_hours(-120).unwrap(),
        }),
        dependants: Some(dependants),
        ..Profile::default()
    };
    let mut item = Profile::default().changes(&profile, now());
    item.insert(PARTITION_KEY.to_owned(), partition.clone().into());
    item.insert(SORT_KEY.to_owned(), "profile".into());
    let text = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/Shop"}, "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::444455556666:role/{description}")}, "Action": "kms:Decrypt", "Resource": "*"}]});
    let policy = Policy {
        policy: text.to_string(),
        as_of: in_hours(-2_000).unwrap(),
    };
    let mut history = [
        entry(
            "KeyDeletionScheduled",
            "HIGH",
            &format!(
                "Deletion of {alias} scheduled for {}",
                watch_core::text::minute(in_hours(48).unwrap())
            ),
            "KeyAdmin/maria",
            120,
        ),
        entry(
            "UnusableKeyUsed",
            "CRITICAL",
            &format!("Shop needs {alias}, which is pending deletion"),
            "Shop/i-0a1",
            70,
        ),
        entry(
            "KeyPolicyChanged",
            "MEDIUM",
            &format!("Key policy of {alias} changed"),
            owner,
            2_000,
        ),
    ];
    for (entry, condition) in history.iter_mut().zip(["deletion", "use#0a1b", "policy"]) {
        entry.dedup_key = Some(format!("{partition}#{condition}"));
    }
    let mut items = vec![item, policy.item(&partition)];
    items.extend(history.iter().map(|entry| entry.item(&partition)));
    items
}

/// What was told about the account.
fn told() -> Vec<Item> {
    [
        entry(
            "InventoryDigest",
            "INFO",
            "KMS keys, week 48: 60 keys, 6 pending deletion",
            "",
            100,
        ),
        entry(
            "WatchChanged",
            "MEDIUM",
            "KMS Watch is being deployed",
            "deployer/ci",
            300,
        ),
    ]
    .iter()
    .map(|entry| entry.item(ACCOUNT))
    .collect()
}

/// A canary came through two days ago.
fn canary() -> Vec<Item> {
    let told = entry("WatchCanary", "INFO", "The canary came through", "", 48);
    let told = Entry {
        heard: Some(Heard::Nobody),
        ..told
    };
    let item = told.item(ACCOUNT);
    let note = Item::from_iter([
        (
            PARTITION_KEY.to_owned(),
            json!("guard#111122223333#us-east-1"),
        ),
        (SORT_KEY.to_owned(), json!("watch#canary")),
        ("toldAs".to_owned(), item[SORT_KEY].clone()),
    ]);
    vec![note, item]
}
