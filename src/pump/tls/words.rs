//! Why TLS failed, in words for the person who has to repair it.

use std::fmt;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// TLS ended a stream; also the payload of the `io::Error` that tells so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFailure {
    /// What went wrong.
    pub text: String,
    /// The peer speaks HTTP without TLS: an answer without TLS can tell it.
    pub plain_http: bool,
}

impl TlsFailure {
    /// A failure with a text of our own.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), plain_http: false }
    }

    /// What a session says went wrong; `client` is this side's role.
    pub fn from_session(error: &Error, client: bool) -> Self {
        let peer = if client { "server" } else { "client" };
        Self::new(match error {
            Error::InvalidCertificate(error) => certificate(error, peer),
            Error::NoCertificatesPresented => format!("the {peer} showed no certificate"),
            Error::AlertReceived(alert) => format!("the {peer} ended TLS: {}", words(*alert)),
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                format!("the {peer} does not speak TLS at this port")
            }
            Error::PeerIncompatible(why) => {
                format!("the {peer} has no version or cipher of TLS in common: {why:?}")
            }
            other => format!("TLS failed: {other}"),
        })
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TlsFailure {}

fn certificate(error: &CertificateError, peer: &str) -> String {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => format!("the {peer}'s certificate has expired"),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            format!("the {peer}'s certificate is not valid yet; check the clocks")
        }
        E::UnknownIssuer => {
            format!("the {peer}'s certificate comes from an unknown issuer, which is not trusted")
        }
        E::NotValidForName => format!("the {peer}'s certificate is for another host"),
        E::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let presented = presented.join(", ");
            format!("the {peer}'s certificate is for another host: {presented}; not {expected}")
        }
        E::Revoked => format!("the {peer}'s certificate was revoked"),
        E::BadSignature => format!(
            "the {peer}'s certificate has a wrong signature: its issuer is not the one that is \
             trusted under that name"
        ),
        E::BadEncoding => format!("the {peer}'s certificate cannot be read"),
        other => format!("the {peer}'s certificate is not valid: {other}"),
    }
}

/// The name of an alert (RFC 8446 section 6) as words: `CertificateRequired` says "certificate
/// required".
fn words(alert: AlertDescription) -> String {
    let mut text = String::new();
    let mut before = ' ';
    for letter in format!("{alert:?}").chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
        before = letter;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_read_as_words() {
        assert_eq!(words(AlertDescription::CertificateRequired), "certificate required");
        assert_eq!(words(AlertDescription::UnknownCA), "unknown ca");
    }

    #[test]
    fn each_kind_of_wrong_certificate_has_its_own_words() {
        let text = |error| TlsFailure::from_session(&Error::InvalidCertificate(error), true).text;
        assert_eq!(text(CertificateError::Expired), "the server's certificate has expired");
        assert!(text(CertificateError::UnknownIssuer).contains("unknown issuer"));
        assert!(text(CertificateError::NotValidForName).contains("another host"));
    }
}
