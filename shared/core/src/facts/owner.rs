//! Whose key it is.

use crate::answers::Tags;
use crate::text::Untrusted;

/// The owner whom the tags name: by the tag of just this key, else by one that differs in case.
pub fn owner(tags: &Tags, owner_tag_key: &str) -> Option<Untrusted> {
    let exact = tags.iter().find(|(key, _)| key.as_str() == owner_tag_key);
    let similar = || {
        tags.iter()
            .find(|(key, _)| key.as_str().eq_ignore_ascii_case(owner_tag_key))
    };
    exact
        .or_else(similar)
        .map(|(_, owner)| owner.clone())
        .and_then(Untrusted::non_empty)
}
