using NetDriver.Interop;

namespace NetDriver.Analytics
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
            /// <summary>The shortest, rounded.</summary>
            public uint Minimum;
            /// <summary>The longest, rounded.</summary>
            public uint Maximum;
            /// <summary>The last, rounded; <see cref="ConnectionInfo.RoundTripMicroseconds"/> is
            /// finer.</summary>
            public uint Current;
            /// <summary>The smoothed one (RFC 6298).</summary>
            public float SmoothedCurrent;
        }

        /// <summary>Its round trips.</summary>
        public LatencyStatistics Latency;
        /// <summary>Its reliable pipelines, all together.</summary>
        public ReliableUtility.Statistics Reliable;
        /// <summary>Its unreliable-sequenced pipelines, all together.</summary>
        public UnreliableSequencedPipelineStage.Statistics UnreliableSequenced;

        /// <summary>Percent of packets of the reliable and the unreliable-sequenced pipelines that
        /// were lost, in either direction.</summary>
        public float PacketLossPercent
        {
            get
            {
                return Percent(
                    (ulong)Reliable.PacketsDropped + (ulong)Reliable.PacketsResent
                        + UnreliableSequenced.NumPacketsDroppedNeverArrived,
                    (ulong)Reliable.PacketsReceived + (ulong)Reliable.PacketsSent
                        + UnreliableSequenced.NumPacketsReceived
                        + UnreliableSequenced.NumPacketsDroppedNeverArrived);
            }
        }

        /// <summary>Percent of received reliable packets that came more than once.</summary>
        public float PacketDuplicationPercent
        {
            get { return Percent(
                (ulong)Reliable.PacketsDuplicated, (ulong)Reliable.PacketsReceived); }
        }

        /// <summary>Percent of received packets of the reliable and the unreliable-sequenced
        /// pipelines that came out of their order.</summary>
        public float PacketOutOfOrderPercent
        {
            get
            {
                return Percent(
                    (ulong)Reliable.PacketsOutOfOrder
                        + UnreliableSequenced.NumPacketsCulledOutOfOrder,
                    (ulong)Reliable.PacketsReceived + UnreliableSequenced.NumPacketsReceived);
            }
        }

        private static float Percent(ulong part, ulong whole)
        {
            return whole == 0 ? 0.0f : (float)(100.0 * part / whole);
        }

        private static uint RoundMS(float milliseconds)
        {
            return (uint)(milliseconds + 0.5f);
        }

        internal static ConnectionStatistics From(nd_connection_statistics native)
        {
            ConnectionStatistics statistics = default(ConnectionStatistics);
            statistics.Latency = new LatencyStatistics
            {
                Mean = native.latency_mean,
                StandardDeviation = native.latency_deviation,
                Minimum = RoundMS(native.latency_min),
                Maximum = RoundMS(native.latency_max),
                Current = RoundMS(native.latency_current),
                SmoothedCurrent = native.latency_smoothed,
            };
            statistics.Reliable = new ReliableUtility.Statistics(ref native);
            statistics.UnreliableSequenced = new UnreliableSequencedPipelineStage.Statistics
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
