//! The template: its rules, functions, and what they are given.

use serde_json::{Value, json};

use crate::{stack::Stack, yaml::read_yaml};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const STACK_UUID: &str = "8f0ec3a0-6d1b-11f0-9a57-0a1b2c3d4e5f";

/// A rule of EventBridge.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its logical id; for one that SAM makes, function and event together.
    pub id: String,
    /// The folder below `functions/` of the function it leads to; none leads to the health topic.
    pub function: Option<String>,
    /// The condition under which its function, and so the rule, is there at all.
    pub condition: Option<String>,
    /// As EventBridge would have it.
    pub pattern: Value,
    /// `State`, if it is there.
    pub state: Option<String>,
    /// What says `RetryPolicy` and `DeadLetterConfig`: the target, or the event of SAM.
    pub delivery: Value,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its logical id.
    pub id: String,
    /// Its folder below `functions/`.
    pub folder: String,
    /// The condition under which it is there at all.
    pub condition: Option<String>,
    /// Its properties, with the global ones.
    pub properties: Value,
}

/// The template.
#[derive(Clone, Debug)]
pub struct Template {
    /// All of it, in the long forms.
    pub document: Value,
}

impl Template {
    /// Reads `template.yaml`, as it was when this was compiled.
    ///
    /// # Panics
    ///
    /// If it is no YAML.
    pub fn read() -> Self {
        Self::of(include_str!(env!("TEMPLATE")))
    }

    /// Reads another template.
    ///
    /// # Panics
    ///
    /// If it is no YAML.
    pub fn of(text: &str) -> Self {
        Self {
            document: read_yaml(text),
        }
    }

    /// A section of the template, by name.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let section = self.document[name].as_object().expect(name);
        section.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The resources of a type.
    pub fn resources(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.section("Resources")
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id, &resource["Properties"]))
    }

    /// The functions.
    ///
    /// # Panics
    ///
    /// If one has no folder.
    pub fn functions(&self) -> Vec<Function> {
        let global = &self.document["Globals"]["Function"];
        self.resources("AWS::Serverless::Function")
            .map(|(id, properties)| {
                let folder = properties["CodeUri"].as_str().expect("a CodeUri");
                let mut all = global.clone();
                merge(&mut all, properties);
                let condition = self.document["Resources"][id]["Condition"].as_str();
                Function {
                    id: id.to_owned(),
                    condition: condition.map(ToOwned::to_owned),
                    folder: folder.trim_start_matches("functions/").to_owned(),
                    properties: all,
                }
            })
            .collect()
    }

    /// The functions that are there whatever the user chooses.
    pub fn functions_always_there(&self) -> Vec<Function> {
        let mut functions = self.functions();
        functions.retain(|function| function.condition.is_none());
        functions
    }

    /// The rules, with patterns as they are in `stack`.
    pub fn rules(&self, stack: &Stack) -> Vec<Rule> {
        let rule = |id: String,
                    function: Option<&Function>,
                    properties: &Value,
                    pattern: &str,
                    delivery: &Value| Rule {
            id,
            function: function.map(|function| function.folder.clone()),
            condition: function.and_then(|function| function.condition.clone()),
            pattern: self.resolve(&properties[pattern], stack),
            state: properties["State"].as_str().map(ToOwned::to_owned),
            delivery: delivery.clone(),
        };
        let mut rules = Vec::new();
        for function in self.functions() {
            let events = function.properties["Events"].as_object();
            let of_rules = events
                .into_iter()
                .flatten()
                // A schedule sends what it says, and matches nothing.
                .filter(|(_, what)| what["Type"] == "EventBridgeRule");
            for (event, what) in of_rules {
                let properties = &what["Properties"];
                let id = format!("{}{event}", function.id);
                rules.push(rule(id, Some(&function), properties, "Pattern", properties));
            }
        }
        for (id, properties) in self.resources("AWS::Events::Rule") {
            for target in properties["Targets"].as_array().into_iter().flatten() {
                rules.push(rule(
                    id.to_owned(),
                    None,
                    properties,
                    "EventPattern",
                    target,
                ));
            }
        }
        rules
    }

    /// What a function's role may do, for a simulator that enforces it: `Effect`, and lists of `Action` and `Resource`.
    ///
    /// # Panics
    ///
    /// If there is no such function, or its role is not in the template.
    pub fn role_statements(&self, folder: &str, stack: &Stack) -> Vec<Value> {
        let functions = self.functions();
        let function = functions
            .iter()
            .find(|function| function.folder == folder)
            .expect("a function");
        let role = function.properties["Role"]["Fn::GetAtt"][0]
            .as_str()
            .expect("a role of its own");
        let policies = &self.document["Resources"][role]["Properties"]["Policies"];
        let statements = policies
            .as_array()
            .expect("policies")
            .iter()
            .flat_map(|policy| {
                policy["PolicyDocument"]["Statement"]
                    .as_array()
                    .expect("statements")
            });
        // Those that hang on the role from outside it.
        let attached = self
            .resources("AWS::IAM::Policy")
            .filter(|(_, policy)| {
                let mut roles = policy["Roles"].as_array().into_iter().flatten();
                roles.any(|name| name["Ref"] == role)
            })
            .flat_map(|(_, policy)| policy["PolicyDocument"]["Statement"].as_array())
            .flatten();
        let list = |value: Value| match value {
            Value::Array(items) => items,
            one => vec![one],
        };
        statements
            .chain(attached)
            .filter_map(|statement| self.resolved(statement, stack))
            .map(|statement| {
                json!({
                    "Effect": statement["Effect"],
                    "Action": list(statement["Action"].clone()),
                    "Resource": list(statement["Resource"].clone()),
                })
            })
            .collect()
    }

    /// The value with its intrinsic functions answered as in `stack`. What refers to nothing disappears.
    ///
    /// # Panics
    ///
    /// On a function that is not known here.
    pub fn resolve(&self, value: &Value, stack: &Stack) -> Value {
        self.resolved(value, stack).unwrap_or(Value::Null)
    }

    fn resolved(&self, value: &Value, stack: &Stack) -> Option<Value> {
        let object = match value {
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.resolved(item, stack));
                return Some(items.collect());
            }
            Value::Object(object) => object,
            other => return Some(other.clone()),
        };
        let single = object.iter().next().filter(|_| object.len() == 1);
        match single.map(|(name, argument)| (name.as_str(), argument)) {
            Some(("Ref", name)) if name == "AWS::NoValue" => None,
            Some(("Ref", name)) => Some(self.reference(name.as_str()?, stack).into()),
            Some(("Fn::GetAtt", path)) => Some(
                self.attribute(path[0].as_str()?, path[1].as_str()?, stack)
                    .into(),
            ),
            Some(("Fn::Sub", Value::Array(parts))) => {
                // With variables of its own, which hide nothing of the stack's.
                let variables = parts[1].as_object()?.iter();
                let stack = variables.fold(stack.clone(), |stack, (name, value)| {
                    let value = self.resolve(value, &stack);
                    stack.with(name, value.as_str().unwrap_or_default())
                });
                Some(self.substituted(parts[0].as_str()?, &stack).into())
            }
            Some(("Fn::Sub", text)) => Some(self.substituted(text.as_str()?, stack).into()),
            Some(("Fn::Split", parts)) => {
                let whole = self.resolved(&parts[1], stack)?;
                let pieces = whole.as_str()?.split(parts[0].as_str()?);
                Some(pieces.map(Value::from).collect())
            }
            Some(("Fn::Select", parts)) => {
                let index = usize::try_from(parts[0].as_u64()?).ok()?;
                self.resolved(&parts[1], stack)?.get(index).cloned()
            }
            Some(("Fn::If", branches)) => {
                let holds = !stack.without.contains(branches[0].as_str()?);
                self.resolved(&branches[if holds { 1 } else { 2 }], stack)
            }
            Some((function, _)) if function.starts_with("Fn::") => {
                panic!("{function} is not known here")
            }
            _ => {
                let members = object.iter().filter_map(|(name, member)| {
                    Some((name.clone(), self.resolved(member, stack)?))
                });
                Some(Value::Object(members.collect()))
            }
        }
    }

    fn substituted(&self, text: &str, stack: &Stack) -> String {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, literal) = part.split_once('}').expect("the end of a variable");
            whole += &match name.split_once('.') {
                Some((resource, attribute)) => self.attribute(resource, attribute, stack),
                None => self.reference(name, stack),
            };
            whole += literal;
        }
        whole
    }

    fn reference(&self, name: &str, stack: &Stack) -> String {
        if let Some(set) = stack.references.get(name) {
            return set.clone();
        }
        match name {
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::StackName" => "kms-watch".to_owned(),
            "AWS::StackId" => {
                format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/kms-watch/{STACK_UUID}")
            }
            _ if !self.document["Parameters"][name].is_null() => {
                let default = &self.document["Parameters"][name]["Default"];
                default
                    .as_str()
                    .map_or_else(|| default.to_string(), ToOwned::to_owned)
            }
            // What a topic is referred to by is its ARN.
            _ if self.kind(name) == "AWS::SNS::Topic" => self.arn(name, &physical(name)),
            _ => physical(name),
        }
    }

    fn attribute(&self, resource: &str, attribute: &str, stack: &Stack) -> String {
        let set = stack.references.get(resource).cloned();
        let name = set.unwrap_or_else(|| physical(resource));
        if attribute == "Arn" {
            self.arn(resource, &name)
        } else {
            name
        }
    }

    fn kind(&self, resource: &str) -> &str {
        let kind = self.document["Resources"][resource]["Type"].as_str();
        // What SAM makes is not in the template.
        kind.unwrap_or_else(|| match self.is_schedule(resource) {
            true => "AWS::Scheduler::Schedule",
            false => "AWS::Events::Rule",
        })
    }

    /// SAM makes a schedule of this name, of an event of a function.
    fn is_schedule(&self, resource: &str) -> bool {
        self.functions().iter().any(|function| {
            let event = resource.strip_prefix(&function.id);
            event.is_some_and(|event| function.properties["Events"][event]["Type"] == "ScheduleV2")
        })
    }

    fn arn(&self, resource: &str, name: &str) -> String {
        let (service, place) = match self.kind(resource) {
            "AWS::CloudWatch::Alarm" => ("cloudwatch", format!("alarm:{name}")),
            "AWS::DynamoDB::Table" => ("dynamodb", format!("table/{name}")),
            "AWS::Events::Rule" => ("events", format!("rule/{name}")),
            "AWS::Scheduler::Schedule" => ("scheduler", format!("schedule/default/{name}")),
            "AWS::Serverless::Function" => ("lambda", format!("function:{name}")),
            "AWS::IAM::Role" => return format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            "AWS::Logs::LogGroup" => ("logs", format!("log-group:{name}:*")),
            "AWS::SNS::Topic" => ("sns", name.to_owned()),
            "AWS::SQS::Queue" => ("sqs", name.to_owned()),
            kind => panic!("the ARN of a {kind} is not known here"),
        };
        format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{place}")
    }
}

/// CloudFormation appends something random, which no test needs.
fn physical(resource: &str) -> String {
    format!("kms-watch-{resource}")
}

pub(crate) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
