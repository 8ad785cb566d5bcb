//! Digest authentication (RFC 7616): the challenge, and its answer, which does not show the
//! password. MD5 and SHA-256, with and without `-sess`; `qop=auth`, or none (RFC 2069).

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::challenge::{Part, parts};
use crate::proto::credentials::Credentials;

/// How to hash. The later one is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// `MD5`.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Md5, Self::Md5Sess, Self::Sha256, Self::Sha256Sess];

    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
        }
    }

    const fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess)
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 | Self::Md5Sess => HEXLOWER.encode(&Md5::digest(text.as_bytes())),
            Self::Sha256 | Self::Sha256Sess => HEXLOWER.encode(&Sha256::digest(text.as_bytes())),
        }
    }
}

/// A challenge that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As the challenge names it; the answer repeats it.
    algorithm: Option<Algorithm>,
    /// `qop=auth` is offered; otherwise the answer is that of RFC 2069.
    auth: bool,
    stale: bool,
    hides_user: bool,
}

/// The best of the challenges in these headers that can be answered.
pub fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Digest> {
    let mut found: Vec<Digest> = Vec::new();
    for header in headers {
        let parts = parts(header);
        let starts = parts.iter().enumerate().filter(|(_, part)| matches!(part, Part::Scheme(_)));
        for (at, start) in starts {
            let Part::Scheme(scheme) = start else { continue };
            if !scheme.eq_ignore_ascii_case("digest") {
                continue;
            }
            let own = parts[at + 1..].iter().map_while(|part| match part {
                Part::Parameter(name, value) => Some((*name, value.as_str())),
                Part::Scheme(_) => None,
            });
            found.extend(Digest::from_parameters(own));
        }
    }
    let strength = |digest: &Digest| digest.algorithm.unwrap_or(Algorithm::Md5);
    // Of two that are as good the first, which the server likes better.
    found.into_iter().rev().max_by_key(strength)
}

impl Digest {
    /// `None` for what cannot be answered.
    fn from_parameters<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let (mut realm, mut nonce, mut qop) = (None, None, None);
        let mut challenge = Self {
            realm: String::new(),
            nonce: String::new(),
            opaque: None,
            algorithm: None,
            auth: false,
            stale: false,
            hides_user: false,
        };
        for (name, value) in parameters {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = realm.or(Some(value)),
                "nonce" => nonce = nonce.or(Some(value)),
                "qop" => qop = qop.or(Some(value)),
                "opaque" => challenge.opaque = Some(value.to_owned()),
                "stale" => challenge.stale = value.eq_ignore_ascii_case("true"),
                "userhash" => challenge.hides_user = value.eq_ignore_ascii_case("true"),
                "algorithm" => {
                    let mut all = Algorithm::ALL.into_iter();
                    let known = all.find(|known| known.name().eq_ignore_ascii_case(value));
                    challenge.algorithm = Some(known?);
                }
                _ => {}
            }
        }
        challenge.realm = realm?.to_owned();
        challenge.nonce = nonce?.to_owned();
        if let Some(qop) = qop {
            let mut offers = qop.split(',').map(str::trim);
            challenge.auth = offers.any(|offer| offer.eq_ignore_ascii_case("auth"));
            if !challenge.auth {
                return None;
            }
        }
        let is_session = challenge.algorithm.is_some_and(Algorithm::is_session);
        // Without a qop there is no nonce of ours, which a session needs.
        (challenge.auth || !is_session).then_some(challenge)
    }

    /// The last answer was right, and its nonce too old.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.stale
    }

    /// The answer for a request (RFC 7616 §3.4); `count` is how often the nonce was used with this
    /// one, `cnonce` our own nonce.
    #[must_use]
    pub fn answer(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        count: u32,
        cnonce: &str,
    ) -> String {
        let algorithm = self.algorithm.unwrap_or(Algorithm::Md5);
        let hash = |text: String| algorithm.hash(&text);
        let (user, password) = (credentials.user(), credentials.password());
        let Self { realm, nonce, .. } = self;
        let mut a1 = hash(format!("{user}:{realm}:{password}"));
        if algorithm.is_session() {
            a1 = hash(format!("{a1}:{nonce}:{cnonce}"));
        }
        let a2 = hash(format!("{method}:{uri}"));
        let response = if self.auth {
            hash(format!("{a1}:{nonce}:{count:08x}:{cnonce}:auth:{a2}"))
        } else {
            hash(format!("{a1}:{nonce}:{a2}"))
        };
        let mut out = "Digest ".to_owned();
        if self.hides_user {
            let _ = write!(out, "username=\"{}\"", hash(format!("{user}:{realm}")));
        } else if user.is_ascii() {
            let _ = write!(out, "username={}", quoted(user));
        } else {
            let _ = write!(out, "username*=UTF-8''{}", percent_encoded(user));
        }
        let (realm, nonce, uri) = (quoted(realm), quoted(nonce), quoted(uri));
        let _ = write!(out, ", realm={realm}, nonce={nonce}, uri={uri}, response=\"{response}\"");
        if let Some(algorithm) = self.algorithm {
            let _ = write!(out, ", algorithm={}", algorithm.name());
        }
        if self.auth {
            let _ = write!(out, ", qop=auth, nc={count:08x}, cnonce={}", quoted(cnonce));
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(out, ", opaque={}", quoted(opaque));
        }
        if self.hides_user {
            out.push_str(", userhash=true");
        }
        out
    }
}

/// RFC 9110 §5.6.4.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        if letter == '"' || letter == '\\' {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

/// RFC 8187 §3.2.1.
fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Option<Digest> {
        best([text].into_iter())
    }

    fn response(answer: &str) -> &str {
        answer.split("response=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap()
    }

    #[test]
    fn the_answers_of_the_rfcs_have_their_golden_values() {
        // RFC 7616 section 3.9.1.
        const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        const OPAQUE: &str = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS";
        let credentials = Credentials::parse("Mufasa:Circle%20of%20Life").unwrap().unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let realm = "http-auth@example.org";
        for (algorithm, wanted) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = one(&format!(
                "Digest realm=\"{realm}\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"{NONCE}\", opaque=\"{OPAQUE}\""
            ));
            let challenge = challenge.unwrap();
            let answer = challenge.answer(&credentials, "GET", "/dir/index.html", 1, cnonce);
            assert_eq!(response(&answer), wanted);
            let whole = format!(
                "Digest username=\"Mufasa\", realm=\"{realm}\", nonce=\"{NONCE}\", \
                 uri=\"/dir/index.html\", response=\"{wanted}\", algorithm={algorithm}, qop=auth, \
                 nc=00000001, cnonce=\"{cnonce}\", opaque=\"{OPAQUE}\""
            );
            assert_eq!(answer, whole);
        }
        // RFC 2617 section 3.5, and RFC 2069 section 2.4 as corrected by its errata.
        let credentials = Credentials::parse("Mufasa:Circle%20Of%20Life").unwrap().unwrap();
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let challenge = format!(r#"Digest realm="testrealm@host.com", nonce="{nonce}""#);
        let old = one(&challenge).unwrap();
        let new = one(&format!("{challenge}, qop=auth")).unwrap();
        let answer = new.answer(&credentials, "GET", "/dir/index.html", 1, "0a4f113b");
        assert_eq!(response(&answer), "6629fae49393a05397450978507c4ef1");
        let answer = old.answer(&credentials, "GET", "/dir/index.html", 1, "");
        assert_eq!(response(&answer), "670fd8c2df070c60b045671b8b24ff02");
        assert!(!answer.contains("qop") && !answer.contains("cnonce"), "{answer}");
    }

    #[test]
    fn sessions_and_hidden_users_have_their_answers() {
        let credentials = Credentials::parse("J%C3%A4s%C3%B8n:pw").unwrap().unwrap();
        let plain = one(r#"Digest realm="r", nonce="n", qop=auth"#).unwrap();
        let answer = plain.answer(&credentials, "GET", "/", 1, "c");
        assert!(answer.starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n, "), "{answer}");
        let hidden =
            one(r#"Digest realm="r", nonce="n", qop=auth, algorithm=MD5-sess, userhash=true"#);
        let answer = hidden.unwrap().answer(&credentials, "GET", "/", 1, "c");
        let user = Algorithm::Md5.hash("J\u{e4}s\u{f8}n:r");
        assert!(answer.contains(&format!("username=\"{user}\"")), "{answer}");
        let a1 = Algorithm::Md5.hash("J\u{e4}s\u{f8}n:r:pw");
        let a1 = Algorithm::Md5.hash(&format!("{a1}:n:c"));
        let a2 = Algorithm::Md5.hash("GET:/");
        let wanted = Algorithm::Md5.hash(&format!("{a1}:n:00000001:c:auth:{a2}"));
        assert_eq!(response(&answer), wanted);
        assert!(answer.ends_with(", userhash=true"), "{answer}");
    }

    #[test]
    fn the_best_challenge_that_can_be_answered_is_taken() {
        let of = |algorithm: &str| {
            format!(r#"Digest realm="r", nonce="{algorithm}", qop="auth", algorithm={algorithm}"#)
        };
        let list =
            format!("Basic realm=x, {}, {}, {}", of("MD5"), of("sha-256"), of("SHA-512-256"));
        assert_eq!(one(&list).unwrap().algorithm, Some(Algorithm::Sha256));
        let two = [of("MD5"), of("SHA-256")];
        let chosen = best(two.iter().map(String::as_str)).unwrap();
        assert_eq!(chosen.algorithm, Some(Algorithm::Sha256));
        for text in [
            "Basic realm=x",
            "Digest",
            r#"Digest nonce="n""#,
            r#"Digest realm="r""#,
            r#"Digest realm="r", nonce="n", qop="auth-int""#,
            r#"Digest realm="r", nonce="n", algorithm=SHA-512-256"#,
            r#"Digest realm="r", nonce="n", algorithm=MD5-sess"#,
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_challenge_names_comes_back_as_it_was(
            realm in "[ -~]{0,20}", nonce in "[ -~]{1,20}", opaque in "[ -~]{0,20}",
        ) {
            let challenge = format!(
                "Digest realm={}, nonce={}, opaque={}, qop=auth",
                quoted(&realm), quoted(&nonce), quoted(&opaque),
            );
            let digest = one(&challenge).unwrap();
            prop_assert_eq!((&digest.realm, &digest.nonce), (&realm, &nonce));
            let credentials = Credentials::parse("a%22:b").unwrap().unwrap();
            let answer = digest.answer(&credentials, "GET", "/\"", 7, "c");
            // An answer has the form of a challenge, so the same reader finds its parts.
            let named = |wanted: &str| parts(&answer).into_iter().find_map(|part| match part {
                Part::Parameter(name, value) if name == wanted => Some(value),
                _ => None,
            });
            prop_assert_eq!(named("realm"), Some(realm));
            prop_assert_eq!(named("nonce"), Some(nonce));
            prop_assert_eq!(named("opaque"), Some(opaque));
            prop_assert_eq!(named("username"), Some("a\"".to_owned()));
            prop_assert_eq!(named("uri"), Some("/\"".to_owned()));
        }
    }
}
