namespace NetDriver
{
    /// <summary>Unity Transport's setting of WebSocket interfaces.</summary>
    public struct WebSocketParameter
    {
        /// <summary>
        /// The path that listeners serve and that Connect asks for; it starts with "/".
        /// <see cref="WebSocketNetworkInterface.Path"/> goes before it.
        /// </summary>
        public string Path;
    }
}
