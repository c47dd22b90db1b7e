//! The report in its formats.

mod csv;
mod findings;
mod html;
mod json;
mod junit;
mod markdown;
mod pictures;
mod sarif;
mod summary;
mod table;

use crate::inventory::args::{Args, Format};
use crate::inventory::condition::Condition;
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
        Format::Json => json::render(survey),
        Format::Csv => csv::render(survey),
        Format::Md => Ok(markdown::render(&survey.rows, &summary(survey, args))),
        Format::Html => Ok(html::render(
            survey,
            args.within_days,
            &summary(survey, args),
        )),
        Format::Sarif => sarif::render(survey, &wanted(args)),
        Format::Asff => findings::render_asff(survey, &wanted(args), args.within_days),
        Format::Ocsf => Ok(findings::render_ocsf(
            survey,
            &wanted(args),
            args.within_days,
        )),
        Format::Junit => Ok(junit::render(survey, &wanted(args))),
        Format::Table => {
            let mut text = table::render(&survey.rows, width);
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&summary(survey, args));
            Ok(text.into_bytes())
        }
    }
}

/// What counts as a finding: what `--fail-on` names, and otherwise everything.
fn wanted(args: &Args) -> Vec<Condition> {
    if args.fail_on.is_empty() {
        return Condition::ALL.to_vec();
    }
    args.fail_on.clone()
}
