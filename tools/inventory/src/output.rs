//! Where the report goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::InventoryError;

/// A file that the report replaces as a whole: a reader sees the old one or the new one, and what fails half-way leaves
/// the old one.
#[derive(Debug)]
pub(crate) struct Target {
    file: PathBuf,
    draft: PathBuf,
}

impl Target {
    /// Looks at the place before anything is asked of AWS.
    pub(crate) fn new(name: &Path) -> Result<Self, InventoryError> {
        let unfit = |problem| InventoryError::Unfit {
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
        let last = file.file_name().ok_or_else(|| unfit("it has no name"))?;
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(unfit("its folder does not exist"));
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(last);
        hidden.push(format!(".{}", std::process::id()));
        Ok(Self {
            draft: folder.join(hidden),
            file,
        })
    }

    /// Writes the report.
    pub(crate) fn write(&self, report: &[u8]) -> Result<(), InventoryError> {
        let written = self.draft(report);
        if written.is_err() {
            let _ = fs::remove_file(&self.draft);
        }
        written.map_err(|source| InventoryError::Write {
            file: self.file.clone(),
            source,
        })
    }

    fn draft(&self, report: &[u8]) -> io::Result<()> {
        let mut draft: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.draft)?;
        draft.write_all(report)?;
        draft.sync_all()?;
        drop(draft);
        if let Ok(there) = fs::metadata(&self.file) {
            fs::set_permissions(&self.draft, there.permissions())?;
        }
        fs::rename(&self.draft, &self.file)
    }
}

/// Writes the report to standard output, with colours if a terminal shows it. Whoever closed it has seen enough.
pub(crate) fn print(report: &[u8]) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(report).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
