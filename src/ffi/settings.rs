//! Growable structs: their `_init` functions and what they mean for the driver.

use core::mem::offset_of;
use core::ptr::null;

use super::args;
use super::boundary::guard;
use super::codes::{
    ND_DIALECT_AUTO, ND_DIALECT_PLAIN, ND_DIALECT_UTP, ND_INTERFACE_CUSTOM, ND_INTERFACE_IPC,
    ND_INTERFACE_TCP, ND_INTERFACE_UDP, ND_INTERFACE_WEBSOCKET, ND_OPTIONAL_EVENT_CLOSE_REQUEST,
    ND_OPTIONAL_EVENT_FRAGMENT, ND_OPTIONAL_EVENT_LOCAL_CLOSE, ND_OPTIONAL_EVENT_PONG,
    ND_OPTIONAL_EVENT_WRITABLE, ND_SUB_PROTOCOL_LENIENT, ND_SUB_PROTOCOL_STRICT, nd_result,
};
use super::structs::{
    nd_connect_options, nd_connection_info, nd_driver_statistics, nd_interface_settings,
    nd_network_simulator, nd_settings,
};
use crate::error::{Error, Result};
use crate::settings::{
    Dialect, DialectPolicy, FragmentationConfig, InterfaceKind, InterfaceSettings, NetworkSettings,
    NetworkSimulator, REQUEST_TIMEOUT_MS, ReliableConfig, SimulatorConfig, SubProtocolRule,
    UrlOptions,
};

/// The smallest struct_size that is accepted: up to the last field of version 0.1.
pub(super) const SETTINGS_SIZE_MIN: usize = offset_of!(nd_settings, pong_timeout_ms) + 4;
/// As [`SETTINGS_SIZE_MIN`], for interfaces.
pub(super) const INTERFACE_SIZE_MIN: usize =
    offset_of!(nd_interface_settings, sub_protocols) + size_of::<*const u8>();
/// As [`SETTINGS_SIZE_MIN`], for connect options.
pub(super) const OPTIONS_SIZE_MIN: usize = offset_of!(nd_connect_options, reserved) + 4;
/// As [`SETTINGS_SIZE_MIN`], for connection facts.
pub(super) const INFO_SIZE_MIN: usize = offset_of!(nd_connection_info, outbound_bytes) + 4;
/// As [`SETTINGS_SIZE_MIN`], for counters.
pub(super) const STATISTICS_SIZE_MIN: usize =
    offset_of!(nd_driver_statistics, connections_refused) + 8;
/// As [`SETTINGS_SIZE_MIN`], for the simulator.
pub(super) const SIMULATOR_SIZE_MIN: usize = offset_of!(nd_network_simulator, seed) + 8;

unsafe fn init<T>(out: *mut T, name: &'static str, value: T) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented at each export.
    guard(|| unsafe {
        *args::output(out, name)? = value;
        Ok(())
    })
}

/// Fill settings with the defaults.
///
/// @param out_settings  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_settings_init(out_settings: *mut nd_settings) -> nd_result {
    // SAFETY: handed on.
    unsafe { init(out_settings, "out_settings", default_settings()) }
}

/// Check settings as nd_driver_create does, without making a driver.
///
/// @param settings  what to check
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT
/// (nd_last_error names the field and its bounds)
/// @thread any
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_settings_validate(settings: *const nd_settings) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let settings = args::growable(settings, default_settings(), SETTINGS_SIZE_MIN, "settings")?;
        settings_from_abi(&settings)?.validate()
    })
}

/// Fill interface settings with the defaults of a kind.
///
/// @param out_settings  out: every field set
/// @param kind  ND_INTERFACE_…
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT for an unknown kind
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_interface_settings_init(
    out_settings: *mut nd_interface_settings,
    kind: u32,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let out = args::output(out_settings, "out_settings")?;
        interface_kind(kind)?;
        *out = default_interface(kind);
        Ok(())
    })
}

/// Fill connect options with the defaults: plain dialect, nothing extra.
///
/// @param out_options  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connect_options_init(
    out_options: *mut nd_connect_options,
) -> nd_result {
    // SAFETY: handed on.
    unsafe { init(out_options, "out_options", default_options()) }
}

/// Prepare a struct for nd_connection_get_info.
///
/// @param out_info  out: struct_size set, the rest 0
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_info_init(out_info: *mut nd_connection_info) -> nd_result {
    // SAFETY: handed on.
    unsafe { init(out_info, "out_info", super::connections::empty_info()) }
}

/// Prepare a struct for nd_driver_get_statistics.
///
/// @param out_statistics  out: struct_size set, the rest 0
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_statistics_init(
    out_statistics: *mut nd_driver_statistics,
) -> nd_result {
    let empty = super::drivers::statistics_to_abi(&crate::Statistics::default());
    // SAFETY: handed on.
    unsafe { init(out_statistics, "out_statistics", empty) }
}

/// Fill a network simulator with the defaults: everything off.
///
/// @param out_simulator  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_network_simulator_init(
    out_simulator: *mut nd_network_simulator,
) -> nd_result {
    // SAFETY: handed on.
    unsafe { init(out_simulator, "out_simulator", default_simulator()) }
}

pub(super) fn default_settings() -> nd_settings {
    settings_to_abi(&NetworkSettings::default())
}

/// The settings in the ABI's layout.
pub(super) fn settings_to_abi(s: &NetworkSettings) -> nd_settings {
    nd_settings {
        struct_size: size_of::<nd_settings>() as u32,
        connect_timeout_ms: s.connect_timeout_ms,
        max_connect_attempts: s.max_connect_attempts,
        disconnect_timeout_ms: s.disconnect_timeout_ms,
        heartbeat_timeout_ms: s.heartbeat_timeout_ms,
        reconnection_timeout_ms: s.reconnection_timeout_ms,
        max_frame_time_ms: s.max_frame_time_ms,
        fixed_frame_time_ms: s.fixed_frame_time_ms,
        receive_queue_capacity: s.receive_queue_capacity,
        send_queue_capacity: s.send_queue_capacity,
        max_message_size: s.max_message_size,
        perform_path_mtu_discovery: i32::from(s.perform_path_mtu_discovery),
        optional_events: optional_events_to_abi(s),
        connections_max: s.connections_max,
        inbound_bytes_max: s.inbound_bytes_max,
        outbound_bytes_max: s.outbound_bytes_max,
        pending_handshakes_max: s.pending_handshakes_max,
        head_size_max: s.head_size_max,
        handshake_timeout_ms: s.handshake_timeout_ms,
        plain_grace_ms: s.plain_grace_ms,
        websocket_message_size_max: s.websocket_message_size_max,
        close_timeout_ms: s.close_timeout_ms,
        ping_interval_ms: s.ping_interval_ms,
        pong_timeout_ms: s.pong_timeout_ms,
        deflate: i32::from(s.deflate),
        deflate_level: s.deflate_level,
        deflate_window_bits: s.deflate_window_bits,
        deflate_peer_window_bits: s.deflate_peer_window_bits,
        deflate_no_context_takeover: s.deflate_no_context_takeover,
        deflate_minimum_length: s.deflate_minimum_length,
        sub_protocol_rule: match s.sub_protocol_rule {
            SubProtocolRule::Lenient => ND_SUB_PROTOCOL_LENIENT,
            SubProtocolRule::Strict => ND_SUB_PROTOCOL_STRICT,
        },
        fragment_size: s.fragment_size,
        silence_timeout_ms: s.silence_timeout_ms,
        tolerate_throttled: i32::from(s.tolerate_throttled),
        connect_race_delay_ms: s.connect_race_delay_ms,
        websocket_send_queue_capacity: s.websocket_send_queue_capacity,
        fragmentation_payload_capacity: s.fragmentation.payload_capacity as u32,
        reliable_window_size: s.reliable.window_size as u32,
        reliable_minimum_resend_time_ms: s.reliable.minimum_resend_time_ms as i32,
        reliable_maximum_resend_time_ms: s.reliable.maximum_resend_time_ms as i32,
        unvalidated_connections_max: s.unvalidated_connections_max,
        cookie_threshold: s.cookie_threshold,
        unvalidated_timeout_ms: s.unvalidated_timeout_ms,
        connections_per_address_max: s.connections_per_address_max,
        requests_per_address_max: s.requests_per_address_max,
        accept_payload_before_validation: i32::from(s.accept_payload_before_validation),
        round_trip_interval_ms: s.round_trip_interval_ms,
        session: i32::from(s.session),
        session_repair_percent: s.session_repair_percent,
        background_pump: i32::from(s.background_pump),
        job_workers: s.job_workers,
        path_mtu_raise_interval_ms: s.path_mtu_raise_interval_ms,
    }
}

/// Every event kind that must be asked for, and whether it was.
fn optional_events(s: &mut NetworkSettings) -> [(u32, &mut bool); 5] {
    [
        (ND_OPTIONAL_EVENT_WRITABLE, &mut s.writable_events),
        (ND_OPTIONAL_EVENT_FRAGMENT, &mut s.fragment_events),
        (ND_OPTIONAL_EVENT_PONG, &mut s.pong_events),
        (ND_OPTIONAL_EVENT_CLOSE_REQUEST, &mut s.close_request_events),
        (ND_OPTIONAL_EVENT_LOCAL_CLOSE, &mut s.local_close_events),
    ]
}

fn optional_events_to_abi(s: &NetworkSettings) -> u32 {
    let mut s = s.clone();
    let asked = optional_events(&mut s).into_iter().filter(|(_, asked)| **asked);
    asked.fold(0, |bits, (bit, _)| bits | bit)
}

fn optional_events_from_abi(bits: u32, s: &mut NetworkSettings) -> Result<()> {
    let mut rest = bits;
    for (bit, asked) in optional_events(s) {
        *asked = bits & bit != 0;
        rest &= !bit;
    }
    if rest == 0 {
        return Ok(());
    }
    Err(Error::argument(
        "optional_events has bits that this version does not know; use ND_OPTIONAL_EVENT_…",
    ))
}

/// A time that must be above 0; the settings check that, and a negative one is none.
pub(super) fn milliseconds(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// A switch of the C ABI.
fn switch(name: &str, value: i32) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::argument(format!("{name} must be 0 or 1"))),
    }
}

/// The settings that the struct means; checks what the Rust type cannot hold.
pub(super) fn settings_from_abi(s: &nd_settings) -> Result<NetworkSettings> {
    let early = switch("accept_payload_before_validation", s.accept_payload_before_validation)?;
    let mut settings = NetworkSettings {
        unvalidated_connections_max: s.unvalidated_connections_max,
        cookie_threshold: s.cookie_threshold,
        unvalidated_timeout_ms: s.unvalidated_timeout_ms,
        connections_per_address_max: s.connections_per_address_max,
        requests_per_address_max: s.requests_per_address_max,
        accept_payload_before_validation: early,
        round_trip_interval_ms: s.round_trip_interval_ms,
        connect_timeout_ms: s.connect_timeout_ms,
        max_connect_attempts: s.max_connect_attempts,
        disconnect_timeout_ms: s.disconnect_timeout_ms,
        heartbeat_timeout_ms: s.heartbeat_timeout_ms,
        reconnection_timeout_ms: s.reconnection_timeout_ms,
        max_frame_time_ms: s.max_frame_time_ms,
        fixed_frame_time_ms: s.fixed_frame_time_ms,
        receive_queue_capacity: s.receive_queue_capacity,
        send_queue_capacity: s.send_queue_capacity,
        max_message_size: s.max_message_size,
        perform_path_mtu_discovery: switch(
            "perform_path_mtu_discovery",
            s.perform_path_mtu_discovery,
        )?,
        connections_max: s.connections_max,
        inbound_bytes_max: s.inbound_bytes_max,
        outbound_bytes_max: s.outbound_bytes_max,
        websocket_send_queue_capacity: s.websocket_send_queue_capacity,
        pending_handshakes_max: s.pending_handshakes_max,
        head_size_max: s.head_size_max,
        handshake_timeout_ms: s.handshake_timeout_ms,
        plain_grace_ms: s.plain_grace_ms,
        websocket_message_size_max: s.websocket_message_size_max,
        close_timeout_ms: s.close_timeout_ms,
        ping_interval_ms: s.ping_interval_ms,
        pong_timeout_ms: s.pong_timeout_ms,
        deflate: switch("deflate", s.deflate)?,
        deflate_level: s.deflate_level,
        deflate_window_bits: s.deflate_window_bits,
        deflate_peer_window_bits: s.deflate_peer_window_bits,
        deflate_no_context_takeover: s.deflate_no_context_takeover,
        deflate_minimum_length: s.deflate_minimum_length,
        sub_protocol_rule: sub_protocol_rule(s.sub_protocol_rule)?,
        fragment_size: s.fragment_size,
        silence_timeout_ms: s.silence_timeout_ms,
        tolerate_throttled: switch("tolerate_throttled", s.tolerate_throttled)?,
        writable_events: false,
        fragment_events: false,
        pong_events: false,
        connect_race_delay_ms: s.connect_race_delay_ms,
        close_request_events: false,
        local_close_events: false,
        fragmentation: FragmentationConfig {
            payload_capacity: s.fragmentation_payload_capacity as usize,
        },
        reliable: reliable_from_abi(s),
        simulator_stage: SimulatorConfig::default(),
        session: switch("session", s.session)?,
        session_repair_percent: s.session_repair_percent,
        background_pump: switch("background_pump", s.background_pump)?,
        job_workers: s.job_workers,
        path_mtu_raise_interval_ms: s.path_mtu_raise_interval_ms,
    };
    optional_events_from_abi(s.optional_events, &mut settings)?;
    settings.validate()?;
    Ok(settings)
}

fn reliable_from_abi(s: &nd_settings) -> ReliableConfig {
    ReliableConfig {
        window_size: s.reliable_window_size as usize,
        minimum_resend_time_ms: milliseconds(s.reliable_minimum_resend_time_ms),
        maximum_resend_time_ms: milliseconds(s.reliable_maximum_resend_time_ms),
    }
}

fn sub_protocol_rule(number: u32) -> Result<SubProtocolRule> {
    match number {
        ND_SUB_PROTOCOL_LENIENT => Ok(SubProtocolRule::Lenient),
        ND_SUB_PROTOCOL_STRICT => Ok(SubProtocolRule::Strict),
        _ => Err(Error::argument(
            "sub_protocol_rule must be ND_SUB_PROTOCOL_LENIENT or ND_SUB_PROTOCOL_STRICT",
        )),
    }
}

pub(super) fn default_interface(kind: u32) -> nd_interface_settings {
    nd_interface_settings {
        struct_size: size_of::<nd_interface_settings>() as u32,
        kind,
        dialect: ND_DIALECT_AUTO,
        reserved: 0,
        path: null(),
        utp_path: null(),
        plain_path: null(),
        sub_protocols: null(),
        accept_requests: 0,
        request_timeout_ms: REQUEST_TIMEOUT_MS,
        allowed_origins: null(),
        response_headers: null(),
        trusted_proxies: null(),
        proxy_protocol: 0,
        reserved_2: 0,
        limits: null(),
    }
}

fn interface_kind(kind: u32) -> Result<InterfaceKind> {
    match kind {
        ND_INTERFACE_UDP => Ok(InterfaceKind::Udp),
        ND_INTERFACE_WEBSOCKET => Ok(InterfaceKind::WebSocket),
        ND_INTERFACE_IPC => Ok(InterfaceKind::Ipc),
        ND_INTERFACE_TCP => Ok(InterfaceKind::Tcp),
        ND_INTERFACE_CUSTOM => Err(Error::argument(
            "a custom interface has functions of its own: use nd_driver_add_custom_interface",
        )),
        _ => Err(Error::argument("kind must be ND_INTERFACE_UDP, _WEBSOCKET, _IPC or _TCP")),
    }
}

/// The interface that the struct means.
///
/// # Safety
/// The texts are NULL or NUL-ended; the limits are NULL or valid for their struct_size.
pub(super) unsafe fn interface_from_abi(s: &nd_interface_settings) -> Result<InterfaceSettings> {
    check_reserved(s.reserved | s.reserved_2)?;
    let dialect = match s.dialect {
        ND_DIALECT_AUTO => DialectPolicy::Auto,
        ND_DIALECT_UTP => DialectPolicy::UtpOnly,
        ND_DIALECT_PLAIN => DialectPolicy::PlainOnly,
        _ => {
            return Err(Error::argument("dialect must be ND_DIALECT_AUTO, _UTP or _PLAIN"));
        }
    };
    // SAFETY: the caller's contract.
    let (path, utp_path, plain_path, sub_protocols) = unsafe {
        (
            args::optional_text(s.path, "path")?,
            args::optional_text(s.utp_path, "utp_path")?,
            args::optional_text(s.plain_path, "plain_path")?,
            args::optional_text(s.sub_protocols, "sub_protocols")?,
        )
    };
    // SAFETY: the caller's contract.
    let (allowed_origins, response_headers, trusted_proxies) = unsafe {
        (
            args::optional_text(s.allowed_origins, "allowed_origins")?,
            args::optional_text(s.response_headers, "response_headers")?,
            args::optional_text(s.trusted_proxies, "trusted_proxies")?,
        )
    };
    let settings = InterfaceSettings {
        kind: interface_kind(s.kind)?,
        dialect,
        path: path.map(str::to_owned),
        utp_path: utp_path.map(str::to_owned),
        plain_path: plain_path.map(str::to_owned),
        sub_protocols: comma_list(sub_protocols),
        accept_requests: yes_or_no(s.accept_requests, "accept_requests")?,
        request_timeout_ms: s.request_timeout_ms,
        allowed_origins: allowed_origins.map(|list| comma_list(Some(list))),
        response_headers: header_lines(response_headers.unwrap_or_default())?,
        trusted_proxies: comma_list(trusted_proxies),
        proxy_protocol: yes_or_no(s.proxy_protocol, "proxy_protocol")?,
        // SAFETY: the caller's contract.
        limits: unsafe { super::limits::limits_from_abi(s.limits) }?,
    };
    settings.validate()?;
    Ok(settings)
}

fn yes_or_no(value: u32, name: &str) -> Result<bool> {
    match value {
        0 | 1 => Ok(value == 1),
        _ => Err(Error::argument(format!("{name} must be 0 or 1"))),
    }
}

pub(super) fn default_options() -> nd_connect_options {
    nd_connect_options {
        struct_size: size_of::<nd_connect_options>() as u32,
        dialect: ND_DIALECT_PLAIN,
        sub_protocols: null(),
        headers: null(),
        payload: null(),
        payload_length: 0,
        reserved: 0,
        tls: null(),
        connect_deadline_ms: 0,
        redirects_max: 0,
        proxy_from_environment: 0,
        reserved_2: 0,
        proxy: null(),
        no_proxy: null(),
        limits: null(),
        proxy_tls: null(),
        digest_only: 0,
        reserved_3: 0,
    }
}

/// The options that the struct means.
///
/// # Safety
/// The texts are NULL or NUL-ended, the payload holds its length, `tls` and `proxy_tls` are NULL
/// or as [`super::tls::client_from_abi`] wants them, `limits` is NULL or valid for its struct_size.
pub(super) unsafe fn options_from_abi(o: &nd_connect_options) -> Result<UrlOptions> {
    check_reserved(o.reserved | o.reserved_2 | o.reserved_3)?;
    if o.proxy_from_environment > 1 {
        return Err(Error::argument("proxy_from_environment must be 0 or 1"));
    }
    let dialect = match o.dialect {
        ND_DIALECT_UTP => Dialect::Utp,
        ND_DIALECT_PLAIN => Dialect::Plain,
        _ => {
            return Err(Error::argument("a client's dialect is ND_DIALECT_PLAIN or _UTP"));
        }
    };
    // SAFETY: the caller's contract.
    let (sub_protocols, headers, payload, tls, proxy, no_proxy) = unsafe {
        (
            args::optional_text(o.sub_protocols, "sub_protocols")?,
            args::optional_text(o.headers, "headers")?,
            args::slice(o.payload, o.payload_length, "payload")?,
            super::tls::client_from_abi(o.tls)?,
            args::optional_text(o.proxy, "proxy")?,
            args::optional_text(o.no_proxy, "no_proxy")?,
        )
    };
    let headers = header_lines(headers.unwrap_or_default())?;
    let sub_protocols = comma_list(sub_protocols);
    Ok(UrlOptions {
        dialect,
        sub_protocols,
        headers,
        payload: payload.to_vec(),
        tls,
        connect_deadline_ms: o.connect_deadline_ms,
        redirects_max: o.redirects_max,
        proxy: proxy.map(str::to_owned),
        proxy_from_environment: o.proxy_from_environment != 0,
        no_proxy: no_proxy.map(str::to_owned),
        addresses: Vec::new(),
        // SAFETY: the caller's contract.
        limits: unsafe { super::limits::limits_from_abi(o.limits) }?,
        // SAFETY: the caller's contract.
        proxy_tls: unsafe { super::tls::client_from_abi(o.proxy_tls) }?,
        digest_only: yes_or_no(o.digest_only, "digest_only")?,
    })
}

/// What is reserved must be 0, so that a later version can give it a meaning.
pub(super) fn check_reserved(value: u32) -> Result<()> {
    if value == 0 {
        Ok(())
    } else {
        Err(Error::argument("reserved must be 0; call the _init function"))
    }
}

fn comma_list(text: Option<&str>) -> Vec<String> {
    let items = text.unwrap_or_default().split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

pub(super) fn header_lines(text: &str) -> Result<Vec<(String, String)>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once(':').ok_or_else(|| {
                Error::argument(format!("header line {line:?} has no colon; write `Name: value`"))
            })?;
            Ok((name.to_owned(), value.trim().to_owned()))
        })
        .collect()
}

pub(super) fn default_simulator() -> nd_network_simulator {
    let s = NetworkSimulator::default();
    nd_network_simulator {
        struct_size: size_of::<nd_network_simulator>() as u32,
        receive_loss_percent: s.receive_loss_percent,
        send_loss_percent: s.send_loss_percent,
        send_duplicate_percent: s.send_duplicate_percent,
        send_reorder_percent: s.send_reorder_percent,
        send_delay_ms: s.send_delay_ms,
        send_jitter_ms: s.send_jitter_ms,
        receive_mtu: s.receive_mtu,
        partitioned: u32::from(s.partitioned),
        reserved: 0,
        seed: s.seed,
        send_bytes_per_second: s.send_bytes_per_second,
        send_backlog_bytes: s.send_backlog_bytes,
    }
}

pub(super) fn simulator_from_abi(s: &nd_network_simulator) -> Result<NetworkSimulator> {
    check_reserved(s.reserved)?;
    let simulator = NetworkSimulator {
        receive_loss_percent: s.receive_loss_percent,
        send_loss_percent: s.send_loss_percent,
        send_duplicate_percent: s.send_duplicate_percent,
        send_reorder_percent: s.send_reorder_percent,
        send_delay_ms: s.send_delay_ms,
        send_jitter_ms: s.send_jitter_ms,
        receive_mtu: s.receive_mtu,
        partitioned: s.partitioned != 0,
        seed: s.seed,
        send_bytes_per_second: s.send_bytes_per_second,
        send_backlog_bytes: s.send_backlog_bytes,
    };
    simulator.validate()?;
    Ok(simulator)
}
