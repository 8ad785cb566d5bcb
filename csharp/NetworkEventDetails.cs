namespace NetDriver
{
    /// <summary>What an event carries beyond Unity Transport's reader and connection.</summary>
    public unsafe struct NetworkEventDetails
    {
        // The text, or where it is until the next update.
        private readonly string m_Text;
        private readonly byte* m_Bytes;
        private readonly int m_Length;

        internal NetworkEventDetails(Interop.nd_event source, string text)
            : this(source)
        {
            m_Text = text;
        }

        internal NetworkEventDetails(Interop.nd_event source)
            : this()
        {
            Connection = NetworkConnection.FromValue(source.connection);
            Type = (NetworkEvent.Type)source.kind;
            IsText = (source.flags & Interop.NativeMethods.ND_EVENT_FLAG_TEXT) != 0;
            IsFirst = (source.flags & Interop.NativeMethods.ND_EVENT_FLAG_FIRST) != 0;
            IsLast = (source.flags & Interop.NativeMethods.ND_EVENT_FLAG_LAST) != 0;
            IsClean = (source.flags & Interop.NativeMethods.ND_EVENT_FLAG_CLEAN) != 0;
            CloseCode = source.close_code;
            Reason = (Error.DisconnectReason)source.reason;
            if (HasText(source))
            {
                m_Bytes = source.data;
                m_Length = (int)source.data_length;
            }
        }

        /// <summary>The connection that it happened to.</summary>
        public NetworkConnection Connection { get; private set; }

        /// <summary>The kind of event; Empty when none was popped since the last update.</summary>
        public NetworkEvent.Type Type { get; private set; }

        /// <summary>Data: the message is text (valid UTF-8), of a plain WebSocket.</summary>
        public bool IsText { get; private set; }

        /// <summary>Data and Fragment: the message begins here.</summary>
        public bool IsFirst { get; private set; }

        /// <summary>Data and Fragment: the message ends here.</summary>
        public bool IsLast { get; private set; }

        /// <summary>Disconnect: the peer said goodbye properly.</summary>
        public bool IsClean { get; private set; }

        /// <summary>
        /// Disconnect of a WebSocket, CloseRequest: the close code (RFC 6455 section 7.4); 1005
        /// when the peer gave none, 1006 when the stream just ended; 0 for connections without
        /// close codes. With <see cref="Error.DisconnectReason.HandshakeRejected"/>: the HTTP
        /// status of the answer.
        /// </summary>
        public int CloseCode { get; private set; }

        /// <summary>Disconnect: why.</summary>
        public Error.DisconnectReason Reason { get; private set; }

        /// <summary>
        /// Disconnect, CloseRequest: the peer's close reason, or what went wrong. Otherwise an
        /// empty text. Details that <see cref="NetworkDriver.Concurrent"/> gave make it anew each
        /// time, and as with a reader, only until the next update.
        /// </summary>
        public string Text
        {
            get { return m_Text ?? Interop.Utf8.Read(m_Bytes, m_Length); }
        }

        private static bool HasText(Interop.nd_event source)
        {
            return source.kind == Interop.NativeMethods.ND_EVENT_DISCONNECT
                || source.kind == Interop.NativeMethods.ND_EVENT_CLOSE_REQUEST;
        }
    }
}
