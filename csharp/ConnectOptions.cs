using System.Collections.Generic;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What a connection to a ws:// or wss:// URL asks for beyond the URL.</summary>
    public sealed class ConnectOptions
    {
        /// <summary>What to speak: Plain (default) or Utp.</summary>
        public WebSocketDialect Dialect { get; set; }

        /// <summary>Sub-protocols to offer, best first. Null: none.</summary>
        public string[] SubProtocols { get; set; }

        /// <summary>Further request headers. Null: none.</summary>
        public IDictionary<string, string> Headers { get; set; }

        /// <summary>UTP dialect: bytes for the server with the request. Null: none.</summary>
        public byte[] Payload { get; set; }

        /// <summary>
        /// wss:// only: how to speak TLS. Null: as the interface does, else with the certificates
        /// that the system trusts.
        /// </summary>
        public TlsClientOptions Tls { get; set; }

        /// <summary>
        /// Milliseconds that all of it may take, from the look-up of the name to the Connect event;
        /// 0 (default): no such limit. Each attempt to reach an address has handshakeTimeoutMS
        /// besides.
        /// </summary>
        public int ConnectDeadlineMS { get; set; }

        /// <summary>
        /// How many HTTP redirects to follow, never from wss:// to ws://; 0 (default): none. To
        /// another host go neither user and password nor the headers Authorization and Cookie.
        /// <see cref="ConnectionText.Url"/> says where it ended.
        /// </summary>
        public int RedirectsMax { get; set; }

        /// <summary>
        /// The proxy to go through: "http://user:password@host:port" (CONNECT), the same with
        /// "https://", "socks5://user:password@host:port", "socks4a://user@host:port" or
        /// "socks4://user@host:port". Null: none.
        /// </summary>
        public string Proxy { get; set; }

        /// <summary>
        /// "https://" proxies: how to speak TLS to the proxy. Null: with the certificates that the
        /// system trusts.
        /// </summary>
        public TlsClientOptions ProxyTls { get; set; }

        /// <summary>
        /// User and password, of the URL and of an HTTP proxy, never leave as they are: nothing is
        /// said before it is asked, and only Digest (RFC 7616) answers. Default: Basic comes
        /// first, and Digest where it is asked for.
        /// </summary>
        public bool DigestOnly { get; set; }

        /// <summary>Limits of this connection; what is 0 is as its interface says.</summary>
        public ConnectionLimits Limits { get; set; }

        /// <summary>
        /// Without a <see cref="Proxy"/>: go through the one that the environment names
        /// (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY; lower case first).
        /// </summary>
        public bool ProxyFromEnvironment { get; set; }

        /// <summary>
        /// Servers that are reached without the proxy: "*", "example.com" (with all below it),
        /// "10.1.2.3", "10.0.0.0/8". Null: none, or those of the environment if that names the
        /// proxy.
        /// </summary>
        public string[] NoProxy { get; set; }

        /// <summary>Options with the default values.</summary>
        public ConnectOptions()
        {
            Dialect = WebSocketDialect.Plain;
        }

        /// <summary>The headers as lines, for the ABI.</summary>
        internal byte[] HeaderLines()
        {
            return Utf8.HeaderLines(Headers, "Headers");
        }
    }
}
