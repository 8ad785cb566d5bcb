//! Certificates that a test makes for itself: an authority, and what it signs.

use netdriver::settings::{ClientCertificates, TlsClient, TlsIdentity, TlsServer};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};

/// Issues certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// With a key and a name of its own.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let name = format!("authority {:02x?}", &key.public_key_raw()[1..9]);
        params.distinguished_name.push(DnType::CommonName, name);
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("signs") }
    }

    /// Its certificate in PEM.
    pub fn pem(&self) -> Vec<u8> {
        self.issuer.pem().into_bytes()
    }

    /// A certificate for these names, and its key.
    pub fn identity(&self, names: &[&str]) -> TlsIdentity {
        self.sign(parameters(names))
    }

    /// The same, no longer valid.
    pub fn expired(&self, names: &[&str]) -> TlsIdentity {
        let mut params = parameters(names);
        params.not_before = date_time_ymd(1999, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    /// The same, not valid yet.
    pub fn of_the_future(&self, names: &[&str]) -> TlsIdentity {
        let mut params = parameters(names);
        params.not_before = date_time_ymd(3000, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> TlsIdentity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signs");
        TlsIdentity {
            certificate: certificate.pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
            ..TlsIdentity::default()
        }
    }

    /// A client that trusts this authority and nobody else.
    pub fn client(&self) -> TlsClient {
        TlsClient { ca: self.pem(), use_system_roots: false, ..TlsClient::default() }
    }

    /// A server for these names.
    pub fn server(&self, names: &[&str]) -> TlsServer {
        TlsServer { identities: vec![self.identity(names)], ..TlsServer::default() }
    }

    /// The same, asking for certificates of this authority.
    pub fn strict_server(&self, policy: ClientCertificates) -> TlsServer {
        TlsServer {
            client_certificates: policy,
            client_ca: self.pem(),
            ..self.server(&["localhost"])
        }
    }
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    CertificateParams::new(names).expect("names")
}

/// A certificate that signs itself as an authority and is used as a server's, as
/// `openssl req -x509` makes it.
pub fn self_made(names: &[&str]) -> TlsIdentity {
    let mut params = parameters(names);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("signs");
    TlsIdentity {
        certificate: certificate.pem().into_bytes(),
        key: key.serialize_pem().into_bytes(),
        ..TlsIdentity::default()
    }
}
