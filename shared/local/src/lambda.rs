//! Lambda, as far as somebody else invokes a function: what a function does is a test's business.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::{Value, json};

/// What a function does with an event: its answer, or the type and the message of its error.
pub(crate) type Act = Arc<dyn Fn(Value) -> Result<Value, (String, String)> + Send + Sync>;

/// What functions do, by Region and name.
#[derive(Default)]
pub(crate) struct Lambda(BTreeMap<(String, String), Act>);

/// What became of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Invoked {
    /// It is kept, and done later.
    Accepted,
    Answered(Value),
    Failed(Value),
}

impl Lambda {
    pub(crate) fn put(&mut self, region: &str, name: &str, act: Act) {
        self.0.insert((region.to_owned(), name.to_owned()), act);
    }

    pub(crate) fn get(&self, region: &str, name: &str) -> Option<Act> {
        self.0.get(&(region.to_owned(), name.to_owned())).cloned()
    }
}

/// Runs it here.
pub(crate) fn run(act: &Act, event: Value) -> Invoked {
    match act(event) {
        Ok(answer) => Invoked::Answered(answer),
        Err((kind, message)) => {
            Invoked::Failed(json!({"errorType": kind, "errorMessage": message}))
        }
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
