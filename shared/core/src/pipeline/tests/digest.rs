//! The week in one message.

use super::*;
use crate::kinds::{
    BlindSpot, Changes, Due, DueWhat, InventoryDigest, MAX_DUE, MAX_NAMES, Totals,
    blind_spot_statement, iso_week,
};
use crate::render::MESSAGE_LIMIT;

fn tell(digest: InventoryDigest) -> Alert {
    let key: KeyArn = ARN.parse().unwrap();
    let mut found = occurrence(digest, None);
    found.subject = Subject::Account {
        partition: key.partition().clone(),
        account: key.account().clone(),
        region: key.region().clone(),
    };
    found.actor = None;
    found.source.via = Via::Sweep;
    let outcome = run(watch(FakeKms::default(), &[]).report(found, "request")).unwrap();
    assert_eq!(outcome.verdict, Verdict::Delivered);
    outcome.alerts.into_iter().next().unwrap()
}

fn due(number: i64, name: &str, what: DueWhat) -> Due {
    Due {
        key: ARN.parse().unwrap(),
        name: Untrusted::bounded(name, 8_000),
        owner: Some(Untrusted::bounded(&name.replace("alias", "team"), 8_000)),
        what,
        at: at("2026-11-21T10:00:00Z") + jiff::SignedDuration::from_hours(24 * number),
    }
}

fn names(count: usize) -> Vec<Untrusted> {
    (1..=count)
        .map(|number| Untrusted::new(&format!("alias/app-{number}")))
        .collect()
}

fn week() -> InventoryDigest {
    InventoryDigest {
        week: iso_week(at("2026-11-20T10:00:00Z")),
        since: Some(at("2026-11-13T06:00:00Z")),
        totals: Totals {
            keys: 812,
            aws_managed: 40,
            by_state: [("Enabled", 760), ("PendingDeletion", 3), ("Disabled", 9)]
                .map(|(state, count)| (state.to_owned(), count))
                .into(),
            by_origin: [("AWS_KMS".to_owned(), 772)].into(),
            pending_deletion: 3,
            without_rotation: 31,
            unused_90_days: 2,
            blind_spots: 1,
        },
        changes: Changes {
            created: 4,
            rotated: 12,
            deletions_scheduled: 1,
            ..Changes::default()
        },
        due: vec![
            due(9, "alias/d", DueWhat::MaterialExpiry),
            due(0, "alias/payments", DueWhat::Deletion),
            due(3, "alias/b", DueWhat::MaterialExpiry),
            due(3, "alias/c", DueWhat::Deletion),
            due(10, "alias/e", DueWhat::MaterialExpiry),
            due(11, "alias/f", DueWhat::MaterialExpiry),
            due(12, "alias/g", DueWhat::MaterialExpiry),
            due(13, "alias/h", DueWhat::MaterialExpiry),
            due(14, "alias/i", DueWhat::MaterialExpiry),
            due(15, "alias/j", DueWhat::Deletion),
        ],
        due_more: 0,
        without_rotation: names(20),
        unused: names(2),
        blind_spots: vec![BlindSpot {
            key: ARN.parse().unwrap(),
            name: Untrusted::new("alias/secret"),
            reason: Untrusted::new("AccessDeniedException: no"),
        }],
        statement: None,
    }
}

#[test]
fn a_week_is_one_screen_for_people() {
    let alert = tell(week());
    assert_eq!(alert.severity, Severity::Low);
    let body = render::people(&alert);
    insta::assert_snapshot!(body.replace(&alert.id, "…"), @r#"
    LOW: Key inventory, week 2026-W47: 812 keys, 3 pending deletion, 1 blind spot

      812 keys, 40 of them AWS managed. Customer managed: 9 Disabled, 760 Enabled,
      3 PendingDeletion. Due in the next 30 days: 3 deletions and 7 expiries of
      key material.

      At         2026-11-20 10:00 UTC
      1. Let KMS Watch read the blind spots: add this statement to their key
         policies:
         {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["kms:DescribeKey","kms:GetKeyPolicy","kms:GetKeyRotationStatus","kms:ListKeyRotations","kms:ListResourceTags","kms:GetKeyLastUsage","kms:ListGrants"],"Resource":"*"}
    ------------------------------------------------------------
    DUE IN 30 DAYS
      2026-11-21 deletion of alias/payments, team/payments
      2026-11-24 deletion of alias/c, team/c
      2026-11-24 expiry of the key material of alias/b, team/b
      2026-11-30 expiry of the key material of alias/d, team/d
      2026-12-01 expiry of the key material of alias/e, team/e
      2026-12-02 expiry of the key material of alias/f, team/f
      2026-12-03 expiry of the key material of alias/g, team/g
      2026-12-04 expiry of the key material of alias/h, team/h
      and 2 more
    CHANGED THIS WEEK
      4 created, 12 rotated, 1 scheduled for deletion (since 2026-11-13)
    WITHOUT ROTATION
      31: alias/app-1, alias/app-2, alias/app-3, alias/app-4 and 27 more
    UNUSED FOR 90 DAYS
      2: alias/app-1 and alias/app-2
    BLIND SPOTS
      1: alias/secret; step 1 makes them readable
    AND THEN
      2. Make sure that the owners know the dates above
    -- 
    KMS Watch, InventoryDigest, alert …
    "#);
    insta::assert_snapshot!(render::subject(&alert), @"LOW: Key inventory, week 2026-W47: 812 keys, 3 pending deletion, 1 blind… [111122223333 us-east-1]");
    assert!(body.lines().count() <= 45, "{}", body.lines().count());
}

#[test]
fn a_week_is_short_in_chat() {
    let alert = tell(week());
    let chat: Value = serde_json::from_str(&render::chat(&alert).unwrap()).unwrap();
    insta::assert_snapshot!(chat["content"]["description"].as_str().unwrap(), @r#"
    812 keys, 40 of them AWS managed. Customer managed: 9 Disabled, 760 Enabled, 3 PendingDeletion. Due in the next 30 days: 3 deletions and 7 expiries of key material.
    At 2026-11-20 10:00 UTC
    Where: 111122223333 us-east-1
    Due in 30 days: 2026-11-21 deletion of alias/payments, team/payments; 2026-11-24 deletion of alias/c, team/c; 2026-11-24 expiry of the key material of alias/b, team/b; …
    Changed this week: 4 created, 12 rotated, 1 scheduled for deletion (since 2026-11-13)
    Without rotation: 31: alias/app-1, alias/app-2, alias/app-3, alias/app-4 and 27 more
    Unused for 90 days: 2: alias/app-1 and alias/app-2
    Blind spots: 1: alias/secret; step 1 makes them readable
    "#);
    // The statement is whole.
    let step = chat["content"]["nextSteps"][0].as_str().unwrap();
    let statement = json!(alert.details)["statement"].clone();
    assert!(
        step.ends_with(&format!("`{}`", statement.as_str().unwrap())),
        "{step}"
    );
    assert_eq!(
        chat["metadata"]["threadId"],
        "account#111122223333#us-east-1#InventoryDigest"
    );
}

#[test]
fn a_week_is_whole_on_the_feed_and_survives_the_ledger() {
    let alert = tell(week());
    let feed: Value = serde_json::from_str(&render::feed(&alert).unwrap()).unwrap();
    let details = &feed["details"];
    assert_eq!(details["due"].as_array().unwrap().len(), 10);
    assert_eq!(
        details["due"][0],
        json!({"key": ARN, "name": "alias/payments", "owner": "team/payments", "what": "DELETION",
               "at": "2026-11-21T10:00:00Z"})
    );
    assert_eq!(details["due"][1]["what"], "DELETION", "the worse one first");
    assert_eq!(details["totals"]["unused90Days"], 2);
    assert_eq!(details["changes"]["deletionsScheduled"], 1);
    assert_eq!(details["blindSpots"][0]["key"], ARN);

    #[cfg(feature = "schema")]
    {
        let closed = jsonschema::validator_for(&crate::schema::closed_alert_schema()).unwrap();
        let errors: Vec<_> = closed.iter_errors(&feed).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    let stored = serde_json::to_string(&week()).unwrap();
    assert_eq!(
        serde_json::from_str::<InventoryDigest>(&stored).unwrap(),
        week()
    );
    // One of another version has what it has.
    let old: InventoryDigest =
        serde_json::from_str(r#"{"week": "2026-W46", "totals": {"keys": 3}}"#).unwrap();
    assert_eq!((old.totals.keys, old.due), (3, Vec::new()));
}

#[test]
fn a_quiet_week_says_so() {
    let quiet = InventoryDigest {
        week: "2026-W47".to_owned(),
        totals: Totals {
            keys: 1,
            ..Totals::default()
        },
        ..InventoryDigest::default()
    };
    let alert = tell(quiet);
    let body = render::people(&alert);
    insta::assert_snapshot!(body[..body.find("\nWHEN").unwrap()].trim_end(), @r#"
    LOW: Key inventory, week 2026-W47: 1 key

      1 key. Nothing is due in the next 30 days.

      At         2026-11-20 10:00 UTC
    ------------------------------------------------------------
    CHANGED THIS WEEK
      nothing
    "#);
    assert_eq!(alert.next_steps.len(), 0);
}

#[test]
fn there_is_one_digest_a_week() {
    let identity = |moment: &str| {
        let week = iso_week(at(moment));
        occurrence(
            InventoryDigest {
                week,
                ..InventoryDigest::default()
            },
            None,
        )
        .identity()
    };
    assert_eq!(identity("2026-11-16T00:00:00Z"), "InventoryDigest#2026-W47");
    assert_eq!(identity("2026-11-22T23:59:59Z"), "InventoryDigest#2026-W47");
    assert_eq!(identity("2026-11-23T00:00:00Z"), "InventoryDigest#2026-W48");
    // A week belongs to the year of its Thursday.
    assert_eq!(identity("2027-01-03T12:00:00Z"), "InventoryDigest#2026-W53");
    assert_eq!(identity("2024-12-30T12:00:00Z"), "InventoryDigest#2025-W01");
}

#[test]
fn the_statement_lets_iam_decide_who_reads() {
    let key: KeyArn = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/k"
        .parse()
        .unwrap();
    let statement = blind_spot_statement(key.partition(), key.account());
    assert_eq!(
        serde_json::from_str::<Value>(&statement).unwrap(),
        json!({
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws-us-gov:iam::111122223333:root"},
            "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListKeyRotations",
                       "kms:ListResourceTags", "kms:GetKeyLastUsage", "kms:ListGrants"],
            "Resource": "*"
        })
    );
    assert!(!statement.contains(char::is_whitespace));
    // Of those who could slip another one in, none is heard.
    let mut forged = week();
    forged.statement = Some("{\"Effect\":\"Allow\",\"Principal\":\"*\"}".to_owned());
    let details = json!(tell(forged).details);
    assert_eq!(
        details["statement"],
        json!(blind_spot_statement(
            &crate::arn::Partition::new("aws").unwrap(),
            key.account()
        ))
    );
}

/// As much as there can be, and more, of values that take the most room.
fn full() -> InventoryDigest {
    let wide = "🔑".repeat(8_000);
    let hostile = format!("<a href=\"https://evil.example\">`\u{202E}\r\nBcc: {wide}");
    let name = Untrusted::bounded(&wide, 8_000);
    let key: KeyArn = format!(
        "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{}",
        "k".repeat(128)
    )
    .parse()
    .unwrap();
    let counts = || {
        (0..100)
            .map(|number| (format!("{number}{wide}"), u64::MAX))
            .collect()
    };
    InventoryDigest {
        week: wide.clone(),
        since: Some(at("2026-11-13T06:00:00Z")),
        totals: Totals {
            keys: u64::MAX,
            aws_managed: u64::MAX,
            by_state: counts(),
            by_origin: counts(),
            pending_deletion: u64::MAX,
            without_rotation: u64::MAX,
            unused_90_days: u64::MAX,
            blind_spots: u64::MAX,
        },
        changes: Changes {
            created: u64::MAX,
            deleted: u64::MAX,
            vanished: u64::MAX,
            rotated: u64::MAX,
            deletions_scheduled: u64::MAX,
            deletions_cancelled: u64::MAX,
            disabled: u64::MAX,
        },
        due: (0..400)
            .map(|number| Due {
                key: key.clone(),
                ..due(
                    number % 30,
                    if number == 0 { &hostile } else { &wide },
                    DueWhat::MaterialExpiry,
                )
            })
            .collect(),
        due_more: 7,
        without_rotation: vec![name.clone(); 50],
        unused: vec![Untrusted::new(&hostile); 50],
        blind_spots: vec![
            BlindSpot {
                key: key.clone(),
                name: name.clone(),
                reason: name,
            };
            50
        ],
        statement: Some(wide),
    }
}

#[test]
fn the_fullest_digest_keeps_every_limit() {
    let alert = tell(full());
    let feed = render::feed(&alert).unwrap();
    assert!(feed.len() <= MESSAGE_LIMIT - 16 * 1024, "{}", feed.len());
    let feed: Value = serde_json::from_str(&feed).unwrap();
    let details = &feed["details"];
    assert_eq!(
        feed["enrichment"]["missing"],
        json!([]),
        "nothing is left out"
    );
    assert_eq!(details["due"].as_array().unwrap().len(), MAX_DUE);
    assert_eq!(details["dueMore"], 7 + 200);
    for list in ["withoutRotation", "unused", "blindSpots"] {
        assert_eq!(details[list].as_array().unwrap().len(), MAX_NAMES);
    }
    assert!(render::subject(&alert).chars().count() <= 99);

    let body = render::people(&alert);
    assert!(body.lines().count() < 120, "{body}");
    assert!(
        !body.contains("https://evil") && !body.contains('\u{202E}'),
        "{body}"
    );
    assert!(body.contains("and 399 more"), "{body}");

    let chat: Value = serde_json::from_str(&render::chat(&alert).unwrap()).unwrap();
    let content = &chat["content"];
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    assert!(length(&content["title"]) <= 250);
    assert!(length(&content["description"]) <= 8_000);
    assert!(
        content["nextSteps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| length(step) <= 350)
    );
    let shown = content["description"].as_str().unwrap();
    assert!(
        !shown.contains(['<', '>']) && shown.matches('`').count().is_multiple_of(2),
        "{shown}"
    );
    // The same digest is cut in the same way.
    assert_eq!(json!(tell(full())), json!(alert));
}
