//! The function on the services of AWS.

use aws_config::SdkConfig;
use serde_json::Value;
use watch_aws::start::{Failure, Handler, Invocation};
use watch_aws::{DynamoDbAdapter, KmsAdapter, RescuerAdapter, SwitchAdapter, SystemClock, Ways};
use watch_core::config::RescueConfig;
use watch_core::decision::Decision;
use watch_core::pipeline::Outcome;
use watch_core::ports::{Clock, Kms, Ledger, Rescuer, Switch, Topics};

use crate::NAME;
use crate::rescue::{Rescue, RescueError};

impl<K: Kms, T: Topics, L: Ledger, C: Clock, R: Rescuer, S: Switch> Handler
    for Rescue<K, T, L, C, R, S>
{
    type Outcome = Outcome;
    type Failure = RescueError;

    async fn handle(
        &self,
        payload: &Value,
        invocation: &Invocation,
    ) -> Result<Outcome, RescueError> {
        self.handle(payload, &invocation.request_id).await
    }
}

impl Failure for RescueError {
    fn kind(&self) -> &'static str {
        self.kind()
    }
}

/// The function, on the services that `sdk` leads to.
pub async fn rescue(
    config: RescueConfig,
    sdk: SdkConfig,
) -> Rescue<KmsAdapter, Ways, DynamoDbAdapter, SystemClock, RescuerAdapter, SwitchAdapter> {
    let RescueConfig { alerts, rescue } = config;
    Rescue {
        watch: watch_aws::watch_ready(NAME, Decision::not_mine, alerts, &sdk).await,
        rescuer: RescuerAdapter::new(&sdk),
        switch: SwitchAdapter::new(&sdk, &rescue.switch_parameter),
        settings: rescue,
    }
}
