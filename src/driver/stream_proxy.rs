//! A client's conversation with its proxy: between TCP and what is said to the server.
//!
//! What is said is in `proto/proxy`; which proxy, the plan knows.

use super::NetworkDriver;
use super::plan::Failure;
use super::streams::{Phase, StreamState};
use crate::proto::proxy::{Tunnel, authority};
use crate::pump::StreamId;

impl NetworkDriver {
    /// TCP is there: to the server at once, or first through the plan's proxy. True when the
    /// stream goes on.
    pub(super) fn start_tunnel(&mut self, id: StreamId) -> bool {
        let Some(index) = self.streams.connection(id) else {
            return false;
        };
        let head_size_max = self.settings.head_size_max as usize;
        let entropy = self.entropy.take();
        let Some(plan) = &mut self.connections.at(index).plan else {
            return false;
        };
        let Some(proxy) = &plan.proxy else {
            return self.reach_server(id);
        };
        let authority = authority(&plan.url.host, plan.url.port);
        let own = plan.proxy_authorizer.as_mut();
        let own = own.and_then(|own| own.value("CONNECT", &authority, entropy));
        let host = plan.host_for_proxy();
        let tunnel = Tunnel::new(proxy, &host, plan.url.port, head_size_max, own.as_deref());
        if let Err(error) = self.start_proxy_tls(id) {
            self.attempt_failed(id, Failure::tls(error.text()));
            return false;
        }
        if let Some(state) = self.streams.get(id) {
            state.phase = Phase::Proxy;
            if let Some(client) = state.client() {
                client.tunnel = Some(Box::new(tunnel));
            }
        }
        self.speak_to_proxy(id);
        true
    }

    /// Bytes of the proxy. Once the tunnel is open, the stream is the server's.
    pub(super) fn take_tunnel_bytes(&mut self, id: StreamId, bytes: &[u8]) {
        let client = self.streams.get(id).and_then(StreamState::client);
        let Some(client) = client else { return };
        let Some(tunnel) = &mut client.tunnel else { return };
        match tunnel.handle_bytes(bytes) {
            Ok(false) => self.speak_to_proxy(id),
            Ok(true) => {
                client.tunnel = None;
                self.reach_server(id);
            }
            Err(error) if self.answer_proxy(id, &error) => {}
            Err(error) => self.attempt_failed(id, Failure::proxy(&error)),
        }
    }

    fn speak_to_proxy(&mut self, id: StreamId) {
        let client = self.streams.get(id).and_then(StreamState::client);
        if let Some(tunnel) = client.and_then(|client| client.tunnel.as_mut())
            && let Some(out) = self.pump.out(id)
        {
            tunnel.poll_transmit(out);
        }
    }
}
