using System;

namespace NetDriver
{
    /// <summary>
    /// What a driver is created with. The default value is all defaults. Copies share what a With…
    /// call set; a second call of one kind replaces the first. A driver copies its settings.
    /// </summary>
    public partial struct NetworkSettings : IDisposable
    {
        private sealed class Values
        {
            internal NetworkConfigParameter Config = NetworkConfigParameter.Default;
            internal NetDriverParameter Limits = NetDriverParameter.Default;
            internal NetworkSimulatorParameter? Simulator;
            internal FragmentationUtility.Parameters Fragmentation =
                FragmentationUtility.Parameters.Default;
            internal ReliableUtility.Parameters Reliable = ReliableUtility.Parameters.Default;
            internal SimulatorUtility.Parameters? SimulatorStage;
            internal WebSocketParameter WebSocket;
            internal TlsServerOptions SecureServer;
            internal TlsClientOptions SecureClient;
        }

        private Values m_Values;

        /// <summary>Was anything set?</summary>
        public bool IsCreated
        {
            get { return m_Values != null; }
        }

        /// <summary>Forgets what was set in this copy.</summary>
        public void Dispose()
        {
            m_Values = null;
        }

        /// <summary>
        /// Sets what users of another engine are used to, in place of everything that
        /// <see cref="NetworkConfigParameter"/> and <see cref="NetDriverParameter"/> hold.
        /// docs/PRESETS.md lists the values; change what you want afterwards.
        /// </summary>
        /// <param name="preset">The engine.</param>
        /// <returns>These settings.</returns>
        /// <exception cref="System.ArgumentOutOfRangeException">There is no such preset.
        /// </exception>
        public unsafe NetworkSettings WithPreset(NetworkPreset preset)
        {
            Interop.nd_settings native;
            if (Interop.NativeMethods.nd_settings_init_preset(&native, (uint)preset) != 0)
                throw new ArgumentOutOfRangeException("preset");
            Own().Config = NetworkConfigParameter.From(native);
            Own().Limits = NetDriverParameter.From(native);
            return this;
        }

        /// <summary>Sets Unity Transport's settings of a driver.</summary>
        /// <param name="connectTimeoutMS">Milliseconds between two connection requests.</param>
        /// <param name="maxConnectAttempts">Connection requests before giving up.</param>
        /// <param name="disconnectTimeoutMS">Milliseconds of silence that end a connection.</param>
        /// <param name="heartbeatTimeoutMS">Milliseconds without sending before a
        /// heartbeat.</param>
        /// <param name="reconnectionTimeoutMS">Unity Transport's number for secure clients.</param>
        /// <param name="maxFrameTimeMS">The most milliseconds of one update; 0: no bound.</param>
        /// <param name="fixedFrameTimeMS">Above 0: the milliseconds of each update.</param>
        /// <param name="receiveQueueCapacity">Messages that may wait in one connection.</param>
        /// <param name="sendQueueCapacity">Datagrams that one connection may queue.</param>
        /// <param name="maxMessageSize">Bytes of the largest UTP packet with its headers.</param>
        /// <param name="performPathMtuDiscovery">This version cannot do that.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetworkConfigParameters(
            int connectTimeoutMS = NetworkParameterConstants.ConnectTimeoutMS,
            int maxConnectAttempts = NetworkParameterConstants.MaxConnectAttempts,
            int disconnectTimeoutMS = NetworkParameterConstants.DisconnectTimeoutMS,
            int heartbeatTimeoutMS = NetworkParameterConstants.HeartbeatTimeoutMS,
            int reconnectionTimeoutMS = NetworkParameterConstants.ReconnectionTimeoutMS,
            int maxFrameTimeMS = 0,
            int fixedFrameTimeMS = 0,
            int receiveQueueCapacity = NetworkParameterConstants.ReceiveQueueCapacity,
            int sendQueueCapacity = NetworkParameterConstants.SendQueueCapacity,
            int maxMessageSize = NetworkParameterConstants.MaxMessageSize,
            bool performPathMtuDiscovery = false)
        {
            return WithNetworkConfigParameters(new NetworkConfigParameter
            {
                connectTimeoutMS = connectTimeoutMS,
                maxConnectAttempts = maxConnectAttempts,
                disconnectTimeoutMS = disconnectTimeoutMS,
                heartbeatTimeoutMS = heartbeatTimeoutMS,
                reconnectionTimeoutMS = reconnectionTimeoutMS,
                maxFrameTimeMS = maxFrameTimeMS,
                fixedFrameTimeMS = fixedFrameTimeMS,
                receiveQueueCapacity = receiveQueueCapacity,
                sendQueueCapacity = sendQueueCapacity,
                maxMessageSize = maxMessageSize,
                performPathMtuDiscovery = performPathMtuDiscovery,
            });
        }

        /// <summary>Sets Unity Transport's settings of a driver.</summary>
        /// <param name="parameter">
        /// All of them; start from <see cref="NetworkConfigParameter.Default"/>.
        /// </param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetworkConfigParameters(NetworkConfigParameter parameter)
        {
            Own().Config = parameter;
            return this;
        }

        /// <summary>Unity Transport's settings of a driver.</summary>
        /// <returns>What was set, or the defaults.</returns>
        public NetworkConfigParameter GetNetworkConfigParameters()
        {
            return m_Values == null ? NetworkConfigParameter.Default : m_Values.Config;
        }

        /// <summary>Sets the settings that Unity Transport has not.</summary>
        /// <param name="parameter">
        /// All of them; start from <see cref="NetDriverParameter.Default"/>.
        /// </param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetDriverParameters(NetDriverParameter parameter)
        {
            Own().Limits = parameter;
            return this;
        }

        /// <summary>The settings that Unity Transport has not.</summary>
        /// <returns>What was set, or the defaults.</returns>
        public NetDriverParameter GetNetDriverParameters()
        {
            return m_Values == null ? NetDriverParameter.Default : m_Values.Limits;
        }

        /// <summary>Sets the WebSocket interface's path.</summary>
        /// <param name="path">It starts with "/".</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithWebSocketParameters(string path = "/")
        {
            Own().WebSocket.Path = path;
            return this;
        }

        /// <summary>The WebSocket interface's path.</summary>
        /// <returns>What was set; the path is null when nothing was.</returns>
        public WebSocketParameter GetWebSocketParameters()
        {
            return m_Values == null ? default(WebSocketParameter) : m_Values.WebSocket;
        }

        /// <summary>Puts a bad network below the datagram interfaces.</summary>
        /// <param name="receivePacketLossPercent">Percent of arriving packets that are
        /// lost.</param>
        /// <param name="sendPacketLossPercent">Percent of leaving packets that are lost.</param>
        /// <param name="sendDelayMS">Milliseconds by which leaving packets are late.</param>
        /// <param name="sendJitterMS">Milliseconds by which that varies.</param>
        /// <param name="sendDuplicatePercent">Percent of leaving packets that leave twice.</param>
        /// <param name="receiveMtu">Bytes of the largest packet that arrives; 0: no limit.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetworkSimulatorParameters(
            float receivePacketLossPercent = 0,
            float sendPacketLossPercent = 0,
            uint sendDelayMS = 0,
            uint sendJitterMS = 0,
            float sendDuplicatePercent = 0,
            uint receiveMtu = 0)
        {
            return WithNetworkSimulatorParameters(new NetworkSimulatorParameter
            {
                ReceivePacketLossPercent = receivePacketLossPercent,
                SendPacketLossPercent = sendPacketLossPercent,
                SendDelayMS = sendDelayMS,
                SendJitterMS = sendJitterMS,
                SendDuplicatePercent = sendDuplicatePercent,
                ReceiveMtu = receiveMtu,
            });
        }

        /// <summary>Puts a bad network below the datagram interfaces.</summary>
        /// <param name="parameter">How bad.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetworkSimulatorParameters(NetworkSimulatorParameter parameter)
        {
            Own().Simulator = parameter;
            return this;
        }

        /// <summary>The bad network.</summary>
        /// <param name="parameter">What was set.</param>
        /// <returns>Was any set?</returns>
        public bool TryGetNetworkSimulatorParameters(out NetworkSimulatorParameter parameter)
        {
            bool set = m_Values != null && m_Values.Simulator.HasValue;
            parameter = set ? m_Values.Simulator.Value : default(NetworkSimulatorParameter);
            return set;
        }

        /// <summary>A copy that later With… calls on these settings do not reach.</summary>
        internal NetworkSettings Snapshot()
        {
            NetworkSettings copy = default(NetworkSettings);
            if (m_Values != null)
                copy.m_Values = new Values
                {
                    Config = m_Values.Config,
                    Limits = m_Values.Limits,
                    Simulator = m_Values.Simulator,
                    Fragmentation = m_Values.Fragmentation,
                    Reliable = m_Values.Reliable,
                    SimulatorStage = m_Values.SimulatorStage,
                    WebSocket = m_Values.WebSocket,
                    SecureServer = m_Values.SecureServer,
                    SecureClient = m_Values.SecureClient,
                };
            return copy;
        }

        internal unsafe Interop.nd_settings ToNative()
        {
            Interop.nd_settings native;
            Interop.NativeMethods.nd_settings_init(&native);
            GetNetworkConfigParameters().CopyTo(ref native);
            GetNetDriverParameters().CopyTo(ref native);
            CopyPipelinesTo(ref native);
            return native;
        }

        private Values Own()
        {
            if (m_Values == null)
                m_Values = new Values();
            return m_Values;
        }
    }
}
