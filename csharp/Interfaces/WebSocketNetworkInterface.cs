namespace NetDriver
{
    /// <summary>
    /// WebSocket over TCP. A listener with the default values takes Unity Transport clients and
    /// browsers alike; Connect with an endpoint speaks the UTP dialect, Connect with a ws:// URL
    /// the plain one.
    /// </summary>
    public struct WebSocketNetworkInterface : INetworkInterface
    {
        /// <summary>Listeners: which dialect to speak. The default finds out by itself.</summary>
        public WebSocketDialect Dialect { get; set; }

        /// <summary>
        /// The path that listeners serve and that Connect asks for; others get 404. Null: what
        /// <see cref="NetworkSettings.WithWebSocketParameters"/> said, else listeners of the UTP
        /// dialect serve "/" and others every path.
        /// </summary>
        public string Path { get; set; }

        /// <summary>Dialect Auto: clients of this path speak UTP. Null: no such rule.</summary>
        public string UtpPath { get; set; }

        /// <summary>Dialect Auto: clients of this path speak plain. Null: no such rule.</summary>
        public string PlainPath { get; set; }

        /// <summary>
        /// Sub-protocols that the server speaks, best first; the first that a client offers too is
        /// agreed on. Null: none.
        /// </summary>
        public string[] SubProtocols { get; set; }

        /// <inheritdoc/>
        public NetworkInterfaceDescription Describe()
        {
            return new NetworkInterfaceDescription
            {
                Kind = NetworkInterfaceKind.WebSocket,
                Dialect = Dialect,
                Path = Path,
                UtpPath = UtpPath,
                PlainPath = PlainPath,
                SubProtocols = SubProtocols,
            };
        }
    }
}
