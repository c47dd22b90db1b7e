//! SNS: topics that keep what was published, behind the limits of the real one.

mod actions;
mod error;
mod filter;
mod form;
mod limits;
mod message;
mod query;
mod subscription_actions;
mod subscriptions;
mod topics;
mod xml;

pub(crate) use actions::resource;
pub use filter::{FilterError, FilterScope};
pub(crate) use form::Form;
pub use message::{Attribute, Published};
pub(crate) use query::{Reply, Request, answer, denied, failed, throttled, unauthenticated};
pub use subscriptions::EmailSuspension;
pub(crate) use topics::Sns;
