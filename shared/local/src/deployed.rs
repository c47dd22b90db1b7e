//! Parts of a deployed stack that a test lays down: rules, functions and trails. They are read, and do nothing; events are
//! brought by the test.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{faulty::JsonError, spelling::partition};

/// Rules on a page: fewer than EventBridge has, so that lists have several.
const PAGE: usize = 10;

/// Invocations at a time in an account that is not a recent one (Lambda Developer Guide, quotas).
const CONCURRENCY: u32 = 1000;

/// What there is, by Region and name; trails by ARN.
#[derive(Debug, Default)]
pub(crate) struct Deployed {
    rules: BTreeMap<(String, String), Rule>,
    functions: BTreeMap<(String, String), Function>,
    schedules: BTreeMap<(String, String), Value>,
    trails: BTreeMap<String, Trail>,
    /// Invocations at a time.
    concurrency: Option<u32>,
}

#[derive(Debug)]
struct Rule {
    state: String,
    pattern: String,
    targets: Vec<Value>,
}

#[derive(Debug)]
struct Function {
    configuration: Value,
    concurrency: Option<u32>,
    invocation: Option<Value>,
}

#[derive(Debug)]
struct Trail {
    logging: bool,
    selectors: Value,
}

type Outcome = Result<Value, JsonError>;

fn error(code: &'static str, message: impl Into<String>, status: u16) -> JsonError {
    JsonError {
        status,
        ..JsonError::new(code, message)
    }
}

/// The service, the operation, and the name in the path, of a request to Lambda or Scheduler (their API references).
pub(crate) fn of_path(path: &str) -> Option<(&'static str, &'static str, String)> {
    if let Some(name) = path.strip_prefix("/schedules/") {
        return (!name.contains('/')).then(|| ("scheduler", "GetSchedule", name.to_owned()));
    }
    if path.trim_end_matches('/') == "/2016-08-19/account-settings" {
        return Some(("lambda", "GetAccountSettings", String::new()));
    }
    let mut parts = path.trim_start_matches('/').split('/');
    let (version, kind, name, what) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let operation = match (version, kind, what) {
        ("2015-03-31", "functions", "configuration") => "GetFunctionConfiguration",
        ("2019-09-30", "functions", "concurrency") => "GetFunctionConcurrency",
        ("2019-09-25", "functions", "event-invoke-config") => "GetFunctionEventInvokeConfig",
        _ => return None,
    };
    Some(("lambda", operation, name.to_owned()))
}

/// The ARN that a request is about; for permissions and faults.
pub(crate) fn resource(service: &str, region: &str, account: &str, body: &Value) -> Option<String> {
    let aws = partition(region);
    Some(match service {
        "events" => {
            let rule = body["Rule"].as_str()?;
            format!("arn:{aws}:events:{region}:{account}:rule/{rule}")
        }
        "lambda" => {
            let name = body["FunctionName"]
                .as_str()
                .filter(|name| !name.is_empty())?;
            format!("arn:{aws}:lambda:{region}:{account}:function:{name}")
        }
        "scheduler" => {
            let name = body["Name"].as_str()?;
            format!("arn:{aws}:scheduler:{region}:{account}:schedule/default/{name}")
        }
        "sqs" => {
            let name = body["QueueUrl"].as_str()?.rsplit('/').next()?;
            format!("arn:{aws}:sqs:{region}:{account}:{name}")
        }
        _ => return None,
    })
}

impl Deployed {
    pub(crate) fn put_rule(
        &mut self,
        region: &str,
        name: &str,
        state: &str,
        pattern: &Value,
        targets: &[Value],
    ) {
        let rule = Rule {
            state: state.to_owned(),
            pattern: pattern.to_string(),
            targets: targets.to_vec(),
        };
        self.rules
            .insert((region.to_owned(), name.to_owned()), rule);
    }

    pub(crate) fn delete_rule(&mut self, region: &str, name: &str) {
        self.rules.remove(&(region.to_owned(), name.to_owned()));
    }

    pub(crate) fn put_function(
        &mut self,
        region: &str,
        name: &str,
        configuration: Value,
        concurrency: Option<u32>,
        invocation: Option<Value>,
    ) {
        let function = Function {
            configuration,
            concurrency,
            invocation,
        };
        let place = (region.to_owned(), name.to_owned());
        self.functions.insert(place, function);
    }

    pub(crate) fn delete_function(&mut self, region: &str, name: &str) {
        self.functions.remove(&(region.to_owned(), name.to_owned()));
    }

    /// Lays down a schedule; `Null` takes it away.
    pub(crate) fn put_schedule(&mut self, region: &str, name: &str, schedule: Value) {
        let place = (region.to_owned(), name.to_owned());
        match schedule {
            Value::Null => drop(self.schedules.remove(&place)),
            schedule => drop(self.schedules.insert(place, schedule)),
        }
    }

    pub(crate) fn put_trail(&mut self, arn: &str, logging: bool, selectors: Value) {
        let trail = Trail { logging, selectors };
        self.trails.insert(arn.to_owned(), trail);
    }

    pub(crate) fn delete_trail(&mut self, arn: &str) {
        self.trails.remove(arn);
    }

    pub(crate) fn set_concurrency(&mut self, most: u32) {
        self.concurrency = Some(most);
    }

    /// Carries out an operation.
    pub(crate) fn call(&self, operation: &str, region: &str, body: &Value) -> Outcome {
        match operation {
            "ListRules" => self.list_rules(region, body),
            "ListTargetsByRule" => {
                let name = body["Rule"].as_str().unwrap_or_default();
                let rule = self.rules.get(&(region.to_owned(), name.to_owned()));
                let none = || {
                    let what = format!("Rule {name} does not exist on EventBus default.");
                    error("ResourceNotFoundException", what, 400)
                };
                Ok(json!({"Targets": rule.ok_or_else(none)?.targets}))
            }
            // A function of which a test does not say what it does.
            "Invoke" => {
                let function = &body["FunctionName"];
                let what = format!("Function not found: {function}");
                Err(error("ResourceNotFoundException", what, 404))
            }
            "GetFunctionConfiguration" => {
                let function = self.function(region, body)?;
                Ok(function.configuration.clone())
            }
            "GetFunctionConcurrency" => {
                let concurrency = self.function(region, body)?.concurrency;
                Ok(concurrency.map_or_else(
                    || json!({}),
                    |most| json!({"ReservedConcurrentExecutions": most}),
                ))
            }
            "GetFunctionEventInvokeConfig" => {
                let function = self.function(region, body)?;
                let none = || {
                    let what = "The function doesn't have an EventInvokeConfig";
                    error("ResourceNotFoundException", what, 404)
                };
                function.invocation.clone().ok_or_else(none)
            }
            "GetSchedule" => self.schedule(region, body),
            "GetAccountSettings" => {
                let most = self.concurrency.unwrap_or(CONCURRENCY);
                Ok(json!({"AccountLimit": {
                    "ConcurrentExecutions": most, "UnreservedConcurrentExecutions": most,
                }}))
            }
            "DescribeTrails" => {
                let trail = |arn: &String| {
                    let name = arn.rsplit('/').next();
                    json!({"Name": name, "TrailARN": arn, "HomeRegion": region, "IsMultiRegionTrail": true})
                };
                Ok(json!({"trailList": self.trails.keys().map(trail).collect::<Vec<_>>()}))
            }
            "GetTrailStatus" => Ok(json!({"IsLogging": self.trail(&body["Name"])?.logging})),
            "GetEventSelectors" => Ok(self.trail(&body["TrailName"])?.selectors.clone()),
            other => {
                let what = format!("{other} is not imitated");
                Err(error("UnknownOperationException", what, 400))
            }
        }
    }

    fn list_rules(&self, region: &str, body: &Value) -> Outcome {
        let prefix = body["NamePrefix"].as_str().unwrap_or_default();
        let from = match body["NextToken"].as_str() {
            None => 0,
            Some(token) => token
                .parse()
                .map_err(|_| error("ValidationException", "The token is invalid.", 400))?,
        };
        let listed: Vec<Value> = self
            .rules
            .iter()
            .filter(|((at, name), _)| at == region && name.starts_with(prefix))
            .map(|((_, name), rule)| {
                json!({"Name": name, "State": rule.state, "EventPattern": rule.pattern, "EventBusName": "default"})
            })
            .collect();
        let page: Vec<_> = listed.iter().skip(from).take(PAGE).collect();
        let mut answer = json!({"Rules": page});
        if listed.len() > from + PAGE {
            answer["NextToken"] = (from + PAGE).to_string().into();
        }
        Ok(answer)
    }

    fn function(&self, region: &str, body: &Value) -> Result<&Function, JsonError> {
        let name = body["FunctionName"].as_str().unwrap_or_default();
        let function = self.functions.get(&(region.to_owned(), name.to_owned()));
        let none = || {
            let what = format!("Function not found: {name}");
            error("ResourceNotFoundException", what, 404)
        };
        function.ok_or_else(none)
    }

    fn schedule(&self, region: &str, body: &Value) -> Outcome {
        let name = body["Name"].as_str().unwrap_or_default();
        let schedule = self.schedules.get(&(region.to_owned(), name.to_owned()));
        let none = || {
            let what = format!("Schedule {name} does not exist.");
            error("ResourceNotFoundException", what, 404)
        };
        schedule.cloned().ok_or_else(none)
    }

    fn trail(&self, name: &Value) -> Result<&Trail, JsonError> {
        let name = name.as_str().unwrap_or_default();
        let none = || error("TrailNotFoundException", "Unknown trail", 400);
        self.trails.get(name).ok_or_else(none)
    }
}
