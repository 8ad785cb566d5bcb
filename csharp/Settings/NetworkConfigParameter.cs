namespace NetDriver
{
    /// <summary>
    /// Unity Transport's settings of a driver. <see cref="NetworkDriver.Create()"/> checks them.
    /// </summary>
    public struct NetworkConfigParameter : INetworkParameter
    {
        /// <summary>Milliseconds between two connection requests; at least 0.</summary>
        public int connectTimeoutMS;
        /// <summary>Connection requests before giving up; at least 0.</summary>
        public int maxConnectAttempts;
        /// <summary>
        /// Milliseconds of silence after which a UTP connection ends; 0 is never.
        /// </summary>
        public int disconnectTimeoutMS;
        /// <summary>Milliseconds without sending before a heartbeat; 0 is never.</summary>
        public int heartbeatTimeoutMS;
        /// <summary>Unity Transport's number for secure UDP clients; at least 0.</summary>
        public int reconnectionTimeoutMS;
        /// <summary>
        /// The most milliseconds that one update moves the driver's time; 0: no bound.
        /// </summary>
        public int maxFrameTimeMS;
        /// <summary>Above 0: each update moves the driver's time by exactly so many.</summary>
        public int fixedFrameTimeMS;
        /// <summary>Messages that may wait in one connection; above 0.</summary>
        public int receiveQueueCapacity;
        /// <summary>Datagrams that one connection may queue between two flushes; above 0.</summary>
        public int sendQueueCapacity;
        /// <summary>Bytes of the largest UTP packet, its headers included; 1 to 1472.</summary>
        public int maxMessageSize;
        /// <summary>
        /// Look for the largest packet that a path takes; a new connection is there when that is
        /// over, 0.6 seconds later at most once the peer has spoken.
        /// </summary>
        public bool performPathMtuDiscovery;

        /// <summary>The default values.</summary>
        public static NetworkConfigParameter Default
        {
            get
            {
                return new NetworkConfigParameter
                {
                    connectTimeoutMS = NetworkParameterConstants.ConnectTimeoutMS,
                    maxConnectAttempts = NetworkParameterConstants.MaxConnectAttempts,
                    disconnectTimeoutMS = NetworkParameterConstants.DisconnectTimeoutMS,
                    heartbeatTimeoutMS = NetworkParameterConstants.HeartbeatTimeoutMS,
                    reconnectionTimeoutMS = NetworkParameterConstants.ReconnectionTimeoutMS,
                    receiveQueueCapacity = NetworkParameterConstants.ReceiveQueueCapacity,
                    sendQueueCapacity = NetworkParameterConstants.SendQueueCapacity,
                    maxMessageSize = NetworkParameterConstants.MaxMessageSize,
                };
            }
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

        internal static NetworkConfigParameter From(Interop.nd_settings settings)
        {
            return new NetworkConfigParameter
            {
                connectTimeoutMS = settings.connect_timeout_ms,
                maxConnectAttempts = settings.max_connect_attempts,
                disconnectTimeoutMS = settings.disconnect_timeout_ms,
                heartbeatTimeoutMS = settings.heartbeat_timeout_ms,
                reconnectionTimeoutMS = settings.reconnection_timeout_ms,
                maxFrameTimeMS = settings.max_frame_time_ms,
                fixedFrameTimeMS = settings.fixed_frame_time_ms,
                receiveQueueCapacity = settings.receive_queue_capacity,
                sendQueueCapacity = settings.send_queue_capacity,
                maxMessageSize = settings.max_message_size,
                performPathMtuDiscovery = settings.perform_path_mtu_discovery != 0,
            };
        }

        internal void CopyTo(ref Interop.nd_settings settings)
        {
            settings.connect_timeout_ms = connectTimeoutMS;
            settings.max_connect_attempts = maxConnectAttempts;
            settings.disconnect_timeout_ms = disconnectTimeoutMS;
            settings.heartbeat_timeout_ms = heartbeatTimeoutMS;
            settings.reconnection_timeout_ms = reconnectionTimeoutMS;
            settings.max_frame_time_ms = maxFrameTimeMS;
            settings.fixed_frame_time_ms = fixedFrameTimeMS;
            settings.receive_queue_capacity = receiveQueueCapacity;
            settings.send_queue_capacity = sendQueueCapacity;
            settings.max_message_size = maxMessageSize;
            settings.perform_path_mtu_discovery = performPathMtuDiscovery ? 1 : 0;
        }
    }
}
