//! For whom, of which key, and when a policy is judged.

/// For whom, of which key, and when a policy is judged.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The account that owns the key.
    pub account: &'a str,
    /// The ARN of the key, to tell its own `Resource` from another's. Without it, one that may be meant is not known to be.
    pub key: Option<&'a str>,
    /// Accounts that are not foreign, though not the owner.
    pub trusted_accounts: &'a [&'a str],
    /// Organisations (`o-…`) whose accounts are not foreign. The owner's is taken for one of them.
    pub trusted_organizations: &'a [&'a str],
    /// When, in seconds since 1970. What a condition on the date does not say now but will say later counts as not known.
    pub now: i64,
}

impl<'a> Context<'a> {
    /// Of a key by its ARN, now and for its account alone; `None` if that is no ARN of a key.
    pub fn of_key(arn: &'a str) -> Option<Self> {
        let account = arn.split(':').nth(4)?;
        arn.starts_with("arn:").then_some(Self {
            account,
            key: Some(arn),
            trusted_accounts: &[],
            trusted_organizations: &[],
            now: 0,
        })
    }

    pub(crate) fn is_foreign(&self, account: &str) -> bool {
        account != self.account && !self.trusted_accounts.contains(&account)
    }

    /// `aws` where the key is not known.
    pub(crate) fn partition(&self) -> &'a str {
        self.key
            .and_then(|arn| arn.split(':').nth(1))
            .unwrap_or("aws")
    }

    pub(crate) fn region(&self) -> Option<&'a str> {
        self.key?.split(':').nth(3)
    }
}
