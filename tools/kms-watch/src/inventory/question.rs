//! What a reader wants to know of a key.

use jiff::Timestamp;

/// What a reader wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) owner_tag_key: &'a str,
    pub(crate) within_days: u32,
    pub(crate) now: Timestamp,
    pub(crate) trusted_accounts: &'a [&'a str],
    pub(crate) trusted_organizations: &'a [&'a str],
}
