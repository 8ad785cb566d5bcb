//! TLS of clients and servers: certificates and keys come in, as PEM texts.

use core::mem::offset_of;
use core::ptr::null;

use super::args;
use super::boundary::{guard, with_driver};
use super::codes::{
    ND_TLS_CLIENT_CERTIFICATES_NONE, ND_TLS_CLIENT_CERTIFICATES_OPTIONAL,
    ND_TLS_CLIENT_CERTIFICATES_REQUIRED, ND_TLS_VERSION_1_2, ND_TLS_VERSION_1_3, nd_result,
};
use super::settings::check_reserved;
use super::structs::{nd_driver, nd_tls_client, nd_tls_identity, nd_tls_server};
use crate::error::{Error, Result};
use crate::settings::{
    ClientCertificates, TLS_IDENTITIES_MAX, TlsClient, TlsIdentity, TlsServer, TlsVersion,
};

/// The smallest struct_size that is accepted: up to the last field of version 0.2.
const CLIENT_SIZE_MIN: usize = offset_of!(nd_tls_client, reserved) + 4;
/// As [`CLIENT_SIZE_MIN`], for servers.
const SERVER_SIZE_MIN: usize = offset_of!(nd_tls_server, reserved) + 4;

/// Fill a client's TLS with the defaults: the certificates that the system trusts, TLS 1.2 or
/// later.
///
/// @param out_tls  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_tls_client_init(out_tls: *mut nd_tls_client) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_tls, "out_tls")? = default_client();
        Ok(())
    })
}

/// Fill a server's TLS with the defaults: no certificate yet, none of clients, TLS 1.2 or later.
///
/// @param out_tls  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_tls_server_init(out_tls: *mut nd_tls_server) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_tls, "out_tls")? = default_server();
        Ok(())
    })
}

/// Say how clients on a WebSocket or TCP interface speak TLS: those of nd_driver_connect and
/// nd_driver_connect_host always, those of nd_driver_connect_url for wss:// when their options say
/// nothing. For connections that start later.
///
/// @param driver  the driver
/// @param interface_index  a WebSocket or TCP interface
/// @param tls  how; copied, with everything it points to; NULL: not at all, and wss:// as
/// nd_tls_client_init says
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_STRUCT_SIZE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_INVALID_ARGUMENT (no such interface, or a certificate or key that cannot be used;
/// nd_last_error says which, and nothing has changed); ND_ERROR_NOT_SUPPORTED (interfaces
/// of other kinds; use_system_roots on Android); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_tls_client(
    driver: *mut nd_driver,
    interface_index: u32,
    tls: *const nd_tls_client,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        driver.set_tls_client(interface_index, client_from_abi(tls)?.as_ref())
    })
}

/// Let the listeners of a WebSocket or TCP interface speak TLS (wss, https), and nothing else.
/// Before or while they listen: what is set here is for clients that connect later, and nobody is
/// dropped, so that a certificate can be replaced before it expires. A WebSocket client without TLS
/// is answered with 400; over TCP its stream ends.
///
/// @param driver  the driver
/// @param interface_index  a WebSocket or TCP interface
/// @param tls  how; copied, with everything it points to; NULL: without TLS again
/// @return as nd_driver_set_tls_client
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_tls_server(
    driver: *mut nd_driver,
    interface_index: u32,
    tls: *const nd_tls_server,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        driver.set_tls_server(interface_index, server_from_abi(tls)?.as_ref())
    })
}

fn default_client() -> nd_tls_client {
    let defaults = TlsClient::default();
    nd_tls_client {
        struct_size: size_of::<nd_tls_client>() as u32,
        use_system_roots: u32::from(defaults.use_system_roots),
        insecure: u32::from(defaults.insecure),
        version_min: ND_TLS_VERSION_1_2,
        ca: null(),
        identity: nd_tls_identity {
            certificate: null(),
            key: null(),
            certificate_length: 0,
            key_length: 0,
            ocsp: null(),
            ocsp_length: 0,
            reserved: 0,
        },
        server_name: null(),
        ca_length: 0,
        reserved: 0,
        key_log_file: null(),
    }
}

const fn default_server() -> nd_tls_server {
    nd_tls_server {
        struct_size: size_of::<nd_tls_server>() as u32,
        identity_count: 0,
        client_certificates: ND_TLS_CLIENT_CERTIFICATES_NONE,
        version_min: ND_TLS_VERSION_1_2,
        identities: null(),
        client_ca: null(),
        client_name: null(),
        client_ca_length: 0,
        reserved: 0,
        key_log_file: null(),
    }
}

/// What the struct means; nothing for NULL.
///
/// # Safety
/// NULL, or valid for its struct_size, with texts that are NULL or NUL-ended, and PEM texts that
/// hold their lengths.
pub(super) unsafe fn client_from_abi(tls: *const nd_tls_client) -> Result<Option<TlsClient>> {
    if tls.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's contract.
    unsafe {
        let raw = args::growable(tls, default_client(), CLIENT_SIZE_MIN, "tls")?;
        check_reserved(raw.reserved)?;
        let identity = identity(&raw.identity)?;
        let empty = identity.certificate.is_empty() && identity.key.is_empty();
        Ok(Some(TlsClient {
            ca: args::slice(raw.ca, raw.ca_length, "ca")?.to_vec(),
            use_system_roots: switch(raw.use_system_roots, "use_system_roots")?,
            server_name: args::optional_text(raw.server_name, "server_name")?.map(str::to_owned),
            identity: (!empty).then_some(identity),
            insecure: switch(raw.insecure, "insecure")?,
            version_min: version(raw.version_min)?,
            key_log_file: args::optional_text(raw.key_log_file, "key_log_file")?.map(str::to_owned),
        }))
    }
}

/// As [`client_from_abi`].
unsafe fn server_from_abi(tls: *const nd_tls_server) -> Result<Option<TlsServer>> {
    if tls.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's contract.
    unsafe {
        let raw = args::growable(tls, default_server(), SERVER_SIZE_MIN, "tls")?;
        check_reserved(raw.reserved)?;
        if raw.identity_count as usize > TLS_IDENTITIES_MAX {
            let text = format!("identity_count is above {TLS_IDENTITIES_MAX}");
            return Err(Error::argument(text));
        }
        let identities = args::slice(raw.identities, raw.identity_count, "identities")?;
        let mut chains = Vec::new();
        for raw in identities {
            chains.push(identity(raw)?);
        }
        Ok(Some(TlsServer {
            identities: chains,
            client_certificates: client_certificates(raw.client_certificates)?,
            client_ca: args::slice(raw.client_ca, raw.client_ca_length, "client_ca")?.to_vec(),
            client_name: args::optional_text(raw.client_name, "client_name")?.map(str::to_owned),
            version_min: version(raw.version_min)?,
            key_log_file: args::optional_text(raw.key_log_file, "key_log_file")?.map(str::to_owned),
        }))
    }
}

/// As [`client_from_abi`].
unsafe fn identity(raw: &nd_tls_identity) -> Result<TlsIdentity> {
    // SAFETY: the caller's contract.
    unsafe {
        let certificate = args::slice(raw.certificate, raw.certificate_length, "certificate")?;
        let key = args::slice(raw.key, raw.key_length, "key")?;
        check_reserved(raw.reserved)?;
        let ocsp = args::slice(raw.ocsp, raw.ocsp_length, "ocsp")?;
        Ok(TlsIdentity {
            certificate: certificate.to_vec(),
            key: key.to_vec(),
            ocsp: ocsp.to_vec(),
        })
    }
}

fn switch(value: u32, name: &str) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::argument(format!("{name} must be 0 or 1"))),
    }
}

fn version(number: u32) -> Result<TlsVersion> {
    match number {
        ND_TLS_VERSION_1_2 => Ok(TlsVersion::Tls12),
        ND_TLS_VERSION_1_3 => Ok(TlsVersion::Tls13),
        _ => Err(Error::argument("version_min must be ND_TLS_VERSION_1_2 or _1_3")),
    }
}

fn client_certificates(number: u32) -> Result<ClientCertificates> {
    match number {
        ND_TLS_CLIENT_CERTIFICATES_NONE => Ok(ClientCertificates::None),
        ND_TLS_CLIENT_CERTIFICATES_OPTIONAL => Ok(ClientCertificates::Optional),
        ND_TLS_CLIENT_CERTIFICATES_REQUIRED => Ok(ClientCertificates::Required),
        _ => Err(Error::argument(
            "client_certificates must be ND_TLS_CLIENT_CERTIFICATES_NONE, _OPTIONAL or _REQUIRED",
        )),
    }
}
