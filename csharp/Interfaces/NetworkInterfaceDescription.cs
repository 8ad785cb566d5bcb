using System.Collections.Generic;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What the library is to set up for an interface.</summary>
    public struct NetworkInterfaceDescription
    {
        /// <summary>The kind of interface.</summary>
        public NetworkInterfaceKind Kind;
        /// <summary>WebSocket listeners: the dialect.</summary>
        public WebSocketDialect Dialect;
        /// <summary>WebSocket: the path to serve and to ask for; null for the default.</summary>
        public string Path;
        /// <summary>
        /// WebSocket, Auto: clients of this path speak UTP; null for no such rule.
        /// </summary>
        public string UtpPath;
        /// <summary>
        /// WebSocket, Auto: clients of this path speak plain; null for no such rule.
        /// </summary>
        public string PlainPath;
        /// <summary>
        /// WebSocket: sub-protocols that the server speaks, best first; null for none.
        /// </summary>
        public string[] SubProtocols;
        /// <summary>WebSocket listeners: upgrade requests wait for the program.</summary>
        public bool AcceptRequests;
        /// <summary>Milliseconds that such a request waits; 0 for the default.</summary>
        public int RequestTimeoutMS;
        /// <summary>WebSocket listeners: pages that may connect; null for any.</summary>
        public string[] AllowedOrigins;
        /// <summary>WebSocket listeners: header fields of every answer; null for none.</summary>
        public IDictionary<string, string> ResponseHeaders;
        /// <summary>
        /// WebSocket and TCP listeners: proxies whose word counts; null for none.
        /// </summary>
        public string[] TrustedProxies;
        /// <summary>
        /// WebSocket and TCP listeners: streams begin with a PROXY header.
        /// </summary>
        public bool ProxyProtocol;
        /// <summary>Limits of its connections; what is 0 is as the driver says.</summary>
        public ConnectionLimits Limits;

        /// <summary>
        /// Bytes of a packet that are not payload (Unity Transport's PacketPadding).
        /// </summary>
        internal static int HeaderSize(NetworkInterfaceKind kind)
        {
            // 9 bytes of the connection protocol and 1 of the pipeline; a WebSocket frame's head
            // is at most 14, a packet's length over TCP 2.
            return kind == NetworkInterfaceKind.WebSocket ? 24
                : kind == NetworkInterfaceKind.Tcp ? 12 : 10;
        }

        internal unsafe int AddTo(nd_driver* driver, out int index)
        {
            nd_interface_settings native;
            index = -1;
            int result = NativeMethods.nd_interface_settings_init(&native, (uint)Kind);
            if (result != NativeMethods.ND_OK)
                return result;
            native.dialect = (uint)Dialect;
            native.accept_requests = AcceptRequests ? 1u : 0u;
            native.proxy_protocol = ProxyProtocol ? 1u : 0u;
            nd_connection_limits limits = Limits.ToNative();
            native.limits = &limits;
            if (RequestTimeoutMS != 0)
                native.request_timeout_ms = (uint)RequestTimeoutMS;
            fixed (byte* path = Utf8.NulEnded(Path, "Path"))
            fixed (byte* utpPath = Utf8.NulEnded(UtpPath, "UtpPath"))
            fixed (byte* plainPath = Utf8.NulEnded(PlainPath, "PlainPath"))
            fixed (byte* subProtocols = Utf8.CommaSeparated(SubProtocols, "SubProtocols"))
            fixed (byte* origins = OriginList())
            fixed (byte* proxies = Utf8.CommaSeparated(TrustedProxies, "TrustedProxies"))
            fixed (byte* headers = Utf8.HeaderLines(ResponseHeaders, "ResponseHeaders"))
            {
                native.allowed_origins = origins;
                native.trusted_proxies = proxies;
                native.response_headers = headers;
                native.path = path;
                native.utp_path = utpPath;
                native.plain_path = plainPath;
                native.sub_protocols = subProtocols;
                uint number;
                result = NativeMethods.nd_driver_add_interface(driver, &native, &number);
                if (result == NativeMethods.ND_OK)
                    index = (int)number;
                return result;
            }
        }

        /// <summary>A list without items allows no page, and null allows any.</summary>
        private byte[] OriginList()
        {
            return AllowedOrigins != null && AllowedOrigins.Length == 0
                ? Utf8.NulEnded(string.Empty, "AllowedOrigins")
                : Utf8.CommaSeparated(AllowedOrigins, "AllowedOrigins");
        }
    }
}
