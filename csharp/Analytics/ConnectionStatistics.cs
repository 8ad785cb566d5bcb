using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>The quality of a connection since it began.</summary>
    public struct ConnectionStatistics
    {
        /// <summary>
        /// Round trips in milliseconds, whatever measured them: a connection needs no reliable
        /// pipeline for it.
        /// </summary>
        public struct LatencyStatistics
        {
            /// <summary>The mean; this and all others are 0 when none was measured.</summary>
            public float Mean;
            /// <summary>The standard deviation.</summary>
            public float StandardDeviation;
            /// <summary>The shortest.</summary>
            public float Minimum;
            /// <summary>The longest.</summary>
            public float Maximum;
            /// <summary>The last.</summary>
            public float Current;
            /// <summary>The smoothed one (RFC 6298).</summary>
            public float SmoothedCurrent;
        }

        /// <summary>Counters of unreliable-sequenced pipelines.</summary>
        public struct SequencedStatistics
        {
            /// <summary>Packets sent.</summary>
            public ulong NumPacketsSent;
            /// <summary>Packets received.</summary>
            public ulong NumPacketsReceived;
            /// <summary>Packets dropped because a newer one had come before.</summary>
            public ulong NumPacketsCulledOutOfOrder;
            /// <summary>Packets that never came.</summary>
            public ulong NumPacketsDroppedNeverArrived;
        }

        /// <summary>Its round trips.</summary>
        public LatencyStatistics Latency;
        /// <summary>Its reliable pipelines, all together.</summary>
        public ReliableUtility.Statistics Reliable;
        /// <summary>Its unreliable-sequenced pipelines, all together.</summary>
        public SequencedStatistics UnreliableSequenced;

        /// <summary>Percent of packets that were lost, in either direction.</summary>
        public float PacketLossPercent
        {
            get
            {
                return Percent(
                    Reliable.PacketsDropped + Reliable.PacketsResent
                        + UnreliableSequenced.NumPacketsDroppedNeverArrived,
                    Reliable.PacketsReceived + Reliable.PacketsSent
                        + UnreliableSequenced.NumPacketsReceived
                        + UnreliableSequenced.NumPacketsDroppedNeverArrived);
            }
        }

        /// <summary>Percent of received reliable packets that came more than once.</summary>
        public float PacketDuplicationPercent
        {
            get { return Percent(Reliable.PacketsDuplicated, Reliable.PacketsReceived); }
        }

        /// <summary>Percent of received packets that came out of their order.</summary>
        public float PacketOutOfOrderPercent
        {
            get
            {
                return Percent(
                    Reliable.PacketsOutOfOrder + UnreliableSequenced.NumPacketsCulledOutOfOrder,
                    Reliable.PacketsReceived + UnreliableSequenced.NumPacketsReceived);
            }
        }

        private static float Percent(ulong part, ulong whole)
        {
            return whole == 0 ? 0.0f : (float)(100.0 * part / whole);
        }

        internal static ConnectionStatistics From(nd_connection_statistics native)
        {
            ConnectionStatistics statistics = default(ConnectionStatistics);
            statistics.Latency = new LatencyStatistics
            {
                Mean = native.latency_mean,
                StandardDeviation = native.latency_deviation,
                Minimum = native.latency_min,
                Maximum = native.latency_max,
                Current = native.latency_current,
                SmoothedCurrent = native.latency_smoothed,
            };
            statistics.Reliable = new ReliableUtility.Statistics
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
            statistics.UnreliableSequenced = new SequencedStatistics
            {
                NumPacketsSent = native.sequenced_packets_sent,
                NumPacketsReceived = native.sequenced_packets_received,
                NumPacketsCulledOutOfOrder = native.sequenced_packets_out_of_order,
                NumPacketsDroppedNeverArrived = native.sequenced_packets_lost,
            };
            return statistics;
        }
    }
}
