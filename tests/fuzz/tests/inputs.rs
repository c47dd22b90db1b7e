//! What the fuzzer found once, and what it begins with, without the fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use watch_fuzz::target::{FUNCTIONS, TARGETS, replay};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn what_was_found_once_is_mended() {
    for (target, run) in TARGETS {
        let folder = here().join("inputs").join(target);
        if folder.exists() {
            replay([folder.into()], run).unwrap();
        }
    }
}

#[test]
fn every_target_holds_for_what_it_begins_with() {
    let seeds = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeds");
    watch_fuzz::samples::write_seeds(&seeds, &TARGETS.map(|(name, _)| name)).unwrap();
    for (target, run) in TARGETS {
        replay([seeds.join(target).into()], run).unwrap();
    }
}

#[test]
fn every_function_that_decides_about_events_is_fuzzed() {
    let functions = here().join("../../functions");
    let decides = |name: &str| {
        let library = functions.join(name).join("src/lib.rs");
        fs::read_to_string(library)
            .is_ok_and(|source| source.contains("pub fn decide(event: &Event) -> Decision"))
    };
    let all = fs::read_dir(&functions).expect("functions");
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<_> = names.filter(|name| decides(name)).collect();
    let fuzzed = FUNCTIONS.map(|(name, _)| name.to_owned());
    assert_eq!(names, BTreeSet::from(fuzzed));
}
