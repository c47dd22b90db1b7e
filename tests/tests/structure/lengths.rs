//! How long a file and a function may be.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenTree};

use super::modules::crates;
use super::source::{Crate, Module};

/// Lines of code in a file, without tests, comments and blank ones.
const FILE: usize = 500;
/// Lines of code in the body of a function.
const FUNCTION: usize = 60;

/// Lines on which there is code.
fn lines<'a>(tokens: impl IntoIterator<Item = &'a TokenTree>, found: &mut BTreeSet<usize>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            // A doc comment reads as an attribute.
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                let body = tokens.iter().skip(at).take(2).position(|it| is_doc(it));
                if let Some(body) = body {
                    at += body + 1;
                } else {
                    found.insert(mark.span().start().line);
                }
            }
            TokenTree::Group(group) => {
                found.insert(group.span_open().start().line);
                found.insert(group.span_close().start().line);
                lines(&group.stream().into_iter().collect::<Vec<_>>(), found);
            }
            token => {
                let span = token.span();
                found.extend(span.start().line..=span.end().line);
            }
        }
    }
}

fn is_doc(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let mut inner = group.stream().into_iter();
    matches!(inner.next(), Some(TokenTree::Ident(word)) if word == "doc")
        && matches!(inner.next(), Some(TokenTree::Punct(mark)) if mark.as_char() == '=')
}

/// Functions and the lines of their bodies.
fn functions(tokens: &[TokenTree], found: &mut Vec<(String, usize)>) {
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            functions(&group.stream().into_iter().collect::<Vec<_>>(), found);
        }
        let is_fn = matches!(token, TokenTree::Ident(word) if word == "fn");
        let (true, Some(TokenTree::Ident(name))) = (is_fn, tokens.get(at + 1)) else {
            continue;
        };
        let body = tokens[at..].iter().find_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(Some(group)),
            TokenTree::Punct(mark) if mark.as_char() == ';' => Some(None),
            _ => None,
        });
        if let Some(Some(body)) = body {
            let mut inside = BTreeSet::new();
            lines(&body.stream().into_iter().collect::<Vec<_>>(), &mut inside);
            found.push((name.to_string(), inside.len()));
        }
    }
}

#[test]
fn files_and_functions_fit_on_few_screens() {
    let mut wrong = Vec::new();
    for folder in crates() {
        let source = Crate::read(&folder.join("src"));
        for Module { file, tokens, .. } in &source.modules {
            let mut of_file = BTreeSet::new();
            lines(tokens, &mut of_file);
            if of_file.len() > FILE {
                wrong.push(format!("{}: {} lines", file.display(), of_file.len()));
            }
            let mut found = Vec::new();
            functions(tokens, &mut found);
            for (name, count) in found {
                if count > FUNCTION {
                    wrong.push(format!("{}: `{name}` has {count} lines", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
