//! Custom key stores over the wire, and what becomes of their keys.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::{Client, shape::assert_like};
use jiff::SignedDuration;
use kms_local::{KeyState, KeyStore, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn start() -> (LocalAws, Client) {
    let aws = LocalAws::start(Options {
        read_only_events: true,
        ..Options::default()
    })
    .unwrap();
    let client = Client::connect(&aws.endpoint_url());
    (aws, client)
}

fn cluster(name: &str) -> Value {
    json!({
        "CustomKeyStoreName": name,
        "CloudHsmClusterId": format!("cluster-{name}"),
        "TrustAnchorCertificate": "-----BEGIN CERTIFICATE-----",
        "KeyStorePassword": "kmsPswd",
    })
}

fn state(client: &mut Client, id: &Value) -> (String, Option<String>) {
    let body = json!({"CustomKeyStoreId": id});
    let stores = client.kms("DescribeCustomKeyStores", &body).json();
    let store = &stores["CustomKeyStores"][0];
    let text = |member: &str| store[member].as_str().map(str::to_owned);
    (
        text("ConnectionState").unwrap(),
        text("ConnectionErrorCode"),
    )
}

#[test]
fn a_store_is_made_connected_used_and_deleted() {
    let (aws, mut client) = start();
    let made = client.kms("CreateCustomKeyStore", &cluster("vault-hsm"));
    let id = made.json()["CustomKeyStoreId"].clone();
    assert_like(&aws.take_events()[0], "ct-create-custom-key-store");
    let body = json!({"CustomKeyStoreId": id});
    assert_eq!(state(&mut client, &id), ("DISCONNECTED".to_owned(), None));
    assert_like(
        &aws.take_events()[0],
        "ct-describe-custom-key-stores-readonly",
    );

    client.kms("ConnectCustomKeyStore", &body);
    assert_like(&aws.take_events()[0], "ct-connect-custom-key-store");
    assert_eq!(state(&mut client, &id).0, "CONNECTING");
    let create = json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": id});
    let early = client.kms("CreateKey", &create).json();
    assert_eq!(early["__type"], "CustomKeyStoreInvalidStateException");
    aws.take_events();
    aws.advance(SignedDuration::from_mins(30));
    assert!(
        aws.take_events().is_empty(),
        "no event tells of the connection"
    );
    assert_eq!(state(&mut client, &id).0, "CONNECTED");
    let key = client.kms("CreateKey", &create).json()["KeyMetadata"]["Arn"].clone();
    let key = key.as_str().unwrap();

    let busy = client.kms("DeleteCustomKeyStore", &body).json();
    assert_eq!(busy["__type"], "CustomKeyStoreInvalidStateException");
    aws.take_events();
    client.kms("DisconnectCustomKeyStore", &body);
    assert_like(&aws.take_events()[0], "ct-disconnect-custom-key-store");
    assert_eq!(aws.key_state(key), Some(KeyState::Unavailable));
    let full = client.kms("DeleteCustomKeyStore", &body).json();
    assert_eq!(full["__type"], "CustomKeyStoreHasCMKsException");
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": key, "PendingWindowInDays": 7}),
    )
    .unwrap();
    aws.advance_days(7);
    aws.take_events();
    assert_eq!(client.kms("DeleteCustomKeyStore", &body).status, 200);
    assert_like(&aws.take_events()[0], "ct-delete-custom-key-store");
    let gone = client.kms("DescribeCustomKeyStores", &body).json();
    assert_eq!(gone["__type"], "CustomKeyStoreNotFoundException");
}

#[test]
fn connecting_can_fail_and_says_why() {
    let (aws, mut client) = start();
    aws.add_key_store(KeyStore::cloud_hsm("cks-1", "cluster-1").disconnected());
    let key = aws.add_key(NewKey::in_store("cks-1"));
    aws.fail_key_store("cks-1", Some("USER_LOCKED_OUT"));
    let body = json!({"CustomKeyStoreId": "cks-1"});
    assert_eq!(client.kms("ConnectCustomKeyStore", &body).status, 200);
    aws.advance(SignedDuration::from_mins(30));
    let failed = ("FAILED".to_owned(), Some("USER_LOCKED_OUT".to_owned()));
    assert_eq!(state(&mut client, &json!("cks-1")), failed);
    assert_eq!(aws.key_state(&key), Some(KeyState::Unavailable));
    // A failed store has to be disconnected before it can be tried again.
    let again = client.kms("ConnectCustomKeyStore", &body).json();
    assert_eq!(again["__type"], "CustomKeyStoreInvalidStateException");
    client.kms("DisconnectCustomKeyStore", &body);
    aws.fail_key_store("cks-1", None);
    client.kms("ConnectCustomKeyStore", &body);
    aws.advance(SignedDuration::from_mins(30));
    assert_eq!(state(&mut client, &json!("cks-1")).0, "CONNECTED");
    assert_eq!(aws.key_state(&key), Some(KeyState::Enabled));
}

#[test]
fn an_external_store_has_a_proxy_and_each_external_key_once() {
    let (aws, mut client) = start();
    let body = json!({
        "CustomKeyStoreName": "vault-xks",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": "https://xks.example.com",
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyAuthenticationCredential": {"AccessKeyId": "ABCDE", "RawSecretAccessKey": "secret"},
    });
    let id = client.kms("CreateCustomKeyStore", &body).json()["CustomKeyStoreId"].clone();
    let record = serde_json::to_string(&aws.take_events()).unwrap();
    assert!(!record.contains("secret"));
    let by_name = json!({"CustomKeyStoreName": "vault-xks"});
    let stores = client.kms("DescribeCustomKeyStores", &by_name).json();
    let proxy = &stores["CustomKeyStores"][0]["XksProxyConfiguration"];
    assert_eq!(proxy["UriEndpoint"], "https://xks.example.com");
    assert_eq!(proxy["AccessKeyId"], "ABCDE");
    client.kms("ConnectCustomKeyStore", &json!({"CustomKeyStoreId": id}));
    aws.advance(SignedDuration::from_mins(1));
    let update = json!({"CustomKeyStoreId": id, "NewCustomKeyStoreName": "renamed"});
    assert_eq!(client.kms("UpdateCustomKeyStore", &update).status, 200);
    let create = json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": id, "XksKeyId": "k1"});
    assert_eq!(client.kms("CreateKey", &create).status, 200);
    let twice = client.kms("CreateKey", &create).json();
    assert_eq!(twice["__type"], "XksKeyAlreadyInUseException");
    let none = json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": id});
    assert_eq!(
        client.kms("CreateKey", &none).json()["__type"],
        "ValidationException"
    );
}

#[test]
fn names_and_clusters_are_taken_once() {
    let (_aws, mut client) = start();
    assert_eq!(
        client.kms("CreateCustomKeyStore", &cluster("a")).status,
        200
    );
    let same = client.kms("CreateCustomKeyStore", &cluster("a")).json();
    assert_eq!(same["__type"], "CustomKeyStoreNameInUseException");
    let mut other = cluster("b");
    other["CloudHsmClusterId"] = "cluster-a".into();
    let other = client.kms("CreateCustomKeyStore", &other).json();
    assert_eq!(other["__type"], "CloudHsmClusterInUseException");
    for name in 1..10 {
        let made = client.kms("CreateCustomKeyStore", &cluster(&name.to_string()));
        assert_eq!(made.status, 200, "{name}");
    }
    let eleventh = client.kms("CreateCustomKeyStore", &cluster("last")).json();
    assert_eq!(eleventh["__type"], "LimitExceededException");
    let both = json!({"CustomKeyStoreId": "cks-1", "CustomKeyStoreName": "a"});
    assert_eq!(
        client.kms("DescribeCustomKeyStores", &both).json()["__type"],
        "ValidationException"
    );
}

#[test]
fn all_stores_are_described_in_pages() {
    let (aws, mut client) = start();
    let ids: Vec<String> = (1..=5).map(|number| format!("cks-{number}")).collect();
    for id in &ids {
        aws.add_key_store(KeyStore::cloud_hsm(id, &format!("cluster-{id}")));
    }
    aws.add_key_store(KeyStore::external("cks-0").in_region("eu-west-1"));
    aws.disconnect_key_store("cks-4");
    let mut body = json!({"Limit": 2});
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = client.kms("DescribeCustomKeyStores", &body).json();
        let stores = page["CustomKeyStores"].as_array().unwrap();
        sizes.push(stores.len());
        seen.extend(stores.iter().map(|store| {
            let part = |name: &str| store[name].as_str().unwrap().to_owned();
            (part("CustomKeyStoreId"), part("ConnectionState"))
        }));
        assert_eq!(page["Truncated"], page.get("NextMarker").is_some());
        match page.get("NextMarker") {
            Some(marker) => body["Marker"] = marker.clone(),
            None => break,
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    let all = ids.into_iter().map(|id| {
        let state = if id == "cks-4" {
            "DISCONNECTED"
        } else {
            "CONNECTED"
        };
        (id, state.to_owned())
    });
    assert_eq!(seen, all.collect::<Vec<_>>());
    let marker = json!({"Marker": "?"});
    let wrong = client.kms("DescribeCustomKeyStores", &marker).json();
    assert_eq!(wrong["__type"], "InvalidMarkerException");
}
