//! Does the security team see it where it looks?
//!
//! * Trigger: the queue that gets every alert of the feed, in batches. It is there only if somebody wants findings.
//! * Effect: each alert as a finding in Security Hub, and in OCSF on a bus, in a queue, in a bucket, as is set. What is no alert, or
//!   what no way will ever take, goes to a queue of its own with the reason; what may still pass stays in the queue.
//! * IAM: `securityhub:BatchImportFindings` on the account's own product; `events:PutEvents`, `sqs:SendMessage`, `s3:PutObject` on
//!   the one bus, queue, bucket; `sqs:SendMessage` on the queue of dead letters. Nothing of KMS, no ledger, no topic.
//!
//! Everything may come twice and in any order. A finding is named by its story and dated by what happened, so that an older alert
//! changes nothing (`watch_findings`).
//!
//! | module | what it holds |
//! |---|---|
//! | [`batch`] | what the queue hands over |
//! | [`export`] | what becomes of a batch |
//! | [`way`] | a way out, and what its failures mean |
//! | `ways` | Security Hub, a bus, a queue, a bucket; with the feature `lambda` |

pub mod batch;
pub mod export;
pub mod way;
#[cfg(feature = "lambda")]
pub mod ways;

/// The function's name.
pub const NAME: &str = "finding-export";
