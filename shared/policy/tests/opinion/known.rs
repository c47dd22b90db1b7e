//! Where this crate and the others differ, and who is right. Guides are those of AWS.

/// A difference that has been looked into.
pub(crate) struct Known {
    /// `public` (policyuniverse), `foreign` (Cloud Custodian) or `allowed` (moto).
    pub(crate) question: &'static str,
    /// What this crate says; `None`: whatever.
    pub(crate) ours: Option<bool>,
    /// What the policy has, one of these.
    pub(crate) marks: &'static [&'static str],
    /// Who is right, and why.
    pub(crate) why: &'static str,
}

const fn row(
    question: &'static str,
    ours: Option<bool>,
    marks: &'static [&'static str],
    why: &'static str,
) -> Known {
    Known {
        question,
        ours,
        marks,
        why,
    }
}

const NARROWER: Option<bool> = Some(false);
const WIDER: Option<bool> = Some(true);

pub(crate) const KNOWN: &[Known] = &[
    // policyuniverse looks at principals and at some condition keys, one statement after the other.
    row(
        "public",
        NARROWER,
        &["other service"],
        "we: s3:GetObject gives nothing on a key (KMS Developer Guide, key policies); they do not look at actions",
    ),
    row(
        "public",
        NARROWER,
        &["resource", "NotResource", "no effect"],
        "we: a statement about another resource, or about none, gives nothing on a key (KMS API Reference, PutKeyPolicy)",
    ),
    row(
        "public",
        NARROWER,
        &["deny"],
        "we: an explicit deny counts (IAM User Guide, policy evaluation logic); they read allows alone",
    ),
    row(
        "public",
        NARROWER,
        &["key kms:viaservice"],
        "both: kms:ViaService, which they do not know, keeps no account out; we tell it apart, as open_via, which is foreign",
    ),
    row(
        "public",
        NARROWER,
        &["op datelessthan", "key aws:securetransport"],
        "we: a date that has passed, and a request without TLS, which KMS takes not, let nobody in",
    ),
    row(
        "public",
        NARROWER,
        &["key aws:userid"],
        "we: aws:userid may be an id as it is; they take one without a wildcard at its end for open",
    ),
    row(
        "public",
        NARROWER,
        &["several tests"],
        "we: all tests of a condition must hold (IAM User Guide, Condition); they call it open if one is",
    ),
    row(
        "public",
        WIDER,
        &["ForAllValues", "IfExists"],
        "we: both hold where the request lacks the key (IAM User Guide, Condition operators; multivalued context keys)",
    ),
    row(
        "public",
        WIDER,
        &["variable"],
        "we: a variable may be the very fact that it is compared with",
    ),
    row(
        "public",
        WIDER,
        &["wild kms:calleraccount"],
        "we: ? stands for any letter (IAM User Guide, StringLike); they look for * alone",
    ),
    row(
        "public",
        NARROWER,
        &["op stringnotlike"],
        "we: what everything is like, nothing is not like; they pass negations over",
    ),
    row(
        "public",
        NARROWER,
        &["op arnlike"],
        "we: ArnLike compares the six parts of an ARN, so a word that is none is like nothing",
    ),
    // Cloud Custodian knows some keys and operators, and passes over the rest.
    row(
        "foreign",
        WIDER,
        &[
            "key aws:sourcevpce",
            "key aws:sourcevpc",
            "key aws:sourceip",
        ],
        "we: whose a network is cannot be known; without a list they take each for the owner's",
    ),
    row(
        "foreign",
        WIDER,
        &["principal Service"],
        "we: a service that works for another account lets that in (IAM User Guide, confused deputy); they pass services over",
    ),
    row(
        "foreign",
        WIDER,
        &["ForAllValues", "IfExists"],
        "we: both hold where the request lacks the key; they compare the values",
    ),
    row(
        "foreign",
        NARROWER,
        &["other service", "resource", "NotResource", "no effect"],
        "we: neither gives anything on a key; they look at principals and conditions",
    ),
    row(
        "foreign",
        NARROWER,
        &["deny"],
        "we: an explicit deny counts; they read allows alone",
    ),
    row(
        "foreign",
        NARROWER,
        &["op datelessthan", "key aws:securetransport"],
        "we: a date that has passed, and a request without TLS, let nobody in; they pass these operators over",
    ),
    row(
        "foreign",
        NARROWER,
        &["key aws:sourcearn", "key aws:sourceaccount", "op null"],
        "we: a person's request has no source, so the statement lets in services alone, for the account that it names",
    ),
    row(
        "foreign",
        NARROWER,
        &["operator's case"],
        "we: operators are taken in any case; they know StringEquals as it is written",
    ),
    row(
        "foreign",
        NARROWER,
        &["several tests", "values"],
        "we: all tests must hold, so one that asks for the owner's account is enough; they want each to do so",
    ),
    row(
        "foreign",
        NARROWER,
        &[
            "key kms:calleraccount",
            "key aws:principalaccount",
            "key aws:principalorgpaths",
            "key aws:principalarn",
            "trusted",
        ],
        "we: the condition asks for the owner's account, a trusted one or a trusted organisation; of these they do not know the \
         operator or the key",
    ),
    row(
        "foreign",
        NARROWER,
        &["op arnlike"],
        "we: ArnLike compares the six parts of an ARN, so a word that is none is like nothing",
    ),
    // moto makes patterns of actions into regular expressions.
    row(
        "allowed",
        None,
        &["action"],
        "we: ? stands for one letter, and operations are compared in any case (IAM User Guide, Action); to moto ? makes the \
         letter before it optional, and case counts",
    ),
];
