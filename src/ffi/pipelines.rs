//! Pipelines: making them, changing their parameters, reading their counters.
#![allow(non_camel_case_types, reason = "C names")]

use core::mem::offset_of;

use super::args;
use super::boundary::{guard, with_driver};
use super::codes::{
    ND_PIPELINE_STAGE_CUSTOM, ND_PIPELINE_STAGE_FRAGMENTATION, ND_PIPELINE_STAGE_NULL,
    ND_PIPELINE_STAGE_RELIABLE_SEQUENCED, ND_PIPELINE_STAGE_SIMULATOR,
    ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED, ND_SIMULATOR_MODE_ALL_PACKETS, ND_SIMULATOR_MODE_OFF,
    ND_SIMULATOR_MODE_RECEIVED_PACKETS_ONLY, ND_SIMULATOR_MODE_SENT_PACKETS_ONLY, nd_result,
};
use super::settings::{check_reserved, milliseconds};
use super::structs::{nd_connection, nd_driver};
use crate::error::{Error, Result};
use crate::settings::{
    ApplyMode, FragmentationConfig, NetworkSettings, PipelineStage, ReliableConfig, SimulatorConfig,
};
use crate::{Connection, PipelineStatistics};

/// Size of the first version's nd_simulator_stage.
const SIMULATOR_SIZE_MIN: usize = offset_of!(nd_simulator_stage, random_seed) + 4;
/// Size of the first version's nd_pipeline_statistics.
const STATISTICS_SIZE_MIN: usize = size_of::<nd_pipeline_statistics>();

/// A stage of a pipeline. All zero but `stage` is fine: then the parameters are those of the
/// driver's settings.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_pipeline_stage {
    /// ND_PIPELINE_STAGE_…, or what nd_driver_register_stage gave.
    pub stage: u32,
    /// Fragmentation: bytes of the longest message; 0: fragmentation_payload_capacity.
    pub payload_capacity: u32,
    /// ReliableSequenced: packets under way; 0: reliable_window_size.
    pub window_size: u32,
    /// ReliableSequenced: milliseconds; 0: reliable_minimum_resend_time_ms.
    pub minimum_resend_time_ms: i32,
    /// ReliableSequenced: milliseconds; 0: reliable_maximum_resend_time_ms.
    pub maximum_resend_time_ms: i32,
    /// 0.
    pub reserved: u32,
    /// Simulator: how bad a network; NULL: as nd_driver_set_simulator_stage said, or a good one.
    pub simulator: *const nd_simulator_stage,
}

/// The bad network of a simulator stage. Fill it with nd_simulator_stage_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_simulator_stage {
    /// Size of this struct in bytes; nd_simulator_stage_init sets it.
    pub struct_size: u32,
    /// Packets that the stage holds at once in each direction; what comes on top is not late.
    /// Default 512.
    pub max_packet_count: u32,
    /// Bytes of the longest packet that the stage acts on. Default 1472.
    pub max_packet_size: u32,
    /// ND_SIMULATOR_MODE_…. Default ND_SIMULATOR_MODE_ALL_PACKETS.
    pub mode: u32,
    /// Milliseconds by which packets are late, at most 3600000. Default 0.
    pub packet_delay_ms: u32,
    /// Milliseconds by which that varies, either way, at most 3600000. Default 0.
    pub packet_jitter_ms: u32,
    /// The first of every so many packets is dropped. Default 0: none.
    pub packet_drop_interval: u32,
    /// Percent of packets that are dropped. Default 0.
    pub packet_drop_percentage: f32,
    /// Percent of packets that come twice. Default 0.
    pub packet_duplication_percentage: f32,
    /// Percent of packets that are damaged; each of their bits flips with the same chance.
    /// Default 0.
    pub fuzz_factor: f32,
    /// Bytes at the start of a packet that are never damaged. Default 0.
    pub fuzz_offset: u32,
    /// Start of the random sequence. Default 0: one of the connection's own.
    pub random_seed: u32,
}

/// What the stages of one pipeline have counted on one connection. Fields of stages that the
/// pipeline has not are 0. Several stages of a kind count together; the round trips are the first
/// one's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_pipeline_statistics {
    /// Size of this struct in bytes; nd_pipeline_statistics_init sets it.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// ReliableSequenced: packets with payload that arrived, whatever became of them.
    pub reliable_packets_received: u64,
    /// ReliableSequenced: packets with payload that left, those sent again not counted.
    pub reliable_packets_sent: u64,
    /// ReliableSequenced: packets that arrived and only acknowledge.
    pub reliable_acks_received: u64,
    /// ReliableSequenced: packets that left and only acknowledge.
    pub reliable_acks_sent: u64,
    /// ReliableSequenced: packets that were missing when a later one came.
    pub reliable_packets_dropped: u64,
    /// ReliableSequenced: packets that arrived after later ones.
    pub reliable_packets_out_of_order: u64,
    /// ReliableSequenced: packets that had arrived before.
    pub reliable_packets_duplicated: u64,
    /// ReliableSequenced: packets outside of the window.
    pub reliable_packets_stale: u64,
    /// ReliableSequenced: packets sent again.
    pub reliable_packets_resent: u64,
    /// ReliableSequenced: microseconds of the last round trip measured; 0: none yet.
    pub round_trip_last_us: u64,
    /// ReliableSequenced: the smoothed mean of round trips, in microseconds.
    pub round_trip_smoothed_us: u64,
    /// ReliableSequenced: their smoothed deviation, in microseconds.
    pub round_trip_variance_us: u64,
    /// ReliableSequenced: microseconds until a packet is sent again, before the bounds of the
    /// settings.
    pub resend_timeout_us: u64,
    /// UnreliableSequenced: packets that left.
    pub sequenced_packets_sent: u64,
    /// UnreliableSequenced: packets that arrived.
    pub sequenced_packets_received: u64,
    /// UnreliableSequenced: packets dropped because a later one had arrived.
    pub sequenced_packets_culled: u64,
    /// UnreliableSequenced: packets that never arrived.
    pub sequenced_packets_dropped: u64,
    /// Fragmentation: messages that left.
    pub fragmentation_messages_sent: u64,
    /// Fragmentation: packets that they became.
    pub fragmentation_packets_sent: u64,
    /// Fragmentation: messages that arrived whole.
    pub fragmentation_messages_received: u64,
    /// Fragmentation: packets that arrived.
    pub fragmentation_packets_received: u64,
    /// Fragmentation: packets of messages that cannot become whole.
    pub fragmentation_packets_dropped: u64,
    /// Fragmentation: messages that were begun and given up.
    pub fragmentation_messages_dropped: u64,
    /// Simulator: packets that went in.
    pub simulator_packets: u64,
    /// Simulator: packets dropped.
    pub simulator_dropped: u64,
    /// Simulator: copies made.
    pub simulator_duplicated: u64,
    /// Simulator: packets damaged.
    pub simulator_fuzzed: u64,
    /// Simulator: packets that it holds now.
    pub simulator_waiting: u64,
}

/// Make a pipeline: stages that messages sent with its number go through, from the first stage to
/// the last, and on the other side from the last to the first. Numbers count from 1 in the order of
/// creation. Both sides must make the same pipelines in the same order, because packets carry the
/// number and nothing else. What a pipeline says holds in the UTP dialect; a plain WebSocket
/// connection is reliable, ordered and takes long messages as it is, so every pipeline that there
/// is means "no pipeline" there.
///
/// @param driver  the driver
/// @param stages  the stages, in the order in which a message meets them when it is sent; copied.
/// NULL when the count is 0, which makes a pipeline that does nothing
/// @param stage_count  how many; at most 16
/// @param out_pipeline  out: the pipeline's number, for the send functions and in Data events
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT (unknown stages, parameters that cannot be, Fragmentation behind
/// ReliableSequenced); ND_ERROR_NETWORK_STATE_MISMATCH (the driver has had a connection);
/// ND_ERROR_LIMIT_REACHED (a 256th pipeline); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_create_pipeline(
    driver: *mut nd_driver,
    stages: *const nd_pipeline_stage,
    stage_count: u32,
    out_pipeline: *mut u8,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let stages = args::slice(stages, stage_count, "stages")?;
        let out = args::output(out_pipeline, "out_pipeline")?;
        *out = driver.create_pipeline(&stages_from_abi(stages, driver.settings())?)?;
        Ok(())
    })
}

/// Ask whether nd_driver_create_pipeline would make a pipeline of these stages now. For programs
/// that make the same one in several drivers, in all of them or in none.
///
/// @param driver  the driver
/// @param stages  as for nd_driver_create_pipeline
/// @param stage_count  how many; at most 16
/// @return as nd_driver_create_pipeline, and nothing was made
/// @thread the one that uses the driver now
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_check_pipeline(
    driver: *mut nd_driver,
    stages: *const nd_pipeline_stage,
    stage_count: u32,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let stages = args::slice(stages, stage_count, "stages")?;
        driver.check_stages(&stages_from_abi(stages, driver.settings())?)
    })
}

/// How many pipelines a driver has; their numbers are 1 to this.
///
/// @param driver  the driver
/// @param out_count  out: how many
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_pipeline_count(
    driver: *mut nd_driver,
    out_count: *mut u32,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        *args::output(out_count, "out_count")? = driver.pipeline_count() as u32;
        Ok(())
    })
}

/// The stages that the structs mean.
///
/// # Safety
/// As for [`stage_from_abi`].
pub(super) unsafe fn stages_from_abi(
    stages: &[nd_pipeline_stage],
    settings: &NetworkSettings,
) -> Result<Vec<PipelineStage>> {
    // SAFETY: the caller's contract.
    stages.iter().map(|stage| unsafe { stage_from_abi(stage, settings) }).collect()
}

/// Fill the parameters of a simulator stage with the defaults: a good network.
///
/// @param out_simulator  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_simulator_stage_init(
    out_simulator: *mut nd_simulator_stage,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_simulator, "out_simulator")? = default_simulator();
        Ok(())
    })
}

/// Change the bad network of simulator stages, of connections that exist too.
///
/// @param driver  the driver
/// @param pipeline  a pipeline; 0: all of them, and those that are made later without parameters
/// of their own
/// @param simulator  how bad; copied
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT (unknown pipeline, parameters that cannot be);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_simulator_stage(
    driver: *mut nd_driver,
    pipeline: u8,
    simulator: *const nd_simulator_stage,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        driver.set_simulator_stage(pipeline, simulator_from_abi(simulator)?)
    })
}

/// Change after which time the reliable stages of a pipeline send again, on one connection.
///
/// @param driver  the driver
/// @param connection  which
/// @param pipeline  a pipeline
/// @param minimum_ms  the fewest milliseconds; above 0
/// @param maximum_ms  the most milliseconds; above the fewest
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH,
/// _STATE_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline, times that cannot be);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_set_resend_times(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    minimum_ms: i32,
    maximum_ms: i32,
) -> nd_result {
    with_driver(driver, |driver| {
        let (minimum, maximum) = (milliseconds(minimum_ms), milliseconds(maximum_ms));
        driver.set_resend_times(Connection::from_u64(connection), pipeline, minimum, maximum)
    })
}

/// What the first reliable stage of a pipeline does on a connection: nd_settings,
/// nd_pipeline_stage or nd_connection_set_resend_times have said it.
///
/// @param driver  the driver
/// @param connection  which
/// @param pipeline  a pipeline with a reliable stage
/// @param out_window_size  out: packets that may be under way, rounded up to a multiple of 8
/// @param out_minimum_ms  out: the fewest milliseconds until a packet is sent again
/// @param out_maximum_ms  out: the most milliseconds
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline, none, or one without such a
/// stage); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_reliable_parameters(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    out_window_size: *mut u32,
    out_minimum_ms: *mut i32,
    out_maximum_ms: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let window = args::output(out_window_size, "out_window_size")?;
        let minimum = args::output(out_minimum_ms, "out_minimum_ms")?;
        let maximum = args::output(out_maximum_ms, "out_maximum_ms")?;
        let config = driver.reliable_config(Connection::from_u64(connection), pipeline)?;
        *window = config.window_size as u32;
        *minimum = config.minimum_resend_time_ms as i32;
        *maximum = config.maximum_resend_time_ms as i32;
        Ok(())
    })
}

/// Set the priority of a reliable pipeline's messages among those of one connection. It counts
/// with netdriver peers over datagrams (nd_settings.session): higher goes first when not everything
/// may leave at once, and a pipeline that has waited for 16 datagrams has its turn all the same.
/// Messages of pipelines that are not reliable never wait.
///
/// @param driver  the driver
/// @param pipeline  a pipeline
/// @param priority  0, the default, to 255; for messages that are sent from here on
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_INVALID_ARGUMENT (unknown pipeline, or 0);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_pipeline_priority(
    driver: *mut nd_driver,
    pipeline: u8,
    priority: u8,
) -> nd_result {
    with_driver(driver, |driver| driver.set_pipeline_priority(pipeline, priority))
}

/// Bytes that an interface and a pipeline put in front of a message, at most, those below the UTP
/// dialect included: Unity Transport's MaxHeaderSize.
///
/// @param driver  the driver
/// @param interface_index  the interface
/// @param pipeline  0: no pipeline
/// @param out_size  out: bytes
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT
/// (unknown interface or pipeline); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_header_size_max(
    driver: *mut nd_driver,
    interface_index: u32,
    pipeline: u8,
    out_size: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_size, "out_size")?;
        *out = driver.header_size_max(interface_index, pipeline)?;
        Ok(())
    })
}

/// Prepare a struct for nd_connection_get_pipeline_statistics.
///
/// @param out_statistics  out: struct_size set, the rest 0
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_pipeline_statistics_init(
    out_statistics: *mut nd_pipeline_statistics,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let empty = statistics_to_abi(&PipelineStatistics::default());
        *args::output(out_statistics, "out_statistics")? = empty;
        Ok(())
    })
}

/// What the stages of a pipeline have counted on a connection, round trips included.
///
/// @param driver  the driver
/// @param connection  which
/// @param pipeline  a pipeline
/// @param out_statistics  in: struct_size, see nd_pipeline_statistics_init; out: the counters
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_pipeline_statistics(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    out_statistics: *mut nd_pipeline_statistics,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let counted = driver.pipeline_statistics(Connection::from_u64(connection), pipeline)?;
        let value = statistics_to_abi(&counted);
        args::fill_growable(out_statistics, value, STATISTICS_SIZE_MIN, "out_statistics")
    })
}

/// The stage that the struct means.
///
/// # Safety
/// `simulator` is NULL or points to a growable nd_simulator_stage.
unsafe fn stage_from_abi(
    stage: &nd_pipeline_stage,
    settings: &NetworkSettings,
) -> Result<PipelineStage> {
    check_reserved(stage.reserved)?;
    Ok(match stage.stage {
        ND_PIPELINE_STAGE_NULL => PipelineStage::Null,
        ND_PIPELINE_STAGE_FRAGMENTATION => {
            let own = (stage.payload_capacity != 0).then_some(FragmentationConfig {
                payload_capacity: stage.payload_capacity as usize,
            });
            PipelineStage::Fragmentation(own)
        }
        ND_PIPELINE_STAGE_RELIABLE_SEQUENCED => {
            let or = |own: i32, other: u32| if own == 0 { other } else { milliseconds(own) };
            let ReliableConfig { window_size, minimum_resend_time_ms, maximum_resend_time_ms } =
                settings.reliable;
            PipelineStage::ReliableSequenced(Some(ReliableConfig {
                window_size: match stage.window_size {
                    0 => window_size,
                    own => own as usize,
                },
                minimum_resend_time_ms: or(stage.minimum_resend_time_ms, minimum_resend_time_ms),
                maximum_resend_time_ms: or(stage.maximum_resend_time_ms, maximum_resend_time_ms),
            }))
        }
        ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED => PipelineStage::UnreliableSequenced,
        ND_PIPELINE_STAGE_SIMULATOR if stage.simulator.is_null() => PipelineStage::SIMULATOR,
        ND_PIPELINE_STAGE_SIMULATOR => {
            // SAFETY: not NULL; the rest is the caller's.
            PipelineStage::Simulator(Some(unsafe { simulator_from_abi(stage.simulator) }?))
        }
        custom if custom >= ND_PIPELINE_STAGE_CUSTOM => {
            PipelineStage::Custom(custom - ND_PIPELINE_STAGE_CUSTOM)
        }
        _ => {
            return Err(Error::argument(
                "stage must be ND_PIPELINE_STAGE_… or what nd_driver_register_stage gave",
            ));
        }
    })
}

fn default_simulator() -> nd_simulator_stage {
    let s = SimulatorConfig::default();
    nd_simulator_stage {
        struct_size: size_of::<nd_simulator_stage>() as u32,
        max_packet_count: s.max_packet_count as u32,
        max_packet_size: s.max_packet_size as u32,
        mode: ND_SIMULATOR_MODE_ALL_PACKETS,
        packet_delay_ms: s.packet_delay_ms,
        packet_jitter_ms: s.packet_jitter_ms,
        packet_drop_interval: s.packet_drop_interval,
        packet_drop_percentage: s.packet_drop_percentage,
        packet_duplication_percentage: s.packet_duplication_percentage,
        fuzz_factor: s.fuzz_factor,
        fuzz_offset: s.fuzz_offset as u32,
        random_seed: s.random_seed,
    }
}

/// # Safety
/// As for [`args::growable`].
unsafe fn simulator_from_abi(pointer: *const nd_simulator_stage) -> Result<SimulatorConfig> {
    // SAFETY: handed on.
    let s =
        unsafe { args::growable(pointer, default_simulator(), SIMULATOR_SIZE_MIN, "simulator")? };
    let mode = match s.mode {
        ND_SIMULATOR_MODE_RECEIVED_PACKETS_ONLY => ApplyMode::ReceivedPacketsOnly,
        ND_SIMULATOR_MODE_SENT_PACKETS_ONLY => ApplyMode::SentPacketsOnly,
        ND_SIMULATOR_MODE_ALL_PACKETS => ApplyMode::AllPackets,
        ND_SIMULATOR_MODE_OFF => ApplyMode::Off,
        _ => return Err(Error::argument("mode must be ND_SIMULATOR_MODE_…")),
    };
    Ok(SimulatorConfig {
        max_packet_count: s.max_packet_count as usize,
        max_packet_size: s.max_packet_size as usize,
        mode,
        packet_delay_ms: s.packet_delay_ms,
        packet_jitter_ms: s.packet_jitter_ms,
        packet_drop_interval: s.packet_drop_interval,
        packet_drop_percentage: s.packet_drop_percentage,
        packet_duplication_percentage: s.packet_duplication_percentage,
        fuzz_factor: s.fuzz_factor,
        fuzz_offset: s.fuzz_offset as usize,
        random_seed: s.random_seed,
    })
}

fn statistics_to_abi(s: &PipelineStatistics) -> nd_pipeline_statistics {
    let reliable = s.reliable.unwrap_or_default();
    let rtt = s.reliable.map(|reliable| reliable.rtt);
    let sequenced = s.sequenced.unwrap_or_default();
    let fragmentation = s.fragmentation.unwrap_or_default();
    let simulator = s.simulator.unwrap_or_default();
    nd_pipeline_statistics {
        struct_size: size_of::<nd_pipeline_statistics>() as u32,
        reserved: 0,
        reliable_packets_received: reliable.packets_received,
        reliable_packets_sent: reliable.packets_sent,
        reliable_acks_received: reliable.acks_received,
        reliable_acks_sent: reliable.acks_sent,
        reliable_packets_dropped: reliable.packets_dropped,
        reliable_packets_out_of_order: reliable.packets_out_of_order,
        reliable_packets_duplicated: reliable.packets_duplicated,
        reliable_packets_stale: reliable.packets_stale,
        reliable_packets_resent: reliable.packets_resent,
        round_trip_last_us: rtt.map_or(0, |rtt| rtt.last),
        round_trip_smoothed_us: rtt.map_or(0, |rtt| rtt.smoothed),
        round_trip_variance_us: rtt.map_or(0, |rtt| rtt.variance),
        resend_timeout_us: rtt.map_or(0, |rtt| rtt.resend_timeout),
        sequenced_packets_sent: sequenced.packets_sent,
        sequenced_packets_received: sequenced.packets_received,
        sequenced_packets_culled: sequenced.packets_culled,
        sequenced_packets_dropped: sequenced.packets_dropped,
        fragmentation_messages_sent: fragmentation.messages_sent,
        fragmentation_packets_sent: fragmentation.packets_sent,
        fragmentation_messages_received: fragmentation.messages_received,
        fragmentation_packets_received: fragmentation.packets_received,
        fragmentation_packets_dropped: fragmentation.packets_dropped,
        fragmentation_messages_dropped: fragmentation.messages_dropped,
        simulator_packets: simulator.packets,
        simulator_dropped: simulator.dropped,
        simulator_duplicated: simulator.duplicated,
        simulator_fuzzed: simulator.fuzzed,
        simulator_waiting: simulator.waiting,
    }
}
