//! `template.yaml`, as far as it can be known without an AWS account.
//!
//! | room | what it is about |
//! |---|---|
//! | `routes` | which rule takes which event, and where it goes |
//! | `guarded` | calls that silence the watch, told over two ways |
//! | `sweeps` | when sweeps begin, and the canary |
//! | `functions` | what functions are given |
//! | `roles` | what functions may do |
//! | `rescue` | what is there only where keys are rescued, and the buttons for it |
//! | `attested` | the rules that come along in the sweep |
//! | `stores` | topics, queues, the ledger |
//! | `alarms` | alarms and dashboard |
//! | `asked` | what the user is asked, and gets |
//!
//! Where every sample event goes stands in `tests/template/routes.yaml`; `tests/template/check` routes the same events by
//! another matcher, and lints.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod alarms;
mod asked;
mod attested;
mod functions;
mod guarded;
mod rescue;
mod roles;
mod routes;
mod stores;
mod sweeps;

use std::collections::BTreeSet;

use serde_json::Value;
use watch_tests::repository;
use watch_tests::template::{Function, Template};

/// The function that watches the watch. It is told of attempts too, and of everybody's calls.
const GUARD: &str = "watch-guard";
/// The function that is started by the clock.
const SWEEPER: &str = "key-inventory";
/// Those that look for what depends on a key.
const FINDS_DEPENDANTS: [&str; 4] = [
    "key-activity",
    "key-deletion",
    "material-expiration",
    SWEEPER,
];
/// The function that people look at. It tells nobody.
const WIDGET: &str = "key-widget";
/// The function that changes keys, where the user wants it.
const RESCUER: &str = "key-rescue";
/// The function that sends findings, if somebody wants them. It alerts nobody.
const EXPORTER: &str = "finding-export";
/// Those that say whose access to a key is foreign.
const JUDGES_ACCESS: [&str; 2] = ["key-activity", SWEEPER];

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).expect(path)
}

/// Every file below a folder, by its path from the workspace.
fn files(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(repository().join(folder)).expect(folder) {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

fn names<'a>(values: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    values
        .into_iter()
        .map(|value| value.as_str().expect("a name").to_owned())
        .collect()
}

fn folders(of: &str) -> BTreeSet<String> {
    let path = repository().join(of);
    std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn sweeper(template: &Template) -> Function {
    let mut functions = template.functions().into_iter();
    functions
        .find(|function| function.folder == SWEEPER)
        .expect(SWEEPER)
}
