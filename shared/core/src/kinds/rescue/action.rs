//! What may be done to a key to take back what was done to it: a table.

use serde::Serialize;

/// What takes back what was done to a key. By KMS's name on the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum RescueAction {
    /// Cancels a deletion. The key is left Disabled.
    #[serde(rename = "CancelKeyDeletion")]
    CancelDeletion,
    /// Enables automatic rotation again.
    #[serde(rename = "EnableKeyRotation")]
    EnableRotation,
    /// Enables a key again: whoever disabled it may have stopped an attack by it.
    #[serde(rename = "EnableKey")]
    EnableKey,
}

struct Row {
    action: RescueAction,
    /// In settings.
    word: &'static str,
    /// What it takes back.
    of: &'static str,
    /// What does it.
    operation: &'static str,
    /// The same on a command line, and in the context of a chat message.
    command: &'static str,
    /// After a name: what was done.
    was_done: &'static str,
    /// What is to be done, before the key's name.
    to_do: &'static str,
    /// What was done about it, before the key's name.
    done: &'static str,
}

const ROWS: [Row; 3] = [
    Row {
        action: RescueAction::CancelDeletion,
        word: "cancel-deletion",
        of: "ScheduleKeyDeletion",
        operation: "CancelKeyDeletion",
        command: "cancel-key-deletion",
        was_done: " scheduled the deletion",
        to_do: "cancel the deletion of",
        done: "cancelled the deletion of",
    },
    Row {
        action: RescueAction::EnableRotation,
        word: "enable-rotation",
        of: "DisableKeyRotation",
        operation: "EnableKeyRotation",
        command: "enable-key-rotation",
        was_done: " disabled automatic rotation",
        to_do: "enable automatic rotation of",
        done: "enabled automatic rotation of",
    },
    Row {
        action: RescueAction::EnableKey,
        word: "enable-key",
        of: "DisableKey",
        operation: "EnableKey",
        command: "enable-key",
        was_done: " disabled the key",
        to_do: "enable",
        done: "enabled",
    },
];

impl RescueAction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CancelDeletion, Self::EnableRotation, Self::EnableKey];

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Reads the word of a setting.
    pub fn new(word: &str) -> Option<Self> {
        Some(ROWS.iter().find(|row| row.word == word)?.action)
    }

    /// What takes back this operation of KMS.
    pub fn of_event(name: &str) -> Option<Self> {
        Some(ROWS.iter().find(|row| row.of == name)?.action)
    }

    /// What a button asks for.
    pub fn of_command(command: &str) -> Option<Self> {
        Some(ROWS.iter().find(|row| row.command == command)?.action)
    }

    /// The word of the setting.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// KMS's operation.
    pub fn operation(self) -> &'static str {
        self.row().operation
    }

    /// The operation as the AWS CLI has it.
    pub fn command(self) -> &'static str {
        self.row().command
    }

    pub(super) fn what_was_done(self) -> &'static str {
        self.row().was_done
    }

    pub(super) fn to_do(self) -> &'static str {
        self.row().to_do
    }

    pub(super) fn done(self) -> &'static str {
        self.row().done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_row_and_every_word_is_one_actions() {
        for action in RescueAction::ALL {
            assert_eq!(action.row().action, action);
            assert_eq!(RescueAction::new(action.word()), Some(action));
            assert_eq!(RescueAction::of_event(action.row().of), Some(action));
            assert_eq!(RescueAction::of_command(action.command()), Some(action));
            let on_feed = serde_json::to_value(action).unwrap();
            assert_eq!(on_feed, action.operation());
        }
        for other in ["", "cancel", "CANCEL-DELETION", "restore-policy", "*"] {
            assert_eq!(RescueAction::new(other), None);
            assert_eq!(RescueAction::of_command(other), None);
        }
    }
}
