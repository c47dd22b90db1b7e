//! The Lambda Runtime API, as a function's binary sees it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::{sync::Arc, thread, time::Duration};

use common::{Client, Reply};
use kms_local::{Invocation, LambdaRuntime, RuntimeOptions};
use serde_json::json;

const WAIT: Duration = Duration::from_secs(10);

fn start() -> Arc<LambdaRuntime> {
    Arc::new(LambdaRuntime::start(RuntimeOptions::default()).unwrap())
}

fn next(client: &mut Client) -> Reply {
    client
        .send("GET", "/2018-06-01/runtime/invocation/next", &[], b"")
        .unwrap()
}

fn post(client: &mut Client, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let path = format!("/2018-06-01/runtime/{path}");
    client
        .send("POST", &path, headers, body.as_bytes())
        .unwrap()
        .status
}

/// A function that answers `count` events with what `answer` says: path and body.
fn function(
    runtime: &LambdaRuntime,
    count: usize,
    answer: fn(&Reply) -> (String, String),
) -> thread::JoinHandle<()> {
    let address = runtime.address();
    thread::spawn(move || {
        let mut client = Client::connect(&address);
        for _ in 0..count {
            let event = next(&mut client);
            let id = event.headers["lambda-runtime-aws-request-id"].clone();
            let (path, body) = answer(&event);
            assert_eq!(
                post(&mut client, &format!("invocation/{id}/{path}"), &[], &body),
                202
            );
        }
    })
}

#[test]
fn an_event_goes_in_and_an_answer_comes_out() {
    let runtime = start();
    let echo = function(&runtime, 2, |event| ("response".to_owned(), event.text()));
    assert!(runtime.wait_for_polls(1, WAIT));
    assert_eq!(
        runtime.invoke(r#"{"a":1}"#, WAIT),
        Invocation::Response(json!({"a": 1}))
    );
    // What is no JSON reaches the function all the same.
    assert_eq!(
        runtime.invoke("{broken", WAIT),
        Invocation::Response(json!("{broken"))
    );
    echo.join().unwrap();
    assert_eq!(runtime.polls(), 2);
}

#[test]
fn a_function_may_fail() {
    let runtime = start();
    let failing = function(&runtime, 1, |_| {
        let error = json!({"errorType": "Oops", "errorMessage": "no", "stackTrace": ["a", "b"]});
        ("error".to_owned(), error.to_string())
    });
    let Invocation::Error(error) = runtime.invoke("{}", WAIT) else {
        panic!("not an error")
    };
    assert_eq!(
        (error.error_type.as_str(), error.message.as_str()),
        ("Oops", "no")
    );
    assert_eq!(error.stack_trace, ["a", "b"]);
    failing.join().unwrap();
}

#[test]
fn a_function_that_fails_to_start_ends_the_wait() {
    let runtime = start();
    let waiting = {
        let runtime = Arc::clone(&runtime);
        thread::spawn(move || runtime.invoke("{}", WAIT))
    };
    let mut client = Client::connect(&runtime.address());
    let header = [(
        "lambda-runtime-function-error-type",
        "Runtime.ConfigInvalid",
    )];
    let body = json!({"errorMessage": "TOPIC is missing"}).to_string();
    assert_eq!(post(&mut client, "init/error", &header, &body), 202);
    let Invocation::InitError(error) = waiting.join().unwrap() else {
        panic!("not an init error")
    };
    assert_eq!(error.error_type, "Runtime.ConfigInvalid");
    assert_eq!(runtime.init_error().unwrap().message, "TOPIC is missing");
    assert_eq!(runtime.polls(), 0);
    assert!(!runtime.wait_for_polls(1, WAIT));
}

#[test]
fn events_come_with_their_headers() {
    let options = RuntimeOptions {
        client_context: Some(r#"{"client":{}}"#.to_owned()),
        cognito_identity: Some("{}".to_owned()),
        ..RuntimeOptions::default()
    };
    let runtime = LambdaRuntime::start(options).unwrap();
    let id = runtime.queue("{}");
    let mut client = Client::connect(&runtime.address());
    let event = next(&mut client);
    let header = |name: &str| event.headers[name].as_str();
    assert_eq!(header("lambda-runtime-aws-request-id"), id);
    assert!(header("lambda-runtime-invoked-function-arn").starts_with("arn:aws:lambda:"));
    assert!(header("lambda-runtime-trace-id").starts_with("Root=1-"));
    assert_eq!(header("lambda-runtime-client-context"), r#"{"client":{}}"#);
    assert_eq!(header("lambda-runtime-cognito-identity"), "{}");
    assert_eq!(header("lambda-runtime-deadline-ms").len(), 13);

    let path = format!("invocation/{id}/response");
    let wrong = [("lambda-runtime-invocation-id", "another")];
    assert_eq!(post(&mut client, &path, &wrong, "{}"), 400);
    let right = [(
        "lambda-runtime-invocation-id",
        header("lambda-runtime-invocation-id"),
    )];
    assert_eq!(post(&mut client, &path, &right, "{}"), 202);
    assert_eq!(
        post(&mut client, &path, &right, "{}"),
        400,
        "answered already"
    );
    assert_eq!(runtime.wait(&id, WAIT), Invocation::Response(json!({})));
}

#[test]
fn silence_ends_in_a_timeout_and_nonsense_in_a_404() {
    let runtime = start();
    assert_eq!(
        runtime.invoke("{}", Duration::from_millis(20)),
        Invocation::TimedOut
    );
    let mut client = Client::connect(&runtime.address());
    assert_eq!(
        post(&mut client, "invocation/none/response", &[], "{}"),
        400
    );
    assert_eq!(post(&mut client, "restore/error", &[], "{}"), 404);
    assert_eq!(client.send("GET", "/", &[], b"").unwrap().status, 404);
}

#[test]
fn a_shutdown_ends_the_long_poll() {
    let runtime = start();
    let poll = |address: &str| {
        let path = "/2018-06-01/runtime/invocation/next";
        Client::connect(address)
            .send("GET", path, &[], b"")
            .is_none()
    };
    let address = runtime.address();
    let waiting = thread::spawn(move || poll(&address));
    assert!(runtime.wait_for_polls(1, WAIT));
    runtime.shutdown();
    assert!(waiting.join().unwrap(), "the connection is closed");
    assert!(poll(&runtime.address()), "and so is a new one");
    assert_eq!(runtime.invoke("{}", WAIT), Invocation::TimedOut);
}

#[test]
fn an_abandoned_poll_loses_no_event() {
    let runtime = start();
    let mut client = Client::connect(&runtime.address());
    client.write("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: local\r\n\r\n");
    assert!(runtime.wait_for_polls(1, WAIT));
    drop(client);
    // The server notices the closed connection on its own thread, some time soon.
    thread::sleep(Duration::from_millis(100));
    let echo = function(&runtime, 1, |event| ("response".to_owned(), event.text()));
    assert!(runtime.wait_for_polls(2, WAIT));
    assert_eq!(runtime.invoke("1", WAIT), Invocation::Response(json!(1)));
    echo.join().unwrap();
}
