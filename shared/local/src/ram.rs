//! AWS RAM, as far as it shares keys (AWS RAM API Reference; KMS API Reference, `GetKeyPolicy`, on the policy `AWS_RAM`).
//!
//! How the statements of that policy look is not documented: here it lets each principal of the share use the key, with the
//! organisation as a condition where the principal is one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    caller::Caller,
    context::Context,
    kms::{Kms, key_ref},
};

/// The resource shares, by ARN.
#[derive(Debug, Default)]
pub(crate) struct Ram(BTreeMap<String, Share>);

#[derive(Debug, Default)]
struct Share {
    resources: BTreeSet<String>,
    principals: BTreeSet<String>,
}

/// An error as AWS RAM answers it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct RamError {
    /// `UnknownResourceException`, …
    pub code: &'static str,
    /// The text; the documentation does not word it.
    pub message: String,
}

/// A call to AWS RAM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RamRequest<'a> {
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
    pub(crate) caller: &'a Caller,
    /// With the names of the API: `resourceArns`, `principals`, `resourceShareArn`.
    pub(crate) body: &'a Value,
}

impl Ram {
    /// Carries out an operation: the policies of the keys follow at once, and events tell of it.
    pub(crate) fn call(
        &mut self,
        context: &mut Context,
        kms: &mut Kms,
        request: RamRequest<'_>,
    ) -> Result<Value, RamError> {
        let body = request.body;
        let (resources, principals) = (list(body, "resourceArns"), list(body, "principals"));
        let arn = if request.operation == "CreateResourceShare" {
            let id = context.ids.uuid();
            let (region, account) = (request.region, &context.account);
            format!("arn:aws:ram:{region}:{account}:resource-share/{id}")
        } else {
            let arn = body["resourceShareArn"].as_str();
            arn.unwrap_or_default().to_owned()
        };
        let mut touched = resources.clone();
        match request.operation {
            "CreateResourceShare" => {
                let share = Share {
                    resources,
                    principals,
                };
                self.0.insert(arn.clone(), share);
            }
            "AssociateResourceShare" => {
                let share = self.share(&arn)?;
                share.resources.extend(resources);
                share.principals.extend(principals);
                touched.clone_from(&share.resources);
            }
            "DisassociateResourceShare" => {
                let share = self.share(&arn)?;
                touched.extend(share.resources.iter().cloned());
                share
                    .resources
                    .retain(|resource| !resources.contains(resource));
                share
                    .principals
                    .retain(|principal| !principals.contains(principal));
            }
            "DeleteResourceShare" => {
                touched.clone_from(&self.share(&arn)?.resources);
                self.0.remove(&arn);
            }
            other => {
                return Err(RamError {
                    code: "InvalidParameterException",
                    message: format!("{other} is not imitated"),
                });
            }
        }
        for key in &touched {
            self.write_policy(kms, key);
        }
        let ended = matches!(
            request.operation,
            "DisassociateResourceShare" | "DeleteResourceShare"
        );
        let (region, operation) = (request.region, request.operation);
        let answer = json!({"resourceShare": {"resourceShareArn": arn, "status": "ACTIVE"}});
        context.share_record(region, operation, request.caller, body, &answer);
        context.share_event(region, &arn, !ended);
        Ok(answer)
    }

    fn share(&mut self, arn: &str) -> Result<&mut Share, RamError> {
        self.0.get_mut(arn).ok_or_else(|| RamError {
            code: "UnknownResourceException",
            message: format!("ResourceShare {arn} could not be found."),
        })
    }

    /// The policy of a key follows from all shares that it is in.
    fn write_policy(&self, kms: &mut Kms, arn: &str) {
        let Some(key) = key_ref(arn).and_then(|key| kms.keys.get_mut(&key)) else {
            return;
        };
        let with = self
            .0
            .values()
            .filter(|share| share.resources.contains(arn));
        let principals: BTreeSet<&String> = with.flat_map(|share| &share.principals).collect();
        let statements: Vec<Value> = principals.iter().map(|it| statement(it)).collect();
        key.ram_policy = (!statements.is_empty())
            .then(|| json!({"Version": "2012-10-17", "Statement": statements}).to_string());
    }
}

fn list(body: &Value, member: &str) -> BTreeSet<String> {
    let items = body[member].as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn statement(principal: &str) -> Value {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
    });
    // `arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5`
    let organisation = principal
        .split('/')
        .nth(1)
        .filter(|id| id.starts_with("o-"));
    if let Some(organisation) = organisation {
        statement["Principal"] = "*".into();
        statement["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": organisation}});
    }
    statement
}
