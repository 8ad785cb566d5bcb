using System;
using NetDriver.Analytics;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// Owns sockets, connections and an event queue. It has interfaces (UDP, WebSocket, TCP, in
    /// process, your own); a connection looks the same whatever it travels on.
    /// </summary>
    /// <remarks>
    /// A small value without references: copies are one driver, and structs of Unity's jobs take
    /// it. Once a frame complete a <see cref="ScheduleUpdate"/>,
    /// then <see cref="Accept()"/> until there is none, then
    /// <see cref="PopEvent(out NetworkConnection, out DataStreamReader)"/> until Empty. Calls
    /// report by their return value; a driver that was disposed or never created gives
    /// <see cref="Error.StatusCode.InvalidHandle"/>, no connection and no event. Only Create
    /// throws. Use a driver from one thread at a time, or <see cref="ToConcurrent"/>: a call during
    /// another thread's call does nothing and gives <see cref="Error.StatusCode.DriverInUse"/>, no
    /// event, or 0.
    /// </remarks>
    public unsafe partial struct NetworkDriver : IDisposable
    {
        private const int InvalidHandle = (int)Error.StatusCode.InvalidHandle;

        // Addresses as numbers: a job of Unity takes structs without references and pointers.
        private readonly ulong m_Block;
        private readonly ulong m_Driver;

        private NetworkDriver(DriverState state)
        {
            m_Block = (ulong)state.Block;
            m_Driver = (ulong)state.Handle;
        }

        /// <summary>Creates a driver with UDP and default settings.</summary>
        /// <returns>The driver.</returns>
        /// <exception cref="NetDriverException">It cannot be created.</exception>
        public static NetworkDriver Create()
        {
            return Create(default(UDPNetworkInterface), default(NetworkSettings));
        }

        /// <summary>Creates a driver with UDP.</summary>
        /// <param name="settings">What to build it with; copied.</param>
        /// <returns>The driver.</returns>
        /// <exception cref="NetDriverException">A setting is out of range.</exception>
        public static NetworkDriver Create(NetworkSettings settings)
        {
            return Create(default(UDPNetworkInterface), settings);
        }

        /// <summary>Creates a driver with one interface and default settings.</summary>
        /// <param name="networkInterface">The interface.</param>
        /// <returns>The driver.</returns>
        /// <exception cref="NetDriverException">It cannot be created.</exception>
        public static NetworkDriver Create(INetworkInterface networkInterface)
        {
            return Create(networkInterface, default(NetworkSettings));
        }

        /// <summary>Creates a driver with one interface; see also
        /// <see cref="AddInterface"/>.</summary>
        /// <param name="networkInterface">The interface.</param>
        /// <param name="settings">What to build it with; copied.</param>
        /// <returns>The driver.</returns>
        /// <exception cref="NetDriverException">A setting is out of range.</exception>
        public static NetworkDriver Create(
            INetworkInterface networkInterface, NetworkSettings settings)
        {
            if (networkInterface == null)
                throw new ArgumentNullException("networkInterface");
            Library.Require();
            if (settings.IsSecure && networkInterface.Describe().Kind == NetworkInterfaceKind.Udp)
                throw new NetDriverException(Error.StatusCode.NotSupported,
                    "Secure parameters need a WebSocket or TCP interface: TLS over UDP (DTLS) is "
                    + "not available in this version.");
            DriverState state = new DriverState(settings);
            bool complete = false;
            try
            {
                int index;
                int result = state.AddInterface(networkInterface, out index);
                if (result != NativeMethods.ND_OK)
                    throw Library.Failure("The interface cannot be created", result);
                NetworkSimulatorParameter simulator;
                if (settings.TryGetNetworkSimulatorParameters(out simulator))
                    result = simulator.ApplyTo(state.Handle);
                if (!simulator.HasMtu)
                    throw new NetDriverException(Error.StatusCode.InvalidArgument,
                        "The network simulator cannot be set: ReceiveMtu is " + simulator.ReceiveMtu
                        + "; give 0 for no limit, or 1 to 2147483647 bytes.");
                if (result != NativeMethods.ND_OK)
                    throw Library.Failure("The network simulator cannot be set", result);
                complete = true;
            }
            finally
            {
                if (!complete)
                    state.Destroy();
            }
            return new NetworkDriver(state);
        }

        /// <summary>Creates a driver with one interface and default settings.</summary>
        /// <typeparam name="T">The interface's type.</typeparam>
        /// <param name="networkInterface">The interface.</param>
        /// <returns>The driver.</returns>
        /// <exception cref="NetDriverException">It cannot be created.</exception>
        public static NetworkDriver Create<T>(ref T networkInterface)
            where T : struct, INetworkInterface
        {
            return Create((INetworkInterface)networkInterface, default(NetworkSettings));
        }

        /// <summary>Creates a driver with one interface.</summary>
        /// <typeparam name="T">The interface's type.</typeparam>
        /// <param name="networkInterface">The interface.</param>
        /// <param name="settings">What to build it with; copied.</param>
        /// <returns>The driver.</returns>
        /// <exception cref="NetDriverException">A setting is out of range.</exception>
        public static NetworkDriver Create<T>(ref T networkInterface, NetworkSettings settings)
            where T : struct, INetworkInterface
        {
            return Create((INetworkInterface)networkInterface, settings);
        }

        /// <summary>
        /// Closes the driver's sockets and frees its memory. Peers are not told: call
        /// <see cref="Disconnect"/> for each connection and <see cref="ScheduleFlushSend"/> before,
        /// if they should be. All readers and writers of the driver are invalid afterwards. While
        /// another thread is inside a call on the driver, nothing happens: <see cref="IsCreated"/>
        /// stays true.
        /// </summary>
        public void Dispose()
        {
            DriverState state = State;
            if (state != null)
                state.Destroy();
        }

        /// <summary>Was it created, and not disposed?</summary>
        public bool IsCreated
        {
            get { return Handle != null; }
        }

        /// <summary>Is any endpoint bound?</summary>
        public bool Bound
        {
            get
            {
                uint bound = 0;
                NativeMethods.nd_driver_get_listening(Handle, &bound, null);
                return bound != 0;
            }
        }

        /// <summary>Does it take connections?</summary>
        public bool Listening
        {
            get
            {
                uint listening = 0;
                NativeMethods.nd_driver_get_listening(Handle, null, &listening);
                return listening != 0;
            }
        }

        /// <summary>What it was created with.</summary>
        public NetworkSettings CurrentSettings
        {
            get
            {
                DriverState state = State;
                return state == null ? default(NetworkSettings) : state.Settings.Snapshot();
            }
        }

        /// <summary>
        /// What went wrong in the last update: 0,
        /// <see cref="Error.StatusCode.NetworkReceiveQueueFull"/> when datagrams were dropped
        /// because a connection's queue was full, or another negative
        /// <see cref="Error.StatusCode"/>. Inside Unity also what went wrong in jobs after it.
        /// </summary>
        public int ReceiveErrorCode
        {
            get
            {
                DriverState state = State;
                int result = state == null ? NativeMethods.ND_OK : state.ReceiveErrorCode;
                if (state == null || result != NativeMethods.ND_OK)
                    return result;
                nd_traffic_statistics traffic;
                NativeMethods.nd_traffic_statistics_init(&traffic);
                NativeMethods.nd_driver_get_traffic_statistics(Handle, &traffic);
                return traffic.receive_error;
            }
        }

        private nd_driver* Handle
        {
            get { return Block == null ? null : (nd_driver*)m_Driver; }
        }

        // For the library, which knows itself whether the driver is still there.
        private nd_driver* Named
        {
            get { return (nd_driver*)m_Driver; }
        }

        // Null when the driver is not there: then its block may be another one's.
        private DriverBlock* Block
        {
            get
            {
                DriverBlock* block = (DriverBlock*)m_Block;
                return block != null && block->Handle == (nd_driver*)m_Driver ? block : null;
            }
        }

        private DriverState State
        {
            get
            {
                DriverBlock* block = Block;
                return block == null ? null : DriverState.Of(block, (nd_driver*)m_Driver);
            }
        }

        /// <summary>
        /// Gives the driver one more way for packets to travel. Calls without an interface number
        /// mean number 0, that of Create.
        /// </summary>
        /// <param name="networkInterface">The interface.</param>
        /// <returns>Its number, or a negative <see cref="Error.StatusCode"/>.</returns>
        public int AddInterface(INetworkInterface networkInterface)
        {
            if (networkInterface == null)
                throw new ArgumentNullException("networkInterface");
            DriverState state = State;
            if (state == null)
                return InvalidHandle;
            int index;
            int result = state.AddInterface(networkInterface, out index);
            return result == NativeMethods.ND_OK ? index : result;
        }

        /// <summary>
        /// Lets the listeners of a WebSocket or TCP interface speak TLS, and nothing else. What is
        /// set here is for clients that connect later; nobody is dropped, so that a certificate can
        /// be replaced while it listens.
        /// </summary>
        /// <param name="interfaceIndex">A WebSocket or TCP interface.</param>
        /// <param name="options">How; null: without TLS again.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; then nothing has
        /// changed.</returns>
        public int SetTlsServer(int interfaceIndex, TlsServerOptions options)
        {
            return options != null ? options.ApplyTo(Handle, interfaceIndex)
                : NativeMethods.nd_driver_set_tls_server(Handle, (uint)interfaceIndex, null);
        }

        /// <summary>
        /// Says how clients on a WebSocket or TCP interface speak TLS: those of Connect by address
        /// or name always, those by URL for wss:// when their options say nothing. For connections
        /// that start later.
        /// </summary>
        /// <param name="interfaceIndex">A WebSocket or TCP interface.</param>
        /// <param name="options">How; null: not at all, and wss:// with the system's
        /// certificates.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; then nothing has
        /// changed.</returns>
        public int SetTlsClient(int interfaceIndex, TlsClientOptions options)
        {
            return options != null ? options.ApplyTo(Handle, interfaceIndex)
                : NativeMethods.nd_driver_set_tls_client(Handle, (uint)interfaceIndex, null);
        }

        /// <summary>Binds the first interface to an address of this machine.</summary>
        /// <param name="endpoint">The address; port 0 lets the system choose.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Bind(NetworkEndpoint endpoint)
        {
            return Bind(0, endpoint);
        }

        /// <summary>
        /// Binds an interface to an address of this machine. Each call adds a listening endpoint.
        /// </summary>
        /// <param name="interfaceIndex">The interface.</param>
        /// <param name="endpoint">The address; port 0 lets the system choose.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Bind(int interfaceIndex, NetworkEndpoint endpoint)
        {
            return NativeMethods.nd_driver_bind(
                Handle, (uint)interfaceIndex, &endpoint.m_Native, null);
        }

        /// <summary>Starts to take connections on every bound endpoint.</summary>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Listen()
        {
            return NativeMethods.nd_driver_listen(Handle);
        }

        /// <summary>
        /// Stops to take connections: TCP ports are closed, requests over UDP are not answered.
        /// Connections that exist go on, and Listen starts anew on the same ports.
        /// </summary>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int StopListening()
        {
            return NativeMethods.nd_driver_stop_listening(Handle);
        }

        /// <summary>
        /// Refuses new connections while the ports stay open, or takes them again: WebSocket
        /// clients get HTTP status 503, requests over UDP are not answered.
        /// </summary>
        /// <param name="refuse">Refuse, or take them as at first.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SetRefuseNewConnections(bool refuse)
        {
            return NativeMethods.nd_driver_set_refusing(Handle, refuse ? 1u : 0u);
        }

        /// <summary>The address that the first interface is bound to.</summary>
        /// <returns>The address; not valid when there is none.</returns>
        public NetworkEndpoint GetLocalEndpoint()
        {
            return GetLocalEndpoint(0, 0);
        }

        /// <summary>
        /// An address that an interface is bound to, with the port that was chosen.
        /// </summary>
        /// <param name="interfaceIndex">The interface.</param>
        /// <param name="binding">Which of its endpoints, counting its Bind calls from 0.</param>
        /// <returns>The address; not valid when there is none.</returns>
        public NetworkEndpoint GetLocalEndpoint(int interfaceIndex, int binding = 0)
        {
            nd_endpoint endpoint = default(nd_endpoint);
            NativeMethods.nd_driver_get_local_endpoint(
                Handle, (uint)interfaceIndex, (uint)binding, &endpoint);
            return new NetworkEndpoint(endpoint);
        }

        /// <summary>
        /// Sleeps until an update would bring an event, a connection or an upgrade request, until
        /// <see cref="Wake"/> is called, or until the time is over.
        /// No other call of the driver blocks; keep-alives and pongs are served meanwhile.
        /// A program that is busy with what arrives, because its last wait began less than 3
        /// ms ago, gets what some of its sockets have, and the rest with the next calls, 16 ms
        /// later at most unless more than 1024 wait; one that comes once per frame gets all.
        /// </summary>
        /// <param name="timeoutMS">Milliseconds to sleep at most; at least 0.</param>
        /// <returns>Has an update something to show?</returns>
        public bool Wait(int timeoutMS)
        {
            if (timeoutMS < 0)
                throw new ArgumentOutOfRangeException("timeoutMS");
            uint ready = 0;
            NativeMethods.nd_driver_wait(Handle, (uint)timeoutMS, &ready);
            return ready != 0;
        }

        /// <summary>
        /// Wakes the driver from any thread: a <see cref="Wait"/> that goes on, or else the next
        /// one, returns at once, even if updates come between.
        /// </summary>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Wake()
        {
            return NativeMethods.nd_driver_wake(Handle);
        }

        /// <summary>Counters since the driver was created: Unity Transport's and more.</summary>
        /// <returns>The counters; all 0 for a disposed driver.</returns>
        public DriverStatistics GetStatistics()
        {
            nd_driver_statistics native;
            nd_traffic_statistics traffic;
            NativeMethods.nd_driver_statistics_init(&native);
            NativeMethods.nd_driver_get_statistics(Handle, &native);
            NativeMethods.nd_traffic_statistics_init(&traffic);
            NativeMethods.nd_driver_get_traffic_statistics(Handle, &traffic);
            return DriverStatistics.From(native, traffic);
        }

        /// <summary>Puts a bad network below the datagram interfaces, or changes it.</summary>
        /// <param name="newParams">How bad; the default value takes it away.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int ModifyNetworkSimulatorParameters(NetworkSimulatorParameter newParams)
        {
            return newParams.ApplyTo(Handle);
        }

        /// <summary>
        /// Serves a document: a listener of the WebSocket interface answers GET and HEAD requests
        /// for the path with it, so that a page and its game share one port.
        /// </summary>
        /// <param name="interfaceIndex">A WebSocket interface.</param>
        /// <param name="path">The path, starting with "/".</param>
        /// <param name="contentType">Such as "text/html; charset=utf-8".</param>
        /// <param name="data">The document's bytes, copied; at most 16 MiB.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SetDocument(int interfaceIndex, string path, string contentType, byte[] data)
        {
            if (data == null)
                throw new ArgumentNullException("data");
            fixed (byte* nativePath = Utf8.Required(path, "path"))
            fixed (byte* nativeType = Utf8.Required(contentType, "contentType"))
            fixed (byte* bytes = data)
                return NativeMethods.nd_driver_set_document(
                    Handle, (uint)interfaceIndex, nativePath, nativeType, bytes, (uint)data.Length);
        }

        /// <summary>Stops serving a document.</summary>
        /// <param name="interfaceIndex">A WebSocket interface.</param>
        /// <param name="path">The path that SetDocument got.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int RemoveDocument(int interfaceIndex, string path)
        {
            fixed (byte* nativePath = Utf8.Required(path, "path"))
                return NativeMethods.nd_driver_remove_document(
                    Handle, (uint)interfaceIndex, nativePath);
        }
    }
}
