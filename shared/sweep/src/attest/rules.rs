//! Rules and targets, held against those of the template that this was built with.
//!
//! What the template says comes along in the program (`rules.json`, made from it by a test): nobody who changes a rule, or an
//! item of the ledger, changes that.

use serde::Deserialize;
use serde_json::Value;
use watch_core::answers::{Rule, Target};
use watch_core::arn::TopicArn;
use watch_core::hash::short_hash;
use watch_core::stack::Stack;
use watch_core::step::is_bare;
use watch_core::text;
use watch_core::text::Text;

use super::{Finding, Group};

/// The rule of whose name other rules take what is left in it of a long stack's name.
const CUT_BY: (&str, &str) = ("MaterialExpirationFunctionCloudTrail", "-MaterialExp");
/// The target of the rules that need no function.
const HEALTH: &str = "HealthTopic";

/// A rule of the template.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Expected {
    /// Its logical id.
    pub id: String,
    /// `ENABLED`, or the state in which it gets reads, too.
    pub state: String,
    /// Its pattern, with `{account}`, `{region}`, `{partition}`, `{stack}`, `{stackId}`, `{cut}` and `{id:…}` in the place of what is not
    /// known before the deployment.
    pub pattern: Value,
    /// The logical id of its target.
    pub to: String,
    /// It is there only if that function is.
    #[serde(default)]
    pub optional: bool,
    /// What the target gets in place of the event.
    pub input: Value,
}

/// The rules of the template.
pub fn expected() -> Vec<Expected> {
    serde_json::from_str(include_str!("rules.json")).unwrap_or_default()
}

/// Those of the rules that are to be there, if the stack has these functions.
pub fn expected_with(functions: &[String], stack: &Stack<'_>) -> Vec<Expected> {
    let mut rules = expected();
    let is_there = |id: &str| functions.iter().any(|name| stack.may_be(name, id));
    rules.retain(|rule| !rule.optional || is_there(&rule.to));
    rules
}

/// A deployed rule, and where it leads, if that was asked.
pub type Deployed = (Rule, Option<Vec<Target>>);

/// What of the deployed rules is not as the template says.
pub fn judge(
    expected: &[Expected],
    deployed: &[Deployed],
    stack: &Stack<'_>,
    health: &TopicArn,
) -> Vec<Finding> {
    let names = |id: &str| {
        let id = id.to_owned();
        deployed
            .iter()
            .filter(move |(rule, _)| stack.may_be(&rule.name, &id))
    };
    let cuts: Vec<&str> = names(CUT_BY.0)
        .filter_map(|(rule, _)| Some(rule.name.split_once(CUT_BY.1)?.0))
        .collect();
    let place = Place {
        stack,
        partition: health.partition().as_str(),
        cuts,
    };
    let of_rule = |rule: &Expected| {
        let mut named = names(&rule.id).peekable();
        let Some(first) = named.peek().map(|(rule, _)| rule) else {
            let what = text!["the rule is missing, so its events reach nobody"];
            return Some(finding("missing", &rule.id, what, "").silencing().held());
        };
        let fits = |(deployed, _): &&Deployed| place.fits(&rule.pattern, &deployed.pattern);
        match named.find(fits) {
            Some((deployed, targets)) => of_state(rule, deployed)
                .or_else(|| of_targets(rule, deployed, targets, &place, health)),
            None => {
                let what = text![
                    "the pattern of the rule is not the one of the template, so the rule may match no event"
                ];
                Some(
                    finding("pattern", &first.name, what, &first.pattern.to_string())
                        .silencing()
                        .held()
                        .restore(command("describe-rule --name", &first.name, stack)),
                )
            }
        }
    };
    expected.iter().filter_map(of_rule).collect()
}

fn finding(check: &'static str, name: &str, what: Text, version: &str) -> Finding {
    Finding::new(Group::Rules, check, name, what).version(&short_hash(version))
}

fn command(call: &str, name: &str, stack: &Stack<'_>) -> Option<String> {
    let region = stack.region.as_str();
    is_bare(name).then(|| format!("aws events {call} {name} --region {region}"))
}

fn of_state(rule: &Expected, deployed: &Rule) -> Option<Finding> {
    if deployed.state == rule.state {
        return None;
    }
    let (name, state) = (&deployed.name, &deployed.state);
    if state == "DISABLED" {
        let what = text!["the rule is disabled, so its events reach nobody"];
        let restore = is_bare(name).then(|| format!("aws events enable-rule --name {name}"));
        return Some(
            finding("state", name, what, state)
                .silencing()
                .restore(restore),
        );
    }
    let what = text![
        "the rule is ",
        watch_core::text::Untrusted::new(state),
        ", and the template says ",
        watch_core::text::Untrusted::new(&rule.state)
    ];
    Some(finding("state", name, what, state).silencing().held())
}

fn of_targets(
    rule: &Expected,
    deployed: &Rule,
    targets: &Option<Vec<Target>>,
    place: &Place<'_>,
    health: &TopicArn,
) -> Option<Finding> {
    let targets = targets.as_ref()?;
    let leads = |target: &&Target| {
        if rule.to == HEALTH {
            target.arn == health.as_str()
        } else {
            place.stack.may_be(&target.arn, &rule.to)
        }
    };
    let whole = |target: &Target| place.fits(&rule.input, &target.input);
    let (check, what, at_once) = match targets.iter().find(leads) {
        Some(target) if whole(target) => return None,
        Some(_) => (
            "input",
            text!["the rule passes another input to its target than the template says"],
            false,
        ),
        None if targets.is_empty() => (
            "targets",
            text!["the rule has no target, so its events reach nobody"],
            true,
        ),
        None => (
            "targets",
            text!["the rule lacks the target of the template, so its events reach nobody"],
            false,
        ),
    };
    let version = format!("{targets:?}");
    let finding = finding(check, &deployed.name, what, &version)
        .silencing()
        .restore(command(
            "list-targets-by-rule --rule",
            &deployed.name,
            place.stack,
        ));
    Some(if at_once { finding } else { finding.held() })
}

/// What is known once the stack is deployed.
struct Place<'a> {
    stack: &'a Stack<'a>,
    partition: &'a str,
    /// What may be left of the stack's name in cut names.
    cuts: Vec<&'a str>,
}

impl Place<'_> {
    /// `live` is what the template says. The order in a list does not matter in a pattern.
    fn fits(&self, expected: &Value, live: &Value) -> bool {
        match (expected, live) {
            (Value::Object(expected), Value::Object(live)) => {
                expected.len() == live.len()
                    && expected.iter().all(|(name, value)| {
                        live.get(name).is_some_and(|live| self.fits(value, live))
                    })
            }
            (Value::Array(expected), Value::Array(live)) => {
                let has = |value: &Value| live.iter().any(|live| self.fits(value, live));
                expected.len() == live.len() && expected.iter().all(has)
            }
            (Value::String(expected), Value::String(live)) => self.is(expected, live),
            (expected, live) => expected == live,
        }
    }

    fn is(&self, expected: &str, live: &str) -> bool {
        if !expected.contains('{') {
            return expected == live;
        }
        if expected == "{stackId}" {
            return live.starts_with("arn:") && self.stack.is(live);
        }
        let filled = expected
            .replace("{account}", self.stack.account.as_str())
            .replace("{region}", self.stack.region.as_str())
            .replace("{partition}", self.partition)
            .replace("{stack}", self.stack.name);
        if let Some((before, id)) = filled.split_once("{id:") {
            let name = live.strip_prefix(before);
            return name.is_some_and(|name| self.stack.may_be(name, id.trim_end_matches('}')));
        }
        if filled.contains("{cut}") {
            return self
                .cuts
                .iter()
                .any(|cut| filled.replace("{cut}", cut) == live);
        }
        filled == live
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use watch_core::arn::{AccountId, Region};

    use super::*;

    fn health() -> TopicArn {
        "arn:aws:sns:eu-west-1:111122223333:kms-watch-HealthTopic-1A2B3C4D5E6F"
            .parse()
            .unwrap()
    }

    fn with<T>(name: &str, check: impl Fn(&Stack<'_>) -> T) -> T {
        let account = AccountId::new("111122223333").unwrap();
        let region = Region::new("eu-west-1").unwrap();
        check(&Stack {
            name,
            account: &account,
            region: &region,
        })
    }

    /// What CloudFormation makes of a value of the table.
    fn filled(value: &Value, stack: &str, cut: &str) -> Value {
        let text = value
            .to_string()
            .replace("{account}", "111122223333")
            .replace("{region}", "eu-west-1")
            .replace("{partition}", "aws")
            .replace("{stack}", stack)
            .replace("{cut}", cut)
            .replace(
                "{stackId}",
                &format!("arn:aws:cloudformation:eu-west-1:111122223333:stack/{stack}/8f0e"),
            )
            .replace("{id:", &format!("{stack}-"))
            .replace("}\"", "-1A2B3C4D5E6F\"");
        serde_json::from_str(&text).unwrap()
    }

    /// As CloudFormation makes a name of 64 characters at most.
    fn name(stack: &str, id: &str, random: usize) -> String {
        let whole = format!("{stack}-{id}-{random:012}");
        if whole.len() <= 64 {
            return whole;
        }
        let id = &id[..id.len().min(24)];
        format!("{}-{id}-{random:012}", &stack[..64 - 14 - id.len()])
    }

    /// The rules as they are deployed.
    fn deployed(stack: &str, cut: &str) -> Vec<Deployed> {
        let rule = |(number, rule): (usize, &Expected)| {
            let arn = match rule.to.as_str() {
                HEALTH => health().as_str().to_owned(),
                to => format!(
                    "arn:aws:lambda:eu-west-1:111122223333:function:{}",
                    name(stack, to, 0)
                ),
            };
            let target = Target {
                arn,
                input: filled(&rule.input, stack, cut),
            };
            let deployed = Rule {
                name: name(stack, &rule.id, number),
                state: rule.state.clone(),
                pattern: filled(&rule.pattern, stack, cut),
            };
            (deployed, Some(vec![target]))
        };
        expected().iter().enumerate().map(rule).collect()
    }

    fn checks(deployed: &[Deployed]) -> Vec<(&'static str, bool, bool)> {
        let found = with("kms-watch", |stack| {
            judge(&expected(), deployed, stack, &health())
        });
        found
            .iter()
            .map(|finding| (finding.check, finding.silences, finding.held))
            .collect()
    }

    #[test]
    fn what_is_deployed_as_the_template_says_is_no_finding() {
        assert!(expected().len() > 15);
        assert_eq!(checks(&deployed("kms-watch", "kms-watch")), []);
        // Without their targets, as a light sweep has them.
        let mut light = deployed("kms-watch", "kms-watch");
        for (_, targets) in &mut light {
            *targets = None;
        }
        assert_eq!(checks(&light), []);
    }

    #[test]
    fn whatever_is_done_to_any_rule_is_found() {
        for number in 0..expected().len() {
            let changed = |change: &dyn Fn(&mut Deployed)| {
                let mut all = deployed("kms-watch", "kms-watch");
                change(&mut all[number]);
                checks(&all)
            };
            let id = &expected()[number].id;
            let disabled = changed(&|(rule, _)| "DISABLED".clone_into(&mut rule.state));
            assert_eq!(disabled, [("state", true, false)], "{id}");
            let narrowed = changed(&|(rule, _)| rule.pattern["detail"]["more"] = json!(["x"]));
            assert!(narrowed.contains(&("pattern", true, true)), "{id}");
            let other = changed(&|(rule, _)| {
                let account = &mut rule.pattern["account"];
                *account = json!(["444455556666"]);
            });
            assert!(other.contains(&("pattern", true, true)), "{id}");
            let emptied = changed(&|(_, targets)| *targets = Some(Vec::new()));
            assert_eq!(emptied, [("targets", true, false)], "{id}");
            let diverted = changed(&|(_, targets)| {
                "arn:aws:sns:eu-west-1:111122223333:other"
                    .clone_into(&mut targets.as_mut().unwrap()[0].arn);
            });
            assert_eq!(diverted, [("targets", true, true)], "{id}");
            let blanked =
                changed(&|(_, targets)| targets.as_mut().unwrap()[0].input = json!({"Input": "x"}));
            assert_eq!(blanked, [("input", true, true)], "{id}");
        }
        let mut fewer = deployed("kms-watch", "kms-watch");
        let last = fewer.pop().unwrap();
        assert_eq!(checks(&fewer), [("missing", true, true)], "{}", last.0.name);
    }

    #[test]
    fn a_long_stacks_name_is_cut_in_names_and_in_patterns() {
        let stack = "StackSet-kms-watch-5f0c1b7e-8a3d-4c52-9d0e-2b6f1a7c3e45";
        let cut = "StackSet-kms-watch-5f0c1b7";
        let rules = deployed(stack, cut);
        let found = with(stack, |it| judge(&expected(), &rules, it, &health()));
        assert_eq!(found.len(), 0, "{found:?}");
        // A pattern that asks for names as no cut one is.
        let wrong = rules.iter().map(|(rule, targets)| {
            let text = rule.pattern.to_string();
            let pattern = text.replace(&format!("\"{cut}\""), &format!("\"{stack}\""));
            let rule = Rule {
                pattern: serde_json::from_str(&pattern).unwrap(),
                ..rule.clone()
            };
            (rule, targets.clone())
        });
        let wrong: Vec<_> = wrong.collect();
        let found = with(stack, |it| judge(&expected(), &wrong, it, &health()));
        assert!(!found.is_empty());
    }
}
