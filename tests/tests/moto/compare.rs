//! Two lists of answers against the table of differences that are known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::side::{Answer, Side};

/// Stands for a member where the two end differently.
const OUTCOME: &str = "outcome";

/// A difference that has been looked into.
#[derive(Debug)]
pub(crate) struct Known {
    /// The steps, as a list; `*` at the end of a name stands for any rest.
    pub(crate) steps: &'static [&'static str],
    /// The member, as `KeyMetadata.KeyState` or `Keys.0.KeyId`, or `outcome`; `*` at the end stands for any rest.
    pub(crate) member: &'static str,
    /// What the simulator answers; empty: nothing; `*`: whatever.
    pub(crate) ours: &'static str,
    /// What moto answers.
    pub(crate) moto: &'static str,
    /// Who is right, by what.
    pub(crate) why: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
struct Difference {
    step: String,
    member: String,
    ours: String,
    moto: String,
}

impl Known {
    fn covers(&self, difference: &Difference) -> bool {
        self.steps.iter().any(|step| fits(step, &difference.step))
            && fits(self.member, &difference.member)
            && fits(self.ours, &difference.ours)
            && fits(self.moto, &difference.moto)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => pattern == text,
    }
}

/// Fails on every difference that no row explains, and on every row, and every step of a row, that explains none.
pub(crate) fn compare(ours: &Side, moto: &Side, known: &[Known]) {
    let differences = differences(&ours.answers, &moto.answers);
    let mut complaints: Vec<String> = differences
        .iter()
        .filter(|difference| !known.iter().any(|row| row.covers(difference)))
        .map(|new| {
            format!(
                "{}: {}: ours {:?}, moto {:?}",
                new.step, new.member, new.ours, new.moto
            )
        })
        .collect();
    for row in known {
        assert!(!row.why.is_empty());
        for step in row.steps {
            let occurs = differences
                .iter()
                .any(|difference| fits(step, &difference.step) && row.covers(difference));
            if !occurs {
                complaints.push(format!("no more: {step}: {}: {}", row.member, row.why));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn differences(ours: &[(String, Answer)], moto: &[(String, Answer)]) -> Vec<Difference> {
    let steps = |answers: &[(String, Answer)]| -> Vec<String> {
        answers.iter().map(|(step, _)| step.clone()).collect()
    };
    assert_eq!(steps(ours), steps(moto));
    let mut all = Vec::new();
    for ((step, ours), (_, moto)) in ours.iter().zip(moto) {
        let mut differ = |member: &str, ours: &str, moto: &str| {
            if ours != moto {
                all.push(Difference {
                    step: step.clone(),
                    member: member.to_owned(),
                    ours: ours.to_owned(),
                    moto: moto.to_owned(),
                });
            }
        };
        differ(OUTCOME, &ours.outcome, &moto.outcome);
        if ours.outcome != moto.outcome {
            continue;
        }
        let (ours, moto) = (flat(&ours.members), flat(&moto.members));
        let members: BTreeSet<_> = ours.keys().chain(moto.keys()).collect();
        let value = |side: &BTreeMap<String, String>, member| side.get(member).cloned();
        for member in members {
            let [ours, moto] = [&ours, &moto].map(|side| value(side, member).unwrap_or_default());
            differ(member, &ours, &moto);
        }
    }
    all
}

/// Every leaf by its path.
fn flat(value: &Value) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
        let below = |name: &str| match path {
            "" => name.to_owned(),
            _ => format!("{path}.{name}"),
        };
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    walk(&below(name), value, leaves);
                }
            }
            Value::Array(entries) if !entries.is_empty() => {
                for (index, value) in entries.iter().enumerate() {
                    walk(&below(&index.to_string()), value, leaves);
                }
            }
            Value::String(text) => _ = leaves.insert(path.to_owned(), text.clone()),
            // Operations that return nothing: no body, `{}` and `null` are the same to an SDK.
            Value::Object(_) | Value::Null if path.is_empty() => {}
            other => _ = leaves.insert(path.to_owned(), other.to_string()),
        }
    }
    let mut leaves = BTreeMap::new();
    walk("", value, &mut leaves);
    leaves
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers(outcome: &str, members: Value) -> Vec<(String, Answer)> {
        let outcome = outcome.to_owned();
        vec![("step".to_owned(), Answer { outcome, members })]
    }

    #[test]
    fn every_leaf_is_compared() {
        let ours = json!({"same": 1, "Keys": [{"KeyId": "a"}], "only": []});
        let moto = json!({"same": 1, "Keys": [{"KeyId": "b"}, {"KeyId": "c"}]});
        let all = differences(&answers("200", ours.clone()), &answers("200", moto));
        let found: Vec<_> = all
            .iter()
            .map(|d| (d.member.as_str(), d.ours.as_str(), d.moto.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("Keys.0.KeyId", "a", "b"),
                ("Keys.1.KeyId", "", "c"),
                ("only", "[]", "")
            ]
        );
        let failed = answers("400 NotFoundException", json!({}));
        let all = differences(&answers("200", ours), &failed);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].moto, "400 NotFoundException");
    }

    #[test]
    fn a_row_covers_what_it_names_and_no_more() {
        let row = Known {
            steps: &["create*"],
            member: "KeyMetadata.*",
            ours: "1",
            moto: "",
            why: "known",
        };
        let difference = |step: &str, member: &str, ours: &str| Difference {
            step: step.to_owned(),
            member: member.to_owned(),
            ours: ours.to_owned(),
            moto: String::new(),
        };
        assert!(row.covers(&difference("create a key", "KeyMetadata.A", "1")));
        assert!(!row.covers(&difference("describe", "KeyMetadata.A", "1")));
        assert!(!row.covers(&difference("create a key", "A", "1")));
        assert!(!row.covers(&difference("create a key", "KeyMetadata.A", "2")));
    }
}
