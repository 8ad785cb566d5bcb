//! The list of challenges in a `WWW-Authenticate` or `Proxy-Authenticate` (RFC 9110 §11.6.1): a
//! scheme, then its parameters; commas part both. It does not know what they mean.

/// A part of the list, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A challenge begins.
    Scheme(&'a str),
    /// A parameter of the challenge that has begun.
    Parameter(&'a str, String),
}

/// The parts of one header's value. What makes no sense is left out, up to the next comma.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return parts;
        }
        let (word, behind) = token(rest);
        if word.is_empty() {
            rest = after_comma(rest);
            continue;
        }
        let value = behind.trim_start_matches([' ', '\t']).strip_prefix('=');
        match value {
            None => {
                // A scheme is followed by a blank, or by nothing.
                if behind.is_empty() || behind.starts_with([' ', '\t', ',']) {
                    parts.push(Part::Scheme(word));
                    rest = behind;
                } else {
                    rest = after_comma(behind);
                }
            }
            Some(value) => match read_value(value.trim_start_matches([' ', '\t'])) {
                Some((value, behind)) => {
                    parts.push(Part::Parameter(word, value));
                    rest = behind;
                }
                None => rest = after_comma(value),
            },
        }
    }
}

/// A token at the front (RFC 9110 §5.6.2), and what follows it.
fn token(text: &str) -> (&str, &str) {
    let is_letter =
        |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    text.split_at(text.find(|letter| !is_letter(letter)).unwrap_or(text.len()))
}

/// A token or a quoted string (RFC 9110 §5.6.4) with a comma, or nothing, behind it.
fn read_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, behind) = token(text);
        return (!value.is_empty() && ends(behind)).then(|| (value.to_owned(), behind));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                let behind = &quoted[at + 1..];
                return ends(behind).then_some((value, behind));
            }
            '\\' => value.push(readable(letters.next()?.1)?),
            letter => value.push(readable(letter)?),
        }
    }
    None
}

/// What a quoted string may hold, with or without a backslash in front: the answer repeats it.
fn readable(letter: char) -> Option<char> {
    (!letter.is_control() || letter == '\t').then_some(letter)
}

fn ends(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t']);
    text.is_empty() || text.starts_with(',')
}

/// What follows the next comma that is not inside quotes.
fn after_comma(text: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let show = |part: &Part<'_>| match part {
            Part::Scheme(scheme) => format!("[{scheme}]"),
            Part::Parameter(name, value) => format!("{name}={value};"),
        };
        parts(text).iter().map(show).collect()
    }

    #[test]
    fn challenges_and_parameters_are_told_apart() {
        assert_eq!(
            shown(r#"Basic realm="a, \"b\"", charset=UTF-8"#),
            "[Basic]realm=a, \"b\";charset=UTF-8;"
        );
        assert_eq!(
            shown(r#"Negotiate, Digest nonce = "x" ,qop="auth,auth-int""#),
            "[Negotiate][Digest]nonce=x;qop=auth,auth-int;"
        );
        assert_eq!(shown("NTLM"), "[NTLM]");
        assert_eq!(shown("Negotiate YWJj==, Basic realm=x"), "[Negotiate][Basic]realm=x;");
        assert_eq!(shown(",, ,Digest,,a=b,"), "[Digest]a=b;");
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        for text in ["", " ", "=", "\"", "a=\"", "\u{e9}", "a/b", "Digest a=\"x\"y"] {
            let found = shown(text);
            assert!(!found.contains('='), "{text}: {found}");
        }
        assert_eq!(shown("a=\"b\u{1}\", c=d"), "c=d;");
        assert_eq!(shown("a=\"b\\\r\", c=\"\\\u{0}\", e=f"), "e=f;");
        assert_eq!(shown("a=b/c, d=e"), "d=e;");
    }
}
