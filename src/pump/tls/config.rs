//! From PEM texts to what sessions are made of. All mistakes in them are found here, in words.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::key_log::KeyLogFile;
use super::verify::{NamedClients, NoVerifier, OwnRoots};
use crate::error::{Error, Result};
use crate::settings::{
    ClientCertificates, TLS_IDENTITIES_MAX, TLS_PEM_SIZE_MAX, TlsClient, TlsIdentity, TlsServer,
    TlsVersion,
};

/// What the sessions of clients are made of. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls {
    pub(super) config: Arc<ClientConfig>,
    settings: Arc<TlsClient>,
}

/// What the sessions of servers are made of. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
}

impl ClientTls {
    /// Reads the certificates and keys.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] says which text is wrong, and how.
    pub fn new(settings: &TlsClient) -> Result<Self> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions(settings.version_min))
            .map_err(|error| Error::argument(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(server_verifier(settings, provider)?);
        let mut config = match &settings.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = read_identity(identity, "certificate", "key")?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    Error::argument(format!("certificate and key do not work: {error}"))
                })?
            }
        };
        // What a browser offers for wss://.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if let Some(path) = &settings.key_log_file {
            config.key_log = KeyLogFile::open(path)?;
        }
        if let Some(name) = &settings.server_name {
            server_name(name)?;
        }
        Ok(Self { config: Arc::new(config), settings: Arc::new(settings.clone()) })
    }

    /// What it was made of.
    pub fn settings(&self) -> &TlsClient {
        &self.settings
    }

    /// Was it made of these?
    pub fn is_made_of(&self, settings: &TlsClient) -> bool {
        *self.settings == *settings
    }

    /// Nothing is verified.
    pub fn is_insecure(&self) -> bool {
        self.settings.insecure
    }

    /// The name that a server of this host must have a certificate for.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] when it can be no server's name.
    pub fn name_for(&self, host: &str) -> Result<String> {
        let name = self.settings.server_name.as_deref().unwrap_or(host);
        server_name(name).map(|_| name.to_owned())
    }
}

impl ServerTls {
    /// Reads the certificates and keys.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] says which text is wrong, and how.
    pub fn new(settings: &TlsServer) -> Result<Self> {
        let count = settings.identities.len();
        if count == 0 || count > TLS_IDENTITIES_MAX {
            return Err(Error::argument(format!(
                "a TLS server needs 1 to {TLS_IDENTITIES_MAX} certificates with keys, not {count}"
            )));
        }
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions(settings.version_min))
            .map_err(|error| Error::argument(error.to_string()))?;
        let builder = if settings.client_certificates == ClientCertificates::None {
            builder.with_no_client_auth()
        } else {
            let roots = Arc::new(roots(&settings.client_ca, "client_ca")?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
            let verifier = if settings.client_certificates == ClientCertificates::Optional {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier = verifier.build().map_err(|error| {
                Error::argument(format!("client_ca holds no certificate to trust: {error}"))
            })?;
            builder.with_client_cert_verifier(match &settings.client_name {
                None => verifier,
                Some(name) => Arc::new(NamedClients::new(verifier, server_name(name)?)),
            })
        };
        let mut identities = Vec::new();
        for (number, identity) in settings.identities.iter().enumerate() {
            let certificate = format!("certificate {number}");
            let (chain, key) = read_identity(identity, &certificate, &format!("key {number}"))?;
            let mut key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
                Error::argument(format!("{certificate} and its key do not work: {error}"))
            })?;
            check_size(&identity.ocsp, &format!("ocsp {number}"))?;
            key.ocsp = Some(identity.ocsp.clone()).filter(|ocsp| !ocsp.is_empty());
            identities.push(Arc::new(key));
        }
        let mut config = builder.with_cert_resolver(Arc::new(ByName { identities }));
        if let Some(path) = &settings.key_log_file {
            config.key_log = KeyLogFile::open(path)?;
        }
        Ok(Self { config: Arc::new(config) })
    }
}

/// The cryptography that this build has.
fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    return Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    #[cfg(not(feature = "aws-lc-rs"))]
    Arc::new(rustls::crypto::ring::default_provider())
}

static NEWEST: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

const fn versions(least: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match least {
        TlsVersion::Tls12 => rustls::DEFAULT_VERSIONS,
        TlsVersion::Tls13 => NEWEST,
    }
}

/// A name as TLS knows it: a host name or an address.
pub(super) fn server_name(name: &str) -> Result<ServerName<'static>> {
    // An address of one link carries its zone, which no certificate knows (RFC 6874).
    let bare = name.split('%').next().unwrap_or(name);
    ServerName::try_from(bare.to_owned()).map_err(|_| {
        Error::argument(format!("{name:?} is neither a host name nor an address; set server_name"))
    })
}

fn server_verifier(
    settings: &TlsClient,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    if settings.insecure {
        return Ok(Arc::new(NoVerifier::new(provider)));
    }
    let own = certificates(&settings.ca, "ca")?;
    if settings.use_system_roots {
        return Ok(Arc::new(OwnRoots::new(system_verifier(&own, provider)?, own)));
    }
    if own.is_empty() {
        return Err(Error::argument(
            "a TLS client trusts nobody: set use_system_roots, or give certificates in ca",
        ));
    }
    let store = Arc::new(roots(&settings.ca, "ca")?);
    let verifier = WebPkiServerVerifier::builder_with_provider(store, provider).build();
    let verifier = verifier.map_err(|error| Error::argument(format!("ca: {error}")))?;
    Ok(Arc::new(OwnRoots::new(verifier, own)))
}

#[cfg(not(target_os = "android"))]
fn system_verifier(
    own: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    use rustls_platform_verifier::Verifier;
    // Wine cannot make room for others, not even for none.
    let verifier = if own.is_empty() {
        Verifier::new(provider)
    } else {
        Verifier::new_with_extra_roots(own.iter().cloned(), provider)
    };
    match verifier {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(error) => {
            let text =
                format!("the system's certificates, or those of ca, cannot be used: {error}");
            Err(Error::argument(text))
        }
    }
}

/// The system's verifier is written in Java, and a library in C cannot reach it by itself.
#[cfg(target_os = "android")]
fn system_verifier(
    _own: &[CertificateDer<'static>],
    _provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    Err(Error::new(
        crate::error::Status::NotSupported,
        "the system's certificates are not available on Android in this version; clear \
         use_system_roots and give ca",
    ))
}

fn roots(pem: &[u8], what: &str) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem, what)? {
        store
            .add(certificate)
            .map_err(|error| Error::argument(format!("{what} has a wrong certificate: {error}")))?;
    }
    Ok(store)
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    check_size(pem, what)?;
    let all = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<Vec<_>, _>>();
    let all = all.map_err(|error| Error::argument(format!("{what} is not PEM: {error}")))?;
    if all.is_empty() && pem.iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(Error::argument(format!("{what} holds no certificate in PEM")));
    }
    Ok(all)
}

fn read_identity(
    identity: &TlsIdentity,
    certificate: &str,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = certificates(&identity.certificate, certificate)?;
    if chain.is_empty() {
        return Err(Error::argument(format!("{certificate} is empty; give a chain in PEM")));
    }
    check_size(&identity.key, key)?;
    let secret = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|error| {
        let hint = "an unencrypted PKCS #8, PKCS #1 or SEC 1 key in PEM is needed";
        Error::argument(format!("{key} cannot be read ({error}); {hint}"))
    })?;
    Ok((chain, secret))
}

fn check_size(pem: &[u8], what: &str) -> Result<()> {
    if pem.len() <= TLS_PEM_SIZE_MAX {
        return Ok(());
    }
    let size = pem.len();
    Err(Error::argument(format!("{what} has {size} bytes; at most {TLS_PEM_SIZE_MAX} are read")))
}

/// Chooses a server's certificate by the name that the client asks for (RFC 6066 section 3).
#[derive(Debug)]
struct ByName {
    /// The first is the default.
    identities: Vec<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| server_name(name).ok());
        let named = name.and_then(|name| {
            self.identities.iter().find(|identity| {
                let parsed = identity.cert.first().map(ParsedCertificate::try_from);
                parsed.is_some_and(|parsed| {
                    parsed.is_ok_and(|parsed| {
                        rustls::client::verify_server_name(&parsed, &name).is_ok()
                    })
                })
            })
        });
        named.or_else(|| self.identities.first()).cloned()
    }
}
