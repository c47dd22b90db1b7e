//! Request quotas per second, account and Region (KMS Developer Guide, "Request quotas"; CloudWatch User Guide,
//! "CloudWatch service quotas"; CloudTrail API Reference, `LookupEvents`): enforced on request, and the highest rates seen in any case.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use crate::kms::{Key, KeySpec, Kms, key_ref};

/// The clock that a second of a quota is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaClock {
    /// The real one: for a process that goes at its own pace and waits in real time. As many calls as the quota has in a
    /// second may come at once, and then one for each that the quota grants: a client that keeps the pace is not
    /// throttled because some of its calls were delayed on their way.
    Real,
    /// The virtual one: all calls between two advances fall into the same moment, so that a test counts calls and not
    /// speed. A client that waits in real time is throttled until the test advances the clock.
    Virtual,
}

/// Operations with a quota of their own: service, operation, requests per second. Where the guide has several numbers by
/// Region, the smallest.
const RATES: &[(&str, &str, u32)] = &[
    ("kms", "CancelKeyDeletion", 5),
    ("kms", "ConnectCustomKeyStore", 5),
    ("kms", "CreateAlias", 5),
    ("kms", "CreateCustomKeyStore", 5),
    ("kms", "CreateGrant", 50),
    ("kms", "CreateKey", 5),
    ("kms", "DeleteAlias", 15),
    ("kms", "DeleteCustomKeyStore", 5),
    ("kms", "DeleteImportedKeyMaterial", 15),
    ("kms", "DescribeCustomKeyStores", 5),
    ("kms", "DescribeKey", 2000),
    ("kms", "DisableKey", 5),
    ("kms", "DisableKeyRotation", 5),
    ("kms", "DisconnectCustomKeyStore", 5),
    ("kms", "EnableKey", 5),
    ("kms", "EnableKeyRotation", 15),
    ("kms", "GetKeyLastUsage", 5),
    ("kms", "GetKeyPolicy", 1000),
    ("kms", "GetKeyRotationStatus", 1000),
    ("kms", "GetParametersForImport", 1),
    ("kms", "GetPublicKey", 2000),
    ("kms", "ImportKeyMaterial", 15),
    ("kms", "ListAliases", 500),
    ("kms", "ListGrants", 100),
    ("kms", "ListKeyPolicies", 100),
    ("kms", "ListKeyRotations", 100),
    ("kms", "ListKeys", 500),
    ("kms", "ListResourceTags", 2000),
    ("kms", "ListRetirableGrants", 100),
    ("kms", "PutKeyPolicy", 15),
    ("kms", "ReplicateKey", 5),
    ("kms", "RetireGrant", 50),
    ("kms", "RevokeGrant", 50),
    ("kms", "RotateKeyOnDemand", 5),
    ("kms", "ScheduleKeyDeletion", 15),
    ("kms", "TagResource", 10),
    ("kms", "UntagResource", 5),
    ("kms", "UpdateAlias", 5),
    ("kms", "UpdateCustomKeyStore", 5),
    ("kms", "UpdateKeyDescription", 5),
    ("kms", "UpdatePrimaryRegion", 5),
    ("cloudtrail", "LookupEvents", 2),
    ("cloudwatch", "DeleteAlarms", 3),
    ("cloudwatch", "DescribeAlarms", 9),
    ("cloudwatch", "ListMetrics", 25),
    ("cloudwatch", "PutMetricAlarm", 3),
    ("cloudwatch", "PutMetricData", 500),
];

/// Cryptographic operations share a quota by the kind of key.
const SYMMETRIC: (&str, u32) = ("cryptographic operations (symmetric)", 10_000);
const RSA: (&str, u32) = ("cryptographic operations (RSA)", 1_000);
const ECC: (&str, u32) = ("cryptographic operations (ECC)", 1_000);
const KEY_STORE: u32 = 1_800;

const CRYPTOGRAPHIC: &[&str] = &[
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

const SECOND: Duration = Duration::from_secs(1);

/// The calls of the last second, by Region and quota, and what was the most.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) enforced: Option<QuotaClock>,
    /// In place of the table's.
    pub(crate) changed: BTreeMap<String, u32>,
    admitted_real: BTreeMap<(String, String), Bucket>,
    admitted_virtual: BTreeMap<(String, String), VecDeque<Timestamp>>,
    seen: BTreeMap<String, VecDeque<Instant>>,
    pub(crate) highest: BTreeMap<String, u32>,
}

/// The calls that a quota still grants: no more than those of a second, and filled up as time passes.
#[derive(Debug)]
struct Bucket {
    calls: f64,
    at: Instant,
}

impl Bucket {
    fn full(at: Instant, limit: u32) -> Self {
        let calls = f64::from(limit);
        Self { calls, at }
    }

    fn admit(&mut self, now: Instant, limit: u32) -> bool {
        let limit = f64::from(limit);
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.calls = (self.calls + passed * limit).min(limit);
        self.at = now;
        let room = self.calls >= 1.0;
        if room {
            self.calls -= 1.0;
        }
        room
    }
}

/// A call, as far as quotas are concerned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metered<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
    /// The ARN of its key.
    pub(crate) resource: Option<&'a str>,
}

impl Meter {
    pub(crate) fn new(enforced: Option<QuotaClock>) -> Self {
        Self {
            enforced,
            ..Self::default()
        }
    }

    /// Counts a call; `false` if it is one too many.
    pub(crate) fn admit(&mut self, call: Metered<'_>, kms: &Kms, now: Timestamp) -> bool {
        let instant = Instant::now();
        let seen = self.seen.entry(call.operation.to_owned()).or_default();
        seen.push_back(instant);
        drop_while(seen, |at| instant.duration_since(*at) >= SECOND);
        let rate = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let highest = self.highest.entry(call.operation.to_owned()).or_default();
        *highest = rate.max(*highest);

        let Some((quota, limit)) = self.quota(call, kms) else {
            return true;
        };
        let place = (call.region.to_owned(), quota);
        match self.enforced {
            None => true,
            Some(QuotaClock::Real) => {
                let bucket = self.admitted_real.entry(place);
                let bucket = bucket.or_insert_with(|| Bucket::full(instant, limit));
                bucket.admit(instant, limit)
            }
            Some(QuotaClock::Virtual) => {
                let admitted = self.admitted_virtual.entry(place).or_default();
                drop_while(admitted, |at| {
                    now.duration_since(*at) >= SignedDuration::from_secs(1)
                });
                admit(admitted, now, limit)
            }
        }
    }

    /// The name of the quota that the call counts against, and its limit.
    fn quota(&self, call: Metered<'_>, kms: &Kms) -> Option<(String, u32)> {
        let (name, limit) = if call.service == "kms" && CRYPTOGRAPHIC.contains(&call.operation) {
            let key = call.resource.and_then(key_ref);
            shared(key.and_then(|key| kms.keys.get(&key)))
        } else {
            let row = RATES
                .iter()
                .find(|row| (row.0, row.1) == (call.service, call.operation));
            (call.operation.to_owned(), row.map(|row| row.2))
        };
        let limit = self.changed.get(&name).copied().or(limit)?;
        Some((name, limit))
    }
}

/// The quota that the cryptographic operations with this key share.
fn shared(key: Option<&Key>) -> (String, Option<u32>) {
    if let Some(store) = key.and_then(|key| key.store.as_ref()) {
        return (store.id.clone(), Some(KEY_STORE));
    }
    let (name, limit) = match key.map(|key| key.spec) {
        Some(KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096) => RSA,
        Some(spec) if spec.has_public_key() => ECC,
        _ => SYMMETRIC,
    };
    (name.to_owned(), Some(limit))
}

fn drop_while<T>(queue: &mut VecDeque<T>, is_old: impl Fn(&T) -> bool) {
    while queue.front().is_some_and(&is_old) {
        queue.pop_front();
    }
}

/// Refused calls do not count.
fn admit<T>(admitted: &mut VecDeque<T>, at: T, limit: u32) -> bool {
    let room = u32::try_from(admitted.len()).unwrap_or(u32::MAX) < limit;
    if room {
        admitted.push_back(at);
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the calls at these milliseconds are admitted.
    fn admitted(limit: u32, times: impl IntoIterator<Item = u64>) -> usize {
        let start = Instant::now();
        let mut bucket = Bucket::full(start, limit);
        let calls = times.into_iter();
        calls
            .filter(|at| bucket.admit(start + Duration::from_millis(*at), limit))
            .count()
    }

    #[test]
    fn the_pace_of_the_quota_is_never_throttled() {
        assert_eq!(admitted(5, (0..100).map(|call| call * 200)), 100);
        // A call in ten is 150 milliseconds late.
        let late = (0..100).map(|call| call * 200 + if call % 10 == 0 { 150 } else { 0 });
        assert_eq!(admitted(5, late), 100);
    }

    #[test]
    fn twice_the_pace_of_the_quota_is_throttled() {
        // Ten seconds: five a second, and the five that were there.
        let calls = admitted(5, (0..100).map(|call| call * 100));
        assert!((53..=55).contains(&calls), "{calls}");
        assert_eq!(admitted(5, [0; 20]), 5, "all at once");
    }
}
