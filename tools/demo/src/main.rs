//! `cargo demo`: the main job of KMS Watch on an embedded AWS, in one process, without an account or a network.
//!
//! Keys are made and changed over the real SDK, time passes on a virtual clock, the events that AWS would send go through
//! the functions' own code, and what each audience receives is printed.

mod args;
mod chapter;
mod error;
mod files;
mod format;
mod history;
mod ledger;
mod show;
mod stage;
mod story;
mod style;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use args::{Args, Command, Source};
use error::DemoError;
use show::Show;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody has seen enough: `cargo demo | head`.
        Err(DemoError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("demo: {error}");
            if let Some(cause) = std::error::Error::source(&error) {
                anstream::eprintln!("      {cause}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run() -> Result<(), DemoError> {
    let args = match Args::parse(args::parser(std::env::args_os().skip(1)))? {
        Command::Help => {
            io::stdout().write_all(args::HELP.as_bytes())?;
            return Ok(());
        }
        Command::List => {
            for chapter in chapter::Chapter::ALL {
                writeln!(io::stdout(), "{:<10} {}", chapter.name(), chapter.title())?;
            }
            return Ok(());
        }
        Command::Run(args) => args,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let show = || Show::new(args.format, args.fast);
    runtime.block_on(async {
        match &args.source {
            Source::Story(chapters) => {
                let mut show = show();
                story::tell(chapters, args.seed, &mut show).await?;
                show.summary()
            }
            Source::Files(names) => {
                let mut show = show();
                files::run(names, &mut show).await?;
                show.summary()
            }
            Source::History(key) => history::run(key, args.seed, args.format).await,
        }
    })
}
