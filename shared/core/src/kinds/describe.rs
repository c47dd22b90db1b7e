//! What a kind of alert is made of: who it is, what it asks, what it learns, what it tells. A kind implements only what
//! sets it apart from most; the list in `kinds` says where it does.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::case::Case;
use super::signal::Alarm;
use crate::about::{Key, KeyStore};
use crate::actor::Actor;
use crate::answers::Material;
use crate::arn::{AccountId, Region};
use crate::dependants::Dependants;
use crate::facts::{Facts, KeyStoreFacts, PolicyOf, Reads};
use crate::ledger::repeats::Repeats;
use crate::ledger::{Item, ItemKey, Profile, Raised};
use crate::protection::Protection;
use crate::severity::Severity;
use crate::step::Step;
use crate::subject::Subject;
use crate::text::Text;

/// Everything about one kind of alert.
pub(crate) trait Describe: Identify + Ask + Learn + Tell {}

impl<T: Identify + Ask + Learn + Tell> Describe for T {}

/// Who it is: when two tellings are one occurrence, and how often people hear of its like.
pub(crate) trait Identify {
    /// What makes two tellings the same occurrence. An API call is told apart by CloudTrail's id.
    fn identity(&self) -> Identity {
        Identity::Call
    }

    /// The kind of which it is another telling: both are one occurrence.
    fn is_telling_of(&self) -> Option<&'static str> {
        None
    }

    /// What keeps people from being told too often.
    fn limit(&self) -> Limit {
        Limit::Burst
    }

    /// What is the same for those that say no more than one of them: for [`Limit::Hourly`].
    fn shape(&self) -> Option<String> {
        None
    }

    /// What repeats are counted together, for kinds of which people hear once an hour: who does what to the key.
    fn repeats(&self) -> Option<String> {
        None
    }

    /// Its repeats are attempts that failed, each like the one before: mail tells of few.
    fn is_attempt(&self) -> bool {
        false
    }

    /// Which attempt of its series it is, if it is told because it is the tenth or the hundredth.
    fn step(&self) -> Option<u64> {
        None
    }

    /// Events tell of it, and the sweep over all keys only where those were lost. Not so what the sweep alone can find.
    fn is_by_event(&self) -> bool {
        true
    }

    /// It is a call that changes what the sweep looks at: the sweep does not tell of it again.
    fn changes_state(&self) -> bool {
        false
    }

    /// It tells that the stack is being deployed: it proves a deployment.
    fn is_deployment(&self) -> bool {
        false
    }

    /// The CloudWatch alarm that told of it.
    fn alarm(&self) -> Option<&Alarm> {
        None
    }

    /// People are told, whatever severity they want: they were told of what it goes on with.
    fn goes_to_people(&self) -> bool {
        false
    }

    /// Why people are not told, whatever its severity. The feed is.
    fn quiet(&self) -> Option<Cow<'static, str>> {
        self.alarm().and_then(Alarm::muted)
    }
}

/// What it asks, of KMS and of the ledger.
pub(crate) trait Ask {
    /// KMS is worth asking at all. If not, what the ledger knows of the key has to do.
    fn is_enriched(&self) -> bool {
        true
    }

    /// The KMS reads that it is worth, beside those that all are.
    fn reads(&self) -> Reads {
        Reads {
            rotation: false,
            last_use: false,
        }
    }

    /// The policy that is worth a read, if one is.
    fn reads_policy(&self) -> Option<PolicyOf> {
        None
    }

    /// The keys of a key store are worth counting, which takes a call for each key of the Region.
    fn counts_keys(&self) -> bool {
        true
    }

    /// Further items of the ledger that are read along.
    fn memories(&self, _subject: &Subject) -> Vec<ItemKey> {
        Vec::new()
    }

    /// Items that prove what the items say that were read along. Reading them costs a round trip.
    fn proofs(&self, _subject: &Subject, _read: &[Item]) -> Vec<ItemKey> {
        Vec::new()
    }

    /// Who depends on the key is worth looking for: the key is about to be lost, or cannot be used.
    fn names_dependants(&self) -> bool {
        false
    }

    /// Who of other accounts used the key is worth looking for: it lets a stranger use the key.
    fn names_strangers(&self) -> bool {
        false
    }

    /// What it is cannot be told before KMS and the ledger were asked, which costs a round trip; then comes
    /// [`Learn::settle`].
    fn needs_facts(&self) -> bool {
        false
    }
}

/// What it learns from the answers, in this order, and what they learn from it.
pub(crate) trait Learn {
    /// Finds out which key material it is about, where the telling does not say.
    fn resolve(&mut self, _clues: &Clues<'_>, _at: Timestamp) {}

    /// Finds out what it is; the error is a reason to tell nobody.
    fn settle(&mut self, _known: &Background<'_>) -> Result<(), Cow<'static, str>> {
        Ok(())
    }

    /// Fills in what is remembered of the key and is no part of it.
    fn recall(&mut self, _profile: &Profile) {}

    /// So often it happened again since it was told. Not called if nobody counted.
    fn repeated(&mut self, _repeats: &Repeats) {}

    /// It is told because it is this attempt of its series.
    fn reached(&mut self, _step: u64) {}

    /// Takes in what was found; what is to be remembered of it is written once the alert went out.
    fn study(&mut self, _found: &Found<'_>) -> Vec<Item> {
        Vec::new()
    }

    /// Puts down what only this event tells of the key.
    fn teach(&self, _profile: &mut Profile, _at: Timestamp, _actor: Option<&Actor>) {}

    /// Who was found to depend on the key, or of other accounts to use the key.
    fn found_dependants(&self) -> Option<&Dependants> {
        None
    }

    /// Takes over from KMS what the event should have said.
    fn observe(&mut self, _key: &Key) {}

    /// Fills in what the event itself says of the key, where KMS did not answer.
    fn imply(&self, _key: &mut Key, _at: Timestamp) {}

    /// Fills in what the event itself says of the key store, where KMS did not answer.
    fn imply_key_store(&self, _store: &mut KeyStore) {}
}

/// What it tells.
pub(crate) trait Tell {
    /// No more urgent than this, whatever KMS will say.
    fn ceiling(&self) -> Severity {
        Severity::Critical
    }

    /// How urgent it is.
    fn severity(&self, case: &Case<'_>) -> Severity;

    /// What makes it that urgent: the rest of a sentence that begins "CRITICAL because ", without its full stop. Kinds whose
    /// severity follows from the last use of the key alone need none of their own ([`Kind::severity_reason`](super::Kind::severity_reason)).
    fn severity_reason(&self, _case: &Case<'_>) -> Option<Text> {
        None
    }

    /// The last moment at which the loss can be undone.
    fn undo_until(&self, _case: &Case<'_>) -> Option<Timestamp> {
        None
    }

    /// The last moment at which databases that depend on the key can be saved, where that is earlier than the key's: without
    /// their key they cannot be recovered after some days. The alert gives it as a date of its own if one is known to depend on it.
    fn databases_until(&self, _case: &Case<'_>) -> Option<Timestamp> {
        None
    }

    /// One line: what happened to what.
    fn title(&self, case: &Case<'_>) -> Text;

    /// What, who, what it breaks, until when it can be undone.
    fn summary(&self, case: &Case<'_>) -> Text;

    /// What to do, most urgent first.
    fn next_steps(&self, _case: &Case<'_>) -> Vec<Step> {
        Vec::new()
    }

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
    /// One of each shape an hour from each function, and not more than some.
    Hourly,
    /// Nothing.
    None,
}

/// What makes two tellings the same occurrence.
pub(crate) enum Identity {
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
    /// The items of the ledger that were read along.
    pub(crate) items: &'a [Item],
    /// There is no ledger: nothing is ever remembered.
    pub(crate) unledgered: bool,
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
    /// Sort key of the alert that tells of it: what proves, in an item of the ledger, that it was told.
    pub(crate) told_as: &'a str,
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
    /// Key tag that announces a deletion.
    pub(crate) planned_tag_key: &'a str,
    /// The stack has the function key-rescue.
    pub(crate) rescues: bool,
    /// Which keys are protected, beside those with the tag.
    pub(crate) protection: &'a Protection,
    /// Accounts of the own organisation, access for which is not foreign.
    pub(crate) trusted_accounts: &'a BTreeSet<AccountId>,
    /// Organisations (`o-…`) access for which is not foreign.
    pub(crate) trusted_organizations: &'a BTreeSet<String>,
    /// Name of the ledger's table.
    pub(crate) ledger_table: Option<&'a str>,
    /// Region of the function.
    pub(crate) region: &'a Region,
}

impl Found<'_> {
    /// The item `key`, if it is there.
    pub(super) fn item(&self, key: &ItemKey) -> Option<&Item> {
        self.items.iter().find(|item| key.names(item))
    }
}
