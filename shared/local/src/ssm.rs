//! Systems Manager: the parameters of its Parameter Store, read one by one or by path.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::faulty::JsonError;

/// Parameters on a page, at most and by default.
const PAGE: usize = 10;

/// The parameters of a Region, by name.
#[derive(Debug, Default)]
pub(crate) struct Ssm {
    parameters: BTreeMap<String, (&'static str, String)>,
}

impl Ssm {
    pub(crate) fn put(&mut self, name: &str, kind: &'static str, value: &str) {
        let parameter = (kind, value.to_owned());
        self.parameters.insert(name.to_owned(), parameter);
    }

    pub(crate) fn call(
        &self,
        operation: &str,
        arn: &str,
        body: &Value,
    ) -> Result<Value, JsonError> {
        match operation {
            "GetParameter" => {
                let name = body["Name"].as_str().unwrap_or_default();
                let found = self.parameters.get_key_value(name);
                let not_found = || JsonError::new("ParameterNotFound", "");
                let (name, parameter) = found.ok_or_else(not_found)?;
                Ok(json!({"Parameter": described(name, parameter, arn)}))
            }
            "GetParametersByPath" => self.by_path(arn, body),
            _ => Err(JsonError::new("UnknownOperationException", "")),
        }
    }

    fn by_path(&self, arn: &str, body: &Value) -> Result<Value, JsonError> {
        let path = body["Path"].as_str().unwrap_or_default();
        let invalid = |what: &str| Err(JsonError::new("ValidationException", what));
        if !path.starts_with('/') {
            return invalid("The parameter path must start with a slash.");
        }
        let most = body["MaxResults"].as_u64().unwrap_or(PAGE as u64);
        if most == 0 || most > PAGE as u64 {
            return invalid("MaxResults must be between 1 and 10.");
        }
        let below = format!("{}/", path.trim_end_matches('/'));
        let is_deep = body["Recursive"].as_bool().unwrap_or(false);
        let after = body["NextToken"].as_str().unwrap_or_default();
        let mut found = self.parameters.iter().filter(|(name, _)| {
            let rest = name.strip_prefix(&below);
            rest.is_some_and(|rest| is_deep || !rest.contains('/')) && name.as_str() > after
        });
        let page: Vec<_> = found.by_ref().take(most as usize).collect();
        let last = page.last().map(|(name, _)| name.as_str());
        let mut answer = json!({"Parameters": page
            .iter()
            .map(|(name, parameter)| described(name, parameter, arn))
            .collect::<Vec<_>>()});
        if found.next().is_some() {
            answer["NextToken"] = last.into();
        }
        Ok(answer)
    }
}

/// The ARN that IAM has for what is read; `begin` is that of a parameter without its name.
pub(crate) fn resource(region: &str, account: &str, body: &Value) -> String {
    let name = body["Name"].as_str().or(body["Path"].as_str());
    let name = name.unwrap_or_default().trim_start_matches('/');
    format!("{}/{name}", begin(region, account))
}

/// What the ARNs of all parameters begin with.
pub(crate) fn begin(region: &str, account: &str) -> String {
    let partition = crate::spelling::partition(region);
    format!("arn:{partition}:ssm:{region}:{account}:parameter")
}

fn described(name: &str, (kind, value): &(&'static str, String), begin: &str) -> Value {
    json!({
        "Name": name, "Type": kind, "Value": value, "Version": 1, "DataType": "text",
        "ARN": format!("{begin}/{}", name.trim_start_matches('/')),
    })
}
