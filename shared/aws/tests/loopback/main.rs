//! The crate on real sockets of this machine.

mod connections;
mod process;
mod server;
