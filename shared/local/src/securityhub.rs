//! Security Hub, as far as an account imports findings of its own: `BatchImportFindings` (Security Hub API Reference).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{faulty::JsonError, spelling::partition};

/// Findings of a call, and bytes of one.
const FINDINGS: usize = 100;
const BYTES: usize = 240 * 1024;

/// Longest texts, in characters (API Reference, `AwsSecurityFinding`).
const LONGEST: [(&str, usize); 9] = [
    ("/Id", 512),
    ("/ProductArn", 2_048),
    ("/GeneratorId", 512),
    ("/Title", 256),
    ("/Description", 1_024),
    ("/ProductName", 128),
    ("/CompanyName", 128),
    ("/SourceUrl", 2_048),
    ("/Remediation/Recommendation/Text", 512),
];
/// Members that must be there.
const REQUIRED: [&str; 9] = [
    "/AwsAccountId",
    "/CreatedAt",
    "/Description",
    "/GeneratorId",
    "/Id",
    "/ProductArn",
    "/SchemaVersion",
    "/Title",
    "/UpdatedAt",
];
const LABELS: [&str; 5] = ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
const PARTITIONS: [&str; 3] = ["aws", "aws-cn", "aws-us-gov"];

/// The findings of an account, by Region and `Id`.
#[derive(Debug, Default)]
pub(crate) struct SecurityHub {
    findings: BTreeMap<(String, String), Value>,
    is_off: bool,
    /// Of the next findings, the code for each that is not taken, in calls that succeed.
    refusals: Vec<&'static str>,
}

impl SecurityHub {
    pub(crate) fn enable(&mut self, enabled: bool) {
        self.is_off = !enabled;
    }

    pub(crate) fn refuse(&mut self, code: &'static str, times: usize) {
        self.refusals.extend(std::iter::repeat_n(code, times));
    }

    pub(crate) fn findings(&self, region: &str) -> Vec<Value> {
        let here = self.findings.iter().filter(|((at, _), _)| at == region);
        here.map(|(_, finding)| finding.clone()).collect()
    }

    pub(crate) fn import(
        &mut self,
        region: &str,
        account: &str,
        body: &Value,
    ) -> Result<Value, JsonError> {
        if self.is_off {
            let what = format!("Account {account} is not subscribed to AWS Security Hub");
            return Err(JsonError {
                status: 401,
                ..JsonError::new("InvalidAccessException", what)
            });
        }
        let findings = body["Findings"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if findings.is_empty() || findings.len() > FINDINGS {
            let what = "Invalid parameter: Findings. Number of findings is not from 1 to 100";
            return Err(JsonError::new("InvalidInputException", what));
        }
        let mut failed = Vec::new();
        for finding in findings {
            let refused = (!self.refusals.is_empty()).then(|| self.refusals.remove(0));
            let fault = match refused {
                Some(code) => Some((code, "Refused.".to_owned())),
                None => fault(finding, region, account).map(|what| ("InvalidInput", what)),
            };
            let id = finding["Id"].as_str().unwrap_or_default();
            match fault {
                Some((code, what)) => {
                    failed.push(json!({"Id": id, "ErrorCode": code, "ErrorMessage": what}));
                }
                None => self.put(region, id, finding),
            }
        }
        Ok(json!({
            "FailedCount": failed.len(), "SuccessCount": findings.len() - failed.len(), "FailedFindings": failed,
        }))
    }

    /// A finding with the `Id` of another takes its place only if it is later.
    fn put(&mut self, region: &str, id: &str, finding: &Value) {
        let place = (region.to_owned(), id.to_owned());
        let is_later = match self.findings.get(&place) {
            Some(held) => time(&held["UpdatedAt"]) < time(&finding["UpdatedAt"]),
            None => true,
        };
        if is_later {
            self.findings.insert(place, finding.clone());
        }
    }
}

/// What IAM takes the import of findings to be about.
pub(crate) fn resource(body: &Value) -> Option<String> {
    Some(body["Findings"][0]["ProductArn"].as_str()?.to_owned())
}

fn time(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str()?.parse().ok()
}

/// What is wrong with a finding.
fn fault(finding: &Value, region: &str, account: &str) -> Option<String> {
    let text = |at: &str| finding.pointer(at).and_then(Value::as_str);
    let wrong = |at: &str| Some(format!("Invalid value at {at}"));
    let lacks = |at: &&&str| text(at).is_none_or(|text| text.trim().is_empty());
    if let Some(at) = REQUIRED.iter().find(lacks) {
        return wrong(at);
    }
    let is_long =
        |(at, most): &&(&str, usize)| text(at).is_some_and(|text| text.chars().count() > *most);
    if let Some((at, _)) = LONGEST.iter().find(is_long) {
        return wrong(at);
    }
    if finding.to_string().len() > BYTES {
        return Some("The finding is larger than 240 KB".to_owned());
    }
    let aws = partition(region);
    let product = format!("arn:{aws}:securityhub:{region}:{account}:product/{account}/default");
    if text("/ProductArn") != Some(&product) || text("/AwsAccountId") != Some(account) {
        return Some("The caller is not authorized to import findings for the product".to_owned());
    }
    if text("/SchemaVersion") != Some("2018-10-08") {
        return wrong("/SchemaVersion");
    }
    let dates = ["CreatedAt", "UpdatedAt", "LastObservedAt"];
    if let Some(name) = dates
        .iter()
        .find(|name| !finding[**name].is_null() && time(&finding[**name]).is_none())
    {
        return wrong(name);
    }
    let label = text("/FindingProviderFields/Severity/Label").or(text("/Severity/Label"));
    if !label.is_some_and(|label| LABELS.contains(&label)) {
        return wrong("/FindingProviderFields/Severity/Label");
    }
    let state = text("/RecordState").unwrap_or("ACTIVE");
    if !["ACTIVE", "ARCHIVED"].contains(&state) {
        return wrong("/RecordState");
    }
    of_fields(finding).or_else(|| of_resources(finding))
}

fn of_fields(finding: &Value) -> Option<String> {
    let fields = finding["ProductFields"].as_object()?;
    let fits = |(name, value): (&String, &Value)| {
        let value = value.as_str().unwrap_or_default();
        name.len() <= 128 && (1..=2_048).contains(&value.chars().count())
    };
    (fields.len() > 50 || !fields.iter().all(fits))
        .then(|| "Invalid value at /ProductFields".to_owned())
}

fn of_resources(finding: &Value) -> Option<String> {
    let resources = finding["Resources"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let is_wrong = |resource: &Value| {
        let named = ["Id", "Type"]
            .iter()
            .all(|name| resource[*name].as_str().is_some_and(|it| !it.is_empty()));
        let partition = &resource["Partition"];
        let is_known = partition.is_null() || PARTITIONS.iter().any(|known| partition == known);
        !named || !is_known
    };
    let count = (1..=32).contains(&resources.len());
    (!count || resources.iter().any(is_wrong)).then(|| "Invalid value at /Resources".to_owned())
}
