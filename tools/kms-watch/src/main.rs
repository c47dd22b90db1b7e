//! `kms-watch`: everything is in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    kms_watch::run(std::env::args_os())
}
