//! Who makes the calls, worded as CloudTrail words it
//! (CloudTrail User Guide, "CloudTrail `userIdentity` element").

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::times::iso;

/// The identity behind the calls that follow, and where it calls from.
///
/// ```
/// use kms_local::Caller;
///
/// let admin = Caller::assumed_role("KeyAdmin", "j.okafor").from_ip("198.51.100.24");
/// let root = Caller::root().mfa().console();
/// # let _ = (admin, root);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    identity: Identity,
    source_ip: String,
    user_agent: String,
    mfa: bool,
    console: bool,
    /// The service that makes the call in its name.
    via: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    Root,
    IamUser { name: String },
    AssumedRole { role: String, session: String },
    FederatedUser { name: String, issuer: String },
    OtherAccount { account: String },
    AwsService { host: String },
}

impl Caller {
    fn new(identity: Identity) -> Self {
        Self {
            identity,
            source_ip: "198.51.100.24".to_owned(),
            user_agent: "aws-cli/2.22.4 md/awscrt#0.23.4 ua/2.0 os/linux#6.1 md/arch#x86_64 \
                         lang/python#3.12.6 cfg/retry-mode#standard"
                .to_owned(),
            mfa: false,
            console: false,
            via: None,
        }
    }

    /// The account's root user.
    #[must_use]
    pub fn root() -> Self {
        Self::new(Identity::Root)
    }

    /// An IAM user with a long-term access key.
    #[must_use]
    pub fn iam_user(name: &str) -> Self {
        Self::new(Identity::IamUser {
            name: name.to_owned(),
        })
    }

    /// A session of a role: what people with single sign-on and Lambda functions are.
    #[must_use]
    pub fn assumed_role(role: &str, session: &str) -> Self {
        Self::new(Identity::AssumedRole {
            role: role.to_owned(),
            session: session.to_owned(),
        })
    }

    /// A federated user, with credentials that the IAM user `issuer` asked for.
    #[must_use]
    pub fn federated_user(name: &str, issuer: &str) -> Self {
        Self::new(Identity::FederatedUser {
            name: name.to_owned(),
            issuer: issuer.to_owned(),
        })
    }

    /// Somebody in another account; the events are the copy that the key's owner gets.
    #[must_use]
    pub fn other_account(account: &str) -> Self {
        Self::new(Identity::OtherAccount {
            account: account.to_owned(),
        })
    }

    /// An AWS service on its own behalf, by host name (`s3.amazonaws.com`).
    #[must_use]
    pub fn aws_service(host: &str) -> Self {
        let mut caller = Self::new(Identity::AwsService {
            host: host.to_owned(),
        });
        // CloudTrail puts the host into both.
        caller.source_ip = host.to_owned();
        caller.user_agent = host.to_owned();
        caller
    }

    /// Calls from this address.
    #[must_use]
    pub fn from_ip(mut self, ip: &str) -> Self {
        self.source_ip = ip.to_owned();
        self
    }

    /// Calls with this user agent.
    #[must_use]
    pub fn user_agent(mut self, agent: &str) -> Self {
        self.user_agent = agent.to_owned();
        self
    }

    /// The session was opened with a second factor.
    #[must_use]
    pub fn mfa(mut self) -> Self {
        self.mfa = true;
        self
    }

    /// The session's credentials came from the console.
    #[must_use]
    pub fn console(mut self) -> Self {
        self.console = true;
        self
    }

    /// The same caller, for whom KMS makes a call in another Region.
    pub(crate) fn through_kms(self) -> Self {
        self.through("kms.amazonaws.com")
    }

    /// The same caller, for whom an AWS service makes a call to KMS, by host name (`s3.amazonaws.com`).
    #[must_use]
    pub fn through(mut self, host: &str) -> Self {
        host.clone_into(&mut self.source_ip);
        host.clone_into(&mut self.user_agent);
        self.via = Some(host.to_owned());
        self
    }

    pub(crate) fn source_ip(&self) -> &str {
        &self.source_ip
    }

    pub(crate) fn agent(&self) -> &str {
        &self.user_agent
    }

    pub(crate) fn uses_console(&self) -> bool {
        self.console
    }

    /// Whether a service of AWS opens the connection.
    pub(crate) fn is_service(&self) -> bool {
        self.via.is_some() || matches!(self.identity, Identity::AwsService { .. })
    }

    /// Whether the caller belongs to an account that is not the key's.
    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign_account().is_some()
    }

    /// The account of such a caller.
    pub(crate) fn foreign_account(&self) -> Option<&str> {
        match &self.identity {
            Identity::OtherAccount { account } => Some(account),
            _ => None,
        }
    }

    /// The ARN that an access-denied message names.
    pub(crate) fn arn(&self, partition: &str, account: &str) -> String {
        match &self.identity {
            Identity::Root => format!("arn:{partition}:iam::{account}:root"),
            Identity::IamUser { name } => format!("arn:{partition}:iam::{account}:user/{name}"),
            Identity::AssumedRole { role, session } => {
                format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
            }
            Identity::FederatedUser { name, .. } => {
                format!("arn:{partition}:sts::{account}:federated-user/{name}")
            }
            Identity::OtherAccount { account } => format!("arn:{partition}:iam::{account}:root"),
            Identity::AwsService { host } => host.clone(),
        }
    }

    /// `userIdentity` of a CloudTrail record at `now`.
    pub(crate) fn identity(&self, partition: &str, account: &str, now: Timestamp) -> Value {
        let mut identity = self.own_identity(partition, account, now);
        if let Some(host) = &self.via {
            identity["invokedBy"] = host.as_str().into();
        }
        identity
    }

    fn own_identity(&self, partition: &str, account: &str, now: Timestamp) -> Value {
        let arn = self.arn(partition, account);
        // Any time before the call will do; an hour is what a console session usually has behind it.
        let opened = now
            .saturating_sub(SignedDuration::from_hours(1))
            .unwrap_or(now);
        let attributes = json!({
            "creationDate": iso(opened),
            "mfaAuthenticated": self.mfa.to_string(),
        });
        let issuer = |kind, name| issuer(kind, name, partition, account);
        match &self.identity {
            Identity::Root => json!({
                "type": "Root",
                "principalId": account,
                "arn": arn,
                "accountId": account,
                "accessKeyId": unique("ASIA", "root"),
                "sessionContext": {"attributes": attributes},
            }),
            Identity::IamUser { name } => json!({
                "type": "IAMUser",
                "principalId": unique("AIDA", name),
                "arn": arn,
                "accountId": account,
                "accessKeyId": unique("AKIA", name),
                "userName": name,
            }),
            Identity::AssumedRole { role, session } => json!({
                "type": "AssumedRole",
                "principalId": format!("{}:{session}", unique("AROA", role)),
                "arn": arn,
                "accountId": account,
                "accessKeyId": unique("ASIA", &arn),
                "sessionContext": {
                    "sessionIssuer": issuer("Role", role),
                    "attributes": attributes,
                },
            }),
            Identity::FederatedUser { name, issuer: user } => json!({
                "type": "FederatedUser",
                "principalId": format!("{account}:{name}"),
                "arn": arn,
                "accountId": account,
                "accessKeyId": unique("ASIA", name),
                "sessionContext": {
                    "sessionIssuer": issuer("IAMUser", user),
                    "attributes": attributes,
                },
            }),
            Identity::OtherAccount { account } => json!({
                "type": "AWSAccount",
                "principalId": format!("{}:session", unique("AROA", account)),
                "accountId": account,
            }),
            Identity::AwsService { host } => json!({"type": "AWSService", "invokedBy": host}),
        }
    }
}

impl Default for Caller {
    fn default() -> Self {
        Self::assumed_role("KeyAdmin", "j.okafor")
    }
}

/// Who gave a session its credentials: a `Role` or an `IAMUser`.
fn issuer(kind: &str, name: &str, partition: &str, account: &str) -> Value {
    let (prefix, path) = match kind {
        "Role" => ("AROA", "role"),
        _ => ("AIDA", "user"),
    };
    json!({
        "type": kind,
        "principalId": unique(prefix, name),
        "arn": format!("arn:{partition}:iam::{account}:{path}/{name}"),
        "accountId": account,
        "userName": name,
    })
}

/// An AWS unique id (`AROA` and 17 characters) that depends on the name only, marked as an example.
fn unique(prefix: &str, name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = Sha256::digest(name.as_bytes());
    let tail: String = digest
        .iter()
        .take(9)
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect();
    format!("{prefix}QEXAMPLE{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_role_has_its_name_only_under_the_session_issuer() {
        let identity =
            Caller::assumed_role("KeyAdmin", "j.okafor").identity("aws", "111122223333", at());
        assert_eq!(identity["type"], "AssumedRole");
        assert_eq!(
            identity["arn"],
            "arn:aws:sts::111122223333:assumed-role/KeyAdmin/j.okafor"
        );
        assert_eq!(
            identity["sessionContext"]["sessionIssuer"]["userName"],
            "KeyAdmin"
        );
        assert_eq!(
            identity["sessionContext"]["attributes"]["mfaAuthenticated"],
            "false"
        );
        assert!(identity.get("userName").is_none());
    }

    #[test]
    fn unique_ids_have_21_characters_and_differ_by_name() {
        assert_eq!(unique("AROA", "KeyAdmin").len(), 21);
        assert_eq!(unique("AROA", "a"), unique("AROA", "a"));
        assert_ne!(unique("AROA", "a"), unique("AROA", "b"));
    }

    #[test]
    fn a_service_calls_from_its_own_host() {
        let s3 = Caller::aws_service("s3.amazonaws.com");
        assert_eq!(s3.source_ip(), "s3.amazonaws.com");
        assert_eq!(
            s3.identity("aws", "111122223333", at()),
            json!({"type": "AWSService", "invokedBy": "s3.amazonaws.com"})
        );
    }
}
