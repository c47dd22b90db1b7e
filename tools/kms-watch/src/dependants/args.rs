//! The command line of `kms-watch dependants`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::account::{Access, not_empty};

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch dependants alias/payments --demo            of a key of the demo
  kms-watch dependants alias/payments --profile audit   before you delete it
  kms-watch dependants KEY_ARN -o payments.html         as a page for its owners";

/// As what the report comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    Table,
    /// Everything, for programs
    Json,
    /// One page, for a browser
    Html,
}

/// Of which key.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    /// An alias with or without `alias/`, a key id, or an ARN of either
    #[arg(value_parser = not_empty)]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) access: Access,
    /// A key of the demo on an embedded AWS: no account, no network
    #[arg(long, conflicts_with_all = ["profile", "region"])]
    pub(crate) demo: bool,
    /// Ask AWS Config, too, which records resources that nobody used for 90 days
    #[arg(long)]
    pub(crate) config: bool,
    /// As what the report comes; without it, as the name of the file says, and otherwise a table
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Into this file, which is replaced as a whole, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

impl Args {
    /// As what the report comes: as is said, or as the file's name says.
    pub(crate) fn format(&self) -> Format {
        let by_name = || {
            let name = self.output.as_deref()?.extension()?.to_str()?;
            match name.to_ascii_lowercase().as_str() {
                "json" => Some(Format::Json),
                "html" => Some(Format::Html),
                _ => None,
            }
        };
        self.format.or_else(by_name).unwrap_or(Format::Table)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(words: &[&str]) -> Result<Args, String> {
        let words = [&["kms-watch", "dependants"], words].concat();
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        match cli.command {
            Command::Dependants(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_format_is_said_by_the_option_and_else_by_the_file() {
        for (words, format) in [
            (&["k"][..], Format::Table),
            (&["k", "-o", "k.HTML"], Format::Html),
            (&["k", "-o", "k.html", "--format=json"], Format::Json),
            (&["k", "-o", "k"], Format::Table),
        ] {
            assert_eq!(parse(words).unwrap().format(), format, "{words:?}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for wrong in [
            &[][..],
            &[" "],
            &["k", "l"],
            &["k", "--format", "csv"],
            &["k", "--region", "Frankfurt"],
            &["k", "--demo", "--profile", "audit"],
            &["k", "--demo", "--region", "eu-west-1"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
