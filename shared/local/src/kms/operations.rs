//! The operations: name, whether CloudTrail calls them read-only, how they name a key, and what each key state
//! makes of them (KMS Developer Guide, "Key states of AWS KMS keys", the table and its footnotes).

use super::{
    aliases,
    call::{Call, Outcome},
    creation, crypto, data_keys, deletion, grants, import, policy, primary, public_keys,
    re_encrypt, reads, replicas, rotation,
    selector::Accepts,
    signing,
    states::{Answer, States},
    store_calls, switches, tags,
};

/// One row.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) read_only: bool,
    pub(super) selects: Selects,
    pub(super) run: fn(&mut Call<'_>) -> Outcome,
    pub(super) states: States,
}

/// The member of the request that names the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selects {
    /// None: the operation makes a key, lists them, or finds the key in its own way.
    Nothing,
    /// `KeyId`, an id or ARN.
    Key,
    /// `KeyId`, an id, ARN, alias name or alias ARN.
    KeyOrAlias,
    /// `KeyId`, which may be left out.
    MaybeKey,
    /// `TargetKeyId`, an id or ARN.
    Target,
    /// `AliasName`: the key that the alias points to.
    Alias,
}

impl Selects {
    pub(super) fn member(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Key | Self::KeyOrAlias | Self::MaybeKey => Some("KeyId"),
            Self::Target => Some("TargetKeyId"),
            Self::Alias => Some("AliasName"),
        }
    }

    pub(super) fn accepts(self) -> Accepts {
        match self {
            Self::KeyOrAlias | Self::Alias => Accepts::AnyName,
            _ => Accepts::IdOrArn,
        }
    }
}

const fn op(
    name: &'static str,
    read_only: bool,
    selects: Selects,
    run: fn(&mut Call<'_>) -> Outcome,
    states: [Answer; 8],
) -> Operation {
    Operation {
        name,
        read_only,
        selects,
        run,
        states: States(states),
    }
}

/// Where the guide leaves the choice (cryptographic operations on a key pending deletion give `DisabledException`
/// or `KMSInvalidStateException`), the table has the second; where it gives no answer for `Creating` and
/// `Updating`, changes are refused and reads are not.
#[rustfmt::skip]
static OPERATIONS: &[Operation] = {
    use Answer::{Disabled as D, NotPending as N, Ok as Y, Origin as O, State as S};
    use Selects::{Alias, Key, KeyOrAlias, MaybeKey, Nothing, Target};
    const R: bool = true;
    const W: bool = false;
    &[
        //                                                                               Enabled
        //                                                                               |  Disabled
        //                                                                               |  |  PendingDeletion
        //                                                                               |  |  |  PendingReplicaDeletion
        //                                                                               |  |  |  |  PendingImport
        //                                                                               |  |  |  |  |  Unavailable
        //                                                                               |  |  |  |  |  |  Creating
        //                                                                               |  |  |  |  |  |  |  Updating
        op("CreateKey",                 W, Nothing,    creation::create_key,            [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("ReplicateKey",              W, Key,        replicas::replicate_key,         [Y, D, S, S, S, S, S, S]),
        op("DescribeKey",               R, KeyOrAlias, reads::describe_key,             [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("ListKeys",                  R, Nothing,    reads::list_keys,                [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("GetKeyLastUsage",           R, Key,        reads::get_key_last_usage,       [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("UpdateKeyDescription",      W, Key,        switches::update_description,    [Y, Y, S, S, Y, Y, S, Y]),
        op("EnableKey",                 W, Key,        switches::enable_key,            [Y, Y, S, S, S, Y, S, S]),
        op("DisableKey",                W, Key,        switches::disable_key,           [Y, Y, S, S, S, Y, S, S]),
        op("GetKeyPolicy",              R, Key,        policy::get_key_policy,          [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("PutKeyPolicy",              W, Key,        policy::put_key_policy,          [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("CreateAlias",               W, Target,     aliases::create_alias,           [Y, Y, S, S, Y, Y, S, Y]),
        op("UpdateAlias",               W, Target,     aliases::update_alias,           [Y, Y, S, S, Y, Y, S, Y]),
        op("DeleteAlias",               W, Alias,      aliases::delete_alias,           [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("ListAliases",               R, MaybeKey,   aliases::list_aliases,           [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("TagResource",               W, Key,        tags::tag_resource,              [Y, Y, S, S, Y, Y, S, Y]),
        op("UntagResource",             W, Key,        tags::untag_resource,            [Y, Y, S, S, Y, Y, S, Y]),
        op("ListResourceTags",          R, Key,        tags::list_resource_tags,        [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("EnableKeyRotation",         W, Key,        rotation::enable,                [Y, D, S, S, O, O, S, S]),
        op("DisableKeyRotation",        W, Key,        rotation::disable,               [Y, D, S, S, O, O, S, S]),
        op("RotateKeyOnDemand",         W, Key,        rotation::on_demand,             [Y, D, S, S, S, O, S, S]),
        op("GetKeyRotationStatus",      R, Key,        rotation::status,                [Y, Y, Y, Y, O, O, Y, Y]),
        op("ListKeyRotations",          R, Key,        rotation::list,                  [Y, Y, Y, Y, Y, O, Y, Y]),
        op("ScheduleKeyDeletion",       W, Key,        deletion::schedule,              [Y, Y, S, S, Y, Y, S, S]),
        op("CancelKeyDeletion",         W, Key,        deletion::cancel,                [N, N, Y, Y, N, N, N, N]),
        op("GetParametersForImport",    R, Key,        import::get_parameters,          [Y, Y, S, S, Y, O, S, Y]),
        op("ImportKeyMaterial",         W, Key,        import::import_material,         [Y, Y, S, S, Y, O, S, S]),
        op("DeleteImportedKeyMaterial", W, Key,        import::delete_material,         [Y, Y, Y, Y, Y, O, S, S]),
        op("UpdatePrimaryRegion",       W, Key,        primary::update_primary_region,  [Y, D, S, S, S, S, S, S]),
        op("ListKeyPolicies",           R, Key,        policy::list_key_policies,       [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("CreateGrant",               W, Key,        grants::create_grant,            [Y, D, S, S, S, Y, S, Y]),
        op("ListGrants",                R, Key,        grants::list_grants,             [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("ListRetirableGrants",       R, Nothing,    grants::list_retirable_grants,   [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("RevokeGrant",               W, Key,        grants::revoke_grant,            [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("RetireGrant",               W, Nothing,    grants::retire_grant,            [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("CreateCustomKeyStore",      W, Nothing,    store_calls::create,             [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("ConnectCustomKeyStore",     W, Nothing,    store_calls::connect,            [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("DisconnectCustomKeyStore",  W, Nothing,    store_calls::disconnect,         [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("UpdateCustomKeyStore",      W, Nothing,    store_calls::update,             [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("DeleteCustomKeyStore",      W, Nothing,    store_calls::delete,             [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("DescribeCustomKeyStores",   R, Nothing,    store_calls::describe,           [Y, Y, Y, Y, Y, Y, Y, Y]),
        op("Encrypt",                   R, KeyOrAlias, crypto::encrypt,                 [Y, D, S, S, S, S, S, Y]),
        op("GenerateDataKey",           R, KeyOrAlias, data_keys::with_plaintext,       [Y, D, S, S, S, S, S, Y]),
        op("GenerateDataKeyWithoutPlaintext",R, KeyOrAlias, data_keys::without_plaintext,    [Y, D, S, S, S, S, S, Y]),
        op("GenerateDataKeyPair",       R, KeyOrAlias, data_keys::pair,                 [Y, D, S, S, S, S, S, Y]),
        op("GenerateDataKeyPairWithoutPlaintext",R, KeyOrAlias, data_keys::pair_without_plaintext,[Y, D, S, S, S, S, S, Y]),
        op("Sign",                      R, KeyOrAlias, signing::sign,                   [Y, D, S, S, S, S, S, Y]),
        op("Verify",                    R, KeyOrAlias, signing::verify,                 [Y, D, S, S, S, S, S, Y]),
        op("GenerateMac",               R, KeyOrAlias, signing::generate_mac,           [Y, D, S, S, S, S, S, Y]),
        op("VerifyMac",                 R, KeyOrAlias, signing::verify_mac,             [Y, D, S, S, S, S, S, Y]),
        op("DeriveSharedSecret",        R, KeyOrAlias, public_keys::derive_shared_secret,[Y, D, S, S, S, S, S, Y]),
        op("GetPublicKey",              R, KeyOrAlias, public_keys::get_public_key,     [Y, D, S, S, S, S, S, Y]),
        op("GenerateRandom",            R, Nothing,    data_keys::random,               [Y, Y, Y, Y, Y, Y, Y, Y]),
        // These find their keys in the ciphertext, so the state is asked for there.
        op("ReEncrypt",                 R, Nothing,    re_encrypt::re_encrypt,          [Y, D, S, S, S, S, S, Y]),
        op("Decrypt",                   R, Nothing,    crypto::decrypt,                 [Y, D, S, S, S, S, S, Y]),
    ]
};

impl Operation {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Whether the operation works with key material: what CloudTrail calls a read although nothing is listed or shown.
    pub(super) fn is_cryptographic(&self) -> bool {
        self.read_only && !self.looks() && self.name != "GetParametersForImport"
    }

    /// Whether the operation only looks at what is there.
    pub(super) fn looks(&self) -> bool {
        let looks = ["Describe", "Get", "List"];
        let hands_out_tokens = self.name == "GetParametersForImport";
        !hands_out_tokens && looks.iter().any(|prefix| self.name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_succeed_in_every_state() {
        for name in [
            "DescribeKey",
            "GetKeyPolicy",
            "PutKeyPolicy",
            "ListAliases",
            "DeleteAlias",
            "ListResourceTags",
            "ListKeyPolicies",
            "ListGrants",
            "RetireGrant",
            "RevokeGrant",
        ] {
            let operation = Operation::find(name).unwrap();
            assert_eq!(operation.states.0, [Answer::Ok; 8], "{name}");
        }
    }

    #[test]
    fn only_reads_are_read_only() {
        for operation in OPERATIONS {
            let reads = [
                "Describe",
                "Get",
                "List",
                "Encrypt",
                "Decrypt",
                "ReEncrypt",
                "Generate",
                "Sign",
                "Verify",
                "Derive",
            ];
            let is_read = reads
                .iter()
                .any(|prefix| operation.name.starts_with(prefix));
            assert_eq!(operation.read_only, is_read, "{}", operation.name);
        }
    }

    #[test]
    fn no_operation_is_listed_twice() {
        let mut names: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), OPERATIONS.len());
    }
}
