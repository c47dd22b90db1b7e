//! The binary, its environment, and an AWS that has the time of day.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use watch_local::{LocalAws, Options};

pub(crate) const ACCESS_KEY: &str = "AKIDENVIRONMENT";

/// An AWS whose clock shows the real time, by which the binary judges dates.
pub(crate) fn aws() -> LocalAws {
    let aws = account("111122223333");
    aws.set_regions(&["us-east-1"]);
    aws
}

/// Another account, which has all Regions that every account has.
pub(crate) fn account(id: &str) -> LocalAws {
    LocalAws::start(Options {
        account: id.to_owned(),
        start: now(),
        // So that a key of which no use is recorded is one that was never used.
        usage_tracking_start: days(-3_000),
        ..Options::default()
    })
    .unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the binary asks the clock of the machine"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// So many days from now.
pub(crate) fn days(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

/// An empty folder.
pub(crate) fn folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("kms-watch-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The binary with these arguments, in a folder of its own and with nothing of the caller's environment.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    any(&[&["inventory"], arguments].concat())
}

/// Any command of the binary, with credentials and a Region, at this AWS.
pub(crate) fn command(aws: &LocalAws, words: &[&str]) -> Command {
    with_credentials(any(words), &aws.endpoint_url())
}

fn any(arguments: &[&str]) -> Command {
    let home = folder();
    let (config, credentials) = (home.join("config"), home.join("credentials"));
    for file in [&config, &credentials] {
        std::fs::write(file, "").unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_kms-watch"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", &home)
        .env("AWS_CONFIG_FILE", config)
        .env("AWS_SHARED_CREDENTIALS_FILE", credentials)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// The same with credentials and a Region, at `endpoint`.
pub(crate) fn at(endpoint: &str, arguments: &[&str]) -> Command {
    with_credentials(bare(arguments), endpoint)
}

fn with_credentials(mut command: Command, endpoint: &str) -> Command {
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

pub(crate) fn run(aws: &LocalAws, arguments: &[&str]) -> Ran {
    Ran::of(at(&aws.endpoint_url(), arguments))
}

pub(crate) fn demo(arguments: &[&str]) -> Ran {
    Ran::of(bare(&[&["--demo"], arguments].concat()))
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(mut command: Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// The keys of the report as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.report()["keys"].as_array().unwrap().clone()
    }

    /// The report as JSON, whatever the exit code is. It is what the published schema says, and has every member of it.
    pub(crate) fn report(&self) -> Value {
        self.by_schema("inventory-1.0.json")
    }

    /// The plan as JSON, in the same way.
    pub(crate) fn plan(&self) -> Value {
        self.by_schema("plan-1.0.json")
    }

    fn by_schema(&self, name: &str) -> Value {
        let report = serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?}"));
        let schema = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/schema")
            .join(name);
        let schema = std::fs::read_to_string(schema).unwrap();
        let mut schema = serde_json::from_str(&schema).unwrap();
        close(&mut schema);
        let schema = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = schema
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        report
    }

    /// The report as CSV: each key's cells by title.
    pub(crate) fn csv(&self) -> Vec<BTreeMap<String, String>> {
        assert_eq!(self.code, Some(0), "{self:?}");
        let mut reader = csv::Reader::from_reader(self.out.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A member that the schema does not describe is found, and one that it describes has to be there.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if let Some(described) = members.get("properties").and_then(Value::as_object) {
                let all: Vec<_> = described.keys().cloned().map(Value::from).collect();
                members.insert("additionalProperties".to_owned(), false.into());
                members.insert("required".to_owned(), all.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
