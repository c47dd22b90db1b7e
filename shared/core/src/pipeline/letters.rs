//! Seventh stage: what goes to whom.

use std::borrow::Cow;

use super::Watch;
use super::assess::Assessed;
use super::audience::is_for_people;
use super::draft::Frame;
use super::ended::Failure;
use super::known::Learnt;
use crate::alert::Alert;
use crate::arn::{BusArn, TopicArn};
use crate::kinds::Limit;
use crate::ledger::burst;
use crate::ledger::history::Heard;
use crate::ledger::{Claim, Item, ItemKey, Memory, TIME_TO_LIVE};
use crate::ports::{BusEvent, CallError, Clock, Kms, Ledger, Message, Topics};
use crate::render;

use super::burst::{Place, Way};
use super::holding::Holding;
use super::rest::Bursts;
use crate::severity::Severity;

/// A message, and what stands in the claim once it is served.
pub(super) struct Post {
    pub(super) slot: String,
    content: Content,
}

/// What is sent.
enum Content {
    Message(Message),
    Event(BusEvent),
}

/// An alert with its messages, and why there are not more.
pub(super) struct Letters {
    pub(super) alert: Alert,
    pub(super) posts: Vec<Post>,
    /// Alerts about the burst that the alert is one of.
    pub(super) bursts: Vec<Alert>,
    pub(super) reason: Option<Cow<'static, str>>,
    /// The alert counts among those that people want.
    pub(super) for_people: bool,
    /// People want it, and do not get it by itself.
    pub(super) folded: bool,
    /// How people hear of it.
    pub(super) heard: Heard,
    pub(super) frame: Frame,
    pub(super) learnt: Learnt,
    pub(super) claim: Claim,
    pub(super) place: Option<Place>,
    /// What is noted of the burst once it is served.
    pub(super) burst_marks: Vec<(ItemKey, Item)>,
    _made: (),
}

/// How people hear of an alert.
#[derive(Default)]
struct Audience {
    posts: Vec<Post>,
    bursts: Bursts,
    /// How they hear of it, if they do.
    heard: Option<Heard>,
    /// Why they do not hear of it by itself.
    reason: Option<Cow<'static, str>>,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Writes the messages: people and chat hear of an alert by itself, with others, or not at all; the feed of each.
    pub(super) async fn write(
        &self,
        memory: &Memory<'_, L>,
        assessed: Assessed,
    ) -> Result<Letters, Failure> {
        let wanted = is_for_people(&self.config, &assessed.alert, assessed.ends_heard);
        let kind = assessed.alert.kind;
        let (for_people, folded, people) = match assessed.quiet.clone() {
            Some(reason) if wanted => (false, true, Audience::without(reason)),
            _ if wanted => {
                let people = self.to_people(memory, &assessed).await?;
                (true, people.reason.is_some(), people)
            }
            _ => {
                let reason = format!("{kind} is below the severity that people are told of");
                (false, false, Audience::without(reason))
            }
        };
        let mut posts = people.posts;
        if let Some(topic) = &self.config.feed_topic {
            let body = render::feed(&assessed.alert)?;
            posts.push(Post::new(topic, &assessed.alert, None, body));
        }
        if let Some(bus) = &self.config.event_bus {
            posts.push(Post::event(bus, &assessed.alert)?);
        }
        let Assessed {
            alert,
            frame,
            learnt,
            claim,
            place,
            ..
        } = assessed;
        Ok(Letters {
            alert,
            posts,
            bursts: people.bursts.alerts,
            burst_marks: people.bursts.marks,
            heard: match (for_people, folded) {
                (true, false) => Heard::Alone,
                _ => people.heard.unwrap_or(Heard::Nobody),
            },
            reason: people.reason,
            for_people,
            folded,
            frame,
            learnt,
            claim,
            place,
            _made: (),
        })
    }

    /// What people get of an alert that they want.
    async fn to_people(
        &self,
        memory: &Memory<'_, L>,
        assessed: &Assessed,
    ) -> Result<Audience, Failure> {
        let Assessed {
            alert,
            limit,
            place,
            ..
        } = assessed;
        let kind = alert.kind;
        if self.is_known(memory, assessed).await {
            let mut audience = Audience::without(format!("mail told of this series of {kind}"));
            audience.posts = self.posts_for_people(alert, "")?;
            audience.drop_mail(self.config.alert_topic.as_str());
            audience.heard = Some(Heard::Together);
            return Ok(audience);
        }
        match (limit, place) {
            (Limit::Burst, Some(place)) => {
                let (frame, read) = (&assessed.frame, &assessed.learnt.read);
                match self.way(memory, alert, frame, place, read).await {
                    Way::Held(holding) => return self.in_burst(alert, place, holding),
                    Way::Singly { in_burst: true } => {
                        let mut audience = self.singly(memory, assessed).await?;
                        audience.bursts.marks = vec![self.level(place, alert.severity)];
                        return Ok(audience);
                    }
                    Way::Singly { in_burst: false } => {}
                }
            }
            (Limit::Hourly, Some(place)) if place.is_later(&alert.id) => {
                let reason = format!("people were told of {kind} within this hour");
                return Ok(Audience::without(reason));
            }
            _ => {}
        }
        self.singly(memory, assessed).await
    }

    /// What people get of an alert that is in no burst: a mail, now or in the digest of the day. Chat hears of it at once.
    async fn singly(
        &self,
        memory: &Memory<'_, L>,
        assessed: &Assessed,
    ) -> Result<Audience, Failure> {
        let alert = &assessed.alert;
        let mut audience = Audience {
            posts: self.posts_for_people(alert, "")?,
            ..Audience::default()
        };
        if self.waits(assessed) && self.hold_low(memory, alert, &assessed.frame).await {
            audience.drop_mail(self.config.alert_topic.as_str());
            audience.heard = Some(Heard::Digest);
            let reason = format!(
                "{} is LOW, and in the digest of the day for people",
                alert.kind
            );
            audience.reason = Some(reason.into());
        }
        Ok(audience)
    }

    /// What people get of an alert that is held back.
    fn in_burst(
        &self,
        alert: &Alert,
        place: &Place,
        holding: Holding,
    ) -> Result<Audience, Failure> {
        let reason = format!("{} is number {} in a burst", alert.kind, holding.count);
        let level = holding.level;
        let mut bursts = self.bursts(alert, holding);
        if !bursts.alerts.is_empty() {
            bursts.marks.push(self.level(place, level));
        }
        let mut posts = Vec::new();
        for burst in &bursts.alerts {
            posts.extend(self.posts_for_people(burst, &format!("#{}", burst.id))?);
        }
        Ok(Audience {
            posts,
            bursts,
            heard: Some(Heard::Together),
            reason: Some(reason.into()),
        })
    }

    /// How urgent what people know of a burst is.
    fn level(&self, place: &Place, severity: Severity) -> (ItemKey, Item) {
        let ttl = burst::counted_until(self.clock.now());
        let level = Item::from_iter([
            ("severity".to_owned(), severity.as_str().into()),
            (TIME_TO_LIVE.to_owned(), ttl.into()),
        ]);
        (place.window.told(), level)
    }

    /// The messages for people and chat; `mark` tells them apart from others of the same invocation.
    pub(super) fn posts_for_people(&self, alert: &Alert, mark: &str) -> Result<Vec<Post>, Failure> {
        let config = &self.config;
        let subject = Some(render::subject(alert));
        let body = render::people(alert);
        let mut posts = vec![Post::new(&config.alert_topic, alert, subject, body)];
        if let Some(topic) = &config.chat_topic {
            posts.push(Post::new(topic, alert, None, render::chat(alert)?));
        }
        for post in &mut posts {
            post.slot.push_str(mark);
        }
        Ok(posts)
    }
}

impl Audience {
    /// Chat hears of it, and mail does not.
    fn drop_mail(&mut self, people: &str) {
        self.posts.retain(|post| post.target() != people);
    }

    /// Nobody hears of it.
    fn without(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: Some(reason.into()),
            ..Self::default()
        }
    }
}

impl Post {
    fn new(topic: &TopicArn, alert: &Alert, subject: Option<String>, body: String) -> Self {
        Self {
            slot: topic.as_str().to_owned(),
            content: Content::Message(Message {
                topic: topic.clone(),
                subject,
                body,
                attributes: render::attributes(alert),
            }),
        }
    }

    /// The same as on the feed, whatever its severity.
    fn event(bus: &BusArn, alert: &Alert) -> Result<Self, Failure> {
        let key = alert.key.as_ref();
        Ok(Self {
            slot: bus.as_str().to_owned(),
            content: Content::Event(BusEvent {
                bus: bus.clone(),
                detail_type: alert.kind,
                detail: render::feed(alert)?,
                resources: key.map(|key| key.arn.to_string()).into_iter().collect(),
            }),
        })
    }

    /// Where it goes to.
    pub(super) fn target(&self) -> &str {
        match &self.content {
            Content::Message(message) => message.topic.as_str(),
            Content::Event(event) => event.bus.as_str(),
        }
    }

    /// Sends it.
    pub(super) async fn send(&self, ways: &impl Topics) -> Result<(), CallError> {
        match &self.content {
            Content::Message(message) => ways.publish(message).await,
            Content::Event(event) => ways.put(event).await,
        }
    }
}
