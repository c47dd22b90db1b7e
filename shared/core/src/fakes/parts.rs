//! The parts of the watch itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::answers::Subscription;
use crate::arn::TopicArn;
use crate::ports::{CallError, Parts};

/// What is there of the watch. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct FakeParts {
    /// Subscriptions by the end of the topic's name.
    pub subscriptions: Rc<RefCell<BTreeMap<&'static str, Vec<Subscription>>>>,
    /// What every call answers instead.
    pub broken: Rc<RefCell<Option<CallError>>>,
}

impl Parts for FakeParts {
    async fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Subscription>, CallError> {
        if let Some(error) = &*self.broken.borrow() {
            return Err(error.clone());
        }
        let all = self.subscriptions.borrow();
        let of_topic = all.iter().find(|(name, _)| topic.as_str().ends_with(*name));
        Ok(of_topic.map(|(_, some)| some.clone()).unwrap_or_default())
    }
}
