//! All kinds in one type, which hands on to each what it is asked.

use std::borrow::Cow;

use jiff::Timestamp;

use super::case::Case;
use super::describe::{Background, Clues, Found, Identity, Limit, Section};
use super::signal::Alarm;
use super::{KeyAccessDrifted, Kind, RescueAction, drifted};
use crate::about::{Key, KeyStore};
use crate::actor::Actor;
use crate::dependants::Dependants;
use crate::facts::{PolicyOf, Reads};
use crate::hash::short_hash;
use crate::ledger::repeats::Repeats;
use crate::ledger::{Item, ItemKey, Profile};
use crate::severity::Severity;
use crate::stack::Stack;
use crate::step::Step;
use crate::subject::Subject;
use crate::text::Text;

/// Makes `Kind` of a list of kinds. A concern of which a kind has nothing of its own, `-`, is as it is for most.
macro_rules! kinds {
    ($($kind:ident $identify:tt $ask:tt $learn:tt)+) => {
        /// A kind of alert with its details.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        #[allow(clippy::large_enum_variant, reason = "there is one at a time")]
        pub enum Kind {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        /// The names of all kinds, sorted as the documentation lists them.
        pub const KIND_NAMES: [&str; [$(stringify!($kind),)+].len()] = [$(stringify!($kind),)+];

        $(
            impl $kind {
                pub(crate) const NAME: &'static str = stringify!($kind);
            }

            impl From<$kind> for Kind {
                fn from(kind: $kind) -> Self {
                    Self::$kind(kind)
                }
            }

            kind::as_most!(Identify for $kind $identify);
            kind::as_most!(Ask for $kind $ask);
            kind::as_most!(Learn for $kind $learn);
        )+

        impl Kind {
            /// The kind's name on the feed.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::NAME,)+ }
            }

            fn it(&self) -> &dyn describe::Describe {
                match self { $(Self::$kind(kind) => kind,)+ }
            }

            fn it_mut(&mut self) -> &mut dyn describe::Describe {
                match self { $(Self::$kind(kind) => kind,)+ }
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

macro_rules! as_most {
    ($concern:ident for $kind:ident own) => {};
    ($concern:ident for $kind:ident -) => {
        impl describe::$concern for $kind {}
    };
}

pub(super) use {as_most, kinds};

/// Who it is.
impl Kind {
    /// The name of the occurrence, given CloudTrail's id of the call and its time: the same for each telling of it.
    pub(crate) fn identity(&self, call_id: Option<&str>, at: Option<Timestamp>) -> String {
        let name = self.it().is_telling_of().unwrap_or(self.name());
        match self.it().identity() {
            Identity::Call => format!("{name}#call#{}", call_id.unwrap_or_default()),
            Identity::Once | Identity::Material(None) => name.to_owned(),
            Identity::Material(Some(material)) => format!("{name}#material#{material}"),
            Identity::Content(hash) => format!("{name}#content#{hash}"),
            Identity::Hour(what) => match at {
                Some(at) => {
                    let of_hour = format!("{name}#hour#{}#{}", short_hash(&what), hour(at));
                    let step = self.it().step();
                    step.map_or(of_hour.clone(), |step| format!("{of_hour}#{step}"))
                }
                // Our clock says nothing about the hour in which it happened.
                None => format!("{name}#call#{}", call_id.unwrap_or_default()),
            },
            Identity::Alarm(change) => format!("{name}#alarm#{change}"),
            Identity::Countdown {
                deadline,
                step: Some(step),
            } => format!("{name}#{deadline}#{step}"),
            Identity::Countdown {
                deadline,
                step: None,
            } => format!("{name}#{deadline}#early"),
            Identity::Date(date) => format!("{name}#{date}"),
            Identity::Week(week) => format!("{name}#{week}"),
        }
    }

    /// An alert of this kind tells of the same, if both have one identity.
    pub(crate) fn is_told_by(&self, kind: &str) -> bool {
        let by_drift = kind == KeyAccessDrifted::NAME && drifted::TELLS_OF.contains(&self.name());
        self.name() == kind || self.it().is_telling_of() == Some(kind) || by_drift
    }

    /// The same identity on another day is another occurrence.
    pub(crate) fn recurs(&self) -> bool {
        matches!(self.it().identity(), Identity::Once | Identity::Material(_))
    }

    /// The key material that makes the occurrence: `Some(None)` if there must be one, and the telling lacks it.
    pub(crate) fn material(&self) -> Option<Option<String>> {
        match self.it().identity() {
            Identity::Material(material) => Some(material),
            _ => None,
        }
    }

    pub(crate) fn limit(&self) -> Limit {
        self.it().limit()
    }

    pub(crate) fn shape(&self) -> Option<String> {
        self.it().shape()
    }

    pub(crate) fn repeats(&self) -> Option<String> {
        self.it().repeats()
    }

    pub(crate) fn is_attempt(&self) -> bool {
        self.it().is_attempt()
    }

    pub(crate) fn step(&self) -> Option<u64> {
        self.it().step()
    }

    pub(crate) fn is_by_event(&self) -> bool {
        self.it().is_by_event()
    }

    pub(crate) fn changes_state(&self) -> bool {
        self.it().changes_state()
    }

    pub(crate) fn is_deployment(&self) -> bool {
        self.it().is_deployment()
    }

    pub(crate) fn alarm(&self) -> Option<&Alarm> {
        self.it().alarm()
    }

    pub(crate) fn goes_to_people(&self) -> bool {
        self.it().goes_to_people()
    }

    /// What takes back what it tells of.
    pub(crate) fn rescue(&self) -> Option<RescueAction> {
        match self {
            Self::KeyDeletionScheduled(_) | Self::KeyDeletionNear(_) => {
                Some(RescueAction::CancelDeletion)
            }
            Self::KeyRotationDisabled(_) => Some(RescueAction::EnableRotation),
            Self::KeyDisabled(_) => Some(RescueAction::EnableKey),
            Self::KeyRescueFailed(kind) => Some(kind.order.action),
            Self::KeyRescueAdvised(kind) => Some(kind.order.action),
            _ => None,
        }
    }

    pub(crate) fn quiet(&self) -> Option<Cow<'static, str>> {
        self.it().quiet()
    }
}

/// What it asks.
impl Kind {
    pub(crate) fn is_enriched(&self) -> bool {
        self.it().is_enriched()
    }

    /// The KMS reads that it is worth, beside those that all are.
    pub fn reads(&self) -> Reads {
        self.it().reads()
    }

    pub(crate) fn reads_policy(&self) -> Option<PolicyOf> {
        self.it().reads_policy()
    }

    pub(crate) fn counts_keys(&self) -> bool {
        self.it().counts_keys()
    }

    pub(crate) fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        self.it().memories(subject)
    }

    pub(crate) fn proofs(&self, subject: &Subject, read: &[Item]) -> Vec<ItemKey> {
        self.it().proofs(subject, read)
    }

    /// Who depends on the key is worth looking for.
    pub(crate) fn names_dependants(&self) -> bool {
        self.it().names_dependants()
    }

    /// Who of other accounts used the key is worth looking for.
    pub(crate) fn names_strangers(&self) -> bool {
        self.it().names_strangers()
    }

    /// Heading of the list of those who depend on the key, or use the key from other accounts.
    pub(crate) fn dependants_heading(&self) -> &'static str {
        let of_strangers = matches!(self, Self::DependantsFound(found) if found.of_strangers);
        if self.names_strangers() || of_strangers {
            "Used by other accounts"
        } else {
            "What depends on it"
        }
    }

    /// What of that is worth saying with the alert. An account that is `known` is no stranger.
    pub(crate) fn shown_dependants(
        &self,
        all: Option<Dependants>,
        known: impl Fn(&str) -> bool,
    ) -> Option<Dependants> {
        if self.names_strangers() {
            let strangers = all.map(|all| all.strangers(known));
            return strangers.filter(|strangers| !strangers.is_empty());
        }
        all.filter(|_| self.names_dependants() || self.it().found_dependants().is_some())
    }

    pub(crate) fn needs_facts(&self) -> bool {
        self.it().needs_facts()
    }
}

/// What it learns.
impl Kind {
    /// Drops what is not of the stack; the error says why nothing is left.
    pub(crate) fn keep(
        &mut self,
        stack: Option<&Stack<'_>>,
        longest_mute: i64,
    ) -> Result<(), Cow<'static, str>> {
        match self {
            Self::WatchChanged(kind) => kind.keep(stack, longest_mute),
            Self::WatchCanary(kind) => kind.keep(stack),
            _ => Ok(()),
        }
    }

    pub(crate) fn resolve(&mut self, clues: &Clues<'_>, at: Timestamp) {
        self.it_mut().resolve(clues, at)
    }

    pub(crate) fn settle(&mut self, known: &Background<'_>) -> Result<(), Cow<'static, str>> {
        self.it_mut().settle(known)
    }

    pub(crate) fn recall(&mut self, profile: &Profile) {
        self.it_mut().recall(profile)
    }

    pub(crate) fn repeated(&mut self, repeats: &Repeats) {
        self.it_mut().repeated(repeats)
    }

    pub(crate) fn reached(&mut self, step: u64) {
        self.it_mut().reached(step)
    }

    pub(crate) fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        self.it_mut().study(found)
    }

    pub(crate) fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        self.it().teach(profile, at, actor)
    }

    /// Who depends on the key: those who were found, or else those who are remembered.
    pub(crate) fn dependants(&self, profile: &Profile) -> Option<Dependants> {
        let found = self.it().found_dependants();
        found.or(profile.dependants.as_ref()).cloned()
    }

    pub(crate) fn observe(&mut self, key: &Key) {
        self.it_mut().observe(key)
    }

    pub(crate) fn imply(&self, key: &mut Key, at: Timestamp) {
        self.it().imply(key, at)
    }

    pub(crate) fn imply_key_store(&self, store: &mut KeyStore) {
        self.it().imply_key_store(store)
    }
}

/// What it tells.
impl Kind {
    pub(crate) fn ceiling(&self) -> Severity {
        self.it().ceiling()
    }

    /// How urgent it is.
    pub fn severity(&self, case: &Case<'_>) -> Severity {
        self.it().severity(case)
    }

    /// What makes it that urgent: the rest of a sentence that begins "CRITICAL because ". Where the kind has no words of its own
    /// and asked for the key's last use, that is the reason.
    pub fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        let by_use = || case.reason_by_use(self.severity(case));
        let own = self.it().severity_reason(case);
        own.or_else(|| by_use().filter(|_| self.reads().last_use))
    }

    pub(crate) fn undo_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        self.it().undo_until(case)
    }

    /// Until when data that depends on the key can be saved: only if a database is known to depend on it.
    pub(crate) fn data_deadline(&self, case: &Case<'_>) -> Option<Timestamp> {
        let known = case.dependants.is_some_and(Dependants::has_database);
        self.databases_until(case).filter(|_| known)
    }

    /// Until when databases can be saved, if any depend on the key.
    pub(crate) fn databases_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        self.it().databases_until(case)
    }

    /// One line: what happened to what.
    pub fn title(&self, case: &Case<'_>) -> Text {
        self.it().title(case)
    }

    /// What, who, what it breaks, until when it can be undone.
    pub fn summary(&self, case: &Case<'_>) -> Text {
        self.it().summary(case)
    }

    /// What to do, most urgent first.
    pub fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        self.it().next_steps(case)
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        self.it().sections()
    }
}

/// The beginning of the hour in UTC.
fn hour(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(3_600)).unwrap_or(at)
}
