//! Every request that came in over HTTP, kept for assertions.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// One request to a service of the simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// `kms`, `sns`, `dynamodb`, `cloudwatch`, `cloudtrail`, `events`, `ssm`.
    pub service: &'static str,
    /// As the API names it: `DescribeKey`, `Publish`.
    pub operation: String,
    /// The key or topic that the request names, word for word.
    pub resource: Option<String>,
    /// Simulator time.
    pub at: Timestamp,
    /// From the credential scope of the signature.
    pub region: String,
    /// The access key that signed the request.
    pub access_key: String,
    /// The error code that was answered; `None` for success and for requests that are still delayed.
    pub error: Option<String>,
}

/// The requests so far.
#[derive(Debug, Default)]
pub(crate) struct Record(Vec<Request>);

impl Record {
    /// Keeps the request; the number returned says where its outcome goes.
    pub(crate) fn add(&mut self, request: Request) -> usize {
        self.0.push(request);
        self.0.len() - 1
    }

    pub(crate) fn failed(&mut self, index: usize, code: &str) {
        // Gone if the record was cleared while the request was delayed.
        if let Some(request) = self.0.get_mut(index) {
            request.error = Some(code.to_owned());
        }
    }

    pub(crate) fn all(&self) -> &[Request] {
        &self.0
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in &self.0 {
            *counts.entry(request.operation.clone()).or_insert(0) += 1;
        }
        counts
    }
}
