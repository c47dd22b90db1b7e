//! From an HTTP request to a service and back.
//!
//! KMS and CloudTrail speak awsJson1.1 and DynamoDB awsJson1.0 (`X-Amz-Target`, JSON), SNS and STS the query protocol (a form with
//! `Action`, XML), CloudWatch RPC v2 with CBOR. All come to the same port; signatures are read for the Region and the access key, and not verified.

mod answer;
mod arrival;
mod call;
mod carry_out;
mod scope;
mod serve;
mod sts;
mod target;

pub(crate) use serve::answer;
