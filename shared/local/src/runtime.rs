//! The Lambda Runtime API: what a function's binary talks to
//! (Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes").

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    ids::Ids,
    server::{Reply, Server, plain},
};

const PREFIX: &str = "/2018-06-01/runtime/";

/// Seeds of their request ids.
static RUNTIMES: AtomicU64 = AtomicU64::new(1);

/// How the invocations look to the function.
#[derive(Debug, Clone)]
pub struct RuntimeOptions {
    /// `Lambda-Runtime-Invoked-Function-Arn`.
    pub function_arn: String,
    /// The function's timeout; `Lambda-Runtime-Deadline-Ms` is so far ahead.
    pub timeout: Duration,
    /// `Lambda-Runtime-Client-Context`, which the mobile SDK sends.
    pub client_context: Option<String>,
    /// `Lambda-Runtime-Cognito-Identity`, which the mobile SDK sends.
    pub cognito_identity: Option<String>,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self {
            function_arn: "arn:aws:lambda:us-east-1:111122223333:function:local".to_owned(),
            timeout: Duration::from_secs(30),
            client_context: None,
            cognito_identity: None,
        }
    }
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Invocation {
    /// The function's answer; text that is not JSON comes as a JSON string.
    Response(Value),
    /// The function reported an error.
    Error(FunctionError),
    /// The function failed to start.
    InitError(FunctionError),
    /// Nothing was heard in the given time.
    TimedOut,
}

/// An error as a function reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionError {
    /// From the body, or the header `Lambda-Runtime-Function-Error-Type`.
    pub error_type: String,
    /// What went wrong.
    pub message: String,
    /// Lines of the stack trace, mostly none.
    pub stack_trace: Vec<String>,
}

/// A Runtime API on loopback until it is dropped.
///
/// ```no_run
/// use std::{process::Command, time::Duration};
/// use kms_local::{LambdaRuntime, RuntimeOptions};
///
/// let lambda = LambdaRuntime::start(RuntimeOptions::default())?;
/// let mut process = Command::new("target/debug/key-deletion")
///     .envs(lambda.environment("key-deletion"))
///     .spawn()?;
/// let outcome = lambda.invoke(r#"{"detail-type": "KMS CMK Deletion"}"#, Duration::from_secs(10));
/// process.kill()?;
/// # let _ = outcome;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct LambdaRuntime {
    shared: Arc<Shared>,
    server: Server,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Wakes `next`: an event is there, or the end.
    queued: Notify,
    /// Wakes `invoke`: something ended.
    ended: Condvar,
    options: RuntimeOptions,
}

#[derive(Debug)]
struct State {
    ids: Ids,
    queue: VecDeque<Event>,
    /// Handed out, and not answered.
    running: Vec<Running>,
    finished: Vec<(String, Invocation)>,
    init_error: Option<FunctionError>,
    polls: usize,
    closed: bool,
}

#[derive(Debug)]
struct Event {
    id: String,
    body: Bytes,
}

#[derive(Debug)]
struct Running {
    id: String,
    invocation: String,
}

impl LambdaRuntime {
    /// Starts the API on a free port of 127.0.0.1, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If no port can be bound or no thread be started.
    pub fn start(options: RuntimeOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                // No two runtimes give the same id: a function takes an invocation with a known id for a retry.
                ids: Ids::new(RUNTIMES.fetch_add(1, Ordering::Relaxed)),
                queue: VecDeque::new(),
                running: Vec::new(),
                finished: Vec::new(),
                init_error: None,
                polls: 0,
                closed: false,
            }),
            queued: Notify::new(),
            ended: Condvar::new(),
            options,
        });
        let for_server = Arc::clone(&shared);
        let server = Server::start("lambda-runtime", move |request| {
            let shared = Arc::clone(&for_server);
            async move { shared.answer(&request).await }
        })?;
        Ok(Self { shared, server })
    }

    /// For `AWS_LAMBDA_RUNTIME_API`: host and port.
    #[must_use]
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// The environment that Lambda gives a function with this name
    /// (Lambda Developer Guide, "Defined runtime environment variables").
    #[must_use]
    pub fn environment(&self, function: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_LAMBDA_RUNTIME_API", self.address()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            (
                "AWS_LAMBDA_LOG_GROUP_NAME",
                format!("/aws/lambda/{function}"),
            ),
            (
                "AWS_LAMBDA_LOG_STREAM_NAME",
                "2026/11/20/[$LATEST]local".to_owned(),
            ),
        ]
    }

    /// Queues an event, which may be anything, and returns its request id.
    pub fn queue(&self, body: impl Into<Bytes>) -> String {
        let id = self.shared.lock().ids.uuid();
        self.retry(&id, body);
        id
    }

    /// Queues an event once more under the request id of its first invocation, as Lambda does when that failed; the id
    /// may be one of another runtime, whose process has ended.
    pub fn retry(&self, request_id: &str, body: impl Into<Bytes>) {
        self.shared.lock().queue.push_back(Event {
            id: request_id.to_owned(),
            body: body.into(),
        });
        self.shared.queued.notify_one();
    }

    /// Queues an event and waits for its end.
    pub fn invoke(&self, body: impl Into<Bytes>, timeout: Duration) -> Invocation {
        let id = self.queue(body);
        self.wait(&id, timeout)
    }

    /// Waits for the end of an invocation that was queued before.
    pub fn wait(&self, request_id: &str, timeout: Duration) -> Invocation {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if let Some(at) = state.finished.iter().position(|(id, _)| id == request_id) {
                return state.finished.swap_remove(at).1;
            }
            if let Some(error) = &state.init_error {
                return Invocation::InitError(error.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                return Invocation::TimedOut;
            }
            state = self
                .shared
                .ended
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// The error that a function reported instead of asking for its first event.
    #[must_use]
    pub fn init_error(&self) -> Option<FunctionError> {
        self.shared.lock().init_error.clone()
    }

    /// How often a function has asked for the next event; 1 means that it is ready.
    #[must_use]
    pub fn polls(&self) -> usize {
        self.shared.lock().polls
    }

    /// Waits until a function has asked for an event so many times; `false` if it did not in time, or failed to start.
    pub fn wait_for_polls(&self, polls: usize, timeout: Duration) -> bool {
        let state = self.shared.lock();
        let pending =
            |state: &mut State| state.polls < polls && state.init_error.is_none() && !state.closed;
        let (state, _) = self
            .shared
            .ended
            .wait_timeout_while(state, timeout, pending)
            .unwrap_or_else(PoisonError::into_inner);
        state.polls >= polls
    }

    /// Ends the environment: requests, also those that wait, find their connection closed, on which a runtime returns
    /// an error. (Lambda would kill the process. Status 500, "exit promptly", makes `lambda_runtime` panic.)
    pub fn shutdown(&self) {
        self.shared.lock().closed = true;
        self.shared.queued.notify_waiters();
        self.shared.ended.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: &Request<Bytes>) -> Reply {
        let path = request.uri().path();
        let Some(path) = path.strip_prefix(PREFIX) else {
            return Some(plain(StatusCode::NOT_FOUND));
        };
        let parts: Vec<&str> = path.split('/').collect();
        if self.lock().closed {
            return None;
        }
        Some(match (request.method(), parts.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await?,
            (&Method::POST, ["invocation", id, "response"]) => {
                self.end(id, request, |body| {
                    Invocation::Response(serde_json::from_slice(body).unwrap_or_else(|_| {
                        Value::String(String::from_utf8_lossy(body).into_owned())
                    }))
                })
            }
            (&Method::POST, ["invocation", id, "error"]) => self.end(id, request, |_| {
                Invocation::Error(FunctionError::read(request))
            }),
            (&Method::POST, ["init", "error"]) => {
                self.lock().init_error = Some(FunctionError::read(request));
                self.ended.notify_all();
                accepted()
            }
            _ => plain(StatusCode::NOT_FOUND),
        })
    }

    /// The long poll; `None` after the end.
    async fn next(&self) -> Option<Response<Full<Bytes>>> {
        self.lock().polls += 1;
        self.ended.notify_all();
        loop {
            // Registered before looking, so that what happens in between is not missed.
            let queued = self.queued.notified();
            tokio::pin!(queued);
            queued.as_mut().enable();
            {
                let mut state = self.lock();
                if state.closed {
                    return None;
                }
                if let Some(event) = state.queue.pop_front() {
                    let invocation = state.ids.uuid();
                    let running = Running {
                        id: event.id.clone(),
                        invocation: invocation.clone(),
                    };
                    state.running.push(running);
                    return Some(self.hand_out(event, &invocation));
                }
            }
            queued.await;
        }
    }

    fn hand_out(&self, event: Event, invocation: &str) -> Response<Full<Bytes>> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the function measures its deadline against the clock of the machine"
        )]
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let deadline = (now + self.options.timeout).as_millis();
        let trace = format!(
            "Root=1-{:08x}-{}",
            now.as_secs(),
            &event.id.replace('-', "")[..24]
        );
        let mut response = Response::builder()
            .header("content-type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &event.id)
            .header("Lambda-Runtime-Invocation-Id", invocation)
            .header("Lambda-Runtime-Deadline-Ms", deadline.to_string())
            .header(
                "Lambda-Runtime-Invoked-Function-Arn",
                &self.options.function_arn,
            )
            .header("Lambda-Runtime-Trace-Id", trace);
        if let Some(context) = &self.options.client_context {
            response = response.header("Lambda-Runtime-Client-Context", context);
        }
        if let Some(identity) = &self.options.cognito_identity {
            response = response.header("Lambda-Runtime-Cognito-Identity", identity);
        }
        response
            .body(Full::from(event.body))
            .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn end(
        &self,
        id: &str,
        request: &Request<Bytes>,
        outcome: impl FnOnce(&[u8]) -> Invocation,
    ) -> Response<Full<Bytes>> {
        let mut state = self.lock();
        let Some(at) = state.running.iter().position(|running| running.id == id) else {
            return refuse("InvalidRequestID", "Invalid request ID");
        };
        // Older runtimes do not send it back.
        if let Some(echo) = header(request, "lambda-runtime-invocation-id")
            && echo != state.running[at].invocation
        {
            return refuse("InvalidInvocationId", "Invalid invocation ID");
        }
        state.running.swap_remove(at);
        state
            .finished
            .push((id.to_owned(), outcome(request.body())));
        self.ended.notify_all();
        accepted()
    }
}

impl FunctionError {
    fn read(request: &Request<Bytes>) -> Self {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let lines = body["stackTrace"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        Self {
            error_type: body["errorType"]
                .as_str()
                .or_else(|| header(request, "lambda-runtime-function-error-type"))
                .unwrap_or_default()
                .to_owned(),
            message: text("errorMessage"),
            stack_trace: lines
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn accepted() -> Response<Full<Bytes>> {
    status(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

fn refuse(kind: &str, message: &str) -> Response<Full<Bytes>> {
    status(
        StatusCode::BAD_REQUEST,
        &json!({"errorMessage": message, "errorType": kind}),
    )
}

fn status(code: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = plain(code);
    *response.body_mut() = Full::from(body.to_string());
    response
}
