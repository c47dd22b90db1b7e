//! A key is protected by a tag, by an alias or by the list: what is told when one of these is taken away.

use super::access::{details, minute, summary, tell_of, with_ledger};
use super::*;
use crate::kinds::{AliasCreated, AliasDeleted, AliasMoved, KeyTagsChanged};
use crate::ledger::{AliasTarget, Profile};
use crate::protection::PROTECT_TAG;

const ACCOUNT: &str = "account#111122223333#us-east-1";
const OLD: &str = "arn:aws:kms:us-east-1:111122223333:key/c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";
const RESCUER: (&str, &str) = ("RESCUE_ROLE_ARN", "arn:aws:iam::111122223333:role/Rescue");

fn name(alias: &str) -> Untrusted {
    Untrusted::new(alias)
}

/// What KMS says of a key with these aliases, and that tag if it is one.
fn key(aliases: &[&str], is_tagged: bool) -> FakeKms {
    let mut kms = FakeKms {
        aliases: Ok(aliases.iter().map(|alias| name(alias)).collect()),
        ..FakeKms::default()
    };
    if is_tagged {
        kms.tags = Ok([(name(PROTECT_TAG), name("true"))].into());
    }
    kms
}

#[test]
fn an_alias_that_protected_its_key_is_not_taken_away_quietly() {
    let pattern = ("PROTECTED_ALIASES", "alias/prod-*");
    let listed = ("PROTECTED_KEYS", ARN);
    for (why, alias, kms, more, removed) in [
        (
            "the only way",
            "alias/prod-pay",
            key(&[], false),
            None,
            true,
        ),
        (
            "another name",
            "alias/prod-pay",
            key(&["alias/pay"], false),
            None,
            true,
        ),
        (
            "KMS still has it",
            "alias/prod-pay",
            key(&["alias/prod-pay"], false),
            None,
            true,
        ),
        (
            "another of the pattern",
            "alias/prod-pay",
            key(&["alias/prod-2"], false),
            None,
            false,
        ),
        ("the tag", "alias/prod-pay", key(&[], true), None, false),
        (
            "the list",
            "alias/prod-pay",
            key(&[], false),
            Some(listed),
            false,
        ),
        ("no such alias", "alias/pay", key(&[], false), None, false),
    ] {
        let variables: Vec<_> = [RESCUER, pattern].into_iter().chain(more).collect();
        let alert = tell_of(
            &with_ledger(kms, &variables),
            ARN,
            AliasDeleted::new(name(alias)),
            0,
        );
        assert_eq!(details(&alert)["protectionRemoved"], removed, "{why}");
        let severity = if removed {
            Severity::High
        } else {
            Severity::Low
        };
        assert_eq!(alert.severity, severity, "{why}");
        assert_eq!(
            summary(&alert).contains("The key no longer counts as protected"),
            removed,
            "{why}"
        );
        assert_eq!(
            alert.title.plain().contains("no longer protected"),
            removed,
            "{why}"
        );
    }
    // Of a key of which KMS says nothing, nothing is known that protects it.
    let silent = FakeKms::failing("AccessDeniedException", "no");
    let alert = tell_of(
        &with_ledger(silent, &[pattern]),
        ARN,
        AliasDeleted::new(name("alias/prod-pay")),
        0,
    );
    assert_eq!(details(&alert)["protectionRemoved"], true);
    // Nobody takes anything back where there is no such function.
    assert!(
        !summary(&alert).contains("takes back"),
        "{}",
        summary(&alert)
    );
}

#[test]
fn who_moves_an_alias_moves_the_protection() {
    let pattern = ("PROTECTED_ALIASES", "alias/prod-*");
    let moved = |from: Option<(&str, Option<&str>)>, alias: &str, more: &[(&str, &str)]| {
        let variables = [&[RESCUER, pattern], more].concat();
        let watch = with_ledger(key(&[alias], false), &variables);
        if let Some((from, other)) = from {
            let mut target = AliasTarget::new(
                alias,
                &from.parse().unwrap(),
                &Profile::default(),
                minute(0),
            );
            target.name = other.map(name);
            let item = target.item(ACCOUNT, alias, minute(0));
            run(watch.ledger.as_ref().unwrap().put(&[item])).unwrap();
        }
        tell_of(&watch, ARN, AliasMoved::new(name(alias)), 1)
    };
    for (why, from, alias, more, removed, protects) in [
        (
            "from a known key",
            Some((OLD, None)),
            "alias/prod-pay",
            &[][..],
            true,
            true,
        ),
        (
            "from nobody knows where",
            None,
            "alias/prod-pay",
            &[],
            true,
            true,
        ),
        (
            "which has another",
            Some((OLD, Some("alias/prod-2"))),
            "alias/prod-pay",
            &[],
            false,
            true,
        ),
        (
            "which is listed",
            Some((OLD, None)),
            "alias/prod-pay",
            &[("PROTECTED_KEYS", OLD)],
            false,
            true,
        ),
        (
            "to where it was",
            Some((ARN, None)),
            "alias/prod-pay",
            &[],
            false,
            false,
        ),
        (
            "one that protects nothing",
            Some((OLD, None)),
            "alias/pay",
            &[],
            false,
            false,
        ),
    ] {
        let alert = moved(from, alias, more);
        assert_eq!(details(&alert)["protectionRemoved"], removed, "{why}");
        let severity = if removed {
            Severity::High
        } else {
            Severity::Medium
        };
        assert_eq!(alert.severity, severity, "{why}");
        let says = summary(&alert);
        assert_eq!(
            says.contains("The old key no longer counts as protected"),
            removed,
            "{why}"
        );
        assert_eq!(
            says.contains("new key counts as protected from now on"),
            protects,
            "{why}"
        );
    }
}

#[test]
fn a_new_alias_that_protects_its_key_says_so() {
    for (alias, protects) in [("alias/prod-pay", true), ("alias/dev-pay", false)] {
        let pattern = [("PROTECTED_ALIASES", "alias/prod-*")];
        let watch = with_ledger(FakeKms::default(), &pattern);
        let alert = tell_of(&watch, ARN, AliasCreated::new(name(alias)), 0);
        assert_eq!(alert.severity, Severity::Info);
        assert_eq!(
            summary(&alert).contains("counts as protected"),
            protects,
            "{alias}"
        );
    }
}

#[test]
fn a_key_without_its_tag_may_be_protected_all_the_same() {
    let untagged = || KeyTagsChanged::unset(vec![name(PROTECT_TAG)]);
    for (variables, aliases, words) in [
        (
            ("PROTECTED_ALIASES", "alias/prod-*"),
            &["alias/prod-pay"][..],
            "stays protected by an alias",
        ),
        (
            ("PROTECTED_KEYS", ARN),
            &[],
            "stays protected by the list of keys",
        ),
        (
            ("PROTECTED_ALIASES", "alias/prod-*"),
            &["alias/pay"],
            "no longer counts as protected",
        ),
        (
            ("PROTECTED_KEYS", OLD),
            &[],
            "no longer counts as protected",
        ),
    ] {
        let alert = tell_of(
            &with_ledger(key(aliases, false), &[variables]),
            ARN,
            untagged(),
            0,
        );
        let removed = words.starts_with("no longer");
        assert_eq!(details(&alert)["protectionRemoved"], removed, "{words}");
        let severity = if removed {
            Severity::High
        } else {
            Severity::Info
        };
        assert_eq!(alert.severity, severity, "{words}");
        assert!(summary(&alert).contains(words), "{}", summary(&alert));
    }
}
