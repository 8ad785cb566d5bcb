//! The UTP dialect as a program sees it: connecting, events, sending, what is on the wire.

mod support;

#[path = "utp_behaviour/admission.rs"]
mod admission;
#[path = "utp_behaviour/checklist_driver.rs"]
mod checklist_driver;
#[path = "utp_behaviour/checklist_pipelines.rs"]
mod checklist_pipelines;
#[path = "utp_behaviour/connecting.rs"]
mod connecting;
#[path = "utp_behaviour/custom.rs"]
mod custom;
#[path = "utp_behaviour/events.rs"]
mod events;
#[path = "utp_behaviour/handshakes.rs"]
mod handshakes;
#[path = "utp_behaviour/interfaces.rs"]
mod interfaces;
#[path = "utp_behaviour/multi.rs"]
mod multi;
#[path = "utp_behaviour/path_mtu.rs"]
mod path_mtu;
#[path = "utp_behaviour/pipelines.rs"]
mod pipelines;
#[path = "utp_behaviour/pipelines_duties.rs"]
mod pipelines_duties;
#[path = "utp_behaviour/pipelines_on_the_wire.rs"]
mod pipelines_on_the_wire;
#[path = "utp_behaviour/pipelines_tuning.rs"]
mod pipelines_tuning;
#[path = "utp_behaviour/quality.rs"]
mod quality;
#[path = "utp_behaviour/sending.rs"]
mod sending;
#[path = "utp_behaviour/silence.rs"]
mod silence;
#[path = "utp_behaviour/tcp.rs"]
mod tcp;
#[path = "utp_behaviour/weather.rs"]
mod weather;
#[path = "utp_behaviour/wire.rs"]
mod wire;
