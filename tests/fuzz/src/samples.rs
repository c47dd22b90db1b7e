//! What inputs are made of: the events of `events/`, taken apart, and some of what KMS answers and policies say.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::target::{FUNCTIONS, wrappers};
use crate::world::{block_on, function};

/// The samples of the repository.
pub static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
    let events = events().unwrap_or_else(|error| panic!("the samples of the fuzzer: {error}"));
    let policies = policies(&events);
    Samples::of(
        events
            .into_iter()
            .map(|(_, event)| event)
            .chain(worlds())
            .chain(policies)
            .chain(statements()),
    )
});

/// Values, by the name of the member that they are.
#[derive(Debug, Default)]
pub struct Samples {
    by_name: BTreeMap<String, Vec<Value>>,
    names: Vec<String>,
    all: Vec<Value>,
}

impl Samples {
    /// The values of these, taken apart.
    pub fn of(values: impl IntoIterator<Item = Value>) -> Self {
        let mut samples = Self::default();
        for value in values {
            samples.take_apart(&value, None);
            samples.all.push(value);
        }
        samples.names = samples.by_name.keys().cloned().collect();
        samples
    }

    fn take_apart(&mut self, value: &Value, name: Option<&str>) {
        if let Some(name) = name {
            let known = self.by_name.entry(name.to_owned()).or_default();
            if !known.contains(value) {
                known.push(value.clone());
            }
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.take_apart(item, name)),
            Value::Object(members) => {
                for (name, member) in members {
                    self.take_apart(member, Some(name));
                }
            }
            Value::String(text) if text.starts_with('{') => {
                if let Ok(inner) = serde_json::from_str::<Value>(text) {
                    self.take_apart(&inner, None);
                }
            }
            _ => {}
        }
    }

    /// A value that is a member of this name somewhere.
    pub fn named(&self, name: &str, rng: &mut Rng) -> Option<&Value> {
        pick(self.by_name.get(name)?, rng)
    }

    /// The name of a member.
    pub fn name(&self, rng: &mut Rng) -> Option<&str> {
        pick(&self.names, rng).map(String::as_str)
    }

    /// Any value.
    pub fn any(&self, rng: &mut Rng) -> Option<&Value> {
        match rng.u8(..8) {
            0 => pick(&self.all, rng),
            _ => self.named(self.name(rng)?, rng),
        }
    }
}

fn pick<'a, T>(all: &'a [T], rng: &mut Rng) -> Option<&'a T> {
    (!all.is_empty()).then(|| &all[rng.usize(..all.len())])
}

/// Every file of `events/`, with its path from there.
///
/// # Errors
///
/// If a file cannot be read, or is no JSON.
pub fn events() -> io::Result<Vec<(PathBuf, Value)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let mut found = Vec::new();
    for folder in sorted(&root)? {
        for file in sorted(&folder)? {
            let event = serde_json::from_slice(&fs::read(&file)?)?;
            let name = file.strip_prefix(&root).unwrap_or(&file).to_owned();
            found.push((name, event));
        }
    }
    Ok(found)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// What KMS may answer: on a good day, of a key that is going away, of an imported key, nothing at all, and lies.
pub fn worlds() -> [Value; 5] {
    let root = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Enable IAM policies", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}]});
    let denied = json!({"error": ["AccessDeniedException", "User: arn:aws:sts::111122223333:assumed-role/f/f is not authorized"]});
    let names = [
        "metadata",
        "aliases",
        "tags",
        "rotation",
        "materials",
        "policy",
        "lastUsage",
        "keyStore",
        "keyCount",
    ];
    let all = |answer: &Value| {
        names
            .iter()
            .map(|name| ((*name).to_owned(), answer.clone()))
            .collect::<Value>()
    };
    let mut good = json!({
        "metadata": {"state": "Enabled", "manager": "CUSTOMER", "origin": "AWS_KMS", "spec": "SYMMETRIC_DEFAULT",
            "usage": "ENCRYPT_DECRYPT", "description": "orders database", "createdAt": "2024-01-02T03:04:05Z",
            "currentMaterial": "9e3b1c5d7f9a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e2f4a6b8c0d2e4f6a8b0c"},
        "aliases": ["alias/payments", "alias/orders"],
        "tags": {"Owner": "team-pay", "stage": "prod"},
        "rotation": {"enabled": true, "periodDays": 365, "nextAt": "2026-06-01T00:00:00Z"},
        "materials": [{"id": "9e3b1c5d7f9a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e2f4a6b8c0d2e4f6a8b0c", "state": "CURRENT"}],
        "policy": root.to_string(),
        "lastUsage": {"used": {"at": "2026-02-13T12:00:00Z", "operation": "Decrypt", "eventId": "e"},
            "trackedSince": "2025-06-01T00:00:00Z", "createdAt": "2024-01-02T03:04:05Z"},
        "keyStore": {"name": "store", "kind": "EXTERNAL_KEY_STORE", "connectionState": "FAILED", "errorCode": "XKS_PROXY_NOT_REACHABLE"},
        "keyCount": 12
    });
    let first = good.clone();
    good["metadata"]["state"] = "PendingDeletion".into();
    good["metadata"]["deletionAt"] = "2026-03-16T12:00:00Z".into();
    good["metadata"]["multiRegion"] = json!({"type": "PRIMARY", "primary": null, "replicas": [
        {"arn": "arn:aws:kms:eu-west-1:111122223333:key/mrk-1", "region": "eu-west-1"}]});
    good["aliases"] = json!([]);
    good["policy"] = json!({"error": ["Timeout", ""]});
    let going = good.clone();
    good["metadata"]["state"] = "Enabled".into();
    good["metadata"]["origin"] = "EXTERNAL".into();
    good["metadata"]["expiresAt"] = "2026-02-20T00:00:00Z".into();
    good["materials"] = json!([{"id": "a", "state": "CURRENT", "imported": true, "validTo": "2026-02-20T00:00:00Z"},
        {"id": "b", "state": "NON_CURRENT", "imported": false, "rotatedAt": "2025-01-01T00:00:00Z"}]);
    good["lastUsage"] = json!({"error": ["ThrottlingException", "Rate exceeded"]});
    let imported = good.clone();
    good["metadata"] = json!({"error": ["NotFoundException", "Key 'k' does not exist"]});
    good["metadata"]["description"] = "x\u{202e}https://evil.example \u{0}`<!channel>`".into();
    good["aliases"] = json!(["alias/\u{202e}www.evil.example", "alias/` *x*"]);
    good["tags"] = json!({"owner": "<https://evil.example|team>", "Owner": "\r\nSubject: x"});
    good["policy"] = "{".into();
    [first, going, imported, all(&denied), good]
}

/// Policies of `events/`, each once, as JSON.
fn policies(events: &[(PathBuf, Value)]) -> Vec<Value> {
    let mut found = Vec::new();
    for (_, event) in events {
        let policy = event
            .pointer("/detail/requestParameters/policy")
            .and_then(Value::as_str);
        if let Some(Ok(policy)) = policy.map(serde_json::from_str::<Value>)
            && !found.contains(&policy)
        {
            found.push(policy);
        }
    }
    found
}

/// A policy with a statement of each kind that is judged in its own way.
fn statements() -> Option<Value> {
    const PRINCIPALS: &str = r#"["*", {"AWS": "*"}, {"AWS": "arn:aws:iam::111122223333:root"}, {"AWS": "111122223333"},
        {"AWS": ["arn:aws:iam::444455556666:role/r", "arn:aws:iam::111122223333:user/u"]}, {"AWS": "AROAEXAMPLEEXAMPLE00"},
        {"Service": "logs.us-east-1.amazonaws.com"}, {"Federated": "arn:aws:iam::111122223333:saml-provider/p"},
        {"CanonicalUser": "c"}, {"AWS": "arn:aws:sts::111122223333:assumed-role/r/s"}]"#;
    const ACTIONS: &str = r#"["kms:*", "kms:Decrypt", ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"], "*", "kms:Get*", "KMS:cancelkeydeletion",
        ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:CreateGrant", "kms:Sign"]]"#;
    const CONDITIONS: &str = r#"[{}, {"StringEquals": {"kms:CallerAccount": "111122223333"}}, {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:logs:us-east-1:111122223333:*"}}, {"StringEquals": {"aws:SourceAccount": "444455556666"}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-a/*"}}, {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/admin"}},
        {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}, {"Null": {"aws:PrincipalOrgID": "false"}},
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {"StringLikeIfExists": {"kms:CallerAccount": "????????????"}}]"#;
    let list = |text| serde_json::from_str::<Vec<Value>>(text).ok();
    let (principals, actions, conditions) = (list(PRINCIPALS)?, list(ACTIONS)?, list(CONDITIONS)?);
    let statements = (0..principals.len().max(conditions.len())).map(|n| {
        json!({"Sid": n.to_string(), "Effect": if n % 3 == 2 { "Deny" } else { "Allow" },
            "Principal": principals[n % principals.len()], "Action": actions[n % actions.len()], "Resource": "*",
            "Condition": conditions[n % conditions.len()]})
    });
    Some(json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()}))
}

/// Before libFuzzer reads its corpus: writes what the target begins with, if the environment says where.
pub fn begin(target: &str) {
    if let Some(directory) = std::env::var_os("FUZZ_SEEDS")
        && let Err(error) = write_seeds(Path::new(&directory), &[target])
    {
        panic!("what the fuzzer begins with: {error}");
    }
}

/// Writes what each of these targets begins with, one input a file.
///
/// # Errors
///
/// If a file cannot be read or written.
pub fn write_seeds(directory: &Path, targets: &[&str]) -> io::Result<()> {
    let events = events()?;
    for target in targets {
        let inputs = match *target {
            "policy" => policy_inputs(&events).unwrap_or_default(),
            target => event_inputs(target, &events),
        };
        let folder = directory.join(target);
        fs::create_dir_all(&folder)?;
        for (name, input) in inputs {
            fs::write(folder.join(name), input.to_string())?;
        }
    }
    Ok(())
}

/// Each sample event, in one of the worlds.
fn event_inputs(target: &str, events: &[(PathBuf, Value)]) -> Vec<(String, Value)> {
    let worlds = worlds();
    let inputs = events.iter().enumerate().map(|(n, (path, event))| {
        let mut input = json!({"event": event, "kms": worlds[n % worlds.len()]});
        if target == "wrappers" {
            let layer = |at: usize| wrappers::LAYERS[(n + at) % wrappers::LAYERS.len()];
            input["layers"] = (0..=n % 4).map(layer).collect();
        } else {
            input["settings"] =
                json!({"TRUSTED_ACCOUNTS": "222233334444", "OWNER_TAG_KEY": "Owner"});
        }
        if target == "events" && n % 4 == 3 {
            input["broken"] = json!(["people"]);
        }
        if target == "ledger" {
            input["ledger"] = remembered(&input);
        }
        let name = path.to_string_lossy();
        (name.replace(std::path::MAIN_SEPARATOR, "-"), input)
    });
    inputs.collect()
}

/// Each policy of the samples, and each statement of the table beside two others.
fn policy_inputs(events: &[(PathBuf, Value)]) -> Option<Vec<(String, Value)>> {
    let table = statements()?;
    let statements = table["Statement"].as_array()?.clone();
    let one = |n: usize| statements[n % statements.len()].clone();
    let mut policies = policies(events);
    policies.push(table);
    let mut inputs = Vec::new();
    for (n, policy) in policies.iter().enumerate() {
        let before = &policies[(n + 1) % policies.len()];
        let input =
            json!({"before": before, "after": policy, "add": one(n), "trusted": ["222233334444"]});
        inputs.push((format!("{n}.json"), input));
    }
    for n in 0..statements.len() {
        let (before, after) = ([one(n)], [one(n + 1), one(n + 5)]);
        let input = json!({"before": {"Statement": before}, "after": {"Statement": after}, "add": one(n + 3)});
        inputs.push((format!("statement-{n}.json"), input));
    }
    Some(inputs)
}

/// The ledger after the functions handled an event.
fn remembered(input: &Value) -> Value {
    let items = FUNCTIONS.iter().flat_map(|(name, decide)| {
        let watch = function(name, *decide, input);
        // A topic may be broken: then the claim is still held.
        drop(block_on(watch.handle(&input["event"], "before")));
        let items = watch.ledger.map(|ledger| ledger.items.into_inner());
        items.unwrap_or_default().into_values().map(Value::Object)
    });
    items.collect()
}
