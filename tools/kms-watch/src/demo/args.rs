//! The command line of `kms-watch demo`.

use std::path::PathBuf;

use crate::demo::chapter::Chapter;
use crate::demo::format::Format;

/// For the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kms-watch demo                     the point, on one screen
  kms-watch demo --all               the whole story
  kms-watch demo --only sweep        one chapter: events that never came
  kms-watch demo --html story.html   the whole story as a page";

/// What is told, and how.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Args {
    /// Tell every chapter, every mail in full
    #[arg(long, conflicts_with = "only")]
    pub(crate) all: bool,
    /// Tell this chapter; may be given several times
    #[arg(long, value_name = "CHAPTER", value_parser = chapter)]
    pub(crate) only: Vec<Chapter>,
    /// The names of the chapters
    #[arg(long, exclusive = true)]
    pub(crate) list: bool,
    /// Show chat and feed of every alert, not of the first only
    #[arg(long)]
    pub(crate) full: bool,
    /// One line of JSON for each alert, for machines; of every chapter without --only
    #[arg(long, conflicts_with_all = ["full", "html"])]
    pub(crate) json: bool,
    /// Write the story as a page into this file; every chapter without --only
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Ids of the keys and events; the same number gives the same story
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Args {
    /// What is told, in the order of the story.
    pub(crate) fn chapters(&self) -> Vec<Chapter> {
        if !self.only.is_empty() {
            return self.only.clone();
        }
        if self.is_short() {
            return Chapter::POINT.to_vec();
        }
        Chapter::ALL.to_vec()
    }

    pub(crate) fn format(&self) -> Format {
        match () {
            () if self.json => Format::Json,
            () if self.full => Format::Full,
            () if self.is_short() => Format::Short,
            () => Format::Text,
        }
    }

    fn is_short(&self) -> bool {
        let asked = self.all || self.full || self.json || self.html.is_some();
        !asked && self.only.is_empty()
    }
}

fn chapter(name: &str) -> Result<Chapter, String> {
    Chapter::find(name).ok_or_else(|| {
        let names: Vec<_> = Chapter::ALL.iter().map(|chapter| chapter.name()).collect();
        format!("there is no such chapter; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(words: &[&str]) -> Result<Args, clap::Error> {
        let words = [&["kms-watch", "demo"], words].concat();
        match Cli::try_parse_from(words)?.command {
            Command::Demo(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_told_depends_on_what_is_asked_for() {
        for (words, chapters, format) in [
            (&[][..], Chapter::POINT, Format::Short),
            (&["--all"], Chapter::ALL, Format::Text),
            (&["--full"], Chapter::ALL, Format::Full),
            (&["--json"], Chapter::ALL, Format::Json),
            (&["--html", "page.html"], Chapter::ALL, Format::Text),
            (&["--only", "expiry"], &[Chapter::Expiry], Format::Text),
            (
                &["--only=sweep", "--json", "--only=expiry"],
                &[Chapter::Sweep, Chapter::Expiry],
                Format::Json,
            ),
        ] {
            let args = parse(words).unwrap();
            assert_eq!(
                (args.chapters().as_slice(), args.format()),
                (chapters, format),
                "{words:?}"
            );
        }
        assert_eq!(parse(&["--seed=7"]).unwrap().seed, 7);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for wrong in [
            &["--nonsense"][..],
            &["--only", "love"],
            &["--seed", "x"],
            &["--all", "--only", "expiry"],
            &["--json", "--full"],
            &["--list", "--all"],
            &["event.json"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
