//! The keys of an account, and those who do things to them.

mod attackers;

use std::collections::VecDeque;
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_local::{Caller, ImportedMaterial, KeySpec, KeyState, LocalAws, NewKey, parse_arn};

pub(super) use self::attackers::Forgery;
use self::attackers::{ROLE, Step};

/// Of those who do things, these try to hide what they do.
const ATTACKERS: [&str; 3] = ["mallory", "eve", "trudy"];

const REPLICA_REGION: &str = "eu-west-1";
const OWNERS: [&str; 9] = [
    "team-pay",
    "team-web",
    "team-fin",
    "team-data",
    "team-ops",
    "team-mail",
    "team-id",
    "team-ml",
    "",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Symmetric,
    Imported,
    /// Its replica is what is deleted, and made again.
    MultiRegion,
    Asymmetric,
}

#[derive(Debug)]
struct Key {
    arn: String,
    sort: Sort,
    /// By its tag; empty if there is none.
    owner: &'static str,
    /// Nobody will cancel its deletion.
    doomed: bool,
    /// What was ever imported.
    materials: Vec<Vec<u8>>,
}

/// What can be done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    EnableRotation,
    DisableRotation,
    RotateOnDemand,
    Schedule(i64),
    Cancel,
    Import,
    DeleteMaterial,
    Use,
    Attack(Step),
}

/// A deed that is planned.
#[derive(Debug)]
struct Plan {
    at: Timestamp,
    actor: usize,
    key: usize,
    deed: Deed,
}

/// The keys and those who do things to them.
pub(super) struct Actors {
    aws: Arc<LocalAws>,
    dice: Rng,
    keys: Vec<Key>,
    callers: Vec<(String, Caller)>,
    plans: VecDeque<Plan>,
    made: usize,
    deeds: u64,
    /// One in so many deeds is an attack; none if 0.
    attack_every: u32,
    /// Policies that were put.
    policies: u64,
    /// Kind of the act of which the ledger is to say that it was told.
    forging: Option<&'static str>,
    /// How what was just done is hidden, and from whom.
    pub(super) ruse: Option<&'static str>,
    pub(super) robbed: Option<&'static str>,
    /// Records of calls to services that are not simulated.
    pub(super) records: Vec<Value>,
    pub(super) forgeries: Vec<Forgery>,
    pub(super) mass_actions: u64,
    pub(super) attacks: u64,
}

impl Actors {
    pub(super) fn new(aws: Arc<LocalAws>, seed: u64, keys: usize, attack_every: u32) -> Self {
        let mut callers: Vec<_> = ["maria", "j.okafor", "li", "sam", "ines", "tom", "ada"]
            .iter()
            .map(|name| {
                let caller = Caller::assumed_role("KeyAdmin", name);
                ((*name).to_owned(), caller)
            })
            .collect();
        for name in ["terraform", "deploy", "break-glass"] {
            callers.push((name.to_owned(), Caller::iam_user(name)));
        }
        callers.push(("root".to_owned(), Caller::root().mfa().console()));
        // The last ones.
        callers.extend(ATTACKERS.map(|name| {
            let caller = Caller::assumed_role(ROLE, name).from_ip("203.0.113.66");
            (name.to_owned(), caller)
        }));
        let mut actors = Self {
            aws,
            dice: Rng::with_seed(seed),
            keys: Vec::new(),
            callers,
            plans: VecDeque::new(),
            made: 0,
            deeds: 0,
            attack_every,
            policies: 0,
            forging: None,
            ruse: None,
            robbed: None,
            records: Vec::new(),
            forgeries: Vec::new(),
            mass_actions: 0,
            attacks: 0,
        };
        for index in 0..keys.max(10) {
            let sort = match index % 10 {
                0..6 => Sort::Symmetric,
                6 | 7 => Sort::Imported,
                8 => Sort::MultiRegion,
                _ => Sort::Asymmetric,
            };
            let key = actors.make(sort);
            actors.keys.push(key);
        }
        actors
    }

    fn make(&mut self, sort: Sort) -> Key {
        self.made += 1;
        let number = self.made;
        let mut materials = Vec::new();
        let new = match sort {
            Sort::Symmetric => {
                let new = NewKey::symmetric();
                match self.dice.u32(0..3) {
                    0 => new.rotating_every(self.dice.u32(90..400)),
                    _ => new,
                }
            }
            Sort::Imported => {
                let bytes = format!("material {number} 0").into_bytes();
                materials.push(bytes.clone());
                let hours = self.dice.i64(26..24 * 90);
                let expiry = self.after(SignedDuration::from_hours(hours));
                NewKey::imported().material(ImportedMaterial::new(bytes).expiring(expiry))
            }
            Sort::MultiRegion => NewKey::multi_region(&[REPLICA_REGION]),
            Sort::Asymmetric => NewKey::with_spec(KeySpec::EccNistP256),
        };
        let owner = OWNERS[self.dice.usize(0..OWNERS.len())];
        let mut new = new
            .alias(&format!("alias/key-{number}"))
            .described("A key of the simulated year");
        if !owner.is_empty() {
            new = new.tag("Owner", owner);
        }
        if self.dice.bool() {
            new = new.last_used("GenerateDataKey", self.aws.now());
        }
        Key {
            arn: self.aws.add_key(new),
            sort,
            owner,
            doomed: false,
            materials,
        }
    }

    fn after(&self, time: SignedDuration) -> Timestamp {
        let at = self.aws.now().saturating_add(time);
        at.unwrap_or(Timestamp::MAX)
    }

    /// When the next planned deed is due.
    pub(super) fn next_planned(&self) -> Option<Timestamp> {
        self.plans.front().map(|plan| plan.at)
    }

    /// Carries out what is planned for now; the actor.
    pub(super) fn carry_out(&mut self) -> Option<String> {
        let plan = self.plans.pop_front_if(|plan| plan.at <= self.aws.now())?;
        (self.ruse, self.robbed) = (None, None);
        self.do_to(plan.key, plan.deed, plan.actor);
        Some(self.callers[plan.actor].0.clone())
    }

    /// Somebody does something to some key; the actor.
    pub(super) fn act(&mut self) -> String {
        (self.ruse, self.robbed) = (None, None);
        self.deeds += 1;
        if self.attack_every > 0 && self.dice.u32(0..self.attack_every) == 0 {
            let attackers = self.callers.len() - ATTACKERS.len()..self.callers.len();
            let attacker = self.dice.usize(attackers);
            self.plan_attack(attacker);
        }
        let actor = self.dice.usize(0..self.callers.len() - ATTACKERS.len());
        // One in any year, however short.
        if self.plans.len() < 100 && (self.deeds == 50 || self.dice.u32(0..200) == 0) {
            self.plan_mass_action(actor);
        }
        let key = self.dice.usize(0..self.keys.len());
        let deed = self.choose(key);
        self.do_to(key, deed, actor);
        self.callers[actor].0.clone()
    }

    /// One actor does the same to many keys within minutes.
    fn plan_mass_action(&mut self, actor: usize) {
        self.mass_actions += 1;
        let deed = match self.dice.u32(0..10) {
            0..3 => Deed::DisableRotation,
            3..5 => Deed::EnableRotation,
            5..7 => Deed::Schedule(self.dice.i64(7..15)),
            7 => Deed::RotateOnDemand,
            _ => Deed::DeleteMaterial,
        };
        let mut keys: Vec<usize> = (0..self.keys.len()).collect();
        keys.retain(|key| match deed {
            Deed::DeleteMaterial => self.keys[*key].sort == Sort::Imported,
            Deed::Schedule(_) => self.keys[*key].sort != Sort::MultiRegion,
            _ => self.keys[*key].sort == Sort::Symmetric,
        });
        self.dice.shuffle(&mut keys);
        keys.truncate(self.dice.usize(6..45));
        let span = self.dice.i64(2_000..240_000);
        for key in keys {
            let late = self.dice.i64(1_000..span);
            self.plan(late, actor, key, deed);
        }
    }

    fn choose(&mut self, key: usize) -> Deed {
        let sort = self.keys[key].sort;
        let state = self.aws.key_state(&self.target(key));
        let pending = matches!(
            state,
            Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
        );
        let weights: &[(u32, Deed)] = match sort {
            _ if pending => &[(3, Deed::Cancel), (1, Deed::Use)],
            Sort::Symmetric => &[
                (25, Deed::EnableRotation),
                (25, Deed::DisableRotation),
                (14, Deed::RotateOnDemand),
                (6, Deed::Schedule(0)),
                (10, Deed::Use),
            ],
            Sort::Imported => &[
                (45, Deed::Import),
                (18, Deed::DeleteMaterial),
                (10, Deed::RotateOnDemand),
                (3, Deed::Schedule(0)),
                (5, Deed::Use),
            ],
            Sort::MultiRegion => &[
                (25, Deed::EnableRotation),
                (25, Deed::DisableRotation),
                (14, Deed::RotateOnDemand),
                (15, Deed::Schedule(0)),
            ],
            Sort::Asymmetric => &[(10, Deed::Schedule(0)), (10, Deed::Use)],
        };
        let mut drawn = self
            .dice
            .u32(0..weights.iter().map(|(weight, _)| weight).sum());
        for (weight, deed) in weights {
            if drawn < *weight {
                return match deed {
                    Deed::Schedule(_) => Deed::Schedule(self.dice.i64(7..31)),
                    other => *other,
                };
            }
            drawn -= weight;
        }
        Deed::Use
    }

    /// Of multi-Region keys the replica is deleted, never the primary.
    fn target(&self, key: usize) -> String {
        let key = &self.keys[key];
        match key.sort {
            Sort::MultiRegion => key.arn.replace(self.aws.region(), REPLICA_REGION),
            _ => key.arn.clone(),
        }
    }

    fn do_to(&mut self, index: usize, deed: Deed, actor: usize) {
        self.aws.as_caller(self.callers[actor].1.clone());
        if let Deed::Attack(step) = deed {
            self.attack(index, step, actor);
            return;
        }
        let arn = self.keys[index].arn.clone();
        let target = self.target(index);
        if self.aws.key_state(&target).is_none() {
            self.replace(index);
            return;
        }
        match deed {
            Deed::EnableRotation => {
                let days = self.dice.u32(90..400);
                self.call(
                    &arn,
                    "EnableKeyRotation",
                    json!({"RotationPeriodInDays": days}),
                );
            }
            Deed::DisableRotation => _ = self.call(&arn, "DisableKeyRotation", json!({})),
            Deed::RotateOnDemand => {
                if self.keys[index].sort == Sort::Imported {
                    // The next material, which then waits for the rotation; refused if one waits already.
                    let count = self.keys[index].materials.len();
                    if count < 20 {
                        let bytes = format!("material {arn} {count}").into_bytes();
                        if self.import(&arn, &bytes, "NEW_KEY_MATERIAL") {
                            self.keys[index].materials.push(bytes);
                        }
                    }
                }
                self.call(&arn, "RotateKeyOnDemand", json!({}));
            }
            Deed::Schedule(days) => {
                let done = self.call(
                    &target,
                    "ScheduleKeyDeletion",
                    json!({"PendingWindowInDays": days}),
                );
                if done {
                    self.keys[index].doomed = self.dice.bool();
                }
            }
            Deed::Cancel => {
                if !self.keys[index].doomed && self.call(&target, "CancelKeyDeletion", json!({})) {
                    self.call(&target, "EnableKey", json!({}));
                }
            }
            Deed::Import => {
                let materials = &self.keys[index].materials;
                let bytes = materials[self.dice.usize(0..materials.len())].clone();
                self.import(&arn, &bytes, "EXISTING_KEY_MATERIAL");
            }
            Deed::DeleteMaterial => _ = self.call(&arn, "DeleteImportedKeyMaterial", json!({})),
            Deed::Use => {
                self.call(&arn, "GenerateDataKey", json!({"KeySpec": "AES_256"}));
            }
            Deed::Attack(_) => {}
        }
    }

    fn import(&mut self, arn: &str, bytes: &[u8], import_type: &str) -> bool {
        let wrapping =
            json!({"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
        let Ok(parameters) = self.ask(arn, "GetParametersForImport", wrapping) else {
            return false;
        };
        let mut request = json!({
            "ImportToken": parameters["ImportToken"],
            "EncryptedKeyMaterial": STANDARD.encode(bytes),
            "ImportType": import_type,
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        });
        if self.dice.u32(0..4) > 0 {
            // The same material does not expire twice in a day: that would be one occurrence by contract.
            let seconds = self.dice.i64(26 * 3_600..60 * 24 * 3_600);
            let valid_to = self.after(SignedDuration::from_secs(seconds)).as_second();
            request["ExpirationModel"] = "KEY_MATERIAL_EXPIRES".into();
            request["ValidTo"] = valid_to.into();
        }
        self.call(arn, "ImportKeyMaterial", request)
    }

    /// A key that was deleted leaves its place to another; a replica is made again.
    fn replace(&mut self, index: usize) {
        let Key { arn, sort, .. } = &self.keys[index];
        if *sort == Sort::MultiRegion {
            let arn = arn.clone();
            self.call(
                &arn,
                "ReplicateKey",
                json!({"ReplicaRegion": REPLICA_REGION}),
            );
            self.keys[index].doomed = false;
        } else {
            self.keys[index] = self.make(*sort);
        }
    }

    /// Not everything that is tried succeeds.
    fn call(&self, arn: &str, operation: &str, body: Value) -> bool {
        self.ask(arn, operation, body).is_ok()
    }

    fn ask(&self, arn: &str, operation: &str, mut body: Value) -> Result<Value, String> {
        body["KeyId"] = arn.into();
        let (region, ..) = parse_arn(arn).expect("an ARN");
        let answer = self.aws.call_in(region, operation, body);
        answer.map_err(|error| error.to_string())
    }
}
