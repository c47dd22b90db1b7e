//! The story as a page of HTML, complete in itself.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use watch_core::page::escape;

use crate::demo::chapter::Chapter;
use crate::demo::error::DemoError;
use crate::demo::format::Format;
use crate::demo::show::Show;
use crate::demo::story;

const STYLE: &str = include_str!("page.css");

/// What the show writes, of which each chapter is taken in turn.
#[derive(Clone, Default)]
struct Leaf(Rc<RefCell<Vec<u8>>>);

impl Write for Leaf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Leaf {
    fn take(&self) -> String {
        let bytes = self.0.take();
        html(&String::from_utf8_lossy(&bytes))
    }
}

/// Tells these chapters on a page.
pub(crate) async fn render(
    chapters: &[Chapter],
    seed: u64,
    format: Format,
) -> Result<String, DemoError> {
    let leaf = Leaf::default();
    let mut show = Show::on(Box::new(leaf.clone()), format);
    let (mut contents, mut body) = (String::new(), String::new());
    for (number, chapter) in (1_usize..).zip(chapters) {
        story::chapter(*chapter, seed, &mut show).await?;
        let (name, title) = (chapter.name(), escape(chapter.title()));
        contents.push_str(&format!("<li><a href=\"#{name}\">{title}</a></li>\n"));
        body.push_str(&format!(
            "<section id=\"{name}\">\n<h2>{number}. {title}</h2>\n<pre tabindex=\"0\">{}</pre>\n</section>\n",
            leaf.take()
        ));
    }
    show.summary()?;
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>KMS Watch: the story</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>KMS Watch: the story</h1>\n\
         <p>Keys on an embedded AWS, what is done to them, and what people, chat and machines receive.</p>\n\
         <ol>\n{contents}<li><a href=\"#short\">In short</a></li>\n</ol>\n{body}\
         <section id=\"short\">\n<pre tabindex=\"0\">{}</pre>\n</section>\n</body>\n</html>\n",
        leaf.take()
    ))
}

/// Text of a terminal as HTML: each escape sequence of a style opens a span, the one that ends all styles closes them.
fn html(text: &str) -> String {
    let mut html = String::new();
    let mut open = 0;
    let mut parts = text.split("\u{1b}[");
    html.push_str(&escape(parts.next().unwrap_or_default()));
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap_or(("", part));
        if code == "0" {
            html.push_str(&"</span>".repeat(open));
            open = 0;
        } else {
            html.push_str(&format!("<span class=\"s{}\">", escape(code)));
            open += 1;
        }
        html.push_str(&escape(rest));
    }
    html.push_str(&"</span>".repeat(open));
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{BOLD, RULE};

    #[test]
    fn styles_are_spans_and_signs_are_signs() {
        let text = format!("a {BOLD}{RULE}<b>{RULE:#}{BOLD:#} & c {BOLD}d");
        assert_eq!(
            html(&text),
            "a <span class=\"s1\"><span class=\"s36\">&lt;b&gt;</span></span> &amp; c <span class=\"s1\">d</span>"
        );
    }
}
