//! AWS Organizations, Account Management and STS, as far as somebody needs them who reads many accounts: which accounts and
//! Regions there are, and sessions of roles.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{faulty::JsonError, sns::Form, spelling::partition, times::iso};

/// Regions that every account has (Account Management Reference Guide, "Enable or disable Regions").
const BY_DEFAULT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Some of those that an account has to enable first.
const OPT_IN: [&str; 3] = ["af-south-1", "ap-east-1", "eu-south-1"];

/// Accounts on a page: AWS has up to 20, and may send fewer.
const PAGE: usize = 2;
/// Regions on a page, at most and by default.
const REGIONS: u64 = 50;

/// The account's Regions, roles and organisation.
#[derive(Debug)]
pub(crate) struct Accounts {
    regions: Vec<String>,
    /// Somebody said which they are: KMS answers in no other.
    are_set: bool,
    /// Name, with its path, and the external id that it wants.
    roles: BTreeMap<String, Option<String>>,
    /// Id, name and state; the account itself is one of them.
    listed: BTreeMap<String, (String, &'static str)>,
}

/// Whose session it will be.
#[derive(Debug)]
pub(crate) struct Assumed {
    pub(crate) account: String,
    /// The last part of the role's name.
    pub(crate) role: String,
    pub(crate) session: String,
    /// As `sts:AssumeRole` names it.
    pub(crate) arn: String,
    path: String,
    external_id: Option<String>,
    seconds: i64,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            regions: BY_DEFAULT.map(str::to_owned).to_vec(),
            are_set: false,
            roles: BTreeMap::new(),
            listed: BTreeMap::new(),
        }
    }
}

impl Accounts {
    pub(crate) fn set_regions(&mut self, regions: &[&str]) {
        self.regions = regions.iter().map(|&region| region.to_owned()).collect();
        self.are_set = true;
    }

    /// Whether KMS knows the account's credentials there.
    pub(crate) fn is_enabled(&self, region: &str) -> bool {
        !self.are_set || self.regions.iter().any(|it| it == region)
    }

    pub(crate) fn add_role(&mut self, name: &str, external_id: Option<&str>) {
        self.roles
            .insert(name.to_owned(), external_id.map(str::to_owned));
    }

    pub(crate) fn list(&mut self, id: &str, name: &str, state: &'static str) {
        self.listed.insert(id.to_owned(), (name.to_owned(), state));
    }

    /// Whether the session may be had.
    pub(crate) fn allows(&self, assumed: &Assumed) -> bool {
        self.roles
            .get(&assumed.path)
            .is_some_and(|wanted| wanted.is_none() || *wanted == assumed.external_id)
    }

    pub(crate) fn call(&self, operation: &str, body: &Value) -> Result<Value, JsonError> {
        match operation {
            "ListRegions" => Ok(self.list_regions(body)),
            "ListAccounts" => self.list_accounts(body),
            _ => Err(JsonError::new("UnknownOperationException", "")),
        }
    }

    fn list_regions(&self, body: &Value) -> Value {
        let wanted = body["RegionOptStatusContains"].as_array();
        let most = body["MaxResults"].as_u64().unwrap_or(REGIONS).min(REGIONS);
        let after = body["NextToken"].as_str().unwrap_or_default();
        let status = |region: &str| match (
            BY_DEFAULT.contains(&region),
            self.regions.iter().any(|it| it == region),
        ) {
            (true, true) => "ENABLED_BY_DEFAULT",
            (false, true) => "ENABLED",
            (_, false) => "DISABLED",
        };
        let own = self.regions.iter().map(String::as_str);
        let mut all: Vec<_> = own.chain(OPT_IN).collect();
        all.sort_unstable();
        all.dedup();
        let is_wanted = |status: &str| wanted.is_none_or(|it| it.iter().any(|it| it == status));
        let mut rest = all
            .into_iter()
            .filter(|region| *region > after && is_wanted(status(region)));
        let page: Vec<_> = rest
            .by_ref()
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect();
        let described =
            |region: &&str| json!({"RegionName": region, "RegionOptStatus": status(region)});
        let mut answer = json!({"Regions": page.iter().map(described).collect::<Vec<_>>()});
        if rest.next().is_some() {
            answer["NextToken"] = page.last().copied().into();
        }
        answer
    }

    fn list_accounts(&self, body: &Value) -> Result<Value, JsonError> {
        if self.listed.is_empty() {
            let what = "Your account is not a member of an organization.";
            return Err(JsonError::new("AWSOrganizationsNotInUseException", what));
        }
        let after = body["NextToken"].as_str().unwrap_or_default();
        let mut rest = self.listed.iter().filter(|(id, _)| id.as_str() > after);
        let page: Vec<_> = rest.by_ref().take(PAGE).collect();
        let described = |(id, (name, state)): &(&String, &(String, &str))| {
            json!({
                "Id": id, "Name": name, "State": state, "Email": format!("aws+{id}@example.com"),
                "Arn": format!("arn:aws:organizations::111122223333:account/o-exampleorgid/{id}"),
                "JoinedMethod": "CREATED",
            })
        };
        let mut answer = json!({"Accounts": page.iter().map(described).collect::<Vec<_>>()});
        if rest.next().is_some() {
            answer["NextToken"] = page.last().map(|(id, _)| id.as_str()).into();
        }
        Ok(answer)
    }
}

impl Assumed {
    /// The request, if it names a role.
    pub(crate) fn read(form: &Form) -> Option<Self> {
        let arn = form.get("RoleArn")?;
        let mut parts = arn.splitn(6, ':').skip(4);
        let (account, resource) = (parts.next()?, parts.next()?);
        let path = resource.strip_prefix("role/")?;
        Some(Self {
            account: account.to_owned(),
            role: path.rsplit('/').next()?.to_owned(),
            session: form.get("RoleSessionName")?.to_owned(),
            arn: arn.to_owned(),
            path: path.to_owned(),
            external_id: form.get("ExternalId").map(str::to_owned),
            seconds: form
                .get("DurationSeconds")
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(3_600),
        })
    }

    /// The result of `AssumeRole`, for a session with this access key.
    pub(crate) fn result(&self, access_key: &str, region: &str, now: Timestamp) -> String {
        let end = now.saturating_add(SignedDuration::from_secs(self.seconds));
        let (aws, account) = (partition(region), &self.account);
        let (role, session) = (&self.role, &self.session);
        format!(
            "<AssumedRoleUser><AssumedRoleId>AROA{account}:{session}</AssumedRoleId>\
             <Arn>arn:{aws}:sts::{account}:assumed-role/{role}/{session}</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>local</SecretAccessKey>\
             <SessionToken>local</SessionToken><Expiration>{}</Expiration></Credentials>",
            iso(end.unwrap_or(now))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_enabled_or_not() {
        let mut accounts = Accounts::default();
        accounts.set_regions(&["us-east-1", "af-south-1"]);
        let ask = |body: Value| {
            let answer = accounts.call("ListRegions", &body).unwrap();
            answer["Regions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| {
                    format!("{} {}", it["RegionName"], it["RegionOptStatus"]).replace('"', "")
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ask(json!({"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]})),
            ["af-south-1 ENABLED", "us-east-1 ENABLED_BY_DEFAULT"]
        );
        assert!(ask(json!({})).contains(&"ap-east-1 DISABLED".to_owned()));
        assert_eq!(
            ask(json!({"MaxResults": 1, "NextToken": "eu-south-1"})).len(),
            1
        );
    }

    #[test]
    fn accounts_come_in_pages_and_only_from_an_organisation() {
        let mut accounts = Accounts::default();
        let none = accounts.call("ListAccounts", &json!({})).unwrap_err();
        assert_eq!(none.code, "AWSOrganizationsNotInUseException");
        for id in ["111111111111", "222222222222", "333333333333"] {
            accounts.list(id, "one", "ACTIVE");
        }
        let first = accounts.call("ListAccounts", &json!({})).unwrap();
        assert_eq!(first["Accounts"].as_array().unwrap().len(), 2);
        let next = json!({"NextToken": first["NextToken"]});
        let second = accounts.call("ListAccounts", &next).unwrap();
        assert_eq!(second["Accounts"][0]["Id"], "333333333333");
        assert_eq!(second["NextToken"], Value::Null);
    }

    #[test]
    fn a_role_may_want_an_external_id() {
        let mut accounts = Accounts::default();
        accounts.add_role("audit/Reader", Some("secret"));
        let asked = |more: &str| {
            let form = format!(
                "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/audit/Reader&RoleSessionName=me{more}"
            );
            Assumed::read(&Form::read(form.as_bytes()).0).unwrap()
        };
        assert!(accounts.allows(&asked("&ExternalId=secret")));
        assert!(!accounts.allows(&asked("&ExternalId=other")));
        assert!(!accounts.allows(&asked("")));
        assert_eq!(asked("").role, "Reader");
    }
}
