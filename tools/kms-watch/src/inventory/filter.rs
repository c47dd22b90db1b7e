//! Which keys are reported.

use std::str::FromStr;

use watch_core::key::State;
use watch_core::text::Untrusted;

use crate::account::not_empty;
use crate::inventory::condition::Condition;
use crate::inventory::row::Row;

/// Which keys are reported: those that match one value of each option that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Filter {
    /// Keys of this owner; an empty one stands for keys without an owner
    #[arg(long, value_name = "OWNER", help_heading = "Which keys")]
    owner: Vec<String>,
    /// Keys with this tag, or with this value of it
    #[arg(long, value_name = "KEY[=VALUE]", value_parser = TagIs::from_str, help_heading = "Which keys")]
    tag: Vec<TagIs>,
    /// Keys in this state, such as Enabled or PendingDeletion
    #[arg(long, value_name = "STATE", value_parser = not_empty, help_heading = "Which keys")]
    state: Vec<String>,
    /// Keys of which one of the words of --fail-on holds
    #[arg(
        long,
        value_name = "WHAT,…",
        value_delimiter = ',',
        hide_possible_values = true,
        help_heading = "Which keys"
    )]
    condition: Vec<Condition>,
}

/// A tag, and perhaps its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TagIs {
    key: String,
    value: Option<String>,
}

impl FromStr for TagIs {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        Ok(Self {
            key: not_empty(key)?,
            value,
        })
    }
}

impl Filter {
    pub(crate) fn conditions(&self) -> &[Condition] {
        &self.condition
    }

    pub(crate) fn matches(&self, row: &Row) -> bool {
        let owner = row.owner.as_ref().map_or("", Untrusted::as_str);
        let state = row.state.as_ref().map_or("", State::as_str);
        let has = |tag: &TagIs| {
            let tags = row.tags.iter().flatten();
            tags.into_iter().any(|(key, value)| {
                let is_value = |wanted: &String| value.as_str() == wanted;
                key.as_str() == tag.key && tag.value.as_ref().is_none_or(is_value)
            })
        };
        fn any<T>(wanted: &[T], is: impl Fn(&T) -> bool) -> bool {
            wanted.is_empty() || wanted.iter().any(is)
        }
        any(&self.owner, |wanted| wanted == owner)
            && any(&self.tag, has)
            && any(&self.state, |wanted| wanted.eq_ignore_ascii_case(state))
            && any(&self.condition, |wanted| row.is(*wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_may_come_with_its_value() {
        let tag = |text: &str| TagIs::from_str(text).unwrap();
        assert_eq!(tag("team").value, None);
        let with_value = tag("team=a=b");
        assert_eq!(
            (with_value.key.as_str(), with_value.value.as_deref()),
            ("team", Some("a=b"))
        );
        assert_eq!(tag("team=").value.as_deref(), Some(""));
        assert!(TagIs::from_str("=x").is_err());
    }
}
