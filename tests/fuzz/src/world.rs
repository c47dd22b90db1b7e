//! The world of an input: what KMS answers is in it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use watch_core::config::Config;
use watch_core::decision::Decide;
use watch_core::fakes::{FakeClock, FakeKms, FakeLedger, FakeTopics};
use watch_core::items::Item;
use watch_core::pipeline::Watch;
use watch_core::ports::{CallError, Message};

/// A function on a made-up world.
pub type Function = Watch<FakeKms, FakeTopics, FakeLedger, FakeClock>;

/// A KMS whose answers are members of an input: `{"metadata": …, "aliases": …, …}`. `{"error": [code, message]}` fails a
/// call; what is left out or is no such answer is empty. With `"slow": true` it never answers.
fn kms(answers: &Value) -> FakeKms {
    let slow = answers["slow"] == true;
    FakeKms {
        metadata: answer(&answers["metadata"]),
        aliases: answer(&answers["aliases"]),
        tags: answer(&answers["tags"]),
        rotation: answer(&answers["rotation"]),
        materials: answer(&answers["materials"]),
        last_usage: answer(&answers["lastUsage"]),
        key_store: answer(&answers["keyStore"]),
        key_count: answer(&answers["keyCount"]),
        policy: answer(&answers["policy"]),
        delay: Duration::from_secs(if slow { 3_600 } else { 0 }),
        ..FakeKms::default()
    }
}

fn answer<T: DeserializeOwned + Default>(answer: &Value) -> Result<T, CallError> {
    if let Some(error) = answer.get("error") {
        let text = |index: usize| error[index].as_str().unwrap_or_default();
        return Err(CallError::new(text(0), text(1)));
    }
    Ok(T::deserialize(answer).unwrap_or_default())
}

/// The last part of a topic's ARN.
pub fn name(message: &Message) -> &str {
    let arn = message.topic.as_str();
    arn.rsplit(':').next().unwrap_or_default()
}

/// When inputs are handled, unless they say otherwise: on the day of most samples.
const NOW: &str = "2026-02-14T12:00:00Z";

/// The names of the three topics.
pub const TOPICS: [&str; 3] = ["people", "chat", "feed"];

/// A function in the world of an input: its `kms`, `settings`, `broken` topics, `now` and `ledger` of items, or the code
/// with which the ledger refuses every call.
pub fn function(name: &'static str, decide: Decide, input: &Value) -> Function {
    let now = input["now"].as_str().unwrap_or_default();
    let ledger = FakeLedger::default();
    if let Some(items) = input["ledger"].as_array() {
        plant(&ledger, items);
    }
    if let Some(error) = input["ledger"].as_str() {
        *ledger.error.borrow_mut() = Some(CallError::new(error, ""));
    }
    let clock = FakeClock::at(NOW);
    if let Ok(now) = now.parse() {
        clock.set(now);
    }
    let broken = |topic: &&str| {
        let broken = input["broken"].as_array();
        broken.is_some_and(|broken| broken.iter().any(|one| one == *topic))
    };
    let broken: Vec<_> = TOPICS.into_iter().filter(broken).collect();
    Watch {
        function: name,
        config: config(&input["settings"]),
        decide,
        kms: kms(&input["kms"]),
        topics: FakeTopics::broken(&broken),
        ledger: Some(ledger),
        clock,
    }
}

/// Puts items into a ledger, those that DynamoDB could hold.
fn plant(ledger: &FakeLedger, items: &[Value]) {
    for item in items.iter().filter_map(Value::as_object) {
        let part = |attribute: &str| item.get(attribute).and_then(Value::as_str);
        if let (Some(partition), Some(sort)) = (part("pk"), part("sk")) {
            let name = (partition.to_owned(), sort.to_owned());
            ledger.items.borrow_mut().insert(name, Item::clone(item));
        }
    }
}

/// Settings with what the input sets, as far as a function would start with it.
fn config(settings: &Value) -> Config {
    let topics = ["ALERT_TOPIC_ARN", "CHAT_TOPIC_ARN", "FEED_TOPIC_ARN"]
        .into_iter()
        .zip(TOPICS);
    let topics = topics.map(|(variable, topic)| {
        let arn = format!("arn:aws:sns:us-east-1:111122223333:{topic}");
        (variable.to_owned(), arn)
    });
    let own: BTreeMap<String, String> = topics.collect();
    let lookup = |name: &str| {
        let set = settings[name].as_str().map(str::to_owned);
        own.get(name).cloned().or(set)
    };
    let config = Config::from_lookup(lookup, &[]);
    match config.or_else(|_| Config::from_lookup(|name| own.get(name).cloned(), &[])) {
        Ok(config) => config,
        Err(error) => panic!("the settings of the fuzzer: {error}"),
    }
}

/// Runs a future on a clock that jumps over every wait.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("the runtime of the fuzzer: {error}"),
    }
}
