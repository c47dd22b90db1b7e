//! What was LOW on one day, told as one.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use crate::kinds::case::Case;
use crate::kinds::describe::{Identify, Identity, Limit, Section, Tell};
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// The alerts of one day that are no more than LOW, and of which people got no mail each. One such digest for each owner.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LowDigest {
    /// The day on which KMS Watch heard of them, in UTC.
    pub day: String,
    /// Owner of the keys, `null` for what has none.
    pub owner: Option<Untrusted>,
    /// The alerts, in the order in which things happened.
    pub alerts: Vec<LowAlert>,
    /// Which message about the day it is, the same for each try.
    #[serde(skip)]
    pub part: String,
    /// There is a feed, which has each single alert.
    #[serde(skip)]
    pub on_feed: bool,
}

/// An alert in a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LowAlert {
    /// Its kind.
    pub kind: Untrusted,
    /// Its title.
    pub title: Untrusted,
    /// What it is about: ARN of the key, id of the custom key store, or account.
    pub about: Untrusted,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its id.
    pub alert_id: Untrusted,
}

impl Identify for LowDigest {
    fn limit(&self) -> Limit {
        Limit::None
    }

    // It tells of alerts, which say so themselves.
    fn is_by_event(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity {
        let owner = self.owner.as_ref().map_or("", Untrusted::as_str);
        Identity::Content(format!("{}#{}#{owner}", self.day, self.part))
    }
}

impl Tell for LowDigest {
    fn ceiling(&self) -> Severity {
        Severity::Low
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, _: &Case<'_>) -> Text {
        let count = self.alerts.len() as u64;
        let noun = if count == 1 {
            " alert of "
        } else {
            " alerts of "
        };
        let mut text = text![count, noun, Untrusted::new(&self.day), ", no urgent one"];
        if let Some(owner) = &self.owner {
            text.push(text![", keys of ", owner]);
        }
        text
    }

    fn summary(&self, _: &Case<'_>) -> Text {
        let mut text = text![
            "Each of these alerts is LOW, so that one mail a day tells of them (LOW_DIGEST)."
        ];
        text.sentence("Chat got each of them by itself, if there is a chat topic.");
        text.sentence(if self.on_feed {
            "The feed has each of them whole."
        } else {
            "The ledger's history has each of them."
        });
        text
    }

    fn sections(&self) -> Vec<Section> {
        let rows = self.alerts.iter().map(|alert| {
            let line = text![
                alert.occurred_at,
                ": ",
                &alert.title,
                " (",
                &alert.kind,
                ", ",
                &alert.about,
                ")"
            ];
            (Cow::Borrowed(""), line)
        });
        vec![Section {
            heading: "The alerts",
            rows: rows.collect(),
        }]
    }
}
