//! What TLS is built with: certificates, keys, whom to trust. All of it is PEM text.
//!
//! Nothing here reads a file or knows cryptography; the pump turns these into what it works with.

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TlsIdentity {
    /// The chain in PEM: the own certificate first, then those of its issuers.
    pub certificate: Vec<u8>,
    /// The private key in PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key: Vec<u8>,
    /// Servers: the answer of the issuer's OCSP service (RFC 6960) in DER, which clients get with
    /// the certificate (RFC 6066 section 8); empty: none. Nobody here fetches it or reads its date.
    pub ocsp: Vec<u8>,
}

impl std::fmt::Debug for TlsIdentity {
    // The key is a secret: it must not reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TlsIdentity({} bytes of certificates)", self.certificate.len())
    }
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246) and 1.3 (RFC 8446).
    #[default]
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

/// What a server asks of its clients' certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClientCertificates {
    /// None is asked for.
    #[default]
    None,
    /// One is asked for; a client without one is taken, one with a wrong one is not.
    Optional,
    /// A client without a valid one is refused.
    Required,
}

/// How a client speaks TLS. The default trusts what the system trusts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsClient {
    /// Certificates to trust beside those of the system, in PEM; empty: none.
    pub ca: Vec<u8>,
    /// Trust the certificates that the system trusts.
    pub use_system_roots: bool,
    /// The name to ask for and to check, instead of the host's.
    pub server_name: Option<String>,
    /// The certificate to show to servers that ask for one.
    pub identity: Option<TlsIdentity>,
    /// Verify nothing: anybody on the way can read and change everything. For tests only.
    pub insecure: bool,
    /// The oldest version.
    pub version_min: TlsVersion,
    /// A file that gets the secrets of all sessions, in the format of `SSLKEYLOGFILE`, so that what
    /// is sent can be looked at; `None`: nothing is written. For tests only.
    pub key_log_file: Option<String>,
}

impl Default for TlsClient {
    fn default() -> Self {
        Self {
            ca: Vec::new(),
            use_system_roots: true,
            server_name: None,
            identity: None,
            insecure: false,
            version_min: TlsVersion::default(),
            key_log_file: None,
        }
    }
}

/// How a server speaks TLS.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TlsServer {
    /// Certificates by the names in them; the first is for clients that ask for no name, or for one
    /// that none has.
    pub identities: Vec<TlsIdentity>,
    /// What is asked of clients.
    pub client_certificates: ClientCertificates,
    /// Who issues the clients' certificates, in PEM.
    pub client_ca: Vec<u8>,
    /// The name that the clients' certificates must be for; `None`: any.
    pub client_name: Option<String>,
    /// The oldest version.
    pub version_min: TlsVersion,
    /// As that of [`TlsClient`].
    pub key_log_file: Option<String>,
}

/// Certificates and keys that one server may have.
pub const TLS_IDENTITIES_MAX: usize = 64;
/// Bytes of the longest PEM text: 1 MiB.
pub const TLS_PEM_SIZE_MAX: usize = 1 << 20;
