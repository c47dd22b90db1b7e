//! Reading what of the settings stands in Systems Manager's Parameter Store (`docs/adr/0023-trusted-parameter.md`).

use std::time::Duration;

use aws_config::SdkConfig;
use serde_json::{Value, json};
use watch_core::ports::CallError;

use crate::signed::{Call, Patience, Protocol, Service, Signed};

#[cfg(test)]
mod tests;

const SSM: Service = Service {
    name: "ssm",
    id: "SSM",
    protocol: Protocol::Json {
        target: "AmazonSSM",
        version: "1.1",
    },
};
/// Longest wait, tries and pages included. Lambda gives a function ten seconds to start, and an event waits for it.
const LIMIT: Duration = Duration::from_secs(2);
/// One further try.
const PATIENCE: Patience = Patience {
    operation: LIMIT,
    attempt: LIMIT,
    attempts: 2,
};
/// Pages of ten parameters of 8 KB: some thirty thousand accounts.
const PAGES: usize = 5;

/// The values of the parameter with this name, or, if there is none, of all parameters below it as a path.
pub(crate) async fn read(sdk: &SdkConfig, name: &str) -> Result<Vec<String>, CallError> {
    let signed = Signed::new(sdk, PATIENCE);
    let read = async {
        match ask(&signed, "GetParameter", json!({"Name": name})).await {
            Ok(answer) => Ok(value(&answer["Parameter"]).into_iter().collect()),
            Err(error) if error.code().as_str() == "ParameterNotFound" => {
                below(&signed, name).await
            }
            Err(error) => Err(error),
        }
    };
    let limited = tokio::time::timeout(LIMIT, read).await;
    limited.unwrap_or_else(|_| Err(CallError::timeout(LIMIT)))
}

/// The value of the one parameter with this name. `ParameterNotFound`: there is none.
pub(crate) async fn one(sdk: &SdkConfig, name: &str) -> Result<Option<String>, CallError> {
    let signed = Signed::new(sdk, PATIENCE);
    let read = ask(&signed, "GetParameter", json!({"Name": name}));
    let limited = tokio::time::timeout(LIMIT, read).await;
    let answer = limited.unwrap_or_else(|_| Err(CallError::timeout(LIMIT)))?;
    Ok(value(&answer["Parameter"]))
}

async fn below(signed: &Signed, path: &str) -> Result<Vec<String>, CallError> {
    let mut values = Vec::new();
    let mut request = json!({"Path": path, "Recursive": true, "MaxResults": 10});
    for _ in 0..PAGES {
        let answer = ask(signed, "GetParametersByPath", request.clone()).await?;
        let parameters = answer["Parameters"].as_array();
        values.extend(parameters.into_iter().flatten().filter_map(value));
        match answer["NextToken"].as_str() {
            Some(token) => request["NextToken"] = token.into(),
            None if values.is_empty() => {
                let what = format!("there is neither {path} nor a parameter below it");
                return Err(CallError::new("ParameterNotFound", &what));
            }
            None => return Ok(values),
        }
    }
    Err(CallError::new(
        "TooMany",
        "there are more parameters than are read",
    ))
}

/// The value of a parameter of type `String` or `StringList`.
fn value(parameter: &Value) -> Option<String> {
    parameter["Value"].as_str().map(str::to_owned)
}

async fn ask(signed: &Signed, operation: &'static str, body: Value) -> Result<Value, CallError> {
    let call = Call {
        service: SSM,
        operation,
        path: "/".to_owned(),
        body,
    };
    signed.call(call).await
}
