//! To whom a statement applies.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use crate::json::Json;
use crate::{bounded, joined};

/// One entry of a `Principal` (IAM User Guide, AWS JSON policy elements: Principal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// `*`, which is the same as `{"AWS": "*"}`.
    ///
    /// A wildcard cannot match part of a principal's name or ARN there. Should one come through in a place where it
    /// would stand for foreign accounts, it is taken for what it asks.
    Everybody,
    /// An account: its id, or the ARN of its root. Both mean the account, whose IAM policies decide from there; neither
    /// means its root user (KMS Developer Guide, creating a key policy).
    Account { id: String, arn: Option<String> },
    /// A user, a role, a session or an identity provider of an account.
    Identity { account: String, arn: String },
    /// `s3.amazonaws.com`.
    Service(String),
    /// A unique id, such as a role's (AROA…). KMS writes one in the place of a principal that was deleted; one that is
    /// put there stands for whoever has it, in whatever account.
    UniqueId(String),
    /// Federated, canonical, or of a form that is not known.
    Other { kind: String, name: String },
}

impl Principal {
    pub(crate) fn read(kind: &str, name: &str) -> Self {
        let other = || Self::Other {
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        if kind.eq_ignore_ascii_case("Service") {
            return Self::Service(name.to_owned());
        }
        // Everybody of any kind, also `{"*": "*"}`.
        if !name.is_empty() && name.bytes().all(|b| b == b'*') {
            return Self::Everybody;
        }
        if !kind.eq_ignore_ascii_case("AWS") {
            return match account_of(name) {
                // An identity provider of an account lets in people of that account.
                Some((account, "iam", _)) if kind.eq_ignore_ascii_case("Federated") => {
                    Self::Identity {
                        account: account.to_owned(),
                        arn: name.to_owned(),
                    }
                }
                _ => other(),
            };
        }
        if is_account(name) {
            return Self::Account {
                id: name.to_owned(),
                arn: None,
            };
        }
        if is_unique_id(name) {
            return Self::UniqueId(name.to_owned());
        }
        match account_of(name) {
            Some((account, "iam", "root")) => Self::Account {
                id: account.to_owned(),
                arn: Some(name.to_owned()),
            },
            Some((account, _, _)) => Self::Identity {
                account: account.to_owned(),
                arn: name.to_owned(),
            },
            None if name.contains(['*', '?']) => Self::Everybody,
            None => other(),
        }
    }

    /// What makes two principals the same.
    pub(crate) fn key(&self) -> Cow<'_, str> {
        match self {
            Self::Everybody => "*".into(),
            Self::Account { id, .. } => id.into(),
            Self::Identity { arn, .. } => arn.into(),
            Self::Service(name) => format!("service {name}").into(),
            Self::UniqueId(id) => id.into(),
            Self::Other { kind, name } => format!("other {kind:?} {name}").into(),
        }
    }

    /// The principal for a reader.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Everybody => "everybody".to_owned(),
            Self::Account { arn: Some(arn), .. } => bounded(arn),
            Self::Account { id, .. } => id.clone(),
            Self::Identity { arn: name, .. } | Self::Service(name) | Self::UniqueId(name) => {
                bounded(name)
            }
            Self::Other { kind, name } if kind.eq_ignore_ascii_case("AWS") => bounded(name),
            Self::Other { kind, name } => bounded(&format!("{kind} {name}")),
        }
    }

    /// The account that the principal is, or belongs to.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Account { id: account, .. } | Self::Identity { account, .. } => Some(account),
            _ => None,
        }
    }

    /// The keys of the principals that a statement must name to apply to this one: itself, and the role of a session.
    pub(crate) fn named_by(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let role = match self {
            Self::Identity { account, arn } => role_of(arn).map(|role| role_key(account, role)),
            _ => None,
        };
        std::iter::once(self.key()).chain(role.map(Cow::from))
    }

    /// The ARN that a request of it has: of the role, for a session (IAM User Guide, aws:PrincipalArn).
    pub(crate) fn role_arn(&self) -> String {
        match self {
            Self::Identity { account, arn } => match (arn.split(':').nth(1), role_of(arn)) {
                (Some(partition), Some(role)) => {
                    format!("arn:{partition}:iam::{account}:role/{role}")
                }
                _ => arn.clone(),
            },
            other => other.key().into_owned(),
        }
    }

    /// The key by which a session names its role: a session's ARN has the role's name, without the role's path.
    pub(crate) fn as_role(&self) -> Option<String> {
        let Self::Identity { account, arn } = self else {
            return None;
        };
        match account_of(arn) {
            Some((_, "iam", resource)) => resource
                .strip_prefix("role/")
                .and_then(|path| path.rsplit('/').next())
                .map(|role| role_key(account, role)),
            _ => None,
        }
    }
}

fn role_key(account: &str, role: &str) -> String {
    format!("role {account} {role}")
}

/// The role of `arn:aws:sts::111122223333:assumed-role/role/session`.
fn role_of(arn: &str) -> Option<&str> {
    match account_of(arn) {
        Some((_, "sts", resource)) => resource.strip_prefix("assumed-role/")?.split('/').next(),
        _ => None,
    }
}

/// Account, service and resource of an ARN in any partition that has an account.
fn account_of(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next();
    let (arn, partition, service) = (next()?, next()?, next()?);
    let (_region, account, resource) = (next()?, next()?, next()?);
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
    let is_partition = partition.starts_with("aws") && partition.bytes().all(plain);
    let whole = arn == "arn" && is_partition && !resource.is_empty();
    (whole && is_account(account)).then_some((account, service, resource))
}

/// Twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// How the unique ids of users, roles, instance profiles and their like begin (IAM User Guide, IAM identifiers, unique
/// identifiers).
const UNIQUE_IDS: [&str; 11] = [
    "ABIA", "ACCA", "AGPA", "AIDA", "AIPA", "AKIA", "ANPA", "ANVA", "APKA", "AROA", "ASIA",
];

/// A unique id.
pub(crate) fn is_unique_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && UNIQUE_IDS.iter().any(|start| text.starts_with(start))
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The `Principal` or `NotPrincipal` of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// These.
    Only(Vec<Principal>),
    /// All but these.
    AllBut(Vec<Principal>),
}

/// Whom an element names, for looking up.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// All but these.
    pub(crate) not: bool,
    /// `*` is among them.
    pub(crate) everybody: bool,
    pub(crate) names: HashSet<String>,
}

impl Names {
    pub(crate) fn of(who: &Who) -> Self {
        let (these, not) = match who {
            Who::Only(these) => (these, false),
            Who::AllBut(these) => (these, true),
        };
        Self {
            not,
            everybody: these.contains(&Principal::Everybody),
            names: these
                .iter()
                .flat_map(|one| std::iter::once(one.key().into_owned()).chain(one.as_role()))
                .collect(),
        }
    }

    /// Everybody, or all but some.
    pub(crate) fn are_open(&self) -> bool {
        self.everybody != self.not
    }
}

impl Who {
    /// Reads the element's value; `None` if it is not one.
    pub(crate) fn read(value: &Json, not: bool) -> Option<Self> {
        let mut principals = BTreeMap::new();
        let mut add = |kind: &str, value: &Json| {
            value.items().iter().all(|item| {
                item.text()
                    .filter(|name| !name.is_empty())
                    .map(|name| {
                        let principal = Principal::read(kind, name);
                        let key = principal.key().into_owned();
                        // The longer way to write an account says more.
                        match principals.get(&key) {
                            Some(Principal::Account { arn: Some(_), .. }) => {}
                            _ => {
                                principals.insert(key, principal);
                            }
                        }
                    })
                    .is_some()
            })
        };
        let readable = match value {
            Json::Object(kinds) => kinds.iter().all(|(kind, value)| add(kind, value)),
            // Outside of an object only "*" is a principal; an ARN there is taken for one of AWS.
            other => add("AWS", other),
        };
        let principals: Vec<_> = principals.into_values().collect();
        (readable && !principals.is_empty()).then_some(if not {
            Self::AllBut(principals)
        } else {
            Self::Only(principals)
        })
    }

    /// Applies to nobody: all but everybody.
    pub(crate) fn is_nobody(&self) -> bool {
        matches!(self, Self::AllBut(these) if these.contains(&Principal::Everybody))
    }

    /// The principals of the element, those it applies to or those it does not.
    pub(crate) fn all(&self) -> &[Principal] {
        match self {
            Self::Only(these) | Self::AllBut(these) => these,
        }
    }

    /// The principals that are named as those it applies to.
    pub(crate) fn named(&self) -> &[Principal] {
        match self {
            Self::Only(these) => these,
            Self::AllBut(_) => &[],
        }
    }

    /// Each principal it applies to: what makes it the same, and how it is shown. All but some are one.
    pub(crate) fn entries(&self) -> Vec<(String, String)> {
        match self {
            Self::Only(these) => these
                .iter()
                .map(|principal| (principal.key().into_owned(), principal.shown()))
                .collect(),
            Self::AllBut(these) => {
                let keys: Vec<_> = these.iter().map(Principal::key).collect();
                let shown: Vec<_> = these.iter().map(Principal::shown).collect();
                let shown = joined(shown.iter().map(String::as_str), ", ");
                vec![(
                    format!("all but {keys:?}"),
                    bounded(&format!("everybody but {shown}")),
                )]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_of_every_form_and_partition_are_told_apart() {
        let account = |id: &str, arn: Option<&str>| Principal::Account {
            id: id.to_owned(),
            arn: arn.map(str::to_owned),
        };
        let identity = |arn: &str| Principal::Identity {
            account: "111122223333".to_owned(),
            arn: arn.to_owned(),
        };
        let other = |kind: &str, name: &str| Principal::Other {
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        let mut cases = vec![
            ("AWS", "*", Principal::Everybody),
            ("AWS", "**", Principal::Everybody),
            ("*", "*", Principal::Everybody),
            ("Federated", "*", Principal::Everybody),
            ("CanonicalUser", "*", Principal::Everybody),
            ("AWS", "arn:aws:iam::*:root", Principal::Everybody),
            ("AWS", "arn:*:iam::111122223333:root", Principal::Everybody),
            (
                "AWS",
                "arn:aws:iam::11112222333?:root",
                Principal::Everybody,
            ),
            ("AWS", "111122223333", account("111122223333", None)),
            ("aws", "111122223333", account("111122223333", None)),
            (
                "AWS",
                "AROAQ7EXAMPLEKEYA",
                Principal::UniqueId("AROAQ7EXAMPLEKEYA".to_owned()),
            ),
            (
                "AWS",
                "AIDAQ7EXAMPLEUSER0001",
                Principal::UniqueId("AIDAQ7EXAMPLEUSER0001".to_owned()),
            ),
            ("AWS", "AROA", other("AWS", "AROA")),
            ("AWS", "11112222333", other("AWS", "11112222333")),
            (
                "AWS",
                "arn:aws:iam::111122223333:",
                other("AWS", "arn:aws:iam::111122223333:"),
            ),
            (
                "AWS",
                "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
                other(
                    "AWS",
                    "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
                ),
            ),
            (
                "Service",
                "s3.amazonaws.com",
                Principal::Service("s3.amazonaws.com".to_owned()),
            ),
            ("Service", "*", Principal::Service("*".to_owned())),
            (
                "Federated",
                "accounts.google.com",
                other("Federated", "accounts.google.com"),
            ),
            ("Robots", "111122223333", other("Robots", "111122223333")),
        ];
        for arn in [
            "arn:aws:iam::111122223333:user/team/maria",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws-cn:iam::111122223333:role/KeyAdmin",
            "arn:aws-us-gov:sts::111122223333:assumed-role/KeyAdmin/j.okafor",
            "arn:aws-eusc:sts::111122223333:federated-user/bob",
            "arn:aws:sts::111122223333:root",
        ] {
            cases.push(("AWS", arn, identity(arn)));
        }
        let provider = "arn:aws:iam::111122223333:saml-provider/idp";
        cases.push(("Federated", provider, identity(provider)));
        // A partition that AWS has not got is nobody's.
        let nowhere = "arn:aws\u{200b}:iam::111122223333:root";
        cases.push(("AWS", nowhere, other("AWS", nowhere)));
        cases.push(("CanonicalUser", provider, other("CanonicalUser", provider)));
        for partition in ["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso-b"] {
            let arn = &*format!("arn:{partition}:iam::111122223333:root").leak();
            cases.push(("AWS", arn, account("111122223333", Some(arn))));
        }
        for (kind, name, principal) in cases {
            assert_eq!(Principal::read(kind, name), principal, "{kind} {name}");
        }
    }

    #[test]
    fn an_element_is_one_or_many_of_any_kind_or_nothing() {
        let read = |text: &str| {
            Who::read(&serde_json::from_str(text).unwrap(), false)
                .map(|who| who.entries().into_iter().map(|(_, shown)| shown).collect())
        };
        let some = |shown: &[&str]| Some(shown.iter().map(|&s| s.to_owned()).collect::<Vec<_>>());
        assert_eq!(read(r#""*""#), some(&["everybody"]));
        assert_eq!(read(r#"{"AWS":"*"}"#), some(&["everybody"]));
        assert_eq!(read(r#"{"AWS":["*"]}"#), some(&["everybody"]));
        assert_eq!(read(r#"{"AWS":111122223333}"#), some(&["111122223333"]));
        assert_eq!(
            read(r#"{"AWS":["arn:aws:iam::111122223333:root","111122223333"]}"#),
            some(&["arn:aws:iam::111122223333:root"])
        );
        assert_eq!(
            read(r#"{"AWS":["111122223333","arn:aws:iam::111122223333:root"]}"#),
            some(&["arn:aws:iam::111122223333:root"])
        );
        assert_eq!(
            read(
                r#"{"Service":["b.amazonaws.com","a.amazonaws.com"],"Federated":"www.amazon.com","CanonicalUser":"79a5"}"#
            ),
            some(&[
                "CanonicalUser 79a5",
                "Federated www.amazon.com",
                "a.amazonaws.com",
                "b.amazonaws.com"
            ])
        );
        for nothing in [
            "null",
            "{}",
            "[]",
            r#"{"AWS":[]}"#,
            r#"{"AWS":""}"#,
            r#"{"AWS":null}"#,
            r#"{"AWS":{"a":"b"}}"#,
            r#"{"AWS":["*",{}]}"#,
        ] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_session_is_named_by_its_role_too() {
        let session = Principal::read("AWS", "arn:aws:sts::111122223333:assumed-role/R/s");
        let role = Principal::read("AWS", "arn:aws:iam::111122223333:role/path/R");
        let stranger = Principal::read("AWS", "arn:aws:iam::444455556666:role/R");
        let names: Vec<_> = session.named_by().collect();
        assert!(names.contains(&role.as_role().unwrap().into()));
        assert!(!names.contains(&stranger.as_role().unwrap().into()));
        assert_eq!(role.named_by().count(), 1);
    }
}
