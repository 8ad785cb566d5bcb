using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What belongs to the simulator stage.</summary>
    public static class SimulatorUtility
    {
        /// <summary>Its parameters.</summary>
        public struct Parameters : INetworkParameter
        {
            /// <summary>
            /// Packets that the stage holds at once in each direction; what comes on top is not
            /// late.
            /// </summary>
            public int MaxPacketCount;
            /// <summary>Bytes of the longest packet that the stage acts on.</summary>
            public int MaxPacketSize;
            /// <summary>Which packets it acts on.</summary>
            public ApplyMode Mode;
            /// <summary>Milliseconds by which packets are late.</summary>
            public int PacketDelayMs;
            /// <summary>Milliseconds by which that varies, either way.</summary>
            public int PacketJitterMs;
            /// <summary>The first of every so many packets is dropped; 0: none.</summary>
            public int PacketDropInterval;
            /// <summary>Percent of packets that are dropped.</summary>
            public float PacketDropPercentage;
            /// <summary>Percent of packets that come twice.</summary>
            public float PacketDuplicationPercentage;
            /// <summary>Percent of packets that are damaged.</summary>
            public float FuzzFactor;
            /// <summary>Bytes at the start of a packet that are never damaged.</summary>
            public int FuzzOffset;
            /// <summary>Start of the random sequence; 0: one of the connection's own.</summary>
            public uint RandomSeed;

            /// <summary>A good network.</summary>
            public static Parameters Default
            {
                get
                {
                    return new Parameters
                    {
                        MaxPacketCount = 512,
                        MaxPacketSize = 1472,
                        Mode = ApplyMode.AllPackets,
                    };
                }
            }

            /// <summary>Are the values possible ones?</summary>
            /// <returns>True when nothing is negative, percentages are at most 100 and times at
            /// most an hour.</returns>
            public bool Validate()
            {
                const int Hour = 3600000;
                return MaxPacketCount >= 0 && MaxPacketSize >= 0 && Mode <= ApplyMode.Off
                    && PacketDropInterval >= 0 && FuzzOffset >= 0
                    && PacketDelayMs >= 0 && PacketDelayMs <= Hour
                    && PacketJitterMs >= 0 && PacketJitterMs <= Hour
                    && NetworkSimulatorParameter.IsPercentage(PacketDropPercentage)
                    && NetworkSimulatorParameter.IsPercentage(PacketDuplicationPercentage)
                    && NetworkSimulatorParameter.IsPercentage(FuzzFactor);
            }

            internal unsafe nd_simulator_stage ToNative()
            {
                nd_simulator_stage native;
                NativeMethods.nd_simulator_stage_init(&native);
                native.max_packet_count = (uint)MaxPacketCount;
                native.max_packet_size = (uint)MaxPacketSize;
                native.mode = (uint)Mode;
                native.packet_delay_ms = (uint)PacketDelayMs;
                native.packet_jitter_ms = (uint)PacketJitterMs;
                native.packet_drop_interval = (uint)PacketDropInterval;
                native.packet_drop_percentage = PacketDropPercentage;
                native.packet_duplication_percentage = PacketDuplicationPercentage;
                native.fuzz_factor = FuzzFactor;
                native.fuzz_offset = (uint)FuzzOffset;
                native.random_seed = RandomSeed;
                return native;
            }
        }
    }
}
