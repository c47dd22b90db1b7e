//! An embedded AWS with keys of all sorts.

use std::io;

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use watch_aws::sdk;
use watch_local::{ImportedMaterial, KeySpec, KeyStore, LocalAws, NewKey, Options};

/// A Region in which there is a replica, too.
const ELSEWHERE: &str = "eu-west-1";

/// Nobody shares the quotas of the embedded AWS.
pub(crate) const HASTE: f64 = 50.0;

/// Starts it, with its keys in place.
pub(crate) fn start() -> io::Result<LocalAws> {
    let aws = LocalAws::start(Options::default())?;
    ordinary(&aws);
    special(&aws);
    nameless(&aws);
    Ok(aws)
}

/// Symmetric keys, with material of KMS and of our own.
fn ordinary(aws: &LocalAws) {
    let days = |days| shifted(aws.now(), days);
    let key = |alias: &str, owner: &str| {
        NewKey::symmetric()
            .created(days(-500))
            .alias(alias)
            .tag("Owner", owner)
            .last_used("Decrypt", days(-1))
    };
    let orders = aws.add_key(
        key("alias/orders", "team-shop")
            .described("Card data of the orders database")
            .rotating_every(365),
    );
    // Less on two days of seven, as shops are.
    for day in 0_u8..14 {
        let uses = if day % 7 < 2 {
            140
        } else {
            400 + 9 * u64::from(day)
        };
        aws.count_uses(&orders, "Decrypt", days(-i64::from(day)), uses);
    }
    aws.add_key(key("alias/payments", "team-pay").deleted_at(days(6)));
    aws.add_key(
        NewKey::symmetric()
            .created(days(-900))
            .alias("alias/sessions-old")
            .deleted_at(days(25)),
    );
    let material = ImportedMaterial::new("sixteen of thirty-two bytes of it");
    aws.add_key(
        NewKey::imported()
            .created(days(-100))
            .alias("alias/partner-feed")
            .tag("Owner", "team-data")
            .material(material.expiring(days(9)))
            .last_used("Encrypt", days(-2)),
    );
    aws.add_key(
        NewKey::imported()
            .created(days(-3))
            .alias("alias/partner-next")
            .tag("Owner", "team-data"),
    );
    aws.add_key(
        key("alias/archive-2024", "team-data")
            .rotating_every(365)
            .last_used("GenerateDataKey", days(-140))
            .disabled(),
    );
    aws.add_key(key("alias/reports", "team-data").described("Nobody switched rotation on"));
}

/// Other specs, key stores, and a key in two Regions.
fn special(aws: &LocalAws) {
    let days = |days| shifted(aws.now(), days);
    aws.add_key_store(
        KeyStore::cloud_hsm("cks-1234567890abcdef0", "cluster-1a23b4cdefg").named("vault"),
    );
    aws.add_key_store(KeyStore::external("cks-9876543210fedcba9").named("office"));

    aws.add_key(
        NewKey::with_spec(KeySpec::EccNistP256)
            .created(days(-60))
            .alias("alias/releases")
            .tag("Owner", "team-build")
            .last_used("Sign", days(-4)),
    );
    aws.add_key(
        NewKey::with_spec(KeySpec::Hmac256)
            .created(days(-40))
            .alias("alias/webhooks")
            .tag("Owner", "team-shop")
            .last_used("GenerateMac", days(0)),
    );
    aws.add_key(
        NewKey::in_store("cks-1234567890abcdef0")
            .created(days(-200))
            .alias("alias/vault")
            .tag("Owner", "team-pay")
            .last_used("Decrypt", days(-1)),
    );
    aws.add_key(
        NewKey::in_external_store("cks-9876543210fedcba9", "office-7")
            .created(days(-200))
            .alias("alias/office")
            .tag("Owner", "team-legal"),
    );
    aws.disconnect_key_store("cks-9876543210fedcba9");
    aws.add_key(
        NewKey::multi_region(&[ELSEWHERE])
            .created(days(-150))
            .alias("alias/global")
            .tag("Owner", "team-shop")
            .rotating_every(180)
            .last_used("Decrypt", days(0)),
    );
}

/// Keys of which little can be learnt, and those of AWS.
fn nameless(aws: &LocalAws) {
    let days = |days| shifted(aws.now(), days);
    let hidden = aws.add_key(
        NewKey::symmetric()
            .created(days(-30))
            .alias("alias/hr-salaries"),
    );
    aws.faults().on(&hidden).deny("*");
    // Without a name, and never used.
    aws.add_key(NewKey::symmetric().created(days(-120)).rotating_every(365));
    for service in ["ebs", "s3"] {
        aws.add_key(NewKey::aws_managed(service).created(days(-800)));
    }
}

/// The configuration for it. It reads nothing from the environment.
pub(crate) fn config(aws: &LocalAws) -> SdkConfig {
    sdk::local(&aws.endpoint_url(), aws.region())
}

fn shifted(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(now)
}
