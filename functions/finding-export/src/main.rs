//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::serve(finding_export::NAME, finding_export::ways::exporter)
}
