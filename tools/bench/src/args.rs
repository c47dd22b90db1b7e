//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(
    name = "cargo bench-lambda --",
    about = "What the built functions cost, beside a bare function and the same job in Python"
)]
pub(crate) struct Args {
    /// Processes of each kind at each share of a processor
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Events for each process
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events: u64,
    /// How long each answer of AWS takes
    #[arg(long = "delay", value_name = "MS", default_value_t = 5)]
    pub(crate) delay_ms: u64,
    /// Sizes of functions whose share of a processor is tried; `none` for none
    #[arg(long, value_name = "MB,…", default_value = "128,256,512", value_parser = shares)]
    shares: Shares,
    /// Measure this one only; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Profile of cargo with which the functions are built
    #[arg(long, value_name = "NAME", default_value = "release")]
    pub(crate) profile: String,
    /// Another build of key-deletion, measured in the same rounds; `PATH,NAME=VALUE` sets a variable,
    /// `PATH,SSL_CERT_FILE=@small-trust` leaves only the certificate that is needed in its trust store
    #[arg(long = "compare", value_name = "PATH")]
    pub(crate) compared: Vec<String>,
    /// Leave the Python peers out
    #[arg(long)]
    no_python: bool,
    /// Write everything that was measured
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw it
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Try everything once, with debug binaries, and judge nothing
    #[arg(long, conflicts_with_all = ["rounds", "events", "shares"])]
    pub(crate) smoke: bool,
}

/// Sizes of functions, in MB.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shares(Vec<u32>);

impl Args {
    /// The arguments, with or without the `--` that the alias has already.
    pub(crate) fn parse_words(
        arguments: impl Iterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let mut arguments = arguments.peekable();
        arguments.next_if(|first| first == "--");
        let name = OsString::from("bench-lambda");
        let mut args = Self::try_parse_from(std::iter::once(name).chain(arguments))?;
        if args.smoke {
            (args.rounds, args.events, args.shares) = (1, 3, Shares(Vec::new()));
        }
        Ok(args)
    }

    pub(crate) fn shares(&self) -> &[u32] {
        &self.shares.0
    }

    pub(crate) fn python(&self) -> bool {
        !self.no_python
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn shares(list: &str) -> Result<Shares, String> {
    if list == "none" {
        return Ok(Shares(Vec::new()));
    }
    let share = |size: &str| match size.parse() {
        Ok(size @ 128..=1_769) => Ok(size),
        _ => Err(format!("{size:?} is not a size from 128 to 1769")),
    };
    let sizes: Result<_, _> = list.split(',').map(share).collect();
    sizes.map(Shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::parse_words(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_read() {
        let usual = parse("").unwrap();
        assert_eq!((usual.rounds, usual.shares()), (10, &[128, 256, 512][..]));
        assert!(usual.python() && usual.wants("boto3"));
        let help = parse("-- --help").unwrap_err();
        assert!(!help.use_stderr());
        let args = parse("--rounds 2 --shares 128,1769 --only floor --no-python").unwrap();
        assert_eq!((args.rounds, args.shares()), (2, &[128, 1_769][..]));
        assert!(args.wants("floor") && !args.wants("boto3") && !args.python());
        let smoke = parse("--smoke").unwrap();
        assert_eq!(
            (smoke.rounds, smoke.events, smoke.shares()),
            (1, 3, &[][..])
        );
        for wrong in ["--rounds 0", "--shares 64", "--loud", "x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
