//! Faults by number, a service that is down, and a process that dies at a certain call.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::{
    io::ErrorKind,
    net::TcpStream,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
};

use common::Client;
use kms_local::{KeyState, LocalAws, Moment, NewKey, Options};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

fn start() -> (LocalAws, Client) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let client = Client::connect(&aws.endpoint_url());
    (aws, client)
}

fn code(client: &mut Client, operation: &str, body: &Value) -> Option<String> {
    let reply = client.kms(operation, body);
    (reply.status != 200).then(|| reply.json()["__type"].as_str().unwrap().to_owned())
}

#[test]
fn a_fault_can_wait_for_the_nth_call_of_an_operation() {
    let (aws, mut client) = start();
    aws.faults().nth(3).throttle("ListKeys", 1);
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(code(&mut client, "ListKeys", &json!({})));
        assert_eq!(code(&mut client, "ListAliases", &json!({})), None);
    }
    let throttled = Some("ThrottlingException".to_owned());
    assert_eq!(codes, [None, None, throttled, None]);
}

#[test]
fn a_fault_can_wait_for_the_nth_call_of_all() {
    let (aws, mut client) = start();
    let topic = aws.create_topic("alerts");
    aws.faults().nth(3).fail("*:*", 1);
    assert_eq!(code(&mut client, "ListKeys", &json!({})), None);
    let publish = [
        ("Action", "Publish"),
        ("TopicArn", &*topic),
        ("Message", "m"),
    ];
    assert_eq!(client.sns(&publish).status, 200);
    assert_eq!(client.sns(&publish).status, 500);
    assert_eq!(code(&mut client, "ListKeys", &json!({})), None);
}

#[test]
fn some_keys_can_be_denied_and_others_not() {
    let (aws, mut client) = start();
    let keys: Vec<_> = (0..3).map(|_| aws.add_key(NewKey::symmetric())).collect();
    for key in &keys[..2] {
        aws.faults().on(key).deny("GetKeyPolicy");
    }
    let codes: Vec<_> = keys
        .iter()
        .map(|key| code(&mut client, "GetKeyPolicy", &json!({"KeyId": key})))
        .collect();
    let denied = Some("AccessDeniedException".to_owned());
    assert_eq!(codes, [denied.clone(), denied, None]);
}

#[test]
fn a_service_that_is_down_refuses_connections_until_it_is_back() {
    let (aws, mut client) = start();
    let address = aws.endpoint_url().replace("http://", "");
    assert_eq!(client.kms("ListKeys", &json!({})).status, 200);
    aws.refuse_connections();
    aws.refuse_connections();
    let refused = TcpStream::connect(&address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let open = client.kms_in("us-east-1", "ListKeys", &json!({}));
    assert!(open.is_none(), "open connections are gone, too");
    aws.accept_connections();
    let mut client = Client::connect(&aws.endpoint_url());
    assert_eq!(client.kms("ListKeys", &json!({})).status, 200);
    assert_eq!(aws.request_counts()["ListKeys"], 2);
}

#[test]
fn nobody_else_is_given_the_port_of_a_service_that_is_down() {
    // Without a connection, whose end would hold the port for a minute.
    let aws = LocalAws::start(Options::default()).unwrap();
    let address = aws.endpoint_url().replace("http://", "");
    aws.refuse_connections();
    let taken = TcpSocket::new_v4().unwrap().bind(address.parse().unwrap());
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
}

/// A process that disables two keys, one after the other.
fn process_under_test(aws: &LocalAws, keys: [&str; 2]) -> Child {
    let port = aws.endpoint_url().rsplit(':').next().unwrap().to_owned();
    let request = |key: &str| {
        let body = json!({"KeyId": key}).to_string();
        format!(
            "POST / HTTP/1.1\\r\\nhost: local\\r\\nx-amz-target: TrentService.DisableKey\\r\\n\
             authorization: AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/us-east-1/kms/aws4_request\\r\\n\
             connection: close\\r\\ncontent-length: {}\\r\\n\\r\\n{body}",
            body.len()
        )
    };
    let script = keys.map(|key| {
        let request = request(key);
        format!("exec 3<>/dev/tcp/127.0.0.1/{port}; printf '{request}' >&3; cat <&3 >/dev/null;")
    });
    Command::new("bash")
        .args(["-c", &format!("{} exit 7", script.concat())])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs it and kills it at the second call; returns the states of both keys.
fn killed_at(moment: Option<Moment>) -> (std::process::ExitStatus, [KeyState; 2]) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let keys = [(); 2].map(|()| aws.add_key(NewKey::symmetric()));
    let victim: Arc<Mutex<Option<Child>>> = Arc::default();
    let (killed, seen) = mpsc::channel();
    // Held until the process is in place: the hook waits for it.
    let mut slot = victim.lock().unwrap();
    if let Some(moment) = moment {
        let victim = Arc::clone(&victim);
        aws.on_call(2, moment, move |request| {
            let mut victim = victim.lock().unwrap();
            victim.as_mut().unwrap().kill().unwrap();
            victim.as_mut().unwrap().wait().unwrap();
            killed.send(request.operation.clone()).unwrap();
        });
    }
    *slot = Some(process_under_test(&aws, [&keys[0], &keys[1]]));
    drop(slot);
    if moment.is_some() {
        assert_eq!(seen.recv().unwrap(), "DisableKey");
    }
    let status = victim.lock().unwrap().as_mut().unwrap().wait().unwrap();
    (status, keys.map(|key| aws.key_state(&key).unwrap()))
}

#[test]
fn a_process_can_be_killed_before_or_after_the_effect_of_a_call() {
    use KeyState::{Disabled, Enabled};
    let (status, states) = killed_at(None);
    assert_eq!((status.code(), states), (Some(7), [Disabled, Disabled]));
    let (status, states) = killed_at(Some(Moment::BeforeEffect));
    assert_eq!((status.signal(), states), (Some(9), [Disabled, Enabled]));
    let (status, states) = killed_at(Some(Moment::AfterEffect));
    assert_eq!((status.signal(), states), (Some(9), [Disabled, Disabled]));
}

#[test]
fn who_is_not_killed_gets_no_answer_either() {
    let (aws, mut client) = start();
    let key = aws.add_key(NewKey::symmetric());
    aws.on_call(1, Moment::AfterEffect, |_| {});
    let body = json!({"KeyId": key});
    assert!(client.kms_in("us-east-1", "DisableKey", &body).is_none());
    assert_eq!(aws.key_state(&key), Some(KeyState::Disabled));
    assert_eq!(aws.requests()[0].error.as_deref(), Some("ConnectionReset"));
    let mut client = Client::connect(&aws.endpoint_url());
    assert_eq!(client.kms("EnableKey", &body).status, 200, "once only");
}
