//! Packets in: from the peer through a machine into messages.

use bytes::Bytes;

use super::super::NetworkDriver;
use crate::proto::pipeline::StageStatistics;
use crate::proto::utp::connection::UtpConnection;

impl NetworkDriver {
    /// Takes the payload of a data packet with the number of a pipeline.
    pub(in crate::driver) fn receive_through(
        &mut self,
        index: u32,
        pipeline: u8,
        payload: &[u8],
        whole: Option<&Bytes>,
    ) {
        let now = self.now;
        let outcome = self.run_machine(index, pipeline, whole, |machine, out| {
            machine.handle_packet(now, payload, out)
        });
        if !matches!(outcome, Some(Ok(()))) {
            // No pipeline has that number, or it made nothing of the packet.
            self.statistics.malformed_in += 1;
        }
        self.open_gates(index);
        self.note_round_trip(index, pipeline);
        self.announce_window(index, pipeline);
    }

    /// Takes a packet that a session has delivered once and in order.
    pub(in crate::driver) fn receive_carried(&mut self, index: u32, pipeline: u8, packet: &[u8]) {
        let machine = self.connections.at(index).machines.get_mut(pipeline);
        if machine.is_some_and(|machine| machine.takes_carried()) {
            self.deliver_packet(index, pipeline, packet, None);
            return;
        }
        let now = self.now;
        let outcome = self.run_machine(index, pipeline, None, |machine, out| {
            machine.handle_carried_packet(now, packet, out)
        });
        if !matches!(outcome, Some(Ok(()))) {
            self.statistics.malformed_in += 1;
        }
    }

    /// Is the payload of a packet nothing but an acknowledgement?
    pub(in crate::driver) fn only_acknowledges(
        &mut self,
        index: u32,
        pipeline: u8,
        payload: &[u8],
    ) -> bool {
        let machine = self.connections.at(index).machines.get(pipeline);
        machine.is_some_and(|machine| machine.only_acknowledges(payload))
    }

    /// What a reliable stage measures is the connection's round trip, where the peer answers no
    /// probes. Of several such pipelines the first is listened to.
    fn note_round_trip(&mut self, index: u32, pipeline: u8) {
        let entry = self.connections.at(index);
        let machines = &entry.machines;
        let (measuring, samples) = machines.measured();
        if measuring != 0 && measuring != pipeline
            || entry.utp.as_deref().is_some_and(UtpConnection::answers_probes)
        {
            return;
        }
        let measured = machines.get(pipeline).and_then(|machine| {
            machine.statistics().find_map(|stage| match stage {
                StageStatistics::Reliable(reliable) if reliable.rtt.samples > 0 => {
                    Some(reliable.rtt)
                }
                _ => None,
            })
        });
        if let Some(rtt) = measured
            && samples != rtt.samples
        {
            entry.machines.set_measured(pipeline, rtt.samples);
            entry.round_trip.record(rtt.last);
        }
    }
}
