//! From an HTTP request to a service.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::{
    cloudformation,
    cloudwatch::{self, CloudWatchError},
    deployed,
    s3::Put,
    sns::Form,
};

/// The request, read as far as all services need it.
pub(super) enum Target {
    Kms {
        operation: String,
        body: Value,
    },
    DynamoDb {
        operation: String,
        body: Value,
    },
    Sns {
        form: Form,
        action: String,
    },
    CloudTrail {
        operation: String,
        body: Value,
    },
    EventBridge {
        operation: String,
        body: Value,
    },
    Ssm {
        operation: String,
        body: Value,
    },
    Config {
        operation: String,
        body: Value,
    },
    /// Findings to be imported.
    SecurityHub {
        body: Value,
    },
    /// An object to be put.
    S3(Put),
    /// Organizations and Account Management.
    Accounts {
        service: &'static str,
        operation: String,
        body: Value,
    },
    Sts {
        form: Form,
        action: String,
    },
    CloudWatch {
        operation: String,
        body: Result<Value, CloudWatchError>,
    },
    CloudFormation(cloudformation::Request),
    /// A part of a stack that a test laid down.
    Deployed {
        service: &'static str,
        operation: String,
        body: Value,
    },
}

impl Target {
    pub(super) fn read(request: &Request<Bytes>) -> Option<Self> {
        if request.method() == http::Method::GET {
            let (service, operation, name) = deployed::of_path(request.uri().path())?;
            let member = match service {
                "lambda" => "FunctionName",
                _ => "Name",
            };
            return Some(Self::Deployed {
                service,
                operation: operation.to_owned(),
                body: json!({ member: name }),
            });
        }
        if request.method() != http::Method::POST {
            return Put::read(request).map(Self::S3);
        }
        if let Some(operation) = cloudwatch::operation(request) {
            return Some(Self::CloudWatch {
                operation: operation.to_owned(),
                body: cloudwatch::read_body(request),
            });
        }
        if let Some(invocation) = invocation(request) {
            return Some(invocation);
        }
        if let Some(target) = request.headers().get("x-amz-target") {
            return Self::of_header(target.to_str().ok()?, request.body());
        }
        if request.uri().path() == "/findings/import" {
            let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
            return Some(Self::SecurityHub { body });
        }
        if request.uri().path() == "/listRegions" {
            return Some(Self::Accounts {
                service: "account",
                operation: "ListRegions".to_owned(),
                body: serde_json::from_slice(request.body()).unwrap_or(Value::Null),
            });
        }
        if let Some(request) = cloudformation::Request::read(request.body()) {
            return Some(Self::CloudFormation(request));
        }
        let (form, action) = Form::read(request.body());
        if ["AssumeRole", "GetCallerIdentity"].contains(&action.as_str()) {
            return Some(Self::Sts { form, action });
        }
        (!action.is_empty()).then_some(Self::Sns { form, action })
    }

    /// Of a service that speaks JSON, by the header that names it and the operation.
    fn of_header(target: &str, body: &Bytes) -> Option<Self> {
        let (service, operation) = target.rsplit_once('.')?;
        let operation = operation.to_owned();
        // What is no JSON at all is answered like JSON that is no object.
        let body = if body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(body).unwrap_or(Value::Null)
        };
        match service {
            "TrentService" => Some(Self::Kms { operation, body }),
            "DynamoDB_20120810" => Some(Self::DynamoDb { operation, body }),
            "AWSOrganizationsV20161128" => Some(Self::Accounts {
                service: "organizations",
                operation,
                body,
            }),
            "AmazonSSM" => Some(Self::Ssm { operation, body }),
            "StarlingDoveService" => Some(Self::Config { operation, body }),
            // Newer SDKs send the name of the service alone, others with its namespace.
            "CloudTrail_20131101" | "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101" => {
                Some(match operation.as_str() {
                    "LookupEvents" => Self::CloudTrail { operation, body },
                    _ => Self::Deployed {
                        service: "cloudtrail",
                        operation,
                        body,
                    },
                })
            }
            "AWSEvents" if operation.starts_with("List") => Some(Self::Deployed {
                service: "events",
                operation,
                body,
            }),
            "AWSEvents" => Some(Self::EventBridge { operation, body }),
            "AmazonSQS" => Some(Self::Deployed {
                service: "sqs",
                operation,
                body,
            }),
            _ => None,
        }
    }
}

/// `/2015-03-31/functions/<name>/invocations`: the payload is null if it is no JSON.
fn invocation(request: &Request<Bytes>) -> Option<Target> {
    let name = request
        .uri()
        .path()
        .strip_prefix("/2015-03-31/functions/")?;
    let function = name.strip_suffix("/invocations")?;
    let kind = request.headers().get("x-amz-invocation-type");
    let waits = kind.is_none_or(|kind| kind != "Event");
    let payload: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    Some(Target::Deployed {
        service: "lambda",
        operation: "Invoke".to_owned(),
        body: json!({"FunctionName": function, "Waits": waits, "Payload": payload}),
    })
}
