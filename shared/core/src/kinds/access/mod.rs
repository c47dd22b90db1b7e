//! Who may use a key: its policy, read and compared, when it is set, changed, or given to a replica.

mod change;
mod changed;
mod created;
mod judge;
mod memory;
mod replicated;

pub use change::AccessChange;
pub use changed::{AccessOf, KeyPolicyChanged};
pub use created::KeyCreated;
pub use replicated::KeyReplicated;

use crate::kinds::words::list;
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// Most accounts, and most services, that the details list.
const LISTED: usize = 100;

const PUT_BACK: &str = "--policy-name default --policy file://key-policy.json";

const SEE_POLICY: &str = "--policy-name default --query Policy --output text";

/// What is worth a word about the policy of a key that is new.
fn policy_words(
    of: &'static str,
    public: Option<bool>,
    foreign: &[Untrusted],
    unreadable: Option<&Untrusted>,
) -> Text {
    let mut text = Text::new();
    if public == Some(true) {
        text.sentence(text![
            of,
            " policy is PUBLIC: it lets in everybody in every AWS account, without a condition that keeps anybody out."
        ]);
    }
    if let Some(why) = unreadable {
        text.sentence(text![
            of,
            " policy could not be read, or not all of it (",
            why,
            "), so nothing about it is known to be safe."
        ]);
    }
    if !foreign.is_empty() {
        let plural = if foreign.len() > 1 { "s " } else { " " };
        text.sentence(text![
            of,
            " policy lets in the foreign account",
            plural,
            list(foreign, 6),
            "."
        ]);
    }
    text
}

/// How bad a policy is that was never another.
fn new_policy_severity(public: Option<bool>, unreadable: bool) -> Severity {
    match public {
        Some(true) => Severity::Critical,
        _ if unreadable => Severity::High,
        _ => Severity::Info,
    }
}
