use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

fn request<'a>(operation: &'a str, body: &'a Value, now: i64) -> Request<'a> {
    Request {
        operation,
        region: "us-east-1",
        account: "111122223333",
        now: Timestamp::from_second(now).unwrap(),
        body,
        id: "id",
    }
}

/// With a table `ledger` and one item.
struct Db(DynamoDb, i64);

impl Db {
    fn new() -> Self {
        let mut db = DynamoDb::default();
        let now = 1_800_000_000;
        let at = Timestamp::from_second(now).unwrap();
        db.create_table("ledger", "us-east-1", "111122223333", "id", at);
        let mut db = Self(db, now);
        let item = json!({
            "pk": {"S": "p"}, "sk": {"S": "s"},
            "title": {"S": "abc"}, "amount": {"N": "5"}, "mark": {"BOOL": true}, "nothing": {"NULL": true},
            "numbers": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
            "words": {"SS": ["a", "b"]},
            "tree": {"M": {"leaf": {"S": "x"}, "twig": {"N": "1"}}},
        });
        db.ok("PutItem", json!({"Item": item}));
        db
    }

    fn call(&mut self, operation: &str, mut body: Value) -> Result<Value, Error> {
        if !operation.starts_with("Batch") && !operation.starts_with("Transact") {
            body["TableName"] = "ledger".into();
        }
        self.0.call(request(operation, &body, self.1))
    }

    fn ok(&mut self, operation: &str, body: Value) -> Value {
        self.call(operation, body).unwrap()
    }

    fn code(&mut self, operation: &str, body: Value) -> &'static str {
        self.call(operation, body).unwrap_err().code
    }

    /// The item, if the condition holds.
    fn holds(&mut self, expression: &str, values: Value) -> Result<bool, Error> {
        let mut body = json!({
            "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}},
            "ConditionExpression": expression,
            "UpdateExpression": "REMOVE untouched",
        });
        if values != json!({}) {
            body["ExpressionAttributeValues"] = values;
        }
        match self.call("UpdateItem", body) {
            Ok(_) => Ok(true),
            Err(error) if error.code == "ConditionalCheckFailedException" => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn update(&mut self, expression: &str, values: Value) -> Result<Value, Error> {
        let mut body = json!({
            "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}},
            "UpdateExpression": expression,
            "ReturnValues": "UPDATED_NEW",
        });
        if values != json!({}) {
            body["ExpressionAttributeValues"] = values;
        }
        Ok(self.call("UpdateItem", body)?["Attributes"].take())
    }
}

#[test]
fn conditions_hold_or_do_not() {
    let mut db = Db::new();
    let n = |text: &str| json!({":v": {"N": text}});
    let s = |text: &str| json!({":v": {"S": text}});
    let none = || json!({});
    for (expression, values, holds) in [
        ("attribute_exists(title)", none(), true),
        ("attribute_exists(tree.leaf)", none(), true),
        ("attribute_exists(tree.gone)", none(), false),
        ("attribute_exists(numbers[2])", none(), true),
        ("attribute_exists(numbers[3])", none(), false),
        ("attribute_not_exists(gone)", none(), true),
        ("attribute_not_exists(pk)", none(), false),
        ("NOT attribute_exists(title)", none(), false),
        ("amount = :v", n("5.0"), true),
        ("amount <> :v", n("5"), false),
        ("gone <> :v", n("5"), true),
        ("gone = :v", n("5"), false),
        ("gone < :v", n("5"), false),
        ("amount < :v", n("10"), true),
        ("amount > :v", n("10"), false),
        ("amount >= :v", s("5"), false),
        ("title < :v", s("abd"), true),
        ("title BETWEEN :v AND title", s("aaa"), true),
        ("amount BETWEEN :v AND amount", n("6"), false),
        ("amount IN (:v, title)", n("5"), true),
        ("title IN (:v)", s("x"), false),
        ("begins_with(title, :v)", s("ab"), true),
        ("begins_with(title, :v)", s("b"), false),
        ("contains(title, :v)", s("bc"), true),
        ("contains(words, :v)", s("a"), true),
        ("contains(numbers, :v)", n("2"), true),
        ("contains(numbers, :v)", n("4"), false),
        ("attribute_type(numbers, :v)", s("L"), true),
        ("attribute_type(title, :v)", s("N"), false),
        ("size(title) = :v", n("3"), true),
        ("size(words) > :v", n("2"), false),
        ("size(amount) = :v", n("1"), false),
        ("mark = :v", json!({":v": {"BOOL": true}}), true),
        (
            "attribute_exists(pk) AND amount = :v OR attribute_exists(gone)",
            n("5"),
            true,
        ),
        (
            "attribute_exists(gone) AND (amount = :v OR attribute_exists(pk))",
            n("5"),
            false,
        ),
        (
            "attribute_exists(pk) or not amount = :v and attribute_exists(gone)",
            n("5"),
            true,
        ),
    ] {
        assert_eq!(
            db.holds(expression, values.clone()),
            Ok(holds),
            "{expression} {values}"
        );
    }
}

#[test]
fn expressions_that_are_none_are_refused() {
    let mut db = Db::new();
    let v = || json!({":v": {"N": "5"}});
    for (expression, values) in [
        ("amount = ", json!({})),
        ("amount :v", v()),
        ("amount = :v)", v()),
        ("(amount = :v", v()),
        ("amount = :w", v()),
        ("amount = title", v()),
        ("#n = :v", v()),
        ("ttl = :v", v()),
        ("sizes(title) = :v", v()),
        ("attribute_exist(title)", json!({})),
        ("begins_with(title, :v)", v()),
        ("amount = :v AND", v()),
        ("amount $ :v", v()),
        ("", json!({})),
    ] {
        let error = db.holds(expression, values).unwrap_err();
        assert_eq!(error.code, "ValidationException", "{expression}");
    }
    let unused = json!({
        "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}},
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeNames": {"#n": "amount"},
    });
    let error = db.call("DeleteItem", unused).unwrap_err();
    assert!(error.message.ends_with("keys: {#n}"), "{}", error.message);
}

#[test]
fn updates_change_what_they_name() {
    for (expression, values, updated) in [
        (
            "SET title = :v",
            json!({":v": {"S": "new"}}),
            json!({"title": {"S": "new"}}),
        ),
        (
            "SET amount = amount + :v",
            json!({":v": {"N": "0.5"}}),
            json!({"amount": {"N": "5.5"}}),
        ),
        (
            "SET amount = :v - amount",
            json!({":v": {"N": "1"}}),
            json!({"amount": {"N": "-4"}}),
        ),
        (
            "SET fresh = if_not_exists(fresh, :v), title = if_not_exists(title, :v)",
            json!({":v": {"N": "1"}}),
            json!({"fresh": {"N": "1"}, "title": {"S": "abc"}}),
        ),
        (
            "SET numbers = list_append(:v, numbers)",
            json!({":v": {"L": [{"N": "0"}]}}),
            json!({"numbers": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]}}),
        ),
        (
            "SET tree.leaf = title, tree.fresh = amount",
            json!({}),
            json!({"tree": {"M": {"leaf": {"S": "abc"}, "fresh": {"N": "5"}}}}),
        ),
        (
            "SET numbers[1] = :v, numbers[9] = :v",
            json!({":v": {"N": "8"}}),
            json!({"numbers": {"L": [{"N": "8"}]}}),
        ),
        // Both read the item as it was.
        (
            "SET title = amount, amount = title",
            json!({}),
            json!({"title": {"N": "5"}, "amount": {"S": "abc"}}),
        ),
        (
            "ADD amount :v, fresh :v",
            json!({":v": {"N": "2"}}),
            json!({"amount": {"N": "7"}, "fresh": {"N": "2"}}),
        ),
        (
            "ADD words :v",
            json!({":v": {"SS": ["b", "c"]}}),
            json!({"words": {"SS": ["a", "b", "c"]}}),
        ),
        (
            "DELETE words :v",
            json!({":v": {"SS": ["b", "c"]}}),
            json!({"words": {"SS": ["a"]}}),
        ),
        (
            "DELETE words :v",
            json!({":v": {"SS": ["a", "b"]}}),
            Value::Null,
        ),
        (
            "REMOVE numbers[0], numbers[1], mark",
            json!({}),
            json!({"numbers": {"L": [{"N": "3"}]}}),
        ),
        (
            "REMOVE gone SET title = :v",
            json!({":v": {"S": "x"}}),
            json!({"title": {"S": "x"}}),
        ),
    ] {
        let mut db = Db::new();
        assert_eq!(db.update(expression, values), Ok(updated), "{expression}");
    }
}

#[test]
fn updates_that_cannot_be_are_refused_and_change_nothing() {
    let mut db = Db::new();
    let before = db.0.items("us-east-1", "ledger", Timestamp::UNIX_EPOCH);
    let n = || json!({":v": {"N": "1"}});
    for (expression, values) in [
        ("SET pk = :v", n()),
        ("SET title = :v, title = :v", n()),
        ("SET tree = :v, tree.leaf = :v", n()),
        ("SET title = title + :v", n()),
        ("SET fresh = gone", json!({})),
        ("SET gone.leaf = :v", n()),
        ("SET title = :v SET amount = :v", n()),
        ("SET status = :v", n()),
        ("ADD title :v", n()),
        ("DELETE amount :v", n()),
        ("ADD fresh :v", json!({":v": {"S": "x"}})),
        ("SET numbers = list_append(numbers, :v)", n()),
        ("title = :v", n()),
    ] {
        let error = db.update(expression, values).unwrap_err();
        assert_eq!(error.code, "ValidationException", "{expression}");
    }
    assert_eq!(
        db.0.items("us-east-1", "ledger", Timestamp::UNIX_EPOCH),
        before
    );
}

#[test]
fn an_update_makes_the_item_and_a_condition_may_forbid_it() {
    let mut db = Db::new();
    let update = |condition: &str| {
        json!({
            "Key": {"pk": {"S": "p"}, "sk": {"S": "new"}},
            "UpdateExpression": "ADD #count :one",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#count": "count"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    };
    let made = db.ok("UpdateItem", update("attribute_not_exists(pk)"));
    let item = json!({"pk": {"S": "p"}, "sk": {"S": "new"}, "count": {"N": "1"}});
    assert_eq!(made["Attributes"], item);
    let error = db
        .call("UpdateItem", update("attribute_not_exists(pk)"))
        .unwrap_err();
    assert_eq!(error.code, "ConditionalCheckFailedException");
    assert_eq!(error.body()["Item"], item);
}

#[test]
fn projections_show_parts() {
    let mut db = Db::new();
    let mut get = |expression: &str| {
        let key = json!({"pk": {"S": "p"}, "sk": {"S": "s"}});
        db.ok(
            "GetItem",
            json!({"Key": key, "ProjectionExpression": expression}),
        )["Item"]
            .take()
    };
    assert_eq!(get("title, gone"), json!({"title": {"S": "abc"}}));
    assert_eq!(
        get("tree.leaf, numbers[2], numbers[0]"),
        json!({"tree": {"M": {"leaf": {"S": "x"}}}, "numbers": {"L": [{"N": "1"}, {"N": "3"}]}})
    );
    let key = json!({"pk": {"S": "p"}, "sk": {"S": "s"}});
    let overlap = json!({"Key": key, "ProjectionExpression": "tree, tree.leaf"});
    assert_eq!(db.code("GetItem", overlap), "ValidationException");
}

#[test]
fn a_query_is_one_partition_in_order() {
    let mut db = Db::new();
    for sort in ["10", "2", "3", "9"] {
        let item = json!({"pk": {"S": "q"}, "sk": {"S": sort}, "n": {"N": sort}});
        db.ok("PutItem", json!({"Item": item}));
    }
    let mut query = |condition: &str, extra: Value| {
        let mut body = json!({
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":p": {"S": "q"}},
        });
        let extra = extra.as_object().unwrap().clone();
        for (member, value) in extra {
            match member.strip_prefix(':') {
                Some(_) => body["ExpressionAttributeValues"][member] = value,
                None => body[member] = value,
            }
        }
        let answer = db.call("Query", body)?;
        let items = answer["Items"].as_array().cloned().unwrap_or_default();
        let sorts: Vec<String> = items
            .iter()
            .map(|item| item["sk"]["S"].as_str().unwrap().to_owned())
            .collect();
        Ok::<_, Error>((sorts.join(" "), answer["LastEvaluatedKey"].clone()))
    };
    let s = |text: &str| json!({"S": text});
    for (condition, extra, sorts) in [
        ("pk = :p", json!({}), "10 2 3 9"),
        ("pk = :p", json!({"ScanIndexForward": false}), "9 3 2 10"),
        ("sk > :a AND pk = :p", json!({":a": s("2")}), "3 9"),
        (
            "pk = :p AND sk BETWEEN :a AND :b",
            json!({":a": s("2"), ":b": s("3")}),
            "2 3",
        ),
        (
            "(pk = :p) AND begins_with(sk, :a)",
            json!({":a": s("1")}),
            "10",
        ),
        (
            "pk = :p",
            json!({"FilterExpression": "n > :a", ":a": {"N": "3"}}),
            "10 9",
        ),
    ] {
        assert_eq!(
            query(condition, extra),
            Ok((sorts.to_owned(), Value::Null)),
            "{condition}"
        );
    }
    let (first, last) = query("pk = :p", json!({"Limit": 3})).unwrap();
    assert_eq!(
        (first.as_str(), &last),
        ("10 2 3", &json!({"pk": s("q"), "sk": s("3")}))
    );
    let next = query("pk = :p", json!({"Limit": 3, "ExclusiveStartKey": last}));
    assert_eq!(next, Ok(("9".to_owned(), Value::Null)));
    let (first, last) = query("pk = :p", json!({"Limit": 1, "ScanIndexForward": false})).unwrap();
    assert_eq!(first, "9");
    let next = query(
        "pk = :p",
        json!({"ScanIndexForward": false, "ExclusiveStartKey": last}),
    );
    assert_eq!(next.unwrap().0, "3 2 10");
    for (condition, extra) in [
        ("sk = :p", json!({})),
        ("pk > :p", json!({})),
        ("pk = :p OR sk = :p", json!({})),
        ("pk = :p AND n = :p", json!({})),
        ("pk = :p AND sk <> :p", json!({})),
        ("pk = :p AND sk = :a", json!({":a": {"N": "1"}})),
        ("pk = :p", json!({"Limit": 0})),
        ("pk = :p", json!({"IndexName": "by-n"})),
    ] {
        assert!(query(condition, extra).is_err(), "{condition}");
    }
}

#[test]
fn keys_and_sizes_are_checked() {
    let mut db = Db::new();
    for item in [
        json!({"pk": {"S": "p"}}),
        json!({"pk": {"S": "p"}, "sk": {"N": "1"}}),
        json!({"pk": {"S": ""}, "sk": {"S": "s"}}),
        json!({"pk": {"S": "p".repeat(2049)}, "sk": {"S": "s"}}),
        json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "big": {"S": "x".repeat(400 * 1024)}}),
    ] {
        assert_eq!(
            db.code("PutItem", json!({"Item": item})),
            "ValidationException"
        );
    }
    let key = json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "more": {"S": "x"}});
    assert_eq!(
        db.code("GetItem", json!({"Key": key})),
        "ValidationException"
    );
    let expected = json!({"Item": {"pk": {"S": "p"}, "sk": {"S": "s"}}, "Expected": {"pk": {"Exists": false}}});
    assert_eq!(db.code("PutItem", expected), "ValidationException");
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let mut db = Db::new();
    let put = |sort: &str, condition: Option<&str>| {
        let mut put = json!({
            "TableName": "ledger",
            "Item": {"pk": {"S": "t"}, "sk": {"S": sort}},
        });
        if let Some(condition) = condition {
            put["ConditionExpression"] = condition.into();
        }
        json!({"Put": put})
    };
    let new = Some("attribute_not_exists(pk)");
    let check = json!({"ConditionCheck": {
        "TableName": "ledger",
        "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}},
        "ConditionExpression": "attribute_exists(pk)",
    }});
    let transact =
        |items: Value, token: &str| json!({"TransactItems": items, "ClientRequestToken": token});
    let first = transact(json!([put("1", new), check]), "a");
    db.ok("TransactWriteItems", first.clone());
    // Repeated, not carried out again.
    db.ok("TransactWriteItems", first.clone());
    let error = db
        .call(
            "TransactWriteItems",
            transact(json!([put("2", new), put("1", new)]), "b"),
        )
        .unwrap_err();
    assert_eq!(error.code, "TransactionCanceledException");
    assert!(error.message.ends_with("[None, ConditionalCheckFailed]"));
    assert_eq!(
        error.body()["CancellationReasons"][1]["Code"],
        "ConditionalCheckFailed"
    );
    assert_eq!(
        db.0.items("us-east-1", "ledger", Timestamp::UNIX_EPOCH)
            .len(),
        2
    );
    let other = transact(json!([put("3", None)]), "a");
    assert_eq!(
        db.code("TransactWriteItems", other),
        "IdempotentParameterMismatchException"
    );
    db.1 += 601;
    assert_eq!(
        db.code("TransactWriteItems", first),
        "TransactionCanceledException"
    );
    let twice = transact(json!([put("4", None), put("4", None)]), "c");
    assert_eq!(db.code("TransactWriteItems", twice), "ValidationException");
}

#[test]
fn batches_write_and_read() {
    let mut db = Db::new();
    let key = |sort: &str| json!({"pk": {"S": "b"}, "sk": {"S": sort}});
    let put = |sort: &str| json!({"PutRequest": {"Item": key(sort)}});
    let batch = |requests: Vec<Value>| json!({"RequestItems": {"ledger": requests}});
    db.ok("BatchWriteItem", batch(vec![put("1"), put("2")]));
    db.ok(
        "BatchWriteItem",
        batch(vec![json!({"DeleteRequest": {"Key": key("1")}}), put("3")]),
    );
    let keys = json!({"RequestItems": {"ledger": {"Keys": [key("1"), key("2"), key("3")]}}});
    let read = db.ok("BatchGetItem", keys);
    assert_eq!(read["Responses"]["ledger"], json!([key("2"), key("3")]));
    for requests in [
        vec![],
        vec![put("1"), put("1")],
        (0..26).map(|number| put(&number.to_string())).collect(),
    ] {
        assert_eq!(
            db.code("BatchWriteItem", batch(requests)),
            "ValidationException"
        );
    }
}

#[test]
fn expired_items_go_after_two_days() {
    let mut db = Db::new();
    let end = db.1 + 100;
    for (sort, at) in [
        ("soon", end),
        ("later", end + 10 * 86_400),
        ("ancient", 1_000_000),
    ] {
        let item = json!({"pk": {"S": "e"}, "sk": {"S": sort}, "ttl": {"N": at.to_string()}});
        db.ok("PutItem", json!({"Item": item}));
    }
    let mut sorts = |now: i64| -> Vec<String> {
        let items =
            db.0.items("us-east-1", "ledger", Timestamp::from_second(now).unwrap());
        let sorts = items
            .iter()
            .map(|item| item["sk"]["S"].as_str().unwrap().to_owned());
        sorts.collect()
    };
    assert_eq!(
        sorts(end + 1),
        ["ancient", "later", "soon", "s"],
        "expired, not yet deleted"
    );
    assert_eq!(sorts(end + 2 * 86_400), ["ancient", "later", "s"]);
    assert_eq!(
        sorts(end + 12 * 86_400),
        ["ancient", "s"],
        "too old to expire"
    );
}

#[test]
fn tables_are_made_described_and_deleted() {
    let mut db = Db::new();
    let create = json!({
        "TableName": "other",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}],
    });
    let call = |db: &mut Db, operation: &str, body: &Value| db.0.call(request(operation, body, 1));
    let made = call(&mut db, "CreateTable", &create).unwrap();
    let table = &made["TableDescription"];
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(
        table["TableArn"],
        "arn:aws:dynamodb:us-east-1:111122223333:table/other"
    );
    let code =
        |db: &mut Db, operation: &str, body: &Value| call(db, operation, body).unwrap_err().code;
    assert_eq!(
        code(&mut db, "CreateTable", &create),
        "ResourceInUseException"
    );
    for (member, value) in [
        ("TableName", json!("x")),
        ("BillingMode", json!("PROVISIONED")),
        ("KeySchema", json!([])),
        ("AttributeDefinitions", json!([])),
        ("GlobalSecondaryIndexes", json!([{"IndexName": "x"}])),
    ] {
        let mut bad = create.clone();
        bad["TableName"] = "third".into();
        bad[member] = value;
        assert_eq!(
            code(&mut db, "CreateTable", &bad),
            "ValidationException",
            "{member}"
        );
    }
    let names = call(&mut db, "ListTables", &json!({})).unwrap();
    assert_eq!(names["TableNames"], json!(["ledger", "other"]));
    let named = json!({"TableName": "arn:aws:dynamodb:us-east-1:111122223333:table/other"});
    call(&mut db, "DeleteTable", &named).unwrap();
    assert_eq!(
        code(&mut db, "DescribeTable", &named),
        "ResourceNotFoundException"
    );
}

#[test]
fn time_to_live_is_switched() {
    let mut db = Db::new();
    let status = db.ok("DescribeTimeToLive", json!({}));
    assert_eq!(
        status["TimeToLiveDescription"],
        json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"})
    );
    let switch = |name: &str, on: bool| json!({"TimeToLiveSpecification": {"AttributeName": name, "Enabled": on}});
    assert_eq!(
        db.code("UpdateTimeToLive", switch("ttl", true)),
        "ValidationException"
    );
    assert_eq!(
        db.code("UpdateTimeToLive", switch("other", false)),
        "ValidationException"
    );
    db.ok("UpdateTimeToLive", switch("ttl", false));
    assert_eq!(
        db.code("UpdateTimeToLive", switch("ttl", false)),
        "ValidationException"
    );
    db.ok("UpdateTimeToLive", switch("end", true));
}

#[test]
fn a_transaction_needs_what_its_writes_need() {
    let needs = |operation: &str, body: Value| -> Vec<String> {
        let needs = permissions(operation, "us-east-1", "111122223333", &body);
        let words = |(action, arn): (String, String)| {
            let table = arn.rsplit('/').next().unwrap().to_owned();
            format!("{action} {table}")
        };
        needs.into_iter().map(words).collect()
    };
    let put = json!({"TableName": "ledger", "Item": {}});
    let transaction =
        json!({"TransactItems": [{"Put": put}, {"ConditionCheck": {"TableName": "other"}}]});
    assert_eq!(
        needs("TransactWriteItems", transaction),
        [
            "dynamodb:PutItem ledger",
            "dynamodb:ConditionCheckItem other"
        ]
    );
    assert_eq!(
        needs(
            "BatchWriteItem",
            json!({"RequestItems": {"a": [], "b": []}})
        ),
        ["dynamodb:BatchWriteItem a", "dynamodb:BatchWriteItem b"]
    );
    assert_eq!(needs("PutItem", put), ["dynamodb:PutItem ledger"]);
    assert_eq!(needs("ListTables", json!({})), ["dynamodb:ListTables *"]);
}

#[test]
fn a_request_is_about_a_table() {
    let about = |body: Value| resource("us-east-1", "111122223333", &body);
    let arn = Some("arn:aws:dynamodb:us-east-1:111122223333:table/ledger".to_owned());
    assert_eq!(about(json!({"TableName": "ledger"})), arn);
    assert_eq!(about(json!({"TableName": arn})), arn);
    assert_eq!(about(json!({"RequestItems": {"ledger": []}})), arn);
    assert_eq!(
        about(json!({"TransactItems": [{"Put": {"TableName": "ledger"}}]})),
        arn
    );
    assert_eq!(about(json!({})), None);
}
