//! The handle that a test or the demo holds.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    caller::Caller,
    events::{Delivery, EventShape},
    faults::Faults,
    kms::{Key, KeyState, KeyStore, KmsError, KmsRequest, NewKey, key_ref},
    quotas::QuotaClock,
    record::Request,
    server::Server,
    sns::Published,
    wire,
    world::World,
};

/// How a simulator starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Region of calls and topics that name none.
    pub region: String,
    /// Owner of everything.
    pub account: String,
    /// What the virtual clock shows first.
    pub start: Timestamp,
    /// The same seed gives the same ids.
    pub seed: u64,
    /// When KMS began to record the last use of keys; older uses are unknown.
    pub usage_tracking_start: Timestamp,
    /// Which generation of event shapes is sent.
    pub event_shape: EventShape,
    /// Whether calls that change things and fail are recorded by CloudTrail, as AWS does.
    pub failed_call_events: bool,
    /// Whether reads and cryptographic operations send events too, as a rule in the state
    /// `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS` would see them.
    pub read_only_events: bool,
    /// How long after the fact CloudTrail's event history shows a record: AWS says "typically within an average of about 5
    /// minutes" and guarantees nothing.
    pub event_history_lag: SignedDuration,
    /// What happens to events on their way.
    pub delivery: Delivery,
    /// Whether keys are deleted up to 24 hours after their date, drawn from the seed, as AWS may do.
    pub late_deletions: bool,
    /// How often KMS records that it keeps related multi-Region keys in step; `None`: never.
    pub synchronizes_every: Option<SignedDuration>,
    /// Whether request quotas are enforced, and on which clock.
    pub quotas: Option<QuotaClock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account: "111122223333".to_owned(),
            // 2026-11-20T10:00:00Z
            start: Timestamp::constant(1_795_168_800, 0),
            seed: 1,
            // 2026-03-01T00:00:00Z
            usage_tracking_start: Timestamp::constant(1_772_323_200, 0),
            event_shape: EventShape::Current,
            failed_call_events: true,
            read_only_events: false,
            event_history_lag: SignedDuration::from_mins(5),
            delivery: Delivery::default(),
            late_deletions: false,
            synchronizes_every: None,
            quotas: None,
        }
    }
}

/// A simulated AWS, served on loopback until it is dropped.
///
/// ```
/// use serde_json::json;
/// use watch_local::{LocalAws, NewKey, Options};
///
/// let aws = LocalAws::start(Options::default())?;
/// let key = aws.add_key(NewKey::symmetric().alias("alias/ledger"));
/// aws.call("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}))?;
/// aws.advance_days(7);
/// let types: Vec<_> = aws.take_events().iter().map(|e| e["detail-type"].clone()).collect();
/// assert_eq!(
///     types,
///     ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "KMS CMK Deletion"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalAws {
    world: Arc<Mutex<World>>,
    server: Server,
    region: String,
    account: String,
}

impl LocalAws {
    /// Starts the server on a free port of 127.0.0.1, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If no port can be bound or no thread be started.
    pub fn start(options: Options) -> io::Result<Self> {
        let (region, account) = (options.region.clone(), options.account.clone());
        let world = Arc::new(Mutex::new(World::new(options)));
        let shared = Arc::clone(&world);
        let server = Server::start("local-aws", move |request| {
            wire::answer(Arc::clone(&shared), request)
        })?;
        Ok(Self {
            world,
            server,
            region,
            account,
        })
    }

    /// For `endpoint_url` of SDK clients and `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Answers a request as the server does, without a socket: for clients that live in the same process, on a clock of
    /// their own. `None` is a connection that was closed without an answer.
    pub async fn answer(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let (head, body) = wire::answer(Arc::clone(&self.world), request)
            .await?
            .into_parts();
        let Ok(body) = body.collect().await;
        Some(http::Response::from_parts(head, body.to_bytes()))
    }

    /// The Region of calls that name none.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account that owns everything.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What the virtual clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Lets time pass, and does what AWS would do meanwhile.
    pub fn advance(&self, by: SignedDuration) {
        self.with(|world| world.advance_to(world.now.saturating_add(by).unwrap_or(Timestamp::MAX)));
    }

    /// Lets so many days of 24 hours pass.
    pub fn advance_days(&self, days: u32) {
        self.advance(SignedDuration::from_hours(24 * i64::from(days)));
    }

    /// Lets time pass until then; a time in the past changes nothing.
    pub fn advance_to(&self, to: Timestamp) {
        self.with(|world| world.advance_to(to));
    }

    /// When AWS will next do something by itself, if nobody calls before.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.with(World::next_due)
    }

    /// Calls a KMS operation as the current caller, in the simulator's Region, without HTTP and without faults.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call(&self, operation: &str, body: Value) -> Result<Value, KmsError> {
        self.call_in(&self.region, operation, body)
    }

    /// Calls a KMS operation in a Region.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call_in(&self, region: &str, operation: &str, body: Value) -> Result<Value, KmsError> {
        self.with(|world| {
            let caller = world.caller.clone();
            world.kms_call(KmsRequest {
                operation,
                region,
                caller: &caller,
                body: &body,
                eventually: false,
            })
        })
    }

    /// Puts a key in place, without a call and without events, and returns its ARN.
    pub fn add_key(&self, key: NewKey) -> String {
        self.with(|world| {
            world.cloudwatch.touch(world.now);
            world.add_key(key)
        })
    }

    /// The state of a key by its ARN; `None` once it is gone.
    #[must_use]
    pub fn key_state(&self, arn: &str) -> Option<KeyState> {
        let place = key_ref(arn)?;
        self.lock().kms.keys.get(&place).map(Key::state)
    }

    /// Puts a custom key store in place.
    pub fn add_key_store(&self, store: KeyStore) {
        self.with(|world| world.kms.add_store(store));
    }

    /// Disconnects a custom key store: its keys become `Unavailable`.
    pub fn disconnect_key_store(&self, id: &str) {
        self.with(|world| world.kms.connect_store(id, false));
    }

    /// Connects a custom key store again.
    pub fn connect_key_store(&self, id: &str) {
        self.with(|world| world.kms.connect_store(id, true));
    }

    /// What attempts to connect the store end with from here on: a `ConnectionErrorCode` (`USER_LOCKED_OUT`), or `None` for
    /// success.
    pub fn fail_key_store(&self, id: &str, code: Option<&str>) {
        self.with(|world| world.kms.fail_store(id, code));
    }

    /// When and for which operation (`Decrypt`) a key was last used, by its ARN; `None`: never, as far as KMS knows.
    pub fn set_last_use(&self, key: &str, last: Option<(&'static str, Timestamp)>) {
        self.with(|world| world.set_last_use(key, last));
    }

    /// Since when KMS records the uses of a key, by its ARN, instead of
    /// [`Options::usage_tracking_start`] or the creation of the key.
    pub fn set_tracking_start(&self, key: &str, at: Timestamp) {
        self.with(|world| {
            let key = key_ref(key).and_then(|key| world.kms.keys.get_mut(&key));
            if let Some(key) = key {
                key.tracked_since = Some(at);
            }
        });
    }

    /// Who makes the calls from here on; also those over HTTP, unless their access key has a caller of its own.
    pub fn as_caller(&self, caller: Caller) -> &Self {
        self.with(|world| world.caller = caller);
        self
    }

    /// Who signs with this access key.
    pub fn caller_for(&self, access_key: &str, caller: Caller) -> &Self {
        self.with(|world| world.callers.insert(access_key.to_owned(), caller));
        self
    }

    /// Changes the generation of event shapes that is sent from here on.
    pub fn set_event_shape(&self, shape: EventShape) {
        self.with(|world| world.outbox.shape = shape);
    }

    /// The events that have arrived since the last time, in the order of their arrival.
    pub fn take_events(&self) -> Vec<Value> {
        self.with(|world| world.outbox.take(world.now))
    }

    /// Changes what happens to events on their way, from here on; those that are on their way already arrive. With
    /// [`Delivery::nothing`] the events of what happens from here on never come, until this is called again:
    /// [`lost_events`](Self::lost_events) and CloudTrail's event history have them.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.with(|world| world.outbox.set_delivery(delivery));
    }

    /// When the next event that is on its way arrives; in the past if it waits to be taken.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Timestamp> {
        self.lock().outbox.next_arrival()
    }

    /// The events that were lost on their way.
    #[must_use]
    pub fn lost_events(&self) -> Vec<Value> {
        self.lock().outbox.lost().to_vec()
    }

    /// Faults for calls over HTTP.
    #[must_use]
    pub fn faults(&self) -> Faults<'_> {
        Faults::new(self)
    }

    /// Refuses connections, and ends those that there are, until
    /// [`accept_connections`](Self::accept_connections): a service that is down. Not for use in a hook of
    /// [`on_call`](Self::on_call), which holds up the server that would have to do it.
    pub fn refuse_connections(&self) {
        self.server.set_open(false);
    }

    /// Accepts connections again, on the same port.
    pub fn accept_connections(&self) {
        self.server.set_open(true);
    }

    /// Every request that came over HTTP.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.lock().record.all().to_vec()
    }

    /// How many requests came over HTTP, by operation.
    #[must_use]
    pub fn request_counts(&self) -> BTreeMap<String, usize> {
        self.lock().record.counts()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.with(|world| world.record.clear());
    }

    /// Creates an SNS topic (or finds the one with this name) and returns its ARN.
    pub fn create_topic(&self, name: &str) -> String {
        self.with(|world| world.create_topic(&self.region, name))
    }

    /// What was published to the topic, oldest first.
    #[must_use]
    pub fn published(&self, topic_arn: &str) -> Vec<Published> {
        self.lock().sns.published(topic_arn).to_vec()
    }

    /// The same, and forgets it.
    pub fn take_published(&self, topic_arn: &str) -> Vec<Published> {
        self.with(|world| world.sns.take_published(topic_arn))
    }

    /// Creates a DynamoDB table (or finds the one with this name) and returns its ARN: on demand, with the texts `pk` and `sk`
    /// as partition and sort key, and `ttl` for the seconds since 1970 at which an item expires. As AWS does, it
    /// deletes an item only some time later (here: two days), so readers have to look at `ttl` themselves.
    pub fn create_table(&self, name: &str) -> String {
        self.with(|world| {
            let id = world.ids.uuid();
            world
                .dynamodb
                .create_table(name, &self.region, &world.account, &id, world.now)
        })
    }

    /// What a DynamoDB table holds, in the order of its keys, as the API writes items: `{"pk": {"S": "…"}, …}`.
    #[must_use]
    pub fn table_items(&self, name: &str) -> Vec<Value> {
        self.with(|world| world.dynamodb.items(&self.region, name, world.now))
    }

    /// A panic in a test thread that held the lock must not take the other threads along.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_documented_times() {
        let options = Options::default();
        assert_eq!(options.start.to_string(), "2026-11-20T10:00:00Z");
        assert_eq!(
            options.usage_tracking_start.to_string(),
            "2026-03-01T00:00:00Z"
        );
    }
}
