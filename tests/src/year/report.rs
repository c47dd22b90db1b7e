//! The report: what the year was like, and the verdict.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::verdict::{FORGED, SLIP, UNEXPLAINED};

/// What came of one year, or of several.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Years.
    pub seeds: u64,
    /// With the ledger.
    pub ledger: bool,
    /// Nothing died, the ledger was well, and no answer of SNS was lost.
    pub calm: bool,
    /// What happened.
    pub occurrences: u64,
    /// Deeds of one actor to many keys at once.
    pub mass_actions: u64,
    /// Attackers' plans.
    pub attacks: u64,
    /// Their acts, by how they were hidden.
    pub acts: BTreeMap<String, u64>,
    /// Items of the ledger that they forged.
    pub forged: u64,
    /// Events about occurrences, repetitions apart.
    pub tellings: u64,
    /// Those that never arrived.
    pub tellings_lost: u64,
    /// Further arrivals of the same.
    pub duplicates: u64,
    /// Events that nobody is to be told of.
    pub noise: u64,
    /// Invocations, each attempt counted.
    pub invocations: u64,
    /// Second and third attempts.
    pub retries: u64,
    /// Events that came from the on-failure queue.
    pub redriven: u64,
    /// How invocations ended.
    pub ends: BTreeMap<String, u64>,
    /// Requests, by service.
    pub calls: BTreeMap<String, u64>,
    /// What they met, by service.
    pub faults: BTreeMap<String, u64>,
    /// Occurrences of which people, chat and feed have an alert.
    pub told: u64,
    /// Occurrences on the feed that people and chat know by a burst.
    pub folded: u64,
    /// Alerts about bursts that people were told.
    pub bursts: u64,
    /// Occurrences of which no telling arrived, and no sweep told.
    pub untold: u64,
    /// Occurrences of which no telling arrived, and a sweep told.
    pub by_sweep: u64,
    /// What sweeps told that was due or found, by kind.
    pub due: BTreeMap<String, u64>,
    /// Occurrences that people did not hear of within one window and one sweep.
    pub unheard: u64,
    /// Acts of attackers among them, and those that no sweep told while the watch was blind.
    pub unheard_acts: u64,
    /// Alerts that the owner did not get who was robbed of the key by a tag.
    pub rerouted: u64,
    /// Occurrences that are one with another by contract.
    pub merged: u64,
    /// Occurrences that should have been told, and were not.
    pub lost: u64,
    /// Alerts too many for people, by cause.
    pub twice: BTreeMap<String, u64>,
    /// Alerts too many on the other topics, by cause.
    pub twice_elsewhere: BTreeMap<String, u64>,
    /// Alerts about what did not happen.
    pub wrong: u64,
    /// Occurrences whose alert names another key material.
    pub misnamed: u64,
    /// Alerts that do not say that the ledger failed.
    pub silent: u64,
    /// Requests to the ledger of an alert that met nothing unusual.
    pub ordinary: Requests,
    /// The same, where one actor did much at once.
    pub of_many: Requests,
    /// The same, where KMS had done the same to the key before.
    pub recurring: Requests,
    /// Requests to the ledger of all alerts.
    pub all: Requests,
    /// The first problems, in words.
    pub problems: Vec<String>,
}

/// Requests to the ledger.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// Invocations.
    pub alerts: u64,
    /// Writes of all.
    pub writes: u64,
    /// Reads of all.
    pub reads: u64,
    /// Most writes of one.
    pub most_writes: u64,
    /// Most reads of one.
    pub most_reads: u64,
}

/// How many problems are told in words.
const PROBLEMS: usize = 20;
/// The ledger's bill, by contract.
const WRITES: u64 = 4;
const READS: u64 = 2;

impl Requests {
    pub(super) fn add(&mut self, writes: u64, reads: u64) {
        self.alerts += 1;
        self.writes += writes;
        self.reads += reads;
        self.most_writes = self.most_writes.max(writes);
        self.most_reads = self.most_reads.max(reads);
    }

    fn merge(&mut self, other: Self) {
        self.alerts += other.alerts;
        self.writes += other.writes;
        self.reads += other.reads;
        self.most_writes = self.most_writes.max(other.most_writes);
        self.most_reads = self.most_reads.max(other.most_reads);
    }
}

impl Report {
    pub(super) fn problem(&mut self, text: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(text);
        }
    }

    /// Takes another year in.
    pub fn merge(&mut self, other: Self) {
        let add = |into: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>| {
            for (name, count) in from {
                *into.entry(name).or_default() += count;
            }
        };
        self.seeds += other.seeds;
        self.ledger = other.ledger;
        self.calm = other.calm;
        self.occurrences += other.occurrences;
        self.mass_actions += other.mass_actions;
        self.attacks += other.attacks;
        self.forged += other.forged;
        add(&mut self.acts, other.acts);
        add(&mut self.due, other.due);
        self.by_sweep += other.by_sweep;
        self.unheard += other.unheard;
        self.unheard_acts += other.unheard_acts;
        self.rerouted += other.rerouted;
        self.tellings += other.tellings;
        self.tellings_lost += other.tellings_lost;
        self.duplicates += other.duplicates;
        self.noise += other.noise;
        self.invocations += other.invocations;
        self.retries += other.retries;
        self.redriven += other.redriven;
        add(&mut self.ends, other.ends);
        add(&mut self.calls, other.calls);
        add(&mut self.faults, other.faults);
        self.told += other.told;
        self.folded += other.folded;
        self.bursts += other.bursts;
        self.untold += other.untold;
        self.merged += other.merged;
        self.lost += other.lost;
        add(&mut self.twice, other.twice);
        add(&mut self.twice_elsewhere, other.twice_elsewhere);
        self.wrong += other.wrong;
        self.silent += other.silent;
        self.misnamed += other.misnamed;
        self.ordinary.merge(other.ordinary);
        self.of_many.merge(other.of_many);
        self.recurring.merge(other.recurring);
        self.all.merge(other.all);
        for problem in other.problems {
            self.problem(problem);
        }
    }

    /// What speaks against the promise; nothing if it is proven.
    pub fn failures(&self) -> Vec<String> {
        let causes = || self.twice.iter().chain(&self.twice_elsewhere);
        let of = |wanted: &str| -> u64 {
            let matching = causes().filter(|(cause, _)| *cause == wanted);
            matching.map(|(_, count)| count).sum()
        };
        let twice: u64 = causes().map(|(_, count)| count).sum();
        let still_running = self.ends.get("running").copied().unwrap_or(0);
        let mut failures = Vec::new();
        let mut check = |holds: bool, text: String| {
            if !holds {
                failures.push(text);
            }
        };
        check(self.occurrences > 0, "nothing happened".to_owned());
        check(self.lost == 0, format!("{} occurrences lost", self.lost));
        for (count, what) in [
            (self.unheard, "occurrences not heard of in time"),
            (self.unheard_acts, "acts of attackers not heard of in time"),
            (self.rerouted, "alerts kept from an owner by a tag"),
            (self.misnamed, "alerts name another key material"),
        ] {
            check(count == 0, format!("{count} {what}"));
        }
        check(self.wrong == 0, format!("{} alerts wrong", self.wrong));
        check(
            still_running == 0,
            format!("{still_running} invocations never ended"),
        );
        if self.ledger {
            let unexplained = of(UNEXPLAINED);
            check(
                unexplained == 0,
                format!("{unexplained} alerts twice without a cause"),
            );
            let too_many = twice - of(SLIP) - of(FORGED);
            check(
                !self.calm || too_many == 0,
                format!("{too_many} alerts twice on calm days"),
            );
            check(
                self.silent == 0,
                format!("{} alerts silent about the ledger", self.silent),
            );
            let Requests {
                most_writes,
                most_reads,
                ..
            } = self.ordinary;
            check(
                most_writes <= WRITES && most_reads <= READS,
                format!("an ordinary alert took {most_writes} writes and {most_reads} reads"),
            );
        }
        failures
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = if self.ledger { "with" } else { "without" };
        let calm = if self.calm { ", calm" } else { "" };
        writeln!(
            f,
            "{} simulated years {ledger} the ledger{calm}",
            self.seeds
        )?;
        let mut row = |name: &str, count: u64| writeln!(f, "  {name:<58} {count:>10}");
        row("occurrences", self.occurrences)?;
        row("mass actions among them", self.mass_actions)?;
        row("attacks", self.attacks)?;
        for (ruse, count) in &self.acts {
            row(&format!("  acts {ruse}"), *count)?;
        }
        row("  forged items of the ledger", self.forged)?;
        row("tellings", self.tellings)?;
        row("  lost", self.tellings_lost)?;
        row("  arrived again", self.duplicates)?;
        row("events of no interest", self.noise)?;
        row("invocations", self.invocations)?;
        row("  second and third attempts", self.retries)?;
        row("  events redriven from the on-failure queue", self.redriven)?;
        for (end, count) in &self.ends {
            row(&format!("  {end}"), *count)?;
        }
        for (service, count) in &self.calls {
            row(&format!("requests to {service}"), *count)?;
            for (fault, count) in &self.faults {
                if let Some(fault) = fault.strip_prefix(&format!("{service}: ")) {
                    row(&format!("  {fault}"), *count)?;
                }
            }
        }
        row("told to people, chat and feed", self.told)?;
        row("on the feed, told as bursts", self.folded)?;
        row("  alerts about bursts", self.bursts)?;
        row("no telling arrived, told by a sweep", self.by_sweep)?;
        row("no telling arrived, and over before a sweep", self.untold)?;
        for (kind, count) in &self.due {
            row(&format!("told by sweeps alone: {kind}"), *count)?;
        }
        row("one with another by contract", self.merged)?;
        row("LOST", self.lost)?;
        row("WRONG", self.wrong)?;
        row("MISNAMED", self.misnamed)?;
        row("NOT HEARD of within one window and one sweep", self.unheard)?;
        row("  acts of attackers", self.unheard_acts)?;
        row("KEPT from the owner by a tag", self.rerouted)?;
        row("SILENT about a ledger that failed", self.silent)?;
        row("TWICE for people", self.twice.values().sum())?;
        for (cause, count) in &self.twice {
            row(&format!("  {cause}"), *count)?;
        }
        row(
            "twice on chat and feed",
            self.twice_elsewhere.values().sum(),
        )?;
        for (cause, count) in &self.twice_elsewhere {
            row(&format!("  {cause}"), *count)?;
        }
        if self.ledger {
            for (name, requests) in [
                ("an ordinary alert", self.ordinary),
                ("an alert of a burst", self.of_many),
                (
                    "an alert that recurs, or that people do not want",
                    self.recurring,
                ),
                ("any alert", self.all),
            ] {
                let alerts = requests.alerts.max(1) as f64;
                writeln!(
                    f,
                    "  ledger requests of {name}: {:.2} writes (at most {}), {:.2} reads (at most {})",
                    requests.writes as f64 / alerts,
                    requests.most_writes,
                    requests.reads as f64 / alerts,
                    requests.most_reads
                )?;
            }
        }
        for problem in &self.problems {
            writeln!(f, "  {problem}")?;
        }
        let failures = self.failures();
        if failures.is_empty() {
            write!(f, "PROVEN")
        } else {
            write!(f, "NOT PROVEN: {}", failures.join("; "))
        }
    }
}
