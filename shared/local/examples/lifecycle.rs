//! The life of a key in a minute of yours and a month of its own: `cargo run --example lifecycle`.
//!
//! With `-- serve` it waits instead, for the AWS CLI or a program of yours.

#![expect(clippy::print_stdout, reason = "an example says what happens")]

use std::error::Error;

use kms_local::{Caller, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let aws = LocalAws::start(Options::default())?;
    let key = aws.add_key(NewKey::symmetric().alias("alias/payments"));
    if std::env::args().any(|word| word == "serve") {
        return serve(&aws, &key);
    }
    aws.as_caller(Caller::assumed_role("KeyAdmin", "maria"));
    say(&aws, "a key is there, and nobody was told");
    let body = json!({"KeyId": key, "PendingWindowInDays": 7});
    aws.call("ScheduleKeyDeletion", body)?;
    say(&aws, "its deletion is scheduled");
    let refused = aws.call("Encrypt", json!({"KeyId": key, "Plaintext": "c2VjcmV0"}));
    if let Err(error) = refused {
        println!("{:>34}{error}", "");
    }
    aws.advance_days(6);
    say(&aws, "six days pass");
    aws.call("CancelKeyDeletion", json!({"KeyId": key}))?;
    aws.call("EnableKey", json!({"KeyId": key}))?;
    say(&aws, "saved, and enabled again");
    aws.call(
        "EnableKeyRotation",
        json!({"KeyId": key, "RotationPeriodInDays": 90}),
    )?;
    aws.advance_days(90);
    say(&aws, "rotation, ninety days later");
    Ok(())
}

/// The state of things, and the events since the last time.
fn say(aws: &LocalAws, what: &str) {
    println!("{}  {what}", aws.now());
    for event in aws.take_events() {
        let detail = &event["detail"];
        let name = detail["eventName"].as_str().unwrap_or_default();
        let kind = event["detail-type"].as_str().unwrap_or_default();
        println!("{:>34}{kind}  {name}", "");
    }
}

fn serve(aws: &LocalAws, key: &str) -> Result<(), Box<dyn Error>> {
    println!("export AWS_ENDPOINT_URL={}", aws.endpoint_url());
    println!(
        "export AWS_REGION={} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local",
        aws.region()
    );
    println!("aws kms describe-key --key-id {key}");
    // Until its standard input ends.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    let calls: Vec<Value> = aws
        .request_counts()
        .into_iter()
        .map(|(operation, count)| json!([operation, count]))
        .collect();
    println!("asked: {}", Value::from(calls));
    Ok(())
}
