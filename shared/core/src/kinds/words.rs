//! Sentences that several kinds share.

use jiff::{Timestamp, ToSpan};

use super::Case;
use crate::about::{Key, LastUseStatus};
use crate::dependants::Dependants;
use crate::key::{MultiRegionType, Origin, State};
use crate::text;
use crate::text::{Text, Untrusted};

/// Days that RDS and DynamoDB keep a database without its key; then only a restore brings the data back (RDS and DynamoDB
/// guides, encryption at rest). The days begin when the key becomes unusable: disabled, or pending deletion.
const DATABASE_DAYS: i64 = 7;

/// Identities behind which a person or a team stands who can answer.
const PEOPLE: [&str; 8] = [
    "AssumedRole",
    "FederatedUser",
    "IAMUser",
    "IdentityCenterUser",
    "Role",
    "SAMLUser",
    "WebIdentityUser",
    "Unknown",
];

/// `When team-pay or KeyAdmin/maria confirms that this is no incident response, `: advice that lifts a protection begins
/// with this.
pub(super) fn confirmed(case: &Case<'_>) -> Text {
    let actor = case
        .actor
        .filter(|actor| PEOPLE.contains(&actor.kind.as_str()) && actor.name.as_str() != "unknown");
    confirmed_by(case, actor.map(|actor| &actor.name))
}

/// The same, where `by` is who set up the protection.
pub(super) fn confirmed_by(case: &Case<'_>, by: Option<&Untrusted>) -> Text {
    let owner = case.key.and_then(|key| key.owner.as_ref());
    let whom = match (owner, by) {
        (Some(owner), Some(by)) if owner != by => text![owner, " or ", by],
        (Some(only), _) | (None, Some(only)) => text![only],
        (None, None) => text!["the owner of the key"],
    };
    text![
        "When ",
        whom,
        " confirms that this is no incident response, "
    ]
}

/// A role or user by its own name: `role/AppServer` of its ARN.
pub(super) fn principal_name(principal: &Untrusted) -> Untrusted {
    let name = principal.as_str().rsplit(':').next();
    Untrusted::new(name.unwrap_or_default())
}

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
            "KMS throttled the question when the key was last used, so the key counts as in use."
        ];
    }
    let Some(last_use) = case.last_use() else {
        return text!["When the key was last used is not known."];
    };
    let region = if case.key.is_some_and(|key| key.id.starts_with("mrk-")) {
        " in this Region"
    } else {
        ""
    };
    let mut text = match (last_use.status, last_use.at, last_use.tracked_since) {
        (LastUseStatus::Used, Some(at), _) => {
            let mut text = text!["The key was last used", region, " ", case.before(at)];
            if let Some(operation) = &last_use.operation {
                text.push(text![" (", operation, ")"]);
            }
            text
        }
        (LastUseStatus::NeverUsed, ..) => text!["The key was never used", region],
        (_, _, Some(since)) => text![
            "KMS recorded no use",
            region,
            " since ",
            text::day(since),
            "; earlier use is unknown"
        ],
        _ => text!["When the key was last used is not known"],
    };
    if let Some(as_of) = last_use.as_of {
        text.push(text![", as known on ", as_of]);
    }
    text.push(".");
    text
}

/// The key encrypts data for AWS services, as far as is known: symmetric encryption keys do, and no others.
pub(super) fn encrypts_at_rest(case: &Case<'_>) -> bool {
    let is = |value: Option<&Untrusted>, word| value.is_none_or(|value| value.as_str() == word);
    case.key.is_none_or(|key| {
        is(key.usage.as_ref(), "ENCRYPT_DECRYPT") && is(key.spec.as_ref(), "SYMMETRIC_DEFAULT")
    })
}

/// Until when databases can be saved whose key became unusable `since` then.
pub(super) fn database_deadline(case: &Case<'_>, since: Timestamp) -> Option<Timestamp> {
    let deadline = since.checked_add((DATABASE_DAYS * 24).hours()).ok()?;
    encrypts_at_rest(case).then_some(deadline)
}

/// What breaks later than at once, where the key can no longer be used. `deadline` is that of databases, if it is known;
/// `undo` is that of the key.
pub(super) fn delayed(
    case: &Case<'_>,
    deadline: Option<Timestamp>,
    undo: Option<Timestamp>,
) -> Text {
    if !encrypts_at_rest(case) {
        return Text::new();
    }
    let running = "Running volumes and databases may fail only at their next restart";
    match deadline {
        Some(date) if undo.is_some_and(|undo| undo <= date) => text![running, "."],
        Some(date) if date <= case.at => text![
            running,
            ". Since ",
            date,
            ", RDS and DynamoDB may need a restore from a backup."
        ],
        Some(date) => {
            let known = case.dependants.and_then(Dependants::databases_need);
            let known = known.unwrap_or_else(|| text!["RDS and DynamoDB need"]);
            text![
                running,
                ". ",
                known.capitalized(),
                " a restore after ",
                date,
                "."
            ]
        }
        None => text![
            running,
            ". RDS and DynamoDB need a restore after 7 days without the key."
        ],
    }
}

/// What fails at once with a key that cannot be used.
pub(super) fn fails_now(case: &Case<'_>) -> &'static str {
    let usage = case.key.and_then(|key| key.usage.as_ref());
    match usage.map(Untrusted::as_str) {
        Some("SIGN_VERIFY") => {
            "Nobody can sign with the key; existing signatures still verify with its public key."
        }
        Some("GENERATE_VERIFY_MAC") => "Nobody can generate or verify HMACs with the key.",
        Some("KEY_AGREEMENT") => "Nobody can derive shared secrets with the key.",
        _ => {
            "Every cryptographic operation with the key fails, also in the AWS services that use it."
        }
    }
}

/// What is lost with the key, and the verb of the future; then the whole of it as what has happened.
fn lost(key: &Key) -> (&'static str, &'static str, &'static str) {
    match key.usage.as_ref().map(Untrusted::as_str) {
        Some("ENCRYPT_DECRYPT") => (
            "everything encrypted under the key",
            " becomes permanently unrecoverable",
            "Everything encrypted under the key is permanently unrecoverable",
        ),
        Some("SIGN_VERIFY") => (
            "the key",
            " can never sign again; existing signatures still verify with its public key",
            "The key can never sign again; existing signatures still verify with its public key",
        ),
        Some("GENERATE_VERIFY_MAC") => (
            "HMACs of the key",
            " can never be verified again",
            "HMACs of the key can never be verified again",
        ),
        Some("KEY_AGREEMENT") => (
            "shared secrets of the key",
            " can never be derived again",
            "Shared secrets of the key can never be derived again",
        ),
        _ => (
            "everything that only this key can decrypt",
            " becomes permanently unrecoverable",
            "Everything that only this key can decrypt is permanently unrecoverable",
        ),
    }
}

/// What goes with the key's material. `when` opens the sentence: `Unless somebody cancels by …, `. Without it the loss has
/// happened.
pub(super) fn loss(key: &Key, when: Option<Text>) -> Text {
    let relatives = related_keys(key);
    let replicas_first = key.state == Some(State::PendingReplicaDeletion);
    let unknown = key.multi_region.is_none() && key.id.starts_with("mrk-");
    if unknown || (!relatives.spans().is_empty() && !replicas_first) {
        let mut text = match when {
            Some(when) => text![when, "this Region loses the key."],
            None => text!["This Region has lost the key."],
        };
        text.sentence(match unknown {
            true => text![
                "Related keys with the same id in other Regions hold the same key material: check that they are Enabled."
            ],
            false => text![
                "The related keys in ",
                relatives,
                " hold the same key material: check that they are Enabled."
            ],
        });
        return text;
    }
    let (what, becomes, is) = lost(key);
    let mut text = match when {
        Some(when) => text![when, what, becomes, "."],
        None => text![is, "."],
    };
    // KMS Developer Guide, deleting keys.
    let symmetric = key.spec.as_ref().map(Untrusted::as_str) == Some("SYMMETRIC_DEFAULT");
    match key.origin {
        Some(Origin::External) if key.spec.is_some() && !symmetric => {
            text.sentence("Exception: the owner can import the same key material into a new key.")
        }
        Some(Origin::CloudHsm) => {
            text.sentence("KMS also deletes the backing key in the CloudHSM cluster.");
        }
        Some(Origin::ExternalKeyStore) => {
            text.sentence("The external key stays where it is, but alone it decrypts nothing.");
        }
        _ => {}
    }
    text
}

/// The state that KMS reports now, where it is not Enabled, nor one of those that the alert speaks of anyway.
pub(super) fn state_note(case: &Case<'_>, said: &[State]) -> Text {
    let Some(state) = case.state_now().filter(|state| !said.contains(state)) else {
        return Text::new();
    };
    match state {
        State::Enabled | State::Other(_) => Text::new(),
        State::Disabled => {
            text!["The key is Disabled: every cryptographic operation with it fails."]
        }
        State::PendingDeletion => {
            let mut text = text!["The key is pending deletion"];
            if let Some(date) = case.key.and_then(|key| key.deletion_at) {
                text.push(text![", due ", date]);
            }
            text.push(": every cryptographic operation with it fails.");
            text
        }
        State::PendingReplicaDeletion => text![
            "The key is pending deletion after its replicas: every cryptographic operation with it fails."
        ],
        State::PendingImport => text![
            "The key lacks imported key material: every cryptographic operation with it fails."
        ],
        State::Unavailable => text![
            "The custom key store of the key is disconnected: every cryptographic operation with it fails."
        ],
        State::Creating => text!["KMS is still creating the key."],
        State::Updating => text!["KMS is still changing the primary Region of the key."],
    }
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

/// KMS does not find the key.
pub(super) const NOT_FOUND: &str = "KMS does not find the key. Check account and Region; this answer may also be older than the event.";

/// Says so if KMS now reports another state than the event brought about.
pub(super) fn contradiction(case: &Case<'_>, expected: &[State], since: &'static str) -> Text {
    match case.state_now() {
        _ if case.gone => text![NOT_FOUND],
        Some(state) if !expected.contains(state) => text![
            "But KMS now reports the key as ",
            state,
            ": ",
            since,
            ", or this answer is older than the event."
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

/// Says so where it was the root user: nobody works as root.
pub(super) fn root(case: &Case<'_>) -> Text {
    let root = case
        .actor
        .is_some_and(|actor| actor.kind.as_str() == "Root");
    if root {
        text!["The ROOT user of the account made this call, which no daily work needs."]
    } else {
        Text::new()
    }
}
