//! What a policy says as it stands, for the owner of the key.

use watch_policy::{Assessment, Context, Policy as KeyPolicy};

use super::LISTED;
use super::change::value_of;
use crate::kinds::describe::Found;
use crate::text::Untrusted;

/// What a policy says as it stands. `None` where that is not known for sure.
#[derive(Clone, Debug, Default)]
pub(in crate::kinds) struct Judged {
    pub(in crate::kinds) public: Option<bool>,
    /// Accounts.
    pub(in crate::kinds) foreign: Vec<Untrusted>,
    /// Organisations, networks, principals of unknown account, and services through which everybody may come.
    pub(in crate::kinds) foreign_others: Vec<Untrusted>,
    pub(super) lockout: Option<bool>,
    pub(super) delegates: Option<bool>,
    pub(super) open_services: Vec<Untrusted>,
    pub(super) open_via: Vec<Untrusted>,
    pub(in crate::kinds) unreadable: Option<Untrusted>,
    pub(super) bounded: bool,
}

pub(super) fn unreadable(why: &str) -> Judged {
    Judged {
        unreadable: Some(Untrusted::new(why)),
        ..Judged::default()
    }
}

pub(super) fn judge(policy: &KeyPolicy, context: &Context<'_>) -> Judged {
    let found = policy.assess(context);
    judged(&found)
}

/// The first of a set of values.
pub(super) fn values<'a>(set: impl IntoIterator<Item = &'a String>) -> Vec<Untrusted> {
    set.into_iter()
        .take(LISTED)
        .map(|value| value_of(value))
        .collect()
}

pub(super) fn judged(found: &Assessment) -> Judged {
    let sure = found.unreadable == 0;
    let others = [
        &found.foreign_organizations,
        &found.foreign_networks,
        &found.unknown_principals,
        &found.open_via,
    ];
    let sets = [
        &found.foreign_accounts,
        &found.open_services,
        &found.open_via,
    ];
    Judged {
        // What can be read may be enough to be sure.
        public: (sure || found.public).then_some(found.public),
        foreign: values(&found.foreign_accounts),
        foreign_others: values(others.into_iter().flatten()),
        lockout: sure.then_some(found.lockout),
        delegates: sure.then_some(found.delegates_to_iam),
        open_services: values(&found.open_services),
        open_via: values(&found.open_via),
        unreadable: (!sure).then(|| match found.unreadable {
            1 => Untrusted::new("one statement is not of the documented form"),
            count => Untrusted::new(&format!(
                "{count} statements are not of the documented form"
            )),
        }),
        bounded: sets.iter().any(|set| set.len() > LISTED),
    }
}

/// Judges a policy for the owner of the key, whose own and trusted accounts and organisations are not foreign, at the
/// time of the event.
pub(super) fn with_context<T>(found: &Found<'_>, judge: impl FnOnce(&Context<'_>) -> T) -> T {
    let trusted: Vec<&str> = found
        .settings
        .trusted_accounts
        .iter()
        .map(|account| account.as_str())
        .collect();
    let settings = &found.settings;
    let organizations: Vec<&str> = settings
        .trusted_organizations
        .iter()
        .map(String::as_str)
        .collect();
    let key = found.subject.key().map(ToString::to_string);
    judge(&Context {
        account: found.subject.account().as_str(),
        key: key.as_deref(),
        trusted_accounts: &trusted,
        trusted_organizations: &organizations,
        now: found.at.as_second(),
    })
}

/// What a policy says for which there is nothing to compare.
pub(in crate::kinds) fn judge_alone(text: &str, found: &Found<'_>) -> Judged {
    match KeyPolicy::parse(text) {
        Ok(policy) => with_context(found, |context| judge(&policy, context)),
        Err(error) => unreadable(&error.to_string()),
    }
}
