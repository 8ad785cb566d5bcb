//! Fuzz body for challenges: any text goes in, broken promises panic.

use super::Authorizer;
use crate::proto::credentials::Credentials;

/// Any text as the header of a 401 or 407. What answers it is one line that a head can carry.
pub fn fuzz_challenge(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let credentials =
        Credentials::parse("ann:correct%20horse").expect("is good").expect("is there");
    let mut authorizer = Authorizer::new(credentials, true);
    assert_eq!(authorizer.value("GET", "/", [0; 16]), None);
    let again = authorizer.clone().handle_challenge(text.lines());
    if !authorizer.handle_challenge(text.lines()) {
        assert!(!again);
        return;
    }
    let answer = authorizer.value("GET", "/", [0; 16]).expect("it was said that there is one");
    assert!(
        answer.starts_with("Digest username=") && !answer.contains("correct horse"),
        "{answer:?}"
    );
    assert!(!answer.chars().any(|letter| letter.is_control() && letter != '\t'), "{answer:?}");
    assert_eq!(answer.matches("response=\"").count().min(1), 1, "{answer:?}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fuzz_challenge;

    proptest! {
        #[test]
        fn any_bytes_are_a_challenge_or_none(data: Vec<u8>) {
            fuzz_challenge(&data);
        }

        #[test]
        fn what_looks_like_one_is_one_or_none(
            text in "(Digest|,| |realm|nonce|qop|=|\"|auth|\\\\|\u{e9}|[a-z]){0,30}",
        ) {
            fuzz_challenge(text.as_bytes());
        }
    }
}
