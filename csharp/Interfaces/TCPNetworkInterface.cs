namespace NetDriver
{
    /// <summary>
    /// TCP, in the connection protocol of Unity Transport: packets with a length in front, with TLS
    /// where <see cref="NetworkDriver.SetTlsServer"/>, <see cref="NetworkDriver.SetTlsClient"/> or
    /// the settings' secure parameters ask for it.
    /// </summary>
    public struct TCPNetworkInterface : INetworkInterface
    {
        /// <summary>
        /// Listeners: proxies whose PROXY header counts, each an address or a block ("10.0.0.0/8").
        /// Null: none.
        /// </summary>
        public string[] TrustedProxies { get; set; }

        /// <summary>
        /// Listeners: each stream begins with a PROXY header (version 1 or 2) of a trusted proxy;
        /// streams of others are closed at once.
        /// </summary>
        public bool ProxyProtocol { get; set; }

        /// <inheritdoc/>
        public NetworkInterfaceDescription Describe()
        {
            return new NetworkInterfaceDescription
            {
                Kind = NetworkInterfaceKind.Tcp,
                TrustedProxies = TrustedProxies,
                ProxyProtocol = ProxyProtocol,
            };
        }
    }
}
