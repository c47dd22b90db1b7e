//! The stage: an embedded AWS, the functions on it, and what their topics receive.

use std::cell::RefCell;
use std::rc::Rc;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::{Builder, Credentials};
use jiff::Timestamp;
use serde_json::Value;
use watch_aws::{DynamoDbAdapter, KmsAdapter, SnsAdapter, sdk};
use watch_core::config::Config;
use watch_core::decision::Decide;
use watch_core::pipeline::{HandleError, Outcome, Verdict, Watch};
use watch_core::ports::Clock;
use watch_local::{Caller, LocalAws, Options, Published};
use watch_template::{Router, Stack, Template};

use crate::error::DemoError;

/// Every function with its decisions.
const FUNCTIONS: [(&str, Decide); 3] = [
    ("key-deletion", key_deletion::decide),
    ("key-rotation", key_rotation::decide),
    ("material-expiration", material_expiration::decide),
];

/// The ledger's table.
const LEDGER: &str = "kms-watch-ledger";

/// The variable that holds each audience's topic.
const TOPICS: [(&str, &str); 3] = [
    ("ALERT_TOPIC_ARN", "people"),
    ("CHAT_TOPIC_ARN", "chat"),
    ("FEED_TOPIC_ARN", "feed"),
];

/// An embedded AWS with the functions on it.
pub(crate) struct Stage {
    pub(crate) aws: Rc<LocalAws>,
    pub(crate) kms: Client,
    functions: Vec<Watch<KmsAdapter, SnsAdapter, DynamoDbAdapter, StageClock>>,
    router: RefCell<Router>,
}

/// What one function made of one event.
pub(crate) struct Telling {
    pub(crate) function: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) people: Vec<Published>,
    pub(crate) chat: Vec<Published>,
    pub(crate) feed: Vec<Published>,
}

/// What became of an event.
pub(crate) enum Attempt {
    /// Functions had a use for it.
    Told(Vec<Telling>),
    /// None had, and why the last one had not.
    Ignored(String),
    /// An alert could not be published.
    Failed(HandleError),
}

/// The embedded AWS's time.
struct StageClock(Rc<LocalAws>);

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
        let config = Config::from_lookup(
            |name| {
                TOPICS
                    .iter()
                    .find(|(variable, _)| *variable == name)
                    .map(|(_, topic)| aws.create_topic(topic))
                    .or_else(|| (name == "LEDGER_TABLE").then(|| LEDGER.to_owned()))
            },
            &[],
        )?;
        let functions = FUNCTIONS.map(|(function, decide)| Watch {
            function,
            config: config.clone(),
            decide,
            kms: KmsAdapter::new(&sdk),
            topics: SnsAdapter::new(&sdk),
            ledger: Some(DynamoDbAdapter::new(&sdk, LEDGER)),
            clock: StageClock(Rc::clone(&aws)),
        });
        Ok(Self {
            kms: Client::from_conf(Builder::from(&sdk).credentials_provider(maria).build()),
            functions: functions.into(),
            router: RefCell::new(Router::new(&Template::read(), &Stack::default())),
            aws,
        })
    }

    /// Gives the event to the functions that the rules of `template.yaml` lead it to.
    pub(crate) async fn route(&self, event: &Value) -> Result<Attempt, DemoError> {
        let functions = self.router.borrow_mut().functions(&event.to_string());
        self.handle(event, |function| functions.contains(function))
            .await
    }

    /// Gives an event, which may be wrapped as no rule matches it, to every function.
    pub(crate) async fn handle_anyhow(&self, event: &Value) -> Result<Attempt, DemoError> {
        self.handle(event, |_| true).await
    }

    /// Those functions that have no use for it are left out.
    async fn handle(
        &self,
        event: &Value,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Attempt, DemoError> {
        let mut tellings = Vec::new();
        let mut reason = String::new();
        for function in self
            .functions
            .iter()
            .filter(|function| wanted(function.function))
        {
            let outcome = match function.handle(event, "demo").await {
                Ok(outcome) => outcome,
                Err(error) => return Ok(Attempt::Failed(error)),
            };
            if outcome.verdict == Verdict::Ignored {
                reason = outcome.reason.unwrap_or_default();
                continue;
            }
            let unreadable = outcome
                .alerts
                .iter()
                .all(|alert| alert.kind == "UnreadableEvent");
            let [people, chat, feed] =
                TOPICS.map(|(_, topic)| self.aws.take_published(&self.aws.create_topic(topic)));
            tellings.push(Telling {
                function: function.function,
                outcome,
                people,
                chat,
                feed,
            });
            if unreadable {
                // Each function would say the same.
                break;
            }
        }
        Ok(if tellings.is_empty() {
            Attempt::Ignored(reason)
        } else {
            Attempt::Told(tellings)
        })
    }
}
