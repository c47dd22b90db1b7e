//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::serve(key_widget::NAME, async |config, sdk| {
        key_widget::on_aws(config, &sdk)
    })
}
