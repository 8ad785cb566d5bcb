using System;
using System.Collections.Generic;
using NetDriver.Logging;
using NetDriver.TLS;

namespace NetDriver
{
    /// <summary>
    /// What a driver is created with. The default value is all defaults. Copies share what a With…
    /// call set; a second call of one kind replaces the first. A driver copies its settings. Those
    /// that were disposed throw <see cref="ObjectDisposedException"/>, as do copies of them.
    /// </summary>
    public partial struct NetworkSettings : IDisposable
    {
        private sealed class Values
        {
            internal readonly Dictionary<Type, object> Parameters = new Dictionary<Type, object>();
            internal TlsServerOptions SecureServer;
            internal TlsClientOptions SecureClient;
            internal bool IsDisposed;
        }

        private Values m_Values;
        private bool m_IsReadOnly;

        /// <summary>Can they be used? True unless they were disposed: also those of which nothing
        /// was set are settings.</summary>
        public bool IsCreated
        {
            get { return m_Values == null || !m_Values.IsDisposed; }
        }

        /// <summary>The same settings for somebody who must not change them: With… methods and
        /// <see cref="AddRawParameterStruct{T}"/> throw
        /// <see cref="InvalidOperationException"/>.</summary>
        /// <returns>The settings; what is set later is seen there, too.</returns>
        public NetworkSettings AsReadOnly()
        {
            // Those of which nothing was set have nothing to share yet.
            NetworkSettings same = m_IsReadOnly ? this : new NetworkSettings { m_Values = Own() };
            same.m_IsReadOnly = true;
            return same;
        }

        /// <summary>Forgets what was set, in copies too; nothing can be set or read afterwards.
        /// Drivers that were created with it keep what they have.</summary>
        public void Dispose()
        {
            if (m_Values == null)
                m_Values = new Values();
            m_Values.IsDisposed = true;
            m_Values.Parameters.Clear();
            m_Values.SecureServer = null;
            m_Values.SecureClient = null;
        }

        /// <summary>
        /// Sets parameters of any kind: the driver's, as the With… methods do, or a program's own,
        /// which the driver keeps and <see cref="TryGet{T}"/> of its
        /// <see cref="NetworkDriver.CurrentSettings"/> gives.
        /// </summary>
        /// <typeparam name="T">What kind; there is one of each, and a second call replaces
        /// it.</typeparam>
        /// <param name="parameter">The parameters; copied.</param>
        /// <exception cref="ArgumentException">Their Validate says no; nothing was set.</exception>
        /// <exception cref="ObjectDisposedException">These settings were disposed.</exception>
        /// <exception cref="InvalidOperationException">They are read-only.</exception>
        public void AddRawParameterStruct<T>(ref T parameter)
            where T : struct, INetworkParameter
        {
            Values own = Own();
            if (!parameter.Validate())
                throw new ArgumentException(
                    "The values of " + typeof(T) + " are not possible; its Validate says no.");
            own.Parameters[typeof(T)] = parameter;
            if (typeof(T) == typeof(SecureNetworkProtocolParameter))
            {
                SecureNetworkProtocolParameter secure =
                    (SecureNetworkProtocolParameter)own.Parameters[typeof(T)];
                own.SecureServer = secure.AsServer();
                own.SecureClient = secure.AsClient();
            }
        }

        /// <summary>Reads parameters of any kind that were set.</summary>
        /// <typeparam name="T">What kind.</typeparam>
        /// <param name="parameter">What was set; the default value of the type when nothing
        /// was.</param>
        /// <returns>Was it set? The Get… methods give the defaults where it was not.</returns>
        /// <exception cref="ObjectDisposedException">These settings were disposed.</exception>
        public bool TryGet<T>(out T parameter)
            where T : struct, INetworkParameter
        {
            object found;
            if (Known() == null || !m_Values.Parameters.TryGetValue(typeof(T), out found))
            {
                parameter = default(T);
                return false;
            }
            parameter = (T)found;
            return true;
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
            Set(NetworkConfigParameter.From(native));
            return Set(NetDriverParameter.From(native));
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
        /// <param name="performPathMtuDiscovery">Look for the largest packet that a path takes; see
        /// <see cref="NetworkConfigParameter.performPathMtuDiscovery"/>.</param>
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

        /// <summary>Sets Unity Transport's settings of a driver, without the size of packets.
        /// </summary>
        /// <param name="connectTimeoutMS">Milliseconds between two connection requests.</param>
        /// <param name="maxConnectAttempts">Connection requests before giving up.</param>
        /// <param name="disconnectTimeoutMS">Milliseconds of silence that end a UTP connection; 0:
        /// never.</param>
        /// <param name="heartbeatTimeoutMS">Milliseconds without sending before a heartbeat; 0:
        /// never.</param>
        /// <param name="reconnectionTimeoutMS">Unity Transport's number for secure UDP
        /// clients.</param>
        /// <param name="maxFrameTimeMS">The most milliseconds that one update moves the time; 0: no
        /// bound.</param>
        /// <param name="fixedFrameTimeMS">Above 0: the milliseconds of each update.</param>
        /// <param name="receiveQueueCapacity">Messages that may wait in one connection.</param>
        /// <param name="sendQueueCapacity">Datagrams that one connection may queue.</param>
        /// <param name="performPathMtuDiscovery">Look for the largest packet that a path
        /// takes.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetworkConfigParameters(
            int connectTimeoutMS, int maxConnectAttempts, int disconnectTimeoutMS,
            int heartbeatTimeoutMS, int reconnectionTimeoutMS, int maxFrameTimeMS,
            int fixedFrameTimeMS, int receiveQueueCapacity, int sendQueueCapacity,
            bool performPathMtuDiscovery)
        {
            return WithNetworkConfigParameters(
                connectTimeoutMS, maxConnectAttempts, disconnectTimeoutMS, heartbeatTimeoutMS,
                reconnectionTimeoutMS, maxFrameTimeMS, fixedFrameTimeMS, receiveQueueCapacity,
                sendQueueCapacity, NetworkParameterConstants.MaxMessageSize,
                performPathMtuDiscovery);
        }

        /// <summary>Sets Unity Transport's settings of a driver.</summary>
        /// <param name="parameter">
        /// All of them; start from <see cref="NetworkConfigParameter.Default"/>.
        /// </param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetworkConfigParameters(NetworkConfigParameter parameter)
        {
            return Set(parameter);
        }

        /// <summary>Unity Transport's settings of a driver.</summary>
        /// <returns>What was set, or the defaults.</returns>
        public NetworkConfigParameter GetNetworkConfigParameters()
        {
            return Get(NetworkConfigParameter.Default);
        }

        /// <summary>Sets the settings that Unity Transport has not.</summary>
        /// <param name="parameter">
        /// All of them; start from <see cref="NetDriverParameter.Default"/>.
        /// </param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithNetDriverParameters(NetDriverParameter parameter)
        {
            return Set(parameter);
        }

        /// <summary>The settings that Unity Transport has not.</summary>
        /// <returns>What was set, or the defaults.</returns>
        public NetDriverParameter GetNetDriverParameters()
        {
            return Get(NetDriverParameter.Default);
        }

        /// <summary>Sets the WebSocket interface's path.</summary>
        /// <param name="path">It starts with "/".</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithWebSocketParameters(string path = "/")
        {
            return Set(new WebSocketParameter { Path = path });
        }

        /// <summary>The WebSocket interface's path.</summary>
        /// <returns>What was set; else "/".</returns>
        public WebSocketParameter GetWebSocketParameters()
        {
            return Get(new WebSocketParameter { Path = "/" });
        }

        /// <summary>Gives the driver a name, which its settings keep.</summary>
        /// <param name="driverName">The name; not empty.</param>
        /// <returns>These settings.</returns>
        public NetworkSettings WithLoggingParameters(string driverName)
        {
            return Set(new LoggingParameter { DriverName = driverName });
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
            int receiveMtu = 0)
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
            return Set(parameter);
        }

        /// <summary>The bad network.</summary>
        /// <param name="parameter">What was set.</param>
        /// <returns>Was any set?</returns>
        public bool TryGetNetworkSimulatorParameters(out NetworkSimulatorParameter parameter)
        {
            return TryGet(out parameter);
        }

        /// <summary>A copy that later With… calls on these settings do not reach.</summary>
        internal NetworkSettings Snapshot()
        {
            NetworkSettings copy = default(NetworkSettings);
            Values known = Known();
            if (known != null)
            {
                copy.m_Values = new Values
                {
                    SecureServer = known.SecureServer,
                    SecureClient = known.SecureClient,
                };
                foreach (KeyValuePair<Type, object> parameter in known.Parameters)
                    copy.m_Values.Parameters[parameter.Key] = parameter.Value;
            }
            return copy;
        }

        internal unsafe Interop.nd_settings ToNative()
        {
            Interop.nd_settings native;
            Interop.NativeMethods.nd_settings_init(&native);
            GetNetworkConfigParameters().CopyTo(ref native);
            GetNetDriverParameters().CopyTo(ref native);
            GetFragmentationStageParameters().CopyTo(ref native);
            GetReliableStageParameters().CopyTo(ref native);
            return native;
        }

        private NetworkSettings Set<T>(T parameter)
            where T : struct, INetworkParameter
        {
            // NetworkDriver.Create names what is wrong with it.
            Own().Parameters[typeof(T)] = parameter;
            return this;
        }

        private T Get<T>(T otherwise)
            where T : struct, INetworkParameter
        {
            T parameter;
            return TryGet(out parameter) ? parameter : otherwise;
        }

        // Null when nothing was set.
        private Values Known()
        {
            if (m_Values != null && m_Values.IsDisposed)
                throw new ObjectDisposedException(
                    "NetworkSettings", "These settings were disposed; make new ones.");
            return m_Values;
        }

        private Values Own()
        {
            if (m_IsReadOnly)
                throw new InvalidOperationException(
                    "These settings are read-only; set what you need before AsReadOnly.");
            if (Known() == null)
                m_Values = new Values();
            return m_Values;
        }
    }
}
