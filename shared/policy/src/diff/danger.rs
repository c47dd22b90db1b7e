//! How bad it is that something came into a policy, or went.

use crate::caller::Caller;
use crate::condition::Subject;
use crate::context::Context;
use crate::evaluate::{Met, Mode, is_ours};
use crate::operation::{CLASSES, Ops, Question};
use crate::parse::{Effect, Statement};
use crate::principal::{is_account, is_unique_id};

/// How bad a change is, the worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Danger {
    /// Everybody in every account is let in.
    Public,
    /// Everybody of the account is shut out of using, changing, or cancelling.
    ShutsOut,
    /// Somebody foreign, or of whom nothing is known, is let in.
    Foreign,
    /// Somebody of the account is let in to change the policy or to pass access on, or is shut out of something.
    Control,
    /// Any other.
    Other,
    #[default]
    None,
}

/// Judges statements one by one.
pub(super) struct Dangers<'a> {
    context: &'a Context<'a>,
    stranger: Caller<'a>,
    of_account: [Caller<'a>; 3],
}

/// What is the same for all principals of a statement.
pub(super) struct OfStatement<'a> {
    context: &'a Context<'a>,
    effect: Effect,
    ops: Ops,
    lets_strangers_in: bool,
    /// It may tell foreign ones from strangers.
    asks_for_foreign: bool,
    /// It reaches whoever is of the account.
    is_for_the_account: bool,
}

impl<'a> Dangers<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            stranger: Caller::stranger(),
            of_account: [
                Caller::role_at_large(context),
                Caller::user_at_large(context),
                Caller::root_user(context),
            ],
        }
    }

    pub(super) fn of(&self, statement: &Statement) -> OfStatement<'a> {
        let reaches = |caller: &Caller<'_>| {
            statement.applies_to(caller, Mode::Sure)
                && CLASSES.iter().any(|class| {
                    statement.ops.meets(Ops::of_class(*class))
                        && statement.met(caller, *class, self.context, None) != Met::No
                })
        };
        let tests = statement.condition.tests();
        OfStatement {
            context: self.context,
            effect: statement.effect,
            ops: statement.ops,
            lets_strangers_in: reaches(&self.stranger),
            asks_for_foreign: tests.iter().any(|test| {
                let names_somebody = !matches!(
                    test.subject,
                    Subject::Chosen(_) | Subject::Unknown | Subject::Tls | Subject::Time
                );
                names_somebody
                    && test
                        .values
                        .iter()
                        .any(|value| !is_ours(value, self.context))
            }),
            is_for_the_account: self.of_account.iter().any(reaches),
        }
    }
}

impl OfStatement<'_> {
    /// For a principal, by its key: that the statement came, and that it went.
    pub(super) fn of(&self, principal: &str, everybody: bool) -> [Danger; 2] {
        let crucial = [Question::Change, Question::Cancel]
            .iter()
            .chain(&Question::USES)
            .any(|question| self.ops.meets(question.ops()));
        let controls = [Question::Change, Question::Grant]
            .iter()
            .any(|question| self.ops.meets(question.ops()));
        let lets_in = match everybody {
            true if self.lets_strangers_in => Danger::Public,
            true if self.asks_for_foreign => Danger::Foreign,
            false if self.is_foreign(principal) => Danger::Foreign,
            _ if controls => Danger::Control,
            _ => Danger::Other,
        };
        let of_account =
            self.is_for_the_account && (everybody || principal == self.context.account);
        let shuts_out = match crucial {
            true if of_account => Danger::ShutsOut,
            true => Danger::Control,
            false => Danger::Other,
        };
        match self.effect {
            Effect::Allow => [lets_in, shuts_out],
            Effect::Deny => [shuts_out, lets_in],
        }
    }

    fn is_foreign(&self, principal: &str) -> bool {
        let account = match is_account(principal) {
            true => Some(principal),
            false => principal.split(':').nth(4).filter(|part| is_account(part)),
        };
        match account {
            Some(account) => self.context.is_foreign(account),
            None => is_unique_id(principal) || principal.starts_with("other "),
        }
    }
}
