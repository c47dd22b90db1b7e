//! Whose key it is.

use crate::answers::Tags;
use crate::text::Untrusted;

/// Most owners of a key that are told beside the one who counts.
pub(crate) const OTHERS: usize = 8;

/// The owner whom the tags name: by the tag of just this key, else by one that differs in case.
pub fn owner(tags: &Tags, owner_tag_key: &str) -> Option<Untrusted> {
    owners(tags, owner_tag_key).next().cloned()
}

/// Everybody whom the tags name, the owner first: one, by the tag of just this key; else all, by tags that differ in case.
/// AWS's tag keys are case-sensitive: whoever adds `OWNER` beside `owner` must not take the key's alerts away.
pub(crate) fn owners<'t>(
    tags: &'t Tags,
    owner_tag_key: &str,
) -> impl Iterator<Item = &'t Untrusted> {
    let named = |is_owner: fn(&str, &str) -> bool| {
        let tags = tags.iter();
        tags.filter(move |(key, owner)| is_owner(key.as_str(), owner_tag_key) && !owner.is_empty())
            .map(|(_, owner)| owner)
    };
    let mut exact = named(|key, tag| key == tag).peekable();
    let others = exact.peek().is_none();
    let similar = named(str::eq_ignore_ascii_case);
    exact.chain(similar.filter(move |_| others))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[(&str, &str)]) -> Tags {
        let tags = tags.iter();
        tags.map(|(key, value)| (Untrusted::new(key), Untrusted::new(value)))
            .collect()
    }

    #[test]
    fn the_tag_of_just_this_key_counts_and_whoever_else_is_named_is_told() {
        for (tagged, expected) in [
            (&[("Owner", "a")] as &[_], &["a"] as &[_]),
            (&[("OWNER", "b"), ("Owner", "a"), ("owner", "c")], &["a"]),
            (&[("OWNER", "b"), ("owner", "c")], &["b", "c"]),
            (&[("Owner", ""), ("owner", "c")], &["c"]),
            (&[("Owners", "a")], &[]),
        ] {
            let tags = tags(tagged);
            let found: Vec<_> = owners(&tags, "Owner").map(Untrusted::as_str).collect();
            assert_eq!(found, expected, "{tagged:?}");
            let first = owner(&tags, "Owner");
            assert_eq!(
                first.as_ref().map(Untrusted::as_str),
                expected.first().copied()
            );
        }
    }
}
