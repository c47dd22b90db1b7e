//! What a function makes of its environment. Each case runs this test program again, as the function.

use std::process::{Child, Command, ExitCode, Output, Stdio};

use serde_json::{Value, json};
use watch_aws::{Failure, Handler, Invocation, KmsAdapter, SnsAdapter, sdk};
use watch_core::arn::{KeyArn, TopicArn};
use watch_core::config::SweepConfig;
use watch_core::decision::Decision;
use watch_core::event::Event;
use watch_core::ports::{Kms, Message};

use crate::server::{Answer, Request, Server};

const ALERTS: &str = "arn:aws:sns:eu-west-3:111122223333:alerts";

/// Runs one of the roles below in a process of its own, with these variables and no others.
fn role(name: &str, variables: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            name,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env_clear()
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Ends with the test, whatever becomes of it.
struct Running(Child);

impl Running {
    /// What it has written, after its end.
    fn stop(mut self) -> (String, String) {
        use std::io::Read;
        self.0.kill().unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        self.0
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (out, err)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDENV"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_SESSION_TOKEN", "session-token"),
];

fn with<'a>(variables: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    CREDENTIALS.iter().chain(variables).copied().collect()
}

// The roles.

#[test]
#[ignore = "a role that other tests start"]
fn function() {
    fn decide(event: &Event) -> Decision {
        match event {
            Event::Other(event) if event.detail_type.as_str() == "panic" => {
                panic!("this is not an exercise")
            }
            _ => Decision::Ignore("nothing is of interest here".into()),
        }
    }
    let code = watch_aws::run("key-deletion", decide);
    std::process::exit(if code == ExitCode::SUCCESS { 0 } else { 1 });
}

/// A function with a handler of its own. It answers what it knows of its invocation.
#[derive(Debug)]
struct Sweep {
    settings: SweepConfig,
    region: String,
}

#[derive(Debug)]
struct Unfinished(std::io::Error);

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the sweep is unfinished")
    }
}

impl std::error::Error for Unfinished {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Failure for Unfinished {
    fn kind(&self) -> &'static str {
        "SweepUnfinished"
    }
}

impl Handler for Sweep {
    type Outcome = Value;
    type Failure = Unfinished;

    async fn handle(&self, payload: &Value, invocation: &Invocation) -> Result<Value, Unfinished> {
        if payload == "fail" {
            return Err(Unfinished(std::io::Error::other("no time left")));
        }
        let time_left = invocation.time_left.map(|left| left.as_secs());
        Ok(json!({
            "payload": payload,
            "request": invocation.request_id,
            "timeLeft": time_left,
            "namespace": self.settings.metric_namespace,
            "region": self.region,
        }))
    }
}

#[test]
#[ignore = "a role that other tests start"]
fn sweep() {
    let code = watch_aws::serve("key-inventory", async |settings: SweepConfig, sdk| Sweep {
        settings,
        region: sdk.region().unwrap().to_string(),
    });
    std::process::exit(if code == ExitCode::SUCCESS { 0 } else { 1 });
}

#[test]
#[ignore = "a role that other tests start"]
fn two_calls() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let topic: TopicArn = ALERTS.parse().unwrap();
        let lookup = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
        let sdk = sdk::load(lookup, &topic).await;
        let region = sdk.region().unwrap();
        let key: KeyArn = format!("arn:aws:kms:{region}:111122223333:key/k")
            .parse()
            .unwrap();
        let message = Message {
            topic,
            subject: None,
            body: "x".into(),
            attributes: vec![],
        };
        let described = KmsAdapter::new(&sdk).describe_key(&key).await;
        let published = SnsAdapter::new(&sdk).publish(&message).await;
        eprintln!("{:?}", (described.map(drop), published));
    });
}

fn aws() -> Server {
    Server::start(|request| match request.operation() {
        "DescribeKey" => Answer::ok(r#"{"KeyMetadata":{"KeyId":"k"}}"#),
        "Publish" => Answer::ok("<PublishResponse><PublishResult/></PublishResponse>"),
        "GetTopicAttributes" => Answer::ok("<GetTopicAttributesResponse/>"),
        _ => Answer::ok("{}"),
    })
}

fn operations(server: &Server) -> Vec<String> {
    server
        .requests()
        .iter()
        .map(|request| request.operation().to_owned())
        .collect()
}

fn finish(name: &str, variables: &[(&str, &str)]) -> Output {
    role(name, variables).wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

// The SDK's configuration.

#[test]
fn one_endpoint_for_all_services() {
    let server = aws();
    let output = finish(
        "process::two_calls",
        &with(&[
            ("AWS_ENDPOINT_URL", &server.url()),
            ("AWS_REGION", "us-west-2"),
        ]),
    );
    assert_eq!(text(&output.stderr).trim(), "(Ok(()), Ok(()))");
    assert_eq!(operations(&server), ["DescribeKey", "Publish"]);
    let request = &server.requests()[0];
    let authorization = request.header("authorization");
    assert!(
        authorization.contains("Credential=AKIDENV/"),
        "{authorization}"
    );
    assert!(
        authorization.contains("/us-west-2/kms/aws4_request"),
        "{authorization}"
    );
    assert_eq!(request.header("x-amz-security-token"), "session-token");
}

#[test]
fn an_endpoint_for_each_service() {
    let (all, kms, sns) = (aws(), aws(), aws());
    let urls = (all.url(), kms.url(), sns.url());
    let variables = with(&[
        ("AWS_ENDPOINT_URL", urls.0.as_str()),
        ("AWS_ENDPOINT_URL_KMS", urls.1.as_str()),
        ("AWS_ENDPOINT_URL_SNS", urls.2.as_str()),
        ("AWS_REGION", "us-west-2"),
    ]);
    let output = finish("process::two_calls", &variables);
    assert_eq!(text(&output.stderr).trim(), "(Ok(()), Ok(()))");
    assert_eq!(
        (operations(&all), operations(&kms), operations(&sns)),
        (
            vec![],
            vec!["DescribeKey".to_owned()],
            vec!["Publish".to_owned()]
        )
    );
}

#[test]
fn the_region_is_the_environment_s_else_the_topic_s() {
    for (variable, region) in [
        (("AWS_REGION", "ap-south-1"), "ap-south-1"),
        (("AWS_DEFAULT_REGION", "ap-south-1"), "ap-south-1"),
        (("AWS_REGION", ""), "eu-west-3"),
    ] {
        let server = aws();
        let url = server.url();
        finish(
            "process::two_calls",
            &with(&[("AWS_ENDPOINT_URL", url.as_str()), variable]),
        );
        let authorization = server.requests()[0].header("authorization").to_owned();
        assert!(
            authorization.contains(&format!("/{region}/kms/")),
            "{variable:?}: {authorization}"
        );
    }
}

#[test]
fn profile_files_are_not_read() {
    let home = concat!(env!("CARGO_TARGET_TMPDIR"), "/home");
    let profile = "ignore_configured_endpoint_urls = true\n\
                   aws_access_key_id = AKIDFILE\n\
                   aws_secret_access_key = x\n";
    std::fs::create_dir_all(format!("{home}/.aws")).unwrap();
    std::fs::write(
        format!("{home}/.aws/config"),
        format!("[default]\n{profile}[profile p]\n{profile}"),
    )
    .unwrap();
    std::fs::write(
        format!("{home}/.aws/credentials"),
        format!("[p]\n{profile}"),
    )
    .unwrap();
    let server = aws();
    let url = server.url();
    let variables = [
        ("HOME", home),
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_REGION", "us-west-2"),
        ("AWS_PROFILE", "p"),
    ];
    // With and without a profile of one's own choice.
    for variables in [&variables, &variables[..3]] {
        let output = finish("process::two_calls", &with(variables));
        assert_eq!(text(&output.stderr).trim(), "(Ok(()), Ok(()))");
        // Without credentials in the environment there are none.
        let stderr = text(&finish("process::two_calls", variables).stderr);
        assert!(stderr.contains("environment variable not set"), "{stderr}");
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert!(
        requests
            .iter()
            .all(|request| request.header("authorization").contains("AKIDENV/"))
    );
}

#[test]
fn a_malformed_setting_of_the_sdk_is_no_panic() {
    let server = aws();
    let url = server.url();
    let variables = with(&[
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_REGION", "us-west-2"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_RETRY_MODE", "heroic"),
        ("AWS_USE_FIPS_ENDPOINT", "perhaps"),
    ]);
    let output = finish("process::two_calls", &variables);
    assert_eq!(text(&output.stderr).trim(), "(Ok(()), Ok(()))");
}

#[test]
fn there_is_a_connector_that_speaks_tls() {
    let server = aws();
    let url = server.url().replace("http:", "https:");
    let output = finish(
        "process::two_calls",
        &with(&[
            ("AWS_ENDPOINT_URL_KMS", &url),
            ("AWS_ENDPOINT_URL_SNS", &url),
        ]),
    );
    assert!(
        text(&output.stderr).contains("DispatchFailure"),
        "{}",
        text(&output.stderr)
    );
    // A handshake record of TLS (RFC 8446, section 5.1).
    assert_eq!(
        server.first_bytes()[..2],
        [0x16, 0x03],
        "{}",
        text(&output.stderr)
    );
}

// The start of a function.

#[test]
fn without_its_variables_a_function_says_so_in_one_line_and_ends() {
    let variables = [
        ("ALERT_TOPIC_ARN", "alerts"),
        ("MINIMUM_SEVERITY", "URGENT"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much"),
        ("AWS_LAMBDA_RUNTIME_API", "/no host"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ];
    let output = finish("process::function", &variables);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let line: Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!(
        (&line["level"], &line["message"]),
        (&json!("ERROR"), &json!("invalid configuration"))
    );
    assert_eq!(line["function"], "key-deletion");
    let problems: Vec<_> = line["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem.as_str().unwrap())
        .collect();
    let expected = [
        "ALERT_TOPIC_ARN is malformed: not the ARN of an SNS topic: \"alerts\"",
        "MINIMUM_SEVERITY is malformed: not one of INFO, LOW, MEDIUM, HIGH, CRITICAL",
        "AWS_LAMBDA_FUNCTION_NAME is missing",
        "AWS_LAMBDA_FUNCTION_VERSION is missing",
        "AWS_LAMBDA_RUNTIME_API is malformed: not a host and port: \"/no host\"",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE is malformed: not a number: \"much\"",
    ];
    assert_eq!(problems, expected);
    assert_eq!(own_lines(&text(&output.stdout)), Vec::<String>::new());
}

#[test]
fn an_empty_environment_names_every_variable_that_is_needed() {
    let output = finish("process::function", &[]);
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_slice(&output.stderr).unwrap();
    let missing = [
        "ALERT_TOPIC_ARN",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
    ];
    assert_eq!(
        line["problems"],
        json!(missing.map(|name| format!("{name} is missing")))
    );
}

/// What the function wrote to stdout; the rest is the test harness.
fn own_lines(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().map(|line| {
        line.strip_prefix("test process::function ... ")
            .unwrap_or(line)
    });
    lines
        .filter(|line| !line.is_empty() && *line != "running 1 test")
        .map(str::to_owned)
        .collect()
}

/// A Lambda that has these invocations, one after the other, and then no more.
fn lambda(invocations: Vec<&'static str>) -> Server {
    lambda_until("9999999999999", invocations)
}

/// The same with a deadline in milliseconds of Unix time.
fn lambda_until(deadline: &'static str, invocations: Vec<&'static str>) -> Server {
    let rest = std::sync::Mutex::new(invocations.into_iter().enumerate());
    Server::start(move |request| {
        if !request.line.starts_with("GET ") {
            return Answer::Http(202, vec![], String::new());
        }
        match rest.lock().unwrap().next() {
            None => Answer::Silence,
            Some((number, body)) => {
                let headers = vec![
                    ("lambda-runtime-aws-request-id", format!("request-{number}")),
                    ("lambda-runtime-deadline-ms", deadline.to_owned()),
                    (
                        "lambda-runtime-invoked-function-arn",
                        "arn:aws:lambda:eu-west-3:1:function:f".to_owned(),
                    ),
                ];
                Answer::Http(200, headers, body.to_owned())
            }
        }
    })
}

fn start(runtime_api: &str, aws: &Server, more: &[(&str, &str)]) -> Running {
    let url = aws.url();
    let mut variables = with(&[
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "key-deletion"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("ALERT_TOPIC_ARN", ALERTS),
        ("AWS_REGION", "eu-west-3"),
        ("AWS_ENDPOINT_URL", url.as_str()),
    ]);
    variables.extend(more);
    Running(role("process::function", &variables))
}

fn is_answer(request: &Request) -> bool {
    request
        .line
        .starts_with("POST /2018-06-01/runtime/invocation/")
}

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

const EVENT: &str = r#"{"source":"aws.s3","detail-type":"x","detail":{}}"#;

#[test]
fn a_function_answers_and_goes_on_whatever_it_is_sent() {
    let panicking = r#"{"source":"aws.s3","detail-type":"panic","detail":{}}"#;
    let lambda = lambda(vec![
        EVENT,
        "this is not JSON",
        "",
        panicking,
        r#"{"no":"event"}"#,
        EVENT,
    ]);
    let aws = aws();
    let running = start(&lambda.address, &aws, &[]);
    let answers = lambda.wait_for(6, is_answer);
    let (out, err) = running.stop();

    let ignored =
        json!({ "outcome": "ignored", "alerts": [], "reason": "nothing is of interest here" });
    assert!(
        answers[0].line.contains("/request-0/response "),
        "{}",
        answers[0].line
    );
    assert_eq!(body(&answers[0]), ignored);

    for (number, answer) in [(1, &answers[1]), (2, &answers[2]), (3, &answers[3])] {
        assert!(
            answer.line.contains(&format!("/request-{number}/error ")),
            "{}",
            answer.line
        );
    }
    assert!(
        body(&answers[1])["errorMessage"]
            .as_str()
            .unwrap()
            .contains("deserialize"),
        "{}",
        answers[1].body
    );
    assert_eq!(
        body(&answers[3])["errorMessage"],
        "Lambda panicked: this is not an exercise"
    );

    // What is JSON but no event is told to people.
    assert!(
        answers[4].line.contains("/request-4/response "),
        "{} {}",
        answers[4].line,
        answers[4].body
    );
    assert_eq!(body(&answers[4])["outcome"], "delivered");
    assert_eq!(
        aws.wait_for(1, |request| request.operation() == "Publish")
            .len(),
        1
    );

    assert!(
        answers[5].line.contains("/request-5/response "),
        "{}",
        answers[5].line
    );
    assert_eq!(body(&answers[5]), ignored);

    assert!(err.contains("this is not an exercise"), "{err}");
    let lines: Vec<Value> = own_lines(&out)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "WARN")
        .collect();
    assert_eq!(warnings.len(), 1, "{out}");
    assert_eq!(
        warnings[0]["fields"]["message"],
        "no ledger: no de-duplication, no memory"
    );
    assert_eq!(warnings[0]["fields"]["function"], "key-deletion");
}

#[test]
fn a_function_that_cannot_publish_fails_and_says_why() {
    let lambda = lambda(vec![r#"{"no":"event"}"#]);
    let aws = Server::start(|request| {
        match request.operation() {
        "Publish" => Answer::Http(
            403,
            vec![],
            "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not you</Message></Error></ErrorResponse>"
                .into(),
        ),
        _ => Answer::ok("{}"),
    }
    });
    let running = start(&lambda.address, &aws, &[("LEDGER_TABLE", "ledger")]);
    let answers = lambda.wait_for(1, is_answer);
    let (out, _) = running.stop();
    assert!(
        answers[0].line.contains("/request-0/error "),
        "{}",
        answers[0].line
    );
    assert_eq!(body(&answers[0])["errorType"], "PublishFailed");
    let message = body(&answers[0])["errorMessage"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.contains(ALERTS) && message.contains("AuthorizationError: not you"),
        "{message}"
    );
    assert!(!out.contains("no de-duplication"), "{out}");
    // The claim is left to whoever is asked next.
    let written = aws.wait_for(2, |request| request.operation() == "PutItem");
    assert!(written[1].body.contains(":version"), "{}", written[1].body);
}

#[test]
fn a_function_opens_its_connections_before_it_asks_for_an_event() {
    let lambda = lambda(vec![EVENT]);
    let aws = aws();
    let running = start(
        &lambda.address,
        &aws,
        &[
            ("FEED_TOPIC_ARN", "arn:aws:sns:eu-west-3:111122223333:feed"),
            ("LEDGER_TABLE", "ledger"),
        ],
    );
    lambda.wait_for(1, |request| request.line.starts_with("GET "));
    let operations = operations(&aws);
    running.stop();
    let count = |name: &str| {
        operations
            .iter()
            .filter(|operation| *operation == name)
            .count()
    };
    assert_eq!(
        (
            count("ListAliases"),
            count("GetTopicAttributes"),
            count("BatchGetItem")
        ),
        (6, 2, 3),
        "{operations:?}"
    );
}

#[test]
fn without_a_runtime_api_a_function_says_so_in_one_line_and_ends() {
    // Nobody listens on the first port, and the system gives it to nobody.
    let running = start("127.0.0.1:1", &aws(), &[]);
    let output = wait(running);
    assert_eq!(output.0, Some(1));
    assert_eq!(output.1.lines().count(), 1, "{}", output.1);
    let line: Value = serde_json::from_str(&output.1).unwrap();
    assert_eq!(
        (&line["level"], &line["message"]),
        (&json!("ERROR"), &json!("the Lambda Runtime API failed"))
    );
    assert!(
        line["problems"][0]
            .as_str()
            .unwrap()
            .contains("Connection refused"),
        "{line}"
    );
}

/// Waits for the end: exit code and stderr.
fn wait(mut running: Running) -> (Option<i32>, String) {
    use std::io::Read;
    let code = running.0.wait().unwrap().code();
    let mut err = String::new();
    running
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    (code, err)
}

/// The variables of a sweep without a Region of its own.
fn sweep_on(runtime_api: &str, more: &[(&'static str, &'static str)]) -> Running {
    let mut variables = with(&[
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "key-inventory"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("ALERT_TOPIC_ARN", ALERTS),
        ("LEDGER_TABLE", "ledger"),
        ("METRIC_NAMESPACE", "Keys"),
    ]);
    variables.extend(more);
    Running(role("process::sweep", &variables))
}

#[test]
fn a_function_with_a_handler_of_its_own_gets_settings_clients_and_invocations() {
    let lambda = lambda(vec![r#"{"any":["JSON"]}"#, r#""fail""#, "7"]);
    let running = sweep_on(&lambda.address, &[]);
    let answers = lambda.wait_for(3, is_answer);
    running.stop();
    assert!(
        answers[0].line.contains("/request-0/response "),
        "{}",
        answers[0].line
    );
    let mut first = body(&answers[0]);
    // Until the year 2286.
    let left = first["timeLeft"].take().as_u64().unwrap();
    assert!((7_000_000_000..10_000_000_000).contains(&left), "{left}");
    let expected = json!({
        "payload": { "any": ["JSON"] },
        "request": "request-0",
        "timeLeft": null,
        "namespace": "Keys",
        // The topic's.
        "region": "eu-west-3",
    });
    assert_eq!(first, expected);

    assert!(
        answers[1].line.contains("/request-1/error "),
        "{}",
        answers[1].line
    );
    let expected = json!({
        "errorType": "SweepUnfinished",
        "errorMessage": "the sweep is unfinished: no time left",
    });
    assert_eq!(body(&answers[1]), expected);
    assert_eq!(body(&answers[2])["payload"], 7);
}

#[test]
fn a_deadline_that_nobody_knows_is_none() {
    let lambda = lambda_until("0", vec!["{}"]);
    let running = sweep_on(&lambda.address, &[("AWS_REGION", "eu-west-1")]);
    let answers = lambda.wait_for(1, is_answer);
    running.stop();
    let answer = body(&answers[0]);
    assert_eq!(
        (&answer["timeLeft"], &answer["region"]),
        (&Value::Null, &json!("eu-west-1"))
    );
}

#[test]
fn a_function_with_settings_of_its_own_names_all_that_is_wrong_with_them() {
    let output = finish(
        "process::sweep",
        &[
            ("ALERT_TOPIC_ARN", ALERTS),
            ("DIGEST", "DAILY"),
            ("AWS_LAMBDA_RUNTIME_API", "/no host"),
            ("AWS_LAMBDA_FUNCTION_NAME", "key-inventory"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(line["function"], "key-inventory");
    assert_eq!(line["message"], "invalid configuration");
    let problems: Vec<_> = line["problems"].as_array().unwrap().iter().collect();
    let expected = [
        "AWS_LAMBDA_FUNCTION_VERSION is missing",
        "LEDGER_TABLE is missing",
        "DIGEST is malformed: \"DAILY\": neither WEEKLY nor OFF",
        "AWS_LAMBDA_RUNTIME_API is malformed: not a host and port: \"/no host\"",
    ];
    assert_eq!(problems, expected);
}
