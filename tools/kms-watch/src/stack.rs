//! A deployed stack: its parts by their names in the template.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata};
use watch_core::text::Untrusted;

/// Why a stack is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    #[error(
        "failed to read the stack {stack}: {reason}\nname it with --stack and its Region with --region; listing it needs cloudformation:ListStackResources",
        reason = reason.as_str()
    )]
    Read { stack: String, reason: Untrusted },
    #[error("the stack {stack} has no {part}: is it one of KMS Watch, and complete?")]
    Lacks { stack: String, part: &'static str },
}

/// A deployed stack.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) name: String,
    /// Type and physical id by logical id.
    parts: BTreeMap<String, (String, String)>,
}

impl Stack {
    /// What `samconfig.toml` calls it.
    pub(crate) const DEFAULT: &str = "kms-watch";

    /// Lists the parts of a stack in the client's account and Region.
    pub(crate) async fn find(sdk: &SdkConfig, name: &str) -> Result<Self, StackError> {
        let pages = Client::new(sdk).list_stack_resources().stack_name(name);
        let listed = pages.into_paginator().items().send().try_collect().await;
        let listed = listed.map_err(|error| {
            let words = match (error.code(), error.message()) {
                (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
                (None, _) => DisplayErrorContext(&error).to_string(),
            };
            StackError::Read {
                stack: name.to_owned(),
                reason: Untrusted::new(&words),
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

    /// A part without which nothing can be done.
    pub(crate) fn need(&self, part: &'static str) -> Result<&str, StackError> {
        self.part(part).ok_or_else(|| StackError::Lacks {
            stack: self.name.clone(),
            part,
        })
    }

    /// Name of the ledger's table.
    pub(crate) fn ledger(&self) -> Result<&str, StackError> {
        self.need("Ledger")
    }
}
