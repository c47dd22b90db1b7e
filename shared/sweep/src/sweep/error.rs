//! Why a run did not do all it should.

use watch_core::pipeline::HandleError;
use watch_core::ports::CallError;

/// A run that did not do all it should. Lambda invokes the function again.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// An event that is no sweep could not be told.
    #[error(transparent)]
    Event(#[from] HandleError),
    /// The keys could not be listed.
    #[error("failed to list the keys: {0}")]
    NoKeys(CallError),
    /// The ledger gives no answer, and without it every sweep would be the first.
    #[error("failed to ask the ledger: {0}")]
    Ledger(CallError),
    /// Alerts that are to be told again, and measurements that were not taken.
    #[error("the sweep is done, but {0}")]
    Incomplete(String),
}

impl SweepError {
    /// The error's type as Lambda reports it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Event(error) => error.kind(),
            Self::NoKeys(_) => "KeysNotListed",
            Self::Ledger(_) => "LedgerFailed",
            Self::Incomplete(_) => "SweepIncomplete",
        }
    }
}
