//! The end of what an alarm told of.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::whom;
use crate::countdown;
use crate::event::AlarmEvent;
use crate::key::State;
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Background, Identify, Identity, Learn, Tell};
use crate::kinds::key_store::{see_store, store_facts};
use crate::kinds::material::deadline_by_metric;
use crate::kinds::signal::{Alarm, Signal, Watches};
use crate::kinds::signal::{alarm_sentences, look_at_alarm, measured};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, is_identifier};

/// Dates that differ by less are the same: the metric is right to its period.
const SAME_DATE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How an alarm ended that had been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Resolution {
    /// What it watches is well again.
    Resolved,
    /// The key material was imported again: it expires later, or not at all.
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
    /// CloudWatch looked at part of the data only, or could not evaluate all of it.
    PartialData,
    /// Somebody set the alarm's state by hand.
    SetByHand,
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

    /// Why its being OK says little.
    fn doubt(&self) -> Option<Resolution> {
        let alarm = &self.signal.alarm;
        match self.is_ok() {
            true if alarm.set_by_hand => Some(Resolution::SetByHand),
            true if alarm.evaluation_state.is_some() => Some(Resolution::PartialData),
            _ => None,
        }
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
        if let Some(doubt) = self.doubt() {
            return doubt;
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
        if let Some(doubt) = self.doubt() {
            return doubt;
        }
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

    /// Why its being OK says little, as a sentence.
    fn doubtful(&self) -> &'static str {
        match self.resolution {
            Resolution::SetByHand => {
                "Somebody set this state by hand, so the condition may continue."
            }
            _ => "CloudWatch evaluated part of the data only, so the condition may continue.",
        }
    }

    /// What the alarm watches, as far as that has a name.
    fn what(&self) -> Text {
        match self.signal.watches() {
            Watches::KeyStore(metric) => text![metric.noun],
            _ => text![self.signal.alarm.name.shortened(120)],
        }
    }

    fn date(&self) -> Text {
        self.expires_at
            .map_or_else(Text::new, |date| text![", on ", date])
    }
}

impl Identify for AlarmRecovered {
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
}

impl Ask for AlarmRecovered {
    fn needs_facts(&self) -> bool {
        true
    }
}

impl Learn for AlarmRecovered {
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
                let id = Some(&raised.alert_id).filter(|id| is_identifier(id));
                self.raised_alert_id = id.cloned();
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
}

impl Tell for AlarmRecovered {
    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let whom = whom(case, &self.signal);
        let material = self.signal.watches() == Watches::Material;
        match self.resolution {
            Resolution::Reimported => match self.expires_at {
                Some(date) => text![
                    "The key material of ",
                    whom,
                    " was imported again and expires on ",
                    date
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
                text!["Not resolved: the key material of ", whom, " is missing"]
            }
            Resolution::PendingDeletion => text!["Not resolved: ", whom, " is pending deletion"],
            Resolution::Gone => text!["Not resolved: KMS does not find ", whom],
            Resolution::Unknown if material => text![
                "Unclear: whether the key material of ",
                whom,
                " still expires"
            ],
            Resolution::NoData
            | Resolution::PartialData
            | Resolution::SetByHand
            | Resolution::Unknown => {
                text!["Unclear: ", whom, ", ", self.what()]
            }
            Resolution::Resolved => match self.signal.watches() {
                Watches::Quota => {
                    let of = self.signal.another_account();
                    let of = of.map_or_else(Text::new, |account| text![" of ", account]);
                    text![
                        "Resolved: requests to KMS",
                        of,
                        " are below the threshold of the alarm"
                    ]
                }
                Watches::Usage => text!["Resolved: normal use of ", whom],
                _ => text!["Resolved: ", whom, ", ", self.what()],
            },
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let state = &self.signal.alarm.state;
        let mut text = match self.raised_at {
            Some(at) => text!["The alarm of ", at, " is now ", state, "."],
            None => text!["The alarm is now ", state, "."],
        };
        match self.resolution {
            Resolution::Resolved => match self.signal.watches() {
                Watches::KeyStore(_) if !self.measured => text.sentence(
                    "The key store is CONNECTED and sends metrics, so data is not merely missing.",
                ),
                _ => {}
            },
            Resolution::Reimported => match self.expires_at {
                Some(date) => text.sentence(text!["KMS reports that the key material expires on ", date, "."]),
                None => text.sentence("KMS reports that the key material does not expire."),
            },
            Resolution::StillExpiring => text.sentence(text![
                "The metric has a gap: KMS reports that the key material still expires", self.date(),
                ". Then the key is unusable until the same key material is imported again."
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
                    "Every cryptographic operation with the key fails until the same key material is imported again (PendingImport).",
                );
            }
            Resolution::PendingDeletion => text.sentence(
                "The key is pending deletion: this does not show that key material was imported again.",
            ),
            Resolution::Gone => text.sentence("The metric ended with the key or key store."),
            Resolution::NoData => text.sentence(match self.signal.watches() {
                Watches::KeyStore(_) => {
                    "There is no more data. A disconnected key store sends none, so the condition may continue."
                }
                _ => "There is no more data, so the condition may continue.",
            }),
            Resolution::PartialData | Resolution::SetByHand => text.sentence(self.doubtful()),
            Resolution::Unknown => text.sentence(
                "CloudWatch reports OK also where data ended, and KMS gave no answer.",
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
            Watches::Material if self.resolution == Resolution::Gone => vec![look(
                text!["Find out what was done to the key"],
                case.history_command(),
            )],
            Watches::Material => vec![look(
                text!["See the state of the key and the expiry of its key material"],
                case.kms_command("describe-key", ""),
            )],
            Watches::KeyStore(_) => vec![see_store(case, self.signal.alarm.region())],
            Watches::Quota | Watches::Usage | Watches::Other => vec![look_at_alarm()],
        }
    }
}
