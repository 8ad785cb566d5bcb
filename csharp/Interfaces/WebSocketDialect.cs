namespace NetDriver
{
    /// <summary>What a WebSocket carries.</summary>
    public enum WebSocketDialect
    {
        /// <summary>Listeners: find out by themselves which of the two a client speaks.</summary>
        Auto = 0,
        /// <summary>Unity Transport's connection protocol.</summary>
        Utp = 1,
        /// <summary>Plain: one WebSocket message is one Data event. Browsers speak it.</summary>
        Plain = 2,
    }
}
