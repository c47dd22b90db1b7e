//! Those who try to hide one act from the watch: behind others, behind another owner, by forged items of its ledger, by
//! what they do to the watch itself.

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_core::ledger::burst::{Window, second};
use watch_core::ledger::{Claim, ItemKey};
use watch_local::KeyState;

use super::{Actors, Deed, Plan, Sort};
use crate::event;

/// An account that is not of the own organisation.
const FOREIGN: &str = "arn:aws:iam::444455556666:root";

/// What is done to a key: as a decoy so that nobody minds, in earnest so that somebody has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Grant,
    Policy,
    Disable,
    Schedule,
}

impl Act {
    const ALL: [Self; 4] = [Self::Grant, Self::Policy, Self::Disable, Self::Schedule];

    /// The kind of alert that it is worth.
    fn kind(self) -> &'static str {
        match self {
            Self::Grant => "GrantCreated",
            Self::Policy => "KeyPolicyChanged",
            Self::Disable => "KeyDisabled",
            Self::Schedule => "KeyDeletionScheduled",
        }
    }
}

/// How an act is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruse {
    OtherKeys,
    SameKey,
    SameOwner,
    Retag,
    Forgery,
    Tampering,
    Blind,
}

impl Ruse {
    const ALL: [Self; 7] = [
        Self::OtherKeys,
        Self::SameKey,
        Self::SameOwner,
        Self::Retag,
        Self::Forgery,
        Self::Tampering,
        Self::Blind,
    ];

    /// In words, for the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OtherKeys => "among decoys on other keys",
            Self::SameKey => "among decoys on the same key",
            Self::SameOwner => "among decoys of the same owner",
            Self::Retag => "behind another owner tag",
            Self::Forgery => "behind forged items of the ledger",
            Self::Tampering => "against the watch itself",
            Self::Blind => super::super::BLIND,
        }
    }
}

/// A part of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Others see so many of these every day.
    Decoy(Act),
    /// What is to be hidden.
    Harm(Act, Ruse),
    /// The key belongs to somebody else from now on.
    Retag,
    /// The ledger says that everything was told.
    Forge(Act),
    /// A call against the watch, as in the sample with this number.
    Tamper(usize),
    /// Those on call put it right.
    Mend(Act),
}

/// Calls that people have to hear of, whoever makes them.
const TAMPERING: [&str; 12] = [
    "ct-disable-rule",
    "ct-put-targets",
    "ct-update-function-configuration",
    "ct-unsubscribe",
    "ct-purge-queue",
    "ct-put-alarm-mute-rule-for-years",
    "ct-put-role-policy",
    "ct-put-rule-disabled",
    "ct-stop-logging",
    "ct-update-time-to-live",
    "ct-delete-alarms",
    "ct-put-function-concurrency-0",
];

/// An item of the ledger that an attacker writes.
#[derive(Debug)]
pub(in super::super) struct Forgery {
    pub(in super::super) item: ItemKey,
    pub(in super::super) attributes: Value,
}

impl Actors {
    /// One act, and what is to hide it, within some minutes.
    pub(super) fn plan_attack(&mut self, actor: usize) {
        let act = Act::ALL[self.dice.usize(0..Act::ALL.len())];
        let ruse = Ruse::ALL[self.dice.usize(0..Ruse::ALL.len())];
        let mut keys: Vec<usize> = (0..self.keys.len()).collect();
        keys.retain(|key| {
            let key = &self.keys[*key];
            key.sort == Sort::Symmetric && self.aws.key_state(&key.arn) == Some(KeyState::Enabled)
        });
        self.dice.shuffle(&mut keys);
        let Some(victim) = keys.pop() else {
            return;
        };
        self.attacks += 1;
        let decoys = self.dice.usize(6..10);
        let mut steps = Vec::new();
        match ruse {
            Ruse::OtherKeys | Ruse::SameOwner | Ruse::Forgery => {
                if ruse == Ruse::SameOwner {
                    let owner = self.keys[victim].owner;
                    keys.sort_by_key(|key| self.keys[*key].owner != owner);
                }
                keys.truncate(decoys);
                steps.extend(keys.iter().map(|key| (*key, Step::Decoy(act))));
            }
            // A key can be switched off once only.
            Ruse::SameKey if matches!(act, Act::Grant | Act::Policy) => {
                steps.extend((0..decoys).map(|_| (victim, Step::Decoy(act))));
            }
            Ruse::SameKey => {}
            Ruse::Retag => steps.push((victim, Step::Retag)),
            Ruse::Tampering => {
                let calls = self.dice.usize(1..10);
                for _ in 0..calls {
                    let call = self.dice.usize(0..TAMPERING.len());
                    steps.push((victim, Step::Tamper(call)));
                }
            }
            Ruse::Blind => steps.push((victim, Step::Tamper(0))),
        }
        if ruse == Ruse::Forgery {
            steps.push((victim, Step::Forge(act)));
        }
        if ruse != Ruse::Tampering {
            steps.push((victim, Step::Harm(act, ruse)));
        }
        let mut late = 0;
        for (key, step) in &steps {
            late += match step {
                // Right before the act: what was forged earlier would be written over.
                Step::Harm(..) if ruse == Ruse::Forgery => 10,
                _ => self.dice.i64(500..25_000),
            };
            self.plan(late, actor, *key, Deed::Attack(*step));
        }
        let helper = self.helper();
        let undone = steps
            .iter()
            .filter(|(_, step)| matches!(step, Step::Decoy(_) | Step::Harm(..)));
        for (key, _) in undone {
            // A sweep looks at every key once a day: what was done to a blind watch lasts until then.
            let hours = if ruse == Ruse::Blind { 30..40 } else { 1..4 };
            let late = self.dice.i64(hours) * 3_600_000 + self.dice.i64(0..600_000);
            self.plan(late, helper, *key, Deed::Attack(Step::Mend(act)));
        }
    }

    pub(super) fn plan(&mut self, late: i64, actor: usize, key: usize, deed: Deed) {
        let at = self.after(SignedDuration::from_millis(late));
        let place = self.plans.partition_point(|plan| plan.at <= at);
        let plan = Plan {
            at,
            actor,
            key,
            deed,
        };
        self.plans.insert(place, plan);
    }

    fn helper(&self) -> usize {
        let helper = self.callers.iter().position(|(name, _)| name == "ada");
        helper.unwrap_or_default()
    }

    pub(super) fn attack(&mut self, index: usize, step: Step, actor: usize) {
        let arn = self.keys[index].arn.clone();
        match step {
            Step::Decoy(act) => self.decoy(&arn, act),
            Step::Harm(act, ruse) => {
                self.ruse = Some(ruse.name());
                let owner = Some(self.keys[index].owner).filter(|owner| !owner.is_empty());
                self.robbed = owner.filter(|_| ruse == Ruse::Retag);
                self.aws
                    .set_last_use(&arn, Some(("Decrypt", self.aws.now())));
                self.harm(&arn, act);
                if ruse == Ruse::Forgery {
                    self.forging = Some(act.kind());
                }
            }
            Step::Retag => {
                let tag = json!({"TagKey": "Owner", "TagValue": "nobody"});
                self.call(&arn, "TagResource", json!({"Tags": [tag]}));
            }
            Step::Forge(act) => self.forge(&arn, act, actor),
            Step::Tamper(number) => {
                self.ruse = Some(Ruse::Tampering.name());
                self.tamper(number);
            }
            Step::Mend(act) => self.mend(index, act),
        }
    }

    fn decoy(&mut self, arn: &str, act: Act) {
        match act {
            Act::Grant => {
                let grantee = format!("arn:aws:iam::{}:role/App", self.aws.account());
                let grant = json!({"GranteePrincipal": grantee, "Operations": ["Decrypt"]});
                self.call(arn, "CreateGrant", grant);
            }
            Act::Policy => {
                let role = format!("arn:aws:iam::{}:role/App", self.aws.account());
                self.put_policy(arn, Some(&role));
            }
            Act::Disable => _ = self.call(arn, "DisableKey", json!({})),
            Act::Schedule => {
                self.call(
                    arn,
                    "ScheduleKeyDeletion",
                    json!({"PendingWindowInDays": 30}),
                );
            }
        }
    }

    fn harm(&mut self, arn: &str, act: Act) {
        match act {
            Act::Grant => {
                let grant = json!({"GranteePrincipal": FOREIGN, "Operations": ["Decrypt"]});
                self.call(arn, "CreateGrant", grant);
            }
            Act::Policy => _ = self.put_policy(arn, Some(FOREIGN)),
            Act::Disable => _ = self.call(arn, "DisableKey", json!({})),
            Act::Schedule => {
                self.call(
                    arn,
                    "ScheduleKeyDeletion",
                    json!({"PendingWindowInDays": 7}),
                );
            }
        }
    }

    fn mend(&mut self, index: usize, act: Act) {
        let arn = self.keys[index].arn.clone();
        match act {
            Act::Grant => {}
            Act::Policy => _ = self.put_policy(&arn, None),
            Act::Disable => _ = self.call(&arn, "EnableKey", json!({})),
            Act::Schedule => {
                if self.call(&arn, "CancelKeyDeletion", json!({})) {
                    self.call(&arn, "EnableKey", json!({}));
                }
            }
        }
        let owner = self.keys[index].owner;
        if !owner.is_empty() {
            // The tag, too, in case that it is another.
            let tags = self.ask(&arn, "ListResourceTags", json!({}));
            let is_own = tags.is_ok_and(|tags| tags["Tags"][0]["TagValue"] == owner);
            if !is_own {
                let tag = json!({"TagKey": "Owner", "TagValue": owner});
                self.call(&arn, "TagResource", json!({"Tags": [tag]}));
            }
        }
    }

    fn put_policy(&mut self, arn: &str, guest: Option<&str>) -> bool {
        // No two of them are the same.
        self.policies += 1;
        let policy = policy(self.aws.account(), guest, self.policies);
        self.call(
            arn,
            "PutKeyPolicy",
            json!({"PolicyName": "default", "Policy": policy}),
        )
    }

    /// The record of a call against the watch.
    fn tamper(&mut self, number: usize) {
        let mut record = event(&format!("watch-guard/{}.json", TAMPERING[number]));
        let now = self.aws.now().to_string();
        let id = format!("tampering-{:032x}", self.dice.u128(..));
        record["id"] = id.clone().into();
        record["time"] = now.clone().into();
        record["detail"]["eventTime"] = now.into();
        record["detail"]["eventID"] = id.into();
        self.records.push(record);
    }

    /// Says in the ledger that what is about to happen was told, and that nobody needs to hear of it.
    fn forge(&mut self, arn: &str, act: Act, actor: usize) {
        let now = self.aws.now();
        let (kind, session) = (act.kind(), &self.callers[actor].0);
        let account = format!("account#{}#{}", self.aws.account(), self.aws.region());
        let before = self.after(SignedDuration::from_hours(-25));
        let far = self.after(SignedDuration::from_hours(24 * 400));
        let mut forge = |item: ItemKey, attributes: Value| {
            self.forgeries.push(Forgery { item, attributes });
        };
        forge(
            ItemKey::new(arn, "profile"),
            json!({
                "swept": {kind: {"since": before, "until": far, "toldAs": "alert#2020-01-01T00:00:00Z#forged"}},
                "tellings": {kind: {"material": null, "at": now}},
                "held": [],
                "owned": {},
            }),
        );
        self.policies += 1;
        let hostile = policy(self.aws.account(), Some(FOREIGN), self.policies + 1);
        forge(
            ItemKey::new(arn, "policy"),
            json!({"policy": hostile, "asOf": now}),
        );
        let who = format!(
            "AssumedRole arn:aws:sts::{}:assumed-role/{ROLE}/{session}",
            self.aws.account()
        );
        let mut counter = json!({"n": 1_000, "ttl": far.as_second()});
        for place in 1..=50 {
            counter[format!("p{place:016}")] = place.into();
            counter[format!("m{place:016}")] = json!({"at": now, "alert": format!("forged-{place}"), "about": arn, "quiet": false});
        }
        for seconds in [0, 300] {
            let at = now + SignedDuration::from_secs(seconds);
            let window = Window::of_burst(&account, kind, &who, at);
            forge(window.counter(), counter.clone());
            let level = json!({"severity": "CRITICAL", "ttl": far.as_second()});
            forge(window.told(), level);
        }
        for seconds in 0..3 {
            let at = jiff::Timestamp::from_second(now.as_second() + seconds).unwrap_or(now);
            let full = json!({"n": 1_000, "ttl": far.as_second()});
            forge(second(&account, at), full);
        }
        forge(
            ItemKey::new(account.clone(), "sweep"),
            json!({"runAt": far, "fullAt": far}),
        );
        let open = json!({"pk": arn, "sk": "profile", "kind": kind, "until": far});
        forge(
            ItemKey::new(account, "bursts"),
            json!({"wforged": open, "wx": "y"}),
        );
    }

    /// Says in the ledger that the call of this record was told.
    pub(in super::super) fn forge_claims(&mut self, events: &[Value]) {
        let Some(kind) = self.forging.take() else {
            return;
        };
        for record in events {
            let detail = &record["detail"];
            let key = detail["resources"][0]["ARN"].as_str();
            let (Some(id), Some(key)) = (detail["eventID"].as_str(), key) else {
                continue;
            };
            let item = ItemKey::new(key, format!("claim#{kind}#call#{id}"));
            let now = self.aws.now();
            let claim = Claim::new(item.clone(), "forged", now, now);
            let topics = ["people", "chat", "feed"];
            let topics = topics.map(|name| self.aws.create_topic(name));
            let claim = claim.delivered(topics.into_iter().collect()).item();
            let mut attributes = Value::Object(claim);
            attributes["lease"] = self
                .after(SignedDuration::from_hours(24 * 400))
                .to_string()
                .into();
            for name in ["pk", "sk"] {
                attributes.as_object_mut().expect("an item").remove(name);
            }
            self.forgeries.push(Forgery { item, attributes });
        }
    }
}

/// The role of attackers.
pub(super) const ROLE: &str = "PowerUser";

/// A policy with a guest; `number` makes it another than the others.
fn policy(account: &str, guest: Option<&str>, number: u64) -> String {
    let root = format!("arn:aws:iam::{account}:root");
    let mut statements = vec![json!({
        "Sid": format!("Root{number}"), "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*",
    })];
    statements.extend(guest.map(|guest| {
        json!({"Sid": "Guest", "Effect": "Allow", "Principal": {"AWS": guest}, "Action": "kms:Decrypt", "Resource": "*"})
    }));
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}
