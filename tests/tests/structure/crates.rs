//! Which crate may use which.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::repository;
use serde_json::Value;

/// A package of `shared/`, and those of ours that it uses.
const SHARED: &[(&str, &[&str])] = &[
    ("watch-aws", &["watch-core"]),
    ("watch-core", &["watch-policy"]),
    // Alone, so that the simulator cannot share our mistakes.
    ("kms-local", &[]),
    ("watch-findings", &["watch-core"]),
    ("watch-policy", &[]),
    ("watch-sweep", &["watch-core", "watch-policy"]),
    ("watch-template", &[]),
];

/// What every function may use.
const FUNCTION: &[&str] = &["watch-aws", "watch-core"];

/// A function that uses more.
const MORE: &[(&str, &[&str])] = &[
    // Its whole business.
    ("finding-export", &["watch-findings"]),
    (
        "key-inventory",
        // The words of the functions for what they were never told.
        &[
            "key-activity",
            "key-deletion",
            "key-rotation",
            "material-expiration",
            "watch-sweep",
        ],
    ),
    // It shows what sweeps noted, and policies in words.
    ("key-widget", &["watch-policy", "watch-sweep"]),
    // It holds the sweep against what was noted, as the sweep does the others.
    ("watch-guard", &["watch-sweep"]),
];

struct Package {
    /// `shared`, `functions`, `tools` or `tests`.
    room: String,
    /// Packages of ours that it uses, but for tests only.
    uses: BTreeSet<String>,
}

fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--locked",
            "--format-version",
            "1",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let root = metadata["workspace_root"].as_str().unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().unwrap().to_owned();
            let manifest = package["manifest_path"].as_str().unwrap();
            let room = manifest
                .strip_prefix(root)
                .unwrap()
                .split('/')
                .nth(1)
                .unwrap();
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let uses = dependencies
                .filter(|it| it["path"].is_string() && it["kind"] != "dev")
                .map(|it| it["name"].as_str().unwrap().to_owned());
            let package = Package {
                room: room.to_owned(),
                uses: uses.collect(),
            };
            (name, package)
        })
        .collect()
}

#[test]
fn dependencies_of_crates_point_one_way() {
    let all = packages();
    assert!(all.len() > 10 && all.values().any(|package| package.room == "tools"));
    let shared: BTreeMap<_, _> = SHARED.iter().copied().collect();
    let more: BTreeMap<_, _> = MORE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, package) in &all {
        let allowed: BTreeSet<&str> = match package.room.as_str() {
            "shared" => match shared.get(name.as_str()) {
                Some(allowed) => allowed.iter().copied().collect(),
                None => {
                    wrong.push(format!("`{name}` has no row"));
                    continue;
                }
            },
            "functions" => {
                let more = more.get(name.as_str()).copied().unwrap_or_default();
                FUNCTION.iter().chain(more).copied().collect()
            }
            // Whoever runs things may use everything, but nobody uses them.
            _ => all
                .iter()
                .filter(|(_, other)| {
                    ["shared", "functions", package.room.as_str()].contains(&other.room.as_str())
                })
                .map(|(name, _)| name.as_str())
                .collect(),
        };
        let surplus = package
            .uses
            .iter()
            .filter(|it| !allowed.contains(it.as_str()));
        wrong.extend(surplus.map(|used| format!("`{name}` may not use `{used}`")));
    }
    let gone = SHARED
        .iter()
        .chain(MORE)
        .filter(|(name, _)| !all.contains_key(*name));
    wrong.extend(gone.map(|(name, _)| format!("there is no `{name}`")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
