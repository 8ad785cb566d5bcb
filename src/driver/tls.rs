//! TLS of interfaces and connections: who speaks it, with what, and what follows when it fails.

use std::io;

use data_encoding::BASE64;

use super::counting::HandshakeFailure;
use super::plan::Failure;
use super::stream::CODE_ABNORMAL;
use super::streams::Phase;
use super::{Connection, DisconnectReason, Ending, NetworkDriver};
use crate::error::{Error, Result, Status};
use crate::log::note;
use crate::pump::{ClientTls, ServerTls, StreamId, TlsFacts, TlsFailure};
use crate::settings::{InterfaceKind, TlsClient, TlsServer};

/// Letters of a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

impl NetworkDriver {
    /// Lets all clients on a WebSocket or TCP interface speak TLS, those by address included;
    /// `None`: only those that ask for `wss://`. For connections that start later.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] says which certificate or key is wrong; [`Status::NotSupported`]
    /// on interfaces of other kinds.
    pub fn set_tls_client(&mut self, interface: u32, settings: Option<&TlsClient>) -> Result<()> {
        let place = self.interface(interface)?;
        check_kind(place.settings.kind)?;
        place.tls_client = settings.map(ClientTls::new).transpose()?;
        Ok(())
    }

    /// Lets the listeners of a WebSocket or TCP interface speak TLS, or, with `None`, not any more.
    /// For clients that connect later; those that are connected stay.
    ///
    /// # Errors
    /// As [`set_tls_client`](Self::set_tls_client).
    pub fn set_tls_server(&mut self, interface: u32, settings: Option<&TlsServer>) -> Result<()> {
        let place = self.interface(interface)?;
        check_kind(place.settings.kind)?;
        place.tls_server = settings.map(ServerTls::new).transpose()?;
        Ok(())
    }

    /// TLS for a `wss://` URL: what it was given, else the interface's, else with the system's
    /// certificates.
    pub(super) fn url_tls(
        &mut self,
        interface: u32,
        host: &str,
        settings: Option<&TlsClient>,
    ) -> Result<(ClientTls, String)> {
        let own = self.interface(interface)?.tls_client.clone();
        let config = match (settings, own) {
            (None, Some(own)) => own,
            (settings, _) => self.client_tls(settings)?,
        };
        let name = config.name_for(host)?;
        Ok((config, name))
    }

    /// TLS with these settings, or with those of the system.
    fn client_tls(&mut self, settings: Option<&TlsClient>) -> Result<ClientTls> {
        let default = TlsClient::default();
        let settings = settings.unwrap_or(&default);
        match &self.tls_client {
            Some(last) if last.is_made_of(settings) => Ok(last.clone()),
            _ => Ok(self.tls_client.insert(ClientTls::new(settings)?).clone()),
        }
    }

    /// TLS to an `https://` proxy.
    pub(super) fn proxy_tls(
        &mut self,
        host: &str,
        settings: Option<&TlsClient>,
    ) -> Result<(ClientTls, String)> {
        let config = self.client_tls(settings)?;
        let name = config.name_for(host)?;
        Ok((config, name))
    }

    /// TLS for a connection by address or name: the interface's, if it has any.
    pub(super) fn interface_tls(
        &mut self,
        interface: u32,
        host: &str,
    ) -> Result<Option<(ClientTls, String)>> {
        let Some(config) = self.interface(interface)?.tls_client.clone() else {
            return Ok(None);
        };
        let name = config.name_for(host)?;
        Ok(Some((config, name)))
    }

    /// Starts TLS on a client's stream, if its plan says so.
    pub(super) fn start_tls(&mut self, id: StreamId) -> Result<()> {
        let Some(index) = self.streams.connection(id) else {
            return Ok(());
        };
        let plan = self.connections.at(index).plan.as_ref();
        match plan.and_then(|plan| plan.tls.as_ref()) {
            Some((config, name)) => {
                warn_of(config, name);
                self.pump.start_tls(id, config, name)
            }
            None => Ok(()),
        }
    }

    /// Starts TLS to the proxy on a client's stream, if its plan says so.
    pub(super) fn start_proxy_tls(&mut self, id: StreamId) -> Result<()> {
        let Some(index) = self.streams.connection(id) else {
            return Ok(());
        };
        let plan = self.connections.at(index).plan.as_ref();
        match plan.and_then(|plan| plan.proxy_tls.as_ref()) {
            Some((config, name)) => {
                warn_of(config, name);
                self.pump.start_tls(id, config, name)
            }
            None => Ok(()),
        }
    }

    /// A stream failed, and perhaps it was TLS.
    pub(super) fn stream_failed(&mut self, id: StreamId, error: &io::Error) {
        let failure = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsFailure>());
        match failure {
            Some(failure) => self.tls_failed(id, failure),
            None => self.stream_lost(id, &error.to_string()),
        }
    }

    /// TLS has ended a stream. The alert that tells the peer why still leaves.
    fn tls_failed(&mut self, id: StreamId, failure: &TlsFailure) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        note!(Info, "stream with {}: {failure}", state.remote());
        if state.held.is_some() {
            // It had ended before; only our answer was still to come.
            self.stream_lost(id, &failure.text);
            return;
        }
        let phase = state.phase;
        if phase == Phase::Open && self.is_requesting(id) {
            // TLS 1.3: the client is done before the server has looked at its certificate.
            self.attempt_failed(id, Failure::tls(failure.text.as_str()));
            return;
        }
        match phase {
            Phase::Connecting | Phase::Proxy | Phase::ResponseHead | Phase::Securing => {
                self.attempt_failed(id, Failure::tls(failure.text.as_str()));
                return;
            }
            Phase::RequestHead if failure.plain_http => {
                let text = "TLS is spoken at this port: use wss:// or https://\n";
                self.count_failure(HandshakeFailure::Tls);
                self.answer_in_text(id, 400, &[], text);
                return;
            }
            Phase::ProxyHeader | Phase::RequestHead | Phase::Asking | Phase::Undecided => {
                self.count_failure(HandshakeFailure::Tls);
            }
            Phase::Open => {
                let ending = Ending {
                    close_code: CODE_ABNORMAL,
                    ..Ending::with_text(
                        DisconnectReason::AuthenticationFailure,
                        failure.text.clone(),
                    )
                };
                self.part(id, ending);
            }
            Phase::Closing | Phase::Draining => {}
        }
        self.start_draining(id, false);
    }

    /// What TLS agreed on; `None` without TLS.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    fn tls_facts(&self, connection: Connection) -> Result<Option<&TlsFacts>> {
        let http = self.entry(connection)?.http.as_ref();
        Ok(http.and_then(|http| http.tls()))
    }

    /// The version of TLS, `TLSv1.2` or `TLSv1.3`; empty without TLS.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn tls_version(&self, connection: Connection) -> Result<&str> {
        Ok(self.tls_facts(connection)?.map_or("", |facts| facts.version))
    }

    /// The cipher suite's name, such as `TLS_AES_128_GCM_SHA256`; empty without TLS.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn tls_cipher(&self, connection: Connection) -> Result<&str> {
        Ok(self.tls_facts(connection)?.map_or("", |facts| &facts.cipher))
    }

    /// The name that the client asked for; empty without TLS, and where it asked for none.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn tls_server_name(&self, connection: Connection) -> Result<&str> {
        let facts = self.tls_facts(connection)?;
        Ok(facts.and_then(|facts| facts.server_name.as_deref()).unwrap_or_default())
    }

    /// The certificate that the peer showed, in PEM; empty without TLS, and where it showed none.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn tls_peer_certificate(&self, connection: Connection) -> Result<String> {
        let facts = self.tls_facts(connection)?;
        let certificate = facts.and_then(|facts| facts.peer_certificate.as_deref());
        Ok(certificate.map_or_else(String::new, pem))
    }
}

fn warn_of(config: &ClientTls, name: &str) {
    if config.is_insecure() {
        note!(
            Warning,
            "TLS to {name} is insecure: nobody verifies who that is, and anybody on the way can \
             read and change everything"
        );
    }
}

fn check_kind(kind: InterfaceKind) -> Result<()> {
    match kind {
        InterfaceKind::WebSocket | InterfaceKind::Tcp => Ok(()),
        InterfaceKind::Udp => Err(Error::new(
            Status::NotSupported,
            "TLS over UDP (DTLS) is not available in this version; use a WebSocket or a TCP \
             interface",
        )),
        InterfaceKind::Ipc => {
            Err(Error::new(Status::NotSupported, "an IPC interface does not leave the process"))
        }
        InterfaceKind::Custom => Err(Error::new(
            Status::NotSupported,
            "a custom interface sees to its own secrecy; TLS needs a WebSocket or TCP interface",
        )),
    }
}

pub(super) fn pem(certificate: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let letters = BASE64.encode(certificate);
    let mut rest = letters.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(PEM_LINE));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}
