#if NETDRIVER_COLLECTIONS
using PathText = Unity.Collections.FixedString128Bytes;
#else
using PathText = System.String;
#endif

namespace NetDriver
{
    /// <summary>Unity Transport's setting of WebSocket interfaces.</summary>
    public struct WebSocketParameter : INetworkParameter
    {
        /// <summary>
        /// The path that listeners serve and that Connect asks for; it starts with "/".
        /// <see cref="WebSocketNetworkInterface.Path"/> goes before it.
        /// </summary>
        public PathText Path;

        internal string Text
        {
            get { return (object)Path == null ? null : Path.ToString(); }
        }

        /// <summary>Is it a path?</summary>
        /// <returns>True when it starts with "/".</returns>
        public bool Validate()
        {
            return (object)Path != null && Path.Length > 0 && Path[0] == '/';
        }
    }
}
