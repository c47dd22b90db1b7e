//! Roles that are assumed by STS.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Provided, SharedCredentialsProvider, future,
};
use aws_sdk_sts::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use tokio::sync::Mutex;
use watch_aws::SystemClock;
use watch_core::arn::{AccountId, Partition};
use watch_core::ports::{CallError, Clock as _};

/// Longest wait for STS, tries included.
const LIMIT: Duration = Duration::from_secs(20);
/// A session is renewed so long before it ends.
const RENEWED_BEFORE: i64 = 300;

/// The ARN of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleArn {
    account: AccountId,
    text: String,
}

impl RoleArn {
    /// The role of this name, with its path if it has one, in an account.
    pub(crate) fn new(partition: &Partition, account: &AccountId, name: &RoleName) -> Self {
        let (aws, id, name) = (partition.as_str(), account.as_str(), &name.0);
        Self {
            account: account.clone(),
            text: format!("arn:{aws}:iam::{id}:role/{name}"),
        }
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.account
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for RoleArn {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not the ARN of a role, such as arn:aws:iam::111122223333:role/Audit";
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts[..] else {
            return Err(WRONG);
        };
        let partition = Partition::new(partition).ok_or(WRONG)?;
        let account = AccountId::new(account).ok_or(WRONG)?;
        let name = resource.strip_prefix("role/").ok_or(WRONG)?;
        let name = RoleName::from_str(name).map_err(|_| WRONG)?;
        Ok(Self::new(&partition, &account, &name))
    }
}

/// The name of a role, with its path if it has one: `audit/Reader`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleName(String);

impl FromStr for RoleName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split('/').collect();
        let is_right = |part: &&str| !part.is_empty() && part.chars().all(is_of_a_name);
        let is_short = parts.last().is_some_and(|name| name.len() <= 64) && text.len() <= 512;
        if parts.iter().all(is_right) && is_short {
            return Ok(Self(text.to_owned()));
        }
        Err("not the name of a role, such as Audit or security/Audit")
    }
}

/// What sessions are called, if nobody says so.
const SESSION: &str = "kms-watch";

/// How sessions are asked for.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Session {
    /// Name of the sessions, by which CloudTrail knows them
    #[arg(long, value_name = "NAME", default_value = SESSION, value_parser = session_name, help_heading = "Where")]
    role_session_name: String,
    /// External id that the role's trust policy wants
    #[arg(long, value_name = "ID", value_parser = external_id, help_heading = "Where")]
    external_id: Option<String>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            role_session_name: SESSION.to_owned(),
            external_id: None,
        }
    }
}

impl Session {
    pub(crate) fn has_external_id(&self) -> bool {
        self.external_id.is_some()
    }
}

/// Letters, digits, `+=,.@_-`: what IAM has in names.
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)
}

fn session_name(text: &str) -> Result<String, &'static str> {
    if (2..=64).contains(&text.len()) && text.chars().all(is_of_a_name) {
        return Ok(text.to_owned());
    }
    Err("not the name of a session: 2 to 64 letters, digits or +=,.@_-")
}

fn external_id(text: &str) -> Result<String, &'static str> {
    let is_right = |c: char| is_of_a_name(c) || c == ':' || c == '/';
    if (2..=1_224).contains(&text.len()) && text.chars().all(is_right) {
        return Ok(text.to_owned());
    }
    Err("not an external id: 2 to 1,224 letters, digits or +=,.@:/_-")
}

/// The configuration with the credentials of a session of `role`, which is there: the first credentials are asked for at once.
pub(crate) async fn assume(
    sdk: &SdkConfig,
    role: &RoleArn,
    session: &Session,
) -> Result<SdkConfig, CallError> {
    let mut provider = AssumeRoleProvider::builder(role.as_str())
        .session_name(&session.role_session_name)
        .configure(sdk);
    if let Some(id) = &session.external_id {
        provider = provider.external_id(id);
    }
    let kept = Kept {
        provider: provider.build().await,
        last: Mutex::new(None),
    };
    let kept = Arc::new(kept);
    kept.credentials()
        .await
        .map_err(|error| call_error(&error))?;
    let provider = SharedCredentialsProvider::new(KeptSession(kept));
    Ok(sdk
        .clone()
        .into_builder()
        .credentials_provider(provider)
        .build())
}

/// Who the credentials are of.
pub(crate) async fn own_account(sdk: &SdkConfig) -> Result<AccountId, CallError> {
    let asked = aws_sdk_sts::Client::new(sdk).get_caller_identity().send();
    let answer = match tokio::time::timeout(LIMIT, Box::pin(asked)).await {
        Err(_) => return Err(CallError::timeout(LIMIT)),
        Ok(Err(SdkError::ServiceError(error))) => {
            let error = error.err();
            let code = error.code().unwrap_or("Unknown");
            return Err(CallError::new(code, error.message().unwrap_or_default()));
        }
        Ok(Err(error)) => return Err(CallError::new("DispatchFailure", &innermost(&error))),
        Ok(Ok(answer)) => answer,
    };
    let id = answer.account().and_then(AccountId::new);
    id.ok_or_else(|| CallError::new("UnreadableResponse", "the answer names no account"))
}

/// Keeps the credentials of a session: each Region has clients of its own, and each of them would open one.
#[derive(Debug)]
struct Kept {
    provider: AssumeRoleProvider,
    last: Mutex<Option<Credentials>>,
}

#[derive(Debug)]
struct KeptSession(Arc<Kept>);

impl Kept {
    async fn credentials(&self) -> Provided {
        let mut last = self.last.lock().await;
        if let Some(credentials) = last.as_ref().filter(|it| is_fresh(it)) {
            return Ok(credentials.clone());
        }
        let asked = tokio::time::timeout(LIMIT, self.provider.provide_credentials()).await;
        let credentials =
            asked.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(LIMIT)))?;
        *last = Some(credentials.clone());
        Ok(credentials)
    }
}

impl ProvideCredentials for KeptSession {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.credentials())
    }
}

fn is_fresh(credentials: &Credentials) -> bool {
    let seconds = |at: SystemTime| {
        at.duration_since(UNIX_EPOCH)
            .ok()?
            .as_secs()
            .try_into()
            .ok()
    };
    let end: Option<i64> = credentials.expiry().and_then(seconds);
    end.is_some_and(|end| end - SystemClock.now().as_second() > RENEWED_BEFORE)
}

/// The SDK's words for it, without what it says around them.
fn call_error(error: &CredentialsError) -> CallError {
    let mut refused = None;
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(SdkError::<AssumeRoleError>::ServiceError(found)) = error.downcast_ref() {
            refused = Some(found.err());
        }
        next = error.source();
    }
    match (error, refused) {
        (CredentialsError::ProviderTimedOut(_), _) => CallError::timeout(LIMIT),
        (_, Some(refused)) => CallError::new(
            refused.code().unwrap_or("Unknown"),
            refused.message().unwrap_or_default(),
        ),
        _ => CallError::new("DispatchFailure", &innermost(error)),
    }
}

fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_by_its_arn() {
        let role = RoleArn::from_str("arn:aws-cn:iam::111122223333:role/audit/Reader").unwrap();
        assert_eq!(role.account().as_str(), "111122223333");
        assert_eq!(
            role.as_str(),
            "arn:aws-cn:iam::111122223333:role/audit/Reader"
        );
        for wrong in [
            "",
            "Audit",
            "arn:aws:iam::1111:role/Audit",
            "arn:aws:iam::111122223333:user/Audit",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam:eu-west-1:111122223333:role/Audit",
            "arn:aws:sts::111122223333:assumed-role/Audit/me",
            "arn:aws:iam::111122223333:role/Audit\n",
        ] {
            assert!(RoleArn::from_str(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_have_the_letters_of_iam() {
        for wrong in [
            "",
            "/Audit",
            "a//b",
            "a b",
            "Audit\u{202e}",
            &"a".repeat(65),
        ] {
            assert!(RoleName::from_str(wrong).is_err(), "{wrong:?}");
        }
        assert!(RoleName::from_str("security/Audit@eu").is_ok());
        for wrong in ["", "a", "a b", "a/b", &"a".repeat(65)] {
            assert!(session_name(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "a", "a b", "ü2"] {
            assert!(external_id(wrong).is_err(), "{wrong:?}");
        }
        assert!(external_id("kms:watch/1").is_ok());
    }
}
