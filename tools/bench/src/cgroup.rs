//! The share of a processor that Lambda gives a function of some size, by a control group of Linux.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A function with so many MB has one processor, and others their part of it (Lambda Developer Guide, "Configure Lambda
/// function memory").
const MB_OF_A_PROCESSOR: u64 = 1_769;

/// The length of the period in which Lambda gives the share. Not documented; it is what those who looked have found.
const PERIOD_US: u64 = 20_000;

/// A control group whose processes have together the share of a function of some size. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    directory: PathBuf,
}

/// How this machine limits processors.
#[derive(Clone, Debug)]
enum Controller {
    /// Version 1: a hierarchy of its own.
    V1(PathBuf),
    /// Version 2: one file in the one hierarchy.
    V2(PathBuf),
}

impl Share {
    /// The share of a function of `megabytes`.
    ///
    /// # Errors
    ///
    /// If control groups are not to be had here, which mostly means: not as this user.
    pub(crate) fn new(megabytes: u32) -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/mounts")?;
        let controller =
            find(&mounts).ok_or_else(|| io::Error::other("no cpu controller is mounted"))?;
        let (Controller::V1(root) | Controller::V2(root)) = &controller;
        let directory = root.join(format!("bench-lambda-{}-{megabytes}", std::process::id()));
        fs::create_dir(&directory)?;
        let share = Self { directory };
        let quota = u64::from(megabytes) * PERIOD_US / MB_OF_A_PROCESSOR;
        match controller {
            Controller::V1(_) => {
                share.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
                share.write("cpu.cfs_quota_us", &quota.to_string())?;
            }
            Controller::V2(_) => share.write("cpu.max", &format!("{quota} {PERIOD_US}"))?,
        }
        Ok(share)
    }

    /// Where the number of a process is written to take it in.
    pub(crate) fn processes(&self) -> PathBuf {
        self.directory.join("cgroup.procs")
    }

    /// Takes a process in, with all its threads.
    pub(crate) fn take(&self, pid: u32) -> io::Result<()> {
        fs::write(self.processes(), pid.to_string())
    }

    fn write(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.directory.join(file), value)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // What cannot be removed holds nothing, and nobody is slower for it.
        let _ = fs::remove_dir(&self.directory);
    }
}

/// Finds the controller among the mounted file systems.
fn find(mounts: &str) -> Option<Controller> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?, fields.next()?))
    });
    let mut found = None;
    for (directory, kind, options) in mounts {
        let directory = Path::new(directory);
        match kind {
            "cgroup" if options.split(',').any(|option| option == "cpu") => {
                return Some(Controller::V1(directory.to_owned()));
            }
            "cgroup2" => {
                let controllers = fs::read_to_string(directory.join("cgroup.subtree_control"));
                let has = controllers.is_ok_and(|all| all.split_whitespace().any(|it| it == "cpu"));
                found = has.then(|| Controller::V2(directory.to_owned()));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hierarchy_of_the_cpu_controller_is_found() {
        let mounts = "proc /proc proc rw 0 0\n\
                      cgroup /sys/fs/cgroup/cpuacct cgroup rw,cpuacct 0 0\n\
                      cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0\n";
        let Some(Controller::V1(directory)) = find(mounts) else {
            panic!("none found");
        };
        assert_eq!(directory, Path::new("/sys/fs/cgroup/cpu"));
        assert!(find("proc /proc proc rw 0 0\n").is_none());
    }
}
