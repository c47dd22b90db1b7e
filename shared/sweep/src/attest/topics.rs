//! Who listens.

use serde_json::Value;
use watch_core::answers::Subscription;
use watch_core::arn::TopicArn;
use watch_core::ports::CallError;
use watch_core::text;
use watch_core::text::Text;

use super::{Finding, Group};

/// A topic, by what goes over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Alerts, which have attributes that a filter policy may choose by.
    Alerts,
    /// What the watch says of itself: alarms and events, without attributes.
    Health,
}

impl Audience {
    /// Value of the metric's dimension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerts => "Alerts",
            Self::Health => "Health",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Alerts => "of alerts",
            Self::Health => "of the watch's own health",
        }
    }
}

/// How many subscriptions get every message that must not be missed: alerts that are critical, whatever they are about;
/// of a health topic, all.
pub fn listeners(subscriptions: &[Subscription], audience: Audience) -> usize {
    let hears = |subscription: &&Subscription| {
        subscription.confirmed
            && match (&subscription.filter, audience) {
                (None, _) => true,
                (Some(filter), Audience::Alerts) if !subscription.filters_body => {
                    lets_all_critical_through(filter)
                }
                // Alarms have no attributes, and their bodies are CloudWatch's.
                (Some(_), _) => false,
            }
    };
    subscriptions.iter().filter(hears).count()
}

/// What a topic's subscriptions, or that they may not be seen, say of the watch.
pub fn of_topic(
    topic: &TopicArn,
    audience: Audience,
    subscriptions: &Result<Vec<Subscription>, CallError>,
) -> Option<Finding> {
    let region = topic.region().as_str();
    let finding = |check, what: Text| {
        let command = format!(
            "aws sns list-subscriptions-by-topic --topic-arn {} --region {region}",
            topic.as_str()
        );
        Finding::new(Group::Topics, check, topic.as_str(), what).restore(Some(command))
    };
    let subscriptions = match subscriptions {
        Ok(subscriptions) => subscriptions,
        Err(error) => {
            let what = text![
                "KMS Watch cannot see whether anybody is subscribed to the topic ",
                audience.words(),
                " (",
                error.reason(),
                ")"
            ];
            return Some(finding("unseen", what));
        }
    };
    if listeners(subscriptions, audience) > 0 {
        return None;
    }
    let confirmed = subscriptions.iter().filter(|it| it.confirmed).count();
    let waiting = subscriptions.len() - confirmed;
    let what = if confirmed > 0 {
        text![
            "filter policies limit every subscription of the topic ",
            audience.words(),
            ", so nobody gets every CRITICAL alert"
        ]
    } else if waiting > 0 {
        text![
            "no subscription of the topic ",
            audience.words(),
            " is confirmed, so nobody is notified. The link in the confirmation message is valid for two days"
        ]
    } else {
        text![
            "nobody is subscribed to the topic ",
            audience.words(),
            ", so nobody is notified"
        ]
    };
    let check = if confirmed > 0 {
        "filters"
    } else {
        "subscriptions"
    };
    Some(finding(check, what).silencing())
}

/// A filter policy on attributes that chooses by severity alone, and takes what is critical (SNS Developer Guide,
/// subscription filter policies). One that chooses by anything else leaves out some keys or kinds.
fn lets_all_critical_through(filter: &str) -> bool {
    let Ok(Value::Object(rules)) = serde_json::from_str(filter) else {
        return false;
    };
    rules.iter().all(|(attribute, values)| {
        let takes = |values: &Vec<Value>| values.iter().any(|value| value == "CRITICAL");
        attribute == "severity" && values.as_array().is_some_and(takes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic() -> TopicArn {
        "arn:aws:sns:us-east-1:111122223333:people".parse().unwrap()
    }

    fn subscription(confirmed: bool, filter: Option<&str>) -> Subscription {
        Subscription {
            confirmed,
            filter: filter.map(str::to_owned),
            ..Subscription::default()
        }
    }

    #[test]
    fn who_listens_is_whoever_gets_all_that_is_critical() {
        for (filter, hears_alerts) in [
            (None, true),
            (Some("{}"), true),
            (Some(r#"{"severity":["CRITICAL","HIGH"]}"#), true),
            (Some(r#"{"severity":["HIGH"]}"#), false),
            (Some(r#"{"severity":[{"anything-but":"CRITICAL"}]}"#), false),
            (Some(r#"{"owner":["team-pay"]}"#), false),
            (Some(r#"{"severity":["CRITICAL"],"keyId":["k"]}"#), false),
            (Some(r#"{"$or":[{"severity":["CRITICAL"]}]}"#), false),
            (Some("no JSON"), false),
        ] {
            let alone = [subscription(true, filter)];
            let heard = listeners(&alone, Audience::Alerts);
            assert_eq!(heard, usize::from(hears_alerts), "{filter:?}");
            let heard = listeners(&alone, Audience::Health);
            assert_eq!(heard, usize::from(filter.is_none()), "{filter:?}");
        }
        let mut body = subscription(true, Some("{}"));
        body.filters_body = true;
        assert_eq!(listeners(&[body], Audience::Alerts), 0);
        assert_eq!(listeners(&[subscription(false, None)], Audience::Alerts), 0);
    }

    #[test]
    fn that_nobody_listens_silences_and_that_nobody_can_see_it_is_said() {
        let check = |subscriptions: Vec<Subscription>| {
            let found = of_topic(&topic(), Audience::Alerts, &Ok(subscriptions))?;
            Some((found.check, found.silences))
        };
        let heard = subscription(true, None);
        let filtered = subscription(true, Some(r#"{"owner":["x"]}"#));
        assert_eq!(check(vec![heard.clone(), filtered.clone()]), None);
        assert_eq!(check(vec![filtered]), Some(("filters", true)));
        assert_eq!(check(Vec::new()), Some(("subscriptions", true)));
        let waiting = subscription(false, None);
        assert_eq!(check(vec![waiting]), Some(("subscriptions", true)));
        let denied = Err(CallError::new("AuthorizationError", "no"));
        let unseen = of_topic(&topic(), Audience::Alerts, &denied).unwrap();
        assert_eq!((unseen.check, unseen.silences), ("unseen", false));
    }
}
