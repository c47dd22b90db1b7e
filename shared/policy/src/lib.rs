//! Reads and compares KMS key policies: whom a policy lets in, and what a new one changes.
//!
//! Pure: no I/O, no clock, no panic on any input.
//!
//! | to do | modules |
//! |---|---|
//! | read a policy | `json`: JSON in which a member that stands twice is seen; [`parse`]: from text to a [`Policy`]; `principal`, `action`, `resource`, `condition`: the elements of a statement |
//! | know what is asked | [`Context`]: for whom, of which key, when; [`Question`] and `operation`: the operations of KMS as sets; `caller`: who may stand before a policy, and what is known of their requests |
//! | decide | `evaluate`: Allow and Deny together, what is not known on the unsafe side |
//! | judge it as it stands | [`assess`]: public, foreign, lock-out, who may do what; `assess::foreign`, `assess::holders` |
//! | compare two | [`diff`]: who gains and loses, and the changes in words, the most dangerous first; `diff::granted`, `diff::pair`: what statements grant together, at a bounded cost; `diff::danger`: which change is worse |
//!
//! Each uses those above it alone.
//!
//! # What a caller must know
//!
//! * **Every string that comes out is a raw value of the policy**, or holds one. Whoever wrote the policy chose it.
//!   It is cut to [`MAX_TEXT`] characters and not cleaned: wrap it as an untrusted value before a reader sees it.
//! * **A verdict covers what could be read.** Where [`assess::Assessment::unreadable`] is not zero, or
//!   [`Policy::parse`] fails on a policy that KMS has accepted, nothing is known to be safe.
//! * **Nothing is left out when a policy is read**: a bound on statements or principals would be a place to hide a
//!   grant. [`MAX_BYTES`] of text bound them all. Only the words of a [`diff::Diff`] are bounded, the most dangerous
//!   come first, and it says how much it left out.
//! * It reads the key policy alone. Grants, the IAM policies of the account, service and resource control policies of
//!   the organisation, VPC endpoint policies and session policies are not seen.

mod action;
pub mod assess;
mod caller;
mod condition;
mod context;
pub mod diff;
mod evaluate;
mod json;
mod operation;
pub mod parse;
mod principal;
mod resource;

pub use assess::{Assessment, Holders};
pub use context::Context;
pub use diff::{Change, Diff, Gains};
pub use operation::Question;
pub use parse::{Effect, Policy, PolicyError};

/// Longest text that is read, in bytes.
///
/// A key policy has at most 32 kilobytes (AWS KMS API Reference, PutKeyPolicy). Twice as much leaves room for a text
/// that was escaped or indented on its way.
pub const MAX_BYTES: usize = 64 * 1024;

/// Longest string that comes out, in characters.
pub const MAX_TEXT: usize = 512;

/// The first [`MAX_TEXT`] characters, the last of them `…` if something was cut.
fn bounded(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.to_owned(),
        Some(_) => text.chars().take(MAX_TEXT - 1).chain(['…']).collect(),
    }
}

/// Joins `parts` and stops when enough stands there for [`bounded`] to cut.
fn joined<'a>(parts: impl IntoIterator<Item = &'a str>, separator: &str) -> String {
    let mut text = String::new();
    for (n, part) in parts.into_iter().enumerate() {
        // A character has at most four bytes.
        if text.len() > MAX_TEXT * 4 {
            break;
        }
        if n > 0 {
            text.push_str(separator);
        }
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_says_that_it_was_cut() {
        let exact = "é".repeat(MAX_TEXT);
        assert_eq!(bounded(&exact), exact);
        let cut = bounded(&format!("{exact}x"));
        assert_eq!(cut.chars().count(), MAX_TEXT);
        assert!(cut.ends_with("é…"));
        let many = joined(std::iter::repeat_n("four", 100_000), " or ");
        assert!(many.len() < MAX_TEXT * 5);
        assert_eq!(joined(["a", "b"], " or "), "a or b");
    }
}
