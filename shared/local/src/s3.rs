//! S3, as far as somebody puts objects into buckets: `PutObject` (Amazon S3 API Reference), with the bucket in the path.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request};
use sha2::{Digest, Sha256};

/// The buckets, by name, with their objects.
#[derive(Debug, Default)]
pub(crate) struct S3 {
    buckets: BTreeMap<String, BTreeMap<String, Bytes>>,
}

/// An object to be put.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) bucket: String,
    pub(crate) key: String,
    body: Bytes,
    /// Hash of the body, as the header says.
    hash: String,
}

/// An error.
#[derive(Debug)]
pub(crate) struct S3Error {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    message: String,
}

impl Put {
    pub(crate) fn read(request: &Request<Bytes>) -> Option<Self> {
        if request.method() != Method::PUT {
            return None;
        }
        let hash = request
            .headers()
            .get("x-amz-content-sha256")?
            .to_str()
            .ok()?;
        let (bucket, key) = request.uri().path().strip_prefix('/')?.split_once('/')?;
        Some(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            body: request.body().clone(),
            hash: hash.to_owned(),
        })
    }

    /// What IAM takes it to be about.
    pub(crate) fn resource(&self, aws: &str) -> String {
        format!("arn:{aws}:s3:::{}/{}", self.bucket, self.key)
    }
}

impl S3 {
    pub(crate) fn create(&mut self, bucket: &str) {
        self.buckets.entry(bucket.to_owned()).or_default();
    }

    pub(crate) fn objects(&self, bucket: &str) -> BTreeMap<String, Bytes> {
        self.buckets.get(bucket).cloned().unwrap_or_default()
    }

    pub(crate) fn put(&mut self, put: &Put) -> Result<(), S3Error> {
        let none = || S3Error::new("NoSuchBucket", 404, "The specified bucket does not exist");
        let bucket = self.buckets.get_mut(&put.bucket).ok_or_else(none)?;
        let hash: String = Sha256::digest(&put.body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if hash != put.hash {
            let what =
                "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(S3Error::new("XAmzContentSHA256Mismatch", 400, what));
        }
        bucket.insert(put.key.clone(), put.body.clone());
        Ok(())
    }
}

impl S3Error {
    pub(crate) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            message: message.into(),
        }
    }

    pub(crate) fn denied() -> Self {
        Self::new("AccessDenied", 403, "Access Denied")
    }

    pub(crate) fn body(&self, request_id: &str) -> String {
        let Self { code, message, .. } = self;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>{request_id}</RequestId></Error>"
        )
    }
}
