//! What the ledger keeps of a rescue, so that nothing is taken back twice. Pure.
//!
//! One item for each key and action, under `rescue#<key ARN>`, which no other function may write. It is a [`Claim`], written on
//! condition of its version:
//!
//! | state | call | told as | means |
//! |---|---|---|---|
//! | `CLAIMED` | an occurrence | – | somebody is about to call KMS for it, or died over that |
//! | `CLAIMED` | an occurrence | KMS's request id, or `-` | KMS was called, and people may not know |
//! | `DELIVERED` | an occurrence | the same | KMS was called, and people know |
//! | `CLAIMED` | – | – | nothing was done: the call failed |

use jiff::{SignedDuration, Timestamp};
use watch_core::items::{Claim, ClaimState, ItemKey};

use crate::order::Order;

/// How long a key is left alone that was rescued: whoever does it again means it.
pub const COOL_DOWN_DAYS: u32 = 7;
/// A call whose answer was lost has no id.
const NO_ID: &str = "-";

/// What the ledger has of a key and action means to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is in the way. The version that is there, if one is.
    Free(Option<u64>),
    /// An earlier try of the same took it, and was not finished. KMS may have been called.
    Tried(Claim),
    /// KMS was called for the same: people may not know.
    Acted(Claim),
    /// The same was done, and people know.
    Done,
    /// Another invocation is about it.
    Busy,
    /// The key was rescued then, for something else.
    Cooling(Timestamp),
}

/// Name of the item.
pub fn key(order: &Order) -> ItemKey {
    let (key, operation) = (&order.key, order.action.operation());
    ItemKey::new(format!("rescue#{key}"), format!("claim#{operation}"))
}

/// What `standing` means to `order`, for the invocation `request`.
pub fn standing(
    standing: Option<&Claim>,
    order: &Order,
    request: &str,
    now: Timestamp,
) -> Standing {
    let Some(claim) = standing else {
        return Standing::Free(None);
    };
    let free = Standing::Free(Some(claim.version));
    let Some(call) = &claim.call else {
        return free;
    };
    let is_done = claim.state == ClaimState::Delivered;
    let is_held = !is_done && claim.owner != request && claim.lease > now;
    if *call == order.occurrence() {
        return match &claim.told_as {
            _ if is_done => Standing::Done,
            _ if is_held => Standing::Busy,
            Some(_) => Standing::Acted(claim.clone()),
            None => Standing::Tried(claim.clone()),
        };
    }
    if order.cause().is_none() {
        // People may mean something else today than an hour ago.
        return if is_held { Standing::Busy } else { free };
    }
    let since = now.duration_since(claim.occurred_at);
    let cool_down = SignedDuration::from_hours(24 * i64::from(COOL_DOWN_DAYS));
    if since < cool_down {
        return Standing::Cooling(claim.occurred_at);
    }
    free
}

/// The item before KMS is called.
pub fn taken(order: &Order, request: &str, version: Option<u64>, now: Timestamp) -> Claim {
    let mut claim = Claim::new(key(order), request, now, now);
    claim.version = version.unwrap_or(0).saturating_add(1);
    claim.call = Some(order.occurrence());
    claim
}

/// The same after KMS was called.
pub fn acted(mut claim: Claim, request_id: Option<&str>) -> Claim {
    claim.version = claim.version.saturating_add(1);
    claim.told_as = Some(request_id.unwrap_or(NO_ID).to_owned());
    claim
}

/// KMS's id of the call, if it answered.
pub fn request_id(claim: &Claim) -> Option<&str> {
    claim.told_as.as_deref().filter(|id| *id != NO_ID)
}

/// The same once people know.
pub fn told(mut claim: Claim) -> Claim {
    claim.version = claim.version.saturating_add(1);
    claim.state = ClaimState::Delivered;
    claim
}

/// The same where people were not told: whoever is asked next may go on at once.
pub fn owing(mut claim: Claim, now: Timestamp) -> Claim {
    claim.version = claim.version.saturating_add(1);
    claim.lease = now;
    claim
}

/// The same where nothing was done.
pub fn released(mut claim: Claim) -> Claim {
    claim.version = claim.version.saturating_add(1);
    claim.call = None;
    claim
}
