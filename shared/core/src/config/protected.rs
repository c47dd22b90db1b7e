//! Which keys the stack counts as protected, beside those with the tag.

use super::Reader;
use crate::arn::KeyArn;
use crate::protection::{AliasPattern, Protection};

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// An entry that is malformed protects nothing, and is noted. The others count all the same: fewer protected keys are
    /// better than none.
    pub(super) fn protection(&mut self) -> Protection {
        let pattern = "a pattern of aliases, such as alias/prod-*";
        Protection {
            aliases: self.list("PROTECTED_ALIASES", "", pattern, AliasPattern::new),
            keys: self.list("PROTECTED_KEYS", "", "the ARN of a KMS key", |arn| {
                arn.parse::<KeyArn>().ok()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn read(aliases: &str, keys: &str) -> Config {
        let lookup = |name: &str| match name {
            "ALERT_TOPIC_ARN" => Some("arn:aws:sns:us-east-1:111122223333:alerts".to_owned()),
            "PROTECTED_ALIASES" => Some(aliases.to_owned()),
            "PROTECTED_KEYS" => Some(keys.to_owned()),
            _ => None,
        };
        Config::from_lookup(lookup, &[]).unwrap()
    }

    #[test]
    fn bad_entries_are_told_and_the_good_ones_count() {
        let key = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
        let config = read("alias/prod-*, prod,alias/a?", &format!("{key},5f0c1b7e"));
        let patterns: Vec<_> = config
            .protection
            .aliases
            .iter()
            .map(|it| it.as_str())
            .collect();
        assert_eq!(patterns, ["alias/prod-*"]);
        let keys: Vec<_> = config
            .protection
            .keys
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(keys, [key]);
        assert_eq!(
            config.ignored,
            [
                "PROTECTED_ALIASES is malformed: \"prod\": not a pattern of aliases, such as alias/prod-*",
                "PROTECTED_ALIASES is malformed: \"alias/a?\": not a pattern of aliases, such as alias/prod-*",
                "PROTECTED_KEYS is malformed: \"5f0c1b7e\": not the ARN of a KMS key",
            ]
        );
        let none = read("", "");
        assert!(none.protection.aliases.is_empty() && none.protection.keys.is_empty());
        assert!(none.ignored.is_empty());
    }
}
