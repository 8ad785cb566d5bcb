namespace NetDriver
{
    /// <summary>Stage of a pipeline: does nothing.</summary>
    public struct NullPipelineStage
    {
    }
}
