//! Keys and what belongs to them: metadata, aliases, tags, policies, lists.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use jiff::Timestamp;
use kms_local::{
    ImportedMaterial, KeySpec, KeyStore, KeyUsage, KmsError, LocalAws, NewKey, Options,
};
use serde_json::{Value, json};

fn start() -> LocalAws {
    LocalAws::start(Options::default()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn code(result: Result<Value, KmsError>) -> &'static str {
    result.map_or_else(|error| error.code, |_| "ok")
}

#[test]
fn metadata_has_the_members_of_its_kind_and_no_others() {
    let aws = start();
    aws.add_key_store(KeyStore::cloud_hsm("cks-1", "cluster-1"));
    aws.add_key_store(KeyStore::external("cks-2"));
    let members = |key: &str| {
        let data = aws.call("DescribeKey", json!({"KeyId": key})).unwrap()["KeyMetadata"].clone();
        let always = [
            "AWSAccountId",
            "KeyId",
            "Arn",
            "CreationDate",
            "Enabled",
            "Description",
            "KeyUsage",
            "KeyState",
            "Origin",
            "KeyManager",
            "KeySpec",
            "CustomerMasterKeySpec",
            "MultiRegion",
        ];
        let mut rest = data.as_object().unwrap().clone();
        for name in always {
            rest.remove(name)
                .unwrap_or_else(|| panic!("{name} is missing"));
        }
        let mut rest: Vec<String> = rest.into_iter().map(|(name, _)| name).collect();
        rest.sort();
        rest.join(" ")
    };
    let new = |key: NewKey| members(&aws.add_key(key));
    let later = at("2027-01-01T00:00:00Z");
    assert_eq!(
        new(NewKey::symmetric()),
        "CurrentKeyMaterialId EncryptionAlgorithms"
    );
    assert_eq!(
        new(NewKey::with_spec(KeySpec::Rsa2048)),
        "EncryptionAlgorithms"
    );
    assert_eq!(
        new(NewKey::with_spec(KeySpec::EccNistP256)),
        "SigningAlgorithms"
    );
    assert_eq!(
        new(NewKey::with_spec(KeySpec::EccNistP256).usage(KeyUsage::KeyAgreement)),
        "KeyAgreementAlgorithms"
    );
    assert_eq!(new(NewKey::with_spec(KeySpec::Hmac256)), "MacAlgorithms");
    assert_eq!(
        new(NewKey::symmetric().deleted_at(later)),
        "CurrentKeyMaterialId DeletionDate EncryptionAlgorithms"
    );
    assert_eq!(new(NewKey::imported()), "EncryptionAlgorithms");
    assert_eq!(
        new(NewKey::imported().material(ImportedMaterial::new("m"))),
        "CurrentKeyMaterialId EncryptionAlgorithms ExpirationModel"
    );
    assert_eq!(
        new(NewKey::imported().material(ImportedMaterial::new("m").expiring(later))),
        "CurrentKeyMaterialId EncryptionAlgorithms ExpirationModel ValidTo"
    );
    assert_eq!(
        new(NewKey::in_store("cks-1")),
        "CloudHsmClusterId CustomKeyStoreId EncryptionAlgorithms"
    );
    assert_eq!(
        new(NewKey::in_external_store("cks-2", "xks-1")),
        "CustomKeyStoreId EncryptionAlgorithms XksKeyConfiguration"
    );
    let primary = aws.add_key(NewKey::multi_region(&["eu-west-1"]));
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": primary, "PendingWindowInDays": 9}),
    )
    .unwrap();
    assert_eq!(
        members(&primary),
        "CurrentKeyMaterialId EncryptionAlgorithms MultiRegionConfiguration PendingDeletionWindowInDays"
    );
}

#[test]
fn a_new_key_can_be_asked_for_in_many_ways() {
    let aws = start();
    aws.add_key_store(KeyStore::cloud_hsm("cks-1", "cluster-1"));
    let create = |body: Value| {
        aws.call("CreateKey", body)
            .map(|r| r["KeyMetadata"].clone())
    };
    let key = create(json!({"MultiRegion": true})).unwrap();
    assert!(key["KeyId"].as_str().unwrap().starts_with("mrk-"));
    assert_eq!(
        key["MultiRegionConfiguration"]["MultiRegionKeyType"],
        "PRIMARY"
    );
    let key = create(json!({"Origin": "EXTERNAL"})).unwrap();
    assert_eq!(
        (&key["KeyState"], &key["Enabled"]),
        (&json!("PendingImport"), &json!(false))
    );
    let key = create(json!({"KeySpec": "RSA_4096", "KeyUsage": "SIGN_VERIFY"})).unwrap();
    assert_eq!(key["SigningAlgorithms"].as_array().unwrap().len(), 6);
    let key = create(json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1"})).unwrap();
    assert_eq!(key["CloudHsmClusterId"], "cluster-1");

    let fails = |body: Value| create(body).unwrap_err().code;
    assert_eq!(fails(json!({"KeySpec": "HMAC_256"})), "ValidationException");
    assert_eq!(
        fails(json!({"KeyUsage": "SIGN_VERIFY"})),
        "ValidationException"
    );
    assert_eq!(fails(json!({"KeySpec": "ROT13"})), "ValidationException");
    assert_eq!(
        fails(json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-9"})),
        "CustomKeyStoreNotFoundException"
    );
    assert_eq!(
        fails(json!({"Policy": "x"})),
        "MalformedPolicyDocumentException"
    );
    assert_eq!(
        fails(json!({"Tags": [{"TagKey": "aws:a", "TagValue": ""}]})),
        "TagException"
    );
}

#[test]
fn aliases_move_and_disappear() {
    let aws = start();
    let (a, b) = (
        aws.add_key(NewKey::symmetric()),
        aws.add_key(NewKey::symmetric()),
    );
    let hmac = aws.add_key(NewKey::with_spec(KeySpec::Hmac256));
    let alias = |name: &str, key: &str| json!({"AliasName": name, "TargetKeyId": key});
    let target = || {
        let key = aws
            .call("DescribeKey", json!({"KeyId": "alias/x"}))
            .unwrap();
        key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    };
    aws.call("CreateAlias", alias("alias/x", &a)).unwrap();
    assert_eq!(
        code(aws.call("CreateAlias", alias("alias/x", &b))),
        "AlreadyExistsException"
    );
    assert_eq!(target(), a);
    aws.call("UpdateAlias", alias("alias/x", &b)).unwrap();
    assert_eq!(target(), b);
    assert_eq!(
        code(aws.call("UpdateAlias", alias("alias/x", &hmac))),
        "ValidationException"
    );
    assert_eq!(
        code(aws.call("UpdateAlias", alias("alias/y", &b))),
        "NotFoundException"
    );
    assert_eq!(
        code(aws.call("CreateAlias", alias("alias/a b", &b))),
        "ValidationException"
    );
    assert_eq!(
        code(aws.call("CreateAlias", alias("alias/aws/x", &b))),
        "NotAuthorizedException"
    );
    assert_eq!(
        code(aws.call("CreateAlias", alias("x", &b))),
        "ValidationException"
    );
    // Not every operation takes an alias.
    assert_eq!(
        code(aws.call("DisableKey", json!({"KeyId": "alias/x"}))),
        "NotFoundException"
    );
    let arn = "arn:aws:kms:us-east-1:111122223333:alias/x";
    assert_eq!(
        code(aws.call("DisableKey", json!({"KeyId": arn}))),
        "InvalidArnException"
    );
    aws.call("DeleteAlias", json!({"AliasName": "alias/x"}))
        .unwrap();
    assert_eq!(
        code(aws.call("DescribeKey", json!({"KeyId": "alias/x"}))),
        "NotFoundException"
    );
}

#[test]
fn lists_come_in_pages_of_the_real_size() {
    let aws = start();
    let mut key = NewKey::symmetric();
    for number in 0..60 {
        key = key.alias(&format!("alias/{number:03}"));
    }
    let key = aws.add_key(key);
    let first = aws.call("ListAliases", json!({"KeyId": key})).unwrap();
    assert_eq!(first["Aliases"].as_array().unwrap().len(), 50);
    assert_eq!(first["Truncated"], true);
    let next = json!({"KeyId": key, "Marker": first["NextMarker"], "Limit": 100});
    let second = aws.call("ListAliases", next).unwrap();
    assert_eq!(second["Aliases"].as_array().unwrap().len(), 10);
    assert_eq!(second["Aliases"][0]["AliasName"], "alias/050");
    assert_eq!(second["Truncated"], false);
    assert!(second.get("NextMarker").is_none());
    assert_eq!(
        code(aws.call("ListAliases", json!({"Limit": 101}))),
        "ValidationException"
    );

    aws.add_key(NewKey::symmetric().alias("alias/other"));
    let all = aws.call("ListAliases", json!({"Limit": 100})).unwrap();
    assert_eq!(all["Aliases"].as_array().unwrap().len(), 61);
    let keys = aws.call("ListKeys", json!({"Limit": 1})).unwrap();
    assert_eq!(
        (keys["Keys"].as_array().unwrap().len(), &keys["Truncated"]),
        (1, &json!(true))
    );
}

#[test]
fn tags_are_added_replaced_and_removed() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric().tag("a", "1"));
    let tags = json!([{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": ""}]);
    aws.call("TagResource", json!({"KeyId": key, "Tags": tags}))
        .unwrap();
    let list = || aws.call("ListResourceTags", json!({"KeyId": key})).unwrap()["Tags"].clone();
    assert_eq!(list(), tags);
    aws.call(
        "UntagResource",
        json!({"KeyId": key, "TagKeys": ["a", "none"]}),
    )
    .unwrap();
    assert_eq!(list(), json!([{"TagKey": "b", "TagValue": ""}]));
    let many: Vec<_> = (0..50)
        .map(|n| json!({"TagKey": format!("t{n}"), "TagValue": "v"}))
        .collect();
    let refused = aws.call("TagResource", json!({"KeyId": key, "Tags": many}));
    assert_eq!(code(refused), "LimitExceededException");
}

#[test]
fn policies_are_kept_as_they_are() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let read = || aws.call("GetKeyPolicy", json!({"KeyId": key})).unwrap()["Policy"].clone();
    let policy: Value = serde_json::from_str(read().as_str().unwrap()).unwrap();
    assert_eq!(
        policy["Statement"][0]["Principal"]["AWS"],
        "arn:aws:iam::111122223333:root"
    );
    let open = r#"{"Version":"2012-10-17","Statement":[]}"#;
    aws.call("PutKeyPolicy", json!({"KeyId": key, "Policy": open}))
        .unwrap();
    assert_eq!(read(), open);
    let bad = aws.call("PutKeyPolicy", json!({"KeyId": key, "Policy": "{}"}));
    assert_eq!(code(bad), "MalformedPolicyDocumentException");
    let other = json!({"KeyId": key, "PolicyName": "other"});
    assert_eq!(code(aws.call("GetKeyPolicy", other)), "NotFoundException");
}

#[test]
fn an_alias_is_listed_with_the_key_that_it_points_to_now() {
    let aws = start();
    let (a, b) = (
        aws.add_key(NewKey::symmetric().alias("alias/x").alias("alias/z")),
        aws.add_key(NewKey::symmetric()),
    );
    let of = |key: &str| -> Vec<String> {
        let mut names = Vec::new();
        let mut body = json!({"KeyId": key, "Limit": 1});
        loop {
            let page = aws.call("ListAliases", body.clone()).unwrap();
            let entries = page["Aliases"].as_array().unwrap().iter();
            names.extend(entries.map(|alias| alias["AliasName"].as_str().unwrap().to_owned()));
            match page.get("NextMarker") {
                Some(marker) => body["Marker"] = marker.clone(),
                None => return names,
            }
        }
    };
    assert_eq!(of(&a), ["alias/x", "alias/z"]);
    let point = |operation, name: &str, key: &str| {
        let body = json!({"AliasName": name, "TargetKeyId": key});
        aws.call(operation, body).unwrap();
    };
    point("UpdateAlias", "alias/x", &b);
    point("CreateAlias", "alias/y", &b);
    assert_eq!(of(&a), ["alias/z"]);
    assert_eq!(of(&b), ["alias/x", "alias/y"]);
    // A key that is put in place takes its alias from whichever has it.
    let c = aws.add_key(NewKey::symmetric().alias("alias/y"));
    aws.call("DeleteAlias", json!({"AliasName": "alias/x"}))
        .unwrap();
    assert_eq!(of(&b), [""; 0]);
    assert_eq!(of(&c), ["alias/y"]);
}
