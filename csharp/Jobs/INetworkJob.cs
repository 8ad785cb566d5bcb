namespace NetDriver
{
    /// <summary>
    /// Work among the jobs of a driver, which has the driver to itself: to accept connections
    /// between an update and what follows, say.
    /// </summary>
    public interface INetworkJob
    {
        /// <summary>
        /// Does the work, once for each time it is scheduled, on any thread. All calls with the
        /// driver are fine but Dispose. An exception makes the result of the job
        /// <see cref="Error.StatusCode.JobFailed"/>, and is in the log
        /// (<see cref="NetDriverLog"/>).
        /// </summary>
        void Execute();
    }
}
