//! Takes back what was done to a protected key. It exists only where the stack is told to (`KeyRescue`).
//!
//! * Trigger: an EventBridge rule for the calls that it may take back, through CloudTrail; and whoever invokes it by hand, as the
//!   button of a chat message does: `{"rescue":"cancel-key-deletion","keyId":"<id>","region":"<Region>"}`.
//! * Effect: at most one call of KMS that writes, for each thing that was done; and an alert that says so, or why not.
//! * IAM: `kms:CancelKeyDeletion`, `kms:EnableKeyRotation`, `kms:EnableKey`, on keys of this account and Region that are protected;
//!   `kms:DescribeKey`, `kms:ListResourceTags`, `kms:GetKeyRotationStatus`, `kms:ListKeyRotations`, `kms:GetKeyLastUsage`,
//!   `kms:ListAliases`; `ssm:GetParameter` on its switch; its ledger; `sns:Publish` and `sns:GetTopicAttributes` on its topics.
//!
//! | module | what it holds |
//! |---|---|
//! | [`order`] | what is to be taken back, as an event or an invocation says; pure |
//! | [`guards`] | whether it is; pure |
//! | [`record`] | what the ledger keeps of it, so that nothing is taken back twice; pure |
//! | [`rescue`] | the steps: look, judge, take, act, tell |
//! | `lambda` | the function on the services of AWS |

pub mod guards;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod order;
pub mod record;
pub mod rescue;

/// The function's name.
pub const NAME: &str = "key-rescue";
