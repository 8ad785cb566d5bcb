//! Traffic of a driver and quality of a connection: structs and calls.
#![allow(non_camel_case_types, reason = "C names")]

use super::args;
use super::boundary::{guard, with_driver};
use super::codes::nd_result;
use super::structs::{nd_connection, nd_driver};
use crate::proto::traffic::TrafficStatistics;
use crate::{Connection, ConnectionStatistics};

/// One direction of a driver's traffic since it was created.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_traffic {
    /// Bytes with the headers that the system adds, estimated: IP and UDP 28 (IPv6: 48), IP and
    /// TCP 52 (IPv6: 72); none in process.
    pub bytes: u64,
    /// Packets: datagrams, and for streams as many TCP segments of 1448 bytes as the bytes fill.
    pub packets: u64,
    /// Bytes given to or taken from the system, without those headers: exact.
    pub exact_bytes: u64,
    /// Packets below 128 bytes (sizes include the headers), below 256, below 512, below 1024, and
    /// larger.
    pub size_classes: [u64; 5],
    /// Mean size of a packet.
    pub size_mean: f32,
    /// Standard deviation of the sizes.
    pub size_deviation: f32,
    /// The smallest packet; 0 when there was none.
    pub size_min: u32,
    /// The largest packet.
    pub size_max: u32,
    /// Kilobits (1000 bits) per second since the driver was created.
    pub bandwidth_mean: f32,
    /// Kilobits per second in the last full second.
    pub bandwidth_current: f32,
    /// Kilobits per second in the quietest full second; 0 before there was one.
    pub bandwidth_min: f32,
    /// Kilobits per second in the busiest full second.
    pub bandwidth_max: f32,
    /// Kilobits per second in the busiest update.
    pub bandwidth_burst: f32,
    /// Packets in one update, on average.
    pub queue_mean: f32,
    /// The most packets in one update.
    pub queue_max: u32,
    /// 0.
    pub reserved: u32,
}

/// Traffic of a driver since it was created. Set struct_size with nd_traffic_statistics_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_traffic_statistics {
    /// Size of this struct in bytes; nd_traffic_statistics_init sets it.
    pub struct_size: u32,
    /// What went wrong with receiving in the last update: ND_OK, ND_ERROR_RECEIVE_QUEUE_FULL
    /// (packets were dropped because a connection's receive queue was full) or
    /// ND_ERROR_NETWORK_SOCKET (a socket failed, or clients of streams could not be taken, mostly
    /// for want of descriptors: nd_raise_descriptor_limit; they wait, and the log says more).
    pub receive_error: i32,
    /// What came in.
    pub rx: nd_traffic,
    /// What went out.
    pub tx: nd_traffic,
}

/// The quality of a connection since it began. Set struct_size with
/// nd_connection_statistics_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_connection_statistics {
    /// Size of this struct in bytes; nd_connection_statistics_init sets it.
    pub struct_size: u32,
    /// How many round trips were measured; 0: the six below are 0.
    pub latency_count: u32,
    /// Milliseconds of a round trip, on average.
    pub latency_mean: f32,
    /// Their standard deviation.
    pub latency_deviation: f32,
    /// The shortest.
    pub latency_min: f32,
    /// The longest.
    pub latency_max: f32,
    /// The last.
    pub latency_current: f32,
    /// The smoothed one (RFC 6298).
    pub latency_smoothed: f32,
    /// Reliable pipelines: packets received.
    pub reliable_packets_received: u64,
    /// Packets sent for the first time.
    pub reliable_packets_sent: u64,
    /// Packets that only acknowledged, received.
    pub reliable_acks_received: u64,
    /// Packets that only acknowledged, sent.
    pub reliable_acks_sent: u64,
    /// Packets of the peer that were missing when a later one came: lost, or overtaken.
    pub reliable_packets_dropped: u64,
    /// Packets that came out of their order.
    pub reliable_packets_out_of_order: u64,
    /// Packets that came more than once.
    pub reliable_packets_duplicated: u64,
    /// Packets that came too late to be of use.
    pub reliable_packets_stale: u64,
    /// Packets sent again.
    pub reliable_packets_resent: u64,
    /// Unreliable-sequenced pipelines: packets sent.
    pub sequenced_packets_sent: u64,
    /// Packets received.
    pub sequenced_packets_received: u64,
    /// Packets dropped because a newer one had come before.
    pub sequenced_packets_out_of_order: u64,
    /// Packets that never came.
    pub sequenced_packets_lost: u64,
}

/// Prepare a struct for nd_driver_get_traffic_statistics.
///
/// @param out_statistics  out: struct_size set, the rest 0
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_traffic_statistics_init(
    out_statistics: *mut nd_traffic_statistics,
) -> nd_result {
    let none = TrafficStatistics::default();
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_statistics, "out_statistics")? = traffic_to_abi(0, &none, &none);
        Ok(())
    })
}

/// Traffic of a driver since it was created: totals, sizes of packets, bandwidth.
///
/// @param driver  the driver
/// @param out_statistics  in: struct_size, see nd_traffic_statistics_init; out: the numbers
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_traffic_statistics(
    driver: *mut nd_driver,
    out_statistics: *mut nd_traffic_statistics,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let (rx, tx) = driver.traffic_statistics();
        let value = traffic_to_abi(driver.receive_error_code(), &rx, &tx);
        let size_min = size_of::<nd_traffic_statistics>();
        args::fill_growable(out_statistics, value, size_min, "out_statistics")
    })
}

/// Prepare a struct for nd_connection_get_statistics.
///
/// @param out_statistics  out: struct_size set, the rest 0
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_statistics_init(
    out_statistics: *mut nd_connection_statistics,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let none = quality_to_abi(&ConnectionStatistics::default());
        *args::output(out_statistics, "out_statistics")? = none;
        Ok(())
    })
}

/// The quality of a connection since it began: round trips, and what its pipelines counted.
///
/// @param driver  the driver
/// @param connection  which; one that has ended can be asked about as nd_connection_get_info says
/// @param out_statistics  in: struct_size, see nd_connection_statistics_init; out: the numbers
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_statistics(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_statistics: *mut nd_connection_statistics,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let found = driver.connection_statistics(Connection::from_u64(connection))?;
        let size_min = size_of::<nd_connection_statistics>();
        args::fill_growable(out_statistics, quality_to_abi(&found), size_min, "out_statistics")
    })
}

/// Bytes of the largest packet of a connection, with all headers that count towards
/// max_message_size: what path-MTU discovery has found, else the setting (Unity Transport's
/// GetMaxSupportedMessageSize). A plain WebSocket has no packets: the longest message.
///
/// @param driver  the driver
/// @param connection  which
/// @param out_size  out: bytes
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH, _STATE_MISMATCH; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_message_size_max(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_size: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_size, "out_size")?;
        *out = driver.message_size_max(Connection::from_u64(connection))?;
        Ok(())
    })
}

fn traffic_to_abi(
    receive_error: i32,
    rx: &TrafficStatistics,
    tx: &TrafficStatistics,
) -> nd_traffic_statistics {
    nd_traffic_statistics {
        struct_size: size_of::<nd_traffic_statistics>() as u32,
        receive_error,
        rx: direction_to_abi(rx),
        tx: direction_to_abi(tx),
    }
}

fn direction_to_abi(s: &TrafficStatistics) -> nd_traffic {
    nd_traffic {
        bytes: s.bytes,
        packets: s.packets,
        exact_bytes: s.exact_bytes,
        size_classes: s.sizes.classes,
        size_mean: s.sizes.mean,
        size_deviation: s.sizes.deviation,
        size_min: s.sizes.smallest,
        size_max: s.sizes.largest,
        bandwidth_mean: s.bandwidth.mean,
        bandwidth_current: s.bandwidth.current,
        bandwidth_min: s.bandwidth.least,
        bandwidth_max: s.bandwidth.most,
        bandwidth_burst: s.bandwidth.burst,
        queue_mean: s.queue_mean,
        queue_max: s.queue_max,
        reserved: 0,
    }
}

fn quality_to_abi(s: &ConnectionStatistics) -> nd_connection_statistics {
    let ms = |micros: u32| micros as f32 / 1000.0;
    let (mean, deviation) = s.round_trip.mean_and_deviation();
    nd_connection_statistics {
        struct_size: size_of::<nd_connection_statistics>() as u32,
        latency_count: s.round_trip.count(),
        latency_mean: (mean / 1000.0) as f32,
        latency_deviation: (deviation / 1000.0) as f32,
        latency_min: ms(s.round_trip.least()),
        latency_max: ms(s.round_trip.most()),
        latency_current: ms(s.round_trip.last()),
        latency_smoothed: ms(s.round_trip.smoothed()),
        reliable_packets_received: s.reliable.packets_received,
        reliable_packets_sent: s.reliable.packets_sent,
        reliable_acks_received: s.reliable.acks_received,
        reliable_acks_sent: s.reliable.acks_sent,
        reliable_packets_dropped: s.reliable.packets_dropped,
        reliable_packets_out_of_order: s.reliable.packets_out_of_order,
        reliable_packets_duplicated: s.reliable.packets_duplicated,
        reliable_packets_stale: s.reliable.packets_stale,
        reliable_packets_resent: s.reliable.packets_resent,
        sequenced_packets_sent: s.sequenced.packets_sent,
        sequenced_packets_received: s.sequenced.packets_received,
        sequenced_packets_out_of_order: s.sequenced.packets_out_of_order,
        sequenced_packets_lost: s.sequenced.packets_lost,
    }
}
