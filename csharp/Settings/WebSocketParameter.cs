namespace NetDriver
{
    /// <summary>Unity Transport's setting of WebSocket interfaces.</summary>
    public struct WebSocketParameter : INetworkParameter
    {
        /// <summary>
        /// The path that listeners serve and that Connect asks for; it starts with "/".
        /// <see cref="WebSocketNetworkInterface.Path"/> goes before it.
        /// </summary>
        public string Path;

        /// <summary>Is it a path?</summary>
        /// <returns>True when it starts with "/".</returns>
        public bool Validate()
        {
            return Path != null && Path.Length > 0 && Path[0] == '/';
        }
    }
}
