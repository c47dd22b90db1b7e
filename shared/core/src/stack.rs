//! What belongs to the stack: known by the names that CloudFormation gives, `<stack>-<logical id>-<random>`.
//!
//! Logical ids and the random part are letters and digits, so the last two hyphens tell the stack's name from the rest:
//! `kms-watch-2-AlertTopic-1A2B3C4D5E6F` is of the stack `kms-watch-2`. Where a service allows 64 characters, CloudFormation
//! cuts the stack's name, and the logical id, until it fits; the stack instances of a StackSet have such names. One function has
//! a name of another form: the one that draws widgets.

use crate::arn::{AccountId, Region};

/// Longest name of a rule, function, role or schedule (CloudFormation User Guide, name type).
const LONGEST_NAME: usize = 64;
/// A name of this length may be cut: the random part has 12 or 13 characters, and older resources fewer.
const MAYBE_CUT: usize = LONGEST_NAME - 8;
/// As much of a long stack's name is left in any name, whatever the length of the logical id.
const LEAST_LEFT: usize = 18;
/// Most characters of the random part.
const RANDOM: usize = 14;
/// What the function that draws the dashboard's widgets is called instead, before the beginning of the stack's id
/// (`template.yaml`). The name does not say whose it is: of several stacks, each takes it for its own.
const WIDGET: &str = "customWidget-kms-watch-";
/// Most characters of what follows.
const BEGINNING_OF_ID: usize = 8;

/// The stack that a function is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its account.
    pub account: &'a AccountId,
    /// Its Region.
    pub region: &'a Region,
}

impl Stack<'_> {
    /// The name of the stack's resource that `text` names: bare, in an ARN, whole or in part, or in a queue's URL. Letter
    /// case does not matter, since it does not to every service.
    pub fn resource<'t>(&self, text: &'t str) -> Option<&'t str> {
        if !self.is_at_home(text) {
            return None;
        }
        text.split(['/', ':']).find(|part| self.owns(part))
    }

    /// `text` names the stack's resource with this logical id, or one whose id begins in the same way: CloudFormation cuts
    /// long names.
    pub fn may_be(&self, text: &str, id: &str) -> bool {
        let Some(name) = self.resource(text) else {
            return false;
        };
        let own = after(name, self.name).and_then(|rest| rest.strip_prefix('-'));
        let found = match own {
            Some(rest) => rest.split('-').next().unwrap_or(rest),
            None => name.rsplit('-').nth(1).unwrap_or_default(),
        };
        let is_cut = name.len() >= MAYBE_CUT && !found.is_empty();
        found.eq_ignore_ascii_case(id) || (is_cut && after(id, found).is_some())
    }

    /// `text` is the stack itself: its name, or its id `arn:…:stack/<name>/<uuid>`.
    pub fn is(&self, text: &str) -> bool {
        let same = |name: &str| name.eq_ignore_ascii_case(self.name);
        match text.split_once(":stack/") {
            Some((_, rest)) => self.is_at_home(text) && rest.split('/').next().is_some_and(same),
            None => same(text),
        }
    }

    /// `text` is the name of a parameter of Systems Manager below the stack's own path, or its ARN. Names of parameters are told apart
    /// by letter case, and no call that writes one takes an ARN; whoever forges one in a record is told of, too.
    pub fn parameter(&self, text: &str) -> bool {
        let name = text.split_once(":parameter").map_or(text, |(_, name)| name);
        let own = name
            .strip_prefix("/kms-watch/")
            .and_then(|rest| rest.strip_prefix(self.name));
        self.is_at_home(text) && own.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
    }

    /// An ARN says where: not in another account or Region. Whatever else there is leaves both to the caller.
    fn is_at_home(&self, text: &str) -> bool {
        let mut parts = text.split(':');
        if !parts
            .next()
            .is_some_and(|arn| arn.eq_ignore_ascii_case("arn"))
        {
            return true;
        }
        let (region, account) = (parts.nth(2).unwrap_or(""), parts.next().unwrap_or(""));
        let is = |part: &str, own: &str| part.is_empty() || part.eq_ignore_ascii_case(own);
        is(region, self.region.as_str()) && is(account, self.account.as_str())
    }

    fn owns(&self, name: &str) -> bool {
        let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if let Some(id) = after(name, WIDGET) {
            return word(id) && id.len() <= BEGINNING_OF_ID;
        }
        if let Some(rest) = after(name, self.name).and_then(|rest| rest.strip_prefix('-')) {
            // Logical ids begin with a letter.
            let is_id = |id: &str| word(id) && id.starts_with(|c: char| c.is_ascii_alphabetic());
            return match rest.split_once('-') {
                Some((id, random)) => is_id(id) && word(random) && random.len() <= RANDOM,
                None => is_id(rest),
            };
        }
        // Cut: the beginning of a long name is all that is left of it.
        let mut parts = name.rsplitn(3, '-');
        let (Some(random), Some(id), Some(stack)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        name.len() >= MAYBE_CUT
            && stack.len() >= LEAST_LEFT
            && word(random)
            && word(id)
            && after(self.name, stack).is_some()
    }
}

/// What is left of `text` after `beginning`, in whatever letter case.
fn after<'t>(text: &'t str, beginning: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(beginning.len())?;
    start.eq_ignore_ascii_case(beginning).then_some(rest)
}

/// The stack's name as the name of one of its resources tells, for a function that is not told by other means: without the
/// logical id, and what follows.
pub(crate) fn name_in<'t>(resource: &'t str, logical_id: &str) -> Option<&'t str> {
    let end = resource.rfind(&format!("-{logical_id}"))?;
    (end > 0).then(|| &resource[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(name: &str, check: impl Fn(&Stack<'_>) -> T) -> T {
        let account = AccountId::new("111122223333").unwrap();
        let region = Region::new("us-east-1").unwrap();
        check(&Stack {
            name,
            account: &account,
            region: &region,
        })
    }

    #[test]
    fn a_resource_is_known_in_every_form_of_its_name() {
        let name = "kms-watch-KeyDeletionFunction-1A2B3C4D5E6F";
        for text in [
            name.to_owned(),
            name.to_uppercase(),
            name.to_lowercase(),
            format!("arn:aws:lambda:us-east-1:111122223333:function:{name}"),
            format!("arn:aws:lambda:us-east-1:111122223333:function:{name}:live"),
            format!("111122223333:function:{name}"),
            format!("ARN:aws:LAMBDA:US-EAST-1:111122223333:function:{name}"),
            format!("{name}:$LATEST"),
            format!("arn:aws:iam::111122223333:role/{name}"),
            format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}"),
            format!("https://queue.amazonaws.com/111122223333/{name}"),
            format!("arn:aws:logs:us-east-1:111122223333:log-group:{name}:*"),
            format!("arn:aws:sns:us-east-1:111122223333:{name}:8f0e"),
            "kms-watch-AlertTopic".to_owned(),
            "customWidget-kms-watch-8f0ec3a0".to_owned(),
            "111122223333:function:CUSTOMWIDGET-kms-watch-8f0ec3a0:$LATEST".to_owned(),
        ] {
            assert!(
                with("kms-watch", |stack| stack.resource(&text).is_some()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_anothers_is_not_ours() {
        for text in [
            "",
            "kms-watch",
            "kms-watch-",
            "kms-watch2-AlertTopic-1A2B3C4D5E6F",
            "kms-watch-2-AlertTopic-1A2B3C4D5E6F",
            "kms-watch-prod-AlertTopic-1A2B3C4D5E6F",
            "another-kms-watch-AlertTopic-1A2B3C4D5E6F",
            "kms-watch-2-KeyDeletionFunction",
            "kms-watch-\u{443}-1A2B",
            "kms-wat",
            "customWidget-kms-watch-",
            "customWidget-kms-watch-8f0ec3a0f",
            "customWidget-kms-watch-8f0e-c3a0",
            "customWidget-orders-8f0ec3a0",
            "arn:aws:lambda:eu-west-1:111122223333:function:customWidget-kms-watch-8f0ec3a0",
            "arn:aws:sns:us-east-1:444455556666:kms-watch-AlertTopic-1A2B3C4D5E6F",
            "arn:aws:sns:eu-west-1:111122223333:kms-watch-AlertTopic-1A2B3C4D5E6F",
        ] {
            assert!(
                with("kms-watch", |stack| stack.resource(text).is_none()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_that_was_cut_is_ours_and_a_short_one_is_whole() {
        let stack = "StackSet-kms-watch-5f0c1b7e-8a3d-4c52-9d0e-2b6f1a7c3e45";
        let cut = "StackSet-kms-watch-5f0c1b7-MaterialExpirationFuncti-1A2B3C4D5E6F";
        with(stack, |ours| {
            assert!(ours.resource(cut).is_some());
            assert!(
                ours.resource(&format!("{stack}-AlertTopic-1A2B3C4D5E6F"))
                    .is_some()
            );
            for other in [
                "StackSet-kms-watch-6a0c1b7-MaterialExpirationFuncti-1A2B3C4D5E6F",
                "StackSet-kms-watch-5f0c1b7-KeyDeletion-1A2B",
                "StackSet-KeyDeletionFunction-1A2B3C4D5E6F",
            ] {
                assert!(ours.resource(other).is_none(), "{other}");
            }
        });
    }

    #[test]
    fn a_resource_may_be_the_one_with_a_logical_id() {
        with("kms-watch", |stack| {
            let name = "kms-watch-KeyDeletionFunctionKmsEvents-1A2B3C4D5E6F";
            assert!(stack.may_be(name, "KeyDeletionFunctionKmsEvents"));
            assert!(!stack.may_be(name, "KeyDeletionFunction"));
            assert!(!stack.may_be(name, "KeyDeletionFunctionCloudTrail"));
            assert!(!stack.may_be("orders-PartChanged-1A2B", "PartChanged"));
        });
        with(
            "StackSet-kms-watch-5f0c1b7e-8a3d-4c52-9d0e-2b6f1a7c3e45",
            |stack| {
                let cut = "StackSet-kms-watch-5f0c1b7-MaterialExpirationFuncti-1A2B3C4D5E6F";
                assert!(stack.may_be(cut, "MaterialExpirationFunctionAlarms"));
                assert!(!stack.may_be(cut, "KeyDeletionFunctionKmsEvents"));
            },
        );
    }

    #[test]
    fn a_parameter_is_known_by_the_path_of_the_stack() {
        let arn = |region: &str| {
            format!("arn:aws:ssm:{region}:111122223333:parameter/kms-watch/kms-watch/rescue")
        };
        with("kms-watch", |stack| {
            for ours in [
                "/kms-watch/kms-watch/rescue",
                "/kms-watch/kms-watch/trusted/more",
                &arn("us-east-1"),
            ] {
                assert!(stack.parameter(ours), "{ours}");
            }
            for other in [
                "/kms-watch/kms-watch",
                "/kms-watch/kms-watch/",
                "/kms-watch/kms-watch-2/rescue",
                "/kms-watch/KMS-WATCH/rescue",
                "/other/kms-watch/kms-watch/rescue",
                "kms-watch-AlertTopic-1A2B3C4D5E6F",
                "",
                &arn("eu-west-1"),
            ] {
                assert!(!stack.parameter(other), "{other}");
            }
        });
    }

    #[test]
    fn a_stack_is_known_by_its_name_and_its_id() {
        let id = "arn:aws:cloudformation:us-east-1:111122223333:stack/kms-watch/8f0e";
        with("kms-watch", |stack| {
            assert!(stack.is("kms-watch") && stack.is("KMS-Watch") && stack.is(id));
            for other in [
                "kms-watch-2".to_owned(),
                id.replace("us-east-1", "eu-west-1"),
                id.replace("1111", "4444"),
                id.replace("/kms-watch/", "/kms-watch-2/"),
            ] {
                assert!(!stack.is(&other), "{other}");
            }
        });
    }

    #[test]
    fn a_resource_tells_the_stacks_name() {
        assert_eq!(
            name_in("kms-watch-Ledger-1A2B3C4D5E6F", "Ledger"),
            Some("kms-watch")
        );
        assert_eq!(name_in("kms-watch-Ledger", "Ledger"), Some("kms-watch"));
        assert_eq!(name_in("people", "AlertTopic"), None);
    }
}
