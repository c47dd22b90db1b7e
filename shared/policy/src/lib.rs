//! Reads and compares KMS key policies: whom a policy lets in, and what a new one changes.
//!
//! Pure: no I/O, no clock, no panic on any input.
//!
//! | to do | modules |
//! |---|---|
//! | read a policy | `json`: JSON in which a member that stands twice is seen; [`parse`]: from text to a [`Policy`]; `principal`, `action`, `condition`: the elements of a statement |
//! | judge it as it stands | [`assess`]: public, foreign accounts, lock-out; `condition::narrow`: which conditions keep somebody out |
//! | compare two | [`diff`]: what the new one gives and takes, in words of access; `diff::granted`: what statements grant together; `diff::pair`: comparing at a bounded cost |
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
//!   grant. [`MAX_BYTES`] of text bound them all, and no verdict takes more than a pass over them. Only the words of
//!   a [`diff::Diff`] are bounded, and it says how much it left out.
//! * It reads the key policy alone. Grants, the IAM policies of the account, service and resource control policies of
//!   the organisation, VPC endpoint policies and session policies are not seen.

mod action;
pub mod assess;
mod condition;
pub mod diff;
mod json;
pub mod parse;
mod principal;

pub use assess::{Assessment, Context};
pub use diff::{Change, Diff};
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
