namespace NetDriver
{
    /// <summary>
    /// Stage of a pipeline: a bad network, for tests. See
    /// <see cref="NetworkSettings.WithSimulatorStageParameters(SimulatorUtility.Parameters)"/>.
    /// </summary>
    public struct SimulatorPipelineStage
    {
    }
}
