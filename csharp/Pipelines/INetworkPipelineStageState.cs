namespace NetDriver
{
    /// <summary>
    /// What a stage keeps for one connection, and does with its packets. An exception refuses the
    /// packet.
    /// </summary>
    public interface INetworkPipelineStageState
    {
        /// <summary>A packet on its way out: change it, hand it on, or keep a copy.</summary>
        /// <param name="call">The packet, and where to hand it on.</param>
        /// <returns>0, or a number that refuses the message: what
        /// <see cref="NetworkPipelineStageCall.Forward()"/> gave, or one of the stage's
        /// own.</returns>
        int Send(ref NetworkPipelineStageCall call);

        /// <summary>A packet on its way in.</summary>
        /// <param name="call">The packet, and where to hand it on.</param>
        /// <returns>0, or a number that drops the packet, which is counted then.</returns>
        int Receive(ref NetworkPipelineStageCall call);

        /// <summary>
        /// The time that was asked for with <see cref="NetworkPipelineStageCall.WakeUs"/>: called
        /// once for what goes out and once for what comes in.
        /// </summary>
        /// <param name="call">Where to hand packets on.</param>
        void Timeout(ref NetworkPipelineStageCall call);

        /// <summary>The connection is over. Called once.</summary>
        void Release();
    }
}
