namespace NetDriver
{
    public partial struct NetworkSettings
    {
        internal SimulatorUtility.Parameters? SimulatorStage
        {
            get
            {
                SimulatorUtility.Parameters set;
                return TryGet(out set) ? set : (SimulatorUtility.Parameters?)null;
            }
        }

        /// <summary>Sets the parameters of fragmentation stages.</summary>
        /// <param name="payloadCapacity">Bytes of the longest message; 1 to 24115775.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithFragmentationStageParameters(int payloadCapacity = 4096)
        {
            return Set(new FragmentationUtility.Parameters { PayloadCapacity = payloadCapacity });
        }

        /// <summary>The parameters of fragmentation stages.</summary>
        /// <returns>What was set, or the defaults.</returns>
        public FragmentationUtility.Parameters GetFragmentationStageParameters()
        {
            return Get(FragmentationUtility.Parameters.Default);
        }

        /// <summary>Sets the parameters of reliable stages.</summary>
        /// <param name="windowSize">Packets that may be under way without an acknowledgement; both
        /// sides need the same. 1 to 2040.</param>
        /// <param name="minimumResendTime">The fewest milliseconds until a packet is sent
        /// again.</param>
        /// <param name="maximumResendTime">The most.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithReliableStageParameters(
            int windowSize = 32, int minimumResendTime = 64, int maximumResendTime = 200)
        {
            return Set(new ReliableUtility.Parameters
            {
                WindowSize = windowSize,
                MinimumResendTime = minimumResendTime,
                MaximumResendTime = maximumResendTime,
            });
        }

        /// <summary>The parameters of reliable stages.</summary>
        /// <returns>What was set, or the defaults.</returns>
        public ReliableUtility.Parameters GetReliableStageParameters()
        {
            return Get(ReliableUtility.Parameters.Default);
        }

        /// <summary>Sets the bad network of simulator stages.</summary>
        /// <param name="maxPacketCount">Packets that a stage holds at once in each
        /// direction.</param>
        /// <param name="maxPacketSize">Bytes of the longest packet that it acts on.</param>
        /// <param name="mode">Which packets it acts on.</param>
        /// <param name="packetDelayMs">Milliseconds by which packets are late.</param>
        /// <param name="packetJitterMs">Milliseconds by which that varies.</param>
        /// <param name="packetDropInterval">The first of every so many packets is dropped; 0:
        /// none.</param>
        /// <param name="packetDropPercentage">Percent of packets that are dropped.</param>
        /// <param name="packetDuplicationPercentage">Percent of packets that come twice.</param>
        /// <param name="fuzzFactor">Percent of packets that are damaged.</param>
        /// <param name="fuzzOffset">Bytes at the start that are never damaged.</param>
        /// <param name="randomSeed">Start of the random sequence; 0: the connection's own.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSimulatorStageParameters(
            int maxPacketCount,
            int maxPacketSize = 1472,
            ApplyMode mode = ApplyMode.AllPackets,
            int packetDelayMs = 0,
            int packetJitterMs = 0,
            int packetDropInterval = 0,
            float packetDropPercentage = 0,
            float packetDuplicationPercentage = 0,
            float fuzzFactor = 0,
            int fuzzOffset = 0,
            uint randomSeed = 0)
        {
            return WithSimulatorStageParameters(new SimulatorUtility.Parameters
            {
                MaxPacketCount = maxPacketCount,
                MaxPacketSize = maxPacketSize,
                Mode = mode,
                PacketDelayMs = packetDelayMs,
                PacketJitterMs = packetJitterMs,
                PacketDropInterval = packetDropInterval,
                PacketDropPercentage = packetDropPercentage,
                PacketDuplicationPercentage = packetDuplicationPercentage,
                FuzzFactor = fuzzFactor,
                FuzzOffset = fuzzOffset,
                RandomSeed = randomSeed,
            });
        }

        /// <summary>Sets the bad network of simulator stages.</summary>
        /// <param name="parameters">
        /// How bad; start from <see cref="SimulatorUtility.Parameters.Default"/>.
        /// </param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithSimulatorStageParameters(SimulatorUtility.Parameters parameters)
        {
            return Set(parameters);
        }

        /// <summary>The bad network of simulator stages.</summary>
        /// <returns>What was set, or a good one.</returns>
        public SimulatorUtility.Parameters GetSimulatorStageParameters()
        {
            return SimulatorStage ?? SimulatorUtility.Parameters.Default;
        }
    }
}
