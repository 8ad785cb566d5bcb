namespace NetDriver
{
    /// <summary>
    /// An extension of the WebSocket protocol (RFC 6455 section 9): agrees with peers, and makes a
    /// session for each connection that agreed. Register it with
    /// <see cref="NetworkDriver.AddExtension"/>. Its methods run inside calls and jobs of the
    /// driver, one at a time, on the thread that makes the call or runs the job; with
    /// <see cref="NetDriverParameter.backgroundPump"/> also on the library's thread. They must not
    /// call the driver; an exception counts as a refusal.
    /// </summary>
    public interface IWebSocketExtension
    {
        /// <summary>Its name in Sec-WebSocket-Extensions: a token.</summary>
        string Name { get; }

        /// <summary>
        /// The parameters that a client offers, such as "key=5; fast"; null for none.
        /// </summary>
        string Offer { get; }

        /// <summary>
        /// The reserved bits that its frames may have set: 4 is RSV1 (which compression has), 2 is
        /// RSV2, 1 is RSV3.
        /// </summary>
        int ReservedBits { get; }

        /// <summary>
        /// Does a client close a connection (with 1010) whose server did not agree?
        /// </summary>
        bool IsRequired { get; }

        /// <summary>A server reads one offer of a client.</summary>
        /// <param name="offer">The parameters behind the name; may be empty.</param>
        /// <param name="answer">The parameters of the answer; null for none.</param>
        /// <returns>What the connection's frames go through; null declines.</returns>
        IWebSocketExtensionSession Accept(string offer, out string answer);

        /// <summary>A client reads the server's answer.</summary>
        /// <param name="answer">The parameters behind the name; may be empty.</param>
        /// <returns>
        /// What the connection's frames go through; null closes the connection with 1010.
        /// </returns>
        IWebSocketExtensionSession Confirm(string answer);
    }
}
