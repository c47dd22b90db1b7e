//! Stories: what an alert opens, what another closes.
//!
//! A story is a condition of one subject, such as the deletion of a key. All alerts about it carry one `dedupKey`, so that
//! whatever keeps incidents merges and resolves them without knowing the kinds. [`STORIES`] is the whole of it, a row a
//! kind; `docs/stories.md` shows it, and a test compares the two.

use serde::Serialize;

use super::case::Case;
use super::*;
use crate::hash::short_hash;
use crate::severity::Severity;
use crate::text::{Untrusted, is_identifier};

/// How the condition stands that an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Status {
    /// It lasts until another alert with the same `dedupKey` closes it.
    Open,
    /// It ended well.
    Closed,
    /// There is nothing to close.
    Event,
}

/// What an alert does in its story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It opens the story.
    Opens,
    /// The story goes on.
    GoesOn,
    /// It closes the story: what was wrong is right again.
    Closes,
    /// It closes the story if one is open; if not, it is an event.
    Mends,
    /// It ends the story badly: the loss has come, and nothing will close it.
    Ends,
    /// It is no part of any.
    Event,
}

/// A kind's row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind of alert.
    pub kind: &'static str,
    /// What follows the subject in `dedupKey`. `<…>` stands for what tells several stories of one subject apart.
    pub condition: &'static str,
    /// What an alert of the kind does.
    pub part: Part,
    /// What it does in other cases, and which cases those are.
    pub unless: &'static [(Part, &'static str)],
}

/// Conditions.
const DELETION: &str = "deletion";
const DISABLED: &str = "disabled";
const EXPIRY: &str = "expiry#<material>";
const ROTATION: &str = "rotation";
const OVERDUE: &str = "overdue";
const POLICY: &str = "policy";
const GRANT: &str = "grant#<grant>";
const SHARE: &str = "share#<share>";
const STORE: &str = "store";
const ALARM: &str = "alarm#<alarm>";
const ALONE: &str = "event#<alert>";
const FOLLOWED: &str = "as the alert that it follows";

const fn row(kind: &'static str, condition: &'static str, part: Part) -> Row {
    Row {
        kind,
        condition,
        part,
        unless: &[],
    }
}

const fn unless(row: Row, unless: &'static [(Part, &'static str)]) -> Row {
    Row { unless, ..row }
}

const BY_A_SERVICE: &[(Part, &str)] = &[(Part::Event, "an AWS service, for its own work")];
const BY_SEVERITY: &[(Part, &str)] = &[
    (
        Part::Mends,
        "less than HIGH, and the policy allows no stranger and locks out nobody",
    ),
    (
        Part::Event,
        "less than HIGH, and the policy was that open before",
    ),
];

/// All kinds.
pub const STORIES: [Row; KIND_NAMES.len()] = {
    use Part::{Closes, Ends, Event, GoesOn, Mends, Opens};
    [
        row(KeyDeletionScheduled::NAME, DELETION, Opens),
        row(KeyDeletionNear::NAME, DELETION, GoesOn),
        row(KeyDeletionCancelled::NAME, DELETION, Closes),
        unless(
            row(KeyDeleted::NAME, DELETION, Ends),
            &[(Closes, "less than HIGH: nobody ever used the key")],
        ),
        row(KeyVanished::NAME, DELETION, Ends),
        row(KeyRotated::NAME, OVERDUE, Mends),
        row(KeyRotationRequested::NAME, ALONE, Event),
        row(KeyRotationEnabled::NAME, ROTATION, Closes),
        row(KeyRotationDisabled::NAME, ROTATION, Opens),
        row(KeyRotationOverdue::NAME, OVERDUE, Opens),
        row(KeyMaterialExpired::NAME, EXPIRY, GoesOn),
        row(KeyMaterialDeleted::NAME, EXPIRY, GoesOn),
        row(KeyMaterialImported::NAME, EXPIRY, Closes),
        row(UnusableKeyUsed::NAME, "use#<caller and operation>", Event),
        row(
            KeyChangeDenied::NAME,
            "denied#<caller and operation>",
            Event,
        ),
        row(AttemptsStopped::NAME, ALONE, Event),
        row(KeyUseUnusual::NAME, ALONE, Event),
        row(KeyMaterialExpiring::NAME, EXPIRY, Opens),
        unless(
            row(KeyStoreUnhealthy::NAME, ALARM, Opens),
            &[(Opens, "a sweep found it: `store`")],
        ),
        row(KmsQuotaNear::NAME, ALARM, Opens),
        row(KmsUsageAnomaly::NAME, ALARM, Opens),
        unless(
            row(AlarmRecovered::NAME, ALARM, Closes),
            &[(GoesOn, "what the alarm warned of is not known to be over")],
        ),
        row(KeyDisabled::NAME, DISABLED, Opens),
        row(KeyEnabled::NAME, DISABLED, Closes),
        unless(row(KeyPolicyChanged::NAME, POLICY, Opens), BY_SEVERITY),
        unless(
            row(KeyAccessDrifted::NAME, POLICY, Opens),
            &[
                (Part::Mends, "as KeyPolicyChanged"),
                (Part::Event, "as KeyPolicyChanged"),
                (Opens, "a grant was made: `grant#<grant>`"),
                (Closes, "a grant ended: `grant#<grant>`"),
            ],
        ),
        unless(row(GrantCreated::NAME, GRANT, Opens), BY_A_SERVICE),
        unless(row(GrantRevoked::NAME, GRANT, Closes), BY_A_SERVICE),
        unless(row(GrantRetired::NAME, GRANT, Closes), BY_A_SERVICE),
        row(KeyShared::NAME, SHARE, Opens),
        row(KeyShareEnded::NAME, SHARE, Closes),
        row(AliasMoved::NAME, ALONE, Event),
        row(AliasCreated::NAME, ALONE, Event),
        row(AliasDeleted::NAME, ALONE, Event),
        unless(
            row(KeyCreated::NAME, POLICY, Opens),
            &[(Event, "less than HIGH")],
        ),
        row(KeyTagsChanged::NAME, ALONE, Event),
        row(KeyDescriptionChanged::NAME, ALONE, Event),
        row(KeyReplicated::NAME, ALONE, Event),
        row(PrimaryRegionChanged::NAME, ALONE, Event),
        row(KeyStoreDisconnected::NAME, STORE, Opens),
        row(KeyStoreDeleted::NAME, STORE, Closes),
        row(KeyStoreUpdated::NAME, ALONE, Event),
        unless(
            row(KeyStoreConnected::NAME, STORE, Closes),
            &[(
                GoesOn,
                "KMS reports the key store as FAILED or DISCONNECTED",
            )],
        ),
        row(KeyStoreCreated::NAME, ALONE, Event),
        unless(
            row(DependantsFound::NAME, FOLLOWED, GoesOn),
            &[(Event, "the alert that it follows is not OPEN")],
        ),
        row(KeyRescued::NAME, ALONE, Event),
        row(KeyRescueFailed::NAME, ALONE, Event),
        row(KeyRescueAdvised::NAME, ALONE, Event),
        row(Burst::NAME, "burst#<kind, actor and window>", Event),
        row(InventoryDigest::NAME, ALONE, Event),
        row(LowDigest::NAME, ALONE, Event),
        row(WatchChanged::NAME, "watch#<operation and resource>", Event),
        row(WatchCanary::NAME, ALONE, Event),
        row(WatchTest::NAME, ALONE, Event),
        row(UnreadableEvent::NAME, "unreadable#<form>", Event),
    ]
};

/// The story of an alert, as far as it is named before anything is known but the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Story {
    /// What follows the subject in `dedupKey`; `None` if the alert is alone.
    pub(crate) condition: Option<String>,
    /// Another condition that it may close: that of tellings which lack the name.
    pub(crate) unnamed: Option<String>,
    /// What it does, in most cases.
    pub(crate) part: Part,
    /// It may end what was told earlier.
    pub(crate) looks_back: bool,
}

impl Part {
    /// How the condition stands. `is_told` if the ledger knows of something that the alert ends.
    pub(crate) fn status(self, is_told: bool) -> Status {
        match self {
            Self::Opens | Self::GoesOn => Status::Open,
            Self::Closes => Status::Closed,
            Self::Mends if is_told => Status::Closed,
            Self::Mends | Self::Ends | Self::Event => Status::Event,
        }
    }

    /// What the three make of it that keep stories: `status`, PagerDuty (Events API v2), OCSF (activity of a finding).
    pub const fn meaning(self) -> [&'static str; 3] {
        match self {
            Self::Opens => ["OPEN", "trigger", "Create"],
            Self::GoesOn => ["OPEN", "trigger", "Update"],
            Self::Closes => ["CLOSED", "resolve", "Close"],
            Self::Mends => [
                "CLOSED if one is open, else EVENT",
                "resolve, else trigger",
                "Close, else Create",
            ],
            Self::Ends => ["EVENT, with `resolves`", "trigger", "Update"],
            Self::Event => ["EVENT", "trigger", "Create"],
        }
    }

    /// It may end what was told earlier.
    pub(crate) fn looks_back(self) -> bool {
        matches!(self, Self::Closes | Self::Mends | Self::Ends)
    }
}

impl Row {
    /// An alert of the kind may do something that is like this.
    fn may(&self, does: impl Fn(Part) -> bool) -> bool {
        does(self.part) || self.unless.iter().any(|(part, _)| does(*part))
    }
}

impl Kind {
    /// The story that it is a part of.
    pub(crate) fn story(&self) -> Story {
        let row = self.row();
        let condition = match (row.condition.split_once("#<"), self.which()) {
            (None, _) => Some(row.condition.to_owned()),
            (Some((name, _)), Some(which)) => Some(format!("{name}#{}", bare(&which))),
            (Some((name, _)), None) => (row.condition == EXPIRY).then(|| name.to_owned()),
        };
        let story = Story {
            // Old records, and alarms, do not name the material.
            unnamed: (row.condition == EXPIRY).then(|| "expiry".to_owned()),
            condition,
            part: row.part,
            looks_back: row.may(Part::looks_back),
        };
        match self {
            Self::GrantCreated(GrantCreated {
                by_service_for_itself: true,
                ..
            })
            | Self::GrantRevoked(GrantRevoked {
                by_service_for_itself: true,
                ..
            })
            | Self::GrantRetired(GrantRetired {
                by_service_for_itself: true,
                ..
            }) => Story::ALONE,
            Self::KeyStoreUnhealthy(kind) if self.alarm().is_none() => Story {
                condition: Some(STORE.to_owned()),
                unnamed: None,
                ..story
            },
            Self::DependantsFound(kind) => kind.story.clone(),
            Self::KeyAccessDrifted(drifted) => match drifted.as_event() {
                Some(event) => event.story(),
                None => story,
            },
            _ => story,
        }
    }

    /// What it does in its story, now that all is known.
    pub(crate) fn part(&self, case: &Case<'_>, severity: Severity) -> Part {
        let grave = severity >= Severity::High;
        match self {
            Self::KeyPolicyChanged(_) | Self::KeyCreated(_) if grave => Part::Opens,
            Self::KeyPolicyChanged(change) if change.is_harmless(case) => Part::Mends,
            Self::KeyPolicyChanged(_) | Self::KeyCreated(_) => Part::Event,
            // What nobody used is no loss.
            Self::KeyDeleted(_) if !grave => Part::Closes,
            Self::AlarmRecovered(end) if !end.resolved => Part::GoesOn,
            Self::KeyStoreConnected(_) if is_apart(case) => Part::GoesOn,
            Self::KeyAccessDrifted(drifted) => match drifted.as_event() {
                Some(event) => event.part(case, severity),
                None => Part::Event,
            },
            _ => self.story().part,
        }
    }

    fn row(&self) -> &'static Row {
        let row = STORIES.iter().find(|row| row.kind == self.name());
        row.unwrap_or(&STORIES[STORIES.len() - 1])
    }

    /// What tells several stories of one subject apart. What does not say so is told without it.
    fn which(&self) -> Option<String> {
        let text =
            |value: &Option<Untrusted>| value.as_ref().map(|value| value.as_str().to_owned());
        match self {
            Self::KeyMaterialExpiring(kind) => kind.key_material_id.clone(),
            Self::KeyMaterialExpired(kind) => kind.key_material_id.clone(),
            Self::KeyMaterialDeleted(kind) => kind.key_material_id.clone(),
            Self::KeyMaterialImported(kind) => kind.key_material_id.clone(),
            Self::GrantCreated(kind) => text(&kind.grant_id),
            Self::GrantRevoked(kind) => text(&kind.grant_id),
            Self::GrantRetired(kind) => text(&kind.grant_id),
            Self::KeyShared(kind) => text(&kind.share),
            Self::KeyShareEnded(kind) => text(&kind.share),
            Self::Burst(kind) => Some(kind.series.clone()),
            Self::UnreadableEvent(_) => self.shape(),
            _ => self
                .alarm()
                .map(|alarm| alarm.series().to_owned())
                .or_else(|| self.repeats()),
        }
    }
}

impl Story {
    const ALONE: Self = Self {
        condition: None,
        unnamed: None,
        part: Part::Event,
        looks_back: false,
    };
}

/// A name that is safe wherever it stands, and short: what is neither becomes a hash.
fn bare(name: &str) -> String {
    if is_identifier(name) {
        name.to_owned()
    } else {
        short_hash(name)
    }
}

/// KMS reports the key store as not connected, and not about to be.
fn is_apart(case: &Case<'_>) -> bool {
    let state = case.key_store.filter(|_| case.live && !case.gone);
    let state = state.and_then(|store| store.connection_state.as_ref());
    state.is_some_and(|state| matches!(state.as_str(), "FAILED" | "DISCONNECTED"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        assert_eq!(STORIES.map(|row| row.kind), KIND_NAMES);
    }

    /// A row of the table in the documentation.
    fn documented(row: &Row) -> String {
        let [status, pager_duty, activity] = row.part.meaning();
        let others: Vec<_> = row
            .unless
            .iter()
            .map(|(part, when)| format!("{}: {when}", part.meaning()[0]))
            .collect();
        format!(
            "| `{}` | `{}` | {status} | {pager_duty} | {activity} | {} |",
            row.kind,
            row.condition,
            others.join("; ")
        )
    }

    #[test]
    fn the_documentation_has_the_table() {
        let page = include_str!("../../../../docs/stories.md");
        let shown: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let expected: Vec<_> = STORIES.iter().map(documented).collect();
        assert_eq!(shown, expected, "the table is:\n{}", expected.join("\n"));
    }

    #[test]
    fn a_name_of_others_becomes_a_hash() {
        let grant = |id: &str| {
            let id = Some(Untrusted::new(id));
            let kind = Kind::from(GrantRevoked {
                grant_id: id,
                ..GrantRevoked::default()
            });
            kind.story().condition
        };
        assert_eq!(grant("0abc").as_deref(), Some("grant#0abc"));
        assert_eq!(grant("a#b c").map(|it| it.len()), Some("grant#".len() + 32));
        assert_eq!(Kind::from(GrantRevoked::default()).story().condition, None);
        let imported = Kind::from(KeyMaterialImported::default()).story();
        assert_eq!(imported.condition.as_deref(), Some("expiry"));
    }
}
