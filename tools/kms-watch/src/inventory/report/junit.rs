//! JUnit's XML, for pipelines: a suite for each thing that may be the matter, a case for each key.

use crate::inventory::condition::Condition;
use crate::inventory::row::Row;
use crate::output::html::escape;

pub(crate) fn render(rows: &[Row], wanted: &[Condition]) -> Vec<u8> {
    let failures = |condition: Condition| rows.iter().filter(|row| row.is(condition)).count();
    let all: usize = wanted.iter().map(|condition| failures(*condition)).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kms-watch\" tests=\"{}\" failures=\"{all}\">\n",
        rows.len() * wanted.len(),
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
    text.push_str("</testsuites>\n");
    text.into_bytes()
}
