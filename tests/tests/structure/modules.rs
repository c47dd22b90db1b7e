//! Which module may use which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::repository;

use super::source::Crate;

/// A crate of `shared/`, and its modules in layers, the lowest first: a module uses only what stands in a layer before its own.
/// `(root)` is what stands in the crate's root; where it is not named, no module uses that.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "core",
        &[
            "(root) arn countdown severity",
            "value",
            "hash items subject text",
            "actor context enrichment key page source stack step",
            "answers link",
            "event ports",
            "dependants owner protection",
            "about",
            "ledger",
            "facts usual",
            "kinds",
            "alert config decision",
            "render schema",
            "pipeline",
        ],
    ),
    (
        "policy",
        &[
            "(root)",
            "json context",
            "action principal",
            "operation resource",
            "condition",
            "parse caller",
            "evaluate",
            "assess",
            "diff",
        ],
    ),
    (
        "sweep",
        &[
            "access attest difference due missed order pace roster store",
            "census listing look tally",
            "position still",
            "sweep",
        ],
    ),
    (
        "findings",
        &["(root)", "rule words", "finding", "asff ocsf read"],
    ),
    (
        "aws",
        &[
            "(root) clock",
            "dns error log page",
            "sdk",
            "cloudtrail cloudwatch dynamodb kms signed sns",
            "accounts bus parameters recorder workers",
            "parts rescue traces",
            "warm",
            "start",
        ],
    ),
    ("template", &["(root) yaml", "stack", "template", "router"]),
    (
        "local",
        &[
            "(root)",
            "faults faulty iam ids record server spelling times",
            "caller cloudformation cloudtrail config events hooks lambda runtime sqs",
            "context",
            "deployed dynamodb eventbridge kms s3 securityhub sns ssm",
            "accounts",
            "cloudwatch consistency quotas ram",
            "options",
            "world",
            "wire",
            "local",
        ],
    ),
];

/// Where the crates are whose modules are looked at.
const ROOMS: &[&str] = &["shared", "functions", "tools"];

/// Edges between modules beside each other: who, whom, and the file.
type Edges = BTreeMap<(String, String), PathBuf>;

fn edges(source: &Crate, within: &[String]) -> Edges {
    let mut edges = Edges::new();
    for module in &source.modules {
        for used in source.used(module) {
            if let (Some(from), Some(to)) = (member(within, &module.path), member(within, &used))
                && from != to
            {
                edges.insert((from, to), module.file.clone());
            }
        }
    }
    edges
}

/// The part of `within` to which a module belongs. The root of the crate is one of its parts.
fn member(within: &[String], path: &[String]) -> Option<String> {
    match path.strip_prefix(within)? {
        [] if within.is_empty() => Some("(root)".to_owned()),
        [] => None,
        [first, ..] => Some(first.clone()),
    }
}

/// The edges of a circle, if there is one.
fn circle(edges: &Edges) -> Option<Vec<&(String, String)>> {
    let mut left: Vec<_> = edges.keys().collect();
    loop {
        let before = left.len();
        // Whoever uses nobody, or is used by nobody, is in no circle.
        let users: BTreeSet<_> = left.iter().map(|(user, _)| user).collect();
        let used: BTreeSet<_> = left.iter().map(|(_, used)| used).collect();
        left.retain(|(from, to)| users.contains(to) && used.contains(from));
        if left.len() == before {
            return (!left.is_empty()).then_some(left);
        }
    }
}

/// All crates of ours that are not for tests.
pub(crate) fn crates() -> Vec<PathBuf> {
    let room = |room: &&str| fs::read_dir(repository().join(room)).unwrap();
    let folders = ROOMS
        .iter()
        .flat_map(room)
        .map(|entry| entry.unwrap().path());
    folders
        .filter(|folder| folder.join("src").exists())
        .collect()
}

#[test]
fn a_module_uses_only_what_stands_below_it() {
    let mut wrong = Vec::new();
    for (name, layers) in LAYERS {
        let source = Crate::read(&repository().join("shared").join(name).join("src"));
        let layer_of = |module: &str| {
            let mut layers = layers.iter();
            layers.position(|layer| layer.split(' ').any(|it| it == module))
        };
        let modules: BTreeSet<_> = source
            .modules
            .iter()
            .filter_map(|it| it.path.first())
            .collect();
        for module in &modules {
            if layer_of(module).is_none() {
                wrong.push(format!("{name}: `{module}` has no layer"));
            }
        }
        for module in layers.iter().flat_map(|layer| layer.split(' ')) {
            if module != "(root)" && !modules.contains(&module.to_owned()) {
                wrong.push(format!("{name}: there is no module `{module}`"));
            }
        }
        for ((from, to), file) in edges(&source, &[]) {
            // The root stands above all if it has no layer.
            let (user, used) = (layer_of(&from), layer_of(&to));
            let is_allowed = match (from.as_str(), used) {
                (_, None) => false,
                ("(root)", Some(_)) if user.is_none() => true,
                (_, Some(used)) => user.is_some_and(|user| used < user),
            };
            if !is_allowed {
                wrong.push(format!(
                    "{name}: `{from}` may not use `{to}` ({})",
                    file.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    for folder in crates() {
        let source = Crate::read(&folder.join("src"));
        let places: BTreeSet<_> = source.modules.iter().map(|it| it.path.clone()).collect();
        for within in &places {
            let mut edges = edges(&source, within);
            // Who hands on, and what stands beside, is above and below; the layers say which.
            edges.retain(|(from, to), _| from != "(root)" && to != "(root)");
            for edge in circle(&edges).into_iter().flatten() {
                let (from, to) = edge;
                wrong.push(format!("`{from}` and `{to}`: {}", edges[edge].display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
