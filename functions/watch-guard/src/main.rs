//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::run_without_keys("watch-guard", watch_guard::decide)
}
