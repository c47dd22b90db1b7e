//! Under which condition a statement applies, and whether that keeps anybody out.
//!
//! All tests of a condition must hold, and one value of each is enough (IAM User Guide, conditions with multiple keys or
//! values). So a condition narrows if one of its tests does, and a test narrows only if all of its values do.
//!
//! What narrows a grant to everybody follows what S3 calls non-public (Amazon S3 User Guide, the meaning of "public"):
//! a fixed value for a fact that a caller cannot choose. Whatever is unsure does not narrow: a grant that is wrongly
//! called public is looked at, one that is wrongly called narrow is not.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::json::Json;
use crate::principal::{is_account, is_unique_id};
use crate::{bounded, joined};

/// The `Condition` of a statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    tests: Vec<Test>,
    /// Equal for conditions that test the same, in whatever order and case they are written.
    fingerprint: String,
    /// The accounts that a caller must be of, where the condition says it.
    callers: Option<BTreeSet<String>>,
}

/// One operator over one key.
#[derive(Clone, Debug)]
struct Test {
    set: Set,
    /// In lower case, without prefix and `IfExists`.
    operator: String,
    if_exists: bool,
    /// In lower case: keys are not case-sensitive (IAM User Guide, IAM JSON policy elements: Condition).
    key: String,
    written_key: String,
    values: BTreeSet<String>,
    /// Whom the test keeps out, if anybody: worked out once, since thousands of principals may stand before it.
    narrows: Option<(Of, Shape)>,
}

/// How the values of a request that has several are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Set {
    One,
    /// `ForAllValues:`, which also holds where the request has no value.
    All,
    /// `ForAnyValue:`
    Any,
}

/// Whose property a key is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Of {
    /// The one who calls.
    Caller,
    /// The resource for which a service calls.
    Source,
    /// The one who is given a grant.
    Grantee,
    /// The network that the call comes from.
    Network,
    /// The service through which a caller calls.
    Via,
}

/// What a fixed value looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Account,
    Arn,
    Organization,
    OrganizationPath,
    UniqueId,
    /// An id of AWS's making that means one thing in the world, such as a VPC's.
    Id,
    Address,
    Service,
}

/// The keys by which a condition can narrow a grant to everybody, with the shape of their fixed values.
///
/// Not among them, since a caller chooses them or has them in any account: `kms:EncryptionContext:…`,
/// `kms:RequestAlias`, `kms:GrantOperations`, `kms:GrantIsForAWSResource`, `aws:PrincipalTag/…`, `aws:username`,
/// `aws:UserAgent`, `aws:Referer`, `aws:PrincipalIsAWSService`, and `aws:VpcSourceIp`, a private address that every VPC
/// may have. Neither are dates, MFA or TLS, which say nothing of who calls.
const NARROWING: [(&str, Of, Shape); 19] = [
    ("kms:calleraccount", Of::Caller, Shape::Account),
    ("aws:principalaccount", Of::Caller, Shape::Account),
    ("aws:principalarn", Of::Caller, Shape::Arn),
    ("aws:principalorgid", Of::Caller, Shape::Organization),
    ("aws:principalorgpaths", Of::Caller, Shape::OrganizationPath),
    ("aws:userid", Of::Caller, Shape::UniqueId),
    ("aws:sourceaccount", Of::Source, Shape::Account),
    ("aws:sourceowner", Of::Source, Shape::Account),
    ("aws:sourcearn", Of::Source, Shape::Arn),
    ("aws:sourceorgid", Of::Source, Shape::Organization),
    ("aws:sourceorgpaths", Of::Source, Shape::OrganizationPath),
    ("kms:granteeprincipal", Of::Grantee, Shape::Arn),
    ("aws:sourcevpc", Of::Network, Shape::Id),
    ("aws:sourcevpce", Of::Network, Shape::Id),
    ("aws:vpceaccount", Of::Network, Shape::Account),
    ("aws:vpceorgid", Of::Network, Shape::Organization),
    ("aws:vpceorgpaths", Of::Network, Shape::OrganizationPath),
    ("aws:sourceip", Of::Network, Shape::Address),
    ("kms:viaservice", Of::Via, Shape::Service),
];

/// The one key that every request has, even an anonymous one (IAM User Guide, AWS global condition context keys).
const ALWAYS_PRESENT: &str = "aws:principalaccount";

impl Condition {
    /// Reads the element's value; `None` if it is not one.
    pub(crate) fn read(value: &Json) -> Option<Self> {
        let operators = match value {
            Json::Null => return Some(Self::default()),
            Json::Object(operators) => operators,
            _ => return None,
        };
        let mut tests = Vec::new();
        for (operator, keys) in operators {
            let Json::Object(keys) = keys else {
                return None;
            };
            for (key, values) in keys {
                tests.push(Test::read(operator, key, values)?);
            }
        }
        let mut tests: Vec<_> = tests.into_iter().map(|t| (t.fingerprint(), t)).collect();
        tests.sort_by(|(a, _), (b, _)| a.cmp(b));
        tests.dedup_by(|(a, _), (b, _)| a == b);
        let (prints, mut tests): (Vec<_>, Vec<Test>) = tests.into_iter().unzip();
        let present: BTreeSet<_> = tests
            .iter()
            .filter(|test| test.asks_for_presence())
            .map(|test| test.key.clone())
            .chain([ALWAYS_PRESENT.to_owned()])
            .collect();
        for test in &mut tests {
            test.narrows = test.narrowing(present.contains(&test.key));
        }
        let mut condition = Self {
            tests,
            fingerprint: prints.join("&"),
            callers: None,
        };
        condition.callers = condition
            .required_accounts(Of::Caller)
            .map(|accounts| accounts.into_iter().map(str::to_owned).collect());
        Some(condition)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The condition for a reader: `if kms:ViaService is s3.us-east-1.amazonaws.com`.
    pub(crate) fn shown(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let words: Vec<_> = self.tests.iter().take(64).map(Test::words).collect();
        let words = joined(words.iter().map(String::as_str), " and ");
        Some(bounded(&format!("if {words}")))
    }

    fn narrowing(&self) -> impl Iterator<Item = (&Test, Of, Shape)> {
        self.tests
            .iter()
            .filter_map(|test| test.narrows.map(|(of, shape)| (test, of, shape)))
    }

    /// Keeps somebody out whom the statement's principal would let in.
    pub(crate) fn narrows(&self) -> bool {
        self.narrowing().next().is_some()
    }

    /// The services, where the condition narrows by `kms:ViaService` and by nothing else.
    pub(crate) fn only_via(&self) -> Option<BTreeSet<&str>> {
        let mut services = BTreeSet::new();
        for (test, of, _) in self.narrowing() {
            if of != Of::Via {
                return None;
            }
            services.extend(test.values.iter().map(String::as_str));
        }
        (!services.is_empty()).then_some(services)
    }

    /// Says for which resource or account a service may call.
    ///
    /// `kms:EncryptionContext:…` names the resource where a service writes it there, as CloudWatch Logs does
    /// (`kms:EncryptionContext:aws:logs:arn`: CloudWatch Logs User Guide, encrypt log data).
    pub(crate) fn names_source(&self) -> bool {
        self.narrowing()
            .any(|(_, of, _)| matches!(of, Of::Caller | Of::Source | Of::Grantee))
            || self.tests.iter().any(|test| {
                (test.key == "aws:sourcearn" || test.key.starts_with("kms:encryptioncontext:"))
                    && test.is_positive()
                    && test.needs_key()
                    && test.values.iter().all(|value| is_fixed_context(value))
            })
    }

    /// The accounts that the condition names as let in, also where it lets in others as well.
    pub(crate) fn accounts(&self) -> BTreeSet<&str> {
        let mut accounts = BTreeSet::new();
        for wanted in [Of::Caller, Of::Source, Of::Grantee] {
            let required = self.required_accounts(wanted);
            let named = self
                .tests
                .iter()
                .filter(|test| test.is_positive())
                .filter(|test| key_of(&test.key).is_some_and(|(of, _)| of == wanted))
                .flat_map(|test| test.values.iter().filter_map(|value| account_in(value)));
            accounts.extend(named.filter(|account| {
                required
                    .as_ref()
                    .is_none_or(|required| required.contains(account))
            }));
        }
        accounts
    }

    /// The accounts outside of which nobody can meet the condition, if it says so.
    fn required_accounts(&self, wanted: Of) -> Option<BTreeSet<&str>> {
        self.narrowing()
            .filter(|(_, of, _)| *of == wanted)
            .filter_map(|(test, ..)| test.values.iter().map(|value| account_in(value)).collect())
            .reduce(|a: BTreeSet<_>, b| a.intersection(&b).copied().collect())
    }

    /// The caller may be one of the account: no test of the caller's account leaves it out.
    pub(crate) fn admits(&self, account: &str) -> bool {
        self.callers
            .as_ref()
            .is_none_or(|callers| callers.contains(account))
    }

    /// Whoever is of the account meets it.
    pub(crate) fn is_met_by_all_of(&self, account: &str) -> bool {
        self.tests.iter().all(|test| {
            test.narrows == Some((Of::Caller, Shape::Account)) && test.values.contains(account)
        })
    }
}

/// Whose property a key is, and how its fixed values look.
fn key_of(key: &str) -> Option<(Of, Shape)> {
    NARROWING
        .iter()
        .find(|(name, ..)| *name == key)
        .map(|&(_, of, shape)| (of, shape))
}

/// The account that a value is, or that stands in it where an ARN has it.
fn account_in(value: &str) -> Option<&str> {
    match is_account(value) {
        true => Some(value),
        false => value.split(':').nth(4).filter(|part| is_account(part)),
    }
}

impl Test {
    fn read(operator: &str, written_key: &str, values: &Json) -> Option<Self> {
        let values = values
            .items()
            .iter()
            .map(|value| value.text().map(str::to_owned))
            .collect::<Option<_>>()?;
        let lower = operator.to_ascii_lowercase();
        let (set, rest) = match lower.split_once(':') {
            Some(("forallvalues", rest)) => (Set::All, rest),
            Some(("foranyvalue", rest)) => (Set::Any, rest),
            _ => (Set::One, &*lower),
        };
        let (operator, if_exists) = match rest.strip_suffix("ifexists") {
            Some(operator) => (operator, true),
            None => (rest, false),
        };
        Some(Self {
            set,
            operator: operator.to_owned(),
            if_exists,
            key: written_key.to_ascii_lowercase(),
            written_key: written_key.to_owned(),
            values,
            narrows: None,
        })
    }

    /// Compares with values that let in.
    fn is_positive(&self) -> bool {
        matches!(
            self.operator.as_str(),
            "stringequals"
                | "stringequalsignorecase"
                | "stringlike"
                | "arnequals"
                | "arnlike"
                | "ipaddress"
        ) && !self.values.is_empty()
    }

    /// Does not hold in a request without the key, as `IfExists` and `ForAllValues:` do.
    fn needs_key(&self) -> bool {
        !self.if_exists && self.set != Set::All
    }

    /// `"Null": {key: "false"}`, which AWS recommends beside `ForAllValues:` (IAM User Guide, multivalued context keys).
    fn asks_for_presence(&self) -> bool {
        self.operator == "null"
            && !self.values.is_empty()
            && self.values.iter().all(|v| v.eq_ignore_ascii_case("false"))
    }

    fn narrowing(&self, is_present: bool) -> Option<(Of, Shape)> {
        let (of, shape) = key_of(&self.key)?;
        let required = self.is_positive() && (self.needs_key() || is_present);
        (required && self.is_fixed(shape)).then_some((of, shape))
    }

    /// Debug of a text puts quotation marks around it and escapes those inside: no two tests look alike.
    fn fingerprint(&self) -> String {
        let Self {
            set,
            operator,
            if_exists,
            key,
            values,
            ..
        } = self;
        format!("{key:?} {set:?} {operator:?} {if_exists} {values:?}")
    }

    /// All values are fixed ones.
    fn is_fixed(&self, shape: Shape) -> bool {
        let of_arns = self.operator.starts_with("arn");
        if (self.operator == "ipaddress") != (shape == Shape::Address) {
            return false;
        }
        if shape == Shape::Address {
            return are_narrow_addresses(&self.values);
        }
        self.values.iter().all(|value| {
            // A variable may be the very fact that it is compared with.
            if value.contains("${") {
                return false;
            }
            let start = match value.find(['*', '?']) {
                // To the exact operators `*` is a letter, and the value matches nobody. It is still no fixed one.
                Some(at) => &value[..at],
                None => value,
            };
            let whole = start.len() == value.len();
            match shape {
                Shape::Account => is_account(value),
                Shape::Arn => is_fixed_arn(value, of_arns),
                Shape::Organization => whole && is_organization(value),
                Shape::OrganizationPath => start
                    .split_once('/')
                    .is_some_and(|(organization, _)| is_organization(organization)),
                Shape::UniqueId => {
                    is_account(value) || {
                        let id = value.split(':').next().unwrap_or_default();
                        is_unique_id(id) && start.len() >= id.len()
                    }
                }
                Shape::Id => whole && !value.is_empty(),
                Shape::Service => start
                    .split_once('.')
                    .is_some_and(|(service, _)| !service.is_empty()),
                Shape::Address => false,
            }
        })
    }

    /// The test for a reader.
    fn words(&self) -> String {
        let operator = match self.operator.as_str() {
            "stringequals"
            | "stringequalsignorecase"
            | "bool"
            | "numericequals"
            | "dateequals"
            | "binaryequals" => "is",
            "stringnotequals"
            | "stringnotequalsignorecase"
            | "numericnotequals"
            | "datenotequals" => "is not",
            "stringlike" | "arnlike" | "arnequals" => "is like",
            "stringnotlike" | "arnnotlike" | "arnnotequals" => "is not like",
            "ipaddress" => "is in",
            "notipaddress" => "is not in",
            "numericlessthan" => "is less than",
            "numericlessthanequals" => "is at most",
            "numericgreaterthan" => "is more than",
            "numericgreaterthanequals" => "is at least",
            "datelessthan" => "is before",
            "datelessthanequals" => "is not after",
            "dategreaterthan" => "is after",
            "dategreaterthanequals" => "is not before",
            "null" => match self.values.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["true"] => return format!("{} is absent", bounded(&self.written_key)),
                ["false"] => return format!("{} is present", bounded(&self.written_key)),
                _ => "is null",
            },
            other => other,
        };
        let set = match self.set {
            Set::One => "",
            Set::All => "every ",
            Set::Any => "any ",
        };
        let values = match self.values.is_empty() {
            true => "nothing".to_owned(),
            false => joined(self.values.iter().map(String::as_str), " or "),
        };
        let absent = match self.if_exists {
            true => " (or absent)",
            false => "",
        };
        format!(
            "{set}{}{absent} {} {values}",
            bounded(&self.written_key),
            bounded(operator)
        )
    }
}

/// `o-` and ten to 32 letters and digits (AWS Organizations API Reference, Organization).
fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// An ARN of one account, or of a resource whose name is unique without one, as a bucket's is.
fn is_fixed_arn(arn: &str, by_field: bool) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [scheme, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    let is_wild = |part: &str| part.contains(['*', '?']);
    // The ARN operators compare field by field; to the others a `*` in front may stand for several fields (IAM User
    // Guide, IAM JSON policy elements: Condition operators).
    let spills = !by_field
        && [scheme, partition, service, region]
            .iter()
            .any(|p| is_wild(p));
    if scheme != "arn" || spills {
        return false;
    }
    match account {
        "" => !is_wild(service) && !resource.is_empty() && !is_wild(resource),
        account => is_account(account),
    }
}

/// A resource for which a service calls: a name without wildcards, or an ARN of one account.
///
/// The Region may be left open, also for the string operators: the only names that could spill into the account's place
/// hold a colon and the account's own id.
fn is_fixed_context(value: &str) -> bool {
    if value.contains("${") || value.is_empty() {
        return false;
    }
    let mut parts = value.splitn(6, ':');
    let of_account = parts.next() == Some("arn")
        && parts.next().is_some()
        && parts
            .next()
            .is_some_and(|service| !service.contains(['*', '?']))
        && parts.next().is_some()
        && parts.next().is_some_and(is_account);
    of_account || !value.contains(['*', '?'])
}

/// Address ranges that are not the whole internet.
///
/// S3 calls ranges broader than /8 (IPv4) and /32 (IPv6) public (Amazon S3 User Guide, the meaning of "public"). Many
/// narrow ranges are a wide one too: together they must be less than half of all addresses in use.
fn are_narrow_addresses(ranges: &BTreeSet<String>) -> bool {
    let (mut of_v4, mut of_v6) = (0_u128, 0_u128);
    for range in ranges {
        let (address, prefix) = match range.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (range.as_str(), None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return false;
        };
        let (bits, broadest, sum) = match address {
            IpAddr::V4(_) => (32, 8, &mut of_v4),
            IpAddr::V6(_) => (128, 32, &mut of_v6),
        };
        let Ok(prefix) = prefix.map_or(Ok(bits), str::parse::<u32>) else {
            return false;
        };
        if !(broadest..=bits).contains(&prefix) {
            return false;
        }
        *sum = sum.saturating_add(1 << (bits - prefix));
    }
    // Unicast addresses of IPv6 are an eighth of all, 2000::/3 (RFC 4291).
    of_v4 < 1 << 31 && of_v6 < 1 << 124
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Condition {
        Condition::read(&serde_json::from_str(text).unwrap()).unwrap()
    }

    fn test(operator: &str, key: &str, value: &str) -> Condition {
        read(&format!(r#"{{{operator:?}:{{{key:?}:{value}}}}}"#))
    }

    #[test]
    fn fixed_values_of_what_a_caller_cannot_choose_narrow() {
        for (operator, key, value) in [
            ("StringEquals", "kms:CallerAccount", r#""111122223333""#),
            ("stringequals", "KMS:calleraccount", r#""111122223333""#),
            ("StringEquals", "kms:CallerAccount", "111122223333"),
            (
                "StringEquals",
                "kms:CallerAccount",
                r#"["111122223333","444455556666"]"#,
            ),
            ("StringLike", "kms:CallerAccount", r#""111122223333""#),
            (
                "StringEqualsIgnoreCase",
                "aws:PrincipalAccount",
                r#""111122223333""#,
            ),
            (
                "StringEqualsIfExists",
                "aws:PrincipalAccount",
                r#""111122223333""#,
            ),
            (
                "ForAnyValue:StringEquals",
                "aws:PrincipalAccount",
                r#""111122223333""#,
            ),
            ("StringEquals", "aws:PrincipalOrgID", r#""o-a1b2c3d4e5""#),
            ("StringLike", "aws:PrincipalOrgID", r#""o-a1b2c3d4e5""#),
            (
                "ForAnyValue:StringLike",
                "aws:PrincipalOrgPaths",
                r#""o-a1b2c3d4e5/*""#,
            ),
            (
                "ForAnyValue:StringLike",
                "aws:PrincipalOrgPaths",
                r#"["o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*"]"#,
            ),
            (
                "ArnLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:role/*""#,
            ),
            (
                "ArnEquals",
                "aws:PrincipalArn",
                r#""arn:*:iam::111122223333:*""#,
            ),
            (
                "StringLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:role/*""#,
            ),
            (
                "StringEquals",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:role/a""#,
            ),
            ("StringLike", "aws:userid", r#""AROAQ7EXAMPLEKEYA:*""#),
            ("StringEquals", "aws:userid", r#""AIDAQ7EXAMPLEUSER0001""#),
            ("StringEquals", "aws:userid", r#""111122223333""#),
            ("StringEquals", "aws:SourceAccount", r#""111122223333""#),
            ("StringEquals", "aws:SourceOwner", r#""111122223333""#),
            (
                "ArnLike",
                "aws:SourceArn",
                r#""arn:aws:cloudtrail:*:111122223333:trail/*""#,
            ),
            ("ArnLike", "aws:SourceArn", r#""arn:aws:s3:::a-bucket""#),
            ("StringEquals", "aws:SourceOrgID", r#""o-a1b2c3d4e5""#),
            (
                "ForAnyValue:StringLike",
                "aws:SourceOrgPaths",
                r#""o-a1b2c3d4e5/r-ab12/*""#,
            ),
            ("StringEquals", "aws:SourceVpce", r#""vpce-0a1b2c3d""#),
            ("StringEquals", "aws:SourceVpc", r#"["vpc-1","vpc-2"]"#),
            ("StringEquals", "aws:VpceAccount", r#""111122223333""#),
            ("StringEquals", "aws:VpceOrgID", r#""o-a1b2c3d4e5""#),
            (
                "StringEquals",
                "kms:ViaService",
                r#""s3.us-east-1.amazonaws.com""#,
            ),
            ("StringLike", "kms:ViaService", r#""s3.*.amazonaws.com""#),
            ("IpAddress", "aws:SourceIp", r#""192.0.2.0/24""#),
            ("IpAddress", "aws:SourceIp", r#""192.0.2.7""#),
            ("IpAddress", "aws:SourceIp", r#""10.0.0.0/8""#),
            (
                "IpAddress",
                "aws:SourceIp",
                r#"["192.0.2.0/24","2001:db8::/32"]"#,
            ),
            (
                "ArnEquals",
                "kms:GranteePrincipal",
                r#""arn:aws:iam::111122223333:role/a""#,
            ),
            (
                "StringEquals",
                "kms:GranteePrincipal",
                r#""arn:aws:iam::111122223333:role/a""#,
            ),
        ] {
            assert!(
                test(operator, key, value).narrows(),
                "{operator} {key} {value}"
            );
        }
    }

    #[test]
    fn what_leaves_a_way_in_does_not_narrow() {
        let account = r#""111122223333""#;
        for (operator, key, value) in [
            // Negative, absent or of another kind.
            ("StringNotEquals", "kms:CallerAccount", account),
            ("StringNotLike", "kms:CallerAccount", account),
            ("StringNotEqualsIgnoreCase", "kms:CallerAccount", account),
            (
                "ArnNotLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:role/a""#,
            ),
            (
                "ArnNotEquals",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:role/a""#,
            ),
            ("NotIpAddress", "aws:SourceIp", r#""192.0.2.0/24""#),
            ("Null", "kms:CallerAccount", "false"),
            ("Null", "kms:CallerAccount", "true"),
            ("Bool", "kms:CallerAccount", account),
            ("NumericEquals", "kms:CallerAccount", account),
            ("StringAlmostEquals", "kms:CallerAccount", account),
            ("", "kms:CallerAccount", account),
            ("ArnLike", "aws:SourceIp", r#""192.0.2.0/24""#),
            ("StringEquals", "aws:SourceIp", r#""192.0.2.0/24""#),
            ("IpAddress", "kms:CallerAccount", account),
            // The key may be absent.
            ("StringEqualsIfExists", "kms:CallerAccount", account),
            (
                "StringEqualsIfExists",
                "aws:PrincipalOrgID",
                r#""o-a1b2c3d4e5""#,
            ),
            ("StringLikeIfExists", "aws:SourceVpce", r#""vpce-1""#),
            ("IpAddressIfExists", "aws:SourceIp", r#""192.0.2.0/24""#),
            ("ForAllValues:StringEquals", "kms:CallerAccount", account),
            (
                "ForAllValues:StringLike",
                "aws:PrincipalOrgPaths",
                r#""o-a1b2c3d4e5/*""#,
            ),
            (
                "ForAllValues:StringEqualsIfExists",
                "aws:SourceAccount",
                account,
            ),
            // A value that is none, or any.
            ("StringLike", "kms:CallerAccount", r#""*""#),
            ("StringLike", "kms:CallerAccount", r#""1*""#),
            ("StringLike", "kms:CallerAccount", r#""????????????""#),
            (
                "StringEquals",
                "kms:CallerAccount",
                r#"["111122223333","*"]"#,
            ),
            ("StringLike", "kms:CallerAccount", r#"["111122223333","*"]"#),
            ("StringEquals", "kms:CallerAccount", "[]"),
            ("StringEquals", "kms:CallerAccount", r#""""#),
            (
                "StringEquals",
                "kms:CallerAccount",
                r#""${aws:PrincipalAccount}""#,
            ),
            ("StringLike", "aws:PrincipalOrgID", r#""o-*""#),
            ("StringLike", "aws:PrincipalOrgID", r#""o-a1b2c3d4e5*""#),
            (
                "StringEquals",
                "aws:PrincipalOrgID",
                r#""${aws:PrincipalOrgID}""#,
            ),
            ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", r#""*""#),
            (
                "ForAnyValue:StringLike",
                "aws:PrincipalOrgPaths",
                r#""o-*/r-ab12/*""#,
            ),
            ("ArnLike", "aws:PrincipalArn", r#""*""#),
            (
                "ArnLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::*:role/admin""#,
            ),
            ("StringLike", "aws:PrincipalArn", r#""arn:aws:iam::*""#),
            (
                "StringLike",
                "aws:PrincipalArn",
                r#""arn:*:111122223333:role/a""#,
            ),
            (
                "StringLike",
                "aws:PrincipalArn",
                r#""arn:*:iam::111122223333:role/a""#,
            ),
            ("ArnLike", "aws:PrincipalArn", r#""*:*:*:*:*:*""#),
            ("StringLike", "aws:userid", r#""*:maria""#),
            ("StringLike", "aws:userid", r#""AROA*""#),
            ("StringLike", "aws:userid", r#""AROAQ7EXAMPLEKEY?""#),
            ("StringEquals", "aws:userid", r#""maria""#),
            ("ArnLike", "aws:SourceArn", r#""arn:aws:s3:::a-*""#),
            ("ArnLike", "aws:SourceArn", r#""arn:aws:*:::bucket""#),
            ("ArnLike", "aws:SourceArn", r#""arn:aws:s3:*:*:*""#),
            ("StringLike", "aws:SourceVpce", r#""vpce-*""#),
            ("StringEquals", "aws:SourceVpce", r#""*""#),
            ("StringEquals", "aws:SourceVpce", r#""""#),
            ("StringLike", "kms:ViaService", r#""*""#),
            (
                "StringLike",
                "kms:ViaService",
                r#""*.us-east-1.amazonaws.com""#,
            ),
            ("StringLike", "kms:ViaService", r#""s*""#),
            ("IpAddress", "aws:SourceIp", r#""0.0.0.0/0""#),
            ("IpAddress", "aws:SourceIp", r#""::/0""#),
            ("IpAddress", "aws:SourceIp", r#""8.0.0.0/7""#),
            ("IpAddress", "aws:SourceIp", r#""2001:db8::/31""#),
            ("StringEquals", "aws:SourceVpce", r#""${aws:SourceVpce}""#),
            ("IpAddress", "aws:SourceIp", r#""0.0.0.0/1""#),
            ("IpAddress", "aws:SourceIp", r#""2001::/16""#),
            (
                "IpAddress",
                "aws:SourceIp",
                r#"["192.0.2.0/24","0.0.0.0/0"]"#,
            ),
            ("IpAddress", "aws:SourceIp", r#""192.0.2.0/33""#),
            ("IpAddress", "aws:SourceIp", r#""192.0.2.0/x""#),
            ("IpAddress", "aws:SourceIp", r#""everywhere""#),
            // A key that everybody can meet.
            ("IpAddress", "aws:VpcSourceIp", r#""10.0.0.0/8""#),
            ("StringEquals", "kms:EncryptionContext:app", r#""payments""#),
            ("StringEquals", "aws:PrincipalTag/team", r#""payments""#),
            ("StringEquals", "aws:username", r#""maria""#),
            ("StringEquals", "aws:UserAgent", r#""x""#),
            ("StringEquals", "kms:RequestAlias", r#""alias/a""#),
            ("Bool", "kms:GrantIsForAWSResource", "true"),
            ("Bool", "aws:SecureTransport", "true"),
            ("Bool", "aws:MultiFactorAuthPresent", r#""true""#),
            ("Bool", "aws:PrincipalIsAWSService", "true"),
            (
                "DateGreaterThan",
                "aws:CurrentTime",
                r#""2026-01-01T00:00:00Z""#,
            ),
        ] {
            assert!(
                !test(operator, key, value).narrows(),
                "{operator} {key} {value}"
            );
        }
        assert!(!read("{}").narrows());
        assert!(!read("null").narrows());
        let eighths: Vec<_> = (0..128).map(|n| format!("\"{n}.0.0.0/8\"")).collect();
        let list = format!("[{}]", eighths.join(","));
        assert!(!test("IpAddress", "aws:SourceIp", &list).narrows());
    }

    #[test]
    fn one_narrowing_test_is_enough_and_null_gives_back_what_if_exists_takes() {
        assert!(
            read(r#"{"StringNotEquals":{"kms:CallerAccount":"1"},"StringEquals":{"kms:CallerAccount":"111122223333"}}"#)
                .narrows()
        );
        let paths = r#""ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}"#;
        let null = |value: &str| {
            read(&format!(
                r#"{{{paths},"Null":{{"AWS:PrincipalOrgPaths":{value}}}}}"#
            ))
        };
        assert!(null("false").narrows());
        assert!(null(r#"["False"]"#).narrows());
        assert!(!null("true").narrows());
        assert!(!null(r#"["false","true"]"#).narrows());
        assert!(!null("[]").narrows());
    }

    #[test]
    fn accounts_are_those_that_meet_all_tests_of_the_same() {
        let condition = read(
            r#"{"StringEquals":{"kms:CallerAccount":["111122223333","444455556666"]},
                "ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/*"}}"#,
        );
        assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
        assert!(condition.admits("444455556666") && !condition.admits("111122223333"));
        let condition = read(
            r#"{"ArnLike":{"aws:SourceArn":["arn:aws:s3:::b","arn:aws:sns:*:444455556666:*"]}}"#,
        );
        assert!(condition.narrows());
        assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
        let condition = read(
            r#"{"StringLikeIfExists":{"aws:SourceArn":["arn:aws:sns:*:444455556666:*","*"]},
                "ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:555566667777:*"}}"#,
        );
        assert!(!condition.narrows());
        assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
        let condition = read(r#"{"StringEquals":{"aws:SourceAccount":"444455556666"}}"#);
        assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
        assert!(condition.admits("111122223333"));
    }

    #[test]
    fn all_of_an_account_meet_a_condition_that_asks_for_it_alone() {
        let own = "111122223333";
        for (text, met) in [
            ("{}", true),
            (
                r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#,
                true,
            ),
            (
                r#"{"StringEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}}"#,
                true,
            ),
            (
                r#"{"StringEquals":{"kms:CallerAccount":"444455556666"}}"#,
                false,
            ),
            (
                r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#,
                false,
            ),
            (
                r#"{"StringEquals":{"kms:CallerAccount":"111122223333"},"Bool":{"aws:SecureTransport":"true"}}"#,
                false,
            ),
            (
                r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/a"}}"#,
                false,
            ),
        ] {
            assert_eq!(read(text).is_met_by_all_of(own), met, "{text}");
        }
    }

    #[test]
    fn a_services_source_is_named_by_account_arn_organisation_or_encryption_context() {
        for (operator, key, value, named) in [
            (
                "StringEquals",
                "aws:SourceAccount",
                r#""111122223333""#,
                true,
            ),
            (
                "ArnLike",
                "aws:SourceArn",
                r#""arn:aws:sns:*:111122223333:*""#,
                true,
            ),
            ("StringEquals", "aws:SourceOrgID", r#""o-a1b2c3d4e5""#, true),
            (
                "StringEquals",
                "kms:CallerAccount",
                r#""111122223333""#,
                true,
            ),
            (
                "ArnEquals",
                "kms:EncryptionContext:aws:logs:arn",
                r#""arn:aws:logs:us-east-1:111122223333:*""#,
                true,
            ),
            (
                "StringLike",
                "kms:EncryptionContext:aws:logs:arn",
                r#""arn:aws:logs:*:111122223333:log-group:a""#,
                true,
            ),
            (
                "StringEquals",
                "kms:EncryptionContext:app",
                r#""payments""#,
                true,
            ),
            (
                "StringLike",
                "aws:SourceArn",
                r#""arn:aws:sns:*:111122223333:*""#,
                true,
            ),
            (
                "StringLike",
                "aws:SourceArn",
                r#""arn:aws:*:111122223333:*""#,
                false,
            ),
            ("StringLike", "aws:SourceArn", r#""arn:aws:sns:*""#, false),
            (
                "StringLikeIfExists",
                "aws:SourceArn",
                r#""arn:aws:sns:*:111122223333:*""#,
                false,
            ),
            ("StringLike", "kms:EncryptionContext:app", r#""*""#, false),
            (
                "StringLike",
                "kms:EncryptionContext:app",
                r#""arn*""#,
                false,
            ),
            (
                "StringEquals",
                "kms:EncryptionContext:app",
                r#""${aws:userid}""#,
                false,
            ),
            (
                "StringLike",
                "kms:EncryptionContext:aws:logs:arn",
                r#""arn:aws:logs:us-east-1:*:*""#,
                false,
            ),
            (
                "StringNotEquals",
                "kms:EncryptionContext:app",
                r#""payments""#,
                false,
            ),
            (
                "StringEqualsIfExists",
                "kms:EncryptionContext:app",
                r#""payments""#,
                false,
            ),
            (
                "StringEquals",
                "kms:EncryptionContextKeys",
                r#""app""#,
                false,
            ),
            (
                "StringEquals",
                "kms:ViaService",
                r#""s3.us-east-1.amazonaws.com""#,
                false,
            ),
            (
                "StringEqualsIfExists",
                "aws:SourceAccount",
                r#""111122223333""#,
                false,
            ),
            ("StringLike", "aws:SourceAccount", r#""*""#, false),
            ("StringEquals", "aws:SourceVpc", r#""vpc-1""#, false),
        ] {
            assert_eq!(
                test(operator, key, value).names_source(),
                named,
                "{operator} {key} {value}"
            );
        }
    }

    #[test]
    fn order_case_and_lists_of_one_make_no_difference() {
        let a = read(
            r#"{"StringEquals":{"kms:ViaService":["b.x.com","a.x.com"],"kms:CallerAccount":111122223333},"Bool":{"aws:SecureTransport":true}}"#,
        );
        let b = read(
            r#"{"bool":{"AWS:SecureTransport":["true"]},"stringEquals":{"kms:callerAccount":["111122223333"],"KMS:ViaService":["a.x.com","b.x.com","a.x.com"]}}"#,
        );
        assert_eq!(a.fingerprint(), b.fingerprint());
        for other in [
            r#"{"StringEquals":{"kms:ViaService":"a.x.com"}}"#,
            r#"{"StringLike":{"kms:ViaService":"a.x.com"}}"#,
            r#"{"StringEqualsIfExists":{"kms:ViaService":"a.x.com"}}"#,
            r#"{"ForAnyValue:StringEquals":{"kms:ViaService":"a.x.com"}}"#,
            r#"{"StringEquals":{"kms:ViaService":"A.x.com"}}"#,
            r#"{"StringEquals":{"kms:ViaService":["a","b"]}}"#,
            r#"{"StringEquals":{"kms:ViaService":"a\", \"b"}}"#,
        ] {
            assert_ne!(a.fingerprint(), read(other).fingerprint(), "{other}");
        }
        assert_ne!(
            read(r#"{"StringEquals":{"k":["a","b"]}}"#).fingerprint(),
            read(r#"{"StringEquals":{"k":"a\", \"b"}}"#).fingerprint()
        );
    }

    #[test]
    fn a_condition_is_told_in_words() {
        for (text, words) in [
            (
                r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#,
                "if kms:ViaService is s3.us-east-1.amazonaws.com",
            ),
            (
                r#"{"StringNotLike":{"aws:PrincipalArn":["b","a"]},"Null":{"aws:SourceVpc":"false"}}"#,
                "if aws:PrincipalArn is not like a or b and aws:SourceVpc is present",
            ),
            (
                r#"{"ForAllValues:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#,
                "if every aws:TagKeys (or absent) is a",
            ),
            (
                r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
                "if aws:SourceIp is in 192.0.2.0/24",
            ),
            (r#"{"Null":{"a":true}}"#, "if a is absent"),
            (r#"{"Perhaps":{"a":"b"}}"#, "if a perhaps b"),
            (r#"{"StringEquals":{"a":[]}}"#, "if a is nothing"),
        ] {
            assert_eq!(read(text).shown().as_deref(), Some(words));
        }
        assert_eq!(read("{}").shown(), None);
        let long = format!(
            r#"{{"StringEquals":{{"{0}":["{0}","b"]}}}}"#,
            "x".repeat(20_000)
        );
        assert_eq!(
            read(&long).shown().unwrap().chars().count(),
            crate::MAX_TEXT
        );
    }

    #[test]
    fn what_is_no_condition_is_not_read() {
        for wrong in [
            "[]",
            "1",
            r#""x""#,
            r#"{"StringEquals":"x"}"#,
            r#"{"StringEquals":{"a":{}}}"#,
            r#"{"StringEquals":{"a":null}}"#,
            r#"{"StringEquals":{"a":["b",{}]}}"#,
        ] {
            let json = serde_json::from_str(wrong).unwrap();
            assert!(Condition::read(&json).is_none(), "{wrong}");
        }
    }
}
