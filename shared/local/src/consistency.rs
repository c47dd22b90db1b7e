//! Eventual consistency: "a change … might not be immediately visible" (KMS Developer Guide, "AWS KMS eventual
//! consistency"). For some time after a change, reads over HTTP may see what was before it.

use jiff::{SignedDuration, Timestamp};

use crate::{ids::Ids, kms::Kms};

/// The past that some readers still see.
#[derive(Debug)]
pub(crate) struct Consistency {
    window: SignedDuration,
    probability: f64,
    dice: Ids,
    /// When something changed, and what everything was before.
    history: Vec<(Timestamp, Kms)>,
}

impl Consistency {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            window: SignedDuration::ZERO,
            probability: 0.0,
            dice: Ids::new(seed ^ 0x57a1_e000),
            history: Vec::new(),
        }
    }

    fn is_eventual(&self) -> bool {
        self.window.is_positive()
    }

    /// What everything is now, if somebody may still see it after the change to come.
    pub(crate) fn before_change(&self, kms: &Kms) -> Option<Kms> {
        self.is_eventual().then(|| kms.clone())
    }

    /// KMS has changed.
    pub(crate) fn changed(&mut self, before: Option<Kms>, now: Timestamp) {
        if let Some(before) = before {
            self.history.push((now, before));
        }
    }

    /// KMS is about to change.
    pub(crate) fn changes(&mut self, kms: &Kms, now: Timestamp) {
        let before = self.before_change(kms);
        self.changed(before, now);
    }

    /// Runs a read, perhaps in the past.
    pub(crate) fn eventually<T>(
        &mut self,
        kms: &mut Kms,
        now: Timestamp,
        read: impl FnOnce(&mut Kms) -> T,
    ) -> T {
        let visible = |at: &Timestamp| now.duration_since(*at) >= self.window;
        self.history.retain(|(at, _)| !visible(at));
        // The first change that is not visible yet hides all later ones.
        let Some((_, before)) = self.history.first_mut() else {
            return read(kms);
        };
        if !self.dice.chance(self.probability) {
            return read(kms);
        }
        std::mem::swap(kms, before);
        let result = read(kms);
        std::mem::swap(kms, before);
        result
    }

    /// From here on, and nothing of what was before.
    pub(crate) fn set(&mut self, window: SignedDuration, probability: f64) {
        self.window = window;
        self.probability = probability;
        self.history.clear();
    }
}
