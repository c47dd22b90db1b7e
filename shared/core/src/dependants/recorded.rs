//! What AWS Config recorded: resources that are configured with a key, under whatever name of the key they were given.

use serde_json::Value;

use super::findings::Findings;
use super::{Evidence, Resource};
use crate::arn::KeyArn;
use crate::context::{Named, ResourceKind, Shape};
use crate::text::Untrusted;

/// Longest expression, in characters (AWS Config API Reference, `SelectResourceConfig`).
const EXPRESSION_LIMIT: usize = 4_096;
/// Aliases that are asked for; a key may have as many as 50 and more.
const ALIASES: usize = 10;
/// The names of a key take no more than this of an expression.
const NAMES_LIMIT: usize = 2_048;

const SELECT: &str = "SELECT resourceId, resourceType, arn WHERE ";

/// A type of resource that AWS Config records with its key.
struct Type {
    /// Its name in AWS Config.
    name: &'static str,
    /// Its name in the table of types, where that is another.
    kind: &'static str,
    /// Where its id stands: in the ARN, or in `resourceId` where encryption contexts have another id than the ARN.
    id: Shape,
    /// The properties that name a key.
    properties: &'static [&'static str],
}

const fn of(name: &'static str, properties: &'static [&'static str]) -> Type {
    Type {
        name,
        kind: name,
        id: Shape::Arn,
        properties,
    }
}

/// As AWS Config's schemas of resources have them (awslabs/aws-config-resource-schema). Kinesis streams and log groups are
/// recorded without their keys.
#[rustfmt::skip]
const TYPES: [Type; 34] = [
    of("AWS::AmazonMQ::Broker", &["configuration.EncryptionOptions.KmsKeyId"]),
    of("AWS::Backup::BackupVault", &["configuration.EncryptionKeyArn"]),
    of("AWS::Backup::RecoveryPoint", &["configuration.EncryptionKeyArn"]),
    of("AWS::CloudTrail::Trail", &["configuration.kmsKeyId"]),
    of("AWS::CodeBuild::Project", &["configuration.encryptionKey"]),
    of("AWS::CodePipeline::Pipeline", &["configuration.pipeline.artifactStore.encryptionKey.id"]),
    of("AWS::DMS::Endpoint", &["configuration.KmsKeyId"]),
    of("AWS::DMS::ReplicationInstance", &["configuration.KmsKeyId"]),
    of("AWS::DynamoDB::Table", &["configuration.ssedescription.kmsmasterKeyArn", "configuration.replicas.kmsmasterKeyId"]),
    of("AWS::EC2::Volume", &["configuration.kmsKeyId"]),
    of("AWS::ECS::Cluster", &["configuration.Configuration.ExecuteCommandConfiguration.KmsKeyId"]),
    of("AWS::EFS::FileSystem", &["configuration.KmsKeyId"]),
    of("AWS::EKS::Cluster", &["configuration.EncryptionConfig.Provider.KeyArn"]),
    of("AWS::Elasticsearch::Domain", &["configuration.encryptionAtRestOptions.kmsKeyId"]),
    of("AWS::KinesisVideo::Stream", &["configuration.KmsKeyId"]),
    of("AWS::Lambda::Function", &["configuration.kmskeyArn"]),
    of("AWS::M2::Environment", &["configuration.KmsKeyId"]),
    of("AWS::MSK::Cluster", &["configuration.EncryptionInfo.EncryptionAtRest.DataVolumeKMSKeyId"]),
    Type {
        kind: "AWS::OpenSearchService::Domain",
        ..of("AWS::OpenSearch::Domain", &["configuration.EncryptionAtRestOptions.KmsKeyId"])
    },
    of("AWS::Personalize::DatasetGroup", &["configuration.KmsKeyArn"]),
    Type {
        id: Shape::Id("cluster-"),
        ..of("AWS::RDS::DBCluster", &["configuration.kmsKeyId", "configuration.performanceInsightsKMSKeyId", "configuration.activityStreamKmsKeyId"])
    },
    of("AWS::RDS::DBClusterSnapshot", &["configuration.kmsKeyId"]),
    Type {
        id: Shape::Id("db-"),
        ..of("AWS::RDS::DBInstance", &["configuration.kmsKeyId", "configuration.performanceInsightsKMSKeyId", "configuration.activityStreamKmsKeyId"])
    },
    of("AWS::RDS::DBSnapshot", &["configuration.kmsKeyId"]),
    of("AWS::Redshift::Cluster", &["configuration.kmsKeyId"]),
    of("AWS::Redshift::ClusterSnapshot", &["configuration.kmsKeyId"]),
    of("AWS::S3::Bucket", &["supplementaryConfiguration.ServerSideEncryptionConfiguration.rules.applyServerSideEncryptionByDefault.kmsMasterKeyID"]),
    of("AWS::SNS::Topic", &["configuration.KmsMasterKeyId"]),
    of("AWS::SQS::Queue", &["configuration.KmsMasterKeyId"]),
    of("AWS::SageMaker::Domain", &["configuration.KmsKeyId"]),
    of("AWS::SageMaker::EndpointConfig", &["configuration.KmsKeyId"]),
    of("AWS::SageMaker::NotebookInstance", &["configuration.KmsKeyId"]),
    of("AWS::SecretsManager::Secret", &["configuration.KMSKeyId"]),
    of("AWS::WorkSpaces::Workspace", &["configuration.VolumeEncryptionKey"]),
];

/// The expressions that find every resource of the table by every name of a key, and whether some name was left out.
pub(super) fn expressions(key: &KeyArn, aliases: &[Untrusted]) -> (Vec<String>, bool) {
    let (names, is_cut) = names(key, aliases);
    let mut expressions = Vec::new();
    for names in packed(names, ", ", NAMES_LIMIT) {
        let conditions = by_property().into_iter().map(|(property, types)| {
            let types: Vec<_> = types.iter().map(|name| format!("'{name}'")).collect();
            format!(
                "(resourceType IN ({}) AND {property} IN ({names}))",
                types.join(", ")
            )
        });
        let room = EXPRESSION_LIMIT - SELECT.len();
        let conditions = packed(conditions.collect(), " OR ", room);
        expressions.extend(conditions.into_iter().map(|it| format!("{SELECT}{it}")));
    }
    (expressions, is_cut)
}

/// What a resource may have been given as its key, each quoted. A service passes on what its customer gave: an id, an ARN, or an
/// alias. What is no alias by its letters is left out, since it might end the quotation.
fn names(key: &KeyArn, aliases: &[Untrusted]) -> (Vec<String>, bool) {
    let quoted = |name: &str| format!("'{name}'");
    let mut names = vec![quoted(key.id()), quoted(&key.to_string())];
    let fit: Vec<_> = aliases.iter().filter(|it| is_alias(it.as_str())).collect();
    let is_cut = fit.len() < aliases.len() || fit.len() > ALIASES;
    let (partition, region, account) = (key.partition(), key.region(), key.account());
    let place = [partition.as_str(), "kms", region.as_str(), account.as_str()].join(":");
    for alias in fit.into_iter().take(ALIASES) {
        let alias = alias.as_str();
        names.extend([quoted(alias), quoted(&format!("arn:{place}:{alias}"))]);
    }
    (names, is_cut)
}

/// `alias/` and letters, digits, `/`, `_`, `-`, 256 characters at most (AWS KMS API Reference, `CreateAlias`).
fn is_alias(name: &str) -> bool {
    let of_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-');
    let rest = name.strip_prefix("alias/").filter(|it| !it.is_empty());
    rest.is_some_and(|rest| name.len() <= 256 && rest.bytes().all(of_name))
}

/// Each property, with the types that have it.
fn by_property() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut by: Vec<(&str, Vec<&str>)> = Vec::new();
    for kind in &TYPES {
        for property in kind.properties {
            match by.iter_mut().find(|(known, _)| known == property) {
                Some((_, types)) => types.push(kind.name),
                None => by.push((property, vec![kind.name])),
            }
        }
    }
    by
}

/// Joined in that order, as many at a time as there is room for.
fn packed(parts: Vec<String>, between: &str, room: usize) -> Vec<String> {
    let mut packed: Vec<String> = Vec::new();
    for part in parts {
        match packed.last_mut() {
            Some(last) if last.len() + between.len() + part.len() <= room => {
                last.push_str(between);
                last.push_str(&part);
            }
            _ => packed.push(part),
        }
    }
    packed
}

impl Findings {
    /// Takes in a resource as AWS Config has it. One that has not the shape of its type is known to be there, and not named.
    pub(super) fn recorded(&mut self, item: &Value) {
        match named(item) {
            Some(named) => self.resource(Resource::of(named, Evidence::Config)),
            None => self.more(),
        }
    }
}

fn named(item: &Value) -> Option<Named> {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let kind = TYPES.iter().find(|it| it.name == text("resourceType"))?;
    let resource = ResourceKind::find(kind.kind)?;
    let by_arn = resource.read(text("arn"), Shape::Arn);
    if matches!(kind.id, Shape::Arn) {
        return by_arn;
    }
    Some(Named {
        arn: by_arn.and_then(|it| it.arn),
        ..resource.read(text("resourceId"), kind.id)?
    })
}

#[cfg(test)]
mod tests;
