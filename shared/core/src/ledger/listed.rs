//! Which series of repeats a sweep looks at: those of which mail told, and of which more may come.
//!
//! Sixteen items under the account, `series#<0…f>`, in each an attribute for each series. An item is written as a whole each time,
//! so that one for all would cost much.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::repeats::Series;
use crate::arn::{AccountId, KeyArn, KeyStoreId, Partition, Region};
use crate::hash::short_hash;
use crate::items::{Item, ItemKey, to_item};
use crate::subject::Subject;

/// A series, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its counter.
    #[serde(flatten)]
    pub counter: ItemKey,
    /// Kind of alert.
    pub kind: String,
    /// Partition, account and Region that it is about.
    pub place: (String, String, String),
}

impl Listed {
    /// A series of alerts about `subject`.
    pub fn new(series: &Series, kind: &str, subject: &Subject) -> Self {
        Self {
            counter: series.counter().clone(),
            kind: kind.to_owned(),
            place: (
                subject.partition().as_str().to_owned(),
                subject.account().as_str().to_owned(),
                subject.region().as_str().to_owned(),
            ),
        }
    }

    /// The items with all that are listed.
    pub fn lists(account_key: &str) -> Vec<ItemKey> {
        let list = |digit: char| ItemKey::new(account_key, format!("series#{digit}"));
        "0123456789abcdef".chars().map(list).collect()
    }

    /// The item that lists it, and what to set there.
    pub fn change(&self, account_key: &str) -> (ItemKey, Item) {
        let set = Item::from_iter([(self.attribute(), to_item(self).into())]);
        (self.list(account_key), set)
    }

    /// The item that lists it, and what to set there to take it off.
    pub fn removal(&self, account_key: &str) -> (ItemKey, Item) {
        let set = Item::from_iter([(self.attribute(), Value::Null)]);
        (self.list(account_key), set)
    }

    fn list(&self, account_key: &str) -> ItemKey {
        let digit = self.attribute().chars().nth(1).unwrap_or('0');
        ItemKey::new(account_key, format!("series#{digit}"))
    }

    fn attribute(&self) -> String {
        let name = format!("{}\n{}", self.counter.partition, self.counter.sort);
        format!("s{}", short_hash(&name))
    }

    /// Those of a list. Only counters of repeats are read: whoever writes the list chooses nothing else.
    pub fn read_all(list: &Item) -> Vec<Self> {
        let listed = list.iter().filter(|(name, _)| name.starts_with('s'));
        listed
            .filter_map(|(_, value)| serde_json::from_value::<Self>(value.clone()).ok())
            .filter(|it| it.counter.sort.starts_with(&format!("count#{}#", it.kind)))
            .collect()
    }

    /// The series.
    pub fn series(&self) -> Series {
        Series::of(self.counter.clone())
    }

    /// What it is about.
    pub fn subject(&self) -> Option<Subject> {
        let name = &self.counter.partition;
        if let Ok(key) = name.parse::<KeyArn>() {
            return Some(Subject::Key(key));
        }
        let (partition, account, region) = &self.place;
        let partition = Partition::new(partition)?;
        let (account, region) = (AccountId::new(account)?, Region::new(region)?);
        let subject = match KeyStoreId::new(name) {
            Some(id) => Subject::KeyStore {
                partition,
                account,
                region,
                id,
            },
            None => Subject::Account {
                partition,
                account,
                region,
            },
        };
        (subject.partition_key() == *name).then_some(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_found_again_and_nothing_else_is() {
        let key = "arn:aws:kms:us-east-1:111122223333:key/a";
        let home = "account#111122223333#us-east-1";
        let subjects = [
            Subject::Key(key.parse().unwrap()),
            Subject::Account {
                partition: Partition::new("aws").unwrap(),
                account: AccountId::new("111122223333").unwrap(),
                region: Region::new("us-east-1").unwrap(),
            },
        ];
        for subject in subjects {
            let series = Series::new(&subject.partition_key(), "UnusableKeyUsed", "a\nb");
            let listed = Listed::new(&series, "UnusableKeyUsed", &subject);
            let (list, item) = listed.change(home);
            assert!(Listed::lists(home).contains(&list));
            let found = Listed::read_all(&item);
            assert_eq!(found, std::slice::from_ref(&listed));
            assert_eq!(found[0].subject(), Some(subject));
            assert_eq!(found[0].series(), series);
            assert_eq!(listed.removal(home).0, list);
        }
        let forged = |partition: &str, sort: &str| Listed {
            counter: ItemKey::new(partition, sort),
            kind: "UnusableKeyUsed".to_owned(),
            place: (
                "aws".to_owned(),
                "111122223333".to_owned(),
                "us-east-1".to_owned(),
            ),
        };
        for sort in ["profile", "count#burst#x", "count#KeyChangeDenied#x"] {
            assert!(Listed::read_all(&forged(key, sort).change(home).1).is_empty());
        }
        let elsewhere = forged("account#444455556666#us-east-1", "count#UnusableKeyUsed#x");
        assert_eq!(elsewhere.subject(), None);
    }
}
