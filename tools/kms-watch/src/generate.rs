//! What is made of the command line itself: completions of shells, and man pages.

use std::path::PathBuf;

use clap::{Args, Command};

use crate::{exit_codes, output};

/// Which shell.
#[derive(Args, Debug)]
pub(crate) struct Shell {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Where to.
#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// The folder, which is made if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the completions to standard output.
pub(crate) fn completions(args: &Shell, mut command: Command) -> std::io::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "kms-watch", &mut script);
    output::print(&script)?;
    Ok(exit_codes::DONE)
}

/// Writes a page for the command, and one for each of its subcommands.
pub(crate) fn man(args: &Folder, command: Command) -> std::io::Result<u8> {
    std::fs::create_dir_all(&args.folder)?;
    clap_mangen::generate_to(command, &args.folder)?;
    Ok(exit_codes::DONE)
}
