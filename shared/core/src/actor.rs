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
    /// Id of the access key with which the call was signed: what else the same session did is found by it.
    pub access_key_id: Option<Untrusted>,
    /// ARN of the role or user that issued the session.
    pub issuer_arn: Option<Untrusted>,
    /// Who opened the session, as its first role said; no later role of the session can change it (IAM User Guide,
    /// source identity).
    pub source_identity: Option<Untrusted>,
    /// Who vouches for the person: an identity provider (OIDC, SAML, Cognito), or the identity store of IAM Identity Center.
    pub federated_by: Option<Untrusted>,
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

/// What CloudTrail writes in place of a service's name (CloudTrail User Guide, userIdentity; the guide for China).
const AWS_ITSELF: [&str; 2] = ["AWS Internal", "Amazon Internal"];

/// Beginnings of names that programs give to sessions if nobody tells them a better one, lower case: the AWS SDKs, the
/// CLI, and Amazon Cognito.
const NAMELESS_SESSIONS: [&str; 9] = [
    "aws-cli-",
    "aws-go-sdk-",
    "aws-sdk-",
    "awscli-",
    "boto3-session",
    "botocore-session-",
    "cognitoidentitycredentials",
    "web-identity",
    "web_identity",
];

/// AWS in place of one of its services, in any spelling.
pub fn is_aws_itself(name: &str) -> bool {
    AWS_ITSELF
        .iter()
        .any(|itself| name.trim().eq_ignore_ascii_case(itself))
}

impl Actor {
    /// KMS itself, which rotates, expires and deletes.
    pub fn kms() -> Self {
        Self {
            kind: Untrusted::new("AWS"),
            name: Untrusted::new("AWS KMS"),
            arn: None,
            account: None,
            access_key_id: None,
            issuer_arn: None,
            source_identity: None,
            federated_by: None,
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
        let identity = Identity(&detail["userIdentity"]);
        let bounded = |pointer: &str, bound| {
            let text = identity.get(pointer)?;
            Untrusted::bounded(text, bound).non_empty()
        };
        let account = bounded("/accountId", 32);
        if let Some(service) = identity.aws_itself(detail) {
            return Self {
                account,
                principal: service.clone(),
                name: service,
                ..Self::kms()
            };
        }
        let user_agent = detail["userAgent"]
            .as_str()
            .map(Untrusted::new)
            .and_then(Untrusted::non_empty);
        let tool = user_agent.as_ref().and_then(tool);
        let kind = identity.kind();
        // A service's own calls are named by `invokedBy`; nothing passed them on.
        let passed_on = identity.get("/invokedBy");
        let passed_on = passed_on.filter(|_| kind != Some("AWSService"));
        let mfa = "/sessionContext/attributes/mfaAuthenticated";
        Self {
            kind: Untrusted::bounded(kind.unwrap_or("Unknown"), 64),
            name: identity.name(),
            arn: bounded("/arn", 512),
            account,
            access_key_id: bounded("/accessKeyId", 128),
            issuer_arn: bounded("/sessionContext/sessionIssuer/arn", 512),
            source_identity: bounded("/sessionContext/sourceIdentity", 128),
            federated_by: bounded("/sessionContext/webIdFederationData/federatedProvider", 512)
                .or_else(|| bounded("/identityProvider", 512))
                .or_else(|| bounded("/onBehalfOf/identityStoreArn", 512)),
            source_ip: detail["sourceIPAddress"]
                .as_str()
                .map(Untrusted::new)
                .and_then(Untrusted::non_empty),
            mfa: identity.0.pointer(mfa).and_then(truth),
            // CloudTrail User Guide, record contents: there only where it is true.
            console: truth(&detail["sessionCredentialFromConsole"]),
            via: passed_on.or(tool).map(Untrusted::new),
            user_agent,
            principal: identity.principal(),
        }
    }
}

impl Actor {
    /// The AWS service that passed the call on, as CloudTrail says.
    pub fn passed_on_by(&self) -> Option<&Untrusted> {
        self.via.as_ref().filter(|_| self.claimed_tool().is_none())
    }

    /// The tool that the user agent names. Whoever calls sets it at will.
    pub fn claimed_tool(&self) -> Option<&'static str> {
        let via = self.via.as_ref()?.as_str();
        let mut tools = TOOLS.iter();
        let (_, tool) = tools.find(|(_, tool)| *tool == via)?;
        Some(tool)
    }
}

/// The infrastructure-as-code tool that a user agent names.
fn tool(agent: &Untrusted) -> Option<&'static str> {
    let agent = agent.as_str().to_ascii_lowercase();
    let mut tools = TOOLS.iter();
    let (_, tool) = tools.find(|(mark, _)| agent.contains(mark))?;
    Some(tool)
}

/// CloudTrail writes truth as text in some places.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(truth) => truth.parse().ok(),
        _ => None,
    }
}

/// A `userIdentity`.
#[derive(Clone, Copy)]
struct Identity<'a>(&'a Value);

impl<'a> Identity<'a> {
    /// A text; an empty one is none.
    fn get(self, pointer: &str) -> Option<&'a str> {
        let text = self.0.pointer(pointer)?.as_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// CloudTrail's type, or what the ARN says where the record leaves the type out.
    fn kind(self) -> Option<&'a str> {
        let by_arn = || {
            let arn = self.get("/arn")?;
            let kinds = [
                (":root", "Root"),
                (":user/", "IAMUser"),
                (":assumed-role/", "AssumedRole"),
                (":federated-user/", "FederatedUser"),
            ];
            let mut kinds = kinds.into_iter();
            let (_, kind) = kinds.find(|(mark, _)| arn.contains(mark))?;
            Some(kind)
        };
        self.get("/type").or_else(by_arn)
    }

    /// KMS, or another service, where the record tells of nobody else: service events, and what KMS does inside.
    fn aws_itself(self, detail: &Value) -> Option<Untrusted> {
        let by = self.get("/invokedBy");
        let is_kms = |name: &str| is_aws_itself(name) || name.starts_with("kms.");
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        let is_service_event = text("eventType").ends_with("ServiceEvent");
        match (self.kind(), by) {
            (None, Some(by)) if is_kms(by) => Some(Untrusted::new("AWS KMS")),
            // The name of a service.
            (None, Some(by)) if self.get("/principalId").is_none() && by.contains('.') => {
                Some(Untrusted::new(by))
            }
            (None, None) => {
                let nobody = self.get("/principalId").or(self.get("/userName")).is_none();
                let inside = is_service_event || is_aws_itself(text("sourceIPAddress"));
                (nobody && inside).then(|| Untrusted::new("AWS KMS"))
            }
            (Some("AWSService"), by) if is_service_event && by.is_none_or(is_kms) => {
                Some(Untrusted::new("AWS KMS"))
            }
            _ => None,
        }
    }

    /// Who is behind a session: the role that issued it. Sessions come and go, with every instance and every run.
    fn principal(self) -> Untrusted {
        let issuer = || self.get("/sessionContext/sessionIssuer/arn");
        let arn = self.get("/arn");
        // `AROA…:session`, all that the owner of a key learns of a caller in another account.
        let id = || {
            self.get("/principalId")
                .map(|id| id.split(':').next().unwrap_or(id))
        };
        let principal = match self.kind() {
            Some("AssumedRole" | "Role" | "FederatedUser") => {
                issuer().map(str::to_owned).or_else(|| {
                    arn.map(|arn| arn.splitn(3, '/').take(2).collect::<Vec<_>>().join("/"))
                })
            }
            Some("AWSService") => self.get("/invokedBy").map(str::to_owned),
            Some("AWSAccount") => self
                .get("/accountId")
                .map(|account| format!("{account} {}", id().unwrap_or_default())),
            Some("IdentityCenterUser") => self.get("/onBehalfOf/userId").map(str::to_owned),
            _ => arn.map(str::to_owned),
        };
        let principal = principal
            .or_else(|| id().map(str::to_owned))
            .or_else(|| self.get("/userName").map(str::to_owned))
            .or_else(|| self.get("/invokedBy").map(str::to_owned));
        Untrusted::bounded(principal.as_deref().unwrap_or("unknown"), 2_048)
    }

    /// One readable name for each type of identity.
    fn name(self) -> Untrusted {
        let account = self.get("/accountId").unwrap_or("unknown");
        let arn = self.get("/arn");
        let last_of_arn = arn.and_then(|arn| arn.rsplit(['/', ':']).next());
        let name = match self.kind() {
            Some("Root") => format!("ROOT of account {account}"),
            Some("IAMUser") => self
                .get("/userName")
                .or(last_of_arn)
                .unwrap_or("unknown IAM user")
                .to_owned(),
            Some("AssumedRole" | "Role") => self.session_name(),
            Some("FederatedUser") => last_of_arn
                .or(self.issuer())
                .unwrap_or("unknown federated user")
                .to_owned(),
            Some("AWSAccount") => format!("account {account}"),
            Some("AWSService") => self
                .get("/invokedBy")
                .filter(|by| !is_aws_itself(by))
                .unwrap_or("an AWS service")
                .to_owned(),
            Some("IdentityCenterUser") => self
                .identity_center_user()
                .unwrap_or_else(|| "Identity Center user unknown".to_owned()),
            _ => self
                .get("/userName")
                .or(arn)
                .or_else(|| self.get("/principalId"))
                .or_else(|| self.get("/invokedBy"))
                .unwrap_or("unknown")
                .to_owned(),
        };
        Untrusted::new(&name)
    }

    /// Name of the role that issued the session.
    fn issuer(self) -> Option<&'a str> {
        let arn = || self.get("/sessionContext/sessionIssuer/arn");
        self.get("/sessionContext/sessionIssuer/userName")
            .or_else(|| arn()?.rsplit('/').next())
    }

    fn identity_center_user(self) -> Option<String> {
        let user = self.get("/onBehalfOf/userId")?;
        Some(format!("Identity Center user {user}"))
    }

    /// `role/person`: the person by the source identity, which the person's own sign-in has set; by the session's name,
    /// unless a program made that up; by whoever the identity provider says it is.
    fn session_name(self) -> String {
        let arn = self.get("/arn");
        let role = self
            .issuer()
            .or_else(|| arn.and_then(|arn| arn.split('/').nth(1)))
            .unwrap_or("unknown role");
        let of_id = || Some(self.get("/principalId")?.split_once(':')?.1);
        let session = arn
            .filter(|arn| arn.contains(":assumed-role/"))
            .and_then(|arn| arn.splitn(3, '/').nth(2))
            .or_else(of_id);
        let named = || {
            session
                .filter(|session| !is_nameless(session))
                .map(str::to_owned)
        };
        let person = self
            .get("/sessionContext/sourceIdentity")
            .map(str::to_owned)
            .or_else(named)
            .or_else(|| self.identity_center_user())
            .or_else(|| self.federated_user().map(str::to_owned))
            .or_else(|| session.map(str::to_owned));
        let role = permission_set(role);
        person.map_or_else(|| role.to_owned(), |person| format!("{role}/{person}"))
    }

    /// The user's id, as the identity provider says it (CloudTrail User Guide, webIdFederationData).
    fn federated_user(self) -> Option<&'a str> {
        let attributes = "/sessionContext/webIdFederationData/attributes";
        let attributes = self.0.pointer(attributes)?.as_object()?;
        let ids = attributes
            .iter()
            .filter(|(name, _)| name.ends_with(":sub") || name.ends_with(":user_id"));
        ids.filter_map(|(_, id)| id.as_str())
            .find(|id| !id.is_empty())
    }
}

/// The name of a session that a program made up, which says nothing of the person.
fn is_nameless(session: &str) -> bool {
    let session = session.to_ascii_lowercase();
    session.bytes().all(|b| b.is_ascii_digit())
        || NAMELESS_SESSIONS
            .iter()
            .any(|beginning| session.starts_with(beginning))
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

    #[test]
    fn a_person_is_named_and_not_the_session_that_a_program_made_up() {
        let named = |session: &str, more: Value| {
            let mut context = json!({"sessionIssuer": {"userName": "ci-deploy", "arn": "arn:aws:iam::1:role/ci-deploy"}});
            let mut identity = json!({"type": "AssumedRole", "principalId": format!("AROA:{session}"),
                "arn": format!("arn:aws:sts::1:assumed-role/ci-deploy/{session}")});
            for (name, value) in more.as_object().unwrap() {
                match name.as_str() {
                    "onBehalfOf" => identity[name] = value.clone(),
                    _ => context[name] = value.clone(),
                }
            }
            identity["sessionContext"] = context;
            name_of(&identity)
        };
        let source = json!({"sourceIdentity": "ana.roy@example.com"});
        let center = json!({"onBehalfOf": {"userId": "906797ba"}});
        let cognito = json!({"webIdFederationData": {"federatedProvider": "cognito-identity.amazonaws.com",
            "attributes": {"cognito-identity.amazonaws.com:aud": "pool", "cognito-identity.amazonaws.com:sub": "us-east-1:7"}}});
        for session in [
            "botocore-session-1771060000",
            "aws-go-sdk-1771060000000",
            "AWSCLI-Session-1",
            "CognitoIdentityCredentials",
            "1771060000000000000",
        ] {
            assert_eq!(
                named(session, source.clone()),
                "ci-deploy/ana.roy@example.com"
            );
            assert_eq!(
                named(session, center.clone()),
                "ci-deploy/Identity Center user 906797ba"
            );
            assert_eq!(named(session, cognito.clone()), "ci-deploy/us-east-1:7");
            // Better than nothing.
            assert_eq!(named(session, json!({})), format!("ci-deploy/{session}"));
        }
        for session in [
            "maria@example.com",
            "i-0abc123def4567890",
            "botocore",
            "run-42",
        ] {
            assert_eq!(
                named(session, source.clone()),
                "ci-deploy/ana.roy@example.com"
            );
            for other in [&center, &cognito, &json!({"sourceIdentity": ""})] {
                assert_eq!(
                    named(session, other.clone()),
                    format!("ci-deploy/{session}")
                );
            }
        }
    }

    #[test]
    fn what_leads_to_the_person_is_kept() {
        let actor = Actor::read(
            &json!({"userIdentity": {"type": "AssumedRole", "accessKeyId": "ASIAEXAMPLE",
            "onBehalfOf": {"userId": "u", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"},
            "sessionContext": {"sourceIdentity": "ana", "sessionIssuer": {"arn": "arn:aws:iam::1:role/r"},
                "webIdFederationData": {"federatedProvider": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"}}}}),
        );
        let text = |value: &Option<Untrusted>| value.as_ref().unwrap().as_str().to_owned();
        assert_eq!(text(&actor.access_key_id), "ASIAEXAMPLE");
        assert_eq!(text(&actor.issuer_arn), "arn:aws:iam::1:role/r");
        assert_eq!(text(&actor.source_identity), "ana");
        assert!(text(&actor.federated_by).ends_with("token.actions.githubusercontent.com"));
        let by =
            |identity: Value| text(&Actor::read(&json!({"userIdentity": identity})).federated_by);
        assert_eq!(
            by(json!({"type": "SAMLUser", "userName": "sam", "identityProvider": "corp:saml"})),
            "corp:saml"
        );
        assert_eq!(
            by(
                json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u", "identityStoreArn": "arn:store"}})
            ),
            "arn:store"
        );
        let nothing = Actor::read(&json!({"userIdentity": {"type": "IAMUser", "accessKeyId": ""}}));
        let more = [
            &nothing.access_key_id,
            &nothing.issuer_arn,
            &nothing.source_identity,
            &nothing.federated_by,
        ];
        assert!(more.iter().all(|one| one.is_none()));
    }

    #[test]
    fn aws_itself_is_known_in_all_its_spellings() {
        let read = |identity: Value, more: Value| {
            let mut detail = more;
            detail["userIdentity"] = identity;
            let actor = Actor::read(&detail);
            (
                actor.kind.as_str().to_owned(),
                actor.name.as_str().to_owned(),
            )
        };
        let event = json!({"eventType": "AwsServiceEvent"});
        for identity in [
            json!({"accountId": "1", "invokedBy": "AWS Internal"}),
            json!({"accountId": "1", "invokedBy": "Amazon Internal"}),
            json!({"accountId": "1", "invokedBy": "aws internal"}),
            json!({"accountId": "1", "invokedBy": "kms.amazonaws.com"}),
            json!({"accountId": "1", "invokedBy": "kms.amazonaws.com.cn"}),
            json!({"type": "", "invokedBy": "AWS Internal"}),
            json!({"type": "AWSService", "invokedBy": "kms.amazonaws.com"}),
            json!({"type": "AWSService", "invokedBy": "AWS Internal"}),
            json!({"accountId": "1"}),
            json!(null),
        ] {
            let kms = ("AWS".to_owned(), "AWS KMS".to_owned());
            assert_eq!(read(identity.clone(), event.clone()), kms, "{identity}");
        }
        let from = |address: &str| {
            read(
                json!({"accountId": "1"}),
                json!({"sourceIPAddress": address}),
            )
            .1
        };
        assert_eq!(
            [from("Amazon Internal"), from("192.0.2.1")],
            ["AWS KMS", "unknown"]
        );
        let rds = read(
            json!({"accountId": "1", "invokedBy": "rds.amazonaws.com"}),
            json!({}),
        );
        assert_eq!(rds, ("AWS".to_owned(), "rds.amazonaws.com".to_owned()));
        let call = read(
            json!({"type": "AWSService", "invokedBy": "AWS Internal"}),
            json!({}),
        );
        assert_eq!(call.1, "an AWS service");
        // Somebody for whom a service makes the call is somebody.
        let person = json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/r/s", "invokedBy": "AWS Internal"});
        assert_eq!(read(person, event).1, "r/s");
    }

    #[test]
    fn an_arn_says_what_a_record_without_type_leaves_out() {
        for (arn, name) in [
            (
                "arn:aws:iam::111122223333:root",
                "ROOT of account 111122223333",
            ),
            ("arn:aws:iam::1:user/team/maria", "maria"),
            ("arn:aws:sts::1:assumed-role/r/s", "r/s"),
            ("arn:aws:sts::1:federated-user/bob", "bob"),
        ] {
            let identity = json!({"arn": arn, "accountId": "111122223333"});
            assert_eq!(name_of(&identity), name);
        }
    }
}
