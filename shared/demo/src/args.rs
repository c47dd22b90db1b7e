//! The command line.

use lexopt::prelude::*;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
What KMS Watch does, on an embedded AWS: no account, no network.

Usage: cargo demo [-- OPTIONS] [FILE...]

  FILE      handle these events instead of telling the story; `-` is standard input
  --json    one line of JSON for each alert, for machines
  --full    show chat and feed of every alert, not of the first only
  --help    print this
";

/// How alerts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a reader: the first alert in full, of the rest what people get.
    Text,
    /// For a reader, everything.
    Full,
    /// For machines.
    Json,
}

/// Where the events come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Story,
    Files(Vec<String>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) format: Format,
    pub(crate) source: Source,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Args),
}

impl Args {
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
        let mut format = Format::Text;
        let mut files = Vec::new();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Command::Help),
                Long("json") => format = Format::Json,
                Long("full") => format = Format::Full,
                Value(name) => files.push(name.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        let source = if files.is_empty() {
            Source::Story
        } else {
            Source::Files(files)
        };
        Ok(Command::Run(Args { format, source }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, lexopt::Error> {
        Args::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn the_command_line_is_read() {
        let run = |format, source| Command::Run(Args { format, source });
        assert_eq!(parse(&[]).unwrap(), run(Format::Text, Source::Story));
        assert_eq!(
            parse(&["--json"]).unwrap(),
            run(Format::Json, Source::Story)
        );
        let files = Source::Files(vec!["a.json".to_owned(), "-".to_owned()]);
        assert_eq!(
            parse(&["a.json", "--full", "-"]).unwrap(),
            run(Format::Full, files)
        );
        assert_eq!(parse(&["--help", "--nonsense"]).unwrap(), Command::Help);
        assert!(parse(&["--nonsense"]).is_err());
    }
}
