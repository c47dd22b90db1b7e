//! A pager for what is longer than a screen, where there is a screen.

use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use anstream::AutoStream;

/// Where to write, and who reads it.
pub(crate) struct Pager {
    pub(crate) out: Box<dyn Write>,
    pub(crate) reader: Reader,
}

/// Whoever has to have read everything before the command ends.
pub(crate) struct Reader(Option<Child>);

impl Pager {
    /// The user's pager if standard output is a terminal. `less` shows at once what fits on the screen, and ends.
    pub(crate) fn start() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::none();
        }
        let colours = AutoStream::choice(&stdout);
        let Some(mut child) = spawn() else {
            return Self::none();
        };
        let Some(pipe) = child.stdin.take() else {
            return Self::none();
        };
        Self {
            out: Box::new(AutoStream::new(Box::new(pipe) as Box<dyn Write>, colours)),
            reader: Reader(Some(child)),
        }
    }

    /// Standard output itself.
    pub(crate) fn none() -> Self {
        Self {
            out: Box::new(anstream::stdout().lock()),
            reader: Reader(None),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "which pager is the user's is said in the environment"
)]
fn spawn() -> Option<Child> {
    let pager = std::env::var("PAGER").ok();
    let pager = pager.filter(|words| !words.trim().is_empty());
    let pager = pager.unwrap_or_else(|| "less".to_owned());
    let mut words = pager.split_whitespace();
    let mut command = Command::new(words.next()?);
    command.args(words).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    command.spawn().ok()
}

impl Reader {
    /// Waits until everything is read. What was written to has to be closed before.
    pub(crate) fn wait(self) {
        if let Some(mut child) = self.0 {
            let _ = child.wait();
        }
    }
}
