namespace NetDriver
{
    /// <summary>
    /// What becomes of sub-protocols on which the two sides of a WebSocket do not agree.
    /// </summary>
    public enum SubProtocolRule
    {
        /// <summary>The connection is made, without one.</summary>
        Lenient = 0,
        /// <summary>
        /// There is no connection, as with Godot: a client that offers some must be answered with
        /// one of them.
        /// </summary>
        Strict = 1,
    }
}
