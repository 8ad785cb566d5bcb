//! Cookies that a request carries (RFC 6265 §4.2).
//!
//! It must not decode a value: what it means is between the server and itself.

/// The cookies of one `Cookie` header, in their order: name and value, as sent, without the white
/// space around them. Quotes belong to the value. What has no `=` or no name is left out.
pub fn cookies(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim_matches([' ', '\t']);
        (!name.is_empty()).then(|| (name, value.trim_matches([' ', '\t'])))
    })
}

/// The cookies of all `Cookie` headers of a head.
pub fn all_cookies<'a>(
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    headers
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .flat_map(|(_, value)| cookies(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(value: &str) -> Vec<(&str, &str)> {
        cookies(value).collect()
    }

    #[test]
    fn cookies_are_taken_apart() {
        assert_eq!(
            list("SID=31d4d96e407aad42; lang=en-US"),
            [("SID", "31d4d96e407aad42"), ("lang", "en-US")]
        );
        assert_eq!(
            list("a=1;b=;c=x=y; d=\"q r\" ;\te=5"),
            [("a", "1"), ("b", ""), ("c", "x=y"), ("d", "\"q r\""), ("e", "5")]
        );
        for nothing in ["", ";", " ; ", "word", "=value", " = "] {
            assert!(list(nothing).is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn all_headers_of_a_head_count() {
        let head = [("Cookie", "a=1"), ("Host", "x=y"), ("COOKIE", "b=2; a=3")];
        let found: Vec<_> = all_cookies(head.into_iter()).collect();
        assert_eq!(found, [("a", "1"), ("b", "2"), ("a", "3")]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            pairs in prop::collection::vec(("[!-:<>-~]{1,9}", "([!-:<-~]{1,9})?"), 0..9),
        ) {
            let texts = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            let text = texts.collect::<Vec<_>>().join("; ");
            let expected: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            prop_assert_eq!(cookies(&text).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn any_text_gives_pieces_of_itself(text: String) {
            for (name, value) in cookies(&text) {
                prop_assert!(!name.is_empty() && !name.contains([';', '=']));
                prop_assert!(!value.contains(';'));
            }
        }
    }
}
