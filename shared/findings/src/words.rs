//! Texts as long as a format takes them.

/// The text, or as much of it as fits into so many bytes of UTF-8 with a sign that something was cut. Formats do not say
/// whether they count bytes or characters; nothing has more characters than bytes.
pub(crate) fn fit(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8()));
    format!("{}…", text[..cut].trim_end())
}

/// The texts one after the other, each as a sentence, as many as fit whole; the first one in any case, cut.
pub(crate) fn fit_all<'a>(texts: impl Iterator<Item = &'a str>, bytes: usize) -> String {
    let mut all = String::new();
    for text in texts.filter(|text| !text.is_empty()) {
        let ended = text.ends_with(['.', '!', '?', '…']);
        let sentence = if ended {
            text.to_owned()
        } else {
            format!("{text}.")
        };
        if all.is_empty() {
            all = fit(&sentence, bytes);
        } else if all.len() + 1 + sentence.len() <= bytes {
            all.push(' ');
            all.push_str(&sentence);
        } else {
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 5), "lo…");
        assert_eq!(fit("éééé", 7), "éé…");
        assert_eq!(fit("🔑🔑", 3), "…");
    }

    #[test]
    fn as_many_sentences_as_fit_are_said_whole() {
        let texts = ["Cancel it", "Ask who did.", "A third"];
        assert_eq!(
            fit_all(texts.into_iter(), 100),
            "Cancel it. Ask who did. A third."
        );
        assert_eq!(fit_all(texts.into_iter(), 25), "Cancel it. Ask who did.");
        assert_eq!(fit_all(texts.into_iter(), 8), "Cance…");
    }
}
