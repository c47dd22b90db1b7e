//! Who may use a key: its policy, read and compared, when it is set, changed, or given to a replica.

mod change;
mod changed;
mod conditions;
mod created;
mod exposure;
mod fresh;
mod judge;
mod memory;
mod replicated;

pub use change::AccessChange;
pub use changed::{AccessOf, KeyPolicyChanged};
pub(super) use conditions::{asked_conditions, is_about_aliases, policy_item, see_conditions};
pub use created::KeyCreated;
pub(super) use exposure::{
    is_usable, owner, see_uses, short_principal, state_if_off, stop_all_use, untrusted_accounts,
};
pub use fresh::FreshPolicy;
pub(super) use judge::judge_alone;
pub use replicated::KeyReplicated;

/// Most accounts, and most services, that the details list.
const LISTED: usize = 100;

const PUT_BACK: &str = "--policy-name default --policy file://key-policy.json";

const SEE_POLICY: &str = "--policy-name default --query Policy --output text";
