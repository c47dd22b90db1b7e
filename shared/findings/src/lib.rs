//! Alerts as findings, for the places where security teams look: the AWS Security Finding Format (ASFF) of Security Hub, and
//! Detection Findings of the Open Cybersecurity Schema Framework (OCSF).
//!
//! | module | what it holds |
//! |---|---|
//! | [`finding`] | a finding, in no format: what both are made of |
//! | [`rule`] | what each kind of finding is in the words of others: a table |
//! | [`read`] | an alert's JSON, as the feed has it, read and refused |
//! | [`asff`] | a finding as Security Hub takes it |
//! | [`ocsf`] | a finding as a Detection Finding |
//!
//! Nothing here does I/O. Whatever was written by others is cleaned when it is read, and cut where a format has a limit.

pub mod asff;
pub mod finding;
pub mod ocsf;
pub mod read;
pub mod rule;
mod words;

pub use finding::{Actor, Finding, Home, Resource, Standing};
pub use read::Refused;
pub use rule::{RULES, Rule};

#[cfg(test)]
mod tests;
