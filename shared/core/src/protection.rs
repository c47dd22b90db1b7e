//! Which keys are protected, and by what. Pure, and the same for everybody who asks: the function that rescues keys, and alerts.
//!
//! IAM locks each way for itself (`KeyRescueRole` in the template), so that patterns mean here what they mean to IAM's
//! `StringLike`: upper and lower case differ, and `*` stands for anything.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::answers::Tags;
use crate::arn::KeyArn;
use crate::text;
use crate::text::{Text, Untrusted};

/// The tag that protects a key. No setting: IAM knows it by a condition, whose name no parameter of a template can be.
pub const PROTECT_TAG: &str = "kms-watch:protect";
/// What it says then. IAM compares the value so, too.
pub const PROTECT_VALUE: &str = "true";

/// Longest pattern. An alias has 256 characters at most (AWS KMS API Reference, CreateAlias).
const LONGEST: usize = 256;

/// By what a key is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Way {
    /// By its tag.
    Tag,
    /// By an alias that fits a pattern.
    Alias,
    /// By its ARN.
    List,
}

impl Way {
    /// What protects the key, to follow "by".
    pub fn words(self) -> Text {
        match self {
            Self::Tag => text!["the tag ", PROTECT_TAG],
            Self::Alias => text!["an alias"],
            Self::List => text!["the list of keys"],
        }
    }
}

/// A pattern of aliases, such as `alias/prod-*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AliasPattern(String);

impl AliasPattern {
    /// Checks a pattern: the prefix of all aliases, and characters that KMS lets an alias have, or `*`.
    pub fn new(pattern: &str) -> Option<Self> {
        let rest = pattern.strip_prefix("alias/")?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"/_-:*".contains(&b);
        let valid = !rest.is_empty() && pattern.len() <= LONGEST && rest.bytes().all(fits);
        valid.then(|| Self(pattern.to_owned()))
    }

    /// The alias is one of the pattern.
    pub fn fits(&self, alias: &str) -> bool {
        fits(&self.0, alias)
    }

    /// As the user wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `text` is of the pattern, in which `*` stands for anything, also for nothing.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    while let Some((part, more)) = rest.split_once('*') {
        let Some(at) = left.find(part) else {
            return false;
        };
        left = &left[at + part.len()..];
        rest = more;
    }
    left.len() >= rest.len() && left.ends_with(rest)
}

/// The key is protected by its tag.
pub fn has_tag(tags: &Tags) -> bool {
    let says = tags.get(&Untrusted::new(PROTECT_TAG));
    says.is_some_and(|says| says.as_str() == PROTECT_VALUE)
}

/// What protects keys beside the tag, as the user says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// A key with an alias of one of these is protected.
    pub aliases: BTreeSet<AliasPattern>,
    /// These keys are. Those of other accounts and Regions may be among them, so that many stacks have one value.
    pub keys: BTreeSet<KeyArn>,
}

impl Protection {
    /// An alias of this name protects its key.
    pub fn is_of(&self, alias: &str) -> bool {
        self.aliases.iter().any(|pattern| pattern.fits(alias))
    }

    /// Everything that protects the key. What is not known protects nothing.
    pub fn ways(
        &self,
        key: &KeyArn,
        tags: Option<&Tags>,
        aliases: Option<&[Untrusted]>,
    ) -> BTreeSet<Way> {
        let named = |alias: &Untrusted| self.is_of(alias.as_str());
        [
            (Way::Tag, tags.is_some_and(has_tag)),
            (
                Way::Alias,
                aliases.is_some_and(|aliases| aliases.iter().any(named)),
            ),
            (Way::List, self.keys.contains(key)),
        ]
        .into_iter()
        .filter_map(|(way, holds)| holds.then_some(way))
        .collect()
    }

    /// Something protects the key.
    pub fn is_protected(
        &self,
        key: &KeyArn,
        tags: Option<&Tags>,
        aliases: Option<&[Untrusted]>,
    ) -> bool {
        !self.ways(key, tags, aliases).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

    fn key(arn: &str) -> KeyArn {
        arn.parse().unwrap()
    }

    fn protection(patterns: &[&str], keys: &[&str]) -> Protection {
        Protection {
            aliases: patterns
                .iter()
                .map(|it| AliasPattern::new(it).unwrap())
                .collect(),
            keys: keys.iter().map(|it| key(it)).collect(),
        }
    }

    fn names(names: &[&str]) -> Vec<Untrusted> {
        names.iter().map(|name| Untrusted::new(name)).collect()
    }

    #[test]
    fn each_way_protects_by_itself_and_all_that_hold_are_named() {
        let all = protection(&["alias/prod-*"], &[KEY]);
        let none = Protection::default();
        let tags = |says: &str| Tags::from([(Untrusted::new(PROTECT_TAG), Untrusted::new(says))]);
        let ways = |of: &Protection, says: &str, aliases: &[&str]| -> Vec<_> {
            let (tags, aliases) = (tags(says), names(aliases));
            of.ways(&key(KEY), Some(&tags), Some(&aliases))
                .into_iter()
                .collect()
        };
        assert_eq!(ways(&none, "true", &["alias/prod-a"]), [Way::Tag]);
        assert_eq!(ways(&none, "TRUE", &["alias/prod-a"]), []);
        let by_alias = protection(&["alias/prod-*"], &[]);
        assert_eq!(
            ways(&by_alias, "no", &["alias/x", "alias/prod-a"]),
            [Way::Alias]
        );
        assert_eq!(ways(&by_alias, "no", &["alias/x"]), []);
        assert_eq!(ways(&protection(&[], &[KEY]), "no", &[]), [Way::List]);
        let every = [Way::Tag, Way::Alias, Way::List];
        assert_eq!(ways(&all, "true", &["alias/prod-a"]), every);
        // What is not known protects nothing, and the list needs nothing to be known.
        assert_eq!(all.ways(&key(KEY), None, None), [Way::List].into());
        assert!(!by_alias.is_protected(&key(KEY), None, None));
    }

    #[test]
    fn a_list_means_one_key_in_one_account_and_region() {
        let listed = protection(&[], &[KEY]);
        for other in [
            "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a914",
            "arn:aws:kms:eu-west-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913",
            "arn:aws:kms:us-east-1:444455556666:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913",
            "arn:aws-cn:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913",
        ] {
            assert!(!listed.is_protected(&key(other), None, None), "{other}");
        }
    }

    #[test]
    fn an_alias_that_only_looks_like_one_of_a_pattern_protects_nothing() {
        let all = protection(&["alias/prod-*", "alias/*/ledger", "alias/pay"], &[]);
        for alias in [
            "alias/prod-",
            "alias/prod-a/b",
            "alias/eu/ledger",
            "alias/a/b/ledger",
            "alias/pay",
        ] {
            assert!(all.is_of(alias), "{alias}");
        }
        for alias in [
            "",
            "prod-a",
            "alias/prod",
            "alias/Prod-a",
            "alias/PROD-A",
            "ALIAS/prod-a",
            "alias/my-prod-a",
            " alias/prod-a",
            "alias/pr\u{043e}d-a",
            "alias/prod\u{2010}a",
            "alias/ledger",
            "alias/eu/ledgers",
            "alias/pay2",
            "alias/paY",
            "alias/*",
        ] {
            assert!(!all.is_of(alias), "{alias}");
        }
    }

    #[test]
    fn a_pattern_is_what_iam_and_kms_take_for_one() {
        for good in ["alias/a", "alias/*", "alias/*a*/b_-:9*"] {
            assert_eq!(AliasPattern::new(good).unwrap().as_str(), good);
        }
        let long = format!("alias/{}", "a".repeat(251));
        for bad in [
            "",
            "*",
            "alias",
            "alias/",
            "prod-*",
            "Alias/a",
            "alias/a b",
            "alias/a?",
            "alias/${aws:username}",
            "alias/é",
            "alias/a,b",
            "arn:aws:kms:us-east-1:111122223333:alias/prod",
            &long,
        ] {
            assert_eq!(AliasPattern::new(bad), None, "{bad}");
        }
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*a", "aba", true),
            ("a*b*a", "aa", false),
            ("**", "x", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// The same said in another way: the pattern as a set of places in the text.
    fn by_places(pattern: &str, text: &str) -> bool {
        let text: Vec<_> = text.chars().collect();
        let mut places = BTreeSet::from([0]);
        for c in pattern.chars() {
            places = match c {
                '*' => {
                    let first = places.first().copied();
                    first.map_or_else(BTreeSet::new, |first| (first..=text.len()).collect())
                }
                c => places
                    .into_iter()
                    .filter(|at| text.get(*at) == Some(&c))
                    .map(|at| at + 1)
                    .collect(),
            };
        }
        places.contains(&text.len())
    }

    proptest! {
        #[test]
        fn a_pattern_fits_as_another_reading_of_it_says(pattern in "[ab*]{0,8}", text in "[abé]{0,8}") {
            prop_assert_eq!(fits(&pattern, &text), by_places(&pattern, &text));
        }

        /// Neither a pattern nor an alias of anybody makes it panic, and a pattern without `*` fits itself alone.
        #[test]
        fn whatever_stands_there_is_compared_without_harm(pattern in ".{0,40}", alias in ".{0,40}", name in "[a-z0-9/_-]{1,20}") {
            let read = AliasPattern::new(&format!("alias/{pattern}"));
            if let Some(read) = &read {
                prop_assert!(pattern.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-:*".contains(&b)));
                prop_assert!(!read.fits(&alias) || alias.starts_with("alias/"));
            }
            let exact = AliasPattern::new(&format!("alias/{name}")).unwrap();
            prop_assert_eq!(exact.fits(&alias), exact.as_str() == alias);
        }
    }
}
