using System;
using NetDriver.Interop;

namespace NetDriver
{
    // What reliable stages have counted and measured.
    public static unsafe partial class ReliableUtility
    {
        /// <summary>
        /// What a reliable stage has counted on one connection. The numbers are Unity Transport's
        /// <c>int</c>, and stop at the greatest one; those of <see cref="PipelineStatistics"/> go
        /// on.
        /// </summary>
        public struct Statistics
        {
            /// <summary>Packets with payload that arrived, whatever became of them.</summary>
            public int PacketsReceived;
            /// <summary>Packets with payload that left, those sent again not counted.</summary>
            public int PacketsSent;
            /// <summary>Packets that arrived and only acknowledge.</summary>
            public int AcksReceived;
            /// <summary>Packets that left and only acknowledge.</summary>
            public int AcksSent;
            /// <summary>Packets that were missing when a later one came.</summary>
            public int PacketsDropped;
            /// <summary>Packets that arrived after later ones.</summary>
            public int PacketsOutOfOrder;
            /// <summary>Packets that had arrived before.</summary>
            public int PacketsDuplicated;
            /// <summary>Packets outside of the window.</summary>
            public int PacketsStale;
            /// <summary>Packets sent again.</summary>
            public int PacketsResent;

            internal Statistics(ref nd_pipeline_statistics native)
            {
                PacketsReceived = Whole(native.reliable_packets_received);
                PacketsSent = Whole(native.reliable_packets_sent);
                AcksReceived = Whole(native.reliable_acks_received);
                AcksSent = Whole(native.reliable_acks_sent);
                PacketsDropped = Whole(native.reliable_packets_dropped);
                PacketsOutOfOrder = Whole(native.reliable_packets_out_of_order);
                PacketsDuplicated = Whole(native.reliable_packets_duplicated);
                PacketsStale = Whole(native.reliable_packets_stale);
                PacketsResent = Whole(native.reliable_packets_resent);
            }

            internal Statistics(ref nd_connection_statistics native)
            {
                PacketsReceived = Whole(native.reliable_packets_received);
                PacketsSent = Whole(native.reliable_packets_sent);
                AcksReceived = Whole(native.reliable_acks_received);
                AcksSent = Whole(native.reliable_acks_sent);
                PacketsDropped = Whole(native.reliable_packets_dropped);
                PacketsOutOfOrder = Whole(native.reliable_packets_out_of_order);
                PacketsDuplicated = Whole(native.reliable_packets_duplicated);
                PacketsStale = Whole(native.reliable_packets_stale);
                PacketsResent = Whole(native.reliable_packets_resent);
            }

            /// <summary>Both together, number by number.</summary>
            public static Statistics operator +(Statistics left, Statistics right)
            {
                return new Statistics
                {
                    PacketsReceived = Sum(left.PacketsReceived, right.PacketsReceived),
                    PacketsSent = Sum(left.PacketsSent, right.PacketsSent),
                    AcksReceived = Sum(left.AcksReceived, right.AcksReceived),
                    AcksSent = Sum(left.AcksSent, right.AcksSent),
                    PacketsDropped = Sum(left.PacketsDropped, right.PacketsDropped),
                    PacketsOutOfOrder = Sum(left.PacketsOutOfOrder, right.PacketsOutOfOrder),
                    PacketsDuplicated = Sum(left.PacketsDuplicated, right.PacketsDuplicated),
                    PacketsStale = Sum(left.PacketsStale, right.PacketsStale),
                    PacketsResent = Sum(left.PacketsResent, right.PacketsResent),
                };
            }

            private static int Sum(int left, int right)
            {
                return (int)Math.Min((long)left + right, int.MaxValue);
            }
        }

        /// <summary>
        /// Round-trip times that a reliable stage has measured, in milliseconds; in microseconds
        /// <see cref="PipelineStatistics"/> has them.
        /// </summary>
        public struct RTTInfo
        {
            private const float MicrosPerMS = 1000;

            /// <summary>The last one, rounded; 0: none yet, or less than half a
            /// millisecond.</summary>
            public int LastRtt;
            /// <summary>Their smoothed mean.</summary>
            public float SmoothedRtt;
            /// <summary>Their smoothed deviation.</summary>
            public float SmoothedVariance;
            /// <summary>Until a packet is sent again, before the bounds of the parameters;
            /// rounded.</summary>
            public int ResendTimeout;

            internal RTTInfo(ref nd_pipeline_statistics native)
            {
                LastRtt = RoundMS(native.round_trip_last_us);
                SmoothedRtt = native.round_trip_smoothed_us / MicrosPerMS;
                SmoothedVariance = native.round_trip_variance_us / MicrosPerMS;
                ResendTimeout = RoundMS(native.resend_timeout_us);
            }

            internal static int RoundMS(ulong micros)
            {
                return Whole((micros + 500) / 1000);
            }
        }

        /// <summary>
        /// What the reliable stage of a pipeline does and has done on one connection. It is a copy:
        /// changing it changes nothing; <see cref="NetworkDriver.SetResendTimes"/> does.
        /// </summary>
        public struct SharedContext
        {
            /// <summary>Packets that may be under way without an acknowledgement.</summary>
            public int WindowSize;
            /// <summary>The fewest milliseconds until a packet is sent again.</summary>
            public int MinimumResendTime;
            /// <summary>The most milliseconds until a packet is sent again.</summary>
            public int MaximumResendTime;
            /// <summary>What it has counted.</summary>
            public Statistics stats;
            /// <summary>The round trips that it has measured.</summary>
            public RTTInfo RttInfo;
        }

        /// <summary>
        /// Changes the fewest milliseconds until the reliable stages of a pipeline send again, on
        /// one connection.
        /// </summary>
        /// <param name="value">Milliseconds; above 0, below the most.</param>
        /// <param name="driver">The driver.</param>
        /// <param name="pipeline">A pipeline with a reliable stage.</param>
        /// <param name="connection">Which.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public static int SetMinimumResendTime(
            int value, NetworkDriver driver, NetworkPipeline pipeline, NetworkConnection connection)
        {
            Parameters now;
            int result = driver.GetReliableParameters(pipeline, connection, out now);
            return result != NativeMethods.ND_OK ? result
                : driver.SetResendTimes(pipeline, connection, value, now.MaximumResendTime);
        }

        /// <summary>
        /// Changes the most milliseconds until the reliable stages of a pipeline send again, on one
        /// connection.
        /// </summary>
        /// <param name="value">Milliseconds; above the fewest.</param>
        /// <param name="driver">The driver.</param>
        /// <param name="pipeline">A pipeline with a reliable stage.</param>
        /// <param name="connection">Which.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public static int SetMaximumResendTime(
            int value, NetworkDriver driver, NetworkPipeline pipeline, NetworkConnection connection)
        {
            Parameters now;
            int result = driver.GetReliableParameters(pipeline, connection, out now);
            return result != NativeMethods.ND_OK ? result
                : driver.SetResendTimes(pipeline, connection, now.MinimumResendTime, value);
        }

        // A counter as Unity Transport has it.
        internal static int Whole(ulong count)
        {
            return (int)Math.Min(count, int.MaxValue);
        }
    }
}
