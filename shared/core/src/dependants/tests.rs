use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::answers::Grant;
use crate::arn::KeyArn;
use crate::context;
use crate::fakes::FakeTrail;

const NOW: &str = "2026-11-20T12:00:00Z";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn key() -> KeyArn {
    KEY.parse().unwrap()
}

/// A use by `role` at `time`, as CloudTrail records it.
fn used(role: &str, time: &str, context: Value) -> Value {
    let arn = format!("arn:aws:iam::111122223333:role/{role}");
    json!({
        "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "eventTime": time,
        "eventID": format!("{role} {time} {context}"),
        "userIdentity": {
            "type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/maria@example.com"),
            "principalId": "AROA:maria@example.com", "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn, "userName": role}},
        },
        "sourceIPAddress": "192.0.2.10",
        "requestParameters": {"encryptionContext": context},
        "resources": [{"ARN": KEY, "type": "AWS::KMS::Key"}],
    })
}

fn bucket(name: &str) -> Value {
    json!({"aws:s3:arn": format!("arn:aws:s3:::{name}/some/object")})
}

fn ask(key: &KeyArn) -> Ask<'_> {
    Ask {
        key,
        aliases: &[],
        last_use: None,
        now: at(NOW),
        limit: Duration::from_secs(10),
        grant_pages: 3,
        pages: 6,
        config_pages: 0,
        pause: Duration::from_millis(600),
    }
}

async fn gathered(trail: &FakeTrail) -> Gathered {
    let key = key();
    gather(trail, trail, trail, &ask(&key)).await
}

fn lines(dependants: &Dependants) -> String {
    let lines = dependants.lines(at(NOW)).into_iter();
    let lines: Vec<_> = lines.map(|line| line.plain()).collect();
    lines.join("\n")
}

fn volume(id: usize) -> Grant {
    let id = format!("vol-0{id:03}");
    Grant {
        id: id.clone(),
        grantee: Some(Untrusted::new("ec2.amazonaws.com")),
        resource: context::resource([("aws:ebs:id", id.as_str())].into_iter()),
        ..Grant::default()
    }
}

#[tokio::test(start_paused = true)]
async fn grants_and_uses_say_who_and_what() {
    let trail = FakeTrail::default();
    trail.records.borrow_mut().extend([
        used("AppServer", "2026-11-20T01:00:00Z", bucket("acme-ledger")),
        used("AppServer", "2026-11-19T01:00:00Z", bucket("acme-ledger")),
        used(
            "ci-deploy",
            "2026-11-18T11:00:00Z",
            json!({"stage": "prod"}),
        ),
        used(
            "Billing",
            "2026-11-01T12:00:00Z",
            json!({"aws:rds:db-id": "db-AB12", "aws:ebs:id": "vol-1"}),
        ),
    ]);
    trail.grants.borrow_mut().extend((0..14).map(volume));
    let found = gathered(&trail).await.with(None, at(NOW)).unwrap();
    insta::assert_snapshot!(lines(&found), @r"
    RDS instance db-AB12 (Billing, 19 days ago)
    S3 bucket acme-ledger (AppServer, 11 hours ago)
    14 EBS volumes, such as vol-0000
    role/AppServer, 11 hours ago (Decrypt)
    role/ci-deploy, 2 days ago (Decrypt)
    1 more principal
    ");
    assert_eq!((found.count, found.complete), (19, true));
    assert_eq!(found.sources, [Evidence::Grants, Evidence::EventHistory]);
    assert!(found.has_database());
    let principal = &found.principals[0];
    assert_eq!(
        (principal.name.as_str(), principal.count),
        ("role/AppServer", 2)
    );
    // One page was all there is.
    assert_eq!(trail.asked.borrow().len(), 1);
}

#[test]
fn no_value_of_an_own_context_and_no_session_is_kept() {
    let mut findings = Findings::default();
    let context = json!({
        "patient": "Maria Meier", "email": "maria@example.com", "aws:s3:arn": "arn:aws:s3:::records/maria@example.com.pdf",
    });
    assert!(findings.record(&used("Clinic", NOW, context)));
    let json = serde_json::to_string(&findings.into_dependants(at(NOW))).unwrap();
    assert!(json.contains("records") && json.contains("role/Clinic"));
    for personal in ["maria", "Maria", "Meier", "patient"] {
        assert!(!json.contains(personal), "{personal}: {json}");
    }
}

#[test]
fn only_who_needs_the_key_counts() {
    let of = |name: &str, code: Option<&str>| {
        let mut record = used("app", NOW, json!({}));
        (record["eventName"], record["errorCode"]) = (name.into(), code.into());
        Findings::default().record(&record)
    };
    for name in [
        "Decrypt",
        "GenerateDataKey",
        "Sign",
        "ReEncrypt",
        "VerifyMac",
        "Decapsulate",
    ] {
        assert!(of(name, None), "{name}");
    }
    for name in [
        "DescribeKey",
        "ListGrants",
        "ScheduleKeyDeletion",
        "GetPublicKey",
    ] {
        assert!(!of(name, None), "{name}");
    }
    // Who fails because the key is off needs it; who is refused does not count.
    for code in ["DisabledException", "KMSInvalidStateException", "Disabled"] {
        assert!(of("Decrypt", Some(code)), "{code}");
    }
    for code in [
        "AccessDenied",
        "AccessDeniedException",
        "InvalidCiphertextException",
    ] {
        assert!(!of("Decrypt", Some(code)), "{code}");
    }
}

#[test]
fn principals_have_short_names_and_no_sessions() {
    for (principal, name) in [
        (
            "arn:aws:iam::111122223333:role/team/a/ci-deploy",
            "role/ci-deploy",
        ),
        ("arn:aws:iam::111122223333:user/maria", "user/maria"),
        ("arn:aws:iam::111122223333:root", "root"),
        (
            "arn:aws:sts::111122223333:assumed-role/app/maria@example.com",
            "role/app",
        ),
        ("lambda.amazonaws.com", "lambda.amazonaws.com"),
        ("444455556666 AROAEXAMPLE", "444455556666 AROAEXAMPLE"),
    ] {
        let read = Principal::of(principal, Evidence::Grants);
        assert_eq!(read.name.as_str(), name);
        assert_eq!(read.arn.is_some(), principal.starts_with("arn:"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_key_is_looked_at_in_leaps() {
    let trail = FakeTrail::default();
    // A use every ten minutes for ten days by one role, and one by another a week ago.
    let uses = (0..1_440_i64).map(|number| {
        let time = at(NOW) - SignedDuration::from_mins(10 * number);
        used("AppServer", &time.to_string(), bucket("acme-ledger"))
    });
    trail.records.borrow_mut().extend(uses);
    let rare = used("Weekly", "2026-11-13T11:58:00Z", bucket("acme-reports"));
    trail.records.borrow_mut().push(rare);
    let began = tokio::time::Instant::now();
    let found = gathered(&trail).await.with(None, at(NOW)).unwrap();
    assert!(lines(&found).contains("acme-reports"), "{}", lines(&found));
    assert!(!found.complete);
    assert_eq!(trail.asked.borrow().len(), 6);
    // Never faster than CloudTrail takes.
    assert!(began.elapsed() >= Duration::from_millis(5 * 600));
}

#[tokio::test(start_paused = true)]
async fn the_last_use_is_found_behind_those_who_only_look() {
    let trail = FakeTrail::default();
    let looks = (0..2_000_i64).map(|hour| {
        let time = at(NOW) - SignedDuration::from_hours(hour);
        let mut look = used("Scanner", &time.to_string(), json!({}));
        look["eventName"] = "DescribeKey".into();
        look
    });
    trail.records.borrow_mut().extend(looks);
    let mut last = used("Payroll", "2026-11-02T00:00:30Z", bucket("wages"));
    last["eventID"] = "the-last-use".into();
    trail.records.borrow_mut().push(last);
    let key = key();
    let asked = Ask {
        last_use: Some("the-last-use"),
        ..ask(&key)
    };
    let found = gather(&trail, &trail, &trail, &asked).await;
    let found = found.with(None, at(NOW)).unwrap();
    assert!(
        lines(&found).contains("S3 bucket wages (Payroll"),
        "{}",
        lines(&found)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_or_slow_is_missing_and_takes_no_longer_than_it_may() {
    let trail = FakeTrail::default();
    trail.broken.set(true);
    let refused = gathered(&trail).await;
    let facts: Vec<_> = refused.missing.iter().map(|it| it.fact).collect();
    assert_eq!(facts, ["eventHistory", "grants"]);
    assert_eq!(refused.with(None, at(NOW)), None);

    trail.broken.set(false);
    trail.delay.set(Duration::from_secs(60));
    let began = tokio::time::Instant::now();
    let slow = gathered(&trail).await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    assert!(slow.missing[0].reason.as_str().contains("10000 ms"));

    // Half an answer is one.
    trail.delay.set(Duration::from_secs(4));
    let uses = (0..120_i64).map(|minute| {
        let time = at(NOW) - SignedDuration::from_mins(minute);
        used("AppServer", &time.to_string(), json!({}))
    });
    trail.records.borrow_mut().extend(uses);
    let half = gathered(&trail).await;
    assert_eq!(half.missing.len(), 1);
    let half = half.with(None, at(NOW)).unwrap();
    assert_eq!((half.principals.len(), half.complete), (1, false));
}

#[test]
fn what_is_named_is_bounded_and_the_rest_is_counted() {
    let mut findings = Findings::default();
    for id in 0..400 {
        findings.grant(&volume(id));
    }
    for number in 0..40 {
        let time = at(NOW) - SignedDuration::from_mins(number);
        findings.record(&used(
            &format!("role{number:02}"),
            &time.to_string(),
            json!({}),
        ));
    }
    let found = findings.into_dependants(at(NOW));
    assert_eq!(
        (found.resources.len(), found.principals.len()),
        (MOST, MOST)
    );
    assert_eq!((found.count, found.complete), (440, false));
    assert_eq!((found.resource_count, found.principal_count), (400, 40));
    assert_eq!(
        found.counts().plain(),
        "at least 400 resources and 40 principals"
    );
    assert_eq!(found.principals[0].name.as_str(), "role/role00");
    insta::assert_snapshot!(lines(&found), @r"
    400 EBS volumes, such as vol-0000
    role/role00, just now (Decrypt)
    role/role01, just now (Decrypt)
    role/role02, 2 minutes ago (Decrypt)
    role/role03, 3 minutes ago (Decrypt)
    at least 36 more principals
    ");
    assert_eq!(found.at_most(10).principals.len(), 10);
}

#[test]
fn where_room_is_short_databases_and_some_of_each_type_stay() {
    let mut findings = Findings::default();
    for id in 0..30 {
        findings.grant(&volume(id));
    }
    let database = json!({"aws:rds:db-id": "db-AB12"});
    findings.record(&used("Billing", "2026-10-01T00:00:00Z", database));
    findings.record(&used("app", "2026-10-02T00:00:00Z", bucket("a")));
    let short = findings.into_dependants(at(NOW)).at_most(3);
    let ids: Vec<_> = short.resources.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["a", "db-AB12", "vol-0000"]);
    assert!(short.has_database() && !short.complete);
    insta::assert_snapshot!(lines(&short), @r"
    RDS instance db-AB12 (Billing, 50 days ago)
    S3 bucket a (app, 49 days ago)
    30 EBS volumes, such as vol-0000
    role/app, 49 days ago (Decrypt)
    role/Billing, 50 days ago (Decrypt)
    perhaps more: not everything could be read
    ");
    // What was only counted is known to the next look, too.
    let mut next = Findings::default();
    next.record(&used("app", "2026-10-02T00:00:00Z", bucket("a")));
    next.recall(&short, at(NOW));
    let next = next.into_dependants(at(NOW));
    assert_eq!((next.resource_count, next.complete), (32, false));
}

#[test]
fn what_is_known_grows_and_forgets_what_is_over() {
    let mut first = Findings::default();
    first.grant(&volume(1));
    first.grant(&volume(2));
    first.record(&used("old", "2026-08-01T00:00:00Z", json!({})));
    first.record(&used("app", "2026-11-19T00:00:00Z", bucket("a")));
    let known = first.into_dependants(at("2026-11-19T12:00:00Z"));
    assert_eq!(known.count, 5);

    let mut second = Findings::default();
    second.grant(&volume(2));
    second.record(&used("app", "2026-11-19T00:00:00Z", bucket("a")));
    second.record(&used("app", "2026-11-20T00:00:00Z", bucket("b")));
    second.recall(&known, at(NOW));
    let now = second.into_dependants(at(NOW));
    let ids: Vec<_> = now.resources.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["b", "a", "vol-0002"]);
    let principals: Vec<_> = now
        .principals
        .iter()
        .map(|it| (it.name.as_str(), it.count))
        .collect();
    // The record that was read twice counts once.
    assert_eq!(principals, [("role/app", 2)]);
    assert_eq!((now.count, now.complete), (4, true));
    assert!(now.adds_to(Some(&known)) && now.adds_to(None));
    assert!(!now.adds_to(Some(&now)));
}

#[test]
fn what_is_known_survives_the_table_and_nothing_else_does() {
    let mut findings = Findings::default();
    findings.grant(&volume(1));
    findings.record(&used("app", NOW, bucket("a")));
    let found = findings.into_dependants(at(NOW));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        serde_json::from_value::<Dependants>(json.clone()).unwrap(),
        found
    );
    assert_eq!(json["resources"][0]["type"], "AWS::S3::Bucket");
    let mut forged = json;
    forged["resources"][0]["type"] = "click here".into();
    assert!(serde_json::from_value::<Dependants>(forged).is_err());
}

/// Any text where a text may stand, with what breaks out of a line, a mail or a page.
fn hostile() -> impl proptest::strategy::Strategy<Value = String> {
    proptest::string::string_regex("[\\PC\u{0}-\u{1f}\u{200b}-\u{202e}<>\\[\\]()`@:/.]{0,80}")
        .unwrap()
}

proptest::proptest! {
    /// Whatever a record and a grant hold: what is kept of a resource is the shape of a name, and nothing is unclean.
    #[test]
    fn any_record_and_grant_become_clean_and_bounded_dependants(
        words in proptest::collection::vec(hostile(), 8..9),
    ) {
        let context = json!({
            words[0].clone(): words[1], "aws:s3:arn": format!("arn:aws:s3:::{}", words[2]),
            "aws:dynamodb:tableName": words[3], "SecretARN": words[4], "own": words[5],
        });
        let mut record = used(&words[6], NOW, context);
        record["userIdentity"]["accountId"] = words[7].clone().into();
        record["userIdentity"]["invokedBy"] = words[0].clone().into();
        let mut findings = Findings::default();
        findings.record(&record);
        findings.grant(&Grant {
            id: words[0].clone(),
            grantee: Some(Untrusted::new(&words[1])),
            source_arn: Some(Untrusted::new(&words[2])),
            operations: vec![Untrusted::new(&words[3])],
            ..Grant::default()
        });
        let found = findings.into_dependants(at(NOW));
        for resource in &found.resources {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            proptest::prop_assert!(resource.id.as_str().chars().all(plain));
        }
        let text = serde_json::to_string(&found).unwrap();
        let unclean = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
        proptest::prop_assert!(!text.contains(unclean), "{text}");
        proptest::prop_assert!(text.len() < 8_000);
        proptest::prop_assert!(found.lines(at(NOW)).len() <= 6);
    }
}

fn configured(kind: &str, id: &str, arn: &str) -> Value {
    json!({"resourceType": kind, "resourceId": id, "arn": arn})
}

/// A bucket that was used, too, and a database that nobody used for a year.
fn recorded() -> Vec<Vec<Value>> {
    let database = "arn:aws:rds:us-east-1:111122223333:db:archive";
    vec![
        vec![configured(
            "AWS::S3::Bucket",
            "acme-ledger",
            "arn:aws:s3:::acme-ledger",
        )],
        vec![configured("AWS::RDS::DBInstance", "db-OLD", database)],
    ]
}

async fn gathered_with_config(trail: &FakeTrail, config_pages: usize) -> Gathered {
    let key = key();
    let asked = Ask {
        config_pages,
        ..ask(&key)
    };
    gather(trail, trail, trail, &asked).await
}

#[tokio::test(start_paused = true)]
async fn config_names_what_nobody_used_and_each_resource_is_named_once() {
    let trail = FakeTrail::default();
    let used = used("AppServer", "2026-11-20T01:00:00Z", bucket("acme-ledger"));
    trail.records.borrow_mut().push(used);
    *trail.recorded.borrow_mut() = Some(recorded());
    let gathered = gathered_with_config(&trail, 8).await;
    assert_eq!(gathered.missing, []);
    let found = gathered.with(None, at(NOW)).unwrap();
    insta::assert_snapshot!(lines(&found), @r"
    RDS instance db-OLD (by AWS Config)
    S3 bucket acme-ledger (AppServer, 11 hours ago)
    role/AppServer, 11 hours ago (Decrypt)
    ");
    let sources = [Evidence::Grants, Evidence::EventHistory, Evidence::Config];
    assert_eq!((found.complete, &found.sources[..]), (true, &sources[..]));
    // Not asked unless that is wanted.
    trail.expressions.borrow_mut().clear();
    let found = gathered_with_config(&trail, 0).await.with(None, at(NOW));
    assert_eq!(found.unwrap().resource_count, 1);
    assert!(trail.expressions.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_config_does_not_answer_is_missing_and_forgets_nothing() {
    let trail = FakeTrail::default();
    *trail.recorded.borrow_mut() = Some(recorded());
    let known = gathered_with_config(&trail, 8).await.with(None, at(NOW));
    let known = known.unwrap();
    assert_eq!(known.resource_count, 2);
    // One page of three: the rest is not gone.
    trail.expressions.borrow_mut().clear();
    let partly = gathered_with_config(&trail, 1).await;
    let partly = partly.with(Some(&known), at(NOW)).unwrap();
    assert_eq!((partly.resource_count, partly.complete), (2, false));
    // Off: an empty answer would be no proof.
    *trail.recorded.borrow_mut() = None;
    let off = gathered_with_config(&trail, 8).await;
    assert_eq!(off.missing[0].fact, "config");
    let off = off.with(Some(&known), at(NOW)).unwrap();
    assert_eq!((off.resource_count, off.complete), (2, false));
    // Read to the end, and gone.
    *trail.recorded.borrow_mut() = Some(vec![Vec::new()]);
    trail.expressions.borrow_mut().clear();
    let gone = gathered_with_config(&trail, 8).await;
    let gone = gone.with(Some(&known), at(NOW)).unwrap();
    assert!(gone.resources.is_empty() && gone.complete, "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn a_config_that_is_refused_or_slow_costs_the_others_nothing() {
    let trail = FakeTrail::default();
    *trail.recorded.borrow_mut() = Some(recorded());
    trail.broken.set(true);
    let refused = gathered_with_config(&trail, 8).await;
    let facts: Vec<_> = refused.missing.iter().map(|it| it.fact).collect();
    assert!(facts.contains(&"config"), "{facts:?}");
    assert!(refused.with(None, at(NOW)).is_none());
    trail.broken.set(false);
    trail.delay.set(Duration::from_secs(60));
    let began = tokio::time::Instant::now();
    let slow = gathered_with_config(&trail, 8).await;
    assert!(began.elapsed() <= Duration::from_secs(10));
    assert_eq!(slow.missing.len(), 3);
}
