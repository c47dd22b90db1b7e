//! What a ledger owes those who ask it, whatever stands behind it.

use serde_json::{Value, json};
use watch_core::ledger::{COUNT, Claim, Item, ItemKey, Member};
use watch_core::ports::Ledger;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

pub(crate) fn item(value: Value) -> Item {
    match value {
        Value::Object(item) => item,
        other => panic!("{other}"),
    }
}

pub(crate) fn claim(identity: &str, owner: &str) -> Claim {
    Claim::new(
        ItemKey::new(KEY, format!("claim#{identity}")),
        owner,
        "2026-11-20T10:00:00.25Z".parse().unwrap(),
        "2026-11-20T12:00:00Z".parse().unwrap(),
    )
}

pub(crate) fn member(name: &str, capacity: u64) -> Member {
    Member {
        hash: name.to_owned(),
        note: item(json!({ "about": name, "quiet": false, "nothing": null })),
        capacity,
        ttl: 1_795_348_800,
    }
}

/// The items, in the order of their names.
async fn read(ledger: &impl Ledger, keys: &[ItemKey]) -> Vec<Item> {
    let mut items = ledger.read(keys).await.unwrap();
    items.sort_by_cached_key(|item| item["sk"].to_string());
    items
}

async fn only(ledger: &impl Ledger, key: &ItemKey) -> Value {
    let mut items = read(ledger, std::slice::from_ref(key)).await;
    assert_eq!(items.len(), 1, "{key:?}: {items:?}");
    Value::Object(items.remove(0))
}

/// One call after the other.
pub(crate) async fn conforms(ledger: &impl Ledger) {
    claims(ledger).await;
    items(ledger).await;
    attributes(ledger).await;
    counters(ledger).await;
    numbers(ledger).await;
    values(ledger).await;
}

async fn claims(ledger: &impl Ledger) {
    let first = claim("KeyDeleted", "first");
    let found = read(ledger, std::slice::from_ref(&first.key)).await;
    assert_eq!(found, Vec::<Item>::new());
    assert_eq!(ledger.claim(&first, None).await, Ok(Ok(())));
    assert_eq!(only(ledger, &first.key).await, Value::from(first.item()));

    // Nobody gets it twice, nor does its owner, nor somebody who has seen another version.
    let second = claim("KeyDeleted", "second");
    let standing = Ok(Err(first.clone()));
    assert_eq!(ledger.claim(&second, None).await, standing);
    assert_eq!(ledger.claim(&first, None).await, standing);
    assert_eq!(ledger.claim(&second, Some(2)).await, standing);
    assert_eq!(only(ledger, &first.key).await, Value::from(first.item()));

    let taken = Claim {
        version: 2,
        ..second
    };
    assert_eq!(ledger.claim(&taken, Some(1)).await, Ok(Ok(())));
    let late = first.clone().delivered(["people".to_owned()].into());
    assert_eq!((late.version, late.owner.as_str()), (2, "first"));
    assert_eq!(
        ledger.claim(&late, Some(1)).await,
        Ok(Err(taken.clone())),
        "a stale version is refused"
    );
    let told = taken.delivered(["feed".to_owned(), "people".to_owned()].into());
    assert_eq!(ledger.claim(&told, Some(2)).await, Ok(Ok(())));
    assert_eq!(only(ledger, &told.key).await, Value::from(told.item()));

    // Another subject, and another identity.
    let mut elsewhere = claim("KeyDeleted", "first");
    elsewhere.key.partition.push('0');
    assert_eq!(ledger.claim(&elsewhere, None).await, Ok(Ok(())));
    let other = claim("KeyDeletion", "first");
    assert_eq!(ledger.claim(&other, None).await, Ok(Ok(())));
    let keys = [&other.key, &elsewhere.key, &told.key].map(Clone::clone);
    assert_eq!(read(ledger, &keys).await.len(), 3);

    // What its holder puts over it, whatever stands there.
    let put = told.delivered(["chat".to_owned()].into());
    assert_eq!(ledger.put(&[put.item()]).await, Ok(()));
    assert_eq!(ledger.claim(&first, None).await, Ok(Err(put)));
}

async fn items(ledger: &impl Ledger) {
    let key = |number: usize| ItemKey::new(KEY, format!("alert#{number:02}"));
    let of = |number: usize| {
        let sort = key(number).sort;
        item(json!({ "pk": KEY, "sk": sort, "number": number, "owner": null, "title": "" }))
    };
    let all: Vec<Item> = (0..25).map(of).collect();
    assert_eq!(ledger.put(&all).await, Ok(()));
    // Also those that are not there: the limit of a read.
    let keys: Vec<ItemKey> = (0..100).map(key).collect();
    let found = read(ledger, &keys).await;
    let expected: Vec<Item> = all
        .into_iter()
        .map(|mut item| {
            item.remove("owner");
            item
        })
        .collect();
    assert_eq!(found, expected, "what is null is not there");

    let over = item(json!({ "pk": KEY, "sk": "alert#03", "title": "x" }));
    assert_eq!(ledger.put(std::slice::from_ref(&over)).await, Ok(()));
    assert_eq!(only(ledger, &key(3)).await, Value::from(over));
}

async fn attributes(ledger: &impl Ledger) {
    let key = ItemKey::new(KEY, "profile");
    // Names that are words of DynamoDB's language, or look like it.
    let names = item(json!({
        "status": "Enabled", "owner": "team-pay", "name": "n", "ttl": 1, "n": 2, "a.b": 3,
        "two words": 4, "#0": 5, ":0": 6, "size(x)": 7, "ключ": 8,
    }));
    assert_eq!(ledger.set(&key, &names).await, Ok(()));
    let mut expected = item(json!({ "pk": KEY, "sk": "profile" }));
    expected.extend(names);
    assert_eq!(only(ledger, &key).await, Value::from(expected.clone()));

    let change = item(json!({
        "status": null, "owner": { "value": null, "asOf": "2026" }, "never": null, "a.b": null,
        "fresh": [],
    }));
    assert_eq!(ledger.set(&key, &change).await, Ok(()));
    expected.extend(change);
    expected.retain(|_, value| !value.is_null());
    assert_eq!(only(ledger, &key).await, Value::from(expected.clone()));

    let removed = item(json!({ "owner": null, "fresh": null }));
    assert_eq!(ledger.set(&key, &removed).await, Ok(()));
    expected.retain(|name, _| !removed.contains_key(name));
    assert_eq!(only(ledger, &key).await, Value::from(expected));
}

/// A counter without the time at which it may be deleted.
fn counted(mut counter: Item) -> Value {
    counter.remove("ttl");
    Value::Object(counter)
}

async fn counters(ledger: &impl Ledger) {
    let key = ItemKey::new(KEY, "count#burst");
    let note = |name: &str| json!({ "about": name, "quiet": false, "nothing": null });
    let mut expected = json!({ "pk": KEY, "sk": "count#burst" });
    for (place, name) in [(1, "a"), (2, "b"), (3, "c")] {
        let counter = ledger.count(&key, &member(name, 3)).await.unwrap();
        expected[COUNT] = place.into();
        expected[format!("p{name}")] = place.into();
        expected[format!("m{name}")] = note(name);
        assert_eq!(counted(counter), expected);
        // Told again, in other words.
        let mut again = member(name, 3);
        again.note = item(json!({ "about": "another" }));
        let counter = ledger.count(&key, &again).await.unwrap();
        assert_eq!(counted(counter), expected, "{name} again");
    }
    // It is full: a new one is not taken, an old one keeps its place.
    for name in ["d", "a", "c"] {
        let counter = ledger.count(&key, &member(name, 3)).await.unwrap();
        assert_eq!(counted(counter), expected, "{name} when full");
    }
    // The number goes on without members.
    let number = [COUNT.to_owned()];
    let counter = ledger
        .add(&key, &number, &Item::new(), &Item::new())
        .await
        .unwrap();
    expected[COUNT] = 4.into();
    assert_eq!(counted(counter), expected);
    let counter = ledger.count(&key, &member("e", 3)).await.unwrap();
    assert_eq!(counted(counter), expected);
    // A note may be changed, and its member is still in.
    let quiet = item(json!({ "mb": { "about": "b", "quiet": true } }));
    assert_eq!(ledger.set(&key, &quiet).await, Ok(()));
    expected["mb"] = json!({ "about": "b", "quiet": true });
    let counter = ledger.count(&key, &member("b", 3)).await.unwrap();
    assert_eq!(counted(counter), expected);
}

async fn numbers(ledger: &impl Ledger) {
    let key = ItemKey::new(KEY, "count#burst#owners");
    let once = |id: &str, ttl: u64| item(json!({ "fa": id, "oa": "", "ttl": ttl }));
    let numbers =
        |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let mut expected = json!({
        "pk": KEY, "sk": "count#burst#owners", "ca": 1, "fa": "first", "oa": "", "ttl": 9,
    });
    let added = ledger
        .add(&key, &numbers(&["ca"]), &once("first", 9), &Item::new())
        .await;
    assert_eq!(added, Ok(item(expected.clone())));
    let added = ledger
        .add(&key, &numbers(&["ca"]), &once("next", 10), &Item::new())
        .await;
    expected["ca"] = 2.into();
    assert_eq!(added, Ok(item(expected.clone())), "the first stays");
    let both = numbers(&["ca", "cb"]);
    let added = ledger.add(&key, &both, &Item::new(), &Item::new()).await;
    expected["ca"] = 3.into();
    expected["cb"] = 1.into();
    assert_eq!(added, Ok(item(expected.clone())));
    let mut other = once("other", 11);
    other.insert("fb".to_owned(), "other".into());
    expected["fb"] = "other".into();
    assert_eq!(
        ledger.add(&key, &[], &other, &Item::new()).await,
        Ok(item(expected.clone()))
    );
    assert_eq!(only(ledger, &key).await, expected);
}

async fn values(ledger: &impl Ledger) {
    // An item and 31 levels in it.
    let deep = (0..15).fold(json!("x"), |inside, _| json!([{ "a": inside }]));
    let whole = item(json!({
        "pk": KEY, "sk": "\u{1}\u{10ffff} \"\\",
        "yes": true, "no": false, "text": "", "list": [], "map": {},
        "mixed": [null, [], {}, "", 0, -1, { " ": null }],
        "ключ": "Zahlungen \u{202e}👩‍👩‍👧 ﷽ e\u{301} \u{10ffff} \u{0}\t\r\n",
        "types": { "S": "not a type", "N": "1", "NULL": true, "M": {}, "L": [] },
        "most": u64::MAX, "least": i64::MIN, "zero": 0, "part": 0.1, "small": -2.5e-7,
        "great": 1.797_693_134_862_315_7e125,
        "deep": deep,
        "long": "ﷺ".repeat(100_000),
    }));
    assert_eq!(ledger.put(std::slice::from_ref(&whole)).await, Ok(()));
    let key = ItemKey::new(KEY, "\u{1}\u{10ffff} \"\\");
    let expected = Value::from(whole.clone());
    assert_eq!(only(ledger, &key).await, expected);

    // And by the other way to write.
    let mut attributes = whole;
    attributes.retain(|name, _| name != "pk" && name != "sk");
    let key = ItemKey::new(KEY, "set");
    assert_eq!(ledger.set(&key, &attributes).await, Ok(()));
    let mut read = only(ledger, &key).await;
    read["sk"] = expected["sk"].clone();
    assert_eq!(read, expected);
}

/// What only a table does.
pub(crate) async fn is_a_table(ledger: &impl Ledger) {
    let counter = ItemKey::new(KEY, "count#table");
    let mut late = member("b", 2);
    late.ttl += 60;
    for (member, ttl) in [
        (member("a", 2), 1_795_348_800_u64),
        (late, 1_795_348_860),
        // Not taken, so nothing is written.
        (member("c", 2), 1_795_348_860),
    ] {
        let counter = ledger.count(&counter, &member).await.unwrap();
        assert_eq!(counter["ttl"], ttl, "{member:?}");
    }
    // Deleted when its time had come, while somebody was about to take it over.
    let gone = ledger.claim(&claim("gone", "late"), Some(1)).await;
    assert_eq!(gone.unwrap_err().code().as_str(), "UnreadableItem");
    // Something else under its name.
    let strange = claim("strange", "first");
    let mut item = strange.item();
    item.insert("lease".to_owned(), 7.into());
    assert_eq!(ledger.put(&[item]).await, Ok(()));
    let refused = ledger.claim(&strange, None).await;
    assert_eq!(refused.unwrap_err().code().as_str(), "UnreadableItem");
}
