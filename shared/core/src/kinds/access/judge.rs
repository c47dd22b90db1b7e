//! What a policy says as it stands, for the owner of the key.

use std::collections::BTreeSet;

use watch_policy::{Context, Policy as KeyPolicy};

use super::LISTED;
use super::change::value_of;
use crate::kinds::describe::Found;
use crate::text::Untrusted;

/// What a policy says as it stands. `None` where that is not known for sure.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    pub(super) public: Option<bool>,
    pub(super) foreign: Vec<Untrusted>,
    pub(super) lockout: Option<bool>,
    pub(super) delegates: Option<bool>,
    pub(super) open_services: Vec<Untrusted>,
    pub(super) open_via: Vec<Untrusted>,
    pub(super) unreadable: Option<Untrusted>,
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
    let sure = found.unreadable == 0;
    let values = |set: &BTreeSet<String>| -> Vec<Untrusted> {
        set.iter()
            .take(LISTED)
            .map(|value| value_of(value))
            .collect()
    };
    let sets = [
        &found.foreign_accounts,
        &found.open_services,
        &found.open_via,
    ];
    Judged {
        // What can be read may be enough to be sure.
        public: (sure || found.public).then_some(found.public),
        foreign: values(&found.foreign_accounts),
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

/// Judges a policy for the owner of the key, whose own and trusted accounts are not foreign.
pub(super) fn with_context<T>(found: &Found<'_>, judge: impl FnOnce(&Context<'_>) -> T) -> T {
    let trusted: Vec<&str> = found
        .settings
        .trusted_accounts
        .iter()
        .map(|account| account.as_str())
        .collect();
    judge(&Context {
        account: found.subject.account().as_str(),
        trusted_accounts: &trusted,
    })
}

/// What a policy says for which there is nothing to compare.
pub(super) fn judge_alone(text: &str, found: &Found<'_>) -> Judged {
    match KeyPolicy::parse(text) {
        Ok(policy) => with_context(found, |context| judge(&policy, context)),
        Err(error) => unreadable(&error.to_string()),
    }
}
