//! The crate on real sockets of this machine.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod connections;
mod process;
mod server;
