//! Peers that moved: with a session, nothing follows them before they have proven it.

use super::super::NetworkDriver;
use super::super::connections::Link;

impl NetworkDriver {
    /// Is a connection's peer one that must prove a new place?
    pub(in crate::driver) fn proves_places(&mut self, index: u32) -> bool {
        let peer = &self.connections.at(index).session;
        peer.as_ref().is_some_and(|peer| peer.session.is_some())
    }

    /// A packet of a connection came from elsewhere than the ones before: who is there is asked
    /// to prove to be the peer, with no more bytes than came.
    pub(in crate::driver) fn hear_from_elsewhere(&mut self, index: u32, link: Link, size: usize) {
        let now = self.now;
        let random = self.entropy.take();
        let Some(peer) = &mut self.connections.at(index).session else { return };
        let challenge = peer.paths.handle_datagram(now, link, size, random);
        if let Some(data) = challenge
            && let Some(session) = &mut peer.session
        {
            let mut datagram = std::mem::take(&mut self.scratch);
            datagram.clear();
            session.write_challenge(now, data, &mut datagram);
            self.emit(link, &datagram, &[]);
            self.scratch = datagram;
        }
    }

    /// Moves a connection, if what came from there was the proof.
    pub(super) fn follow_proven(&mut self, index: u32, link: Link) {
        let now = self.now;
        let Some(peer) = &mut self.connections.at(index).session else { return };
        let Some(session) = &mut peer.session else { return };
        let Some(data) = session.poll_path_response() else { return };
        if peer.paths.handle_response(link, data).is_some() {
            session.handle_path_change(now);
            if let Some(utp) = &mut self.connections.at(index).utp {
                utp.handle_path_change(now);
            }
            self.set_link(index, link);
        }
    }
}
