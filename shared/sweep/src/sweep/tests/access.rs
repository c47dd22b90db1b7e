//! Policies and grants that changed while nobody was told.

use watch_core::answers::Grant;
use watch_core::fakes::DEFAULT_POLICY;
use watch_core::kinds::GrantTold;
use watch_core::ledger::Policy;
use watch_core::ports::Ledger;

use super::*;

const DAY_2_LATER: &str = "2026-11-21T03:30:00Z";
const DAY_3: &str = "2026-11-22T03:00:00Z";
const DAY_3_LATER: &str = "2026-11-22T03:30:00Z";

fn policy_for(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:root"}},"Action":"kms:*","Resource":"*"}},
        {{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:Decrypt","Resource":"*"}}]}}"#
    )
}

const STRANGER: &str = "arn:aws:iam::999988887777:root";

async fn watched() -> World {
    let world = world(&[]);
    world.add("k", |key| key.policy = DEFAULT_POLICY.to_owned());
    world.run("full", DAY_1).await;
    assert!(world.told().is_empty(), "the first sweep remembers");
    world
}

fn record(event: &str, id: &str, parameters: &Value) -> Value {
    let mut record = disable_record("k", id, "2026-11-20T12:00:00Z");
    record["eventName"] = event.into();
    record["requestParameters"] = parameters.clone();
    record
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_no_event_told_of_is_held_then_told_once_and_judged_like_the_event() {
    let world = watched().await;
    world.change("k", |key| key.policy = policy_for(STRANGER));
    world.run("full", DAY_2).await;
    assert!(world.told().is_empty(), "held");
    world.run("light", DAY_2_LATER).await;
    let alert = world.topics.feed().pop().unwrap();
    assert_eq!(alert["severity"], "HIGH", "{alert}");
    assert_eq!(alert["actor"], Value::Null);
    let details = &alert["details"];
    assert_eq!(details["drift"], "POLICY");
    assert_eq!(details["knownAt"], DAY_1);
    assert_eq!(details["policy"]["gainedAccounts"], json!(["999988887777"]));
    assert_eq!(details["policy"]["added"].as_array().unwrap().len(), 1);
    assert_eq!(world.told(), ["KeyAccessDrifted k"]);
    for (depth, when) in [("full", DAY_3), ("light", DAY_3_LATER)] {
        world.run(depth, when).await;
        assert!(world.told().is_empty(), "once");
    }
}

#[tokio::test(start_paused = true)]
async fn the_record_of_the_call_says_who_did_it_and_an_event_that_told_is_not_repeated() {
    for told_before in [false, true] {
        let world = watched().await;
        let policy = policy_for(STRANGER);
        let put = record("PutKeyPolicy", "e1", &json!({"policy": policy}));
        let event = json!({"version": "0", "id": "e1", "source": "aws.kms", "account": "111122223333",
                "detail-type": "AWS API Call via CloudTrail", "time": "2026-11-20T12:00:00Z",
                "region": "us-east-1", "detail": put});
        let Decision::Report(occurrence) = decide(&Event::read(&event).unwrap()) else {
            panic!("{event}");
        };
        if told_before {
            world
                .sweep
                .watch
                .clock
                .set(Some(at("2026-11-20T12:00:30Z")));
            world
                .sweep
                .watch
                .report(*occurrence.clone(), "other")
                .await
                .unwrap();
            world.topics.sent.take();
            // What the event taught is lost: its record is enough.
            let ledger = world.sweep.watch.ledger.as_ref().unwrap();
            let known = Policy {
                policy: DEFAULT_POLICY.to_owned(),
                as_of: at(DAY_1),
            };
            ledger
                .put(&[known.item(&arn("k").to_string())])
                .await
                .unwrap();
        }
        world.change("k", |key| key.policy = policy);
        world.trail.records.borrow_mut().push(put);
        world.run("full", DAY_2).await;
        world.run("light", DAY_2_LATER).await;
        if told_before {
            assert!(world.told().is_empty());
            continue;
        }
        let alert = world.topics.feed().pop().unwrap();
        assert_eq!(alert["actor"]["name"], "maria", "{alert}");
        assert_eq!(alert["occurredAt"], "2026-11-20T12:00:00Z");
        assert_eq!(world.told(), ["KeyAccessDrifted k"]);
        // Its event comes after all.
        let late = world.sweep.watch.report(*occurrence, "late").await;
        assert_eq!(late.unwrap().verdict, Verdict::Duplicate);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_an_event_taught_or_that_was_put_back_or_laid_out_anew_is_no_drift() {
    let world = watched().await;
    // The event, which came first.
    let policy = policy_for(STRANGER);
    let known = Policy {
        policy: policy.clone(),
        as_of: at("2026-11-20T12:00:00Z"),
    };
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    ledger
        .put(&[known.item(&arn("k").to_string())])
        .await
        .unwrap();
    world.change("k", |key| key.policy = policy.replace(',', " ,\n"));
    world.run("full", DAY_2).await;
    world.run("light", DAY_2_LATER).await;
    assert!(world.told().is_empty());
    // Put back while it was held.
    world.change("k", |key| key.policy = policy_for("*"));
    world.run("full", DAY_3).await;
    world.change("k", |key| key.policy = policy);
    world.run("light", DAY_3_LATER).await;
    assert!(world.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_lets_in_everybody_is_told_at_first_sight_and_what_lets_in_strangers_said() {
    let world = world(&[("SWEEP_HOLD_MINUTES", "0")]);
    world.add("own", |key| key.policy = DEFAULT_POLICY.to_owned());
    world.add("foreign", |key| key.policy = policy_for(STRANGER));
    world.add("public", |key| key.policy = policy_for("*"));
    world.run("full", DAY_1).await;
    let severities: BTreeMap<_, _> = world
        .topics
        .feed()
        .iter()
        .map(|alert| {
            (
                alert["key"]["id"].to_string(),
                alert["severity"].to_string(),
            )
        })
        .collect();
    let expected = [
        ("\"foreign\"", "\"MEDIUM\""),
        ("\"public\"", "\"CRITICAL\""),
    ];
    let expected = expected.map(|(id, severity)| (id.to_owned(), severity.to_owned()));
    assert_eq!(severities, BTreeMap::from(expected));
    world.told();
    world.run("full", DAY_2).await;
    assert!(world.told().is_empty(), "once");
}

fn grant(id: &str, grantee: &str) -> Grant {
    Grant {
        id: id.to_owned(),
        grantee: Some(Untrusted::new(grantee)),
        operations: vec![Untrusted::new("Decrypt")],
        ..Grant::default()
    }
}

#[tokio::test(start_paused = true)]
async fn grants_that_came_and_went_are_told_but_for_those_that_an_event_told_of_and_services() {
    let world = watched().await;
    world.change("k", |key| {
        key.grants = vec![grant("old", "arn:aws:iam::111122223333:role/a")]
    });
    world.run("full", DAY_2).await;
    world.run("light", DAY_2_LATER).await;
    assert_eq!(world.told(), ["KeyAccessDrifted k"]);

    world.change("k", |key| {
        key.grants = vec![
            grant("mine", "arn:aws:iam::111122223333:role/b"),
            grant("told", "arn:aws:iam::111122223333:role/c"),
            grant("theirs", STRANGER),
            grant("service", "dynamodb.us-east-1.amazonaws.com"),
        ];
    });
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    for id in ["told", "theirs"] {
        let name = GrantTold::Created.key(&arn("k").to_string(), id);
        let item = watch_core::ledger::Item::from_iter([
            ("pk".to_owned(), name.partition.into()),
            ("sk".to_owned(), name.sort.into()),
        ]);
        ledger.put(&[item]).await.unwrap();
    }
    let retired = record("RetireGrant", "e2", &json!({"grantId": "old"}));
    world.trail.records.borrow_mut().push({
        let mut retired = retired;
        retired["eventTime"] = "2026-11-21T12:00:00Z".into();
        retired
    });
    world.run("full", DAY_3).await;
    world.run("light", DAY_3_LATER).await;
    let mut told: Vec<_> = world
        .topics
        .feed()
        .iter()
        .map(|alert| {
            let details = &alert["details"];
            let grant = ["grantCreated", "grantRevoked", "grantRetired"]
                .into_iter()
                .find(|name| !details[*name].is_null())
                .unwrap();
            format!(
                "{} {} {}",
                alert["severity"].as_str().unwrap(),
                details["drift"].as_str().unwrap(),
                details[grant]["grantId"].as_str().unwrap()
            )
        })
        .collect();
    told.sort();
    // A note does not keep a stranger's grant from people.
    assert_eq!(
        told,
        [
            "HIGH GRANT_CREATED theirs",
            "LOW GRANT_CREATED mine",
            "LOW GRANT_ENDED old"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn grants_are_left_alone_if_that_is_wanted_and_a_blind_spot_if_they_may_not_be_seen() {
    let off = world(&[("SWEEP_GRANTS", "false")]);
    off.add("k", |_| {});
    off.run("full", DAY_1).await;
    assert_eq!(off.calls("ListGrants"), 0);

    let world = world(&[("DIGEST", "WEEKLY")]);
    world.add("k", |_| {});
    let denied = CallError::new("AccessDeniedException", "no");
    world.kms.0.borrow_mut().broken.insert("ListGrants", denied);
    world.run("full", DAY_1).await;
    let digest = world.topics.feed().pop().unwrap();
    assert_eq!(
        digest["details"]["blindSpots"][0]["reason"],
        "ListGrants: AccessDeniedException: no"
    );
}

/// As AWS RAM would write it: a policy of its own for the principals of a share.
fn share_with(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:Decrypt","Resource":"*"}}]}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_share_that_no_event_told_of_is_held_then_told_and_so_is_its_end() {
    let world = watched().await;
    world.change("k", |key| key.shared = Some(share_with(STRANGER)));
    world.run("full", DAY_2).await;
    assert!(world.told().is_empty(), "held");
    world.run("light", DAY_2_LATER).await;
    let alert = world.topics.feed().pop().unwrap();
    assert_eq!(alert["severity"], "HIGH", "{alert}");
    assert_eq!(alert["details"]["drift"], "SHARED");
    assert_eq!(
        alert["details"]["shared"]["foreign"],
        json!(["999988887777"])
    );
    assert_eq!(world.told(), ["KeyAccessDrifted k"]);
    world.change("k", |key| key.shared = None);
    world.run("full", DAY_3).await;
    world.run("light", DAY_3_LATER).await;
    let alert = world.topics.feed().pop().unwrap();
    assert_eq!(alert["details"]["drift"], "SHARE_ENDED", "{alert}");
    assert_eq!(world.told(), ["KeyAccessDrifted k"]);
    world.run("full", "2026-11-23T03:00:00Z").await;
    world.run("light", "2026-11-23T03:30:00Z").await;
    assert!(world.told().is_empty(), "once");
}

#[tokio::test(start_paused = true)]
async fn a_share_is_told_at_first_sight_if_it_lets_in_strangers() {
    let world = world(&[]);
    for (id, principal) in [
        ("strange", STRANGER),
        ("own", "arn:aws:iam::111122223333:role/app"),
    ] {
        world.add(id, |key| {
            key.policy = DEFAULT_POLICY.to_owned();
            key.shared = Some(share_with(principal));
        });
    }
    world.run("full", DAY_1).await;
    world.run("light", "2026-11-20T03:30:00Z").await;
    let alert = world.topics.feed().pop().unwrap();
    assert_eq!(alert["severity"], "MEDIUM", "{alert}");
    assert_eq!(alert["details"]["drift"], "SHARED_AT_FIRST_SIGHT");
    assert_eq!(world.told(), ["KeyAccessDrifted strange"]);
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_share_says_who_did_it_for_each_of_its_keys() {
    let world = watched().await;
    world.add("other", |key| key.policy = DEFAULT_POLICY.to_owned());
    world.run("full", "2026-11-20T05:00:00Z").await;
    assert!(world.told().is_empty());
    for id in ["k", "other"] {
        world.change(id, |key| key.shared = Some(share_with(STRANGER)));
    }
    let arns = json!([arn("k").to_string(), arn("other").to_string()]);
    let mut record = record(
        "AssociateResourceShare",
        "e1",
        &json!({"resourceArns": arns}),
    );
    record["eventSource"] = "ram.amazonaws.com".into();
    record["resources"] = json!([]);
    world.trail.records.borrow_mut().push(record);
    world.run("full", DAY_2).await;
    world.run("light", DAY_2_LATER).await;
    let alerts = world.topics.feed();
    assert!(
        alerts.iter().all(|alert| alert["actor"]["name"] == "maria"),
        "{alerts:?}"
    );
    assert_eq!(
        world.told(),
        ["KeyAccessDrifted k", "KeyAccessDrifted other"]
    );
}
