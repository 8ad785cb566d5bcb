//! Connections: accept, connect, close, and what is known of them.

use core::ffi::c_char;

use super::args;
use super::boundary::with_driver;
use super::codes::{
    ND_DIALECT_PLAIN, ND_DIALECT_UTP, ND_TEXT_COOKIES, ND_TEXT_EXTENSIONS, ND_TEXT_HEADERS,
    ND_TEXT_HOST, ND_TEXT_METHOD, ND_TEXT_ORIGIN, ND_TEXT_PATH, ND_TEXT_QUERY,
    ND_TEXT_SUB_PROTOCOL, ND_TEXT_SUB_PROTOCOLS_OFFERED, ND_TEXT_TLS_CIPHER,
    ND_TEXT_TLS_PEER_CERTIFICATE, ND_TEXT_TLS_SERVER_NAME, ND_TEXT_TLS_VERSION, ND_TEXT_URL,
    nd_result,
};
use super::settings as convert;
use super::structs::{
    nd_connect_options, nd_connection, nd_connection_info, nd_driver, nd_endpoint,
};
use crate::error::{Error, Result};
use crate::proto::endpoint::NetworkEndpoint;
use crate::settings::{Dialect, UrlOptions};
use crate::{Connection, ConnectionInfo, ConnectionText};

/// Take the oldest connection that came from outside. Its events wait until then.
///
/// @param driver  the driver
/// @param out_connection  out: the connection; 0 when none waits
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_accept(
    driver: *mut nd_driver,
    out_connection: *mut nd_connection,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_connection, "out_connection")?;
        *out = driver.accept().map_or(0, Connection::to_u64);
        Ok(())
    })
}

/// Connect to an address, in the UTP dialect. The connection is Connecting at once; a Connect or
/// Disconnect event follows.
///
/// @param driver  the driver
/// @param interface_index  the interface to use
/// @param endpoint  the server; of any family on a custom interface, else IPv4 or IPv6
/// @param payload  bytes for the server with the connection request, copied; NULL for none
/// @param payload_length  length of `payload` in bytes; at most 1375 on UDP, IPC and custom
/// interfaces, 1373 on TCP, 1361 on WebSocket, with the default max_message_size
/// @param out_connection  out: the connection
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
/// ND_ERROR_NETWORK_PACKET_OVERFLOW (payload too long); ND_ERROR_LIMIT_REACHED (connections_max);
/// ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_connect(
    driver: *mut nd_driver,
    interface_index: u32,
    endpoint: *const nd_endpoint,
    payload: *const u8,
    payload_length: u32,
    out_connection: *mut nd_connection,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let endpoint = args::endpoint(endpoint, "endpoint")?;
        let payload = args::slice(payload, payload_length, "payload")?;
        let out = args::output(out_connection, "out_connection")?;
        *out = driver.connect(interface_index, &endpoint, payload)?.to_u64();
        Ok(())
    })
}

/// Connect to a host by name, in the UTP dialect. The name is looked up in the background; when
/// it has no address, a Disconnect event with ND_DISCONNECT_HOST_NOT_FOUND follows.
///
/// @param driver  the driver
/// @param interface_index  the interface to use (UDP or WebSocket)
/// @param host  a name, or an address as text; "localhost" tries IPv4 first
/// @param port  the port
/// @param payload  as for nd_driver_connect
/// @param payload_length  as for nd_driver_connect
/// @param out_connection  out: the connection
/// @return as nd_driver_connect
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_connect_host(
    driver: *mut nd_driver,
    interface_index: u32,
    host: *const c_char,
    port: u16,
    payload: *const u8,
    payload_length: u32,
    out_connection: *mut nd_connection,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let host = args::text(host, "host")?;
        let payload = args::slice(payload, payload_length, "payload")?;
        let out = args::output(out_connection, "out_connection")?;
        *out = driver.connect_host(interface_index, host, port, payload)?.to_u64();
        Ok(())
    })
}

/// Connect to a WebSocket server by URL, in the plain dialect unless the options say otherwise.
/// The driver gets a WebSocket interface when it has none.
///
/// @param driver  the driver
/// @param url  ws:// or wss://[user:password@]host[:port][/path][?query]; user and password become
/// `Authorization: Basic`
/// @param options  sub-protocols, headers, dialect, TLS, proxy, redirects; copied; NULL for the
/// defaults
/// @param out_connection  out: the connection
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT (certificates and keys included);
/// ND_ERROR_LIMIT_REACHED; ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_connect_url(
    driver: *mut nd_driver,
    url: *const c_char,
    options: *const nd_connect_options,
    out_connection: *mut nd_connection,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let url = args::text(url, "url")?;
        let out = args::output(out_connection, "out_connection")?;
        let options = if options.is_null() {
            UrlOptions::default()
        } else {
            let defaults = convert::default_options();
            let size_min = convert::OPTIONS_SIZE_MIN;
            let raw = args::growable(options, defaults, size_min, "options")?;
            convert::options_from_abi(&raw)?
        };
        *out = driver.connect_url(url, &options)?.to_u64();
        Ok(())
    })
}

/// Close a connection. The peer is told with the next update or flush; what was sent before goes
/// out first. No event follows on this side, unless ND_OPTIONAL_EVENT_LOCAL_CLOSE asks for one. A
/// WebSocket closes with code 1000.
///
/// @param driver  the driver
/// @param connection  which; it reads as Disconnected at once (Disconnecting with
/// ND_OPTIONAL_EVENT_LOCAL_CLOSE)
/// @return ND_OK (also when it has ended already, or was closed since the last flush);
/// ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH (gone);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_disconnect(
    driver: *mut nd_driver,
    connection: nd_connection,
) -> nd_result {
    with_driver(driver, |driver| driver.disconnect(Connection::from_u64(connection)))
}

/// Close a plain WebSocket connection with a code and a reason (RFC 6455 section 7.4). On other
/// connections this is nd_driver_disconnect.
///
/// @param driver  the driver
/// @param connection  which; it reads as Disconnected at once (Disconnecting with
/// ND_OPTIONAL_EVENT_LOCAL_CLOSE)
/// @param code  1000 to 1003, 1007 to 1014, or 3000 to 4999. The others are refused, as no Close
/// frame may carry them: 1004 has no meaning; 1005, 1006 and 1015 only tell this side how a
/// connection ended; 1016 to 2999 are kept for later versions of the protocol; below 1000 and
/// above 4999 there are none. A peer that sends one of them breaks the protocol (1002)
/// @param reason  UTF-8, copied; NULL when the length is 0
/// @param reason_length  length of `reason` in bytes; at most 123
/// @return as nd_driver_disconnect; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (code or
/// reason; the connection stays open)
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_close(
    driver: *mut nd_driver,
    connection: nd_connection,
    code: u16,
    reason: *const u8,
    reason_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let reason = args::slice(reason, reason_length, "reason")?;
        driver.close(Connection::from_u64(connection), code, reason)
    })
}

/// End a connection at once. What waits to be sent is dropped, the peer is not told (over TCP it
/// sees the stream end, over UDP only silence), and no event follows, whatever nd_settings says.
///
/// @param driver  the driver
/// @param connection  which; the value is stale from here on
/// @return ND_OK (also when it has ended already); ND_ERROR_INVALID_HANDLE;
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH (gone); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_abort(driver: *mut nd_driver, connection: nd_connection) -> nd_result {
    with_driver(driver, |driver| driver.abort(Connection::from_u64(connection)))
}

/// Send a ping over a WebSocket connection, behind the messages sent before it. Its pong measures
/// the round trip of nd_connection_get_info and, with ND_OPTIONAL_EVENT_PONG, is an ND_EVENT_PONG
/// with the same bytes. When pong_timeout_ms is set, the connection ends if nothing at all follows
/// the ping. Only the pong of the last ping is measured: to have several under way at once, give
/// them different bytes.
///
/// @param driver  the driver
/// @param connection  which
/// @param payload  what the ping carries, copied; NULL when the length is 0
/// @param payload_length  length of `payload` in bytes; at most 125
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH, _STATE_MISMATCH (not Connected, or the peer has said goodbye),
/// _PACKET_OVERFLOW, _SEND_QUEUE_FULL; ND_ERROR_NOT_SUPPORTED (no WebSocket);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_ping(
    driver: *mut nd_driver,
    connection: nd_connection,
    payload: *const u8,
    payload_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let payload = args::slice(payload, payload_length, "payload")?;
        driver.ping(Connection::from_u64(connection), payload)
    })
}

/// The state of a connection.
///
/// @param driver  the driver
/// @param connection  which
/// @param out_state  out: ND_STATE_…; Disconnected for a stale or unknown connection
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_state(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_state: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_state, "out_state")?;
        *out = driver.connection_state(Connection::from_u64(connection)) as i32;
        Ok(())
    })
}

/// Addresses, interface, dialect, round trip and counters of a connection.
///
/// @param driver  the driver
/// @param connection  which; one that has ended can be asked about until the first update after
/// its Disconnect event was popped
/// @param out_info  in: struct_size, see nd_connection_info_init; out: the facts
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_info(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_info: *mut nd_connection_info,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let info = driver.connection_info(Connection::from_u64(connection))?;
        args::fill_growable(out_info, info_to_abi(&info), convert::INFO_SIZE_MIN, "out_info")
    })
}

/// The longest message that a connection takes.
///
/// @param driver  the driver
/// @param connection  which
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
/// @param out_size  out: payload bytes
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH, _STATE_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_payload_size_max(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    out_size: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_size, "out_size")?;
        *out = driver.payload_size_max(Connection::from_u64(connection), pipeline)?;
        Ok(())
    })
}

/// Bytes that were sent on a connection and have not left yet: the number that a browser calls
/// bufferedAmount, frame headers included.
///
/// @param driver  the driver
/// @param connection  which
/// @param out_bytes  out: bytes; always 0 on UDP and IPC, where what waits leaves whole
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_buffered_amount(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_bytes: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_bytes, "out_bytes")?;
        *out = driver.buffered_amount(Connection::from_u64(connection))?;
        Ok(())
    })
}

/// The bytes that a client gave with its connection request (UTP dialect).
///
/// @param driver  the driver
/// @param connection  a connection that came from outside
/// @param buffer  where to write them; NULL with capacity 0 asks for the length only
/// @param capacity  bytes at `buffer`
/// @param out_length  out: how many there are
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH; ND_ERROR_BUFFER_TOO_SMALL (the length is written); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_connect_payload(
    driver: *mut nd_driver,
    connection: nd_connection,
    buffer: *mut u8,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out_length = args::output(out_length, "out_length")?;
        let room = args::slice_mut(buffer, capacity, "buffer")?;
        let payload = driver.connect_payload(Connection::from_u64(connection))?;
        *out_length = payload.len() as u32;
        if capacity == 0 && buffer.is_null() {
            return Ok(());
        }
        let room = room.get_mut(..payload.len()).ok_or_else(|| {
            let text = format!("buffer holds {capacity} bytes, {} are needed", payload.len());
            Error::new(crate::Status::BufferTooSmall, text)
        })?;
        room.copy_from_slice(payload);
        Ok(())
    })
}

/// Set the bytes that every client gets with the answer to its connection request (UTP dialect);
/// its Connect event shows them. Over datagrams a client has to prove its address first, which
/// those of netdriver do by themselves; Unity Transport's cannot, and get the bytes only with
/// accept_payload_before_validation of nd_settings, or with as long a connect payload. Clients of
/// Unity Transport before 2.7 ignore them; leave them away when clients before 2.2 connect.
///
/// @param driver  the driver
/// @param payload  the bytes, copied; NULL when the length is 0
/// @param payload_length  length in bytes; at most as for nd_driver_connect on WebSocket; 0 for none
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_NETWORK_PACKET_OVERFLOW; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_accept_payload(
    driver: *mut nd_driver,
    payload: *const u8,
    payload_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        driver.set_accept_payload(args::slice(payload, payload_length, "payload")?)
    })
}

/// A text of a WebSocket connection: path, query, sub-protocol, all headers, extensions, TLS, and
/// what else ND_TEXT_… names.
///
/// @param driver  the driver
/// @param connection  which
/// @param text_kind  ND_TEXT_…
/// @param buffer  where to write the text and a NUL; NULL with capacity 0 asks for the length only
/// @param capacity  bytes at `buffer`
/// @param out_length  out: bytes of the text without the NUL; may be NULL
/// @return ND_OK (an empty text where there is none, as on UDP); ND_ERROR_INVALID_HANDLE;
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_INVALID_ARGUMENT;
/// ND_ERROR_BUFFER_TOO_SMALL (the length is written); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_text(
    driver: *mut nd_driver,
    connection: nd_connection,
    text_kind: u32,
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let connection = Connection::from_u64(connection);
        let text = driver.connection_text(connection, text_kind_from(text_kind)?)?;
        args::copy_text(&text, buffer, capacity, out_length)
    })
}

/// One header of the request that a WebSocket connection began with.
///
/// @param driver  the driver
/// @param connection  which; on a client the headers are those of the server's answer
/// @param name  the header's name, in any case
/// @param buffer  where to write the value and a NUL; NULL with capacity 0 asks for the length only
/// @param capacity  bytes at `buffer`
/// @param out_length  out: bytes of the value without the NUL; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH; ND_ERROR_NOT_FOUND; ND_ERROR_BUFFER_TOO_SMALL (the length is written);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_header(
    driver: *mut nd_driver,
    connection: nd_connection,
    name: *const c_char,
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let name = args::text(name, "name")?;
        let connection = Connection::from_u64(connection);
        let value = driver.request_header(connection, name)?.ok_or_else(|| {
            Error::new(crate::Status::NotFound, format!("the head has no header {name:?}"))
        })?;
        args::copy_text(value, buffer, capacity, out_length)
    })
}

/// The text that a number names.
pub(super) fn text_kind_from(number: u32) -> Result<ConnectionText> {
    match number {
        ND_TEXT_PATH => Ok(ConnectionText::Path),
        ND_TEXT_QUERY => Ok(ConnectionText::Query),
        ND_TEXT_SUB_PROTOCOL => Ok(ConnectionText::SubProtocol),
        ND_TEXT_HEADERS => Ok(ConnectionText::Headers),
        ND_TEXT_EXTENSIONS => Ok(ConnectionText::Extensions),
        ND_TEXT_METHOD => Ok(ConnectionText::Method),
        ND_TEXT_ORIGIN => Ok(ConnectionText::Origin),
        ND_TEXT_COOKIES => Ok(ConnectionText::Cookies),
        ND_TEXT_SUB_PROTOCOLS_OFFERED => Ok(ConnectionText::SubProtocolsOffered),
        ND_TEXT_HOST => Ok(ConnectionText::Host),
        ND_TEXT_URL => Ok(ConnectionText::Url),
        ND_TEXT_TLS_VERSION => Ok(ConnectionText::TlsVersion),
        ND_TEXT_TLS_CIPHER => Ok(ConnectionText::TlsCipher),
        ND_TEXT_TLS_SERVER_NAME => Ok(ConnectionText::TlsServerName),
        ND_TEXT_TLS_PEER_CERTIFICATE => Ok(ConnectionText::TlsPeerCertificate),
        _ => Err(Error::argument("text_kind must be one of ND_TEXT_…")),
    }
}

/// The struct with nothing in it.
pub(super) fn empty_info() -> nd_connection_info {
    nd_connection_info {
        struct_size: size_of::<nd_connection_info>() as u32,
        state: 0,
        interface_index: 0,
        interface_kind: 0,
        dialect: 0,
        round_trip_us: 0,
        remote: super::endpoints::to_abi(&NetworkEndpoint::INVALID),
        local: super::endpoints::to_abi(&NetworkEndpoint::INVALID),
        messages_in: 0,
        messages_out: 0,
        bytes_in: 0,
        bytes_out: 0,
        dropped_in: 0,
        refused_out: 0,
        inbound_bytes: 0,
        outbound_bytes: 0,
        peer: super::endpoints::to_abi(&NetworkEndpoint::INVALID),
        last_message_age_ms: u32::MAX,
        reserved: 0,
        round_trip_smoothed_us: 0,
        round_trip_jitter_us: 0,
        round_trip_min_us: 0,
        round_trip_max_us: 0,
        round_trip_count: 0,
        path_mtu: 0,
        validated: 0,
        session: 0,
        loss_permille: 0,
        reserved_2: 0,
    }
}

fn info_to_abi(info: &ConnectionInfo) -> nd_connection_info {
    nd_connection_info {
        state: info.state as i32,
        interface_index: info.interface,
        interface_kind: info.interface_kind as u32,
        dialect: match info.dialect {
            Dialect::Utp => ND_DIALECT_UTP,
            Dialect::Plain => ND_DIALECT_PLAIN,
        },
        round_trip_us: info.round_trip_us,
        remote: super::endpoints::to_abi(&info.remote),
        local: super::endpoints::to_abi(&info.local),
        messages_in: info.messages_in,
        messages_out: info.messages_out,
        bytes_in: info.bytes_in,
        bytes_out: info.bytes_out,
        dropped_in: info.dropped_in,
        refused_out: info.refused_out,
        inbound_bytes: info.inbound_bytes,
        outbound_bytes: info.outbound_bytes,
        peer: super::endpoints::to_abi(&info.peer),
        last_message_age_ms: info.last_message_age_ms.unwrap_or(u32::MAX),
        round_trip_smoothed_us: info.round_trip_smoothed_us,
        round_trip_jitter_us: info.round_trip_jitter_us,
        round_trip_min_us: info.round_trip_least_us,
        round_trip_max_us: info.round_trip_most_us,
        round_trip_count: info.round_trip_count,
        path_mtu: info.path_mtu.into(),
        validated: u32::from(info.validated),
        session: u32::from(info.session),
        loss_permille: info.loss_permille,
        ..empty_info()
    }
}
