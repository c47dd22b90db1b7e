//! The pipeline with its ledger.
