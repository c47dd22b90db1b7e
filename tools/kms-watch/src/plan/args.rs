//! The command line of `kms-watch plan`.

use std::path::PathBuf;

use clap::ValueEnum;
use watch_core::arn::{AccountId, Region};

use crate::account::{self, not_empty};
use crate::inventory::reach::account_id;
use crate::output::Target;
use crate::plan::error::PlanError;
use crate::stack::Stack;

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch plan --demo                                   of an embedded AWS
  kms-watch plan --profile audit -o plan.html             of your account, as a page
  kms-watch plan --ask --samconfig plan.toml              with questions, and a file for sam deploy
  kms-watch plan --email you@example.com --format md      for a ticket";

/// As what the plan comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    Table,
    /// For a ticket
    Md,
    /// One page, for a browser
    Html,
    /// Everything, for programs
    Json,
}

/// Who is to be told, as the user says.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Wishes {
    /// Address that gets the alerts
    #[arg(long, value_name = "ADDRESS", value_parser = address, help_heading = "Who is told")]
    pub(crate) email: Option<String>,
    /// Address that gets the alarms on the watch itself: better another team
    #[arg(long, value_name = "ADDRESS", value_parser = address, help_heading = "Who is told")]
    pub(crate) health_email: Option<String>,
    /// A topic for Amazon Q Developer in chat applications
    #[arg(long, help_heading = "Who is told")]
    pub(crate) chat: bool,
    /// A topic with every alert as JSON, for programs
    #[arg(long, help_heading = "Who is told")]
    pub(crate) feed: bool,
    /// Account whose access to a key is not foreign; several separated by commas
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = account_id, help_heading = "Who is told")]
    pub(crate) trusted_accounts: Vec<AccountId>,
}

/// Of which account, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    /// This Region instead of all that are enabled for the account; several separated by commas
    #[arg(long = "region", value_name = "REGION,…", value_delimiter = ',', value_parser = account::region, help_heading = "Where")]
    pub(crate) regions: Vec<Region>,
    /// Credentials and Region of this profile of the AWS CLI
    #[arg(long, value_name = "NAME", value_parser = not_empty, conflicts_with = "demo", help_heading = "Where")]
    pub(crate) profile: Option<String>,
    /// Stack that is looked for in each Region with keys
    #[arg(long, value_name = "NAME", default_value = Stack::DEFAULT, value_parser = stack_name, help_heading = "Where")]
    pub(crate) stack: String,
    /// An embedded AWS instead: no account, no network
    #[arg(long, help_heading = "Where")]
    pub(crate) demo: bool,
    /// Tag that names a key's owner
    #[arg(long, value_name = "KEY", default_value = "Owner", value_parser = not_empty, help_heading = "Where")]
    pub(crate) owner_tag_key: String,
    /// How many metrics of AWS/KMS are listed and graphed in each Region. CloudWatch charges for their values
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=5_000), help_heading = "Where")]
    pub(crate) metrics: u16,
    #[command(flatten)]
    pub(crate) wishes: Wishes,
    /// Ask on the terminal who is to be told
    #[arg(long, help_heading = "Who is told")]
    pub(crate) ask: bool,
    /// As what the plan comes; without it, as the name of the file says, and otherwise a table
    #[arg(long, value_enum, help_heading = "How")]
    format: Option<Format>,
    /// Into this file, which is replaced as a whole, instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "How")]
    pub(crate) output: Option<PathBuf>,
    /// Also write the parameters into this file, for `sam deploy --config-file`
    #[arg(long, value_name = "FILE", help_heading = "How")]
    samconfig: Option<PathBuf>,
    /// Replace that file if it is there
    #[arg(long, requires = "samconfig", help_heading = "How")]
    force: bool,
}

impl Args {
    /// As what the plan comes: as is said, or as the file's name says.
    pub(crate) fn format(&self) -> Format {
        let by_name = || {
            let name = self.output.as_deref()?.extension()?.to_str()?;
            let name = name.to_ascii_lowercase();
            let mut formats = [Format::Md, Format::Html, Format::Json].into_iter();
            formats.find(|format| {
                let value = format.to_possible_value();
                value.is_some_and(|value| value.get_name() == name)
            })
        };
        self.format.or_else(by_name).unwrap_or(Format::Table)
    }

    /// Where the parameters go. A file that is there is somebody's.
    pub(crate) fn samconfig_target(&self) -> Result<Option<Target>, PlanError> {
        let Some(file) = &self.samconfig else {
            return Ok(None);
        };
        let target = Target::new(file)?;
        if file.exists() && !self.force {
            return Err(PlanError::Exists { file: file.clone() });
        }
        Ok(Some(target))
    }
}

/// An address of e-mail as far as a parameter and a quotation take it: the template's pattern has the last word.
pub(crate) fn address(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_graphic() && !"\"'\\,<>()".contains(c);
    let parts = text.split_once('@');
    let is_whole = |(name, host): (&str, &str)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.ends_with('.')
    };
    if text.len() <= 254 && text.chars().all(fits) && parts.is_some_and(is_whole) {
        return Ok(text.to_owned());
    }
    Err("not an address of e-mail")
}

/// Letters, digits and `-`, from a letter on (CloudFormation API Reference, `CreateStack`).
fn stack_name(text: &str) -> Result<String, &'static str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts && text.len() <= 128 && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    Err("not a name of a stack: letters, digits and -, from a letter on")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(words: &[&str]) -> Result<Args, String> {
        let words = [&["kms-watch", "plan"], words].concat();
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        match cli.command {
            Command::Plan(args) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_format_is_said_by_the_option_and_else_by_the_file() {
        for (words, format) in [
            (&[][..], Format::Table),
            (&["-o", "plan.HTML"], Format::Html),
            (&["-o", "plan.md"], Format::Md),
            (&["-o", "plan.md", "--format=json"], Format::Json),
            (&["-o", "plan"], Format::Table),
        ] {
            assert_eq!(parse(words).unwrap().format(), format, "{words:?}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for wrong in [
            &["key"][..],
            &["--force"],
            &["--email", "you"],
            &["--email", "a b@example.com"],
            &["--email", "you@example.com\" Evil=\"x"],
            &["--stack", "a b"],
            &["--stack", "x]\n[y"],
            &["--demo", "--profile", "audit"],
            &["--region", "Frankfurt"],
            &["--trusted-accounts", "me"],
            &["--metrics", "5001"],
            &["--metrics", "all"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
