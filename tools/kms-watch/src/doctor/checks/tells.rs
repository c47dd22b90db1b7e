//! Whether people are reached, and hear if they would not be.

use std::collections::BTreeMap;

use watch_core::answers::AlarmData;
use watch_core::ports::CallErrorKind;
use watch_core::step::is_bare;
use watch_sweep::attest::{Audience, listeners};
use watch_template::Template;

use super::super::answers::Answers;
use super::super::verdict::{DEPLOY, Verdict, name, names};

/// What the names of alarms on throttled functions end with, in the template.
pub(super) const THROTTLES: &str = "Throttles";
/// The topics that a stack may have.
const TOPICS: [(&str, Audience); 4] = [
    ("AlertTopic", Audience::Alerts),
    ("HealthTopic", Audience::Health),
    ("ChatAlertTopic", Audience::Alerts),
    ("FeedAlertTopic", Audience::Alerts),
];

fn list_subscriptions(answers: &Answers, topic: &str) -> String {
    let arn = answers.parts.get(topic).map_or("", String::as_str);
    let region = answers.place.region.as_str();
    format!("aws sns list-subscriptions-by-topic --topic-arn {arn} --region {region}")
}

/// Whether everybody who is subscribed has confirmed it, and every topic has somebody.
pub(super) fn subscriptions(answers: &Answers) -> Verdict {
    let mut unseen = None;
    let mut heard = Vec::new();
    for (topic, _) in TOPICS {
        let Some(asked) = answers.topics.get(topic) else {
            continue;
        };
        let subscriptions = match asked {
            Ok(subscriptions) => subscriptions,
            Err(error) => {
                unseen = unseen.or(Some(Verdict::unseen(error)));
                continue;
            }
        };
        let confirmed = subscriptions.iter().filter(|it| it.confirmed).count();
        let waiting = subscriptions.len() - confirmed;
        if waiting > 0 {
            return Verdict::failed(
                format!(
                    "{waiting} subscriptions of {topic} are not confirmed: SNS sends them nothing"
                ),
                "follow the link in the mail of SNS; after two days subscribe again",
            );
        }
        if confirmed == 0 {
            return Verdict::failed(
                format!("nobody is subscribed to {topic}: nobody gets what goes there"),
                format!("subscribe somebody: {}", list_subscriptions(answers, topic)),
            );
        }
        heard.push(format!("{confirmed} of {topic}"));
    }
    match unseen {
        Some(verdict) => verdict,
        None if heard.is_empty() => Verdict::failed("the stack has no topics", DEPLOY),
        None => Verdict::well(format!("confirmed subscriptions: {}", heard.join(", "))),
    }
}

/// Whether somebody gets all that is critical, whatever filter policies say.
pub(super) fn filters(answers: &Answers) -> Verdict {
    let mut unseen = None;
    for (topic, audience) in TOPICS {
        match answers.topics.get(topic) {
            None => {}
            Some(Err(error)) => unseen = unseen.or(Some(Verdict::unseen(error))),
            Some(Ok(subscriptions)) => {
                let confirmed = subscriptions.iter().any(|it| it.confirmed);
                if confirmed && listeners(subscriptions, audience) == 0 {
                    return Verdict::failed(
                        format!(
                            "no confirmed subscription of {topic} gets all that is critical: filter policies keep it away"
                        ),
                        format!(
                            "subscribe somebody without a filter policy; {}",
                            list_subscriptions(answers, topic)
                        ),
                    );
                }
            }
        }
    }
    unseen.unwrap_or_else(|| Verdict::well("on every topic somebody gets all that is critical"))
}

/// Whether something waits that nobody was told of.
pub(super) fn queues(answers: &Answers) -> Verdict {
    let mut unseen = None;
    let mut waiting = Vec::new();
    for (queue, asked) in &answers.queues {
        let attributes = match asked {
            Ok(attributes) => attributes,
            Err(error) if error.kind() == CallErrorKind::NotFound => {
                return Verdict::failed(
                    format!("{queue} is not there: what fails is lost"),
                    DEPLOY,
                );
            }
            Err(error) => {
                unseen = unseen.or(Some(Verdict::unseen(error)));
                continue;
            }
        };
        let count = |name: &str| attributes.get(name).and_then(|it| it.parse::<u64>().ok());
        let Some(visible) = count("ApproximateNumberOfMessages") else {
            unseen = Some(Verdict::early(format!(
                "SQS did not say how many messages are in {queue}"
            )));
            continue;
        };
        let all = visible + count("ApproximateNumberOfMessagesNotVisible").unwrap_or(0);
        if all > 0 {
            waiting.push(format!("{all} messages in {queue}"));
        }
    }
    if !waiting.is_empty() {
        return Verdict::failed(
            format!(
                "{}: events that were not handled, and of which nobody was told",
                waiting.join(", ")
            ),
            "look at the function's log for the cause, then kms-watch redrive",
        );
    }
    if answers.queues.is_empty() {
        return Verdict::failed("the stack has no queues: what fails is lost", DEPLOY);
    }
    unseen.unwrap_or_else(|| Verdict::well("the queues of failures are empty"))
}

/// The alarms of the stack by logical ids, and whether the template lets them tell the health topic.
fn deployed(answers: &Answers) -> Vec<(String, &str, bool)> {
    let template = Template::read();
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    alarms
        .filter_map(|(id, properties)| {
            let physical = answers.parts.get(id)?;
            let tells = properties["AlarmActions"].is_array();
            Some((id.to_owned(), physical.as_str(), tells))
        })
        .collect()
}

fn by_name(alarms: &[AlarmData]) -> BTreeMap<&str, &AlarmData> {
    alarms
        .iter()
        .map(|alarm| (alarm.name.as_str(), alarm))
        .collect()
}

/// Whether every alarm is there, and those that tell people can.
pub(super) fn alarms(answers: &Answers) -> Verdict {
    let there = match &answers.alarms {
        Ok(alarms) => by_name(alarms),
        Err(error) => return Verdict::unseen(error),
    };
    let deployed = deployed(answers);
    if deployed.is_empty() {
        return Verdict::failed("the stack has no alarms", DEPLOY);
    }
    let not = |wrong: &dyn Fn(&AlarmData, bool) -> bool| -> Vec<&str> {
        let of = deployed.iter().filter(|(_, physical, tells)| {
            there
                .get(physical)
                .is_some_and(|alarm| wrong(alarm, *tells))
        });
        of.map(|(_, physical, _)| *physical).collect()
    };
    let gone: Vec<_> = deployed
        .iter()
        .filter(|(_, physical, _)| !there.contains_key(physical))
        .map(|(id, ..)| id.as_str())
        .collect();
    if !gone.is_empty() {
        return Verdict::failed(format!("alarms are missing: {}", names(gone)), DEPLOY);
    }
    let off = not(&|alarm, _| !alarm.actions_enabled);
    if !off.is_empty() {
        let bare: Vec<_> = off
            .iter()
            .copied()
            .filter(|name| is_bare(name))
            .take(20)
            .collect();
        let region = answers.place.region.as_str();
        let fix = format!(
            "aws cloudwatch enable-alarm-actions --alarm-names {} --region {region}",
            bare.join(" ")
        );
        return Verdict::failed(format!("actions are disabled: {}", names(off)), fix);
    }
    let topic = answers.place.health_topic.as_str();
    let mute = not(&|alarm, tells| tells && !alarm.actions.iter().any(|to| to == topic));
    if !mute.is_empty() {
        return Verdict::failed(
            format!("alarms do not tell the health topic: {}", names(mute)),
            DEPLOY,
        );
    }
    let telling = deployed.iter().filter(|(.., tells)| *tells).count();
    Verdict::well(format!(
        "{} alarms are there, and {telling} tell the health topic",
        deployed.len()
    ))
}

/// Whether a rule mutes an alarm of the stack.
pub(super) fn mutes(answers: &Answers) -> Verdict {
    let rules = match &answers.mutes {
        Ok(rules) => rules,
        Err(error) => return Verdict::unseen(error),
    };
    let deployed = deployed(answers);
    let mutes = |name: &String| deployed.iter().any(|(_, physical, _)| physical == name);
    let muting: Vec<_> = rules
        .iter()
        .filter(|rule| rule.alarms.iter().any(mutes))
        .map(|rule| rule.name.as_str())
        .collect();
    let Some(first) = muting.first() else {
        return Verdict::well("no rule mutes an alarm of the stack");
    };
    let fix = if is_bare(first) {
        format!("aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name {first}")
    } else {
        "delete the rule in CloudWatch".to_owned()
    };
    let what = format!(
        "rules mute alarms of the stack, now or later: {}",
        names(muting)
    );
    Verdict::failed(what, fix)
}

/// The alarms of the watch itself that are on, by logical ids.
pub(super) fn alarming(
    answers: &Answers,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<&str>, Verdict> {
    let there = answers.alarms.as_ref().map_err(Verdict::unseen)?;
    let there = by_name(there);
    let deployed = deployed(answers).into_iter();
    let mut on = Vec::new();
    for (_, physical, _) in deployed.filter(|(id, _, tells)| *tells && wanted(id)) {
        match there.get(physical) {
            Some(alarm) if alarm.state == "ALARM" => on.push(physical),
            Some(_) => {}
            None => {
                return Err(Verdict::failed(
                    format!("{} is not there", name(physical)),
                    DEPLOY,
                ));
            }
        }
    }
    Ok(on)
}

/// Whether the watch says of itself that something is wrong.
pub(super) fn health(answers: &Answers) -> Verdict {
    match alarming(answers, |id| !id.ends_with(THROTTLES)) {
        Err(verdict) => verdict,
        Ok(on) if on.is_empty() => Verdict::well("no alarm on the watch itself is on"),
        Ok(on) => Verdict::failed(
            format!("alarms on the watch itself are on: {}", names(on)),
            "the description of each alarm says what to do",
        ),
    }
}
