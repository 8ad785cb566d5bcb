namespace NetDriver.Error
{
    /// <summary>
    /// What the calls of a driver return: 0 is success, a negative number an error. The numbers
    /// down to −11 are Unity Transport's; those from −100 on are netdriver's own.
    /// </summary>
    public enum StatusCode
    {
        /// <summary>Success.</summary>
        Success = 0,
        /// <summary>The connection value was never given out by this driver.</summary>
        NetworkIdMismatch = -1,
        /// <summary>The connection is gone; its slot may serve another connection now.</summary>
        NetworkVersionMismatch = -2,
        /// <summary>The connection is not in the state that the call needs.</summary>
        NetworkStateMismatch = -3,
        /// <summary>The message does not fit.</summary>
        NetworkPacketOverflow = -4,
        /// <summary>The connection's send queue is full; try again after an update.</summary>
        NetworkSendQueueFull = -5,
        /// <summary>Unity Transport's number; not returned.</summary>
        NetworkHeaderInvalid = -6,
        /// <summary>Another thread is in a call on this connection, of
        /// <see cref="NetworkDriver.Concurrent"/>; nothing was done.</summary>
        NetworkDriverParallelForErr = -7,
        /// <summary>The writer was ended or aborted already, or is not of this driver.</summary>
        NetworkSendHandleInvalid = -8,
        /// <summary>Unity Transport's number; not returned.</summary>
        NetworkArgumentMismatch = -9,
        /// <summary>Unity Transport's number; not returned.</summary>
        NetworkReceiveQueueFull = -10,
        /// <summary>The operating system refused a socket operation.</summary>
        NetworkSocketError = -11,

        /// <summary>The driver was disposed, or never created.</summary>
        InvalidHandle = -100,
        /// <summary>Something that the call needs is null.</summary>
        NullArgument = -101,
        /// <summary>An argument has a value that the call cannot take.</summary>
        InvalidArgument = -102,
        /// <summary>The library and this assembly disagree on the size of a struct.</summary>
        StructSize = -103,
        /// <summary>Another thread is inside a call that has this driver to itself, or its jobs
        /// have it; nothing was done.</summary>
        DriverInUse = -104,
        /// <summary>The library failed inside; the driver can only be disposed.</summary>
        Panic = -105,
        /// <summary>A buffer is too small.</summary>
        BufferTooSmall = -106,
        /// <summary>A limit of the settings or of the library is reached.</summary>
        LimitReached = -107,
        /// <summary>This version of the library cannot do that.</summary>
        NotSupported = -108,
        /// <summary>There is nothing under that name.</summary>
        NotFound = -109,
        /// <summary>A job of the program has thrown.</summary>
        JobFailed = -110,
    }
}
