//! The built functions on moto: what they read and publish is understood by a service that we did not write.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::types::Tag;
use serde_json::{Value, json};
use watch_tests::{Function, event};

use crate::{ledger, server};

/// That of the sample events.
const REGION: &str = "us-east-1";

/// moto's.
const ACCOUNT: &str = "123456789012";

/// The key of the sample events.
const SAMPLE: &str = "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

/// A function, with moto for its AWS.
struct OnMoto {
    function: Function,
    kms: aws_sdk_kms::Client,
    topics: BTreeMap<&'static str, String>,
}

impl OnMoto {
    /// `test` keeps its topics apart from those of other tests.
    async fn start(function: &str, test: &str) -> Self {
        Self::start_with(function, test, None).await
    }

    /// The same with a ledger.
    async fn start_with(function: &str, test: &str, table: Option<&str>) -> Self {
        let endpoint = format!("http://{}", server::address());
        let config = watch_aws::sdk::local(&endpoint, REGION);
        let sns = aws_sdk_sns::Client::new(&config);
        let mut topics = BTreeMap::new();
        for audience in ["people", "chat", "feed"] {
            let name = format!("{test}-{audience}");
            let made = sns.create_topic().name(name).send().await.unwrap();
            topics.insert(audience, made.topic_arn.unwrap());
        }
        let function = Function::start(
            function,
            &[
                ("AWS_ENDPOINT_URL", &endpoint),
                ("AWS_REGION", REGION),
                ("ALERT_TOPIC_ARN", &topics["people"]),
                ("CHAT_TOPIC_ARN", &topics["chat"]),
                ("FEED_TOPIC_ARN", &topics["feed"]),
                ("LEDGER_TABLE", table.unwrap_or_default()),
            ],
        );
        Self {
            function,
            kms: aws_sdk_kms::Client::new(&config),
            topics,
        }
    }

    /// A key with all that an alert tells of it.
    async fn key(&self, alias: &str) -> String {
        let owner = Tag::builder().tag_key("Owner").tag_value("team-pay");
        let made = self
            .kms
            .create_key()
            .description("Card data of the orders database")
            .tags(owner.build().unwrap())
            .send()
            .await;
        let id = made.unwrap().key_metadata.unwrap().key_id;
        let call = self.kms.create_alias().alias_name(alias);
        call.target_key_id(&id).send().await.unwrap();
        let call = self.kms.enable_key_rotation().key_id(&id);
        call.send().await.unwrap();
        id
    }

    /// Hands the function a sample event, made one of this key, and returns its only alert.
    fn alert(&self, sample: &str, key: &str) -> Value {
        let outcome = self.outcome(sample, key);
        assert_eq!(outcome["outcome"], "delivered");
        assert_eq!(outcome["alerts"].as_array().unwrap().len(), 1);
        outcome["alerts"][0].clone()
    }

    /// What the function makes of a sample event, made one of this key.
    fn outcome(&self, sample: &str, key: &str) -> Value {
        let event = event(sample)
            .to_string()
            .replace(SAMPLE, key)
            .replace("111122223333", ACCOUNT);
        let outcome = self.function.handle(&serde_json::from_str(&event).unwrap());
        assert_eq!(
            self.function.aws.requests(),
            [],
            "the simulator is not asked"
        );
        outcome
    }

    /// What moto's topic was sent: message, subject and attributes.
    fn sent(&self, audience: &str) -> Vec<(String, Option<String>, Value)> {
        let data = server::data();
        let topics = data["sns"]["Topic"].as_array().unwrap();
        let topic = topics
            .iter()
            .find(|topic| topic["arn"] == self.topics[audience])
            .unwrap();
        let sent = topic["sent_notifications"].as_array().unwrap();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        sent.iter()
            .map(|entry| {
                let message = text(&entry[1]).unwrap();
                (message, text(&entry[2]), entry[3].clone())
            })
            .collect()
    }
}

/// All but the last use is known: moto has no `GetKeyLastUsage`.
fn assert_read(alert: &Value) {
    let enrichment = &alert["enrichment"];
    assert_eq!(enrichment["source"], "LIVE");
    let missing: Vec<_> = enrichment["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|missing| &missing["fact"])
        .collect();
    assert_eq!(missing, ["lastUse"], "{enrichment}");
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn a_scheduled_deletion_is_told() {
    let on = OnMoto::start("key-deletion", "scheduled").await;
    let key = on.key("alias/scheduled").await;
    let call = on.kms.schedule_key_deletion().key_id(&key);
    let window = call.pending_window_in_days(14).send().await.unwrap();

    let alert = on.alert("key-deletion/ct-schedule-key-deletion.json", &key);
    assert_eq!(alert["kind"], "KeyDeletionScheduled");
    assert_eq!(alert["key"]["state"], "PendingDeletion");
    assert_eq!(alert["key"]["aliases"], json!(["alias/scheduled"]));
    assert_eq!(alert["key"]["owner"], "team-pay");
    assert_eq!(
        alert["key"]["description"],
        "Card data of the orders database"
    );
    let date = window.deletion_date.unwrap().secs();
    let told: jiff::Timestamp = alert["key"]["deletionAt"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(told.as_second(), date);
    assert_read(&alert);

    let feed = on.sent("feed");
    assert_eq!(feed.len(), 1);
    assert_eq!(
        serde_json::from_str::<Value>(&feed[0].0).unwrap(),
        alert,
        "what is answered is what is sent"
    );
    assert_eq!(
        feed[0].2["kind"],
        json!({"Type": "String", "Value": "KeyDeletionScheduled"})
    );
    let people = on.sent("people");
    let (message, subject, attributes) = &people[0];
    let title = alert["title"].as_str().unwrap();
    let subject = subject.as_ref().unwrap();
    assert!(subject.contains(title), "{subject}");
    assert!(
        title.starts_with("Deletion of alias/scheduled scheduled"),
        "{title}"
    );
    assert!(message.contains("aws kms cancel-key-deletion --key-id"));
    assert_eq!(attributes["keyId"]["Value"], key.as_str());
    let chat: Value = serde_json::from_str(&on.sent("chat")[0].0).unwrap();
    assert_eq!(chat["source"], "custom");
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn a_cancelled_deletion_is_told() {
    let on = OnMoto::start("key-deletion", "cancelled").await;
    let key = on.key("alias/cancelled").await;
    let call = on.kms.schedule_key_deletion().key_id(&key);
    call.send().await.unwrap();
    let call = on.kms.cancel_key_deletion().key_id(&key);
    call.send().await.unwrap();

    let alert = on.alert("key-deletion/ct-cancel-key-deletion.json", &key);
    assert_eq!(alert["kind"], "KeyDeletionCancelled");
    assert_eq!(alert["key"]["state"], "Disabled");
    assert_eq!(alert["key"]["deletionAt"], Value::Null);
    assert_read(&alert);
    assert_eq!(on.sent("people").len(), 1);
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn a_key_that_moto_does_not_know_is_told_of_by_the_event() {
    let on = OnMoto::start("key-deletion", "unknown").await;
    let key = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let alert = on.alert("key-deletion/kms-deletion.json", key);
    assert_eq!(alert["kind"], "KeyDeleted");
    assert_eq!(alert["key"]["id"], key);
    assert_eq!(alert["enrichment"]["status"], "UNAVAILABLE");
    let reason = &alert["enrichment"]["missing"][0]["reason"];
    assert!(reason.as_str().unwrap().starts_with("NotFoundException"));
    assert_eq!(on.sent("people").len(), 1);
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn a_rotation_is_told() {
    let on = OnMoto::start("key-rotation", "rotated").await;
    let key = on.key("alias/rotated").await;
    let call = on.kms.rotate_key_on_demand().key_id(&key);
    call.send().await.unwrap();

    let alert = on.alert("key-rotation/ct-rotate-key-on-demand.json", &key);
    assert_eq!(alert["kind"], "KeyRotationRequested");
    assert_eq!(alert["key"]["aliases"], json!(["alias/rotated"]));
    assert_eq!(alert["key"]["rotation"]["enabled"], true);
    assert!(alert["key"]["rotation"]["lastAt"].is_string());
    assert_eq!(alert["enrichment"]["status"], "COMPLETE", "{alert:#}");
    assert_eq!(on.sent("feed").len(), 1);
}

/// A table's items about `partition`, by sort key.
async fn items(
    table: &str,
    db: &aws_sdk_dynamodb::Client,
    partition: &str,
) -> BTreeMap<String, HashMap<String, AttributeValue>> {
    let read = db
        .query()
        .table_name(table)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
        .consistent_read(true)
        .send()
        .await;
    let items = read.unwrap().items.unwrap();
    items
        .into_iter()
        .map(|item| (item["sk"].as_s().unwrap().clone(), item))
        .collect()
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn a_deletion_told_three_ways_is_one_alert() {
    let table = "told-once";
    let db = ledger::create_table(table).await;
    let on = OnMoto::start_with("key-deletion", table, Some(table)).await;
    let key = on.key("alias/told-once").await;
    let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}");

    // First sight: a profile is written.
    let call = on.kms.schedule_key_deletion().key_id(&key);
    call.pending_window_in_days(7).send().await.unwrap();
    let scheduled = on.alert("key-deletion/ct-schedule-key-deletion.json", &key);
    assert_read(&scheduled);
    let known = items(table, &db, &arn).await;
    let profile = &known["profile"];
    let aliases = &profile["aliases"].as_m().unwrap()["value"];
    assert_eq!(
        aliases.as_l().unwrap(),
        &[AttributeValue::S("alias/told-once".to_owned())]
    );
    let metadata = profile["metadata"].as_m().unwrap()["value"].as_m().unwrap();
    assert_eq!(
        metadata["description"].as_s().unwrap(),
        "Card data of the orders database"
    );
    assert_eq!(
        profile["scheduled"].as_m().unwrap()["at"].as_s().unwrap(),
        scheduled["occurredAt"].as_str().unwrap()
    );
    assert!(!profile.contains_key("ttl"), "a profile is kept for ever");
    let actor = profile["scheduled"].as_m().unwrap()["by"].as_s().unwrap();
    assert_eq!(actor.as_str(), scheduled["actor"]["name"].as_str().unwrap());

    // KMS's own event, CloudTrail's, and KMS's once more.
    let deleted = on.alert("key-deletion/kms-deletion.json", &key);
    assert_eq!(deleted["kind"], "KeyDeleted");
    assert_eq!(deleted["details"]["scheduledBy"], actor.as_str());
    assert_read(&deleted);
    for sample in [
        "key-deletion/ct-delete-key-service-event.json",
        "key-deletion/kms-deletion-duplicate.json",
        "key-deletion/kms-deletion.json",
        "key-deletion/ct-schedule-key-deletion.json",
    ] {
        let outcome = on.outcome(sample, &key);
        assert_eq!(outcome["outcome"], "duplicate", "{sample}");
        assert_eq!(outcome["alerts"], json!([]));
    }
    for audience in ["people", "chat", "feed"] {
        assert_eq!(on.sent(audience).len(), 2, "{audience}");
    }

    let known = items(table, &db, &arn).await;
    let history = |alert: &Value| {
        let [at, id] = ["occurredAt", "id"].map(|name| alert[name].as_str().unwrap());
        format!("alert#{at}#{id}")
    };
    let entry = &known[&history(&deleted)];
    assert_eq!(entry["kind"].as_s().unwrap(), "KeyDeleted");
    assert_eq!(entry["name"].as_s().unwrap(), "alias/told-once");
    assert_eq!(entry["owner"].as_s().unwrap(), "team-pay");
    assert_eq!(
        known[&history(&scheduled)]["kind"].as_s().unwrap(),
        "KeyDeletionScheduled"
    );
    let claims: Vec<_> = known
        .iter()
        .filter(|(sort, _)| sort.starts_with("claim#"))
        .map(|(_, claim)| {
            let topics = claim["topics"].as_l().unwrap();
            (claim["state"].as_s().unwrap().as_str(), topics.len())
        })
        .collect();
    assert_eq!(claims, [("DELIVERED", 3); 2]);
    assert!(known["profile"].contains_key("deletedAt"));
    // Two claims, two alerts, the profile, and the story that both are part of.
    assert_eq!(known.len(), 6, "{:?}", known.keys());
    // Burst control has seen the schedule and the deletion, in windows of their own, and none of the duplicates.
    let account = items(table, &db, &format!("account#{ACCOUNT}#{REGION}")).await;
    let counters: Vec<_> = account
        .iter()
        .filter(|(sort, _)| sort.starts_with("count#burst#"))
        .map(|(sort, counter)| {
            let kind = sort.split('#').nth(2).unwrap();
            (kind, counter["n"].as_n().unwrap().as_str())
        })
        .collect();
    assert_eq!(
        counters,
        [("KeyDeleted", "1"), ("KeyDeletionScheduled", "1")]
    );
}
