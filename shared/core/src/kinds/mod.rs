//! The kinds of alert. One type is one kind: its fields are the alert's `details`, and what it implements of the four
//! traits in [`describe`] is the whole of what the kind does and says, so that a reader finds it in one place.
//!
//! | module | kinds about |
//! |---|---|
//! | [`deletion`] | a key that goes away |
//! | [`activity`] | a key that is disabled or enabled, or whose primary Region moves |
//! | [`material`] | imported key material |
//! | [`rotation`] | new key material |
//! | [`access`] | key policies: of old keys, new ones, and replicas |
//! | [`grants`], [`sharing`] | access beside the policy: grants, resource shares |
//! | [`drifted`] | access that changed though no event told |
//! | [`alias`], [`tags`], [`description`] | what a key is called, whose it is, what is said of it |
//! | [`rescue`] | what KMS Watch itself took back, could not take back, or would have |
//! | [`use_unusual`] | a use that differs from what is usual |
//! | [`misuse`] | what failed: use of a key that cannot be used, changes that were denied |
//! | [`key_store`] | custom key stores |
//! | [`alarms`] | CloudWatch's alarms |
//! | [`dependants_found`] | who and what depends on a key that is about to be lost |
//! | [`digest`], [`low_digest`], [`burst`], [`system`] | many keys at once, and what the watch cannot read |
//! | [`watch_changed`], [`canary`], [`test_alert`] | the watch itself: changed, at work, tried by a person |
//!
//! | module | what all share |
//! |---|---|
//! | [`describe`] | what a kind is made of, and what it is given |
//! | [`case`] | one occurrence with all that is known of it, and the commands that fit |
//! | [`signal`] | an alarm, what it watches, and what its metric means |
//! | [`words`] | sentences |
//! | [`story`] | what each kind opens or closes: a table |
//! | [`kind`] | all kinds in one type |
//!
//! To add a kind: write its type in the file of its subject, implement [`describe::Tell`] for it, and of the others what
//! sets it apart from most; then add it to the list at the end of this file. Whatever is missing does not compile.

mod access;
mod activity;
mod alarms;
mod alias;
mod burst;
mod canary;
mod case;
mod deletion;
mod dependants_found;
mod describe;
mod description;
mod digest;
mod drifted;
mod grants;
mod key_store;
mod kind;
mod low_digest;
mod material;
mod misuse;
mod rescue;
mod rotation;
mod sharing;
mod signal;
pub mod story;
mod system;
mod tags;
mod test_alert;
mod use_unusual;
pub mod watch_changed;
mod words;

use serde::Serialize;

pub use access::{
    AccessChange, AccessOf, FreshPolicy, KeyCreated, KeyPolicyChanged, KeyReplicated,
};
pub use activity::{KeyDisabled, KeyEnabled, PrimaryRegionChanged};
pub use alarms::{AlarmRecovered, KmsQuotaNear, KmsUsageAnomaly, Resolution};
pub use alias::{AliasCreated, AliasDeleted, AliasMoved, NamedKey};
pub use burst::{Burst, BurstMember};
pub use canary::{LastCanary, WatchCanary};
pub use case::Case;
pub use deletion::{
    KeyDeleted, KeyDeletionCancelled, KeyDeletionNear, KeyDeletionScheduled, KeyVanished, Planned,
    Sign,
};
pub use dependants_found::DependantsFound;
pub(crate) use describe::{Background, Clues, Found, Limit, Section, Settings};
pub use description::KeyDescriptionChanged;
pub use digest::{
    BlindSpot, Changes, Due, DueWhat, InventoryDigest, MAX_DUE, MAX_NAMES, Totals,
    blind_spot_statement, iso_week,
};
pub use drifted::{Drift, KeyAccessDrifted};
pub use grants::{GrantConstraints, GrantCreated, GrantRetired, GrantRevoked, GrantTold};
pub use key_store::{
    KeyStoreConnected, KeyStoreCreated, KeyStoreDeleted, KeyStoreDisconnected, KeyStoreUnhealthy,
    KeyStoreUpdated,
};
pub use low_digest::{LowAlert, LowDigest};
pub use material::{
    ExpiryFrom, KeyMaterialDeleted, KeyMaterialExpired, KeyMaterialExpiring, KeyMaterialImported,
};
pub use misuse::{AttemptsStopped, CONTEXT_KEYS, KeyChangeDenied, UnusableKeyUsed};
pub use rescue::{
    KeyRescueAdvised, KeyRescueFailed, KeyRescued, NotRescued, RescueAction, RescueOrder,
    RescueTrigger,
};
pub use rotation::{
    KeyRotated, KeyRotationDisabled, KeyRotationEnabled, KeyRotationOverdue, KeyRotationRequested,
};
pub use sharing::{KeyShareEnded, KeyShared};
pub use signal::{Alarm, STORE_METRICS, Signal, StoreMetric, Unit, Watches, key_store_of};
pub use system::UnreadableEvent;
pub use tags::{KeyTagsChanged, TagChange};
pub use test_alert::{SEVERITY_TAG, TEST_NAME, TEST_TAG, WatchTest};
pub use use_unusual::KeyUseUnusual;
pub use watch_changed::calls::hours_of_mute;
pub use watch_changed::{Deployment, WatchChanged, WatchFinding};

// Where a kind has something of its own, beside what it tells.
kind::kinds! {
    // kind                Identify Ask  Learn
    KeyDeletionScheduled   own      own  own
    KeyDeletionNear        own      own  own
    KeyDeletionCancelled   own      own  own
    KeyDeleted             own      own  own
    KeyVanished            own      own  own
    KeyRotated             own      own  own
    KeyRotationRequested   -        own  -
    KeyRotationEnabled     -        own  -
    KeyRotationDisabled    -        own  -
    KeyRotationOverdue     own      own  own
    KeyMaterialExpired     own      own  own
    KeyMaterialDeleted     own      own  own
    KeyMaterialImported    own      own  own
    UnusableKeyUsed        own      own  own
    KeyChangeDenied        own      own  own
    AttemptsStopped        own      -    -
    KeyUseUnusual          own      -    -
    KeyMaterialExpiring    own      own  own
    KeyStoreUnhealthy      own      own  own
    KmsQuotaNear           own      -    -
    KmsUsageAnomaly        own      -    -
    AlarmRecovered         own      own  own
    KeyDisabled            own      own  own
    KeyEnabled             own      -    own
    KeyPolicyChanged       -        own  own
    KeyAccessDrifted       own      own  own
    GrantCreated           -        own  own
    GrantRevoked           -        own  own
    GrantRetired           -        own  own
    KeyShared              own      own  own
    KeyShareEnded          own      -    -
    AliasMoved             -        own  own
    AliasCreated           -        own  own
    AliasDeleted           -        own  own
    KeyCreated             -        own  own
    KeyTagsChanged         -        own  own
    KeyDescriptionChanged  -        -    own
    KeyReplicated          -        -    own
    PrimaryRegionChanged   -        -    -
    KeyStoreDisconnected   -        own  own
    KeyStoreDeleted        -        own  own
    KeyStoreUpdated        -        -    own
    KeyStoreConnected      -        -    own
    KeyStoreCreated        -        own  own
    DependantsFound        own      -    own
    KeyRescued             own      own  -
    KeyRescueFailed        own      own  -
    KeyRescueAdvised       own      own  -
    Burst                  own      -    -
    InventoryDigest        own      -    own
    LowDigest              own      -    -
    WatchChanged           own      own  own
    WatchCanary            own      -    own
    WatchTest              own      -    -
    UnreadableEvent        own      -    -
}
