//! Something to do.

use serde::Serialize;

use crate::text::Text;

/// Something to do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// What and why.
    pub text: Text,
    /// A command of the AWS CLI, complete and safe to paste into a POSIX shell.
    pub command: Option<String>,
}
