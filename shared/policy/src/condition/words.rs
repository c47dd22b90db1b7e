//! A test for a reader.

use super::test::{Set, Test};
use crate::{bounded, joined};

/// The test for a reader.
pub(super) fn of(test: &Test) -> String {
    let operator = match test.operator.as_str() {
        "stringequals"
        | "stringequalsignorecase"
        | "bool"
        | "numericequals"
        | "dateequals"
        | "binaryequals" => "is",
        "stringnotequals" | "stringnotequalsignorecase" | "numericnotequals" | "datenotequals" => {
            "is not"
        }
        "stringlike" | "arnlike" | "arnequals" => "is like",
        "stringnotlike" | "arnnotlike" | "arnnotequals" => "is not like",
        "ipaddress" => "is in",
        "notipaddress" => "is not in",
        "numericlessthan" => "is less than",
        "numericlessthanequals" => "is at most",
        "numericgreaterthan" => "is more than",
        "numericgreaterthanequals" => "is at least",
        "datelessthan" => "is before",
        "datelessthanequals" => "is not after",
        "dategreaterthan" => "is after",
        "dategreaterthanequals" => "is not before",
        "null" => match test.values.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["true"] => return format!("{} is absent", bounded(&test.written_key)),
            ["false"] => return format!("{} is present", bounded(&test.written_key)),
            _ => "is null",
        },
        other => other,
    };
    let set = match test.set {
        Set::One => "",
        Set::All => "every ",
        Set::Any => "any ",
    };
    let values = match test.values.is_empty() {
        true => "nothing".to_owned(),
        false => joined(test.values.iter().map(String::as_str), " or "),
    };
    let absent = match test.if_exists {
        true => " (or absent)",
        false => "",
    };
    format!(
        "{set}{}{absent} {} {values}",
        bounded(&test.written_key),
        bounded(operator)
    )
}
