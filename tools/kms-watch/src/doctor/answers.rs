//! What AWS answered, each thing that is asked about once: or why there is no answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use watch_core::answers::{
    AlarmData, FunctionData, MuteRule, Rule, Subscription, Target, TrailData,
};
use watch_core::arn::{AccountId, Region, TopicArn};
use watch_core::ports::CallError;
use watch_core::stack::Stack as Own;

/// An answer, or why there is none.
pub(crate) type Asked<T> = Result<T, CallError>;

/// Where the stack is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) stack: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) health_topic: TopicArn,
}

impl Place {
    /// The stack as the sweep knows it.
    pub(crate) fn own(&self) -> Own<'_> {
        Own {
            name: &self.stack,
            account: &self.account,
            region: &self.region,
        }
    }

    /// What the ledger calls the account.
    pub(crate) fn account_key(&self) -> String {
        format!("account#{}#{}", self.account.as_str(), self.region.as_str())
    }
}

/// What CloudFormation says of the stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct StackState {
    /// `UPDATE_COMPLETE`
    pub(crate) status: String,
    pub(crate) created_at: Option<Timestamp>,
    /// Its output `Version`.
    pub(crate) version: Option<String>,
    /// What the clock of AWS showed.
    pub(crate) told_at: Option<Timestamp>,
}

/// What DynamoDB says of the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableState {
    /// `ACTIVE`
    pub(crate) status: String,
    pub(crate) is_protected: bool,
}

/// What the ledger says of the watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The last run of a sweep, whichever.
    pub(crate) run_at: Option<Timestamp>,
    /// The last full sweep that came to its end.
    pub(crate) full_at: Option<Timestamp>,
    /// The last canary, if the history has its alert.
    pub(crate) canary_at: Option<Timestamp>,
}

/// A rule of the stack, and where it leads.
pub(crate) type Deployed = (Rule, Option<Vec<Target>>);

/// All that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) place: Place,
    /// What the clock of this machine showed.
    pub(crate) at: Timestamp,
    /// Physical ids by logical ids.
    pub(crate) parts: BTreeMap<String, String>,
    pub(crate) stack: Asked<StackState>,
    pub(crate) trails: Asked<Vec<TrailData>>,
    pub(crate) rules: Asked<Vec<Deployed>>,
    /// By logical id; `NotFound` of one that is gone.
    pub(crate) functions: BTreeMap<String, Asked<FunctionData>>,
    pub(crate) concurrency: Asked<Option<i64>>,
    /// By logical id.
    pub(crate) topics: BTreeMap<String, Asked<Vec<Subscription>>>,
    /// By logical id.
    pub(crate) queues: BTreeMap<String, Asked<BTreeMap<String, String>>>,
    pub(crate) alarms: Asked<Vec<AlarmData>>,
    pub(crate) mutes: Asked<Vec<MuteRule>>,
    pub(crate) table: Asked<TableState>,
    pub(crate) recovery: Asked<bool>,
    pub(crate) table_policy: Asked<Option<String>>,
    pub(crate) memory: Asked<Memory>,
    /// Whether AWS Config records in the stack's Region.
    pub(crate) recording: Asked<bool>,
}
