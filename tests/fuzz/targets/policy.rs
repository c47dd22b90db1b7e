//! Any text as a key policy.
#![cfg_attr(fuzzing, no_main)]

watch_fuzz::program!("policy", watch_fuzz::target::policy::run);
