//! AWS services that use keys for what customers keep with them (KMS Developer Guide, "How AWS services use AWS KMS", and the guide
//! of each service).

use serde_json::{Map, Value, json};

use super::aws::LocalAws;
use crate::{
    caller::Caller,
    kms::{KmsError, KmsRequest},
    spelling::partition,
};

/// A service that encrypts under a customer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3 with a bucket key: one call for many objects.
    S3,
    /// Amazon EBS: a grant for each volume.
    Ebs,
    /// Amazon RDS: a grant for each instance.
    Rds,
    /// `DynamoDB`: a grant for each table.
    DynamoDb,
    /// AWS Lambda, for a function's environment.
    Lambda,
    /// AWS Secrets Manager.
    SecretsManager,
    /// Amazon SQS.
    Sqs,
    /// Amazon SNS.
    Sns,
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
    /// Amazon `CloudWatch` Logs.
    Logs,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::S3,
        Self::Ebs,
        Self::Rds,
        Self::DynamoDb,
        Self::Lambda,
        Self::SecretsManager,
        Self::Sqs,
        Self::Sns,
        Self::ParameterStore,
        Self::Logs,
    ];

    fn host(self) -> &'static str {
        match self {
            Self::S3 => "s3.amazonaws.com",
            Self::Ebs => "ec2.amazonaws.com",
            Self::Rds => "rds.amazonaws.com",
            Self::DynamoDb => "dynamodb.amazonaws.com",
            Self::Lambda => "lambda.amazonaws.com",
            Self::SecretsManager => "secretsmanager.amazonaws.com",
            Self::Sqs => "sqs.amazonaws.com",
            Self::Sns => "sns.amazonaws.com",
            Self::ParameterStore => "ssm.amazonaws.com",
            Self::Logs => "logs.amazonaws.com",
        }
    }

    /// The encryption context for a resource, by its id or name.
    fn context(self, resource: &str, account: &str, region: &str) -> Map<String, Value> {
        let partition = partition(region);
        let arn = |rest: &str| format!("arn:{partition}:{}:{rest}", self.name());
        let at_home = |rest: &str| arn(&format!("{region}:{account}:{rest}{resource}"));
        let entries: Vec<(&str, String)> = match self {
            Self::S3 => vec![("aws:s3:arn", arn(&format!("::{resource}")))],
            Self::Ebs => vec![("aws:ebs:id", resource.to_owned())],
            Self::Rds => vec![("aws:rds:db-id", resource.to_owned())],
            Self::DynamoDb => vec![
                ("aws:dynamodb:tableName", resource.to_owned()),
                ("aws:dynamodb:subscriberId", account.to_owned()),
            ],
            Self::Lambda => vec![("aws:lambda:FunctionArn", at_home("function:"))],
            Self::SecretsManager => vec![
                ("SecretARN", at_home("secret:")),
                (
                    "SecretVersionId",
                    "2f6c1c4b-0d0e-4c1a-9a57-3b1f0f3a7d51".to_owned(),
                ),
            ],
            Self::Sqs => vec![("aws:sqs:arn", at_home(""))],
            Self::Sns => vec![("aws:sns:topicArn", at_home(""))],
            Self::ParameterStore => vec![("PARAMETER_ARN", at_home("parameter/"))],
            Self::Logs => vec![("aws:logs:arn", at_home("log-group:"))],
        };
        let entries = entries.into_iter();
        entries
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    }

    fn name(self) -> &'static str {
        let host = self.host();
        host.split_once('.').map_or(host, |(name, _)| name)
    }

    /// It works later, too, when nobody calls: by a grant.
    fn holds_grants(self) -> bool {
        matches!(self, Self::Ebs | Self::Rds | Self::DynamoDb)
    }
}

impl LocalAws {
    /// A service encrypts `resource` under a key, for `role`: it makes a grant where it works by grants, and asks for a data key.
    ///
    /// # Errors
    ///
    /// The error that KMS would answer the service.
    pub fn encrypt_for(
        &self,
        service: Service,
        key: &str,
        resource: &str,
        role: &str,
    ) -> Result<(), KmsError> {
        let context = service.context(resource, self.account(), self.region());
        let caller = Caller::assumed_role(role, "i-0abc").through(service.host());
        if service.holds_grants() {
            let grant = json!({
                "KeyId": key,
                "GranteePrincipal": service.host(),
                "RetiringPrincipal": service.host(),
                "Operations": ["Decrypt", "GenerateDataKeyWithoutPlaintext", "CreateGrant"],
                "Constraints": {"EncryptionContextSubset": context},
                "Name": resource,
            });
            self.call_as(&caller, "CreateGrant", &grant)?;
        }
        let request = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context});
        self.call_as(&caller, "GenerateDataKey", &request)?;
        Ok(())
    }

    fn call_as(&self, caller: &Caller, operation: &str, body: &Value) -> Result<Value, KmsError> {
        self.with(|world| {
            world.kms_call(KmsRequest {
                operation,
                region: self.region(),
                caller,
                body,
                eventually: false,
            })
        })
    }
}
