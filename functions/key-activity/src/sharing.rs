//! Resource shares of AWS RAM. Most are of other things than keys, and no business of this function.

use watch_core::decision::Decision;
use watch_core::event::{Event, ShareEvent};
use watch_core::kinds::{KeyShareEnded, KeyShared};

/// What becomes of a key by what happened to a resource share.
pub(crate) fn decide(event: &Event, share: &ShareEvent) -> Decision {
    let ignore = |why: &'static str| Decision::Ignore(why.into());
    let shares = match share.what.as_str() {
        "CreateResourceShare" | "AssociateResourceShare" | "associated" => true,
        "AssociateResourceSharePermission" | "ReplacePermissionAssociations" => {
            let of_keys = |permission: &str| permission.to_ascii_lowercase().contains("kms");
            if !share
                .permission
                .as_ref()
                .is_some_and(|it| of_keys(it.as_str()))
            {
                return ignore("the permission is none for keys");
            }
            true
        }
        "DisassociateResourceShare" | "DeleteResourceShare" | "disassociated" => false,
        _ => return Decision::not_mine(event),
    };
    if share.keys.is_empty() {
        if share.names_resources {
            return ignore("no key is among the resources");
        }
        if share.record.is_none() {
            return ignore("RAM names no key: CloudTrail's record of the call is told");
        }
        if share.what.as_str() == "CreateResourceShare" {
            return ignore("the share has no resources yet");
        }
    }
    if shares {
        Decision::share(share, KeyShared::told(share))
    } else {
        Decision::share(share, KeyShareEnded::told(share))
    }
}
