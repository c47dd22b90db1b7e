//! Any items in the ledger.
#![cfg_attr(fuzzing, no_main)]

watch_fuzz::program!("ledger", watch_fuzz::target::ledger::run);
