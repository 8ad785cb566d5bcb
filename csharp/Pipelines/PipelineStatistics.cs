using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// What the stages of one pipeline have counted on one connection. Numbers of stages that the
    /// pipeline has not are 0; several stages of a kind count together.
    /// </summary>
    public struct PipelineStatistics
    {
        /// <summary>Of the reliable stages, as Unity Transport has it: the numbers stop at the
        /// greatest <c>int</c>.</summary>
        public ReliableUtility.Statistics Reliable;
        /// <summary>Round trips that the first reliable stage has measured.</summary>
        public ReliableUtility.RTTInfo Rtt;
        /// <summary>Reliable stage: packets with payload that arrived, whatever became of
        /// them.</summary>
        public ulong ReliablePacketsReceived;
        /// <summary>Reliable stage: packets with payload that left, those sent again not
        /// counted.</summary>
        public ulong ReliablePacketsSent;
        /// <summary>Reliable stage: packets that arrived and only acknowledge.</summary>
        public ulong ReliableAcksReceived;
        /// <summary>Reliable stage: packets that left and only acknowledge.</summary>
        public ulong ReliableAcksSent;
        /// <summary>Reliable stage: packets that were missing when a later one came.</summary>
        public ulong ReliablePacketsDropped;
        /// <summary>Reliable stage: packets that arrived after later ones.</summary>
        public ulong ReliablePacketsOutOfOrder;
        /// <summary>Reliable stage: packets that had arrived before.</summary>
        public ulong ReliablePacketsDuplicated;
        /// <summary>Reliable stage: packets outside of the window.</summary>
        public ulong ReliablePacketsStale;
        /// <summary>Reliable stage: packets sent again.</summary>
        public ulong ReliablePacketsResent;
        /// <summary>The first reliable stage: the last round trip, in microseconds; 0: none
        /// yet.</summary>
        public ulong RoundTripLastUs;
        /// <summary>The first reliable stage: the smoothed mean of round trips, in
        /// microseconds.</summary>
        public ulong RoundTripSmoothedUs;
        /// <summary>The first reliable stage: their smoothed deviation, in
        /// microseconds.</summary>
        public ulong RoundTripVarianceUs;
        /// <summary>The first reliable stage: microseconds until a packet is sent again, before the
        /// bounds of the parameters.</summary>
        public ulong ResendTimeoutUs;
        /// <summary>Of the sequenced stages, as Unity Transport has it.</summary>
        public UnreliableSequencedPipelineStage.Statistics Sequenced
        {
            get
            {
                return new UnreliableSequencedPipelineStage.Statistics
                {
                    NumPacketsSent = SequencedPacketsSent,
                    NumPacketsReceived = SequencedPacketsReceived,
                    NumPacketsCulledOutOfOrder = SequencedPacketsCulled,
                    NumPacketsDroppedNeverArrived = SequencedPacketsDropped,
                };
            }
        }

        /// <summary>Sequenced stage: packets that left.</summary>
        public ulong SequencedPacketsSent;
        /// <summary>Sequenced stage: packets that arrived.</summary>
        public ulong SequencedPacketsReceived;
        /// <summary>Sequenced stage: packets dropped because a later one had arrived.</summary>
        public ulong SequencedPacketsCulled;
        /// <summary>Sequenced stage: packets that never arrived.</summary>
        public ulong SequencedPacketsDropped;
        /// <summary>Fragmentation: messages that left.</summary>
        public ulong FragmentationMessagesSent;
        /// <summary>Fragmentation: packets that they became.</summary>
        public ulong FragmentationPacketsSent;
        /// <summary>Fragmentation: messages that arrived whole.</summary>
        public ulong FragmentationMessagesReceived;
        /// <summary>Fragmentation: packets that arrived.</summary>
        public ulong FragmentationPacketsReceived;
        /// <summary>Fragmentation: packets of messages that cannot become whole.</summary>
        public ulong FragmentationPacketsDropped;
        /// <summary>Fragmentation: messages that were begun and given up.</summary>
        public ulong FragmentationMessagesDropped;
        /// <summary>Simulator: packets that went in.</summary>
        public ulong SimulatorPackets;
        /// <summary>Simulator: packets dropped.</summary>
        public ulong SimulatorDropped;
        /// <summary>Simulator: copies made.</summary>
        public ulong SimulatorDuplicated;
        /// <summary>Simulator: packets damaged.</summary>
        public ulong SimulatorFuzzed;
        /// <summary>Simulator: packets that it holds now.</summary>
        public ulong SimulatorWaiting;

        internal PipelineStatistics(ref nd_pipeline_statistics native)
        {
            Reliable = new ReliableUtility.Statistics(ref native);
            Rtt = new ReliableUtility.RTTInfo(ref native);
            ReliablePacketsReceived = native.reliable_packets_received;
            ReliablePacketsSent = native.reliable_packets_sent;
            ReliableAcksReceived = native.reliable_acks_received;
            ReliableAcksSent = native.reliable_acks_sent;
            ReliablePacketsDropped = native.reliable_packets_dropped;
            ReliablePacketsOutOfOrder = native.reliable_packets_out_of_order;
            ReliablePacketsDuplicated = native.reliable_packets_duplicated;
            ReliablePacketsStale = native.reliable_packets_stale;
            ReliablePacketsResent = native.reliable_packets_resent;
            RoundTripLastUs = native.round_trip_last_us;
            RoundTripSmoothedUs = native.round_trip_smoothed_us;
            RoundTripVarianceUs = native.round_trip_variance_us;
            ResendTimeoutUs = native.resend_timeout_us;
            SequencedPacketsSent = native.sequenced_packets_sent;
            SequencedPacketsReceived = native.sequenced_packets_received;
            SequencedPacketsCulled = native.sequenced_packets_culled;
            SequencedPacketsDropped = native.sequenced_packets_dropped;
            FragmentationMessagesSent = native.fragmentation_messages_sent;
            FragmentationPacketsSent = native.fragmentation_packets_sent;
            FragmentationMessagesReceived = native.fragmentation_messages_received;
            FragmentationPacketsReceived = native.fragmentation_packets_received;
            FragmentationPacketsDropped = native.fragmentation_packets_dropped;
            FragmentationMessagesDropped = native.fragmentation_messages_dropped;
            SimulatorPackets = native.simulator_packets;
            SimulatorDropped = native.simulator_dropped;
            SimulatorDuplicated = native.simulator_duplicated;
            SimulatorFuzzed = native.simulator_fuzzed;
            SimulatorWaiting = native.simulator_waiting;
        }
    }
}
