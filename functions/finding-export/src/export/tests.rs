use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::json;
use watch_core::arn::{AccountId, Partition, Region};
use watch_core::ports::CallError;

use super::*;

/// A way that refuses findings by their ids.
#[derive(Default)]
struct Fake {
    refuses: BTreeMap<&'static str, Trouble>,
    took: RefCell<Vec<String>>,
}

impl Way for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn send(&self, findings: &[&Finding]) -> Vec<Result<(), Trouble>> {
        let answer = |finding: &&Finding| match self.refuses.get(finding.id.as_str()) {
            Some(trouble) => Err(trouble.clone()),
            None => {
                self.took.borrow_mut().push(finding.id.clone());
                Ok(())
            }
        };
        findings.iter().map(answer).collect()
    }
}

#[derive(Default)]
struct Letters {
    kept: RefCell<Vec<(String, String)>>,
    is_gone: bool,
}

impl DeadLetters for Letters {
    async fn keep(&self, message: &str, reason: &str) -> Result<(), CallError> {
        if self.is_gone {
            return Err(CallError::new("QueueDoesNotExist", "no"));
        }
        let letter = (message.to_owned(), reason.to_owned());
        self.kept.borrow_mut().push(letter);
        Ok(())
    }
}

fn trouble(lasts: bool) -> Trouble {
    Trouble {
        lasts,
        reason: Untrusted::new("because"),
    }
}

fn exporter(ways: Vec<Fake>) -> Exporter<Fake, Letters> {
    Exporter {
        home: Home {
            partition: Partition::new("aws").unwrap(),
            account: AccountId::new("111122223333").unwrap(),
            region: Region::new("us-east-1").unwrap(),
        },
        minimum: Severity::Medium,
        ways,
        dead_letters: Letters::default(),
    }
}

fn alert(id: &str, severity: &str, status: &str) -> String {
    json!({
        "schemaVersion": "1.1", "id": id, "kind": "KeyDisabled", "dedupKey": format!("k#{id}"), "status": status,
        "severity": severity, "title": "t", "summary": "s", "occurredAt": "2026-11-20T10:00:00Z",
        "observedAt": "2026-11-20T10:00:01Z", "partition": "aws", "nextSteps": [], "links": {}, "source": {},
    })
    .to_string()
}

fn batch(messages: &[(&str, String)]) -> Value {
    let record = |(id, body): &(&str, String)| json!({"messageId": id, "body": body});
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

fn left(left: &Left) -> Vec<&str> {
    let all = left.batch_item_failures.iter();
    all.map(|failed| failed.item_identifier.as_str()).collect()
}

#[tokio::test]
async fn what_may_pass_stays_and_what_never_will_is_kept_with_the_reason() {
    let refuses = [("a", trouble(false)), ("b", trouble(true))].into();
    let way = Fake {
        refuses,
        ..Fake::default()
    };
    let exporter = exporter(vec![way, Fake::default()]);
    let messages = ["a", "b", "c"].map(|id| (id, alert(id, "HIGH", "OPEN")));
    let answer = exporter.handle(&batch(&messages)).await.unwrap();
    assert_eq!(left(&answer), ["a"]);
    let kept = exporter.dead_letters.kept.borrow().clone();
    assert_eq!(kept, [(messages[1].1.clone(), "fake: because".to_owned())]);
    // The other way has got all.
    assert_eq!(*exporter.ways[1].took.borrow(), ["a", "b", "c"]);
}

#[tokio::test]
async fn what_one_way_may_still_take_stays_whatever_another_says() {
    for (first, second) in [(true, false), (false, true)] {
        let ways = [first, second].map(|lasts| Fake {
            refuses: [("a", trouble(lasts))].into(),
            ..Fake::default()
        });
        let exporter = exporter(ways.into());
        let messages = [("m", alert("a", "HIGH", "OPEN"))];
        let answer = exporter.handle(&batch(&messages)).await.unwrap();
        assert_eq!(left(&answer), ["m"]);
        assert!(exporter.dead_letters.kept.borrow().is_empty());
    }
}

#[tokio::test]
async fn what_is_less_urgent_is_left_out_unless_it_is_an_end() {
    let exporter = exporter(vec![Fake::default()]);
    let messages = [
        ("1", alert("low", "LOW", "OPEN")),
        ("2", alert("end", "LOW", "CLOSED")),
        ("3", alert("grave", "MEDIUM", "EVENT")),
    ];
    let answer = exporter.handle(&batch(&messages)).await.unwrap();
    assert_eq!(left(&answer), [""; 0]);
    assert_eq!(*exporter.ways[0].took.borrow(), ["end", "grave"]);
}

#[tokio::test]
async fn what_is_no_alert_is_kept_and_where_that_fails_it_stays() {
    let mut exporter = exporter(vec![Fake::default()]);
    let foreign = alert("f", "HIGH", "OPEN").replace("\"aws\"", "\"aws-cn\"");
    let messages = [
        ("1", "\u{202e}no JSON".to_owned()),
        ("2", foreign),
        ("3", alert("good", "HIGH", "OPEN")),
        ("4", alert("x", "LOUD", "OPEN")),
    ];
    let answer = exporter.handle(&batch(&messages)).await.unwrap();
    assert_eq!(left(&answer), [""; 0]);
    let reasons: Vec<_> = exporter
        .dead_letters
        .kept
        .borrow()
        .iter()
        .map(|it| it.1.clone())
        .collect();
    assert!(
        reasons[0].starts_with("not the JSON of an alert"),
        "{reasons:?}"
    );
    assert_eq!(
        reasons[1..],
        [
            "an alert of the partition aws-cn",
            "`severity` is not as an alert has it"
        ]
    );
    assert_eq!(*exporter.ways[0].took.borrow(), ["good"]);
    exporter.dead_letters.is_gone = true;
    let answer = exporter.handle(&batch(&messages)).await.unwrap();
    assert_eq!(left(&answer), ["1", "2", "4"]);
    assert!(exporter.handle(&json!({"detail": {}})).await.is_err());
}
