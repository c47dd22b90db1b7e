//! A second opinion: moto, an AWS that others wrote, on the same questions.
//!
//! The built functions run against it, and the simulator is held against it, answer by answer: what one of the two gets
//! wrong is in the table of [`known`], with its source, and a difference that is not there fails.
//!
//! moto is Python, so these tests are not run without being asked for: `.ci/run` starts it and asks.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod compare;
mod dynamodb;
mod functions;
mod kms;
mod known;
mod ledger;
#[path = "../port/mod.rs"]
mod port;
mod server;
mod side;
mod sns;
mod tape;

use std::time::SystemTime;

use watch_local::{LocalAws, Options};

use side::Side;

/// No other test uses it: moto keeps what it is given until it ends.
const REGION: &str = "eu-west-3";

/// The simulator and moto.
fn both() -> (LocalAws, [Side; 2]) {
    let options = Options {
        region: REGION.to_owned(),
        account: "123456789012".to_owned(),
        ..Options::default()
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds of this era")]
    let start = options.start.as_second() as f64;
    let aws = LocalAws::start(options).unwrap();
    let ours = Side::new(&aws.endpoint_url(), REGION, start);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let endpoint = format!("http://{}", server::address());
    (aws, [ours, Side::new(&endpoint, REGION, now)])
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn kms_answers_like_moto_but_for_what_is_known() {
    let (_aws, [mut ours, mut moto]) = both();
    kms::script(&mut ours).await;
    kms::script(&mut moto).await;
    compare::compare(&ours, &moto, known::KMS);
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn dynamodb_answers_like_moto_but_for_what_is_known() {
    let (_aws, [mut ours, mut moto]) = both();
    dynamodb::script(&mut ours).await;
    dynamodb::script(&mut moto).await;
    compare::compare(&ours, &moto, known::DYNAMODB);
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn sns_answers_like_moto_but_for_what_is_known() {
    let (_aws, [mut ours, mut moto]) = both();
    sns::script(&mut ours).await;
    sns::script(&mut moto).await;
    compare::compare(&ours, &moto, known::SNS);
}
