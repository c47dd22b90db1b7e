//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::serve(watch_guard::NAME, watch_guard::guard::guard)
}
