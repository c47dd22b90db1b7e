//! Why a command ended early, in words that say what to do.

use std::error::Error;
use std::io;

use crate::account::AccountError;
use crate::ack::AckError;
use crate::demo::error::DemoError;
use crate::dependants::error::DependantsError;
use crate::doctor::DoctorError;
use crate::exit_codes;
use crate::history::HistoryError;
use crate::inventory::error::InventoryError;
use crate::plan::error::PlanError;
use crate::redrive::RedriveError;
use crate::send_test::SendTestError;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Ack(#[from] AckError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Dependants(#[from] DependantsError),
    #[error(transparent)]
    Doctor(#[from] DoctorError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Redrive(#[from] RedriveError),
    #[error(transparent)]
    SendTest(#[from] SendTestError),
    #[error("failed to write")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Demo(error) => error.exit_code(),
            Self::Dependants(error) => error.exit_code(),
            Self::History(error) => error.exit_code(),
            Self::Inventory(error) => error.exit_code(),
            Self::Plan(error) => error.exit_code(),
            // Somebody has seen enough: `kms-watch demo | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_codes::DONE,
            Self::Account(_)
            | Self::Ack(_)
            | Self::Doctor(_)
            | Self::Redrive(_)
            | Self::SendTest(_)
            | Self::Output(_) => exit_codes::INCOMPLETE,
        }
    }

    /// Says it on standard error, with its cause.
    pub(crate) fn tell(&self) {
        if self.exit_code() == exit_codes::DONE {
            return;
        }
        crate::output::note(format_args!("{self}"));
        if let Some(cause) = self.source() {
            crate::output::note(format_args!("{cause}"));
        }
    }
}
