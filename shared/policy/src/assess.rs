//! What a policy says as it stands: whom it lets in, and who can still change it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use crate::bounded;
use crate::parse::{Effect, Policy, Statement};
use crate::principal::{Principal, Who};

/// For whom a policy is judged.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The account that owns the key.
    pub account: &'a str,
    /// Accounts that are not foreign, though not the owner.
    pub trusted_accounts: &'a [&'a str],
}

impl Context<'_> {
    fn is_foreign(&self, account: &str) -> bool {
        account != self.account && !self.trusted_accounts.contains(&account)
    }
}

/// What a policy says as it stands. Made by [`Policy::assess`].
///
/// All strings are raw values of the policy, at most [`MAX_TEXT`](crate::MAX_TEXT) characters long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Everybody in every AWS account is allowed something, without a condition that keeps anybody out.
    ///
    /// `NotPrincipal` with `Allow` lets in everybody else (IAM User Guide, AWS JSON policy elements: NotPrincipal). What
    /// keeps somebody out is listed in the `condition` module. Denies are not counted: "allow everybody, deny all but
    /// my account" may be closed in effect, but is one edit away from open, and whether a deny under a negative
    /// condition leaves no gap cannot be told from it alone.
    ///
    /// `kms:ViaService` counts as narrowing, though it keeps no account out: it asks for a service that has been set to
    /// use the key and, to read something, for that service's own access check. `open_via` tells it.
    pub public: bool,
    /// Services through which everybody in every account may use the key: grants that `kms:ViaService` alone narrows.
    pub open_via: BTreeSet<String>,
    /// Accounts that are allowed something, conditions or not, other than the owner and the trusted ones.
    ///
    /// By a principal, or, where everybody or a service is let in, by a condition that asks for the account. Not those
    /// of an organisation that a condition asks for, nor of unique ids (AIDA…, AROA…): the policy does not say them.
    pub foreign_accounts: BTreeSet<String>,
    /// Services that are let in whatever the resource or account is that they work for: the confused deputy problem
    /// (IAM User Guide). Some cannot be narrowed, such as EventBridge that publishes to an encrypted topic.
    pub open_services: BTreeSet<String>,
    /// The account itself is allowed what IAM policies need to manage and use the key, so they work (KMS Developer
    /// Guide, default key policy).
    ///
    /// That is `kms:*`, or statements that together hold DescribeKey, GetKeyPolicy, PutKeyPolicy, CreateGrant and a
    /// cryptographic operation (which one depends on the key's usage), without a condition, not denied.
    pub delegates_to_iam: bool,
    /// Nobody of the key's account may change the policy: `who_may_change` is empty.
    pub lockout: bool,
    /// Principals of the key's account that may change the policy (`kms:PutKeyPolicy`).
    ///
    /// Limits, all on the side of somebody being there: whether a principal still exists, and whether an IAM policy uses
    /// what the account is given, is not in a policy; a condition counts as met unless it asks for other accounts; a
    /// deny counts only without a condition. Not counted are other accounts, which cannot make this call (KMS Developer
    /// Guide, permissions reference), services, and unique ids, which stand for principals that were deleted.
    pub who_may_change: BTreeSet<String>,
    /// As [`Policy::unreadable`]: if it is not zero, all of the above is a guess.
    pub unreadable: usize,
}

/// What must be allowed for IAM policies to manage the key.
const MANAGING: [&str; 4] = [
    "kms:describekey",
    "kms:getkeypolicy",
    "kms:putkeypolicy",
    "kms:creategrant",
];

/// Of these, a key can do those of its usage. One of them is enough to see that use is delegated too.
const USING: [&str; 4] = [
    "kms:decrypt",
    "kms:sign",
    "kms:generatemac",
    "kms:derivesharedsecret",
];

impl Policy {
    /// Judges the policy.
    pub fn assess(&self, context: &Context<'_>) -> Assessment {
        let mut found = Assessment {
            unreadable: self.unreadable(),
            ..Assessment::default()
        };
        for statement in self.allows() {
            let everybody = statement.who.is_everybody();
            if everybody && !statement.condition.narrows() {
                found.public = true;
            }
            if everybody && let Some(services) = statement.condition.only_via() {
                found.open_via.extend(services.into_iter().map(bounded));
            }
            if !statement.condition.names_source() {
                found.open_services.extend(
                    statement
                        .who
                        .named()
                        .iter()
                        .filter(|principal| matches!(principal, Principal::Service(_)))
                        .map(Principal::shown),
                );
            }
            found
                .foreign_accounts
                .extend(statement.foreign_accounts(context).map(str::to_owned));
        }
        found.who_may_change = self.who_may_change(context.account);
        found.lockout = found.who_may_change.is_empty();
        let delegated = |operation: &str| self.delegates(operation, context.account);
        found.delegates_to_iam = MANAGING.iter().all(|operation| delegated(operation))
            && USING.iter().any(|operation| delegated(operation));
        found
    }

    pub(crate) fn allows(&self) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
    }

    fn who_may_change(&self, account: &str) -> BTreeSet<String> {
        let operation = "kms:putkeypolicy";
        let denied = Denied::of(self, operation);
        let mut who = BTreeSet::new();
        for statement in self.allows() {
            if !statement.actions.matches(operation) || !statement.condition.admits(account) {
                continue;
            }
            if statement.lets_everybody_of(account) && !denied.all_of(account) {
                who.extend(statement.who.entries().into_iter().map(|(_, shown)| shown));
            }
            for principal in statement.who.named() {
                if principal.account() == Some(account) && !denied.one(principal, account) {
                    who.insert(principal.shown());
                }
            }
        }
        // Where everybody is let in, the others that the same statement names add nothing.
        if who.contains("everybody") {
            who.retain(|shown| shown == "everybody");
        }
        who
    }

    /// The account as such is allowed the operation, so that its IAM policies decide.
    fn delegates(&self, operation: &str, account: &str) -> bool {
        let allowed = self.allows().any(|statement| {
            let account_itself = || {
                statement.who.named().iter().any(
                    |principal| matches!(principal, Principal::Account { id, .. } if id == account),
                )
            };
            statement.actions.matches(operation)
                && statement.condition.is_met_by_all_of(account)
                && (statement.lets_everybody_of(account) || account_itself())
        });
        allowed && !Denied::of(self, operation).all_of(account)
    }
}

impl Statement {
    /// Lets in everybody of the account as it lets in everybody else.
    fn lets_everybody_of(&self, account: &str) -> bool {
        match &self.who {
            Who::Only(_) => self.who.is_everybody(),
            Who::AllBut(these) => !these
                .iter()
                .any(|one| matches!(one, Principal::Account { id, .. } if id == account)),
        }
    }

    /// The foreign accounts that the statement lets in.
    pub(crate) fn foreign_accounts<'a>(
        &'a self,
        context: &'a Context<'_>,
    ) -> impl Iterator<Item = &'a str> {
        let named = self
            .who
            .named()
            .iter()
            .filter_map(Principal::account)
            .filter(|account| self.condition.admits(account));
        // A public statement lets in all accounts: none of them is worth a name.
        let by_condition = self.who.is_everybody()
            || self
                .who
                .named()
                .iter()
                .any(|principal| matches!(principal, Principal::Service(_)));
        let asked_for = match by_condition {
            true => self.condition.accounts(),
            false => BTreeSet::new(),
        };
        named
            .chain(asked_for)
            .filter(|account| context.is_foreign(account))
    }
}

/// Whom the policy denies an operation in any case.
struct Denied<'a> {
    everybody: bool,
    names: HashSet<Cow<'a, str>>,
    /// For each deny of all but some, these.
    spared: Vec<(HashSet<Cow<'a, str>>, HashSet<&'a str>)>,
}

impl<'a> Denied<'a> {
    fn of(policy: &'a Policy, operation: &str) -> Self {
        let mut denied = Self {
            everybody: false,
            names: HashSet::new(),
            spared: Vec::new(),
        };
        let names = |principals: &'a [Principal]| {
            principals.iter().flat_map(|principal| {
                std::iter::once(principal.key()).chain(principal.as_role().map(Cow::from))
            })
        };
        for statement in &policy.statements {
            if statement.effect != Effect::Deny
                || !statement.condition.is_empty()
                || !statement.actions.matches(operation)
            {
                continue;
            }
            match &statement.who {
                Who::Only(these) => {
                    denied.everybody |= statement.who.is_everybody();
                    denied.names.extend(names(these));
                }
                Who::AllBut(these) => denied.spared.push((
                    names(these).collect(),
                    these.iter().filter_map(Principal::account).collect(),
                )),
            }
        }
        denied
    }

    /// Nobody of the account is left. A deny for an account is one for all of its principals.
    fn all_of(&self, account: &str) -> bool {
        self.everybody
            || self.names.contains(account)
            || self
                .spared
                .iter()
                .any(|(_, accounts)| !accounts.contains(account))
    }

    /// The principal of the account is denied.
    fn one(&self, principal: &Principal, account: &str) -> bool {
        if matches!(principal, Principal::Account { .. }) {
            return self.all_of(account);
        }
        let among =
            |names: &HashSet<Cow<'_, str>>| principal.named_by().any(|name| names.contains(&name));
        self.everybody
            || self.names.contains(account)
            || among(&self.names)
            || self.spared.iter().any(|(names, _)| !among(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "111122223333";
    const ROOT: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;

    fn assess_all(statements: &str) -> Assessment {
        let context = Context {
            account: OWN,
            trusted_accounts: &["222233334444"],
        };
        Policy::parse(&format!(r#"{{"Statement":[{statements}]}}"#))
            .unwrap()
            .assess(&context)
    }

    fn statement(effect: &str, who: &str, actions: &str, condition: &str) -> String {
        let who = match who.starts_with("!") {
            true => format!(r#""NotPrincipal":{}"#, &who[1..]),
            false => format!(r#""Principal":{who}"#),
        };
        format!(
            r#"{{"Effect":"{effect}",{who},"Action":{actions},"Resource":"*","Condition":{condition}}}"#
        )
    }

    fn allow(who: &str, actions: &str, condition: &str) -> String {
        statement("Allow", who, actions, condition)
    }

    fn deny(who: &str, actions: &str, condition: &str) -> String {
        statement("Deny", who, actions, condition)
    }

    fn texts(set: &BTreeSet<String>) -> Vec<&str> {
        set.iter().map(String::as_str).collect()
    }

    #[test]
    fn everybody_without_a_narrowing_condition_is_public() {
        let caller = r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#;
        let negative = r#"{"StringNotEquals":{"kms:CallerAccount":"444455556666"}}"#;
        let all = r#""kms:*""#;
        for (statements, public) in [
            (allow(r#""*""#, all, "{}"), true),
            (allow(r#"{"AWS":"*"}"#, all, "{}"), true),
            (
                allow(
                    r#"{"AWS":["111122223333","*"]}"#,
                    r#""kms:DescribeKey""#,
                    "{}",
                ),
                true,
            ),
            (allow(r#"{"*":"*"}"#, all, "{}"), true),
            (allow(&format!("!{ROOT}"), all, "{}"), true),
            (allow(r#""*""#, all, negative), true),
            (allow(r#""*""#, all, caller), false),
            (allow(&format!("!{ROOT}"), all, caller), false),
            (allow(r#""*""#, r#""s3:*""#, "{}"), false),
            (allow(ROOT, all, "{}"), false),
            (allow(r#"{"Service":"s3.amazonaws.com"}"#, all, "{}"), false),
            (deny(r#""*""#, all, "{}"), false),
            // Denies are not counted.
            (
                [allow(r#""*""#, all, "{}"), deny(r#""*""#, all, negative)].join(","),
                true,
            ),
            (
                [allow(r#""*""#, all, caller), allow(r#""*""#, all, "{}")].join(","),
                true,
            ),
        ] {
            assert_eq!(assess_all(&statements).public, public, "{statements}");
        }
        let not_action =
            r#"{"Effect":"Allow","Principal":"*","NotAction":"kms:Delete*","Resource":"*"}"#;
        assert!(assess_all(not_action).public);
    }

    #[test]
    fn a_key_of_an_aws_service_is_not_public_and_a_service_alone_is_said() {
        let condition = |more: &str| {
            format!(
                r#"{{"StringEquals":{{"kms:ViaService":"sns.us-east-1.amazonaws.com"{more}}}}}"#
            )
        };
        let managed = condition(r#","kms:CallerAccount":"111122223333""#);
        let found = assess_all(&allow(r#"{"AWS":"*"}"#, r#"["kms:Decrypt"]"#, &managed));
        assert!(!found.public && found.open_via.is_empty());
        let found = assess_all(&allow(
            r#"{"AWS":"*"}"#,
            r#"["kms:Decrypt"]"#,
            &condition(""),
        ));
        assert!(!found.public);
        assert_eq!(texts(&found.open_via), ["sns.us-east-1.amazonaws.com"]);
        let found = assess_all(&allow(ROOT, r#"["kms:Decrypt"]"#, &condition("")));
        assert!(found.open_via.is_empty());
    }

    #[test]
    fn foreign_accounts_come_from_principals_and_from_conditions() {
        let decrypt = r#""kms:Decrypt""#;
        let asks =
            |key: &str, account: &str| format!(r#"{{"StringEquals":{{"{key}":"{account}"}}}}"#);
        let service = r#"{"Service":"sns.amazonaws.com"}"#;
        let foreign = "444455556666";
        for (statements, accounts) in [
            (allow(ROOT, decrypt, "{}"), vec![]),
            (allow(r#"{"AWS":"222233334444"}"#, decrypt, "{}"), vec![]),
            (
                allow(r#"{"AWS":"444455556666"}"#, decrypt, "{}"),
                vec![foreign],
            ),
            (
                allow(r#"{"AWS":"arn:aws:iam::444455556666:root"}"#, decrypt, "{}"),
                vec![foreign],
            ),
            (
                allow(
                    r#"{"AWS":"arn:aws-cn:iam::444455556666:role/loader"}"#,
                    decrypt,
                    "{}",
                ),
                vec![foreign],
            ),
            (
                allow(
                    r#"{"AWS":["arn:aws:sts::444455556666:assumed-role/a/b","555566667777"]}"#,
                    decrypt,
                    "{}",
                ),
                vec![foreign, "555566667777"],
            ),
            // Whatever the condition, unless it lets the account in no more.
            (
                allow(
                    r#"{"AWS":"444455556666"}"#,
                    decrypt,
                    r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
                ),
                vec![foreign],
            ),
            (
                allow(
                    r#"{"AWS":"444455556666"}"#,
                    decrypt,
                    &asks("kms:CallerAccount", OWN),
                ),
                vec![],
            ),
            (
                allow(r#""*""#, decrypt, &asks("kms:CallerAccount", foreign)),
                vec![foreign],
            ),
            (
                allow(r#""*""#, decrypt, &asks("aws:PrincipalAccount", foreign)),
                vec![foreign],
            ),
            (
                allow(
                    r#""*""#,
                    decrypt,
                    &asks("aws:PrincipalAccount", "222233334444"),
                ),
                vec![],
            ),
            (
                allow(
                    r#""*""#,
                    decrypt,
                    &asks("aws:PrincipalArn", "arn:aws:iam::444455556666:role/a"),
                ),
                vec![foreign],
            ),
            (
                allow(
                    r#""*""#,
                    decrypt,
                    &asks("kms:GranteePrincipal", "arn:aws:iam::444455556666:role/a"),
                ),
                vec![foreign],
            ),
            (
                allow(r#""*""#, decrypt, &asks("kms:CallerAccount", OWN)),
                vec![],
            ),
            (
                allow(
                    &format!("!{ROOT}"),
                    decrypt,
                    &asks("kms:CallerAccount", foreign),
                ),
                vec![foreign],
            ),
            (
                allow(service, decrypt, &asks("aws:SourceAccount", foreign)),
                vec![foreign],
            ),
            (
                allow(
                    service,
                    decrypt,
                    &asks("aws:SourceArn", "arn:aws:sns:us-east-1:444455556666:t"),
                ),
                vec![foreign],
            ),
            (
                allow(service, decrypt, &asks("aws:SourceAccount", OWN)),
                vec![],
            ),
            // Nothing that is named, nothing that is allowed.
            (allow(r#""*""#, decrypt, "{}"), vec![]),
            (
                allow(r#"{"AWS":"AROAQ7EXAMPLEKEYA"}"#, decrypt, "{}"),
                vec![],
            ),
            (deny(r#"{"AWS":"444455556666"}"#, decrypt, "{}"), vec![]),
            (
                allow(r#"{"AWS":"444455556666"}"#, r#""s3:*""#, "{}"),
                vec![],
            ),
        ] {
            assert_eq!(
                texts(&assess_all(&statements).foreign_accounts),
                accounts,
                "{statements}"
            );
        }
    }

    #[test]
    fn a_service_without_a_source_is_open() {
        let decrypt = r#""kms:Decrypt""#;
        let source = r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#;
        let via = r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#;
        let services = r#"{"Service":["sns.amazonaws.com","events.amazonaws.com"]}"#;
        let open = |statements: String| {
            assess_all(&statements)
                .open_services
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            open(allow(services, decrypt, "{}")),
            ["events.amazonaws.com", "sns.amazonaws.com"]
        );
        assert_eq!(open(allow(services, decrypt, via)).len(), 2);
        assert!(open(allow(services, decrypt, source)).is_empty());
        assert!(open(allow(ROOT, decrypt, "{}")).is_empty());
        assert!(open(deny(services, decrypt, "{}")).is_empty());
    }

    #[test]
    fn delegation_to_iam_needs_the_account_and_everything_that_matters() {
        let all = r#""kms:*""#;
        let root_allows = |actions: &str| allow(ROOT, actions, "{}");
        let administration = r#"["kms:Create*","kms:Describe*","kms:Get*","kms:Put*","kms:List*"]"#;
        for (statements, delegates) in [
            (root_allows(all), true),
            (root_allows(r#""*""#), true),
            (allow(r#"{"AWS":"111122223333"}"#, all, "{}"), true),
            (
                allow(
                    r#"{"AWS":["444455556666","arn:aws-cn:iam::111122223333:root"]}"#,
                    all,
                    "{}",
                ),
                true,
            ),
            (root_allows(administration), false),
            (
                [root_allows(administration), root_allows(r#""kms:Sign""#)].join(","),
                true,
            ),
            (
                format!(
                    r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":"kms:ScheduleKeyDeletion","Resource":"*"}}"#
                ),
                true,
            ),
            (
                format!(
                    r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":"kms:Put*","Resource":"*"}}"#
                ),
                false,
            ),
            (
                allow(
                    ROOT,
                    all,
                    r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
                ),
                false,
            ),
            (
                allow(
                    ROOT,
                    all,
                    r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#,
                ),
                true,
            ),
            (
                allow(
                    r#"{"AWS":"*"}"#,
                    all,
                    r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#,
                ),
                true,
            ),
            (
                allow(r#"{"AWS":"arn:aws:iam::111122223333:role/a"}"#, all, "{}"),
                false,
            ),
            (allow(r#"{"AWS":"444455556666"}"#, all, "{}"), false),
            (
                [
                    root_allows(all),
                    deny(r#""*""#, r#""kms:PutKeyPolicy""#, "{}"),
                ]
                .join(","),
                false,
            ),
            (
                [root_allows(all), deny(r#""*""#, r#""kms:Decrypt""#, "{}")].join(","),
                true,
            ),
            (deny(ROOT, all, "{}"), false),
        ] {
            assert_eq!(
                assess_all(&statements).delegates_to_iam,
                delegates,
                "{statements}"
            );
        }
    }

    #[test]
    fn somebody_of_the_account_must_be_able_to_change_the_policy() {
        let (all, put) = (r#""kms:*""#, r#""kms:PutKeyPolicy""#);
        let role = "arn:aws:iam::111122223333:role/path/admin";
        let session = "arn:aws:sts::111122223333:assumed-role/admin/maria";
        let aws = |name: &str| format!(r#"{{"AWS":"{name}"}}"#);
        let root = "arn:aws:iam::111122223333:root";
        let foreign_only = r#"{"StringEquals":{"kms:CallerAccount":"444455556666"}}"#;
        let mfa = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
        for (statements, who) in [
            (allow(ROOT, all, "{}"), vec![root]),
            (allow(&aws(OWN), put, "{}"), vec![OWN]),
            (allow(&aws(role), r#""kms:Put*""#, "{}"), vec![role]),
            (allow(&aws(role), put, mfa), vec![role]),
            (allow(r#""*""#, all, "{}"), vec!["everybody"]),
            (
                allow(
                    r#"{"AWS":["*","arn:aws:iam::111122223333:role/a"]}"#,
                    all,
                    "{}",
                ),
                vec!["everybody"],
            ),
            (
                allow(&format!("!{}", aws("444455556666")), all, "{}"),
                vec!["everybody but 444455556666"],
            ),
            // Nobody.
            (allow(ROOT, r#"["kms:Decrypt","kms:Put"]"#, "{}"), vec![]),
            (allow(&format!("!{ROOT}"), all, "{}"), vec![]),
            (allow(&aws("444455556666"), all, "{}"), vec![]),
            (allow(&aws("AROAQ7EXAMPLEKEYA"), all, "{}"), vec![]),
            (
                allow(r#"{"Service":"s3.amazonaws.com"}"#, all, "{}"),
                vec![],
            ),
            (allow(r#""*""#, all, foreign_only), vec![]),
            (allow(ROOT, all, foreign_only), vec![]),
            (deny(ROOT, all, "{}"), vec![]),
            // Denied.
            (
                [allow(ROOT, all, "{}"), deny(&aws(OWN), put, "{}")].join(","),
                vec![],
            ),
            (
                [allow(r#""*""#, all, "{}"), deny(ROOT, put, "{}")].join(","),
                vec![],
            ),
            (
                [allow(ROOT, all, "{}"), deny(r#""*""#, all, "{}")].join(","),
                vec![],
            ),
            (
                [deny(r#""*""#, put, "{}"), allow(ROOT, all, "{}")].join(","),
                vec![],
            ),
            (
                [allow(&aws(role), all, "{}"), deny(ROOT, put, "{}")].join(","),
                vec![],
            ),
            (
                [allow(&aws(role), all, "{}"), deny(&aws(role), put, "{}")].join(","),
                vec![],
            ),
            (
                [allow(&aws(session), all, "{}"), deny(&aws(role), put, "{}")].join(","),
                vec![],
            ),
            (
                [allow(&aws(role), all, "{}"), deny(&aws(session), put, "{}")].join(","),
                vec![role],
            ),
            (
                [allow(ROOT, all, "{}"), deny(&aws(role), put, "{}")].join(","),
                vec![root],
            ),
            (
                [allow(ROOT, all, "{}"), deny(r#""*""#, put, mfa)].join(","),
                vec![root],
            ),
            (
                [
                    allow(ROOT, all, "{}"),
                    deny(r#""*""#, r#""kms:Decrypt""#, "{}"),
                ]
                .join(","),
                vec![root],
            ),
            (
                [
                    allow(ROOT, all, "{}"),
                    deny(&aws("444455556666"), all, "{}"),
                ]
                .join(","),
                vec![root],
            ),
            // Denied to all but some.
            (
                [
                    allow(ROOT, all, "{}"),
                    deny(&format!("!{}", aws(role)), put, "{}"),
                ]
                .join(","),
                vec![root],
            ),
            (
                [
                    allow(ROOT, all, "{}"),
                    deny(&format!("!{}", aws("444455556666")), put, "{}"),
                ]
                .join(","),
                vec![],
            ),
            (
                [
                    allow(&aws(role), all, "{}"),
                    deny(&format!("!{}", aws(role)), put, "{}"),
                ]
                .join(","),
                vec![role],
            ),
            (
                [
                    allow(&aws(session), all, "{}"),
                    deny(&format!("!{}", aws(role)), put, "{}"),
                ]
                .join(","),
                vec![session],
            ),
            (
                [
                    allow(&aws(role), all, "{}"),
                    deny(&format!("!{ROOT}"), put, "{}"),
                ]
                .join(","),
                vec![],
            ),
        ] {
            let found = assess_all(&statements);
            assert_eq!(texts(&found.who_may_change), who, "{statements}");
            assert_eq!(found.lockout, who.is_empty());
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let found = assess_all(&format!(
            r#"{{"Effect":"allow"}},{}"#,
            allow(ROOT, r#""kms:*""#, "{}")
        ));
        assert_eq!(found.unreadable, 1);
        assert!(!found.lockout);
    }
}
