//! Of what a condition key speaks.

use crate::operation::Class;

/// Of what a key speaks, and so who decides on its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The account of the caller.
    Account,
    /// The ARN of the caller: of the role, for a session.
    Arn,
    /// The organisation of the caller.
    Organization,
    /// The unique id of the caller, with the session's name.
    UserId,
    /// The name of an IAM user.
    UserName,
    /// `Account` (the root user), `User`, `AssumedRole`, …
    Type,
    /// The caller is an AWS service.
    IsService,
    /// The resource or account for which a service calls. Nobody else's request has it.
    Source,
    /// Who gets a grant.
    Grantee,
    /// The network from which the call comes.
    Network,
    /// The service through which the call comes.
    Via,
    /// The request came over TLS. KMS takes no other (KMS Developer Guide, infrastructure security).
    Tls,
    /// The time of the request.
    Time,
    /// The Region of the key.
    Region,
    /// The account of the key.
    ResourceAccount,
    /// Whatever the caller likes to send, in requests of one class or of all.
    Chosen(Option<&'static [Class]>),
    /// Anything else: tags, properties of the key, what only who knows it can send (such as `aws:UserAgent`), keys that are
    /// not known.
    Unknown,
}

const USES: Option<&[Class]> = Some(&[Class::Use]);
const USES_AND_GRANTS: Option<&[Class]> = Some(&[Class::Use, Class::Grant]);
const GRANTS: Option<&[Class]> = Some(&[Class::Grant]);
const MANAGES: Option<&[Class]> = Some(&[Class::Manage]);

/// Keys in lower case (IAM User Guide, AWS global condition context keys; KMS Developer Guide, condition keys).
const KEYS: [(&str, Subject); 65] = [
    ("kms:calleraccount", Subject::Account),
    ("aws:principalaccount", Subject::Account),
    ("aws:principalarn", Subject::Arn),
    ("aws:principalorgid", Subject::Organization),
    ("aws:principalorgpaths", Subject::Organization),
    ("aws:userid", Subject::UserId),
    ("aws:username", Subject::UserName),
    ("aws:principaltype", Subject::Type),
    ("aws:principalisawsservice", Subject::IsService),
    ("aws:principalservicename", Subject::Source),
    ("aws:principalservicenameslist", Subject::Source),
    ("aws:sourceaccount", Subject::Source),
    ("aws:sourceowner", Subject::Source),
    ("aws:sourcearn", Subject::Source),
    ("aws:sourceorgid", Subject::Source),
    ("aws:sourceorgpaths", Subject::Source),
    ("kms:granteeprincipal", Subject::Grantee),
    ("aws:sourcevpc", Subject::Network),
    ("aws:sourcevpcarn", Subject::Network),
    ("aws:sourcevpce", Subject::Network),
    ("aws:vpceaccount", Subject::Network),
    ("aws:vpceorgid", Subject::Network),
    ("aws:vpceorgpaths", Subject::Network),
    ("aws:sourceip", Subject::Network),
    ("aws:vpcsourceip", Subject::Network),
    ("aws:ec2instancesourcevpc", Subject::Network),
    ("aws:ec2instancesourceprivateipv4", Subject::Network),
    ("kms:viaservice", Subject::Via),
    ("aws:securetransport", Subject::Tls),
    ("aws:currenttime", Subject::Time),
    ("aws:epochtime", Subject::Time),
    ("aws:requestedregion", Subject::Region),
    ("aws:resourceaccount", Subject::ResourceAccount),
    ("aws:multifactorauthpresent", Subject::Chosen(None)),
    ("aws:multifactorauthage", Subject::Chosen(None)),
    ("aws:tokenissuetime", Subject::Chosen(None)),
    ("aws:viaawsservice", Subject::Chosen(None)),
    ("aws:calledvia", Subject::Chosen(None)),
    ("aws:calledviafirst", Subject::Chosen(None)),
    ("aws:calledvialast", Subject::Chosen(None)),
    ("aws:tagkeys", Subject::Chosen(MANAGES)),
    (
        "kms:encryptioncontextkeys",
        Subject::Chosen(USES_AND_GRANTS),
    ),
    ("kms:signingalgorithm", Subject::Chosen(USES)),
    ("kms:messagetype", Subject::Chosen(USES)),
    ("kms:macalgorithm", Subject::Chosen(USES)),
    ("kms:keyagreementalgorithm", Subject::Chosen(USES)),
    ("kms:datakeypairspec", Subject::Chosen(USES)),
    ("kms:reencryptonsamekey", Subject::Chosen(USES)),
    ("kms:requestalias", Subject::Chosen(USES)),
    ("kms:grantoperations", Subject::Chosen(GRANTS)),
    ("kms:grantconstrainttype", Subject::Chosen(GRANTS)),
    ("kms:grantconstraintsourcearn", Subject::Chosen(GRANTS)),
    ("kms:grantisforawsresource", Subject::Chosen(GRANTS)),
    ("kms:granteeserviceprincipal", Subject::Chosen(GRANTS)),
    ("kms:retiringprincipal", Subject::Chosen(GRANTS)),
    ("kms:retiringserviceprincipal", Subject::Chosen(GRANTS)),
    (
        "kms:schedulekeydeletionpendingwindowindays",
        Subject::Chosen(MANAGES),
    ),
    (
        "kms:bypasspolicylockoutsafetycheck",
        Subject::Chosen(MANAGES),
    ),
    ("kms:expirationmodel", Subject::Chosen(MANAGES)),
    ("kms:validto", Subject::Chosen(MANAGES)),
    ("kms:wrappingalgorithm", Subject::Chosen(MANAGES)),
    ("kms:wrappingkeyspec", Subject::Chosen(MANAGES)),
    ("kms:primaryregion", Subject::Chosen(MANAGES)),
    ("kms:replicaregion", Subject::Chosen(MANAGES)),
    ("kms:rotationperiodindays", Subject::Chosen(MANAGES)),
];

impl Subject {
    /// Of what a key speaks, given in lower case.
    pub(crate) fn of(key: &str) -> Self {
        if key.starts_with("kms:encryptioncontext:") {
            return Self::Chosen(USES_AND_GRANTS);
        }
        if key.starts_with("aws:requesttag/") {
            return Self::Chosen(MANAGES);
        }
        KEYS.iter()
            .find(|(name, _)| *name == key)
            .map_or(Self::Unknown, |(_, subject)| *subject)
    }
}
