using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What is known of a connection.</summary>
    public struct ConnectionInfo
    {
        internal nd_connection_info m_Native;

        /// <summary>What the connection is doing.</summary>
        public NetworkConnection.State State
        {
            get { return (NetworkConnection.State)m_Native.state; }
        }

        /// <summary>Number of the interface, as AddInterface gave it.</summary>
        public int InterfaceIndex
        {
            get { return (int)m_Native.interface_index; }
        }

        /// <summary>The kind of interface.</summary>
        public NetworkInterfaceKind InterfaceKind
        {
            get { return (NetworkInterfaceKind)m_Native.interface_kind; }
        }

        /// <summary>What it speaks: Utp or Plain.</summary>
        public WebSocketDialect Dialect
        {
            get { return (WebSocketDialect)m_Native.dialect; }
        }

        /// <summary>
        /// Microseconds of the last measured round trip; 0 when none was measured.
        /// </summary>
        public uint RoundTripMicroseconds
        {
            get { return m_Native.round_trip_us; }
        }

        /// <summary>The peer's address, behind trusted proxies too.</summary>
        public NetworkEndpoint RemoteEndpoint
        {
            get { return new NetworkEndpoint(m_Native.remote); }
        }

        /// <summary>
        /// The address of the socket's other end: of the trusted proxy that the peer is behind,
        /// else as <see cref="RemoteEndpoint"/>.
        /// </summary>
        public NetworkEndpoint PeerEndpoint
        {
            get { return new NetworkEndpoint(m_Native.peer); }
        }

        /// <summary>The address of this side.</summary>
        public NetworkEndpoint LocalEndpoint
        {
            get { return new NetworkEndpoint(m_Native.local); }
        }

        /// <summary>Messages received.</summary>
        public ulong MessagesIn
        {
            get { return m_Native.messages_in; }
        }

        /// <summary>Messages sent.</summary>
        public ulong MessagesOut
        {
            get { return m_Native.messages_out; }
        }

        /// <summary>Payload bytes received.</summary>
        public ulong BytesIn
        {
            get { return m_Native.bytes_in; }
        }

        /// <summary>Payload bytes sent.</summary>
        public ulong BytesOut
        {
            get { return m_Native.bytes_out; }
        }

        /// <summary>Datagrams dropped because the inbound limit was reached.</summary>
        public ulong DroppedIn
        {
            get { return m_Native.dropped_in; }
        }

        /// <summary>Sends refused because the outbound limit was reached.</summary>
        public ulong RefusedOut
        {
            get { return m_Native.refused_out; }
        }

        /// <summary>Payload bytes that wait to be popped.</summary>
        public uint InboundBytes
        {
            get { return m_Native.inbound_bytes; }
        }

        /// <summary>Bytes that wait to be sent.</summary>
        public uint OutboundBytes
        {
            get { return m_Native.outbound_bytes; }
        }

        /// <summary>
        /// Milliseconds since the last message arrived; uint.MaxValue when none did.
        /// </summary>
        public uint LastMessageAgeMS
        {
            get { return m_Native.last_message_age_ms; }
        }

        /// <summary>Microseconds of the smoothed round trip (RFC 6298); 0 when none was
        /// measured.</summary>
        public uint SmoothedRoundTripMicroseconds
        {
            get { return m_Native.round_trip_smoothed_us; }
        }

        /// <summary>Microseconds by which round trips deviate from it, smoothed.</summary>
        public uint RoundTripJitterMicroseconds
        {
            get { return m_Native.round_trip_jitter_us; }
        }

        /// <summary>Microseconds of the shortest round trip.</summary>
        public uint MinimumRoundTripMicroseconds
        {
            get { return m_Native.round_trip_min_us; }
        }

        /// <summary>Microseconds of the longest round trip.</summary>
        public uint MaximumRoundTripMicroseconds
        {
            get { return m_Native.round_trip_max_us; }
        }

        /// <summary>How many round trips were measured.</summary>
        public uint RoundTripCount
        {
            get { return m_Native.round_trip_count; }
        }

        /// <summary>
        /// Bytes of the largest packet that the path is known to take: maxMessageSize without
        /// path-MTU discovery; 0 for a plain WebSocket.
        /// </summary>
        public int PathMtu
        {
            get { return (int)m_Native.path_mtu; }
        }

        /// <summary>
        /// Is the peer's address as good as proven? It has spoken since its request, or brought a
        /// cookie, or there is a stream to it.
        /// </summary>
        public bool IsValidated
        {
            get { return m_Native.validated != 0; }
        }

        /// <summary>
        /// Do messages go through a session with another NetDriver
        /// (<see cref="NetDriverParameter.session"/>)?
        /// </summary>
        public bool HasSession
        {
            get { return m_Native.session != 0; }
        }

        /// <summary>Packets of the session that get lost, in 1/1000.</summary>
        public uint LossPermille
        {
            get { return m_Native.loss_permille; }
        }
    }
}
