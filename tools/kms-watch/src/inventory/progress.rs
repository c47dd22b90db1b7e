//! What is going on, for whoever waits: one line on a terminal, and what `--verbose` asks for.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use watch_core::arn::Region;
use watch_sweep::pace::{Operation, Paced};

use crate::output::note;

/// How often the line changes.
const TIMES_A_SECOND: u8 = 10;

/// Counts, and shows them on standard error.
pub(crate) struct Progress {
    /// A line on a terminal; elsewhere nothing.
    bar: ProgressBar,
    verbose: bool,
    /// Asked for at once, a call waits its turn for so long.
    seconds_a_use: f64,
    region: RefCell<String>,
    calls: Cell<u64>,
    throttled: Cell<u64>,
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
        let bar = ProgressBar::with_draw_target(None, target);
        // A template that is wrong would be one of ours: the line then has another look.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            verbose,
            seconds_a_use: 1.0 / (Operation::GetKeyLastUsage.share() * haste),
            region: RefCell::default(),
            calls: Cell::new(0),
            throttled: Cell::new(0),
            keys: Cell::new((0, 0)),
            uses: Cell::new((0, 0)),
        }
    }

    /// So many keys will be looked at, and so many asked for their last use.
    pub(crate) fn expect(&self, keys: usize, uses: usize) {
        self.keys.set((0, keys));
        self.uses.set((0, uses));
        if uses > 0 {
            let left = span(uses as f64 * self.seconds_a_use);
            self.say(format_args!("the last use of {uses} keys takes {left}"));
        }
    }

    /// The keys of a Region come next.
    pub(crate) fn begin<K>(&self, region: &Region, kms: &Paced<K>) {
        region.as_str().clone_into(&mut self.region.borrow_mut());
        self.bar.enable_steady_tick(Duration::from_millis(100));
        self.tick(kms);
    }

    pub(crate) fn looked<K>(&self, kms: &Paced<K>) {
        let (done, all) = self.keys.get();
        self.keys.set((done + 1, all));
        self.tick(kms);
    }

    pub(crate) fn asked_use<K>(&self, kms: &Paced<K>) {
        let (done, all) = self.uses.get();
        self.uses.set((done + 1, all));
        self.tick(kms);
    }

    /// Counts the calls since the last time.
    pub(crate) fn note_use<K>(&self, kms: &Paced<K>) {
        for used in kms.take_use().values() {
            self.calls.update(|calls| calls + used.calls);
            self.throttled.update(|calls| calls + used.throttled);
        }
    }

    fn tick<K>(&self, kms: &Paced<K>) {
        if !self.bar.is_hidden() {
            self.note_use(kms);
            self.bar.set_message(self.to_string());
        }
    }

    /// Says something to those who asked for it.
    pub(crate) fn say(&self, words: fmt::Arguments<'_>) {
        if self.verbose {
            self.bar.suspend(|| note(words));
        }
    }

    /// The last words.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
        self.say(format_args!(
            "{} calls, {} throttled",
            self.calls.get(),
            self.throttled.get()
        ));
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, all) = self.keys.get();
        let region = self.region.borrow();
        write!(
            f,
            "{region}  {done}/{all} keys  {} calls  {} throttled",
            self.calls.get(),
            self.throttled.get()
        )?;
        let (done, all) = self.uses.get();
        if all > 0 {
            let left = span((all - done) as f64 * self.seconds_a_use);
            write!(f, "  last use {done}/{all}, {left} left")?;
        }
        Ok(())
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
