//! `kms-watch ack`: says beforehand that a deletion is planned, by a tag on the key.
//!
//! IAM actions: `kms:DescribeKey`, `kms:TagResource`.

use std::io;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_kms::types::Tag;
use watch_core::text::Untrusted;

use crate::account::{self, Access, AccountError, not_empty};
use crate::{exit_codes, output};

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch ack alias/payments '2026-12-20 CHG-123'    before its deletion is scheduled
  kms-watch ack KEY_ARN CHG-123 --profile admin        with other credentials";

/// Which key, and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    /// An alias with `alias/`, a key id, or a key ARN
    #[arg(value_parser = not_empty)]
    key: String,
    /// A date, a ticket, or both: the value of the tag
    #[arg(value_parser = not_empty)]
    note: String,
    #[command(flatten)]
    access: Access,
    /// Tag that announces a deletion, as the stack has it
    #[arg(long, value_name = "KEY", default_value = "kms-watch:planned", value_parser = not_empty)]
    tag_key: String,
}

/// Why a key is not tagged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AckError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(
        "{operation} failed: {reason}\nthe key has to be in this account and Region, and you may need kms:{operation}",
        reason = reason.as_str()
    )]
    Refused {
        operation: &'static str,
        reason: Untrusted,
    },
    #[error("failed to write")]
    Output(#[from] io::Error),
}

/// Tags the key.
pub(crate) async fn run(args: &Args) -> Result<u8, AckError> {
    let sdk = account::load(&args.access).await?;
    let kms = Client::new(&sdk);
    let described = kms.describe_key().key_id(&args.key).send().await;
    let described = described.map_err(|error| refused("DescribeKey", &error))?;
    // A tag goes on a key, and not on an alias.
    let arn = described.key_metadata.and_then(|key| key.arn);
    let arn = arn.unwrap_or_else(|| args.key.clone());
    let tag = Tag::builder()
        .tag_key(&args.tag_key)
        .tag_value(&args.note)
        .build()
        .map_err(|error| refused_by_sdk(&error))?;
    let tagged = kms.tag_resource().key_id(&arn).tags(tag).send().await;
    tagged.map_err(|error| refused("TagResource", &error))?;
    let (tag, note) = (Untrusted::new(&args.tag_key), Untrusted::new(&args.note));
    let line = format!("{arn} has the tag {} = {}\n", tag.as_str(), note.as_str());
    output::print(line.as_bytes())?;
    Ok(exit_codes::DONE)
}

fn refused(
    operation: &'static str,
    error: &(impl ProvideErrorMetadata + std::error::Error),
) -> AckError {
    let words = match (error.code(), error.message()) {
        (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
        (None, _) => DisplayErrorContext(error).to_string(),
    };
    AckError::Refused {
        operation,
        reason: Untrusted::new(&words),
    }
}

fn refused_by_sdk(error: &dyn std::error::Error) -> AckError {
    AckError::Refused {
        operation: "TagResource",
        reason: Untrusted::new(&error.to_string()),
    }
}
