namespace NetDriver.Error
{
    /// <summary>
    /// Why a connection ended: the one byte in the reader of a Disconnect event. The numbers
    /// below 64 are Unity Transport's.
    /// </summary>
    public enum DisconnectReason : byte
    {
        /// <summary>
        /// Closed on this side; seen with <see cref="NetDriverParameter.localCloseEvents"/> only.
        /// </summary>
        Default = 0,
        /// <summary>Nothing arrived for too long.</summary>
        Timeout = 1,
        /// <summary>The server did not answer within all attempts.</summary>
        MaxConnectionAttempts = 2,
        /// <summary>The peer closed the connection.</summary>
        ClosedByRemote = 3,
        /// <summary>TLS or authentication failed.</summary>
        AuthenticationFailure = 6,
        /// <summary>The peer broke the protocol, or the stream under it ended.</summary>
        ProtocolError = 7,
        /// <summary>The host name has no address.</summary>
        HostNotFound = 9,

        /// <summary>Plain WebSocket: the stream ended without a Close frame (code 1006).</summary>
        ConnectionLost = 64,
        /// <summary>Nobody listens at that address.</summary>
        ConnectionRefused = 65,
        /// <summary>
        /// The server refused the WebSocket handshake; <see cref="NetworkEventDetails.Text"/>
        /// says how.
        /// </summary>
        HandshakeRejected = 66,
        /// <summary>
        /// Plain WebSocket: a message was longer than its receiver takes (code 1009).
        /// </summary>
        MessageTooBig = 67,
        /// <summary>
        /// The proxy opened no way to the server, or was not to be reached;
        /// <see cref="NetworkEventDetails.Text"/> says why.
        /// </summary>
        ProxyFailed = 68,
    }
}
