//! `cargo bench-lambda`: that it measures, not what.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

use watch_tests::binary;

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary("bench-lambda"));
    command.args(arguments).output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn every_function_answers_its_event_with_aws_behind_tls() {
    let output = bench(&["--smoke", "--no-python"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    for line in [
        "floor: answered, 0 calls",
        "key-deletion: answered, 16 calls",
        "key-deletion+dependants: answered, ",
        "key-rotation: answered, ",
        "material-expiration: answered, ",
        "key-activity: answered, ",
        "key-misuse: answered, ",
        "alarm-relay: answered, ",
        "key-inventory: answered, ",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}{errors}");
    }
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    for arguments in [
        &["--rounds", "0"][..],
        &["--only", "nobody", "--no-python", "--smoke"],
        &["--shares", "64"],
        &["--loud"],
    ] {
        let output = bench(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        let said = ["error: ", "bench-lambda: "].map(|begin| errors.starts_with(begin));
        assert!(said.contains(&true), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
