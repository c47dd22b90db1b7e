//! A deployed stack: its parts by their names in the template.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use watch_core::ports::CallError;
use watch_core::text::Untrusted;
use watch_template::Template;

use crate::services::{LISTING, call_error};

/// Why a stack is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    #[error(
        "failed to read the stack {stack}: {reason}\nname it with --stack and its Region with --region; listing it needs cloudformation:ListStackResources",
        reason = reason.as_str()
    )]
    Read {
        stack: String,
        reason: Untrusted,
        /// What CloudFormation said.
        error: CallError,
    },
    #[error("the stack {stack} has no {part}: is it one of KMS Watch, and complete?")]
    Lacks { stack: String, part: &'static str },
    #[error(
        "the stack {stack} lacks the functions {missing}: is it one of KMS Watch, and complete?"
    )]
    Foreign { stack: String, missing: String },
}

/// A deployed stack.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) name: String,
    /// Type and physical id by logical id.
    parts: BTreeMap<String, (String, String)>,
}

impl StackError {
    /// No answer came.
    pub(crate) fn slow(stack: &str) -> Self {
        let error = CallError::timeout(LISTING);
        Self::Read {
            stack: Untrusted::new(stack).as_str().to_owned(),
            reason: error.reason(),
            error,
        }
    }
}

impl Stack {
    /// What `samconfig.toml` calls it.
    pub(crate) const DEFAULT: &str = "kms-watch";

    /// Lists the parts of a stack in the client's account and Region.
    pub(crate) async fn find(sdk: &SdkConfig, name: &str) -> Result<Self, StackError> {
        let pages = Client::new(sdk).list_stack_resources().stack_name(name);
        let listed = pages.into_paginator().items().send().try_collect().await;
        let listed = listed.map_err(|error| {
            let error = call_error(&error);
            StackError::Read {
                stack: Untrusted::new(name).as_str().to_owned(),
                reason: error.reason(),
                error,
            }
        })?;
        let parts = listed.into_iter().filter_map(|part| {
            let physical = part.physical_resource_id?;
            let kind = part.resource_type.unwrap_or_default();
            Some((part.logical_resource_id?, (kind, physical)))
        });
        Ok(Self {
            name: name.to_owned(),
            parts: parts.collect(),
        })
    }

    /// The physical id of a part.
    pub(crate) fn part(&self, logical: &str) -> Option<&str> {
        self.parts.get(logical).map(|(_, id)| id.as_str())
    }

    /// Logical and physical ids of the parts of a type.
    pub(crate) fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.parts.iter();
        parts
            .filter(move |(_, (of, _))| of == kind)
            .map(|(logical, (_, id))| (logical.as_str(), id.as_str()))
    }

    /// Physical ids by logical ids.
    pub(crate) fn physical(&self) -> BTreeMap<String, String> {
        let parts = self.parts.iter();
        parts
            .map(|(logical, (_, id))| (logical.clone(), id.clone()))
            .collect()
    }

    /// It has the functions of the template: another product's stack may have a name, or a resource, in common.
    pub(crate) fn is_kms_watch(&self) -> Result<(), StackError> {
        let there: Vec<&str> = self
            .of_type("AWS::Lambda::Function")
            .map(|(logical, _)| logical)
            .collect();
        let functions = Template::read().functions_always_there().into_iter();
        let missing: Vec<String> = functions
            .map(|function| function.id)
            .filter(|id| !there.contains(&id.as_str()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(StackError::Foreign {
            stack: self.name.clone(),
            missing: missing.join(", "),
        })
    }

    /// It has something of KMS Watch: more than half of the functions. What is missing is found later.
    pub(crate) fn is_much_of_kms_watch(&self) -> Result<(), StackError> {
        match self.is_kms_watch() {
            Err(StackError::Foreign { missing, .. })
                if missing.split(", ").count() * 2
                    < Template::read().functions_always_there().len() =>
            {
                Ok(())
            }
            judged => judged,
        }
    }

    /// A part without which nothing can be done.
    pub(crate) fn need(&self, part: &'static str) -> Result<&str, StackError> {
        self.part(part).ok_or_else(|| StackError::Lacks {
            stack: self.name.clone(),
            part,
        })
    }

    /// The same, read.
    pub(crate) fn need_parsed<T: std::str::FromStr>(
        &self,
        part: &'static str,
    ) -> Result<T, StackError> {
        self.need(part)?.parse().map_err(|_| StackError::Lacks {
            stack: self.name.clone(),
            part,
        })
    }

    /// Name of the ledger's table.
    pub(crate) fn ledger(&self) -> Result<&str, StackError> {
        self.need("Ledger")
    }
}
