//! What a program can ask: states, addresses, counters, texts of the handshake.

use std::borrow::Cow;

use super::connections::{Entry, Link};
use super::http_facts::ConnectionText;
use super::{Connection, ConnectionInfo, ConnectionState, NetworkDriver, Statistics};
use crate::error::Result;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::MICROS_PER_MS;
use crate::proto::utp::connection::UtpConnection;

impl NetworkDriver {
    /// The state of a connection; Disconnected for a stale one.
    #[must_use]
    pub fn connection_state(&self, connection: Connection) -> ConnectionState {
        let entry = self.entry(connection);
        entry.map_or(ConnectionState::Disconnected, |entry| entry.state)
    }

    /// How many events of a connection can be popped now; 0 for a stale one.
    #[must_use]
    pub fn event_queue_size(&self, connection: Connection) -> u32 {
        let entry = self.entry(connection).ok().filter(|entry| !entry.unsettled);
        entry.map_or(0, |entry| self.events.visible_in(&entry.waiting))
    }

    /// Addresses, interface, dialect, round trip and counters.
    ///
    /// # Errors
    /// [`crate::Status::NetworkIdMismatch`], [`crate::Status::NetworkVersionMismatch`].
    pub fn connection_info(&self, connection: Connection) -> Result<ConnectionInfo> {
        let entry = self.entry(connection)?;
        let endpoint = |address| {
            Option::map_or(address, NetworkEndpoint::INVALID, NetworkEndpoint::from_socket_addr)
        };
        let custom = entry.custom();
        let remote = custom.map(|ends| ends.remote);
        let age = |since| self.time().saturating_sub(since) / MICROS_PER_MS;
        let session = entry.session.as_ref().and_then(|peer| peer.established());
        Ok(ConnectionInfo {
            state: entry.state,
            interface: entry.interface,
            interface_kind: self.interfaces[entry.interface as usize].settings.kind,
            dialect: entry.dialect,
            round_trip_us: entry.round_trip.last(),
            round_trip_smoothed_us: entry.round_trip.smoothed(),
            round_trip_jitter_us: entry.round_trip.jitter(),
            round_trip_least_us: entry.round_trip.least(),
            round_trip_most_us: entry.round_trip.most(),
            round_trip_count: entry.round_trip.count(),
            path_mtu: entry.utp.as_deref().map_or(0, UtpConnection::path_mtu),
            validated: entry.utp.as_deref().is_none_or(UtpConnection::is_validated),
            session: session.is_some(),
            loss_permille: session.map_or(0, |session| (session.loss() * 1000.0) as u32),
            last_message_age_ms: entry
                .last_message
                .map(|at| u32::try_from(age(at.get())).unwrap_or(u32::MAX).min(u32::MAX - 1)),
            remote: remote.unwrap_or_else(|| endpoint(entry.remote.get())),
            peer: remote.unwrap_or_else(|| endpoint(entry.peer().or_else(|| entry.remote.get()))),
            local: custom.map_or_else(|| endpoint(entry.local.get()), |ends| ends.local),
            messages_in: entry.traffic.messages_in,
            messages_out: entry.traffic.messages_out,
            bytes_in: entry.traffic.bytes_in,
            bytes_out: entry.traffic.bytes_out,
            dropped_in: entry.traffic.dropped_in,
            refused_out: entry.traffic.refused_out,
            inbound_bytes: entry.waiting.bytes(),
            outbound_bytes: self.queued(entry),
        })
    }

    /// Bytes of a connection's stream, headers included, that were sent and have not left to the
    /// operating system yet. Always 0 on datagram interfaces.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn buffered_amount(&self, connection: Connection) -> Result<u32> {
        Ok(self.queued(self.entry(connection)?))
    }

    fn queued(&self, entry: &Entry) -> u32 {
        match entry.link {
            Link::Stream(id) => u32::try_from(self.pump.queued(id)).unwrap_or(u32::MAX),
            Link::None | Link::Udp { .. } | Link::Ipc { .. } | Link::Custom { .. } => 0,
        }
    }

    pub(super) fn entry(&self, connection: Connection) -> Result<&Entry> {
        let index = self.connections.resolve(connection)?;
        // `resolve` has found it.
        self.connections.get(index).ok_or_else(|| crate::Error::argument("no such connection"))
    }

    /// The bytes that a client gave with its connection request.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn connect_payload(&self, connection: Connection) -> Result<&[u8]> {
        let entry = self.entry(connection)?;
        Ok(if entry.incoming { entry.payload() } else { &[] })
    }

    /// The path of a WebSocket's request; empty where there is none.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn request_path(&self, connection: Connection) -> Result<&str> {
        Ok(self.entry(connection)?.http.as_ref().map_or("", |http| http.path()))
    }

    /// The query of a WebSocket's request; empty where there is none.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn request_query(&self, connection: Connection) -> Result<&str> {
        Ok(self.entry(connection)?.http.as_ref().map_or("", |http| http.query()))
    }

    /// The agreed sub-protocol; empty where there is none.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn sub_protocol(&self, connection: Connection) -> Result<&str> {
        Ok(self.entry(connection)?.http.as_ref().map_or("", |http| http.sub_protocol()))
    }

    /// Any of the texts of a WebSocket connection; empty where there is none.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn connection_text(
        &self,
        connection: Connection,
        kind: ConnectionText,
    ) -> Result<Cow<'_, str>> {
        let http = self.entry(connection)?.http.as_ref();
        Ok(http.map_or(Cow::Borrowed(""), |http| http.text(kind)))
    }

    /// The agreed extensions as the `Sec-WebSocket-Extensions` of a server's answer; empty where
    /// there are none.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn extensions(&self, connection: Connection) -> Result<String> {
        self.connection_text(connection, ConnectionText::Extensions).map(Cow::into_owned)
    }

    /// All headers that the peer sent in its handshake, one `Name: value` line each.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn request_headers(&self, connection: Connection) -> Result<String> {
        self.connection_text(connection, ConnectionText::Headers).map(Cow::into_owned)
    }

    /// One header that the peer sent in its handshake.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn request_header(&self, connection: Connection, name: &str) -> Result<Option<&str>> {
        Ok(self.entry(connection)?.http.as_ref().and_then(|http| http.header(name)))
    }

    /// Goodbyes that wait for a flush, for room in a UDP socket, or for the peer's answer.
    fn count_leaving(&self) -> usize {
        let datagrams = self.pump.udp.iter().filter(|socket| socket.has_queued()).count()
            + self.pump.custom.iter().filter(|port| port.has_queued()).count();
        let seen = self.connections.count_disconnecting() as usize;
        self.closing_unseen() + seen + self.streams.leaving() + datagrams
    }

    /// Counters since the driver was created.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let guard = self.guard.statistics();
        Statistics {
            connections: self.connections.count_active(),
            handshakes_pending: self.streams.strangers() as u32,
            connections_closing: self.count_leaving() as u32,
            stream_bytes_in: self.pump.buffer.stream_bytes,
            connections_unvalidated: self.guard.unvalidated(),
            requests_unvalidated: guard.unvalidated_refused,
            requests_over_address: guard.address_refused,
            requests_over_rate: guard.rate_refused,
            requests_late: guard.late,
            retries_out: guard.retries,
            cookies_accepted: guard.cookies_accepted,
            cookies_refused: guard.cookies_refused,
            sockets_remade: self.pump.udp_remade,
            ..self.statistics
        }
    }
}
