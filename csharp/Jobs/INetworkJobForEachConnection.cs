namespace NetDriver
{
    /// <summary>Work for each connection of a driver, on several threads at once.</summary>
    public interface INetworkJobForEachConnection
    {
        /// <summary>
        /// Does the work for one connection, on any thread, while other threads do it for others.
        /// An exception makes the result of the job <see cref="Error.StatusCode.JobFailed"/>, and
        /// keeps no other connection from its turn.
        /// </summary>
        /// <param name="driver">The driver, as several threads may use it.</param>
        /// <param name="connection">Whose turn it is.</param>
        void Execute(NetworkDriver.Concurrent driver, NetworkConnection connection);
    }
}
