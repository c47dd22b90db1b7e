//! The targets: what is done with an input, and what must hold.

pub mod events;
pub mod ledger;
pub mod policy;
pub mod wrappers;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use watch_core::decision::Decide;

use crate::Verdict;

/// The functions that decide about an event.
pub const FUNCTIONS: [(&str, Decide); 7] = [
    ("alarm-relay", alarm_relay::decide),
    ("key-activity", key_activity::decide),
    ("key-deletion", key_deletion::decide),
    ("key-misuse", key_misuse::decide),
    ("key-rotation", key_rotation::decide),
    ("material-expiration", material_expiration::decide),
    ("watch-guard", watch_guard::decide),
];

/// What a target does with an input.
pub type Run = fn(&Value) -> Verdict;

/// The targets by name.
pub const TARGETS: [(&str, Run); 4] = [
    ("events", events::run),
    ("policy", policy::run),
    ("wrappers", wrappers::run),
    ("ledger", ledger::run),
];

/// Runs the inputs in these files, and in the files of these directories.
///
/// # Errors
///
/// The first input that cannot be read, or of which something does not hold.
pub fn replay(paths: impl IntoIterator<Item = OsString>, run: Run) -> Verdict {
    for path in paths.into_iter().map(PathBuf::from) {
        for file in files(&path).map_err(|error| format!("{}: {error}", path.display()))? {
            let named = |problem: String| format!("{}: {problem}", file.display());
            let text = fs::read(&file).map_err(|error| named(error.to_string()))?;
            let input = serde_json::from_slice(&text).map_err(|error| named(error.to_string()))?;
            run(&input).map_err(named)?;
        }
    }
    Ok(())
}

/// The file, or those in the directory, in order of their names.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>()?;
    files.sort();
    Ok(files)
}
