namespace NetDriver.Utilities
{
    /// <summary>
    /// What <see cref="NetworkSettings"/> and <see cref="NetworkDriver"/> have as methods, for code
    /// that names Unity Transport's class.
    /// </summary>
    public static class SimulatorStageParameterExtensions
    {
        /// <summary>As the settings' method of that name.</summary>
        /// <param name="settings">The settings.</param>
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
        public static NetworkSettings WithSimulatorStageParameters(
            ref NetworkSettings settings,
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
            return settings.WithSimulatorStageParameters(
                maxPacketCount, maxPacketSize, mode, packetDelayMs, packetJitterMs,
                packetDropInterval, packetDropPercentage, packetDuplicationPercentage, fuzzFactor,
                fuzzOffset, randomSeed);
        }

        /// <summary>As the settings' method of that name.</summary>
        /// <param name="settings">The settings.</param>
        /// <returns>What was set, or a good network.</returns>
        public static SimulatorUtility.Parameters GetSimulatorStageParameters(
            ref NetworkSettings settings)
        {
            return settings.GetSimulatorStageParameters();
        }

        /// <summary>As the driver's method of that name.</summary>
        /// <param name="driver">The driver.</param>
        /// <param name="newParams">How bad.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public static int ModifySimulatorStageParameters(
            NetworkDriver driver, SimulatorUtility.Parameters newParams)
        {
            return driver.ModifySimulatorStageParameters(newParams);
        }
    }
}
