//! Policies that somebody wrote to do harm, or that look as if: what the judge must say of each.
//!
//! | room | what a reader looks for |
//! |---|---|
//! | `ransom` | denies that leave the key to a few, or to nobody |
//! | `by_name_and_service` | denies by many names, or by the services through which calls come |
//! | `foreign` | allows that let in strangers |
//! | `ransom_evasions`, `foreign_evasions` | the same in other clothes |
//! | `telling` | what is said of a policy, and in which order |

mod by_name_and_service;
mod foreign;
mod foreign_evasions;
mod ransom;
mod ransom_evasions;
mod telling;

use std::collections::BTreeSet;

use watch_policy::{Context, Diff, Policy, Question};

const CONTEXT: Context<'_> = Context {
    account: "111122223333",
    key: Some("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    trusted_accounts: &["222233334444"],
    trusted_organizations: &["o-ourcompany1"],
    now: 1_771_056_000,
};

/// The account, and a role that decrypts.
const BEFORE: &str = r#"
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}"#;

fn policy(statements: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Policy::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Against [`BEFORE`].
fn diff(statements: &str) -> Diff {
    Diff::between(Some(&policy(BEFORE)), &policy(statements), &CONTEXT)
}

/// What a reader is told, in words that a table can hold.
fn verdict(diff: &Diff) -> BTreeSet<String> {
    let gains = diff.gains();
    let mut words = BTreeSet::new();
    let mut flag = |name: &str, is: bool| {
        if is {
            words.insert(name.to_owned());
        }
    };
    flag("public", gains.public);
    flag("lockout", diff.after.lockout);
    flag("unusable", diff.nobody_left_to_use());
    flag("seized", diff.is_seized());
    flag("same", diff.is_empty());
    flag("fewer cancel", diff.fewer_can_cancel());
    flag("undelegated", !diff.after.delegates_to_iam);
    for set in [
        &gains.accounts,
        &gains.organizations,
        &gains.networks,
        &gains.unknown,
    ] {
        words.extend(set.iter().cloned());
    }
    words.extend(gains.via.iter().map(|service| format!("via {service}")));
    words.extend(
        diff.after
            .open_services
            .iter()
            .map(|service| format!("open {service}")),
    );
    words
}

fn condition(operator: &str, key: &str, value: &str) -> String {
    format!(r#","Condition":{{"{operator}":{{"{key}":{value}}}}}"#)
}

fn deny(who: &str, actions: &str, condition: &str) -> String {
    format!(r#",{{"Effect":"Deny",{who},"Action":{actions},"Resource":"*"{condition}}}"#)
}

fn allow(who: &str, actions: &str, condition: &str) -> String {
    format!(r#",{{"Effect":"Allow",{who},"Action":{actions},"Resource":"*"{condition}}}"#)
}

const EVERYBODY: &str = r#""Principal":"*""#;
const ALL: &str = r#""kms:*""#;
const ATTACKER: &str = r#""arn:aws:iam::111122223333:role/attacker""#;
const ABROAD: &str = r#""arn:aws:iam::444455556666:role/attacker""#;

fn rows(rows: &[(String, &[&str])]) {
    for (text, expected) in rows {
        let found = diff(&format!("{BEFORE}{text}"));
        let expected: BTreeSet<String> = expected.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(verdict(&found), expected, "{text}");
    }
}
