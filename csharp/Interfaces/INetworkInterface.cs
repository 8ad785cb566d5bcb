namespace NetDriver
{
    /// <summary>
    /// A way packets travel: <see cref="UDPNetworkInterface"/>,
    /// <see cref="WebSocketNetworkInterface"/>, <see cref="TCPNetworkInterface"/>,
    /// <see cref="IPCNetworkInterface"/> or your own <see cref="CustomNetworkInterface"/>.
    /// </summary>
    public interface INetworkInterface
    {
        /// <summary>What the library is to set up.</summary>
        /// <returns>The description.</returns>
        NetworkInterfaceDescription Describe();
    }
}
