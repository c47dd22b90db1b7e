//! The last deployment of the stack: known by the alert that told of it, and by nothing else.

use jiff::{SignedDuration, Timestamp};

use crate::kinds::WatchChanged;
use crate::ledger::history::{Entry, PREFIX};
use crate::ledger::{Item, ItemKey, PARTITION_KEY, SORT_KEY, guards};

/// Sort key of what is remembered.
const DEPLOYMENT: &str = "watch#deployment";
/// The alert that told of it.
const TOLD_AS: &str = "toldAs";
/// A deployment is over by then, and its records have come.
const DEPLOYS_FOR: SignedDuration = SignedDuration::from_hours(3);
/// Clocks of two services differ by less.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What the ledger says of the stack's last deployment. When it began, the alert says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Sort key of the alert that told of it.
    pub told_as: String,
}

impl Deployment {
    /// Name of the item. It stands where only watch-guard may write.
    pub fn key(account_key: &str) -> ItemKey {
        ItemKey::new(guards(account_key), DEPLOYMENT)
    }

    /// Reads the item. Whatever it is, there is one.
    pub fn read(item: &Item) -> Option<Self> {
        let is_it = item.get(SORT_KEY).is_some_and(|sort| sort == DEPLOYMENT);
        let told_as = item.get(TOLD_AS).and_then(|it| it.as_str());
        is_it.then(|| Self {
            told_as: told_as.unwrap_or_default().to_owned(),
        })
    }

    /// The item.
    pub(super) fn item(&self, account_key: &str) -> Item {
        let key = Self::key(account_key);
        Item::from_iter([
            (PARTITION_KEY.to_owned(), key.partition.into()),
            (SORT_KEY.to_owned(), key.sort.into()),
            (TOLD_AS.to_owned(), self.told_as.as_str().into()),
        ])
    }

    /// Name of the item that proves it.
    pub fn proof(&self, account_key: &str) -> Option<ItemKey> {
        let is_alert = self.told_as.starts_with(PREFIX);
        is_alert.then(|| ItemKey::new(account_key, &self.told_as))
    }

    /// The alert that told of it, if it is among `items`, and told of a deployment.
    pub fn told(&self, items: &[Item]) -> Option<Entry> {
        let is_it = |item: &&Item| {
            item.get(SORT_KEY)
                .is_some_and(|sort| *sort == self.told_as.as_str())
        };
        let entry = Entry::read(items.iter().find(is_it)?)?;
        // Its name says when: what the item says beside that is nobody's word.
        let name = Entry::key("", entry.occurred_at, &entry.alert_id).sort;
        let is_deployment = entry.kind == WatchChanged::NAME && entry.deployment;
        (is_deployment && name == self.told_as).then_some(entry)
    }

    /// What CloudFormation does `at` that time may be a part of the deployment that was told.
    pub fn is_open(told: &Entry, at: Timestamp) -> bool {
        let since = at.duration_since(told.occurred_at);
        since >= -SKEW && since <= DEPLOYS_FOR
    }

    /// It is said to begin in the future.
    pub fn is_ahead(told: &Entry, now: Timestamp) -> bool {
        told.occurred_at.duration_since(now) > SKEW
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACCOUNT: &str = "account#111122223333#us-east-1";
    const AT: &str = "2026-02-14T09:40:00Z";

    fn entry(change: impl Fn(&mut Item)) -> Item {
        let mut item = Item::from_iter([
            ("alertId".to_owned(), "a1".into()),
            ("occurredAt".to_owned(), AT.into()),
            ("toldAt".to_owned(), AT.into()),
            ("kind".to_owned(), "WatchChanged".into()),
            ("deployment".to_owned(), true.into()),
            ("pk".to_owned(), ACCOUNT.into()),
            ("sk".to_owned(), format!("alert#{AT}#a1").into()),
        ]);
        for name in ["severity", "title", "name", "via"] {
            item.insert(name.to_owned(), "x".into());
        }
        item.insert("folded".to_owned(), false.into());
        change(&mut item);
        item
    }

    #[test]
    fn only_the_alert_that_told_of_a_deployment_proves_it() {
        let deployment = Deployment {
            told_as: format!("alert#{AT}#a1"),
        };
        assert_eq!(
            Deployment::read(&deployment.item(ACCOUNT)),
            Some(deployment.clone())
        );
        let told = |item: Item| deployment.told(&[item]).is_some();
        assert!(told(entry(|_| {})));
        type Change = fn(&mut Item);
        let changes: [Change; 5] = [
            // Another alert about the watch.
            |item| _ = item.remove("deployment"),
            |item| _ = item.insert("kind".to_owned(), "KeyDisabled".into()),
            |item| _ = item.insert("occurredAt".to_owned(), "2026-02-14T12:00:00Z".into()),
            |item| _ = item.insert("alertId".to_owned(), "a2".into()),
            |item| _ = item.insert("sk".to_owned(), "alert#x".into()),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert!(!told(entry(change)), "{number}");
        }
        assert_eq!(deployment.told(&[]), None);
        let nothing = Deployment::read(&Item::from_iter([("sk".to_owned(), json!(DEPLOYMENT))]));
        let nothing = nothing.expect("there is something");
        assert_eq!(nothing.proof(ACCOUNT), None);
    }

    #[test]
    fn a_deployment_is_over_after_three_hours_and_none_is_ahead() {
        let told = Entry::read(&entry(|_| {})).unwrap();
        for (at, open) in [
            ("2026-02-14T09:35:00Z", true),
            ("2026-02-14T09:34:59Z", false),
            ("2026-02-14T12:40:00Z", true),
            ("2026-02-14T12:40:01Z", false),
        ] {
            assert_eq!(
                Deployment::is_open(&told, at.parse().unwrap()),
                open,
                "{at}"
            );
        }
        assert!(Deployment::is_ahead(
            &told,
            "2026-02-14T09:34:59Z".parse().unwrap()
        ));
        assert!(!Deployment::is_ahead(&told, AT.parse().unwrap()));
    }
}
