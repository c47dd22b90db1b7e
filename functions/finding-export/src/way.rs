//! A way out, and what its failures mean.

use watch_core::ports::CallError;
use watch_core::text::Untrusted;
use watch_findings::Finding;

/// Why a way did not take a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// It will not take it another time either.
    pub lasts: bool,
    /// As the service says.
    pub reason: Untrusted,
}

/// Codes by which a service refuses what it is given, whenever that comes (API References of Security Hub, EventBridge, SQS).
/// Everything else may pass, or somebody may set it right: permissions, quotas, a service that is not enabled.
const LASTING: [&str; 8] = [
    "InvalidInput",
    "InvalidInputException",
    "ValidationException",
    "InvalidArgument",
    "MalformedDetail",
    "InvalidMessageContents",
    "InvalidParameterValue",
    "EntityTooLarge",
];

impl From<&CallError> for Trouble {
    fn from(error: &CallError) -> Self {
        Self {
            lasts: LASTING.contains(&error.code().as_str()),
            reason: error.reason(),
        }
    }
}

/// A way out of the function.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one batch at a time on one thread"
)]
pub trait Way {
    /// What the log calls it.
    fn name(&self) -> &'static str;

    /// Sends findings, and says of each what became of it, in their order.
    async fn send(&self, findings: &[&Finding]) -> Vec<Result<(), Trouble>>;
}

/// Where a message goes that no way will ever take.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one batch at a time on one thread"
)]
pub trait DeadLetters {
    /// Keeps a message with the reason.
    ///
    /// # Errors
    ///
    /// If it is not kept.
    async fn keep(&self, message: &str, reason: &str) -> Result<(), CallError>;
}
