//! Is imported key material there, until when?

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::words::{contradiction, described, last_use, who};
use super::{Case, Clues, Describe, Identity, step};
use crate::about::Key;
use crate::answers::Material;
use crate::facts::Reads;
use crate::key::{Origin, State};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day};

pub(super) const READS: Reads = Reads {
    rotation: true,
    last_use: true,
};

/// KMS deletes expired material soon after its date; the event is no later than this.
const DUE_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Without any one of its imported materials a key cannot be used (KMS Developer Guide, key states).
fn imply_lost(key: &mut Key) {
    key.state.get_or_insert(State::PendingImport);
    key.origin.get_or_insert(Origin::External);
}

/// How the key works again: the very same material, imported again.
pub(super) fn restore(case: &Case<'_>, material_id: Option<&str>) -> Vec<Step> {
    if case.gone {
        return vec![step(
            text!["See what was done to the key"],
            case.history_command(),
        )];
    }
    let spec = case
        .key
        .and_then(|key| key.spec.as_ref())
        .map(Untrusted::as_str);
    // Only wrapping with AES inside takes material of any length (KMS API Reference, GetParametersForImport).
    let wrapping = match spec {
        Some("SYMMETRIC_DEFAULT") => "RSAES_OAEP_SHA_256",
        _ => "RSA_AES_KEY_WRAP_SHA_256",
    };
    let parameters = format!("--wrapping-algorithm {wrapping} --wrapping-key-spec RSA_4096");
    let which = material_id.map_or_else(String::new, |id| format!("--key-material-id {id} "));
    let import = format!(
        "{which}--import-type EXISTING_KEY_MATERIAL --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE \
         --encrypted-key-material fileb://EncryptedKeyMaterial.bin --import-token fileb://ImportToken.bin"
    );
    vec![
        step(
            text![
                "Have the keepers of the original key material ready; then get the public key to wrap it with, and the \
                   import token (both valid for 24 hours)"
            ],
            case.kms_command("get-parameters-for-import", &parameters),
        ),
        step(
            text!["Wrap the same material as before, and import it; other material is refused"],
            case.kms_command("import-key-material", &import),
        ),
    ]
}

pub(super) const UNUSABLE: &str = "The key is unusable until the same material is imported again: every cryptographic operation with \
                        it fails, also with its other materials. Nothing is lost for ever as long as the original \
                        material is kept outside AWS.";

/// Imported material reached its end.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyMaterialExpired {
    /// Which of the key's materials.
    pub key_material_id: Option<String>,
}

impl Describe for KeyMaterialExpired {
    const NAME: &'static str = "KeyMaterialExpired";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Material(self.key_material_id.clone())
    }

    fn resolve(&mut self, clues: &Clues<'_>, at: Timestamp) {
        let in_live = |material: &Material, imported: bool| {
            let mut live = clues.live.iter();
            live.any(|it| it.id == material.id && it.imported == Some(imported))
        };
        // What KMS said before: until when the material lasts. It is not one that is there.
        let due = clues.remembered.iter().filter(|it| !in_live(it, true));
        let due = due.filter_map(|material| {
            let apart = material.valid_to?.duration_since(at).unsigned_abs();
            (apart <= DUE_WITHIN).then_some((apart, material.id.as_ref()?))
        });
        // What KMS says now: the material is away. One that was away before is not the one that expired.
        let was_away = |material: &Material| {
            let mut remembered = clues.remembered.iter();
            remembered.any(|it| it.id == material.id && it.imported == Some(false))
        };
        let away = clues.live.iter().filter(|it| it.imported == Some(false));
        let away: Vec<_> = away.filter(|it| !was_away(it)).collect();
        let only = match away.as_slice() {
            [only] => only.id.clone(),
            _ => None,
        };
        self.key_material_id = due
            .min()
            .map(|(_, id)| id.clone())
            .or_else(|| clues.told.map(str::to_owned))
            .or(only);
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        imply_lost(key);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Critical
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["The imported key material of ", case.name(), " has expired"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "Imported key material of ",
            case.name(),
            described(case),
            " expired on ",
            case.at,
            " and KMS deleted it."
        ];
        text.sentence(contradiction(
            case,
            &[State::PendingImport],
            "the material has been imported again since",
        ));
        text.sentence(UNUSABLE);
        text.sentence(last_use(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        restore(case, self.key_material_id.as_deref())
    }
}

/// Somebody deleted imported material.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyMaterialDeleted {
    /// Which of the key's materials.
    pub key_material_id: Option<String>,
}

impl Describe for KeyMaterialDeleted {
    const NAME: &'static str = "KeyMaterialDeleted";
    const CHANGES_STATE: bool = true;
    const READS: Reads = READS;

    fn imply(&self, key: &mut Key, _: Timestamp) {
        imply_lost(key);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Critical
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["The imported key material of ", case.name(), " was deleted"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " deleted imported key material of ",
            case.name(),
            described(case),
            "."
        ];
        text.sentence(contradiction(
            case,
            &[
                State::PendingImport,
                State::PendingDeletion,
                State::PendingReplicaDeletion,
            ],
            "the material has been imported again since",
        ));
        text.sentence(UNUSABLE);
        text.sentence(last_use(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = restore(case, self.key_material_id.as_deref());
        steps.insert(
            0,
            step(
                text!["Confirm with the actor first: this may be incident response"],
                None,
            ),
        );
        steps
    }
}

/// Somebody imported material.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyMaterialImported {
    /// Which of the key's materials.
    pub key_material_id: Option<String>,
    /// `KEY_MATERIAL_EXPIRES` or `KEY_MATERIAL_DOES_NOT_EXPIRE`.
    pub expiration_model: Option<Untrusted>,
    /// `NEW_KEY_MATERIAL` or `EXISTING_KEY_MATERIAL`.
    pub import_type: Option<Untrusted>,
    /// The expiry as CloudTrail words it, in a form that is not for parsing.
    pub valid_to_text: Option<Untrusted>,
    /// What the importer wrote about the material.
    pub key_material_description: Option<Untrusted>,
}

impl KeyMaterialImported {
    /// Whether this material ends, `None` if the record does not say.
    fn expires(&self) -> Option<bool> {
        match self.expiration_model.as_ref().map(Untrusted::as_str) {
            Some("KEY_MATERIAL_DOES_NOT_EXPIRE") => Some(false),
            Some("KEY_MATERIAL_EXPIRES") => Some(true),
            _ => None,
        }
    }
}

impl Describe for KeyMaterialImported {
    const NAME: &'static str = "KeyMaterialImported";
    const CHANGES_STATE: bool = true;
    const READS: Reads = READS;

    fn imply(&self, key: &mut Key, _: Timestamp) {
        key.origin.get_or_insert(Origin::External);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        match (self.expires(), case.key.and_then(|key| key.expires_at)) {
            (Some(false), None) => text!["Key material without expiry was imported into ", name],
            (_, Some(expiry)) if case.state() != Some(&State::PendingImport) => text![
                "Key material was imported into ",
                name,
                "; it works until ",
                day(expiry)
            ],
            _ => text!["Key material was imported into ", name],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " imported key material into ",
            case.name(),
            described(case)
        ];
        if let Some(about) = &self.key_material_description {
            text.push(text![", described as \"", about.shortened(120), "\""]);
        }
        text.push(".");
        match (self.expires(), case.key.and_then(|key| key.expires_at)) {
            (Some(false), None) => text.sentence("It does not expire."),
            (Some(false), Some(expiry)) => text.sentence(text![
                "This material does not expire, but another of the key does on ",
                expiry,
                "; then the whole key stops working."
            ]),
            (_, Some(expiry)) => text.sentence(text![
                "The first of the key's materials to expire does so on ",
                expiry,
                "; then the whole key stops working."
            ]),
            (_, None) => match &self.valid_to_text {
                Some(date) => text.sentence(text![
                    "CloudTrail gives its expiry as \"",
                    date,
                    "\"; then the whole key stops working."
                ]),
                None => text.sentence("Until when it lasts could not be found out."),
            },
        }
        if case.state() == Some(&State::PendingImport) {
            text.sentence(
                "KMS still reports the key as PendingImport: another of its materials is missing.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![step(
            text!["See all materials of the key and when each expires"],
            case.kms_command(
                "list-key-rotations",
                "--include-key-material ALL_KEY_MATERIAL",
            ),
        )]
    }
}
