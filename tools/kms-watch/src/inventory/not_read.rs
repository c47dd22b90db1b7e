//! Places that could not be read: a report that left them out would pass for complete.

use serde::Serialize;
use watch_core::arn::{AccountId, Region};
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text::Untrusted;

/// More Regions or accounts are counted, and not named, in a line.
const NAMED: usize = 20;

/// An account, or a Region of one, of which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NotRead {
    /// `null`: that of the credentials, which no key told.
    pub(crate) account: Option<AccountId>,
    /// `null`: none of the account's Regions.
    pub(crate) region: Option<Region>,
    /// The call that failed; `ListAccounts` for an account that is closed or suspended.
    pub(crate) operation: &'static str,
    /// The caller may not call it there.
    pub(crate) denied: bool,
    /// What AWS said.
    pub(crate) reason: Untrusted,
}

impl NotRead {
    pub(crate) fn new(operation: &'static str, error: &CallError) -> Self {
        Self {
            account: None,
            region: None,
            operation,
            denied: error.kind() == CallErrorKind::Denied,
            reason: error.reason(),
        }
    }

    pub(crate) fn of(mut self, account: Option<&AccountId>) -> Self {
        self.account = account.cloned();
        self
    }

    pub(crate) fn within(mut self, region: &Region) -> Self {
        self.region = Some(region.clone());
        self
    }

    /// `eu-west-1 of account 111122223333`.
    pub(crate) fn place(&self) -> String {
        match (&self.region, &self.account) {
            (Some(region), None) => region.as_str().to_owned(),
            (Some(region), Some(account)) => {
                format!("{} of account {}", region.as_str(), account.as_str())
            }
            (None, Some(account)) => format!("account {}", account.as_str()),
            (None, None) => "other Regions".to_owned(),
        }
    }
}

/// A line for all places with the same reason: a policy that denies twelve Regions is one thing to know.
pub(crate) fn lines(places: &[NotRead]) -> Vec<String> {
    let mut groups: Vec<(&NotRead, Vec<String>)> = Vec::new();
    for place in places {
        let is_alike = |(first, _): &&mut (&NotRead, Vec<String>)| {
            (first.operation, &first.reason) == (place.operation, &place.reason)
        };
        match groups.iter_mut().find(is_alike) {
            Some((_, names)) => names.push(place.place()),
            None => groups.push((place, vec![place.place()])),
        }
    }
    let line = |(first, names): (&NotRead, Vec<String>)| {
        let more = names.len().saturating_sub(NAMED);
        let mut named = names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
        if more > 0 {
            named.push_str(&format!(" and {more} more"));
        }
        format!("{named}: {}: {}", first.operation, first.reason.as_str())
    };
    groups.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_same_reason_is_one_line() {
        let denied = CallError::new("AccessDeniedException", "no");
        let account = AccountId::new("111122223333");
        let of = |region: &str| {
            NotRead::new("ListKeys", &denied)
                .of(account.as_ref())
                .within(&Region::new(region).unwrap())
        };
        let mut places: Vec<_> = (0..22)
            .map(|number| of(&format!("eu-west-{number}")))
            .collect();
        places.push(NotRead::new("AssumeRole", &denied).of(account.as_ref()));
        let lines = lines(&places);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("eu-west-0 of account 111122223333, eu-west-1 of"));
        assert!(lines[0].ends_with(" and 2 more: ListKeys: AccessDeniedException: no"));
        assert_eq!(
            lines[1],
            "account 111122223333: AssumeRole: AccessDeniedException: no"
        );
    }
}
