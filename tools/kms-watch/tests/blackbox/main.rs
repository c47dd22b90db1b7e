//! The built binary against the embedded AWS, with an environment of its own: neither a network nor the files of whoever
//! runs it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod account;
mod dependants;
mod places;
mod plan;
mod report;
mod setup;
mod sweep;
