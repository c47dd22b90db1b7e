//! The command line of `kms-watch inventory`.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::ValueEnum;
use watch_core::arn::AccountId;

use crate::account;
use crate::inventory::condition::Condition;
use crate::inventory::filter::Filter;
use crate::inventory::reach::{Reach, account_id};

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch inventory --demo                               keys of all sorts on an embedded AWS
  kms-watch inventory --profile audit                      every Region of the account
  kms-watch inventory --region eu-west-1,eu-central-1      two Regions
  kms-watch inventory --organization --role-name Audit     every account, by this role in each
  kms-watch inventory -o keys.csv                          everything, for a spreadsheet
  kms-watch inventory --fail-on expiring --within 14       for a pipeline";

/// As what the report comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    Table,
    /// Everything, for programs
    Json,
    /// Everything, for spreadsheets
    Csv,
    /// One page with pictures, for a browser
    Html,
    /// For a ticket
    Md,
    /// For code scanning
    Sarif,
    /// For pipelines
    Junit,
    /// Findings for AWS Security Hub
    Asff,
    /// Findings as the Open Cybersecurity Schema Framework has them
    Ocsf,
}

/// Whether to ask for each key's last use, at two keys a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastUse {
    Always,
    Never,
    /// If that does not take long.
    IfFew,
}

/// Days ahead: the longest waiting period of a deletion (KMS API Reference, ScheduleKeyDeletion).
const HORIZON: u32 = 30;

/// Narrower than this no table says anything.
const NARROWEST: usize = 40;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) reach: Reach,

    /// Ask when each key was last used, however many there are: two keys a second
    #[arg(long, conflicts_with = "no_last_use", help_heading = "What")]
    last_use: bool,
    /// Do not ask. Without either, up to 200 keys of a Region are asked about
    #[arg(long, help_heading = "What")]
    no_last_use: bool,
    /// List the keys that AWS manages, too, instead of counting them
    #[arg(long, help_heading = "What")]
    pub(crate) aws_managed: bool,
    /// Tag that names a key's owner
    #[arg(long, value_name = "KEY", default_value = "Owner", value_parser = account::not_empty, help_heading = "What")]
    pub(crate) owner_tag_key: String,
    /// Do not ask for key policies, by which `public` and `foreign` are judged
    #[arg(long, help_heading = "What")]
    pub(crate) no_policies: bool,
    /// Count each key's grants: fifty keys a second
    #[arg(long, help_heading = "What")]
    pub(crate) grants: bool,
    /// Account whose access to a key is not foreign; several separated by commas
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = account_id, help_heading = "What")]
    pub(crate) trusted_accounts: Vec<AccountId>,
    /// Organisation, `o-…`, for whose accounts access is not foreign
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = account::not_empty, help_heading = "What")]
    pub(crate) trusted_organizations: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// How far `expiring` and `pending-deletion` look ahead. 30 is the longest waiting period of a deletion
    #[arg(
        long = "within",
        value_name = "DAYS",
        default_value_t = HORIZON,
        value_parser = clap::value_parser!(u32).range(0..=3_650),
        help_heading = "What"
    )]
    pub(crate) within_days: u32,

    /// As what the report comes; without it, as the name of the file says, and otherwise a table
    #[arg(long, value_enum, help_heading = "How")]
    format: Option<Format>,
    /// Width of the table: that of the terminal, and elsewhere as wide as it gets
    #[arg(
        long,
        value_name = "COLUMNS",
        value_parser = width,
        help_heading = "How"
    )]
    pub(crate) width: Option<usize>,
    /// Into this file, which is replaced as a whole, instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "How")]
    pub(crate) output: Option<PathBuf>,
    /// Exit with 1 if a key is one of these; each is named on standard error
    #[arg(
        long,
        value_name = "WHAT,…",
        value_delimiter = ',',
        help_heading = "How"
    )]
    pub(crate) fail_on: Vec<Condition>,
    /// Say on standard error what is done, and the summary that a table ends with
    #[arg(short, long, conflicts_with = "quiet", help_heading = "How")]
    pub(crate) verbose: bool,
}

impl Args {
    /// What a plan is made of: everything but grants and last uses.
    pub(crate) fn for_plan(
        reach: Reach,
        owner_tag_key: &str,
        trusted_accounts: &[AccountId],
    ) -> Self {
        Self {
            reach,
            last_use: false,
            no_last_use: true,
            aws_managed: false,
            owner_tag_key: owner_tag_key.to_owned(),
            no_policies: false,
            grants: false,
            trusted_accounts: trusted_accounts.to_vec(),
            trusted_organizations: Vec::new(),
            filter: Filter::default(),
            within_days: HORIZON,
            format: None,
            width: None,
            output: None,
            fail_on: Vec::new(),
            verbose: false,
        }
    }

    /// As what the report comes: as is said, or as the file's name says.
    pub(crate) fn format(&self) -> Format {
        let by_name = || Format::of_extension(self.extension()?.to_str()?);
        self.format.or_else(by_name).unwrap_or(Format::Table)
    }

    /// That of the file.
    fn extension(&self) -> Option<&OsStr> {
        self.output.as_deref()?.extension()
    }

    pub(crate) fn last_use(&self) -> LastUse {
        let unused = [&self.fail_on[..], self.filter.conditions()].concat();
        let needed = unused.contains(&Condition::Unused);
        match (self.last_use || needed, self.no_last_use) {
            (true, _) => LastUse::Always,
            (false, true) => LastUse::Never,
            (false, false) => LastUse::IfFew,
        }
    }

    /// What contradicts itself in a way that the parser cannot know.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.no_last_use && self.fail_on.contains(&Condition::Unused) {
            return Err(
                "--fail-on unused has to ask for the last use, which --no-last-use forbids",
            );
        }
        let needs_policies =
            |condition: &Condition| matches!(condition, Condition::Public | Condition::Foreign);
        let mut named = self.fail_on.iter().chain(self.filter.conditions());
        if self.no_policies && named.any(needs_policies) {
            return Err(
                "public and foreign are judged by key policies, which --no-policies does not ask for",
            );
        }
        self.reach.check()?;
        let is_known = |name: &OsStr| name.to_str().and_then(Format::of_extension).is_some();
        if self.format.is_none() && self.extension().is_some_and(|name| !is_known(name)) {
            return Err(
                "no format is known by the end of the file's name: --format says which, or use .txt, .json, .csv, .html, .md, .sarif, \
                 .xml, .asff, .ocsf",
            );
        }
        if self.width.is_some() && self.format() != Format::Table {
            return Err("--width is that of a table");
        }
        Ok(())
    }
}

fn width(number: &str) -> Result<usize, String> {
    let width = number.parse().ok().filter(|width| *width >= NARROWEST);
    width.ok_or_else(|| format!("not a number of columns from {NARROWEST} on"))
}

impl Format {
    fn of_extension(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let mut formats = Self::value_variants().iter().copied();
        formats.find(|format| format.extension() == name)
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Table => "txt",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Md => "md",
            Self::Sarif => "sarif",
            Self::Junit => "xml",
            Self::Asff => "asff",
            Self::Ocsf => "ocsf",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(words: &[&str]) -> Result<Args, String> {
        let words = [&["kms-watch", "inventory"], words].concat();
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        match cli.command {
            Command::Inventory(args) => args.check().map(|()| *args).map_err(str::to_owned),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_use_is_asked_for_if_it_is_needed() {
        for (words, last_use) in [
            (&[][..], LastUse::IfFew),
            (&["--last-use"], LastUse::Always),
            (&["--no-last-use"], LastUse::Never),
            (&["--fail-on", "disabled,unused"], LastUse::Always),
        ] {
            assert_eq!(parse(words).unwrap().last_use(), last_use, "{words:?}");
        }
    }

    #[test]
    fn the_format_is_said_by_the_option_and_else_by_the_file() {
        for (words, format) in [
            (&[][..], Format::Table),
            (&["-o", "keys.CSV"], Format::Csv),
            (&["-o", "keys.csv", "--format=json"], Format::Json),
            (&["-o", "keys"], Format::Table),
        ] {
            assert_eq!(parse(words).unwrap().format(), format, "{words:?}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for wrong in [
            &["--nonsense"][..],
            &["key"],
            &["--region", "Frankfurt"],
            &["--region"],
            &["--format", "xml"],
            &["--within", "-1"],
            &["--within", "9999"],
            &["--width", "10"],
            &["--width", "100", "--format", "json"],
            &["--fail-on", "pending-deletion,,unused"],
            &["--fail-on", "old"],
            &["-o", ""],
            &["-o", "keys.yaml"],
            &["-o", "keys.json.old"],
            &["--last-use", "--no-last-use"],
            &["--no-last-use", "--fail-on", "unused"],
            &["--demo", "--profile", "audit"],
            &["--profile", " "],
            &["--verbose", "--quiet"],
            &["--no-policies", "--fail-on=public"],
            &["--trusted-accounts", "me"],
            &["--tag", "=x"],
            &["--region", "us-east-1,"],
            &["--role-arn", "Audit"],
            &["--role-arn", "arn:aws:iam::111122223333:role/A", "--demo"],
            &["--organization"],
            &["--role-name", "Audit"],
            &["--organization", "--role-name", "a b"],
            &["--external-id", "secret"],
            &["--except-accounts", "111122223333"],
            &["--organization", "--role-name=A", "--except-accounts=me"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
