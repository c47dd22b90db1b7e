//! The parts of the watch itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::answers::{
    AlarmData, FunctionData, MuteRule, Rule, ScheduleData, Subscription, Target, TrailData,
};
use crate::arn::TopicArn;
use crate::ports::{CallError, Parts, Workers};

/// What is there of the watch.
#[derive(Clone, Debug, Default)]
pub struct There {
    /// Rules, and where they lead.
    pub rules: Vec<(Rule, Vec<Target>)>,
    /// Functions by name.
    pub functions: BTreeMap<String, FunctionData>,
    /// Schedules by name.
    pub schedules: BTreeMap<String, ScheduleData>,
    /// Alarms.
    pub alarms: Vec<AlarmData>,
    /// Rules that mute alarms.
    pub mutes: Vec<MuteRule>,
    /// Trails.
    pub trails: Vec<TrailData>,
    /// Attributes of queues by URL.
    pub queues: BTreeMap<String, BTreeMap<String, String>>,
    /// Calls that fail, by the name of the method.
    pub failing: BTreeMap<&'static str, CallError>,
    /// Calls, by the name of the method.
    pub calls: BTreeMap<&'static str, usize>,
}

/// What is there of the watch. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct FakeParts {
    /// Subscriptions by the end of the topic's name.
    pub subscriptions: Rc<RefCell<BTreeMap<&'static str, Vec<Subscription>>>>,
    /// What every call answers instead.
    pub broken: Rc<RefCell<Option<CallError>>>,
    /// The other parts.
    pub there: Rc<RefCell<There>>,
}

impl FakeParts {
    fn ask<T>(
        &self,
        call: &'static str,
        answer: impl FnOnce(&There) -> Option<T>,
    ) -> Result<T, CallError> {
        let mut there = self.there.borrow_mut();
        *there.calls.entry(call).or_default() += 1;
        if let Some(error) = there.failing.get(call) {
            return Err(error.clone());
        }
        let none = || CallError::new("ResourceNotFoundException", "there is none");
        answer(&there).ok_or_else(none)
    }
}

impl Workers for FakeParts {
    async fn function(&self, name: &str) -> Result<FunctionData, CallError> {
        self.ask("function", |there| there.functions.get(name).cloned())
    }
    async fn schedule(&self, name: &str) -> Result<ScheduleData, CallError> {
        self.ask("schedule", |there| there.schedules.get(name).cloned())
    }
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
    async fn rules(&self, prefix: &str) -> Result<Vec<Rule>, CallError> {
        self.ask("rules", |there| {
            let rules = there.rules.iter().map(|(rule, _)| rule.clone());
            Some(rules.filter(|rule| rule.name.starts_with(prefix)).collect())
        })
    }
    async fn targets(&self, rule: &str) -> Result<Vec<Target>, CallError> {
        self.ask("targets", |there| {
            let mut rules = there.rules.iter();
            let found = rules.find(|(known, _)| known.name == rule)?;
            Some(found.1.clone())
        })
    }
    async fn alarms(&self, prefix: &str) -> Result<Vec<AlarmData>, CallError> {
        self.ask("alarms", |there| {
            let alarms = there.alarms.iter();
            let of_prefix = alarms.filter(|alarm| alarm.name.starts_with(prefix));
            Some(of_prefix.cloned().collect())
        })
    }
    async fn mute_rules(&self) -> Result<Vec<MuteRule>, CallError> {
        self.ask("mute_rules", |there| Some(there.mutes.clone()))
    }
    async fn trails(&self) -> Result<Vec<TrailData>, CallError> {
        self.ask("trails", |there| Some(there.trails.clone()))
    }
    async fn queue(&self, url: &str) -> Result<BTreeMap<String, String>, CallError> {
        self.ask("queue", |there| there.queues.get(url).cloned())
    }
}
