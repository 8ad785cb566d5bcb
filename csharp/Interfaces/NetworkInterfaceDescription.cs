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

        /// <summary>
        /// Bytes of a packet that are not payload (Unity Transport's PacketPadding).
        /// </summary>
        internal static int HeaderSize(NetworkInterfaceKind kind)
        {
            // 9 bytes of the connection protocol and 1 of the pipeline; a WebSocket frame's head
            // is at most 14.
            return kind == NetworkInterfaceKind.WebSocket ? 24 : 10;
        }

        internal unsafe int AddTo(nd_driver* driver, out int index)
        {
            nd_interface_settings native;
            index = -1;
            int result = NativeMethods.nd_interface_settings_init(&native, (uint)Kind);
            if (result != NativeMethods.ND_OK)
                return result;
            native.dialect = (uint)Dialect;
            fixed (byte* path = Utf8.NulEnded(Path, "Path"))
            fixed (byte* utpPath = Utf8.NulEnded(UtpPath, "UtpPath"))
            fixed (byte* plainPath = Utf8.NulEnded(PlainPath, "PlainPath"))
            fixed (byte* subProtocols = Utf8.CommaSeparated(SubProtocols, "SubProtocols"))
            {
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
    }
}
