//! What is going on, for whoever waits: a line for all and one for each Region on a terminal, and what `--verbose` asks for.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use watch_sweep::pace::{Operation, Paced};

use crate::output::note;

/// How often the lines change.
const TIMES_A_SECOND: u8 = 10;

/// Counts, and shows them on standard error.
pub(crate) struct Progress {
    /// Lines on a terminal; elsewhere nothing.
    lines: MultiProgress,
    total: ProgressBar,
    verbose: bool,
    /// Asked for at once, a call waits its turn for so long.
    seconds_a_use: f64,
    calls: Cell<u64>,
    throttled: Cell<u64>,
    /// Done, and known of.
    accounts: Cell<(usize, usize)>,
    regions: Cell<(usize, usize)>,
    keys: Cell<(usize, usize)>,
}

/// A Region, while its keys are looked at.
pub(crate) struct Place<'a> {
    progress: &'a Progress,
    line: ProgressBar,
    label: String,
    keys: Cell<(usize, usize)>,
    uses: Cell<(usize, usize)>,
}

impl Progress {
    pub(crate) fn new(verbose: bool, quiet: bool, haste: f64) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(TIMES_A_SECOND)
        };
        let lines = MultiProgress::with_draw_target(target);
        let total = lines.add(line("{spinner} {wide_msg}"));
        if !lines.is_hidden() {
            total.enable_steady_tick(Duration::from_millis(100));
        }
        Self {
            lines,
            total,
            verbose,
            seconds_a_use: 1.0 / (Operation::GetKeyLastUsage.share() * haste),
            calls: Cell::new(0),
            throttled: Cell::new(0),
            accounts: Cell::new((0, 0)),
            regions: Cell::new((0, 0)),
            keys: Cell::new((0, 0)),
        }
    }

    /// So many accounts come.
    pub(crate) fn expect(&self, accounts: usize) {
        self.accounts.set((0, accounts));
        self.show();
    }

    /// An account has so many Regions.
    pub(crate) fn enter(&self, regions: usize) {
        self.regions.update(|(done, all)| (done, all + regions));
        self.show();
    }

    /// An account is done.
    pub(crate) fn left(&self) {
        self.accounts.update(|(done, all)| (done + 1, all));
        self.show();
    }

    /// A Region is done.
    pub(crate) fn read(&self) {
        self.regions.update(|(done, all)| (done + 1, all));
        self.show();
    }

    /// So many keys of a Region will be looked at, and so many asked for their last use.
    pub(crate) fn begin(&self, label: &str, keys: usize, uses: usize) -> Place<'_> {
        self.keys.update(|(done, all)| (done, all + keys));
        if uses > 0 {
            let takes = span(uses as f64 * self.seconds_a_use);
            self.say(format_args!(
                "{label}: the last use of {uses} keys takes {takes}"
            ));
        }
        let line = line("  {wide_msg}");
        let place = Place {
            progress: self,
            // Where nothing is done, nothing is said.
            line: if keys > 0 { self.lines.add(line) } else { line },
            label: label.to_owned(),
            keys: Cell::new((0, keys)),
            uses: Cell::new((0, uses)),
        };
        place.show();
        place
    }

    /// Counts the calls since the last time.
    pub(crate) fn note_use<K>(&self, kms: &Paced<K>) {
        for used in kms.take_use().values() {
            self.calls.update(|calls| calls + used.calls);
            self.throttled.update(|calls| calls + used.throttled);
        }
        self.show();
    }

    fn show(&self) {
        if !self.lines.is_hidden() {
            self.total.set_message(self.to_string());
        }
    }

    /// Says something to those who asked for it.
    pub(crate) fn say(&self, words: fmt::Arguments<'_>) {
        if self.verbose {
            self.lines.suspend(|| note(words));
        }
    }

    /// The last words.
    pub(crate) fn end(&self) {
        self.total.finish_and_clear();
        self.say(format_args!(
            "{} calls, {} throttled",
            self.calls.get(),
            self.throttled.get()
        ));
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, all) = self.accounts.get();
        if all > 1 {
            write!(f, "{done}/{all} accounts  ")?;
        }
        let (regions, all_regions) = self.regions.get();
        let (keys, all_keys) = self.keys.get();
        write!(
            f,
            "{regions}/{all_regions} Regions  {keys}/{all_keys} keys  {} calls  {} throttled",
            self.calls.get(),
            self.throttled.get()
        )
    }
}

impl Place<'_> {
    pub(crate) fn looked(&self) {
        self.keys.update(|(done, all)| (done + 1, all));
        self.progress.keys.update(|(done, all)| (done + 1, all));
        self.show();
    }

    pub(crate) fn asked_use(&self) {
        self.uses.update(|(done, all)| (done + 1, all));
        self.show();
    }

    /// A key is not asked after all: what is left takes less long.
    pub(crate) fn spared_use(&self) {
        self.uses.update(|(done, all)| (done, all - 1));
        self.show();
    }

    fn show(&self) {
        if !self.progress.lines.is_hidden() {
            self.line.set_message(self.to_string());
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, all) = self.keys.get();
        write!(f, "{}  {done}/{all} keys", self.label)?;
        let (done, all) = self.uses.get();
        if all > done {
            let left = span((all - done) as f64 * self.progress.seconds_a_use);
            write!(f, "  last use {done}/{all}, {left} left")?;
        }
        Ok(())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

/// A line that is not drawn before it is put among the others. A template that is wrong would be one of ours: the line then has
/// another look.
fn line(template: &str) -> ProgressBar {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    match ProgressStyle::with_template(template) {
        Ok(style) => line.with_style(style),
        Err(_) => line,
    }
}

/// `40 s`, `7 min`.
pub(crate) fn span(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{} s", seconds.ceil())
    } else {
        format!("{} min", (seconds / 60.0).ceil())
    }
}
