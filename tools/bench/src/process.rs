//! A process from its first instruction to its end.
//!
//! It is started through this program itself ([`launch`]), which enters the control group, writes down what it has used so
//! far, and becomes the process: what comes after is the process's own.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cgroup::Share;
use crate::clock;

/// The first argument that asks for [`launch`]. Nobody types it.
pub(crate) const LAUNCH: &str = "--launch";

/// Stands for no control group.
const NOWHERE: &str = "-";

/// What is started.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) directory: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
}

/// A process that was started, until this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// When it began to be itself.
    pub(crate) began: Duration,
    /// What was used before.
    before: Duration,
    output: Vec<JoinHandle<String>>,
}

/// What a process used of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// The most that was resident, in bytes.
    pub(crate) peak: u64,
}

impl Process {
    /// Starts `program` with nothing of this process's environment, in `share` from the beginning if there is one.
    pub(crate) fn start(program: &Program, share: Option<&Share>) -> io::Result<Self> {
        let group = share.map_or_else(|| NOWHERE.into(), Share::processes);
        let mut child = Command::new(std::env::current_exe()?)
            .arg(LAUNCH)
            .arg(group)
            .arg(&program.path)
            .args(&program.arguments)
            .current_dir(&program.directory)
            .env_clear()
            .envs(program.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdout = child.stdout.take().map(BufReader::new);
        let stderr = child.stderr.take();
        let launched = stdout.as_mut().map_or(Ok(None), launched)?;
        let Some((began, before)) = launched else {
            let _ = child.kill();
            child.wait()?;
            let mut problem = String::new();
            stderr.map_or(Ok(0), |mut stderr| stderr.read_to_string(&mut problem))?;
            return Err(io::Error::other(problem));
        };
        // Read all the time: a process must not wait for somebody to read its log.
        let output = vec![drain(stdout), drain(stderr)];
        Ok(Self {
            child,
            began,
            before,
            output,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has used of the processors.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        Ok(clock::cpu(self.id())?.saturating_sub(self.before))
    }

    /// The same, once nothing was used for `pause`: an answer is out before the process is done with it.
    pub(crate) fn settled_cpu(&self, pause: Duration) -> io::Result<Duration> {
        /// Less than this is no work: timers that look at the clock.
        const IDLE: Duration = Duration::from_micros(20);
        let mut last = self.cpu()?;
        for _ in 0..40 {
            std::thread::sleep(pause);
            let now = self.cpu()?;
            if now.saturating_sub(last) < IDLE {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    pub(crate) fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        let peak = peak.ok_or_else(|| io::Error::other("no VmHWM"))? * 1_024;
        Ok(Memory { peak })
    }

    /// Ends it: what it wrote to stdout and stderr.
    pub(crate) fn end(mut self) -> String {
        self.kill();
        let output = self
            .output
            .drain(..)
            .filter_map(|output| output.join().ok());
        output.collect::<Vec<_>>().join("\n")
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The line of [`launch`]: when it became the process, and what it had used.
fn launched(stdout: &mut BufReader<ChildStdout>) -> io::Result<Option<(Duration, Duration)>> {
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let mut numbers = line.split_whitespace().map(str::parse);
    Ok(match (numbers.next(), numbers.next()) {
        (Some(Ok(began)), Some(Ok(before))) => {
            Some((Duration::from_nanos(began), Duration::from_nanos(before)))
        }
        _ => None,
    })
}

/// Reads a stream to its end on a thread of its own.
fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before it broke is enough.
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Enters a control group and becomes a program: `--launch <group> <program> <arguments>`.
pub(crate) fn launch(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(group), Some(program)) = (arguments.next(), arguments.next()) else {
        return ExitCode::FAILURE;
    };
    let entered = if group == NOWHERE {
        Ok(())
    } else {
        // 0 is whoever writes it.
        fs::write(&group, "0")
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let become_it = || -> io::Result<()> {
        entered?;
        let used = clock::own_cpu()?;
        writeln!(
            io::stdout(),
            "{} {}",
            clock::now().as_nanos(),
            used.as_nanos()
        )?;
        Err(command.exec())
    };
    if let Err(error) = become_it() {
        // Where stderr is closed, the exit code has to do.
        let _ = writeln!(io::stderr(), "{error}");
    }
    ExitCode::FAILURE
}
