namespace NetDriver
{
    /// <summary>
    /// The settings that Unity Transport has not: limits, and the plain WebSocket's times.
    /// <see cref="NetworkDriver.Create()"/> checks them.
    /// </summary>
    public struct NetDriverParameter : INetworkParameter
    {
        /// <summary>Deliver <see cref="NetworkEvent.Type.Writable"/>.</summary>
        public bool writableEvents;
        /// <summary>
        /// Deliver messages of plain WebSocket connections in pieces
        /// (<see cref="NetworkEvent.Type.Fragment"/>) when not all of them is there at once.
        /// Nothing is put together then, and webSocketMessageSizeMax bounds Data events only.
        /// </summary>
        public bool fragmentEvents;
        /// <summary>Deliver <see cref="NetworkEvent.Type.Pong"/>.</summary>
        public bool pongEvents;
        /// <summary>Deliver <see cref="NetworkEvent.Type.CloseRequest"/>.</summary>
        public bool closeRequestEvents;
        /// <summary>
        /// An established WebSocket connection that this side closes stays Disconnecting until the
        /// closing handshake is over. What was received and what was under way is delivered (in the
        /// UTP dialect only the former), and a Disconnect event follows with reason Default: clean
        /// with the peer's code, or 1006 when the peer did not answer in closeTimeoutMS.
        /// </summary>
        public bool localCloseEvents;
        /// <summary>Connections that the driver holds at once; above 0.</summary>
        public uint connectionsMax;
        /// <summary>Payload bytes that may wait in one connection to be popped.</summary>
        public uint inboundBytesMax;
        /// <summary>
        /// Bytes that one connection may queue for sending; at least maxMessageSize + 14.
        /// </summary>
        public uint outboundBytesMax;
        /// <summary>
        /// Streams of clients without a connection that may be open at once; above 0. Further ones
        /// wait until the oldest is done or has had a second.
        /// </summary>
        public uint pendingHandshakesMax;
        /// <summary>Bytes of the largest HTTP head; 256 to 65536.</summary>
        public uint headSizeMax;
        /// <summary>Milliseconds that a handshake may take; above 0.</summary>
        public int handshakeTimeoutMS;
        /// <summary>
        /// Milliseconds of silence after which an undecided WebSocket client counts as plain.
        /// </summary>
        public int plainGraceMS;
        /// <summary>Bytes of the largest plain WebSocket message, in and out.</summary>
        public uint webSocketMessageSizeMax;
        /// <summary>Milliseconds that the WebSocket closing handshake may take; above 0.</summary>
        public int closeTimeoutMS;
        /// <summary>Plain WebSocket: milliseconds between two pings; 0 is never.</summary>
        public int pingIntervalMS;
        /// <summary>
        /// Plain WebSocket: milliseconds after a ping before the connection counts as lost; 0 is
        /// for ever.
        /// </summary>
        public int pongTimeoutMS;
        /// <summary>
        /// Plain WebSocket: milliseconds in which nothing at all arrives, pongs included, before
        /// the connection counts as lost; 0 is never.
        /// </summary>
        public int silenceTimeoutMS;
        /// <summary>
        /// WebSocket: bear with programs that are put to sleep, as a browser does with the tabs in
        /// its background while it still answers pings for them. Before a connection ends because
        /// of silence (silenceTimeoutMS; disconnectTimeoutMS in the UTP dialect) it is pinged, and
        /// pongs count as life. Connections over UDP are not concerned.
        /// </summary>
        public bool tolerateThrottled;
        /// <summary>
        /// Plain WebSocket: compress messages where the peer can (permessage-deflate, RFC 7692).
        /// <see cref="ConnectionText.Extensions"/> says what was agreed on.
        /// </summary>
        public bool deflate;
        /// <summary>How hard to compress: 1 (fast) to 9 (small).</summary>
        public uint deflateLevel;
        /// <summary>
        /// Binary logarithm of the window that this side compresses with, at most: 9 to 15.
        /// </summary>
        public uint deflateWindowBits;
        /// <summary>
        /// The same of the peer: 9 to 15. A client that did not offer client_max_window_bits cannot
        /// be told and is read with 15.
        /// </summary>
        public uint deflatePeerWindowBits;
        /// <summary>
        /// Who forgets what it knows of earlier messages: 1 this side, 2 the peer, 3 both, 0
        /// nobody. What is kept makes small messages shorter and costs each connection memory:
        /// 288 KiB to compress with a window of 15 bits (204 with 12, 190 with 9), 47 KiB to
        /// decompress.
        /// </summary>
        public uint deflateNoContextTakeover;
        /// <summary>Bytes of the shortest message that is compressed.</summary>
        public uint deflateMinimumLength;
        /// <summary>
        /// WebSocket: what becomes of sub-protocols on which the two sides do not agree.
        /// </summary>
        public SubProtocolRule subProtocolRule;
        /// <summary>
        /// Plain WebSocket: payload bytes of a frame that is sent; longer messages are cut into
        /// several frames. 0 is never, otherwise at least 125.
        /// </summary>
        public uint fragmentSize;
        /// <summary>
        /// WebSocket and TCP: messages that one connection may queue for sending, whatever their
        /// length; 0 (default): no such limit.
        /// </summary>
        public uint webSocketSendQueueCapacity;
        /// <summary>
        /// WebSocket clients: milliseconds from one attempt to reach an address of a host to the
        /// next, while earlier ones go on (RFC 8305).
        /// </summary>
        public int connectRaceDelayMS;
        /// <summary>
        /// Connections over datagrams (UDP) whose client was not heard since its request, which may
        /// come from a forged address; above 0. Further clients have to prove theirs with a cookie,
        /// which those of netdriver do by themselves, or to wait.
        /// </summary>
        public uint unvalidatedConnectionsMax;
        /// <summary>
        /// From so many of them on a client is asked for a cookie first; one that knows none is let
        /// in when it asks again. 0: always.
        /// </summary>
        public uint cookieThreshold;
        /// <summary>
        /// Milliseconds of silence after which such a connection ends, and is never seen if it was
        /// not accepted yet; 0: as any other connection.
        /// </summary>
        public int unvalidatedTimeoutMS;
        /// <summary>
        /// Connections over datagrams that one address may have (a network of 64 bits in IPv6);
        /// addresses of this machine do not count. 0: no limit.
        /// </summary>
        public uint connectionsPerAddressMax;
        /// <summary>
        /// Connection requests over datagrams that such an address may make in a second; 0: no
        /// limit; at most 65534.
        /// </summary>
        public uint requestsPerAddressMax;
        /// <summary>
        /// Give the accept payload over datagrams to all clients at once, as Unity Transport does
        /// and <see cref="NetworkPreset.Unity"/> says: who forges addresses can then have long
        /// answers sent to others. Otherwise only those get it that have brought a cookie, as those
        /// of netdriver do when they are asked, or as long a connect payload; others connect
        /// without it, two to four seconds later. False by default.
        /// </summary>
        public bool acceptPayloadBeforeValidation;
        /// <summary>
        /// UTP dialect: milliseconds between two probes that measure the round trip; 0 is never.
        /// </summary>
        public int roundTripIntervalMS;
        /// <summary>
        /// Over datagrams (UDP, IPC), speak more than Unity Transport with peers of NetDriver,
        /// too: messages share datagrams, losses are found and repaired sooner, bulk data leaves
        /// room for real time, and a peer that moves must prove its new address. Other peers do
        /// not notice. On by default.
        /// </summary>
        public bool session;
        /// <summary>
        /// With such peers: what protection against loss may cost, in percent of the reliable
        /// messages that it protects; 0 (none at all) to 100. Without loss none is sent.
        /// </summary>
        public uint sessionRepairPercent;
        /// <summary>
        /// A thread of the library receives, sends, answers pings and keeps timers between
        /// updates, so that peers do not feel the frame rate. Events still appear only with an
        /// update. What custom interfaces and stages of the program do may run on it. Off by
        /// default.
        /// </summary>
        public bool backgroundPump;
        /// <summary>
        /// Threads of the driver for its jobs, which start with the first one; whoever waits for a
        /// job helps. 0 (jobs run inside <c>Complete</c>: best for programs that complete what they
        /// schedule at once, above all with many drivers) to 64. Inside Unity its own job system
        /// takes their place.
        /// </summary>
        public uint jobWorkers;
        /// <summary>
        /// UTP dialect: a path that takes smaller packets than maxMessageSize, as it was found to,
        /// is asked for larger ones each time so many milliseconds have passed; 0 is never.
        /// </summary>
        public int pathMtuRaiseIntervalMS;

        /// <summary>The default values.</summary>
        public static NetDriverParameter Default
        {
            get
            {
                return new NetDriverParameter
                {
                    connectionsMax = 16384,
                    inboundBytesMax = 4 << 20,
                    outboundBytesMax = 4 << 20,
                    pendingHandshakesMax = 1024,
                    headSizeMax = 8192,
                    handshakeTimeoutMS = 5000,
                    plainGraceMS = 300,
                    webSocketMessageSizeMax = 1 << 20,
                    closeTimeoutMS = 3000,
                    pingIntervalMS = 10000,
                    pongTimeoutMS = 20000,
                    deflateLevel = 6,
                    deflateWindowBits = 15,
                    deflatePeerWindowBits = 15,
                    deflateNoContextTakeover = 3,
                    deflateMinimumLength = 256,
                    connectRaceDelayMS = 250,
                    unvalidatedConnectionsMax = 1024,
                    cookieThreshold = 256,
                    unvalidatedTimeoutMS = 5000,
                    connectionsPerAddressMax = 1024,
                    requestsPerAddressMax = 2000,
                    acceptPayloadBeforeValidation = false,
                    roundTripIntervalMS = 500,
                    session = true,
                    sessionRepairPercent = 66,
                    jobWorkers = 1,
                    pathMtuRaiseIntervalMS = 600000,
                };
            }
        }

        private uint OptionalEvents()
        {
            uint bits = 0;
            if (writableEvents)
                bits |= Interop.NativeMethods.ND_OPTIONAL_EVENT_WRITABLE;
            if (fragmentEvents)
                bits |= Interop.NativeMethods.ND_OPTIONAL_EVENT_FRAGMENT;
            if (pongEvents)
                bits |= Interop.NativeMethods.ND_OPTIONAL_EVENT_PONG;
            if (closeRequestEvents)
                bits |= Interop.NativeMethods.ND_OPTIONAL_EVENT_CLOSE_REQUEST;
            if (localCloseEvents)
                bits |= Interop.NativeMethods.ND_OPTIONAL_EVENT_LOCAL_CLOSE;
            return bits;
        }

        /// <summary>Are the values possible ones?</summary>
        /// <returns>True when a driver takes them.</returns>
        public unsafe bool Validate()
        {
            Interop.nd_settings native;
            Interop.NativeMethods.nd_settings_init(&native);
            CopyTo(ref native);
            return Interop.NativeMethods.nd_settings_validate(&native)
                == Interop.NativeMethods.ND_OK;
        }

        internal static NetDriverParameter From(Interop.nd_settings settings)
        {
            uint bits = settings.optional_events;
            return new NetDriverParameter
            {
                writableEvents =
                    (bits & Interop.NativeMethods.ND_OPTIONAL_EVENT_WRITABLE) != 0,
                fragmentEvents =
                    (bits & Interop.NativeMethods.ND_OPTIONAL_EVENT_FRAGMENT) != 0,
                pongEvents = (bits & Interop.NativeMethods.ND_OPTIONAL_EVENT_PONG) != 0,
                closeRequestEvents =
                    (bits & Interop.NativeMethods.ND_OPTIONAL_EVENT_CLOSE_REQUEST) != 0,
                localCloseEvents =
                    (bits & Interop.NativeMethods.ND_OPTIONAL_EVENT_LOCAL_CLOSE) != 0,
                connectionsMax = settings.connections_max,
                inboundBytesMax = settings.inbound_bytes_max,
                outboundBytesMax = settings.outbound_bytes_max,
                pendingHandshakesMax = settings.pending_handshakes_max,
                headSizeMax = settings.head_size_max,
                handshakeTimeoutMS = settings.handshake_timeout_ms,
                plainGraceMS = settings.plain_grace_ms,
                webSocketMessageSizeMax = settings.websocket_message_size_max,
                closeTimeoutMS = settings.close_timeout_ms,
                pingIntervalMS = settings.ping_interval_ms,
                pongTimeoutMS = settings.pong_timeout_ms,
                silenceTimeoutMS = settings.silence_timeout_ms,
                tolerateThrottled = settings.tolerate_throttled != 0,
                connectRaceDelayMS = settings.connect_race_delay_ms,
                session = settings.session != 0,
                sessionRepairPercent = settings.session_repair_percent,
                backgroundPump = settings.background_pump != 0,
                jobWorkers = settings.job_workers,
                pathMtuRaiseIntervalMS = settings.path_mtu_raise_interval_ms,
                deflate = settings.deflate != 0,
                deflateLevel = settings.deflate_level,
                deflateWindowBits = settings.deflate_window_bits,
                deflatePeerWindowBits = settings.deflate_peer_window_bits,
                deflateNoContextTakeover = settings.deflate_no_context_takeover,
                deflateMinimumLength = settings.deflate_minimum_length,
                subProtocolRule = (SubProtocolRule)settings.sub_protocol_rule,
                fragmentSize = settings.fragment_size,
                unvalidatedConnectionsMax = settings.unvalidated_connections_max,
                cookieThreshold = settings.cookie_threshold,
                unvalidatedTimeoutMS = settings.unvalidated_timeout_ms,
                connectionsPerAddressMax = settings.connections_per_address_max,
                requestsPerAddressMax = settings.requests_per_address_max,
                acceptPayloadBeforeValidation = settings.accept_payload_before_validation != 0,
                roundTripIntervalMS = settings.round_trip_interval_ms,
                webSocketSendQueueCapacity = settings.websocket_send_queue_capacity,
            };
        }

        internal void CopyTo(ref Interop.nd_settings settings)
        {
            settings.optional_events = OptionalEvents();
            settings.connections_max = connectionsMax;
            settings.inbound_bytes_max = inboundBytesMax;
            settings.outbound_bytes_max = outboundBytesMax;
            settings.pending_handshakes_max = pendingHandshakesMax;
            settings.head_size_max = headSizeMax;
            settings.handshake_timeout_ms = handshakeTimeoutMS;
            settings.plain_grace_ms = plainGraceMS;
            settings.websocket_message_size_max = webSocketMessageSizeMax;
            settings.close_timeout_ms = closeTimeoutMS;
            settings.ping_interval_ms = pingIntervalMS;
            settings.pong_timeout_ms = pongTimeoutMS;
            settings.silence_timeout_ms = silenceTimeoutMS;
            settings.tolerate_throttled = tolerateThrottled ? 1 : 0;
            settings.deflate = deflate ? 1 : 0;
            settings.deflate_level = deflateLevel;
            settings.deflate_window_bits = deflateWindowBits;
            settings.deflate_peer_window_bits = deflatePeerWindowBits;
            settings.deflate_no_context_takeover = deflateNoContextTakeover;
            settings.deflate_minimum_length = deflateMinimumLength;
            settings.sub_protocol_rule = (uint)subProtocolRule;
            settings.fragment_size = fragmentSize;
            settings.websocket_send_queue_capacity = webSocketSendQueueCapacity;
            settings.connect_race_delay_ms = connectRaceDelayMS;
            settings.unvalidated_connections_max = unvalidatedConnectionsMax;
            settings.cookie_threshold = cookieThreshold;
            settings.unvalidated_timeout_ms = unvalidatedTimeoutMS;
            settings.connections_per_address_max = connectionsPerAddressMax;
            settings.requests_per_address_max = requestsPerAddressMax;
            settings.accept_payload_before_validation = acceptPayloadBeforeValidation ? 1 : 0;
            settings.round_trip_interval_ms = roundTripIntervalMS;
            settings.session = session ? 1 : 0;
            settings.session_repair_percent = sessionRepairPercent;
            settings.background_pump = backgroundPump ? 1 : 0;
            settings.job_workers = jobWorkers;
            settings.path_mtu_raise_interval_ms = pathMtuRaiseIntervalMS;
        }
    }
}
