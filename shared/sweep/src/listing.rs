//! The keys of an account as a list that people look through: a row for each customer key, in as many items of the ledger as
//! the roster has, so that a page of the list needs no profile. A sweep writes a part anew when a row of it changed, and keeps
//! with it which keys are gone.
//!
//! The rows are one text: an item of DynamoDB holds 400 KB, and a reader that has time for a dashboard only must not take apart
//! 100,000 maps.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watch_core::arn::KeyArn;
use watch_core::hash::short_hash;
use watch_core::key::{Origin, State};
use watch_core::ledger::{Item, ItemKey, PARTITION_KEY, Profile, SORT_KEY};
use watch_core::owner::owner;
use watch_core::text::Untrusted;

use crate::due::next_rotation;
use crate::roster::SHARDS;

/// Characters that are kept of an alias, of an owner, and of a word of AWS's that is not known.
const ALIAS: usize = 80;
const OWNER: usize = 40;
const WORD: usize = 24;
/// The same of the ID of a custom key store (AWS KMS API Reference, CreateCustomKeyStore).
const STORE: usize = 64;
/// Text of the rows of a part, in bytes. What is beyond keeps its dates, and loses its names.
const ROOM: usize = 390_000;
/// Keys that are gone of which a part tells, the latest ones, and for how long.
const GONE: usize = 50;
const GONE_FOR: SignedDuration = SignedDuration::from_hours(15 * 24);
/// Between the members of a row. No value has one in it: they are cleaned of control characters.
const BETWEEN: char = '\t';

/// A customer key, as far as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Key id.
    pub id: String,
    /// Its first alias.
    pub alias: Option<Untrusted>,
    /// State, as KMS said last.
    pub state: Option<State>,
    /// Creation.
    pub created_at: Option<Timestamp>,
    /// Earliest deletion.
    pub deletion_at: Option<Timestamp>,
    /// Earliest expiry of imported material.
    pub expires_at: Option<Timestamp>,
    /// Next rotation by itself.
    pub rotates_at: Option<Timestamp>,
    /// Last rotation.
    pub rotated_at: Option<Timestamp>,
    /// When a sweep last told that policy or grants were not as they were known.
    pub drifted_at: Option<Timestamp>,
    /// Where the material comes from.
    pub origin: Option<Origin>,
    /// The custom key store that holds the key.
    pub store: Option<Untrusted>,
    /// Owner, by its tag.
    pub owner: Option<Untrusted>,
    /// The watch may not look at it, in part or in whole.
    pub hidden: bool,
}

impl Row {
    /// What the list shows of a key whose profile is known.
    pub fn of(key: &KeyArn, profile: &Profile, owner_tag_key: &str) -> Self {
        let metadata = profile.metadata.as_ref().map(|known| &known.value);
        let aliases = profile.aliases.iter().flat_map(|known| &known.value);
        let tags = profile.tags.as_ref();
        let rotations = profile.materials.iter().flat_map(|known| &known.value);
        let told = profile.tellings.get("KeyRotated").map(|told| told.at);
        Self {
            id: key.id().to_owned(),
            alias: aliases.min().map(|alias| alias.shortened(ALIAS)),
            state: metadata.and_then(|it| it.state.clone()),
            created_at: metadata.and_then(|it| it.created_at),
            deletion_at: metadata.and_then(|it| it.deletion_at),
            expires_at: metadata.and_then(|it| it.expires_at),
            rotates_at: next_rotation(profile),
            rotated_at: rotations.filter_map(|it| it.rotated_at).chain(told).max(),
            drifted_at: None,
            origin: metadata.and_then(|it| it.origin.clone()),
            store: metadata
                .and_then(|it| it.custom_key_store_id.as_ref())
                .map(|store| store.shortened(STORE)),
            owner: tags
                .and_then(|tags| owner(&tags.value, owner_tag_key))
                .map(|owner| owner.shortened(OWNER)),
            hidden: false,
        }
    }

    /// The name that people know: the alias, or the key id.
    pub fn name(&self) -> &str {
        self.alias.as_ref().map_or(&self.id, Untrusted::as_str)
    }

    fn line(&self, is_named: bool) -> String {
        let text = |value: &Option<Untrusted>| {
            let value = value.as_ref().filter(|_| is_named);
            value.map_or_else(String::new, |value| value.as_str().to_owned())
        };
        let word = |value: Option<&str>| {
            value.map_or_else(String::new, |word| {
                Untrusted::bounded(word, WORD).as_str().to_owned()
            })
        };
        let hidden = if self.hidden { "h" } else { "" };
        [
            self.id.clone(),
            word(self.state.as_ref().map(State::as_str).map(short)),
            word(self.origin.as_ref().map(Origin::as_str).map(short)),
            minutes(self.created_at),
            minutes(self.deletion_at),
            minutes(self.expires_at),
            minutes(self.rotates_at),
            minutes(self.rotated_at),
            minutes(self.drifted_at),
            hidden.to_owned(),
            text(&self.store),
            text(&self.alias),
            text(&self.owner),
        ]
        .join("\t")
    }

    /// Reads a line. Anything may stand in the ledger: what is no key id is no row, and what is no date is none.
    fn read(line: &str) -> Option<Self> {
        let mut members = line.split(BETWEEN);
        let mut next = || members.next();
        let id = next().filter(|id| KeyArn::is_key_id(id))?.to_owned();
        let word = |word: Option<&str>| {
            let word = Untrusted::bounded(long(word?), WORD).non_empty()?;
            Some(word.as_str().to_owned())
        };
        let text = |text: Option<&str>, bound| {
            text.and_then(|text| Untrusted::bounded(text, bound).non_empty())
        };
        Some(Self {
            id,
            state: word(next()).as_deref().map(State::new),
            origin: word(next()).as_deref().map(Origin::new),
            created_at: at(next()),
            deletion_at: at(next()),
            expires_at: at(next()),
            rotates_at: at(next()),
            rotated_at: at(next()),
            drifted_at: at(next()),
            hidden: next() == Some("h"),
            store: text(next(), STORE),
            alias: text(next(), ALIAS),
            owner: text(next(), OWNER),
        })
    }
}

/// The words of KMS that almost every row has, in a letter each.
const SHORT: [(&str, &str); 10] = [
    ("E", "Enabled"),
    ("D", "Disabled"),
    ("P", "PendingDeletion"),
    ("R", "PendingReplicaDeletion"),
    ("I", "PendingImport"),
    ("U", "Unavailable"),
    ("K", "AWS_KMS"),
    ("X", "EXTERNAL"),
    ("H", "AWS_CLOUDHSM"),
    ("S", "EXTERNAL_KEY_STORE"),
];

fn short(word: &str) -> &str {
    let known = SHORT.iter().find(|(_, long)| *long == word);
    known.map_or(word, |(short, _)| short)
}

fn long(word: &str) -> &str {
    let known = SHORT.iter().find(|(short, _)| *short == word);
    known.map_or(word, |(_, long)| long)
}

/// Minutes since 1970: nobody is shown seconds.
fn minutes(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.as_second().div_euclid(60).to_string())
}

fn at(minutes: Option<&str>) -> Option<Timestamp> {
    let minutes: i64 = minutes?.parse().ok()?;
    Timestamp::from_second(minutes.checked_mul(60)?).ok()
}

/// A key that is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Key id.
    pub id: String,
    /// The name that it had.
    pub name: Untrusted,
    /// When a sweep missed it.
    pub at: Timestamp,
    /// Its deletion was scheduled.
    pub scheduled: bool,
}

/// Rows by key id.
pub type Rows = BTreeMap<String, Row>;

/// A part of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its keys.
    pub rows: Rows,
    /// Those that are gone since lately, the latest last.
    pub gone: Vec<Gone>,
}

/// Partition key of the list. It is one of its own: whoever reads the list again and again takes no capacity of DynamoDB away
/// from alerts.
pub fn partition(account_key: &str) -> String {
    account_key.replacen("account#", "list#", 1)
}

impl Part {
    /// Name of the item.
    pub fn key(account_key: &str, number: u8) -> ItemKey {
        ItemKey::new(partition(account_key), format!("part#{number:02}"))
    }

    /// Reads an item. What cannot be read of it is left out.
    pub fn read(item: &Item) -> Self {
        let rows = item.get("rows").and_then(Value::as_str).unwrap_or_default();
        let rows = rows.lines().filter_map(Row::read);
        let gone = item.get("gone").and_then(Value::as_array);
        let gone = gone.into_iter().flatten();
        Self {
            rows: rows.map(|row| (row.id.clone(), row)).collect(),
            gone: gone
                .filter_map(|gone| Gone::deserialize(gone).ok())
                .collect(),
        }
    }

    /// The item.
    pub fn item(&self, account_key: &str, number: u8) -> Item {
        let name = Self::key(account_key, number);
        Item::from_iter([
            (PARTITION_KEY.to_owned(), name.partition.into()),
            (SORT_KEY.to_owned(), name.sort.into()),
            ("rows".to_owned(), self.text().into()),
            ("gone".to_owned(), json!(self.gone)),
        ])
    }

    fn text(&self) -> String {
        let bare: usize = self
            .rows
            .values()
            .map(|row| row.line(false).len() + 1)
            .sum();
        let mut room = ROOM.saturating_sub(bare);
        let mut text = String::new();
        for row in self.rows.values() {
            let (named, bare) = (row.line(true), row.line(false));
            let names = named.len() - bare.len();
            let fits = names <= room;
            room -= if fits { names } else { 0 };
            text.push_str(if fits { &named } else { &bare });
            text.push('\n');
        }
        text
    }

    /// The part once its keys are `rows`. What was there before, and is not any more, is gone.
    #[must_use]
    pub fn followed_by(&self, rows: Rows, now: Timestamp) -> Self {
        let mut gone = self.gone.clone();
        let left = self.rows.values();
        gone.extend(
            left.filter(|row| !rows.contains_key(&row.id))
                .map(|row| Gone {
                    id: row.id.clone(),
                    name: Untrusted::bounded(row.name(), ALIAS),
                    at: now,
                    scheduled: row.state.as_ref().is_some_and(State::is_pending_deletion),
                }),
        );
        // A key that is there again was not gone; and what no sweep can have seen yet was not written by one.
        gone.retain(|gone| {
            !rows.contains_key(&gone.id) && gone.at <= now && now.duration_since(gone.at) < GONE_FOR
        });
        let surplus = gone.len().saturating_sub(GONE);
        gone.drain(..surplus);
        Self { rows, gone }
    }
}

/// What tells a reader which parts it has to read again: a hash of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Hashes by number.
    pub hashes: BTreeMap<u8, String>,
    is_news: bool,
}

impl Parts {
    /// Name of the item.
    pub fn key(account_key: &str) -> ItemKey {
        ItemKey::new(partition(account_key), "parts")
    }

    /// Reads the item. What cannot be read of it is not there.
    pub fn read(item: &Item) -> Self {
        let hashes = item.get("hashes").and_then(Value::as_object);
        let read = |(number, hash): (&String, &Value)| {
            let number = number.parse().ok().filter(|number| *number < SHARDS)?;
            Some((number, hash.as_str()?.to_owned()))
        };
        Self {
            hashes: hashes.into_iter().flatten().filter_map(read).collect(),
            is_news: false,
        }
    }

    /// Notes that a part was written.
    pub fn note(&mut self, number: u8, part: &Part) {
        let hash = short_hash(&format!("{}{}", part.text(), json!(part.gone)));
        self.is_news |= self.hashes.insert(number, hash.clone()) != Some(hash);
    }

    /// The item, if something was noted since it was read or taken last.
    pub fn take_news(&mut self, account_key: &str) -> Option<Item> {
        std::mem::take(&mut self.is_news).then(|| {
            let name = Self::key(account_key);
            let hashes = self.hashes.iter();
            let hashes = hashes.map(|(number, hash)| (number.to_string(), json!(hash)));
            Item::from_iter([
                (PARTITION_KEY.to_owned(), name.partition.into()),
                (SORT_KEY.to_owned(), name.sort.into()),
                ("hashes".to_owned(), Value::Object(hashes.collect())),
            ])
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(id: &str) -> Row {
        Row {
            id: id.to_owned(),
            alias: Some(Untrusted::new("alias/payments")),
            state: Some(State::PendingDeletion),
            created_at: "2026-11-20T10:00:00Z".parse().ok(),
            deletion_at: "2026-12-20T10:00:00Z".parse().ok(),
            origin: Some(Origin::AwsKms),
            store: Some(Untrusted::new("cks-0123456789abcdef0")),
            owner: Some(Untrusted::new("team-pay")),
            hidden: true,
            ..Row::default()
        }
    }

    fn rows(rows: impl IntoIterator<Item = Row>) -> Rows {
        rows.into_iter().map(|row| (row.id.clone(), row)).collect()
    }

    fn now() -> Timestamp {
        "2026-11-30T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_part_survives_the_table() {
        let before = Part {
            rows: rows([
                row("a"),
                row("b"),
                Row {
                    id: "c".to_owned(),
                    ..Row::default()
                },
            ]),
            gone: Vec::new(),
        };
        let part = before.followed_by(rows([row("a")]), now());
        assert_eq!(part.gone.len(), 2);
        assert!(part.gone[0].scheduled && !part.gone[1].scheduled);
        for part in [before, part] {
            assert_eq!(Part::read(&part.item("account#1#r", 3)), part);
        }
    }

    #[test]
    fn what_is_gone_is_told_of_for_two_weeks_unless_it_comes_back() {
        let part = Part {
            rows: rows([row("a"), row("b")]),
            gone: Vec::new(),
        };
        let part = part.followed_by(rows([row("b")]), now());
        let later = now() + SignedDuration::from_hours(14 * 24);
        assert_eq!(part.followed_by(rows([row("b")]), later).gone, part.gone);
        assert!(
            part.followed_by(rows([row("a")]), later)
                .gone
                .iter()
                .all(|gone| gone.id == "b")
        );
        let much_later = later + SignedDuration::from_hours(48);
        assert_eq!(part.followed_by(rows([row("b")]), much_later).gone, []);
        // A note of the future is none of a sweep.
        assert_eq!(
            part.followed_by(rows([row("b")]), now() - GONE_FOR).gone,
            []
        );
    }

    #[test]
    fn the_hash_of_a_part_is_news_only_when_it_changes() {
        let part = Part {
            rows: rows([row("a")]),
            gone: Vec::new(),
        };
        let mut parts = Parts::default();
        parts.note(3, &part);
        let item = parts.take_news("account#1#r").unwrap();
        assert_eq!(Parts::read(&item).hashes, parts.hashes);
        parts.note(3, &part);
        assert_eq!(parts.take_news("account#1#r"), None);
        parts.note(3, &part.followed_by(Rows::new(), now()));
        assert!(parts.take_news("account#1#r").is_some());
    }

    /// DynamoDB refuses an item of more than 400 KB (Amazon DynamoDB Developer Guide, limits).
    #[test]
    fn the_longest_names_do_not_make_a_part_too_large() {
        let long = |text: &str| Some(Untrusted::bounded(&text.repeat(300), 256));
        let rows = rows((0..2_500_u32).map(|number| Row {
            id: format!("{number:08x}-0000-4000-8000-{number:012x}"),
            alias: long("ø"),
            owner: long("🔑").map(|owner| owner.shortened(OWNER)),
            rotates_at: Some(now()),
            rotated_at: Some(now()),
            drifted_at: Some(now()),
            expires_at: Some(now()),
            ..row("a")
        }));
        let part = Part {
            rows,
            gone: Vec::new(),
        };
        let item = part.item("account#111122223333#us-east-1", 0);
        assert!(
            item["rows"].as_str().unwrap().len() < 400_000,
            "{}",
            item["rows"].as_str().unwrap().len()
        );
        assert_eq!(Part::read(&item).rows.len(), 2_500);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_ledger_is_read_without_harm(text in "[a-zA-Z0-9\t\n\\-<>&é]{0,200}") {
            let item = json!({"rows": text, "gone": [text, {"id": text}]});
            let part = Part::read(item.as_object().unwrap());
            prop_assert!(part.rows.keys().all(|id| KeyArn::is_key_id(id)));
            // What was read once is read the same again.
            prop_assert_eq!(&Part::read(&part.item("account#1#r", 0)), &part);
        }
    }
}
