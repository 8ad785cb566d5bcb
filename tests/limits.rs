//! Every limit holds, says so, and hurts nobody but the one who runs into it.

mod support;

#[path = "limits/abuse.rs"]
mod abuse;
#[path = "limits/backpressure.rs"]
mod backpressure;
#[path = "limits/handshakes.rs"]
mod handshakes;
#[path = "limits/presets.rs"]
mod presets;
#[path = "limits/queues.rs"]
mod queues;
#[path = "limits/settings.rs"]
mod settings;
