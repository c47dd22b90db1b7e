//! AWS Config, as a test or the demo lays it down.

use serde_json::Value;

use super::aws::LocalAws;

impl LocalAws {
    /// Turns the recorder of AWS Config on or off in the Region of calls that name none. Without this there is none.
    pub fn record_configurations(&self, recording: bool) {
        let region = self.region().to_owned();
        self.with(|world| world.config.set_recording(&region, recording));
    }

    /// AWS Config has this item: `resourceType`, `resourceId`, `arn`, `configuration`, … Whether a recorder is on or not.
    pub fn add_configuration(&self, item: Value) {
        let region = self.region().to_owned();
        self.with(|world| world.config.record(&region, item));
    }
}
