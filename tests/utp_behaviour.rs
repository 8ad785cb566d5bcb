//! The UTP dialect as a program sees it: connecting, events, sending, what is on the wire.

mod support;

#[path = "utp_behaviour/admission.rs"]
mod admission;
#[path = "utp_behaviour/connecting.rs"]
mod connecting;
#[path = "utp_behaviour/events.rs"]
mod events;
#[path = "utp_behaviour/interfaces.rs"]
mod interfaces;
#[path = "utp_behaviour/pipelines.rs"]
mod pipelines;
#[path = "utp_behaviour/pipelines_on_the_wire.rs"]
mod pipelines_on_the_wire;
#[path = "utp_behaviour/pipelines_tuning.rs"]
mod pipelines_tuning;
#[path = "utp_behaviour/sending.rs"]
mod sending;
#[path = "utp_behaviour/silence.rs"]
mod silence;
#[path = "utp_behaviour/wire.rs"]
mod wire;
