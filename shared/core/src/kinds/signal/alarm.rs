//! An alarm itself: its name, its state, what mutes it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use crate::arn::{Partition, Region};
use crate::event::{AlarmEvent, AlarmState, Labels};
use crate::hash::short_hash;
use crate::link;
use crate::text;
use crate::text::{Text, Untrusted, minute};

/// A CloudWatch alarm, and what its event says of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alarm {
    /// Its name.
    pub name: Untrusted,
    /// Its ARN.
    pub arn: Option<Untrusted>,
    /// Its description.
    pub description: Option<Untrusted>,
    /// Of an alarm that watches several time series: the labels of the one that changed.
    pub contributor: Option<Labels>,
    /// Of a composite alarm: the alarms that made it change.
    pub children: Vec<Untrusted>,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: Untrusted,
    /// The state before. Not known of contributors.
    pub previous_state: Option<Untrusted>,
    /// Why, in CloudWatch's words, or in those of whoever set the state by hand.
    pub reason: Option<Untrusted>,
    /// What was the matter with the evaluation: `PARTIAL_DATA`, …
    pub evaluation_state: Option<Untrusted>,
    /// The event lacks what CloudWatch adds when it evaluates an alarm: somebody set the state (`SetAlarmState`).
    pub set_by_hand: bool,
    /// ARN of the mute rule that is in force.
    pub muted_by: Option<Untrusted>,
    /// The end of its window.
    pub muted_until: Option<Timestamp>,
    /// What holds back a composite alarm's actions: an alarm, or a period of waiting. People are told all the same, since
    /// nothing tells when that ends.
    pub actions_suppressed_by: Option<Untrusted>,
    #[serde(skip)]
    place: Option<(Partition, Region)>,
    /// The alarm, or the one of its time series.
    #[serde(skip)]
    series: String,
    /// The one change of its state.
    #[serde(skip)]
    change: String,
    #[serde(skip)]
    muted: bool,
}

impl Alarm {
    /// What `event` says.
    pub fn of(event: &AlarmEvent) -> Self {
        let at = event.occurred_at();
        let arn = event.arn.as_ref().map(|arn| {
            let (partition, region) = (arn.partition.as_str(), arn.region.as_str());
            let (account, name) = (arn.account.as_str(), arn.name.as_str());
            format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}")
        });
        let which = arn
            .clone()
            .unwrap_or_else(|| event.name.as_str().to_owned());
        let own = event.contributor.as_ref();
        // CloudWatch's id may be another tomorrow; the labels say what it is about.
        let labels = own.map(|own| match (own.attributes.is_empty(), &own.id) {
            (true, Some(id)) => id.as_str().to_owned(),
            _ => format!("{:?}", own.attributes),
        });
        let series = format!("{which}\n{}", labels.unwrap_or_default());
        let stamp = event.current.stamp.as_ref().or(event.envelope.id.as_ref());
        let mute = event.mute.as_ref();
        let state = |state: &AlarmState| Untrusted::new(state.as_str());
        Self {
            name: event.name.clone(),
            arn: arn.map(|arn| Untrusted::bounded(&arn, 512)),
            description: event.description.clone(),
            contributor: own.map(|own| own.attributes.clone()),
            children: children(event),
            state: state(&event.current.state),
            previous_state: event.previous.as_ref().map(|was| state(&was.state)),
            reason: event
                .current
                .reason
                .as_ref()
                .map(|words| words.shortened(500)),
            evaluation_state: event.current.evaluation_state.clone(),
            set_by_hand: event.is_set_by_hand(),
            muted_by: mute.and_then(|mute| mute.by.clone()),
            muted_until: mute.and_then(|mute| mute.end),
            actions_suppressed_by: event.current.suppressed_by.clone(),
            place: event.partition.clone().zip(event.region.clone()),
            change: short_hash(&format!(
                "{series}\n{:?}\n{}",
                own.and_then(|own| own.id.as_ref()),
                stamp.map_or("", Untrusted::as_str)
            )),
            series: short_hash(&series),
            // A window that is over by then, or not open yet, mutes nothing.
            muted: mute.is_some_and(|mute| {
                let over = mute.end.zip(at).is_some_and(|(end, at)| end <= at);
                let early = mute.start.zip(at).is_some_and(|(start, at)| start > at);
                !over && !early
            }),
        }
    }

    /// Its page.
    pub(crate) fn link(&self) -> Option<String> {
        let (partition, region) = self.place.as_ref()?;
        link::alarm(partition, region, self.name.as_str())
    }

    /// The Region that it is in.
    pub(in crate::kinds) fn region(&self) -> Option<&Region> {
        self.place.as_ref().map(|(_, region)| region)
    }

    /// Tells the alarm, and which of its time series, from all others.
    pub(crate) fn series(&self) -> &str {
        &self.series
    }

    /// Tells this change of its state from all others.
    pub(in crate::kinds) fn change(&self) -> String {
        self.change.clone()
    }

    /// It went off.
    pub(crate) fn is_raised(&self) -> bool {
        self.state.as_str() == "ALARM"
    }

    pub(in crate::kinds) fn was_raised(&self) -> bool {
        self.previous_state
            .as_ref()
            .is_some_and(|state| state.as_str() == "ALARM")
    }

    /// Why people are not told.
    pub(crate) fn muted(&self) -> Option<Cow<'static, str>> {
        let until = self
            .muted_until
            .map_or_else(String::new, |until| format!(" until {}", minute(until)));
        self.muted
            .then(|| format!("a mute rule of CloudWatch is in force on the alarm{until}").into())
    }

    /// `The alarm "name"`, with what it is about if it says so.
    pub(in crate::kinds) fn named(&self) -> Text {
        let mut text = text!["the alarm \"", self.name.shortened(160), "\""];
        if let Some(description) = &self.description {
            text.push(text![" (\"", description.shortened(300), "\")"]);
        }
        text
    }

    /// How it came to its state, in the words of the event, as a sentence.
    pub(in crate::kinds) fn came_to_it(&self) -> Text {
        let mut text = Text::new();
        if self.set_by_hand {
            text.sentence(
                "The event lacks the data of an evaluation: somebody set this state by hand (SetAlarmState).",
            );
        }
        if let Some(words) = &self.reason {
            let who = match self.set_by_hand {
                true => "Reason given: \"",
                false => "Reason by CloudWatch: \"",
            };
            let words = words.shortened(300);
            let end = if words.as_str().ends_with('.') {
                "\""
            } else {
                "\"."
            };
            text.sentence(text![who, words, end]);
        }
        match self.evaluation_state.as_ref().map(Untrusted::as_str) {
            Some("PARTIAL_DATA") => {
                text.sentence("CloudWatch evaluated part of the data only (PARTIAL_DATA).")
            }
            Some(_) => text.sentence(text![
                "State of the evaluation: ",
                self.evaluation_state.clone().unwrap_or_default(),
                "."
            ]),
            None => {}
        }
        text
    }

    /// What holds back its actions, as a sentence.
    pub(in crate::kinds) fn held_back(&self) -> Text {
        let mut text = Text::new();
        if self.muted {
            let until = self
                .muted_until
                .map_or_else(Text::new, |until| text![" until ", until]);
            let by = self
                .muted_by
                .as_ref()
                .map_or_else(Text::new, |by| text![" (", by, ")"]);
            text.sentence(text![
                "The alarm is muted",
                until,
                " by a mute rule",
                by,
                ", so only the feed topic gets this alert."
            ]);
        }
        if let Some(by) = &self.actions_suppressed_by {
            text.sentence(text![
                "CloudWatch suppresses the alarm's own actions (",
                by,
                ")."
            ]);
        }
        text
    }
}

/// The alarms that a composite alarm blames.
pub(super) fn children(event: &AlarmEvent) -> Vec<Untrusted> {
    let triggers = event.current.data.triggers.iter();
    let names = triggers.filter_map(|child| child.arn.as_ref().map(|arn| arn.name.clone()));
    names.take(20).collect()
}
