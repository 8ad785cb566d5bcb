using System;
using System.Collections.Generic;

namespace NetDriver.WebSockets
{
    /// <summary>
    /// A server whose peers have numbers, in the shape that users of Godot 3's WebSocketServer
    /// know: signals are events, which <see cref="Poll"/> raises. It wraps a
    /// <see cref="NetworkDriver"/> and contains no protocol.
    /// </summary>
    public sealed class WebSocketServer : IDisposable
    {
        private readonly Dictionary<int, WebSocketPeer> m_Peers =
            new Dictionary<int, WebSocketPeer>();
        private readonly List<int> m_Order = new List<int>();
        private readonly Random m_Random = new Random();
        private NetworkDriver m_Driver;
        private bool m_Refuses;

        /// <summary>A peer is there: its number, and the sub-protocol agreed on.</summary>
        public event Action<int, string> ClientConnected;
        /// <summary>A peer wants to go: its number, code and reason. ClientDisconnected follows.
        /// </summary>
        public event Action<int, int, string> ClientCloseRequest;
        /// <summary>A peer has gone: its number, and whether it said goodbye.</summary>
        public event Action<int, bool> ClientDisconnected;
        /// <summary>A packet of a peer waits in <see cref="GetPeer"/>.</summary>
        public event Action<int> DataReceived;

        /// <summary>With Godot 3's limits: 64 KiB and 1024 packets each way.</summary>
        public WebSocketServer()
        {
            BindIp = "*";
            HandshakeTimeout = 3.0;
            SetBuffers(64, 1024, 64, 1024);
        }

        /// <summary>The address to listen on; "*" (default) for all of IPv4.</summary>
        public string BindIp { get; set; }

        /// <summary>Certificates, when it is to speak TLS. Null: without.</summary>
        public TlsServerOptions Tls { get; set; }

        /// <summary>Seconds that a client has to become a peer. Default 3.</summary>
        public double HandshakeTimeout { get; set; }

        /// <summary>Seconds between two pings; 0 (default): none.</summary>
        public double HeartbeatInterval { get; set; }

        /// <summary>Header lines "Name: value" of each answer. Null: none.</summary>
        public string[] ExtraHeaders { get; set; }

        private int m_InBytes;
        private int m_InPackets;
        private int m_OutBytes;
        private int m_OutPackets;

        /// <summary>Sets the limits of each peer; before <see cref="Listen"/>.</summary>
        /// <param name="inKb">KiB that may wait to be read; also the longest message.</param>
        /// <param name="inPackets">Packets that may wait to be read.</param>
        /// <param name="outKb">KiB that may wait to be sent.</param>
        /// <param name="outPackets">Packets that may wait to be sent.</param>
        public void SetBuffers(int inKb, int inPackets, int outKb, int outPackets)
        {
            m_InBytes = checked(inKb * 1024);
            m_InPackets = inPackets;
            m_OutBytes = checked(outKb * 1024);
            m_OutPackets = outPackets;
        }

        /// <summary>The driver below, for what this face has not; not created before Listen.
        /// </summary>
        public NetworkDriver Driver
        {
            get { return m_Driver; }
        }

        /// <summary>Turns newcomers away, with HTTP status 503.</summary>
        public bool RefuseNewConnections
        {
            get { return m_Refuses; }
            set
            {
                m_Refuses = value;
                m_Driver.SetRefuseNewConnections(value);
            }
        }

        /// <summary>The port that it listens on; 0 when it does not.</summary>
        public int LocalPort
        {
            get { return IsListening() ? m_Driver.GetLocalEndpoint().Port : 0; }
        }

        /// <summary>Starts to take clients.</summary>
        /// <param name="port">The port; 0 lets the system choose.</param>
        /// <param name="protocols">Sub-protocols, best first. When there are some, a client must
        /// offer one of them. Null: none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; NetworkStateMismatch while it
        /// listens.</returns>
        public int Listen(int port, string[] protocols = null)
        {
            if (IsListening())
                return (int)Error.StatusCode.NetworkStateMismatch;
            Stop();
            NetworkSettings settings = GodotSettings.Make(
                m_InBytes, m_OutBytes, m_InPackets, m_OutPackets, HeartbeatInterval,
                NetworkPreset.Godot3);
            NetDriverParameter parameter = settings.GetNetDriverParameters();
            parameter.handshakeTimeoutMS = (int)(HandshakeTimeout * 1000);
            m_Driver = NetworkDriver.Create(
                new WebSocketNetworkInterface
                {
                    Dialect = WebSocketDialect.Plain,
                    SubProtocols = protocols,
                    ResponseHeaders = GodotSettings.Headers(ExtraHeaders),
                },
                settings.WithNetDriverParameters(parameter));
            int result = Tls == null ? 0 : m_Driver.SetTlsServer(0, Tls);
            NetworkEndpoint endpoint = default(NetworkEndpoint);
            if (result == 0 && !NetworkEndpoint.TryParse(
                BindIp == "*" ? "0.0.0.0" : BindIp, (ushort)port, out endpoint))
                result = (int)Error.StatusCode.InvalidArgument;
            else if (result == 0)
            {
                result = m_Driver.Bind(endpoint);
                m_Driver.SetRefuseNewConnections(m_Refuses);
            }
            if (result == 0)
                result = m_Driver.Listen();
            if (result != 0)
                m_Driver.Dispose();
            return result;
        }

        /// <summary>Does it take clients?</summary>
        /// <returns>True between Listen and Stop.</returns>
        public bool IsListening()
        {
            return m_Driver.Listening;
        }

        /// <summary>Says goodbye to all peers with 1001, and stops.</summary>
        public void Stop()
        {
            foreach (int id in m_Order.ToArray())
                m_Driver.Close(m_Peers[id].Connection, 1001, "Bye bye!");
            m_Driver.StopListening();
            m_Driver.ScheduleFlushSend().Complete();
            foreach (WebSocketPeer peer in m_Peers.Values)
                peer.Lose();
            m_Peers.Clear();
            m_Order.Clear();
            m_Driver.Dispose();
        }

        /// <summary>Receives, sends, and raises the events.</summary>
        public void Poll()
        {
            if (!m_Driver.IsCreated)
                return;
            m_Driver.ScheduleUpdate().Complete();
            NetworkConnection connection;
            while (m_Driver.IsCreated && (connection = m_Driver.Accept()).IsCreated)
                Welcome(connection);
            // The list may grow and shrink inside of the program's handlers.
            foreach (int id in m_Order.ToArray())
            {
                WebSocketPeer peer;
                if (m_Driver.IsCreated && m_Peers.TryGetValue(id, out peer))
                    Serve(id, peer);
            }
        }

        private void Welcome(NetworkConnection connection)
        {
            int id;
            do
                id = m_Random.Next(2, int.MaxValue);
            while (m_Peers.ContainsKey(id));
            WebSocketPeer peer =
                new WebSocketPeer(m_Driver, connection, WebSocketPeer.State.Open)
                {
                    InboundBufferSize = m_InBytes,
                    OutboundBufferSize = m_OutBytes,
                    MaxQueuedPackets = m_InPackets,
                };
            m_Peers.Add(id, peer);
            m_Order.Add(id);
            if (ClientConnected != null)
                ClientConnected(id, peer.GetSelectedProtocol());
        }

        private void Serve(int id, WebSocketPeer peer)
        {
            int packets = peer.TakeEvents();
            // A handler may stop the server.
            for (int i = 0; i < packets && DataReceived != null && m_Peers.ContainsKey(id); i++)
                DataReceived(id);
            WebSocketPeer.CloseRequest request;
            if (peer.TakeCloseRequest(out request) && ClientCloseRequest != null
                && m_Peers.ContainsKey(id))
                ClientCloseRequest(id, request.Code, request.Reason);
            if (peer.GetReadyState() != WebSocketPeer.State.Closed || !m_Peers.Remove(id))
                return;
            m_Order.Remove(id);
            if (ClientDisconnected != null)
                ClientDisconnected(id, peer.GetCloseCode() != -1);
        }

        /// <summary>Is there a peer of this number?</summary>
        /// <param name="id">The number.</param>
        /// <returns>True until ClientDisconnected.</returns>
        public bool HasPeer(int id)
        {
            return m_Peers.ContainsKey(id);
        }

        /// <summary>The numbers of all peers, those that came first in front.</summary>
        /// <returns>An array of its own.</returns>
        public int[] GetPeers()
        {
            return m_Order.ToArray();
        }

        /// <summary>A peer.</summary>
        /// <param name="id">Its number.</param>
        /// <returns>The peer; null when there is none.</returns>
        public WebSocketPeer GetPeer(int id)
        {
            WebSocketPeer peer;
            return m_Peers.TryGetValue(id, out peer) ? peer : null;
        }

        /// <summary>A peer's address.</summary>
        /// <param name="id">Its number.</param>
        /// <returns>Without the port; empty when there is none.</returns>
        public string GetPeerAddress(int id)
        {
            WebSocketPeer peer = GetPeer(id);
            return peer == null ? string.Empty : peer.GetConnectedHost();
        }

        /// <summary>A peer's port.</summary>
        /// <param name="id">Its number.</param>
        /// <returns>The port; 0 when there is none.</returns>
        public int GetPeerPort(int id)
        {
            WebSocketPeer peer = GetPeer(id);
            return peer == null ? 0 : peer.GetConnectedPort();
        }

        /// <summary>Says goodbye to a peer; ClientDisconnected follows.</summary>
        /// <param name="id">Its number.</param>
        /// <param name="code">As for <see cref="WebSocketPeer.Close"/>.</param>
        /// <param name="reason">At most 123 bytes in UTF-8.</param>
        /// <returns>As <see cref="WebSocketPeer.Close"/>; NetworkIdMismatch when there is no such
        /// peer.</returns>
        public int DisconnectPeer(int id, int code = 1000, string reason = "")
        {
            WebSocketPeer peer = GetPeer(id);
            return peer == null ? (int)Error.StatusCode.NetworkIdMismatch
                : peer.Close(code, reason);
        }

        /// <summary>Sends one message to several peers; it is encoded once.</summary>
        /// <param name="target">0: all; above 0: one; below 0: all but that one (Godot's target
        /// peer).</param>
        /// <param name="packet">The message, copied.</param>
        /// <param name="writeMode">Text or binary.</param>
        /// <returns>How many took it, or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(int target, byte[] packet, WriteMode writeMode = WriteMode.Binary)
        {
            if (packet == null)
                throw new ArgumentNullException("packet");
            List<NetworkConnection> connections = new List<NetworkConnection>();
            foreach (int id in m_Order)
                if (target > 0 ? id == target : id != -target)
                    connections.Add(m_Peers[id].Connection);
            int sent = m_Driver.SendToMany(connections.ToArray(), connections.Count, packet,
                packet.Length, NetworkPipeline.Null, writeMode == WriteMode.Text, null);
            m_Driver.ScheduleFlushSend().Complete();
            return sent;
        }

        /// <summary>As <see cref="Stop"/>.</summary>
        public void Dispose()
        {
            Stop();
        }
    }
}
