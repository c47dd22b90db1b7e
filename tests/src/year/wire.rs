//! The way from the SDK's clients to the embedded AWS: no socket, virtual time, and everything that can go wrong there.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use watch_core::ports::Clock as _;
use watch_local::{LocalAws, Published};

use super::actors::Forgery;
use super::truth::{Book, BurstMail, Found, Message, Pages, Topic};

tokio::task_local! {
    /// The invocation on whose behalf everything happens.
    pub(super) static INVOCATION: Arc<Invocation>;
}

/// An invocation while it runs.
#[derive(Debug)]
pub(super) struct Invocation {
    /// Its number in the book.
    pub(super) run: usize,
    /// What it is about; nothing if the event is noise.
    pub(super) occurrence: Option<usize>,
    /// It is a sweep, which finds by itself what it tells of.
    pub(super) sweep: bool,
    pub(super) dice: Mutex<Rng>,
    /// The process dies at this call, before or after its effect.
    pub(super) dies: Option<(u32, bool)>,
    pub(super) calls: AtomicU32,
    pub(super) dead: AtomicBool,
}

impl Invocation {
    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }
}

/// How bad the world is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) seed: u64,
    /// No answer of SNS is lost, and DynamoDB is always well.
    pub(super) calm: bool,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Throttled,
    Internal,
    Denied,
    /// The connection breaks before the call has had its effect.
    Broken,
    /// It breaks after that.
    Unanswered,
    /// The call takes so long before it has its effect.
    Slow(Duration),
    /// It takes so long after that.
    SlowAnswer(Duration),
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Internal => "status 500",
            Self::Denied => "denied",
            Self::Broken => "connection broken",
            Self::Unanswered => "done, answer lost",
            Self::Slow(_) => "slow",
            Self::SlowAnswer(_) => "done, answer slow",
        }
    }
}

/// How long a spell of bad weather lasts.
const SPELL_SECONDS: i64 = 20 * 60;

impl Weather {
    /// What the next call to a service meets.
    fn fault(self, service: &str, at: Timestamp, dice: &mut Rng) -> Option<Fault> {
        // Rate on a good day; share of spells, in thousandths, and rate in one; longest delay in milliseconds.
        let (rate, spells, spell_rate, longest) = match service {
            "kms" => (0.04, 20, 0.8, 3_000),
            "sns" => (0.03, 8, 0.9, 6_000),
            "dynamodb" if self.calm => return None,
            // A sweep is patient, and it has to be: that much weather is the worst that it must bear.
            "cloudtrail" | "cloudwatch" => (0.02, 10, 0.5, 1_000),
            _ => (0.02, 10, 0.7, 1_000),
        };
        let spell = at.as_second().div_euclid(SPELL_SECONDS).unsigned_abs();
        let mut sky = Rng::with_seed(mix(&[self.seed, spell, u64::from(service.as_bytes()[0])]));
        let stormy = sky.u64(0..1_000) < spells;
        let rate = if stormy { spell_rate } else { rate };
        if dice.f64() >= rate {
            return None;
        }
        // A spell is mostly of one nature.
        let nature = if stormy && dice.f64() < 0.8 {
            sky.u32(0..100)
        } else {
            dice.u32(0..100)
        };
        let delay = Duration::from_millis(dice.u64(longest / 20..longest));
        let unanswered = !self.calm && service != "kms";
        Some(match nature {
            0..35 => Fault::Throttled,
            35..55 => Fault::Internal,
            55..62 => Fault::Denied,
            62..72 => Fault::Broken,
            72..84 => Fault::Slow(delay),
            84..94 if unanswered => Fault::Unanswered,
            94..100 if unanswered => Fault::SlowAnswer(delay),
            _ => Fault::Slow(delay),
        })
    }
}

/// One number from several.
pub(super) fn mix(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0x9e37_79b9_7f4a_7c15, |hash, number| {
        let mixed = (hash ^ number).wrapping_mul(0xff51_afd7_ed55_8ccd);
        (mixed ^ (mixed >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
    })
}

/// The virtual time: that of the paused clock of tokio.
#[derive(Clone, Copy, Debug)]
pub(super) struct VirtualClock {
    pub(super) start: Timestamp,
    pub(super) zero: Instant,
}

impl VirtualClock {
    pub(super) fn milliseconds(&self) -> u128 {
        self.zero.elapsed().as_millis()
    }

    /// When the clock will show `at`.
    pub(super) fn instant(&self, at: Timestamp) -> Instant {
        self.zero + at.duration_since(self.start).unsigned_abs()
    }
}

impl watch_core::ports::Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = jiff::SignedDuration::try_from(self.zero.elapsed()).unwrap_or_default();
        self.start.saturating_add(passed).unwrap_or(self.start)
    }
}

/// The HTTP client of all clients.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) aws: Arc<LocalAws>,
    pub(super) book: Book,
    pub(super) clock: VirtualClock,
    pub(super) weather: Weather,
    /// ARNs.
    pub(super) topics: [String; 3],
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (wire, invocation) = (self.clone(), INVOCATION.get());
        HttpConnectorFuture::new(async move { wire.carry(request, &invocation).await })
    }
}

/// Somebody waits for the answer to a call that has had its effect.
struct Waiting<'a> {
    book: &'a Book,
    invocation: &'a Invocation,
    topics: Vec<Topic>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.topics.is_empty() && !self.invocation.is_dead() {
            let run = &mut self.book.open().runs[self.invocation.run];
            run.unanswered.append(&mut self.topics);
        }
    }
}

impl Wire {
    /// Writes an item of the ledger as somebody does who is none of the functions.
    pub(super) async fn forge(&self, forgery: &Forgery, table: &str) {
        let Forgery { item, attributes } = forgery;
        let (mut names, mut values, mut sets) = (json!({}), json!({}), Vec::new());
        let attributes = attributes.as_object().into_iter().flatten();
        for (number, (name, value)) in attributes.enumerate() {
            names[format!("#a{number}")] = name.as_str().into();
            values[format!(":a{number}")] = typed(value);
            sets.push(format!("#a{number} = :a{number}"));
        }
        let body = json!({
            "TableName": table,
            "Key": {"pk": {"S": item.partition}, "sk": {"S": item.sort}},
            "UpdateExpression": format!("SET {}", sets.join(", ")),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        });
        let scope = format!(
            "Credential=AKIAFORGED/20260101/{}/dynamodb",
            self.aws.region()
        );
        let request = http::Request::post("http://aws.local/")
            .header("authorization", scope)
            .header("x-amz-target", "DynamoDB_20120810.UpdateItem")
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let answer = self.aws.answer(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        let mut pages = self.book.open();
        pages.forged += 1;
        let since = self.clock.milliseconds();
        pages.poisoned.insert(item.partition.clone(), since);
    }

    async fn carry(
        &self,
        request: HttpRequest,
        invocation: &Invocation,
    ) -> Result<HttpResponse, ConnectorError> {
        use watch_core::ports::Clock as _;
        let request = plain(request);
        let (service, operation) = target(&request);
        let number = invocation.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let (before, after, fault) = {
            let mut dice = invocation
                .dice
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let before = Duration::from_millis(dice.u64(1..25));
            let after = Duration::from_millis(dice.u64(1..15));
            let fault = self.weather.fault(service, self.clock.now(), &mut dice);
            (before, after, fault)
        };
        self.note_call(service, &operation, fault, invocation);
        sleep(before).await;
        let dies = invocation.dies.filter(|(at, _)| *at == number);
        if invocation.is_dead() || dies.is_some_and(|(_, after_effect)| !after_effect) {
            invocation.die();
            return std::future::pending().await;
        }
        match fault {
            Some(Fault::Broken) => return Err(broken()),
            Some(Fault::Slow(delay)) => sleep(delay).await,
            _ => {}
        }
        if invocation.is_dead() {
            return std::future::pending().await;
        }
        if operation == "UpdateItem" && is_of_open_windows(request.body()) {
            self.book.open().runs[invocation.run].closes = true;
        }
        let response = self.effect(request, fault).await;
        let succeeded = response.status().is_success();
        let mut waiting = Waiting {
            book: &self.book,
            invocation,
            topics: self.received(invocation),
        };
        if succeeded && operation == "BatchWriteItem" {
            self.book.open().runs[invocation.run].marked = true;
        }
        if dies.is_some() {
            invocation.die();
            return std::future::pending().await;
        }
        match fault {
            Some(Fault::Unanswered) => return Err(broken()),
            Some(Fault::SlowAnswer(delay)) => sleep(delay).await,
            _ => {}
        }
        sleep(after).await;
        waiting.topics.clear();
        if succeeded && operation == "ListKeyRotations" {
            self.book.open().runs[invocation.run].materials_known = true;
        }
        let (head, body) = response.into_parts();
        HttpResponse::try_from(http::Response::from_parts(head, SdkBody::from(body)))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }

    /// The answer of the embedded AWS, which does not wait: no other call comes between.
    async fn effect(
        &self,
        request: http::Request<Bytes>,
        fault: Option<Fault>,
    ) -> http::Response<Bytes> {
        let faults = self.aws.faults();
        match fault {
            Some(Fault::Throttled) => drop(faults.throttle("*:*", 1)),
            Some(Fault::Internal) => drop(faults.fail("*:*", 1)),
            Some(Fault::Denied) => drop(faults.deny("*:*")),
            _ => {}
        }
        let response = self.aws.answer(request).await;
        faults.clear();
        response.expect("an answer: nothing else drops connections")
    }

    fn note_call(
        &self,
        service: &'static str,
        operation: &str,
        fault: Option<Fault>,
        invocation: &Invocation,
    ) {
        let mut pages = self.book.open();
        *pages.calls.entry(service).or_default() += 1;
        if let Some(fault) = fault {
            let name = format!("{service}: {}", fault.name());
            *pages.faults.entry(name).or_default() += 1;
        }
        let run = &mut pages.runs[invocation.run];
        if service == "dynamodb" {
            run.ledger_fault |= fault.is_some();
            match operation {
                "BatchGetItem" | "GetItem" | "Query" => run.reads += 1,
                _ => run.writes += 1,
            }
        }
    }

    /// Takes note of what the topics took just now.
    fn received(&self, invocation: &Invocation) -> Vec<Topic> {
        let mut topics = Vec::new();
        for (topic, arn) in Topic::ALL.into_iter().zip(&self.topics) {
            for message in self.aws.take_published(arn) {
                self.note_message(topic, &message, invocation);
                topics.push(topic);
            }
        }
        topics
    }

    fn note_message(&self, topic: Topic, message: &Published, invocation: &Invocation) {
        let attribute = |name| message.attribute(name).unwrap_or_default();
        let mut pages = self.book.open();
        let pages = &mut *pages;
        let at = self.clock.milliseconds();
        let burst = attribute("kind") == "Burst" && topic != Topic::Feed;
        let mut told = Message {
            topic,
            burst,
            owner: attribute("owner").to_owned(),
            run: invocation.run,
            at,
            says_ledger: false,
            misnamed: false,
            info: attribute("severity") == "INFO",
        };
        if burst {
            let text = message.message.clone();
            pages.burst_mails.push(BurstMail { topic, at, text });
        }
        let alert: Value = match topic {
            Topic::Feed => serde_json::from_str(&message.message).unwrap_or_default(),
            _ => Value::Null,
        };
        if invocation.sweep {
            if !burst {
                pages.found.push(Found {
                    kind: attribute("kind").to_owned(),
                    key_id: attribute("keyId").to_owned(),
                    when: self.clock.now(),
                    event: alert["source"]["eventId"].as_str().map(str::to_owned),
                    message: told,
                });
            }
            return;
        }
        let Some(occurrence) = invocation.occurrence else {
            let text = format!("{} about noise", attribute("kind"));
            pages.wrong.push(text);
            return;
        };
        if !burst && !is_about(pages, occurrence, attribute("kind"), attribute("keyId")) {
            return;
        }
        if topic == Topic::Feed {
            look_into(&alert, pages, occurrence, &mut told);
        }
        pages.occurrences[occurrence].messages.push(told);
    }
}

/// Takes note of what an alert on the feed says of itself.
fn look_into(alert: &Value, pages: &mut Pages, occurrence: usize, told: &mut Message) {
    let occurrence = &pages.occurrences[occurrence];
    let source = alert["source"]["eventId"].as_str().unwrap_or_default();
    let mut tellings = occurrence.tellings.iter();
    if !tellings.any(|telling| telling.ids.iter().any(|id| id == source))
        || alert["key"]["arn"].as_str().unwrap_or_default() != occurrence.key
    {
        let text = format!("an alert of event {source} about {}", occurrence.key);
        pages.wrong.push(text);
        return;
    }
    if let Some(material) = &occurrence.material {
        let details = &alert["details"];
        let named = details["currentKeyMaterialId"].as_str();
        let named = named.or(details["keyMaterialId"].as_str());
        told.misnamed = named.is_some_and(|named| named != material);
    }
    told.says_ledger = alert["enrichment"]["missing"]
        .as_array()
        .is_some_and(|missing| missing.iter().any(|fact| fact["fact"] == "ledger"));
}

/// The alert is about what the event told of; if not, that is noted.
fn is_about(pages: &mut Pages, occurrence: usize, kind: &str, key_id: &str) -> bool {
    let occurrence = &pages.occurrences[occurrence];
    let is = kind == occurrence.kind && key_id == occurrence.key_id();
    if !is {
        let instead = format!("{} of {}", occurrence.kind, occurrence.key);
        pages
            .wrong
            .push(format!("{kind} of {key_id} instead of {instead}"));
    }
    is
}

/// The request is about the list of windows that are still to be closed.
fn is_of_open_windows(body: &Bytes) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["Key"]["sk"]["S"] == "bursts"
}

/// A value as DynamoDB has it.
fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(is) => json!({"BOOL": is}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(values) => json!({"L": values.iter().map(typed).collect::<Vec<_>>()}),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), typed(value)));
            json!({"M": serde_json::Map::from_iter(members)})
        }
    }
}

fn broken() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

fn plain(request: HttpRequest) -> http::Request<Bytes> {
    let request = request
        .try_into_http1x()
        .expect("the SDK makes HTTP requests");
    let (head, body) = request.into_parts();
    let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
    http::Request::from_parts(head, body)
}

/// Service and operation.
fn target(request: &http::Request<Bytes>) -> (&'static str, String) {
    let target = request.headers().get("x-amz-target");
    if let Some((service, operation)) = target
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.rsplit_once('.'))
    {
        let service = match service {
            "TrentService" => "kms",
            _ if service.contains("CloudTrail") => "cloudtrail",
            _ => "dynamodb",
        };
        return (service, operation.to_owned());
    }
    match request.uri().path().rsplit_once("/operation/") {
        Some((_, operation)) => ("cloudwatch", operation.to_owned()),
        None => ("sns", "Publish".to_owned()),
    }
}
