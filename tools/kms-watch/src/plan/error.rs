//! Why there is no plan, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::account::AccountError;
use crate::exit_codes;
use crate::inventory::error::InventoryError;
use crate::output::TargetError;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    #[error(transparent)]
    File(#[from] TargetError),
    #[error("{file} is there already\nname another file, or replace it with --force", file = file.display())]
    Exists { file: PathBuf },
    #[error(
        "--ask needs a terminal\nthe options --email, --health-email, --chat and --feed say the same"
    )]
    NoTerminal,
    #[error("failed to start the embedded AWS")]
    Demo(#[source] io::Error),
    #[error("failed to write")]
    Output(#[from] io::Error),
}

impl PlanError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Inventory(error) => error.exit_code(),
            Self::NoTerminal | Self::Exists { .. } | Self::File(TargetError::Unfit { .. }) => {
                exit_codes::USAGE
            }
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_codes::DONE,
            _ => exit_codes::INCOMPLETE,
        }
    }
}
