namespace NetDriver
{
    /// <summary>
    /// What the data frames of one connection go through. Its methods run as those of
    /// <see cref="IWebSocketExtension"/> and must not call the driver; an exception fails the
    /// connection with 1011.
    /// </summary>
    public interface IWebSocketExtensionSession
    {
        /// <summary>
        /// Writes what a frame becomes before it is sent, and sets its reserved bits.
        /// </summary>
        /// <param name="frame">The frame; what is not written is not there.</param>
        /// <returns>0, or the close code to fail the connection with.</returns>
        int Encode(ref WebSocketFrame frame);

        /// <summary>Writes what a frame was that has arrived.</summary>
        /// <param name="frame">The frame; what is not written is not there.</param>
        /// <returns>0, or the close code to fail the connection with.</returns>
        int Decode(ref WebSocketFrame frame);

        /// <summary>The connection is over. Called once.</summary>
        void Release();
    }
}
