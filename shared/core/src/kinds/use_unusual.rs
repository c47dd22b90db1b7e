//! A key is used as it usually is not.

use serde::Serialize;

use super::case::{Case, ask, contain, look};
use super::describe::{Identify, Identity, Tell};
use super::words::{NOT_FOUND, state_note};
use crate::hash::short_hash;
use crate::key::State;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, day, days};
use crate::usual::{CountedBy, Habit, Idle, Newcomer, Surge, Unusual};

/// So many newcomers have a sentence each.
const NAMED: usize = 3;

/// A use after a long time without, by somebody new, or far more often than usual.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyUseUnusual {
    /// The key was used after 90 days without use, or more.
    pub idle: Option<Idle>,
    /// Those who used it for the first time within what is remembered, at most 10, strange accounts first.
    pub newcomers: Vec<Newcomer>,
    /// How many there are.
    pub newcomer_count: u32,
    /// A day with ten times the usual number of uses, or more.
    pub surge: Option<Surge>,
    /// What is usual for the key.
    pub usual: Habit,
    /// What tells it from another.
    #[serde(skip)]
    name: String,
}

impl From<Unusual> for KeyUseUnusual {
    fn from(what: Unusual) -> Self {
        let name = serde_json::to_string(&what).unwrap_or_default();
        Self {
            name: short_hash(&name),
            idle: what.idle,
            newcomers: what.newcomers,
            newcomer_count: what.newcomer_count,
            surge: what.surge,
            usual: what.usual,
        }
    }
}

impl Identify for KeyUseUnusual {
    fn identity(&self) -> Identity {
        Identity::Content(self.name.clone())
    }

    // What is usual only the sweep knows.
    fn is_by_event(&self) -> bool {
        false
    }
}

impl Newcomer {
    fn sentence(&self, usual: &Habit) -> Text {
        let mut text = text![&self.name, " used the key for the first time"];
        if let Some(since) = usual.since {
            text.push(text![" since ", day(since)]);
        }
        if let Some(account) = self.account.as_ref().filter(|_| self.new_account) {
            text.push(text![", as the first of account ", account]);
        }
        text.push(match self.uses {
            1 => text![": once, on ", self.first_at, "."],
            uses => text![": ", uses, " uses seen, from ", self.first_at, "."],
        });
        text
    }
}

impl Idle {
    fn sentence(&self) -> Text {
        let mut text = text!["It was used on ", self.used_at, ", after "];
        text.push(match self.used_before {
            Some(before) => text![
                days(self.days),
                " without use: the use before was on ",
                day(before),
                "."
            ],
            None => text![days(self.days), " in which KMS recorded no use."],
        });
        text
    }
}

impl Surge {
    fn count(&self) -> Text {
        let at_least = if self.at_least { "at least " } else { "" };
        text![at_least, self.uses, " uses on ", day(self.day)]
    }

    fn sentence(&self) -> Text {
        text![
            "There were ",
            self.count(),
            ", where about ",
            self.usual,
            " are usual and ",
            self.most,
            " were the most."
        ]
    }
}

impl Habit {
    fn sentences(&self) -> Text {
        let by = match self.counted_by {
            CountedBy::Metric => " (metric SuccessfulRequest)",
            CountedBy::EventHistory => " (seen in CloudTrail)",
        };
        let mut text = match self.principals {
            0 => text!["Usually nobody uses the key"],
            1 => text!["Usual are ", self.uses_a_day, " uses a day by 1 principal"],
            count => text![
                "Usual are ",
                self.uses_a_day,
                " uses a day by ",
                count,
                " principals"
            ],
        };
        text.push(by);
        for (place, name) in self.names.iter().enumerate() {
            text.push(text![if place == 0 { ": " } else { ", " }, name]);
        }
        if self.names.len() < usize::try_from(self.principals).unwrap_or(usize::MAX) {
            text.push(", …");
        }
        text.push(".");
        if let Some(since) = self.since {
            text.sentence(text!["This is known since ", day(since), "."]);
        }
        let others: Vec<_> = [
            (self.failed, " failed uses"),
            (self.denied, " denied calls"),
            (self.changes, " changes"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .collect();
        for (place, (count, what)) in others.iter().enumerate() {
            let before = if place == 0 {
                " The last day also had "
            } else {
                ", "
            };
            text.push(text![before, *count, *what]);
        }
        if !others.is_empty() {
            text.push(".");
        }
        text
    }
}

impl Tell for KeyUseUnusual {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text![
            "KMS allowed these uses, and only the habit of the key speaks against them"
        ])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text!["Unusual use of ", case.name(), ": "];
        if let Some(idle) = &self.idle {
            text.push(text!["first use after ", days(idle.days)]);
        } else if let Some(first) = self.newcomers.first() {
            text.push(text!["first by ", first.name.shortened(40)]);
            if self.newcomer_count > 1 {
                text.push(text![" and ", self.newcomer_count - 1, " more"]);
            }
        } else if let Some(surge) = &self.surge {
            text.push(surge.count());
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "Whoever should not use ",
            case.name(),
            " may have read, or signed, what it protects."
        ];
        if let Some(idle) = &self.idle {
            text.sentence(idle.sentence());
        }
        for newcomer in self.newcomers.iter().take(NAMED) {
            text.sentence(newcomer.sentence(&self.usual));
        }
        let named = u32::try_from(self.newcomers.len().min(NAMED)).unwrap_or(u32::MAX);
        match self.newcomer_count.saturating_sub(named) {
            0 => {}
            more => text.sentence(text!["So did ", more, " more, whom the feed lists."]),
        }
        if let Some(surge) = &self.surge {
            text.sentence(surge.sentence());
        }
        text.sentence(self.usual.sentences());
        if case.gone {
            text.sentence(NOT_FOUND);
        } else {
            text.sentence(state_note(case, &[]));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let owner = case.key.and_then(|key| key.owner.as_ref());
        let whom = match owner {
            Some(owner) => text![owner],
            None => text!["the owner of the key"],
        };
        let mut steps = vec![
            ask(text!["Ask ", whom, " whether this use is planned"]),
            look(
                text!["See who used or changed the key in the last 90 days"],
                case.history_command(),
            ),
        ];
        if case.state() == Some(&State::Enabled) && !case.gone {
            steps.push(contain(
                text!["If nobody planned it, disable the key: every use fails until somebody enables it"],
                case.kms_command("disable-key", ""),
            ));
        }
        steps
    }
}
