//! A hundred thousand keys: what takes a step for each of them is slow by minutes, not by a little, so the bounds here are
//! generous and still tell the two apart.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::time::{Duration, Instant};

use common::Client;
use jiff::SignedDuration;
use kms_local::{KeyState, LocalAws, NewKey, Options};
use serde_json::{Value, json};

const KEYS: usize = 100_000;

/// Every key with an alias, rotation and two tags.
fn many(keys: usize) -> (LocalAws, Vec<String>) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let arns = (0..keys).map(|number| {
        let key = NewKey::symmetric()
            .alias(&format!("alias/key-{number:06}"))
            .tag("owner", "payments")
            .tag("stage", "production");
        // Some of them have dates to come.
        aws.add_key(match number % 100 {
            0 => key.rotating_every(90),
            1 => key.deleted_at(aws.now() + SignedDuration::from_hours(24 * 30)),
            _ => key,
        })
    });
    let arns = arns.collect();
    (aws, arns)
}

fn timed<T>(what: &str, at_most: Duration, act: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = act();
    let took = began.elapsed();
    assert!(took < at_most, "{what} took {took:?}");
    #[expect(clippy::print_stderr, reason = "the numbers are wanted")]
    {
        eprintln!("{what}: {took:?}");
    }
    done
}

/// All pages, and their number.
fn pages(client: &mut Client, operation: &str, limit: u32, member: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages) = (Vec::new(), 0);
    let mut body = json!({"Limit": limit});
    loop {
        let page = client.kms(operation, &body).json();
        items.extend(page[member].as_array().unwrap().iter().cloned());
        pages += 1;
        match page.get("NextMarker") {
            Some(marker) => body["Marker"] = marker.clone(),
            None => return (items, pages),
        }
    }
}

#[test]
fn a_hundred_thousand_keys_are_listed_described_and_grow_old() {
    let second = Duration::from_secs(1);
    let (aws, arns) = timed("adding keys", second * 30, || many(KEYS));
    let mut client = Client::connect(&aws.endpoint_url());

    let (keys, number) = timed("listing keys", second * 30, || {
        pages(&mut client, "ListKeys", 1000, "Keys")
    });
    assert_eq!((keys.len(), number), (KEYS, 100));
    let (aliases, number) = timed("listing aliases", second * 60, || {
        pages(&mut client, "ListAliases", 100, "Aliases")
    });
    assert_eq!((aliases.len(), number), (KEYS, 1000));
    let names = aliases.iter().map(|alias| alias["AliasName"].as_str());
    assert!(names.is_sorted());

    // The state of each of a thousand, and its aliases by the key.
    timed("describing a thousand keys", second * 20, || {
        for arn in arns.iter().step_by(KEYS / 1000) {
            let body = json!({"KeyId": arn});
            let shown = client.kms("DescribeKey", &body).json();
            assert_eq!(shown["KeyMetadata"]["Arn"], *arn);
            let named = client.kms("ListAliases", &body).json();
            assert_eq!(named["Aliases"].as_array().unwrap().len(), 1);
        }
    });
    timed("changing a thousand keys", second * 20, || {
        for arn in arns.iter().skip(2).step_by(KEYS / 1000) {
            aws.call("DisableKey", json!({"KeyId": arn})).unwrap();
        }
    });

    // A thousand deletions and four thousand rotations on the way.
    timed("a year", second * 60, || aws.advance_days(365));
    let gone = arns.iter().filter(|arn| aws.key_state(arn).is_none());
    assert_eq!(gone.count(), KEYS / 100);
    let events = aws.take_events();
    let count = |name: &str| {
        let of_name = events.iter().filter(|e| e["detail"]["eventName"] == name);
        of_name.count()
    };
    assert_eq!(count("DeleteKey"), KEYS / 100);
    assert_eq!(count("RotateKey"), 4 * KEYS / 100);
    // The aliases went with their keys.
    let free = json!({"AliasName": "alias/key-000001", "TargetKeyId": arns[2]});
    assert_eq!(client.kms("CreateAlias", &free).status, 200);
    let taken = json!({"AliasName": "alias/key-000002", "TargetKeyId": arns[3]});
    assert_eq!(client.kms("CreateAlias", &taken).status, 400);
}

#[test]
fn a_key_that_was_changed_has_its_new_date() {
    // The schedule of many keys must not remember what one of them no longer does.
    let (aws, arns) = many(200);
    let (deleted, saved) = (&arns[1], &arns[101]);
    aws.call("CancelKeyDeletion", json!({"KeyId": saved}))
        .unwrap();
    aws.advance_days(31);
    assert_eq!(aws.key_state(deleted), None);
    assert_eq!(aws.key_state(saved), Some(KeyState::Disabled));
}
