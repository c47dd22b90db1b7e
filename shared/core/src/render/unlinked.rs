//! A value of others in plain text. Mail readers turn what looks like an address of the web or of a mailbox into a link; a
//! key's description must not lead anybody away.

use crate::text::Untrusted;
use crate::value::{delimited, revealed};

/// The value between delimiters, without a dot or an `@` that could make a link of it: `evil[.]example`,
/// `help[at]evil[.]example`. Addresses of the network, ARNs and names of AWS services stay as they are.
pub(super) fn unlinked(value: &Untrusted, in_quotes: bool) -> String {
    let value = value.as_str();
    let shown = delimited(value, in_quotes);
    if is_arn(value) || is_service(value) {
        return shown;
    }
    without_schemes(&without_dots(&shown))
}

/// The same for lines that each begin with a mark of ours, and so need no other delimiters.
pub(super) fn unlinked_block(value: &Untrusted) -> String {
    without_schemes(&without_dots(&revealed(value.as_str())))
}

/// An ARN of AWS, of one word.
pub(super) fn is_arn(value: &str) -> bool {
    let mut parts = value.splitn(6, ':');
    let mut part = || parts.next().unwrap_or_default();
    let (arn, partition, service, region, account, resource) =
        (part(), part(), part(), part(), part(), part());
    let lower = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-/.:+=@,".contains(&b);
    arn == "arn"
        && partition.starts_with("aws")
        && [partition, service, region].into_iter().all(lower)
        && !service.is_empty()
        && (account == "aws" || account.bytes().all(|b| b.is_ascii_digit()))
        && !resource.is_empty()
        && resource.bytes().all(plain)
        && !resource.contains("//")
        && !resource.to_ascii_lowercase().contains("www.")
}

/// The name of an AWS service: one label, for everything before it may be anybody's bucket.
fn is_service(value: &str) -> bool {
    let value = value.strip_suffix(".cn").unwrap_or(value);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    value
        .strip_suffix(".amazonaws.com")
        .is_some_and(|name| !name.is_empty() && name.bytes().all(plain))
}

/// No dot before a letter, none after `www`, and no `@`.
fn without_dots(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        let before_letter = rest.peek().is_some_and(|next| next.is_alphabetic());
        match c {
            '@' => shown.push_str("[at]"),
            '.' if before_letter || ends_with(&shown, "www") => shown.push_str("[.]"),
            // What browsers take for a dot.
            '\u{3002}' if before_letter => shown.push_str("[.]"),
            _ => shown.push(c),
        }
    }
    shown
}

fn ends_with(text: &str, end: &str) -> bool {
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..))
        .is_some_and(|last| last.eq_ignore_ascii_case(end))
}

/// Schemes that are links without a host.
const SCHEMES: [&str; 9] = [
    "mailto",
    "tel",
    "sms",
    "callto",
    "skype",
    "news",
    "file",
    "data",
    "javascript",
];

/// No scheme before what could be an address.
fn without_schemes(value: &str) -> String {
    // Shares of Windows are links, too.
    let value = value.replace("\\\\", "[\\]\\");
    let mut shown = String::with_capacity(value.len());
    let mut rest = value.as_str();
    while let Some((before, after)) = rest.split_once(':') {
        shown.push_str(before);
        let is_scheme = after.starts_with("//") || SCHEMES.iter().any(|it| ends_with(before, it));
        shown.push_str(if is_scheme { "[:]" } else { ":" });
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_becomes_a_link_in_mail() {
        for (value, shown) in [
            ("evil-sso.com/reset", "evil-sso[.]com/reset"),
            ("WWW.EVIL.COM", "WWW[.]EVIL[.]COM"),
            ("www.1and1.example", "www[.]1and1[.]example"),
            ("help@evil.com", "help[at]evil[.]com"),
            ("help@localhost", "help[at]localhost"),
            (
                "see https://evil.example/x",
                "\"see https[:]//evil[.]example/x\"",
            ),
            ("https://192.0.2.1/", "\"https[:]//192.0.2.1/\""),
            ("a.b.c.example", "a[.]b[.]c[.]example"),
            ("evil.рф", "\"evil.\\u{440}\\u{444}\""),
            ("зло.рф", "\"зло[.]рф\""),
            ("evil。example", "\"evil[.]example\""),
            ("evil\u{ff0e}com", "\"evil\\u{ff0e}com\""),
            ("mailto:x", "mailto[:]x"),
            ("Mailto:x", "Mailto[:]x"),
            ("tel:+15550100", "tel[:]+15550100"),
            ("javascript:alert(1)", "\"javascript[:]alert(1)\""),
            ("\\\\evil\\share", "\"[\\]\\evil\\share\""),
            ("slack://channel?id=1", "\"slack[:]//channel?id=1\""),
            ("xn--e1awd7f.xn--p1ai", "xn--e1awd7f[.]xn--p1ai"),
            ("bucket.s3.amazonaws.com", "bucket[.]s3[.]amazonaws[.]com"),
            ("s3.amazonaws.com/bucket", "s3[.]amazonaws[.]com/bucket"),
            (
                "s3.amazonaws.com.evil.com",
                "s3[.]amazonaws[.]com[.]evil[.]com",
            ),
            ("arn:aws:kms:x:evil.com:y/z", "arn:aws:kms:x:evil[.]com:y/z"),
            (
                "arn:aws:iam::111122223333:role/x see evil.com",
                "\"arn:aws:iam::111122223333:role/x see evil[.]com\"",
            ),
            (
                "arn:aws:iam::111122223333:role//evil.com",
                "arn:aws:iam::111122223333:role//evil[.]com",
            ),
            (
                "arn:aws:iam::111122223333:role/www.evil.com",
                "arn:aws:iam::111122223333:role/www[.]evil[.]com",
            ),
            // What is none stays as it is.
            ("198.51.100.24", "198.51.100.24"),
            ("aws-cli/2.22.4", "aws-cli/2.22.4"),
            ("1.2.3", "1.2.3"),
            ("kms.amazonaws.com", "kms.amazonaws.com"),
            ("dynamodb.amazonaws.com.cn", "dynamodb.amazonaws.com.cn"),
            (
                "arn:aws:sts::111122223333:assumed-role/KeyAdmin/maria@example.com",
                "arn:aws:sts::111122223333:assumed-role/KeyAdmin/maria@example.com",
            ),
            ("a. b.", "\"a. b.\""),
        ] {
            assert_eq!(unlinked(&Untrusted::new(value), false), shown, "{value}");
        }
    }
}
