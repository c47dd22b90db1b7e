//! A policy that replaced none: of a new key, or of a replica.

use crate::kinds::words::list;
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// What is bad about it.
pub(super) struct Fresh<'a> {
    /// `Its`, `The replica's`.
    pub(super) whose: &'static str,
    pub(super) public: Option<bool>,
    pub(super) foreign: &'a [Untrusted],
    /// Others than accounts.
    pub(super) foreign_others: &'a [Untrusted],
    pub(super) lockout: Option<bool>,
    pub(super) bypassed_lockout_check: bool,
    pub(super) unreadable: Option<&'a Untrusted>,
}

impl Fresh<'_> {
    pub(super) fn severity(&self) -> Severity {
        if self.public == Some(true) {
            Severity::Critical
        } else if self.unreadable.is_some()
            || !self.foreign.is_empty()
            || !self.foreign_others.is_empty()
            || self.lockout == Some(true)
            || self.bypassed_lockout_check
        {
            Severity::High
        } else {
            Severity::Info
        }
    }

    /// The worst of it, for the end of a title.
    pub(super) fn title(&self) -> Text {
        if self.public == Some(true) {
            text![", open to every AWS account"]
        } else if self.unreadable.is_some() {
            text![" with a key policy that could not be read"]
        } else if !self.foreign.is_empty() {
            let plural = if self.foreign.len() > 1 { "s " } else { " " };
            text![
                " with a key policy that lets in foreign account",
                plural,
                list(self.foreign, 2)
            ]
        } else if !self.foreign_others.is_empty() {
            text![" with a key policy that lets in strangers"]
        } else if self.lockout == Some(true) {
            text![" with a key policy that nobody can change"]
        } else if self.bypassed_lockout_check {
            text![" without the lock-out check"]
        } else {
            Text::new()
        }
    }

    pub(super) fn words(&self) -> Text {
        let mut text = Text::new();
        if self.public == Some(true) {
            text.sentence(text![
                self.whose,
                " policy is PUBLIC: it lets in everybody in every AWS account, without a condition that keeps anybody \
                 out."
            ]);
        }
        if let Some(why) = self.unreadable {
            text.sentence(text![
                self.whose,
                " policy could not be read, or not all of it (",
                why,
                "), so nothing about it is known to be safe."
            ]);
        }
        if !self.foreign.is_empty() {
            let plural = if self.foreign.len() > 1 { "s " } else { " " };
            text.sentence(text![
                self.whose,
                " policy lets in the foreign account",
                plural,
                list(self.foreign, 6),
                "."
            ]);
        }
        if !self.foreign_others.is_empty() {
            text.sentence(text![
                self.whose,
                " policy lets in ",
                list(self.foreign_others, 6),
                ", whose account is not known to be yours."
            ]);
        }
        if self.lockout == Some(true) {
            text.sentence(
                "Nobody of the account may change its policy: only AWS Support can make it manageable.",
            );
        }
        if self.bypassed_lockout_check {
            text.sentence(
                "The call told KMS to skip its check that somebody can change the policy \
                 (BypassPolicyLockoutSafetyCheck).",
            );
        }
        text
    }
}
