//! CloudFormation: stacks as a test lays them down, to be read. The query protocol: a form in, XML out.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;

use crate::{spelling::partition, times::iso};

/// Resources on a page: fewer than CloudFormation has, so that lists have several.
const PAGE: usize = 40;

/// The actions that are imitated.
const ACTIONS: [&str; 3] = [
    "DescribeStacks",
    "DescribeStackResources",
    "ListStackResources",
];

/// The stacks, by Region and name.
#[derive(Debug, Default)]
pub(crate) struct CloudFormation {
    stacks: BTreeMap<(String, String), Stack>,
}

#[derive(Debug)]
struct Stack {
    id: String,
    status: String,
    created: Timestamp,
    outputs: Vec<(String, String)>,
    resources: Vec<StackResource>,
}

/// A resource of a stack: its id in the template, its type, and what it is called once it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    /// `Ledger`.
    pub logical_id: String,
    /// `AWS::DynamoDB::Table`.
    pub kind: String,
    /// `kms-watch-Ledger-1A2B3C4D5E6F`; of some types an ARN or a URL.
    pub physical_id: String,
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) status: u16,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) action: String,
    stack: Option<String>,
    token: Option<String>,
}

impl Request {
    /// Reads a body, if its action is one of CloudFormation's.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut form: BTreeMap<String, String> =
            form_urlencoded::parse(body).into_owned().collect();
        let action = form.remove("Action")?;
        ACTIONS.contains(&action.as_str()).then(|| Self {
            action,
            stack: form.remove("StackName"),
            token: form.remove("NextToken"),
        })
    }

    /// The ARN that it is about; for permissions and faults.
    pub(crate) fn resource(&self, region: &str, account: &str) -> Option<String> {
        let stack = self.stack.as_deref()?;
        Some(if stack.starts_with("arn:") {
            stack.to_owned()
        } else {
            let aws = partition(region);
            format!("arn:{aws}:cloudformation:{region}:{account}:stack/{stack}/*")
        })
    }
}

impl Refusal {
    fn validation(message: String) -> Self {
        Self {
            code: "ValidationError",
            message,
            status: 400,
        }
    }

    pub(crate) fn throttled() -> Self {
        Self {
            code: "Throttling",
            message: "Rate exceeded".to_owned(),
            status: 400,
        }
    }

    pub(crate) fn internal() -> Self {
        Self {
            code: "InternalFailure",
            message: "An internal error occurred.".to_owned(),
            status: 500,
        }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self {
            code: "MissingAuthenticationToken",
            message: "Request is missing Authentication Token".to_owned(),
            status: 403,
        }
    }

    pub(crate) fn denied(user: &str, action: &str, resource: &str, forbidden: bool) -> Self {
        let why = if forbidden {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the cloudformation:{action} action")
        };
        Self {
            code: "AccessDenied",
            message: format!(
                "User: {user} is not authorized to perform: cloudformation:{action} on resource: {resource} {why}"
            ),
            status: 403,
        }
    }

    pub(crate) fn body(&self, request_id: &str) -> String {
        format!(
            "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
             <Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            self.code,
            escape(&self.message)
        )
    }
}

/// The place of a new stack.
pub(crate) struct Place<'a> {
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) uuid: &'a str,
}

impl CloudFormation {
    /// Lays down a stack, in the place of the one with this name; its id.
    pub(crate) fn put_stack(
        &mut self,
        place: &Place<'_>,
        name: &str,
        status: &str,
        outputs: &[(&str, &str)],
        resources: &[StackResource],
    ) -> String {
        let Place {
            region,
            account,
            now,
            uuid,
        } = place;
        let aws = partition(region);
        let key = ((*region).to_owned(), name.to_owned());
        let known = self.stacks.remove(&key);
        let id = known.map_or_else(
            || format!("arn:{aws}:cloudformation:{region}:{account}:stack/{name}/{uuid}"),
            |stack| stack.id,
        );
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let stack = Stack {
            id: id.clone(),
            status: status.to_owned(),
            created: *now,
            outputs: outputs.iter().map(own).collect(),
            resources: resources.to_vec(),
        };
        self.stacks.insert(key, stack);
        id
    }

    /// The whole answer.
    pub(crate) fn call(
        &self,
        region: &str,
        request: &Request,
        request_id: &str,
    ) -> Result<String, Refusal> {
        let action = &request.action;
        let result = match action.as_str() {
            "DescribeStacks" => self.describe(region, request)?,
            _ => self.resources(region, request)?,
        };
        Ok(format!(
            "<{action}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><{action}Result>{result}\
             </{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
        ))
    }

    fn find(&self, region: &str, named: &str) -> Result<(&String, &Stack), Refusal> {
        let mut here = self.stacks.iter().filter(|((at, _), _)| at == region);
        here.find(|((_, name), stack)| name == named || stack.id == named)
            .map(|((_, name), stack)| (name, stack))
            .ok_or_else(|| Refusal::validation(format!("Stack with id {named} does not exist")))
    }

    fn describe(&self, region: &str, request: &Request) -> Result<String, Refusal> {
        let here = self.stacks.iter().filter(|((at, _), _)| at == region);
        let stacks = match &request.stack {
            Some(named) => vec![self.find(region, named)?],
            None => here.map(|((_, name), stack)| (name, stack)).collect(),
        };
        let mut xml = String::from("<Stacks>");
        for (name, stack) in stacks {
            let mut outputs = String::new();
            for (key, value) in &stack.outputs {
                // Writing to a String cannot fail.
                let _ = write!(
                    outputs,
                    "<member><OutputKey>{}</OutputKey><OutputValue>{}</OutputValue></member>",
                    escape(key),
                    escape(value)
                );
            }
            let _ = write!(
                xml,
                "<member><StackName>{}</StackName><StackId>{}</StackId><CreationTime>{}</CreationTime>\
                 <StackStatus>{}</StackStatus><Outputs>{outputs}</Outputs></member>",
                escape(name),
                escape(&stack.id),
                iso(stack.created),
                escape(&stack.status)
            );
        }
        xml.push_str("</Stacks>");
        Ok(xml)
    }

    fn resources(&self, region: &str, request: &Request) -> Result<String, Refusal> {
        let named = request.stack.as_deref().unwrap_or_default();
        let (name, stack) = self.find(region, named)?;
        let (list, page) = match request.action.as_str() {
            "ListStackResources" => ("StackResourceSummaries", PAGE),
            // The first hundred, and no further page.
            _ => ("StackResources", 100),
        };
        let from = match &request.token {
            None => 0,
            Some(token) => token
                .parse()
                .map_err(|_| Refusal::validation("The token is invalid.".to_owned()))?,
        };
        let mut xml = format!("<{list}>");
        for part in stack.resources.iter().skip(from).take(page) {
            let _ = write!(
                xml,
                "<member><StackName>{}</StackName><LogicalResourceId>{}</LogicalResourceId><PhysicalResourceId>{}\
                 </PhysicalResourceId><ResourceType>{}</ResourceType><LastUpdatedTimestamp>{created}\
                 </LastUpdatedTimestamp><Timestamp>{created}</Timestamp><ResourceStatus>CREATE_COMPLETE\
                 </ResourceStatus></member>",
                escape(name),
                escape(&part.logical_id),
                escape(&part.physical_id),
                escape(&part.kind),
                created = iso(stack.created),
            );
        }
        let _ = write!(xml, "</{list}>");
        if request.action == "ListStackResources" && stack.resources.len() > from + page {
            let _ = write!(xml, "<NextToken>{}</NextToken>", from + page);
        }
        Ok(xml)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
