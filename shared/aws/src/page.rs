//! Pages of lists that must not pass for complete when they are not.

use watch_core::ports::{CallError, Page};

/// A page that was asked for with `asked`, and what it says about the next one.
pub(crate) fn page<T>(
    items: Vec<T>,
    asked: Option<&str>,
    truncated: bool,
    next: Option<&str>,
) -> Result<Page<T>, CallError> {
    let unreadable = |what| Err(CallError::new("UnreadableResponse", what));
    let next = match next.filter(|next| !next.is_empty()) {
        _ if !truncated => None,
        None => return unreadable("a truncated list without a marker"),
        next if next == asked => return unreadable("a page that leads to itself"),
        next => next.map(str::to_owned),
    };
    Ok(Page { items, next })
}
