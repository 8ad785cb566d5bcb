namespace NetDriver
{
    /// <summary>
    /// Stage of a pipeline: cuts messages that are longer than a packet. See
    /// <see cref="NetworkSettings.WithFragmentationStageParameters(int)"/>.
    /// </summary>
    public struct FragmentationPipelineStage
    {
    }
}
