//! What a deployed stack would be called.

use std::collections::{BTreeMap, BTreeSet};

/// Names and ARNs that a deployed stack would have: those of the sample events unless others are set.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    pub(crate) references: BTreeMap<String, String>,
    pub(crate) without: BTreeSet<String>,
}

impl Stack {
    /// What `!Ref name` gives.
    #[must_use]
    pub fn with(mut self, name: &str, reference: impl Into<String>) -> Self {
        self.references.insert(name.to_owned(), reference.into());
        self
    }

    /// The stack with this condition false. All others are true.
    #[must_use]
    pub fn without(mut self, condition: &str) -> Self {
        self.without.insert(condition.to_owned());
        self
    }
}
