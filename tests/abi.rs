//! The numbers of the C ABI are those of the Rust API, and its growable structs can grow.
#![allow(unsafe_code, reason = "the tests call the C ABI as C does")]

use std::ffi::CStr;
use std::mem::{offset_of, size_of};
use std::ptr::null_mut;

use netdriver::ffi::codes::*;
use netdriver::ffi::connections::nd_driver_close;
use netdriver::ffi::drivers::{
    nd_driver_add_interface, nd_driver_create, nd_driver_destroy, nd_driver_get_statistics,
    nd_driver_set_network_simulator, nd_driver_update,
};
use netdriver::ffi::library::{nd_disconnect_reason_name, nd_last_error, nd_result_name};
use netdriver::ffi::settings::{
    nd_driver_statistics_init, nd_interface_settings_init, nd_network_simulator_init,
    nd_settings_init,
};
use netdriver::ffi::structs::{
    nd_connect_options, nd_connection_info, nd_driver, nd_driver_statistics, nd_endpoint,
    nd_interface_settings, nd_network_simulator, nd_settings,
};
use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{
    ConnectionState, DisconnectReason, EventKind, Family, NetworkEndpoint, Status, log,
};

const SOURCE: &str = include_str!("../src/ffi/codes.rs");
const ERRORS: &str = include_str!("../src/error.rs");
const TYPES: &str = include_str!("../src/driver/types.rs");

/// The `= number` variants of an enum in a source text.
fn variants(source: &str, name: &str) -> Vec<(String, i64)> {
    let start = source.find(&format!("pub enum {name} {{")).expect("the enum is there");
    let body = &source[start..];
    let body = &body[..body.find("\n}").expect("it ends")];
    let lines = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines
        .filter_map(|line| {
            let (name, number) = line.trim_end_matches(',').split_once(" = ")?;
            Some((name.to_owned(), number.parse().ok()?))
        })
        .collect()
}

/// The `pub const NAME: type = number` of the C codes with a prefix.
fn constants(prefix: &str) -> Vec<(String, i64)> {
    let lines = SOURCE.lines().filter_map(|line| line.strip_prefix("pub const "));
    lines
        .filter_map(|line| {
            let (name, rest) = line.split_once(": ")?;
            let (_, number) = rest.trim_end_matches(';').split_once(" = ")?;
            let name = name.strip_prefix(prefix).filter(|name| !name.starts_with("FLAG_"))?;
            Some((name.to_owned(), number.parse().ok()?))
        })
        .collect()
}

fn screaming(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            out.push('_');
        }
        out.extend(letter.to_uppercase());
    }
    out
}

/// Every variant has its code, under the same name but for the listed ones.
fn same_numbers(prefix: &str, variants: &[(String, i64)], renamed: &[(&str, &str)]) {
    let codes = constants(prefix);
    assert!(!variants.is_empty() && !codes.is_empty(), "{prefix}: nothing was found");
    for (name, number) in variants {
        let renaming = renamed.iter().find(|row| row.0 == name);
        let expected = renaming.map_or_else(|| screaming(name), |row| row.1.to_owned());
        let code = codes.iter().find(|code| code.0 == expected);
        let code = code.unwrap_or_else(|| panic!("{prefix}{expected} is missing"));
        assert_eq!(code.1, *number, "{prefix}{expected}");
    }
    for (index, (name, number)) in codes.iter().enumerate() {
        let twin = codes[..index].iter().find(|other| other.1 == *number);
        assert!(twin.is_none(), "{prefix}{name} and {twin:?} have one number");
    }
}

#[test]
fn status_numbers_are_the_same() {
    let renamed = [
        ("NetworkSocketError", "NETWORK_SOCKET"),
        ("NetworkDriverParallelForErr", "DRIVER_PARALLEL_FOR"),
    ];
    same_numbers("ND_ERROR_", &variants(ERRORS, "Status"), &renamed);
    assert_eq!(Status::NetworkIdMismatch as i32, ND_ERROR_NETWORK_ID_MISMATCH);
    assert_eq!(Status::NotFound as i32, ND_ERROR_NOT_FOUND);
    assert_eq!(ND_OK, 0);
}

#[test]
fn event_kinds_reasons_and_states_are_the_same() {
    same_numbers("ND_EVENT_", &variants(TYPES, "EventKind"), &[]);
    same_numbers("ND_DISCONNECT_", &variants(TYPES, "DisconnectReason"), &[]);
    same_numbers("ND_STATE_", &variants(TYPES, "ConnectionState"), &[]);
    assert_eq!(EventKind::Writable as i32, ND_EVENT_WRITABLE);
    assert_eq!(DisconnectReason::HandshakeRejected as i32, ND_DISCONNECT_HANDSHAKE_REJECTED);
    assert_eq!(ConnectionState::Connected as i32, ND_STATE_CONNECTED);
}

#[test]
fn kinds_of_interfaces_families_and_levels_are_the_same() {
    let kinds = [
        (InterfaceKind::Udp, ND_INTERFACE_UDP),
        (InterfaceKind::WebSocket, ND_INTERFACE_WEBSOCKET),
        (InterfaceKind::Ipc, ND_INTERFACE_IPC),
    ];
    for (kind, code) in kinds {
        assert_eq!(kind as u32, code, "{kind:?}");
    }
    let families = [
        (Family::Invalid, ND_FAMILY_INVALID),
        (Family::Ipv4, ND_FAMILY_IPV4),
        (Family::Ipv6, ND_FAMILY_IPV6),
        (Family::Custom, ND_FAMILY_CUSTOM),
    ];
    for (family, code) in families {
        assert_eq!(family as u32, code, "{family:?}");
    }
    let levels = [
        (log::Level::Error, ND_LOG_ERROR),
        (log::Level::Warning, ND_LOG_WARNING),
        (log::Level::Info, ND_LOG_INFO),
    ];
    for (level, code) in levels {
        assert_eq!(level as u32, code, "{level:?}");
    }
}

#[test]
fn unity_transports_numbers_are_kept() {
    let theirs = [
        (ND_ERROR_NETWORK_ID_MISMATCH, -1),
        (ND_ERROR_NETWORK_VERSION_MISMATCH, -2),
        (ND_ERROR_NETWORK_STATE_MISMATCH, -3),
        (ND_ERROR_NETWORK_PACKET_OVERFLOW, -4),
        (ND_ERROR_NETWORK_SEND_QUEUE_FULL, -5),
        (ND_ERROR_NETWORK_SEND_HANDLE_INVALID, -8),
        (ND_ERROR_NETWORK_SOCKET, -11),
        (ND_EVENT_EMPTY, 0),
        (ND_EVENT_DATA, 1),
        (ND_EVENT_CONNECT, 2),
        (ND_EVENT_DISCONNECT, 3),
        (ND_DISCONNECT_TIMEOUT, 1),
        (ND_DISCONNECT_MAX_CONNECTION_ATTEMPTS, 2),
        (ND_DISCONNECT_CLOSED_BY_REMOTE, 3),
        (ND_DISCONNECT_AUTHENTICATION_FAILURE, 6),
        (ND_DISCONNECT_PROTOCOL_ERROR, 7),
        (ND_DISCONNECT_HOST_NOT_FOUND, 9),
        (ND_STATE_DISCONNECTED, 0),
        (ND_STATE_DISCONNECTING, 1),
        (ND_STATE_CONNECTING, 2),
        (ND_STATE_CONNECTED, 3),
    ];
    for (ours, number) in theirs {
        assert_eq!(ours, number);
    }
    let own = constants("ND_ERROR_").into_iter().filter(|code| code.1 < -11);
    assert!(own.into_iter().all(|code| code.1 <= -100), "ours start at -100");
    let own = constants("ND_DISCONNECT_").into_iter().filter(|code| code.1 > 9);
    assert!(own.into_iter().all(|code| code.1 >= 64), "ours start at 64");
}

fn text(pointer: *const std::ffi::c_char) -> String {
    assert!(!pointer.is_null());
    // SAFETY: the library's names are NUL-ended and live for ever.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

#[test]
fn every_number_has_a_name() {
    for (name, number) in variants(ERRORS, "Status") {
        assert_eq!(text(nd_result_name(number as i32)), name);
    }
    for (name, number) in variants(TYPES, "DisconnectReason") {
        assert_eq!(text(nd_disconnect_reason_name(number as i32)), name);
    }
    for unknown in [1, -12, -99, -999, i32::MIN, i32::MAX] {
        assert_eq!(text(nd_result_name(unknown)), "Unknown");
    }
    assert_eq!(text(nd_disconnect_reason_name(-1)), "Unknown");
}

#[test]
fn an_endpoint_is_sixty_four_bytes_that_both_sides_read_alike() {
    assert_eq!(size_of::<nd_endpoint>(), 64);
    assert_eq!(offset_of!(nd_endpoint, family), 60);
    assert_eq!(offset_of!(nd_endpoint, port), 62);
    let endpoint = NetworkEndpoint::loopback_ipv4(0x1234);
    let bytes = endpoint.to_bytes();
    assert_eq!(bytes[..4], [127, 0, 0, 1]);
    assert_eq!(bytes[60], ND_FAMILY_IPV4 as u8);
    assert_eq!(bytes[62..], 0x1234u16.to_ne_bytes());
}

#[test]
fn growable_structs_start_with_their_size() {
    assert_eq!(offset_of!(nd_settings, struct_size), 0);
    assert_eq!(offset_of!(nd_interface_settings, struct_size), 0);
    assert_eq!(offset_of!(nd_connect_options, struct_size), 0);
    assert_eq!(offset_of!(nd_connection_info, struct_size), 0);
    assert_eq!(offset_of!(nd_driver_statistics, struct_size), 0);
    assert_eq!(offset_of!(nd_network_simulator, struct_size), 0);
}

/// A struct as a later version may have it.
#[repr(C)]
struct Grown<T> {
    known: T,
    later: [u32; 4],
}

/// Fills a struct by its `_init` function.
fn initialised<T>(init: unsafe extern "C" fn(*mut T) -> nd_result) -> Grown<T> {
    let mut grown = std::mem::MaybeUninit::<Grown<T>>::zeroed();
    // SAFETY: the pointer is valid for a T; structs of the ABI are plain data, valid when zeroed.
    unsafe {
        assert_eq!(init((&raw mut (*grown.as_mut_ptr()).known).cast()), ND_OK);
        grown.assume_init()
    }
}

fn last_error() -> String {
    let mut buffer = [0; 512];
    let mut length = 0;
    // SAFETY: the buffer and its capacity belong together.
    let result = unsafe { nd_last_error(buffer.as_mut_ptr(), 512, &mut length) };
    assert_eq!(result, ND_OK);
    text(buffer.as_ptr())
}

/// Creates a driver with settings of a claimed size.
fn create(settings: &mut Grown<nd_settings>, size: usize) -> (nd_result, *mut nd_driver) {
    settings.known.struct_size = size as u32;
    let mut driver = null_mut();
    // SAFETY: the struct holds more bytes than any size claimed here that is taken seriously.
    let result = unsafe { nd_driver_create(&raw const settings.known, &mut driver) };
    (result, driver)
}

#[test]
fn settings_of_the_right_size_or_with_an_unknown_zero_tail_are_taken() {
    let older = std::mem::offset_of!(nd_settings, deflate);
    for size in [older, size_of::<nd_settings>(), size_of::<Grown<nd_settings>>()] {
        let mut settings = initialised(nd_settings_init);
        let (result, driver) = create(&mut settings, size);
        assert_eq!(result, ND_OK, "{}", last_error());
        assert_eq!(nd_driver_destroy(driver), ND_OK);
    }
}

#[test]
fn settings_of_a_wrong_size_or_with_unknown_values_are_refused_and_nothing_is_written() {
    let mut settings = initialised(nd_settings_init);
    let first = std::mem::offset_of!(nd_settings, deflate);
    for size in [0, 4, first - 1, 5000, u32::MAX as usize] {
        let (result, driver) = create(&mut settings, size);
        assert_eq!((result, driver.is_null()), (ND_ERROR_STRUCT_SIZE, true), "{size}");
        assert!(last_error().contains("struct_size"), "{}", last_error());
    }
    settings.later[3] = 1;
    let (result, driver) = create(&mut settings, size_of::<Grown<nd_settings>>());
    assert_eq!((result, driver.is_null()), (ND_ERROR_STRUCT_SIZE, true));
}

#[test]
fn counters_fill_what_the_caller_has_room_for() {
    let mut settings = initialised(nd_settings_init);
    let (result, driver) = create(&mut settings, size_of::<nd_settings>());
    assert_eq!(result, ND_OK);
    for size in [size_of::<nd_driver_statistics>(), size_of::<Grown<nd_driver_statistics>>()] {
        let mut statistics = initialised(nd_driver_statistics_init);
        statistics.later = [7; 4];
        statistics.known.struct_size = size as u32;
        // SAFETY: the struct holds as many bytes as it says.
        let result = unsafe { nd_driver_get_statistics(driver, &mut statistics.known) };
        assert_eq!(result, ND_OK);
        assert_eq!(statistics.known.struct_size as usize, size, "the caller's size stays");
        assert_eq!(statistics.later, [7; 4], "what is unknown is not touched");
    }
    let mut statistics = initialised(nd_driver_statistics_init);
    statistics.known.struct_size = 8;
    // SAFETY: as above.
    let result = unsafe { nd_driver_get_statistics(driver, &mut statistics.known) };
    assert_eq!(result, ND_ERROR_STRUCT_SIZE);
    assert_eq!(nd_driver_destroy(driver), ND_OK);
}

#[test]
fn interfaces_and_simulators_follow_the_same_rules() {
    let mut settings = initialised(nd_settings_init);
    let (_, driver) = create(&mut settings, size_of::<nd_settings>());
    unsafe extern "C" fn ipc(out: *mut nd_interface_settings) -> nd_result {
        // SAFETY: handed on.
        unsafe { nd_interface_settings_init(out, ND_INTERFACE_IPC) }
    }
    let mut interface = initialised(ipc);
    let mut number = 99;
    let first_version = offset_of!(nd_interface_settings, accept_requests) as u32;
    interface.known.struct_size = first_version - 1;
    // SAFETY: the pointers are good in all calls here.
    let mut add = |interface: &Grown<nd_interface_settings>| unsafe {
        nd_driver_add_interface(driver, &raw const interface.known, &mut number)
    };
    assert_eq!(add(&interface), ND_ERROR_STRUCT_SIZE);
    interface.known.struct_size = first_version;
    assert_eq!(add(&interface), ND_OK);
    interface.known.struct_size = size_of::<Grown<nd_interface_settings>>() as u32;
    assert_eq!(add(&interface), ND_OK);
    interface.later[0] = 1;
    assert_eq!(add(&interface), ND_ERROR_STRUCT_SIZE);
    assert_eq!(number, 1, "written by the one that worked");
    let mut simulator = initialised(nd_network_simulator_init);
    // SAFETY: as above.
    let set = |simulator: &Grown<nd_network_simulator>| unsafe {
        nd_driver_set_network_simulator(driver, &raw const simulator.known)
    };
    assert_eq!(set(&simulator), ND_OK);
    simulator.known.send_loss_percent = 101.0;
    assert_eq!(set(&simulator), ND_ERROR_INVALID_ARGUMENT);
    simulator.known.struct_size = 3;
    assert_eq!(set(&simulator), ND_ERROR_STRUCT_SIZE);
    assert_eq!(nd_driver_destroy(driver), ND_OK);
}

#[test]
fn the_defaults_of_both_apis_are_the_same() {
    let settings = initialised(nd_settings_init).known;
    let defaults = NetworkSettings::default();
    let ours = [
        settings.connect_timeout_ms,
        settings.max_connect_attempts,
        settings.disconnect_timeout_ms,
        settings.heartbeat_timeout_ms,
        settings.max_message_size,
        settings.handshake_timeout_ms,
        settings.pong_timeout_ms,
    ];
    let theirs = [
        defaults.connect_timeout_ms,
        defaults.max_connect_attempts,
        defaults.disconnect_timeout_ms,
        defaults.heartbeat_timeout_ms,
        defaults.max_message_size,
        defaults.handshake_timeout_ms,
        defaults.pong_timeout_ms,
    ];
    assert_eq!(ours, theirs);
    assert_eq!(settings.struct_size as usize, size_of::<nd_settings>());
}

#[test]
fn a_destroyed_driver_is_an_error_code() {
    let mut settings = initialised(nd_settings_init);
    let (_, driver) = create(&mut settings, size_of::<nd_settings>());
    let (_, other) = create(&mut settings, size_of::<nd_settings>());
    assert_eq!(nd_driver_destroy(driver), ND_OK);
    for stale in [driver, null_mut(), 0x1234 as *mut nd_driver, usize::MAX as *mut nd_driver] {
        assert_eq!(nd_driver_update(stale), ND_ERROR_INVALID_HANDLE);
        // SAFETY: the reason is empty.
        let closed = unsafe { nd_driver_close(stale, 1 << 32, 1000, std::ptr::null(), 0) };
        assert_eq!(closed, ND_ERROR_INVALID_HANDLE);
        assert_eq!(nd_driver_destroy(stale), ND_ERROR_INVALID_HANDLE);
    }
    let (_, third) = create(&mut settings, size_of::<nd_settings>());
    assert_ne!(third, driver, "a slot is used again, a handle is not");
    for handle in [other, third] {
        assert_eq!(nd_driver_update(handle), ND_OK);
        assert_eq!(nd_driver_destroy(handle), ND_OK);
    }
}
