//! TLS as a program and as a stranger see it: sessions, certificates good and bad, and bytes that
//! come in any pieces, wrong, or not at all.

mod support;

#[path = "tls_behaviour/beyond.rs"]
mod beyond;
#[path = "tls_behaviour/certificates.rs"]
mod certificates;
#[path = "tls_behaviour/handed.rs"]
mod handed;
#[path = "tls_behaviour/on_the_way.rs"]
mod on_the_way;
#[path = "tls_behaviour/peer.rs"]
mod peer;
#[path = "tls_behaviour/sessions.rs"]
mod sessions;
#[path = "tls_behaviour/strangers.rs"]
mod strangers;
#[path = "tls_behaviour/tcp.rs"]
mod tcp;
#[path = "tls_behaviour/world.rs"]
mod world;
