//! Failed uses and denied changes, state by state.

use super::denied::CHANGES;
use super::*;
use crate::about::Key;
use crate::alert::Alert;
use crate::answers::Metadata;
use crate::arn::KeyArn;
use crate::fakes::FakeKms;
use crate::key::State;
use crate::kinds::Kind;
use crate::kinds::describe::Tell;
use crate::pipeline::tests::{alert_about, alert_from};
use crate::severity::Severity;

fn used(reason: Option<State>) -> UnusableKeyUsed {
    UnusableKeyUsed {
        operation: Untrusted::new("Decrypt"),
        principal: Untrusted::new("role"),
        reason,
        ..UnusableKeyUsed::default()
    }
}

fn denied(operation: &str) -> KeyChangeDenied {
    KeyChangeDenied {
        operation: Untrusted::new(operation),
        principal: Untrusted::new("role"),
        ..KeyChangeDenied::default()
    }
}

fn in_state(state: Option<State>) -> FakeKms {
    FakeKms {
        metadata: Ok(Metadata {
            state,
            custom_key_store_id: Some(Untrusted::new("cks-1234")),
            ..Metadata::default()
        }),
        ..FakeKms::default()
    }
}

fn commands(alert: &Alert) -> Vec<&str> {
    let steps = alert.next_steps.iter();
    steps
        .filter_map(|step| step.command.as_deref()?.split(' ').nth(2))
        .collect()
}

#[test]
fn a_key_that_is_pending_deletion_and_needed_is_critical() {
    use State::{Disabled, Enabled, PendingDeletion, PendingImport};
    use State::{PendingReplicaDeletion, Unavailable};
    for (reason, now, critical) in [
        (Some(PendingDeletion), Some(PendingDeletion), true),
        (Some(PendingReplicaDeletion), None, true),
        // KMS may lag, and the event does not.
        (Some(PendingDeletion), Some(Enabled), true),
        // Scheduled since.
        (Some(Disabled), Some(PendingDeletion), true),
        (None, Some(PendingReplicaDeletion), true),
        (Some(Disabled), Some(Disabled), false),
        (Some(PendingImport), Some(PendingImport), false),
        (Some(Unavailable), None, false),
        (None, Some(Enabled), false),
        (None, None, false),
    ] {
        let alert = alert_from(in_state(now.clone()), used(reason.clone()));
        let expected = if critical {
            Severity::Critical
        } else {
            Severity::High
        };
        assert_eq!(alert.severity, expected, "{reason:?} {now:?}");
        let advice = commands(&alert);
        assert_eq!(
            advice.contains(&"cancel-key-deletion"),
            critical,
            "{advice:?}"
        );
        assert_eq!(advice.last(), Some(&"lookup-events"));
    }
}

#[test]
fn each_state_has_the_command_that_ends_it() {
    for (state, command, confirmed) in [
        (State::PendingDeletion, "cancel-key-deletion", 1),
        (State::Disabled, "enable-key", 1),
        (State::PendingImport, "list-key-rotations", 0),
        (State::Unavailable, "connect-custom-key-store", 1),
    ] {
        let alert = alert_from(in_state(Some(state.clone())), used(Some(state)));
        assert_eq!(commands(&alert)[0], command);
        let words = alert.next_steps.iter().map(|step| step.text.plain());
        assert_eq!(
            words
                .filter(|text| text.contains("confirms that this is no incident"))
                .count(),
            confirmed
        );
    }
    let alert = alert_from(in_state(None), used(Some(State::Unavailable)));
    assert!(
        alert.next_steps[0].command.as_ref().is_some_and(|command| command
            == "aws kms connect-custom-key-store --custom-key-store-id cks-1234 --region us-east-1"),
    );
}

#[test]
fn a_store_id_that_is_none_never_gets_into_a_command() {
    let mut kms = in_state(Some(State::Unavailable));
    if let Ok(metadata) = &mut kms.metadata {
        metadata.custom_key_store_id = Some(Untrusted::new("cks-1; rm -rf ~"));
    }
    let alert = alert_from(kms, used(Some(State::Unavailable)));
    assert_eq!(commands(&alert)[0], "describe-custom-key-stores");
}

#[test]
fn the_state_is_the_events_else_that_of_kms_if_it_explains_anything() {
    let reason = |event: Option<State>, now| {
        let alert = alert_from(in_state(now), used(event));
        let Kind::UnusableKeyUsed(details) = &alert.details else {
            panic!("{:?}", alert.details);
        };
        (details.reason.clone(), alert.summary.plain())
    };
    let (state, summary) = reason(None, Some(State::Disabled));
    assert_eq!(state, Some(State::Disabled));
    assert!(
        summary.contains("CloudTrail does not say which; KMS now reports it as Disabled"),
        "{summary}"
    );
    let (state, summary) = reason(None, Some(State::Enabled));
    assert_eq!(state, None);
    assert!(summary.contains("neither CloudTrail nor KMS"), "{summary}");
    let (state, summary) = reason(Some(State::Disabled), Some(State::Enabled));
    assert_eq!(state, Some(State::Disabled));
    assert!(
        summary.contains("But KMS now reports the key as Enabled"),
        "{summary}"
    );
}

#[test]
fn what_would_lose_the_key_is_high() {
    let mut high: Vec<_> = CHANGES
        .iter()
        .map(|(operation, ..)| *operation)
        .filter(|operation| alert_about(denied(operation)).severity == Severity::High)
        .collect();
    high.sort_unstable();
    assert_eq!(
        high,
        [
            "DeleteImportedKeyMaterial",
            "DisableKey",
            "PutKeyPolicy",
            "ScheduleKeyDeletion"
        ]
    );
    for read in [
        "DescribeKey",
        "Decrypt",
        "GetKeyPolicy",
        "GetPublicKey",
        "ListKeys",
        "",
    ] {
        assert!(!KeyChangeDenied::is_change(read), "{read}");
    }
}

#[test]
fn the_hour_is_the_events_and_each_role_and_operation_has_its_own() {
    let identity = |kind: Kind, at: Option<&str>| {
        kind.identity(Some("call"), at.map(|at| at.parse().unwrap()))
    };
    let ten = |kind: Kind| identity(kind, Some("2026-11-20T10:00:00Z"));
    let kind = || Kind::from(used(Some(State::Disabled)));
    assert_eq!(ten(kind()), identity(kind(), Some("2026-11-20T10:59:59Z")));
    assert_ne!(ten(kind()), identity(kind(), Some("2026-11-20T11:00:00Z")));
    assert_ne!(ten(kind()), identity(kind(), Some("2026-11-20T09:59:59Z")));
    // The reason is no part of it, the role and the operation are.
    assert_eq!(ten(kind()), ten(used(Some(State::PendingDeletion)).into()));
    let another = |principal: &str, operation: &str| {
        ten(UnusableKeyUsed {
            operation: Untrusted::new(operation),
            principal: Untrusted::new(principal),
            ..UnusableKeyUsed::default()
        }
        .into())
    };
    assert_eq!(ten(kind()), another("role", "Decrypt"));
    assert_ne!(ten(kind()), another("role", "Encrypt"));
    assert_ne!(ten(kind()), another("another", "Decrypt"));
    assert_ne!(ten(kind()), ten(denied("Decrypt").into()));
    assert!(!kind().recurs());
    // Without a time nobody knows the hour: each call is told.
    assert_eq!(identity(kind(), None), "UnusableKeyUsed#call#call");
}

#[test]
fn names_of_others_get_into_a_command_only_if_they_are_plain() {
    let command = |kind: &str, name: &str, key: Option<&str>| {
        let actor = Actor {
            kind: Untrusted::new(kind),
            name: Untrusted::new(name),
            access_key_id: key.map(Untrusted::new),
            ..Actor::unknown()
        };
        let region = Region::new("us-east-1");
        calls_of(&actor, region.as_ref())
    };
    let looks_for = |command: Option<String>, attribute: &str| {
        let words = format!("--lookup-attributes {attribute} --max-items ");
        let command = command.unwrap();
        assert!(command.contains(&words), "{command}");
    };
    looks_for(
        command("AssumedRole", "R/maria@x.org", None),
        "AttributeKey=Username,AttributeValue=maria@x.org",
    );
    looks_for(
        command("IAMUser", "maria", None),
        "AttributeKey=Username,AttributeValue=maria",
    );
    looks_for(
        command("Root", "ROOT of account 1", None),
        "AttributeKey=Username,AttributeValue=root",
    );
    // What else the session did is found by its access key.
    looks_for(
        command("AssumedRole", "R/maria", Some("ASIAQ7EXAMPLE")),
        "AttributeKey=AccessKeyId,AttributeValue=ASIAQ7EXAMPLE",
    );
    looks_for(
        command("IAMUser", "maria", Some("$(id)")),
        "AttributeKey=Username,AttributeValue=maria",
    );
    for name in ["R/$(id)", "R/a b", "R/a,b", "R/-x", "R/`x`", "R"] {
        assert_eq!(command("AssumedRole", name, None), None, "{name}");
    }
    assert_eq!(command("AWSAccount", "account 4", None), None);
}

#[test]
fn only_a_long_term_key_of_a_plain_user_is_deactivated() {
    let deactivation = |kind: &str, name: &str, key: &str| {
        let actor = Actor {
            kind: Untrusted::new(kind),
            name: Untrusted::new(name),
            access_key_id: Some(Untrusted::new(key)),
            ..Actor::unknown()
        };
        let case = Case {
            at: Timestamp::UNIX_EPOCH,
            actor: Some(&actor),
            key: None,
            key_store: None,
            dependants: None,
            gone: false,
            live: true,
            use_refused: false,
        };
        let steps = denied("DisableKey").next_steps(&case);
        let mut commands = steps.iter().filter_map(|step| step.command.clone());
        commands.find(|command| command.starts_with("aws iam update-access-key "))
    };
    assert_eq!(
        deactivation("IAMUser", "maria", "AKIAQ7EXAMPLE").as_deref(),
        Some(
            "aws iam update-access-key --user-name maria --access-key-id AKIAQ7EXAMPLE --status Inactive"
        )
    );
    assert_eq!(deactivation("IAMUser", "maria", "ASIAQ7EXAMPLE"), None);
    assert_eq!(deactivation("IAMUser", "a;b", "AKIAQ7EXAMPLE"), None);
    assert_eq!(deactivation("AssumedRole", "R/m", "AKIAQ7EXAMPLE"), None);
}

#[test]
fn root_is_named_and_never_told_to_allow_itself() {
    let key: KeyArn = "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap();
    let key = Key::unknown(key);
    let actor = Actor {
        kind: Untrusted::new("Root"),
        name: Untrusted::new("ROOT of account 111122223333"),
        ..Actor::unknown()
    };
    let case = Case {
        at: Timestamp::UNIX_EPOCH,
        actor: Some(&actor),
        key: Some(&key),
        key_store: None,
        dependants: None,
        gone: false,
        live: true,
        use_refused: false,
    };
    let kind = denied("DisableKey");
    let summary = kind.summary(&case).plain();
    assert!(summary.contains("ROOT user"), "{summary}");
    assert!(
        kind.title(&case)
            .plain()
            .ends_with("by ROOT of account 111122223333")
    );
    let steps = kind.next_steps(&case);
    let words: Vec<_> = steps.iter().map(|step| step.text.plain()).collect();
    assert!(words[1].contains("root password"), "{words:?}");
    assert!(
        words.iter().all(|words| !words.contains("allow")),
        "{words:?}"
    );
}
