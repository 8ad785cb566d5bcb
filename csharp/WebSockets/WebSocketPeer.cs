using System;
using System.Collections.Generic;

namespace NetDriver.WebSockets
{
    /// <summary>
    /// A connection that is polled, in the shape that users of Godot know: WebSocketPeer of Godot
    /// 4, and the peers of Godot 3's WebSocketClient and WebSocketServer. It wraps a
    /// <see cref="NetworkDriver"/> and contains no protocol.
    /// </summary>
    /// <remarks>
    /// Call <see cref="Poll"/> each frame, while it closes too; peers of a
    /// <see cref="WebSocketServer"/> and of a <see cref="WebSocketClient"/> are polled by these.
    /// What is set before <see cref="ConnectToUrl"/> holds. Packets that came before the end can be
    /// read after it, which Godot 4 does not allow.
    /// </remarks>
    public sealed partial class WebSocketPeer : IDisposable
    {
        /// <summary>What a peer is doing (Godot's numbers).</summary>
        public enum State
        {
            /// <summary>Waiting for the other side.</summary>
            Connecting = 0,
            /// <summary>Packets go both ways.</summary>
            Open = 1,
            /// <summary>One side has said goodbye; keep polling.</summary>
            Closing = 2,
            /// <summary>There is no connection.</summary>
            Closed = 3,
        }

        private struct Packet
        {
            internal byte[] Bytes;
            internal bool IsText;
        }

        /// <summary>What the other side's close frame says.</summary>
        internal struct CloseRequest
        {
            internal int Code;
            internal string Reason;
        }

        private readonly Queue<Packet> m_Packets = new Queue<Packet>();
        private NetworkDriver m_Driver;
        private NetworkConnection m_Connection;
        private readonly bool m_Owned;
        private State m_State = State.Closed;
        private bool m_WasText;
        private bool m_AcceptsStream;
        private int m_QueuedBytes;
        private int m_CloseCode = -1;
        private string m_CloseReason = string.Empty;
        private string m_Url = string.Empty;
        private string m_Protocol = string.Empty;
        private CloseRequest? m_CloseRequest;

        /// <summary>A peer of its own: connect it, or give it a stream.</summary>
        public WebSocketPeer()
        {
            m_Owned = true;
            InboundBufferSize = 65535;
            OutboundBufferSize = 65535;
            MaxQueuedPackets = 4096;
            WriteMode = WriteMode.Binary;
        }

        internal WebSocketPeer(NetworkDriver driver, NetworkConnection connection, State state)
            : this()
        {
            m_Owned = false;
            m_Driver = driver;
            m_Connection = connection;
            m_State = state;
            if (state == State.Open)
                Remember();
        }

        /// <summary>Header lines "Name: value" of the request. Null: none.</summary>
        public string[] HandshakeHeaders { get; set; }

        /// <summary>Sub-protocols to offer, or to accept of a stream, best first. Null: none.
        /// </summary>
        public string[] SupportedProtocols { get; set; }

        /// <summary>Bytes that may wait to be read; also the longest message, unless
        /// <see cref="OutboundBufferSize"/> is more: there is one such limit for both ways.
        /// </summary>
        public int InboundBufferSize { get; set; }

        /// <summary>Bytes that may wait to be sent; 0: no such limit.</summary>
        public int OutboundBufferSize { get; set; }

        /// <summary>Packets that may wait, in each direction.</summary>
        public int MaxQueuedPackets { get; set; }

        /// <summary>Packets that may wait to be sent, where that is another number (Godot 3).
        /// </summary>
        internal int? MaxOutgoingPackets;

        /// <summary>Seconds between two pings, whose pong must come before the next one is due;
        /// 0 (default): none.</summary>
        public double HeartbeatInterval { get; set; }

        /// <summary>What <see cref="PutPacket"/> sends (Godot 3); Binary at first.</summary>
        public WriteMode WriteMode { get; set; }

        /// <summary>The driver below, for what this face has not.</summary>
        public NetworkDriver Driver
        {
            get { return m_Driver; }
        }

        /// <summary>The connection in <see cref="Driver"/>.</summary>
        public NetworkConnection Connection
        {
            get { return m_Connection; }
        }

        /// <summary>Starts to connect.</summary>
        /// <param name="url">ws:// or wss://; without a scheme it is ws://.</param>
        /// <param name="tls">How to speak TLS; null: certificates of the system.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; NetworkStateMismatch while
        /// there is a connection.</returns>
        public int ConnectToUrl(string url, TlsClientOptions tls = null)
        {
            if (url == null)
                throw new ArgumentNullException("url");
            if (!m_Owned || m_State == State.Connecting || m_State == State.Open)
                return (int)Error.StatusCode.NetworkStateMismatch;
            Restart();
            if (url.IndexOf("://", StringComparison.Ordinal) < 0)
                url = "ws://" + url;
            m_Connection = m_Driver.Connect(url, new ConnectOptions
            {
                SubProtocols = SupportedProtocols,
                Headers = GodotSettings.Headers(HandshakeHeaders),
                Tls = tls,
            });
            if (!m_Connection.IsCreated)
            {
                m_Driver.Dispose();
                return (int)Error.StatusCode.InvalidArgument;
            }
            m_Url = url;
            m_State = State.Connecting;
            return 0;
        }

        /// <summary>Takes a TCP stream that the program has accepted, as a server.</summary>
        /// <param name="socket">Its handle; the driver works with a duplicate, so that the program
        /// closes its own: on Mono and in Unity not before the end, as there closing a Socket shuts
        /// its stream down.</param>
        /// <param name="tls">How to speak TLS; null: without.</param>
        /// <param name="received">What was read of it already; may be null.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int AcceptStream(IntPtr socket, TlsServerOptions tls = null, byte[] received = null)
        {
            if (!m_Owned || m_State == State.Connecting || m_State == State.Open)
                return (int)Error.StatusCode.NetworkStateMismatch;
            Restart();
            int result = tls == null ? 0 : m_Driver.SetTlsServer(0, tls);
            if (result == 0)
                result = m_Driver.AcceptStream(0, socket, received);
            if (result != 0)
            {
                m_Driver.Dispose();
                return result;
            }
            m_AcceptsStream = true;
            m_State = State.Connecting;
            return 0;
        }

        private void Restart()
        {
            m_Driver.Dispose();
            m_State = State.Closed;
            m_Connection = default(NetworkConnection);
            m_CloseRequest = null;
            m_AcceptsStream = WasOpen = false;
            m_CloseCode = -1;
            m_CloseReason = m_Url = m_Protocol = string.Empty;
            m_Packets.Clear();
            m_QueuedBytes = 0;
            m_Driver = NetworkDriver.Create(
                new WebSocketNetworkInterface
                {
                    Dialect = WebSocketDialect.Plain,
                    SubProtocols = SupportedProtocols,
                    ResponseHeaders = GodotSettings.Headers(HandshakeHeaders),
                },
                GodotSettings.Make(InboundBufferSize, OutboundBufferSize, MaxQueuedPackets,
                    MaxOutgoingPackets ?? MaxQueuedPackets, HeartbeatInterval,
                    NetworkPreset.Godot4));
        }

        /// <summary>What it is doing.</summary>
        /// <returns>The state as of the last <see cref="Poll"/>.</returns>
        public State GetReadyState()
        {
            return m_State;
        }

        /// <summary>Is there a connection (Godot 3)?</summary>
        /// <returns>True while packets go both ways.</returns>
        public bool IsConnectedToHost()
        {
            return m_State == State.Open;
        }

        /// <summary>Sends a packet.</summary>
        /// <param name="message">The packet, copied.</param>
        /// <param name="writeMode">Text or binary.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; NetworkSendQueueFull when too
        /// much waits.</returns>
        public int Send(byte[] message, WriteMode writeMode = WriteMode.Binary)
        {
            if (message == null)
                throw new ArgumentNullException("message");
            if (m_State != State.Open)
                return (int)Error.StatusCode.NetworkStateMismatch;
            m_Driver.SetWriteMode(m_Connection, writeMode);
            int result = m_Driver.Send(m_Connection, message);
            if (result == 0)
                m_Driver.ScheduleFlushSend().Complete();
            return result;
        }

        /// <summary>Sends a text.</summary>
        /// <param name="message">The text.</param>
        /// <returns>As <see cref="Send"/>.</returns>
        public int SendText(string message)
        {
            if (m_State != State.Open)
                return (int)Error.StatusCode.NetworkStateMismatch;
            int result = m_Driver.SendText(m_Connection, message);
            if (result == 0)
                m_Driver.ScheduleFlushSend().Complete();
            return result;
        }

        /// <summary>Sends a packet as <see cref="WriteMode"/> says.</summary>
        /// <param name="packet">The packet, copied.</param>
        /// <returns>As <see cref="Send"/>.</returns>
        public int PutPacket(byte[] packet)
        {
            return Send(packet, WriteMode);
        }

        /// <summary>How many packets wait to be read.</summary>
        /// <returns>The number.</returns>
        public int GetAvailablePacketCount()
        {
            return m_Packets.Count;
        }

        /// <summary>Takes the oldest packet.</summary>
        /// <returns>The packet; null when none waits.</returns>
        public byte[] GetPacket()
        {
            if (m_Packets.Count == 0)
                return null;
            Packet packet = m_Packets.Dequeue();
            m_QueuedBytes -= packet.Bytes.Length;
            m_WasText = packet.IsText;
            return packet.Bytes;
        }

        /// <summary>Was the packet that <see cref="GetPacket"/> gave last a text?</summary>
        /// <returns>True for text.</returns>
        public bool WasStringPacket()
        {
            return m_WasText;
        }

        /// <summary>Says goodbye.</summary>
        /// <param name="code">1000 to 1003, 1007 to 1014 or 3000 to 4999; below 0 ends it at once,
        /// without a word.</param>
        /// <param name="reason">At most 123 bytes in UTF-8; null for none.</param>
        /// <returns>0, also when it is over already; otherwise a negative
        /// <see cref="Error.StatusCode"/>, and it stays as it was.</returns>
        public int Close(int code = 1000, string reason = "")
        {
            if (m_State == State.Closed)
                return 0;
            if (code < 0 || m_State == State.Connecting)
            {
                if (m_Connection.IsCreated)
                    m_Driver.Abort(m_Connection);
                else if (m_Owned)
                    // A stream without a connection ends with its driver.
                    m_Driver.Dispose();
                Finish(-1, string.Empty);
                return 0;
            }
            int result = m_Driver.Close(m_Connection, code, reason);
            if (result == 0)
            {
                m_Driver.ScheduleFlushSend().Complete();
                m_State = State.Closing;
            }
            return result;
        }

        /// <summary>The code of the end; -1 when there was no goodbye, 0 when it named none.
        /// </summary>
        /// <returns>The code.</returns>
        public int GetCloseCode()
        {
            return m_CloseCode;
        }

        /// <summary>The other side's reason, or what went wrong.</summary>
        /// <returns>The text; empty for none.</returns>
        public string GetCloseReason()
        {
            return m_CloseReason;
        }
    }
}
