//! Security Hub, and buckets.

use std::collections::BTreeMap;

use serde_json::Value;

use super::aws::LocalAws;

impl LocalAws {
    /// Turns Security Hub on, as it is at first, or off.
    pub fn enable_security_hub(&self, enabled: bool) {
        self.with(|world| world.security_hub.enable(enabled));
    }

    /// Has Security Hub not take the next findings, each with this code, in calls that succeed.
    pub fn refuse_findings(&self, code: &'static str, times: usize) {
        self.with(|world| world.security_hub.refuse(code, times));
    }

    /// The findings in Security Hub, by their `Id`s.
    #[must_use]
    pub fn findings(&self) -> Vec<Value> {
        self.with(|world| world.security_hub.findings(self.region()))
    }

    /// Creates a bucket of S3.
    pub fn create_bucket(&self, name: &str) {
        self.with(|world| world.s3.create(name));
    }

    /// The objects in a bucket, by their keys.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, Vec<u8>> {
        let objects = self.with(|world| world.s3.objects(bucket));
        objects
            .into_iter()
            .map(|(key, body)| (key, body.to_vec()))
            .collect()
    }
}
