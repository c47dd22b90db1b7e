//! Eventual consistency: "a change … might not be immediately visible" (KMS Developer Guide, "AWS KMS eventual
//! consistency"). For some time after a change, reads over HTTP may see what was before it.

use jiff::{SignedDuration, Timestamp};

use crate::{LocalAws, ids::Ids, kms::Kms, world::World};

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
}

impl World {
    /// What everything is now, if somebody may still see it after the change to come.
    pub(crate) fn before_change(&self) -> Option<Kms> {
        self.consistency.is_eventual().then(|| self.kms.clone())
    }

    /// KMS has changed, or is about to.
    pub(crate) fn changed(&mut self, before: Option<Kms>) {
        if let Some(before) = before {
            self.consistency.history.push((self.now, before));
        }
    }

    /// Runs a read, perhaps in the past.
    pub(crate) fn eventually<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let (now, window) = (self.now, self.consistency.window);
        let visible = |at: &Timestamp| now.duration_since(*at) >= window;
        self.consistency.history.retain(|(at, _)| !visible(at));
        let past = !self.consistency.history.is_empty()
            && self.consistency.dice.chance(self.consistency.probability);
        if !past {
            return read(self);
        }
        // The first change that is not visible yet hides all later ones.
        let mut history = std::mem::take(&mut self.consistency.history);
        if let Some((_, before)) = history.first_mut() {
            std::mem::swap(&mut self.kms, before);
        }
        let result = read(self);
        if let Some((_, before)) = history.first_mut() {
            std::mem::swap(&mut self.kms, before);
        }
        self.consistency.history = history;
        result
    }
}

impl LocalAws {
    /// For so long after a change, on the virtual clock, reads over HTTP (`Describe…`, `Get…`, `List…`) answer what was
    /// before it, with this probability. A duration of zero ends it.
    ///
    /// Keys that a test puts in place are there at once, and [`call`](Self::call) always sees the present.
    pub fn eventual_consistency(&self, window: SignedDuration, probability: f64) {
        self.with(|world| {
            world.consistency.window = window;
            world.consistency.probability = probability;
            world.consistency.history.clear();
        });
    }
}
