//! Clocks that two processes read alike.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::ClockId;
use nix::unistd::Pid;

/// The time since the machine was started: the same in every process of it.
pub(crate) fn now() -> Duration {
    // Always there, and never before its beginning.
    read(ClockId::CLOCK_MONOTONIC).unwrap_or_default()
}

/// What this process has used of the processors.
pub(crate) fn own_cpu() -> Result<Duration, Errno> {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// What a process has used of the processors, to the nanosecond, with all its threads, also those that have ended.
///
/// `/proc/<pid>/stat` counts in hundredths of a second, which is more than most of what is measured here.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Errno> {
    let pid = Pid::from_raw(pid.try_into().map_err(|_| Errno::EINVAL)?);
    read(ClockId::pid_cpu_clock_id(pid)?)
}

fn read(clock: ClockId) -> Result<Duration, Errno> {
    clock.now().map(TimeSpec::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_seen_from_outside_has_used_what_it_says_itself() {
        let before = own_cpu().unwrap();
        let outside = cpu(std::process::id()).unwrap();
        let after = own_cpu().unwrap();
        assert!(before <= outside && outside <= after);
    }
}
