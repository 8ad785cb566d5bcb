namespace NetDriver
{
    /// <summary>What a driver reports.</summary>
    public struct NetworkEvent
    {
        /// <summary>
        /// The kind of an event. The numbers below 64 are Unity Transport's.
        /// </summary>
        public enum Type : short
        {
            /// <summary>There is no event.</summary>
            Empty = 0,
            /// <summary>A message arrived; the reader holds it.</summary>
            Data = 1,
            /// <summary>
            /// A connection that this side started is established; the reader holds the server's
            /// accept payload.
            /// </summary>
            Connect = 2,
            /// <summary>
            /// The connection ended; the reader holds one byte, the
            /// <see cref="Error.DisconnectReason"/>.
            /// </summary>
            Disconnect = 3,
            /// <summary>
            /// The peer of a plain WebSocket wants to close the connection;
            /// <see cref="NetworkDriver.LastEvent"/> has its code and reason. What is sent until
            /// the first update after this was popped still leaves before our answer, and
            /// Disconnect follows. <see cref="NetworkDriver.Close"/> instead answers with a code
            /// of its own. Only with <see cref="NetDriverParameter.closeRequestEvents"/>.
            /// </summary>
            CloseRequest = 64,
            /// <summary>
            /// After <see cref="Error.StatusCode.NetworkSendQueueFull"/> there is room again.
            /// Only with <see cref="NetDriverParameter.writableEvents"/>.
            /// </summary>
            Writable = 65,
            /// <summary>
            /// A piece of a message arrived; the reader holds it, and
            /// <see cref="NetworkDriver.LastEvent"/> says whether it is the first or the last.
            /// Only with <see cref="NetDriverParameter.fragmentEvents"/>.
            /// </summary>
            Fragment = 66,
            /// <summary>
            /// A WebSocket's pong arrived, whether it answers <see cref="NetworkDriver.Ping"/>, a
            /// ping of pingIntervalMS (nothing to read), or nothing; the reader holds what the
            /// ping carried. Only with <see cref="NetDriverParameter.pongEvents"/>.
            /// </summary>
            Pong = 67,
        }
    }
}
