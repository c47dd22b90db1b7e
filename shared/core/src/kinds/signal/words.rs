//! What every alert that an alarm raised says of it.

use super::watched::Signal;
use crate::kinds::case::look;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// Where to look at the alarm itself; there is a link too, but not in every partition.
pub(in crate::kinds) fn look_at_alarm() -> Step {
    look(text!["See the graph of the alarm in CloudWatch"], None)
}

/// How it stands: numbers, and which of several time series.
pub(in crate::kinds) fn measured(text: &mut Text, signal: &Signal) {
    text.sentence(signal.numbers());
    text.sentence(signal.particulars());
}

pub(in crate::kinds) const ITS_OWNERS_WORDS: &str =
    "KMS Watch does not know what this alarm monitors; name and description are its owner's words.";

/// Which alarm it is, and what mutes it.
pub(in crate::kinds) fn alarm_sentences(text: &mut Text, signal: &Signal) {
    let children = &signal.alarm.children;
    if !children.is_empty() {
        text.sentence("Alarms that made this composite alarm change: ");
        for (index, child) in children.iter().take(5).enumerate() {
            if index > 0 {
                text.push(", ");
            }
            text.push(child.shortened(160));
        }
        text.push(".");
    }
    text.sentence(text!["Source: ", signal.alarm.named(), "."]);
    text.sentence(signal.watched());
    text.sentence(signal.alarm.came_to_it());
    text.sentence(signal.alarm.held_back());
}
