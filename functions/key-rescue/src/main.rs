//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::serve(key_rescue::NAME, key_rescue::lambda::rescue)
}
