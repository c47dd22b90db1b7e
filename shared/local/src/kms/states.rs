//! What each state of a key makes of an operation (KMS Developer Guide, "Key states of AWS KMS keys", the table and its
//! footnotes).

use super::{error::KmsError, key::Key, names::KeyState};

/// What a key in a given state answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Ok,
    /// `DisabledException`, "is disabled."
    Disabled,
    /// `KMSInvalidStateException`, "is …" with the words of the state.
    State,
    /// `KMSInvalidStateException`, "is not pending deletion."
    NotPending,
    /// `UnsupportedOperationException`, "origin is … which is not valid for this operation."
    Origin,
}

fn column(state: KeyState) -> usize {
    match state {
        KeyState::Enabled => 0,
        KeyState::Disabled => 1,
        KeyState::PendingDeletion => 2,
        KeyState::PendingReplicaDeletion => 3,
        KeyState::PendingImport => 4,
        KeyState::Unavailable => 5,
        KeyState::Creating => 6,
        KeyState::Updating => 7,
    }
}

/// One answer per state, in the order of [`column`].
#[derive(Debug)]
pub(super) struct States(pub(super) [Answer; 8]);

impl States {
    /// The error of the table, if there is one.
    pub(super) fn check(&self, key: &Key) -> Result<(), KmsError> {
        let state = key.state();
        match self.0[column(state)] {
            Answer::Ok => Ok(()),
            Answer::Disabled => Err(KmsError::disabled(&key.arn)),
            Answer::State => Err(KmsError::invalid_state(&key.arn, state)),
            Answer::NotPending => Err(KmsError::new(
                "KMSInvalidStateException",
                format!("{} is not pending deletion.", key.arn),
            )),
            Answer::Origin => Err(KmsError::unsupported_origin(key)),
        }
    }
}
