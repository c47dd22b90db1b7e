//! What each kind of finding is in the words of others.
//!
//! [`RULES`] is the whole of it, a row a kind; `docs/findings.md` shows it, and a test compares the two. A kind is an alert's,
//! or what `kms-watch inventory` says is the matter with a key.

use watch_core::kinds::story::{Part, STORIES};

/// A kind's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The kind.
    pub kind: &'static str,
    /// Namespace and category of the finding's type in ASFF.
    pub category: &'static str,
    /// What of MITRE ATT&CK it may be a sign of.
    pub attack: Option<Attack>,
    /// It adds to an alert about the same occurrence.
    pub follows: bool,
}

/// A technique of MITRE ATT&CK with its tactic, each by id and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attack {
    /// `("TA0040", "Impact")`.
    pub tactic: (&'static str, &'static str),
    /// `("T1485", "Data Destruction")`.
    pub technique: (&'static str, &'static str),
}

const IMPACT: (&str, &str) = ("TA0040", "Impact");
const DESTRUCTION: Option<Attack> = Some(Attack {
    tactic: IMPACT,
    technique: ("T1485", "Data Destruction"),
});
const STOP: Option<Attack> = Some(Attack {
    tactic: IMPACT,
    technique: ("T1489", "Service Stop"),
});
const NO_RECOVERY: Option<Attack> = Some(Attack {
    tactic: IMPACT,
    technique: ("T1490", "Inhibit System Recovery"),
});
const ENCRYPTION: Option<Attack> = Some(Attack {
    tactic: IMPACT,
    technique: ("T1486", "Data Encrypted for Impact"),
});
const MANIPULATION: Option<Attack> = Some(Attack {
    tactic: ("TA0003", "Persistence"),
    technique: ("T1098", "Account Manipulation"),
});
const IMPAIRMENT: Option<Attack> = Some(Attack {
    tactic: ("TA0005", "Defense Evasion"),
    technique: ("T1562", "Impair Defenses"),
});

// ASFF, types taxonomy (Security Hub User Guide).
const DATA_LOSS: &str = "Effects/Data Destruction";
const OUTAGE: &str = "Effects/Denial of Service";
const EXPOSURE: &str = "Effects/Data Exposure";
const CONSUMPTION: &str = "Effects/Resource Consumption";
const BEHAVIOR: &str = "Unusual Behaviors/User";
const EVASION: &str = "TTPs/Defense Evasion";
const PRACTICE: &str = "Software and Configuration Checks/AWS Security Best Practices";

const fn row(kind: &'static str, category: &'static str, attack: Option<Attack>) -> Rule {
    Rule {
        kind,
        category,
        attack,
        follows: false,
    }
}

/// All kinds: those of alerts, in their order, and those of the inventory, the most urgent first.
pub const RULES: &[Rule] = &[
    row("KeyDeletionScheduled", DATA_LOSS, DESTRUCTION),
    row("KeyDeletionNear", DATA_LOSS, DESTRUCTION),
    row("KeyDeletionCancelled", DATA_LOSS, DESTRUCTION),
    row("KeyDeleted", DATA_LOSS, DESTRUCTION),
    row("KeyVanished", DATA_LOSS, DESTRUCTION),
    row("KeyRotated", PRACTICE, None),
    row("KeyRotationRequested", PRACTICE, None),
    row("KeyRotationEnabled", PRACTICE, None),
    row("KeyRotationDisabled", PRACTICE, None),
    row("KeyRotationOverdue", PRACTICE, None),
    row("KeyMaterialExpired", DATA_LOSS, None),
    row("KeyMaterialDeleted", DATA_LOSS, NO_RECOVERY),
    row("KeyMaterialImported", PRACTICE, ENCRYPTION),
    row("UnusableKeyUsed", OUTAGE, None),
    row("KeyChangeDenied", BEHAVIOR, None),
    row("AttemptsStopped", BEHAVIOR, None),
    row("KeyUseUnusual", BEHAVIOR, None),
    row("KeyMaterialExpiring", DATA_LOSS, None),
    row("KeyStoreUnhealthy", OUTAGE, None),
    row("KmsQuotaNear", CONSUMPTION, None),
    row("KmsUsageAnomaly", CONSUMPTION, None),
    row("AlarmRecovered", PRACTICE, None),
    row("KeyDisabled", OUTAGE, STOP),
    row("KeyEnabled", OUTAGE, None),
    row("KeyPolicyChanged", EXPOSURE, MANIPULATION),
    row("KeyAccessDrifted", EXPOSURE, MANIPULATION),
    row("GrantCreated", EXPOSURE, MANIPULATION),
    row("GrantRevoked", EXPOSURE, None),
    row("GrantRetired", EXPOSURE, None),
    row("KeyShared", EXPOSURE, MANIPULATION),
    row("KeyShareEnded", EXPOSURE, None),
    row("AliasMoved", BEHAVIOR, ENCRYPTION),
    row("AliasCreated", PRACTICE, None),
    row("AliasDeleted", OUTAGE, STOP),
    row("KeyCreated", EXPOSURE, None),
    row("KeyTagsChanged", PRACTICE, None),
    row("KeyDescriptionChanged", PRACTICE, None),
    row("KeyReplicated", EXPOSURE, None),
    row("PrimaryRegionChanged", PRACTICE, None),
    row("KeyStoreDisconnected", OUTAGE, STOP),
    row("KeyStoreDeleted", OUTAGE, None),
    row("KeyStoreUpdated", PRACTICE, None),
    row("KeyStoreConnected", OUTAGE, None),
    row("KeyStoreCreated", PRACTICE, None),
    Rule {
        follows: true,
        ..row("DependantsFound", DATA_LOSS, None)
    },
    row("KeyRescued", DATA_LOSS, None),
    row("KeyRescueFailed", DATA_LOSS, DESTRUCTION),
    row("KeyRescueAdvised", DATA_LOSS, DESTRUCTION),
    row("Burst", BEHAVIOR, None),
    row("InventoryDigest", PRACTICE, None),
    row("LowDigest", PRACTICE, None),
    row("WatchChanged", EVASION, IMPAIRMENT),
    row("WatchCanary", PRACTICE, None),
    row("WatchTest", PRACTICE, None),
    row("UnreadableEvent", PRACTICE, None),
    row("pending-deletion", DATA_LOSS, DESTRUCTION),
    row("public", EXPOSURE, None),
    row("expiring", DATA_LOSS, None),
    row("pending-import", OUTAGE, None),
    row("unavailable", OUTAGE, None),
    row("disabled", OUTAGE, None),
    row("foreign", EXPOSURE, None),
    row("blind-spot", PRACTICE, None),
    row("no-rotation", PRACTICE, None),
    row("unused", PRACTICE, None),
];

/// Of a kind that a later version tells of.
static OTHER: Rule = row("other", PRACTICE, None);

impl Rule {
    /// The row of a kind.
    pub fn of(kind: &str) -> &'static Self {
        let found = RULES.iter().find(|rule| rule.kind == kind);
        found.unwrap_or(&OTHER)
    }

    /// What an alert of the kind mostly does in its story; a finding of the inventory always opens one.
    pub(crate) fn part(&self) -> Part {
        let row = STORIES.iter().find(|row| row.kind == self.kind);
        row.map_or(Part::Opens, |row| row.part)
    }
}

#[cfg(test)]
mod tests {
    use watch_core::kinds::KIND_NAMES;

    use super::*;

    #[test]
    fn every_kind_of_alert_has_its_row() {
        let alerts: Vec<_> = RULES
            .iter()
            .map(|rule| rule.kind)
            .take(KIND_NAMES.len())
            .collect();
        assert_eq!(alerts, KIND_NAMES);
        assert!(RULES.iter().all(|rule| Rule::of(rule.kind) == rule));
    }

    #[test]
    fn the_documentation_has_the_table() {
        let page = include_str!("../../../docs/findings.md");
        let (_, table) = page.split_once("## Kind by kind").unwrap();
        let shown: Vec<_> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let documented = |rule: &Rule| {
            let attack = rule.attack.map_or_else(String::new, |attack| {
                format!("{} {}", attack.technique.0, attack.technique.1)
            });
            format!("| `{}` | {} | {attack} |", rule.kind, rule.category)
        };
        let expected: Vec<_> = RULES.iter().map(documented).collect();
        assert_eq!(shown, expected, "the table is:\n{}", expected.join("\n"));
    }
}
