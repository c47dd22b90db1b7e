//! Read, decide, deliver: everything of KMS Watch that needs no AWS SDK.
//!
//! | module | what it holds |
//! |---|---|
//! | [`event`] | reading: from JSON to an [`event::Event`], wrappers removed |
//! | [`actor`] | who did it, as one readable name |
//! | [`decision`] | what a function makes of an event: an [`decision::Occurrence`], or a reason to ignore it |
//! | [`kinds`] | the kinds of alert: severity, title, summary, next steps, one file a subject |
//! | [`facts`] | the KMS reads that explain an event, in parallel, none able to stop the alert |
//! | [`ledger`] | the memory: one alert per occurrence, a profile of every key, its history, bursts |
//! | [`alert`] | the alert, as it stands on the feed |
//! | [`countdown`] | at which days before a loss people are told |
//! | [`render`] | the alert for people, for chat and for machines |
//! | [`pipeline`] | the path of one event through all of these |
//! | [`ports`] | what the pipeline asks of the world: KMS, topics, a ledger, a clock |
//! | [`config`] | a function's settings |
//! | [`arn`], [`key`], [`severity`], [`mod@text`], [`link`] | the words that the others are made of |

pub mod actor;
pub mod alert;
pub mod arn;
pub mod config;
pub mod countdown;
pub mod decision;
pub mod event;
pub mod facts;
pub mod key;
pub mod kinds;
pub mod ledger;
pub mod link;
pub mod pipeline;
pub mod ports;
pub mod render;
#[cfg(feature = "schema")]
pub mod schema;
pub mod severity;
pub mod text;
