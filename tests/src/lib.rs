//! A built function as Lambda runs it, on the embedded AWS: what the black-box tests hold.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use watch_local::{
    Invocation, LambdaRuntime, LocalAws, Moment, Options, Published, RuntimeOptions,
};

pub use watch_template as template;

pub mod command;
pub mod deployed;
pub mod listed;
pub mod year;

/// Longest wait for anything that a function does. Generous: a loaded machine is slow, and no test measures time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Name of the ledger's table, that of `template.yaml` in a stack of tests.
pub const LEDGER: &str = "kms-watch-Ledger";

/// A function without a ledger.
pub const NO_LEDGER: [(&str, &str); 1] = [("LEDGER_TABLE", "")];

/// The workspace.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A sample event, by its path below `events/`.
///
/// # Panics
///
/// If there is no such file, or no JSON in it.
pub fn event(path: &str) -> Value {
    let text = std::fs::read(repository().join("events").join(path)).expect(path);
    serde_json::from_slice(&text).expect(path)
}

/// The built binary of a function.
///
/// Cargo names binaries only to tests of their own package, so they are built here: in one go, with the features of the
/// whole workspace, which a `cargo demo` or `cargo test` has compiled already.
///
/// # Panics
///
/// If the build fails.
pub fn binary(function: &str) -> &'static Path {
    static BINARIES: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let binaries = BINARIES.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        // What the cargo around this says of the package that it runs. Ring's build script heeds it, and with it ring, and
        // all that stands on it, would be built again.
        let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in inherited
            .filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            build.env_remove(name);
        }
        let output = build
            .args([
                "build",
                "--workspace",
                "--bins",
                "--message-format=json",
                "--quiet",
            ])
            .current_dir(repository())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
        // The compiler's errors are among the messages, not on the standard error.
        let error = |line| {
            let message: Value = serde_json::from_str(line).ok()?;
            Some(message["message"]["rendered"].as_str()?.to_owned())
        };
        assert!(
            output.status.success(),
            "the binaries do not build:\n{}",
            messages.lines().filter_map(error).collect::<String>()
        );
        let artifact = |line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let path = message["executable"].as_str()?.into();
            Some((message["target"]["name"].as_str()?.to_owned(), path))
        };
        messages.lines().filter_map(artifact).collect()
    });
    binaries
        .get(function)
        .unwrap_or_else(|| panic!("no binary {function} among {binaries:?}"))
}

/// A function's process under a Runtime API, with three topics and a ledger on an AWS of its own.
pub struct Function {
    /// The embedded AWS.
    pub aws: Arc<LocalAws>,
    /// The Runtime API.
    pub lambda: LambdaRuntime,
    process: Arc<Mutex<Child>>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Function {
    /// Starts the function's binary with no more environment than Lambda's and `variables`; an empty value unsets one.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(function: &str, variables: &[(&str, &str)]) -> Self {
        let aws = LocalAws::start(Options::default()).expect("the embedded AWS starts");
        Self::start_on(aws, function, variables)
    }

    /// The same on an AWS that is there already.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start_on(
        aws: impl Into<Arc<LocalAws>>,
        function: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let options = RuntimeOptions::default();
        Self::start_binary(aws, binary(function), function, variables, options)
    }

    /// The same with a binary that somebody else built, under Lambda's settings of one's own.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start_binary(
        aws: impl Into<Arc<LocalAws>>,
        binary: &Path,
        function: &str,
        variables: &[(&str, &str)],
        options: RuntimeOptions,
    ) -> Self {
        let aws = aws.into();
        aws.create_table(LEDGER);
        let lambda = LambdaRuntime::start(options).expect("the Runtime API starts");
        let mut environment: BTreeMap<String, String> = [
            ("AWS_ENDPOINT_URL", aws.endpoint_url()),
            ("AWS_REGION", aws.region().to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDFUNCTION".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("ALERT_TOPIC_ARN", aws.create_topic("people")),
            ("CHAT_TOPIC_ARN", aws.create_topic("chat")),
            ("FEED_TOPIC_ARN", aws.create_topic("feed")),
            ("LEDGER_TABLE", LEDGER.to_owned()),
        ]
        .into_iter()
        .chain(lambda.environment(function))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for (name, value) in variables {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        environment.retain(|_, value| !value.is_empty());
        let mut process = Command::new(binary)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the function starts");
        // Read all the time: a function must not wait for somebody to read its log.
        let stdout = process.stdout.take().map(drain);
        let stderr = process.stderr.take().map(drain);
        Self {
            aws,
            lambda,
            process: Arc::new(Mutex::new(process)),
            stdout,
            stderr,
        }
    }

    /// Invokes the function and waits for what becomes of it.
    pub fn invoke(&self, payload: impl Into<Vec<u8>>) -> Invocation {
        self.lambda.invoke(payload.into(), PATIENCE)
    }

    /// Invokes the function with an event that it must answer.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn handle(&self, event: &Value) -> Value {
        match self.invoke(event.to_string()) {
            Invocation::Response(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the function asks for its first event.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn ready(&self) {
        assert!(
            self.lambda.wait_for_polls(1, PATIENCE),
            "the function does not start"
        );
    }

    /// Invokes the function once more with an event that it, or another process, did not get done.
    pub fn retry(&self, request_id: &str, payload: impl Into<Vec<u8>>) -> Invocation {
        self.lambda.retry(request_id, payload.into());
        self.lambda.wait(request_id, PATIENCE)
    }

    /// Kills the process when the n-th call from now on comes to `moment`, as Lambda ends an environment.
    pub fn kill_at(&self, call: u64, moment: Moment) {
        let process = Arc::clone(&self.process);
        self.aws.on_call(call, moment, move |_| end(&process));
    }

    /// The most memory that the process has held so far, in KiB, where the system tells (Linux).
    pub fn peak_memory(&self) -> Option<u64> {
        let process = lock(&self.process).id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }

    /// What a topic has received since the last time.
    pub fn received(&self, topic: &str) -> Vec<Published> {
        self.aws.take_published(&self.aws.create_topic(topic))
    }

    /// The alerts on the feed since the last time.
    ///
    /// # Panics
    ///
    /// If one is no JSON.
    pub fn feed(&self) -> Vec<Value> {
        let messages = self.received("feed");
        messages
            .iter()
            .map(|message| serde_json::from_str(&message.message).expect("JSON on the feed"))
            .collect()
    }

    /// Waits for the process to end.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn ended(&self) -> ExitStatus {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            match lock(&self.process)
                .try_wait()
                .expect("the process can be waited for")
            {
                Some(status) => return status,
                None if std::time::Instant::now() > deadline => panic!("the function does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Waits for the process to end: its status, stdout and stderr.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn end(mut self) -> (ExitStatus, String, String) {
        let status = self.ended();
        let text = |reader: Option<JoinHandle<String>>| {
            reader
                .and_then(|reader| reader.join().ok())
                .expect("the output is read to its end")
        };
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        (status, stdout, stderr)
    }
}

/// A panic of another thread has nothing to say about the process.
fn lock(process: &Mutex<Child>) -> MutexGuard<'_, Child> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end(process: &Mutex<Child>) {
    let mut process = lock(process);
    // It may have ended by itself.
    let _ = process.kill();
    let _ = process.wait();
}

/// Reads a stream to its end on a thread of its own.
fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("UTF-8");
        text
    })
}

impl Drop for Function {
    fn drop(&mut self) {
        end(&self.process);
    }
}
