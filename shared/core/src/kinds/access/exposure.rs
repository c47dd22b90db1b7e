//! What to do where a stranger may use a key, and the words for it: contain first, then take back, and ask a person only
//! before a protection is lifted. Whoever made the change may be the attacker.

use crate::key::State;
use crate::kinds::case::{Case, ask, contain, look};
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Disabling the key stops everybody. KMS refuses it for a key that is off, or pending deletion.
pub(in crate::kinds) fn stop_all_use(case: &Case<'_>) -> Option<Step> {
    let is_on = case.state().is_none_or(|state| *state == State::Enabled);
    (case.key.is_some() && is_on).then(|| {
        contain(
            text![
                "Disable the key. This stops every caller, your own applications too; enable-key undoes it"
            ],
            case.kms_command("disable-key", ""),
        )
    })
}

/// Before whoever stopped the use of the key lets it go on.
pub(in crate::kinds) fn ask_before_enabling(case: &Case<'_>, why: &Text) -> Step {
    ask(text![
        "Before you enable the key again, ask ",
        owner(case),
        " why ",
        why
    ])
}

/// Who used the key.
pub(in crate::kinds) fn see_uses(case: &Case<'_>) -> Step {
    look(text!["List who used the key"], case.history_command())
}

/// Whom to ask about the key.
pub(in crate::kinds) fn owner(case: &Case<'_>) -> Text {
    match case.key.and_then(|key| key.owner.as_ref()) {
        Some(owner) => text![owner],
        None => text!["the owner of the key"],
    }
}

/// `Account 444455556666`, `Accounts 444455556666 and 777788889999`, to begin a sentence.
pub(in crate::kinds) fn accounts(ids: &[Untrusted], most: usize) -> Text {
    let noun = if ids.len() == 1 {
        "Account "
    } else {
        "Accounts "
    };
    text![noun, crate::kinds::words::list(ids, most)]
}

/// `account 444455556666`, `accounts …`, within a sentence.
pub(super) fn accounts_within(ids: &[Untrusted], most: usize) -> Text {
    let noun = if ids.len() == 1 {
        "account "
    } else {
        "accounts "
    };
    text![noun, crate::kinds::words::list(ids, most)]
}

/// Why an account is foreign, to follow "because".
pub(in crate::kinds) fn untrusted_accounts(ids: &[Untrusted]) -> Text {
    match ids {
        [id] => text!["account ", id, " is not in TRUSTED_ACCOUNTS"],
        _ => text![
            "accounts ",
            crate::kinds::words::list(ids, 2),
            " are not in TRUSTED_ACCOUNTS"
        ],
    }
}

/// Why whoever is no account is foreign, to follow "because".
pub(in crate::kinds) fn unknown_others(others: &[Untrusted]) -> Text {
    text![
        "KMS Watch does not know ",
        crate::kinds::words::list(others, 2),
        " as yours"
    ]
}

/// How KMS says that the key stands, where it is not Enabled, as a sentence.
pub(in crate::kinds) fn state_if_off(case: &Case<'_>) -> Text {
    match case.state_now() {
        _ if case.gone => text![
            "KMS answers that the key does not exist. The answer may be older than the event, or the key is deleted."
        ],
        Some(State::Enabled) | None => Text::new(),
        // KMS Developer Guide, key states: it changes its primary Region, and works.
        Some(State::Updating) => text!["The key is Updating."],
        Some(state) if state.is_pending_deletion() => {
            let mut text = text!["The key is pending deletion"];
            if let Some(at) = case.key.and_then(|key| key.deletion_at) {
                text.push(text![": KMS deletes the key on ", at]);
            }
            text.push(".");
            text
        }
        Some(state) => text!["The key is ", state, ": nobody can use the key now."],
    }
}

/// KMS does not say that the key is off.
pub(in crate::kinds) fn is_usable(case: &Case<'_>) -> bool {
    let works = |state: &State| matches!(state, State::Enabled | State::Updating);
    !case.gone && case.state_now().is_none_or(works)
}

/// `role/loader` of `arn:aws:iam::444455556666:role/loader`: short enough for a title.
pub(in crate::kinds) fn short_principal(principal: &Untrusted) -> Untrusted {
    let whole = principal.as_str();
    let resource = whole
        .strip_prefix("arn:")
        .and_then(|arn| arn.splitn(5, ':').nth(4))
        .filter(|resource| !resource.is_empty());
    let Some(resource) = resource else {
        return principal.shortened(48);
    };
    // A path says less than the name at its end. The session of a role is a part of its name.
    let keeps_path = resource.starts_with("assumed-role/");
    match (resource.split_once('/'), resource.rsplit_once('/')) {
        (Some((kind, _)), Some((_, name))) if !keeps_path => {
            Untrusted::bounded(&format!("{kind}/{name}"), 48)
        }
        _ => Untrusted::bounded(resource, 48),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_cut_to_what_tells_it_from_others() {
        for (whole, short) in [
            ("arn:aws:iam::444455556666:role/loader", "role/loader"),
            ("arn:aws:iam::444455556666:role/a/b/loader", "role/loader"),
            ("arn:aws:iam::444455556666:root", "root"),
            (
                "arn:aws:sts::444455556666:assumed-role/app/i-0a",
                "assumed-role/app/i-0a",
            ),
            ("444455556666", "444455556666"),
            ("AROAQ7EXAMPLEROLE00001", "AROAQ7EXAMPLEROLE00001"),
            ("arn:", "arn:"),
            ("dynamodb.amazonaws.com", "dynamodb.amazonaws.com"),
        ] {
            assert_eq!(short_principal(&Untrusted::new(whole)).as_str(), short);
        }
    }
}
