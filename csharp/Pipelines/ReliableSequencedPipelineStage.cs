namespace NetDriver
{
    /// <summary>
    /// Stage of a pipeline: every message arrives, once and in order. While as many as the window
    /// holds are not acknowledged, sends give
    /// <see cref="Error.StatusCode.NetworkSendQueueFull"/>. See
    /// <see cref="NetworkSettings.WithReliableStageParameters(int, int, int)"/>.
    /// </summary>
    public struct ReliableSequencedPipelineStage
    {
    }
}
