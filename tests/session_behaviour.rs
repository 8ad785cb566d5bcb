//! What two netdriver peers speak beyond Unity Transport, as programs and the wire see it.

mod support;

#[path = "session_behaviour/agreeing.rs"]
mod agreeing;
#[path = "session_behaviour/carriers.rs"]
mod carriers;
#[path = "session_behaviour/hostile.rs"]
mod hostile;
#[path = "session_behaviour/messages.rs"]
mod messages;
#[path = "session_behaviour/narrow_paths.rs"]
mod narrow_paths;
#[path = "session_behaviour/relay.rs"]
mod relay;
#[path = "session_behaviour/roaming.rs"]
mod roaming;
#[path = "session_behaviour/sharing.rs"]
mod sharing;
#[path = "session_behaviour/switching.rs"]
mod switching;
