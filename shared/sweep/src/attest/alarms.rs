//! Whether alarms can tell, and what mutes them.

use watch_core::answers::{AlarmData, MuteRule};
use watch_core::hash::short_hash;
use watch_core::kinds::hours_of_mute;
use watch_core::stack::Stack;
use watch_core::step::is_bare;
use watch_core::text;

use super::noted::Facets;
use super::{Finding, Group, and_more};

/// Names that a command takes at once.
const IN_COMMAND: usize = 20;

/// Alarms of the stack that would tell nobody.
pub fn judge(alarms: &[AlarmData], stack: &Stack<'_>) -> Option<Finding> {
    let off: Vec<&str> = alarms
        .iter()
        .filter(|alarm| !alarm.actions_enabled)
        .map(|alarm| alarm.name.as_str())
        .collect();
    let first = off.first()?;
    let bare: Vec<_> = off.iter().copied().filter(|name| is_bare(name)).collect();
    let restore = (!bare.is_empty()).then(|| {
        format!(
            "aws cloudwatch enable-alarm-actions --alarm-names {} --region {}",
            bare[..bare.len().min(IN_COMMAND)].join(" "),
            stack.region.as_str()
        )
    });
    let what = text![
        "the actions of the alarm ",
        and_more(&off),
        " are disabled, so nobody is notified"
    ];
    Some(
        Finding::new(Group::Alarms, "actions", first, what)
            .silencing()
            .version(&short_hash(&off.join("\n")))
            .restore(restore),
    )
}

/// Rules that mute an alarm of the stack for longer than `longest` hours, or again and again.
pub fn muted(rules: &[MuteRule], stack: &Stack<'_>, longest: i64) -> Vec<Finding> {
    let of_stack = |rule: &&MuteRule| {
        let mut alarms = rule.alarms.iter();
        alarms.any(|alarm| stack.resource(alarm).is_some())
    };
    let too_long = |rule: &&MuteRule| {
        hours_of_mute(rule.expression.as_deref(), rule.duration.as_deref()) > longest
    };
    rules
        .iter()
        .filter(of_stack)
        .filter(too_long)
        .map(|rule| {
            let name = rule.name.as_str();
            let restore = is_bare(name).then(|| {
                format!("aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name {name}")
            });
            let what =
                text!["a mute rule silences alarms of KMS Watch for longer than maintenance takes"];
            Finding::new(Group::Alarms, "mute", name, what)
                .silencing()
                .restore(restore)
        })
        .collect()
}

/// What is noted of an alarm.
pub fn facets(alarm: &AlarmData) -> Facets {
    Facets::from([(
        "definition".to_owned(),
        short_hash(&alarm.definition.to_string()),
    )])
}

#[cfg(test)]
mod tests {
    use watch_core::arn::{AccountId, Region};

    use super::*;

    fn with<T>(check: impl Fn(&Stack<'_>) -> T) -> T {
        let account = AccountId::new("111122223333").unwrap();
        let region = Region::new("us-east-1").unwrap();
        check(&Stack {
            name: "kms-watch",
            account: &account,
            region: &region,
        })
    }

    fn alarm(name: &str, actions_enabled: bool) -> AlarmData {
        AlarmData {
            name: name.to_owned(),
            actions_enabled,
            definition: serde_json::json!({"threshold": 1}),
            ..AlarmData::default()
        }
    }

    #[test]
    fn alarms_that_tell_nobody_are_one_finding() {
        let on = alarm("kms-watch-A-1", true);
        assert!(with(|stack| judge(std::slice::from_ref(&on), stack)).is_none());
        let alarms = [
            on,
            alarm("kms-watch-B-1", false),
            alarm("kms-watch-C-1", false),
        ];
        let found = with(|stack| judge(&alarms, stack)).unwrap();
        assert!(found.silences);
        assert_eq!(
            found.what.plain(),
            "the actions of the alarm kms-watch-B-1 and of 1 more are disabled, so nobody is notified"
        );
        assert!(
            found
                .restore
                .unwrap()
                .contains("kms-watch-B-1 kms-watch-C-1")
        );
    }

    #[test]
    fn a_mute_of_the_stacks_alarms_is_told_if_it_is_long_or_comes_again() {
        let mute = |alarm: &str, expression: &str, duration: &str| MuteRule {
            name: "m".to_owned(),
            alarms: vec![alarm.to_owned()],
            expression: Some(expression.to_owned()),
            duration: Some(duration.to_owned()),
        };
        for (rule, told) in [
            (
                mute("kms-watch-B-1A2B", "at(2026-02-14T22:00)", "PT8H"),
                false,
            ),
            (
                mute("kms-watch-B-1A2B", "at(2026-02-14T22:00)", "P2D"),
                true,
            ),
            (mute("kms-watch-B-1A2B", "cron(0 * * * *)", "PT1H"), true),
            (
                mute("kms-watch-B-1A2B", "at(2026-02-14T22:00)", "soon"),
                true,
            ),
            (mute("orders-B-1A2B", "cron(0 * * * *)", "PT1H"), false),
        ] {
            let found = with(|stack| muted(std::slice::from_ref(&rule), stack, 24));
            assert_eq!(!found.is_empty(), told, "{rule:?}");
        }
    }
}
