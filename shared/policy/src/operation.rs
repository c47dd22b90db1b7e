//! The operations of KMS as a set, and the questions that people ask of a policy.

use std::sync::LazyLock;

use crate::action::{ALL, Actions, covers};

/// What of a request depends on the operation: which condition keys it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A cryptographic operation, which has an encryption context, an algorithm, and may come through a service.
    Use,
    /// On grants; these may come through a service too.
    Grant,
    /// All others. No service makes them for its callers (KMS Developer Guide, kms:ViaService).
    Manage,
}

pub(crate) const CLASSES: [Class; 3] = [Class::Use, Class::Grant, Class::Manage];

/// The permissions of KMS (Service Authorization Reference, AWS Key Management Service), in lower case.
const OPERATIONS: [(&str, Class); 55] = {
    use Class::{Grant, Manage, Use};
    [
        ("kms:decrypt", Use),
        ("kms:derivesharedsecret", Use),
        ("kms:encrypt", Use),
        ("kms:generatedatakey", Use),
        ("kms:generatedatakeypair", Use),
        ("kms:generatedatakeypairwithoutplaintext", Use),
        ("kms:generatedatakeywithoutplaintext", Use),
        ("kms:generatemac", Use),
        ("kms:reencryptfrom", Use),
        ("kms:reencryptto", Use),
        ("kms:sign", Use),
        ("kms:verify", Use),
        ("kms:verifymac", Use),
        ("kms:creategrant", Grant),
        ("kms:listgrants", Grant),
        ("kms:listretirablegrants", Grant),
        ("kms:retiregrant", Grant),
        ("kms:revokegrant", Grant),
        ("kms:cancelkeydeletion", Manage),
        ("kms:connectcustomkeystore", Manage),
        ("kms:createalias", Manage),
        ("kms:createcustomkeystore", Manage),
        ("kms:createkey", Manage),
        ("kms:deletealias", Manage),
        ("kms:deletecustomkeystore", Manage),
        ("kms:deleteimportedkeymaterial", Manage),
        ("kms:describecustomkeystores", Manage),
        ("kms:describekey", Manage),
        ("kms:disablekey", Manage),
        ("kms:disablekeyrotation", Manage),
        ("kms:disconnectcustomkeystore", Manage),
        ("kms:enablekey", Manage),
        ("kms:enablekeyrotation", Manage),
        ("kms:generaterandom", Manage),
        ("kms:getkeylastusage", Manage),
        ("kms:getkeypolicy", Manage),
        ("kms:getkeyrotationstatus", Manage),
        ("kms:getparametersforimport", Manage),
        ("kms:getpublickey", Manage),
        ("kms:importkeymaterial", Manage),
        ("kms:listaliases", Manage),
        ("kms:listkeypolicies", Manage),
        ("kms:listkeyrotations", Manage),
        ("kms:listkeys", Manage),
        ("kms:listresourcetags", Manage),
        ("kms:putkeypolicy", Manage),
        ("kms:replicatekey", Manage),
        ("kms:rotatekeyondemand", Manage),
        ("kms:schedulekeydeletion", Manage),
        ("kms:synchronizemultiregionkey", Manage),
        ("kms:tagresource", Manage),
        ("kms:untagresource", Manage),
        ("kms:updatealias", Manage),
        ("kms:updatecustomkeystore", Manage),
        ("kms:updatekeydescription", Manage),
    ]
};

/// Stands for every operation that is not in the list, such as one that KMS has since got.
const OTHER: u64 = 1 << 63;

/// A set of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ops(u64);

impl Ops {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// The operations of a class; those not known may be of any.
    pub(crate) fn of_class(class: Class) -> Self {
        static BY_CLASS: LazyLock<[u64; 3]> = LazyLock::new(|| {
            CLASSES.map(|class| {
                OPERATIONS
                    .iter()
                    .enumerate()
                    .filter(|(_, (_, of))| *of == class)
                    .fold(OTHER, |ops, (n, _)| ops | 1 << n)
            })
        });
        Self(BY_CLASS[class as usize])
    }

    /// The operations of these names, in lower case; a name that is not known stands for nothing.
    pub(crate) fn named(names: &[&str]) -> Self {
        OPERATIONS
            .iter()
            .enumerate()
            .filter(|(_, (name, _))| names.contains(name))
            .fold(Self::NONE, |ops, (n, _)| ops | Self(1 << n))
    }

    /// What the actions of a statement allow.
    ///
    /// An operation that is not known is taken for allowed where it may be, and for denied only where all are.
    pub(crate) fn of(actions: &Actions, is_deny: bool) -> Self {
        let (patterns, not) = match actions {
            Actions::Only(patterns) => (patterns, false),
            Actions::AllBut(patterns) => (patterns, true),
        };
        let mut matched = 0;
        let mut beyond = false;
        for pattern in patterns.keys() {
            let before = matched;
            let mut hits = false;
            for (n, (name, _)) in OPERATIONS.iter().enumerate() {
                if covers(pattern, name) {
                    matched |= 1 << n;
                    hits = true;
                }
            }
            debug_assert!(matched >= before);
            // `kms:Decrypt` is no other operation; `kms:D*` may be, and `kms:Future` is.
            beyond |= !hits || pattern.contains(['*', '?']);
        }
        let all = patterns.contains_key(ALL);
        let known = (1 << OPERATIONS.len()) - 1;
        let (ops, other) = match (not, is_deny) {
            (false, false) => (matched, beyond),
            (false, true) => (matched, all),
            (true, false) => (!matched & known, !all),
            (true, true) => (!matched & known, !beyond),
        };
        Self(if other { ops | OTHER } else { ops })
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Those that more than half of the sets have.
    pub(crate) fn of_most(sets: &[Self]) -> Self {
        let is_common = |bit: &u64| {
            let having = sets.iter().filter(|set| set.0 & bit != 0).count();
            having * 2 > sets.len()
        };
        let bits = (0..u64::BITS).map(|n| 1 << n).filter(is_common);
        Self(bits.fold(0, |ops, bit| ops | bit))
    }

    /// The names of the known ones, in lower case.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        OPERATIONS
            .iter()
            .enumerate()
            .filter(move |(n, _)| self.0 & 1 << n != 0)
            .map(|(_, (name, _))| *name)
    }
}

impl std::ops::BitOr for Ops {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Ops {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl std::ops::BitAnd for Ops {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// What a principal may do to a key, as people ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Read what is encrypted: Decrypt.
    Decrypt,
    /// Encrypt what is new: Encrypt, GenerateDataKey and its like, ReEncryptTo.
    Encrypt,
    /// Sign.
    Sign,
    /// GenerateMac.
    Authenticate,
    /// DeriveSharedSecret.
    Agree,
    /// Change the key policy: PutKeyPolicy.
    Change,
    /// Pass access on: CreateGrant.
    Grant,
    /// ScheduleKeyDeletion.
    Schedule,
    /// CancelKeyDeletion.
    Cancel,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Decrypt,
        Self::Encrypt,
        Self::Sign,
        Self::Authenticate,
        Self::Agree,
        Self::Change,
        Self::Grant,
        Self::Schedule,
        Self::Cancel,
    ];

    /// Those of cryptography. A key can do those of its usage.
    pub const USES: [Self; 5] = [
        Self::Decrypt,
        Self::Encrypt,
        Self::Sign,
        Self::Authenticate,
        Self::Agree,
    ];

    /// Its name, as it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decrypt => "decrypt",
            Self::Encrypt => "encrypt",
            Self::Sign => "sign",
            Self::Authenticate => "authenticate",
            Self::Agree => "agree",
            Self::Change => "change",
            Self::Grant => "grant",
            Self::Schedule => "schedule",
            Self::Cancel => "cancel",
        }
    }

    /// The operations that it asks for; one of them is enough.
    pub(crate) fn ops(self) -> Ops {
        static OPS: LazyLock<[Ops; 9]> = LazyLock::new(|| {
            Question::ALL.map(|question| {
                Ops::named(match question {
                    Question::Decrypt => &["kms:decrypt"],
                    Question::Encrypt => &[
                        "kms:encrypt",
                        "kms:generatedatakey",
                        "kms:generatedatakeywithoutplaintext",
                        "kms:generatedatakeypair",
                        "kms:generatedatakeypairwithoutplaintext",
                        "kms:reencryptto",
                    ],
                    Question::Sign => &["kms:sign"],
                    Question::Authenticate => &["kms:generatemac"],
                    Question::Agree => &["kms:derivesharedsecret"],
                    Question::Change => &["kms:putkeypolicy"],
                    Question::Grant => &["kms:creategrant"],
                    Question::Schedule => &["kms:schedulekeydeletion"],
                    Question::Cancel => &["kms:cancelkeydeletion"],
                })
            })
        });
        OPS[self as usize]
    }
}
