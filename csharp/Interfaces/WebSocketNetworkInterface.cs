using System.Collections.Generic;

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

        /// <summary>
        /// Listeners: each upgrade request waits for
        /// <see cref="NetworkDriver.PopRequest(out ConnectionRequest)"/> instead of being accepted.
        /// </summary>
        public bool AcceptRequests { get; set; }

        /// <summary>
        /// Milliseconds that such a request waits; then it is answered with 503. 0: 5000.
        /// </summary>
        public int RequestTimeoutMS { get; set; }

        /// <summary>
        /// Listeners: the pages that may connect, each "scheme://host" or "scheme://host:port"
        /// without a path, or "null"; others get 403. A request without an Origin is no browser's
        /// and passes. Null: any page; no items: none.
        /// </summary>
        public string[] AllowedOrigins { get; set; }

        /// <summary>Listeners: header fields of every answer. Null: none.</summary>
        public IDictionary<string, string> ResponseHeaders { get; set; }

        /// <summary>
        /// Listeners: proxies whose word counts, each an address or a block ("10.0.0.0/8"). Behind
        /// them a connection's remote address is the client's own, as Forwarded or X-Forwarded-For
        /// tell it. Name only proxies that write one of the two themselves. Null: none.
        /// </summary>
        public string[] TrustedProxies { get; set; }

        /// <summary>
        /// Listeners: each stream begins with a PROXY header (version 1 or 2) of a trusted proxy;
        /// streams of others are closed at once.
        /// </summary>
        public bool ProxyProtocol { get; set; }

        /// <summary>Limits of its connections; what is 0 is as the driver says.</summary>
        public ConnectionLimits Limits { get; set; }

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
                AcceptRequests = AcceptRequests,
                RequestTimeoutMS = RequestTimeoutMS,
                AllowedOrigins = AllowedOrigins,
                ResponseHeaders = ResponseHeaders,
                TrustedProxies = TrustedProxies,
                ProxyProtocol = ProxyProtocol,
                Limits = Limits,
            };
        }
    }
}
