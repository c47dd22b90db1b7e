//! Everything that exists in the simulator, under one lock.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    caller::Caller, cloudtrail::History, cloudwatch::CloudWatch, consistency::Consistency,
    dynamodb::DynamoDb, events::Outbox, faults::FaultRules, hooks::Hooks, iam::Iam, ids::Ids,
    kms::Kms, local::Options, quotas::Meter, record::Record, sns::Sns, time::Aging,
};

/// The state of the simulator.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: String,
    /// Of calls that name none.
    pub(crate) region: String,
    /// The virtual clock.
    pub(crate) now: Timestamp,
    pub(crate) usage_tracking_start: Timestamp,
    pub(crate) ids: Ids,
    pub(crate) kms: Kms,
    pub(crate) sns: Sns,
    pub(crate) dynamodb: DynamoDb,
    pub(crate) faults: FaultRules,
    pub(crate) outbox: Outbox,
    pub(crate) aging: Aging,
    pub(crate) cloudwatch: CloudWatch,
    pub(crate) history: History,
    pub(crate) consistency: Consistency,
    pub(crate) hooks: Hooks,
    pub(crate) iam: Iam,
    pub(crate) meter: Meter,
    pub(crate) record: Record,
    pub(crate) caller: Caller,
    /// Callers by access key, for processes that shall not be the default caller.
    pub(crate) callers: BTreeMap<String, Caller>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let outbox = Outbox::new(&options);
        let aging = Aging::new(&options);
        Self {
            account: options.account,
            region: options.region,
            now: options.start,
            usage_tracking_start: options.usage_tracking_start,
            ids: Ids::new(options.seed),
            kms: Kms::default(),
            sns: Sns::default(),
            dynamodb: DynamoDb::default(),
            faults: FaultRules::default(),
            outbox,
            aging,
            cloudwatch: CloudWatch::default(),
            history: History::new(options.event_history_lag),
            consistency: Consistency::new(options.seed),
            hooks: Hooks::default(),
            iam: Iam::default(),
            meter: Meter::new(options.quotas),
            record: Record::default(),
            caller: Caller::default(),
            callers: BTreeMap::new(),
        }
    }

    /// Who signs with this access key.
    pub(crate) fn caller_of(&self, access_key: &str) -> Caller {
        self.callers.get(access_key).unwrap_or(&self.caller).clone()
    }
}
