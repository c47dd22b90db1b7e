//! Topics that keep what they get.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::ports::{CallError, Message, Topics};

/// Topics that keep what they get; those that are broken refuse it. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct FakeTopics {
    /// What was sent, in that order.
    pub sent: Rc<RefCell<Vec<Message>>>,
    /// What the names of topics end with that refuse every message; an empty text breaks all.
    pub broken: Rc<RefCell<Vec<&'static str>>>,
    /// How long every call takes.
    pub delay: Rc<Cell<Duration>>,
}

impl FakeTopics {
    /// Topics of which those that end with one of `names` are broken.
    pub fn broken(names: &[&'static str]) -> Self {
        let topics = Self::default();
        topics.broken.borrow_mut().extend(names);
        topics
    }

    /// The bodies that the topic got whose name ends with `name`.
    pub fn bodies(&self, name: &str) -> Vec<String> {
        let sent = self.sent.borrow();
        let to = sent
            .iter()
            .filter(|message| message.topic.as_str().ends_with(name));
        to.map(|message| message.body.clone()).collect()
    }

    /// The alerts on the feed.
    pub fn feed(&self) -> Vec<Value> {
        let bodies = self.bodies(":feed").into_iter();
        bodies
            .map(|body| serde_json::from_str(&body).unwrap())
            .collect()
    }
}

impl Topics for FakeTopics {
    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        tokio::time::sleep(self.delay.get()).await;
        let broken = self.broken.borrow();
        let topic = message.topic.as_str();
        if broken.iter().any(|name| topic.ends_with(name)) {
            let why = "the topic's key is disabled";
            return Err(CallError::new("KMSDisabledException", why));
        }
        self.sent.borrow_mut().push(message.clone());
        Ok(())
    }
}
