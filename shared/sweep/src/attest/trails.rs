//! Whether a trail records what the rules need.
//!
//! EventBridge gets a record of a call only if a trail logs it (EventBridge User Guide, events via CloudTrail). Reads, which
//! `key-misuse` needs, come only from a trail that logs reads.

use serde_json::Value;
use watch_core::answers::TrailData;
use watch_core::text;

use super::{Finding, Group};

const KMS: &str = "kms.amazonaws.com";

/// What a trail logs of KMS's management events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Logged {
    writes: bool,
    reads: bool,
}

/// What is wrong with the trails, all taken together.
pub fn judge(trails: &[TrailData]) -> Option<Finding> {
    let logged = trails
        .iter()
        .filter(|trail| trail.logging)
        .map(|trail| logged(&trail.selectors))
        .fold(Logged::default(), |all, one| Logged {
            writes: all.writes || one.writes,
            reads: all.reads || one.reads,
        });
    let what = match logged {
        Logged {
            writes: true,
            reads: true,
        } => return None,
        Logged { writes: true, .. } => {
            let what = text![
                "no trail logs read events of KMS, so KMS Watch sees no failed use of a key (Decrypt is a read event)"
            ];
            return Some(finding("reads", what));
        }
        Logged { .. } if trails.is_empty() => {
            text!["there is no trail, so hardly any call on a key reaches KMS Watch"]
        }
        Logged { .. } if trails.iter().all(|trail| !trail.logging) => {
            text!["no trail is logging, so hardly any call on a key reaches KMS Watch"]
        }
        Logged { .. } => text![
            "no trail logs the management events of KMS, so hardly any call on a key reaches KMS Watch"
        ],
    };
    Some(finding("trails", what).silencing())
}

fn finding(check: &'static str, what: watch_core::text::Text) -> Finding {
    let restore = "aws cloudtrail describe-trails".to_owned();
    Finding::new(Group::Trails, check, "trails", what)
        .held()
        .restore(Some(restore))
}

/// What selectors say, of whichever kind (CloudTrail API Reference, GetEventSelectors).
fn logged(selectors: &Value) -> Logged {
    let list = |name: &str| selectors[name].as_array().map_or(&[][..], Vec::as_slice);
    let advanced = list("AdvancedEventSelectors").iter().map(of_advanced);
    let basic = list("EventSelectors").iter().map(of_basic);
    advanced
        .chain(basic)
        .fold(Logged::default(), |all, one| Logged {
            writes: all.writes || one.writes,
            reads: all.reads || one.reads,
        })
}

fn of_basic(selector: &Value) -> Logged {
    let excluded = selector["ExcludeManagementEventSources"].as_array();
    let leaves_out = excluded.is_some_and(|sources| sources.iter().any(|source| source == KMS));
    if selector["IncludeManagementEvents"] == false || leaves_out {
        return Logged::default();
    }
    let kind = selector["ReadWriteType"].as_str().unwrap_or("All");
    Logged {
        writes: kind != "ReadOnly",
        reads: kind != "WriteOnly",
    }
}

/// A selector takes an event that each of its fields takes.
fn of_advanced(selector: &Value) -> Logged {
    let fields = selector["FieldSelectors"].as_array();
    let takes = |name: &str, value: &str| {
        let of_field = |field: &&Value| field["Field"] == name;
        let mut of_name = fields.into_iter().flatten().filter(of_field);
        of_name.all(|field| field_takes(field, value))
    };
    let kms = takes("eventCategory", "Management")
        && takes("eventSource", KMS)
        && takes("eventType", "AwsApiCall")
        // A selector for some calls only is none for keys as a whole.
        && fields.into_iter().flatten().all(|field| {
            ["eventCategory", "eventSource", "eventType", "readOnly"]
                .iter()
                .any(|name| field["Field"] == *name)
        });
    Logged {
        writes: kms && takes("readOnly", "false"),
        reads: kms && takes("readOnly", "true"),
    }
}

fn field_takes(field: &Value, value: &str) -> bool {
    let any = |operator: &str, test: fn(&str, &str) -> bool| {
        let values = field[operator].as_array()?;
        (!values.is_empty()).then(|| {
            let mut values = values.iter().filter_map(Value::as_str);
            values.any(|wanted| test(value, wanted))
        })
    };
    let equals: fn(&str, &str) -> bool = |value, wanted| value == wanted;
    let starts: fn(&str, &str) -> bool = |value, wanted| value.starts_with(wanted);
    let ends: fn(&str, &str) -> bool = |value, wanted| value.ends_with(wanted);
    any("Equals", equals).unwrap_or(true)
        && any("StartsWith", starts).unwrap_or(true)
        && any("EndsWith", ends).unwrap_or(true)
        && !any("NotEquals", equals).unwrap_or(false)
        && !any("NotStartsWith", starts).unwrap_or(false)
        && !any("NotEndsWith", ends).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trail(logging: bool, selectors: Value) -> TrailData {
        TrailData {
            arn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/main".to_owned(),
            logging,
            selectors,
        }
    }

    fn basic(kind: &str, management: bool, excluded: &[&str]) -> Value {
        json!({"EventSelectors": [{"ReadWriteType": kind, "IncludeManagementEvents": management,
            "ExcludeManagementEventSources": excluded, "DataResources": []}]})
    }

    fn advanced(fields: Value) -> Value {
        json!({"AdvancedEventSelectors": [{"Name": "n", "FieldSelectors": fields}]})
    }

    #[test]
    fn a_trail_must_log_the_management_events_of_kms_reads_and_writes() {
        let management = json!({"Field": "eventCategory", "Equals": ["Management"]});
        for (selectors, check) in [
            (basic("All", true, &[]), None),
            (basic("All", true, &["rdsdata.amazonaws.com"]), None),
            (basic("WriteOnly", true, &[]), Some("reads")),
            (basic("ReadOnly", true, &[]), Some("trails")),
            (basic("All", true, &[KMS]), Some("trails")),
            (basic("All", false, &[]), Some("trails")),
            (advanced(json!([management])), None),
            (
                advanced(json!([management, {"Field": "eventSource", "NotEquals": [KMS]}])),
                Some("trails"),
            ),
            (
                advanced(json!([management, {"Field": "eventSource", "Equals": [KMS]}])),
                None,
            ),
            (
                advanced(json!([management, {"Field": "readOnly", "Equals": ["false"]}])),
                Some("reads"),
            ),
            (
                advanced(json!([management, {"Field": "eventName", "Equals": ["Decrypt"]}])),
                Some("trails"),
            ),
            (
                advanced(json!([{"Field": "eventCategory", "Equals": ["Data"]}])),
                Some("trails"),
            ),
            (Value::Null, Some("trails")),
        ] {
            let found = judge(&[trail(true, selectors.clone())]);
            assert_eq!(found.map(|it| it.check), check, "{selectors}");
        }
        let off = trail(false, basic("All", true, &[]));
        assert_eq!(judge(std::slice::from_ref(&off)).unwrap().check, "trails");
        assert_eq!(judge(&[]).unwrap().check, "trails");
        // One that does is enough, and two may do it together.
        assert!(judge(&[off, trail(true, basic("All", true, &[]))]).is_none());
        let halves = ["ReadOnly", "WriteOnly"].map(|kind| trail(true, basic(kind, true, &[])));
        assert!(judge(&halves).is_none());
    }
}
