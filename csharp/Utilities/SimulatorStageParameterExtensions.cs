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
