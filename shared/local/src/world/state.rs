//! Everything that exists in the simulator, under one lock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::{
    accounts::Accounts,
    caller::Caller,
    cloudformation::CloudFormation,
    cloudtrail::History,
    cloudwatch::CloudWatch,
    config::Config,
    consistency::Consistency,
    context::Context,
    deployed::Deployed,
    dynamodb::DynamoDb,
    eventbridge::EventBridge,
    events::{Outbox, Wanted},
    faults::FaultRules,
    hooks::Hooks,
    iam::Iam,
    ids::Ids,
    kms::{Aging, Kms},
    lambda::Lambda,
    options::Options,
    quotas::Meter,
    ram::Ram,
    record::Record,
    s3::S3,
    securityhub::SecurityHub,
    sns::Sns,
    sqs::Sqs,
    ssm::Ssm,
};

/// The state of the simulator.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) context: Context,
    pub(crate) kms: Kms,
    pub(crate) sns: Sns,
    pub(crate) ram: Ram,
    pub(crate) dynamodb: DynamoDb,
    pub(crate) eventbridge: EventBridge,
    pub(crate) ssm: Ssm,
    pub(crate) config: Config,
    pub(crate) security_hub: SecurityHub,
    pub(crate) s3: S3,
    pub(crate) deployed: Deployed,
    pub(crate) cloudformation: CloudFormation,
    pub(crate) sqs: Sqs,
    pub(crate) lambda: Lambda,
    pub(crate) faults: FaultRules,
    pub(crate) aging: Aging,
    pub(crate) cloudwatch: CloudWatch,
    pub(crate) consistency: Consistency,
    pub(crate) hooks: Hooks,
    pub(crate) iam: Iam,
    pub(crate) meter: Meter,
    pub(crate) record: Record,
    pub(crate) caller: Caller,
    /// Callers by access key, for processes that shall not be the default caller.
    pub(crate) callers: BTreeMap<String, Caller>,
    pub(crate) accounts: Accounts,
    /// The worlds of other accounts, by their ids.
    pub(crate) members: BTreeMap<String, Arc<Mutex<World>>>,
    /// The accounts of sessions there, by access key.
    pub(crate) sessions: BTreeMap<String, String>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let wanted = Wanted {
            failed: options.failed_call_events,
            read_only: options.read_only_events,
        };
        let (shape, seed) = (options.event_shape, options.seed);
        let context = Context {
            account: options.account,
            region: options.region,
            now: options.start,
            usage_tracking_start: options.usage_tracking_start,
            ids: Ids::new(seed),
            outbox: Outbox::new(shape, wanted, options.delivery, seed),
            history: History::new(options.event_history_lag),
        };
        let aging = Aging::new(
            seed,
            options.late_deletions,
            options.synchronizes_every,
            options.start,
        );
        Self {
            context,
            kms: Kms::default(),
            sns: Sns::default(),
            ram: Ram::default(),
            dynamodb: DynamoDb::default(),
            eventbridge: EventBridge::default(),
            ssm: Ssm::default(),
            config: Config::default(),
            security_hub: SecurityHub::default(),
            s3: S3::default(),
            deployed: Deployed::default(),
            cloudformation: CloudFormation::default(),
            sqs: Sqs::default(),
            lambda: Lambda::default(),
            faults: FaultRules::default(),
            aging,
            cloudwatch: CloudWatch::default(),
            consistency: Consistency::new(options.seed),
            hooks: Hooks::default(),
            iam: Iam::default(),
            meter: Meter::new(options.quotas),
            record: Record::default(),
            caller: Caller::default(),
            callers: BTreeMap::new(),
            accounts: Accounts::default(),
            members: BTreeMap::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// The world of the account whose session signs with this access key, if it is another.
    pub(crate) fn member_of(&self, access_key: &str) -> Option<Arc<Mutex<Self>>> {
        let account = self.sessions.get(access_key)?;
        self.members.get(account).cloned()
    }

    /// Who signs with this access key.
    pub(crate) fn caller_of(&self, access_key: &str) -> Caller {
        self.callers.get(access_key).unwrap_or(&self.caller).clone()
    }
}
