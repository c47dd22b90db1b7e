//! The Lambda Runtime API for one process, with the times at which something came or went
//! (Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes").
//!
//! That of `shared/local` is made for tests; this one has nothing but what is measured, and takes the times where the
//! bytes pass.

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::http::{self, Request, Response, Server};

const PREFIX: &str = "/2018-06-01/runtime/";

/// What Lambda says of the time that a function has.
const TIMEOUT: Duration = Duration::from_secs(900);

/// A Runtime API on loopback until it is dropped.
#[derive(Debug)]
pub(crate) struct Runtime {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// When the process asked for each event.
    polls: Vec<Duration>,
    event: Option<Vec<u8>>,
    handed_out: Option<Duration>,
    end: Option<(Duration, Ended)>,
    events: u64,
    closed: bool,
}

/// How an event ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    Answered(Vec<u8>),
    Failed(Vec<u8>),
}

/// An event that was answered.
#[derive(Debug)]
pub(crate) struct Handled {
    /// From the first byte of the event to the last of the answer.
    pub(crate) took: Duration,
    pub(crate) answer: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokeError {
    #[error("it answered nothing in {} s", .0.as_secs())]
    Silent(Duration),
    #[error("it failed: {0}")]
    Failed(String),
}

impl Runtime {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_server = Arc::clone(&shared);
        let server = Server::start("runtime", move |stream: TcpStream| {
            // The process ends when it is killed.
            let _ = http::serve(stream, |request| for_server.answer(request));
        })?;
        Ok(Self { server, shared })
    }

    /// The environment that Lambda gives a function with this name.
    pub(crate) fn environment(&self, function: &str) -> [(&'static str, String); 6] {
        let address = format!("127.0.0.1:{}", self.server.port());
        [
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ]
    }

    /// Waits until the process asks for an event; when it did.
    pub(crate) fn wait_for_poll(&self, patience: Duration) -> Option<Duration> {
        let state = self.shared.lock();
        let pending = |state: &mut State| state.polls.is_empty();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, patience, pending)
            .unwrap_or_else(PoisonError::into_inner);
        state.polls.last().copied()
    }

    /// Hands out an event, and waits until it is answered and the next one is asked for.
    pub(crate) fn invoke(
        &self,
        event: Vec<u8>,
        patience: Duration,
    ) -> Result<Handled, InvokeError> {
        let mut state = self.shared.lock();
        (state.event, state.handed_out, state.end) = (Some(event), None, None);
        state.polls.clear();
        self.shared.changed.notify_all();
        let pending = |state: &mut State| state.end.is_none() || state.polls.is_empty();
        let (mut state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, patience, pending)
            .unwrap_or_else(PoisonError::into_inner);
        match (state.end.take(), state.handed_out) {
            (Some((end, Ended::Answered(answer))), Some(begin)) => Ok(Handled {
                took: end.saturating_sub(begin),
                answer,
            }),
            (Some((_, Ended::Failed(error))), _) => Err(InvokeError::Failed(
                String::from_utf8_lossy(&error).into_owned(),
            )),
            _ => Err(InvokeError::Silent(patience)),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: Request) -> Option<Response> {
        let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", "invocation/next") => self.next(&request),
            ("POST", path) if path.ends_with("/response") => {
                Some(self.end(request.at, Ended::Answered(request.body)))
            }
            ("POST", path) if path.ends_with("/error") => {
                Some(self.end(request.at, Ended::Failed(request.body)))
            }
            _ => Some(Response {
                status: 404,
                headers: Vec::new(),
                body: Vec::new(),
            }),
        }
    }

    fn end(&self, at: Duration, ended: Ended) -> Response {
        self.lock().end = Some((at, ended));
        self.changed.notify_all();
        Response {
            status: 202,
            headers: vec![("content-type", "application/json".to_owned())],
            body: br#"{"status":"OK"}"#.to_vec(),
        }
    }

    /// The long poll; `None` after the end.
    fn next(&self, request: &Request) -> Option<Response> {
        let mut state = self.lock();
        state.polls.push(request.at);
        self.changed.notify_all();
        let pending = |state: &mut State| state.event.is_none() && !state.closed;
        let mut state = self
            .changed
            .wait_while(state, pending)
            .unwrap_or_else(PoisonError::into_inner);
        let body = state.event.take()?;
        state.events += 1;
        let number = state.events;
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            (
                "lambda-runtime-aws-request-id",
                format!("8476a536-e9f4-11e8-9739-{number:012x}"),
            ),
            ("lambda-runtime-deadline-ms", deadline()),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:111122223333:function:bench".to_owned(),
            ),
            (
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"
                    .to_owned(),
            ),
        ];
        state.handed_out = Some(clock::now());
        Some(Response {
            status: 200,
            headers,
            body,
        })
    }
}

/// When the function would be ended, in milliseconds of Unix time.
fn deadline() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the function holds its deadline against the clock of the machine"
    )]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    (now.unwrap_or_default() + TIMEOUT).as_millis().to_string()
}
