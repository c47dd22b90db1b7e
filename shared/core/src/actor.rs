//! Who did it: the identities that CloudTrail records, as one readable name.

use serde::Serialize;
use serde_json::Value;

use crate::text::Untrusted;

/// Who made a call (CloudTrail User Guide, `userIdentity` element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Actor {
    /// CloudTrail's type of identity; `AWS` for what KMS does itself, `Unknown` if the record does not say.
    #[serde(rename = "type")]
    pub kind: Untrusted,
    /// A name for people: `PowerUser/maria`, `root of account …`, `cloudformation.amazonaws.com`.
    pub name: Untrusted,
    /// ARN of the principal.
    pub arn: Option<Untrusted>,
    /// Account of the principal.
    pub account: Option<Untrusted>,
    /// IP address, or the name of an AWS service.
    pub source_ip: Option<Untrusted>,
    /// Program that made the call.
    pub user_agent: Option<Untrusted>,
    /// The session was opened with a second factor, if the record says so.
    pub mfa: Option<bool>,
    /// The call was made in the AWS console, by a person; `null` if the record does not say so.
    pub console: Option<bool>,
    /// The AWS service that passed the call on, or the infrastructure-as-code tool that made it.
    pub via: Option<Untrusted>,
    /// Who it is without the session: the role that issued it, or the user, root or service itself. For telling callers
    /// apart, not for reading.
    #[serde(skip)]
    pub principal: Untrusted,
}

/// Infrastructure-as-code tools by a mark in their user agent, lower case.
const TOOLS: [(&str, &str); 4] = [
    ("terraform", "Terraform"),
    ("opentofu", "OpenTofu"),
    ("pulumi", "Pulumi"),
    ("aws-cdk", "AWS CDK"),
];

impl Actor {
    /// KMS itself, which rotates, expires and deletes.
    pub fn kms() -> Self {
        Self {
            kind: Untrusted::new("AWS"),
            name: Untrusted::new("AWS KMS"),
            arn: None,
            account: None,
            source_ip: None,
            user_agent: None,
            mfa: None,
            console: None,
            via: None,
            principal: Untrusted::new("AWS KMS"),
        }
    }

    /// Nobody known.
    pub fn unknown() -> Self {
        Self {
            kind: Untrusted::new("Unknown"),
            name: Untrusted::new("unknown"),
            principal: Untrusted::new("unknown"),
            ..Self::kms()
        }
    }

    /// It is the AWS service `name`, for somebody or for itself. AWS says so, and no caller can: neither a user agent nor a
    /// session's name counts.
    pub fn is_service(&self, name: &str) -> bool {
        let named = |text: &Untrusted| {
            let rest = text.as_str().strip_prefix(name);
            rest.is_some_and(|rest| [".amazonaws.com", ".amazonaws.com.cn"].contains(&rest))
        };
        self.via.as_ref().is_some_and(named)
            || (self.kind.as_str() == "AWSService" && named(&self.principal))
    }

    /// Reads the caller from a CloudTrail record.
    pub fn read(detail: &Value) -> Self {
        let identity = &detail["userIdentity"];
        let get = |pointer: &str| {
            identity
                .pointer(pointer)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let invoked_by = get("/invokedBy");
        let kind = get("/type");
        if kind.is_none() && invoked_by == Some("AWS Internal") {
            return Self {
                account: get("/accountId").map(Untrusted::new),
                ..Self::kms()
            };
        }
        let user_agent = detail["userAgent"]
            .as_str()
            .map(Untrusted::new)
            .and_then(Untrusted::non_empty);
        let tool = user_agent.as_ref().and_then(|agent| {
            let agent = agent.as_str().to_ascii_lowercase();
            TOOLS
                .iter()
                .find(|(mark, _)| agent.contains(mark))
                .map(|(_, tool)| *tool)
        });
        // A service's own calls are named by `invokedBy`; nothing passed them on.
        let passed_on = invoked_by.filter(|_| kind != Some("AWSService"));
        let attributes = "/sessionContext/attributes/mfaAuthenticated";
        Self {
            kind: Untrusted::bounded(kind.unwrap_or("Unknown"), 64),
            name: name(kind, &get),
            arn: get("/arn").map(|arn| Untrusted::bounded(arn, 512)),
            account: get("/accountId").map(|account| Untrusted::bounded(account, 32)),
            source_ip: detail["sourceIPAddress"]
                .as_str()
                .map(Untrusted::new)
                .and_then(Untrusted::non_empty),
            mfa: identity.pointer(attributes).and_then(truth),
            // CloudTrail User Guide, record contents: there only where it is true.
            console: truth(&detail["sessionCredentialFromConsole"]),
            via: passed_on.or(tool).map(Untrusted::new),
            user_agent,
            principal: principal(kind, &get),
        }
    }
}

/// Who is behind a session: the role that issued it. Sessions come and go, with every instance and every run.
fn principal<'a>(kind: Option<&str>, get: &impl Fn(&str) -> Option<&'a str>) -> Untrusted {
    let issuer = || get("/sessionContext/sessionIssuer/arn");
    let arn = get("/arn");
    // `AROA…:session`, all that the owner of a key learns of a caller in another account.
    let id = || get("/principalId").map(|id| id.split(':').next().unwrap_or(id));
    let principal = match kind {
        Some("AssumedRole" | "Role" | "FederatedUser") => issuer()
            .map(str::to_owned)
            .or_else(|| arn.map(|arn| arn.splitn(3, '/').take(2).collect::<Vec<_>>().join("/"))),
        Some("AWSService") => get("/invokedBy").map(str::to_owned),
        Some("AWSAccount") => {
            get("/accountId").map(|account| format!("{account} {}", id().unwrap_or_default()))
        }
        Some("IdentityCenterUser") => get("/onBehalfOf/userId").map(str::to_owned),
        _ => arn.map(str::to_owned),
    };
    let principal = principal
        .or_else(|| id().map(str::to_owned))
        .or_else(|| get("/userName").map(str::to_owned))
        .or_else(|| get("/invokedBy").map(str::to_owned));
    Untrusted::bounded(principal.as_deref().unwrap_or("unknown"), 2_048)
}

/// CloudTrail writes truth as text in some places.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(truth) => truth.parse().ok(),
        _ => None,
    }
}

/// One readable name for each type of identity.
fn name<'a>(kind: Option<&str>, get: &impl Fn(&str) -> Option<&'a str>) -> Untrusted {
    let issuer = get("/sessionContext/sessionIssuer/userName").or_else(|| {
        get("/sessionContext/sessionIssuer/arn").and_then(|arn| arn.rsplit('/').next())
    });
    let account = get("/accountId").unwrap_or("unknown");
    let arn = get("/arn");
    let last_of_arn = arn.and_then(|arn| arn.rsplit(['/', ':']).next());
    let name = match kind {
        Some("Root") => format!("ROOT of account {account}"),
        Some("IAMUser") => get("/userName")
            .or(last_of_arn)
            .unwrap_or("unknown IAM user")
            .to_owned(),
        Some("AssumedRole" | "Role") => {
            let role = issuer
                .or_else(|| arn.and_then(|arn| arn.split('/').nth(1)))
                .unwrap_or("unknown role");
            let session = arn
                .filter(|arn| arn.contains(":assumed-role/"))
                .and_then(|arn| arn.splitn(3, '/').nth(2))
                .or_else(|| {
                    get("/principalId")
                        .and_then(|id| id.split_once(':'))
                        .map(|(_, session)| session)
                });
            let role = permission_set(role);
            session.map_or_else(|| role.to_owned(), |session| format!("{role}/{session}"))
        }
        Some("FederatedUser") => last_of_arn
            .or(issuer)
            .unwrap_or("unknown federated user")
            .to_owned(),
        Some("AWSAccount") => format!("account {account}"),
        Some("AWSService") => get("/invokedBy").unwrap_or("an AWS service").to_owned(),
        Some("IdentityCenterUser") => {
            format!(
                "Identity Center user {}",
                get("/onBehalfOf/userId").unwrap_or("unknown")
            )
        }
        _ => get("/userName")
            .or(arn)
            .or_else(|| get("/principalId"))
            .or_else(|| get("/invokedBy"))
            .unwrap_or("unknown")
            .to_owned(),
    };
    Untrusted::new(&name)
}

/// IAM Identity Center names its roles `AWSReservedSSO_<permission set>_<16 hexadecimal digits>`.
fn permission_set(role: &str) -> &str {
    let Some((set, suffix)) = role
        .strip_prefix("AWSReservedSSO_")
        .and_then(|rest| rest.rsplit_once('_'))
    else {
        return role;
    };
    if suffix.len() == 16 && suffix.bytes().all(|b| b.is_ascii_hexdigit()) {
        set
    } else {
        role
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name_of(identity: &Value) -> String {
        Actor::read(&json!({"userIdentity": identity}))
            .name
            .as_str()
            .to_owned()
    }

    #[test]
    fn every_identity_has_a_readable_name() {
        let issuer = |name| json!({"sessionIssuer": {"type": "Role", "userName": name}});
        for (identity, name) in [
            (
                json!({"type": "Root", "accountId": "111122223333"}),
                "ROOT of account 111122223333",
            ),
            (json!({"type": "IAMUser", "userName": "maria"}), "maria"),
            (
                json!({"type": "IAMUser", "arn": "arn:aws:iam::1:user/team/maria"}),
                "maria",
            ),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/KeyAdmin/j.okafor",
                       "sessionContext": issuer("KeyAdmin")}),
                "KeyAdmin/j.okafor",
            ),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/KeyAdmin/s",}),
                "KeyAdmin/s",
            ),
            (
                json!({"type": "AssumedRole", "principalId": "AROA:s", "sessionContext": issuer("KeyAdmin")}),
                "KeyAdmin/s",
            ),
            (
                json!({"type": "AssumedRole",
                       "arn": "arn:aws:sts::1:assumed-role/AWSReservedSSO_Power_User_0123456789abcdef/maria@example.com",
                       "sessionContext": issuer("AWSReservedSSO_Power_User_0123456789abcdef")}),
                "Power_User/maria@example.com",
            ),
            (json!({"type": "Role", "sessionContext": issuer("R")}), "R"),
            (
                json!({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/bob"}),
                "bob",
            ),
            (
                json!({"type": "AWSAccount", "accountId": "444455556666"}),
                "account 444455556666",
            ),
            (
                json!({"type": "AWSService", "invokedBy": "s3.amazonaws.com"}),
                "s3.amazonaws.com",
            ),
            (
                json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}),
                "Identity Center user u-1",
            ),
            (json!({"type": "SAMLUser", "userName": "sam"}), "sam"),
            (
                json!({"accountId": "111122223333", "invokedBy": "AWS Internal"}),
                "AWS KMS",
            ),
            (json!({}), "unknown"),
            (json!(null), "unknown"),
            (json!({"type": 5, "arn": ["x"]}), "unknown"),
        ] {
            assert_eq!(name_of(&identity), name, "{identity}");
        }
    }

    #[test]
    fn the_principal_is_the_role_and_not_its_session() {
        let principal = |identity: Value| {
            Actor::read(&json!({"userIdentity": identity}))
                .principal
                .as_str()
                .to_owned()
        };
        let role = "arn:aws:iam::1:role/service/AppServer";
        for session in ["i-1", "i-2", "a/b"] {
            let arn = format!("arn:aws:sts::1:assumed-role/AppServer/{session}");
            let id = format!("AROA:{session}");
            let issued = json!({"type": "AssumedRole", "arn": arn, "principalId": id,
                                "sessionContext": {"sessionIssuer": {"arn": role}}});
            assert_eq!(principal(issued), role);
            assert_eq!(
                principal(json!({"type": "AssumedRole", "arn": arn, "principalId": id})),
                "arn:aws:sts::1:assumed-role/AppServer"
            );
            assert_eq!(
                principal(json!({"type": "AssumedRole", "principalId": id})),
                "AROA"
            );
            assert_eq!(
                principal(
                    json!({"type": "AWSAccount", "accountId": "444455556666", "principalId": id})
                ),
                "444455556666 AROA"
            );
        }
        for (identity, expected) in [
            (
                json!({"type": "IAMUser", "arn": "arn:aws:iam::1:user/maria", "userName": "maria"}),
                "arn:aws:iam::1:user/maria",
            ),
            (
                json!({"type": "Root", "arn": "arn:aws:iam::1:root"}),
                "arn:aws:iam::1:root",
            ),
            (
                json!({"type": "AWSService", "invokedBy": "s3.amazonaws.com"}),
                "s3.amazonaws.com",
            ),
            (
                json!({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/bob",
                       "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:user/broker"}}}),
                "arn:aws:iam::1:user/broker",
            ),
            (
                json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}),
                "u-1",
            ),
            (json!({"type": "SAMLUser", "userName": "sam"}), "sam"),
            (json!({}), "unknown"),
        ] {
            assert_eq!(principal(identity.clone()), expected, "{identity}");
        }
    }

    #[test]
    fn the_way_of_a_call_is_a_service_or_a_tool() {
        let via = |detail: Value| Actor::read(&detail).via.map(|via| via.as_str().to_owned());
        let person = json!({"type": "AssumedRole", "invokedBy": "cloudformation.amazonaws.com"});
        assert_eq!(
            via(json!({"userIdentity": person})).as_deref(),
            Some("cloudformation.amazonaws.com")
        );
        let service = json!({"type": "AWSService", "invokedBy": "s3.amazonaws.com"});
        assert_eq!(via(json!({"userIdentity": service})), None);
        let agent = "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io)";
        assert_eq!(
            via(json!({"userAgent": agent})).as_deref(),
            Some("Terraform")
        );
        assert_eq!(via(json!({"userAgent": "aws-cli/2.22.4"})), None);
    }

    #[test]
    fn mfa_is_text_in_cloudtrail_and_may_be_absent() {
        let mfa = |value: Value| {
            Actor::read(&json!({"userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": value}}}})).mfa
        };
        assert_eq!(mfa(json!("true")), Some(true));
        assert_eq!(mfa(json!("false")), Some(false));
        assert_eq!(mfa(json!(true)), Some(true));
        assert_eq!(mfa(json!("maybe")), None);
        assert_eq!(Actor::read(&json!({})).mfa, None);
        let console = Actor::read(&json!({"sessionCredentialFromConsole": "true"}));
        assert_eq!(
            (console.console, Actor::read(&json!({})).console),
            (Some(true), None)
        );
    }
}
