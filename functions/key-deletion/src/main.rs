//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::run_with_dependants("key-deletion", key_deletion::decide)
}
