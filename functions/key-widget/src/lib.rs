//! What is there to see? A custom widget of CloudWatch dashboards.
//!
//! * Trigger: the console, with the credentials of whoever looks at the dashboard, whenever the widget is drawn or clicked.
//! * Effect: none. It reads the ledger, never KMS, and answers with HTML; no button changes anything.
//! * IAM: `dynamodb:BatchGetItem` and `dynamodb:Query` on the ledger.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ask`] | what is asked for: parameters of any shape become a view, or words that say what is wrong |
//! | [`library`] | what the ledger has for it: the list of the keys, kept while it does not change; a key; the watch |
//! | [`view`] | the views, as HTML |
//! | [`html`] | what all views are made of: page, table, button |
//! | [`guide`] | the widget's documentation, for the console |

pub mod ask;
pub mod guide;
pub mod html;
pub mod library;
pub mod view;

use std::time::Duration;

use aws_config::SdkConfig;
use serde_json::Value;
use watch_aws::start::{Failure, Handler, Invocation};
use watch_aws::{DynamoDbAdapter, SystemClock};
use watch_core::config::Config;
use watch_core::ports::{Clock, Ledger, Past};

use crate::ask::{Ask, Refusal, View};
use crate::html::Page;
use crate::library::{Library, Trouble};
use crate::view::Scene;

/// The function's name.
pub const NAME: &str = "key-widget";

/// Longest time that somebody waits for a view. The function's own limit is longer.
const PATIENCE: Duration = Duration::from_secs(8);

/// The widget, with the world through its ports.
#[expect(
    missing_debug_implementations,
    reason = "what stands behind a port need not have one"
)]
pub struct Widget<L, C> {
    /// What the ledger has.
    pub library: Library<L>,
    /// The time of day.
    pub clock: C,
    /// The settings that all functions have. Account, Region and owner tag are of interest here.
    pub config: Config,
}

/// The widget on the services of AWS.
pub fn on_aws(config: Config, sdk: &SdkConfig) -> Widget<DynamoDbAdapter, SystemClock> {
    let table = config.ledger_table.as_deref();
    Widget {
        library: Library::new(table.map(|table| DynamoDbAdapter::patient(sdk, table))),
        clock: SystemClock,
        config,
    }
}

impl<L: Ledger + Past, C: Clock> Widget<L, C> {
    /// What the console shows: HTML, or documentation in Markdown. There is always an answer.
    pub async fn answer(&self, payload: &Value, function_arn: &str) -> String {
        if payload["describe"] == true {
            return guide::text();
        }
        let mut page = Page::of(payload, function_arn);
        let now = self.clock.now();
        match Ask::read(payload, &self.config.alert_topic) {
            Err(refusal) => refused(&mut page, &refusal),
            Ok(ask) => {
                let scene = Scene {
                    ask: &ask,
                    now,
                    config: &self.config,
                };
                let drawn = self.draw(&mut page, &scene);
                // Boxed: it holds every call of the SDK.
                if tokio::time::timeout(PATIENCE, Box::pin(drawn))
                    .await
                    .is_err()
                {
                    page = Page::of(payload, function_arn);
                    view::unread(&mut page, &Trouble::Slow);
                }
            }
        }
        page.finish()
    }

    async fn draw(&self, page: &mut Page, scene: &Scene<'_>) {
        let home = &self.config.alert_topic;
        match &scene.ask.view {
            View::Due | View::Keys | View::Changes => {
                match self.library.list(home, scene.now).await {
                    Err(trouble) => view::unread(page, &trouble),
                    Ok(list) => match scene.ask.view {
                        View::Due => view::due::draw(page, scene, &list),
                        View::Keys => view::keys::draw(page, scene, &list),
                        _ => view::changes::draw(page, scene, &list),
                    },
                }
            }
            View::Key(None) => view::key::choose(page),
            View::Key(Some(key)) => match self.library.key(key, scene.now).await {
                Err(trouble) => view::unread(page, &trouble),
                Ok(life) => view::key::draw(page, scene, key, &life),
            },
            View::Thread(key) => match &scene.ask.story {
                None => view::thread::choose(page),
                Some(story) => match self.library.thread(home, key.as_ref(), story).await {
                    Err(trouble) => view::unread(page, &trouble),
                    Ok(thread) => view::thread::draw(page, scene, key.as_ref(), story, &thread),
                },
            },
            View::Health => match self.library.watch(home, scene.now).await {
                Err(trouble) => view::unread(page, &trouble),
                Ok(state) => view::health::draw(page, scene, &state),
            },
        }
    }
}

/// What was asked for wrongly, in words.
fn refused(page: &mut Page, refusal: &Refusal) {
    page.title("Not understood");
    page.notice(&refusal.to_string());
    page.text("Views: ");
    page.codes(ask::VIEWS);
    page.text(". The widget's documentation names the parameters of each.");
}

/// There is always an answer.
#[derive(Debug, thiserror::Error)]
pub enum Never {}

impl Failure for Never {
    fn kind(&self) -> &'static str {
        match *self {}
    }
}

impl<L: Ledger + Past, C: Clock> Handler for Widget<L, C> {
    type Outcome = String;
    type Failure = Never;

    async fn handle(&self, payload: &Value, invocation: &Invocation) -> Result<String, Never> {
        Ok(self.answer(payload, &invocation.function_arn).await)
    }
}

#[cfg(test)]
mod tests;
