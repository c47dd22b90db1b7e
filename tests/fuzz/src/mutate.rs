//! New inputs from others. An input is JSON and stays JSON: a node of the tree is changed, not a byte of the text, so
//! that almost every new input goes as deep as the one that it was made of.

use fastrand::Rng;
use serde_json::{Map, Value};

use crate::samples::{SAMPLES, Samples};

/// Nodes of an input: a larger one is not made larger still.
const MOST_NODES: usize = 4_000;

/// Text that something may take for more than text.
const HOSTILE: [&str; 26] = [
    "",
    " ",
    "\u{0}",
    "\u{7}\u{1b}[31m",
    "\r\n\r\n",
    "\u{202e}",
    "\u{2066}x\u{2069}",
    "\u{200b}",
    "\u{feff}",
    "é🔑",
    "<script>",
    "<!channel>",
    "`",
    "``` *bold*",
    "https://evil.example/reset",
    "WWW.evil.example",
    "www.evil.example",
    "a@b.example",
    "\"; rm -rf /; \"",
    "$(id)",
    "'",
    "\\",
    "%s%n",
    "{}",
    "null",
    "../..",
];

/// Numbers at the edges of what types hold.
const NUMBERS: [i64; 12] = [
    0,
    1,
    -1,
    7,
    30,
    255,
    65_536,
    4_294_967_296,
    253_402_300_800,
    9_007_199_254_740_993,
    i64::MAX,
    i64::MIN,
];

/// Moments at the edges of what calendars hold.
const MOMENTS: [&str; 8] = [
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "-009999-01-02T01:59:59Z",
    "2026-02-14T12:00:00Z",
    "2026-02-14T06:00:21.204+0000",
    "2024-02-29T23:59:60Z",
    "Feb 14, 2026 12:00:00 PM",
    "2026-02-31T00:00:00Z",
];

/// Changes the input in `data[..size]`, and gives its new length. What is no JSON becomes a sample.
pub fn bytes(data: &mut [u8], size: usize, max_size: usize, seed: u64) -> usize {
    let mut rng = Rng::with_seed(seed);
    let input = data.get(..size).map(serde_json::from_slice::<Value>);
    let Some(Ok(mut input)) = input else {
        return size.min(max_size);
    };
    for _ in 0..rng.usize(1..5) {
        change(&mut input, &SAMPLES, &mut rng);
    }
    write(&input, data, max_size).unwrap_or(size)
}

/// Puts a part of one input into the other, in the place of a part of the same name if there is one.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u64) -> usize {
    let mut rng = Rng::with_seed(seed);
    let (Ok(mut into), Ok(from)) = (
        serde_json::from_slice::<Value>(one),
        serde_json::from_slice::<Value>(other),
    ) else {
        return 0;
    };
    let from = Samples::of([from]);
    let index = rng.usize(..count(&into));
    visit(&mut into, index, None, &mut |node, name| {
        let same = name.and_then(|name| from.named(name, &mut rng));
        if let Some(value) = same.or_else(|| from.any(&mut rng)) {
            *node = value.clone();
        }
    });
    let max_size = out.len();
    write(&into, out, max_size).unwrap_or(0)
}

fn write(input: &Value, out: &mut [u8], max_size: usize) -> Option<usize> {
    let text = serde_json::to_vec(input).ok()?;
    let place = out
        .get_mut(..text.len())
        .filter(|_| text.len() <= max_size)?;
    place.copy_from_slice(&text);
    Some(text.len())
}

/// Changes one node.
pub fn change(input: &mut Value, samples: &Samples, rng: &mut Rng) {
    let nodes = count(input);
    let index = rng.usize(..nodes);
    let may_grow = nodes < MOST_NODES;
    visit(input, index, None, &mut |node, name| match node {
        Value::String(text) => string(text, name, samples, rng),
        // JSON within a string: policies, reasons of alarms, bodies of messages.
        _ if rng.u8(..) < 100 => *node = replacement(name, samples, rng),
        Value::Array(items) => array(items, samples, rng, may_grow),
        Value::Object(members) => object(members, samples, rng, may_grow),
        Value::Number(number) => {
            let near = number
                .as_i64()
                .unwrap_or_default()
                .wrapping_add(rng.i64(-2..=2));
            *node = near.into();
        }
        Value::Null | Value::Bool(_) => *node = rng.bool().into(),
    });
}

/// Something else in the place of a node, mostly what stands there elsewhere.
fn replacement(name: Option<&str>, samples: &Samples, rng: &mut Rng) -> Value {
    let same = name
        .filter(|_| rng.u8(..) < 160)
        .and_then(|name| samples.named(name, rng));
    if let Some(value) = same {
        return value.clone();
    }
    match rng.u8(..8) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => NUMBERS[rng.usize(..NUMBERS.len())].into(),
        3 => HOSTILE[rng.usize(..HOSTILE.len())].into(),
        4 => MOMENTS[rng.usize(..MOMENTS.len())].into(),
        5 => Value::Array(samples.any(rng).cloned().into_iter().collect()),
        6 => (rng.f64() * 1e300).into(),
        _ => samples.any(rng).cloned().unwrap_or_default(),
    }
}

fn string(text: &mut String, name: Option<&str>, samples: &Samples, rng: &mut Rng) {
    if text.starts_with(['{', '['])
        && rng.u8(..) < 200
        && let Ok(mut inner) = serde_json::from_str::<Value>(text)
    {
        change(&mut inner, samples, rng);
        *text = inner.to_string();
        return;
    }
    // A place between two characters.
    let places: Vec<_> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let place = places[rng.usize(..places.len())];
    match rng.u8(..10) {
        0 => text.insert_str(place, HOSTILE[rng.usize(..HOSTILE.len())]),
        1 => text.truncate(place),
        2 => *text = text.split_off(place),
        3 => *text = text.repeat(rng.usize(2..6)),
        4 => *text = "x".repeat(rng.usize(..9_000)),
        5 => {
            *text = if rng.bool() {
                text.to_uppercase()
            } else {
                text.to_lowercase()
            }
        }
        6 => text.insert(place, rng.char(..)),
        7 => *text = MOMENTS[rng.usize(..MOMENTS.len())].to_owned(),
        8 => {
            let digit = char::from(rng.u8(b'0'..=b'9'));
            *text = text.replace(
                |c: char| c.is_ascii_digit() && rng.u8(..4) == 0,
                &digit.to_string(),
            );
        }
        _ => {
            if let Some(Value::String(other)) = name.and_then(|name| samples.named(name, rng)) {
                text.clone_from(other);
            }
        }
    }
}

fn array(items: &mut Vec<Value>, samples: &Samples, rng: &mut Rng, may_grow: bool) {
    if items.is_empty() {
        items.extend(samples.any(rng).cloned());
        return;
    }
    let index = rng.usize(..items.len());
    match rng.u8(..4) {
        0 => drop(items.remove(index)),
        1 if may_grow => items.insert(index, items[index].clone()),
        2 if may_grow => {
            let again = items.clone();
            items.extend((1..rng.usize(2..40)).flat_map(|_| again.clone()).take(400));
        }
        _ => rng.shuffle(items),
    }
}

fn object(members: &mut Map<String, Value>, samples: &Samples, rng: &mut Rng, may_grow: bool) {
    let names: Vec<_> = members.keys().cloned().collect();
    let name = (!names.is_empty()).then(|| names[rng.usize(..names.len())].clone());
    match (rng.u8(..4), name) {
        (0, Some(name)) => drop(members.remove(&name)),
        (1, Some(name)) => {
            // The same under another name.
            let value = members.remove(&name).unwrap_or_default();
            let new = samples.name(rng).map_or(name, str::to_owned);
            members.insert(new, value);
        }
        _ if may_grow => {
            let name = samples.name(rng).map(str::to_owned);
            if let Some(name) = name {
                let value = replacement(Some(&name), samples, rng);
                members.insert(name, value);
            }
        }
        _ => {}
    }
}

/// How many nodes a value has.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// Gives the node with this number, and the name of the member that it is, to `change`; the nodes that were passed over
/// if it is not there.
fn visit<'a>(
    value: &'a mut Value,
    index: usize,
    name: Option<&'a str>,
    change: &mut dyn FnMut(&mut Value, Option<&str>),
) -> usize {
    if index == 0 {
        change(value, name);
        return 1;
    }
    let mut passed = 1;
    match value {
        Value::Array(items) => {
            for item in items {
                if passed > index {
                    break;
                }
                passed += visit(item, index - passed, name, change);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if passed > index {
                    break;
                }
                passed += visit(member, index - passed, Some(name), change);
            }
        }
        _ => {}
    }
    passed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_node_is_visited_by_its_number() {
        let mut value = json!({"a": [1, {"b": 2}], "c": "3"});
        let mut seen = Vec::new();
        for index in 0..count(&value) {
            visit(&mut value, index, None, &mut |node, name| {
                seen.push((name.map(str::to_owned), node.clone()));
            });
        }
        let named = |name: &str, value: Value| (Some(name.to_owned()), value);
        assert_eq!(
            seen,
            [
                (None, json!({"a": [1, {"b": 2}], "c": "3"})),
                named("a", json!([1, {"b": 2}])),
                named("a", json!(1)),
                named("a", json!({"b": 2})),
                named("b", json!(2)),
                named("c", json!("3")),
            ]
        );
    }

    #[test]
    fn an_input_stays_json_and_a_seed_makes_one_input() {
        let input = json!({"event": {"detail": {"policy": "{\"Statement\":[{\"Effect\":\"Allow\"}]}", "n": [1, 2.5, null, true]}}});
        let text = input.to_string();
        let made = |seed| {
            let mut data = vec![0; 100_000];
            data[..text.len()].copy_from_slice(text.as_bytes());
            let size = bytes(&mut data, text.len(), 100_000, seed);
            data.truncate(size);
            data
        };
        let mut others = 0;
        for seed in 0..2_000 {
            let one = made(seed);
            others += usize::from(serde_json::from_slice::<Value>(&one).unwrap() != input);
            assert_eq!(one, made(seed));
        }
        assert!(others > 1_800, "{others}");
    }

    #[test]
    fn two_inputs_make_one_that_has_something_of_both() {
        let (one, other) = (json!({"a": 1, "b": [2]}), json!({"a": "x", "c": "y"}));
        let (one, other) = (one.to_string(), other.to_string());
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut out = [0; 200];
            let size = cross(one.as_bytes(), other.as_bytes(), &mut out, seed);
            seen.insert(
                serde_json::from_slice::<Value>(&out[..size])
                    .unwrap()
                    .to_string(),
            );
        }
        assert!(seen.contains(r#"{"a":"x","b":[2]}"#), "{seen:?}");
    }
}
