namespace NetDriver.WebSockets
{
    /// <summary>What a <see cref="WebSocket"/> is doing.</summary>
    public enum WebSocketStates : byte
    {
        /// <summary>Opened, or about to be; not connected yet.</summary>
        Connecting = 0,
        /// <summary>Messages go both ways.</summary>
        Open = 1,
        /// <summary>One side has said goodbye.</summary>
        Closing = 2,
        /// <summary>It is over.</summary>
        Closed = 3,
    }
}
