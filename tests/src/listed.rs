//! The list of the keys as sweeps leave it in the ledger: of as many keys as are wanted, of all sorts.

use jiff::{SignedDuration, Timestamp};
use watch_aws::DynamoDbAdapter;
use watch_core::key::{Origin, State};
use watch_core::ledger::Item;
use watch_core::ports::Ledger as _;
use watch_core::text::Untrusted;
use watch_local::LocalAws;
use watch_sweep::listing::{Gone, Part, Parts, Row};
use watch_sweep::position::Position;
use watch_sweep::roster::shard_of;

use crate::LEDGER;

/// What the ledger calls the account.
pub const ACCOUNT: &str = "account#111122223333#us-east-1";

/// The id of a key, by its number.
pub fn id(number: u32) -> String {
    format!(
        "{:08x}-0000-4000-8000-{number:012x}",
        number.wrapping_mul(2_654_435_761)
    )
}

const NAMES: [&str; 12] = [
    "payments",
    "orders",
    "hr-archive",
    "mail",
    "backups",
    "ledger",
    "invoices",
    "telemetry",
    "sso",
    "images",
    "search",
    "exports",
];
const OWNERS: [&str; 5] = ["team-pay", "team-ops", "platform", "people", ""];

/// A key of some sort, by its number.
pub fn row(number: u32, now: Timestamp) -> Row {
    let in_hours = |hours: i64| now.checked_add(SignedDuration::from_hours(hours)).ok();
    let n = number as usize;
    let name = match number {
        0..12 => format!("alias/{}", NAMES[n]),
        _ => format!("alias/{}-{}", NAMES[n % 12], number / 12),
    };
    let state = match number % 20 {
        0 | 7 => State::PendingDeletion,
        3 => State::Disabled,
        11 => State::PendingImport,
        _ => State::Enabled,
    };
    let days = |days: i64| in_hours(24 * days + i64::from(number % 23));
    let is = |wanted: State| state == wanted;
    let origin = match number % 9 {
        4 => Origin::External,
        8 => Origin::CloudHsm,
        _ => Origin::AwsKms,
    };
    Row {
        id: id(number),
        alias: (number % 13 != 12).then(|| Untrusted::new(&name)),
        created_at: days(-i64::from(number % 700) * 3 - 1),
        deletion_at: days(i64::from(number % 27) + 2).filter(|_| is(State::PendingDeletion)),
        expires_at: days(i64::from(number % 60) + 4).filter(|_| origin == Origin::External),
        rotates_at: days(i64::from(number % 90) + 1)
            .filter(|_| is(State::Enabled) && origin == Origin::AwsKms),
        rotated_at: days(-i64::from(number % 40)).filter(|_| number % 5 == 1),
        drifted_at: days(-i64::from(number % 14)).filter(|_| number % 17 == 5),
        store: (origin == Origin::CloudHsm).then(|| Untrusted::new("cks-0123456789abcdef0")),
        owner: Untrusted::new(OWNERS[n % 5]).non_empty(),
        hidden: number % 31 == 30,
        origin: Some(origin),
        state: Some(state),
    }
}

/// The items of a list that sweeps wrote lately.
pub fn items(rows: Vec<Row>, gone: Vec<Gone>, now: Timestamp) -> Vec<Item> {
    let mut parts: Vec<Part> = vec![Part::default(); 64];
    for row in rows {
        parts[usize::from(shard_of(&row.id))]
            .rows
            .insert(row.id.clone(), row);
    }
    parts[0].gone = gone;
    let mut head = Parts::default();
    let mut items = Vec::new();
    for (number, part) in (0..).zip(&parts) {
        head.note(number, part);
        items.push(part.item(ACCOUNT, number));
    }
    items.extend(head.take_news(ACCOUNT));
    let position = Position {
        run_at: now.checked_sub(SignedDuration::from_mins(20)).ok(),
        full_at: now.checked_sub(SignedDuration::from_hours(7)).ok(),
        ..Position::default()
    };
    items.push(position.item(ACCOUNT));
    items
}

/// Writes them into the table of the tests.
///
/// # Panics
///
/// If the table is not there.
pub fn write(items: &[Item], aws: &LocalAws) {
    let sdk = watch_aws::sdk::local(&aws.endpoint_url(), aws.region());
    let ledger = DynamoDbAdapter::patient(&sdk, LEDGER);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for items in items.chunks(4) {
        runtime.block_on(ledger.put(items)).expect("the table");
    }
}
