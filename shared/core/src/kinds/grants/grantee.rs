//! Who a grant is for, in all the ways in which a record spells it.

use crate::actor::is_aws_itself;

/// Ends of the names of AWS services, by partition.
const SERVICES: [&str; 7] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".csp.hci.ic.gov",
    ".cloud.adc-e.uk",
];

/// Services that make any call that somebody tells them to make: what they pass on is not for them.
const MESSENGERS: [&str; 13] = [
    "apigateway",
    "appsync",
    "cloudcontrolapi",
    "cloudformation",
    "codebuild",
    "codepipeline",
    "events",
    "lambda",
    "pipes",
    "scheduler",
    "servicecatalog",
    "ssm",
    "states",
];

/// Beginnings of the unique ids of IAM principals (IAM User Guide, unique identifiers).
const UNIQUE_IDS: [&str; 5] = ["AIDA", "AROA", "AGPA", "ANPA", "ASIA"];

/// The name of an AWS service, or what stands for one.
pub(super) fn is_service(name: &str) -> bool {
    let is_host = !name.contains([':', '/', ' ']) && SERVICES.iter().any(|end| name.ends_with(end));
    is_host || is_aws_itself(name)
}

/// A service that makes calls for its own work, and not just any that it is told to make.
pub(super) fn works_for_itself(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or(name);
    is_service(name) && !MESSENGERS.contains(&first)
}

/// What the spelling of a grantee says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grantee<'a> {
    /// The account that it belongs to. A service belongs to none.
    pub(super) account: Option<&'a str>,
    /// It is an AWS service, or what one works with in an account: its service-linked role, a role of its
    /// infrastructure.
    pub(super) of_service: bool,
    /// Nothing says of which account it is: a unique id, or a form that is not known.
    pub(super) unknown: bool,
}

impl<'a> Grantee<'a> {
    /// Reads `arn:aws:iam::444455556666:role/loader`, `dynamodb.amazonaws.com`, `444455556666`, `AROA…`, and the form of
    /// old records, `444455556666:aws:ec2-infrastructure:i-0abc`.
    pub(super) fn read(grantee: &'a str) -> Self {
        let grantee = grantee.trim();
        if is_service(grantee) {
            return Self {
                account: None,
                of_service: true,
                unknown: false,
            };
        }
        let (account, of_service) = if grantee.starts_with("arn:") {
            let mut parts = grantee.splitn(6, ':').skip(4);
            let account = parts.next().unwrap_or_default();
            (account, is_services_own(parts.next().unwrap_or_default()))
        } else {
            let (account, rest) = grantee.split_once(':').unwrap_or((grantee, ""));
            (account, rest.starts_with("aws:"))
        };
        let account = Some(account).filter(|account| is_account(account));
        Self {
            account,
            of_service,
            unknown: account.is_none(),
        }
    }

    /// It is written as a unique id, which says nothing of its account.
    pub(super) fn is_unique_id(grantee: &str) -> bool {
        grantee.len() >= 16
            && grantee.bytes().all(|b| b.is_ascii_alphanumeric())
            && UNIQUE_IDS.iter().any(|start| grantee.starts_with(start))
    }
}

/// A resource of IAM or STS that only a service makes (IAM User Guide, service-linked roles). The names with `aws:` and
/// the path `aws-service-role` are reserved.
fn is_services_own(resource: &str) -> bool {
    resource.starts_with("role/aws-service-role/")
        || resource.starts_with("assumed-role/aws:")
        || resource.starts_with("assumed-role/AWSServiceRoleFor")
}

fn is_account(text: &str) -> bool {
    crate::arn::AccountId::new(text).is_some()
}

/// The account in an ARN of any resource, such as the one for which a service works.
pub(super) fn account_in_arn(arn: &str) -> Option<&str> {
    let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
    is_account(account).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_says_its_account_and_whether_it_is_a_services() {
        let own = Some("111122223333");
        for (grantee, account, of_service, unknown) in [
            ("dynamodb.us-east-1.amazonaws.com", None, true, false),
            ("ec2.cn-north-1.amazonaws.com.cn", None, true, false),
            ("AWS Internal", None, true, false),
            ("111122223333", own, false, false),
            ("arn:aws:iam::111122223333:root", own, false, false),
            (
                "arn:aws-cn:iam::111122223333:user/team/x",
                own,
                false,
                false,
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/app/s",
                own,
                false,
                false,
            ),
            (
                "arn:aws:sts::111122223333:federated-user/x",
                own,
                false,
                false,
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0a",
                own,
                true,
                false,
            ),
            (
                "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/R",
                own,
                true,
                false,
            ),
            (
                "111122223333:aws:ec2-infrastructure:i-0abc",
                own,
                true,
                false,
            ),
            // Names that only look like a service's.
            (
                "arn:aws:iam::111122223333:role/x.amazonaws.com",
                own,
                false,
                false,
            ),
            (
                "arn:aws:iam::111122223333:role/x/aws-service-role/y",
                own,
                false,
                false,
            ),
            ("AROAQ7EXAMPLEROLE00001", None, false, true),
            ("arn:aws:iam:::role/x", None, false, true),
            ("evil.example.com", None, false, true),
            ("", None, false, true),
        ] {
            let read = Grantee::read(grantee);
            assert_eq!(
                (read.account, read.of_service, read.unknown),
                (account, of_service, unknown),
                "{grantee}"
            );
        }
        assert!(Grantee::is_unique_id("AROAQ7EXAMPLEROLE00001"));
        assert!(!Grantee::is_unique_id("AROA"));
        assert!(!Grantee::is_unique_id(
            "arn:aws:iam::1:role/AROAQ7EXAMPLEROLE00001"
        ));
    }

    #[test]
    fn who_passes_on_what_it_is_told_does_not_work_for_itself() {
        for (name, itself) in [
            ("rds.amazonaws.com", true),
            ("ec2-frontend-api.amazonaws.com", true),
            ("AWS Internal", true),
            ("Amazon Internal", true),
            ("states.amazonaws.com", false),
            ("scheduler.us-east-1.amazonaws.com", false),
            ("ssm.amazonaws.com", false),
            ("cloudformation.amazonaws.com", false),
            ("Terraform", false),
        ] {
            assert_eq!(works_for_itself(name), itself, "{name}");
        }
    }
}
