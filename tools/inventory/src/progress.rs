//! What is going on, for whoever waits: one line on a terminal, and what `--verbose` asks for.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{IsTerminal, Write};

use tokio::time::{Duration, Instant};
use watch_core::arn::Region;
use watch_sweep::pace::{Operation, Paced};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(100);

/// Counts, and shows them on standard error.
pub(crate) struct Progress {
    live: bool,
    verbose: bool,
    /// Asked for at once, a call waits its turn for so long.
    seconds_a_use: f64,
    shown_at: Cell<Option<Instant>>,
    region: RefCell<String>,
    calls: Cell<u64>,
    throttled: Cell<u64>,
    keys: Cell<(usize, usize)>,
    uses: Cell<(usize, usize)>,
}

impl Progress {
    pub(crate) fn new(verbose: bool, haste: f64) -> Self {
        Self {
            live: std::io::stderr().is_terminal(),
            verbose,
            seconds_a_use: 1.0 / (Operation::GetKeyLastUsage.share() * haste),
            shown_at: Cell::new(None),
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
        self.note_use(kms);
        self.show();
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
        let is_due = |at: Instant| at.elapsed() >= EVERY;
        if self.live && self.shown_at.get().is_none_or(is_due) {
            self.note_use(kms);
            self.show();
        }
    }

    fn show(&self) {
        if self.live {
            self.shown_at.set(Some(Instant::now()));
            let mut stderr = std::io::stderr().lock();
            // What is too long would go on in a second line, and stay there.
            let width = terminal_size::terminal_size_of(&stderr);
            let width = width.map_or(80, |(width, _)| usize::from(width.0));
            let line: String = self.to_string().chars().take(width.max(1) - 1).collect();
            // Whoever closed it does not want to know.
            let _ = write!(stderr, "\r\x1b[K{line}");
            let _ = stderr.flush();
        }
    }

    /// Says something to those who asked for it.
    pub(crate) fn say(&self, words: fmt::Arguments<'_>) {
        if self.verbose {
            self.clear();
            note(words);
        }
    }

    /// Leaves an empty line.
    pub(crate) fn clear(&self) {
        if self.live && self.shown_at.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    /// The last words.
    pub(crate) fn end(&self) {
        self.clear();
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

/// One line on standard error.
pub(crate) fn note(words: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "inventory: {words}");
}

/// `40 s`, `7 min`.
pub(crate) fn span(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{} s", seconds.ceil())
    } else {
        format!("{} min", (seconds / 60.0).ceil())
    }
}
