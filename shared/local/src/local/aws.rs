//! The handle that a test or the demo holds.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};

use crate::{
    caller::Caller, options::Options, record::Request, server::Server, wire, world::World,
};

/// A simulated AWS, served on loopback until it is dropped.
///
/// ```
/// use serde_json::json;
/// use kms_local::{LocalAws, NewKey, Options};
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
        self.lock().context.now
    }

    /// Lets time pass, and does what AWS would do meanwhile.
    pub fn advance(&self, by: SignedDuration) {
        self.with(|world| {
            world.advance_to(
                world
                    .context
                    .now
                    .saturating_add(by)
                    .unwrap_or(Timestamp::MAX),
            )
        });
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

    /// A panic in a test thread that held the lock must not take the other threads along.
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world itself, for another simulator that knows this one.
    pub(super) fn shared(&self) -> Arc<Mutex<World>> {
        Arc::clone(&self.world)
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.lock())
    }
}
