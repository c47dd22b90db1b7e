//! Which of twelve questions an alert answers, kind by kind, found out from the alerts themselves.
//!
//! `docs/questions.md` has the table. To write it anew: delete the file and run this test twice.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod keys;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use watch_core::actor::Actor;
use watch_core::config::Config;
use watch_core::decision::{Decision, Occurrence};
use watch_core::fakes::{FakeClock, FakeTopics};
use watch_core::kinds::{
    AttemptsStopped, Burst, BurstMember, Due, DueWhat, InventoryDigest, KeyAccessDrifted,
    KeyDeletionNear, KeyRotationOverdue, KeyUseUnusual, KeyVanished, Kind,
};
use watch_core::ledger::NoLedger;
use watch_core::pipeline::Watch;
use watch_core::severity::Severity;
use watch_core::source::{Source, Via};
use watch_core::subject::Subject;
use watch_core::text::{Untrusted, minute};
use watch_core::usual::{CountedBy, Habit, Newcomer, Surge, Unusual};

use keys::SampleKeys;

/// A question, and how it is told from an alert and its mail whether the fact exists and whether the mail has it.
struct Question {
    name: &'static str,
    /// `None` if the fact does not exist.
    answered: fn(&Value, &str) -> Option<bool>,
}

const QUESTIONS: [Question; 12] = [
    Question {
        name: "which key",
        answered: which_key,
    },
    Question {
        name: "whose",
        answered: whose,
    },
    Question {
        name: "what",
        answered: what,
    },
    Question {
        name: "when",
        answered: when,
    },
    Question {
        name: "who",
        answered: who,
    },
    Question {
        name: "from where, with what",
        answered: from_where,
    },
    Question {
        name: "in use",
        answered: in_use,
    },
    Question {
        name: "what breaks",
        answered: what_breaks,
    },
    Question {
        name: "until when",
        answered: until_when,
    },
    Question {
        name: "how to undo",
        answered: how,
    },
    Question {
        name: "where to look",
        answered: where_to_look,
    },
    Question {
        name: "how sure",
        answered: how_sure,
    },
];

/// A mail on one line, so that a phrase is found wherever the line was broken.
fn flat(mail: &str) -> String {
    mail.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text<'a>(alert: &'a Value, pointer: &str) -> Option<&'a str> {
    alert.pointer(pointer)?.as_str()
}

/// The mail shows the value, if it exists. What cannot be a value of AWS's may be escaped.
fn shows(alert: &Value, mail: &str, pointer: &str) -> Option<bool> {
    let value = text(alert, pointer)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_/ :".contains(c);
    let beginning: String = value.chars().take_while(|c| plain(*c)).take(30).collect();
    Some(mail.contains(beginning.trim()))
}

/// The mail shows the moment, if it exists.
fn shows_time(alert: &Value, mail: &str, pointer: &str) -> Option<bool> {
    let at: Timestamp = text(alert, pointer)?.parse().ok()?;
    let (minute, day) = (minute(at), at.strftime("%Y-%m-%d").to_string());
    Some(mail.contains(&minute) || mail.contains(&day))
}

fn which_key(alert: &Value, mail: &str) -> Option<bool> {
    if alert["key"].is_object() {
        let name = shows(alert, mail, "/key/aliases/0").unwrap_or(true);
        let id = mail.contains(text(alert, "/key/id")?);
        return Some(name || id);
    }
    shows(alert, mail, "/keyStore/id")
        .or_else(|| shows(alert, mail, "/details/requestedKey"))
        .or_else(|| shows(alert, mail, "/details/members/0/name"))
        .or_else(|| shows(alert, mail, "/details/due/0/name"))
}

fn whose(alert: &Value, mail: &str) -> Option<bool> {
    let owners = ["/key/owner", "/details/owner", "/details/due/0/owner"];
    owners.iter().find_map(|owner| shows(alert, mail, owner))
}

fn what(alert: &Value, mail: &str) -> Option<bool> {
    shows(alert, mail, "/title")
}

fn when(alert: &Value, mail: &str) -> Option<bool> {
    shows_time(alert, mail, "/occurredAt")
}

fn who(alert: &Value, mail: &str) -> Option<bool> {
    shows(alert, mail, "/actor/name")
}

fn from_where(alert: &Value, mail: &str) -> Option<bool> {
    let from = shows(alert, mail, "/actor/sourceIp");
    let agent = text(alert, "/actor/userAgent");
    let with = agent.map(|agent| {
        let program: String = agent
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let tool = shows(alert, mail, "/actor/via") == Some(true);
        tool || mail.contains(&program) || mail.contains("in the AWS console")
    });
    from.or(with)?;
    Some(from.unwrap_or(true) && with.unwrap_or(true))
}

fn in_use(alert: &Value, mail: &str) -> Option<bool> {
    alert.pointer("/key/lastUse")?.as_object()?;
    let words = mail.to_ascii_lowercase();
    let said = [
        "last use",
        "never used",
        "was used",
        "recorded no use",
        "counts as in use",
    ];
    Some(said.iter().any(|said| words.contains(said)))
}

/// Words that say what works, fails, is lost, or may be read by whom.
const IMPACT: [&str; 22] = [
    "access",
    "allow",
    "breaks",
    "can use",
    "can be used",
    "cannot",
    "delete",
    "expire",
    "fail",
    "harm",
    "keys of",
    "lose",
    "lost",
    "missing",
    "needs",
    "new key material",
    "nothing",
    "public",
    "stay",
    "stop",
    "throttle",
    "work",
];

/// The impact is the beginning of the summary, and the reason of the severity.
fn what_breaks(alert: &Value, mail: &str) -> Option<bool> {
    let summary = text(alert, "/summary")?;
    let reason = text(alert, "/severityReason").unwrap_or_default();
    let words = format!("{summary} {reason}").to_ascii_lowercase();
    let said = IMPACT.iter().any(|word| words.contains(word)) || words.contains("unrecoverable");
    let plain = |c: &char| c.is_ascii_alphanumeric() || " -/,".contains(*c);
    let first: String = summary.chars().take_while(plain).take(20).collect();
    said.then(|| mail.contains(first.trim()))
}

fn until_when(alert: &Value, mail: &str) -> Option<bool> {
    let deadlines = [
        "/undoUntil",
        "/dataDeadline",
        "/details/expiresAt",
        "/details/due/0/at",
    ];
    let mut shown = deadlines
        .iter()
        .filter_map(|at| shows_time(alert, mail, at));
    let first = shown.next()?;
    Some(first && shown.all(|shown| shown))
}

fn step<'a>(alert: &'a Value, kinds: &[&str]) -> Option<&'a Value> {
    let mut steps = alert["nextSteps"].as_array()?.iter();
    steps.find(|step| {
        step["type"]
            .as_str()
            .is_some_and(|kind| kinds.contains(&kind))
    })
}

fn how(alert: &Value, mail: &str) -> Option<bool> {
    let step = step(alert, &["UNDO", "CONTAIN", "FIX"])?;
    let words = text(step, "/command").or_else(|| text(step, "/text"))?;
    let beginning: Vec<_> = words.split_whitespace().take(3).collect();
    Some(mail.contains(&beginning.join(" ")))
}

fn where_to_look(alert: &Value, mail: &str) -> Option<bool> {
    let links = ["/links/event", "/links/key", "/links/alarm"];
    let link = links.iter().find_map(|link| text(alert, link));
    let link = link.map(|link| mail.contains(link));
    link.or_else(|| step(alert, &["LOOK"]).map(|step| step["text"].is_string()))
}

/// How mails say what could not be found out.
const MISSING: [&str; 6] = [
    "KMS refused ",
    "KMS does not know ",
    "KMS found nothing ",
    "KMS throttled ",
    "The ledger failed ",
    "not found out",
];

/// Why it is this urgent, and what could not be found out: in one sentence, or fact by fact.
fn how_sure(alert: &Value, mail: &str) -> Option<bool> {
    let reason = shows(alert, mail, "/severityReason");
    let missing = alert.pointer("/enrichment/missing/0/reason");
    let missing = missing.map(|_| MISSING.iter().any(|words| mail.contains(words)));
    reason.or(missing)?;
    Some(reason.unwrap_or(true) && missing.unwrap_or(true))
}

/// An alert on the feed, and the mail about it.
type Told = (Value, String);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What the snapshots of the events show.
fn snapshots() -> Vec<Told> {
    let folder = repository().join("tests/tests/snapshots");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| told(&std::fs::read_to_string(path).unwrap()))
        .collect()
}

fn told(snapshot: &str) -> Option<Told> {
    let part = |name: &str| {
        let after = snapshot.split(&format!("\n=== {name} ===\n")).nth(1)?;
        Some(after.split("\n=== ").next().unwrap_or(after))
    };
    let alert = serde_json::from_str(part("feed")?).expect("an alert");
    Some((alert, flat(part("people")?)))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const ACTIVE: &str = "arn:aws:kms:us-east-1:111122223333:key/8d21f6c0-5b3e-4a97-b0d4-6e19c7f2a358";
const UNKNOWN: &str = "arn:aws:kms:us-east-1:111122223333:key/00000000-2a94-4d3e-9c61-7b8e02d4a913";

/// The kinds that no single event raises.
fn of_no_event() -> Vec<Told> {
    let now = at("2026-02-14T10:00:00Z");
    let member = BurstMember {
        about: KEY.to_owned(),
        name: Untrusted::new("alias/payments"),
        severity: Untrusted::new("HIGH"),
        alert_id: "1".repeat(32),
    };
    let burst = Burst {
        of: "KeyDisabled",
        count: 6,
        owner: Some(Untrusted::new("team-pay")),
        members: vec![member],
        more: 0,
        since: now,
        event_name: Some(Untrusted::new("DisableKey")),
        series: String::new(),
        part: String::new(),
        rest: false,
        on_feed: true,
        severity: Severity::High,
    };
    let due = Due {
        key: KEY.parse().unwrap(),
        name: Untrusted::new("alias/payments"),
        owner: Some(Untrusted::new("team-pay")),
        what: DueWhat::Deletion,
        at: at("2026-02-28T09:01:07Z"),
    };
    let digest = InventoryDigest {
        week: "2026-W07".to_owned(),
        due: vec![due],
        ..InventoryDigest::default()
    };
    let overdue = KeyRotationOverdue::new(now - SignedDuration::from_hours(24 * 10), now);
    let stopped = AttemptsStopped {
        of: "UnusableKeyUsed",
        operation: Some(Untrusted::new("Decrypt")),
        by: Some(Untrusted::new("AppServer/i-1")),
        attempts: 4_213,
        mailed: 100,
        first_at: now - SignedDuration::from_hours(3),
        last_at: now,
        ..AttemptsStopped::default()
    };
    let unusual = Unusual {
        at: now,
        idle: None,
        newcomers: vec![Newcomer {
            name: Untrusted::new("role/Intruder"),
            account: Some(Untrusted::new("444455556666")),
            new_account: true,
            first_at: now,
            uses: 1_180,
        }],
        newcomer_count: 1,
        surge: Some(Surge {
            day: at("2026-02-13T00:00:00Z"),
            uses: 1_200,
            at_least: false,
            usual: 40,
            most: 66,
        }),
        usual: Habit {
            since: Some(at("2025-11-16T10:00:00Z")),
            uses_a_day: 40,
            principals: 2,
            names: vec![
                Untrusted::new("role/AppServer"),
                Untrusted::new("role/Batch"),
            ],
            counted_by: CountedBy::Metric,
            ..Habit::default()
        },
    };
    vec![
        tell(KeyUseUnusual::from(unusual), Some(ACTIVE), false),
        tell(
            KeyDeletionNear::new(at("2026-02-28T09:01:07Z"), &[14], now),
            Some(KEY),
            false,
        ),
        tell(
            KeyVanished::new(Some(at("2026-02-13T04:00:00Z"))),
            Some(UNKNOWN),
            false,
        ),
        tell(overdue, Some(ACTIVE), false),
        tell(stopped, Some(ACTIVE), false),
        tell(KeyAccessDrifted::at_first_sight(now), Some(ACTIVE), false),
        tell(burst, None, true),
        tell(digest, None, false),
    ]
}

fn tell(kind: impl Into<Kind>, key: Option<&str>, by_somebody: bool) -> Told {
    let arn: watch_core::arn::KeyArn = key.unwrap_or(KEY).parse().unwrap();
    let account = Subject::Account {
        partition: arn.partition().clone(),
        account: arn.account().clone(),
        region: arn.region().clone(),
    };
    let occurrence = Occurrence {
        kind: kind.into(),
        subject: key.map_or(account, |_| Subject::Key(arn)),
        occurred_at: Some(at("2026-02-14T10:00:00Z")),
        actor: by_somebody.then(|| Actor {
            name: Untrusted::new("KeyAdmin/j.okafor"),
            ..Actor::unknown()
        }),
        source: Source {
            via: Via::Sweep,
            event_id: None,
            detail_type: None,
            event_name: None,
            replay: None,
        },
        call_id: None,
        unrecorded: None,
        sender: None,
    };
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:111122223333:{name}");
    let lookup = |name: &str| match name {
        "ALERT_TOPIC_ARN" => Some(topic("people")),
        "FEED_TOPIC_ARN" => Some(topic("feed")),
        _ => None,
    };
    let watch = Watch {
        function: "key-inventory",
        config: Config::from_lookup(lookup, &[]).unwrap(),
        decide: Decision::not_mine,
        kms: SampleKeys,
        topics: FakeTopics::default(),
        ledger: None::<NoLedger>,
        clock: FakeClock::at("2026-02-14T12:00:00Z"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime
        .block_on(watch.report(occurrence, "request"))
        .unwrap();
    let sent = watch.topics.sent.take();
    let body = |topic: &str| {
        let mut messages = sent.iter();
        let message = messages
            .find(|message| message.topic.as_str().ends_with(topic))
            .expect("a message");
        message.body.clone()
    };
    (
        serde_json::from_str(&body("feed")).unwrap(),
        flat(&body("people")),
    )
}

/// By kind: whether each question is answered; `None` where no alert of the kind has the fact.
fn answers() -> BTreeMap<String, [Option<bool>; 12]> {
    let mut table: BTreeMap<String, [Option<bool>; 12]> = BTreeMap::new();
    for (alert, mail) in snapshots().into_iter().chain(of_no_event()) {
        let row = table
            .entry(alert["kind"].as_str().unwrap().to_owned())
            .or_default();
        for (cell, question) in row.iter_mut().zip(&QUESTIONS) {
            // One alert that has the fact and does not show it is one too many.
            *cell = match (*cell, (question.answered)(&alert, &mail)) {
                (Some(before), Some(now)) => Some(before && now),
                (before, now) => before.or(now),
            };
        }
    }
    table
}

const INTRODUCTION: &str = "# Which questions an alert answers

Twelve questions of whoever is woken, kind by kind, as the mails about all sample events answer them. ● is answered in every alert that has the
fact, ○ is not. – means that no alert of the kind has the fact: nobody acts when key material expires, an account has no owner. The test
`tests/tests/questions.rs` finds the answers in the alerts and keeps this table true.
";

fn page(table: &BTreeMap<String, [Option<bool>; 12]>) -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n| kind |");
    for question in &QUESTIONS {
        write!(page, " {} |", question.name).unwrap();
    }
    page.push_str(" answered |\n|---|");
    page.push_str(&":-:|".repeat(QUESTIONS.len()));
    page.push_str("--:|\n");
    for (kind, row) in table {
        write!(page, "| `{kind}` |").unwrap();
        for cell in row {
            let mark = match cell {
                Some(true) => "●",
                Some(false) => "○",
                None => "–",
            };
            write!(page, " {mark} |").unwrap();
        }
        let has = row.iter().flatten().count();
        let answered = row.iter().flatten().filter(|answered| **answered).count();
        writeln!(page, " {answered} of {has} |").unwrap();
    }
    page
}

#[test]
fn the_table_of_questions_is_that_of_the_alerts() {
    let table = answers();
    let path = repository().join("docs/questions.md");
    let made = page(&table);
    if !path.exists() {
        std::fs::write(&path, made).unwrap();
        panic!("wrote {}", path.display());
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == made,
        "{} is not what the alerts answer; they answer:\n{made}",
        path.display()
    );
}

#[test]
fn every_fact_that_an_alert_has_is_in_its_mail() {
    let mut silent = Vec::new();
    for (alert, mail) in snapshots().into_iter().chain(of_no_event()) {
        for question in &QUESTIONS {
            if (question.answered)(&alert, &mail) == Some(false) {
                silent.push(format!(
                    "{}: {}: {}",
                    alert["kind"], question.name, alert["title"]
                ));
            }
        }
    }
    assert!(silent.is_empty(), "not in the mail:\n{}", silent.join("\n"));
}
