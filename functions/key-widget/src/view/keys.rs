//! The keys: columns of the console's list, sorted, filtered, page by page.

use std::cmp::Ordering;

use serde_json::{Value, json};
use watch_core::key::{Origin, State};
use watch_core::page::escape;
use watch_core::text::Untrusted;
use watch_sweep::listing::Row;

use super::{Scene, as_of, counted, is_asked_for, tone_of};
use crate::ask::{Ask, Column, STATES};
use crate::html::{Cell, Page, title};
use crate::library::List;

/// Draws them.
pub fn draw(page: &mut Page, scene: &Scene<'_>, list: &List) {
    let ask = scene.ask;
    page.title("Keys");
    if !as_of(page, scene, list) {
        return;
    }
    form(page, ask);
    let find = ask.find.as_ref().map(|find| find.as_str().to_lowercase());
    let mut rows: Vec<_> = list
        .rows()
        .filter(|row| is_asked_for(ask, row) && is_shown(row, ask.state.as_ref(), find.as_deref()))
        .collect();
    let all = list.rows().count();
    rows.sort_by(|one, other| compare(ask, one, other));
    let pages = rows.len().div_ceil(ask.rows).max(1);
    // A page beyond the last is the last: keys go while somebody looks.
    let number = ask.page.min(pages);
    let shown: Vec<_> = rows
        .iter()
        .skip((number - 1) * ask.rows)
        .take(ask.rows)
        .map(|row| cells(page, row))
        .collect();
    let of = if rows.len() == all {
        String::new()
    } else {
        format!(" of {}", counted(all, "key"))
    };
    page.line(&format!(
        "{}{of}, page {number} of {pages}",
        counted(rows.len(), "key")
    ));
    if shown.is_empty() {
        page.line("No key is like that.");
        return;
    }
    let titles: Vec<_> = Column::ALL
        .iter()
        .map(|(column, _, name)| heading(page, ask, *column, name))
        .collect();
    page.table("Keys", &titles, shown);
    pager(page, ask, number, pages);
}

/// What is asked for, so that a button changes one thing of it. Fields of the form come along by themselves.
fn again(ask: &Ask) -> Value {
    let text = |text: Option<&Untrusted>| text.map_or("", Untrusted::as_str).to_owned();
    json!({
        "view": "keys",
        "owner": text(ask.owner.as_ref()),
        "find": text(ask.find.as_ref()),
        "state": ask.state.as_ref().map_or("", State::as_str),
        "store": ask.store.as_ref().map_or("", |store| store.as_str()),
        "sort": ask.sort.word(),
        "order": if ask.descending { "desc" } else { "asc" },
        "rows": ask.rows,
        "page": 1,
    })
}

fn form(page: &mut Page, ask: &Ask) {
    if !page.can_ask() {
        return;
    }
    let value = |text: Option<&Untrusted>| escape(text.map_or("", Untrusted::as_str));
    let options: String = STATES
        .iter()
        .map(|state| {
            let chosen = ask.state.as_ref().is_some_and(|it| it.as_str() == *state);
            let chosen = if chosen { " selected" } else { "" };
            format!("<option value=\"{state}\"{chosen}>{state}</option>")
        })
        .collect();
    page.raw(&format!(
        "<form><label>Owner <input name=\"owner\" value=\"{}\" maxlength=\"256\"></label>\
         <label>Status <select name=\"state\"><option value=\"\">any</option>{options}</select></label>\
         <label>Alias or key ID <input name=\"find\" value=\"{}\" maxlength=\"256\"></label></form>",
        value(ask.owner.as_ref()),
        value(ask.find.as_ref()),
    ));
    let button = page.button("Show", "Show these keys", false, "push", &again(ask));
    page.raw(&format!("<p>{button}</p>\n"));
}

fn is_shown(row: &Row, state: Option<&State>, find: Option<&str>) -> bool {
    let alias = || row.alias.as_ref().map(|it| it.as_str().to_lowercase());
    let is_found =
        |find: &str| row.id.contains(find) || alias().is_some_and(|alias| alias.contains(find));
    state.is_none_or(|state| row.state.as_ref() == Some(state)) && find.is_none_or(is_found)
}

/// What has no value comes last, whichever way.
fn compare(ask: &Ask, one: &Row, other: &Row) -> Ordering {
    fn by<T: Ord>(is_descending: bool, one: Option<T>, other: Option<T>) -> Ordering {
        match (one, other) {
            (Some(one), Some(other)) if is_descending => other.cmp(&one),
            (Some(one), Some(other)) => one.cmp(&other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        }
    }
    let down = ask.descending;
    let text = |of: fn(&Row) -> Option<&str>| by(down, of(one), of(other));
    let ordering = match ask.sort {
        Column::Id => text(|row| Some(&row.id)),
        Column::Alias => text(|row| row.alias.as_ref().map(Untrusted::as_str)),
        Column::State => text(|row| row.state.as_ref().map(State::as_str)),
        Column::Owner => text(|row| row.owner.as_ref().map(Untrusted::as_str)),
        Column::Created => by(down, one.created_at, other.created_at),
        Column::Expires => by(down, expires(one), expires(other)),
        Column::Origin => text(|row| row.origin.as_ref().map(Origin::as_str)),
        Column::Store => text(|row| row.store.as_ref().map(Untrusted::as_str)),
    };
    ordering.then_with(|| one.id.cmp(&other.id))
}

/// What the key does not live beyond.
fn expires(row: &Row) -> Option<jiff::Timestamp> {
    row.deletion_at.into_iter().chain(row.expires_at).min()
}

fn cells(page: &Page, row: &Row) -> Vec<Cell> {
    let text = |text: Option<&str>| Cell::new(text.unwrap_or_default());
    let state = row.state.as_ref();
    let word = match (state, row.hidden) {
        (Some(state), true) => format!("{} (may not be looked at)", state.as_str()),
        (Some(state), false) => state.as_str().to_owned(),
        (None, _) => "unknown".to_owned(),
    };
    vec![
        text(row.alias.as_ref().map(Untrusted::as_str)),
        Cell::markup(page.key_button(&row.id, &row.id)),
        Cell::new(&word).class(state.map_or("wrong", |state| tone_of(state).class())),
        text(row.owner.as_ref().map(Untrusted::as_str)),
        Cell::time(row.created_at),
        Cell::time(expires(row)),
        text(row.origin.as_ref().map(Origin::as_str)),
        text(row.store.as_ref().map(Untrusted::as_str)),
    ]
}

/// A title that sorts.
fn heading(page: &Page, ask: &Ask, column: Column, name: &str) -> String {
    if !page.can_ask() {
        return title(name);
    }
    let is_sorted = ask.sort == column;
    let (said, mark) = match (is_sorted, ask.descending) {
        (false, _) => ("", ""),
        (true, false) => (" aria-sort=\"ascending\"", " ▲"),
        (true, true) => (" aria-sort=\"descending\"", " ▼"),
    };
    let mut again = again(ask);
    again["sort"] = column.word().into();
    again["order"] = if is_sorted && !ask.descending {
        "desc"
    } else {
        "asc"
    }
    .into();
    let button = page.button(
        &format!("{name}{mark}"),
        &format!("Sort by {name}"),
        false,
        "",
        &again,
    );
    format!("<th scope=\"col\"{said}>{button}</th>")
}

fn pager(page: &mut Page, ask: &Ask, number: usize, pages: usize) {
    let to = |page: &Page, caption: &str, label: &str, number: usize| {
        let mut again = again(ask);
        again["page"] = number.into();
        page.button(caption, label, false, "push", &again)
    };
    let mut buttons = Vec::new();
    if number > 1 && page.can_ask() {
        buttons.push(to(page, "First", "First page", 1));
        buttons.push(to(page, "Previous", "Previous page", number - 1));
    }
    if number < pages && page.can_ask() {
        buttons.push(to(page, "Next", "Next page", number + 1));
        buttons.push(to(page, "Last", "Last page", pages));
    }
    if !buttons.is_empty() {
        page.raw(&format!("<p>{}</p>\n", buttons.join(" ")));
    }
}
