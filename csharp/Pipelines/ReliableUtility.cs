using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What belongs to the reliable stage.</summary>
    public static class ReliableUtility
    {
        /// <summary>Its parameters.</summary>
        public struct Parameters : INetworkParameter
        {
            /// <summary>
            /// Packets that may be under way without an acknowledgement, rounded up to a multiple
            /// of 8; both sides need the same. 1 to 2040.
            /// </summary>
            public int WindowSize;
            /// <summary>The fewest milliseconds until a packet is sent again; above 0.</summary>
            public int MinimumResendTime;
            /// <summary>
            /// The most milliseconds until a packet is sent again; above the fewest.
            /// </summary>
            public int MaximumResendTime;

            /// <summary>The default values.</summary>
            public static Parameters Default
            {
                get
                {
                    return new Parameters
                    {
                        WindowSize = 32, MinimumResendTime = 64, MaximumResendTime = 200,
                    };
                }
            }

            /// <summary>Are the values possible ones?</summary>
            /// <returns>True when a driver takes them.</returns>
            public unsafe bool Validate()
            {
                nd_settings native;
                NativeMethods.nd_settings_init(&native);
                CopyTo(ref native);
                return NativeMethods.nd_settings_validate(&native) == NativeMethods.ND_OK;
            }

            internal void CopyTo(ref nd_settings settings)
            {
                settings.reliable_window_size = (uint)WindowSize;
                settings.reliable_minimum_resend_time_ms = MinimumResendTime;
                settings.reliable_maximum_resend_time_ms = MaximumResendTime;
            }
        }

        /// <summary>What a reliable stage has counted on one connection.</summary>
        public struct Statistics
        {
            /// <summary>Packets with payload that arrived, whatever became of them.</summary>
            public ulong PacketsReceived;
            /// <summary>Packets with payload that left, those sent again not counted.</summary>
            public ulong PacketsSent;
            /// <summary>Packets that arrived and only acknowledge.</summary>
            public ulong AcksReceived;
            /// <summary>Packets that left and only acknowledge.</summary>
            public ulong AcksSent;
            /// <summary>Packets that were missing when a later one came.</summary>
            public ulong PacketsDropped;
            /// <summary>Packets that arrived after later ones.</summary>
            public ulong PacketsOutOfOrder;
            /// <summary>Packets that had arrived before.</summary>
            public ulong PacketsDuplicated;
            /// <summary>Packets outside of the window.</summary>
            public ulong PacketsStale;
            /// <summary>Packets sent again.</summary>
            public ulong PacketsResent;

            internal Statistics(ref nd_pipeline_statistics native)
            {
                PacketsReceived = native.reliable_packets_received;
                PacketsSent = native.reliable_packets_sent;
                AcksReceived = native.reliable_acks_received;
                AcksSent = native.reliable_acks_sent;
                PacketsDropped = native.reliable_packets_dropped;
                PacketsOutOfOrder = native.reliable_packets_out_of_order;
                PacketsDuplicated = native.reliable_packets_duplicated;
                PacketsStale = native.reliable_packets_stale;
                PacketsResent = native.reliable_packets_resent;
            }
        }

        /// <summary>Round-trip times that a reliable stage has measured, in milliseconds.</summary>
        public struct RTTInfo
        {
            private const float MicrosPerMS = 1000;

            /// <summary>The last one; 0: none yet.</summary>
            public float LastRtt;
            /// <summary>Their smoothed mean.</summary>
            public float SmoothedRtt;
            /// <summary>Their smoothed deviation.</summary>
            public float SmoothedVariance;
            /// <summary>
            /// Until a packet is sent again, before the bounds of the parameters.
            /// </summary>
            public float ResendTimeout;

            internal RTTInfo(ref nd_pipeline_statistics native)
            {
                LastRtt = native.round_trip_last_us / MicrosPerMS;
                SmoothedRtt = native.round_trip_smoothed_us / MicrosPerMS;
                SmoothedVariance = native.round_trip_variance_us / MicrosPerMS;
                ResendTimeout = native.resend_timeout_us / MicrosPerMS;
            }
        }
    }
}
