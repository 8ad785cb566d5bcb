namespace NetDriver.Utilities
{
    /// <summary>
    /// What <see cref="NetworkSettings"/> has as methods, for code that names Unity Transport's
    /// class.
    /// </summary>
    public static class ReliableStageParameterExtensions
    {
        /// <summary>As the settings' method of that name.</summary>
        /// <param name="settings">The settings.</param>
        /// <param name="windowSize">Packets that may be under way without an
        /// acknowledgement.</param>
        /// <param name="minimumResendTime">The fewest milliseconds until a packet is sent
        /// again.</param>
        /// <param name="maximumResendTime">The most.</param>
        /// <returns>These settings.</returns>
        public static NetworkSettings WithReliableStageParameters(
            ref NetworkSettings settings, int windowSize = 32,
            int minimumResendTime = ReliableUtility.DefaultMinimumResendTime,
            int maximumResendTime = ReliableUtility.DefaultMaximumResendTime)
        {
            return settings.WithReliableStageParameters(
                windowSize, minimumResendTime, maximumResendTime);
        }

        /// <summary>As the settings' method of that name.</summary>
        /// <param name="settings">The settings.</param>
        /// <returns>What was set, or the defaults.</returns>
        public static ReliableUtility.Parameters GetReliableStageParameters(
            ref NetworkSettings settings)
        {
            return settings.GetReliableStageParameters();
        }
    }
}
