//! What the exit code of every command says.

/// Done, and nothing was found that was asked about.
pub const DONE: u8 = 0;
/// Done, and found: a key that `--fail-on` names, a check that failed, a message that was kept, a test that
/// did not reach people, a key that nobody knows.
pub const FOUND: u8 = 1;
/// The command line, or a file that it names, is wrong.
pub const USAGE: u8 = 2;
/// Not done, or not all of it: no credentials, no network, AWS refused or did not answer, or nothing could be written.
pub const INCOMPLETE: u8 = 3;

/// The same for the end of every help.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  done, and found: a key that --fail-on names, a failed check, a kept message, a lost test
  2  the command line, or a file that it names, is wrong
  3  not done, or not all of it: credentials, network, a refusal of AWS, a full disk";

/// That of a command line which clap turned away, or answered with help.
pub(crate) fn of_usage(error: &clap::Error) -> u8 {
    if error.use_stderr() { USAGE } else { DONE }
}
