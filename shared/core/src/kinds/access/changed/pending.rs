//! The policy of a key whose deletion is pending: it decides who can still cancel that (KMS Developer Guide, key states:
//! `PutKeyPolicy` works in every state).

use watch_policy::{Change, Diff, Effect};

use crate::kinds::describe::Found;

const CANCEL: &str = "kms:cancelkeydeletion";

/// The key's deletion is pending, as far as KMS and the ledger know.
pub(super) fn is_pending(found: &Found<'_>) -> bool {
    let metadata = found.profile.metadata.as_ref();
    let scheduled = found.profile.scheduled.as_ref();
    match metadata.and_then(|known| Some((known.value.state.as_ref()?, known.as_of))) {
        Some((state, as_of)) if scheduled.is_none_or(|scheduled| scheduled.at <= as_of) => {
            state.is_pending_deletion()
        }
        _ => scheduled.is_some(),
    }
}

/// By the difference to the policy before, or to none, somebody can no longer cancel the deletion. What the difference
/// leaves out may be just that.
pub(super) fn fewer_can_cancel(diff: &Diff, is_compared: bool) -> bool {
    let takes = |change: &&Change| covers(&change.actions) && !covers(&change.left);
    let denied = diff
        .added
        .iter()
        .any(|change| change.effect == Effect::Deny && covers(&change.actions));
    let taken = diff
        .removed
        .iter()
        .filter(|change| change.effect == Effect::Allow)
        .any(|change| takes(&change));
    // Of a policy that is compared with none, all that it allows is new.
    let nobody = !is_compared
        && !diff
            .added
            .iter()
            .any(|change| change.effect == Effect::Allow && covers(&change.actions));
    let cut = diff.more > 0
        || diff
            .added
            .iter()
            .chain(&diff.removed)
            .any(|change| change.more_actions > 0 && !covers(&change.actions));
    denied || taken || nobody || cut
}

/// The words for actions have the cancelling among them.
fn covers(actions: &[String]) -> bool {
    let mut listed = actions.iter().map(|action| action.to_ascii_lowercase());
    listed.any(|action| match action.strip_prefix("everything but ") {
        Some(others) => !others
            .split([',', ' '])
            .any(|other| matches(other.trim(), CANCEL)),
        None => action == "everything" || matches(&action, CANCEL),
    })
}

/// `*` stands for any characters, `?` for one.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < action.len() {
        match pattern.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(byte) if *byte == b'?' || *byte == action[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => match &mut star {
                Some((back, from)) => {
                    *from += 1;
                    at = (*back + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[at.0..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_actions_are_understood() {
        for (actions, covered) in [
            (&["kms:*"][..], true),
            (&["kms:Decrypt", "kms:CancelKeyDeletion"][..], true),
            (&["kms:Cancel*"][..], true),
            (&["*"][..], true),
            (&["kms:?ancelKeyDeletion"][..], true),
            (&["everything but kms:Decrypt"][..], true),
            (
                &["everything but kms:Decrypt, kms:CancelKeyDeletion"][..],
                false,
            ),
            (&["everything but kms:Cancel*"][..], false),
            (&["kms:Decrypt", "kms:ScheduleKeyDeletion"][..], false),
            (&[][..], false),
        ] {
            let actions: Vec<_> = actions.iter().map(|action| (*action).to_owned()).collect();
            assert_eq!(covers(&actions), covered, "{actions:?}");
        }
    }
}
