//! The operations on custom key stores (KMS API Reference). `ConnectCustomKeyStore` only starts connecting; how it ends,
//! `DescribeCustomKeyStores` tells, and no event.

use serde_json::{Value, json};

use super::{
    body::{Body, missing},
    call::{Call, Done, Outcome},
    error::KmsError,
    key_store::{Connection, KeyStore, Kind},
    names::Origin,
    paging::{Limits, page},
};
use crate::{cloudtrail::to_trail, context::Trail, times::epoch};

/// Key stores per account and Region (KMS Developer Guide, "Resource quotas").
const MAX_STORES: usize = 10;

/// The members of a request that make `XksProxyConfiguration`, and their names there.
const PROXY: &[(&str, &str)] = &[
    ("XksProxyConnectivity", "Connectivity"),
    ("XksProxyUriEndpoint", "UriEndpoint"),
    ("XksProxyUriPath", "UriPath"),
    ("XksProxyVpcEndpointServiceName", "VpcEndpointServiceName"),
    ("XksProxyVpcEndpointServiceOwner", "VpcEndpointServiceOwner"),
];

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    let name = body.required("CustomKeyStoreName")?;
    check_name(call, name)?;
    let kind = match body.text("CustomKeyStoreType")?.unwrap_or("AWS_CLOUDHSM") {
        "AWS_CLOUDHSM" => new_cluster(call)?,
        "EXTERNAL_KEY_STORE" => new_proxy(body)?,
        other => {
            return Err(KmsError::validation(format!(
                "1 validation error detected: Value '{other}' at 'customKeyStoreType' failed to satisfy \
                 constraint: Member must satisfy enum value set: [AWS_CLOUDHSM, EXTERNAL_KEY_STORE]"
            )));
        }
    };
    if stores(call).count() >= MAX_STORES {
        return Err(KmsError::new(
            "LimitExceededException",
            format!("The limit of {MAX_STORES} custom key stores is reached"),
        ));
    }
    let id = format!("cks-{}", call.context.ids.hex(17));
    let mut store = KeyStore::new(&id, kind)
        .named(name)
        .in_region(call.region)
        .disconnected();
    store.created = Some(call.context.now);
    call.kms.add_store(store);
    Ok(Done {
        response: json!({"CustomKeyStoreId": id}),
        trail: Trail {
            parameters: Some(parameters(body)),
            response: Some(json!({"customKeyStoreId": id})),
            ..Trail::default()
        },
        ..Done::default()
    })
}

fn check_name(call: &Call<'_>, name: &str) -> Result<(), KmsError> {
    if !(1..=256).contains(&name.chars().count()) {
        return Err(KmsError::validation(
            "1 validation error detected: Value at 'customKeyStoreName' failed to satisfy constraint: \
             Member must have length between 1 and 256, inclusive",
        ));
    }
    if stores(call).any(|store| store.name == name) {
        return Err(KmsError::new(
            "CustomKeyStoreNameInUseException",
            format!("{name} is in use"),
        ));
    }
    Ok(())
}

fn new_cluster(call: &Call<'_>) -> Result<Kind, KmsError> {
    let cluster = call.body.required("CloudHsmClusterId")?;
    let certificate = call.body.required("TrustAnchorCertificate")?;
    call.body.required("KeyStorePassword")?;
    let in_use = |store: &KeyStore| match &store.kind {
        Kind::CloudHsm { cluster: other, .. } => other == cluster,
        Kind::External { .. } => false,
    };
    if stores(call).any(in_use) {
        return Err(KmsError::new(
            "CloudHsmClusterInUseException",
            format!("{cluster} is in use"),
        ));
    }
    Ok(Kind::CloudHsm {
        cluster: cluster.to_owned(),
        certificate: certificate.to_owned(),
    })
}

fn new_proxy(body: Body<'_>) -> Result<Kind, KmsError> {
    for member in [
        "XksProxyConnectivity",
        "XksProxyUriEndpoint",
        "XksProxyUriPath",
    ] {
        body.required(member)?;
    }
    let credential = body
        .object("XksProxyAuthenticationCredential")?
        .ok_or_else(|| missing("XksProxyAuthenticationCredential"))?;
    let mut proxy = json!({"AccessKeyId": credential.get("AccessKeyId")});
    set_proxy(body, &mut proxy)?;
    Ok(Kind::External { proxy })
}

fn set_proxy(body: Body<'_>, proxy: &mut Value) -> Result<(), KmsError> {
    for (member, name) in PROXY {
        if let Some(value) = body.text(member)? {
            proxy[*name] = value.into();
        }
    }
    Ok(())
}

pub(super) fn connect(call: &mut Call<'_>) -> Outcome {
    let store = named(call)?;
    match store.connection {
        Connection::Disconnected => {}
        // A failed store has to be disconnected first.
        _ => return Err(wrong_state(&store)),
    }
    let until = call.context.now.checked_add(store.connects_within());
    let until = until.map_err(|_| KmsError::internal())?;
    let connecting = Connection::Connecting(until);
    call.kms.set_connection(&store.id, connecting);
    Ok(done(&store))
}

pub(super) fn disconnect(call: &mut Call<'_>) -> Outcome {
    let store = named(call)?;
    if store.connection == Connection::Disconnected {
        return Err(wrong_state(&store));
    }
    let kms = &mut call.kms;
    kms.set_connection(&store.id, Connection::Disconnected);
    Ok(done(&store))
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    let mut store = named(call)?;
    let new_name = body.text("NewCustomKeyStoreName")?;
    // What belongs to the connection can be changed while there is none.
    let is_proxy = store.origin() == Origin::ExternalKeyStore;
    if !is_proxy && store.connection != Connection::Disconnected {
        return Err(wrong_state(&store));
    }
    if let Some(name) = new_name.filter(|name| *name != store.name) {
        check_name(call, name)?;
        name.clone_into(&mut store.name);
    }
    match &mut store.kind {
        Kind::CloudHsm { cluster, .. } => {
            if let Some(new) = body.text("CloudHsmClusterId")? {
                new.clone_into(cluster);
            }
        }
        Kind::External { proxy } => set_proxy(body, proxy)?,
    }
    let answer = done(&store).parameters(parameters(body));
    call.kms.add_store(store);
    Ok(answer)
}

pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let store = named(call)?;
    if store.connection != Connection::Disconnected {
        return Err(wrong_state(&store));
    }
    let holds_keys = call
        .kms
        .keys
        .values()
        .filter_map(|key| key.store.as_ref())
        .any(|link| link.id == store.id);
    if holds_keys {
        return Err(KmsError::new(
            "CustomKeyStoreHasCMKsException",
            format!("{} contains KMS keys", store.id),
        ));
    }
    call.kms.remove_store(&store.id);
    Ok(done(&store))
}

pub(super) fn describe(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    let (id, name) = (
        body.text("CustomKeyStoreId")?,
        body.text("CustomKeyStoreName")?,
    );
    if id.is_some() && name.is_some() {
        return Err(KmsError::validation(
            "Specify either CustomKeyStoreId or CustomKeyStoreName, not both.",
        ));
    }
    let entries: Vec<_> = stores(call)
        .filter(|store| id.is_none_or(|id| store.id == id))
        .filter(|store| name.is_none_or(|name| store.name == name))
        .map(|store| (store.id.clone(), listed(store)))
        .collect();
    if let Some(wanted) = id.or(name).filter(|_| entries.is_empty()) {
        return Err(not_found(wanted));
    }
    let limits = Limits {
        default: 100,
        max: 1000,
    };
    let response = page(body, limits, "CustomKeyStores", entries.into_iter())?;
    Ok(Done {
        response,
        trail: Trail {
            parameters: Some(to_trail(
                &body.only(&["CustomKeyStoreId", "CustomKeyStoreName"]),
            )),
            ..Trail::default()
        },
        ..Done::default()
    })
}

fn listed(store: &KeyStore) -> Value {
    let mut entry = json!({
        "CustomKeyStoreId": store.id,
        "CustomKeyStoreName": store.name,
        "ConnectionState": store.connection.as_str(),
    });
    match &store.kind {
        Kind::CloudHsm {
            cluster,
            certificate,
        } => {
            entry["CustomKeyStoreType"] = "AWS_CLOUDHSM".into();
            entry["CloudHsmClusterId"] = cluster.as_str().into();
            entry["TrustAnchorCertificate"] = certificate.as_str().into();
        }
        Kind::External { proxy } => {
            entry["CustomKeyStoreType"] = "EXTERNAL_KEY_STORE".into();
            entry["XksProxyConfiguration"] = proxy.clone();
        }
    }
    if let Connection::Failed(code) = &store.connection {
        entry["ConnectionErrorCode"] = code.as_str().into();
    }
    if let Some(created) = store.created {
        entry["CreationDate"] = epoch(created);
    }
    entry
}

/// The stores of the Region of the call.
fn stores<'a>(call: &'a Call<'_>) -> impl Iterator<Item = &'a KeyStore> {
    let (region, default) = (call.region, call.context.region.as_str());
    let all = call.kms.all_stores();
    all.filter(move |store| store.region.as_deref().unwrap_or(default) == region)
}

/// The store that the call names.
fn named(call: &Call<'_>) -> Result<KeyStore, KmsError> {
    let id = call.body.required("CustomKeyStoreId")?;
    let store = stores(call).find(|store| store.id == id);
    store.cloned().ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> KmsError {
    KmsError::new(
        "CustomKeyStoreNotFoundException",
        format!("{id} does not exist"),
    )
}

fn wrong_state(store: &KeyStore) -> KmsError {
    KmsError::new(
        "CustomKeyStoreInvalidStateException",
        format!(
            "The connection state of {} is {}",
            store.id,
            store.connection.as_str()
        ),
    )
}

/// The documented records call the cluster by another name than the API.
fn parameters(body: Body<'_>) -> Value {
    let mut shown = to_trail(&body.only(&[
        "CustomKeyStoreId",
        "CustomKeyStoreName",
        "NewCustomKeyStoreName",
        "CustomKeyStoreType",
        "XksProxyConnectivity",
        "XksProxyUriEndpoint",
        "XksProxyUriPath",
        "XksProxyVpcEndpointServiceName",
        "XksProxyVpcEndpointServiceOwner",
    ]));
    if let Ok(Some(cluster)) = body.text("CloudHsmClusterId") {
        shown["clusterId"] = cluster.into();
    }
    shown
}

/// The record of a change names store and cluster beside the request.
fn done(store: &KeyStore) -> Done {
    let mut additional = json!({"customKeyStoreName": store.name});
    if let Kind::CloudHsm { cluster, .. } = &store.kind {
        additional["clusterId"] = cluster.as_str().into();
    }
    Done {
        response: json!({}),
        trail: Trail {
            additional: Some(additional),
            ..Trail::default()
        },
        ..Done::default()
    }
}
