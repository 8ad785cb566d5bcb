namespace NetDriver
{
    /// <summary>
    /// In process, between drivers of one program; its endpoints are loopback addresses.
    /// </summary>
    public struct IPCNetworkInterface : INetworkInterface
    {
        /// <inheritdoc/>
        public NetworkInterfaceDescription Describe()
        {
            return new NetworkInterfaceDescription { Kind = NetworkInterfaceKind.Ipc };
        }
    }
}
