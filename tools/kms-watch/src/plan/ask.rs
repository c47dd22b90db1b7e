//! Asking AWS: the keys as `kms-watch inventory` asks for them, and in each Region with keys the stack, its listeners, KMS's metrics
//! and AWS Config. Whatever is not answered is kept as such.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::future::join_all;
use futures_util::join;
use jiff::Timestamp;
use watch_aws::{CloudWatchAdapter, PartsAdapter, RecorderAdapter};
use watch_core::answers::Point;
use watch_core::arn::{Region, TopicArn};
use watch_core::ports::{CallError, MAX_QUERIES, Parts as _, Recorder as _};

use crate::account;
use crate::inventory::args::Args as InventoryArgs;
use crate::inventory::reach::Reach;
use crate::inventory::survey::Survey;
use crate::inventory::{self};
use crate::plan::args::Args;
use crate::plan::error::PlanError;
use crate::plan::metrics::{Measured, Metrics, PERIOD, measure_of, window};
use crate::stack::{Stack, StackError};

/// Longest wait for all answers about one Region.
const PATIENCE: Duration = Duration::from_secs(60);
/// What CloudFormation says of a stack that is not there (CloudFormation API Reference, ListStackResources).
const NO_STACK: &str = "ValidationError";
/// Where KMS puts its metrics.
const NAMESPACE: &str = "AWS/KMS";

/// An answer, or why there is none.
pub(crate) type Asked<T> = Result<T, CallError>;

/// All that was asked.
pub(crate) struct Facts {
    pub(crate) survey: Survey,
    /// Regions with keys; the configured one if there are none.
    pub(crate) places: Vec<Place>,
}

/// A Region with keys.
pub(crate) struct Place {
    pub(crate) region: Region,
    /// `None`: there is no stack.
    pub(crate) stack: Asked<Option<Deployed>>,
    pub(crate) metrics: Asked<Metrics>,
    /// AWS Config records.
    pub(crate) recording: Asked<bool>,
}

/// A deployed stack.
pub(crate) struct Deployed {
    /// How many parts of each type it has.
    pub(crate) parts: BTreeMap<&'static str, usize>,
    /// Confirmed subscriptions by the topic's name in the template.
    pub(crate) listeners: BTreeMap<String, Asked<usize>>,
}

/// The types of parts that a plan names.
pub(crate) const TOOLS: [(&str, &str); 5] = [
    ("AWS::Lambda::Function", "functions"),
    ("AWS::Events::Rule", "rules"),
    ("AWS::Scheduler::Schedule", "schedules"),
    ("AWS::CloudWatch::Alarm", "alarms"),
    ("AWS::CloudWatch::Dashboard", "dashboards"),
];

/// Asks for everything.
pub(crate) async fn ask(
    sdk: &SdkConfig,
    args: &Args,
    haste: f64,
    now: Timestamp,
    quiet: bool,
) -> Result<Facts, PlanError> {
    let reach = Reach::of_account(&args.regions, args.profile.as_deref(), args.demo);
    let trusted = &args.wishes.trusted_accounts;
    let wanted = InventoryArgs::for_plan(reach, &args.owner_tag_key, trusted);
    let survey = inventory::ask(sdk, &wanted, haste, now, quiet).await?;
    let mut regions: Vec<_> = survey.rows.iter().map(|row| row.region.clone()).collect();
    if regions.is_empty() {
        let first = args.regions.first().cloned();
        regions.extend(first.or_else(|| account::configured_region(sdk).ok()));
    }
    regions.sort_unstable();
    regions.dedup();
    let places = regions.into_iter().map(|it| place(sdk, it, args, now));
    let places = join_all(places).await;
    Ok(Facts { survey, places })
}

async fn place(sdk: &SdkConfig, region: Region, args: &Args, now: Timestamp) -> Place {
    let sdk = account::in_region(sdk, &region);
    let (cloudwatch, recorder) = (CloudWatchAdapter::new(&sdk), RecorderAdapter::new(&sdk));
    let (stack, metrics, recording) = join!(
        patiently(stack(&sdk, &args.stack)),
        metrics(&cloudwatch, args.metrics.into(), now),
        patiently(recorder.is_recording(&region)),
    );
    Place {
        region,
        stack,
        metrics,
        recording,
    }
}

/// The metrics of KMS, and two weeks of the first of them. Without values they are listed all the same.
async fn metrics(cloudwatch: &CloudWatchAdapter, most: usize, now: Timestamp) -> Asked<Metrics> {
    let (names, more) = patiently(cloudwatch.metric_names(NAMESPACE)).await?;
    let mut metrics = Metrics::of(names, more, most);
    for some in metrics.shown.chunks_mut(MAX_QUERIES) {
        let wanted = some
            .iter()
            .map(|it| (&it.metric, measure_of(&it.metric.name).statistic));
        let wanted: Vec<_> = wanted.collect();
        let series = cloudwatch.series(NAMESPACE, &wanted, window(now), PERIOD);
        match patiently(series).await {
            Ok(series) => give(some, series.into_iter().map(Ok)),
            Err(error) => give(some, std::iter::repeat(Err(error))),
        }
    }
    Ok(metrics)
}

fn give(metrics: &mut [Measured], answers: impl Iterator<Item = Asked<Vec<Point>>>) {
    for (metric, points) in metrics.iter_mut().zip(answers) {
        metric.points = points;
    }
}

/// An answer, or that it takes too long.
async fn patiently<T>(asked: impl Future<Output = Asked<T>>) -> Asked<T> {
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.unwrap_or_else(|_| Err(CallError::timeout(PATIENCE)))
}

async fn stack(sdk: &SdkConfig, name: &str) -> Asked<Option<Deployed>> {
    let stack = match Stack::find(sdk, name).await {
        Ok(stack) => stack,
        Err(StackError::Read { error, .. }) if error.code().as_str() == NO_STACK => {
            return Ok(None);
        }
        Err(StackError::Read { error, .. }) => return Err(error),
        Err(error) => return Err(CallError::new("NoStack", &error.to_string())),
    };
    // Another product's stack may have the name.
    if stack.is_much_of_kms_watch().is_err() {
        return Ok(None);
    }
    let parts = TOOLS.map(|(kind, _)| (kind, stack.of_type(kind).count()));
    let adapter = PartsAdapter::new(sdk);
    let topics = stack.of_type("AWS::SNS::Topic");
    let topics = topics.filter_map(|(id, arn)| Some((id, arn.parse::<TopicArn>().ok()?)));
    let listeners = topics.map(async |(id, topic)| {
        let subscriptions = adapter.subscriptions(&topic).await;
        let confirmed = subscriptions.map(|all| all.iter().filter(|it| it.confirmed).count());
        (id.to_owned(), confirmed)
    });
    Ok(Some(Deployed {
        parts: parts.into(),
        listeners: join_all(listeners).await.into_iter().collect(),
    }))
}
