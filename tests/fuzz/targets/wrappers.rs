//! Any event in any wrappers.
#![cfg_attr(fuzzing, no_main)]

watch_fuzz::program!("wrappers", watch_fuzz::target::wrappers::run);
