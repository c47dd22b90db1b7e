//! What is asked for. The console hands over whatever a dashboard, a form or a button holds; of that, only what has the right
//! shape gets any further.

use std::fmt;

use serde_json::Value;
use watch_core::arn::{KeyArn, KeyStoreId, TopicArn};
use watch_core::key::State;
use watch_core::text::Untrusted;

/// Names of the views.
pub const VIEWS: &[&str] = &["due", "keys", "key", "thread", "changes", "health"];
/// What stands for "all": so a variable of a dashboard is called until somebody chooses.
pub const ANY: [&str; 4] = ["", "*", "any-key", "any-store"];
/// Keys on a page, unless another number is asked for, and at most.
pub const ROWS: usize = 25;
/// At most.
pub const MOST_ROWS: usize = 100;
/// Days ahead, unless another number is asked for, and at most.
pub const DAYS: u32 = 90;
/// At most.
pub const MOST_DAYS: u32 = 3_650;
/// Longest text that is looked for.
const LONGEST: usize = 256;

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// What goes away next.
    Due,
    /// The keys.
    Keys,
    /// One key, if it was chosen.
    Key(Option<KeyArn>),
    /// The alerts of one story, about a key or else about the account.
    Thread(Option<KeyArn>),
    /// This week against the last.
    Changes,
    /// The watch itself.
    Health,
}

/// By which column the keys are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Key ID.
    Id,
    /// Alias.
    Alias,
    /// Status.
    State,
    /// Creation date.
    Created,
    /// Expiration date: of the material, or the deletion.
    Expires,
    /// Origin.
    Origin,
    /// Custom key store ID.
    Store,
    /// Owner.
    Owner,
}

impl Column {
    /// In the order of the table: column, the parameter's word, title.
    pub const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Alias, "alias", "Alias"),
        (Self::Id, "id", "Key ID"),
        (Self::State, "state", "Status"),
        (Self::Owner, "owner", "Owner"),
        (Self::Created, "created", "Creation date"),
        (Self::Expires, "expires", "Expiration date"),
        (Self::Origin, "origin", "Origin"),
        (Self::Store, "store", "Custom key store ID"),
    ];

    /// The parameter's word.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(column, ..)| *column == self);
        known.map_or("alias", |(_, word, _)| word)
    }

    fn read(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, known, _)| *known == word);
        known.map(|(column, ..)| *column)
    }
}

/// The states to choose from.
pub const STATES: [&str; 8] = [
    "Enabled",
    "Disabled",
    "PendingDeletion",
    "PendingReplicaDeletion",
    "PendingImport",
    "Unavailable",
    "Creating",
    "Updating",
];

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What is shown.
    pub view: View,
    /// Only keys of this owner.
    pub owner: Option<Untrusted>,
    /// Only keys in this state.
    pub state: Option<State>,
    /// Only keys of this custom key store.
    pub store: Option<KeyStoreId>,
    /// Only keys with this in their alias or id.
    pub find: Option<Untrusted>,
    /// Only alerts of this story: what follows the subject in `dedupKey`.
    pub story: Option<Untrusted>,
    /// By which column the keys are sorted.
    pub sort: Column,
    /// The last first.
    pub descending: bool,
    /// Page, from 1.
    pub page: usize,
    /// Keys on a page.
    pub rows: usize,
    /// Days ahead.
    pub days: u32,
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    name: &'static str,
    is: Untrusted,
    wanted: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, is, wanted } = self;
        write!(f, "{name} is \"{}\", which is not {wanted}.", is.as_str())
    }
}

/// Parameters by name: a field of a form, which somebody filled in just now, before the rest.
struct Parameters<'a> {
    own: &'a Value,
    forms: &'a Value,
}

impl Parameters<'_> {
    fn text(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        let given = [&self.forms[name], &self.own[name]];
        let Some(value) = given.into_iter().find(|value| !value.is_null()) else {
            return Ok(None);
        };
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return Err(refusal(name, &value.to_string(), "a text or a number")),
        };
        if text.chars().count() > LONGEST {
            return Err(refusal(name, &text, "so short as 256 characters"));
        }
        Ok(Some(text).filter(|text| !ANY.contains(&text.as_str())))
    }

    /// The parameter as `read` makes it of the text.
    fn read<T>(
        &self,
        name: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        read(&text)
            .map(Some)
            .ok_or_else(|| refusal(name, &text, wanted))
    }
}

fn refusal(name: &'static str, is: &str, wanted: &str) -> Refusal {
    Refusal {
        name,
        is: Untrusted::bounded(is, 60),
        wanted: wanted.to_owned(),
    }
}

impl Ask {
    /// Reads parameters, of which nothing is believed. Keys are those of the account and Region of `home`.
    ///
    /// # Errors
    ///
    /// The first parameter that is wrong.
    pub fn read(payload: &Value, home: &TopicArn) -> Result<Self, Refusal> {
        let parameters = Parameters {
            own: payload,
            forms: &payload["widgetContext"]["forms"]["all"],
        };
        let key = |text: &str| key(text, home);
        let number = |most: usize| {
            move |text: &str| {
                let number = text.parse().ok();
                number.filter(|number| (1..=most).contains(number))
            }
        };
        let any = |text: &str| Untrusted::new(text).non_empty();
        let wanted = "a key ID or key ARN of this account and Region";
        let key = parameters.read("key", wanted, key)?;
        let view = parameters.read("view", "a view", |word| {
            Some(match word {
                "due" => View::Due,
                "keys" => View::Keys,
                "key" => View::Key(key.clone()),
                "thread" => View::Thread(key.clone()),
                "changes" => View::Changes,
                "health" => View::Health,
                _ => return None,
            })
        })?;
        let state = parameters.read("state", "a key state of KMS", |word| {
            let known = STATES.iter().find(|known| known.eq_ignore_ascii_case(word));
            known.map(|known| State::new(known))
        })?;
        let order = parameters.read("order", "asc or desc", |word| match word {
            "asc" => Some(false),
            "desc" => Some(true),
            _ => None,
        })?;
        let columns = Column::ALL.map(|(_, word, _)| word).join(", ");
        let sort = parameters.read("sort", &format!("one of {columns}"), Column::read)?;
        Ok(Self {
            view: view.unwrap_or(View::Due),
            owner: parameters.read("owner", "an owner", any)?,
            state,
            store: parameters.read("store", "the ID of a custom key store", KeyStoreId::new)?,
            find: parameters.read("find", "a text", any)?,
            story: parameters.read("story", "the end of a dedupKey", any)?,
            sort: sort.unwrap_or(Column::Alias),
            descending: order.unwrap_or(false),
            page: parameters
                .read("page", "a page number from 1", number(1_000_000))?
                .unwrap_or(1),
            rows: parameters
                .read("rows", "a number from 1 to 100", number(MOST_ROWS))?
                .unwrap_or(ROWS),
            days: parameters
                .read("days", "a number of days from 1 to 3650", |text| {
                    let days = text.parse().ok();
                    days.filter(|days| (1..=MOST_DAYS).contains(days))
                })?
                .unwrap_or(DAYS),
        })
    }
}

/// A key of this account and Region: the ledger knows no other, and is asked about no other.
fn key(text: &str, home: &TopicArn) -> Option<KeyArn> {
    let (partition, region) = (home.partition().clone(), home.region().clone());
    let own = |id: &str| {
        KeyArn::new(
            partition.clone(),
            region.clone(),
            home.account().clone(),
            id,
        )
        .ok()
    };
    match text.parse::<KeyArn>() {
        Ok(key) => own(key.id()).filter(|own| *own == key),
        Err(_) => own(text),
    }
}
