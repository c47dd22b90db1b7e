//! What is told of a policy that was set.

use super::{KeyPolicyChanged, Now};
use crate::kinds::access::{PUT_BACK, SEE_POLICY};
use crate::kinds::case::{Case, step};
use crate::kinds::describe::Tell;
use crate::kinds::words::{CONFIRM, described, list, root, who};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// Most changes that are told in words on each side; the details have more.
const TOLD: usize = 4;

impl Tell for KeyPolicyChanged {
    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.is_public() || self.is_lockout() {
            Severity::Critical
        } else if self.unchanged && !self.bypassed_lockout_check {
            Severity::Info
        } else if self.fewer_can_cancel == Some(true) {
            Severity::Critical
        } else if self.pending_deletion
            || self.unreadable.is_some()
            || !self.gained_accounts.is_empty()
            || self.lost_delegation
            || self.bypassed_lockout_check
        {
            Severity::High
        } else {
            Severity::Medium
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        if self.is_public() {
            text![
                name,
                " is open to every AWS account: its key policy is public"
            ]
        } else if self.is_lockout() {
            text![name, " has a key policy that nobody can change any more"]
        } else if self.unchanged {
            text![name, " was given the key policy that it had"]
        } else if self.pending_deletion {
            let fewer = if self.fewer_can_cancel == Some(true) {
                ", and fewer can cancel that"
            } else {
                ""
            };
            text![
                name,
                " has a new key policy while its deletion is pending",
                fewer
            ]
        } else if self.unreadable.is_some() {
            text![name, " has a new key policy that could not be read"]
        } else if !self.gained_accounts.is_empty() {
            let plural = if self.gained_accounts.len() > 1 {
                "s "
            } else {
                " "
            };
            let accounts = list(&self.gained_accounts, 2);
            text![
                name,
                " has a new key policy that lets in foreign account",
                plural,
                accounts
            ]
        } else if self.lost_delegation {
            text![
                name,
                " has a new key policy: IAM policies no longer give access"
            ]
        } else if self.bypassed_lockout_check {
            text![
                name,
                " has a new key policy, put without the lock-out check"
            ]
        } else {
            text![name, " has a new key policy"]
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " set the key policy of ",
            case.name(),
            described(case),
            "."
        ];
        if case.gone {
            text.sentence("KMS does not know the key any more.");
        }
        text.sentence(self.verdicts(case));
        text.sentence(match self.now {
            Some(Now::Before) => text![
                "But KMS now answers with the policy before: it was put back since, or this answer is older than the \
                 event (KMS may lag for some seconds)."
            ],
            Some(Now::Another) => text![
                "But KMS now has yet another policy: it was changed again since, or this answer is older than the \
                 event (KMS may lag for some seconds)."
            ],
            None => Text::new(),
        });
        text.sentence(self.comparison());
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.unchanged && self.severity(case) == Severity::Info {
            return steps;
        }
        if self.pending_deletion && !self.unchanged {
            steps.push(step(
                text!["Cancel the deletion while somebody can, unless the key is meant to go"],
                case.kms_command("cancel-key-deletion", ""),
            ));
        }
        if self.is_lockout() {
            steps.push(step(
                text![
                    "Open a case with AWS Support: nobody of the account can put the policy back"
                ],
                None,
            ));
        }
        let put_back = case.kms_command("put-key-policy", PUT_BACK);
        if let Some(fetch) = &self.fetch {
            steps.push(step(
                text![
                    CONFIRM,
                    "fetch the policy before from the ledger, and read it"
                ],
                Some(fetch.clone()),
            ));
            if !self.is_lockout() {
                steps.push(step(text!["Put it back"], put_back));
            }
            steps.push(step(
                text!["See the policy as it is now"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ));
        } else {
            steps.push(step(
                text!["See the policy as it is now"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ));
            if !self.is_lockout() && self.compared_with.is_none() {
                steps.push(step(
                    text![
                        CONFIRM,
                        "write the policy that is meant into key-policy.json, and put it"
                    ],
                    put_back,
                ));
            }
        }
        if self.is_public() || !self.gained_accounts.is_empty() {
            steps.push(step(
                text!["See who has used the key"],
                case.history_command(),
            ));
        }
        steps
    }
}

impl KeyPolicyChanged {
    /// What the policy says, whenever it was set.
    pub(in crate::kinds) fn standing(&self, case: &Case<'_>) -> Text {
        self.verdicts(case)
    }

    /// What becomes of a deletion that is pending.
    fn cancelling(&self) -> &'static str {
        match (self.fewer_can_cancel, self.compared_with) {
            _ if self.unchanged => "",
            (None, _) => "",
            (Some(false), _) => {
                "The key's deletion is pending. Whoever could cancel it by the policy before still can."
            }
            (Some(true), Some(_)) => {
                "The key's deletion is pending, and by the new policy fewer can cancel it than before: that looks as if \
                 somebody wants to make sure that it is deleted."
            }
            (Some(true), None) => {
                "The key's deletion is pending, and the new policy may leave nobody who can cancel it."
            }
        }
    }

    fn verdicts(&self, case: &Case<'_>) -> Text {
        let mut text = Text::new();
        text.sentence(self.cancelling());
        if self.is_public() {
            text.sentence(
                "The policy is PUBLIC: it lets in everybody in every AWS account, without a condition that keeps \
                 anybody out.",
            );
        }
        if self.is_lockout() {
            text.sentence(
                "Nobody of the account may change the policy any more: only AWS Support can make the key manageable \
                 again.",
            );
        }
        if let Some(why) = &self.unreadable {
            text.sentence(text![
                "The policy could not be read, or not all of it (",
                why,
                "), so nothing about it is known to be safe."
            ]);
        }
        text.sentence(self.gains());
        if self.lost_delegation {
            text.sentence(
                "IAM policies of the account no longer give access to the key: whoever the key policy does not name is \
                 locked out, administrators included.",
            );
        } else if self.delegates_to_iam == Some(false) && self.compared_with.is_none() {
            text.sentence("IAM policies of the account give no access to the key.");
        }
        if self.bypassed_lockout_check {
            text.sentence(
                "The call told KMS to skip its check that somebody can still change the policy \
                 (BypassPolicyLockoutSafetyCheck).",
            );
        }
        if !self.open_via.is_empty() {
            text.sentence(text![
                "Everybody in every AWS account may use the key through ",
                list(&self.open_via, 6),
                "."
            ]);
        }
        if !self.open_services.is_empty() {
            text.sentence(text![
                "Let in for whatever account or resource, without a condition on the source: ",
                list(&self.open_services, 6),
                "."
            ]);
        }
        text.sentence(root(case));
        text
    }

    fn gains(&self) -> Text {
        if self.gained_accounts.is_empty() {
            return Text::new();
        }
        let accounts = list(&self.gained_accounts, 6);
        let plural = self.gained_accounts.len() > 1;
        match (self.compared_with, plural) {
            (Some(_), false) => text!["The foreign account ", accounts, " gains access."],
            (Some(_), true) => text!["The foreign accounts ", accounts, " gain access."],
            (None, false) => text!["The foreign account ", accounts, " has access."],
            (None, true) => text!["The foreign accounts ", accounts, " have access."],
        }
    }

    fn comparison(&self) -> Text {
        let mut text = Text::new();
        let nothing = self.added.is_empty() && self.removed.is_empty() && !self.bounded;
        match (self.compared_with, self.later) {
            _ if self.unreadable.is_some() && self.added.is_empty() && self.removed.is_empty() => {}
            (Some(at), _) if nothing => {
                return text![
                    "It allows and denies the same as the policy before, which is known since ",
                    at,
                    "."
                ];
            }
            (Some(at), _) => text.sentence(text![
                "Against the policy before, which is known since ",
                at,
                ":"
            ]),
            (None, Some(later)) => text.sentence(text![
                "This was told late: a policy of ",
                later,
                " is known already, so what this one changed cannot be said. It gave all this:"
            ]),
            (None, None) => text.sentence(
                "The policy before is not known, so what changed cannot be said. The new one gives all this:",
            ),
        }
        for change in self.added.iter().take(TOLD) {
            let verb = match (change.is_allow(), self.compared_with) {
                (true, Some(_)) => " may now ",
                (true, None) => " may ",
                (false, Some(_)) => " is now denied ",
                (false, None) => " is denied ",
            };
            text.sentence(change.words(verb));
        }
        for change in self.removed.iter().take(TOLD) {
            let verb = if change.is_allow() {
                " may no longer "
            } else {
                " is no longer denied "
            };
            text.sentence(change.words(verb));
        }
        let more = self.added.len().saturating_sub(TOLD) + self.removed.len().saturating_sub(TOLD);
        if self.bounded {
            text.sentence("There are more changes than could be listed: read the whole policy.");
        } else if more > 0 {
            text.sentence(text!["Changes not told here: ", more, "."]);
        }
        text
    }
}
