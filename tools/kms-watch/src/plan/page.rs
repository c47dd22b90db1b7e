//! The plan: an answer to each question, what is missing, and what to set. Pure.
//!
//! | file | what it holds |
//! |---|---|
//! | this | what a plan consists of |
//! | `answers` | the six questions |
//! | `measured` | KMS's metrics, and two weeks of them |
//! | `gaps` | what is missing, and what could not be read |
//! | `parameters` | what to set |

mod answers;
mod gaps;
mod measured;
mod parameters;

use jiff::Timestamp;

use crate::inventory::row::Row;
use crate::plan::args::Wishes;
use crate::plan::ask::Facts;

pub(crate) use self::gaps::Gap;
pub(crate) use self::measured::MetricsOf;
pub(crate) use self::parameters::Parameter;

/// The plan.
pub(crate) struct Page {
    pub(crate) at: Timestamp,
    /// The account, if a key told it.
    pub(crate) account: Option<String>,
    pub(crate) sections: Vec<Section>,
    /// Of each Region.
    pub(crate) metrics: Vec<MetricsOf>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) parameters: Vec<Parameter>,
}

/// An answer: a table under its question.
pub(crate) struct Section {
    pub(crate) heading: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Vec<Cell>>,
    /// What has no room in it.
    pub(crate) note: Option<String>,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Our own words, and what has an alphabet of its own: Regions, numbers, ids.
    Own(String),
    /// What somebody else wrote: an alias, a tag, an error of AWS.
    Other(String),
    /// How a metric ran.
    Curve(Curve),
}

/// How a metric ran.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    /// Where there are no pictures.
    pub(crate) bars: String,
    /// For those who do not see the picture.
    pub(crate) label: String,
    pub(crate) values: Vec<Option<f64>>,
}

impl Cell {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Own(text) | Self::Other(text) => text,
            Self::Curve(curve) => &curve.bars,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Own(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Own(text)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Own(number.to_string())
    }
}

impl Page {
    /// The plan for what was found, and for what the user wants.
    pub(crate) fn new(facts: &Facts, wishes: &Wishes, owner_tag_key: &str) -> Self {
        let mut accounts = facts.survey.rows.iter().map(|row| row.account.as_str());
        Self {
            at: facts.survey.at,
            account: accounts.next().map(str::to_owned),
            sections: answers::sections(facts),
            metrics: measured::all(facts),
            gaps: gaps::gaps(facts, owner_tag_key),
            parameters: parameters::parameters(facts, wishes, owner_tag_key),
        }
    }
}

/// The keys that are the account's own.
fn keys(facts: &Facts) -> impl Iterator<Item = &Row> {
    facts.survey.rows.iter().filter(|row| !row.is_managed())
}
