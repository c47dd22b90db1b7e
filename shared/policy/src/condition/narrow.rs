//! The keys by which a condition can keep somebody out, and which of their values do.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::operator::Compare;
use crate::principal::{is_account, is_unique_id};

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
pub(super) enum Shape {
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
pub(super) const NARROWING: [(&str, Of, Shape); 19] = [
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
pub(super) const ALWAYS_PRESENT: &str = "aws:principalaccount";

/// Keys that every request has that KMS takes: it takes no anonymous ones.
pub(super) const ALWAYS_SIGNED: [&str; 5] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principaltype",
    "aws:userid",
    "kms:calleraccount",
];

/// Whose property a key is, and how its fixed values look.
pub(super) fn key_of(key: &str) -> Option<(Of, Shape)> {
    NARROWING
        .iter()
        .find(|(name, ..)| *name == key)
        .map(|&(_, of, shape)| (of, shape))
}

/// The account that a value is, or that stands in it where an ARN has it.
pub(crate) fn account_in(value: &str) -> Option<&str> {
    match is_account(value) {
        true => Some(value),
        false => value.split(':').nth(4).filter(|part| is_account(part)),
    }
}

/// All values are fixed ones, of the shape, to the operator.
pub(super) fn are_fixed(compare: Compare, values: &BTreeSet<String>, shape: Shape) -> bool {
    if (compare == Compare::Address) != (shape == Shape::Address) {
        return false;
    }
    match shape {
        Shape::Address => are_narrow_addresses(values),
        _ => values.iter().all(|value| is_fixed(compare, value, shape)),
    }
}

/// The value is a fixed one, of the shape, to the operator.
pub(super) fn is_fixed(compare: Compare, value: &str, shape: Shape) -> bool {
    // A variable may be the very fact that it is compared with.
    if value.contains("${") || !compares_names(compare) {
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
        Shape::Arn => is_fixed_arn(value, compare == Compare::Arn),
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
}

fn compares_names(compare: Compare) -> bool {
    matches!(
        compare,
        Compare::Equals | Compare::EqualsIgnoreCase | Compare::Like | Compare::Arn
    )
}

/// Whatever the request's value is, it is asked for.
pub(super) fn is_met_by_all(compare: Compare, values: &BTreeSet<String>, shape: Shape) -> bool {
    let samples: [&str; 2] = match shape {
        Shape::Account => ["000000000000", "999999999999"],
        Shape::Arn => [
            "arn:aws:iam::000000000000:root",
            "arn:aws-cn:sts::999999999999:x/\u{2}",
        ],
        Shape::Organization => ["o-\u{2}", "o-zzzzzzzzzzz"],
        Shape::OrganizationPath => ["o-\u{2}/r-\u{2}/", "o-zzzzzzzzzzz/r-zzzz/ou-zzzz-zzzzzzzz/"],
        Shape::UniqueId => ["AROA\u{2}:\u{2}", "999999999999"],
        Shape::Id => ["vpc\u{2}", "vpce-zzzzzzzz"],
        Shape::Service => ["\u{2}.amazonaws.com", "zz.zz.amazonaws.com.cn"],
        Shape::Address => return compare == Compare::Address && are_all_addresses(values),
    };
    values.iter().any(|value| {
        samples
            .iter()
            .all(|sample| compare.matches(value, sample) == Some(true))
    })
}

/// The ranges are all of IPv4.
fn are_all_addresses(ranges: &BTreeSet<String>) -> bool {
    let halves = ["0.0.0.0/1", "128.0.0.0/1"];
    ranges
        .iter()
        .any(|range| range.ends_with("/0") && range.contains('.'))
        || halves.iter().all(|half| ranges.contains(*half))
}

/// The organisation that a value is, or that its path begins with.
pub(crate) fn organization_in(value: &str) -> Option<&str> {
    let organization = value.split('/').next()?;
    is_organization(organization).then_some(organization)
}

/// `o-` and ten to 32 letters and digits (AWS Organizations API Reference, Organization).
pub(super) fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// An ARN of one account, or of a resource whose name is unique without one, as a bucket's is.
pub(super) fn is_fixed_arn(arn: &str, by_field: bool) -> bool {
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
pub(super) fn is_fixed_context(value: &str) -> bool {
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
pub(super) fn are_narrow_addresses(ranges: &BTreeSet<String>) -> bool {
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
