//! What AWS services write into the encryption context: the resource whose data a key protects.
//!
//! A context is not secret, and may hold anything: those of the account's own programs have names of customers in them. So a
//! value is looked at only under a name that an AWS service sets, and kept only in the shape of a resource ([`resource`]). Of
//! everything else an alert shows names, and nothing here keeps more.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::Untrusted;

/// A type of resource that a key protects.
#[derive(Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// Its name in CloudFormation; of snapshots and recovery points, which it does not make, in AWS Config.
    name: &'static str,
    /// The service, as ARNs have it.
    service: &'static str,
    /// What stands in an ARN before the id; empty where nothing does.
    before_id: &'static str,
    /// One of them, for people.
    one: &'static str,
    /// Several of them.
    many: &'static str,
    /// A database that its service gives up for good seven days after the key became unusable.
    is_database: bool,
}

const fn of(
    name: &'static str,
    (service, before_id): (&'static str, &'static str),
    (one, many): (&'static str, &'static str),
) -> ResourceType {
    ResourceType {
        name,
        service,
        before_id,
        one,
        many,
        is_database: false,
    }
}

/// Amazon RDS and Aurora (User Guide, inaccessible-encryption-credentials), DynamoDB (API Reference, `TableStatus`).
const fn database(of: ResourceType) -> ResourceType {
    ResourceType {
        is_database: true,
        ..of
    }
}

#[rustfmt::skip]
static TYPES: [ResourceType; 43] = [
    of("AWS::AmazonMQ::Broker", ("mq", "broker:"), ("message broker", "message brokers")),
    of("AWS::Backup::BackupVault", ("backup", "backup-vault:"), ("backup vault", "backup vaults")),
    of("AWS::Backup::RecoveryPoint", ("backup", "recovery-point:"), ("recovery point", "recovery points")),
    of("AWS::CloudTrail::Trail", ("cloudtrail", "trail/"), ("trail", "trails")),
    of("AWS::CodeBuild::Project", ("codebuild", "project/"), ("CodeBuild project", "CodeBuild projects")),
    of("AWS::CodePipeline::Pipeline", ("codepipeline", ""), ("pipeline", "pipelines")),
    of("AWS::DMS::Endpoint", ("dms", "endpoint:"), ("DMS endpoint", "DMS endpoints")),
    of("AWS::DMS::ReplicationInstance", ("dms", "rep:"), ("DMS replication instance", "DMS replication instances")),
    database(of("AWS::DynamoDB::Table", ("dynamodb", "table/"), ("DynamoDB table", "DynamoDB tables"))),
    of("AWS::EC2::Snapshot", ("ec2", "snapshot/"), ("EBS snapshot", "EBS snapshots")),
    of("AWS::EC2::Volume", ("ec2", "volume/"), ("EBS volume", "EBS volumes")),
    of("AWS::ECR::Repository", ("ecr", "repository/"), ("ECR repository", "ECR repositories")),
    of("AWS::ECS::Cluster", ("ecs", "cluster/"), ("ECS cluster", "ECS clusters")),
    of("AWS::EFS::FileSystem", ("elasticfilesystem", "file-system/"), ("EFS file system", "EFS file systems")),
    of("AWS::EKS::Cluster", ("eks", "cluster/"), ("EKS cluster", "EKS clusters")),
    of("AWS::Elasticsearch::Domain", ("es", "domain/"), ("Elasticsearch domain", "Elasticsearch domains")),
    of("AWS::Events::EventBus", ("events", "event-bus/"), ("event bus", "event buses")),
    of("AWS::Kinesis::Stream", ("kinesis", "stream/"), ("Kinesis stream", "Kinesis streams")),
    of("AWS::KinesisVideo::Stream", ("kinesisvideo", "stream/"), ("video stream", "video streams")),
    of("AWS::Lambda::Function", ("lambda", "function:"), ("Lambda function", "Lambda functions")),
    of("AWS::Logs::LogGroup", ("logs", "log-group:"), ("log group", "log groups")),
    of("AWS::M2::Environment", ("m2", "env/"), ("mainframe environment", "mainframe environments")),
    of("AWS::MSK::Cluster", ("kafka", "cluster/"), ("MSK cluster", "MSK clusters")),
    of("AWS::OpenSearchService::Domain", ("es", "domain/"), ("OpenSearch domain", "OpenSearch domains")),
    of("AWS::Personalize::DatasetGroup", ("personalize", "dataset-group/"), ("dataset group", "dataset groups")),
    database(of("AWS::RDS::DBCluster", ("rds", "cluster:"), ("Aurora cluster", "Aurora clusters"))),
    of("AWS::RDS::DBClusterSnapshot", ("rds", "cluster-snapshot:"), ("Aurora snapshot", "Aurora snapshots")),
    database(of("AWS::RDS::DBInstance", ("rds", "db:"), ("RDS instance", "RDS instances"))),
    of("AWS::RDS::DBSnapshot", ("rds", "snapshot:"), ("RDS snapshot", "RDS snapshots")),
    of("AWS::Redshift::Cluster", ("redshift", "cluster:"), ("Redshift cluster", "Redshift clusters")),
    of("AWS::Redshift::ClusterSnapshot", ("redshift", "snapshot:"), ("Redshift snapshot", "Redshift snapshots")),
    of("AWS::S3::Bucket", ("s3", ""), ("S3 bucket", "S3 buckets")),
    of("AWS::SNS::Topic", ("sns", ""), ("SNS topic", "SNS topics")),
    of("AWS::SQS::Queue", ("sqs", ""), ("SQS queue", "SQS queues")),
    of("AWS::SSM::Parameter", ("ssm", "parameter/"), ("parameter", "parameters")),
    of("AWS::SageMaker::Domain", ("sagemaker", "domain/"), ("SageMaker domain", "SageMaker domains")),
    of("AWS::SageMaker::EndpointConfig", ("sagemaker", "endpoint-config/"), ("endpoint configuration", "endpoint configurations")),
    of("AWS::SageMaker::NotebookInstance", ("sagemaker", "notebook-instance/"), ("notebook instance", "notebook instances")),
    of("AWS::SecretsManager::Secret", ("secretsmanager", "secret:"), ("secret", "secrets")),
    of("AWS::StepFunctions::Activity", ("states", "activity:"), ("activity", "activities")),
    of("AWS::StepFunctions::StateMachine", ("states", "stateMachine:"), ("state machine", "state machines")),
    of("AWS::WorkMail::Organization", ("workmail", "organization/"), ("WorkMail organisation", "WorkMail organisations")),
    of("AWS::WorkSpaces::Workspace", ("workspaces", "workspace/"), ("WorkSpace", "WorkSpaces")),
];

/// The shape in which a value is believed.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// An ARN of the type.
    Arn,
    /// An id that begins so.
    Id(&'static str),
    /// A bare name.
    Name,
}

/// Names that AWS services set, what they name, and in which shape. Of several the first counts: a database has volumes, and a
/// trail writes objects. KMS Developer Guide, encryption context, and the guide of each service.
#[rustfmt::skip]
const CONTEXTS: [(&str, &str, Shape); 23] = [
    ("aws:rds:db-id", "AWS::RDS::DBInstance", Shape::Id("db-")),
    ("aws:rds:dbc-id", "AWS::RDS::DBCluster", Shape::Id("cluster-")),
    ("aws:dynamodb:tableName", "AWS::DynamoDB::Table", Shape::Name),
    ("aws:cloudtrail:arn", "AWS::CloudTrail::Trail", Shape::Arn),
    ("aws:ecr:arn", "AWS::ECR::Repository", Shape::Arn),
    ("aws:workspaces:sid-directoryid", "AWS::WorkSpaces::Workspace", Shape::Name),
    ("aws:backup:backup-vault", "AWS::Backup::BackupVault", Shape::Name),
    ("aws:lambda:FunctionArn", "AWS::Lambda::Function", Shape::Arn),
    ("PARAMETER_ARN", "AWS::SSM::Parameter", Shape::Arn),
    ("SecretARN", "AWS::SecretsManager::Secret", Shape::Arn),
    ("aws:sqs:arn", "AWS::SQS::Queue", Shape::Arn),
    ("aws:sns:topicArn", "AWS::SNS::Topic", Shape::Arn),
    ("aws:kinesis:arn", "AWS::Kinesis::Stream", Shape::Arn),
    ("aws:elasticfilesystem:filesystem:id", "AWS::EFS::FileSystem", Shape::Id("fs-")),
    ("aws:logs:arn", "AWS::Logs::LogGroup", Shape::Arn),
    ("aws:redshift:arn", "AWS::Redshift::Cluster", Shape::Arn),
    ("aws:states:stateMachineArn", "AWS::StepFunctions::StateMachine", Shape::Arn),
    ("aws:states:activityArn", "AWS::StepFunctions::Activity", Shape::Arn),
    ("aws:events:event-bus:arn", "AWS::Events::EventBus", Shape::Arn),
    ("aws:workmail:arn", "AWS::WorkMail::Organization", Shape::Arn),
    ("aws:s3:arn", "AWS::S3::Bucket", Shape::Arn),
    ("aws:ebs:id", "AWS::EC2::Volume", Shape::Id("vol-")),
    ("aws:ebs:id", "AWS::EC2::Snapshot", Shape::Id("snap-")),
];

/// Longest ARN that is kept, in characters.
const ARN_LIMIT: usize = 512;
/// Longest id that is kept.
const ID_LIMIT: usize = 256;

/// A resource that data is encrypted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it is.
    pub kind: ResourceKind,
    /// Its id or name.
    pub id: Untrusted,
    /// Its ARN, if that was told.
    pub arn: Option<Untrusted>,
}

/// The resource that an encryption context names, if an AWS service wrote it.
pub fn resource<'a>(context: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Named> {
    // A context has 8,192 characters at most (AWS KMS API Reference, Encrypt): no more entries than these.
    let context: Vec<_> = context.take(64).collect();
    CONTEXTS.iter().find_map(|(name, kind, shape)| {
        let mut entries = context.iter();
        let (_, value) = entries.find(|(entry, _)| entry == name)?;
        let kind = ResourceKind::find(kind)?;
        kind.read(value, *shape)
    })
}

/// The resource that an ARN names, if it is of a type that is known.
pub fn of_arn(arn: &str) -> Option<Named> {
    TYPES
        .iter()
        .find_map(|kind| ResourceKind(kind).read(arn, Shape::Arn))
}

/// A type of the table, by its name in CloudFormation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceKind(&'static ResourceType);

impl ResourceKind {
    pub(crate) fn find(name: &str) -> Option<Self> {
        TYPES.iter().find(|kind| kind.name == name).map(Self)
    }

    /// Its name in CloudFormation, such as `AWS::S3::Bucket`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The service, as ARNs have it.
    pub fn service(self) -> &'static str {
        self.0.service
    }

    /// `S3 bucket`, or for several `S3 buckets`.
    pub fn words(self, several: bool) -> &'static str {
        if several { self.0.many } else { self.0.one }
    }

    /// A database that its service gives up for good seven days after the key became unusable.
    pub fn is_database(self) -> bool {
        self.0.is_database
    }

    pub(crate) fn read(self, value: &str, shape: Shape) -> Option<Named> {
        let (id, arn) = match shape {
            Shape::Arn => {
                let (head, id) = self.id_in(value)?;
                (
                    id,
                    Some(Untrusted::bounded(&format!("{head}{id}"), ARN_LIMIT)),
                )
            }
            Shape::Id(start) => {
                let rest = value.strip_prefix(start)?;
                let is_id = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric());
                (is_id.then_some(value)?, None)
            }
            Shape::Name => (value, None),
        };
        (1..=ID_LIMIT).contains(&id.len()).then_some(())?;
        id.bytes().all(is_of_a_name).then(|| Named {
            kind: self,
            id: Untrusted::bounded(id, ID_LIMIT),
            arn,
        })
    }

    /// An ARN up to its id, and the id. What stands below it is left out: the key of an object, the version of a function.
    fn id_in(self, arn: &str) -> Option<(&str, &str)> {
        let kind = self.0;
        let mut parts = arn.splitn(6, ':');
        let head = [parts.next()?, parts.next()?, parts.next()?];
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let is_label = |part: &str| {
            let mut bytes = part.bytes();
            part.len() <= 32 && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let is_arn = head[0] == "arn" && is_label(head[1]) && head[2] == kind.service;
        (is_arn && is_label(region) && is_label(account)).then_some(())?;
        let mut rest = resource.strip_prefix(kind.before_id)?;
        // `rds:orders-2026-11-20`, `orders/rs:orders-2026-11-20`: what a service made by itself says so before its name.
        if kind.name.ends_with("Snapshot") {
            rest = rest.rsplit(':').next().unwrap_or(rest);
        }
        let end = match kind.name {
            "AWS::S3::Bucket" => rest.find(['/', ':']),
            _ => rest.find(':'),
        };
        let id = &rest[..end.unwrap_or(rest.len())];
        // Without a word before it, only a bare name is one.
        let is_bare = !kind.before_id.is_empty() || !id.contains('/');
        let head = arn.len() - rest.len();
        is_bare.then_some((&arn[..head], id))
    }
}

/// No name of a resource needs more. An address of e-mail does.
fn is_of_a_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/')
}

impl Serialize for ResourceKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ResourceKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| serde::de::Error::custom("a type that is not known"))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ResourceKind {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ResourceKind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A context, and the type, id and ARN of the resource that it names.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, Option<&'a str>);

    fn found(context: &[(&str, &str)]) -> Option<(&'static str, String, Option<String>)> {
        let named = resource(context.iter().copied())?;
        let arn = named.arn.map(|arn| arn.as_str().to_owned());
        Some((named.kind.name(), named.id.as_str().to_owned(), arn))
    }

    #[test]
    fn every_services_context_names_its_resource() {
        #[rustfmt::skip]
        let cases: [Case<'_>; 24] = [
            (&[("aws:s3:arn", "arn:aws:s3:::acme-ledger")], "AWS::S3::Bucket", "acme-ledger", Some("arn:aws:s3:::acme-ledger")),
            (&[("aws:s3:arn", "arn:aws:s3:::acme-ledger/2026/x.csv")], "AWS::S3::Bucket", "acme-ledger", Some("arn:aws:s3:::acme-ledger")),
            (&[("aws:ebs:id", "vol-0abc123")], "AWS::EC2::Volume", "vol-0abc123", None),
            (&[("aws:ebs:id", "snap-0abc123")], "AWS::EC2::Snapshot", "snap-0abc123", None),
            (&[("aws:ebs:id", "vol-0abc"), ("aws:rds:db-id", "db-ABCDEF")], "AWS::RDS::DBInstance", "db-ABCDEF", None),
            (&[("aws:rds:dbc-id", "cluster-ABCDEF")], "AWS::RDS::DBCluster", "cluster-ABCDEF", None),
            (&[("aws:dynamodb:subscriberId", "111122223333"), ("aws:dynamodb:tableName", "orders")], "AWS::DynamoDB::Table", "orders", None),
            (&[("aws:lambda:FunctionArn", "arn:aws:lambda:us-east-1:111122223333:function:pay:3")], "AWS::Lambda::Function", "pay", Some("arn:aws:lambda:us-east-1:111122223333:function:pay")),
            (&[("PARAMETER_ARN", "arn:aws:ssm:us-east-1:111122223333:parameter/prod/db")], "AWS::SSM::Parameter", "prod/db", Some("arn:aws:ssm:us-east-1:111122223333:parameter/prod/db")),
            (&[("SecretARN", "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-a1B2c3"), ("SecretVersionId", "x")], "AWS::SecretsManager::Secret", "prod/db-a1B2c3", Some("arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-a1B2c3")),
            (&[("aws:sqs:arn", "arn:aws:sqs:us-east-1:111122223333:jobs")], "AWS::SQS::Queue", "jobs", Some("arn:aws:sqs:us-east-1:111122223333:jobs")),
            (&[("aws:sns:topicArn", "arn:aws:sns:us-east-1:111122223333:news")], "AWS::SNS::Topic", "news", Some("arn:aws:sns:us-east-1:111122223333:news")),
            (&[("aws:kinesis:arn", "arn:aws:kinesis:us-east-1:111122223333:stream/clicks")], "AWS::Kinesis::Stream", "clicks", Some("arn:aws:kinesis:us-east-1:111122223333:stream/clicks")),
            (&[("aws:elasticfilesystem:filesystem:id", "fs-0abc")], "AWS::EFS::FileSystem", "fs-0abc", None),
            (&[("aws:backup:backup-vault", "nightly")], "AWS::Backup::BackupVault", "nightly", None),
            (&[("aws:logs:arn", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/pay:*")], "AWS::Logs::LogGroup", "/aws/lambda/pay", Some("arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/pay")),
            (&[("aws:s3:arn", "arn:aws:s3:::logs/AWSLogs/x"), ("aws:cloudtrail:arn", "arn:aws:cloudtrail:us-east-1:111122223333:trail/all")], "AWS::CloudTrail::Trail", "all", Some("arn:aws:cloudtrail:us-east-1:111122223333:trail/all")),
            (&[("aws:s3:arn", "arn:aws:s3:::layers/x"), ("aws:ecr:arn", "arn:aws:ecr:us-east-1:111122223333:repository/team/app")], "AWS::ECR::Repository", "team/app", Some("arn:aws:ecr:us-east-1:111122223333:repository/team/app")),
            (&[("aws:redshift:arn", "arn:aws:redshift:us-east-1:111122223333:cluster:dwh"), ("aws:redshift:createtime", "x")], "AWS::Redshift::Cluster", "dwh", Some("arn:aws:redshift:us-east-1:111122223333:cluster:dwh")),
            (&[("aws:states:stateMachineArn", "arn:aws:states:us-east-1:111122223333:stateMachine:bill")], "AWS::StepFunctions::StateMachine", "bill", Some("arn:aws:states:us-east-1:111122223333:stateMachine:bill")),
            (&[("aws:states:activityArn", "arn:aws:states:us-east-1:111122223333:activity:ask")], "AWS::StepFunctions::Activity", "ask", Some("arn:aws:states:us-east-1:111122223333:activity:ask")),
            (&[("aws:events:event-bus:arn", "arn:aws:events:us-east-1:111122223333:event-bus/orders")], "AWS::Events::EventBus", "orders", Some("arn:aws:events:us-east-1:111122223333:event-bus/orders")),
            (&[("aws:workmail:arn", "arn:aws:workmail:us-east-1:111122223333:organization/m-0abc")], "AWS::WorkMail::Organization", "m-0abc", Some("arn:aws:workmail:us-east-1:111122223333:organization/m-0abc")),
            (&[("aws:workspaces:sid-directoryid", "S-1-5-21.d-0abc"), ("aws:ebs:id", "vol-0abc")], "AWS::WorkSpaces::Workspace", "S-1-5-21.d-0abc", None),
        ];
        for (context, kind, id, arn) in cases {
            let wanted = (kind, id.to_owned(), arn.map(str::to_owned));
            assert_eq!(found(context), Some(wanted), "{context:?}");
        }
    }

    #[test]
    fn a_value_of_an_own_context_is_never_kept() {
        for context in [
            ("patient", "Maria Meier"),
            ("email", "maria@example.com"),
            ("arn", "arn:aws:s3:::acme-ledger"),
            ("AWS:S3:ARN", "arn:aws:s3:::acme-ledger"),
            // Names that services set, in shapes that they do not.
            ("aws:s3:arn", "maria@example.com"),
            ("aws:s3:arn", "arn:aws:s3:::maria@example.com"),
            ("aws:ebs:id", "vol-Maria Meier"),
            ("aws:ebs:id", "vol-"),
            ("aws:rds:db-id", "the database of Maria"),
            ("aws:dynamodb:tableName", "Maria Meier"),
            ("aws:sqs:arn", "arn:aws:sns:us-east-1:111122223333:jobs"),
            (
                "SecretARN",
                "arn:aws:secretsmanager:us-east-1:1:secret:maria@example.com-a1B2c3",
            ),
            ("PARAMETER_ARN", "arn:aws:ssm:us east 1:1:parameter/x"),
            ("aws:sqs:arn", "arn:aws:sqs:us-east-1:111122223333:"),
        ] {
            assert_eq!(found(&[context]), None, "{context:?}");
        }
    }

    #[test]
    fn the_key_of_an_object_is_left_out() {
        let object = "arn:aws:s3:::records/maria@example.com/x-ray.png";
        let wanted = (
            "AWS::S3::Bucket",
            "records".to_owned(),
            Some("arn:aws:s3:::records".to_owned()),
        );
        assert_eq!(found(&[("aws:s3:arn", object)]), Some(wanted));
    }

    #[test]
    fn an_arn_names_a_resource_of_a_known_type() {
        let kind = |arn: &str| of_arn(arn).map(|named| named.kind.name());
        let table = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";
        assert_eq!(kind(table), Some("AWS::DynamoDB::Table"));
        let database = "arn:aws:rds:us-east-1:111122223333:db:orders";
        assert_eq!(kind(database), Some("AWS::RDS::DBInstance"));
        assert!(of_arn(database).unwrap().kind.is_database());
        for other in ["arn:aws:iam::111122223333:role/x", "orders", ""] {
            assert_eq!(kind(other), None, "{other}");
        }
    }

    #[test]
    fn every_name_of_a_context_has_a_type() {
        for (name, kind, _) in CONTEXTS {
            assert!(ResourceKind::find(kind).is_some(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_value_is_what_is_kept_has_the_alphabet_of_names(
            name in 0..CONTEXTS.len(), value in "(arn:aws:[a-z0-9]{1,9}:::)?\\PC{0,80}"
        ) {
            if let Some(named) = resource([(CONTEXTS[name].0, value.as_str())].into_iter()) {
                prop_assert!(named.id.as_str().bytes().all(is_of_a_name));
                let arn = named.arn.as_ref().map_or("", Untrusted::as_str);
                prop_assert!(arn.bytes().all(|b| is_of_a_name(b) || b == b':'), "{arn}");
            }
        }
    }
}
