//! Whom a key policy lets in, and how many grants there are.

use serde::Serialize;
use watch_core::arn::KeyArn;
use watch_core::text::Untrusted;
use watch_policy::{Context, Policy};
use watch_sweep::look::Look;

use crate::inventory::question::Question;

/// As many foreigners are named.
const NAMED: usize = 50;

/// Whom the key policy lets in beside the key's own account, and how many grants there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Exposure {
    /// Everybody in every AWS account is let in. `null`: it was not asked, or it is not known for sure.
    pub(crate) public: Option<bool>,
    /// Accounts, organisations, networks, services and principals of unknown account that are let in and not trusted.
    pub(crate) foreign: Vec<Untrusted>,
    /// Number of grants; `null` if it was not asked.
    pub(crate) grants: Option<usize>,
}

impl Exposure {
    pub(crate) fn of(key: &KeyArn, look: &Look, question: Question<'_>) -> Self {
        let grants = look.grants.as_ref().and_then(|grants| grants.as_ref().ok());
        let mut exposure = Self {
            grants: grants.map(Vec::len),
            ..Self::default()
        };
        let text = look.policy.as_ref().and_then(|policy| policy.as_ref().ok());
        let arn = key.to_string();
        let (Some(text), Some(mut context)) = (text, Context::of_key(&arn)) else {
            return exposure;
        };
        let Ok(policy) = Policy::parse(text) else {
            return exposure;
        };
        context.trusted_accounts = question.trusted_accounts;
        context.trusted_organizations = question.trusted_organizations;
        let found = policy.assess(&context);
        // What can be read may be enough to be sure.
        exposure.public = (found.unreadable == 0 || found.public).then_some(found.public);
        let foreign = [
            &found.foreign_accounts,
            &found.foreign_organizations,
            &found.foreign_networks,
            &found.unknown_principals,
            &found.open_via,
        ];
        let foreign = foreign.into_iter().flatten().take(NAMED);
        exposure.foreign = foreign.map(|value| Untrusted::new(value)).collect();
        exposure
    }
}
