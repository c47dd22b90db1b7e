//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;
use watch_core::arn::Region;

use crate::condition::Condition;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Every KMS key of an account and Region, with your own credentials. It reads, and changes nothing.

Usage: cargo inventory [-- OPTIONS]

Where
  --region REGION      this Region instead of the configured one; may be given several times
  --profile NAME       credentials and Region of this profile of the AWS CLI
  --demo               an embedded AWS instead: no account, no network

What
  --last-use           ask when each key was last used, however many there are: two keys a second
  --no-last-use        do not ask. Without either it is asked for up to 200 keys
  --aws-managed        list the keys that AWS manages too, instead of counting them
  --owner-tag-key KEY  the tag that names a key's owner (default: Owner)
  --within DAYS        how far `expiring` and `pending-deletion` look ahead (default: 30, the longest
                       waiting period of a deletion)

How
  --format FORMAT      table, json or csv (default: table)
  --width COLUMNS      width of the table (default: that of the terminal; elsewhere as wide as it gets)
  -o, --output FILE    into this file, which is replaced as a whole, instead of standard output
  --fail-on WHAT,...   exit with 1 if a key is one of: pending-deletion, expiring, pending-import, unavailable,
                       disabled, no-rotation, unused (not used for 90 days; asks for the last use), blind-spot
  --verbose            say on standard error what is done, and the summary that a table ends with
  --help, --version

Exit code
  0  the report is made
  1  a key is what --fail-on names; each is named on standard error
  2  the command line is wrong
  3  AWS could not be asked, or did not answer about every key, or the report could not be written
";

/// As what the report comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

/// Whether to ask for each key's last use, at two keys a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastUse {
    Always,
    Never,
    /// If that does not take long.
    IfFew,
}

/// Which AWS to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Account { profile: Option<String> },
    Demo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) place: Place,
    pub(crate) regions: Vec<Region>,
    pub(crate) format: Format,
    pub(crate) width: Option<usize>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) fail_on: Vec<Condition>,
    pub(crate) within_days: u32,
    pub(crate) last_use: LastUse,
    pub(crate) aws_managed: bool,
    pub(crate) owner_tag_key: String,
    pub(crate) verbose: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            place: Place::Account { profile: None },
            regions: Vec::new(),
            format: Format::Table,
            width: None,
            output: None,
            fail_on: Vec::new(),
            within_days: 30,
            last_use: LastUse::IfFew,
            aws_managed: false,
            owner_tag_key: "Owner".to_owned(),
            verbose: false,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Version,
    Run(Args),
}

/// Narrower than this no table says anything.
const NARROWEST: usize = 40;

/// The arguments, with or without the `--` that sets them apart from cargo's own: the alias `cargo inventory` has one
/// already, and cargo passes the second one on.
pub(crate) fn parser(arguments: impl Iterator<Item = OsString>) -> lexopt::Parser {
    let mut arguments = arguments.peekable();
    arguments.next_if(|first| first == "--");
    lexopt::Parser::from_args(arguments)
}

impl Args {
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
        let mut args = Self::default();
        let (mut profile, mut demo) = (None, false);
        let (mut last_use, mut no_last_use) = (false, false);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Command::Help),
                Long("version") | Short('V') => return Ok(Command::Version),
                Long("region") => {
                    let region = parser.value()?.parse_with(region)?;
                    if !args.regions.contains(&region) {
                        args.regions.push(region);
                    }
                }
                Long("profile") => profile = Some(parser.value()?.parse_with(not_empty)?),
                Long("demo") => demo = true,
                Long("last-use") => last_use = true,
                Long("no-last-use") => no_last_use = true,
                Long("aws-managed") => args.aws_managed = true,
                Long("owner-tag-key") => {
                    args.owner_tag_key = parser.value()?.parse_with(not_empty)?;
                }
                Long("within") => args.within_days = parser.value()?.parse_with(days)?,
                Long("format") => args.format = parser.value()?.parse_with(format)?,
                Long("width") => args.width = Some(parser.value()?.parse_with(width)?),
                Short('o') | Long("output") => args.output = Some(file(parser.value()?)?),
                Long("fail-on") => {
                    let named = parser.value()?.parse_with(conditions)?;
                    args.fail_on.extend(named);
                }
                Long("verbose") | Short('v') => args.verbose = true,
                _ => return Err(argument.unexpected()),
            }
        }
        args.fail_on.sort_unstable();
        args.fail_on.dedup();
        args.last_use = args.asked_last_use(last_use, no_last_use)?;
        args.place = match (demo, profile) {
            (true, Some(_)) => {
                return Err("--demo needs no credentials: leave --profile away".into());
            }
            (true, None) => Place::Demo,
            (false, profile) => Place::Account { profile },
        };
        if args.width.is_some() && args.format != Format::Table {
            return Err("--width is that of a table".into());
        }
        Ok(Command::Run(args))
    }

    /// Whether the last use is asked for, as the options `--last-use` and `--no-last-use` and what to fail on say.
    fn asked_last_use(&self, yes: bool, no: bool) -> Result<LastUse, lexopt::Error> {
        let unused = self.fail_on.contains(&Condition::Unused);
        Ok(match (yes || unused, no) {
            (true, true) if yes => {
                return Err("--last-use and --no-last-use: give one or the other".into());
            }
            (true, true) => {
                return Err(
                    "--fail-on unused has to ask for the last use, which --no-last-use forbids"
                        .into(),
                );
            }
            (true, false) => LastUse::Always,
            (false, true) => LastUse::Never,
            (false, false) => LastUse::IfFew,
        })
    }
}

fn region(name: &str) -> Result<Region, &'static str> {
    Region::new(name).ok_or("not the name of a Region, such as eu-west-1")
}

fn not_empty(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty");
    }
    Ok(text.to_owned())
}

fn days(number: &str) -> Result<u32, &'static str> {
    let days = number.parse().ok().filter(|days| *days <= 3_650);
    days.ok_or("not a number of days from 0 to 3650")
}

fn width(number: &str) -> Result<usize, String> {
    let width = number.parse().ok().filter(|width| *width >= NARROWEST);
    width.ok_or_else(|| format!("not a number of columns from {NARROWEST} on"))
}

fn format(name: &str) -> Result<Format, &'static str> {
    match name {
        "table" => Ok(Format::Table),
        "json" => Ok(Format::Json),
        "csv" => Ok(Format::Csv),
        _ => Err("there are table, json and csv"),
    }
}

fn conditions(names: &str) -> Result<Vec<Condition>, String> {
    let condition = |name: &str| {
        Condition::find(name.trim()).ok_or_else(|| {
            let all = Condition::ALL.map(Condition::name).join(", ");
            format!("there is no {:?}; there are {all}", name.trim())
        })
    };
    names.split(',').map(condition).collect()
}

fn file(name: OsString) -> Result<PathBuf, lexopt::Error> {
    if name.is_empty() {
        return Err("the name of the file is empty".into());
    }
    Ok(PathBuf::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, lexopt::Error> {
        Args::parse(parser(arguments.iter().map(OsString::from)))
    }

    #[test]
    fn the_command_line_is_read() {
        assert_eq!(parse(&[]).unwrap(), Command::Run(Args::default()));
        assert_eq!(parse(&["--help", "--nonsense"]).unwrap(), Command::Help);
        assert_eq!(parse(&["-V"]).unwrap(), Command::Version);
        let words = [
            "--",
            "--region=eu-west-1",
            "--region",
            "us-east-1",
            "--region",
            "eu-west-1",
            "--profile",
            "audit",
            "--format",
            "csv",
            "-o",
            "keys.csv",
            "--fail-on",
            "unused, disabled,unused",
            "--fail-on=expiring",
            "--within",
            "7",
            "--aws-managed",
            "--owner-tag-key=Team",
            "-v",
        ];
        let expected = Args {
            place: Place::Account {
                profile: Some("audit".to_owned()),
            },
            regions: ["eu-west-1", "us-east-1"]
                .map(|name| Region::new(name).unwrap())
                .to_vec(),
            format: Format::Csv,
            width: None,
            output: Some(PathBuf::from("keys.csv")),
            fail_on: vec![Condition::Expiring, Condition::Disabled, Condition::Unused],
            within_days: 7,
            last_use: LastUse::Always,
            aws_managed: true,
            owner_tag_key: "Team".to_owned(),
            verbose: true,
        };
        assert_eq!(parse(&words).unwrap(), Command::Run(expected));
        assert_eq!(parse(&words[1..]).unwrap(), parse(&words).unwrap());
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
            &["--last-use", "--no-last-use"],
            &["--no-last-use", "--fail-on", "unused"],
            &["--demo", "--profile", "audit"],
            &["--profile", " "],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn help_names_every_condition() {
        for condition in Condition::ALL {
            assert!(HELP.contains(condition.name()), "{condition:?}");
        }
    }
}
