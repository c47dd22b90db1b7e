//! The kinds of alert. One type is one kind: its fields are the alert's `details`, its `Describe` is the whole of what
//! the kind says, so that a reader finds it in one place.
//!
//! To add a kind: write its type and its `impl Describe` in the file of its subject, and add it to the list at the end
//! of this file. Whatever is missing does not compile.

mod access;
mod activity;
mod alarm;
mod alias;
mod burst;
mod deletion;
mod digest;
mod expiring;
mod grants;
mod key_store;
mod material;
mod misuse;
mod near;
mod rotation;
mod signal;
mod system;
mod tags;
mod unhealthy;
mod words;

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use crate::about::{Key, KeyStore, LastUse, LastUseStatus};
use crate::actor::Actor;
use crate::answers::Material;
use crate::arn::{AccountId, Region};
use crate::facts::{Facts, KeyStoreFacts, Reads};
use crate::hash::short_hash;
use crate::key::State;
use crate::ledger::repeats::Repeats;
use crate::ledger::{Item, ItemKey, Profile, Raised};
use crate::severity::Severity;
use crate::step::Step;
use crate::subject::Subject;
use crate::text;
use crate::text::Text;

pub use access::{AccessChange, KeyCreated, KeyPolicyChanged, KeyReplicated};
pub use activity::{KeyDisabled, KeyEnabled, PrimaryRegionChanged};
pub use alarm::{AlarmRecovered, KmsQuotaNear, KmsUsageAnomaly, Resolution};
pub use alias::{AliasCreated, AliasDeleted, AliasMoved, NamedKey};
pub use burst::{Burst, BurstMember};
pub use deletion::{KeyDeleted, KeyDeletionCancelled, KeyDeletionScheduled};
pub use digest::{
    BlindSpot, Changes, Due, DueWhat, InventoryDigest, MAX_DUE, MAX_NAMES, Totals,
    blind_spot_statement, iso_week,
};
pub use expiring::{ExpiryFrom, KeyMaterialExpiring};
pub use grants::{GrantConstraints, GrantCreated, GrantRetired, GrantRevoked};
pub use key_store::{
    KeyStoreConnected, KeyStoreCreated, KeyStoreDeleted, KeyStoreDisconnected, KeyStoreUpdated,
};
pub use material::{KeyMaterialDeleted, KeyMaterialExpired, KeyMaterialImported};
pub use misuse::{CONTEXT_KEYS, KeyChangeDenied, UnusableKeyUsed};
pub use near::{KeyDeletionNear, KeyVanished};
pub use rotation::{
    KeyRotated, KeyRotationDisabled, KeyRotationEnabled, KeyRotationOverdue, KeyRotationRequested,
};
pub use signal::{Alarm, STORE_METRICS, Signal, StoreMetric, Unit, Watches, key_store_of};
pub use system::UnreadableEvent;
pub use tags::{KeyTagsChanged, TagChange};
pub use unhealthy::KeyStoreUnhealthy;

/// Everything that one kind of alert says.
trait Describe {
    /// The kind's name on the feed.
    const NAME: &'static str;
    /// The KMS reads that the kind is worth.
    const READS: Reads;

    /// Events tell of it, and the sweep over all keys only where those were lost. Not so what the sweep alone can find.
    const BY_EVENT: bool = true;

    /// KMS is worth asking at all. If not, what the ledger knows of the key has to do.
    fn is_enriched(&self) -> bool {
        true
    }

    /// The key policy is worth a read: of KMS, and of the ledger.
    const READS_POLICY: bool = false;

    /// The keys of a key store are worth counting, which takes a call for each key of the Region.
    const COUNTS_KEYS: bool = true;

    /// Further items of the ledger that are read along.
    fn memories(&self, _subject: &Subject) -> Vec<ItemKey> {
        Vec::new()
    }

    /// Takes in what was found; what is to be remembered of it is written once the alert went out.
    fn study(&mut self, _found: &Found<'_>) -> Vec<Item> {
        Vec::new()
    }

    /// Fills in what the event itself says of the key store, where KMS did not answer.
    fn imply_key_store(&self, _store: &mut KeyStore) {}

    /// What makes two tellings the same occurrence. An API call is told apart by CloudTrail's id.
    fn identity(&self) -> Identity {
        Identity::Call
    }

    /// What keeps people from being told too often.
    const LIMIT: Limit = Limit::Burst;

    /// It is a call that changes what the sweep looks at: the sweep does not tell of it again.
    const CHANGES_STATE: bool = false;

    /// No more urgent than this, whatever KMS will say.
    fn ceiling(&self) -> Severity {
        Severity::Critical
    }

    /// Finds out which key material it is about, where the telling does not say.
    fn resolve(&mut self, _clues: &Clues<'_>, _at: Timestamp) {}

    /// The CloudWatch alarm that told of it.
    fn alarm(&self) -> Option<&Alarm> {
        None
    }

    /// Why people are not told, whatever its severity. The feed is.
    fn quiet(&self) -> Option<Cow<'static, str>> {
        self.alarm().and_then(Alarm::muted)
    }

    /// What it is cannot be told before KMS and the ledger were asked, which costs a round trip; then comes `settle`.
    fn needs_facts(&self) -> bool {
        false
    }

    /// Finds out what it is; the error is a reason to tell nobody.
    fn settle(&mut self, _known: &Background<'_>) -> Result<(), Cow<'static, str>> {
        Ok(())
    }

    /// Fills in what is remembered of the key and is no part of it.
    fn recall(&mut self, _profile: &Profile) {}

    /// Puts down what only this event tells of the key.
    fn teach(&self, _profile: &mut Profile, _at: Timestamp, _actor: Option<&Actor>) {}

    /// Fills in what the event itself says of the key, where KMS did not answer.
    fn imply(&self, _key: &mut Key, _at: Timestamp) {}

    /// Takes over from KMS what the event should have said.
    fn observe(&mut self, _key: &Key) {}

    /// What repeats are counted together, for kinds of which people hear once an hour: who does what to the key.
    fn repeats(&self) -> Option<String> {
        None
    }

    /// So often it happened again since it was told. Not called if nobody counted.
    fn repeated(&mut self, _repeats: &Repeats) {}

    /// How urgent it is.
    fn severity(&self, case: &Case<'_>) -> Severity;

    /// One line: what happened to what.
    fn title(&self, case: &Case<'_>) -> Text;

    /// What, who, what it breaks, until when it can be undone.
    fn summary(&self, case: &Case<'_>) -> Text;

    /// What to do, most urgent first.
    fn next_steps(&self, case: &Case<'_>) -> Vec<Step>;

    /// Lists that are no sentences, for people and chat.
    fn sections(&self) -> Vec<Section> {
        Vec::new()
    }
}

/// A list under a heading.
pub(crate) struct Section {
    /// What is in it.
    pub(crate) heading: &'static str,
    /// A name for each line, which may be empty, and the line.
    pub(crate) rows: Vec<(Cow<'static, str>, Text)>,
}

/// What may tell which key material an occurrence is about.
pub(crate) struct Clues<'a> {
    /// The key's material as KMS lists it now.
    pub(crate) live: &'a [Material],
    /// The material that another telling named.
    pub(crate) told: Option<&'a str>,
    /// The key's material as the ledger remembers it.
    pub(crate) remembered: &'a [Material],
}

/// What keeps people from being told too often. The feed gets everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Many by one actor within minutes are folded into one alert.
    Burst,
    /// One an hour from each function.
    Hourly,
    /// Nothing.
    None,
}

/// What makes two tellings the same occurrence.
enum Identity {
    /// The API call.
    Call,
    /// The kind alone, on one day: KMS's own doings are told several ways.
    Once,
    /// The kind and the key material, on one day. An old telling lacks the material.
    Material(Option<String>),
    /// A hash of the content.
    Content(String),
    /// This, within the hour in which it happened.
    Hour(String),
    /// A change of an alarm's state, as a hash.
    Alarm(String),
    /// A step on the way to a date.
    Countdown {
        /// The date.
        deadline: Timestamp,
        /// In days; `None` before the first one.
        step: Option<u32>,
    },
    /// A date that has passed.
    Date(Timestamp),
    /// A week of the calendar.
    Week(String),
}

/// What is known before an occurrence has a name.
pub(crate) struct Background<'a> {
    /// What KMS says of the key, if it is about one.
    pub(crate) facts: Option<&'a Facts>,
    /// What KMS says of the custom key store, if it is about one.
    pub(crate) key_store: Option<&'a KeyStoreFacts>,
    /// What is remembered.
    pub(crate) profile: &'a Profile,
    /// Days before key material expires at which people are told.
    pub(crate) steps: &'a [u32],
    /// When it happened.
    pub(crate) at: Timestamp,
    /// Whether somebody was told that the alarm went off; `None` if that is not known, as without a ledger.
    pub(crate) raised: Option<Option<Raised>>,
}

/// What was found out about an occurrence, beside what is known of its key.
pub(crate) struct Found<'a> {
    /// What it is about.
    pub(crate) subject: &'a Subject,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// Now.
    pub(crate) now: Timestamp,
    /// What the function's settings say of it.
    pub(crate) settings: Settings<'a>,
    /// What was known of the key before.
    pub(crate) before: &'a Profile,
    /// What is known of it with what KMS says now.
    pub(crate) profile: &'a Profile,
    /// The items of the ledger that were read along.
    pub(crate) items: &'a [Item],
    /// The key policy that KMS has now, if it was asked and said so.
    pub(crate) policy: Option<&'a str>,
}

/// What kinds need to know of a function's settings.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    /// Key tag that names the owner; compared without regard to case.
    pub(crate) owner_tag_key: &'a str,
    /// Accounts of the own organisation, access for which is not foreign.
    pub(crate) trusted_accounts: &'a BTreeSet<AccountId>,
    /// Name of the ledger's table.
    pub(crate) ledger_table: Option<&'a str>,
    /// Region of the function.
    pub(crate) region: &'a Region,
}

impl Found<'_> {
    /// The item `key`, if it is there.
    fn item(&self, key: &ItemKey) -> Option<&Item> {
        self.items.iter().find(|item| key.names(item))
    }
}

/// One occurrence with all that is known of it: what a kind words its alert from.
pub struct Case<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Option<&'a Actor>,
    /// The key, if it is about one.
    pub key: Option<&'a Key>,
    /// The custom key store, if it is about one.
    pub key_store: Option<&'a KeyStore>,
    /// KMS says that there is no such key, or key store.
    pub gone: bool,
    /// KMS did not fail to say how it stands: its state is what KMS says now, and no memory.
    pub live: bool,
}

/// Days back from an occurrence within which a key counts as in use.
const RECENT_DAYS: i64 = 30;
/// Days back from an occurrence beyond which a key counts as idle.
const IDLE_DAYS: i64 = 90;

impl<'a> Case<'a> {
    /// The key's name for people.
    fn name(&self) -> Text {
        self.key.map_or_else(|| text!["a key"], Key::name)
    }

    fn state(&self) -> Option<&'a State> {
        self.key.and_then(|key| key.state.as_ref())
    }

    /// The state that KMS reported just now, and not the one that is remembered.
    fn state_now(&self) -> Option<&'a State> {
        self.state().filter(|_| self.live && !self.gone)
    }

    fn last_use(&self) -> Option<&'a LastUse> {
        self.key.and_then(|key| key.last_use.as_ref())
    }

    /// The key was used in the `days` before it happened, or since.
    fn used_within(&self, days: i64) -> bool {
        let since = self.days_before(days);
        self.last_use()
            .and_then(|last_use| last_use.at)
            .is_some_and(|at| at >= since)
    }

    /// The key was never used, or not for [`IDLE_DAYS`]. What is not known does not count.
    fn idle(&self) -> bool {
        let since = self.days_before(IDLE_DAYS);
        self.last_use()
            .is_some_and(|last_use| match last_use.status {
                LastUseStatus::NeverUsed => true,
                LastUseStatus::Used => last_use.at.is_some_and(|at| at < since),
                LastUseStatus::Unknown => false,
            })
    }

    fn never_used(&self) -> bool {
        self.last_use()
            .is_some_and(|last_use| last_use.status == LastUseStatus::NeverUsed)
    }

    fn days_before(&self, days: i64) -> Timestamp {
        self.at
            .saturating_sub((days * 24).hours())
            .unwrap_or(Timestamp::MIN)
    }

    /// `aws kms <operation> --key-id <ARN> <rest> --region <Region>`. The ARN's alphabet needs no quotes.
    fn kms_command(&self, operation: &str, rest: &str) -> Option<String> {
        let arn = &self.key?.arn;
        let space = if rest.is_empty() { "" } else { " " };
        Some(format!(
            "aws kms {operation} --key-id {arn}{space}{rest} --region {}",
            arn.region().as_str()
        ))
    }

    /// Who did lately what to or with the key, as CloudTrail's event history has it.
    fn history_command(&self) -> Option<String> {
        let arn = &self.key?.arn;
        Some(format!(
            "aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue={arn} \
             --max-results 50 --region {}",
            arn.region().as_str()
        ))
    }
}

/// The beginning of the hour in UTC.
fn hour(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(3_600)).unwrap_or(at)
}

fn step(text: Text, command: Option<String>) -> Step {
    Step { text, command }
}

macro_rules! kinds {
    ($($kind:ident,)+) => {
        /// A kind of alert with its details.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        pub enum Kind {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        $(impl From<$kind> for Kind {
            fn from(kind: $kind) -> Self {
                Self::$kind(kind)
            }
        })+

        /// The names of all kinds, sorted as the documentation lists them.
        pub const KIND_NAMES: [&str; [$(stringify!($kind),)+].len()] = [$(stringify!($kind),)+];

        impl Kind {
            /// The kind's name on the feed.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::NAME,)+ }
            }

            /// The KMS reads that the kind is worth.
            pub fn reads(&self) -> Reads {
                match self { $(Self::$kind(_) => $kind::READS,)+ }
            }

            /// Events tell of it, and the sweep only where those were lost.
            pub(crate) fn is_by_event(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::BY_EVENT,)+ }
            }

            /// KMS is worth asking at all.
            pub(crate) fn is_enriched(&self) -> bool {
                match self { $(Self::$kind(kind) => kind.is_enriched(),)+ }
            }

            /// The key policy is worth a read.
            pub(crate) fn reads_policy(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::READS_POLICY,)+ }
            }

            /// The keys of a key store are worth counting.
            pub(crate) fn counts_keys(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::COUNTS_KEYS,)+ }
            }

            /// Further items of the ledger that are read along.
            pub(crate) fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
                match self { $(Self::$kind(kind) => kind.memories(subject),)+ }
            }

            /// Takes in what was found; what is to be remembered of it is written once the alert went out.
            pub(crate) fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
                match self { $(Self::$kind(kind) => kind.study(found),)+ }
            }

            /// Fills in what the event itself says of the key store, where KMS did not answer.
            pub(crate) fn imply_key_store(&self, store: &mut KeyStore) {
                match self { $(Self::$kind(kind) => kind.imply_key_store(store),)+ }
            }

            /// What makes two tellings the same occurrence, given CloudTrail's id of the call and its time.
            pub(crate) fn identity(&self, call_id: Option<&str>, at: Option<Timestamp>) -> String {
                let identity = match self { $(Self::$kind(kind) => kind.identity(),)+ };
                let name = self.name();
                match identity {
                    Identity::Call => format!("{name}#call#{}", call_id.unwrap_or_default()),
                    Identity::Once | Identity::Material(None) => name.to_owned(),
                    Identity::Material(Some(material)) => format!("{name}#material#{material}"),
                    Identity::Content(hash) => format!("{name}#content#{hash}"),
                    Identity::Hour(what) => match at {
                        Some(at) => format!("{name}#hour#{}#{}", short_hash(&what), hour(at)),
                        // Our clock says nothing about the hour in which it happened.
                        None => format!("{name}#call#{}", call_id.unwrap_or_default()),
                    },
                    Identity::Alarm(change) => format!("{name}#alarm#{change}"),
                    Identity::Countdown { deadline, step: Some(step) } => format!("{name}#{deadline}#{step}"),
                    Identity::Countdown { deadline, step: None } => format!("{name}#{deadline}#early"),
                    Identity::Date(date) => format!("{name}#{date}"),
                    Identity::Week(week) => format!("{name}#{week}"),
                }
            }

            /// The same identity on another day is another occurrence.
            pub(crate) fn recurs(&self) -> bool {
                let identity = match self { $(Self::$kind(kind) => kind.identity(),)+ };
                matches!(identity, Identity::Once | Identity::Material(_))
            }

            /// The key material that makes the occurrence: `Some(None)` if there must be one, and the telling lacks it.
            pub(crate) fn material(&self) -> Option<Option<String>> {
                match match self { $(Self::$kind(kind) => kind.identity(),)+ } {
                    Identity::Material(material) => Some(material),
                    Identity::Call
                    | Identity::Once
                    | Identity::Content(_)
                    | Identity::Hour(_)
                    | Identity::Alarm(_)
                    | Identity::Countdown { .. }
                    | Identity::Date(_)
                    | Identity::Week(_) => None,
                }
            }

            /// What keeps people from being told too often.
            pub(crate) fn limit(&self) -> Limit {
                match self { $(Self::$kind(_) => $kind::LIMIT,)+ }
            }

            /// It is a call that changes what the sweep looks at.
            pub(crate) fn changes_state(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::CHANGES_STATE,)+ }
            }

            /// No more urgent than this, whatever KMS will say.
            pub(crate) fn ceiling(&self) -> Severity {
                match self { $(Self::$kind(kind) => kind.ceiling(),)+ }
            }

            /// Finds out which key material it is about.
            pub(crate) fn resolve(&mut self, clues: &Clues<'_>, at: Timestamp) {
                match self { $(Self::$kind(kind) => kind.resolve(clues, at),)+ }
            }

            /// The CloudWatch alarm that told of it.
            pub(crate) fn alarm(&self) -> Option<&Alarm> {
                match self { $(Self::$kind(kind) => kind.alarm(),)+ }
            }

            /// Why people are not told, whatever its severity.
            pub(crate) fn quiet(&self) -> Option<Cow<'static, str>> {
                match self { $(Self::$kind(kind) => kind.quiet(),)+ }
            }

            /// What it is cannot be told before KMS and the ledger were asked.
            pub(crate) fn needs_facts(&self) -> bool {
                match self { $(Self::$kind(kind) => kind.needs_facts(),)+ }
            }

            /// Finds out what it is; the error is a reason to tell nobody.
            pub(crate) fn settle(&mut self, known: &Background<'_>) -> Result<(), Cow<'static, str>> {
                match self { $(Self::$kind(kind) => kind.settle(known),)+ }
            }

            /// Fills in what is remembered of the key and is no part of it.
            pub(crate) fn recall(&mut self, profile: &Profile) {
                match self { $(Self::$kind(kind) => kind.recall(profile),)+ }
            }

            /// Puts down what only this event tells of the key.
            pub(crate) fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
                match self { $(Self::$kind(kind) => kind.teach(profile, at, actor),)+ }
            }

            /// Fills in what the event itself says of the key, where KMS did not answer.
            pub(crate) fn imply(&self, key: &mut Key, at: Timestamp) {
                match self { $(Self::$kind(kind) => kind.imply(key, at),)+ }
            }

            /// Takes over from KMS what the event should have said.
            pub(crate) fn observe(&mut self, key: &Key) {
                match self { $(Self::$kind(kind) => kind.observe(key),)+ }
            }

            /// What repeats are counted together.
            pub(crate) fn repeats(&self) -> Option<String> {
                match self { $(Self::$kind(kind) => kind.repeats(),)+ }
            }

            /// So often it happened again since it was told.
            pub(crate) fn repeated(&mut self, repeats: &Repeats) {
                match self { $(Self::$kind(kind) => kind.repeated(repeats),)+ }
            }

            /// How urgent it is.
            pub fn severity(&self, case: &Case<'_>) -> Severity {
                match self { $(Self::$kind(kind) => kind.severity(case),)+ }
            }

            /// One line: what happened to what.
            pub fn title(&self, case: &Case<'_>) -> Text {
                match self { $(Self::$kind(kind) => kind.title(case),)+ }
            }

            /// What, who, what it breaks, until when it can be undone.
            pub fn summary(&self, case: &Case<'_>) -> Text {
                match self { $(Self::$kind(kind) => kind.summary(case),)+ }
            }

            /// What to do, most urgent first.
            pub fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
                match self { $(Self::$kind(kind) => kind.next_steps(case),)+ }
            }

            /// Lists that are no sentences, for people and chat.
            pub(crate) fn sections(&self) -> Vec<Section> {
                match self { $(Self::$kind(kind) => kind.sections(),)+ }
            }
        }

        /// JSON Schemas of the details, by kind.
        #[cfg(feature = "schema")]
        pub(crate) fn detail_schemas(
            generator: &mut schemars::SchemaGenerator,
        ) -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($kind::NAME, generator.subschema_for::<$kind>()),)+]
        }
    };
}

kinds! {
    KeyDeletionScheduled,
    KeyDeletionNear,
    KeyDeletionCancelled,
    KeyDeleted,
    KeyVanished,
    KeyRotated,
    KeyRotationRequested,
    KeyRotationEnabled,
    KeyRotationDisabled,
    KeyRotationOverdue,
    KeyMaterialExpired,
    KeyMaterialDeleted,
    KeyMaterialImported,
    UnusableKeyUsed,
    KeyChangeDenied,
    KeyMaterialExpiring,
    KeyStoreUnhealthy,
    KmsQuotaNear,
    KmsUsageAnomaly,
    AlarmRecovered,
    KeyDisabled,
    KeyEnabled,
    KeyPolicyChanged,
    GrantCreated,
    GrantRevoked,
    GrantRetired,
    AliasMoved,
    AliasCreated,
    AliasDeleted,
    KeyCreated,
    KeyTagsChanged,
    KeyReplicated,
    PrimaryRegionChanged,
    KeyStoreDisconnected,
    KeyStoreDeleted,
    KeyStoreUpdated,
    KeyStoreConnected,
    KeyStoreCreated,
    Burst,
    InventoryDigest,
    UnreadableEvent,
}
