namespace NetDriver
{
    /// <summary>Unity Transport's default values.</summary>
    public struct NetworkParameterConstants
    {
        /// <summary>Milliseconds between two connection requests.</summary>
        public const int ConnectTimeoutMS = 1000;
        /// <summary>Connection requests before giving up.</summary>
        public const int MaxConnectAttempts = 60;
        /// <summary>Milliseconds of silence after which a connection ends.</summary>
        public const int DisconnectTimeoutMS = 30 * 1000;
        /// <summary>Milliseconds without sending after which a heartbeat goes out.</summary>
        public const int HeartbeatTimeoutMS = 500;
        /// <summary>Unity Transport's number for secure UDP clients.</summary>
        public const int ReconnectionTimeoutMS = 2000;
        /// <summary>Messages that may wait in one connection.</summary>
        public const int ReceiveQueueCapacity = 512;
        /// <summary>Datagrams that one connection may queue between two flushes.</summary>
        public const int SendQueueCapacity = 512;
        /// <summary>Bytes of the largest UTP packet, its headers included.</summary>
        public const int MaxMessageSize = 1400;
        /// <summary>The same, by its older name.</summary>
        public const int MTU = MaxMessageSize;
    }
}
