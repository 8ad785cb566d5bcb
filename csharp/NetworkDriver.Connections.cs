using System;
using System.Text;
using NetDriver.Analytics;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        private static readonly byte[] s_NoBytes = new byte[0];

        /// <summary>Takes the oldest connection that came from outside.</summary>
        /// <returns>The connection; the default value when none waits.</returns>
        public NetworkConnection Accept()
        {
            ulong connection = 0;
            NativeMethods.nd_driver_accept(Handle, &connection);
            return NetworkConnection.FromValue(connection);
        }

#if !UNITY_5_3_OR_NEWER // where "out var" is to mean the NativeArray
        /// <summary>Takes the oldest connection that came from outside.</summary>
        /// <param name="payload">What the client gave to Connect; may have no bytes.</param>
        /// <returns>The connection; the default value when none waits.</returns>
        public NetworkConnection Accept(out byte[] payload)
        {
            NetworkConnection connection = Accept();
            payload = connection.IsCreated ? GetConnectPayload(connection) : s_NoBytes;
            return connection;
        }
#endif

        /// <summary>The bytes that a client gave to Connect (UTP dialect).</summary>
        /// <param name="connection">A connection that came from outside.</param>
        /// <returns>The bytes; none when there are none.</returns>
        public byte[] GetConnectPayload(NetworkConnection connection)
        {
            uint length = 0;
            NativeMethods.nd_connection_get_connect_payload(
                Handle, connection.Value, null, 0, &length);
            if (length == 0)
                return s_NoBytes;
            byte[] payload = new byte[length];
            fixed (byte* bytes = payload)
            {
                int result = NativeMethods.nd_connection_get_connect_payload(
                    Handle, connection.Value, bytes, length, &length);
                return result == NativeMethods.ND_OK ? payload : s_NoBytes;
            }
        }

#if !UNITY_5_3_OR_NEWER // where they are extensions, so that "default" means the NativeArray
        /// <summary>
        /// Sets the bytes that every client gets with the answer to its request (UTP dialect): the
        /// reader of its Connect event. Over datagrams Unity Transport's own clients get them only
        /// with <see cref="NetDriverParameter.acceptPayloadBeforeValidation"/>, or when they ask
        /// with as many bytes.
        /// </summary>
        /// <param name="payload">The bytes, copied; null or empty for none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SetAcceptPayload(byte[] payload)
        {
            return SetAcceptBytes(payload);
        }

        /// <summary>
        /// Connects to an address, in the UTP dialect. The connection is Connecting at once; a
        /// Connect or Disconnect event follows.
        /// </summary>
        /// <param name="endpoint">The server.</param>
        /// <param name="payload">Bytes for the server with the request; null for none. When they
        /// are too long there is no connection.</param>
        /// <returns>The connection; the default value when that is impossible, and
        /// <see cref="NetDriverLibrary.LastError"/> says why.</returns>
        public NetworkConnection Connect(NetworkEndpoint endpoint, byte[] payload = null)
        {
            return Connect(0, endpoint, payload);
        }

        /// <summary>
        /// Connects to a host by name, in the UTP dialect. The name is looked up in the background;
        /// when it has no address, a Disconnect event with
        /// <see cref="Error.DisconnectReason.HostNotFound"/> follows.
        /// </summary>
        /// <param name="address">A name, or an address as text.</param>
        /// <param name="port">The port.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public NetworkConnection Connect(string address, ushort port, byte[] payload = null)
        {
            return Connect(0, address, port, payload);
        }
#endif

        internal int SetAcceptBytes(byte[] payload)
        {
            fixed (byte* bytes = payload)
                return NativeMethods.nd_driver_set_accept_payload(Handle, bytes, LengthOf(payload));
        }

        /// <summary>Connects to an address over one of several interfaces.</summary>
        /// <param name="interfaceIndex">The interface.</param>
        /// <param name="endpoint">The server.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public NetworkConnection Connect(
            int interfaceIndex, NetworkEndpoint endpoint, byte[] payload = null)
        {
            ulong connection = 0;
            fixed (byte* bytes = payload)
                NativeMethods.nd_driver_connect(
                    Handle, (uint)interfaceIndex, &endpoint.m_Native, bytes, LengthOf(payload),
                    &connection);
            return NetworkConnection.FromValue(connection);
        }

        /// <summary>Connects to a host by name over one of several interfaces.</summary>
        /// <param name="interfaceIndex">The interface.</param>
        /// <param name="address">A name, or an address as text.</param>
        /// <param name="port">The port.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public NetworkConnection Connect(
            int interfaceIndex, string address, ushort port, byte[] payload = null)
        {
            ulong connection = 0;
            fixed (byte* host = Utf8.Required(address, "address"))
            fixed (byte* bytes = payload)
                NativeMethods.nd_driver_connect_host(
                    Handle, (uint)interfaceIndex, host, port, bytes, LengthOf(payload),
                    &connection);
            return NetworkConnection.FromValue(connection);
        }

        /// <summary>
        /// Connects to a WebSocket server by URL, in the plain dialect unless the options say
        /// otherwise. The driver gets a WebSocket interface when it has none.
        /// </summary>
        /// <param name="url">Such as "wss://host:port/path?query".</param>
        /// <param name="options">Sub-protocols, headers, dialect, TLS; null for the
        /// defaults.</param>
        /// <returns>The connection; the default value when that is impossible, and
        /// <see cref="NetDriverLibrary.LastError"/> says why.</returns>
        public NetworkConnection Connect(string url, ConnectOptions options = null)
        {
            byte[] text = Utf8.Required(url, "url");
            if (Handle == null)
                return default(NetworkConnection);
            options = options ?? new ConnectOptions();
            ulong connection = 0;
            nd_connect_options native;
            NativeMethods.nd_connect_options_init(&native);
            native.dialect = (uint)options.Dialect;
            native.connect_deadline_ms = options.ConnectDeadlineMS;
            native.redirects_max = (uint)Math.Max(0, options.RedirectsMax);
            native.proxy_from_environment = options.ProxyFromEnvironment ? 1u : 0u;
            native.digest_only = options.DigestOnly ? 1u : 0u;
            nd_connection_limits limits = options.Limits.ToNative();
            native.limits = &limits;
            TlsTexts texts = options.Tls == null ? null : options.Tls.Texts();
            TlsTexts proxyTexts = options.ProxyTls == null ? null : options.ProxyTls.Texts();
            fixed (byte* nativeUrl = text)
            fixed (byte* subProtocols = Utf8.CommaSeparated(options.SubProtocols, "options"))
            fixed (byte* headers = options.HeaderLines())
            fixed (byte* proxy = Utf8.NulEnded(options.Proxy, "options"))
            fixed (byte* noProxy = Utf8.CommaSeparated(options.NoProxy, "options"))
            fixed (byte* payload = options.Payload)
            fixed (byte* tlsTexts = texts == null ? null : texts.ToArray())
            fixed (byte* proxyTlsTexts = proxyTexts == null ? null : proxyTexts.ToArray())
            {
                nd_tls_client tls;
                nd_tls_client proxyTls;
                if (proxyTexts != null)
                {
                    options.ProxyTls.Fill(out proxyTls, proxyTexts, proxyTlsTexts);
                    native.proxy_tls = &proxyTls;
                }
                if (texts != null)
                {
                    options.Tls.Fill(out tls, texts, tlsTexts);
                    native.tls = &tls;
                }
                native.sub_protocols = subProtocols;
                native.headers = headers;
                native.payload = payload;
                native.proxy = proxy;
                native.no_proxy = noProxy;
                native.payload_length = LengthOf(options.Payload);
                NativeMethods.nd_driver_connect_url(Handle, nativeUrl, &native, &connection);
            }
            return NetworkConnection.FromValue(connection);
        }

        /// <summary>
        /// Closes a connection. The peer is told with the next update or flush; what was sent
        /// before goes out first. No event follows on this side, unless
        /// <see cref="NetDriverParameter.localCloseEvents"/> asks for one. A WebSocket closes with
        /// code 1000.
        /// </summary>
        /// <param name="connection">Which; it reads as Disconnected at once (Disconnecting with
        /// <see cref="NetDriverParameter.localCloseEvents"/>).</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Disconnect(NetworkConnection connection)
        {
            DriverBlock* block = Block;
            return block == null ? InvalidHandle
                : block->Disconnect((nd_driver*)m_Driver, connection);
        }

        /// <summary>
        /// Closes a plain WebSocket connection with a code and a reason (RFC 6455 section 7.4). On
        /// other connections this is <see cref="Disconnect"/>.
        /// </summary>
        /// <param name="connection">Which; it reads as Disconnected at once (Disconnecting with
        /// <see cref="NetDriverParameter.localCloseEvents"/>).</param>
        /// <param name="code">1000 to 1003, 1007 to 1014, or 3000 to 4999. The others are refused,
        /// as no Close frame may carry them: 1004 has no meaning; 1005, 1006 and 1015 only tell
        /// this side how a connection ended; 1016 to 2999 are kept for later versions of the
        /// protocol.</param>
        /// <param name="reason">At most 123 bytes of UTF-8; null for none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; after InvalidArgument the
        /// connection is still open.</returns>
        public int Close(NetworkConnection connection, int code, string reason = null)
        {
            if (code < 0 || code > ushort.MaxValue)
                return (int)Error.StatusCode.InvalidArgument;
            DriverBlock* block = Block;
            if (block == null)
                return InvalidHandle;
            byte[] text = reason == null ? s_NoBytes : Encoding.UTF8.GetBytes(reason);
            fixed (byte* bytes = text)
                return block->Close(
                    (nd_driver*)m_Driver, connection, (ushort)code, bytes, (uint)text.Length);
        }

        /// <summary>
        /// Ends a connection at once. What waits to be sent is dropped, the peer is not told (over
        /// TCP it sees the stream end, over UDP only silence), and no event follows.
        /// </summary>
        /// <param name="connection">Which; the value is stale from here on.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Abort(NetworkConnection connection)
        {
            DriverBlock* block = Block;
            return block == null ? InvalidHandle
                : block->Abort((nd_driver*)m_Driver, connection);
        }

        /// <summary>
        /// Sends a ping over a WebSocket connection, behind the messages sent before it. Its pong
        /// measures the round trip of <see cref="GetConnectionInfo"/> and, with
        /// <see cref="NetDriverParameter.pongEvents"/>, is an event with the same bytes. With
        /// pongTimeoutMS the connection ends if nothing at all follows the ping. Only the pong of
        /// the last ping is measured: to have several under way, give them different bytes.
        /// </summary>
        /// <param name="connection">Which.</param>
        /// <param name="payload">At most 125 bytes, copied; null for none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; NotSupported for a connection
        /// that is no WebSocket.</returns>
        public int Ping(NetworkConnection connection, byte[] payload = null)
        {
            DriverBlock* block = Block;
            if (block == null)
                return InvalidHandle;
            nd_driver* driver = (nd_driver*)m_Driver;
            fixed (byte* bytes = payload)
                return block->Refine(driver, NativeMethods.nd_driver_ping(
                    driver, connection.Value, bytes, LengthOf(payload)), connection);
        }

        /// <summary>What a connection is doing.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The state; Disconnected for a stale or unknown connection.</returns>
        public NetworkConnection.State GetConnectionState(NetworkConnection connection)
        {
            int state = 0;
            NativeMethods.nd_connection_get_state(Handle, connection.Value, &state);
            return (NetworkConnection.State)state;
        }

        /// <summary>The peer's address.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The address; not valid for a stale connection.</returns>
        public NetworkEndpoint GetRemoteEndpoint(NetworkConnection connection)
        {
            ConnectionInfo info;
            GetConnectionInfo(connection, out info);
            return info.RemoteEndpoint;
        }

        /// <summary>
        /// Addresses, interface, dialect, round trip and counters of a connection.
        /// </summary>
        /// <param name="connection">Which.</param>
        /// <param name="info">The facts; all 0 when there are none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int GetConnectionInfo(NetworkConnection connection, out ConnectionInfo info)
        {
            nd_connection_info native = default(nd_connection_info);
            int result = InvalidHandle;
            if (Handle != null)
            {
                NativeMethods.nd_connection_info_init(&native);
                result = NativeMethods.nd_connection_get_info(Handle, connection.Value, &native);
            }
            info.m_Native = native;
            return result;
        }

        /// <summary>
        /// The quality of a connection since it began: round trips, and what its pipelines counted.
        /// </summary>
        /// <param name="connection">Which.</param>
        /// <returns>The numbers; all 0 for a stale connection.</returns>
        public ConnectionStatistics GetConnectionStatistics(NetworkConnection connection)
        {
            nd_connection_statistics native;
            NativeMethods.nd_connection_statistics_init(&native);
            NativeMethods.nd_connection_get_statistics(Handle, connection.Value, &native);
            return ConnectionStatistics.From(native);
        }

        /// <summary>
        /// Is the look-up of a host's name over? It is when the connection is no longer Connecting,
        /// or its server's address is known.
        /// </summary>
        /// <param name="connection">A connection made by name.</param>
        /// <returns>Is it over?</returns>
        [Obsolete("Wait for the Connect or Disconnect event instead.")]
        public bool CheckHostnameLookupStatus(NetworkConnection connection)
        {
            return GetConnectionState(connection) != NetworkConnection.State.Connecting
                || GetRemoteEndpoint(connection).IsValid;
        }

        /// <summary>A text of a WebSocket connection: path, query, sub-protocol, headers,
        /// extensions, TLS.</summary>
        /// <param name="connection">Which.</param>
        /// <param name="kind">Which text.</param>
        /// <returns>The text; empty where there is none, as on UDP.</returns>
        public string GetConnectionText(NetworkConnection connection, ConnectionText kind)
        {
            uint length = 0;
            NativeMethods.nd_connection_get_text(
                Handle, connection.Value, (uint)kind, null, 0, &length);
            if (length == 0)
                return string.Empty;
            byte[] buffer = new byte[length + 1];
            fixed (byte* bytes = buffer)
            {
                int result = NativeMethods.nd_connection_get_text(
                    Handle, connection.Value, (uint)kind, bytes, length + 1, &length);
                return result == NativeMethods.ND_OK ? Utf8.Read(bytes, (int)length) : string.Empty;
            }
        }

        /// <summary>
        /// One header of the request that a WebSocket connection began with; on a client, of the
        /// server's answer.
        /// </summary>
        /// <param name="connection">Which.</param>
        /// <param name="name">The header's name, in any case.</param>
        /// <returns>The value; null when there is no such header.</returns>
        public string GetConnectionHeader(NetworkConnection connection, string name)
        {
            fixed (byte* nativeName = Utf8.Required(name, "name"))
            {
                uint length = 0;
                int result = NativeMethods.nd_connection_get_header(
                    Handle, connection.Value, nativeName, null, 0, &length);
                if (result != NativeMethods.ND_OK)
                    return null;
                if (length == 0)
                    return string.Empty;
                byte[] buffer = new byte[length + 1];
                fixed (byte* bytes = buffer)
                {
                    result = NativeMethods.nd_connection_get_header(
                        Handle, connection.Value, nativeName, bytes, length + 1, &length);
                    return result == NativeMethods.ND_OK ? Utf8.Read(bytes, (int)length) : null;
                }
            }
        }

        /// <summary>
        /// Chooses whether small messages of a TCP or WebSocket connection leave at once, or the
        /// system may gather them for a moment (Nagle's algorithm).
        /// </summary>
        /// <param name="connection">A connected stream.</param>
        /// <param name="enabled">At once (as at first), or gathered.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SetNoDelay(NetworkConnection connection, bool enabled)
        {
            return NativeMethods.nd_connection_set_no_delay(
                Handle, connection.Value, enabled ? 1u : 0u);
        }

        private static uint LengthOf(byte[] bytes)
        {
            return bytes == null ? 0 : (uint)bytes.Length;
        }
    }
}
