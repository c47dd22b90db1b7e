//! The command `kms-watch`: what a person runs.
//!
//! | room | command |
//! |---|---|
//! | [`inventory`] | a report over every key, with the user's own credentials |
//! | [`ack`] | announces a planned deletion by a tag |
//! | [`history`] | what the ledger knows of a key |
//! | [`dependants`] | who and what depends on a key, with the user's own credentials |
//! | [`explain`] | what the functions make of an event |
//! | [`demo`] | the main job on an embedded AWS, as a story |
//! | [`doctor`] | whether a deployed stack works |
//! | [`send_test`] | one alert that is marked as a test |
//! | [`plan`] | a monitoring plan that fits the account |
//! | [`redrive`] | hands over again what a stack could not handle |
//! | [`generate`] | completions of shells, and man pages |
//!
//! Shared by them: the command line ([`cli`]), [`exit_codes`], the user's own AWS ([`account`]) and its [`role`]s, the deployed [`stack`] and its [`ledger`], other [`services`], [`output`], [`style`].
//!
//! It is a crate of its own because its ways to credentials (profiles, single sign-on, other programs) must not come along
//! into a function.

mod account;
mod ack;
mod cli;
mod demo;
mod dependants;
mod doctor;
pub mod exit_codes;
mod explain;
mod failure;
mod generate;
mod history;
mod inventory;
mod ledger;
mod output;
mod plan;
#[cfg(test)]
mod published;
mod redrive;
mod role;
mod send_test;
mod services;
mod stack;
mod style;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Runs the command line, whose first word is the program.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(cli::without_separator(words)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output and is no failure. Whoever closed the stream has seen enough.
            let _ = error.print();
            return ExitCode::from(exit_codes::of_usage(&error));
        }
    };
    cli.global.color.apply();
    match dispatch(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.tell();
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(cli: &Cli) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let quiet = cli.global.quiet;
    match &cli.command {
        Command::Inventory(args) => Ok(runtime.block_on(inventory::run(args, quiet))?),
        Command::History(args) => Ok(runtime.block_on(history::run(args))?),
        Command::Dependants(args) => Ok(runtime.block_on(dependants::run(args))?),
        Command::Explain(args) => Ok(runtime.block_on(explain::run(args))?),
        Command::Demo(args) => Ok(runtime.block_on(demo::run(args))?),
        Command::Ack(args) => Ok(runtime.block_on(ack::run(args))?),
        Command::Doctor(args) => Ok(runtime.block_on(doctor::run(args))?),
        Command::SendTest(args) => Ok(runtime.block_on(send_test::run(args, quiet))?),
        Command::Plan(args) => Ok(runtime.block_on(plan::run(args, quiet))?),
        Command::Redrive(args) => Ok(runtime.block_on(redrive::run(args, quiet))?),
        Command::Completions(args) => Ok(generate::completions(args, Cli::command())?),
        Command::Man(args) => Ok(generate::man(args, Cli::command())?),
    }
}
