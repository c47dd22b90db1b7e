//! See the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    watch_aws::serve(key_inventory::NAME, async |config, sdk| {
        key_inventory::inventory(config, &sdk, watch_aws::SystemClock)
    })
}
