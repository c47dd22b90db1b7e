//! The fate of a request: faults, permissions, quotas.

use super::{scope::Scope, target::Target};
use crate::{
    cloudwatch, deployed, dynamodb, eventbridge,
    faults::{Plan, Verdict},
    iam::Decision,
    quotas::Metered,
    record, securityhub, sns,
    spelling::partition,
    ssm,
    world::World,
};

/// What a request is about.
struct About<'a> {
    service: &'static str,
    operation: &'a str,
    named: Option<String>,
    resource: Option<String>,
}

impl Target {
    /// Records the request and decides its fate.
    pub(super) fn arrive(&self, world: &mut World, scope: &Scope) -> (Plan, usize) {
        let about = self.about(world, scope);
        let (service, operation) = (about.service, about.operation);
        let resource = about.resource.as_deref();
        let index = world.record.add(record::Request {
            service,
            operation: operation.to_owned(),
            resource: about.named,
            at: world.context.now,
            region: scope.region.clone(),
            access_key: scope.access_key.clone(),
            error: None,
        });
        let mut plan = world.faults.plan(service, operation, resource);
        if plan.verdict.is_none() {
            let needs = self.permissions(world, scope, service, operation, resource);
            plan.verdict = match world.iam.decide(&scope.access_key, &needs) {
                Decision::Allowed => None,
                Decision::Denied => Some(Verdict::Denied),
                Decision::Forbidden => Some(Verdict::Forbidden),
            };
        }
        let call = Metered {
            service,
            operation,
            region: &scope.region,
            resource,
        };
        if !world.meter.admit(call, &world.kms, world.context.now) && plan.verdict.is_none() {
            plan.verdict = Some(Verdict::Throttled);
        }
        (plan, index)
    }

    /// Service, operation, the name that the request has for what it is about, and the ARN of that.
    fn about(&self, world: &World, scope: &Scope) -> About<'_> {
        let (service, operation, resource) = self.part(world, scope);
        let named = match self {
            Self::Kms { body, .. } => ["KeyId", "TargetKeyId", "AliasName"]
                .iter()
                .find_map(|member| body.get(member)?.as_str().map(str::to_owned)),
            _ => resource.clone(),
        };
        About {
            service,
            operation,
            named,
            resource,
        }
    }

    /// Service, operation, and the ARN of what the request is about.
    fn part(&self, world: &World, scope: &Scope) -> (&'static str, &str, Option<String>) {
        let account = &world.context.account;
        match self {
            Self::Kms { operation, body } => {
                let resource = world.kms.resource(account, operation, &scope.region, body);
                ("kms", operation, resource)
            }
            Self::DynamoDb { operation, body } => {
                let table = dynamodb::resource(&scope.region, account, body);
                ("dynamodb", operation, table)
            }
            Self::Sns { form, action } => {
                let topic = sns::resource(form);
                ("sns", action, topic)
            }
            Self::CloudTrail { operation, .. } => ("cloudtrail", operation, None),
            Self::EventBridge { operation, body } => {
                let bus = eventbridge::resource(&scope.region, account, body);
                ("events", operation, bus)
            }
            Self::Ssm { operation, body } => {
                let parameter = Some(ssm::resource(&scope.region, account, body));
                ("ssm", operation, parameter)
            }
            Self::Config { operation, .. } => ("config", operation, None),
            Self::SecurityHub { body } => {
                let product = securityhub::resource(body);
                ("securityhub", "BatchImportFindings", product)
            }
            Self::S3(put) => {
                let object = Some(put.resource(partition(&scope.region)));
                ("s3", "PutObject", object)
            }
            Self::Accounts {
                service, operation, ..
            } => (*service, operation, None),
            Self::Sts { form, action } => {
                let role = form.get("RoleArn").map(str::to_owned);
                ("sts", action, role)
            }
            Self::CloudWatch { operation, body } => {
                let region = &scope.region;
                let body = body.as_ref().ok();
                let alarm =
                    body.and_then(|body| cloudwatch::resource(operation, body, region, account));
                ("cloudwatch", operation, alarm)
            }
            Self::CloudFormation(request) => {
                let stack = request.resource(&scope.region, account);
                ("cloudformation", &request.action, stack)
            }
            Self::Deployed {
                service,
                operation,
                body,
            } => {
                let part = deployed::resource(service, &scope.region, account, body);
                (*service, operation, part)
            }
        }
    }

    /// What the caller needs to be allowed.
    fn permissions(
        &self,
        world: &World,
        scope: &Scope,
        service: &str,
        operation: &str,
        resource: Option<&str>,
    ) -> Vec<(String, String)> {
        let account = &world.context.account;
        if let Self::Kms { body, .. } = self {
            return world
                .kms
                .permissions(account, operation, &scope.region, body);
        }
        if let Self::DynamoDb { body, .. } = self {
            return dynamodb::permissions(operation, &scope.region, account, body);
        }
        // It needs no permission (STS API Reference).
        if operation == "GetCallerIdentity" {
            return Vec::new();
        }
        let resource = resource.unwrap_or("*").to_owned();
        if (service, operation) == ("lambda", "Invoke") {
            return vec![("lambda:InvokeFunction".to_owned(), resource)];
        }
        vec![(format!("{service}:{operation}"), resource)]
    }
}
