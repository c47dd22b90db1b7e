//! Whatever the world says, SNS and Amazon Q Developer take the messages.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::actor::Actor;
use crate::alert::Links;
use crate::arn::KeyArn;
use crate::dependants::{Dependants, Evidence, OfType, Principal, Resource};
use crate::enrichment::Missing;
use crate::event::Event;
use crate::kinds::{
    BlindSpot, CONTEXT_KEYS, Due, DueWhat, InventoryDigest, KeyChangeDenied, KeyDeletionNear,
    KeyDeletionScheduled, KeyMaterialImported, KeyRotated, KeyStoreUnhealthy, Kind, Signal, Totals,
    UnusableKeyUsed,
};
use crate::pipeline::tests::alert_about;

/// Text as an attacker would write it.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[<>&`*_\\[\\]()|~@#!\"'\\\\$;\r\n\t\u{0}\u{7}\u{1b}\u{202e}\u{2066}\u{200b}🔑é ]{0,400}",
        (1_usize..3, any::<char>()).prop_map(|(n, c)| c.to_string().repeat(n * 5_000)),
    ]
}

fn kind(words: &[String]) -> Kind {
    let word = |i: usize| Some(Untrusted::new(&words[i % words.len()]));
    match words[0].len() % 9 {
        0 => KeyDeletionScheduled {
            deletion_date_text: word(1),
            ..Default::default()
        }
        .into(),
        1 => KeyRotated {
            rotation_type: word(2),
            ..Default::default()
        }
        .into(),
        2 => UnusableKeyUsed {
            operation: Untrusted::new(&words[1]),
            encryption_context_keys: words
                .iter()
                .cycle()
                .take(CONTEXT_KEYS)
                .map(|name| Untrusted::bounded(name, 128))
                .collect(),
            requested_key: word(2),
            ..Default::default()
        }
        .into(),
        3 => KeyChangeDenied {
            operation: Untrusted::new(&words[1]),
            reason: word(2),
            custom_key_store_id: word(3),
            requested_key: word(4),
            ..Default::default()
        }
        .into(),
        4 => alarm(words),
        5 => KeyDeletionNear {
            scheduled_by: word(1),
            scheduled_at: Some(Timestamp::UNIX_EPOCH),
            ..KeyDeletionNear::new(Timestamp::UNIX_EPOCH, &[1], Timestamp::UNIX_EPOCH)
        }
        .into(),
        6 => KeyStoreUnhealthy::of_sweep(
            Timestamp::UNIX_EPOCH,
            &Untrusted::new(&words[1]),
            word(2).as_ref(),
        )
        .into(),
        7 => digest(words),
        _ => KeyMaterialImported {
            valid_to_text: word(1),
            key_material_description: word(2),
            ..Default::default()
        }
        .into(),
    }
}

/// A digest of keys that somebody has named at will.
fn digest(words: &[String]) -> Kind {
    let word = |i: usize| Untrusted::new(&words[i % words.len()]);
    let key: KeyArn = "arn:aws:kms:us-east-1:111122223333:key/1".parse().unwrap();
    let due = |i| Due {
        key: key.clone(),
        name: word(i),
        owner: Some(word(i + 1)),
        what: DueWhat::MaterialExpiry,
        at: Timestamp::UNIX_EPOCH,
    };
    let spot = |i| BlindSpot {
        key: key.clone(),
        name: word(i),
        reason: word(i + 1),
    };
    InventoryDigest {
        week: words[0].clone(),
        totals: Totals {
            by_state: [(words[1].clone(), 1)].into(),
            without_rotation: 30,
            unused_90_days: 30,
            blind_spots: 30,
            ..Totals::default()
        },
        due: (0..200).map(due).collect(),
        without_rotation: (0..20).map(word).collect(),
        unused: (0..20).map(word).collect(),
        blind_spots: (0..20).map(spot).collect(),
        ..InventoryDigest::default()
    }
    .into()
}

/// An alarm that somebody has named, described and made up at will.
fn alarm(words: &[String]) -> Kind {
    let word = |i: usize| words[i % words.len()].as_str();
    let detail = serde_json::json!({
        "alarmName": format!("a{}", word(1)),
        "state": {"value": "ALARM", "actionsSuppressedBy": word(2), "reasonData": {"recentDatapoints": [1e300]}},
        "configuration": {"description": word(3), "metrics": [{"metricStat": {"metric": {
            "namespace": "AWS/KMS", "name": "XksProxyErrors", "dimensions": {word(4): word(5), "ErrorType": word(0)}
        }}}]},
        "muteDetail": {"mutedByArn": word(1)}
    });
    let event = serde_json::json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": detail
    });
    match Event::read(&event) {
        Ok(Event::Alarm(event)) => KeyStoreUnhealthy::of_alarm(Signal::of(&event)).into(),
        other => panic!("{other:?}"),
    }
}

/// An alert in which every value of others is one of these words.
pub(super) fn alert(words: &[String]) -> Alert {
    let word = |i: usize| Untrusted::new(&words[i % words.len()]);
    let mut alert = alert_about(kind(words));
    let actor = Actor {
        kind: word(0),
        name: word(1),
        arn: Some(word(2)),
        source_ip: Some(word(3)),
        user_agent: Some(word(4)),
        via: Some(word(5)),
        ..Actor::unknown()
    };
    if let Some(key) = &mut alert.key {
        key.aliases = Some((0..50).map(word).collect());
        key.description = Some(Untrusted::bounded(&words[1], 1_024));
        key.owner = Some(word(2));
        key.tags = Some((0..50).map(|i| (word(i), word(i + 1))).collect());
        key.spec = Some(word(3));
        key.usage = Some(word(4));
    }
    let key = alert.key.as_ref();
    let case = crate::kinds::Case {
        at: alert.occurred_at,
        actor: Some(&actor),
        key,
        key_store: None,
        dependants: None,
        gone: false,
        live: true,
        use_refused: false,
    };
    alert.title = alert.details.title(&case);
    alert.summary = alert.details.summary(&case);
    alert.next_steps = alert.details.next_steps(&case);
    alert.actor = Some(actor);
    alert.dependants = Some(dependants(words));
    alert.links = Links::default();
    let reason = word(5);
    alert.enrichment.missing.push(Missing {
        fact: "tags",
        reason,
        throttled: false,
    });
    alert.enrichment.status = crate::enrichment::EnrichmentStatus::Partial;
    alert
}

/// As many as an alert has, with whatever others called them.
fn dependants(words: &[String]) -> Dependants {
    let long = |i: usize| Untrusted::bounded(&words[i % words.len()], 512);
    let kind = crate::context::of_arn("arn:aws:s3:::b").unwrap().kind;
    let at = Some(Timestamp::UNIX_EPOCH);
    let resource = |i: usize| Resource {
        service: long(i),
        kind,
        id: long(i),
        arn: Some(long(i + 1)),
        last_seen: at,
        used_by: Some(long(i + 2)),
        via: Evidence::EventHistory,
    };
    let principal = |i: usize| Principal {
        arn: Some(long(i)),
        account: Some(long(i + 1)),
        name: long(i + 2),
        service: Some(long(i + 3)),
        last_seen: at,
        operations: (0..8).map(|i| long(i).shortened(64)).collect(),
        count: u64::MAX,
        via: Evidence::EventHistory,
    };
    Dependants {
        resources: (0..2).map(resource).collect(),
        types: vec![OfType { kind, count: 2 }],
        principals: (0..25).map(principal).collect(),
        resource_count: 2,
        principal_count: 400,
        count: 402,
        ..Dependants::default()
    }
}

/// No control characters but the line breaks that we make.
fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    })
}

fn chars(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

proptest! {
    #[test]
    fn every_message_keeps_every_limit(words in prop::collection::vec(hostile(), 6..7)) {
        let alert = alert(&words);

        let subject = subject(&alert);
        prop_assert!(subject.chars().count() <= SUBJECT_LIMIT, "{}", subject);
        prop_assert!(is_clean(&subject) && !subject.contains('\n'));
        prop_assert!(subject.starts_with(alert.severity.as_str()));

        let body = people(&alert);
        prop_assert!(body.len() <= BODY_LIMIT && is_clean(&body) && !body.contains("://"));

        let attributes = attributes(&alert);
        prop_assert!(attributes.len() <= 10, "more break raw delivery to SQS");
        let values = attributes
            .iter()
            .flat_map(|(name, value)| value.values().iter().map(move |value| (name, value)));
        for (name, value) in values {
            prop_assert!(!value.is_empty() && is_clean(value), "{}", name);
            prop_assert!(value.chars().all(|c| c.len_utf16() == 1));
        }

        let chat: Value = serde_json::from_str(&chat(&alert).unwrap()).unwrap();
        let content = &chat["content"];
        prop_assert!(chars(&content["title"]) <= 250);
        prop_assert!((1..=8_000).contains(&chars(&content["description"])));
        prop_assert!(content["nextSteps"].as_array().unwrap().iter().all(|step| chars(step) <= 350));
        prop_assert!(content["keywords"].as_array().unwrap().iter().all(|word| chars(word) <= 75));
        let shown = [&content["title"], &content["description"]].map(|text| text.as_str().unwrap());
        prop_assert!(shown.iter().all(|text| is_clean(text) && !text.contains(['<', '>'])));
        prop_assert!(shown.iter().all(|text| text.matches('`').count() % 2 == 0), "a code span stays open");

        let feed = feed(&alert).unwrap();
        prop_assert!(feed.len() <= BODY_LIMIT);
        let feed: Value = serde_json::from_str(&feed).unwrap();
        prop_assert!(is_clean(feed["title"].as_str().unwrap()));
    }
}
