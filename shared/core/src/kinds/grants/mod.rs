//! Grants: access to a key beside its policy.

mod created;
mod ended;
mod grantee;
mod told;

pub use created::{GrantConstraints, GrantCreated};
pub use ended::{GrantRetired, GrantRevoked};
pub use told::GrantTold;

use crate::actor::Actor;
use crate::text::Untrusted;

use self::grantee::works_for_itself;

/// An AWS service, or KMS itself, made the call in its own name. What it makes in somebody's name is told by `via`.
fn by_service(actor: &Actor) -> bool {
    matches!(actor.kind.as_str(), "AWSService" | "AWS")
}

/// An AWS service made the call, in its own name or in somebody's, for work of its own: it is none of those that pass on
/// whatever they are told.
fn for_own_work(actor: &Actor) -> bool {
    let own = |via: &Untrusted| works_for_itself(via.as_str());
    match &actor.via {
        Some(via) => own(via),
        None => by_service(actor) && (actor.kind.as_str() == "AWS" || own(&actor.name)),
    }
}

/// The id of a grant, safe in a command.
fn is_grant_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}
