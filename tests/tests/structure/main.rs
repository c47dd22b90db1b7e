//! The rooms of the house: which crate and which module may use which, and how long a file and a function may be.
//!
//! The tables are layers, the lowest first: what stands in a layer may use what stands in a layer before it, and
//! nothing beside it or after it. So no circle can come back. Who adds a crate or a module gives it a place here.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crates;
mod lengths;
mod modules;
mod source;

/// The root of the repository.
fn repository() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
