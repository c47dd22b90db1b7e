//! What is remembered of an alarm that was told of.

use super::draft::Frame;
use super::named::find_raised;
use super::story::condition_beside;
use crate::kinds::Kind;
use crate::ledger::{Item, Raised};

/// What there is to remember of an alarm that was told of, by the alert `id`.
pub(super) fn note_alarm(
    kind: &Kind,
    id: &str,
    frame: &Frame,
    items: &[Item],
    quiet: bool,
) -> Vec<Item> {
    let (Some(key), Some(alarm)) = (&frame.alarm, kind.alarm()) else {
        return Vec::new();
    };
    let raised = match (kind, find_raised(items, frame)) {
        // A late telling hides no later one.
        (_, Some(known)) if alarm.is_raised() && known.at >= frame.at => return Vec::new(),
        (kind, _) if alarm.is_raised() => Raised {
            at: frame.at,
            alert_id: id.to_owned(),
            quiet,
            deadline: match kind {
                Kind::KeyMaterialExpiring(expiring) => expiring.expires_at,
                _ => None,
            },
            condition: condition_beside(&kind.story()),
            ended_at: None,
        },
        (Kind::AlarmRecovered(end), Some(known)) if end.resolved => Raised {
            ended_at: Some(frame.at),
            ..known
        },
        _ => return Vec::new(),
    };
    vec![raised.item(key, frame.now)]
}
