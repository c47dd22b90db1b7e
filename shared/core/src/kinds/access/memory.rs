//! The last policy of a key, and the one before, in the ledger.

use jiff::Timestamp;
use watch_policy::MAX_BYTES;

use crate::kinds::describe::Found;
use crate::ledger::{Item, Policy};

/// What is written of a policy: as the last one, unless a later one is known, and the one before, to put it back.
pub(super) fn remember(
    found: &Found<'_>,
    text: &str,
    as_of: Timestamp,
    remembered: Option<&Policy>,
) -> Vec<Item> {
    let partition = found.subject.partition_key();
    let is_late = remembered.is_some_and(|known| known.as_of > as_of);
    if is_late || text.len() > MAX_BYTES {
        return Vec::new();
    }
    let last = Policy {
        policy: text.to_owned(),
        as_of,
    };
    let replaced = remembered.filter(|known| known.policy != text);
    let mut items = vec![last.item(&partition)];
    items.extend(replaced.map(|known| known.replaced_item(&partition, found.now)));
    items
}

pub(super) fn remembered(found: &Found<'_>) -> Option<Policy> {
    let key = Policy::key(&found.subject.partition_key());
    found.item(&key).and_then(Policy::read)
}

/// Reads an item of the ledger into a file, for a policy that is too long for a mail.
pub(super) fn fetch_command(found: &Found<'_>, policy: &Policy) -> Option<String> {
    let table = found.settings.ledger_table?;
    let is_safe = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    let key = policy.replaced_key(&found.subject.partition_key());
    let region = found.settings.region.as_str();
    table.bytes().all(is_safe).then(|| {
        format!(
            "aws dynamodb get-item --table-name {table} --key '{{\"pk\":{{\"S\":\"{}\"}},\"sk\":{{\"S\":\"{}\"}}}}' \
             --query Item.policy.S --output text --region {region} > key-policy.json",
            key.partition, key.sort
        )
    })
}
