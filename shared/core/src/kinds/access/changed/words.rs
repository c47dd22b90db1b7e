//! What is told of a policy that was set.

use std::borrow::Cow;

use super::verdict::Verdict;
use super::{KeyPolicyChanged, Now, is_pending};
use crate::kinds::access::change::AccessChange;
use crate::kinds::access::exposure::{
    accounts, accounts_within, ask_before_enabling, see_uses, state_if_off, stop_all_use,
};
use crate::kinds::access::{PUT_BACK, SEE_POLICY};
use crate::kinds::case::{Case, contain, fix, look, undo};
use crate::kinds::describe::{Section, Tell};
use crate::kinds::words::{described, list, root, who};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// Most changes that the summary tells, and that the table does. The details have more.
const TOLD: usize = 2;
const LISTED: usize = 8;

impl Tell for KeyPolicyChanged {
    fn severity(&self, case: &Case<'_>) -> Severity {
        self.verdict(case).severity()
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(self.reason_of(self.verdict(case)))
    }

    fn title(&self, case: &Case<'_>) -> Text {
        self.title_of(self.verdict(case), case)
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = self.standing(case);
        // Where nothing is bad, what changed is the impact.
        let is_plain = text.spans().is_empty();
        if is_plain {
            text.sentence(self.told());
        }
        text.sentence(state_if_off(case));
        text.sentence(match self.now {
            Some(Now::Before) => text![
                "But KMS now answers with the earlier policy: somebody restored it, or the answer is older than the event."
            ],
            Some(Now::Another) if self.open_again && self.is_lockout() => text![
                "But KMS now answers with another policy, which the account can change."
            ],
            Some(Now::Another) => text![
                "But KMS now answers with yet another policy: somebody changed it again, or the answer is older than the \
                 event."
            ],
            None => Text::new(),
        });
        text.sentence(text![
            who(case),
            " set the key policy of ",
            case.name(),
            described(case),
            "."
        ]);
        text.sentence(self.comparison());
        if !is_plain {
            text.sentence(self.told());
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let verdict = self.verdict(case);
        // Nothing to put back.
        if verdict == Verdict::Unchanged {
            return Vec::new();
        }
        let mut steps: Vec<_> = self.containing(verdict, case).into_iter().collect();
        let is_contained = !steps.is_empty() && verdict.is_exposure();
        if self.is_locked_now() {
            steps.push(fix(
                text!["Open a case with AWS Support: nobody in the account can restore the policy"],
                None,
            ));
        }
        steps.extend(self.putting_back(case));
        if verdict.is_exposure() {
            steps.push(see_uses(case));
        }
        if is_contained {
            steps.push(ask_before_enabling(case, &self.question(verdict)));
        }
        steps
    }

    fn sections(&self) -> Vec<Section> {
        let [added, removed] = self.told_of();
        let added = self.added.iter().skip(added).map(|change| (change, false));
        let removed = self
            .removed
            .iter()
            .skip(removed)
            .map(|change| (change, true));
        let all: Vec<_> = added.chain(removed).collect();
        let mut rows: Vec<(Cow<'static, str>, Text)> = Vec::new();
        for (change, is_removed) in all.iter().take(LISTED) {
            rows.push(("".into(), change.words(self.verb(change, *is_removed))));
        }
        let more = all.len().saturating_sub(LISTED);
        if self.bounded {
            let more = "There are more changes than KMS Watch can list: read the whole policy.";
            rows.push(("".into(), text![more]));
        } else if more > 0 {
            rows.push(("".into(), text!["And ", more, " more."]));
        }
        let section = Section {
            heading: if self.compared_with.is_some() {
                "More changes"
            } else {
                "More of the policy"
            },
            rows,
        };
        Some(section)
            .filter(|section| !section.rows.is_empty())
            .into_iter()
            .collect()
    }
}

impl KeyPolicyChanged {
    /// What the policy says, whenever it was set.
    pub(in crate::kinds) fn standing(&self, case: &Case<'_>) -> Text {
        let mut text = self.losses(case);
        text.sentence(self.gains_in_words(case));
        text.sentence(self.verdicts());
        text
    }

    /// What stops further harm at once.
    fn containing(&self, verdict: Verdict, case: &Case<'_>) -> Option<Step> {
        if self.traps(case) {
            return Some(contain(
                text!["Cancel the deletion while somebody still can. The key stays Disabled"],
                case.kms_command("cancel-key-deletion", ""),
            ));
        }
        stop_all_use(case).filter(|_| verdict.is_exposure())
    }

    fn putting_back(&self, case: &Case<'_>) -> Vec<Step> {
        let put_back = case.kms_command("put-key-policy", PUT_BACK);
        let see = look(
            text!["Read the policy that the key has now"],
            case.kms_command("get-key-policy", SEE_POLICY),
        );
        let by_whom = if self.is_seized() && !self.is_lockout() {
            text![
                ", as ",
                list(&self.left_in_control, 2),
                ": KMS refuses everybody else"
            ]
        } else {
            Text::new()
        };
        match &self.fetch {
            Some(fetch) => {
                let read = look(
                    text!["Save the last known policy as key-policy.json, and read it"],
                    Some(fetch.clone()),
                );
                let undo = undo(text!["Set that policy again", by_whom], put_back);
                let undo = Some(undo).filter(|_| !self.is_locked_now());
                [Some(read), undo, Some(see)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            None if !self.is_locked_now() && self.compared_with.is_none() => {
                let undo = undo(
                    text![
                        "Write the policy that you want into key-policy.json, and set it",
                        by_whom
                    ],
                    put_back,
                );
                vec![see, undo]
            }
            None => vec![see],
        }
    }

    /// What the owner can answer, to follow "ask … why".
    fn question(&self, verdict: Verdict) -> Text {
        match verdict {
            Verdict::Public => text!["the policy must allow every AWS account"],
            Verdict::Others => text![list(&self.gained_others, 2), " must use the key"],
            _ => {
                let ids = if self.gained_accounts.is_empty() {
                    &self.foreign_accounts
                } else {
                    &self.gained_accounts
                };
                text![accounts_within(ids, 2), " need the key"]
            }
        }
    }

    /// Who is shut out, and who is left.
    fn losses(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        let mut text = Text::new();
        if self.is_lockout() && self.open_again {
            text.sentence(text![
                "Under the policy of this event, nobody in the account can change the key policy of ",
                name,
                "."
            ]);
        } else if self.is_lockout() {
            text.sentence(text![
                "Nobody in the account can change the key policy of ",
                name,
                ": only AWS Support can restore that."
            ]);
        } else if self.is_seized() {
            text.sentence(text![
                "Only ",
                list(&self.left_in_control, 6),
                " can be sure to change the key policy of ",
                name,
                "."
            ]);
            text.sentence(
                "The policy denies everybody else in the account, administrators and the root user included.",
            );
        } else if self.shuts_the_account_out && !self.is_unusable() {
            text.sentence(
                "A Deny excludes everybody in the account except those whom it names, the root user included.",
            );
        }
        if self.is_unusable() {
            text.sentence(
                "Nobody is certain to be able to use the key: applications fail at their next request to KMS.",
            );
        }
        if !self.shut_services.is_empty() {
            text.sentence(text![
                "A deny stops decryption through ",
                list(&self.shut_services, 3),
                ": applications cannot read the data that these services hold under the key."
            ]);
        }
        if self.traps(case) {
            text.sentence(if self.nobody_can_cancel {
                "Nobody is certain to be able to cancel the deletion of the key any more."
            } else {
                "Fewer principals can cancel the deletion of the key than before."
            });
        } else if is_pending(case) && !self.unchanged {
            text.sentence("The key policy decides who can cancel the deletion of the key.");
        } else if self.nobody_can_cancel && self.fewer_can_cancel && !self.is_lockout() {
            text.sentence("Nobody would be certain to be able to cancel a deletion of the key.");
        }
        text
    }

    /// Who is let in.
    fn gains_in_words(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        let mut text = Text::new();
        if self.is_public() {
            text.sentence(text![
                "The key policy of ",
                name.clone(),
                " allows every AWS account, and no condition keeps anybody out."
            ]);
        }
        if !self.gained_accounts.is_empty() {
            let verb = match (self.compared_with, self.gained_accounts.len()) {
                (Some(_), _) => " gained access to ",
                (None, 1) => " has access to ",
                (None, _) => " have access to ",
            };
            text.sentence(text![
                accounts(&self.gained_accounts, 6),
                verb,
                name.clone(),
                ", from outside your trusted accounts."
            ]);
        } else if self.unchanged && !self.foreign_accounts.is_empty() {
            text.sentence(text![
                accounts(&self.foreign_accounts, 6),
                " still ",
                if self.foreign_accounts.len() == 1 {
                    "has"
                } else {
                    "have"
                },
                " access to ",
                name.clone(),
                ", from outside your trusted accounts."
            ]);
        }
        if !self.gained_others.is_empty() {
            text.sentence(text![
                "The key policy of ",
                name,
                " allows ",
                list(&self.gained_others, 6),
                ", which KMS Watch does not know as yours."
            ]);
        }
        if !self.open_via.is_empty() {
            text.sentence(text![
                "Every AWS account can use the key through ",
                list(&self.open_via, 6),
                "."
            ]);
        }
        text
    }

    fn verdicts(&self) -> Text {
        let mut text = Text::new();
        if let Some(why) = &self.unreadable {
            text.sentence(text![
                "KMS Watch cannot read all of the policy (",
                why,
                "). Treat the policy as unsafe until you have read it."
            ]);
        }
        if self.lost_delegation && !self.is_seized() {
            text.sentence(
                "IAM policies no longer give access to the key. Whoever the key policy does not name lost access, \
                 administrators included.",
            );
        } else if self.delegates_to_iam == Some(false) && self.compared_with.is_none() {
            text.sentence("IAM policies of the account give no access to the key.");
        }
        if self.bypassed_lockout_check {
            text.sentence(
                "The call told KMS not to check that somebody can still change the policy \
                 (BypassPolicyLockoutSafetyCheck).",
            );
        }
        if !self.open_services.is_empty() {
            text.sentence(text![
                "The policy allows ",
                list(&self.open_services, 6),
                " for any account and resource: no condition limits the source."
            ]);
        }
        text
    }

    fn verb(&self, change: &AccessChange, is_removed: bool) -> &'static str {
        match (change.is_allow(), is_removed, self.compared_with.is_some()) {
            (true, true, _) => " is no longer allowed ",
            (false, true, _) => " is no longer denied ",
            (true, false, true) => " is now allowed ",
            (true, false, false) => " is allowed ",
            (false, false, true) => " is now denied ",
            (false, false, false) => " is denied ",
        }
    }

    /// How many of the changes on each side the summary tells: the most dangerous of both.
    fn told_of(&self) -> [usize; 2] {
        let of_removed = self.removed.len().min(TOLD);
        let of_added = self.added.len().min(TOLD - of_removed.min(1));
        [of_added, of_removed.min(TOLD - of_added)]
    }

    /// The most dangerous changes, and how many more there are.
    fn told(&self) -> Text {
        let [of_added, of_removed] = self.told_of();
        let mut text = Text::new();
        for change in self.added.iter().take(of_added) {
            text.sentence(change.words(self.verb(change, false)));
        }
        for change in self.removed.iter().take(of_removed) {
            text.sentence(change.words(self.verb(change, true)));
        }
        let more = self.added.len() + self.removed.len() - of_added - of_removed;
        if self.bounded {
            text.sentence("There are more changes than KMS Watch can list: read the whole policy.");
        } else if more > 0 {
            text.sentence(text!["And ", more, " more."]);
        }
        text
    }

    /// With what the policy could be compared.
    fn comparison(&self) -> Text {
        let nothing = self.added.is_empty() && self.removed.is_empty() && !self.bounded;
        if self.unreadable.is_some() && nothing {
            return Text::new();
        }
        match (self.compared_with, self.later) {
            (Some(at), _) if nothing => text![
                "The policy allows and denies the same as the policy before, known since ",
                at,
                "."
            ],
            (Some(_), _) => Text::new(),
            (None, Some(later)) => text![
                "This event came late: KMS Watch already knows a policy of ",
                later,
                ", so it cannot say what this one changed."
            ],
            (None, None) => text![
                "KMS Watch knows no earlier policy of the key, so it cannot say what changed."
            ],
        }
    }
}
