//! What is measured: the functions, the floor, and others that do the same job.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::read::DeflateEncoder;
use serde::Serialize;
use serde_json::Value;

use crate::process::Program;
use crate::tls::{Certificates, system_bundle};

/// The function that the others are compared with: they do its job.
pub(crate) const MAIN: &str = "key-deletion";

/// The least that is possible.
pub(crate) const FLOOR: &str = "floor";

/// The job in Python, call after call, and with threads.
pub(crate) const SERIAL: &str = "boto3";
pub(crate) const THREADS: &str = "boto3, threads";

/// The function that is no event's, but a sweep over all keys.
const SWEEP: &str = "key-inventory";

/// The functions, each with an event that makes it do its most usual work.
const FUNCTIONS: [(&str, &str); 7] = [
    (MAIN, "ct-schedule-key-deletion.json"),
    ("key-rotation", "kms-rotation-automatic-new.json"),
    (
        "material-expiration",
        "kms-imported-material-expiration-new.json",
    ),
    ("key-activity", "ct-put-key-policy.json"),
    (
        "key-misuse",
        "ct-decrypt-pending-deletion-invalid-state.json",
    ),
    ("alarm-relay", "alarm-xks-errors-contributor.json"),
    (SWEEP, "full.json"),
];

/// The main function's job with a key that others depend on: a second alert, about them, follows the first.
pub(crate) const DEPENDED: &str = "key-deletion+dependants";
/// What the id of the key is in its event, and how the id of a key begins that others depend on.
const KEY: &str = "5f0c1b7e-2a94";
pub(crate) const DEPENDED_KEY: &str = "d0d0d0d0-2a94";

/// In the answer of a function that told of its event.
const DELIVERED: &str = r#""outcome":"delivered""#;

/// The value of a variable that stands for the path of a trust store with the stub's authority alone.
const SMALL_TRUST: &str = "@small-trust";

/// The floor's binary.
const FLOOR_BINARY: &str = "bench-floor";

/// Something that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) program: Program,
    /// The event, whose ids are replaced each time.
    pub(crate) event: String,
    /// What is deployed, if that is one file.
    pub(crate) size: Option<Size>,
    /// A sweep is some hundred events' work.
    pub(crate) is_sweep: bool,
    /// The answer must have this in it.
    pub(crate) answer: &'static str,
}

/// How large a binary is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Size {
    pub(crate) binary: u64,
    /// Compressed as in the ZIP file that is uploaded.
    pub(crate) zipped: u64,
}

/// Why there is nothing to measure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubjectError {
    #[error("failed to build {0}")]
    Build(String),
    #[error("failed to read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to run {0}")]
    Run(String, #[source] io::Error),
    #[error("failed to write the trust store")]
    Trust(#[source] io::Error),
}

/// Where things are.
#[derive(Debug)]
pub(crate) struct Places {
    /// The repository.
    repository: PathBuf,
    /// For what is made on the way, and is the same for every run.
    work: PathBuf,
    /// For what is this run's alone. It goes when this is dropped.
    run: PathBuf,
}

impl Places {
    pub(crate) fn new() -> io::Result<Self> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        // target/<profile>/bench-lambda
        let program = std::env::current_exe()?;
        let target = program.parent().and_then(Path::parent);
        let target = target.ok_or_else(|| io::Error::other("this program is nowhere"))?;
        let work = target.join("bench");
        let run = work.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&run)?;
        Ok(Self {
            repository,
            work,
            run,
        })
    }

    /// A trust store with the stub's authority alone.
    fn small_trust(&self) -> PathBuf {
        self.run.join("small-trust.pem")
    }

    fn peers(&self) -> PathBuf {
        self.repository.join("tools/bench/peers/python")
    }

    /// The interpreter for the Python peers.
    fn python(&self) -> PathBuf {
        self.work.join("python/bin/python")
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        // What stays behind is a few files below `target`.
        let _ = fs::remove_dir_all(&self.run);
    }
}

/// How the binaries are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build<'a> {
    /// Each by itself, as it is deployed, with this profile of cargo.
    Alone(&'a str),
    /// As tests have them: all together, unoptimised.
    Together,
}

/// The functions and the floor, and other builds of the main one: each a path, and variables after commas.
pub(crate) fn natives(
    places: &Places,
    certificates: &Certificates,
    how: Build<'_>,
    compared: &[String],
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Subject>, SubjectError> {
    let store = places.run.join("native-trust.pem");
    let bundle = system_bundle();
    certificates
        .trust(bundle.as_deref(), &store)
        .and_then(|()| certificates.trust(None, &places.small_trust()))
        .map_err(SubjectError::Trust)?;
    let environment = environment([("SSL_CERT_FILE", &store)]);
    let native = |path: &Path| Program {
        path: path.to_owned(),
        arguments: Vec::new(),
        directory: places.work.clone(),
        environment: environment.clone(),
    };
    let mut binaries = BTreeMap::new();
    if how == Build::Together {
        binaries = build(places, &["--workspace", "--bins"])?;
    }
    let mut binary = |package: &str, name: &str| -> Result<PathBuf, SubjectError> {
        if let Build::Alone(profile) = how {
            // Built together they get each other's features.
            let arguments = ["--profile", profile, "--package", package, "--bin", name];
            binaries.append(&mut build(places, &arguments)?);
        }
        let path = binaries.get(name);
        path.cloned()
            .ok_or_else(|| SubjectError::Build(name.to_owned()))
    };
    let mut subjects = Vec::new();
    if wanted(FLOOR) {
        let program = native(&binary("watch-bench", FLOOR_BINARY)?);
        subjects.push(of_main(places, FLOOR, program, "ScheduleKeyDeletion")?);
    }
    for (name, file) in FUNCTIONS.into_iter().filter(|(name, _)| wanted(name)) {
        let program = native(&binary(name, name)?);
        subjects.push(function(places, (name, file), program)?);
    }
    if wanted(DEPENDED) {
        let program = native(&binary(MAIN, MAIN)?);
        let subject = of_main(places, DEPENDED, program, "DependantsFound")?;
        subjects.push(Subject {
            event: subject.event.replace(KEY, DEPENDED_KEY),
            ..subject
        });
    }
    for other in compared {
        subjects.push(other_build(places, other, native)?);
    }
    // What is not deployed so has no size of interest, and is long to compress.
    if matches!(how, Build::Alone(_)) {
        for subject in subjects.iter_mut().filter(|it| it.name != DEPENDED) {
            subject.size = size(&subject.program.path);
        }
    }
    Ok(subjects)
}

/// A function with its own event.
fn function(
    places: &Places,
    (name, file): (&str, &str),
    program: Program,
) -> Result<Subject, SubjectError> {
    let is_sweep = name == SWEEP;
    Ok(Subject {
        name: name.to_owned(),
        size: None,
        program,
        event: event(places, name, file)?,
        is_sweep,
        answer: if is_sweep {
            "\"finished\":true"
        } else {
            DELIVERED
        },
    })
}

/// A program with the event of the main function.
fn of_main(
    places: &Places,
    name: &str,
    program: Program,
    answer: &'static str,
) -> Result<Subject, SubjectError> {
    Ok(Subject {
        name: name.to_owned(),
        program,
        event: event(places, MAIN, FUNCTIONS[0].1)?,
        size: None,
        is_sweep: false,
        answer,
    })
}

/// Another build of the main function: its path, and variables after commas.
fn other_build(
    places: &Places,
    other: &str,
    native: impl Fn(&Path) -> Program,
) -> Result<Subject, SubjectError> {
    let mut parts = other.split(',');
    let path = PathBuf::from(parts.next().unwrap_or_default());
    let mut program = native(&path);
    let variables = parts.filter_map(|part| part.split_once('='));
    let variables = variables.map(|(name, value)| {
        let value = match value {
            SMALL_TRUST => places.small_trust().display().to_string(),
            value => value.to_owned(),
        };
        (name.to_owned(), value)
    });
    program.environment.extend(variables);
    Ok(Subject {
        name: other.to_owned(),
        size: None,
        program,
        event: event(places, MAIN, FUNCTIONS[0].1)?,
        is_sweep: false,
        answer: DELIVERED,
    })
}

/// The Python peers, or why there are none. They are installed if `install` says so.
pub(crate) fn pythons(
    places: &Places,
    certificates: &Certificates,
    install: bool,
    wanted: impl Fn(&str) -> bool,
) -> Result<Result<Vec<Subject>, String>, SubjectError> {
    let python = places.python();
    if !wanted(SERIAL) && !wanted(THREADS) {
        return Ok(Ok(Vec::new()));
    }
    if install && let Err(problem) = install_python(places) {
        return Ok(Err(problem));
    }
    if !python.is_file() {
        return Ok(Err("boto3 and awslambdaric are not installed".to_owned()));
    }
    let run = |code: &str| {
        let output = Command::new(&python).args(["-c", code]).output();
        let output = output.map_err(|error| SubjectError::Run("Python".to_owned(), error))?;
        Ok::<_, SubjectError>(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let bundle = run(
        "import os, botocore; print(os.path.join(os.path.dirname(botocore.__file__), 'cacert.pem'))",
    )?;
    let store = places.run.join("python-trust.pem");
    certificates
        .trust(Some(Path::new(&bundle)), &store)
        .map_err(SubjectError::Trust)?;
    // Lambda has the code compiled, too.
    let code = places.work.join("handler");
    let copied = fs::create_dir_all(&code)
        .and_then(|()| fs::copy(places.peers().join("handler.py"), code.join("handler.py")));
    copied.map_err(SubjectError::Trust)?;
    let compiled = Command::new(&python)
        .args(["-m", "compileall", "-q"])
        .arg(&code)
        .status();
    compiled.map_err(|error| SubjectError::Run("Python".to_owned(), error))?;
    let peers = [(SERIAL, "serial"), (THREADS, "threads")];
    let event = event(places, MAIN, FUNCTIONS[0].1)?;
    let subject = |(name, handler): (&str, &str)| Subject {
        name: name.to_owned(),
        program: Program {
            path: python.clone(),
            arguments: ["-m", "awslambdaric", &format!("handler.{handler}")]
                .map(OsString::from)
                .to_vec(),
            directory: code.clone(),
            environment: environment([("AWS_CA_BUNDLE", &store)]),
        },
        event: event.clone(),
        size: None,
        is_sweep: false,
        answer: "delivered",
    };
    let peers = peers.into_iter().filter(|(name, _)| wanted(name));
    Ok(Ok(peers.map(subject).collect()))
}

/// The versions that the peers are made of.
pub(crate) fn python_versions(places: &Places) -> Option<String> {
    let code = "import sys, importlib.metadata as m\n\
                print('Python', sys.version.split()[0], *(f'{p} {m.version(p)}' for p in ('boto3', 'awslambdaric')), sep=', ')";
    let output = Command::new(places.python()).args(["-c", code]).output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    Some(text.trim().replacen("Python, ", "Python ", 1))
}

/// Makes a virtual environment with what the peers need, unless it is there.
fn install_python(places: &Places) -> Result<(), String> {
    let wanted = places.peers().join("requirements.txt");
    let text = fs::read_to_string(&wanted).map_err(|error| error.to_string())?;
    let stamp = places.work.join("python/installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(());
    }
    let run = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            let error = String::from_utf8_lossy(&output.stderr);
            let last = error.trim().lines().last().unwrap_or("it failed");
            Err(last.to_owned())
        }
    };
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(places.work.join("python")))
    .map_err(|error| format!("no virtual environment of Python: {error}"))?;
    run(Command::new(places.python())
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(&wanted))
    .map_err(|error| format!("boto3 and awslambdaric are not to be had: {error}"))?;
    fs::write(stamp, text).map_err(|error| error.to_string())
}

/// Builds binaries: their paths by name.
fn build(places: &Places, arguments: &[&str]) -> Result<BTreeMap<String, PathBuf>, SubjectError> {
    let mut build = Command::new(env!("CARGO"));
    // What cargo says of the package that it runs here: ring's build script would take it for a change of its own.
    let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let of_this =
        |name: &String| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for name in inherited.filter(of_this) {
        build.env_remove(name);
    }
    let output = build
        .args(["build", "--quiet", "--message-format=json"])
        .args(arguments)
        .current_dir(&places.repository)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| SubjectError::Run("cargo".to_owned(), error))?;
    if !output.status.success() {
        return Err(SubjectError::Build(arguments.join(" ")));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifact = |line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = message["executable"].as_str()?.into();
        Some((message["target"]["name"].as_str()?.to_owned(), path))
    };
    Ok(messages.lines().filter_map(artifact).collect())
}

/// What Lambda sets, and the functions' own settings.
fn environment<'a>(
    more: impl IntoIterator<Item = (&'a str, &'a PathBuf)>,
) -> Vec<(String, String)> {
    const TOPICS: &str = "arn:aws:sns:us-east-1:111122223333";
    [
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "ASIABENCH".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "bench".to_owned()),
        ("AWS_SESSION_TOKEN", "bench".repeat(140)),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("ALERT_TOPIC_ARN", format!("{TOPICS}:people")),
        ("CHAT_TOPIC_ARN", format!("{TOPICS}:chat")),
        ("FEED_TOPIC_ARN", format!("{TOPICS}:feed")),
        ("LEDGER_TABLE", "ledger".to_owned()),
    ]
    .into_iter()
    .chain(
        more.into_iter()
            .map(|(name, path)| (name, path.display().to_string())),
    )
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn event(places: &Places, function: &str, file: &str) -> Result<String, SubjectError> {
    let path = places.repository.join("events").join(function).join(file);
    fs::read_to_string(&path).map_err(|source| SubjectError::Read { path, source })
}

fn size(path: &Path) -> Option<Size> {
    let file = fs::File::open(path).ok()?;
    let binary = file.metadata().ok()?.len();
    let mut zip = DeflateEncoder::new(file, Compression::default());
    let zipped = io::copy(&mut zip, &mut io::sink()).ok()?;
    Some(Size { binary, zipped })
}

/// The event as another one: its ids, and those of the key, end in `number`.
pub(crate) fn fresh(event: &str, number: u64) -> String {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let is_uuid = |text: &str| {
        let groups = text.split('-').map(|group| {
            group
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit())
                .then_some(group.len())
        });
        groups.eq(LENGTHS.map(Some))
    };
    let mut fresh = String::with_capacity(event.len());
    let mut rest = event;
    while let Some(character) = rest.chars().next() {
        if let Some(uuid) = rest.get(..36).filter(|text| is_uuid(text)) {
            fresh.push_str(&uuid[..24]);
            fresh.push_str(&format!("{number:012x}"));
            rest = &rest[36..];
        } else {
            fresh.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_event_has_other_ids_and_is_the_same_otherwise() {
        let event = r#"{"id":"56407f68-8677-4aa1-a5b3-a9c722da5bec","é":"key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913","n":1}"#;
        let expected = r#"{"id":"56407f68-8677-4aa1-a5b3-0000000000ff","é":"key/5f0c1b7e-2a94-4d3e-9c61-0000000000ff","n":1}"#;
        assert_eq!(fresh(event, 255), expected);
        assert_eq!(fresh("{}", 1), "{}");
    }
}
