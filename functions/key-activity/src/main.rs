//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::run("key-activity", key_activity::decide)
}
