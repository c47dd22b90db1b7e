//! The command line: what all commands have in common. Each has its own arguments in its room.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    ack, demo, dependants, doctor, exit_codes, explain, generate, history, inventory, plan,
    redrive, send_test,
};

const ABOUT: &str = "Watches over the AWS KMS keys of your accounts";
const EXAMPLES: &str = "\
Examples:
  kms-watch demo                                what KMS Watch does, without an account
  kms-watch inventory --profile audit           every key, the most urgent first
  kms-watch inventory --fail-on expiring        for a pipeline
  kms-watch history alias/payments --demo       what the ledger keeps of a key
  kms-watch dependants alias/payments --demo    what breaks without a key
  kms-watch explain event.json                  what becomes of an event
  kms-watch doctor                              whether the deployed stack works";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "kms-watch", version, about = ABOUT, after_help = EXAMPLES, after_long_help = long(EXAMPLES))]
#[command(propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// When to use colours. NO_COLOR and CLICOLOR_FORCE are heeded, too
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Say nothing on standard error but what went wrong
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    Always,
    Never,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every key of your accounts: what it is, what is due, what is wrong with it
    #[command(after_help = inventory::args::EXAMPLES, after_long_help = long(inventory::args::EXAMPLES))]
    Inventory(Box<inventory::args::Args>),
    /// What the ledger knows of a key, also of one that KMS has forgotten
    #[command(after_help = history::EXAMPLES, after_long_help = long(history::EXAMPLES))]
    History(history::Args),
    /// Who and what depends on a key: what breaks without it
    #[command(after_help = dependants::args::EXAMPLES, after_long_help = long(dependants::args::EXAMPLES))]
    Dependants(dependants::args::Args),
    /// What the functions make of an event of yours
    #[command(after_help = explain::EXAMPLES, after_long_help = long(explain::EXAMPLES))]
    Explain(explain::Args),
    /// What KMS Watch does, on an embedded AWS: no account, no network
    #[command(after_help = demo::args::EXAMPLES, after_long_help = long(demo::args::EXAMPLES))]
    Demo(demo::args::Args),
    /// A monitoring plan that fits the account: goals, keys, tools, people, gaps
    #[command(after_help = plan::args::EXAMPLES, after_long_help = long(plan::args::EXAMPLES))]
    Plan(Box<plan::args::Args>),
    /// Announces that the deletion of a key is planned, by a tag on the key
    #[command(after_help = ack::EXAMPLES, after_long_help = long(ack::EXAMPLES))]
    Ack(ack::Args),
    /// Whether a deployed stack works: sees what happens, tells people, remembers
    #[command(after_help = doctor::EXAMPLES, after_long_help = long(doctor::EXAMPLES))]
    Doctor(doctor::Args),
    /// One alert, marked as a test, on the way of every other: does it come through?
    #[command(after_help = send_test::EXAMPLES, after_long_help = long(send_test::EXAMPLES))]
    SendTest(send_test::Args),
    /// Hands over again what the stack could not handle
    #[command(after_help = redrive::EXAMPLES, after_long_help = long(redrive::EXAMPLES))]
    Redrive(redrive::Args),
    /// Completions for a shell, on standard output
    Completions(generate::Shell),
    /// Writes the man pages into a folder
    Man(generate::Folder),
}

fn long(examples: &str) -> String {
    format!("{examples}\n\n{}", exit_codes::HELP)
}

impl Color {
    /// For everything that is written from now on.
    pub(crate) fn apply(self) {
        match self {
            // The environment and the terminal decide.
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

/// The words without the `--` that sets them apart from cargo's own: `cargo demo` has one already, and cargo passes a
/// second one on.
pub(crate) fn without_separator(
    words: impl IntoIterator<Item = OsString>,
) -> impl Iterator<Item = OsString> {
    let words = words.into_iter().enumerate();
    words
        .filter(|(position, word)| *position != 2 || word != "--")
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_separator_is_taken_away_only_behind_the_command() {
        let kept = |words: &[&str]| -> Vec<OsString> {
            without_separator(words.iter().map(OsString::from)).collect()
        };
        assert_eq!(
            kept(&["kms-watch", "demo", "--", "--list"]),
            ["kms-watch", "demo", "--list"]
        );
        assert_eq!(
            kept(&["kms-watch", "explain", "-q", "--", "-"]),
            ["kms-watch", "explain", "-q", "--", "-"]
        );
    }

    #[test]
    fn every_command_says_what_its_exit_codes_mean() {
        let mut cli = Cli::command();
        // What all commands take, such as `--quiet`, is given to them here.
        cli.build();
        for command in cli.get_subcommands_mut() {
            let name = command.get_name().to_owned();
            if ["completions", "man", "help"].contains(&name.as_str()) {
                continue;
            }
            let help = command.render_long_help().to_string();
            assert!(help.contains(exit_codes::HELP), "{name}");
            assert!(help.contains("Examples:\n"), "{name}");
        }
    }
}
