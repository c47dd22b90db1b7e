//! The words of the API, each spelled once.

/// An enum with the text of each variant as the API writes it.
macro_rules! names {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// As the API writes it.
            #[must_use]
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// From what the API accepts.
            #[must_use]
            #[allow(dead_code, reason = "not every enum is also read")]
            $vis fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

names! {
    /// The states of a key (KMS Developer Guide, "Key states of AWS KMS keys").
    pub enum KeyState {
        /// Usable.
        Enabled = "Enabled",
        /// Switched off by its owner.
        Disabled = "Disabled",
        /// In the waiting period before deletion.
        PendingDeletion = "PendingDeletion",
        /// A multi-Region primary to be deleted once its last replica is gone.
        PendingReplicaDeletion = "PendingReplicaDeletion",
        /// Imported key material is missing.
        PendingImport = "PendingImport",
        /// The custom key store is disconnected.
        Unavailable = "Unavailable",
        /// A replica that is being made.
        Creating = "Creating",
        /// The primary Region is being changed.
        Updating = "Updating",
    }
}

impl KeyState {
    /// The words after "<key ARN> is" in the service's error messages.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::PendingDeletion => "pending deletion",
            Self::PendingReplicaDeletion => "pending replica deletion",
            Self::PendingImport => "pending import",
            Self::Unavailable => "unavailable",
            Self::Creating => "creating",
            Self::Updating => "updating",
        }
    }
}

names! {
    /// Where the key material comes from.
    pub enum Origin {
        /// KMS makes it.
        AwsKms = "AWS_KMS",
        /// The customer imports it.
        External = "EXTERNAL",
        /// It lives in the customer's CloudHSM cluster.
        AwsCloudHsm = "AWS_CLOUDHSM",
        /// It lives in a key manager outside AWS.
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

names! {
    /// What the key is for.
    pub enum KeyUsage {
        /// Encryption and decryption.
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        /// Signatures.
        SignVerify = "SIGN_VERIFY",
        /// Message authentication codes.
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        /// Shared secrets.
        KeyAgreement = "KEY_AGREEMENT",
    }
}

names! {
    /// The kind of key material.
    pub enum KeySpec {
        /// AES-256-GCM.
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        /// RSA, 2048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA, 3072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA, 4096 bits.
        Rsa4096 = "RSA_4096",
        /// NIST P-256.
        EccNistP256 = "ECC_NIST_P256",
        /// NIST P-384.
        EccNistP384 = "ECC_NIST_P384",
        /// NIST P-521.
        EccNistP521 = "ECC_NIST_P521",
        /// The curve of Bitcoin.
        EccSecgP256K1 = "ECC_SECG_P256K1",
        /// HMAC with SHA-224.
        Hmac224 = "HMAC_224",
        /// HMAC with SHA-256.
        Hmac256 = "HMAC_256",
        /// HMAC with SHA-384.
        Hmac384 = "HMAC_384",
        /// HMAC with SHA-512.
        Hmac512 = "HMAC_512",
    }
}

const RSA_ENCRYPTION: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSA_SIGNING: &[&str] = &[
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
];

/// What each spec may be used for, and with which algorithms
/// (KMS Developer Guide, "Key spec reference"). The first row of a spec is its default usage, if it has one.
const ALGORITHMS: &[(KeySpec, KeyUsage, &[&str])] = {
    use KeySpec as S;
    use KeyUsage as U;
    &[
        (
            S::SymmetricDefault,
            U::EncryptDecrypt,
            &["SYMMETRIC_DEFAULT"],
        ),
        (S::Rsa2048, U::EncryptDecrypt, RSA_ENCRYPTION),
        (S::Rsa2048, U::SignVerify, RSA_SIGNING),
        (S::Rsa3072, U::EncryptDecrypt, RSA_ENCRYPTION),
        (S::Rsa3072, U::SignVerify, RSA_SIGNING),
        (S::Rsa4096, U::EncryptDecrypt, RSA_ENCRYPTION),
        (S::Rsa4096, U::SignVerify, RSA_SIGNING),
        (S::EccNistP256, U::SignVerify, &["ECDSA_SHA_256"]),
        (S::EccNistP256, U::KeyAgreement, &["ECDH"]),
        (S::EccNistP384, U::SignVerify, &["ECDSA_SHA_384"]),
        (S::EccNistP384, U::KeyAgreement, &["ECDH"]),
        (S::EccNistP521, U::SignVerify, &["ECDSA_SHA_512"]),
        (S::EccNistP521, U::KeyAgreement, &["ECDH"]),
        (S::EccSecgP256K1, U::SignVerify, &["ECDSA_SHA_256"]),
        (S::Hmac224, U::GenerateVerifyMac, &["HMAC_SHA_224"]),
        (S::Hmac256, U::GenerateVerifyMac, &["HMAC_SHA_256"]),
        (S::Hmac384, U::GenerateVerifyMac, &["HMAC_SHA_384"]),
        (S::Hmac512, U::GenerateVerifyMac, &["HMAC_SHA_512"]),
    ]
};

impl KeySpec {
    /// The algorithms, or `None` if the spec does not have this usage.
    pub(crate) fn algorithms(self, usage: KeyUsage) -> Option<&'static [&'static str]> {
        ALGORITHMS
            .iter()
            .find(|row| row.0 == self && row.1 == usage)
            .map(|row| row.2)
    }

    /// Whether keys of the spec are pairs.
    pub(crate) fn has_public_key(self) -> bool {
        self.field_bytes() > 0
    }

    /// Bytes of the RSA modulus or of a coordinate of the curve; 0 for keys that have neither.
    pub(crate) fn field_bytes(self) -> usize {
        match self {
            Self::Rsa2048 => 256,
            Self::Rsa3072 => 384,
            Self::Rsa4096 => 512,
            Self::EccNistP256 | Self::EccSecgP256K1 => 32,
            Self::EccNistP384 => 48,
            Self::EccNistP521 => 66,
            _ => 0,
        }
    }

    /// The object identifier of the curve, as DER writes it.
    pub(crate) fn curve(self) -> Option<&'static [u8]> {
        match self {
            Self::EccNistP256 => Some(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
            Self::EccNistP384 => Some(&[0x2b, 0x81, 0x04, 0x00, 0x22]),
            Self::EccNistP521 => Some(&[0x2b, 0x81, 0x04, 0x00, 0x23]),
            Self::EccSecgP256K1 => Some(&[0x2b, 0x81, 0x04, 0x00, 0x0a]),
            _ => None,
        }
    }

    /// Bytes of a signature; two numbers in DER for curves.
    pub(crate) fn signature_bytes(self) -> usize {
        match self.curve() {
            Some(_) => 2 * self.field_bytes() + 8,
            None => self.field_bytes(),
        }
    }

    pub(crate) fn default_usage(self) -> KeyUsage {
        ALGORITHMS
            .iter()
            .find(|row| row.0 == self)
            .map_or(KeyUsage::EncryptDecrypt, |row| row.1)
    }
}

impl KeyUsage {
    /// The member of `KeyMetadata` that lists the algorithms.
    pub(crate) fn algorithms_member(self) -> &'static str {
        match self {
            Self::EncryptDecrypt => "EncryptionAlgorithms",
            Self::SignVerify => "SigningAlgorithms",
            Self::GenerateVerifyMac => "MacAlgorithms",
            Self::KeyAgreement => "KeyAgreementAlgorithms",
        }
    }
}

names! {
    /// How a rotation came about.
    pub(crate) enum RotationType {
        Automatic = "AUTOMATIC",
        OnDemand = "ON_DEMAND",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip() {
        for row in ALGORITHMS {
            assert_eq!(KeySpec::parse(row.0.as_str()), Some(row.0));
            assert_eq!(KeyUsage::parse(row.1.as_str()), Some(row.1));
        }
        assert_eq!(KeySpec::parse("rsa_2048"), None);
    }

    #[test]
    fn only_symmetric_keys_encrypt_by_default() {
        assert_eq!(
            KeySpec::SymmetricDefault.default_usage(),
            KeyUsage::EncryptDecrypt
        );
        assert_eq!(
            KeySpec::Hmac256.default_usage(),
            KeyUsage::GenerateVerifyMac
        );
        assert!(
            KeySpec::Hmac256
                .algorithms(KeyUsage::EncryptDecrypt)
                .is_none()
        );
    }
}
