using NetDriver.Interop;

namespace NetDriver.Analytics
{
    /// <summary>Counters of a driver since it was created.</summary>
    public partial struct DriverStatistics
    {
        // All fields are in DriverStatistics.Traffic.cs: those of a struct need one order.

        /// <summary>Connections now.</summary>
        public uint Connections
        {
            get { return m_Native.connections; }
        }

        /// <summary>Streams in their handshake now.</summary>
        public uint HandshakesPending
        {
            get { return m_Native.handshakes_pending; }
        }

        /// <summary>Closed connections whose goodbye is not over: a program that ends waits for 0
        /// here.</summary>
        public uint ConnectionsClosing
        {
            get { return m_Native.connections_closing; }
        }

        /// <summary>Connections that came from outside.</summary>
        public ulong ConnectionsIncoming
        {
            get { return m_Native.connections_incoming; }
        }

        /// <summary>Connections that this side started.</summary>
        public ulong ConnectionsOutgoing
        {
            get { return m_Native.connections_outgoing; }
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

        /// <summary>Datagrams received, control messages included.</summary>
        public ulong DatagramsIn
        {
            get { return m_Native.datagrams_in; }
        }

        /// <summary>Datagrams sent, control messages included.</summary>
        public ulong DatagramsOut
        {
            get { return m_Native.datagrams_out; }
        }

        /// <summary>Bytes read from streams.</summary>
        public ulong StreamBytesIn
        {
            get { return m_Native.stream_bytes_in; }
        }

        /// <summary>Bytes written to streams.</summary>
        public ulong StreamBytesOut
        {
            get { return m_Native.stream_bytes_out; }
        }

        /// <summary>Packets that could not be parsed, and were dropped.</summary>
        public ulong MalformedIn
        {
            get { return m_Native.malformed_in; }
        }

        /// <summary>Packets of unknown connections, dropped.</summary>
        public ulong UnknownTokenIn
        {
            get { return m_Native.unknown_token_in; }
        }

        /// <summary>Packets of Unity Transport 1.x, dropped.</summary>
        public ulong OldProtocolIn
        {
            get { return m_Native.old_protocol_in; }
        }

        /// <summary>Datagrams dropped because an inbound limit was reached.</summary>
        public ulong DroppedIn
        {
            get { return m_Native.dropped_in; }
        }

        /// <summary>Sends refused because an outbound limit was reached.</summary>
        public ulong RefusedOut
        {
            get { return m_Native.refused_out; }
        }

        /// <summary>Streams closed because the peer broke the WebSocket protocol.</summary>
        public ulong ProtocolErrors
        {
            get { return m_Native.protocol_errors; }
        }

        /// <summary>Handshakes that failed, for whatever reason.</summary>
        public ulong HandshakesFailed
        {
            get { return m_Native.handshakes_failed; }
        }

        /// <summary>HTTP requests answered with a document.</summary>
        public ulong DocumentsServed
        {
            get { return m_Native.documents_served; }
        }

        /// <summary>Connections refused because the limit was reached.</summary>
        public ulong ConnectionsRefused
        {
            get { return m_Native.connections_refused; }
        }

        /// <summary>Handshakes that failed because the request head was too large; answered
        /// with 431.</summary>
        public ulong HandshakesTooLarge
        {
            get { return m_Native.handshakes_too_large; }
        }

        /// <summary>Handshakes that failed because the request, or what followed the 101, broke
        /// a rule.</summary>
        public ulong HandshakesMalformed
        {
            get { return m_Native.handshakes_malformed; }
        }

        /// <summary>Requests for a path where nothing is served; answered with 404.</summary>
        public ulong HandshakesNotFound
        {
            get { return m_Native.handshakes_not_found; }
        }

        /// <summary>Handshakes that were not over in time.</summary>
        public ulong HandshakesTimedOut
        {
            get { return m_Native.handshakes_timed_out; }
        }

        /// <summary>Handshakes whose client left.</summary>
        public ulong HandshakesAbandoned
        {
            get { return m_Native.handshakes_abandoned; }
        }

        /// <summary>Handshakes that were ended to make room for newcomers.</summary>
        public ulong HandshakesDisplaced
        {
            get { return m_Native.handshakes_displaced; }
        }

        /// <summary>Requests answered with 503, because too many bytes of documents were under
        /// way.</summary>
        public ulong HandshakesOverloaded
        {
            get { return m_Native.handshakes_overloaded; }
        }

        /// <summary>Connections that ended because nothing came from the peer in time.</summary>
        public ulong ConnectionsTimedOut
        {
            get { return m_Native.connections_timed_out; }
        }

        /// <summary>Connections over streams that ended without a Close frame.</summary>
        public ulong ConnectionsLost
        {
            get { return m_Native.connections_lost; }
        }

        /// <summary>Streams closed with 1009: a message was larger than the limit. Part of
        /// ProtocolErrors.</summary>
        public ulong MessagesTooBig
        {
            get { return m_Native.messages_too_big; }
        }

        /// <summary>Streams closed with 1007: text that is no UTF-8, compressed data that is
        /// none. Part
        /// of ProtocolErrors.</summary>
        public ulong PayloadsInvalid
        {
            get { return m_Native.payloads_invalid; }
        }

        /// <summary>
        /// Handshakes that TLS ended: certificates that this side or the client did not take,
        /// nothing in common, no TLS at all. Part of <see cref="HandshakesFailed"/>.
        /// </summary>
        public ulong TlsFailures
        {
            get { return m_Native.tls_failures; }
        }

        /// <summary>Upgrade requests refused by the origin or by the program, and streams that
        /// should have come from a trusted proxy and did not.</summary>
        public ulong HandshakesRefused
        {
            get { return m_Native.handshakes_refused; }
        }

        /// <summary>Upgrade requests that the program did not answer in time; answered with
        /// 503.</summary>
        public ulong HandshakesUnanswered
        {
            get { return m_Native.handshakes_unanswered; }
        }

        /// <summary>Connections over datagrams now whose client was not heard since its
        /// request.</summary>
        public uint ConnectionsUnvalidated
        {
            get { return m_Native.connections_unvalidated; }
        }

        /// <summary>Such connections that ended after unvalidatedTimeoutMS.</summary>
        public ulong ConnectionsUnheard
        {
            get { return m_Native.connections_unheard; }
        }

        /// <summary>Requests turned away at unvalidatedConnectionsMax.</summary>
        public ulong RequestsUnvalidated
        {
            get { return m_Native.requests_unvalidated; }
        }

        /// <summary>Requests dropped because their address has connectionsPerAddressMax
        /// connections.</summary>
        public ulong RequestsOverAddress
        {
            get { return m_Native.requests_over_address; }
        }

        /// <summary>Requests dropped because their address made more than requestsPerAddressMax in
        /// a second.</summary>
        public ulong RequestsOverRate
        {
            get { return m_Native.requests_over_rate; }
        }

        /// <summary>Requests dropped because their connection had just ended.</summary>
        public ulong RequestsLate
        {
            get { return m_Native.requests_late; }
        }

        /// <summary>Requests answered with a Retry: the client has to prove its
        /// address.</summary>
        public ulong RetriesOut
        {
            get { return m_Native.retries_out; }
        }

        /// <summary>Requests whose cookie was right.</summary>
        public ulong CookiesAccepted
        {
            get { return m_Native.cookies_accepted; }
        }

        /// <summary>Requests whose cookie was wrong, or too old.</summary>
        public ulong CookiesRefused
        {
            get { return m_Native.cookies_refused; }
        }

        /// <summary>UDP sockets that failed and were made anew on their port.</summary>
        public ulong SocketsRemade
        {
            get { return m_Native.sockets_remade; }
        }
    }
}
