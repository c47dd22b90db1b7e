//! Read, decide, deliver: everything of KMS Watch that needs no AWS SDK.
//!
//! | module | what it holds |
//! |---|---|
//! Each uses only what stands below it, except that the lowest words are free to all:
//!
//! | module | what it holds |
//! |---|---|
//! | [`pipeline`] | the path of one event through all of these |
//! | [`render`] | the alert for people, for chat and for machines |
//! | [`config`] | a function's settings |
//! | [`alert`] | the alert, as it stands on the feed |
//! | [`decision`] | what a function makes of an event: an [`decision::Occurrence`], or a reason to ignore it |
//! | [`kinds`] | the kinds of alert: severity, title, summary, next steps, one file a subject |
//! | [`dependants`] | what breaks: who and what depends on a key |
//! | [`usual`] | how often and by whom a key is usually used, and what differs |
//! | [`facts`] | the KMS reads that explain an event, in parallel, none able to stop the alert |
//! | [`ledger`] | the memory: one alert per occurrence, a profile of every key, its history, bursts |
//! | [`ports`] | what the pipeline asks of the world: KMS, topics, a ledger, a clock |
//! | [`protection`] | which keys are protected, and by what |
//! | [`event`] | reading: from JSON to an [`event::Event`], wrappers removed |
//! | [`about`], [`enrichment`], [`source`], [`step`] | what an alert is made of beside its kind: the key, how much of it was asked, who told, what to do |
//! | [`answers`], [`items`] | plain data of the ports: what KMS answers, what the ledger's table holds |
//! | [`stack`] | what belongs to the stack, by the names that CloudFormation gives |
//! | [`subject`], [`actor`] | what happened to whom, and who did it, as one readable name |
//! | [`page`] | pieces of HTML, for the report by hand and the dashboard |
//! | [`context`] | what AWS services write into an encryption context |
//! | [`arn`], [`key`], [`severity`], [`countdown`], [`mod@text`], [`link`] | the words that the others are made of |

pub mod about;
pub mod actor;
pub mod alert;
pub mod answers;
pub mod arn;
pub mod config;
pub mod context;
pub mod countdown;
pub mod decision;
pub mod dependants;
pub mod enrichment;
pub mod event;
pub mod facts;
#[cfg(any(test, feature = "fakes"))]
pub mod fakes;
pub mod hash;
pub mod items;
pub mod key;
pub mod kinds;
pub mod ledger;
pub mod link;
pub mod owner;
pub mod page;
pub mod pipeline;
pub mod ports;
pub mod protection;
pub mod render;
#[cfg(feature = "schema")]
pub mod schema;
pub mod severity;
pub mod source;
pub mod stack;
pub mod step;
pub mod subject;
pub mod text;
pub mod usual;
mod value;
