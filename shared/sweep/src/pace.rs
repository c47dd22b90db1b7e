//! Keeping below KMS's request quotas, which the account's applications and the other functions share.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;
use watch_core::answers::{
    Grant, KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags,
};
use watch_core::arn::{KeyArn, KeyStoreId};
use watch_core::ports::{Alias, CallError, CallErrorKind, Census, Grants, Kms, Page};

/// The reads of a sweep, with their quotas in requests a second (AWS KMS Developer Guide, request quotas; AWS CloudTrail API
/// Reference, `LookupEvents`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "they are operations of KMS, and one of CloudTrail"
)]
pub enum Operation {
    DescribeCustomKeyStores,
    DescribeKey,
    GetKeyLastUsage,
    GetKeyPolicy,
    GetKeyRotationStatus,
    ListAliases,
    ListGrants,
    ListKeyRotations,
    ListKeys,
    ListResourceTags,
    LookupEvents,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::DescribeCustomKeyStores,
        Self::DescribeKey,
        Self::GetKeyLastUsage,
        Self::GetKeyPolicy,
        Self::GetKeyRotationStatus,
        Self::ListAliases,
        Self::ListGrants,
        Self::ListKeyRotations,
        Self::ListKeys,
        Self::ListResourceTags,
        Self::LookupEvents,
    ];

    /// The quota of the account in a Region, requests a second.
    pub fn quota(self) -> f64 {
        match self {
            Self::LookupEvents => 2.0,
            Self::DescribeCustomKeyStores | Self::GetKeyLastUsage => 5.0,
            Self::ListGrants | Self::ListKeyRotations => 100.0,
            Self::ListAliases | Self::ListKeys => 500.0,
            Self::GetKeyPolicy | Self::GetKeyRotationStatus => 1_000.0,
            Self::DescribeKey | Self::ListResourceTags => 2_000.0,
        }
    }

    /// What a sweep takes of the quota at most: half; of the last use a little less, since every alert about a deletion
    /// needs it.
    pub fn share(self) -> f64 {
        match self {
            Self::GetKeyLastUsage => 2.0,
            _ => self.quota() / 2.0,
        }
    }

    /// What a throttled operation slows down to at most.
    fn floor(self) -> f64 {
        (self.share() / 64.0).max(0.2)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Calls that may start at once after a pause. Timers are right to a millisecond, in which more than one is due.
const BURST: Duration = Duration::from_millis(20);
/// A call that is throttled is made so often.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How fast one operation may be called, and how often it was.
#[derive(Debug)]
struct Lane {
    rate: f64,
    next: Instant,
    used: Use,
}

/// What was made of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Calls, those that were throttled included.
    pub calls: u64,
    /// Calls that KMS refused because there were too many.
    pub throttled: u64,
}

/// KMS, asked no faster than at a part of its quotas, and slower still where it refuses.
#[derive(Debug)]
pub struct Paced<K> {
    kms: K,
    lanes: RefCell<BTreeMap<Operation, Lane>>,
    /// All rates are multiplied by this.
    factor: Cell<f64>,
}

impl<K> Paced<K> {
    /// `kms` at a sweep's share of the quotas.
    pub fn new(kms: K) -> Self {
        Self {
            kms,
            lanes: RefCell::default(),
            factor: Cell::new(1.0),
        }
    }

    /// Takes `factor` times a sweep's share.
    pub fn with_factor(self, factor: f64) -> Self {
        self.factor.set(factor);
        self
    }

    /// How often each operation was called since this was made, or asked last.
    pub fn take_use(&self) -> BTreeMap<Operation, Use> {
        let mut lanes = self.lanes.borrow_mut();
        let used = lanes.iter_mut();
        used.map(|(operation, lane)| (*operation, std::mem::take(&mut lane.used)))
            // A call that was counted before may have been throttled since.
            .filter(|(_, used)| *used != Use::default())
            .collect()
    }

    fn lane<T>(&self, operation: Operation, act: impl FnOnce(&mut Lane) -> T) -> T {
        let rate = operation.share() * self.factor.get();
        act(self
            .lanes
            .borrow_mut()
            .entry(operation)
            .or_insert_with(|| Lane {
                rate,
                next: Instant::now(),
                used: Use::default(),
            }))
    }

    /// Waits for the operation's turn.
    async fn turn(&self, operation: Operation) {
        let turn = self.lane(operation, |lane| {
            let now = Instant::now();
            let due = lane.next.max(now.checked_sub(BURST).unwrap_or(now));
            lane.next = due + Duration::from_secs_f64(1.0 / lane.rate);
            lane.used.calls += 1;
            due
        });
        tokio::time::sleep_until(turn).await;
    }

    async fn call<T>(
        &self,
        operation: Operation,
        mut ask: impl AsyncFnMut(&K) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let most = operation.share() * self.factor.get();
        let (mut attempt, mut pause) = (1, FIRST_PAUSE);
        loop {
            self.turn(operation).await;
            let answer = ask(&self.kms).await;
            let is_throttled = |error: &CallError| error.kind() == CallErrorKind::Throttled;
            if !answer.as_ref().is_err_and(is_throttled) {
                self.lane(operation, |lane| {
                    lane.rate = (lane.rate + most / 256.0).min(most)
                });
                return answer;
            }
            self.lane(operation, |lane| {
                lane.used.throttled += 1;
                lane.rate = (lane.rate / 2.0).max(operation.floor());
            });
            if attempt == ATTEMPTS {
                return answer;
            }
            tokio::time::sleep(pause).await;
            (attempt, pause) = (attempt + 1, pause * 2);
        }
    }
}

impl<K: Kms> Paced<K> {
    /// `DescribeKey`.
    pub async fn describe_key(&self, key: &KeyArn) -> Result<Metadata, CallError> {
        self.call(Operation::DescribeKey, async |kms| {
            kms.describe_key(key).await
        })
        .await
    }

    /// `ListResourceTags`.
    pub async fn list_resource_tags(&self, key: &KeyArn) -> Result<Tags, CallError> {
        self.call(Operation::ListResourceTags, async |kms| {
            kms.list_resource_tags(key).await
        })
        .await
    }

    /// `GetKeyRotationStatus`.
    pub async fn get_key_rotation_status(&self, key: &KeyArn) -> Result<RotationStatus, CallError> {
        self.call(Operation::GetKeyRotationStatus, async |kms| {
            kms.get_key_rotation_status(key).await
        })
        .await
    }

    /// `ListKeyRotations`.
    pub async fn list_materials(&self, key: &KeyArn) -> Result<Vec<Material>, CallError> {
        self.call(Operation::ListKeyRotations, async |kms| {
            kms.list_materials(key).await
        })
        .await
    }

    /// `GetKeyPolicy`.
    pub async fn get_key_policy(&self, key: &KeyArn) -> Result<String, CallError> {
        self.call(Operation::GetKeyPolicy, async |kms| {
            kms.get_key_policy(key).await
        })
        .await
    }

    /// `GetKeyPolicy` of the second policy; `None` if AWS RAM does not share the key.
    pub async fn get_shared_policy(&self, key: &KeyArn) -> Result<Option<String>, CallError> {
        let answer = self
            .call(Operation::GetKeyPolicy, async |kms| {
                kms.get_shared_policy(key).await
            })
            .await;
        match answer {
            Err(error) if error.kind() == CallErrorKind::NotFound => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// `GetKeyLastUsage`.
    pub async fn get_key_last_usage(&self, key: &KeyArn) -> Result<LastUsage, CallError> {
        self.call(Operation::GetKeyLastUsage, async |kms| {
            kms.get_key_last_usage(key).await
        })
        .await
    }
}

impl<K> Paced<K> {
    /// `LookupEvents`, whoever makes the call.
    pub async fn look_up<T>(
        &self,
        mut ask: impl AsyncFnMut() -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        self.call(Operation::LookupEvents, async |_| ask().await)
            .await
    }
}

impl<K: Grants> Grants for Paced<K> {
    async fn list_grants(
        &self,
        key: &KeyArn,
        marker: Option<&str>,
    ) -> Result<Page<Grant>, CallError> {
        self.call(Operation::ListGrants, async |kms| {
            kms.list_grants(key, marker).await
        })
        .await
    }
}

impl<K: Census> Census for Paced<K> {
    async fn list_keys(&self, marker: Option<&str>) -> Result<Page<KeyArn>, CallError> {
        self.call(Operation::ListKeys, async |kms| kms.list_keys(marker).await)
            .await
    }

    async fn list_all_aliases(&self, marker: Option<&str>) -> Result<Page<Alias>, CallError> {
        self.call(Operation::ListAliases, async |kms| {
            kms.list_all_aliases(marker).await
        })
        .await
    }

    async fn list_key_stores(
        &self,
        marker: Option<&str>,
    ) -> Result<Page<(KeyStoreId, KeyStoreData)>, CallError> {
        self.call(Operation::DescribeCustomKeyStores, async |kms| {
            kms.list_key_stores(marker).await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use watch_core::fakes::FakeKms;

    use super::*;

    fn key() -> KeyArn {
        "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap()
    }

    fn most(kms: &Paced<FakeKms>) -> u32 {
        kms.kms.calls.borrow().most_in_a_second()
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_calls_than_the_share() {
        let kms = Paced::new(FakeKms::default());
        let began = Instant::now();
        let (kms, key) = (&kms, &key());
        let calls = (0..3_000).map(|_| async move { kms.describe_key(key).await });
        futures_util::future::join_all(calls).await;
        let took = began.elapsed();
        assert!(
            (Duration::from_millis(2_900)..Duration::from_millis(3_100)).contains(&took),
            "{took:?}"
        );
        assert!((990..=1_030).contains(&most(kms)), "{}", most(kms));

        let began = Instant::now();
        for _ in 0..20 {
            kms.get_key_last_usage(key).await.unwrap();
        }
        let took = began.elapsed();
        assert!(
            (Duration::from_secs(9)..Duration::from_secs(10)).contains(&took),
            "{took:?}"
        );
        let used = kms.take_use();
        assert_eq!(
            used[&Operation::DescribeKey],
            Use {
                calls: 3_000,
                throttled: 0
            }
        );
        assert_eq!(used[&Operation::GetKeyLastUsage].calls, 20);
        assert!(kms.take_use().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_operation_slows_down_until_it_is_not_and_loses_no_call() {
        // Others use the rest of the quota.
        let kms = Paced::new(FakeKms {
            allowed: Some(100),
            ..FakeKms::default()
        });
        let (kms, key) = (&kms, &key());
        let calls = (0..2_000).map(|_| async move { kms.describe_key(key).await });
        let mut calls = futures_util::stream::iter(calls);
        let mut answered = 0;
        {
            use futures_util::StreamExt;
            let mut running = (&mut calls).buffer_unordered(48);
            while let Some(answer) = running.next().await {
                answered += u32::from(answer.is_ok());
            }
        }
        assert_eq!(answered, 2_000);
        let used = kms.take_use()[&Operation::DescribeKey];
        assert!(
            used.throttled > 0 && used.throttled * 2 < used.calls,
            "{used:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_good_is_not_asked_again_and_what_stays_throttled_ends() {
        let mut kms = Paced::new(FakeKms::failing("AccessDeniedException", "no"));
        assert!(kms.list_resource_tags(&key()).await.is_err());
        assert_eq!(kms.take_use()[&Operation::ListResourceTags].calls, 1);
        kms.kms.allowed = Some(0);
        let error = kms.describe_key(&key()).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Throttled);
        let used = kms.take_use()[&Operation::DescribeKey];
        assert_eq!(
            used,
            Use {
                calls: 6,
                throttled: 6
            }
        );
    }

    #[test]
    fn a_sweep_leaves_half_of_every_quota_to_others() {
        for operation in Operation::ALL {
            assert!(operation.share() <= operation.quota() / 2.0, "{operation}");
            assert!(operation.floor() < operation.share(), "{operation}");
        }
    }
}
