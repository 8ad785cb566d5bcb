namespace NetDriver
{
    /// <summary>
    /// Stage of a pipeline: messages that come after a later one are dropped.
    /// </summary>
    public struct UnreliableSequencedPipelineStage
    {
    }
}
