//! Lambda: asynchronous invocations, their retries, their end, and the queue for what failed.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use fastrand::Rng;
use jiff::Timestamp;
use key_inventory::{Inventory, inventory};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};
use watch_aws::start::Handler as _;
use watch_aws::{DynamoDbAdapter, KmsAdapter, Ways, sdk};
use watch_core::config::{Config, SweepConfig};
use watch_core::decision::Decide;
use watch_core::pipeline::{Verdict, Watch};
use watch_template::{Router, Stack, Template};

use super::truth::{Book, End, Run};
use super::wire::{INVOCATION, Invocation, VirtualClock, Wire, mix};

/// Every function that decides about events. `key-inventory` decides about none.
const FUNCTIONS: [(&str, Decide); 7] = [
    ("alarm-relay", alarm_relay::decide),
    ("key-activity", key_activity::decide),
    ("key-deletion", key_deletion::decide),
    ("key-misuse", key_misuse::decide),
    ("key-rotation", key_rotation::decide),
    ("material-expiration", material_expiration::decide),
    ("watch-guard", watch_guard::decide),
];

/// The ledger's table.
pub(super) const LEDGER: &str = "kms-watch-ledger";

/// `Timeout` of the functions in `template.yaml`, and of `key-inventory`.
const TIMEOUT: Duration = Duration::from_secs(30);
const SWEEP_TIMEOUT: Duration = Duration::from_secs(900);
/// Attempts at an asynchronous invocation, and the minutes before the second and the third (Lambda Developer Guide,
/// "How Lambda handles errors and retries with asynchronous invocation").
const ATTEMPTS: u64 = 3;
/// After so long somebody redrives what is in the queue.
const REDRIVEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// An event on its way to the functions.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) event: Rc<Value>,
    pub(super) occurrence: Option<usize>,
    pub(super) unnamed: bool,
    /// One of its own for every arrival.
    pub(super) seed: u64,
}

type Function = Watch<KmsAdapter, Ways, DynamoDbAdapter, VirtualClock>;

/// The functions, deployed.
pub(super) struct Lambda {
    functions: Vec<Function>,
    /// There is none without a ledger.
    inventory: Option<Inventory<VirtualClock>>,
    router: RefCell<Router>,
    book: Book,
    clock: VirtualClock,
    kill_rate: f64,
}

impl Lambda {
    pub(super) fn new(wire: &Wire, ledger: bool, kill_rate: f64) -> Self {
        let sdk = sdk::local("http://aws.local", wire.aws.region());
        let client = SharedHttpClient::new(wire.clone());
        let sdk = sdk.into_builder().http_client(client).build();
        if ledger {
            wire.aws.create_table(LEDGER);
        }
        let lookup = |name: &str| match name {
            "ALERT_TOPIC_ARN" => Some(wire.topics[0].clone()),
            "CHAT_TOPIC_ARN" => Some(wire.topics[1].clone()),
            "FEED_TOPIC_ARN" => Some(wire.topics[2].clone()),
            "LEDGER_TABLE" => ledger.then(|| LEDGER.to_owned()),
            "STACK_NAME" => Some("kms-watch".to_owned()),
            _ => None,
        };
        let config = Config::from_lookup(lookup, &[]).expect("a configuration");
        let sweeps = SweepConfig::from_lookup(lookup, &[]).ok();
        let functions = FUNCTIONS.map(|(function, decide)| Watch {
            function,
            config: config.clone(),
            decide,
            kms: KmsAdapter::new(&sdk),
            topics: Ways::new(&sdk, config.event_bus.is_some()),
            ledger: ledger.then(|| DynamoDbAdapter::new(&sdk, LEDGER)),
            clock: wire.clock,
        });
        Self {
            functions: functions.into(),
            inventory: sweeps.map(|config| inventory(config, &sdk, wire.clock)),
            router: RefCell::new(Router::new(&Template::read(), &Stack::default())),
            book: wire.book.clone(),
            clock: wire.clock,
            kill_rate,
        }
    }

    /// Gives the event to the functions that the rules of `template.yaml` lead it to, until each has dealt with it.
    pub(super) async fn deliver(self: Rc<Self>, parcel: Parcel) {
        let wanted = self
            .router
            .borrow_mut()
            .functions(&parcel.event.to_string());
        for function in &self.functions {
            if wanted.contains(function.function) {
                self.invoke(function, &parcel).await;
            }
        }
    }

    async fn invoke(&self, function: &Function, parcel: &Parcel) {
        let mut payload = parcel.event.as_ref().clone();
        for round in 0_u64.. {
            let request = format!("{:016x}", mix(&[parcel.seed, round]));
            for attempt in 0..ATTEMPTS {
                if attempt > 0 {
                    self.book.open().retries += 1;
                    sleep(Duration::from_secs(60 * attempt)).await;
                }
                let seed = mix(&[parcel.seed, round, attempt, 7]);
                let end = self
                    .attempt(function, parcel, &payload, &request, seed)
                    .await;
                if !end.is_failure() {
                    return;
                }
            }
            self.book.open().redriven += 1;
            sleep(REDRIVEN_AFTER).await;
            payload = on_failure(&request, function.function, payload);
        }
    }

    async fn attempt(
        &self,
        function: &Function,
        parcel: &Parcel,
        payload: &Value,
        request: &str,
        seed: u64,
    ) -> End {
        let about = About {
            occurrence: parcel.occurrence,
            unnamed: parcel.unnamed,
            sweep: false,
            request: request.to_owned(),
        };
        let invocation = self.begin(about, seed);
        let handled = async {
            let handled = function.handle(payload, request).await;
            handled.map_or(End::Failed, |outcome| end_of(outcome.verdict))
        };
        self.run(handled, &invocation, TIMEOUT).await
    }

    /// A sweep that was scheduled for `at`, with Lambda's second and third attempts; whether it came to its end.
    pub(super) async fn sweep(
        self: Rc<Self>,
        depth: &'static str,
        at: Timestamp,
        seed: u64,
    ) -> bool {
        let Some(inventory) = &self.inventory else {
            return true;
        };
        let payload = json!({"sweep": depth, "at": at.to_string()});
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.book.open().retries += 1;
                sleep(Duration::from_secs(60 * attempt)).await;
            }
            let about = About {
                occurrence: None,
                unnamed: false,
                sweep: true,
                request: format!("{seed:016x}"),
            };
            let invocation = self.begin(about, mix(&[seed, attempt, 11]));
            let asked = watch_aws::start::Invocation {
                request_id: format!("{seed:016x}"),
                function_arn: String::new(),
                time_left: Some(SWEEP_TIMEOUT),
            };
            let handled = async {
                let handled = inventory.handle(&payload, &asked).await;
                handled.map_or(End::Failed, |report| end_of(report.outcome.verdict))
            };
            let end = self.run(handled, &invocation, SWEEP_TIMEOUT).await;
            if !end.is_failure() {
                return true;
            }
        }
        false
    }

    /// The same, for those who do not ask.
    pub(super) async fn swept(self: Rc<Self>, depth: &'static str, at: Timestamp, seed: u64) {
        self.sweep(depth, at, seed).await;
    }

    /// Runs an invocation until it ends, one way or the other.
    async fn run(
        &self,
        handled: impl Future<Output = End>,
        invocation: &Arc<Invocation>,
        limit: Duration,
    ) -> End {
        let handled = INVOCATION.scope(Arc::clone(invocation), handled);
        let end = match timeout(limit, until_dead(handled, invocation)).await {
            Err(_) => End::TimedOut,
            Ok(None) => End::Killed,
            Ok(Some(end)) => end,
        };
        let mut pages = self.book.open();
        let run = &mut pages.runs[invocation.run];
        (run.end, run.ended) = (end, self.clock.milliseconds());
        end
    }

    /// Opens the page of an invocation.
    fn begin(&self, about: About, seed: u64) -> Arc<Invocation> {
        let mut dice = Rng::with_seed(seed);
        let dies = (dice.f64() < self.kill_rate).then(|| (dice.u32(1..18), dice.bool()));
        let mut pages = self.book.open();
        let run = pages.runs.len();
        pages.runs.push(Run {
            unnamed: about.unnamed,
            sweep: about.sweep,
            request: about.request,
            started: self.clock.milliseconds(),
            ended: u128::MAX,
            end: End::Running,
            unanswered: Vec::new(),
            ledger_failures: Vec::new(),
            ledger_fault: false,
            closes: false,
            marked: false,
            materials_known: false,
            reads: 0,
            writes: 0,
        });
        if let Some(occurrence) = about.occurrence {
            pages.occurrences[occurrence].runs.push(run);
        }
        Arc::new(Invocation {
            run,
            occurrence: about.occurrence,
            sweep: about.sweep,
            dice: Mutex::new(dice),
            dies,
            calls: AtomicU32::new(0),
            dead: AtomicBool::new(false),
        })
    }
}

/// What an invocation is about.
struct About {
    occurrence: Option<usize>,
    unnamed: bool,
    sweep: bool,
    request: String,
}

/// What became of an invocation that did not fail.
fn end_of(verdict: Verdict) -> End {
    match verdict {
        Verdict::Ignored => End::Ignored,
        Verdict::Duplicate => End::Duplicate,
        Verdict::Suppressed => End::Suppressed,
        Verdict::Delivered => End::Delivered,
    }
}

/// Runs `future` until the process dies, which it does in the middle of a call: nothing after it happens.
async fn until_dead<F: Future>(future: F, invocation: &Invocation) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        if invocation.is_dead() {
            Poll::Ready(None)
        } else {
            polled.map(Some)
        }
    })
    .await
}

/// What stands in the queue (Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations").
fn on_failure(request: &str, function: &str, payload: Value) -> Value {
    json!({
        "version": "1.0",
        "timestamp": "2026-02-14T09:13:58.204Z",
        "requestContext": {
            "requestId": request,
            "functionArn": format!("arn:aws:lambda:us-east-1:111122223333:function:kms-watch-{function}:$LATEST"),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": ATTEMPTS,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "PublishFailed", "errorMessage": "failed"},
    })
}

/// Hears what the log says of the ledger.
pub(super) struct Ears(pub(super) Book);

impl Subscriber for Ears {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("watch_core::ledger")
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::WARN)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut what = What(String::new());
        event.record(&mut what);
        // Of another thread, or none of ours.
        let _ = INVOCATION.try_with(|invocation| {
            let run = &mut self.0.open().runs[invocation.run];
            run.ledger_failures.push(what.0);
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The field `what` of a line.
struct What(String);

impl Visit for What {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "what" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
