//! What the user is asked on a terminal.

use std::io::{self, BufRead, Write};

use crate::plan::args::{Wishes, address};

/// Asks for what is not said yet. An empty answer leaves it so; one that does not fit is asked for again.
pub(crate) fn ask(
    known: &Wishes,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<Wishes> {
    let mut wishes = known.clone();
    if wishes.email.is_none() {
        let question = "Which address gets the alerts? (empty: none yet)";
        wishes.email = answer(input, output, question, |text| address(text).ok())?;
    }
    if wishes.health_email.is_none() {
        let question = "Which address gets the alarms on the watch itself? (empty: the same)";
        wishes.health_email = answer(input, output, question, |text| address(text).ok())?;
    }
    for (wish, question) in [
        (
            &mut wishes.chat,
            "Is there a chat that is to get alerts? (y/N)",
        ),
        (
            &mut wishes.feed,
            "Do programs, such as a SIEM, read alerts? (y/N)",
        ),
    ] {
        if !*wish {
            *wish = answer(input, output, question, yes_or_no)?.unwrap_or_default();
        }
    }
    Ok(wishes)
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

fn answer<T>(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
    read: impl Fn(&str) -> Option<T>,
) -> io::Result<Option<T>> {
    loop {
        write!(output, "{question} ")?;
        output.flush()?;
        let mut line = String::new();
        // The end of input is an empty answer.
        input.read_line(&mut line)?;
        let text = line.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(answer) = read(text) {
            return Ok(Some(answer));
        }
        writeln!(output, "That does not fit.")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(known: &Wishes, lines: &str) -> (Wishes, String) {
        let mut output = Vec::new();
        let wishes = ask(known, &mut lines.as_bytes(), &mut output).unwrap();
        (wishes, String::from_utf8(output).unwrap())
    }

    #[test]
    fn what_does_not_fit_is_asked_again_and_what_is_known_is_not_asked() {
        let (wishes, said) = answers(&Wishes::default(), "you\nyou@example.com\n\nmaybe\ny\nno\n");
        assert_eq!(wishes.email.as_deref(), Some("you@example.com"));
        assert_eq!(
            (wishes.health_email, wishes.chat, wishes.feed),
            (None, true, false)
        );
        assert_eq!(said.matches("That does not fit.").count(), 2);
        let known = Wishes {
            email: Some("you@example.com".to_owned()),
            chat: true,
            ..Wishes::default()
        };
        let (wishes, said) = answers(&known, "");
        assert_eq!(wishes, known);
        assert!(
            !said.contains("gets the alerts") && !said.contains("a chat"),
            "{said}"
        );
    }
}
