//! WebSocket as a program and as a stranger see it: both dialects, both sides, and misbehaviour.

mod support;

#[path = "websocket_behaviour/asking.rs"]
mod asking;
#[path = "websocket_behaviour/authorization.rs"]
mod authorization;
#[path = "websocket_behaviour/behind_proxies.rs"]
mod behind_proxies;
#[path = "websocket_behaviour/causes.rs"]
mod causes;
#[path = "websocket_behaviour/client.rs"]
mod client;
#[path = "websocket_behaviour/closing.rs"]
mod closing;
#[path = "websocket_behaviour/compression.rs"]
mod compression;
#[path = "websocket_behaviour/dialects.rs"]
mod dialects;
#[path = "websocket_behaviour/extensions.rs"]
mod extensions;
#[path = "websocket_behaviour/fragments.rs"]
mod fragments;
#[path = "websocket_behaviour/handed.rs"]
mod handed;
#[path = "websocket_behaviour/limits.rs"]
mod limits;
#[path = "websocket_behaviour/liveness.rs"]
mod liveness;
#[path = "websocket_behaviour/messages.rs"]
mod messages;
#[path = "websocket_behaviour/parting.rs"]
mod parting;
#[path = "websocket_behaviour/proxies.rs"]
mod proxies;
#[path = "websocket_behaviour/reaching.rs"]
mod reaching;
#[path = "websocket_behaviour/redirects.rs"]
mod redirects;
#[path = "websocket_behaviour/requests.rs"]
mod requests;
#[path = "websocket_behaviour/sending.rs"]
mod sending;
#[path = "websocket_behaviour/violations.rs"]
mod violations;
