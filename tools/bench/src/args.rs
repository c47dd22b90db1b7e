//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
What the built functions cost, beside a bare function and the same job in Python.

Usage: cargo bench-lambda [-- OPTIONS]

  --rounds NUMBER   processes of each kind at each share of a processor (10)
  --events NUMBER   events for each process (50)
  --delay MS        how long each answer of AWS takes (5)
  --shares MB,...   sizes of functions whose share of a processor is tried (128,256,512); `none` for none
  --only NAME       measure this one only; may be given several times
  --profile NAME    profile of cargo with which the functions are built (release)
  --compare PATH    another build of key-deletion, measured in the same rounds; `PATH,NAME=VALUE` sets a variable,
                    `PATH,SSL_CERT_FILE=@small-trust` leaves only the certificate that is needed in its trust store
  --no-python       leave the Python peers out
  --json FILE       write everything that was measured
  --svg FILE        draw it
  --smoke           try everything once, with debug binaries, and judge nothing
  --help            print this
";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) rounds: u32,
    pub(crate) events: u64,
    pub(crate) delay_ms: u64,
    pub(crate) shares: Vec<u32>,
    pub(crate) only: Vec<String>,
    pub(crate) profile: String,
    pub(crate) compared: Vec<String>,
    pub(crate) python: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) smoke: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            rounds: 10,
            events: 50,
            delay_ms: 5,
            shares: vec![128, 256, 512],
            only: Vec::new(),
            profile: "release".to_owned(),
            compared: Vec::new(),
            python: true,
            json: None,
            svg: None,
            smoke: false,
        }
    }
}

impl Args {
    /// The arguments, with or without the `--` that the alias has already; `None` if help is asked for.
    pub(crate) fn parse(
        arguments: impl Iterator<Item = OsString>,
    ) -> Result<Option<Self>, lexopt::Error> {
        let mut arguments = arguments.peekable();
        arguments.next_if(|first| first == "--");
        let mut parser = lexopt::Parser::from_args(arguments);
        let mut args = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(None),
                Long("rounds") => args.rounds = parser.value()?.parse_with(positive)?,
                Long("events") => args.events = parser.value()?.parse_with(positive)?.into(),
                Long("delay") => args.delay_ms = parser.value()?.parse()?,
                Long("shares") => args.shares = parser.value()?.parse_with(shares)?,
                Long("only") => args.only.push(parser.value()?.string()?),
                Long("profile") => args.profile = parser.value()?.string()?,
                Long("compare") => args.compared.push(parser.value()?.string()?),
                Long("no-python") => args.python = false,
                Long("json") => args.json = Some(parser.value()?.into()),
                Long("svg") => args.svg = Some(parser.value()?.into()),
                Long("smoke") => {
                    args.smoke = true;
                    (args.rounds, args.events, args.shares) = (1, 3, Vec::new());
                }
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Some(args))
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn positive(number: &str) -> Result<u32, String> {
    let number = number.parse().map_err(|_| "not a number")?;
    if number == 0 {
        return Err("0 is too few".to_owned());
    }
    Ok(number)
}

fn shares(list: &str) -> Result<Vec<u32>, String> {
    if list == "none" {
        return Ok(Vec::new());
    }
    let share = |size: &str| match size.parse() {
        Ok(size @ 128..=1_769) => Ok(size),
        _ => Err(format!("{size:?} is not a size from 128 to 1769")),
    };
    list.split(',').map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Args>, lexopt::Error> {
        Args::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_read() {
        assert_eq!(parse("").unwrap(), Some(Args::default()));
        assert_eq!(parse("-- --help").unwrap(), None);
        let args = parse("--rounds 2 --shares 128,1769 --only floor")
            .unwrap()
            .unwrap();
        assert_eq!((args.rounds, &args.shares[..]), (2, &[128, 1_769][..]));
        assert!(args.wants("floor") && !args.wants("boto3"));
        for wrong in ["--rounds 0", "--shares 64", "--loud", "x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
