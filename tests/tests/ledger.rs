//! The ledgers that the tests use, held to one contract: the adapter on the embedded DynamoDB, and the fake of the
//! pipeline's own tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod port;

use std::collections::BTreeSet;
use std::rc::Rc;

use port::{claim, item, member};
use serde_json::json;
use tokio::task::{LocalSet, spawn_local};
use watch_aws::DynamoDbAdapter;
use watch_core::fakes::FakeLedger;
use watch_core::ledger::{COUNT, Claim, Item, ItemKey};
use watch_core::ports::{CallError, CallErrorKind, Ledger};
use watch_local::{LocalAws, Options};

const TABLE: &str = "ledger";

/// How many are at it at once.
const CROWD: u64 = 50;

fn table() -> (LocalAws, DynamoDbAdapter) {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.create_table(TABLE);
    let sdk = watch_aws::sdk::local(&aws.endpoint_url(), aws.region());
    let ledger = DynamoDbAdapter::new(&sdk, TABLE);
    (aws, ledger)
}

#[tokio::test]
async fn the_adapter_on_the_embedded_dynamodb_is_a_ledger() {
    let (aws, ledger) = table();
    port::conforms(&ledger).await;
    port::is_a_table(&ledger).await;
    let odd: Vec<_> = aws
        .requests()
        .into_iter()
        .filter_map(|request| request.error)
        .filter(|error| error != "ConditionalCheckFailedException")
        .collect();
    assert_eq!(odd, [""; 0]);
}

#[tokio::test]
async fn the_fake_is_a_ledger() {
    port::conforms(&FakeLedger::default()).await;
}

#[tokio::test]
async fn the_table_holds_what_aws_would() {
    let (aws, ledger) = table();
    let key = ItemKey::new("k", "count#1");
    ledger.count(&key, &member("a", 50)).await.unwrap();
    let once = item(json!({ "oa": "" }));
    ledger
        .add(&key, &["ca".to_owned()], &once, &Item::new())
        .await
        .unwrap();
    let expected = json!({
        "pk": { "S": "k" }, "sk": { "S": "count#1" }, "n": { "N": "1" }, "pa": { "N": "1" },
        "ma": { "M": { "about": { "S": "a" }, "quiet": { "BOOL": false }, "nothing": { "NULL": true } } },
        "ttl": { "N": "1795348800" }, "ca": { "N": "1" }, "oa": { "S": "" },
    });
    assert_eq!(aws.table_items(TABLE), [expected]);
}

/// A call that is made again while its answer does not come: a machine may be slow.
async fn answered<T>(call: impl AsyncFn() -> Result<T, CallError>) -> T {
    for _ in 0..20 {
        match call().await {
            Ok(answer) => return answer,
            Err(error) if error.kind() == CallErrorKind::Timeout => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no answer");
}

/// What each of a crowd of tasks gets.
async fn crowd<L: Ledger + 'static, T: 'static>(
    ledger: L,
    ask: impl AsyncFn(&L, u64) -> Result<T, CallError> + Copy + 'static,
) -> Vec<T> {
    let ledger = Rc::new(ledger);
    let tasks = async {
        let tasks: Vec<_> = (0..CROWD)
            .map(|number| {
                let ledger = Rc::clone(&ledger);
                spawn_local(async move { answered(async || ask(&ledger, number).await).await })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    };
    LocalSet::new().run_until(tasks).await
}

async fn one_of_many_wins<L: Ledger + 'static>(ledger: L) {
    let of = |number: u64| claim("KeyDeleted", &number.to_string());
    let answers = crowd(ledger, async move |ledger: &L, number| {
        ledger.claim(&of(number), None).await
    })
    .await;
    let mut winners: Vec<Claim> = Vec::new();
    let mut standing: Vec<Claim> = Vec::new();
    for (number, answer) in (0..).zip(answers) {
        match answer {
            // Refused because of itself: asked again after the answer did not come.
            Err(claim) if claim != of(number) => standing.push(claim),
            _ => winners.push(of(number)),
        }
    }
    assert_eq!(winners.len(), 1);
    assert!(standing.iter().all(|claim| *claim == winners[0]));
}

async fn all_have_a_place<L: Ledger + 'static>(ledger: L) {
    let key = || ItemKey::new("k", "count#1");
    let answers = crowd(ledger, async move |ledger: &L, number| {
        ledger
            .count(&key(), &member(&number.to_string(), CROWD))
            .await
    })
    .await;
    let place = |(number, counter): (u64, &Item)| counter[&format!("p{number}")].as_u64();
    let places: BTreeSet<_> = (0..).zip(&answers).map(place).collect();
    assert_eq!(places, (1..=CROWD).map(Some).collect());
    // Each saw all that came before it.
    for (number, counter) in (0..).zip(&answers) {
        let own = place((number, counter));
        let seen: BTreeSet<_> = counter
            .iter()
            .filter(|(name, _)| name.starts_with('p') && *name != "pk")
            .map(|(_, place)| place.as_u64())
            .filter(|place| *place <= own)
            .collect();
        assert_eq!(seen.len() as u64, own.unwrap());
    }
    let full = answers.iter().filter(|counter| counter[COUNT] == CROWD);
    assert!(full.count() >= 1);
}

#[tokio::test]
async fn of_fifty_claims_at_once_one_wins() {
    let (aws, ledger) = table();
    one_of_many_wins(ledger).await;
    assert_eq!(aws.table_items(TABLE).len(), 1);
    one_of_many_wins(FakeLedger::default()).await;
}

#[tokio::test]
async fn fifty_members_at_once_have_fifty_places() {
    let (aws, ledger) = table();
    all_have_a_place(ledger.clone()).await;
    assert_eq!(aws.table_items(TABLE)[0]["n"]["N"], "50");
    // One more finds no place.
    let counter = ledger
        .count(&ItemKey::new("k", "count#1"), &member("late", CROWD))
        .await
        .unwrap();
    assert_eq!((&counter[COUNT], counter.get("plate")), (&json!(50), None));
    all_have_a_place(FakeLedger::default()).await;
}
