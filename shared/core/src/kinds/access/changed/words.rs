//! What is told of a policy that was set.

use super::{KeyPolicyChanged, Now, is_pending};
use crate::kinds::access::{PUT_BACK, SEE_POLICY};
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::Tell;
use crate::kinds::words::{CONFIRM, described, list, root, who};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// Most changes that are told in words on each side; the details have more.
const TOLD: usize = 4;

impl Tell for KeyPolicyChanged {
    fn severity(&self, case: &Case<'_>) -> Severity {
        if self.is_public()
            || self.is_lockout()
            || self.is_unusable()
            || self.is_seized()
            || self.traps(case)
        {
            Severity::Critical
        } else if self.unreadable.is_some()
            || self.gains()
            // Judged by itself: that it is the same as before is known from the ledger alone, where another may have put it.
            || self.unchanged && !self.foreign_accounts.is_empty()
            || self.lost_delegation
            || self.shuts_the_account_out && !self.unchanged
            || self.nobody_can_cancel && self.fewer_can_cancel
            || self.bypassed_lockout_check
            || is_pending(case) && !self.unchanged
        {
            Severity::High
        } else if self.unchanged {
            Severity::Info
        } else {
            Severity::Medium
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        if let Some(what) = self.worst(case) {
            text![name, what]
        } else if self.unreadable.is_some() {
            text![name, " has a new key policy that could not be read"]
        } else if self.gains() {
            let plural = if self.gained_accounts.len() > 1 {
                "s "
            } else {
                " "
            };
            match self.gained_accounts.is_empty() {
                false => text![
                    name,
                    " has a new key policy that lets in foreign account",
                    plural,
                    list(&self.gained_accounts, 2)
                ],
                true => text![
                    name,
                    " has a new key policy that lets in ",
                    list(&self.gained_others, 2)
                ],
            }
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
        } else if self.unchanged {
            text![name, " had its key policy put again, unchanged"]
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
        // Nothing to put back.
        if self.severity(case) == Severity::Info {
            return Vec::new();
        }
        let mut steps = Vec::new();
        if self.is_lockout() {
            steps.push(undo(
                text![
                    "Open a case with AWS Support: nobody of the account can put the policy back"
                ],
                None,
            ));
        }
        let put_back = case.kms_command("put-key-policy", PUT_BACK);
        if let Some(fetch) = &self.fetch {
            steps.push(look(
                text![
                    CONFIRM,
                    "fetch the policy before from the ledger, and read it"
                ],
                Some(fetch.clone()),
            ));
            if !self.is_lockout() {
                steps.push(undo(text!["Put it back"], put_back));
            }
            steps.push(look(
                text!["See the policy as it is now"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ));
        } else {
            steps.push(look(
                text!["See the policy as it is now"],
                case.kms_command("get-key-policy", SEE_POLICY),
            ));
            if !self.is_lockout() && self.compared_with.is_none() {
                steps.push(look(
                    text![
                        CONFIRM,
                        "write the policy that is meant into key-policy.json, and put it"
                    ],
                    put_back,
                ));
            }
        }
        if self.is_public() || self.gains() {
            steps.push(look(
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

    /// What of it is as bad as can be, to follow the key's name.
    fn worst(&self, case: &Case<'_>) -> Option<&'static str> {
        let all = [
            (
                self.is_public(),
                " is open to every AWS account: its key policy is public",
            ),
            (
                self.is_lockout(),
                " has a key policy that nobody can change any more",
            ),
            (
                self.traps(case),
                " is being deleted, and its new key policy takes away who could cancel that",
            ),
            (
                self.is_seized(),
                " has a key policy that shuts out everybody but a few",
            ),
            (
                self.is_unusable(),
                " has a key policy under which nobody can use it any more",
            ),
        ];
        all.into_iter().find_map(|(is, what)| is.then_some(what))
    }

    /// Who is shut out, and who is left.
    fn losses(&self, case: &Case<'_>) -> Text {
        let mut text = Text::new();
        if self.is_seized() && !self.is_lockout() {
            text.sentence(text![
                "Everybody else of the account is shut out, its root user and administrators included: only ",
                list(&self.left_in_control, 6),
                " can be sure to change the policy."
            ]);
        } else if self.shuts_the_account_out && !self.is_lockout() && !self.is_unusable() {
            text.sentence(
                "A deny shuts out everybody of the account but those it names, its root user included.",
            );
        }
        if self.is_unusable() {
            text.sentence(
                "Nobody can be sure to use the key any more: what depends on it fails as soon as it asks for the key.",
            );
        }
        if self.traps(case) {
            text.sentence(
                "The key is pending deletion, and fewer can cancel that than before: cancel it now, while somebody can.",
            );
        } else if is_pending(case) && !self.unchanged {
            text.sentence("The key is pending deletion, and its policy says who can cancel that.");
        }
        text
    }

    fn verdicts(&self, case: &Case<'_>) -> Text {
        let mut text = Text::new();
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
        text.sentence(self.losses(case));
        text.sentence(self.gained());
        if self.lost_delegation && !self.is_seized() {
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

    fn gained(&self) -> Text {
        let mut text = Text::new();
        let accounts = list(&self.gained_accounts, 6);
        match (self.compared_with, self.gained_accounts.len()) {
            (_, 0) => {}
            (Some(_), 1) => {
                text.sentence(text!["The foreign account ", accounts, " gains access."])
            }
            (Some(_), _) => {
                text.sentence(text!["The foreign accounts ", accounts, " gain access."])
            }
            (None, 1) => text.sentence(text!["The foreign account ", accounts, " has access."]),
            (None, _) => text.sentence(text!["The foreign accounts ", accounts, " have access."]),
        }
        if !self.gained_others.is_empty() {
            text.sentence(text![
                "Access for whoever is of, from or through ",
                list(&self.gained_others, 6),
                ": not known to be yours."
            ]);
        }
        text
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
