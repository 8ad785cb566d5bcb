//! netdriver: one network driver for every game engine.
//!
//! A [`NetworkDriver`] owns sockets, connections and an event queue. It serves UDP clients,
//! WebSocket clients and plain browser pages with one connection type. The crate is the core of a
//! C library (`include/netdriver.h`) and of C# bindings, and is a Rust library in its own right.
//!
//! Arrows point down only: `ffi` → `driver` → `pump` → `proto`. `docs/ARCHITECTURE.md` has the
//! picture.

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("TLS needs cryptography: enable the feature `ring` (the default) or `aws-lc-rs`");

mod driver;
mod error;
pub mod ffi;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod log;
mod names;
pub mod proto;
mod pump;
pub mod settings;

pub use driver::{
    CUSTOM_BATCH_MAX, Concurrent, ConcurrentDriver, Connection, ConnectionInfo, ConnectionJob,
    ConnectionState, ConnectionStatistics, ConnectionText, CustomInterface, DisconnectReason,
    DriverPlace, DriverWaker, Event, EventKind, EventView, IncomingPacket, JOB_BATCH_DEFAULT,
    JOB_BATCH_MAX, JOB_RESULTS_KEPT, JOBS_MAX, Job, JobScheduler, LANE_SENDS_OPEN_MAX,
    MULTI_DRIVERS_MAX, MessageKind, MultiNetworkDriver, MultiSend, NetworkDriver, OutgoingPacket,
    PipelineStatistics, REJECT_BODY_MAX, ReliableCounters, Request, RequestId, SendBuffer,
    SendHandle, SequencedCounters, SharedDriver, Statistics, raise_descriptor_limit,
};
pub use error::{Error, Result, Status};
pub use proto::endpoint::{Family, NetworkEndpoint};
pub use proto::pipeline::{CustomInstance, CustomStage, Next as StageNext, SendError, StageError};
pub use proto::stream;
pub use proto::websocket::extension::{
    Extension, Frame as ExtensionFrame, Output as ExtensionOutput, Transform,
};
