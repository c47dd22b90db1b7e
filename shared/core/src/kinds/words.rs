//! Sentences that several kinds share.

use super::Case;
use crate::about::{Key, LastUseStatus};
use crate::key::{MultiRegionType, Origin, State};
use crate::text;
use crate::text::{Text, Untrusted, days};

/// Advice that would undo a protection begins with this.
pub(super) const CONFIRM: &str =
    "Confirm with the actor first: this may be incident response. Then ";

/// `KeyAdmin/maria (through cloudformation.amazonaws.com)`. What tool it was only the caller says, and so no sentence does.
pub(super) fn who(case: &Case<'_>) -> Text {
    let Some(actor) = case.actor else {
        return text!["Somebody"];
    };
    match actor.passed_on_by() {
        Some(service) => text![&actor.name, " (through ", service, ")"],
        None => text![&actor.name],
    }
}

/// ` ("orders database")`, or nothing.
pub(super) fn described(case: &Case<'_>) -> Text {
    case.key
        .filter(|key| key.naming_description().is_none())
        .and_then(|key| key.description.as_ref())
        .map_or_else(Text::new, |description| {
            text![" (\"", description.shortened(120), "\")"]
        })
}

/// When the key was last used.
pub(super) fn last_use(case: &Case<'_>) -> Text {
    if case.use_is_unknown_by_refusal() {
        return text![
            "When it was last used KMS did not say, because it gets too many requests; so it counts as in use."
        ];
    }
    let Some(last_use) = case.last_use() else {
        return text!["When it was last used could not be found out."];
    };
    match (last_use.status, last_use.at, last_use.tracked_since) {
        (LastUseStatus::Used, Some(at), _) => {
            let operation = last_use
                .operation
                .as_ref()
                .map_or_else(Text::new, |operation| text![" (", operation, ")"]);
            let days_ago = u32::try_from(case.at.duration_since(at).as_hours() / 24).unwrap_or(0);
            let ago = match days_ago {
                0 if at > case.at => text![", after this happened"],
                0 => text![", less than a day before"],
                count => text![", ", days(count), " before"],
            };
            text!["It was last used on ", at, operation, ago, "."]
        }
        (LastUseStatus::NeverUsed, ..) => text!["It was never used for a cryptographic operation."],
        (_, _, Some(since)) => text![
            "KMS has recorded no use of it since ",
            text::day(since),
            "; whether it was used before is unknown."
        ],
        _ => text!["When it was last used is unknown."],
    }
}

/// What is lost with the key's material. `when` opens the sentence.
pub(super) fn loss(key: &Key, when: &'static str) -> Text {
    let usage = key.usage.as_ref().map(|usage| usage.as_str());
    let what = match usage {
        Some("ENCRYPT_DECRYPT") => "everything encrypted under it is unreadable for ever",
        Some("SIGN_VERIFY") => {
            "it can never sign again; signatures made so far still verify wherever its public key is kept"
        }
        Some("GENERATE_VERIFY_MAC") => "HMACs made with it can never be verified again",
        Some("KEY_AGREEMENT") => "the secrets that it agreed on can never be derived again",
        Some("ENCAPSULATE_DECAPSULATE") => "the secrets encapsulated for it can never be recovered",
        _ => "everything that only this key can decrypt is unreadable for ever",
    };
    let mut text = text![when, what];
    let relatives = related_keys(key);
    if !relatives.spans().is_empty()
        && !key
            .state
            .as_ref()
            .is_some_and(|state| *state == State::PendingReplicaDeletion)
    {
        text.push(", unless through the related multi-Region keys, which have the same material: ");
        text.push(relatives);
    } else if key.multi_region.is_none() && key.id.starts_with("mrk-") {
        text.push(
            ", unless a related multi-Region key lives, which has the same id in another Region",
        );
    }
    text.push(".");
    match key.origin {
        Some(Origin::CloudHsm) => {
            text.sentence("KMS also deletes the backing key in the CloudHSM cluster.")
        }
        Some(Origin::ExternalKeyStore) => {
            text.sentence("The external key stays where it is, but alone it decrypts nothing.");
        }
        _ => {}
    }
    text
}

/// The other keys of a multi-Region key, by their Regions.
fn related_keys(key: &Key) -> Text {
    let mut text = Text::new();
    let Some(multi_region) = &key.multi_region else {
        return text;
    };
    for region in multi_region.other_regions(key.arn.region()) {
        if !text.spans().is_empty() {
            text.push(", ");
        }
        text.push(region);
    }
    text
}

/// The replicas of a primary, by their Regions, if any live.
pub(super) fn replicas(key: &Key) -> Option<Text> {
    let primary = key.multi_region.as_ref()?.kind == MultiRegionType::Primary;
    Some(related_keys(key)).filter(|replicas| primary && !replicas.spans().is_empty())
}

/// Says so if KMS now reports another state than the event brought about.
pub(super) fn contradiction(case: &Case<'_>, expected: &[State], since: &'static str) -> Text {
    match case.state_now() {
        _ if case.gone => text!["KMS does not know the key any more."],
        Some(state) if !expected.contains(state) => text![
            "But KMS now reports the key as ",
            state,
            ": ",
            since,
            ", or this answer is older than the event (KMS may lag for some seconds)."
        ],
        _ => Text::new(),
    }
}

/// `a, b and c`, or `a, b and 7 more` beyond `most`.
pub(super) fn list(items: &[Untrusted], most: usize) -> Text {
    let mut text = Text::new();
    let shown = items.len().min(most);
    for (n, item) in items.iter().take(shown).enumerate() {
        match n {
            0 => {}
            _ if n + 1 == items.len() => text.push(" and "),
            _ => text.push(", "),
        }
        text.push(item);
    }
    if items.len() > shown {
        text.push(text![" and ", items.len() - shown, " more"]);
    }
    text
}

/// Says it louder where it was the root user: nobody works as root.
pub(super) fn root(case: &Case<'_>) -> Text {
    let root = case
        .actor
        .is_some_and(|actor| actor.kind.as_str() == "Root");
    if root {
        text![
            "It was done as the ROOT user of the account, whom no policy of the account holds back."
        ]
    } else {
        Text::new()
    }
}
