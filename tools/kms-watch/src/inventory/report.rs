//! The report in its formats.

mod csv;
mod json;
mod summary;
mod table;

use crate::inventory::args::{Args, Format};
use crate::inventory::error::InventoryError;
use crate::inventory::survey::Survey;

pub(crate) use summary::summary;

/// The report. A table has colours, which are taken away where nobody sees them.
pub(crate) fn render(
    survey: &Survey,
    args: &Args,
    width: Option<usize>,
) -> Result<Vec<u8>, InventoryError> {
    match args.format() {
        Format::Json => json::render(&survey.rows),
        Format::Csv => csv::render(&survey.rows),
        Format::Table => {
            let mut text = table::render(&survey.rows, survey.regions.len() > 1, width);
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&summary(survey, args));
            Ok(text.into_bytes())
        }
    }
}
