//! Grants (KMS Developer Guide, "Grants in AWS KMS"): kept, listed and taken back; not evaluated.

use serde_json::{Value, json};

use super::{
    body::{Body, missing},
    call::{Call, Done, Outcome},
    error::KmsError,
    grant::{Grant, KEPT},
    key::Key,
    paging::{Limits, page},
    selector::{Accepts, KeyRef, parse_arn},
};
use crate::{cloudtrail::to_trail, context::Trail, spelling::partition};

/// Grants per key (KMS Developer Guide, "Resource quotas").
const MAX_GRANTS: usize = 50_000;

const PAGE: Limits = Limits {
    default: 50,
    max: 100,
};

/// What a grant can allow (KMS API Reference, `CreateGrant`).
const OPERATIONS: &[&str] = &[
    "CreateGrant",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetPublicKey",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
    "Sign",
    "Verify",
    "VerifyMac",
];

pub(super) fn create_grant(call: &mut Call<'_>) -> Outcome {
    let members = read_members(call.body)?;
    let issuer = format!(
        "arn:{}:iam::{}:root",
        partition(call.region),
        call.context.account
    );
    let (id, token) = (call.context.ids.hex(64), call.context.ids.hex(96));
    let now = call.context.now;
    let key = call.key_mut()?;
    // With a name, the same request gives the same grant again, and another token.
    let known = key
        .grants
        .iter()
        .find(|grant| grant.members == members && grant.member("Name").is_some())
        .map(|grant| grant.id.clone());
    let id = match known {
        Some(id) => id,
        None if key.grants.len() >= MAX_GRANTS => {
            return Err(KmsError::new(
                "LimitExceededException",
                format!("{} has reached the limit of {MAX_GRANTS} grants.", key.arn),
            ));
        }
        None => {
            key.grants.push(Grant {
                id: id.clone(),
                token: token.clone(),
                issuer,
                created: now,
                members,
            });
            id
        }
    };
    let response = json!({"GrantId": id, "GrantToken": token});
    let elements = json!({"grantId": id, "keyId": key.arn});
    Ok(Done::on(&key.arn, response).response_elements(elements))
}

fn read_members(body: Body<'_>) -> Result<Value, KmsError> {
    for name in [
        "Name",
        "GranteePrincipal",
        "GranteeServicePrincipal",
        "RetiringPrincipal",
        "RetiringServicePrincipal",
    ] {
        body.text(name)?;
    }
    for (principal, service) in [
        ("GranteePrincipal", "GranteeServicePrincipal"),
        ("RetiringPrincipal", "RetiringServicePrincipal"),
    ] {
        if body.text(principal)?.is_some() && body.text(service)?.is_some() {
            return Err(KmsError::validation(format!(
                "{principal} and {service} cannot be given together"
            )));
        }
    }
    if body.text("GranteePrincipal")?.is_none() && body.text("GranteeServicePrincipal")?.is_none() {
        return Err(missing("GranteePrincipal"));
    }
    if let Some(principal) = body.text("GranteePrincipal")?
        && !(principal.starts_with("arn:") || principal.ends_with(".amazonaws.com"))
    {
        return Err(KmsError::new(
            "InvalidArnException",
            format!("Invalid principal {principal}"),
        ));
    }
    let operations = body
        .list("Operations")?
        .ok_or_else(|| missing("Operations"))?;
    for operation in operations {
        let word = operation.as_str().unwrap_or_default();
        if !OPERATIONS.contains(&word) {
            return Err(KmsError::validation(format!(
                "1 validation error detected: Value '[{word}]' at 'operations' failed to satisfy \
                 constraint: Member must satisfy enum value set: [{}]",
                OPERATIONS.join(", ")
            )));
        }
    }
    body.object("Constraints")?;
    Ok(body.only(KEPT))
}

pub(super) fn list_grants(call: &mut Call<'_>) -> Outcome {
    let (id, principal) = (
        call.body.text("GrantId")?,
        call.body.text("GranteePrincipal")?,
    );
    let key = call.key()?;
    let grants = key
        .grants
        .iter()
        .filter(|grant| id.is_none_or(|id| grant.id == id))
        .filter(|grant| principal.is_none_or(|principal| grant.is_for(principal)));
    let mut entries: Vec<_> = grants
        .map(|grant| (grant.id.clone(), grant.listed(&key.arn)))
        .collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let response = page(call.body, PAGE, "Grants", entries.into_iter())?;
    Ok(Done::quiet(&key.arn, response))
}

/// Grants, on any key of the Region, that a principal may retire.
pub(super) fn list_retirable_grants(call: &mut Call<'_>) -> Outcome {
    let principal = call.body.required("RetiringPrincipal")?;
    let mut entries: Vec<_> = call
        .kms
        .keys
        .values()
        .filter(|key| key.region == call.region)
        .flat_map(|key| key.grants.iter().map(move |grant| (key, grant)))
        .filter(|(_, grant)| grant.member("RetiringPrincipal") == Some(principal))
        .map(|(key, grant)| (grant.id.clone(), grant.listed(&key.arn)))
        .collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let response = page(call.body, PAGE, "Grants", entries.into_iter())?;
    Ok(Done {
        response,
        ..Done::default()
    })
}

pub(super) fn revoke_grant(call: &mut Call<'_>) -> Outcome {
    let id = call.body.required("GrantId")?.to_owned();
    let key = call.reference()?;
    let arn = take(call, &key, |grant| grant.id == id)?.0;
    Ok(Done::quiet(&arn, json!({})))
}

/// Names the grant by its token, or by key ARN and grant id. The record has neither: `requestParameters` is null, and
/// the id is in `additionalEventData` (KMS Developer Guide, "`RetireGrant`" under "CloudTrail").
pub(super) fn retire_grant(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    let taken = if let Some(token) = body.text("GrantToken")? {
        let holder = call
            .kms
            .keys
            .values()
            .find(|key| {
                key.region == call.region && key.grants.iter().any(|grant| grant.token == token)
            })
            .map(Key::reference);
        let holder = holder.ok_or_else(|| {
            KmsError::new("InvalidGrantTokenException", "The grant token is invalid.")
        })?;
        take(call, &holder, |grant| grant.token == token)
    } else {
        let (name, id) = (body.required("KeyId")?, body.required("GrantId")?);
        if parse_arn(name).is_none() {
            return Err(KmsError::new(
                "InvalidArnException",
                format!("Invalid arn {name}"),
            ));
        }
        let key = call.select(name, Accepts::IdOrArn)?;
        take(call, &key, |grant| grant.id == id)
    };
    let (arn, grant) = taken?;
    Ok(Done {
        response: json!({}),
        trail: Trail {
            resources: vec![arn],
            parameters: Some(Value::Null),
            additional: Some(to_trail(&json!({"GrantId": grant.id}))),
            ..Trail::default()
        },
        ..Done::default()
    })
}

/// Removes the grant; returns the ARN of its key, too.
fn take(
    call: &mut Call<'_>,
    key: &KeyRef,
    is_it: impl Fn(&Grant) -> bool,
) -> Result<(String, Grant), KmsError> {
    let key = call.kms.keys.get_mut(key).ok_or_else(KmsError::internal)?;
    let index = key.grants.iter().position(is_it);
    let index =
        index.ok_or_else(|| KmsError::not_found(format!("Grant is not found on {}", key.arn)))?;
    Ok((key.arn.clone(), key.grants.remove(index)))
}
