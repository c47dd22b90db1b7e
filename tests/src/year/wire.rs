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
use serde_json::Value;
use tokio::time::{Instant, sleep};
use watch_local::{LocalAws, Published};

use super::truth::{Book, Message, Topic, window};

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
    /// When its event says that it happened.
    pub(super) at: Timestamp,
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
        let Some(occurrence) = invocation.occurrence else {
            let text = format!("{} about noise", attribute("kind"));
            pages.wrong.push(text);
            return;
        };
        let occurrence = &mut pages.occurrences[occurrence];
        let burst = attribute("kind") == "Burst" && topic != Topic::Feed;
        if !burst
            && (attribute("kind") != occurrence.kind || attribute("keyId") != occurrence.key_id())
        {
            let text = format!(
                "{} of {} instead of {} of {}",
                attribute("kind"),
                attribute("keyId"),
                occurrence.kind,
                occurrence.key
            );
            pages.wrong.push(text);
            return;
        }
        let (mut says_ledger, mut misnamed) = (false, false);
        if topic == Topic::Feed {
            let alert: Value = serde_json::from_str(&message.message).unwrap_or_default();
            let source = alert["source"]["eventId"].as_str().unwrap_or_default();
            let mut tellings = occurrence.tellings.iter();
            if !tellings.any(|telling| telling.ids.iter().any(|id| id == source))
                || alert["key"]["arn"] != occurrence.key.as_str()
            {
                let text = format!("an alert of event {source} about {}", occurrence.key);
                pages.wrong.push(text);
            }
            if let Some(material) = &occurrence.material {
                let details = &alert["details"];
                let named = details["currentKeyMaterialId"].as_str();
                let named = named.or(details["keyMaterialId"].as_str());
                misnamed = named.is_some_and(|named| named != material);
            }
            says_ledger = alert["enrichment"]["missing"]
                .as_array()
                .is_some_and(|missing| missing.iter().any(|fact| fact["fact"] == "ledger"));
        }
        occurrence.messages.push(Message {
            topic,
            burst,
            owner: attribute("owner").to_owned(),
            window: window(invocation.at),
            run: invocation.run,
            says_ledger,
            misnamed,
            info: attribute("severity") == "INFO",
            critical: attribute("severity") == "CRITICAL",
        });
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
        .and_then(|target| target.split_once('.'))
    {
        let service = if service == "TrentService" {
            "kms"
        } else {
            "dynamodb"
        };
        return (service, operation.to_owned());
    }
    ("sns", "Publish".to_owned())
}
