namespace NetDriver
{
    /// <summary>What the messages of a connection are that say nothing of it.</summary>
    public enum WriteMode
    {
        /// <summary>UTF-8 text.</summary>
        Text = (int)Interop.NativeMethods.ND_WRITE_MODE_TEXT,
        /// <summary>Bytes; so it is at first.</summary>
        Binary = (int)Interop.NativeMethods.ND_WRITE_MODE_BINARY,
    }
}
