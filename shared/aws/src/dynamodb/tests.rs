use aws_smithy_http_client::test_util::{
    NeverClient, ReplayEvent, StaticReplayClient, capture_request,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::json;
use tokio::time::Instant;
use watch_core::ports::CallErrorKind;

use super::*;

const TABLE: &str = "ledger";

fn builder() -> Builder {
    Builder::from(&sdk::local("http://127.0.0.1:1", "us-east-1"))
}

/// A table that gives these answers, one after the other, and keeps what it was asked.
fn table(answers: Vec<(u16, Value)>) -> (DynamoDbAdapter, StaticReplayClient) {
    let http = replay(answers);
    let adapter = DynamoDbAdapter::from_builder(builder().http_client(http.clone()), TABLE);
    (adapter, http)
}

/// The same, as a sweep asks it.
fn patient_table(answers: Vec<(u16, Value)>) -> (DynamoDbAdapter, StaticReplayClient) {
    let http = replay(answers);
    let adapter = DynamoDbAdapter::patient_from_builder(builder().http_client(http.clone()), TABLE);
    (adapter, http)
}

fn replay(answers: Vec<(u16, Value)>) -> StaticReplayClient {
    let event = |(status, body): (u16, Value)| {
        let mut response =
            HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()));
        let headers = response.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.0");
        ReplayEvent::new(HttpRequest::empty(), response)
    };
    StaticReplayClient::new(answers.into_iter().map(event).collect())
}

/// Operations and bodies of what was asked.
fn asked(http: &StaticReplayClient) -> Vec<(String, Value)> {
    let read = |request: &HttpRequest| {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.strip_prefix("DynamoDB_20120810.").unwrap();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        (operation.to_owned(), body)
    };
    http.actual_requests().map(read).collect()
}

fn one(operation: &str, body: Value) -> Vec<(String, Value)> {
    vec![(operation.to_owned(), body)]
}

fn error(code: &str) -> Value {
    json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
        "message": "why",
    })
}

fn refused(item: Option<Value>) -> (u16, Value) {
    let mut body = error("ConditionalCheckFailedException");
    if let Some(item) = item {
        body["Item"] = item;
    }
    (400, body)
}

fn at() -> ItemKey {
    ItemKey::new("arn:k", "profile")
}

fn item(value: Value) -> Item {
    match value {
        Value::Object(item) => item,
        other => panic!("{other}"),
    }
}

fn claim() -> Claim {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let occurred_at = "2026-11-20T10:00:00.25Z".parse().unwrap();
    let mut claim = Claim::new(
        ItemKey::new("arn:k", "claim#KeyDeleted"),
        "request-1",
        occurred_at,
        now,
    );
    claim
        .topics
        .extend(["feed".to_owned(), "people".to_owned()]);
    claim.before.push(now);
    claim
}

/// The claim as DynamoDB has it.
fn claim_item() -> Value {
    json!({
        "pk": { "S": "arn:k" },
        "sk": { "S": "claim#KeyDeleted" },
        "version": { "N": "1" },
        "state": { "S": "CLAIMED" },
        "owner": { "S": "request-1" },
        "lease": { "S": "2026-11-20T12:00:50Z" },
        "topics": { "L": [{ "S": "feed" }, { "S": "people" }] },
        "occurredAt": { "S": "2026-11-20T10:00:00.25Z" },
        "before": { "L": [{ "S": "2026-11-20T12:00:00Z" }] },
        "ttl": { "N": "1829736000" },
    })
}

fn member() -> Member {
    Member {
        hash: "0123456789abcdef".to_owned(),
        note: item(json!({ "about": "arn:k", "quiet": false })),
        capacity: 50,
        ttl: 1_795_348_800,
    }
}

fn keys(sorts: &[&str]) -> Value {
    sorts
        .iter()
        .map(|sort| json!({ "pk": { "S": "arn:k" }, "sk": { "S": sort } }))
        .collect()
}

fn put_requests(sorts: &[&str]) -> Value {
    let request = |item: &Value| json!({ "PutRequest": { "Item": item } });
    keys(sorts)
        .as_array()
        .unwrap()
        .iter()
        .map(request)
        .collect()
}

fn items(sorts: &[&str]) -> Vec<Item> {
    sorts
        .iter()
        .map(|sort| item(json!({ "pk": "arn:k", "sk": sort })))
        .collect()
}

fn throttled() -> CallError {
    CallError::new("ThrottlingException", "parts of the batch were left undone")
}

#[tokio::test]
async fn items_are_read_whole_and_strongly_consistent() {
    let found = json!({
        "pk": { "S": "arn:k" }, "sk": { "S": "profile" }, "asOf": { "S": "2026" },
        "metadata": { "M": { "value": { "M": { "state": { "S": "Enabled" } } } } },
    });
    let (ledger, http) = table(vec![(
        200,
        json!({ "Responses": { TABLE: [found] }, "UnprocessedKeys": {} }),
    )]);
    let wanted = [at(), ItemKey::new("arn:k", "policy")];
    let read = ledger.read(&wanted).await.unwrap();
    let expected = item(json!({
        "pk": "arn:k", "sk": "profile", "asOf": "2026",
        "metadata": { "value": { "state": "Enabled" } },
    }));
    assert_eq!(read, [expected]);
    let wanted = json!({ TABLE: { "ConsistentRead": true, "Keys": keys(&["profile", "policy"]) } });
    assert_eq!(
        asked(&http),
        one("BatchGetItem", json!({ "RequestItems": wanted }))
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_read() {
    for body in [
        json!({ "Responses": { TABLE: [] }, "UnprocessedKeys": {} }),
        json!({ "Responses": {} }),
        json!({}),
    ] {
        let (ledger, http) = table(vec![(200, body)]);
        assert_eq!(ledger.read(&[at()]).await, Ok(Vec::new()));
        assert_eq!(asked(&http).len(), 1);
    }
}

#[tokio::test]
async fn keys_that_were_left_are_asked_for_again() {
    let left = |sorts: &[&str]| json!({ TABLE: { "ConsistentRead": true, "Keys": keys(sorts) } });
    let (ledger, http) = table(vec![
        (
            200,
            json!({ "Responses": { TABLE: keys(&["b"]) }, "UnprocessedKeys": left(&["a", "c"]) }),
        ),
        (200, json!({ "UnprocessedKeys": left(&["a", "c"]) })),
        (
            200,
            json!({ "Responses": { TABLE: keys(&["c", "a"]) }, "UnprocessedKeys": {} }),
        ),
    ]);
    let wanted = ["a", "b", "c"].map(|sort| ItemKey::new("arn:k", sort));
    assert_eq!(ledger.read(&wanted).await, Ok(items(&["b", "c", "a"])));
    let requests = [&["a", "b", "c"][..], &["a", "c"], &["a", "c"]].map(|sorts| {
        (
            "BatchGetItem".into(),
            json!({ "RequestItems": left(sorts) }),
        )
    });
    assert_eq!(asked(&http), requests);
}

#[tokio::test]
async fn keys_that_are_left_three_times_are_given_up() {
    let left = json!({ TABLE: { "ConsistentRead": true, "Keys": keys(&["a"]) } });
    let answer = json!({ "Responses": { TABLE: [] }, "UnprocessedKeys": left });
    let (ledger, http) = table(vec![(200, answer); 6]);
    // Half an answer is none: what is missing would be taken for not there.
    assert_eq!(ledger.read(&[at()]).await, Err(throttled()));
    assert_eq!(throttled().kind(), CallErrorKind::Throttled);
    assert_eq!(asked(&http).len(), 3);

    // An answer that gets something done is not counted.
    let some = json!({ "Responses": { TABLE: keys(&["b"]) }, "UnprocessedKeys": left });
    let (ledger, http) = table(vec![(200, some); 6]);
    let wanted = ["a", "b"].map(|sort| ItemKey::new("arn:k", sort));
    assert_eq!(ledger.read(&wanted).await, Err(throttled()));
    assert_eq!(asked(&http).len(), 4);
}

#[tokio::test]
async fn a_batch_may_take_as_many_answers_as_it_has_keys() {
    let sorts: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
    let sorts: Vec<&str> = sorts.iter().map(String::as_str).collect();
    // One item to an answer, after two answers each that have none.
    let answers = (0..300).map(|answer| {
        let (done, gets_one) = (answer / 3, answer % 3 == 2);
        let found = if gets_one { &sorts[done..=done] } else { &[] };
        let rest = &sorts[done + usize::from(gets_one)..];
        let left = json!({ TABLE: { "ConsistentRead": true, "Keys": keys(rest) } });
        let left = if rest.is_empty() { json!({}) } else { left };
        let body = json!({ "Responses": { TABLE: keys(found) }, "UnprocessedKeys": left });
        (200, body)
    });
    let (ledger, http) = table(answers.collect());
    let wanted: Vec<_> = sorts
        .iter()
        .map(|sort| ItemKey::new("arn:k", *sort))
        .collect();
    assert_eq!(ledger.read(&wanted).await, Ok(items(&sorts)));
    assert_eq!(asked(&http).len(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_waits_before_it_asks_for_what_was_left() {
    let left = json!({ TABLE: { "ConsistentRead": true, "Keys": keys(&["a"]) } });
    let answer = json!({ "UnprocessedKeys": left });
    let (ledger, http) = patient_table(vec![(200, answer.clone()); 4]);
    let start = Instant::now();
    assert_eq!(ledger.read(&[at()]).await, Err(throttled()));
    assert_eq!((asked(&http).len(), start.elapsed().as_millis()), (3, 600));

    let (ledger, _) = table(vec![(200, answer); 4]);
    let start = Instant::now();
    assert_eq!(ledger.read(&[at()]).await, Err(throttled()));
    assert_eq!(start.elapsed().as_millis(), 0, "an alert does not wait");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_tries_more_often_and_waits_longer() {
    let (ledger, http) = patient_table(vec![(400, error("ThrottlingException")); 9]);
    let failed = ledger.read(&[at()]).await.unwrap_err();
    assert_eq!(failed.kind(), CallErrorKind::Throttled);
    assert_eq!(asked(&http).len(), 5);

    let http = NeverClient::new();
    let ledger = DynamoDbAdapter::patient_from_builder(builder().http_client(http.clone()), TABLE);
    let start = Instant::now();
    let failed = ledger.read(&[at()]).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 8_000);
    assert_eq!(failed.to_string(), "Timeout: no answer within 8000 ms");
    // Three attempts of 2 s, and what is left for the fourth.
    assert_eq!(http.num_calls(), 4);
}

#[tokio::test]
async fn a_read_that_fails_half_way_fails() {
    let left = json!({ TABLE: { "ConsistentRead": true, "Keys": keys(&["a"]) } });
    let (ledger, http) = table(vec![
        (200, json!({ "UnprocessedKeys": left })),
        (400, error("AccessDeniedException")),
    ]);
    let failed = ledger.read(&[at()]).await.unwrap_err();
    assert_eq!(failed.kind(), CallErrorKind::Denied);
    assert_eq!(asked(&http).len(), 2);
}

#[tokio::test]
async fn a_new_claim_is_put_where_there_is_none() {
    let (ledger, http) = table(vec![(200, json!({}))]);
    assert_eq!(ledger.claim(&claim(), None).await, Ok(Ok(())));
    let request = json!({
        "TableName": TABLE,
        "Item": claim_item(),
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": { "#key": "pk" },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(asked(&http), one("PutItem", request));
}

#[tokio::test]
async fn a_claim_is_taken_over_in_the_version_that_was_seen() {
    let (ledger, http) = table(vec![(200, json!({}))]);
    let next = Claim {
        version: 8,
        ..claim()
    };
    assert_eq!(ledger.claim(&next, Some(7)).await, Ok(Ok(())));
    let mut item = claim_item();
    item["version"]["N"] = "8".into();
    let request = json!({
        "TableName": TABLE,
        "Item": item,
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": { "#version": "version" },
        "ExpressionAttributeValues": { ":version": { "N": "7" } },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(asked(&http), one("PutItem", request));
}

#[tokio::test]
async fn a_claim_that_is_refused_is_answered_with_the_one_that_stands() {
    for previous in [None, Some(3)] {
        let mut item = claim_item();
        // What a later version of this program may add.
        item["somethingNew"] = json!({ "SS": ["x"] });
        item["version"]["N"] = "4".into();
        let (ledger, http) = table(vec![refused(Some(item))]);
        let wanted = Claim {
            owner: "request-2".to_owned(),
            ..claim()
        };
        let standing = Claim {
            version: 4,
            ..claim()
        };
        assert_eq!(ledger.claim(&wanted, previous).await, Ok(Err(standing)));
        assert_eq!(asked(&http).len(), 1, "a refusal is an answer");
    }
}

#[tokio::test]
async fn a_claim_that_nobody_can_read_is_a_failure() {
    let mut unreadable = claim_item();
    unreadable["lease"] = json!({ "N": "1795348800" });
    for item in [None, Some(json!({})), Some(unreadable)] {
        let (ledger, http) = table(vec![refused(item)]);
        let failed = ledger.claim(&claim(), Some(1)).await.unwrap_err();
        assert_eq!(
            (failed.kind(), failed.to_string()),
            (
                CallErrorKind::Other,
                "UnreadableItem: the claim cannot be read".into()
            )
        );
        assert_eq!(asked(&http).len(), 1);
    }
}

#[tokio::test]
async fn items_are_put_without_what_is_null() {
    let (ledger, http) = table(vec![(200, json!({ "UnprocessedItems": {} }))]);
    let told = item(json!({
        "pk": "arn:k", "sk": "alert#1", "owner": null, "folded": false, "ttl": 7,
        "inside": { "owner": null, "list": [null, 1.5] },
    }));
    assert_eq!(ledger.put(&[claim().item(), told]).await, Ok(()));
    let told = json!({
        "pk": { "S": "arn:k" }, "sk": { "S": "alert#1" },
        "folded": { "BOOL": false }, "ttl": { "N": "7" },
        "inside": { "M": {
            "owner": { "NULL": true },
            "list": { "L": [{ "NULL": true }, { "N": "1.5" }] },
        } },
    });
    let requests = json!({ TABLE: [
        { "PutRequest": { "Item": claim_item() } },
        { "PutRequest": { "Item": told } },
    ] });
    assert_eq!(
        asked(&http),
        one("BatchWriteItem", json!({ "RequestItems": requests }))
    );
}

#[tokio::test]
async fn items_that_were_left_are_put_again() {
    let left = |sorts: &[&str]| json!({ TABLE: put_requests(sorts) });
    let (ledger, http) = table(vec![
        (200, json!({ "UnprocessedItems": left(&["b", "c"]) })),
        (200, json!({ "UnprocessedItems": left(&["c"]) })),
        (200, json!({})),
    ]);
    assert_eq!(ledger.put(&items(&["a", "b", "c"])).await, Ok(()));
    let requests = [&["a", "b", "c"][..], &["b", "c"], &["c"]].map(|sorts| {
        (
            "BatchWriteItem".into(),
            json!({ "RequestItems": left(sorts) }),
        )
    });
    assert_eq!(asked(&http), requests);
}

#[tokio::test]
async fn items_that_are_left_three_times_are_given_up() {
    let answer = json!({ "UnprocessedItems": { TABLE: put_requests(&["a"]) } });
    for (sorts, calls) in [(&["a"][..], 3), (&["a", "b"], 4)] {
        let (ledger, http) = table(vec![(200, answer.clone()); 6]);
        assert_eq!(ledger.put(&items(sorts)).await, Err(throttled()));
        assert_eq!(asked(&http).len(), calls);
    }
}

#[tokio::test]
async fn attributes_are_set_and_those_that_are_null_removed() {
    let (ledger, http) = table(vec![(200, json!({}))]);
    let attributes = item(json!({
        "aliases": { "value": ["alias/a"] },
        "cancelledAt": null,
        "deletedAt": "2026",
        "scheduled": null,
    }));
    assert_eq!(ledger.set(&at(), &attributes).await, Ok(()));
    let request = json!({
        "TableName": TABLE,
        "Key": { "pk": { "S": "arn:k" }, "sk": { "S": "profile" } },
        "UpdateExpression": "SET #0 = :0, #2 = :2 REMOVE #1, #3",
        "ExpressionAttributeNames":
            { "#0": "aliases", "#1": "cancelledAt", "#2": "deletedAt", "#3": "scheduled" },
        "ExpressionAttributeValues": {
            ":0": { "M": { "value": { "L": [{ "S": "alias/a" }] } } },
            ":2": { "S": "2026" },
        },
    });
    assert_eq!(asked(&http), one("UpdateItem", request));
}

#[tokio::test]
async fn there_is_no_clause_for_nothing() {
    for (attributes, expression, values) in [
        (
            json!({ "status": "x" }),
            "SET #0 = :0",
            Some(json!({ ":0": { "S": "x" } })),
        ),
        (json!({ "status": null }), "REMOVE #0", None),
    ] {
        let (ledger, http) = table(vec![(200, json!({}))]);
        assert_eq!(ledger.set(&at(), &item(attributes)).await, Ok(()));
        let (_, request) = asked(&http).remove(0);
        assert_eq!(request["UpdateExpression"], expression);
        assert_eq!(request.get("ExpressionAttributeValues"), values.as_ref());
        assert_eq!(
            request["ExpressionAttributeNames"],
            json!({ "#0": "status" })
        );
        assert_eq!(request.get("ConditionExpression"), None);
    }
}

#[tokio::test]
async fn a_member_gets_its_place_from_the_table() {
    let counter = json!({
        "pk": { "S": "arn:k" }, "sk": { "S": "count#1" }, "n": { "N": "2" }, "ttl": { "N": "9" },
        "pa": { "N": "1" }, "p0123456789abcdef": { "N": "2" },
    });
    let (ledger, http) = table(vec![(200, json!({ "Attributes": counter }))]);
    let key = ItemKey::new("arn:k", "count#1");
    let expected = item(json!({
        "pk": "arn:k", "sk": "count#1", "n": 2, "ttl": 9, "pa": 1, "p0123456789abcdef": 2,
    }));
    assert_eq!(ledger.count(&key, &member()).await, Ok(expected));
    let request = json!({
        "TableName": TABLE,
        "Key": { "pk": { "S": "arn:k" }, "sk": { "S": "count#1" } },
        "UpdateExpression":
            "SET #place = if_not_exists(#count, :zero) + :one, \
             #count = if_not_exists(#count, :zero) + :one, #note = :note, #ttl = :ttl",
        "ConditionExpression":
            "attribute_not_exists(#place) AND (attribute_not_exists(#count) OR #count < :capacity)",
        "ExpressionAttributeNames": {
            "#place": "p0123456789abcdef", "#note": "m0123456789abcdef", "#count": "n", "#ttl": "ttl",
        },
        "ExpressionAttributeValues": {
            ":zero": { "N": "0" }, ":one": { "N": "1" }, ":capacity": { "N": "50" },
            ":ttl": { "N": "1795348800" },
            ":note": { "M": { "about": { "S": "arn:k" }, "quiet": { "BOOL": false } } },
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(asked(&http), one("UpdateItem", request));
}

#[tokio::test]
async fn a_member_that_is_not_taken_is_answered_with_the_counter() {
    let counter = json!({ "n": { "N": "50" }, "p0123456789abcdef": { "N": "1" } });
    for (answer, expected) in [
        (
            refused(Some(counter)),
            json!({ "n": 50, "p0123456789abcdef": 1 }),
        ),
        (refused(None), json!({})),
        ((200, json!({})), json!({})),
    ] {
        let (ledger, http) = table(vec![answer]);
        let counted = ledger.count(&at(), &member()).await;
        assert_eq!(counted, Ok(item(expected)));
        assert_eq!(asked(&http).len(), 1);
    }
}

#[tokio::test]
async fn numbers_are_added_to_and_the_rest_is_set_once_or_anew() {
    let answer = json!({ "Attributes": { "ca": { "N": "3" }, "fa": { "S": "first" } } });
    let (ledger, http) = table(vec![(200, answer)]);
    let numbers = ["ca".to_owned(), "n".to_owned()];
    let once = item(json!({ "fa": "first", "ttl": 9 }));
    let latest = item(json!({ "last": "now" }));
    let added = ledger.add(&at(), &numbers, &once, &latest).await;
    assert_eq!(added, Ok(item(json!({ "ca": 3, "fa": "first" }))));
    let request = json!({
        "TableName": TABLE,
        "Key": { "pk": { "S": "arn:k" }, "sk": { "S": "profile" } },
        "UpdateExpression":
            "SET #s0 = if_not_exists(#s0, :s0), #s1 = if_not_exists(#s1, :s1), #l0 = :l0 ADD #n0 :one, #n1 :one",
        "ExpressionAttributeNames": { "#s0": "fa", "#s1": "ttl", "#l0": "last", "#n0": "ca", "#n1": "n" },
        "ExpressionAttributeValues":
            { ":s0": { "S": "first" }, ":s1": { "N": "9" }, ":l0": { "S": "now" }, ":one": { "N": "1" } },
        "ReturnValues": "ALL_NEW",
    });
    assert_eq!(asked(&http), one("UpdateItem", request));
}

#[tokio::test]
async fn nothing_is_added_or_set_that_was_not_asked_for() {
    for (numbers, once, expression, values) in [
        (
            vec!["n".to_owned()],
            json!({}),
            "ADD #n0 :one",
            json!({ ":one": { "N": "1" } }),
        ),
        (
            vec![],
            json!({ "n": 0 }),
            "SET #s0 = if_not_exists(#s0, :s0)",
            json!({ ":s0": { "N": "0" } }),
        ),
    ] {
        let (ledger, http) = table(vec![(200, json!({}))]);
        let added = ledger.add(&at(), &numbers, &item(once), &Item::new()).await;
        assert_eq!(added, Ok(Item::new()));
        let (_, request) = asked(&http).remove(0);
        assert_eq!(request["UpdateExpression"], expression);
        assert_eq!(request["ExpressionAttributeValues"], values);
        assert_eq!(
            request["ExpressionAttributeNames"]
                .as_object()
                .unwrap()
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn types_that_are_never_written_do_no_harm() {
    let odd = json!({
        "pk": { "S": "arn:k" },
        "texts": { "SS": ["b", "a"] },
        "numbers": { "NS": ["1", "2"] },
        "bytes": { "B": "AAAA" },
        "byteses": { "BS": ["AAAA"] },
        "nothing": { "NULL": true },
        "noNumber": { "N": "one" },
        "precise": { "N": "12345678901234567890123456789012345678" },
        "inside": { "L": [{ "NS": ["1"] }, { "M": { "b": { "B": "AAAA" } } }] },
    });
    let (ledger, _) = table(vec![(200, json!({ "Responses": { TABLE: [odd] } }))]);
    let expected = item(json!({
        "pk": "arn:k",
        "texts": ["b", "a"],
        "numbers": null,
        "bytes": null,
        "byteses": null,
        "nothing": null,
        "noNumber": null,
        "precise": 1.234_567_890_123_456_8e37,
        "inside": [null, { "b": null }],
    }));
    assert_eq!(ledger.read(&[at()]).await, Ok(vec![expected]));
}

/// A text within so many lists and maps.
fn deep(levels: usize) -> Value {
    (0..levels).fold(json!("x"), |inside, level| {
        if level % 2 == 0 {
            json!({ "a": inside })
        } else {
            json!([inside])
        }
    })
}

#[test]
fn json_survives_the_table() {
    for value in [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(0.1),
        json!(-2.5e-7),
        json!(1.797_693_134_862_315_7e308),
        json!(5e-324),
        json!(f64::from(u32::MAX) * 1e30),
        json!(""),
        json!(" \t\r\n\u{0}\u{7f}\u{feff}"),
        json!("\"\\/'<>&#:$"),
        json!("Zahlungen \u{202e}👩‍👩‍👧 ﷽ e\u{301} \u{10ffff}"),
        json!("x".repeat(400_000)),
        json!([]),
        json!({}),
        json!([[], {}, "", null]),
        json!({ "": "", " ": [null], "ключ": { "n": null } }),
        json!({ "S": "not a type", "N": "1", "NULL": true, "M": {}, "L": [] }),
        json!([1, "1", 1.5, true, null, [1], { "1": 1 }]),
        // As deep as serde_json reads.
        deep(127),
    ] {
        assert_eq!(json(attribute(&value)), value);
        // At the top, what is null is not there.
        let whole = item(json!({ "value": value, "gone": null }));
        let mut expected = whole.clone();
        expected.retain(|_, value| !value.is_null());
        assert_eq!(read(write(&whole)), expected);
    }
}

#[tokio::test]
async fn json_survives_the_wire() {
    // 32 levels are DynamoDB's limit (DynamoDB Developer Guide, quotas).
    let whole = item(json!({
        "pk": "arn:k", "sk": "\u{0}\u{10ffff} \"\\", "deep": deep(31),
        "empty": ["", [], {}, null], "ключ": { "": u64::MAX }, "float": 0.1, "least": i64::MIN,
    }));
    let (ledger, http) = table(vec![(200, json!({}))]);
    ledger.put(std::slice::from_ref(&whole)).await.unwrap();
    // As AWS sends back what it has.
    let (_, request) = asked(&http).remove(0);
    let sent = &request["RequestItems"][TABLE][0]["PutRequest"]["Item"];
    let (ledger, _) = table(vec![(200, json!({ "Responses": { TABLE: [sent] } }))]);
    assert_eq!(ledger.read(&[at()]).await, Ok(vec![whole]));
}

/// What every method answers to a table that answers all the same, and how often it asked.
async fn errors(answer: (u16, Value)) -> Vec<(CallError, usize)> {
    let mut errors = Vec::new();
    for call in 0..6 {
        let (ledger, http) = table(vec![answer.clone(); 9]);
        let error = match call {
            0 => ledger.read(&[at()]).await.unwrap_err(),
            1 => ledger.claim(&claim(), None).await.unwrap_err(),
            2 => ledger.put(&items(&["a"])).await.unwrap_err(),
            3 => {
                let attributes = item(json!({ "a": 1 }));
                ledger.set(&at(), &attributes).await.unwrap_err()
            }
            4 => ledger.count(&at(), &member()).await.unwrap_err(),
            _ => {
                let once = item(json!({ "a": 1 }));
                ledger
                    .add(&at(), &[], &once, &Item::new())
                    .await
                    .unwrap_err()
            }
        };
        errors.push((error, asked(&http).len()));
    }
    errors
}

#[tokio::test(start_paused = true)]
async fn what_a_retry_cannot_mend_is_tried_once() {
    for (code, kind) in [
        ("AccessDeniedException", CallErrorKind::Denied),
        ("UnrecognizedClientException", CallErrorKind::Denied),
        ("ResourceNotFoundException", CallErrorKind::NotFound),
        ("ValidationException", CallErrorKind::Other),
        (
            "ItemCollectionSizeLimitExceededException",
            CallErrorKind::Other,
        ),
    ] {
        for (error, calls) in errors((400, error(code))).await {
            assert_eq!(
                (error.kind(), error.to_string(), calls),
                (kind, format!("{code}: why"), 1)
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_retry_may_mend_is_tried_three_times() {
    for (status, code, kind) in [
        (400, "ThrottlingException", CallErrorKind::Throttled),
        (
            400,
            "ProvisionedThroughputExceededException",
            CallErrorKind::Throttled,
        ),
        (400, "RequestLimitExceeded", CallErrorKind::Throttled),
        (500, "InternalServerError", CallErrorKind::Other),
        (503, "ServiceUnavailable", CallErrorKind::Other),
    ] {
        for (error, calls) in errors((status, error(code))).await {
            assert_eq!(
                (error.kind(), error.to_string(), calls),
                (kind, format!("{code}: why"), 3)
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_dynamodb_s_says_so() {
    for (error, calls) in errors((503, json!("busy"))).await {
        assert_eq!((error.code().as_str(), calls), ("HTTP 503", 3));
    }
    for (error, calls) in errors((200, json!("<html>log in</html>"))).await {
        assert_eq!((error.code().as_str(), calls), ("UnreadableResponse", 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_succeeds_after_being_throttled_is_a_success() {
    let (ledger, http) = table(vec![
        (400, error("ProvisionedThroughputExceededException")),
        (500, error("InternalServerError")),
        (200, json!({})),
    ]);
    assert_eq!(ledger.claim(&claim(), None).await, Ok(Ok(())));
    let requests = asked(&http);
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_taken_unheard_is_refused_with_itself() {
    // The answer to the first attempt was lost.
    let (ledger, _) = table(vec![
        (500, error("InternalServerError")),
        refused(Some(claim_item())),
    ]);
    assert_eq!(ledger.claim(&claim(), None).await, Ok(Err(claim())));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_answer_ends_in_time() {
    let http = NeverClient::new();
    let ledger = DynamoDbAdapter::from_builder(builder().http_client(http.clone()), TABLE);
    for call in 0..6 {
        let start = Instant::now();
        let error = match call {
            0 => ledger.read(&[at()]).await.unwrap_err(),
            1 => ledger.claim(&claim(), Some(1)).await.unwrap_err(),
            2 => ledger.put(&items(&["a"])).await.unwrap_err(),
            3 => {
                let attributes = item(json!({ "a": 1 }));
                ledger.set(&at(), &attributes).await.unwrap_err()
            }
            4 => ledger.count(&at(), &member()).await.unwrap_err(),
            _ => ledger
                .add(&at(), &[], &item(json!({ "a": 1 })), &Item::new())
                .await
                .unwrap_err(),
        };
        // Two attempts of 300 ms, pauses of at most 25 and 50 ms, and what is left for the third.
        assert_eq!(start.elapsed().as_millis(), 800);
        assert_eq!(
            (error.kind(), error.to_string()),
            (
                CallErrorKind::Timeout,
                "Timeout: no answer within 800 ms".into()
            )
        );
    }
    assert_eq!(http.num_calls(), 18);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_opened_by_one_call_that_finds_nothing() {
    let (ledger, http) = table(vec![(200, json!({ "Responses": { TABLE: [] } }))]);
    assert_eq!(ledger.touch().await, Ok(()));
    let key = json!({ "pk": { "S": "account#warm" }, "sk": { "S": "warm" } });
    let asked_for = json!({ TABLE: { "ConsistentRead": true, "Keys": [key] } });
    assert_eq!(
        asked(&http),
        one("BatchGetItem", json!({ "RequestItems": asked_for }))
    );

    let (ledger, http) = table(vec![(500, error("InternalServerError")); 3]);
    assert_eq!(
        ledger.touch().await.unwrap_err().code().as_str(),
        "InternalServerError"
    );
    assert_eq!(asked(&http).len(), 1);
}

#[tokio::test]
async fn the_table_is_asked_for_in_the_functions_region() {
    for (region, host) in [
        ("us-east-1", "dynamodb.us-east-1.amazonaws.com"),
        ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn"),
    ] {
        let (http_client, request) = capture_request(None);
        let mut config = Builder::from(&sdk::local("http://127.0.0.1:1", region));
        config.set_endpoint_url(None);
        let ledger = DynamoDbAdapter::from_builder(config.http_client(http_client), TABLE);
        let _ = ledger.read(&[at()]).await;
        let request = request.expect_request();
        assert_eq!(request.uri(), format!("https://{host}/"));
        let authorization = request.headers().get("authorization").unwrap();
        assert!(
            authorization.contains(&format!("/{region}/dynamodb/aws4_request")),
            "{authorization}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_says_so() {
    // Nobody listens on the first port, and the system gives it to nobody.
    let ledger = DynamoDbAdapter::new(&sdk::local("http://127.0.0.1:1", "us-east-1"), TABLE);
    let error = ledger.claim(&claim(), None).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("DispatchFailure: Connection refused"),
        "{error}"
    );
}

#[test]
fn calls_are_small_while_they_wait() {
    // The pipeline has several of them on its stack at once.
    let (ledger, _) = table(vec![]);
    let (at, claim, member, item) = (at(), claim(), member(), Item::new());
    let keys = std::slice::from_ref(&at);
    let sizes = [
        size_of_val(&ledger.read(keys)),
        size_of_val(&ledger.claim(&claim, None)),
        size_of_val(&ledger.put(std::slice::from_ref(&item))),
        size_of_val(&ledger.set(&at, &item)),
        size_of_val(&ledger.count(&at, &member)),
        size_of_val(&ledger.add(&at, &[], &item, &item)),
    ];
    assert!(sizes.iter().all(|size| *size < 1_024), "{sizes:?}");
}
