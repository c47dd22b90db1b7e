//! What is there, what is due, and what did AWS not tell?
//!
//! * Trigger: two schedules of EventBridge Scheduler, whose input is `{"sweep":"full"|"light","at":"<RFC 3339>"}`: a look
//!   at everything once a day, and one at what moves every hour. Any other scheduled event means everything, now.
//! * Effect: alerts on the topics, each once, about what is due and about what no event told of; profiles and the roster
//!   of all keys in the ledger; metrics; a digest every week.
//! * Only if it is to learn how often keys are used: `cloudwatch:ListMetrics`, `cloudwatch:GetMetricData`.
//! * IAM: if AWS Config is asked, `config:SelectResourceConfig` and `config:DescribeConfigurationRecorderStatus`; `kms:ListKeys`, `kms:ListAliases`, `kms:DescribeCustomKeyStores`, `cloudtrail:LookupEvents`,
//!   `cloudwatch:PutMetricData`; `kms:DescribeKey`, `kms:ListResourceTags`, `kms:GetKeyRotationStatus`,
//!   `kms:ListKeyRotations`, `kms:GetKeyPolicy`, `kms:ListGrants`, `kms:GetKeyLastUsage`; `sns:Publish` on its topics; `sns:ListSubscriptionsByTopic` and
//!   `sns:GetSubscriptionAttributes` on them and on the health topic; and to look at the rest of the watch, if the deployment names
//!   its functions, what `watch_aws::parts` reads of rules, functions, alarms, trails and queues;
//!   `dynamodb:BatchGetItem`, `dynamodb:PutItem`, `dynamodb:UpdateItem` and `dynamodb:BatchWriteItem` on the ledger.
//!
//! The sweep itself is `watch-sweep`; here it gets its adapters, and the words of the other functions for what they were
//! never told.

use std::marker::PhantomData;

use aws_config::SdkConfig;
use serde_json::Value;
use watch_aws::start::{Failure, Handler, Invocation};
use watch_aws::{
    CloudTrailAdapter, CloudWatchAdapter, DynamoDbAdapter, KmsAdapter, PartsAdapter,
    RecorderAdapter, Ways,
};
use watch_core::config::SweepConfig;
use watch_core::decision::{Decide, Decision};
use watch_core::pipeline::Watch;
use watch_core::ports::Clock;
use watch_sweep::pace::Paced;
use watch_sweep::sweep::{Ports, Report, Sweep, SweepClock, SweepError};

/// The function's name.
pub const NAME: &str = "key-inventory";

/// Whose words are used for a call that no event told of.
const DECIDES: [Decide; 4] = [
    key_deletion::decide,
    key_activity::decide,
    material_expiration::decide,
    key_rotation::decide,
];

/// The services of AWS, and a clock.
#[derive(Debug)]
pub struct Aws<C>(PhantomData<C>);

impl<C: Clock> Ports for Aws<C> {
    type Kms = KmsAdapter;
    type Facts = KmsAdapter;
    type Topics = Ways;
    type Ledger = DynamoDbAdapter;
    type Clock = C;
    type Trail = CloudTrailAdapter;
    type Recorder = RecorderAdapter;
    type Metrics = CloudWatchAdapter;
    type Parts = PartsAdapter;
}

/// The sweep on the services of AWS.
#[expect(
    missing_debug_implementations,
    reason = "what stands behind a port need not have one"
)]
pub struct Inventory<C: Clock>(Sweep<Aws<C>>);

/// The function, on the services that `sdk` leads to.
pub fn inventory<C: Clock>(config: SweepConfig, sdk: &SdkConfig, clock: C) -> Inventory<C> {
    let table = config.alerts.ledger_table.as_deref();
    Inventory(Sweep {
        watch: Watch {
            function: NAME,
            // Events are the business of the other functions.
            decide: Decision::not_mine,
            kms: KmsAdapter::new(sdk),
            topics: Ways::new(sdk, config.alerts.event_bus.is_some()),
            ledger: table.map(|table| DynamoDbAdapter::patient(sdk, table)),
            clock: SweepClock::new(clock),
            config: config.alerts.clone(),
        },
        kms: Paced::new(KmsAdapter::patient(sdk)),
        trail: CloudTrailAdapter::new(sdk),
        recorder: RecorderAdapter::new(sdk),
        metrics: CloudWatchAdapter::new(sdk),
        parts: PartsAdapter::new(sdk),
        config,
        decides: DECIDES.to_vec(),
    })
}

impl<C: Clock> Inventory<C> {
    /// Asks KMS `factor` times as fast as a sweep may in an account that others use. For a simulator, on whose clock no
    /// time passes while a sweep waits.
    #[must_use]
    pub fn with_pace(mut self, factor: f64) -> Self {
        self.0.kms = self.0.kms.with_factor(factor);
        self
    }
}

/// A run that did not do all it should.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failed(#[from] SweepError);

impl Failure for Failed {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }
}

impl<C: Clock> Handler for Inventory<C> {
    type Outcome = Report;
    type Failure = Failed;

    async fn handle(&self, payload: &Value, invocation: &Invocation) -> Result<Report, Failed> {
        let sweep = self
            .0
            .handle(payload, &invocation.request_id, invocation.time_left);
        Ok(sweep.await?)
    }
}
