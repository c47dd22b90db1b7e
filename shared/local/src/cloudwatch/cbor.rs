//! The part of CBOR (RFC 8949) that the Smithy RPC v2 protocol needs, to and from JSON values. A time is an object with
//! one member, [`TIME`].

use serde_json::{Map, Number, Value, json};

/// Seconds since 1970 under this name are written as a time.
pub(super) const TIME: &str = "$time";

/// Nested deeper than any request.
const MAX_DEPTH: usize = 64;

/// Reads one item; `None` if it is not well-formed.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    let value = item(&mut rest, MAX_DEPTH)?;
    rest.is_empty().then_some(value)
}

pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(value, &mut bytes);
    bytes
}

fn item(rest: &mut &[u8], depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let (&first, tail) = rest.split_first()?;
    *rest = tail;
    let (major, info) = (first >> 5, first & 0x1f);
    if major == 7 {
        return simple(info, rest);
    }
    let length = argument(info, rest)?;
    match (major, length) {
        (0, Some(number)) => Some(number.into()),
        (1, Some(number)) => Some((-1 - i64::try_from(number).ok()?).into()),
        (2 | 3, Some(length)) => text(major, length, rest).map(Value::String),
        // A text in chunks.
        (2 | 3, None) => {
            let mut whole = String::new();
            while !at_break(rest)? {
                whole.push_str(item(rest, depth)?.as_str()?);
            }
            Some(whole.into())
        }
        (4, length) => {
            let mut items = Vec::new();
            while !ends(length, items.len(), rest)? {
                items.push(item(rest, depth)?);
            }
            Some(items.into())
        }
        (5, length) => {
            let (mut members, mut count) = (Map::new(), 0);
            while !ends(length, count, rest)? {
                let name = item(rest, depth)?;
                members.insert(name.as_str()?.to_owned(), item(rest, depth)?);
                count += 1;
            }
            Some(members.into())
        }
        // Tag 1 is a time.
        (6, Some(tag)) => {
            let value = item(rest, depth)?;
            Some(if tag == 1 {
                json!({TIME: value})
            } else {
                value
            })
        }
        _ => None,
    }
}

fn simple(info: u8, rest: &mut &[u8]) -> Option<Value> {
    let float = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    Some(match info {
        20 => false.into(),
        21 => true.into(),
        22 | 23 => Value::Null,
        25 => float(half(u16::try_from(take(rest, 2)?).ok()?)),
        26 => float(f32::from_bits(u32::try_from(take(rest, 4)?).ok()?).into()),
        27 => float(f64::from_bits(take(rest, 8)?)),
        _ => return None,
    })
}

/// The number in the head of an item; `Some(None)`: of indefinite length.
fn argument(info: u8, rest: &mut &[u8]) -> Option<Option<u64>> {
    match info {
        0..=23 => Some(Some(info.into())),
        24..=27 => take(rest, 1 << (info - 24)).map(Some),
        31 => Some(None),
        _ => None,
    }
}

fn take(rest: &mut &[u8], count: usize) -> Option<u64> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

/// Bytes become Base64: no operation here has any.
fn text(major: u8, length: u64, rest: &mut &[u8]) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (head, tail) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = tail;
    if major == 2 {
        return Some(STANDARD.encode(head));
    }
    std::str::from_utf8(head).ok().map(str::to_owned)
}

fn at_break(rest: &mut &[u8]) -> Option<bool> {
    let ends = *rest.first()? == 0xff;
    if ends {
        *rest = &rest[1..];
    }
    Some(ends)
}

fn ends(length: Option<u64>, count: usize, rest: &mut &[u8]) -> Option<bool> {
    match length {
        Some(length) => Some(u64::try_from(count).ok()? >= length),
        None => at_break(rest),
    }
}

/// IEEE 754 half precision, which writers choose for small numbers.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn put(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(0xf6),
        Value::Bool(false) => bytes.push(0xf4),
        Value::Bool(true) => bytes.push(0xf5),
        Value::Number(number) => put_number(number, bytes),
        Value::String(text) => {
            head(3, text.len(), bytes);
            bytes.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len(), bytes);
            items.iter().for_each(|item| put(item, bytes));
        }
        Value::Object(members) => {
            if let (1, Some(seconds)) = (members.len(), members.get(TIME)) {
                bytes.push(0xc1);
                return put(seconds, bytes);
            }
            head(5, members.len(), bytes);
            for (name, value) in members {
                put(&name.as_str().into(), bytes);
                put(value, bytes);
            }
        }
    }
}

fn put_number(number: &Number, bytes: &mut Vec<u8>) {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(number), ..) => argument_head(0, number, bytes),
        (None, Some(number), _) => argument_head(1, (-1 - number).unsigned_abs(), bytes),
        (None, None, number) => {
            bytes.push(0xfb);
            bytes.extend_from_slice(&number.unwrap_or_default().to_be_bytes());
        }
    }
}

fn head(major: u8, length: usize, bytes: &mut Vec<u8>) {
    argument_head(major, u64::try_from(length).unwrap_or(u64::MAX), bytes);
}

/// In the eight-byte form where the short one does not do: longer than needed, and valid.
fn argument_head(major: u8, argument: u64, bytes: &mut Vec<u8>) {
    match u8::try_from(argument) {
        Ok(short @ 0..=23) => bytes.push(major << 5 | short),
        Ok(byte) => bytes.extend_from_slice(&[major << 5 | 24, byte]),
        Err(_) => {
            bytes.push(major << 5 | 27);
            bytes.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_round_trip() {
        let value = json!({
            "text": "é", "long": "x".repeat(300), "list": [0, 23, 24, 255, 256, -1, -300, 70_000],
            "number": 1.5, "flags": [true, false, null], "time": {TIME: 1_795_168_800.25},
        });
        assert_eq!(read(&write(&value)), Some(value));
    }

    #[test]
    fn examples_of_the_specification_are_read() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
                .collect()
        };
        for (bytes, expected) in [
            ("1903e8", json!(1000)),
            ("3903e7", json!(-1000)),
            ("f93e00", json!(1.5)),
            ("f90001", json!(5.960_464_477_539_063e-8)),
            ("fa47c35000", json!(100_000.0)),
            ("fb3ff199999999999a", json!(1.1)),
            ("c11a514b67b0", json!({TIME: 1_363_896_240})),
            ("826161bf61626163ff", json!(["a", {"b": "c"}])),
            ("9f018202039f0405ffff", json!([1, [2, 3], [4, 5]])),
            ("7f657374726561646d696e67ff", json!("streaming")),
        ] {
            assert_eq!(read(&hex(bytes)), Some(expected), "{bytes}");
        }
        for bytes in ["", "18", "6261", "bf6161", "ff", "0000", "1c"] {
            assert_eq!(read(&hex(bytes)), None, "{bytes}");
        }
        assert_eq!(read(&[0x81; 100]), None, "too deep");
    }
}
