//! `template.yaml` as the demo and the tests need it: its rules, its roles, and what its functions are given.
//!
//! It is the template of this repository and nobody's input: what it must not hold, panics.
#![expect(clippy::expect_used, reason = "the template is a part of the program")]

mod router;
mod stack;
mod template;
mod yaml;

pub use router::Router;
pub use stack::Stack;
pub use template::{Function, Rule, Template};
pub use yaml::read_yaml;
