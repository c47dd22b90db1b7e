//! The keys that the sample events tell of, as KMS would describe them.

use jiff::Timestamp;
use watch_core::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags, Use};
use watch_core::arn::{KeyArn, KeyStoreId, Region};
use watch_core::key::{Manager, MultiRegion, MultiRegionType, Origin, State};
use watch_core::ports::{CallError, Kms};
use watch_core::text::Untrusted;

/// A KMS that knows these keys and no other.
pub(crate) struct SampleKeys;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn word(text: &str) -> Option<Untrusted> {
    Some(Untrusted::new(text))
}

fn gone(key: &KeyArn) -> CallError {
    CallError::new("NotFoundException", &format!("Key '{key}' does not exist"))
}

/// Refusals name the caller, which is this text.
fn denied(operation: &str) -> CallError {
    let caller = "arn:aws:sts::111122223333:assumed-role/kms-watch/key-deletion";
    let why = "because no resource-based policy allows the action";
    CallError::new(
        "AccessDeniedException",
        &format!("User: {caller} is not authorized to perform: kms:{operation} {why}"),
    )
}

enum Sample {
    /// A symmetric key in use.
    Symmetric,
    /// A key whose only imported material has expired.
    Imported,
    /// A key whose imported material is there, and will expire.
    Expiring,
    /// A multi-Region primary with replicas.
    Primary,
    /// A key in a CloudHSM key store, whose policy does not let the watch in.
    CloudHsm,
    /// A key that AWS manages.
    AwsManaged,
    /// A symmetric key that nothing is wrong with.
    Orders,
    /// A symmetric key that somebody disabled.
    Archive,
    /// An RSA key that somebody disabled.
    Signing,
    /// A key whose CloudHSM key store is disconnected.
    Disconnected,
    /// A key at work, which a partner may use too.
    Active,
    /// A key that is off, and whose policy lets everybody in.
    Off,
    /// An HMAC key, of which KMS says that its rotation is not enabled.
    Hmac,
}

fn sample(key: &KeyArn) -> Result<Sample, CallError> {
    match (key.region().as_str(), key.id()) {
        ("us-east-1", "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913") => Ok(Sample::Symmetric),
        ("us-east-1", "c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74") => Ok(Sample::Imported),
        ("us-east-1", "e81f5a3c-6b27-4d90-b1c4-3a7d92f0e658") => Ok(Sample::Expiring),
        ("us-east-1", "mrk-9a41c6e07d2b4f58b3e1d02c86f7a955") => Ok(Sample::Primary),
        (_, "2b6e8d13-4c07-4f9b-8a21-90d5e7c3b684") => Ok(Sample::CloudHsm),
        (_, "0a9d4c3b-7e61-4b58-a2f4-c1d8e9b03f75") => Ok(Sample::AwsManaged),
        ("us-east-1", "8d21f6c0-5b3e-4a97-b0d4-6e19c7f2a358") => Ok(Sample::Orders),
        ("us-east-1", "e2b90f4d-7c15-4d86-a3f1-0b6c58d29e74") => Ok(Sample::Archive),
        ("us-east-1", "40de7b95-c3a8-4e12-9f7d-5b82e6a01d3c") => Ok(Sample::Signing),
        ("us-east-1", "2b6e8d13-f047-49ca-8e95-60d1c3a7fb28") => Ok(Sample::Disconnected),
        (_, "7d3f9a52-6c1e-4b08-9f47-2e8a5d1c0b36") => Ok(Sample::Active),
        (_, "e4b81c09-5a27-4f6d-b3c8-91d0f7a26e54") => Ok(Sample::Off),
        (_, "8f2c6ec8-cc41-49a3-ae3a-2b7fdfe01893") => Ok(Sample::Hmac),
        (_, "1a358ca0-0d75-485d-99c9-4309570dc195") => Ok(Sample::Symmetric),
        (_, "58d5563d-ab2c-431e-a315-128862c33a4f") => Ok(Sample::Symmetric),
        (_, "616499c9-e25a-4605-aec6-f0245bd86d40") => Ok(Sample::Orders),
        (_, "7f1b103c-df15-42b0-aab4-77d26415479c") => Ok(Sample::Archive),
        (_, "e13e213e-bdaa-4a00-a01d-616f121ae3e6") => Ok(Sample::Archive),
        _ => Err(gone(key)),
    }
}

/// The policy that `ct-put-key-policy.json` sets.
const PARTNER: &str = r#"{"Version":"2012-10-17","Id":"ledger-key","Statement":[
    {"Sid":"Admin","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
    {"Sid":"Partner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/loader"},
     "Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*"}]}"#;

/// The policy that `ct-put-key-policy-public.json` sets.
const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;

impl Kms for SampleKeys {
    async fn describe_key(&self, key: &KeyArn) -> Result<Metadata, CallError> {
        let symmetric = Metadata {
            state: Some(State::PendingDeletion),
            manager: Some(Manager::Customer),
            origin: Some(Origin::AwsKms),
            spec: word("SYMMETRIC_DEFAULT"),
            usage: word("ENCRYPT_DECRYPT"),
            description: word("Card data of the orders database"),
            created_at: Some(at("2023-06-01T08:00:00Z")),
            deletion_at: Some(at("2026-02-28T09:01:07Z")),
            ..Metadata::default()
        };
        let relative = |region: &str| {
            key.to_string()
                .replace("us-east-1", region)
                .parse()
                .unwrap()
        };
        match sample(key)? {
            Sample::Symmetric => Ok(symmetric),
            Sample::Imported => Ok(Metadata {
                state: Some(State::PendingImport),
                origin: Some(Origin::External),
                description: None,
                deletion_at: None,
                expires_at: Some(at("2026-05-15T18:00:00Z")),
                ..symmetric
            }),
            Sample::Expiring => Ok(Metadata {
                state: Some(State::Enabled),
                origin: Some(Origin::External),
                description: word("Wraps the exports for the regulator"),
                deletion_at: None,
                expires_at: Some(at("2026-02-20T18:00:00Z")),
                ..symmetric
            }),
            Sample::Primary => Ok(Metadata {
                state: Some(State::PendingReplicaDeletion),
                deletion_at: None,
                pending_window_days: Some(30),
                multi_region: Some(MultiRegion {
                    kind: MultiRegionType::Primary,
                    primary: Some(key.clone()),
                    replicas: vec![relative("eu-west-1"), relative("ap-southeast-2")],
                }),
                ..symmetric
            }),
            Sample::CloudHsm => Err(denied("DescribeKey")),
            Sample::Hmac => Ok(Metadata {
                spec: word("HMAC_256"),
                usage: word("GENERATE_VERIFY_MAC"),
                description: word("Signs the tickets"),
                ..symmetric
            }),
            Sample::Active => Ok(Metadata {
                state: Some(State::Enabled),
                description: word("Orders database"),
                deletion_at: None,
                ..symmetric
            }),
            Sample::Off => Ok(Metadata {
                state: Some(State::Disabled),
                description: word("Archive of the orders"),
                deletion_at: None,
                ..symmetric
            }),
            Sample::AwsManaged => Ok(Metadata {
                state: Some(State::Enabled),
                manager: Some(Manager::Aws),
                description: word(
                    "Default key that protects my EBS volumes when no other key is defined",
                ),
                deletion_at: None,
                ..symmetric
            }),
            Sample::Orders | Sample::Archive => Ok(Metadata {
                state: Some(match sample(key)? {
                    Sample::Orders => State::Enabled,
                    _ => State::Disabled,
                }),
                description: None,
                deletion_at: None,
                ..symmetric
            }),
            Sample::Signing => Ok(Metadata {
                state: Some(State::Disabled),
                spec: word("RSA_4096"),
                usage: word("SIGN_VERIFY"),
                description: word("Signs the releases"),
                deletion_at: None,
                ..symmetric
            }),
            Sample::Disconnected => Ok(Metadata {
                state: Some(State::Unavailable),
                origin: Some(Origin::CloudHsm),
                description: None,
                deletion_at: None,
                custom_key_store_id: word("cks-4c8f0a6d12e95b73e"),
                ..symmetric
            }),
        }
    }

    async fn list_aliases(&self, key: &KeyArn) -> Result<Vec<Untrusted>, CallError> {
        let names: &[&str] = match sample(key)? {
            Sample::Symmetric => &["alias/payments", "alias/payments-legacy"],
            Sample::Imported => &["alias/byok/ledger"],
            Sample::Expiring => &["alias/byok/exports"],
            Sample::Primary => &[],
            // Only the caller's own policy counts for this call.
            Sample::CloudHsm => &["alias/hsm/signing"],
            Sample::AwsManaged => &["alias/aws/ebs"],
            Sample::Orders => &["alias/orders"],
            Sample::Archive => &["alias/archive"],
            Sample::Signing => &["alias/releases"],
            Sample::Disconnected => &["alias/hsm/vault"],
            Sample::Active => &["alias/orders"],
            Sample::Off => &["alias/archive"],
            Sample::Hmac => &["alias/tickets"],
        };
        Ok(names.iter().map(|name| Untrusted::new(name)).collect())
    }

    async fn list_resource_tags(&self, key: &KeyArn) -> Result<Tags, CallError> {
        let tags: &[(&str, &str)] = match sample(key)? {
            Sample::Symmetric => &[("Owner", "team-pay"), ("env", "prod")],
            Sample::Expiring => &[("Owner", "team-risk")],
            Sample::Active => &[("Owner", "team-orders"), ("tier", "1")],
            Sample::CloudHsm => return Err(denied("ListResourceTags")),
            Sample::Orders | Sample::Archive => &[("Owner", "team-orders")],
            Sample::Imported
            | Sample::Primary
            | Sample::AwsManaged
            | Sample::Signing
            | Sample::Disconnected
            | Sample::Hmac
            | Sample::Off => &[],
        };
        Ok(tags
            .iter()
            .map(|(key, value)| (Untrusted::new(key), Untrusted::new(value)))
            .collect())
    }

    async fn get_key_rotation_status(&self, key: &KeyArn) -> Result<RotationStatus, CallError> {
        match sample(key)? {
            Sample::Symmetric | Sample::Primary | Sample::Active | Sample::Off => {
                Ok(RotationStatus {
                    enabled: true,
                    period_days: Some(365),
                    next_at: Some(at("2027-02-03T04:12:18Z")),
                })
            }
            Sample::AwsManaged | Sample::Orders | Sample::Archive => Ok(RotationStatus {
                enabled: true,
                period_days: Some(365),
                next_at: None,
            }),
            Sample::Imported | Sample::Expiring => Err(CallError::new(
                "UnsupportedOperationException",
                "origin is EXTERNAL",
            )),
            Sample::Signing | Sample::Disconnected => Err(CallError::new(
                "UnsupportedOperationException",
                "the key cannot rotate",
            )),
            // What KMS answers instead of an error.
            Sample::Hmac => Ok(RotationStatus::default()),
            Sample::CloudHsm => Err(denied("GetKeyRotationStatus")),
        }
    }

    async fn list_materials(&self, key: &KeyArn) -> Result<Vec<Material>, CallError> {
        match sample(key)? {
            Sample::Symmetric => Ok(vec![Material {
                rotated_at: Some(at("2026-02-03T04:12:18Z")),
                ..Material::default()
            }]),
            Sample::Expiring => Ok([
                ("3f", "2026-06-01T00:00:00Z"),
                ("8a", "2026-02-20T18:00:00Z"),
            ]
            .map(|(id, date)| Material {
                id: Some(id.repeat(32)),
                imported: Some(true),
                valid_to: Some(at(date)),
                ..Material::default()
            })
            .into()),
            Sample::CloudHsm => Err(denied("ListKeyRotations")),
            Sample::Imported
            | Sample::Primary
            | Sample::AwsManaged
            | Sample::Orders
            | Sample::Archive
            | Sample::Signing
            | Sample::Disconnected
            | Sample::Active
            | Sample::Hmac
            | Sample::Off => Ok(Vec::new()),
        }
    }

    async fn get_key_policy(&self, key: &KeyArn) -> Result<String, CallError> {
        match sample(key)? {
            Sample::Off => Ok(PUBLIC.to_owned()),
            Sample::Active
            | Sample::Imported
            | Sample::Primary
            | Sample::AwsManaged
            | Sample::Orders
            | Sample::Archive
            | Sample::Signing
            | Sample::Disconnected
            | Sample::Hmac
            | Sample::Expiring => Ok(PARTNER.to_owned()),
            Sample::Symmetric | Sample::CloudHsm => Err(denied("GetKeyPolicy")),
        }
    }

    async fn describe_custom_key_store(
        &self,
        store: &KeyStoreId,
        _: &Region,
    ) -> Result<KeyStoreData, CallError> {
        let (name, kind, state) = match store.as_str() {
            "cks-4c8f0a6d12e95b73e" => ("hsm-main", "AWS_CLOUDHSM", "CONNECTED"),
            "cks-7be1d290f5a3c846a" => ("external-hq", "EXTERNAL_KEY_STORE", "CONNECTED"),
            _ => return Err(CallError::new("CustomKeyStoreNotFoundException", "")),
        };
        Ok(KeyStoreData {
            name: word(name),
            kind: word(kind),
            connection_state: word(state),
            error_code: None,
        })
    }

    async fn count_keys_in_store(&self, store: &KeyStoreId, _: &Region) -> Result<u64, CallError> {
        Ok(if store.as_str() == "cks-4c8f0a6d12e95b73e" {
            2
        } else {
            0
        })
    }

    async fn get_key_last_usage(&self, key: &KeyArn) -> Result<LastUsage, CallError> {
        let tracked_since = Some(at("2026-01-15T00:00:00Z"));
        let created_at = Some(at("2023-06-01T08:00:00Z"));
        match sample(key)? {
            Sample::Symmetric | Sample::Orders | Sample::Archive | Sample::Active | Sample::Off => {
                Ok(LastUsage {
                    used: Some(Use {
                        at: at("2026-02-13T21:40:00Z"),
                        operation: word("Decrypt"),
                        event_id: word("b0d3f2f7-8f5c-4d1b-8f4e-7f5f0c1e2d3a"),
                    }),
                    tracked_since,
                    created_at,
                })
            }
            Sample::Imported
            | Sample::Expiring
            | Sample::Signing
            | Sample::Hmac
            | Sample::Disconnected => Ok(LastUsage {
                used: None,
                tracked_since,
                created_at,
            }),
            Sample::Primary => Ok(LastUsage {
                used: None,
                tracked_since: created_at,
                created_at,
            }),
            Sample::CloudHsm => Err(denied("GetKeyLastUsage")),
            Sample::AwsManaged => Err(CallError::new("ThrottlingException", "Rate exceeded")),
        }
    }
}
