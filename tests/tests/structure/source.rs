//! The source of a crate, as tokens: names in comments and strings are none, and what is only for tests is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A module that is not for tests only.
pub(crate) struct Module {
    /// Its file.
    pub(crate) file: PathBuf,
    /// Where in the crate: `["kinds", "alarm"]`; empty for the root.
    pub(crate) path: Vec<String>,
    /// Its tokens, without those for tests only and without the modules that stand in the same file.
    pub(crate) tokens: Vec<TokenTree>,
}

/// All modules of the crate whose root is in `src`, found as the compiler finds them: from one `mod` to the next.
fn modules(src: &Path) -> Vec<Module> {
    let root = ["lib.rs", "main.rs"].map(|name| src.join(name));
    let root = root.into_iter().find(|file| file.exists()).unwrap();
    let mut found = Vec::new();
    read_file(&root, src, Vec::new(), &mut found);
    found
}

fn read_file(file: &Path, children: &Path, path: Vec<String>, found: &mut Vec<Module>) {
    let text = fs::read_to_string(file).unwrap();
    let tokens: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    read_module(tokens, file, children, path, found);
}

fn read_module(
    tokens: TokenStream,
    file: &Path,
    children: &Path,
    path: Vec<String>,
    found: &mut Vec<Module>,
) {
    let (mut own, mut rest) = (Vec::new(), without_tests(tokens).into_iter().peekable());
    while let Some(token) = rest.next() {
        let is_mod = matches!(&token, TokenTree::Ident(word) if word == "mod");
        let (true, Some(TokenTree::Ident(name))) = (is_mod, rest.peek().cloned()) else {
            own.push(token);
            continue;
        };
        rest.next();
        let name = name.to_string();
        let child = [path.clone(), vec![name.clone()]].concat();
        let deeper = children.join(&name);
        match rest.next() {
            Some(TokenTree::Group(body)) => {
                read_module(body.stream(), file, &deeper, child, found);
            }
            _ => {
                let flat = children.join(format!("{name}.rs"));
                let file = if flat.exists() {
                    flat
                } else {
                    deeper.join("mod.rs")
                };
                read_file(&file, &deeper, child, found);
            }
        }
    }
    found.push(Module {
        file: file.to_owned(),
        path,
        tokens: own,
    });
}

/// Leaves out items under `#[cfg(test)]`, and functions that are tests.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let (mut kept, mut at) = (Vec::new(), 0);
    while let Some(token) = tokens.get(at) {
        if is_punct(Some(token), '#') && is_for_tests(tokens.get(at + 1)) {
            at += 2;
            // To the end of the item: its body, or a semicolon.
            while let Some(token) = tokens.get(at) {
                at += 1;
                let is_body = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
                if is_body || is_punct(Some(token), ';') {
                    break;
                }
            }
            continue;
        }
        kept.push(token.clone());
        at += 1;
    }
    kept
}

fn is_for_tests(attribute: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(attribute)) = attribute else {
        return false;
    };
    let text: String = attribute.stream().to_string();
    let text: String = text.chars().filter(|it| !it.is_whitespace()).collect();
    matches!(text.as_str(), "cfg(test)" | "test" | "tokio::test")
        || text.starts_with("cfg(any(test,")
}

/// The token is this mark.
fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// A path as a file writes it: `use crate::a::{b, c::d}` is two of them, and so is a path in an expression.
fn paths(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect(tokens, &mut found);
    found
}

fn collect(tokens: &[TokenTree], found: &mut Vec<Vec<String>>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => {
                collect(&group.stream().into_iter().collect::<Vec<_>>(), found);
                at += 1;
            }
            TokenTree::Ident(_) => at = follow(tokens, at, Vec::new(), found),
            _ => at += 1,
        }
    }
}

/// Reads the path that begins at `at`, behind `before`; where it ends.
fn follow(
    tokens: &[TokenTree],
    mut at: usize,
    before: Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = before;
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        at += 1;
        if !(is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
            break;
        }
        at += 2;
        if let Some(TokenTree::Group(group)) = tokens.get(at)
            && group.delimiter() == Delimiter::Brace
        {
            let inner: Vec<_> = group.stream().into_iter().collect();
            for branch in inner.split(|token| is_punct(Some(token), ',')) {
                follow(branch, 0, path.clone(), found);
            }
            return at + 1;
        }
    }
    found.push(path);
    at
}

/// The modules of a crate, and what each sees by another name.
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
    names: BTreeSet<Vec<String>>,
    /// What a module imports, by the name that it has there.
    imports: BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
}

impl Crate {
    /// The crate whose root is in `src`.
    pub(crate) fn read(src: &Path) -> Self {
        let modules = modules(src);
        let names = modules.iter().map(|module| module.path.clone()).collect();
        let mut this = Self {
            names,
            imports: BTreeMap::new(),
            modules,
        };
        for module in &this.modules {
            let mut imports = BTreeMap::new();
            for path in uses(&module.tokens) {
                let Some(target) = this.absolute(&path, &module.path) else {
                    continue;
                };
                let own = [
                    module.path.clone(),
                    target.last().cloned().into_iter().collect(),
                ]
                .concat();
                if target != own
                    && let Some(name) = target.last()
                {
                    imports.insert(name.clone(), target);
                }
            }
            this.imports.insert(module.path.clone(), imports);
        }
        this
    }

    /// The modules that `module` uses, but for those that it only hands on.
    pub(crate) fn used(&self, module: &Module) -> BTreeSet<Vec<String>> {
        let tokens = without_handing_on(&module.tokens);
        paths(&tokens)
            .iter()
            .filter_map(|path| self.absolute(path, &module.path))
            .map(|path| self.home(path))
            .filter(|used| *used != module.path)
            .collect()
    }

    /// A path from the crate's root, if it is one of this crate: `crate::…`, `self::…`, `super::…`, or by the name of a
    /// module within.
    fn absolute(&self, path: &[String], from: &[String]) -> Option<Vec<String>> {
        let mut base = from.to_vec();
        let mut rest = path;
        let mut is_ours = false;
        while let Some(word) = rest.first() {
            match word.as_str() {
                "crate" if !is_ours => base.clear(),
                "self" => {}
                "super" => {
                    base.pop()?;
                }
                _ => break,
            }
            is_ours = true;
            rest = &rest[1..];
        }
        let target = [base.clone(), rest.to_vec()].concat();
        let is_within = rest.len() > 1 && self.names.contains(&target[..=base.len()]);
        (is_ours || is_within).then_some(target)
    }

    /// The module in which what a path names really stands, whoever hands it on.
    fn home(&self, mut path: Vec<String>) -> Vec<String> {
        for _ in 0..8 {
            let length = (0..=path.len())
                .rev()
                .find(|length| self.names.contains(&path[..*length]))
                .unwrap();
            let (module, rest) = path.split_at(length);
            let import = rest.first().and_then(|name| self.imports[module].get(name));
            match import {
                Some(target) => path = [target.clone(), rest[1..].to_vec()].concat(),
                None => return module.to_vec(),
            }
        }
        panic!("{path:?} is handed on and on");
    }
}

/// The paths of all `use`.
fn uses(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let is_use = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "use");
    let starts = tokens.iter().enumerate().filter(|(_, token)| is_use(token));
    starts
        .flat_map(|(at, _)| {
            let rest = &tokens[at + 1..];
            let end = rest.iter().position(|token| is_punct(Some(token), ';'));
            paths(&rest[..end.unwrap_or(rest.len())])
        })
        .collect()
}

/// Leaves out `pub use …;`.
fn without_handing_on(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let is = |token: Option<&TokenTree>, name: &str| matches!(token, Some(TokenTree::Ident(word)) if word == name);
    let (mut kept, mut at) = (Vec::new(), 0);
    while let Some(token) = tokens.get(at) {
        // `pub`, or `pub(crate)`.
        let after = at + 1 + usize::from(matches!(tokens.get(at + 1), Some(TokenTree::Group(_))));
        if is(Some(token), "pub") && is(tokens.get(after), "use") {
            while !is_punct(tokens.get(at), ';') {
                at += 1;
            }
        } else {
            kept.push(token.clone());
        }
        at += 1;
    }
    kept
}
