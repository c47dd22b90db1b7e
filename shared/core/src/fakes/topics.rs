//! Topics that keep what they get.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::ports::{Bus, BusEvent, CallError, Message, Topics};

/// Topics that keep what they get; those that are broken refuse it. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct FakeTopics {
    /// What was sent, in that order.
    pub sent: Rc<RefCell<Vec<Message>>>,
    /// What was put on buses, in that order.
    pub events: Rc<RefCell<Vec<BusEvent>>>,
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

    async fn take(&self, target: &str) -> Result<(), CallError> {
        tokio::time::sleep(self.delay.get()).await;
        let broken = self.broken.borrow();
        if broken.iter().any(|name| target.ends_with(name)) {
            let why = "the topic's key is disabled";
            return Err(CallError::new("KMSDisabledException", why));
        }
        Ok(())
    }
}

impl Bus for FakeTopics {
    async fn put(&self, event: &BusEvent) -> Result<(), CallError> {
        self.take(event.bus.as_str()).await?;
        self.events.borrow_mut().push(event.clone());
        Ok(())
    }
}

impl Topics for FakeTopics {
    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        self.take(message.topic.as_str()).await?;
        self.sent.borrow_mut().push(message.clone());
        Ok(())
    }
}
