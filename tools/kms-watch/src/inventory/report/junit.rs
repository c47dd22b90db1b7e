//! JUnit's XML, for pipelines: a suite for each thing that may be the matter, a case for each key.

use watch_core::page::escape;

use crate::inventory::condition::Condition;
use crate::inventory::not_read::NotRead;
use crate::inventory::survey::Survey;

pub(crate) fn render(survey: &Survey, wanted: &[Condition]) -> Vec<u8> {
    let (rows, unread) = (&survey.rows, &survey.not_read);
    let failures = |condition: Condition| rows.iter().filter(|row| row.is(condition)).count();
    let all: usize = wanted.iter().map(|condition| failures(*condition)).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kms-watch\" tests=\"{}\" failures=\"{all}\" errors=\"{}\">\n",
        rows.len() * wanted.len() + unread.len(),
        unread.len(),
    );
    for condition in wanted {
        text.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
            condition.name(),
            rows.len(),
            failures(*condition)
        ));
        for row in rows {
            let (arn, name) = (row.arn.to_string(), escape(row.name()));
            text.push_str(&format!(
                "    <testcase classname=\"{arn}\" name=\"{name}\""
            ));
            if row.is(*condition) {
                let words = escape(condition.help());
                text.push_str(&format!(
                    "><failure message=\"{words}\">{arn}</failure></testcase>\n"
                ));
            } else {
                text.push_str("/>\n");
            }
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str(&not_read(unread));
    text.push_str("</testsuites>\n");
    text.into_bytes()
}

/// A test that could not be made is an error, and no failure.
fn not_read(places: &[NotRead]) -> String {
    if places.is_empty() {
        return String::new();
    }
    let count = places.len();
    let mut text = format!(
        "  <testsuite name=\"not-read\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">\n"
    );
    for place in places {
        let reason = format!("{}: {}", place.operation, place.reason.as_str());
        text.push_str(&format!(
            "    <testcase classname=\"not-read\" name=\"{}\"><error message=\"{}\"/></testcase>\n",
            escape(&place.place()),
            escape(&reason)
        ));
    }
    text.push_str("  </testsuite>\n");
    text
}
