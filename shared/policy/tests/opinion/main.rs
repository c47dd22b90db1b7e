//! A second opinion: policy evaluators that others wrote, on the same policies.
//!
//! Cloud Custodian's check for cross-account access says what is foreign, policyuniverse what is public, and moto which
//! operations everybody may call. Where one of them and this crate differ, a row of [`known`] says who is right and why; a
//! difference without a row fails, and so does a row without a difference.
//!
//! They are Python, so the test is not run without being asked for: `.ci/run` does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod known;
mod marks;
mod policies;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use watch_policy::{Context, Policy};

use known::KNOWN;
use marks::marks;

pub(crate) const CONTEXT: Context<'_> = Context {
    account: "111122223333",
    key: Some("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    trusted_accounts: &["222233334444"],
    trusted_organizations: &["o-ourcompany1"],
    now: 1_771_056_000,
};

/// What everybody is asked about, where everybody is.
const ACTIONS: [&str; 4] = [
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:PutKeyPolicy",
    "kms:DescribeKey",
];

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the evaluators say, policy by policy.
fn theirs(policies: &[Value]) -> Vec<Value> {
    let mut judge = Command::new(repository().join("tests/opinion/judge"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = judge.stdin.take().unwrap();
    let answers = BufReader::new(judge.stdout.take().unwrap());
    let asked: Vec<String> = policies
        .iter()
        .map(|policy| {
            json!({
                "policy": policy,
                "account": CONTEXT.account,
                "trusted": CONTEXT.trusted_accounts,
                "organizations": CONTEXT.trusted_organizations,
                "actions": ACTIONS,
            })
            .to_string()
        })
        .collect();
    let asker = std::thread::spawn(move || {
        for question in asked {
            writeln!(questions, "{question}").unwrap();
        }
    });
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    asker.join().unwrap();
    assert!(judge.wait().unwrap().success());
    assert_eq!(answers.len(), policies.len());
    answers
}

/// What this crate says, in the same words.
fn ours(policy: &Value) -> Value {
    let found = Policy::parse(&policy.to_string()).unwrap().assess(&CONTEXT);
    let everybody: Vec<&str> = ACTIONS
        .into_iter()
        .filter(|action| found.lets_everybody(action))
        .collect();
    json!({ "public": found.public, "foreign": found.is_foreign(), "allowed": everybody })
}

#[test]
#[ignore = "needs Python packages: run by .ci/run"]
fn others_judge_the_same_but_for_what_is_known() {
    let policies = policies::all();
    assert!(policies.len() > 3_000, "{}", policies.len());
    let mut complaints = Vec::new();
    let mut used = vec![0_usize; KNOWN.len()];
    let mut compared = [0_usize; 3];
    for (policy, theirs) in policies.iter().zip(theirs(&policies)) {
        let ours = ours(policy);
        let marks = marks(policy);
        for (n, question) in ["public", "foreign", "allowed"].into_iter().enumerate() {
            let (ours, theirs) = (&ours[question], &theirs[question]);
            if theirs.is_null() {
                continue;
            }
            compared[n] += 1;
            if ours == theirs {
                continue;
            }
            let mut rows = KNOWN.iter().enumerate().filter(|(_, row)| {
                row.question == question
                    && row.ours.is_none_or(|it| *ours == json!(it))
                    && row.marks.iter().any(|mark| marks.contains(*mark))
            });
            match rows.next() {
                Some((row, _)) => used[row] += 1,
                None => complaints.push(format!(
                    "{question}: ours {ours}, theirs {theirs}: {marks:?}: {policy}"
                )),
            }
        }
    }
    println!(
        "compared: public {}, foreign {}, allowed {}",
        compared[0], compared[1], compared[2]
    );
    for (row, count) in KNOWN.iter().zip(&used) {
        println!("{count:5}  {} {:?}: {}", row.question, row.marks, row.why);
        assert!(!row.why.is_empty());
        if *count == 0 {
            complaints.push(format!("no more: {} {:?}", row.question, row.marks));
        }
    }
    let count = complaints.len();
    std::fs::write(
        repository().join("target/opinion.txt"),
        complaints.join("\n"),
    )
    .unwrap();
    complaints.truncate(40);
    assert!(count == 0, "{count}:\n{}", complaints.join("\n"));
}
