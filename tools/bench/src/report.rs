//! What was measured, as tables, and beside what was aimed at.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::measure::{Amount, Measure, Results};
use crate::stats::Summary;
use crate::subjects::{DEPENDED, FLOOR, MAIN, SERIAL, Size, Subject, THREADS};

/// Everything of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    date: String,
    machine: Machine,
    /// Profile of cargo with which the functions were built.
    profile: String,
    amount: Amount,
    /// What was not measured, and why.
    skipped: Vec<String>,
    peers: Option<String>,
    pub(crate) rows: Vec<Row>,
    targets: Vec<Target>,
}

/// Where it was measured.
#[derive(Debug, Serialize)]
struct Machine {
    processor: String,
    processors: usize,
    kernel: String,
    compiler: String,
}

/// A subject at a share of a processor.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Size of the function whose share it has; `null` for a whole processor.
    pub(crate) megabytes: Option<u32>,
    size: Option<Size>,
    measures: BTreeMap<Measure, Summary>,
    calls: BTreeMap<String, usize>,
    twice: Vec<String>,
    #[serde(skip)]
    is_sweep: bool,
}

/// Something that was aimed at.
#[derive(Debug, Serialize)]
struct Target {
    what: String,
    value: f64,
    limit: f64,
    unit: &'static str,
    met: bool,
}

/// Price of a function on arm64 in us-east-1 (Lambda pricing page, 2026): a GB-second, and a million requests.
const GB_SECOND: f64 = 0.000_013_333_4;
const MILLION_REQUESTS: f64 = 0.20;

/// What the functions may have, in MiB.
const PEAK_LIMIT: f64 = 14.0;

/// What is uploaded of a function may have so many MB.
const ZIP_LIMIT: f64 = 4.0;

/// Round trips to AWS that an event needs, one after the other.
const ROUND_TRIPS: f64 = 3.0;

impl Row {
    pub(crate) fn new(subject: &Subject, megabytes: Option<u32>, results: &Results) -> Self {
        Self {
            name: subject.name.clone(),
            megabytes,
            size: subject.size,
            measures: results.summaries(),
            calls: results.calls.clone(),
            twice: results.twice.iter().cloned().collect(),
            is_sweep: subject.is_sweep,
        }
    }

    fn get(&self, measure: Measure) -> Option<Summary> {
        self.measures.get(&measure).copied()
    }

    fn median(&self, measure: Measure) -> Option<f64> {
        Some(self.get(measure)?.median)
    }

    /// Calls of AWS for one event.
    pub(crate) fn calls(&self) -> usize {
        self.calls.values().sum()
    }

    /// It is one of ours.
    fn is_function(&self) -> bool {
        ![FLOOR, SERIAL, THREADS].contains(&self.name.as_str())
    }
}

impl Report {
    pub(crate) fn new(
        profile: &str,
        amount: Amount,
        rows: Vec<Row>,
        skipped: Vec<String>,
        peers: Option<String>,
    ) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a report has a date")]
        let date = jiff::Timestamp::now().to_string();
        let mut report = Self {
            date: date.get(..10).unwrap_or(&date).to_owned(),
            machine: Machine::this(),
            profile: profile.to_owned(),
            amount,
            skipped,
            peers,
            rows,
            targets: Vec::new(),
        };
        report.targets = report.judge();
        report
    }

    /// The median of a measure.
    pub(crate) fn median(
        &self,
        name: &str,
        megabytes: Option<u32>,
        measure: Measure,
    ) -> Option<f64> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.name == name && row.megabytes == megabytes)?
            .median(measure)
    }

    fn functions(&self) -> impl Iterator<Item = &Row> {
        let rows = self.rows.iter();
        rows.filter(|row| row.is_function() && row.megabytes.is_none())
    }

    /// Sizes whose shares were tried.
    fn shares(&self) -> Vec<u32> {
        let mut shares: Vec<_> = self.rows.iter().filter_map(|row| row.megabytes).collect();
        shares.sort_unstable();
        shares.dedup();
        shares
    }

    fn judge(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        let mut aim = |what: String, value: Option<f64>, limit: f64, unit| {
            if let Some(value) = value {
                let met = value <= limit;
                targets.push(Target {
                    what,
                    value,
                    limit,
                    unit,
                    met,
                });
            }
        };
        for row in self.functions() {
            let floor = self.median(FLOOR, None, Measure::StartCpu);
            let start = row.median(Measure::StartCpu);
            let ratio = start.zip(floor).map(|(start, floor)| start / floor);
            aim(
                format!("{}: start, CPU", row.name),
                ratio,
                2.5,
                "× the floor",
            );
        }
        for peer in [SERIAL, THREADS] {
            let [first, warm] = self.beside(peer);
            aim(first.0, first.1, 1.0, first.2);
            aim(warm.0, warm.1, 1.0, warm.2);
        }
        for row in self.functions().filter(|row| !row.is_sweep) {
            let over = row
                .median(Measure::WarmWall)
                .zip(row.median(Measure::Delay))
                .map(|(wall, delay)| wall - ROUND_TRIPS * delay);
            let what = format!("{}: warm event beyond three answers", row.name);
            aim(what, over, 2.0, "ms");
        }
        for row in self.functions() {
            let peak = row.median(Measure::Peak);
            aim(format!("{}: resident", row.name), peak, PEAK_LIMIT, "MiB");
        }
        for row in self.functions() {
            let zipped = row.size.map(|size| megabytes(size.zipped));
            aim(format!("{}: zip", row.name), zipped, ZIP_LIMIT, "MB");
        }
        // Two alerts ask twice.
        let is_one = |row: &&Row| !row.is_sweep && row.name != DEPENDED;
        for row in self.functions().filter(is_one) {
            #[expect(clippy::cast_precision_loss, reason = "there are some operations")]
            let twice = row.twice.len() as f64;
            let what = format!("{}: calls made twice for one event", row.name);
            aim(what, Some(twice), 0.0, "operations");
        }
        targets
    }

    /// The main function beside a peer in Python: first event and warm event, as shares of what is aimed at.
    fn beside(&self, peer: &str) -> [(String, Option<f64>, &'static str); 2] {
        let ratio = |share, measure| {
            let ours = self.median(MAIN, share, measure)?;
            Some(ours / self.median(peer, share, measure)?)
        };
        let (sixtieth, eighth) = match peer {
            SERIAL => ("× 1/60 of boto3", "× 1/8 of boto3"),
            _ => (
                "× 1/60 of boto3 with threads",
                "× 1/8 of boto3 with threads",
            ),
        };
        let first = ratio(Some(128), Measure::FirstWall).map(|ratio| ratio * 60.0);
        let warm = ratio(None, Measure::WarmCpu).map(|ratio| ratio * 8.0);
        [
            (format!("{MAIN}: first event at 128 MB"), first, sixtieth),
            (format!("{MAIN}: warm event, CPU"), warm, eighth),
        ]
    }

    /// For the terminal, and for a README.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let Machine {
            processor,
            processors,
            kernel,
            compiler,
        } = &self.machine;
        let Amount {
            rounds,
            events,
            delay_ms,
        } = self.amount;
        let peers = self.peers.as_deref().unwrap_or("no Python");
        _ = writeln!(
            text,
            "{}: {processor}, {processors} processors, Linux {kernel}, {compiler}, profile {}, {peers}.\n\
             {rounds} processes of each kind, {events} events each, answers of AWS after {delay_ms} ms. Medians, and in \
             brackets the tenth and the ninetieth percentile.",
            self.date, self.profile
        );
        for skipped in &self.skipped {
            _ = writeln!(text, "Skipped: {skipped}");
        }
        _ = writeln!(text, "\nWith a whole processor:\n\n{}", self.whole());
        let shares = self.shares();
        if !shares.is_empty() {
            _ = writeln!(
                text,
                "With the share of a small function:\n\n{}",
                self.shared(&shares)
            );
            _ = writeln!(
                text,
                "A million warm events on arm64 in us-east-1, in dollars:\n\n{}",
                self.costs(&shares)
            );
        }
        if !self.targets.is_empty() {
            _ = writeln!(text, "Targets:\n\n{}", self.aims());
        }
        text
    }

    fn whole(&self) -> String {
        let mut table = Table::new([
            "",
            "start, CPU ms",
            "start, ms",
            "first event, CPU ms",
            "first event, ms",
            "warm, CPU ms",
            "warm, ms",
            "warm p99, ms",
            "events/s",
            "resident, MiB",
            "TLS connections",
            "calls",
            "binary, MB",
            "zip, MB",
        ]);
        for row in self.rows.iter().filter(|row| row.megabytes.is_none()) {
            let spread = |measure| spread(row.get(measure));
            let plain = |measure| number(row.median(measure));
            let connections = match (
                row.median(Measure::ConnectionsAtStart),
                row.median(Measure::Connections),
            ) {
                (Some(start), Some(end)) if end > start => format!("{start} + {}", end - start),
                (_, end) => end.map_or_else(String::new, |end| end.to_string()),
            };
            let size = |bytes: fn(Size) -> u64| {
                row.size
                    .map_or_else(String::new, |size| format!("{:.1}", megabytes(bytes(size))))
            };
            table.row([
                row.name.clone(),
                spread(Measure::StartCpu),
                spread(Measure::StartWall),
                spread(Measure::FirstCpu),
                spread(Measure::FirstWall),
                spread(Measure::WarmCpu),
                spread(Measure::WarmWall),
                number(row.get(Measure::WarmWall).map(|warm| warm.p99)),
                plain(Measure::WarmRate),
                plain(Measure::Peak),
                connections,
                plain(Measure::Calls),
                size(|size| size.binary),
                size(|size| size.zipped),
            ]);
        }
        table.to_string()
    }

    fn shared(&self, shares: &[u32]) -> String {
        let mut header = vec![String::new()];
        let columns = [
            ("start all in the share, ms", Measure::StartLimitedWall),
            ("first event, ms", Measure::FirstWall),
            ("warm, ms", Measure::WarmWall),
        ];
        for (column, _) in columns {
            header.extend(shares.iter().map(|share| format!("{column}, {share} MB")));
        }
        let mut table = Table::new(header);
        for row in self.rows.iter().filter(|row| row.megabytes.is_none()) {
            let mut cells = vec![row.name.clone()];
            for (_, measure) in columns {
                cells.extend(shares.iter().map(|share| {
                    let mut rows = self.rows.iter();
                    let at = rows.find(|at| at.name == row.name && at.megabytes == Some(*share));
                    spread(at.and_then(|at| at.get(measure)))
                }));
            }
            table.row(cells);
        }
        table.to_string()
    }

    /// What is billed: requests, and milliseconds of the size.
    fn costs(&self, shares: &[u32]) -> String {
        let header = shares.iter().map(|share| format!("{share} MB"));
        let mut table = Table::new(std::iter::once(String::new()).chain(header));
        for row in self.rows.iter().filter(|row| row.megabytes.is_none()) {
            let cost = |share: &u32| {
                let wall = self.median(&row.name, Some(*share), Measure::WarmWall)?;
                let gigabyte_seconds = wall.ceil() * 1_000.0 * f64::from(*share) / 1_024.0;
                Some(MILLION_REQUESTS + gigabyte_seconds * GB_SECOND)
            };
            let costs = shares.iter().map(|share| number(cost(share)));
            table.row(std::iter::once(row.name.clone()).chain(costs));
        }
        table.to_string()
    }

    fn aims(&self) -> String {
        let mut table = Table::new(["target", "limit", "measured", ""]);
        for target in &self.targets {
            table.row([
                target.what.clone(),
                format!("{} {}", target.limit, target.unit),
                number(Some(target.value)),
                if target.met { "met" } else { "NOT MET" }.to_owned(),
            ]);
        }
        table.to_string()
    }
}

impl Machine {
    fn this() -> Self {
        let line = |text: String| text.trim().to_owned();
        let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let mut lines = text.lines();
            let model = lines.find_map(|line| line.strip_prefix("model name"))?;
            Some(model.trim_start_matches([' ', '\t', ':']).to_owned())
        });
        let compiler = Command::new("rustc").arg("--version").output().ok();
        let compiler = compiler.and_then(|output| String::from_utf8(output.stdout).ok());
        Self {
            processor: processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| String::new(), line),
            compiler: compiler.map_or_else(String::new, line),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is shown in tenths")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// With three digits, or more before the point.
fn number(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value.fract() == 0.0 || value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

fn spread(summary: Option<Summary>) -> String {
    summary.map_or_else(String::new, |summary| {
        let [median, low, high] =
            [summary.median, summary.p10, summary.p90].map(|value| number(Some(value)));
        format!("{median} [{low}, {high}]")
    })
}

/// A table of Markdown, with its columns in line.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            rows: vec![header.into_iter().map(Into::into).collect()],
        }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "| {cell:width$} ")?;
                } else {
                    write!(f, "| {cell:>width$} ")?;
                }
            }
            writeln!(f, "|")?;
            if number == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let (dashes, end) =
                        ("-".repeat(width + 1), if column == 0 { "-" } else { ":" });
                    write!(f, "|{dashes}{end}")?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown_with_its_columns_in_line() {
        let mut table = Table::new(["", "ms"]);
        table.row(["é".to_owned(), "12.50".to_owned()]);
        assert_eq!(
            table.to_string(),
            "|   |    ms |\n|---|------:|\n| é | 12.50 |\n"
        );
    }

    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.123, 1.234, 12.34, 123.4, 3.0].map(|value| number(Some(value)));
        assert_eq!(numbers, ["0.12", "1.23", "12.3", "123", "3"]);
    }
}
