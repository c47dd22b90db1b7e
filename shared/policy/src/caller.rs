//! Who may stand before a policy, and what is known of their requests.

use crate::condition::{Subject, Test};
use crate::context::Context;
use crate::operation::Class;
use crate::principal::{Principal, is_account};

/// A name that no policy can hold, for those whom it does not name.
const UNNAMED: &str = "\u{2}unnamed";

/// A service calls for somebody (IAM User Guide, AWS global condition context keys).
pub(crate) const VIA_A_SERVICE: &str = "aws:viaawsservice";

/// One who calls, or a kind of them.
#[derive(Clone, Debug)]
pub(crate) struct Caller<'a> {
    /// By which a `Principal` element names it.
    pub(crate) names: Vec<String>,
    /// By which a `Principal` element names all of its account.
    pub(crate) account: Option<String>,
    /// Is as much the account as one of it: the root user, and whoever an IAM policy of it lets in.
    pub(crate) is_account: bool,
    party: Party<'a>,
}

#[derive(Clone, Debug)]
enum Party<'a> {
    /// Of the key's account, or of a trusted one.
    Own {
        arn: String,
        user_id: String,
        user_name: Option<String>,
        kind: &'static str,
        /// The service through which the call comes, if that is certain.
        via: Option<String>,
    },
    /// Somebody else. `named` if it may be whom a condition asks for.
    Stranger {
        named: bool,
        label: Option<Label<'a>>,
    },
    Service,
}

/// What tells a stranger from all the others: one value that a condition asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label<'a> {
    pub(crate) subject: LabelOf,
    /// In lower case.
    pub(crate) key: &'a str,
    pub(crate) value: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LabelOf {
    Account,
    Arn,
    Organization,
    UserId,
    Network,
    Via,
    Grantee,
}

/// What is known of one key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact<'a> {
    /// The request has not got it.
    Absent,
    Is(&'a str),
    /// The very value of the policy, whatever it stands for.
    Asked(&'a str),
    /// None that the policy names, or none at all.
    Unnamed,
    /// One that is not the owner's, named or not, or none at all.
    Foreign,
    /// An ARN of the account.
    OfAccount(&'a str),
    /// The organisation, somewhere in it.
    OfOrganization(&'a str),
    /// The owner's organisation.
    OwnOrganization,
    /// The owner's network, which is not known.
    OwnNetwork,
    /// From the time of the judgement on.
    FromNowOn,
    /// Whatever the caller likes, or none.
    Any,
    Unknown,
}

impl<'a> Caller<'a> {
    /// Whoever of the account is allowed by its IAM policies, as a session of a role.
    pub(crate) fn role_at_large(context: &Context<'_>) -> Self {
        Self::at_large(context, "role", "AssumedRole", None)
    }

    /// The same as an IAM user.
    pub(crate) fn user_at_large(context: &Context<'_>) -> Self {
        Self::at_large(context, "user", "User", Some(UNNAMED.to_owned()))
    }

    fn at_large(
        context: &Context<'_>,
        resource: &str,
        kind: &'static str,
        user_name: Option<String>,
    ) -> Self {
        Self::at_large_as(context, &format!("{resource}/{UNNAMED}"), kind, user_name)
    }

    fn at_large_as(
        context: &Context<'_>,
        resource: &str,
        kind: &'static str,
        user_name: Option<String>,
    ) -> Self {
        Self {
            names: Vec::new(),
            account: Some(context.account.to_owned()),
            is_account: true,
            party: Party::Own {
                arn: own_arn(context, resource),
                user_id: format!("AXXA{UNNAMED}:{UNNAMED}"),
                user_name,
                kind,
                via: None,
            },
        }
    }

    /// A role of the account with this name.
    pub(crate) fn role_called(name: &str, context: &Context<'_>) -> Self {
        Self::at_large_as(context, &format!("role/{name}"), "AssumedRole", None)
    }

    /// An IAM user of the account with this name.
    pub(crate) fn user_called(name: &str, context: &Context<'_>) -> Self {
        Self::at_large_as(
            context,
            &format!("user/{name}"),
            "User",
            Some(name.to_owned()),
        )
    }

    /// The same, through an AWS service that calls for it.
    pub(crate) fn through(mut self, service: &str) -> Self {
        if let Party::Own { via, .. } = &mut self.party {
            *via = Some(service.to_owned());
        }
        self
    }

    /// The root user of the account.
    pub(crate) fn root_user(context: &Context<'_>) -> Self {
        Self {
            names: Vec::new(),
            account: Some(context.account.to_owned()),
            is_account: true,
            party: Party::Own {
                arn: own_arn(context, "root"),
                user_id: context.account.to_owned(),
                user_name: None,
                kind: "Account",
                via: None,
            },
        }
    }

    pub(crate) fn is_stranger(&self) -> bool {
        matches!(self.party, Party::Stranger { .. })
    }

    fn via(&self) -> Option<&str> {
        match &self.party {
            Party::Own { via, .. } => via.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn is_root_user(&self) -> bool {
        matches!(
            &self.party,
            Party::Own {
                kind: "Account",
                ..
            }
        )
    }

    /// Somebody of the owner's account or a trusted one, by a principal of the policy.
    pub(crate) fn own(principal: &Principal, account: &str) -> Self {
        let (names, arn) = (names_of(principal), principal.role_arn());
        let mut caller = Self::by_arn(arn, account);
        caller.names = names;
        caller.is_account = matches!(principal, Principal::Account { .. });
        caller
    }

    /// Somebody of the account of whom a condition has the ARN.
    pub(crate) fn by_arn(arn: String, account: &str) -> Self {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let user_name = resource
            .strip_prefix("user/")
            .and_then(|path| path.rsplit('/').next())
            .map(str::to_owned);
        let kind = match user_name {
            Some(_) => "User",
            None => "AssumedRole",
        };
        let principal = Principal::read("AWS", &arn);
        Self {
            names: names_of(&principal),
            account: Some(account.to_owned()),
            is_account: false,
            party: Party::Own {
                arn,
                user_id: format!("AXXA{UNNAMED}:{UNNAMED}"),
                user_name,
                kind,
                via: None,
            },
        }
    }

    /// Somebody of the account of whom a condition has the unique id.
    pub(crate) fn by_user_id(user_id: &str, context: &Context<'_>) -> Self {
        Self {
            names: vec![user_id.split(':').next().unwrap_or_default().to_owned()],
            account: Some(context.account.to_owned()),
            is_account: false,
            party: Party::Own {
                arn: own_arn(context, &format!("role/{UNNAMED}")),
                user_id: user_id.to_owned(),
                user_name: None,
                kind: "AssumedRole",
                via: None,
            },
        }
    }

    /// Somebody of some other account, of whom nothing is special.
    pub(crate) fn stranger() -> Self {
        Self {
            names: Vec::new(),
            account: None,
            is_account: false,
            party: Party::Stranger {
                named: false,
                label: None,
            },
        }
    }

    /// A stranger of whom one thing is known, and who may be anything else that a condition asks for.
    pub(crate) fn labelled(label: Label<'a>) -> Self {
        let account = label.account().map(str::to_owned);
        let names = match label.subject {
            LabelOf::Arn => names_of(&Principal::read("AWS", label.value)),
            LabelOf::UserId => vec![label.value.split(':').next().unwrap_or_default().to_owned()],
            _ => Vec::new(),
        };
        Self {
            names,
            account,
            is_account: label.subject == LabelOf::Account,
            party: Party::Stranger {
                named: true,
                label: Some(label),
            },
        }
    }

    /// A principal of the policy that is not of the owner, or of which that is not known.
    pub(crate) fn foreign(principal: &'a Principal) -> Self {
        let label = match principal {
            Principal::Account { id, .. } => Some((LabelOf::Account, &**id)),
            // A session's requests have the ARN of its role.
            Principal::Identity { account, arn } if principal.role_arn() != *arn => {
                Some((LabelOf::Account, &**account))
            }
            Principal::Identity { arn, .. } => Some((LabelOf::Arn, &**arn)),
            Principal::UniqueId(id) => Some((LabelOf::UserId, &**id)),
            _ => None,
        };
        let label = label.map(|(subject, value)| Label {
            subject,
            key: "",
            value,
        });
        Self {
            names: names_of(principal),
            account: principal.account().map(str::to_owned),
            is_account: matches!(principal, Principal::Account { .. }),
            party: match principal {
                Principal::Service(_) => Party::Service,
                _ => Party::Stranger { named: true, label },
            },
        }
    }

    /// What a request has under the key of a test.
    pub(crate) fn fact<'b>(
        &'b self,
        test: &Test,
        class: Class,
        context: &'b Context<'_>,
    ) -> Fact<'b> {
        if let Some(service) = self.via()
            && class != Class::Manage
        {
            match test.subject {
                Subject::Via => return Fact::Is(service),
                _ if test.key == VIA_A_SERVICE => return Fact::Is("true"),
                _ => {}
            }
        }
        match test.subject {
            Subject::Tls => return Fact::Is("true"),
            Subject::Time => return Fact::FromNowOn,
            Subject::Region => return context.region().map_or(Fact::Unknown, Fact::Is),
            Subject::ResourceAccount => return Fact::Is(context.account),
            Subject::Unknown => return Fact::Unknown,
            Subject::Chosen(None) => return Fact::Any,
            Subject::Chosen(Some(classes)) if classes.contains(&class) => return Fact::Any,
            Subject::Chosen(Some(_)) => return Fact::Absent,
            Subject::Grantee if class != Class::Grant => return Fact::Absent,
            Subject::Via if class == Class::Manage => return Fact::Absent,
            _ => {}
        }
        match &self.party {
            Party::Own {
                arn,
                user_id,
                user_name,
                kind,
                ..
            } => match test.subject {
                Subject::Account => Fact::Is(self.account.as_deref().unwrap_or_default()),
                Subject::Arn => Fact::Is(arn),
                Subject::Organization => Fact::OwnOrganization,
                Subject::UserId => Fact::Is(user_id),
                Subject::UserName => user_name.as_deref().map_or(Fact::Absent, Fact::Is),
                Subject::Type => Fact::Is(kind),
                Subject::IsService => Fact::Is("false"),
                Subject::Source => Fact::Absent,
                Subject::Network => Fact::OwnNetwork,
                _ => Fact::Any,
            },
            Party::Stranger { named, label } => stranger_fact(test, *named, label.as_ref()),
            Party::Service => match test.subject {
                Subject::IsService => Fact::Is("true"),
                Subject::Arn
                | Subject::Organization
                | Subject::UserName
                | Subject::Network
                | Subject::Via => Fact::Absent,
                Subject::Source | Subject::Grantee => Fact::Any,
                _ => Fact::Unknown,
            },
        }
    }
}

fn stranger_fact<'b>(test: &Test, named: bool, label: Option<&Label<'b>>) -> Fact<'b> {
    let otherwise = match named {
        true => Fact::Foreign,
        false => Fact::Unnamed,
    };
    let asked = |of: LabelOf| label.filter(|label| label.subject == of);
    let value = |of: LabelOf| asked(of).map(|label| label.value);
    match test.subject {
        Subject::Account => label.and_then(|l| l.account()).map_or(otherwise, Fact::Is),
        Subject::Arn => match value(LabelOf::Arn) {
            Some(arn) => Fact::Is(arn),
            None => value(LabelOf::Account).map_or(otherwise, Fact::OfAccount),
        },
        Subject::Organization => {
            value(LabelOf::Organization).map_or(otherwise, Fact::OfOrganization)
        }
        Subject::UserId => value(LabelOf::UserId).map_or(otherwise, Fact::Is),
        Subject::Grantee => value(LabelOf::Grantee).map_or(otherwise, Fact::Is),
        Subject::Network => asked(LabelOf::Network)
            .filter(|label| label.key == test.key)
            .map_or(otherwise, |label| Fact::Asked(label.value)),
        Subject::Via => match value(LabelOf::Via) {
            Some(service) => Fact::Is(service),
            None if named => Fact::Any,
            // A pattern that any service matches narrows nothing.
            None => Fact::Unnamed,
        },
        Subject::IsService => Fact::Is("false"),
        Subject::Source => Fact::Absent,
        _ => Fact::Any,
    }
}

impl<'a> Label<'a> {
    /// The account of the one who calls.
    fn account(&self) -> Option<&'a str> {
        match self.subject {
            LabelOf::Account => Some(self.value),
            LabelOf::Arn => self.value.split(':').nth(4).filter(|a| is_account(a)),
            _ => None,
        }
    }
}

/// The keys by which `Principal` and `NotPrincipal` name this principal.
fn names_of(principal: &Principal) -> Vec<String> {
    principal
        .named_by()
        .map(std::borrow::Cow::into_owned)
        .chain(principal.as_role())
        .collect()
}

/// An ARN of IAM in the key's account and partition.
pub(crate) fn own_arn(context: &Context<'_>, resource: &str) -> String {
    format!(
        "arn:{}:iam::{}:{resource}",
        context.partition(),
        context.account
    )
}
