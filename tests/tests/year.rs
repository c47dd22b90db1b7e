//! A small run of the simulated year (`cargo year` is the large one): none lost, none twice without a cause.

use watch_tests::year::{Options, Report, simulate};

fn years(occurrences: usize, seeds: std::ops::Range<u64>, ledger: bool, calm: bool) -> Report {
    let mut report = Report::default();
    for seed in seeds {
        let options = Options {
            seed,
            occurrences,
            keys: 40,
            ledger,
            calm,
            attack_every: 12,
            every_sweep: false,
        };
        report.merge(simulate(options, |_| {}));
    }
    report
}

#[test]
fn a_bad_year_loses_nothing_and_repeats_nothing_without_a_cause() {
    let report = years(250, 2..4, true, false);
    assert_eq!(report.failures(), [""; 0], "{report}");
    assert!(report.folded > 0 && report.bursts > 0, "nothing was folded");
    assert!(report.redriven > 0, "nothing was redriven");
    assert!(report.attacks > 0 && report.forged > 0, "nobody attacked");
    assert!(report.by_sweep > 0, "no sweep found anything");
}

#[test]
fn a_calm_year_repeats_nothing() {
    let report = years(150, 11..12, true, true);
    assert_eq!(report.failures(), [""; 0], "{report}");
}

#[test]
fn without_a_ledger_nothing_is_lost() {
    let report = years(150, 21..22, false, false);
    assert_eq!(report.failures(), [""; 0], "{report}");
}
