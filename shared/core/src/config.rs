//! Configuration of a function, read once from its environment.

mod protected;
mod rescue;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;

use crate::actor::Actor;
use crate::arn::{AccountId, BusArn, TopicArn};
use crate::kinds::{Case, KIND_NAMES, Kind, RescueAction, Settings};
use crate::protection::Protection;
use crate::severity::Severity;
use crate::stack::{self, Stack};
use crate::text::Untrusted;

pub use rescue::{RescueConfig, RescueMode, RescueSettings};

mod export;

pub use export::{Bucket, ExportConfig, QueueArn};

/// What `SEVERITY_OVERRIDES` says about a kind of alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// Use this level.
    Level(Severity),
    /// Tell the feed only.
    FeedOnly,
}

/// Settings of a function that alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Topic for people.
    pub alert_topic: TopicArn,
    /// Topic for Amazon Q Developer in chat applications.
    pub chat_topic: Option<TopicArn>,
    /// Topic for machines.
    pub feed_topic: Option<TopicArn>,
    /// Bus for programs, of this account or a central one.
    pub event_bus: Option<BusArn>,
    /// Name of the ledger's table.
    pub ledger_table: Option<String>,
    /// Key tag that names the owner; compared without regard to case.
    pub owner_tag_key: String,
    /// Key tag that announces a deletion.
    pub planned_tag_key: String,
    /// People and chat are told of this level and above.
    pub minimum_severity: Severity,
    /// People are told of what is LOW once a day, in one mail.
    pub low_digest: bool,
    /// Accounts of the own organisation, access for which is not foreign. For functions that watch access.
    pub trusted_accounts: BTreeSet<AccountId>,
    /// Organisations (`o-…`) whose access to a key is not foreign.
    pub trusted_organizations: BTreeSet<String>,
    /// Name of the parameter, or path of the parameters, that holds more of both. For functions that watch access.
    pub trusted_parameter: Option<String>,
    /// AWS Config is asked, too, what depends on a key. For functions that look for that.
    pub config_dependants: bool,
    /// Days before key material expires at which to warn, the most first. For functions that count down.
    pub expiry_warning_days: Vec<u32>,
    /// Name of the stack that the function is part of, if it is known.
    pub stack_name: Option<String>,
    /// Alarms of the watch may be muted for as many hours without anybody being told.
    pub longest_mute_hours: i64,
    /// What buttons in chat may have the function key-rescue do.
    pub rescue_buttons: BTreeSet<RescueAction>,
    /// ARN of that function's role, if there is one: what the role does, KMS Watch does.
    pub rescue_role: Option<String>,
    /// Which keys are protected, beside those with the tag.
    pub protection: Protection,
    /// Levels that the user sets by kind.
    pub severity_overrides: BTreeMap<&'static str, Override>,
    /// What is wrong with variables that may be left out: a sentence for each, which begins with its name. They have
    /// their defaults instead, since a watch with one setting less is better than none.
    pub ignored: Vec<String>,
}

/// Settings of the sweep over all keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepConfig {
    /// Those of a function that alerts. The ledger's table is set.
    pub alerts: Config,
    /// Days before a scheduled deletion at which to warn, the most first.
    pub deletion_warning_days: Vec<u32>,
    /// How long a difference that no event told of is held before it is reported, so that a late event comes first.
    pub hold: SignedDuration,
    /// Namespace of the metrics.
    pub metric_namespace: String,
    /// A digest is sent every week.
    pub digest: bool,
    /// The topic by which the watch tells of itself. With it a sweep looks whether anybody listens.
    pub health_topic: Option<TopicArn>,
    /// A full sweep compares the grants of every key.
    pub grants: bool,
    /// Whether it learns what use is usual.
    pub baseline: Baseline,
    /// Names of the stack's functions. With them a sweep looks at the other parts of the watch too.
    pub watched_functions: Vec<String>,
    /// URLs of the queues of what could not be handled.
    pub watched_queues: Vec<String>,
}

/// Whether a sweep learns what use is usual for each key, and tells what is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Baseline {
    /// No.
    #[default]
    Off,
    /// From CloudTrail's event history, as far as a sweep reads it anyway.
    Events,
    /// From KMS's metric of successful requests, too, which costs money.
    Metrics,
}

/// Everything without which a function cannot start, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    /// One sentence for each required variable that is missing or malformed, and for each optional one that is
    /// malformed; it begins with the variable's name.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// The id of an organisation (AWS Organizations API Reference, Organization).
fn organization(text: &str) -> Option<String> {
    let id = text.strip_prefix("o-")?;
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    ((10..=32).contains(&id.len()) && id.bytes().all(fits)).then(|| text.to_owned())
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid configuration: {}", self.problems.join("; "))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// What kinds of alert need to know of them.
    pub(crate) fn of_kinds(&self) -> Settings<'_> {
        Settings {
            owner_tag_key: &self.owner_tag_key,
            planned_tag_key: &self.planned_tag_key,
            rescues: self.rescue_role.is_some(),
            protection: &self.protection,
            trusted_accounts: &self.trusted_accounts,
            trusted_organizations: &self.trusted_organizations,
            ledger_table: self.ledger_table.as_deref(),
            region: self.alert_topic.region(),
        }
    }

    /// What a button in chat may have done about it: where KMS Watch would do it.
    pub(crate) fn button(&self, kind: &Kind, case: &Case<'_>) -> Option<RescueAction> {
        let action = kind.rescue()?;
        let key = case.key.filter(|_| !case.gone)?;
        let (tags, aliases) = (key.tags.as_ref(), key.aliases.as_deref());
        let is_protected = self.protection.is_protected(&key.arn, tags, aliases);
        (self.rescue_buttons.contains(&action) && is_protected).then_some(action)
    }

    /// This is KMS Watch itself, by the role of its function key-rescue.
    pub fn is_rescuer(&self, actor: &Actor) -> bool {
        let issuer = actor.issuer_arn.as_ref().map(Untrusted::as_str);
        issuer.is_some() && issuer == self.rescue_role.as_deref()
    }

    /// The stack that the function is part of. Without a name nothing is known to be of it.
    pub fn stack(&self) -> Option<Stack<'_>> {
        Some(Stack {
            name: self.stack_name.as_deref()?,
            account: self.alert_topic.account(),
            region: self.alert_topic.region(),
        })
    }

    /// Reads the settings through `lookup`, which gives the value of an environment variable.
    ///
    /// An empty value counts as none, since a template passes parameters that were left out as empty.
    /// `required` names variables that something else needs; they are reported with the rest.
    ///
    /// A malformed value of an optional variable is ignored, and noted in [`Self::ignored`]. Of a list, only the entries
    /// that are malformed are.
    ///
    /// # Errors
    ///
    /// All missing and malformed variables together, if a required one is among them.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&'static str],
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let alert_topic = reader.required("ALERT_TOPIC_ARN");
        let chat_topic = reader.optional("CHAT_TOPIC_ARN");
        let feed_topic = reader.optional("FEED_TOPIC_ARN");
        let event_bus = reader.optional("EVENT_BUS_ARN");
        let ledger_table = reader.text("LEDGER_TABLE");
        let owner_tag_key = reader.text_or("OWNER_TAG_KEY", "Owner");
        let planned_tag_key = reader.text_or("PLANNED_TAG_KEY", "kms-watch:planned");
        let minimum_severity = reader.optional("MINIMUM_SEVERITY").unwrap_or(Severity::Low);
        let low_digest = reader.low_digest();
        let severity_overrides = reader.overrides("SEVERITY_OVERRIDES");
        let trusted_accounts = reader.accounts();
        let trusted_organizations = reader.organizations();
        let trusted_parameter = reader.parameter(TRUSTED_PARAMETER);
        let config_dependants = reader.flag("CONFIG_DEPENDANTS", false);
        let expiry_warning_days = reader.expiry_warning_days();
        let stack_name = reader.stack_name(ledger_table.as_deref());
        let longest_mute_hours = reader.hours("LONGEST_MUTE_HOURS", 24);
        let rescue_buttons = reader.rescue_actions("RESCUE_BUTTONS", "");
        let rescue_role = reader.text("RESCUE_ROLE_ARN");
        let protection = reader.protection();
        for name in required {
            if reader.text(name).is_none() {
                reader.fatal(name, "is missing");
            }
        }
        match (alert_topic, reader) {
            (
                Some(alert_topic),
                Reader {
                    problems,
                    is_fatal: false,
                    ..
                },
            ) => Ok(Self {
                stack_name,
                longest_mute_hours,
                rescue_buttons,
                rescue_role,
                protection,
                alert_topic,
                chat_topic,
                feed_topic,
                event_bus,
                ledger_table,
                owner_tag_key,
                planned_tag_key,
                minimum_severity,
                low_digest,
                severity_overrides,
                trusted_accounts,
                trusted_organizations,
                trusted_parameter,
                config_dependants,
                expiry_warning_days,
                ignored: problems,
            }),
            (_, Reader { problems, .. }) => Err(ConfigError { problems }),
        }
    }

    /// Takes in what the parameters hold, ids of accounts and of organisations that commas or white space separate; what
    /// is neither is noted, a few of it. If they could not be read, the reason is noted, and whoever is not in the
    /// environment's lists stays foreign.
    pub fn trust<E: fmt::Display>(&mut self, read: Result<Vec<String>, E>) {
        let values = match read {
            Ok(values) => values,
            Err(error) => {
                let what = format!(
                    "{TRUSTED_PARAMETER} was not read, and nobody is trusted for it: {error}"
                );
                self.ignored.push(what);
                return;
            }
        };
        let (mut others, mut more) = (Vec::new(), 0);
        let separates = |c: char| c == ',' || c.is_whitespace();
        let entries = values.iter().flat_map(|value| value.split(separates));
        for entry in entries.filter(|entry| !entry.is_empty()) {
            if let Some(account) = AccountId::new(entry) {
                self.trusted_accounts.insert(account);
            } else if let Some(organization) = organization(entry) {
                self.trusted_organizations.insert(organization);
            } else if others.len() < OTHERS_NAMED {
                others.push(entry.chars().take(40).collect::<String>());
            } else {
                more += 1;
            }
        }
        let wanted = "neither an account's nor an organisation's id";
        self.ignored.extend(
            others
                .iter()
                .map(|entry| format!("{TRUSTED_PARAMETER} is malformed: {entry:?}: {wanted}")),
        );
        if more > 0 {
            self.ignored.push(format!(
                "{TRUSTED_PARAMETER} is malformed: {more} more are {wanted}"
            ));
        }
    }
}

/// The variable that names the parameter.
const TRUSTED_PARAMETER: &str = "TRUSTED_ACCOUNTS_PARAMETER";

/// How many malformed entries of it are noted one by one.
const OTHERS_NAMED: usize = 5;

/// A name of Parameter Store that stands below a path, so that it is also a path (Systems Manager User Guide, parameter
/// names).
fn is_parameter(name: &str) -> bool {
    let fits = |part: &str| {
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        !part.is_empty() && part.bytes().all(valid)
    };
    name.len() <= 1_011
        && name
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(fits))
}

impl SweepConfig {
    /// Reads the settings through `lookup`, as [`Config::from_lookup`] does.
    ///
    /// # Errors
    ///
    /// All missing and malformed variables together, if a required one is among them.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&'static str],
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(&lookup);
        // Without a memory every sweep would be the first.
        if reader.text("LEDGER_TABLE").is_none() {
            reader.fatal("LEDGER_TABLE", "is missing");
        }
        let deletion_warning_days = reader.list(
            "DELETION_WARNING_DAYS",
            "7,3,1",
            "a number of days from 1 to 30",
            |days| {
                // A waiting period has 30 days at most (KMS API Reference, ScheduleKeyDeletion).
                days.parse().ok().filter(|days| (1..=30).contains(days))
            },
        );
        let minutes = "not a number of minutes from 0 to 1440";
        let hold = reader.choice("SWEEP_HOLD_MINUTES", 30, minutes, |text| {
            // Beyond a day it would be no watch.
            text.parse().ok().filter(|hold| (0..=1_440).contains(hold))
        });
        let namespace = "not a namespace of CloudWatch";
        let usual = "KMSWatch".to_owned();
        let metric_namespace = reader.choice("METRIC_NAMESPACE", usual, namespace, |text| {
            is_metric_namespace(text).then(|| text.to_owned())
        });
        let weekly = "neither WEEKLY nor OFF";
        let digest = reader.choice("DIGEST", true, weekly, |text| match text {
            "WEEKLY" => Some(true),
            "OFF" => Some(false),
            _ => None,
        });
        let health_topic = reader.optional("HEALTH_TOPIC_ARN");
        let grants = reader.flag("SWEEP_GRANTS", true);
        let baseline = reader.baseline();
        let watched_functions = reader.names("WATCHED_FUNCTIONS");
        let watched_queues = reader.names("WATCHED_QUEUES");
        let (mut problems, is_fatal) = (reader.problems, reader.is_fatal);
        match Config::from_lookup(&lookup, required) {
            Ok(mut alerts) if !is_fatal => {
                alerts.ignored.append(&mut problems);
                Ok(Self {
                    alerts,
                    deletion_warning_days: deletion_warning_days.into_iter().rev().collect(),
                    hold: SignedDuration::from_mins(hold),
                    metric_namespace,
                    digest,
                    grants,
                    baseline,
                    health_topic,
                    watched_functions,
                    watched_queues,
                })
            }
            Ok(alerts) => {
                problems.splice(0..0, alerts.ignored);
                Err(ConfigError { problems })
            }
            Err(error) => {
                problems.splice(0..0, error.problems);
                Err(ConfigError { problems })
            }
        }
    }
}

/// 1 to 255 characters, the first no colon (CloudWatch API Reference, PutMetricData); `AWS/` is for AWS.
fn is_metric_namespace(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || "._-/#: ".contains(c);
    (1..=255).contains(&name.len())
        && name.chars().all(valid)
        && !name.starts_with(':')
        && !name.starts_with("AWS/")
}

struct Reader<L> {
    lookup: L,
    problems: Vec<String>,
    /// One of them is about a variable that must be there.
    is_fatal: bool,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn new(lookup: L) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
            is_fatal: false,
        }
    }

    fn fatal(&mut self, name: &str, what: impl fmt::Display) {
        self.problem(name, what);
        self.is_fatal = true;
    }

    fn problem(&mut self, name: &str, what: impl fmt::Display) {
        self.problems.push(format!("{name} {what}"));
    }

    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// As it is said, else the one in the name of the ledger's table.
    fn stack_name(&self, ledger_table: Option<&str>) -> Option<String> {
        let in_table = || stack::name_in(ledger_table?, "Ledger").map(str::to_owned);
        self.text("STACK_NAME").or_else(in_table)
    }

    fn text_or(&self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }

    fn optional<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let value = self.text(name)?;
        value
            .parse()
            .map_err(|error| self.problem(name, format_args!("is malformed: {error}")))
            .ok()
    }

    fn baseline(&mut self) -> Baseline {
        let otherwise = "neither off, events nor metrics";
        self.choice("BASELINE", Baseline::Off, otherwise, |text| match text {
            "off" => Some(Baseline::Off),
            "events" => Some(Baseline::Events),
            "metrics" => Some(Baseline::Metrics),
            _ => None,
        })
    }

    fn required<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        if self.text(name).is_none() {
            self.fatal(name, "is missing");
            return None;
        }
        let value = self.optional(name);
        self.is_fatal |= value.is_none();
        value
    }

    fn choice<T>(
        &mut self,
        name: &str,
        default: T,
        otherwise: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        read(&text).unwrap_or_else(|| {
            self.problem(name, format_args!("is malformed: {text:?}: {otherwise}"));
            default
        })
    }

    /// The different entries of a list that commas separate; those of the default, if none of them is any good.
    fn list<T: Ord>(
        &mut self,
        name: &str,
        default: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> BTreeSet<T> {
        let value = self.text(name).unwrap_or_default();
        let mut entries = BTreeSet::new();
        for entry in split(&value) {
            match read(entry) {
                Some(entry) => _ = entries.insert(entry),
                None => self.problem(name, format_args!("is malformed: {entry:?}: not {wanted}")),
            }
        }
        if entries.is_empty() {
            entries.extend(split(default).filter_map(read));
        }
        entries
    }

    /// Names that commas separate, as a deployment fills them in.
    fn names(&self, name: &str) -> Vec<String> {
        let value = self.text(name).unwrap_or_default();
        split(&value).map(str::to_owned).collect()
    }

    /// A number of hours: CloudWatch mutes alarms for fifteen days at most.
    fn hours(&mut self, name: &str, default: i64) -> i64 {
        match self.text(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(hours @ 0..=360)) => hours,
            Some(_) => {
                self.problem(name, "is malformed: not a number of hours from 0 to 360");
                default
            }
        }
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        let otherwise = "neither true nor false";
        self.choice(name, default, otherwise, |text| text.parse().ok())
    }

    fn low_digest(&mut self) -> bool {
        let otherwise = "neither DAILY nor OFF";
        self.choice("LOW_DIGEST", false, otherwise, |text| {
            match text.to_ascii_uppercase().as_str() {
                "DAILY" => Some(true),
                "OFF" => Some(false),
                _ => None,
            }
        })
    }

    fn accounts(&mut self) -> BTreeSet<AccountId> {
        let wanted = "an account id of twelve digits";
        self.list("TRUSTED_ACCOUNTS", "", wanted, AccountId::new)
    }

    /// The most first.
    fn expiry_warning_days(&mut self) -> Vec<u32> {
        let wanted = "a number of days from 1 to 365";
        let days = self.list("EXPIRY_WARNING_DAYS", "30,14,7,3,1", wanted, |days| {
            // Key material lasts 365 days at most (KMS API Reference, ImportKeyMaterial).
            days.parse().ok().filter(|days| (1..=365).contains(days))
        });
        days.into_iter().rev().collect()
    }

    fn organizations(&mut self) -> BTreeSet<String> {
        let wanted = "an organisation's id, o- and 10 to 32 letters and digits";
        self.list("TRUSTED_ORGANIZATIONS", "", wanted, organization)
    }

    fn parameter(&mut self, name: &str) -> Option<String> {
        let wanted = "a name of Parameter Store that begins with a slash";
        self.choice(name, None, wanted, |text| {
            is_parameter(text).then(|| Some(text.to_owned()))
        })
    }

    fn rescue_actions(&mut self, name: &str, default: &str) -> BTreeSet<RescueAction> {
        let wanted = "one of cancel-deletion, enable-rotation, enable-key";
        self.list(name, default, wanted, RescueAction::new)
    }

    fn overrides(&mut self, name: &str) -> BTreeMap<&'static str, Override> {
        let mut overrides = BTreeMap::new();
        let value = self.text(name).unwrap_or_default();
        for entry in split(&value) {
            match read_override(entry) {
                Ok((kind, level)) => {
                    if overrides.insert(kind, level).is_some() {
                        self.problem(name, format_args!("is malformed: {kind} is there twice"));
                    }
                }
                Err(what) => self.problem(name, format_args!("is malformed: {entry:?}: {what}")),
            }
        }
        overrides
    }
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}

fn read_override(entry: &str) -> Result<(&'static str, Override), String> {
    let (kind, level) = entry.split_once('=').ok_or("not of the form Kind=LEVEL")?;
    let (kind, level) = (kind.trim(), level.trim());
    // The names of all kinds, also of those that other functions raise: one value serves every function.
    let kind = KIND_NAMES
        .into_iter()
        .find(|name| *name == kind)
        .ok_or("no such kind of alert")?;
    if level.eq_ignore_ascii_case("OFF") {
        return Ok((kind, Override::FeedOnly));
    }
    match level.parse() {
        Ok(level) => Ok((kind, Override::Level(level))),
        Err(error) => Err(format!("{error} or OFF")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let map: BTreeMap<_, _> = variables.iter().copied().collect();
        Config::from_lookup(
            |name| map.get(name).map(|value| (*value).to_owned()),
            &["AWS_REGION"],
        )
    }

    const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:alerts";

    #[test]
    fn only_the_alert_topic_is_needed() {
        let config = read(&[
            ("ALERT_TOPIC_ARN", TOPIC),
            ("AWS_REGION", "us-east-1"),
            ("CHAT_TOPIC_ARN", " "),
        ])
        .unwrap();
        assert_eq!(config.alert_topic.as_str(), TOPIC);
        assert_eq!(
            (config.chat_topic, config.feed_topic, config.ledger_table),
            (None, None, None)
        );
        assert_eq!(config.owner_tag_key, "Owner");
        assert_eq!(config.minimum_severity, Severity::Low);
        assert!(config.severity_overrides.is_empty());
        assert!(config.trusted_accounts.is_empty());
        assert_eq!(config.expiry_warning_days, [30, 14, 7, 3, 1]);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let error = read(&[
            ("CHAT_TOPIC_ARN", "chat"),
            ("FEED_TOPIC_ARN", "arn:aws:sqs:us-east-1:111122223333:feed"),
            (
                "EVENT_BUS_ARN",
                "arn:aws:events:us-east-1:111122223333:rule/hub",
            ),
            ("MINIMUM_SEVERITY", "URGENT"),
            ("TRUSTED_ACCOUNTS", "111122223333, 42"),
            ("EXPIRY_WARNING_DAYS", "30,0,soon"),
            (
                "SEVERITY_OVERRIDES",
                "KeyRotated=OFF,KeyRotatet=LOW,KeyDeleted=loud,KeyEnabled,KeyRotated=LOW",
            ),
        ])
        .unwrap_err();
        let expected = [
            "ALERT_TOPIC_ARN is missing",
            "CHAT_TOPIC_ARN is malformed: not the ARN of an SNS topic: \"chat\"",
            "FEED_TOPIC_ARN is malformed: not the ARN of an SNS topic: \"arn:aws:sqs:us-east-1:111122223333:feed\"",
            "EVENT_BUS_ARN is malformed: not the ARN of an EventBridge bus: \"arn:aws:events:us-east-1:111122223333:rule/hub\"",
            "MINIMUM_SEVERITY is malformed: not one of INFO, LOW, MEDIUM, HIGH, CRITICAL",
            "SEVERITY_OVERRIDES is malformed: \"KeyRotatet=LOW\": no such kind of alert",
            "SEVERITY_OVERRIDES is malformed: \"KeyDeleted=loud\": not one of INFO, LOW, MEDIUM, HIGH, CRITICAL or OFF",
            "SEVERITY_OVERRIDES is malformed: \"KeyEnabled\": not of the form Kind=LEVEL",
            "SEVERITY_OVERRIDES is malformed: KeyRotated is there twice",
            "TRUSTED_ACCOUNTS is malformed: \"42\": not an account id of twelve digits",
            "EXPIRY_WARNING_DAYS is malformed: \"0\": not a number of days from 1 to 365",
            "EXPIRY_WARNING_DAYS is malformed: \"soon\": not a number of days from 1 to 365",
            "AWS_REGION is missing",
        ];
        assert_eq!(error.problems(), expected);
    }

    #[test]
    fn a_bad_optional_value_stops_nothing_and_is_noted() {
        let config = read(&[
            ("ALERT_TOPIC_ARN", TOPIC),
            ("AWS_REGION", "us-east-1"),
            ("CHAT_TOPIC_ARN", "chat"),
            ("MINIMUM_SEVERITY", "URGENT"),
            ("TRUSTED_ACCOUNTS", "42,111122223333"),
            ("EXPIRY_WARNING_DAYS", "999"),
            (
                "SEVERITY_OVERRIDES",
                "KeyRotatd=OFF,KeyRotated=OFF,KeyRotated=HIGH",
            ),
        ])
        .unwrap();
        assert_eq!(config.chat_topic, None);
        assert_eq!(config.minimum_severity, Severity::Low);
        assert_eq!(config.trusted_accounts.len(), 1);
        assert_eq!(config.expiry_warning_days, [30, 14, 7, 3, 1]);
        assert_eq!(config.severity_overrides.len(), 1);
        let names: Vec<_> = config
            .ignored
            .iter()
            .filter_map(|problem| problem.split(' ').next())
            .collect();
        let expected = [
            "CHAT_TOPIC_ARN",
            "MINIMUM_SEVERITY",
            "SEVERITY_OVERRIDES",
            "SEVERITY_OVERRIDES",
            "TRUSTED_ACCOUNTS",
            "EXPIRY_WARNING_DAYS",
        ];
        assert_eq!(names, expected);
        // What must be there must be right.
        let error = read(&[("ALERT_TOPIC_ARN", "alerts"), ("AWS_REGION", "us-east-1")]);
        assert_eq!(error.unwrap_err().problems().len(), 1);
    }

    #[test]
    fn levels_and_kinds_are_read() {
        let config = read(&[
            ("ALERT_TOPIC_ARN", TOPIC),
            ("AWS_REGION", "us-east-1"),
            ("TRUSTED_ACCOUNTS", "444455556666,111122223333,"),
            ("TRUSTED_ORGANIZATIONS", "o-a1b2c3d4e5, o-exampleorg1"),
            ("EXPIRY_WARNING_DAYS", "2, 60 ,2"),
            ("MINIMUM_SEVERITY", "high"),
            (
                "SEVERITY_OVERRIDES",
                " KeyRotated=off , KeyDisabled = MEDIUM,",
            ),
        ])
        .unwrap();
        assert_eq!(config.minimum_severity, Severity::High);
        assert_eq!(config.trusted_accounts.len(), 2);
        assert_eq!(config.trusted_organizations.len(), 2);
        let config_with_a_pattern = read(&[
            ("ALERT_TOPIC_ARN", TOPIC),
            ("AWS_REGION", "us-east-1"),
            ("TRUSTED_ORGANIZATIONS", "o-a1b2c3d4e5,o-*"),
        ])
        .unwrap();
        assert_eq!(config_with_a_pattern.trusted_organizations.len(), 1);
        assert_eq!(config_with_a_pattern.ignored.len(), 1);
        assert_eq!(config.expiry_warning_days, [60, 2]);
        assert_eq!(
            config.severity_overrides,
            BTreeMap::from([
                ("KeyRotated", Override::FeedOnly),
                ("KeyDisabled", Override::Level(Severity::Medium)),
            ])
        );
    }

    #[test]
    fn what_a_parameter_holds_is_trusted_too_and_the_rest_of_it_is_noted() {
        let named = |name: &str| {
            read(&[
                ("ALERT_TOPIC_ARN", TOPIC),
                ("AWS_REGION", "us-east-1"),
                ("TRUSTED_ACCOUNTS", "444455556666"),
                ("TRUSTED_ACCOUNTS_PARAMETER", name),
            ])
            .unwrap()
        };
        for name in [
            "trusted",
            "/",
            "/a//b",
            "/a/",
            "/a b",
            "/a*",
            "arn:aws:ssm:::parameter/a",
        ] {
            let config = named(name);
            assert_eq!(
                (config.trusted_parameter, config.ignored.len()),
                (None, 1),
                "{name}"
            );
        }
        let mut config = named("/security/trusted.accounts");
        assert_eq!(
            config.trusted_parameter.as_deref(),
            Some("/security/trusted.accounts")
        );
        let values = [
            "111122223333,222233334444\n o-a1b2c3d4e5 ,,",
            "42,o-*,a,b,c,d,e",
        ];
        config.trust(Ok::<_, &str>(values.map(str::to_owned).to_vec()));
        assert_eq!(
            (
                config.trusted_accounts.len(),
                config.trusted_organizations.len()
            ),
            (3, 1)
        );
        assert_eq!(config.ignored.len(), 6, "{:?}", config.ignored);
        assert!(
            config.ignored[5].contains(" 2 more are "),
            "{:?}",
            config.ignored
        );
        // What cannot be read trusts nobody.
        let mut config = named("/a");
        config.trust(Err("AccessDeniedException: no"));
        assert_eq!(
            (config.trusted_accounts.len(), config.ignored.len()),
            (1, 1)
        );
        assert!(config.ignored[0].starts_with("TRUSTED_ACCOUNTS_PARAMETER was not read"));
    }

    fn read_sweep(variables: &[(&str, &str)]) -> Result<SweepConfig, ConfigError> {
        let map: BTreeMap<_, _> = variables.iter().copied().collect();
        SweepConfig::from_lookup(|name| map.get(name).map(|value| (*value).to_owned()), &[])
    }

    #[test]
    fn the_sweep_needs_a_ledger_and_has_defaults_for_the_rest() {
        let config = read_sweep(&[("ALERT_TOPIC_ARN", TOPIC), ("LEDGER_TABLE", "ledger")]).unwrap();
        assert_eq!(config.deletion_warning_days, [7, 3, 1]);
        assert_eq!(config.hold, SignedDuration::from_mins(30));
        assert_eq!(config.metric_namespace, "KMSWatch");
        assert!(config.digest);
        let config = read_sweep(&[
            ("ALERT_TOPIC_ARN", TOPIC),
            ("LEDGER_TABLE", "ledger"),
            ("SWEEP_HOLD_MINUTES", "0"),
            ("DELETION_WARNING_DAYS", "1, 14"),
            ("METRIC_NAMESPACE", "Security/Keys"),
            ("DIGEST", "OFF"),
        ])
        .unwrap();
        assert_eq!(config.deletion_warning_days, [14, 1]);
        assert_eq!(config.hold, SignedDuration::ZERO);
        assert_eq!(config.metric_namespace, "Security/Keys");
        assert!(!config.digest);
    }

    #[test]
    fn every_problem_of_the_sweep_is_reported_with_the_rest() {
        let error = read_sweep(&[
            ("SWEEP_HOLD_MINUTES", "-1"),
            ("DELETION_WARNING_DAYS", "31"),
            ("METRIC_NAMESPACE", "AWS/KMS"),
            ("DIGEST", "DAILY"),
        ])
        .unwrap_err();
        let expected = [
            "ALERT_TOPIC_ARN is missing",
            "LEDGER_TABLE is missing",
            "DELETION_WARNING_DAYS is malformed: \"31\": not a number of days from 1 to 30",
            "SWEEP_HOLD_MINUTES is malformed: \"-1\": not a number of minutes from 0 to 1440",
            "METRIC_NAMESPACE is malformed: \"AWS/KMS\": not a namespace of CloudWatch",
            "DIGEST is malformed: \"DAILY\": neither WEEKLY nor OFF",
        ];
        assert_eq!(error.problems(), expected);
    }
}
