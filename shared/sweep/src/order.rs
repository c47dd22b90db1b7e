//! What a schedule asks for. Pure.

use jiff::Timestamp;
use serde_json::Value;

/// How much of each key is looked at.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// The lists, and the keys that are new, gone, renamed, or in a state that changes by itself.
    Light,
    /// Everything about every key.
    Full,
}

impl Depth {
    /// The word of the schedule's input.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Full => "full",
        }
    }
}

/// What EventBridge Scheduler fills in, if it does (Scheduler User Guide, context attributes).
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// A sweep that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// How deep.
    pub depth: Depth,
    /// The time for which it was asked; `None` for now.
    pub at: Option<Timestamp>,
}

impl Order {
    /// Reads the input of a schedule, `{"sweep":"full"|"light","at":"<RFC 3339>"}`, or a scheduled event of EventBridge,
    /// which means everything. `None` for anything else.
    pub fn read(value: &Value) -> Option<Self> {
        if let Some(depth) = value.get("sweep") {
            let depth = match depth.as_str()? {
                "full" => Depth::Full,
                "light" => Depth::Light,
                _ => return None,
            };
            let at = match value.get("at") {
                None | Some(Value::Null) => None,
                // Not filled in: a sweep that counts from now is better than none.
                Some(at) if at == SCHEDULED_TIME => None,
                // A time that cannot be read is none of ours. A sweep at a wrong time would count down wrongly.
                Some(at) => Some(at.as_str()?.parse().ok()?),
            };
            return Some(Self { depth, at });
        }
        let scheduled = value["detail-type"] == "Scheduled Event"
            || matches!(
                value["source"].as_str(),
                Some("aws.events" | "aws.scheduler")
            );
        scheduled.then_some(Self {
            depth: Depth::Full,
            at: None,
        })
    }

    /// One sweep for several orders, as a queue of failed ones has them: the deepest, at the latest time.
    pub fn of_all(orders: &[Self]) -> Option<Self> {
        let depth = orders.iter().map(|order| order.depth).max()?;
        let now = orders.iter().any(|order| order.at.is_none());
        let at = orders.iter().filter_map(|order| order.at).max();
        Some(Self {
            depth,
            at: at.filter(|_| !now),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_says_how_deep_and_when() {
        let at = "2026-11-20T10:00:00Z".parse().ok();
        for (input, expected) in [
            (
                json!({"sweep": "full", "at": "2026-11-20T10:00:00Z"}),
                Some((Depth::Full, at)),
            ),
            (
                json!({"sweep": "light", "at": "2026-11-20T11:00:00+01:00"}),
                Some((Depth::Light, at)),
            ),
            (json!({"sweep": "light"}), Some((Depth::Light, None))),
            (
                json!({"sweep": "full", "at": null}),
                Some((Depth::Full, None)),
            ),
            (
                json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
                Some((Depth::Full, None)),
            ),
            (json!({"sweep": "deep"}), None),
            (json!({"sweep": 1}), None),
            (
                json!({"sweep": "full", "at": "<aws.scheduler.scheduled-time>"}),
                Some((Depth::Full, None)),
            ),
            (json!({"sweep": "full", "at": "<aws.scheduler.time>"}), None),
            (json!({"sweep": "full", "at": 5}), None),
            (
                json!({"source": "aws.kms", "detail-type": "KMS CMK Rotation", "detail": {}}),
                None,
            ),
            (json!([]), None),
            (json!("full"), None),
            (json!(null), None),
        ] {
            let order = Order::read(&input).map(|order| (order.depth, order.at));
            assert_eq!(order, expected, "{input}");
        }
    }

    #[test]
    fn orders_that_waited_are_one_sweep() {
        let order = |depth, at: Option<&str>| Order {
            depth,
            at: at.and_then(|at| at.parse().ok()),
        };
        let (early, late) = (Some("2026-11-20T10:00:00Z"), Some("2026-11-20T11:00:00Z"));
        let both = [order(Depth::Full, early), order(Depth::Light, late)];
        assert_eq!(Order::of_all(&both), Some(order(Depth::Full, late)));
        let now = [order(Depth::Light, early), order(Depth::Light, None)];
        assert_eq!(Order::of_all(&now), Some(order(Depth::Light, None)));
        assert_eq!(Order::of_all(&[]), None);
    }
}
