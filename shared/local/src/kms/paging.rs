//! Pages: `Limit` and `Marker` in, `NextMarker` and `Truncated` out.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{body::Body, error::KmsError};

/// Default and maximum of `Limit` (KMS API Reference, each operation).
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) default: i64,
    pub(super) max: i64,
}

/// The page that the request asks for. The marker holds the sort key of the last item returned, so that items
/// that come or go between two pages neither repeat nor hide others.
pub(super) fn page(
    body: Body<'_>,
    limits: Limits,
    member: &str,
    items: impl Iterator<Item = (String, Value)>,
) -> Result<Value, KmsError> {
    page_after(body, limits, member, |after| {
        items.skip_while(move |(key, _)| after.as_ref().is_some_and(|after| key <= after))
    })
}

/// The same of items that can be had from a sort key on, without a look at those before it.
pub(super) fn page_after<I: Iterator<Item = (String, Value)>>(
    body: Body<'_>,
    limits: Limits,
    member: &str,
    items_after: impl FnOnce(Option<String>) -> I,
) -> Result<Value, KmsError> {
    let limit = body
        .integer_in("Limit", (1, limits.max))?
        .unwrap_or(limits.default);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let after = body.text("Marker")?.map(read_marker).transpose()?;
    let mut rest = items_after(after);
    let mut last = None;
    let page: Vec<Value> = rest
        .by_ref()
        .take(limit)
        .map(|(key, item)| {
            last = Some(key);
            item
        })
        .collect();
    let truncated = rest.next().is_some();
    let mut response = json!({member: page, "Truncated": truncated});
    if truncated && let Some(last) = last {
        response["NextMarker"] = URL_SAFE_NO_PAD.encode(last).into();
    }
    Ok(response)
}

fn read_marker(marker: &str) -> Result<String, KmsError> {
    URL_SAFE_NO_PAD
        .decode(marker)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| KmsError::new("InvalidMarkerException", "Could not deserialize marker"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { default: 2, max: 3 };

    fn ask(body: &Value) -> Result<Value, KmsError> {
        let items = ["a", "b", "c", "d", "e"].map(|item| (item.to_owned(), json!(item)));
        page(Body::new(body).unwrap(), LIMITS, "Items", items.into_iter())
    }

    #[test]
    fn pages_follow_each_other() {
        let first = ask(&json!({})).unwrap();
        assert_eq!(first["Items"], json!(["a", "b"]));
        assert_eq!(first["Truncated"], true);
        let second = ask(&json!({"Marker": first["NextMarker"], "Limit": 3})).unwrap();
        assert_eq!(
            second,
            json!({"Items": ["c", "d", "e"], "Truncated": false})
        );
    }

    #[test]
    fn limits_and_markers_are_checked() {
        assert_eq!(
            ask(&json!({"Limit": 4})).unwrap_err().code,
            "ValidationException"
        );
        assert_eq!(
            ask(&json!({"Limit": 0})).unwrap_err().code,
            "ValidationException"
        );
        assert_eq!(
            ask(&json!({"Marker": "?"})).unwrap_err().code,
            "InvalidMarkerException"
        );
    }
}
