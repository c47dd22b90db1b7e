//! KMS Watch itself was changed: by an API call on a part of the stack, or in a way that only the sweep found.

pub mod calls;
mod deployment;
mod tell;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use self::calls::{Call, PARAMETERS, STACKS, TRAILS, Weight};
pub use self::deployment::Deployment;
use super::describe::{Ask, Background, Found, Identify, Identity, Learn};
use crate::arn::Region;
use crate::event::CloudTrailEvent;
use crate::hash::short_hash;
use crate::ledger::repeats::Repeats;
use crate::ledger::{Item, ItemKey};
use crate::stack::Stack;
use crate::subject::Subject;
use crate::text;
use crate::text::{Text, Untrusted};

/// How many names of parts are kept.
const RESOURCES: usize = 10;
/// How many texts of a request are looked at.
const LOOKED_AT: usize = 1_000;

/// KMS Watch itself was changed, or somebody tried.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchChanged {
    /// The operation, without Lambda's version: `DisableRule`; `null` if the sweep found it.
    pub operation: Option<Untrusted>,
    /// The service: `events`; `null` if the sweep found it.
    pub service: Option<Untrusted>,
    /// The parts of the watch that it is about, at most ten; none if the record does not name any.
    pub resources: Vec<Untrusted>,
    /// What follows, as half a sentence.
    pub effect: Text,
    /// Something is not seen or not told any more.
    pub silences: bool,
    /// Why the call failed: the error code; `null` if it did what it was to do.
    pub error_code: Option<Untrusted>,
    /// The service that made the call for somebody was CloudFormation.
    pub by_cloud_formation: bool,
    /// It is a part of a deployment of the stack that is known; `null` if CloudFormation did not do it.
    pub deployment_known: Option<bool>,
    /// How many more like this one were counted since the last alert about them; `null` if nobody counts.
    pub attempts: Option<u64>,
    /// When what the last alert told of happened, `null` if this is the first.
    pub since: Option<Timestamp>,
    /// Which one of its series it is; `null` if nobody counts. A series ends when nothing comes for a day.
    pub total: Option<u64>,
    /// When the first of the series happened; `null` if nobody counts.
    pub first_at: Option<Timestamp>,
    /// It is told because it is this attempt of its series.
    #[serde(skip)]
    pub step: Option<u64>,
    #[serde(skip)]
    about: About,
}

/// What it was that changed.
#[derive(Clone, Debug, Default)]
struct About {
    call: Option<&'static Call>,
    weight: Rated,
    /// Every name in the request; those that are not of the stack go when the stack is known.
    names: Vec<String>,
    named: bool,
    /// The stack's name, if it is known.
    stack: Option<String>,
    principal: String,
    region: Option<Region>,
    /// What the sweep found, and what it would do about it.
    finding: Option<WatchFinding>,
    /// Nothing was ever deployed that the ledger knows.
    first: bool,
}

/// A [`Weight`] that nothing need be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rated {
    #[default]
    Changes,
    Silences,
    Disables,
    Deploys,
    Mutes(i64),
}

/// A part of the watch that is not as it was deployed, as the sweep finds it.
#[derive(Clone, Debug)]
pub struct WatchFinding {
    /// The part: its name or ARN.
    pub resource: Untrusted,
    /// What was looked at, in a word that stays the same: `targets`, `state`, `subscriptions`.
    pub check: &'static str,
    /// What it is now: another value is another finding.
    pub version: String,
    /// What is wrong, as half a sentence: "the rule has no target".
    pub what: Text,
    /// Something is not seen or not told because of it.
    pub silences: bool,
    /// Somebody made a call that did it, of which an event should have told.
    pub by_call: bool,
    /// The command that brings it back or shows how it stands.
    pub restore: Option<String>,
    /// The sweep cannot look at itself: watch-guard found it.
    pub by_guard: bool,
    /// When it was found so first: the same finding at another time is another one.
    pub found_at: Timestamp,
    /// The stack that the part is of, if its name is known.
    pub stack: Option<String>,
    /// Where it is.
    pub region: Option<Region>,
}

impl WatchChanged {
    /// What a call does to the watch, if it is one that can do something. Whether it is about this stack, [`Self::keep`]
    /// tells.
    pub fn of_call(record: &CloudTrailEvent) -> Option<Result<Self, &'static str>> {
        let call = calls::find(record.service.as_str(), record.name.as_str())?;
        let mut weight = call.weight;
        while let Weight::Asks(ask) = weight {
            weight = ask(&record.call);
        }
        let rated = match weight {
            Weight::Changes | Weight::Asks(_) => Rated::Changes,
            Weight::Silences => Rated::Silences,
            Weight::Disables => Rated::Disables,
            Weight::Deploys => Rated::Deploys,
            Weight::Mutes(hours) => Rated::Mutes(hours),
            Weight::Nothing(reason) => return Some(Err(reason)),
        };
        let texts = |path: &&str| record.call.requested_all(path, LOOKED_AT);
        let mut names: Vec<_> = call.at.iter().flat_map(texts).collect();
        // What the answer names too: a mapping is deleted by an id that says nothing.
        if call.service == "lambda" {
            names.extend(record.call.answered_all("functionArn", 1));
            names.extend(record.call.answered_all("eventSourceArn", 1));
        }
        // Another spelling of the parameter must not be a way out.
        if names.is_empty() {
            names = record.call.requested_anywhere(LOOKED_AT);
        }
        let message = record.error_message.as_ref().map(Untrusted::as_str);
        let words = message.into_iter().flat_map(str::split_whitespace);
        let in_message: Vec<_> = words
            .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
            .filter(|word| names.is_empty() && word.len() > 3)
            .collect();
        let named = !names.is_empty() || in_message.iter().any(|word| word.starts_with("arn:"));
        Some(Ok(Self {
            operation: Some(Untrusted::bounded(call.name, 64)),
            service: Some(Untrusted::bounded(call.service, 64)),
            effect: match rated {
                // What the table calls possible is certain then.
                Rated::Disables if call.effect.contains(" may ") => {
                    text!["the call disables this part of KMS Watch"]
                }
                _ => text![call.effect],
            },
            silences: matches!(rated, Rated::Silences | Rated::Disables),
            error_code: record.error_code.clone(),
            by_cloud_formation: record.actor.is_service("cloudformation"),
            about: About {
                call: Some(call),
                weight: rated,
                names: names
                    .into_iter()
                    .chain(in_message)
                    .map(str::to_owned)
                    .collect(),
                named,
                principal: record.actor.principal.as_str().to_owned(),
                region: record.region.clone(),
                ..About::default()
            },
            ..Self::default()
        }))
    }

    /// What the sweep found.
    pub fn of_sweep(finding: WatchFinding) -> Self {
        Self {
            resources: vec![finding.resource.clone()],
            effect: finding.what.clone(),
            silences: finding.silences,
            about: About {
                weight: if finding.silences {
                    Rated::Disables
                } else {
                    Rated::Changes
                },
                stack: finding.stack.clone(),
                region: finding.region.clone(),
                finding: Some(finding),
                ..About::default()
            },
            ..Self::default()
        }
    }

    /// Keeps of the names those that are of `stack`, and judges a mute by the longest, in hours, that is nothing unusual.
    /// What names nothing at all stays: a request that CloudTrail left out, for its length or because it was refused, is
    /// no way to hide.
    ///
    /// # Errors
    ///
    /// If it is about something else.
    pub(crate) fn keep(
        &mut self,
        stack: Option<&Stack<'_>>,
        longest_mute: i64,
    ) -> Result<(), Cow<'static, str>> {
        let Some(call) = self.about.call else {
            return Ok(());
        };
        if let Rated::Mutes(hours) = self.about.weight {
            self.silences = hours > longest_mute;
        }
        self.about.stack = stack.map(|stack| stack.name.to_owned());
        let names = std::mem::take(&mut self.about.names);
        let ours = |name: &String| match (call.service, stack) {
            // Any trail of the account may be the one that the events come through.
            (TRAILS, _) => true,
            ("events", _) if call.name == "UpdateEventBus" => {
                name.rsplit('/').next() == Some("default")
            }
            // Of a stack without a name everything may be.
            (_, None) => true,
            (PARAMETERS, Some(stack)) => stack.parameter(name),
            (STACKS, Some(stack)) => stack.is(name) || stack.resource(name).is_some(),
            (_, Some(stack)) => stack.resource(name).is_some(),
        };
        let mut kept: Vec<_> = names.into_iter().filter(ours).collect();
        if kept.is_empty() && self.about.named {
            let reason = format!(
                "{} of {} is about nothing of this stack",
                call.name, call.service
            );
            return Err(reason.into());
        }
        kept.sort();
        kept.dedup();
        kept.truncate(RESOURCES);
        // People read names; some commands want ARNs.
        let bare = |name: &String| {
            let own = stack.and_then(|stack| stack.resource(name));
            Untrusted::new(own.unwrap_or(name))
        };
        self.resources = kept.iter().map(bare).collect();
        self.resources.dedup();
        self.about.names = kept;
        Ok(())
    }

    /// A deployment of the stack begins with it.
    fn deploys(&self) -> bool {
        let call = self.about.call;
        self.error_code.is_none()
            && call.is_some_and(|call| {
                call.service == STACKS
                    && matches!(
                        call.name,
                        "ExecuteChangeSet"
                            | "UpdateStack"
                            | "RollbackStack"
                            | "ContinueUpdateRollback"
                            | "CancelUpdateStack"
                            | "DeleteStack"
                    )
            })
    }

    /// CloudFormation does it as a part of something, and it is nothing that no deployment does.
    fn is_part(&self) -> bool {
        self.by_cloud_formation && self.about.weight != Rated::Disables && !self.deploys()
    }

    fn is_attempt(&self) -> bool {
        self.error_code.is_some()
    }

    fn is_denied(&self) -> bool {
        let code = self.error_code.as_ref().map_or("", Untrusted::as_str);
        code.contains("Denied")
            || code.contains("Unauthorized")
            || code.contains("AuthorizationError")
    }

    /// What repeats are counted together.
    fn series(&self) -> Option<String> {
        let About {
            principal, call, ..
        } = &self.about;
        let call = (*call)?;
        if self.is_part() {
            return Some(match self.deployment_known {
                Some(false) => format!("part of nothing\n{principal}"),
                _ => format!("part\n{principal}"),
            });
        }
        if self.is_attempt() {
            let first = self.resources.first().map_or("", Untrusted::as_str);
            return Some(format!("attempt\n{}\n{first}\n{principal}", call.name));
        }
        None
    }
}

impl Identify for WatchChanged {
    fn identity(&self) -> Identity {
        if let Some(finding) = &self.about.finding {
            return Identity::Content(short_hash(&format!(
                "{}\n{}\n{}\n{}",
                finding.check,
                finding.resource.as_str(),
                finding.version,
                finding.found_at
            )));
        }
        self.series().map_or(Identity::Call, Identity::Hour)
    }

    fn repeats(&self) -> Option<String> {
        self.series()
    }

    // The parts of a deployment are each another.
    fn is_attempt(&self) -> bool {
        self.error_code.is_some() && !self.is_part()
    }

    fn step(&self) -> Option<u64> {
        self.step
    }

    fn is_by_event(&self) -> bool {
        self.about.finding.is_none()
    }

    fn is_deployment(&self) -> bool {
        self.deploys() || self.about.first
    }
}

impl Ask for WatchChanged {
    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        let wanted = self.needs_facts();
        let key = Deployment::key(&subject.account_key());
        wanted.then_some(key).into_iter().collect()
    }

    fn proofs(&self, subject: &Subject, read: &[Item]) -> Vec<ItemKey> {
        let proof = |it: Deployment| it.proof(&subject.account_key());
        let known = read.iter().find_map(Deployment::read);
        known.and_then(proof).into_iter().collect()
    }

    fn needs_facts(&self) -> bool {
        self.is_part() || self.deploys()
    }
}

impl Learn for WatchChanged {
    fn settle(&mut self, known: &Background<'_>) -> Result<(), Cow<'static, str>> {
        if !self.is_part() {
            return Ok(());
        }
        let item = known.items.iter().find_map(Deployment::read);
        // What nobody has seen yet is the first deployment, of which this is a part. A ledger that gives no answer has seen nothing.
        let is_known = known.raised.is_some() || known.unledgered;
        self.about.first = item.is_none() && is_known;
        let told = item.and_then(|it| it.told(known.items));
        let is_open = told.is_some_and(|told| Deployment::is_open(&told, known.at));
        self.deployment_known = Some(self.about.first || is_open);
        Ok(())
    }

    fn repeated(&mut self, repeats: &Repeats) {
        self.attempts = Some(repeats.attempts);
        self.since = repeats.since;
        self.total = Some(repeats.total);
        self.first_at = repeats.first;
    }

    fn reached(&mut self, step: u64) {
        self.step = Some(step);
    }

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        if !self.is_deployment() {
            return Vec::new();
        }
        let account = found.subject.account_key();
        let known = found.item(&Deployment::key(&account));
        let known = known.and_then(Deployment::read);
        // A record that comes late does not set it back, and nothing sets it ahead.
        let later = known.filter(|known| {
            let told = known.told(found.items);
            told.is_some_and(|told| {
                told.occurred_at > found.at && !Deployment::is_ahead(&told, found.now)
            })
        });
        let deployment = later.unwrap_or_else(|| Deployment {
            told_as: found.told_as.to_owned(),
        });
        vec![deployment.item(&account)]
    }
}
