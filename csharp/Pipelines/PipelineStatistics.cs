using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// What the stages of one pipeline have counted on one connection. Numbers of stages that the
    /// pipeline has not are 0; several stages of a kind count together.
    /// </summary>
    public struct PipelineStatistics
    {
        /// <summary>Of the reliable stages.</summary>
        public ReliableUtility.Statistics Reliable;
        /// <summary>Round trips that the first reliable stage has measured.</summary>
        public ReliableUtility.RTTInfo Rtt;
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
