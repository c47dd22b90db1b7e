//! Grants: access to a key beside its policy.

mod created;
mod ended;

pub use created::{GrantConstraints, GrantCreated};
pub use ended::{GrantRetired, GrantRevoked};

use crate::actor::Actor;

/// Ends of the names of AWS services, by partition.
const SERVICES: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];

fn is_service(name: &str) -> bool {
    !name.contains([':', '/']) && SERVICES.iter().any(|end| name.ends_with(end))
}

/// An AWS service made the call in its own name. What it makes in somebody's name is told by `via`.
fn by_service(actor: &Actor) -> bool {
    actor.kind.as_str() == "AWSService"
}

/// An AWS service, or what it works with in the account: its service-linked role, a role of its infrastructure.
fn is_of_service(grantee: &str) -> bool {
    let resource = grantee.splitn(6, ':').nth(5).unwrap_or_default();
    is_service(grantee)
        || resource.starts_with("role/aws-service-role/")
        || resource.starts_with("assumed-role/aws:")
        || resource.starts_with("assumed-role/AWSServiceRoleFor")
}
