namespace NetDriver
{
    /// <summary>UDP datagrams, in the connection protocol of Unity Transport.</summary>
    public struct UDPNetworkInterface : INetworkInterface
    {
        /// <inheritdoc/>
        public NetworkInterfaceDescription Describe()
        {
            return new NetworkInterfaceDescription { Kind = NetworkInterfaceKind.Udp };
        }
    }
}
