namespace NetDriver.Utilities
{
    /// <summary>
    /// What <see cref="NetworkSettings"/> has as methods, for code that names Unity Transport's
    /// class.
    /// </summary>
    public static class FragmentationStageParameterExtensions
    {
        /// <summary>As the settings' method of that name.</summary>
        /// <param name="settings">The settings.</param>
        /// <param name="payloadCapacity">Bytes of the longest message; 1 to 24115775.</param>
        /// <returns>These settings.</returns>
        public static NetworkSettings WithFragmentationStageParameters(
            ref NetworkSettings settings, int payloadCapacity = 4096)
        {
            return settings.WithFragmentationStageParameters(payloadCapacity);
        }

        /// <summary>As the settings' method of that name.</summary>
        /// <param name="settings">The settings.</param>
        /// <returns>What was set, or the defaults.</returns>
        public static FragmentationUtility.Parameters GetFragmentationStageParameters(
            ref NetworkSettings settings)
        {
            return settings.GetFragmentationStageParameters();
        }
    }
}
