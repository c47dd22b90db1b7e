//! Any JSON through every function, on a KMS that answers anything.
#![cfg_attr(fuzzing, no_main)]

watch_fuzz::program!("events", watch_fuzz::target::events::run);
