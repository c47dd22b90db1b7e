//! The stage: an embedded AWS, the functions on it, and what their topics receive.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::rc::Rc;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::{Builder, Credentials};
use jiff::Timestamp;
use key_inventory::{Inventory, inventory};
use serde_json::{Value, json};
use watch_aws::start::{Handler as _, Invocation};
use watch_aws::{DynamoDbAdapter, KmsAdapter, Traces, Ways, sdk};
use watch_core::alert::Alert;
use watch_core::config::SweepConfig;
use watch_core::decision::Decide;
use watch_core::event::{Event, unwrap};
use watch_core::pipeline::{Following, HandleError, Outcome, Watch};
use watch_core::ports::Clock;
use watch_core::text::Untrusted;
use watch_local::{Caller, LocalAws, Options, Published};
use watch_template::{Router, Stack, Template};

use crate::demo::error::DemoError;
use crate::ledger::Ledger;

/// Every function that events invoke, with its decisions. A schedule invokes the one that is left, `key-inventory`.
const FUNCTIONS: [(&str, Decide); 7] = [
    ("alarm-relay", alarm_relay::decide),
    ("key-activity", key_activity::decide),
    ("key-deletion", key_deletion::decide),
    ("key-misuse", key_misuse::decide),
    ("key-rotation", key_rotation::decide),
    ("material-expiration", material_expiration::decide),
    ("watch-guard", watch_guard::decide),
];

/// A sweep keeps to a part of KMS's quotas in real time. Here nobody else needs them, and time is virtual.
const PACE: f64 = 1_000.0;

/// The ledger's table.
const LEDGER: &str = "kms-watch-ledger";

/// The variable that holds each audience's topic.
const TOPICS: [(&str, &str); 3] = [
    ("ALERT_TOPIC_ARN", PEOPLE),
    ("CHAT_TOPIC_ARN", "chat"),
    ("FEED_TOPIC_ARN", "feed"),
];

/// The topic for people.
pub(crate) const PEOPLE: &str = "people";

/// A function on the embedded AWS.
pub(crate) type Function = Following<KmsAdapter, Ways, DynamoDbAdapter, StageClock, Traces>;

/// An embedded AWS with the functions on it.
pub(crate) struct Stage {
    pub(crate) aws: Rc<LocalAws>,
    pub(crate) kms: Client,
    pub(crate) ledger: Ledger,
    functions: Vec<Function>,
    inventory: Inventory<StageClock>,
    router: RefCell<Router>,
    invocations: Cell<u64>,
}

/// What the topics took from one attempt of an invocation.
#[derive(Default)]
pub(crate) struct Posts {
    pub(crate) people: Vec<Published>,
    pub(crate) chat: Vec<Published>,
    pub(crate) feed: Vec<Published>,
}

/// One attempt of an invocation.
pub(crate) struct Attempt {
    pub(crate) result: Result<Outcome, HandleError>,
    pub(crate) posts: Posts,
}

/// A sweep, and what came of it.
pub(crate) struct Swept {
    /// Keys in the account, and of them those that were looked at.
    pub(crate) keys: usize,
    pub(crate) looked_at: u64,
    /// Calls of KMS.
    pub(crate) calls: u64,
    pub(crate) telling: Telling,
}

/// What became of an event in one function.
pub(crate) struct Telling {
    pub(crate) function: &'static str,
    pub(crate) teller: Teller,
    pub(crate) outcome: Outcome,
    /// Of each attempt, the last of which succeeded.
    pub(crate) attempts: Vec<Posts>,
}

/// Who told, and in which event.
pub(crate) struct Teller {
    pub(crate) service: &'static str,
    pub(crate) event: String,
}

/// The embedded AWS's time.
pub(crate) struct StageClock(Rc<LocalAws>);

impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Stage {
    pub(crate) fn new(options: Options) -> Result<Self, DemoError> {
        let aws = Rc::new(LocalAws::start(options)?);
        aws.as_caller(Caller::assumed_role("PowerUser", "maria").from_ip("192.0.2.10"));
        // The functions have a role of their own; everybody else is Maria.
        aws.caller_for(
            sdk::LOCAL_ACCESS_KEY,
            Caller::assumed_role("kms-watch", "functions"),
        );
        let maria = Credentials::new("AKIDMARIA", "local", None, None, "demo");
        let sdk = sdk::local(&aws.endpoint_url(), aws.region());
        aws.create_table(LEDGER);
        let sweep = SweepConfig::from_lookup(
            |name| {
                TOPICS
                    .iter()
                    .find(|(variable, _)| *variable == name)
                    .map(|(_, topic)| aws.create_topic(topic))
                    .or_else(|| (name == "LEDGER_TABLE").then(|| LEDGER.to_owned()))
            },
            &[],
        )?;
        let config = sweep.alerts.clone();
        let functions = FUNCTIONS.map(|(function, decide)| Following {
            watch: Watch {
                function,
                config: config.clone(),
                decide,
                kms: KmsAdapter::new(&sdk),
                topics: Ways::new(&sdk, false),
                ledger: Some(DynamoDbAdapter::new(&sdk, LEDGER)),
                clock: StageClock(Rc::clone(&aws)),
            },
            traces: Traces::new(&sdk),
        });
        Ok(Self {
            kms: Client::from_conf(Builder::from(&sdk).credentials_provider(maria).build()),
            ledger: Ledger::new(&sdk, LEDGER, &config.owner_tag_key),
            functions: functions.into(),
            inventory: inventory(sweep, &sdk, StageClock(Rc::clone(&aws))).with_pace(PACE),
            router: RefCell::new(Router::new(&Template::read(), &Stack::default())),
            invocations: Cell::new(0),
            aws,
        })
    }

    /// The functions that the rules of `template.yaml` lead the event to.
    pub(crate) fn routed(&self, event: &Value) -> Vec<&Function> {
        let names = self.router.borrow_mut().functions(&event.to_string());
        self.functions
            .iter()
            .filter(|function| names.contains(function.watch.function))
            .collect()
    }

    /// Every function: for events that no rule matches as they are, because something wraps them.
    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The id of a new request, which its retries share.
    pub(crate) fn request(&self) -> String {
        self.invocations.set(self.invocations.get() + 1);
        format!("request-{}", self.invocations.get())
    }

    /// Invokes a function with an event.
    pub(crate) async fn invoke(
        &self,
        function: &Function,
        event: &Value,
        request: &str,
    ) -> Attempt {
        let result = function.handle(event, request, None).await;
        Attempt {
            result,
            posts: self.posts(),
        }
    }

    /// Invokes `key-inventory` as its schedules do: for a sweep that is `full` or `light`, now.
    pub(crate) async fn sweep(&self, depth: &str) -> Result<Swept, DemoError> {
        let order = json!({ "sweep": depth, "at": self.aws.now().to_string() });
        let invocation = Invocation {
            request_id: self.request(),
            function_arn: String::new(),
            time_left: None,
        };
        let mut report = self.inventory.handle(&order, &invocation).await?;
        // It tells of different keys at once. A reader wants to know what came first, and what matters most.
        let alerts = &mut report.outcome.alerts;
        alerts.sort_by_key(|alert| (alert.occurred_at, Reverse(alert.severity), alert.kind));
        let summary = report.sweep;
        let summary = summary.ok_or_else(|| DemoError::Aws(format!("{order} is no sweep")))?;
        let depth = summary.depth.as_str();
        Ok(Swept {
            keys: summary.listed,
            looked_at: summary.looked_at,
            calls: summary.calls.values().sum(),
            telling: Telling {
                function: key_inventory::NAME,
                teller: Teller {
                    service: key_inventory::NAME,
                    event: format!("{depth} sweep"),
                },
                outcome: report.outcome,
                attempts: vec![self.posts()],
            },
        })
    }

    /// What the topics took since the last time.
    fn posts(&self) -> Posts {
        let [people, chat, feed] =
            TOPICS.map(|(_, topic)| self.aws.take_published(&self.aws.create_topic(topic)));
        Posts { people, chat, feed }
    }
}

impl Posts {
    /// The topics with their messages.
    fn by_topic(&self) -> [(&'static str, &[Published]); 3] {
        let [(_, people), (_, chat), (_, feed)] = TOPICS;
        [
            (people, self.people.as_slice()),
            (chat, &self.chat),
            (feed, &self.feed),
        ]
    }

    /// How many messages each topic took.
    pub(crate) fn count(&self) -> [(&'static str, usize); 3] {
        self.by_topic()
            .map(|(topic, messages)| (topic, messages.len()))
    }

    /// The topics that took something.
    pub(crate) fn topics(&self) -> Vec<&'static str> {
        let taken = self.by_topic().into_iter();
        taken
            .filter(|(_, messages)| !messages.is_empty())
            .map(|(topic, _)| topic)
            .collect()
    }
}

impl Telling {
    /// The alert as the people, the chat and the feed have it, whichever attempt brought it there.
    pub(crate) fn messages(&self, alert: &Alert) -> [Option<&Published>; 3] {
        let find = |messages: fn(&Posts) -> &Vec<Published>| {
            self.attempts
                .iter()
                .flat_map(messages)
                .find(|message| is_about(message, alert))
        };
        [
            find(|posts| &posts.people),
            find(|posts| &posts.chat),
            find(|posts| &posts.feed),
        ]
    }
}

impl Teller {
    /// Reads an event, wrapped or not; of several, the first.
    pub(crate) fn of(payload: &Value) -> Self {
        let bodies = unwrap(payload).into_iter().flatten();
        let event = bodies.filter_map(|body| Event::read(&body).ok()).next();
        let (service, event) = match event {
            Some(Event::CloudTrail(event) | Event::OtherCall(event)) => ("CloudTrail", event.name),
            Some(event) => ("KMS", event.envelope().detail_type.clone()),
            None => {
                let name = payload["detail-type"].as_str().unwrap_or("?");
                ("somebody", Untrusted::new(name))
            }
        };
        Self {
            service,
            event: event.as_str().to_owned(),
        }
    }
}

fn is_about(message: &Published, alert: &Alert) -> bool {
    let kind = message.attributes.get("kind");
    kind.is_some_and(|kind| kind.value == alert.kind) && message.message.contains(&alert.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_template_is_on_the_stage() {
        let functions = Template::read().functions_always_there().into_iter();
        let mut deployed: Vec<_> = functions.map(|function| function.folder).collect();
        deployed.sort();
        let mut here: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        here.push(key_inventory::NAME);
        // It is asked by people, and takes no events.
        here.push("key-widget");
        here.sort_unstable();
        assert_eq!(here, deployed);
    }
}
