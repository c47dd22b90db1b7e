//! Where the words of a command go.

pub(crate) mod markdown;
pub(crate) mod pager;

use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A file that is replaced as a whole: a reader sees the old one or the new one, and what fails half-way leaves the old
/// one.
#[derive(Debug)]
pub(crate) struct Target {
    file: PathBuf,
    folder: PathBuf,
}

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("cannot write to {file}: {problem}", file = file.display())]
    Unfit {
        file: PathBuf,
        problem: &'static str,
    },
    #[error("failed to write {file}", file = file.display())]
    Write {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Target {
    /// Looks at the place before anything is asked of AWS.
    pub(crate) fn new(name: &Path) -> Result<Self, TargetError> {
        let unfit = |problem| TargetError::Unfit {
            file: name.to_owned(),
            problem,
        };
        let file = match fs::metadata(name) {
            Ok(there) if there.is_dir() => return Err(unfit("it is a directory")),
            Ok(there) if !there.is_file() => return Err(unfit("it is no ordinary file")),
            // What a link leads to is replaced, not the link.
            Ok(_) => fs::canonicalize(name).map_err(|_| unfit("it cannot be found again"))?,
            Err(error) if error.kind() == ErrorKind::NotFound => name.to_owned(),
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(unfit("its folder is a file"));
            }
            Err(_) => return Err(unfit("it cannot be looked at")),
        };
        if file.file_name().is_none() {
            return Err(unfit("it has no name"));
        }
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        if !folder.is_dir() {
            return Err(unfit("its folder does not exist"));
        }
        Ok(Self { file, folder })
    }

    /// Writes the file.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), TargetError> {
        self.replace(bytes).map_err(|source| TargetError::Write {
            file: self.file.clone(),
            source,
        })
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let mut draft = tempfile::Builder::new();
        if let Some(permissions) = self.permissions() {
            draft.permissions(permissions);
        }
        let mut draft = draft.tempfile_in(&self.folder)?;
        draft.write_all(bytes)?;
        draft.as_file().sync_all()?;
        if let Ok(there) = fs::metadata(&self.file) {
            draft.as_file().set_permissions(there.permissions())?;
        }
        draft.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }

    /// Those of any new file, less what the user's mask takes away. A temporary file would have the user's own only.
    fn permissions(&self) -> Option<Permissions> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            Some(Permissions::from_mode(0o666))
        }
        #[cfg(not(unix))]
        None
    }
}

/// Writes to standard output, with colours if a terminal shows it. Whoever closed it has seen enough.
pub(crate) fn print(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// One remark on standard error. Whoever closed it does not want to know.
pub(crate) fn note(words: fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "kms-watch: {words}");
}
