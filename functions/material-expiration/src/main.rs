//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::run_with_dependants("material-expiration", material_expiration::decide)
}
