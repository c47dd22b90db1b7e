//! What an alert costs: round trips in series, requests to the ledger, calls of KMS.

use super::ledger::{at_time, deletion_of, ledger, rotated, with_ledger};
use super::repeats::decrypt;
use super::*;

/// How long every call takes here, so that time counts the round trips.
const TRIP: Duration = Duration::from_millis(100);

/// Round trips in series, requests to the ledger by call, calls of KMS.
type Costs = (u128, Vec<(&'static str, usize)>, u32);

/// The requests of an alert that goes out by itself.
const ALERT: [(&str, usize); 5] = [
    ("claim", 1),
    ("count", 1),
    ("put", 1),
    ("read", 1),
    ("set", 1),
];
/// The requests that it takes to find out that it was told.
const TOLD: [(&str, usize); 3] = [("claim", 1), ("count", 1), ("read", 1)];

fn costs(watch: &FakeWatch, occurrence: Occurrence, verdict: Verdict) -> Costs {
    let before = watch.kms.calls.borrow().total();
    ledger(watch).calls.borrow_mut().clear();
    let took = run(async {
        let began = tokio::time::Instant::now();
        let told = watch.tell(occurrence, "request").await.unwrap();
        assert_eq!(told.verdict, verdict);
        began.elapsed()
    });
    let requests = ledger(watch).calls.borrow().clone().into_iter().collect();
    let asked = watch.kms.calls.borrow().total() - before;
    (took.as_millis() / TRIP.as_millis(), requests, asked)
}

fn slow() -> FakeWatch {
    let watch = with_ledger(FakeKms::default(), &[]);
    ledger(&watch).delay.set(TRIP);
    watch.topics.delay.set(TRIP);
    FakeWatch {
        kms: FakeKms {
            delay: TRIP,
            ..FakeKms::default()
        },
        ..watch
    }
}

#[test]
fn what_has_a_name_costs_three_round_trips() {
    let watch = slow();
    let first = costs(&watch, deletion_of(1, 0), Verdict::Delivered);
    assert_eq!(first, (3, ALERT.to_vec(), 6));
    let again = costs(&watch, deletion_of(1, 0), Verdict::Duplicate);
    assert_eq!(again, (1, TOLD.to_vec(), 6));
}

#[test]
fn what_needs_facts_first_costs_one_more() {
    let watch = slow();
    let rotated = || at_time(rotated(None), None, "2026-11-20T10:00:00Z");
    let first = costs(&watch, rotated(), Verdict::Delivered);
    assert_eq!(first, (4, ALERT.to_vec(), 5));
    // One more read looks for the alert that proves it: its name was not known when the others were read.
    let again = costs(&watch, rotated(), Verdict::Duplicate);
    let proven = vec![("claim", 1), ("count", 1), ("read", 2)];
    assert_eq!(again, (3, proven, 5));
}

#[test]
fn a_repeat_costs_two_reads_and_one_write_and_asks_kms_nothing() {
    let watch = slow();
    let first = decrypt("1", "2026-11-20T10:00:00Z");
    let first = costs(&watch, first, Verdict::Delivered);
    // The second one lists the series for the sweep that tells the rest of it.
    let mut requests = ALERT;
    requests[4] = ("set", 2);
    assert_eq!(first, (4, requests.to_vec(), 4));
    let again = decrypt("2", "2026-11-20T10:00:01Z");
    let again = costs(&watch, again, Verdict::Duplicate);
    // The second read looks for the alert that proves it.
    assert_eq!(again, (3, vec![("add", 1), ("read", 2)], 0));
}

#[test]
fn an_end_costs_one_more_read_where_something_is_open() {
    use crate::kinds::KeyDeletionCancelled;
    let watch = slow();
    let end = |call: &str, seconds| Occurrence {
        kind: KeyDeletionCancelled::default().into(),
        call_id: Some(call.to_owned()),
        ..deletion_of(1, seconds)
    };
    let nothing = costs(&watch, end("early", -60), Verdict::Delivered);
    assert_eq!(nothing, (3, ALERT.to_vec(), 6));
    costs(&watch, deletion_of(1, 0), Verdict::Delivered);
    let mut requests = ALERT;
    requests[3] = ("read", 2);
    let ended = costs(&watch, end("end", 60), Verdict::Delivered);
    assert_eq!(ended, (4, requests.to_vec(), 6));
}
