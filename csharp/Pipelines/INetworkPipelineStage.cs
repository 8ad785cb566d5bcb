namespace NetDriver
{
    /// <summary>
    /// A stage of pipelines that a program brings. Register it with
    /// <see cref="NetworkDriver.RegisterPipelineStage{T}"/>, then name its type to CreatePipeline.
    /// Its methods run inside calls and jobs of the driver, one at a time, on the thread that makes
    /// the call or runs the job; with <see cref="NetDriverParameter.backgroundPump"/> also on the
    /// library's thread. They must not call the driver.
    /// </summary>
    public interface INetworkPipelineStage
    {
        /// <summary>Bytes of the longest header that it puts in front of a packet.</summary>
        int HeaderCapacity { get; }

        /// <summary>
        /// Bytes of the longest message, for a stage that cuts messages; 0: what fits into a
        /// packet.
        /// </summary>
        int PayloadCapacity { get; }

        /// <summary>
        /// Makes the state of one connection. It is called for each connection that uses the
        /// pipeline, and once more when the pipeline is made.
        /// </summary>
        /// <param name="seed">A random number, the same in every run with the same
        /// connections.</param>
        /// <returns>The state; null or an exception refuses all messages.</returns>
        INetworkPipelineStageState CreateState(ulong seed);
    }
}
