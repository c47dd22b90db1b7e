//! The same calls of the DynamoDB SDK to both: expressions above all.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, DeleteRequest,
    KeySchemaElement, KeyType, Put, PutRequest, ReturnValue, ReturnValuesOnConditionCheckFailure,
    ScalarAttributeType, TimeToLiveSpecification, TransactWriteItem, WriteRequest,
};

use crate::side::Side;

const TABLE: &str = "ledger";

type Item = HashMap<String, AttributeValue>;

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

fn list(entries: &[AttributeValue]) -> AttributeValue {
    AttributeValue::L(entries.to_vec())
}

fn words(entries: &[&str]) -> AttributeValue {
    AttributeValue::Ss(entries.iter().map(|entry| (*entry).to_owned()).collect())
}

fn key(pk: &str, sk: &str) -> Item {
    Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

/// With an attribute of every kind that expressions look into.
fn item(sk: &str) -> Item {
    let tree = HashMap::from([("leaf".to_owned(), s("x")), ("twig".to_owned(), n("1"))]);
    let attributes = [
        ("title", s("abc")),
        ("amount", n("5")),
        ("mark", AttributeValue::Bool(true)),
        ("nothing", AttributeValue::Null(true)),
        ("numbers", list(&[n("1"), n("2"), n("3")])),
        ("words", words(&["a", "b"])),
        ("tree", AttributeValue::M(tree)),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    key("p", sk).into_iter().chain(attributes).collect()
}

pub(crate) async fn script(side: &mut Side) {
    let db = side.dynamodb.clone();
    tables(side, &db).await;
    conditions(side, &db).await;
    updates(side, &db).await;
    reads(side, &db).await;
    many(side, &db).await;
}

async fn tables(side: &mut Side, db: &Client) {
    let attribute = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        let definition = definition.attribute_type(ScalarAttributeType::S);
        definition.build().unwrap()
    };
    let part = |name: &str, kind: KeyType| {
        let part = KeySchemaElement::builder().attribute_name(name);
        part.key_type(kind).build().unwrap()
    };
    let create = |name: &str| {
        db.create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(part("pk", KeyType::Hash))
            .key_schema(part("sk", KeyType::Range))
            .attribute_definitions(attribute("pk"))
            .attribute_definitions(attribute("sk"))
    };
    side.step("table: create", create(TABLE).send()).await;
    side.step("table: create again", create(TABLE).send()).await;
    side.step(
        "table: create without definitions",
        create("other").set_attribute_definitions(None).send(),
    )
    .await;
    let described = db.describe_table().table_name(TABLE).send();
    side.step("table: describe", described).await;
    let unknown = db.describe_table().table_name("nobody").send();
    side.step("table: describe unknown", unknown).await;
    side.step("table: list", db.list_tables().send()).await;
    side.step("table: create with a space", create("two words").send())
        .await;
    let ttl = |name: &str, on: bool| {
        let ttl = TimeToLiveSpecification::builder().attribute_name(name);
        let call = db.update_time_to_live().table_name(TABLE);
        call.time_to_live_specification(ttl.enabled(on).build().unwrap())
            .send()
    };
    let status = || db.describe_time_to_live().table_name(TABLE).send();
    side.step("ttl: at first", status()).await;
    side.step("ttl: off when off", ttl("ttl", false)).await;
    side.step("ttl: on", ttl("ttl", true)).await;
    side.step("ttl: when on", status()).await;
    side.step("ttl: on again", ttl("ttl", true)).await;
}

/// Each on the same item, which it leaves as it was.
async fn conditions(side: &mut Side, db: &Client) {
    let put = db.put_item().table_name(TABLE).set_item(Some(item("c")));
    side.step("condition: the item", put.send()).await;
    for (expression, value) in [
        ("attribute_exists(title)", None),
        ("attribute_exists(tree.leaf)", None),
        ("attribute_exists(tree.gone)", None),
        ("attribute_exists(numbers[2])", None),
        ("attribute_exists(numbers[3])", None),
        ("attribute_not_exists(gone)", None),
        ("attribute_not_exists(pk)", None),
        ("NOT attribute_exists(title)", None),
        ("amount = :v", Some(n("5.0"))),
        ("amount <> :v", Some(n("5"))),
        ("gone <> :v", Some(n("5"))),
        ("gone = :v", Some(n("5"))),
        ("gone < :v", Some(n("5"))),
        ("amount < :v", Some(n("10"))),
        ("amount > :v", Some(n("10"))),
        ("amount >= :v", Some(s("5"))),
        ("title BETWEEN :v AND title", Some(s("aaa"))),
        ("amount BETWEEN :v AND amount", Some(n("6"))),
        ("amount IN (:v, title)", Some(n("5"))),
        ("title IN (:v)", Some(s("x"))),
        ("begins_with(title, :v)", Some(s("ab"))),
        ("begins_with(title, :v)", Some(s("b"))),
        ("begins_with(title, :v)", Some(n("1"))),
        ("contains(title, :v)", Some(s("bc"))),
        ("contains(words, :v)", Some(s("a"))),
        ("contains(numbers, :v)", Some(n("2"))),
        ("contains(numbers, :v)", Some(n("4"))),
        ("attribute_type(numbers, :v)", Some(s("L"))),
        ("attribute_type(title, :v)", Some(s("N"))),
        ("size(title) = :v", Some(n("3"))),
        ("size(words) > :v", Some(n("2"))),
        ("mark = :v", Some(AttributeValue::Bool(true))),
        ("words = :v", Some(words(&["b", "a"]))),
        (
            "attribute_exists(pk) AND amount = :v OR attribute_exists(gone)",
            Some(n("5")),
        ),
        (
            "attribute_exists(gone) AND (amount = :v OR attribute_exists(pk))",
            Some(n("5")),
        ),
        (
            "attribute_exists(pk) or not amount = :v and attribute_exists(gone)",
            Some(n("5")),
        ),
        // None of the language.
        ("amount = ", None),
        ("amount :v", Some(n("5"))),
        ("(amount = :v", Some(n("5"))),
        ("amount = :w", Some(n("5"))),
        ("amount = title", Some(n("5"))),
        ("#n = :v", Some(n("5"))),
        ("ttl = :v", Some(n("5"))),
        ("sizes(title) = :v", Some(n("5"))),
        ("amount = :v AND", Some(n("5"))),
        ("amount $ :v", Some(n("5"))),
    ] {
        let step = format!("condition: {expression}: {value:?}");
        let values = value.map(|value| HashMap::from([(":v".to_owned(), value)]));
        let call = db
            .update_item()
            .table_name(TABLE)
            .set_key(Some(key("p", "c")))
            .update_expression("REMOVE gone")
            .condition_expression(expression)
            .set_expression_attribute_values(values);
        side.step(step, call.send()).await;
    }
    let put = |sk: &str| db.put_item().table_name(TABLE).set_item(Some(key("p", sk)));
    let new = "attribute_not_exists(pk)";
    side.step("put: new", put("new").condition_expression(new).send())
        .await;
    side.step("put: again", put("new").condition_expression(new).send())
        .await;
    let shown = ReturnValuesOnConditionCheckFailure::AllOld;
    let again = put("new").condition_expression(new);
    let again = again.return_values_on_condition_check_failure(shown);
    side.step("put: again, with the old", again.send()).await;
    let over = put("new").return_values(ReturnValue::AllOld);
    side.step("put: over", over.send()).await;
}

async fn updates(side: &mut Side, db: &Client) {
    let big = s(&"x".repeat(400 * 1024));
    for (expression, value) in [
        ("SET title = :v", Some(s("new"))),
        ("SET amount = amount + :v", Some(n("0.5"))),
        ("SET amount = :v - amount", Some(n("1"))),
        (
            "SET fresh = if_not_exists(fresh, :v), title = if_not_exists(title, :v)",
            Some(n("1")),
        ),
        (
            "SET numbers = list_append(:v, numbers)",
            Some(list(&[n("0")])),
        ),
        ("SET tree.leaf = title, tree.fresh = amount", None),
        ("SET numbers[1] = :v", Some(n("8"))),
        ("SET numbers[9] = :v", Some(n("8"))),
        ("SET title = amount, amount = title", None),
        ("ADD amount :v, fresh :v", Some(n("2"))),
        ("ADD words :v", Some(words(&["b", "c"]))),
        ("DELETE words :v", Some(words(&["b", "c"]))),
        ("DELETE words :v", Some(words(&["a", "b"]))),
        ("REMOVE numbers[0], numbers[1], mark", None),
        ("REMOVE gone SET title = :v", Some(s("x"))),
        ("SET amount = :v", Some(n("12345678901234567890.123456789"))),
        // What cannot be.
        ("SET pk = :v", Some(s("x"))),
        ("SET title = :v, title = :v", Some(s("x"))),
        ("SET tree = :v, tree.leaf = :v", Some(s("x"))),
        ("SET title = title + :v", Some(n("1"))),
        ("SET fresh = gone", None),
        ("SET gone.leaf = :v", Some(s("x"))),
        ("SET title = :v SET amount = :v", Some(s("x"))),
        ("SET status = :v", Some(s("x"))),
        ("ADD title :v", Some(n("1"))),
        ("DELETE amount :v", Some(n("1"))),
        ("ADD fresh :v", Some(s("x"))),
        ("SET numbers = list_append(numbers, :v)", Some(n("1"))),
        ("SET title = :v", Some(big)),
        ("SET amount = :v", Some(n("one"))),
        ("SET words = :v", Some(words(&[]))),
        ("SET words = :v", Some(words(&["a", "a"]))),
    ] {
        let sk = format!("update {}", side.answers.len());
        let put = db.put_item().table_name(TABLE).set_item(Some(item(&sk)));
        put.send().await.unwrap();
        let shown: String = format!("{value:?}").chars().take(60).collect();
        let values = value.map(|value| HashMap::from([(":v".to_owned(), value)]));
        let call = db
            .update_item()
            .table_name(TABLE)
            .set_key(Some(key("p", &sk)))
            .update_expression(expression)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::UpdatedNew);
        side.step(format!("update: {expression}: {shown}"), call.send())
            .await;
        let read = db.get_item().table_name(TABLE).set_key(Some(key("p", &sk)));
        let step = format!("update: {expression}: {shown}, read");
        side.step(step, read.send()).await;
    }
    for (step, returned) in [
        ("none", ReturnValue::None),
        ("all old", ReturnValue::AllOld),
        ("updated old", ReturnValue::UpdatedOld),
        ("all new", ReturnValue::AllNew),
        ("updated new", ReturnValue::UpdatedNew),
    ] {
        for round in ["make", "change"] {
            let call = db
                .update_item()
                .table_name(TABLE)
                .set_key(Some(key("returns", step)))
                .update_expression("ADD turns :one")
                .expression_attribute_values(":one", n("1"))
                .return_values(returned.clone());
            side.step(format!("returns: {step}: {round}"), call.send())
                .await;
        }
    }
}

async fn reads(side: &mut Side, db: &Client) {
    let get = |sk: &str| db.get_item().table_name(TABLE).set_key(Some(key("p", sk)));
    side.step("get: whole", get("c").send()).await;
    side.step("get: nothing", get("nothing").send()).await;
    for paths in [
        "title, gone",
        "tree.leaf, numbers[2], numbers[0]",
        "tree, tree.leaf",
        "ttl",
    ] {
        let call = get("c").projection_expression(paths);
        side.step(format!("get: {paths}"), call.send()).await;
    }
    let partial = db.get_item().table_name(TABLE).key("pk", s("p"));
    side.step("get: half a key", partial.send()).await;
    let unknown = db.get_item().table_name("nobody");
    side.step(
        "get: unknown table",
        unknown.set_key(Some(key("p", "c"))).send(),
    )
    .await;

    for sk in ["10", "2", "3", "9"] {
        let put = db.put_item().table_name(TABLE).set_item(Some(key("q", sk)));
        put.item("amount", n(sk)).send().await.unwrap();
    }
    let query = |condition: &str| {
        db.query()
            .table_name(TABLE)
            .key_condition_expression(condition)
            .expression_attribute_values(":p", s("q"))
    };
    side.step("query: all", query("pk = :p").send()).await;
    let backwards = query("pk = :p").scan_index_forward(false);
    side.step("query: backwards", backwards.limit(3).send())
        .await;
    for (condition, first, second) in [
        ("sk > :a AND pk = :p", "2", None),
        ("pk = :p AND sk BETWEEN :a AND :b", "2", Some("3")),
        ("pk = :p AND begins_with(sk, :a)", "1", None),
        ("pk = :p AND sk <> :a", "1", None),
        ("pk = :p AND amount = :a", "1", None),
        ("pk > :p AND sk = :a", "1", None),
    ] {
        let mut call = query(condition).expression_attribute_values(":a", s(first));
        if let Some(second) = second {
            call = call.expression_attribute_values(":b", s(second));
        }
        side.step(format!("query: {condition}"), call.send()).await;
    }
    side.step("query: without partition", query("sk = :p").send())
        .await;
    let filtered = query("pk = :p").filter_expression("amount > :n");
    let filtered = filtered.expression_attribute_values(":n", n("3"));
    side.step("query: filtered", filtered.send()).await;
    let first = query("pk = :p").limit(4);
    side.step("query: a page as long as all", first.send())
        .await;
    let next = query("pk = :p")
        .limit(2)
        .set_exclusive_start_key(Some(key("q", "2")));
    side.step("query: from a key", next.send()).await;
    let counted = query("pk = :p").select(aws_sdk_dynamodb::types::Select::Count);
    side.step("query: count", counted.send()).await;
    let unused = query("pk = :p").expression_attribute_values(":x", s("x"));
    side.step("query: with an unused value", unused.send())
        .await;
}

async fn many(side: &mut Side, db: &Client) {
    let put = |sk: &str| {
        let put = PutRequest::builder().set_item(Some(key("b", sk)));
        WriteRequest::builder()
            .put_request(put.build().unwrap())
            .build()
    };
    let delete = DeleteRequest::builder()
        .set_key(Some(key("b", "1")))
        .build();
    let delete = WriteRequest::builder()
        .delete_request(delete.unwrap())
        .build();
    for (step, requests) in [
        ("two", vec![put("1"), put("2")]),
        ("one and one away", vec![put("3"), delete]),
        // Not the same twice: moto compares the text of items, whose order the SDK draws by lot.
        (
            "26",
            (0..26).map(|number| put(&number.to_string())).collect(),
        ),
    ] {
        let call = db.batch_write_item().request_items(TABLE, requests);
        side.step(format!("batch: {step}"), call.send()).await;
    }
    let put = |sk: &str| {
        let put = Put::builder()
            .table_name(TABLE)
            .set_item(Some(key("t", sk)))
            .condition_expression("attribute_not_exists(pk)")
            .build();
        TransactWriteItem::builder().put(put.unwrap()).build()
    };
    let check = |sk: &str| {
        let check = ConditionCheck::builder()
            .table_name(TABLE)
            .set_key(Some(key("p", sk)))
            .condition_expression("attribute_exists(pk)")
            .build();
        TransactWriteItem::builder()
            .condition_check(check.unwrap())
            .build()
    };
    for (step, items) in [
        ("good", vec![put("1"), check("c")]),
        ("one fails", vec![put("2"), put("1")]),
        ("a check fails", vec![put("3"), check("nobody")]),
        ("the same twice", vec![put("4"), put("4")]),
    ] {
        let call = db.transact_write_items().set_transact_items(Some(items));
        side.step(format!("transaction: {step}"), call.send()).await;
    }
    let left = db
        .query()
        .table_name(TABLE)
        .key_condition_expression("pk = :p")
        .expression_attribute_values(":p", s("t"));
    side.step("transaction: what is left", left.send()).await;
}
