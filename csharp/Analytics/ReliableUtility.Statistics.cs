using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What reliable pipelines can tell.</summary>
    public partial struct ReliableUtility
    {
        /// <summary>Counters of reliable pipelines.</summary>
        public struct Statistics
        {
            /// <summary>Packets received.</summary>
            public ulong PacketsReceived;
            /// <summary>Packets sent for the first time.</summary>
            public ulong PacketsSent;
            /// <summary>Packets that only acknowledged, received.</summary>
            public ulong AcksReceived;
            /// <summary>Packets that only acknowledged, sent.</summary>
            public ulong AcksSent;
            /// <summary>Packets of the peer that were lost on their way.</summary>
            public ulong PacketsDropped;
            /// <summary>Packets that came out of their order.</summary>
            public ulong PacketsOutOfOrder;
            /// <summary>Packets that came more than once.</summary>
            public ulong PacketsDuplicated;
            /// <summary>Packets that came too late to be of use.</summary>
            public ulong PacketsStale;
            /// <summary>Packets sent again.</summary>
            public ulong PacketsResent;

            internal static Statistics From(nd_connection_statistics native)
            {
                return new Statistics
                {
                    PacketsReceived = native.reliable_packets_received,
                    PacketsSent = native.reliable_packets_sent,
                    AcksReceived = native.reliable_acks_received,
                    AcksSent = native.reliable_acks_sent,
                    PacketsDropped = native.reliable_packets_dropped,
                    PacketsOutOfOrder = native.reliable_packets_out_of_order,
                    PacketsDuplicated = native.reliable_packets_duplicated,
                    PacketsStale = native.reliable_packets_stale,
                    PacketsResent = native.reliable_packets_resent,
                };
            }
        }
    }
}
