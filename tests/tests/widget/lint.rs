//! What an answer must be, since the console says nothing where it is not: well-formed, without what the console removes, and each
//! `cwdb-action` directly behind an element, with an endpoint, and with JSON in it (CloudWatch User Guide, custom widgets).

use serde_json::Value;

const ELEMENTS: [&str; 39] = [
    "a",
    "b",
    "br",
    "button",
    "circle",
    "code",
    "cwdb-action",
    "div",
    "figcaption",
    "figure",
    "form",
    "g",
    "h2",
    "h3",
    "input",
    "label",
    "li",
    "line",
    "option",
    "p",
    "rect",
    "select",
    "span",
    "style",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "path",
    "strong",
    "em",
    "pre",
    "hr",
];
const ATTRIBUTES: [&str; 38] = [
    "action",
    "aria-label",
    "aria-sort",
    "class",
    "cx",
    "cy",
    "display",
    "endpoint",
    "height",
    "href",
    "maxlength",
    "name",
    "r",
    "rel",
    "role",
    "rx",
    "scope",
    "selected",
    "tabindex",
    "target",
    "text-anchor",
    "type",
    "value",
    "viewbox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
    "id",
    "for",
    "colspan",
    "title",
    "d",
    "fill",
    "stroke",
];
const EMPTY: [&str; 3] = ["br", "input", "hr"];

/// What is wrong with an answer.
pub(crate) fn lint(html: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    // The element that ended last, with nothing behind it yet.
    let mut before = false;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        if open.last().is_some_and(|it| it == "cwdb-action") {
            let json = unescape(text);
            if serde_json::from_str::<Value>(&json).is_err() {
                wrong.push(format!("no JSON in an action: {json}"));
            }
        }
        if !text.trim().is_empty() {
            before = false;
            if open.last().is_none_or(|it| it != "style") && text.contains('>') {
                wrong.push(format!("a bare >: {text}"));
            }
        }
        let Some(end) = rest[start..].find('>') else {
            wrong.push("an element without end".to_owned());
            break;
        };
        let tag = &rest[start + 1..start + end];
        rest = &rest[start + end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                wrong.push(format!("</{name}> ends another"));
            }
            before = true;
            continue;
        }
        let closed = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if !ELEMENTS.contains(&name) {
            wrong.push(format!("<{name}>"));
        }
        let attributes = attributes_of(attributes, &mut wrong);
        if name == "cwdb-action" {
            let get = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted);
            if !before {
                wrong.push("an action with no element directly before it".to_owned());
            }
            if get("action").is_none_or(|(_, value)| value != "call")
                || get("endpoint").is_none_or(|(_, value)| !value.starts_with("arn:"))
                || get("display")
                    .is_none_or(|(_, value)| !["popup", "widget"].contains(&value.as_str()))
            {
                wrong.push(format!("an action that does nothing: {tag}"));
            }
        }
        if name == "a" {
            let get = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted);
            let is_console = |address: &str| {
                let host = address
                    .strip_prefix("https://")
                    .and_then(|it| it.split('/').next());
                host.is_some_and(|host| host.ends_with(".console.aws.amazon.com"))
            };
            if get("href").is_none_or(|(_, address)| !is_console(address))
                || get("rel").is_none_or(|(_, value)| !value.contains("noopener"))
            {
                wrong.push(format!("a link to somewhere: {tag}"));
            }
        }
        if closed || EMPTY.contains(&name) {
            before = true;
        } else {
            open.push(name.to_owned());
            before = false;
        }
    }
    if !open.is_empty() {
        wrong.push(format!("not ended: {open:?}"));
    }
    if html.len() > 1_000_000 {
        wrong.push(format!("{} bytes", html.len()));
    }
    wrong
}

fn attributes_of(text: &str, wrong: &mut Vec<String>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let name_end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = rest[..name_end].to_ascii_lowercase();
        let mut value = String::new();
        rest = rest[name_end..].trim_start();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let Some(end) = quoted.find('"') else {
                wrong.push(format!("a quote without end: {text}"));
                return found;
            };
            value = unescape(&quoted[..end]);
            rest = quoted[end + 1..].trim_start();
        } else if rest.starts_with('=') {
            wrong.push(format!("an attribute without quotes: {text}"));
            return found;
        }
        if !ATTRIBUTES.contains(&name.as_str()) {
            wrong.push(format!("the attribute {name}"));
        }
        found.push((name, value));
    }
    found
}

pub(crate) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// What the buttons of an answer ask for.
pub(crate) fn actions(html: &str) -> Vec<Value> {
    let parts = html.split("<cwdb-action ").skip(1);
    parts
        .map(|part| {
            let content = part.split_once('>').unwrap().1;
            let content = content.split_once("</cwdb-action>").unwrap().0;
            serde_json::from_str(&unescape(content)).unwrap()
        })
        .collect()
}

#[test]
fn the_linter_finds_what_the_console_is_silent_about() {
    let action = |before: &str, attributes: &str, content: &str| {
        format!("<div>{before}<cwdb-action {attributes}>{content}</cwdb-action></div>")
    };
    let all = "action=\"call\" display=\"popup\" endpoint=\"arn:x\"";
    assert_eq!(
        lint(&action("<b>x</b>", all, "{&quot;a&quot;:1}")),
        [] as [&str; 0]
    );
    for wrong in [
        action("", all, "{}"),
        action("<b>x</b> and", all, "{}"),
        action("<b>x</b>", all, "a"),
        action("<b>x</b>", "action=\"call\" display=\"popup\"", "{}"),
        "<div onclick=\"x\"></div>".to_owned(),
        "<script>x</script>".to_owned(),
        "<use></use>".to_owned(),
        "<div><p></div></p>".to_owned(),
        "<div class=x></div>".to_owned(),
        "<a href=\"https://evil.example/.console.aws.amazon.com\" rel=\"noopener\">x</a>"
            .to_owned(),
        "<a href=\"javascript:alert(1)\" rel=\"noopener\">x</a>".to_owned(),
        "<div".to_owned(),
        "<div>".to_owned(),
    ] {
        assert!(!lint(&wrong).is_empty(), "{wrong}");
    }
}
