//! User and password of a URL (RFC 3986 §3.2.1), and how HTTP carries them (RFC 7617).
//!
//! They are secrets: nothing here shows one, and neither may whoever holds them.

use std::fmt;

use data_encoding::BASE64;

/// A user name and a password, decoded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// Reads `user` or `user:password`, percent-encoded, as it stands in front of a URL's `@`.
    /// `None` when there is neither.
    ///
    /// # Errors
    /// [`BadCredentials`]: a letter that must be percent-encoded, or one that HTTP cannot carry.
    pub fn parse(text: &str) -> Result<Option<Self>, BadCredentials> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let (user, password) = (decode(user)?, decode(password)?);
        // RFC 7617 §2: the first colon ends the user.
        if user.contains(':') {
            return Err(BadCredentials);
        }
        let none = user.is_empty() && password.is_empty();
        Ok((!none).then_some(Self { user, password }))
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password; may be empty.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The value of an `Authorization` or `Proxy-Authorization` header (RFC 7617 §2).
    #[must_use]
    pub fn basic(&self) -> String {
        format!("Basic {}", BASE64.encode(format!("{}:{}", self.user, self.password).as_bytes()))
    }
}

/// No secret reaches a log.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A text that holds no user and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCredentials;

fn decode(text: &str) -> Result<String, BadCredentials> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit(), digit());
                let (Some(high), Some(low)) = (high, low) else { return Err(BadCredentials) };
                (high * 16 + low) as u8
            }
            byte if byte.is_ascii_graphic() && byte != b'@' => byte,
            _ => return Err(BadCredentials),
        });
    }
    let text = String::from_utf8(out).map_err(|_| BadCredentials)?;
    if text.chars().any(char::is_control) { Err(BadCredentials) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_has_its_golden_value() {
        // RFC 7617 section 2, and section 2.1 for the pound sign.
        let basic = |text| Credentials::parse(text).unwrap().unwrap().basic();
        assert_eq!(basic("Aladdin:open%20sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic("test:123%C2%A3"), "Basic dGVzdDoxMjPCow==");
        assert_eq!(basic("a"), "Basic YTo=");
        assert_eq!(basic(":b"), "Basic OmI=");
        assert_eq!(basic("a:b:c"), "Basic YTpiOmM=");
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for text in ["%", "%4", "%4g", "%+1", "a b", "ü", "a@b", "%3a:b", "%00", "%ff", "a%0d%0a"]
        {
            assert_eq!(Credentials::parse(text), Err(BadCredentials), "{text}");
        }
        assert_eq!(Credentials::parse(""), Ok(None));
        assert_eq!(Credentials::parse(":"), Ok(None));
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", Credentials::parse("ann:secret"));
        assert!(!shown.contains("ann") && !shown.contains("secret"), "{shown}");
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_decoded(user in "[^:\\p{Cc}]{1,9}", password in "\\PC{0,9}") {
            let encode = |text: &str| -> String {
                text.bytes().map(|byte| format!("%{byte:02x}")).collect()
            };
            let text = format!("{}:{}", encode(&user), encode(&password));
            let parsed = Credentials::parse(&text).unwrap().unwrap();
            prop_assert_eq!((parsed.user(), parsed.password()), (&user[..], &password[..]));
        }
    }
}
