namespace NetDriver
{
    /// <summary>
    /// A way packets travel: <see cref="UDPNetworkInterface"/>,
    /// <see cref="WebSocketNetworkInterface"/> or <see cref="IPCNetworkInterface"/>.
    /// </summary>
    public interface INetworkInterface
    {
        /// <summary>What the library is to set up.</summary>
        /// <returns>The description.</returns>
        NetworkInterfaceDescription Describe();
    }
}
