//! What comes along: the tree that is deployed with a function, and the tree of the core.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::process::Command;

use watch_tests::repository;

/// Names and features of the crates that `package` is built from, without what is needed at build time only.
fn tree(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .args([
            "--target",
            "aarch64-unknown-linux-gnu",
            "--format",
            "{p}|{f}",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (package, features) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        let name = package.split(' ').next().unwrap();
        // The features of our functions, which make the binary.
        let features = features.replace("default,lambda", "");
        format!("{name} {features}").trim_end().to_owned()
    };
    lines
        .lines()
        .filter(|line| !line.is_empty())
        .map(line)
        .collect()
}

#[test]
fn the_core_knows_no_sdk() {
    let tree = tree("watch-core");
    assert!(tree.iter().any(|krate| krate.starts_with("serde_json")));
    let sdk: Vec<_> = tree
        .iter()
        .filter(|krate| krate.starts_with("aws-") || krate.starts_with("hyper"))
        .collect();
    assert!(sdk.is_empty(), "{sdk:?}");
}

#[test]
fn the_simulator_depends_on_none_of_ours() {
    let tree = tree("kms-local");
    assert!(tree.iter().any(|krate| krate.starts_with("hyper")));
    let ours: Vec<_> = tree
        .iter()
        .filter(|krate| krate.starts_with("watch-"))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

/// A new crate or feature in what runs in the account is a decision, and this is where it is seen.
#[test]
fn the_deployed_tree_is_the_one_that_was_agreed_on() {
    let deployed = |function: &str| {
        let mut tree = tree(function);
        assert!(tree.remove(function));
        tree.into_iter().collect::<Vec<_>>().join("\n")
    };
    let agreed_on = deployed("key-rotation");
    insta::assert_snapshot!(agreed_on);
    for function in ["alarm-relay", "key-misuse"] {
        assert!(
            deployed(function) == agreed_on,
            "{function} has another tree"
        );
    }
    // What is told of a key that is lost is who depends on it, by CloudTrail's event history.
    for function in ["key-activity", "key-deletion", "material-expiration"] {
        let (tree, agreed_on) = (tree(function), tree("key-rotation"));
        let more: Vec<_> = tree.difference(&agreed_on).collect();
        assert_eq!(
            more,
            ["aws-sdk-cloudtrail rt-tokio", function, "watch-aws history"]
        );
    }
    // The guard looks at the sweep as the sweep looks at others.
    let agreed_on = tree("key-rotation");
    let mut of_guard = tree("watch-guard");
    for own in ["watch-guard", "watch-sweep"] {
        assert!(of_guard.remove(own), "{own}");
    }
    let others = |function: &str, tree: &BTreeSet<String>| {
        let mut tree = tree.clone();
        tree.remove(function);
        tree
    };
    assert_eq!(of_guard, others("key-rotation", &agreed_on));
    // The widget looks at what the sweep noted.
    let mut of_widget = tree("key-widget");
    for own in ["key-widget", "watch-sweep"] {
        assert!(of_widget.remove(own), "{own}");
    }
    assert_eq!(of_widget, others("key-rotation", &agreed_on));
    // What takes something back needs no crate more.
    let of_rescue = others("key-rescue", &tree("key-rescue"));
    assert_eq!(of_rescue, others("key-rotation", &agreed_on));
    // The export of findings makes its calls with what is there.
    let mut of_export = tree("finding-export");
    for own in ["finding-export", "watch-findings"] {
        assert!(of_export.remove(own), "{own}");
    }
    assert_eq!(of_export, others("key-rotation", &agreed_on));
    // The sweep needs two more services, and the words of the other functions.
    let of_sweep = tree("key-inventory");
    let more: Vec<_> = of_sweep.difference(&agreed_on).cloned().collect();
    insta::assert_snapshot!("more_for_the_sweep", more.join("\n"));
    // Features may be more, crates are never other ones.
    let names = |tree: &BTreeSet<String>| -> BTreeSet<String> {
        let name = |krate: &String| krate.split(' ').next().unwrap_or_default().to_owned();
        tree.iter().map(name).collect()
    };
    assert!(names(&agreed_on).is_subset(&names(&of_sweep)));
}
