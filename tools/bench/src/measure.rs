//! One process from its start over its first event to many.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::cgroup::Share;
use crate::process::Process;
use crate::runtime::{InvokeError, Runtime};
use crate::stats::{Samples, Summary};
use crate::stub::Stub;
use crate::subjects::{Subject, fresh};
use crate::tls::Certificates;

/// Longest wait for anything. Python needs five seconds to start with the smallest share.
const PATIENCE: Duration = Duration::from_secs(120);

/// Events between the first one and those that are measured.
const WARM_UP: u64 = 3;

/// Of sweeps there are so many times fewer than of events.
const EVENTS_OF_A_SWEEP: u64 = 25;

/// What is measured. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// From its first instruction until it asks for an event, on the processor.
    StartCpu,
    /// The same by the clock.
    StartWall,
    /// The same by the clock, with the share of a processor from the beginning.
    StartLimitedWall,
    /// The first event, on the processor.
    FirstCpu,
    /// The first event, by the clock.
    FirstWall,
    /// An event of many, on the processor.
    WarmCpu,
    /// An event of many, by the clock.
    WarmWall,
    /// Events in a second, one after the other.
    WarmRate,
    /// The most memory that was resident, in MiB.
    Peak,
    /// TLS connections when it asked for the first event.
    ConnectionsAtStart,
    /// TLS connections at the end.
    Connections,
    /// Calls of AWS for an event of many.
    Calls,
    /// How long an answer of the stub took.
    Delay,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Amount {
    pub(crate) rounds: u32,
    pub(crate) events: u64,
    pub(crate) delay_ms: u64,
}

/// What was measured of a subject at a share.
#[derive(Debug, Default)]
pub(crate) struct Results {
    samples: BTreeMap<Measure, Samples>,
    /// Calls of one event, by operation.
    pub(crate) calls: BTreeMap<String, usize>,
    /// Operations that were called twice for one event with the same request.
    pub(crate) twice: BTreeSet<String>,
}

impl Results {
    pub(crate) fn summaries(&self) -> BTreeMap<Measure, Summary> {
        let all = self.samples.iter();
        all.filter_map(|(measure, samples)| Some((*measure, samples.summary()?)))
            .collect()
    }

    fn push(&mut self, measure: Measure, value: f64) {
        self.samples.entry(measure).or_default().push(value);
    }

    fn push_ms(&mut self, measure: Measure, value: Duration) {
        self.samples.entry(measure).or_default().push_ms(value);
    }
}

/// Why a measurement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureError {
    #[error("failed to start, or to look at, a process")]
    Process(#[from] io::Error),
    #[error("it did not ask for an event; it wrote:\n{0}")]
    NotStarted(String),
    #[error("{error}; it wrote:\n{output}")]
    Event { error: InvokeError, output: String },
    #[error("its answer has no {wanted}: {answer}\nit wrote:\n{output}")]
    Answer {
        wanted: &'static str,
        answer: String,
        output: String,
    },
}

/// A process with what it talks to.
struct Stage {
    process: Process,
    runtime: Runtime,
    stub: Stub,
    /// Between two looks at the processor's clock, until it stands still.
    pause: Duration,
    events: u64,
}

impl Stage {
    /// Starts it, and waits until it asks for an event; how long that took.
    fn start(
        subject: &Subject,
        certificates: &Certificates,
        amount: Amount,
        share: Option<&Share>,
    ) -> Result<(Self, Duration), MeasureError> {
        let stub = Stub::start(&certificates.server, Duration::from_millis(amount.delay_ms))?;
        let runtime = Runtime::start()?;
        let mut program = subject.program.clone();
        program.environment.extend(stub.environment());
        let lambda = runtime.environment(&subject.name);
        program
            .environment
            .extend(lambda.map(|(name, value)| (name.to_owned(), value)));
        let process = Process::start(&program, share)?;
        let Some(polled) = runtime.wait_for_poll(PATIENCE) else {
            return Err(MeasureError::NotStarted(process.end()));
        };
        let took = polled.saturating_sub(process.began);
        let stage = Self {
            process,
            runtime,
            stub,
            pause: Duration::from_millis(if share.is_some() { 30 } else { 5 }),
            events: 0,
        };
        Ok((stage, took))
    }

    /// One event; how long it took.
    fn handle(mut self, subject: &Subject) -> Result<(Self, Duration), MeasureError> {
        self.events += 1;
        let event = fresh(&subject.event, self.events).into_bytes();
        let handled = match self.runtime.invoke(event, PATIENCE) {
            Ok(handled) => handled,
            Err(error) => {
                let output = self.process.end();
                return Err(MeasureError::Event { error, output });
            }
        };
        let answer = String::from_utf8_lossy(&handled.answer);
        if !answer.contains(subject.answer) {
            return Err(MeasureError::Answer {
                wanted: subject.answer,
                answer: answer.into_owned(),
                output: self.process.end(),
            });
        }
        Ok((self, handled.took))
    }

    fn cpu(&self) -> Result<Duration, MeasureError> {
        Ok(self.process.settled_cpu(self.pause)?)
    }
}

/// Starts a process once and throws away what was measured: files are read, code is compiled.
pub(crate) fn rehearse(
    subject: &Subject,
    certificates: &Certificates,
    amount: Amount,
) -> Result<(), MeasureError> {
    let (stage, _) = Stage::start(subject, certificates, amount, None)?;
    stage.handle(subject).map(drop)
}

/// Measures a process. It starts with a whole processor, as in Lambda, and has its `share` for the events.
pub(crate) fn measure(
    subject: &Subject,
    certificates: &Certificates,
    amount: Amount,
    share: Option<&Share>,
    results: &mut Results,
) -> Result<(), MeasureError> {
    if share.is_some() {
        let (_, took) = Stage::start(subject, certificates, amount, share)?;
        results.push_ms(Measure::StartLimitedWall, took);
    }
    let (mut stage, took) = Stage::start(subject, certificates, amount, None)?;
    let started = stage.cpu()?;
    results.push_ms(Measure::StartWall, took);
    results.push_ms(Measure::StartCpu, started);
    let at_start = stage.stub.take().connections;
    results.push(Measure::ConnectionsAtStart, as_f64(at_start as u64));
    if let Some(share) = share {
        share.take(stage.process.id())?;
        stage.pause = Duration::from_millis(30);
    }

    let (stage, took) = stage.handle(subject)?;
    results.push_ms(Measure::FirstWall, took);
    results.push_ms(Measure::FirstCpu, stage.cpu()?.saturating_sub(started));
    let seen = stage.stub.take();
    results.twice.extend(seen.twice);
    results.calls = seen.calls;

    let count = if subject.is_sweep {
        amount.events.div_ceil(EVENTS_OF_A_SWEEP)
    } else {
        amount.events
    };
    let mut stage = stage;
    for _ in 0..if subject.is_sweep { 0 } else { WARM_UP } {
        stage = stage.handle(subject)?.0;
    }
    let before = stage.cpu()?;
    stage.stub.take();
    let began = crate::clock::now();
    for _ in 0..count {
        let took;
        (stage, took) = stage.handle(subject)?;
        results.push_ms(Measure::WarmWall, took);
    }
    let lasted = crate::clock::now().saturating_sub(began);
    let used = stage.cpu()?.saturating_sub(before);
    let seen = stage.stub.take();
    results.push(
        Measure::WarmCpu,
        used.as_secs_f64() * 1_000.0 / as_f64(count),
    );
    results.push(Measure::WarmRate, as_f64(count) / lasted.as_secs_f64());
    results.push(Measure::Calls, as_f64(seen.total() as u64) / as_f64(count));
    for delay in &seen.delays {
        results.push_ms(Measure::Delay, *delay);
    }
    results.push(Measure::Connections, as_f64(seen.connections as u64));
    let peak = stage.process.memory()?.peak;
    results.push(Measure::Peak, as_f64(peak) / 1_048_576.0);
    stage.process.end();
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts that are far from any limit"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}
