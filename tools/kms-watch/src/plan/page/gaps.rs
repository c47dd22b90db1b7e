//! What is missing, and what could not be read: the latter is unknown, and never fine.

use super::answers::listeners;
use super::keys;
use crate::inventory::condition::Condition;
use crate::inventory::not_read;
use crate::inventory::row::Row;
use crate::plan::ask::Facts;

/// Something that is missing, or not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// It could not be read.
    pub(crate) is_unknown: bool,
    pub(crate) what: String,
    pub(crate) fix: &'static str,
}

/// What is wrong with keys, in words, and what to do: one row tells all.
const CONDITIONS: [(Condition, &str, &str); 8] = [
    (
        Condition::PendingDeletion,
        "are pending deletion",
        "cancel what is not planned; kms-watch ack announces what is",
    ),
    (
        Condition::Public,
        "allow everybody in every account",
        "narrow the key policy",
    ),
    (
        Condition::Expiring,
        "have key material that expires within 30 days",
        "import it again before that",
    ),
    (
        Condition::PendingImport,
        "have no key material",
        "import it, or delete the key",
    ),
    (
        Condition::Unavailable,
        "are in a key store that does not answer",
        "connect the key store",
    ),
    (
        Condition::Disabled,
        "are disabled",
        "enable them, or ask the owners what they are kept for",
    ),
    (
        Condition::Foreign,
        "allow accounts that are not trusted",
        "--trusted-accounts names those that are; narrow the policies of the rest",
    ),
    (
        Condition::NoRotation,
        "could rotate by themselves, and do not",
        "enable rotation",
    ),
];

/// All of them, what cannot be seen last.
pub(super) fn gaps(facts: &Facts, owner_tag_key: &str) -> Vec<Gap> {
    let mut gaps = of_keys(facts, owner_tag_key);
    gaps.extend(of_stacks(facts));
    gaps.push(Gap {
        is_unknown: false,
        what: "No guard against deletion can be seen from within the account".to_owned(),
        fix: "let a service control policy deny kms:ScheduleKeyDeletion where kms:ScheduleKeyDeletionPendingWindowInDays is below 30",
    });
    gaps.extend(unread(facts));
    gaps.sort_by_key(|gap| gap.is_unknown);
    gaps
}

fn missing(what: String, fix: &'static str) -> Gap {
    Gap {
        is_unknown: false,
        what,
        fix,
    }
}

fn unknown(what: String, fix: &'static str) -> Gap {
    Gap {
        is_unknown: true,
        what,
        fix,
    }
}

/// `3 keys: alias/a, alias/b, alias/c`
fn named(rows: &[&Row]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<_> = rows.iter().take(SHOWN).map(|row| row.name()).collect();
    let more = rows.len().saturating_sub(SHOWN);
    let plural = if rows.len() == 1 { "" } else { "s" };
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{} key{plural}: {}{more}", rows.len(), names.join(", "))
}

fn of_keys(facts: &Facts, owner_tag_key: &str) -> Vec<Gap> {
    let which = |is: &dyn Fn(&Row) -> bool| keys(facts).filter(|row| is(row)).collect::<Vec<_>>();
    let mut gaps = Vec::new();
    for (condition, words, fix) in CONDITIONS {
        let rows = which(&|row| row.is(condition));
        if !rows.is_empty() {
            gaps.push(missing(format!("Keys {words}: {}", named(&rows)), fix));
        }
    }
    let ownerless = which(&|row| row.tags.is_some() && row.owner.is_none());
    if !ownerless.is_empty() {
        let what = format!(
            "Keys have no owner by the tag \"{owner_tag_key}\": {}",
            named(&ownerless)
        );
        gaps.push(missing(what, "tag each key with who answers for it"));
    }
    let blind = which(&|row| row.is(Condition::BlindSpot));
    if !blind.is_empty() {
        let fix = "kms-watch inventory prints the statement that their policies lack";
        gaps.push(unknown(
            format!("Keys deny what is asked: {}", named(&blind)),
            fix,
        ));
    }
    let silent = which(&Row::is_incomplete);
    if !silent.is_empty() {
        let what = format!("KMS did not answer about keys: {}", named(&silent));
        gaps.push(unknown(what, "run it again later"));
    }
    gaps
}

fn of_stacks(facts: &Facts) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for place in &facts.places {
        let region = place.region.as_str();
        match &place.stack {
            Ok(Some(_)) => {}
            Ok(None) => {
                let what = format!("{region} has keys, and no stack watches them");
                gaps.push(missing(
                    what,
                    "deploy it there: --samconfig writes the file",
                ));
            }
            Err(error) => {
                let what = format!("Whether {region} has a stack: {}", error.reason().as_str());
                gaps.push(unknown(what, "allow cloudformation:ListStackResources"));
            }
        }
        for topic in ["AlertTopic", "HealthTopic"] {
            match listeners(place, topic) {
                Some(Ok(0)) => {
                    let what = format!(
                        "Nobody listens to {topic} in {region}: no subscription is confirmed"
                    );
                    gaps.push(missing(
                        what,
                        "confirm the mail of SNS, or subscribe somebody",
                    ));
                }
                Some(Err(error)) => {
                    let what = format!(
                        "Who listens to {topic} in {region}: {}",
                        error.reason().as_str()
                    );
                    let fix =
                        "allow sns:ListSubscriptionsByTopic and sns:GetSubscriptionAttributes";
                    gaps.push(unknown(what, fix));
                }
                Some(Ok(_)) | None => {}
            }
        }
    }
    gaps
}

fn unread(facts: &Facts) -> Vec<Gap> {
    let survey = &facts.survey;
    let mut gaps: Vec<_> = not_read::lines(&survey.not_read)
        .into_iter()
        .map(|line| {
            unknown(
                format!("Not read: {line}"),
                "docs/inventory.md has the policy that it takes",
            )
        })
        .collect();
    for reason in survey
        .accounts
        .iter()
        .filter_map(|it| it.regions_assumed.as_ref())
    {
        let what = format!("Which Regions are enabled: {}", reason.as_str());
        gaps.push(unknown(
            what,
            "allow account:ListRegions, or name them with --region",
        ));
    }
    for (region, reason) in &survey.nameless {
        let what = format!("Aliases in {}: {}", region.as_str(), reason.as_str());
        gaps.push(unknown(what, "allow kms:ListAliases"));
    }
    for place in &facts.places {
        let region = place.region.as_str();
        let shown = place.metrics.iter().flat_map(|metrics| &metrics.shown);
        let values = shown.map(|it| &it.points).find(|points| points.is_err());
        let asked = [
            (
                "Metrics of KMS",
                place.metrics.as_ref().err(),
                "allow cloudwatch:ListMetrics",
            ),
            (
                "Values of the metrics of KMS",
                values.and_then(|points| points.as_ref().err()),
                "allow cloudwatch:GetMetricData",
            ),
            (
                "Whether AWS Config records",
                place.recording.as_ref().err(),
                "allow config:DescribeConfigurationRecorderStatus",
            ),
        ];
        for (what, error, fix) in asked {
            if let Some(error) = error {
                let what = format!("{what} in {region}: {}", error.reason().as_str());
                gaps.push(unknown(what, fix));
            }
        }
    }
    gaps
}
