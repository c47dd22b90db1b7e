//! The command line.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::chapter::Chapter;
use crate::format::Format;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
What KMS Watch does, on an embedded AWS: no account, no network.

Usage: cargo demo [-- OPTIONS] [FILE...]
       cargo demo -- history KEY

  FILE            handle these events instead of telling the story; `-` is standard input
  history KEY     what the ledger knows of a key once the story is told: an alias, a key id or an ARN
  --only CHAPTER  tell this chapter only; may be given several times
  --list          the names of the chapters
  --seed NUMBER   ids of the keys and events; the same number gives the same story
  --fast          do not wait while days pass
  --full          show chat and feed of every alert, not of the first only
  --json          one line of JSON for each alert or entry of a history, for machines
  --help          print this
";

/// The word that asks for a key's history.
const HISTORY: &str = "history";

/// Where the events come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Story(Vec<Chapter>),
    Files(Vec<String>),
    /// The story, of which only what it leaves in the ledger about this key is shown.
    History(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) format: Format,
    pub(crate) fast: bool,
    pub(crate) seed: u64,
    pub(crate) source: Source,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    List,
    Run(Args),
}

/// The arguments, with or without the `--` that sets them apart from cargo's own: the alias `cargo demo` has one already,
/// and cargo passes the second one on.
pub(crate) fn parser(arguments: impl Iterator<Item = OsString>) -> lexopt::Parser {
    let mut arguments = arguments.peekable();
    arguments.next_if(|first| first == "--");
    lexopt::Parser::from_args(arguments)
}

impl Args {
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
        let (mut format, mut fast, mut seed) = (Format::Text, false, 1);
        let (mut files, mut chapters, mut history) = (Vec::new(), Vec::new(), None);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Command::Help),
                Long("list") => return Ok(Command::List),
                Long("json") => format = Format::Json,
                Long("full") => format = Format::Full,
                Long("fast") => fast = true,
                Long("seed") => seed = parser.value()?.parse()?,
                Long("only") => chapters.push(parser.value()?.parse_with(chapter)?),
                Value(word) if files.is_empty() && word == HISTORY => {
                    history = Some(parser.value()?.string()?);
                }
                Value(name) => files.push(name.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        let source = match (history, files.is_empty(), chapters.is_empty()) {
            (Some(key), true, true) => Source::History(key),
            (Some(_), ..) => {
                return Err("a history is that of one key after the whole story".into());
            }
            (None, false, false) => {
                return Err("a file is no part of a chapter: give one or the other".into());
            }
            (None, false, true) => Source::Files(files),
            (None, true, false) => Source::Story(chapters),
            (None, true, true) => Source::Story(Chapter::ALL.to_vec()),
        };
        Ok(Command::Run(Args {
            format,
            fast,
            seed,
            source,
        }))
    }
}

fn chapter(name: &str) -> Result<Chapter, String> {
    Chapter::find(name).ok_or_else(|| {
        let names: Vec<_> = Chapter::ALL.iter().map(|chapter| chapter.name()).collect();
        format!("no such chapter; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, lexopt::Error> {
        Args::parse(parser(arguments.iter().map(OsString::from)))
    }

    #[test]
    fn the_command_line_is_read() {
        let run = |format, source| {
            Command::Run(Args {
                format,
                fast: false,
                seed: 1,
                source,
            })
        };
        let story = || Source::Story(Chapter::ALL.to_vec());
        assert_eq!(parse(&[]).unwrap(), run(Format::Text, story()));
        assert_eq!(parse(&["--json"]).unwrap(), run(Format::Json, story()));
        let files = Source::Files(vec!["a.json".to_owned(), "-".to_owned()]);
        assert_eq!(
            parse(&["a.json", "--full", "-"]).unwrap(),
            run(Format::Full, files)
        );
        assert_eq!(
            parse(&["--", "--list"]).unwrap(),
            parse(&["--list"]).unwrap()
        );
        assert_eq!(parse(&["--help", "--nonsense"]).unwrap(), Command::Help);
        let history = Source::History("alias/payments".to_owned());
        assert_eq!(
            parse(&["history", "alias/payments", "--json"]).unwrap(),
            run(Format::Json, history)
        );
        let chapters = vec![Chapter::Expiry, Chapter::Trouble];
        let args = Args {
            format: Format::Text,
            fast: true,
            seed: 7,
            source: Source::Story(chapters),
        };
        let words = [
            "--only", "expiry", "--seed=7", "--only", "trouble", "--fast",
        ];
        assert_eq!(parse(&words).unwrap(), Command::Run(args));
        for wrong in [
            &["--nonsense"][..],
            &["--only", "love"],
            &["--seed", "x"],
            &["a.json", "--only", "expiry"],
            &["history"],
            &["history", "a", "b"],
            &["history", "a", "history", "b", "c"],
            &["history", "a", "--only", "expiry"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
