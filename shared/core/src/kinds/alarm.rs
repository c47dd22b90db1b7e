//! Alarms of CloudWatch: a quota nearly used up, unusual use, and the end of what any alarm told of.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::expiring::deadline_by_metric;
use super::signal::{Alarm, Signal, Unit, Watches};
use super::{Background, Case, Describe, Identity, step};
use crate::arn::Region;
use crate::countdown;
use crate::event::AlarmEvent;
use crate::facts::Reads;
use crate::key::State;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Who an alarm is about is told by name, owner and state.
pub(super) const READS: Reads = Reads {
    rotation: false,
    last_use: false,
};

/// Dates that differ by less are the same: the metric is right to its period.
const SAME_DATE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// `external-hq`, else the key store's id.
pub(super) fn store_name(case: &Case<'_>) -> Text {
    match case.key_store {
        Some(store) => match &store.name {
            Some(name) => text![name],
            None => text!["key store ", &store.id],
        },
        None => text!["a custom key store"],
    }
}

/// Whom the alarm is about.
fn whom(case: &Case<'_>) -> Text {
    match (case.key, case.key_store) {
        (Some(key), _) => key.name(),
        (None, Some(_)) => store_name(case),
        (None, None) => text!["KMS in this account and Region"],
    }
}

/// Which key store it is, how it stands, and how much hangs on it.
pub(super) fn store_facts(case: &Case<'_>) -> Text {
    let Some(store) = case.key_store else {
        return text!["Which key store it is, the alarm does not say."];
    };
    if case.gone {
        return text!["KMS does not know the key store ", &store.id, " any more."];
    }
    let mut text = text!["The key store ", &store.id];
    if let Some(kind) = &store.kind {
        text.push(text![" (", kind, ")"]);
    }
    match &store.connection_state {
        Some(state) => text.push(text![" is ", state]),
        None => text.push(": its state could not be found out"),
    }
    if let Some(code) = &store.error_code {
        text.push(text![" (", code, ")"]);
    }
    match store.key_count {
        Some(0) => text.push(", and no key is in it"),
        Some(1) => text.push(", and one key is in it"),
        Some(count) => text.push(text![", and ", count, " keys are in it"]),
        None => text.push("; how many keys are in it could not be found out"),
    }
    text.push(".");
    text
}

pub(super) fn store_command(
    case: &Case<'_>,
    region: Option<&Region>,
    operation: &str,
) -> Option<String> {
    let store = case.key_store?;
    // An id that was checked: it is the subject's.
    let region = region?;
    Some(format!(
        "aws kms {operation} --custom-key-store-id {} --region {}",
        store.id.as_str(),
        region.as_str()
    ))
}

/// Where to look at the alarm itself; there is a link too, but not in every partition.
pub(super) fn look_at_alarm() -> Step {
    step(
        text!["Look at the alarm's graph in CloudWatch: since when, and how fast"],
        None,
    )
}

/// How it stands: numbers, and which of several time series.
pub(super) fn measured(text: &mut Text, signal: &Signal) {
    text.sentence(signal.numbers());
    text.sentence(signal.particulars());
}

pub(super) const ITS_OWNERS_WORDS: &str = "KMS Watch knows nothing of what this alarm watches: name and description are its owner's words.";

/// Which alarm it is, and what mutes it.
pub(super) fn alarm_sentences(text: &mut Text, signal: &Signal) {
    let children = &signal.alarm.children;
    if !children.is_empty() {
        text.sentence("It is made of other alarms; those that made it change: ");
        for (index, child) in children.iter().take(5).enumerate() {
            if index > 0 {
                text.push(", ");
            }
            text.push(child.shortened(160));
        }
        text.push(".");
    }
    text.sentence(text!["This is ", signal.alarm.named(), "."]);
    text.sentence(signal.alarm.held_back());
}

/// Requests to KMS come near their quota, for the whole account in the Region.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct KmsQuotaNear(pub Signal);

impl KmsQuotaNear {
    /// The requests that share the quota.
    fn requests(&self) -> Text {
        let Some(resource) = self.0.dimension("Resource") else {
            return text!["Requests to KMS"];
        };
        match resource.as_str() {
            "CryptographicOperationsSymmetric" => {
                text!["Cryptographic requests with symmetric keys"]
            }
            "CryptographicOperationsRsa" => text!["Cryptographic requests with RSA keys"],
            "CryptographicOperationsEcc" => text!["Cryptographic requests with ECC keys"],
            _ => text!["Requests to KMS for ", resource],
        }
    }
}

impl Describe for KmsQuotaNear {
    const NAME: &'static str = "KmsQuotaNear";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Alarm(self.0.alarm.change())
    }

    fn alarm(&self) -> Option<&Alarm> {
        Some(&self.0.alarm)
    }

    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::High
    }

    fn title(&self, _: &Case<'_>) -> Text {
        match (self.0.value, self.0.unit) {
            (Some(value), Some(Unit::Percent)) => {
                text![
                    self.requests(),
                    " use ",
                    self.0.say(value),
                    " of their quota"
                ]
            }
            _ => text![self.requests(), " come near their quota"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![self.title(case), "."];
        measured(&mut text, &self.0);
        text.sentence(
            "The quota is for the whole account in this Region. Beyond it KMS refuses requests (ThrottlingException): of all \
             applications, and of AWS services that use keys for them.",
        );
        text.sentence(
            "The metric is a sum over its period: a burst within a minute may be refused below 100 %.",
        );
        alarm_sentences(&mut text, &self.0);
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let quotas = self.0.alarm.region().map(|region| {
            format!(
                "aws service-quotas list-service-quotas --service-code kms --region {}",
                region.as_str()
            )
        });
        vec![
            step(
                text!["Find in CloudTrail who sends the most requests, and whether that is meant"],
                None,
            ),
            step(
                text![
                    "Have applications keep data keys for a while (AWS Encryption SDK, S3 Bucket Keys) instead of asking for \
                     each object"
                ],
                None,
            ),
            step(text!["See the quota, and ask for a higher one"], quotas),
        ]
    }
}

const FEWER: &str = "Far fewer";

/// Keys are used otherwise than is usual; or an alarm of which nothing is known but its name went off.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct KmsUsageAnomaly(pub Signal);

impl KmsUsageAnomaly {
    fn is_known(&self) -> bool {
        self.0.watches() == Watches::Usage
    }

    /// The alarm of this stack on what a trail's log says of keys that are pending deletion.
    fn is_of_lost_key(&self) -> bool {
        self.0
            .metric
            .as_ref()
            .is_some_and(|name| name.as_str() == "PendingDeletionUse")
    }

    /// More than usual, or less, if the numbers say so.
    fn direction(&self) -> Option<&'static str> {
        let Signal {
            value,
            usual_from,
            usual_to,
            threshold,
            ..
        } = self.0;
        let value = value?;
        if usual_to.or(threshold).is_some_and(|to| value > to) {
            return Some("Many more");
        }
        usual_from
            .or(threshold)
            .is_some_and(|from| value < from)
            .then_some(FEWER)
    }
}

impl Describe for KmsUsageAnomaly {
    const NAME: &'static str = "KmsUsageAnomaly";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Alarm(self.0.alarm.change())
    }

    fn alarm(&self) -> Option<&Alarm> {
        Some(&self.0.alarm)
    }

    fn ceiling(&self) -> Severity {
        Severity::High
    }

    /// What an alarm means of which nothing is known, only its owner knows: it is taken seriously.
    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.is_known() {
            Severity::Medium
        } else {
            Severity::High
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        if self.is_of_lost_key() {
            return text!["Somebody tried to use a key that is pending deletion"];
        }
        if !self.is_known() {
            return match case.key {
                Some(key) => text![
                    "An alarm about ",
                    key.name(),
                    " went off: ",
                    self.0.alarm.name.shortened(120)
                ],
                None => text![
                    "An alarm about KMS went off: ",
                    self.0.alarm.name.shortened(120)
                ],
            };
        }
        let what = match (self.0.dimension("Operation"), case.key) {
            (Some(operation), Some(key)) => text![operation, " requests with ", key.name()],
            (None, Some(key)) => text!["cryptographic requests with ", key.name()],
            (Some(operation), None) => text![operation, " requests to KMS"],
            (None, None) => text!["cryptographic requests to KMS"],
        };
        match self.direction() {
            Some(direction) => text![direction, " ", what, " than usual"],
            None => text!["Unusual number of ", what],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![self.title(case), "."];
        measured(&mut text, &self.0);
        if self.is_of_lost_key() {
            text.sentence(
                "Its data is still needed, and lost for ever once the key is deleted. The alarm does not say which key it is; \
                 CloudTrail does.",
            );
        } else if !self.is_known() {
            if self.0.alarm.children.is_empty() {
                text.sentence(ITS_OWNERS_WORDS);
            }
        } else if self.direction() == Some(FEWER) {
            text.sentence(
                "It may be an application that is out of order, and it is also what being locked out of a key looks like from \
                 here.",
            );
        } else {
            text.sentence(
                "It may be a new or a broken application, and it is also what reading a data store in bulk looks like from here.",
            );
        }
        alarm_sentences(&mut text, &self.0);
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.is_of_lost_key() {
            return vec![
                step(
                    text![
                        "Find in CloudTrail the calls to KMS whose errorMessage ends in \"is pending deletion.\": they name the \
                         key, and who needs it"
                    ],
                    None,
                ),
                step(
                    text![
                        "Cancel the deletion of that key, then enable it, unless nobody needs its data"
                    ],
                    None,
                ),
            ];
        }
        let mut steps = vec![look_at_alarm()];
        if self.is_known() {
            steps.push(step(
                text![
                    "See who uses keys now, and from where, and whether that is meant (uses are in a trail's own log only, \
                     if it records them)"
                ],
                case.history_command(),
            ));
        }
        steps
    }
}

/// How an alarm ended that had been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Resolution {
    /// What it watches is well again.
    Resolved,
    /// The key material was imported again: it lasts longer, or for ever.
    Reimported,
    /// The key material expires as it was going to; the metric has a gap.
    StillExpiring,
    /// The key material has expired.
    Expired,
    /// The key material was deleted before its time.
    Deleted,
    /// The key material is not there; whether it expired or was deleted is not known.
    MaterialGone,
    /// The key is pending deletion.
    PendingDeletion,
    /// KMS does not know the key, or the key store, any more.
    Gone,
    /// There are no data any more, which says nothing.
    NoData,
    /// KMS did not say.
    Unknown,
}

impl Resolution {
    /// Nothing is left to do.
    fn is_resolved(self) -> bool {
        matches!(self, Self::Resolved | Self::Reimported)
    }
}

/// An alarm that had been told of is over; `resolution` says whether what it warned of is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlarmRecovered {
    /// How the alarm stands.
    #[serde(flatten)]
    pub signal: Signal,
    /// How it ended.
    pub resolution: Resolution,
    /// What it warned of is no more.
    pub resolved: bool,
    /// Of imported key material: when it expires, or has.
    pub expires_at: Option<Timestamp>,
    /// When the alarm went off, if that is remembered.
    pub raised_at: Option<Timestamp>,
    /// Id of the alert that told of it.
    pub raised_alert_id: Option<String>,
    /// The event has a value, so that the state stands for something.
    #[serde(skip)]
    measured: bool,
    /// The date of expiry that the metric had said while the alarm was on.
    #[serde(skip)]
    expected: Option<Timestamp>,
    #[serde(skip)]
    is_composite: bool,
    #[serde(skip)]
    unheard: bool,
}

impl AlarmRecovered {
    /// What `event` says, which tells of another state than `ALARM`.
    pub fn of(event: &AlarmEvent) -> Self {
        let signal = Signal::of(event);
        let was = event
            .previous
            .as_ref()
            .filter(|_| signal.alarm.was_raised());
        let expected = was.and_then(|was| {
            let seconds = was.data.datapoints.last()?;
            deadline_by_metric(
                *seconds,
                was.data.evaluated_at.or(was.time)?,
                was.data.period,
            )
        });
        Self {
            resolution: Resolution::Unknown,
            resolved: false,
            expires_at: None,
            raised_at: was.and_then(|was| was.time),
            raised_alert_id: None,
            measured: signal.value.is_some(),
            expected: expected.filter(|_| signal.watches() == Watches::Material),
            is_composite: event.is_composite(),
            unheard: false,
            signal,
        }
    }

    fn is_ok(&self) -> bool {
        self.signal.alarm.state.as_str() == "OK"
    }

    /// What became of the key material. A metric that ends says nothing: KMS is asked.
    fn of_material(&mut self, known: &Background<'_>) -> Resolution {
        let Some(facts) = known.facts else {
            return Resolution::Unknown;
        };
        if facts.is_gone() {
            return Resolution::Gone;
        }
        let Some(metadata) = facts.metadata() else {
            return Resolution::Unknown;
        };
        self.expires_at = metadata.expires_at;
        let remembered = known.profile.metadata.as_ref();
        match &metadata.state {
            Some(state) if state.is_pending_deletion() => Resolution::PendingDeletion,
            Some(State::PendingImport) => {
                let date = self
                    .expected
                    .or(metadata.expires_at)
                    .or_else(|| remembered.and_then(|known| known.value.expires_at));
                self.expires_at = date;
                match date {
                    // To the hour, as a date by the metric is.
                    Some(date)
                        if date
                            <= known
                                .at
                                .saturating_add(SignedDuration::from_hours(1))
                                .unwrap_or(date) =>
                    {
                        Resolution::Expired
                    }
                    Some(_) => Resolution::Deleted,
                    None => Resolution::MaterialGone,
                }
            }
            _ => match (metadata.expires_at, self.expected) {
                (None, _) => Resolution::Reimported,
                (Some(date), Some(expected))
                    if date.duration_since(expected) > SAME_DATE_WITHIN =>
                {
                    Resolution::Reimported
                }
                (Some(_), Some(_)) => Resolution::StillExpiring,
                (Some(date), None) => match countdown::step(known.steps, known.at, date) {
                    Some(_) => Resolution::StillExpiring,
                    None => Resolution::Reimported,
                },
            },
        }
    }

    /// A key store sends metrics only as long as it is connected, and a contributor without data is said to be OK
    /// (CloudWatch User Guide, alarms on several time series).
    fn of_key_store(&self, known: &Background<'_>) -> Resolution {
        if known.key_store.is_some_and(|facts| facts.is_gone()) {
            return Resolution::Gone;
        }
        if !self.is_ok() {
            return Resolution::NoData;
        }
        if self.measured {
            return Resolution::Resolved;
        }
        let connection = known
            .key_store
            .and_then(|facts| facts.data())
            .and_then(|data| data.connection_state.as_ref());
        match connection.map(Untrusted::as_str) {
            Some("CONNECTED") => Resolution::Resolved,
            Some(_) => Resolution::NoData,
            None => Resolution::Unknown,
        }
    }

    /// Quotas and use: no requests are few requests. Of other alarms nobody knows what silence means.
    fn of_others(&self) -> Resolution {
        let silence_is_well = self.signal.watches() != Watches::Other;
        let made_up = self.signal.metric.is_none() && self.signal.alarm.contributor.is_none();
        match self.is_ok() {
            true if self.measured || silence_is_well || self.is_composite || made_up => {
                Resolution::Resolved
            }
            true => Resolution::Unknown,
            false => Resolution::NoData,
        }
    }

    fn date(&self) -> Text {
        self.expires_at
            .map_or_else(Text::new, |date| text![", on ", date])
    }
}

impl Describe for AlarmRecovered {
    const NAME: &'static str = "AlarmRecovered";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Alarm(self.signal.alarm.change())
    }

    fn alarm(&self) -> Option<&Alarm> {
        Some(&self.signal.alarm)
    }

    fn quiet(&self) -> Option<Cow<'static, str>> {
        let unheard = self.unheard.then_some(Cow::Borrowed(
            "people were not told that the alarm went off",
        ));
        unheard.or_else(|| self.signal.alarm.muted())
    }

    fn needs_facts(&self) -> bool {
        true
    }

    fn settle(&mut self, known: &Background<'_>) -> Result<(), Cow<'static, str>> {
        match &known.raised {
            Some(None) => return Err("nobody was told that this alarm went off".into()),
            Some(Some(raised)) if raised.at > known.at => {
                return Err("the alarm has gone off again since".into());
            }
            Some(Some(raised)) if raised.ended_at.is_some_and(|end| end != known.at) => {
                return Err("it was told before that this alarm is over".into());
            }
            Some(Some(raised)) => {
                self.raised_at = Some(raised.at);
                self.raised_alert_id = Some(raised.alert_id.clone());
                self.expected = raised.deadline.or(self.expected);
                self.unheard = raised.quiet;
            }
            // Without memory the event has to say it. Contributors do not say what they were: a new one begins as OK
            // without an event.
            None if self.signal.alarm.was_raised() || self.signal.alarm.contributor.is_some() => {}
            None => return Err("the alarm had not gone off before".into()),
        }
        self.resolution = match self.signal.watches() {
            Watches::Material => self.of_material(known),
            Watches::KeyStore(_) => self.of_key_store(known),
            Watches::Quota | Watches::Usage | Watches::Other => self.of_others(),
        };
        self.resolved = self.resolution.is_resolved();
        Ok(())
    }

    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let whom = whom(case);
        let material = self.signal.watches() == Watches::Material;
        match self.resolution {
            Resolution::Reimported => match self.expires_at {
                Some(date) => text![
                    "The key material of ",
                    whom,
                    " was imported again and lasts until ",
                    text::day(date)
                ],
                None => text![
                    "The key material of ",
                    whom,
                    " was imported again and does not expire"
                ],
            },
            Resolution::StillExpiring => text![
                "Not resolved: the key material of ",
                whom,
                " still expires",
                self.date()
            ],
            Resolution::Expired => {
                text!["Not resolved: the key material of ", whom, " has expired"]
            }
            Resolution::Deleted => {
                text!["Not resolved: the key material of ", whom, " was deleted"]
            }
            Resolution::MaterialGone => {
                text!["Not resolved: the key material of ", whom, " is gone"]
            }
            Resolution::PendingDeletion => text!["Not resolved: ", whom, " is pending deletion"],
            Resolution::Gone => text!["Not resolved: KMS does not know ", whom, " any more"],
            Resolution::Unknown if material => text![
                "Not known to be resolved: the expiry of the key material of ",
                whom
            ],
            Resolution::NoData | Resolution::Unknown => match self.signal.watches() {
                Watches::KeyStore(metric) => {
                    text!["Not known to be resolved: ", whom, ", ", metric.noun]
                }
                _ => text![
                    "Not known to be resolved: ",
                    whom,
                    ", ",
                    self.signal.alarm.name.shortened(120)
                ],
            },
            Resolution::Resolved => match self.signal.watches() {
                Watches::KeyStore(metric) => text!["Resolved: ", whom, ", ", metric.noun],
                Watches::Quota => {
                    text!["Resolved: requests to KMS are below the alarm's share of their quota"]
                }
                Watches::Usage => text!["Resolved: the use of ", whom, " is usual again"],
                _ => text![
                    "Resolved: ",
                    whom,
                    ", ",
                    self.signal.alarm.name.shortened(120)
                ],
            },
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let state = &self.signal.alarm.state;
        let mut text = match self.raised_at {
            Some(at) => text!["An alarm that went off on ", at, " is ", state, " now."],
            None => text!["An alarm that had gone off is ", state, " now."],
        };
        match self.resolution {
            Resolution::Resolved => match self.signal.watches() {
                Watches::KeyStore(_) if !self.measured => text.sentence(
                    "Its key store is CONNECTED and sends metrics, so that this is no mere absence of data.",
                ),
                _ => {}
            },
            Resolution::Reimported => match self.expires_at {
                Some(date) => text.sentence(text!["KMS says that the key material lasts until ", date, "."]),
                None => text.sentence("KMS says that the key material does not expire."),
            },
            Resolution::StillExpiring => text.sentence(text![
                "That is a gap in the metric: KMS says that the key material still expires", self.date(),
                ". Then the key is unusable until the same material is imported again."
            ]),
            Resolution::Expired | Resolution::Deleted | Resolution::MaterialGone => {
                let what = match self.resolution {
                    Resolution::Expired => "The metric ends with the key material, which has expired",
                    Resolution::Deleted => {
                        "The metric ends with the key material, which was deleted before it would have expired"
                    }
                    _ => "The metric ends with the key material, which has expired or was deleted",
                };
                let date = if self.resolution == Resolution::MaterialGone { Text::new() } else { self.date() };
                text.sentence(text![what, date, "."]);
                text.sentence(
                    "KMS reports the key as PendingImport: every cryptographic operation with it fails until the same material is \
                     imported again.",
                );
            }
            Resolution::PendingDeletion => text.sentence(
                "The key is pending deletion, so this does not say that its key material was imported again.",
            ),
            Resolution::Gone => text.sentence("The metric ended with it."),
            Resolution::NoData => text.sentence(match self.signal.watches() {
                Watches::KeyStore(_) => {
                    "There are no data any more. A key store that is not connected sends none, so this says nothing about what \
                     the alarm warned of."
                }
                _ => "There are no data any more, which says nothing about what the alarm warned of.",
            }),
            Resolution::Unknown => text.sentence(
                "CloudWatch says OK also where data have ended, and KMS did not say how it stands.",
            ),
        }
        measured(&mut text, &self.signal);
        if matches!(self.signal.watches(), Watches::KeyStore(_))
            && self.resolution != Resolution::Gone
        {
            text.sentence(store_facts(case));
        }
        alarm_sentences(&mut text, &self.signal);
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.resolved {
            return Vec::new();
        }
        match self.signal.watches() {
            Watches::Material if self.resolution == Resolution::Gone => vec![step(
                text!["See what was done to the key"],
                case.history_command(),
            )],
            Watches::Material => vec![step(
                text!["See the key's state, and until when its material lasts"],
                case.kms_command("describe-key", ""),
            )],
            Watches::KeyStore(_) => vec![step(
                text!["See how KMS stands with the key store"],
                store_command(
                    case,
                    self.signal.alarm.region(),
                    "describe-custom-key-stores",
                ),
            )],
            Watches::Quota | Watches::Usage | Watches::Other => vec![look_at_alarm()],
        }
    }
}
