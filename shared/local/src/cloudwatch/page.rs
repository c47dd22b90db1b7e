//! Answers in pages.

use serde_json::{Value, json};

use super::{
    alarm::text,
    error::{CloudWatchError, Outcome},
};

/// `NextToken` is the number of the item to go on with.
pub(super) fn page(body: &Value, most: usize, member: &str, all: Vec<Value>) -> Outcome {
    let from: usize = match text(body, "NextToken") {
        Some(token) => token
            .parse()
            .map_err(|_| CloudWatchError::new("InvalidNextToken", "The token is invalid."))?,
        None => 0,
    };
    let most = match body.get("MaxRecords").and_then(Value::as_u64) {
        Some(wanted) => usize::try_from(wanted).unwrap_or(most).clamp(1, most),
        None => most,
    };
    let end = from.saturating_add(most);
    let mut answer = json!({member: all.iter().skip(from).take(most).collect::<Vec<_>>()});
    if end < all.len() {
        answer["NextToken"] = end.to_string().into();
    }
    Ok(answer)
}
