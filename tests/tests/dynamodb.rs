//! The simulator's DynamoDB as the real SDK sees it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, PutRequest,
    ReturnValue, ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus, TransactWriteItem,
    Update, WriteRequest,
};
use serde_json::json;
use watch_local::{LocalAws, Options};

const TABLE: &str = "ledger";

fn start() -> (LocalAws, Client) {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.create_table(TABLE);
    let client = client(&aws, RetryConfig::disabled());
    (aws, client)
}

fn client(aws: &LocalAws, retries: RetryConfig) -> Client {
    let config = watch_aws::sdk::local(&aws.endpoint_url(), aws.region())
        .into_builder()
        .retry_config(retries)
        .build();
    Client::new(&config)
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

fn code<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> String {
    let error = result.map(|_| ()).unwrap_err();
    error.code().unwrap_or("no code").to_owned()
}

#[tokio::test]
async fn a_conditional_put_makes_an_item_once() {
    let (aws, client) = start();
    let put = |owner: &str| {
        client
            .put_item()
            .table_name(TABLE)
            .set_item(Some(key("event#1", "claim")))
            .item("owner", s(owner))
            .condition_expression("attribute_not_exists(pk)")
            .send()
    };
    put("first").await.unwrap();
    let error = put("second").await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
    let read = client
        .get_item()
        .table_name(TABLE)
        .set_key(Some(key("event#1", "claim")))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    assert_eq!(read.item.unwrap()["owner"], s("first"));
    assert_eq!(
        aws.table_items(TABLE),
        [json!({"pk": {"S": "event#1"}, "sk": {"S": "claim"}, "owner": {"S": "first"}})]
    );
    let errors: Vec<_> = aws
        .requests()
        .into_iter()
        .map(|r| (r.service, r.operation, r.error))
        .collect();
    let failed = Some("ConditionalCheckFailedException".to_owned());
    assert_eq!(
        errors,
        [
            ("dynamodb", "PutItem".to_owned(), None),
            ("dynamodb", "PutItem".to_owned(), failed),
            ("dynamodb", "GetItem".to_owned(), None),
        ]
    );
}

#[tokio::test]
async fn of_fifty_claims_at_once_one_wins() {
    let (_aws, client) = start();
    let claims: Vec<_> = (0..50)
        .map(|number| {
            let claim = client
                .put_item()
                .table_name(TABLE)
                .set_item(Some(key("event#1", "claim")))
                .item("owner", n(number))
                .condition_expression("attribute_not_exists(pk)")
                .send();
            tokio::spawn(claim)
        })
        .collect();
    let (mut won, mut lost) = (Vec::new(), 0);
    for (number, claim) in (0..).zip(claims) {
        match claim.await.unwrap() {
            Ok(_) => won.push(number),
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_conditional_check_failed_exception(), "{error:?}");
                lost += 1;
            }
        }
    }
    assert_eq!((won.len(), lost), (1, 49));
    let read = client.get_item().table_name(TABLE);
    let read = read.set_key(Some(key("event#1", "claim")));
    let item = read.send().await.unwrap().item.unwrap();
    assert_eq!(item["owner"], n(won[0]));
}

#[tokio::test]
async fn a_conditional_update_takes_over_what_is_free_or_expired() {
    let (_aws, client) = start();
    let take = |owner: &'static str, now: i64| {
        client
            .update_item()
            .table_name(TABLE)
            .set_key(Some(key("lease", "1")))
            .update_expression("SET #owner = :owner, #until = :until ADD turns :one")
            .condition_expression("attribute_not_exists(#owner) OR #until <= :now")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":owner", s(owner))
            .expression_attribute_values(":until", n(now + 60))
            .expression_attribute_values(":now", n(now))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .send()
    };
    let taken = take("a", 100).await.unwrap().attributes.unwrap();
    assert_eq!((&taken["owner"], &taken["turns"]), (&s("a"), &n(1)));
    assert_eq!(
        code(take("b", 159).await),
        "ConditionalCheckFailedException"
    );
    let taken = take("b", 160).await.unwrap().attributes.unwrap();
    assert_eq!((&taken["owner"], &taken["turns"]), (&s("b"), &n(2)));
    assert_eq!(taken["until"], n(220));
}

#[tokio::test]
async fn a_query_reads_a_partition_in_order_page_by_page() {
    let (_aws, client) = start();
    for (pk, sk) in [
        ("k", "3"),
        ("k", "1"),
        ("other", "0"),
        ("k", "2"),
        ("k", "x"),
    ] {
        let put = client.put_item().table_name(TABLE);
        put.set_item(Some(key(pk, sk))).send().await.unwrap();
    }
    let query = || {
        client
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :pk AND sk < :end")
            .expression_attribute_values(":pk", s("k"))
            .expression_attribute_values(":end", s("x"))
    };
    let sorts = |items: &[HashMap<String, AttributeValue>]| -> Vec<String> {
        let sorts = items.iter().map(|item| item["sk"].as_s().unwrap().clone());
        sorts.collect()
    };
    let all = query().send().await.unwrap();
    assert_eq!(sorts(all.items()), ["1", "2", "3"]);
    assert_eq!(all.last_evaluated_key(), None);
    let newest = query().scan_index_forward(false).limit(1).send().await;
    assert_eq!(sorts(newest.unwrap().items()), ["3"]);
    let mut pages = query().limit(2).into_paginator().send();
    let mut lengths = Vec::new();
    while let Some(page) = pages.next().await {
        lengths.push(page.unwrap().items().len());
    }
    assert_eq!(lengths, [2, 1]);
}

#[tokio::test]
async fn a_transaction_that_is_cancelled_says_why() {
    let (aws, client) = start();
    let put = |sk: &str| {
        let put = Put::builder()
            .table_name(TABLE)
            .set_item(Some(key("t", sk)))
            .condition_expression("attribute_not_exists(pk)")
            .build();
        TransactWriteItem::builder().put(put.unwrap()).build()
    };
    let count = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key("t", "count")))
        .update_expression("ADD entries :one")
        .expression_attribute_values(":one", n(1))
        .build()
        .unwrap();
    let count = || {
        let update = count.clone();
        TransactWriteItem::builder().update(update).build()
    };
    let write = |items| {
        let call = client.transact_write_items();
        call.set_transact_items(Some(items)).send()
    };
    write(vec![put("1"), count()]).await.unwrap();
    let cancelled = write(vec![put("2"), count(), put("1")]).await;
    let error = cancelled.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error:?}");
    };
    let reasons = cancelled.cancellation_reasons().iter();
    let codes: Vec<_> = reasons.filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["None", "None", "ConditionalCheckFailed"]);
    let sorts: Vec<_> = aws
        .table_items(TABLE)
        .iter()
        .map(|item| item["sk"]["S"].clone())
        .collect();
    assert_eq!(sorts, ["1", "count"], "all or nothing");
}

#[tokio::test]
async fn a_table_is_made_and_its_items_expire() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let client = client(&aws, RetryConfig::disabled());
    let attribute = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        let definition = definition.attribute_type(ScalarAttributeType::S);
        definition.build().unwrap()
    };
    let part = |name: &str, kind: KeyType| {
        let part = KeySchemaElement::builder().attribute_name(name);
        part.key_type(kind).build().unwrap()
    };
    let create = || {
        client
            .create_table()
            .table_name(TABLE)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(part("pk", KeyType::Hash))
            .key_schema(part("sk", KeyType::Range))
            .attribute_definitions(attribute("pk"))
            .attribute_definitions(attribute("sk"))
            .send()
    };
    create().await.unwrap();
    assert_eq!(code(create().await), "ResourceInUseException");
    let ttl = TimeToLiveSpecification::builder().attribute_name("ends");
    let ttl = ttl.enabled(true).build().unwrap();
    let call = client.update_time_to_live().table_name(TABLE);
    call.time_to_live_specification(ttl).send().await.unwrap();
    let described = client.describe_time_to_live().table_name(TABLE);
    let described = described.send().await.unwrap().time_to_live_description;
    let described = described.unwrap();
    assert_eq!(
        described.time_to_live_status(),
        Some(&TimeToLiveStatus::Enabled)
    );
    assert_eq!(described.attribute_name(), Some("ends"));

    let put = client.put_item().table_name(TABLE);
    let put = put.set_item(Some(key("k", "1")));
    let end = aws.now().as_second() + 86_400;
    put.item("ends", n(end)).send().await.unwrap();
    aws.advance_days(2);
    assert_eq!(aws.table_items(TABLE).len(), 1, "expired, not yet deleted");
    aws.advance_days(1);
    let read = client.get_item().table_name(TABLE);
    let read = read.set_key(Some(key("k", "1"))).send().await.unwrap();
    assert_eq!(read.item, None);
}

#[tokio::test]
async fn faults_have_the_shapes_of_dynamodb() {
    let (aws, client) = start();
    let read = |client: &Client| {
        let call = client.get_item().table_name(TABLE);
        call.set_key(Some(key("k", "1"))).send()
    };
    let faults = || aws.faults();
    faults().deny("GetItem");
    let error = read(&client).await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    let message = error.message().unwrap();
    assert!(
        message.contains(
            "dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:111122223333:table/ledger"
        ),
        "{message}"
    );
    faults().clear();
    faults().throttle("dynamodb:*", 1);
    let error = read(&client).await.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception());
    faults().fail("GetItem", 1);
    let error = read(&client).await.unwrap_err().into_service_error();
    assert!(error.is_internal_server_error(), "{error:?}");
    faults().reset("GetItem", 1);
    let error = read(&client).await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    faults().slow("GetItem", Duration::from_millis(200));
    let started = Instant::now();
    read(&client).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(200));
    faults().clear();

    // On a table of another name there is no fault; what passes is waited out by the SDK.
    faults().on("other").deny("GetItem");
    read(&client).await.unwrap();
    faults().on(TABLE).throttle("GetItem", 1);
    let patient = self::client(&aws, RetryConfig::standard());
    read(&patient).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let (_aws, client) = start();
    let get = client.get_item().table_name("nobody");
    let get = get.set_key(Some(key("k", "1"))).send().await;
    assert_eq!(code(get), "ResourceNotFoundException");
    let query = client.query().table_name(TABLE).index_name("by-owner");
    assert_eq!(code(query.send().await), "ValidationException");
    let expired = client.describe_limits().send().await;
    assert_eq!(code(expired), "UnknownOperationException");
}

/// DynamoDB API Reference, BatchWriteItem: "more than one operation on the same item".
#[tokio::test]
async fn a_batch_with_one_item_twice_is_refused_whole() {
    let (aws, db) = start();
    let put = |sk: &str| {
        let put = PutRequest::builder().set_item(Some(key("b", sk))).build();
        WriteRequest::builder().put_request(put.unwrap()).build()
    };
    let write = async |requests| {
        db.batch_write_item()
            .request_items(TABLE, requests)
            .send()
            .await
    };
    assert_eq!(
        code(write(vec![put("1"), put("1")]).await),
        "ValidationException"
    );
    assert_eq!(aws.table_items(TABLE).len(), 0);
    write(vec![put("1"), put("2")]).await.unwrap();
    assert_eq!(aws.table_items(TABLE).len(), 2);
}
