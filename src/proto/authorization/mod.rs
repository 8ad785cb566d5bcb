//! Who we are to a server or a proxy that asks: Basic (RFC 7617) and Digest (RFC 7616).
//!
//! It knows users, passwords and challenges; requests and streams are its callers' business.

mod challenge;
mod digest;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;

use super::credentials::Credentials;

pub use digest::{Algorithm, Digest};

/// Answers challenges of one server or proxy.
#[derive(Clone, Debug)]
pub struct Authorizer {
    credentials: Credentials,
    /// The password never leaves, not even as Basic.
    digest_only: bool,
    challenge: Option<Digest>,
    /// How often the challenge's nonce was used.
    uses: u32,
    /// Answers that the other side found stale.
    stale: u32,
}

/// Stale nonces that are followed by another try.
const STALE_MAX: u32 = 2;

impl Authorizer {
    /// For a user with a password. Before there is a challenge it says `Basic`, unless
    /// `digest_only`.
    #[must_use]
    pub const fn new(credentials: Credentials, digest_only: bool) -> Self {
        Self { credentials, digest_only, challenge: None, uses: 0, stale: 0 }
    }

    /// The value of the `Authorization` or `Proxy-Authorization` of a request; `None` as long as
    /// there is nothing that may be said. `entropy` must be new each time.
    pub fn value(&mut self, method: &str, uri: &str, entropy: [u8; 16]) -> Option<String> {
        let Some(challenge) = &self.challenge else {
            return (!self.digest_only).then(|| self.credentials.basic());
        };
        self.uses += 1;
        let cnonce = data_encoding::HEXLOWER.encode(&entropy);
        Some(challenge.answer(&self.credentials, method, uri, self.uses, &cnonce))
    }

    /// The request was answered with 401 or 407, and these `WWW-Authenticate` or
    /// `Proxy-Authenticate`. True when another request makes sense: its [`value`](Self::value)
    /// is another one.
    pub fn handle_challenge<'a>(&mut self, headers: impl Iterator<Item = &'a str>) -> bool {
        let Some(best) = digest::best(headers) else { return false };
        if self.challenge.is_some() {
            if !best.is_stale() || self.stale >= STALE_MAX {
                // It knows us, and says no.
                return false;
            }
            self.stale += 1;
        }
        self.challenge = Some(best);
        self.uses = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorizer(digest_only: bool) -> Authorizer {
        let credentials = Credentials::parse("ann:secret").unwrap().unwrap();
        Authorizer::new(credentials, digest_only)
    }

    const CHALLENGE: &str = r#"Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256"#;

    #[test]
    fn basic_comes_first_and_digest_when_it_is_asked_for() {
        let mut ours = authorizer(false);
        let said = ours.value("GET", "/", [0; 16]);
        assert_eq!(said.as_deref(), Some("Basic YW5uOnNlY3JldA=="));
        assert!(!ours.handle_challenge([r#"Basic realm="r""#].into_iter()), "that was said");
        assert!(ours.handle_challenge([r#"Basic realm="r""#, CHALLENGE].into_iter()));
        for count in ["nc=00000001", "nc=00000002"] {
            let said = ours.value("GET", "/", [1; 16]).unwrap();
            assert!(said.starts_with("Digest ") && said.contains(count), "{said}");
            assert!(said.contains(&"01".repeat(16)), "{said}");
        }
        assert!(!ours.handle_challenge([CHALLENGE].into_iter()), "the password is wrong");
    }

    #[test]
    fn a_stale_nonce_is_replaced_but_not_for_ever() {
        let mut ours = authorizer(true);
        assert_eq!(ours.value("GET", "/", [0; 16]), None, "nothing is said before it is asked");
        assert!(ours.handle_challenge([CHALLENGE].into_iter()));
        ours.value("GET", "/", [0; 16]).unwrap();
        let stale = format!("{CHALLENGE}, stale=TRUE");
        for _ in 0..STALE_MAX {
            assert!(ours.handle_challenge([stale.as_str()].into_iter()));
            assert!(ours.value("GET", "/", [0; 16]).unwrap().contains("nc=00000001"));
        }
        assert!(!ours.handle_challenge([stale.as_str()].into_iter()));
    }
}
