using System;
using System.Collections.Generic;

namespace NetDriver.WebSockets
{
    /// <summary>
    /// A client in the shape that users of Best HTTP know: callbacks, one connection each, not used
    /// again. It wraps a <see cref="NetworkDriver"/> of its own and contains no protocol.
    /// </summary>
    /// <remarks>
    /// Call <see cref="UpdateAll"/> (or <see cref="Update"/> of each) once a frame: callbacks run
    /// inside of it and nowhere else. What is set before <see cref="Open"/> holds; later changes of
    /// settings do nothing. <see cref="OnClosed"/> comes after a goodbye of both sides,
    /// <see cref="OnError"/> instead of it when there was none.
    /// </remarks>
    public sealed partial class WebSocket : IDisposable
    {
        /// <summary>The code of an ordinary end.</summary>
        public const ushort NormalClosure = 1000;

        private static readonly List<WebSocket> s_Live = new List<WebSocket>();

        private readonly Uri m_Uri;
        private readonly string m_Origin;
        private readonly string m_Protocol;
        private readonly IWebSocketExtension[] m_Extensions;
        private NetworkDriver m_Driver;
        private NetworkConnection m_Connection;
        private WebSocketStates m_State = WebSocketStates.Connecting;
        private bool m_Opened;
        private byte[] m_Buffer = new byte[0];
        private ushort m_CloseCode;
        private string m_CloseReason;

        /// <summary>Messages go both ways now.</summary>
        public Action<WebSocket> OnOpen;
        /// <summary>A text came.</summary>
        public Action<WebSocket, string> OnMessage;
        /// <summary>Bytes came, in an array of their own.</summary>
        public Action<WebSocket, byte[]> OnBinary;
        /// <summary>Bytes came, in an array that is used again after the callback.</summary>
        public Action<WebSocket, BufferSegment> OnBinaryNoAlloc;
        /// <summary>It is over, and both sides have said so: the code and the reason.</summary>
        public Action<WebSocket, ushort, string> OnClosed;
        /// <summary>It could not be opened, or ended without a goodbye: what went wrong.</summary>
        public Action<WebSocket, string> OnError;
        /// <summary>A piece of a message came of which not all is here. When this is set before
        /// Open, nothing is put together: longer messages are pieces only.</summary>
        public Action<WebSocket, IncompleteFrame> OnIncompleteFrame;
        /// <summary>The request is about to be sent: headers, cookies, TLS, proxy.</summary>
        public Action<WebSocket, ConnectOptions> OnInternalRequestCreated;

        /// <summary>A client of a server.</summary>
        /// <param name="uri">ws:// or wss://.</param>
        public WebSocket(Uri uri)
            : this(uri, null, null)
        {
        }

        /// <summary>A client of a server.</summary>
        /// <param name="uri">ws:// or wss://.</param>
        /// <param name="origin">The Origin to name; null or empty for none.</param>
        /// <param name="protocol">The sub-protocol to offer, or several with commas; null or empty
        /// for none.</param>
        /// <param name="extensions">Extensions beside compression.</param>
        public WebSocket(
            Uri uri, string origin, string protocol, params IWebSocketExtension[] extensions)
        {
            if (uri == null)
                throw new ArgumentNullException("uri");
            m_Uri = uri;
            m_Origin = origin;
            m_Protocol = protocol;
            m_Extensions = extensions ?? new IWebSocketExtension[0];
            PingFrequency = 1000;
            CloseAfterNoMessage = TimeSpan.FromSeconds(2);
            MaxFragmentSize = 32767;
            PerMessageCompression = true;
        }

        /// <summary>Before Open: ping the server, and give it up when it is silent.</summary>
        public bool StartPingThread { get; set; }

        /// <summary>Milliseconds between two pings; at least 100. Default 1000.</summary>
        public int PingFrequency { get; set; }

        /// <summary>With pings: how long nothing may come before it is over. Default 2 s.</summary>
        public TimeSpan CloseAfterNoMessage { get; set; }

        /// <summary>Longer messages are sent in several frames. Default 32767; 0: never.</summary>
        public int MaxFragmentSize { get; set; }

        /// <summary>Compress messages where the server can. Default true.</summary>
        public bool PerMessageCompression { get; set; }

        /// <summary>Anything of the program's.</summary>
        public object Context { get; set; }

        /// <summary>Do messages go both ways?</summary>
        public bool IsOpen
        {
            get { return m_State == WebSocketStates.Open; }
        }

        /// <summary>What it is doing.</summary>
        public WebSocketStates State
        {
            get { return m_State; }
        }

        /// <summary>Bytes that were sent and have not left yet.</summary>
        public int BufferedAmount
        {
            get { return Math.Max(0, m_Driver.GetBufferedAmount(m_Connection)); }
        }

        /// <summary>Milliseconds from the last ping to its pong; 0 without pings.</summary>
        public int Latency
        {
            get { return (int)((Facts().RoundTripMicroseconds + 999) / 1000); }
        }

        /// <summary>When the last message came; <see cref="DateTime.MinValue"/> before.</summary>
        public DateTime LastMessageReceived
        {
            get
            {
                uint age = Facts().LastMessageAgeMS;
                return age == uint.MaxValue || !m_Connection.IsCreated ? DateTime.MinValue
                    : DateTime.UtcNow.AddMilliseconds(-(double)age);
            }
        }

        /// <summary>The sub-protocol that the server chose; empty for none.</summary>
        public string SelectedProtocol
        {
            get { return m_Driver.GetConnectionText(m_Connection, ConnectionText.SubProtocol); }
        }

        /// <summary>The driver below, for what this face has not; not created before Open.
        /// </summary>
        public NetworkDriver Driver
        {
            get { return m_Driver; }
        }

        /// <summary>The connection in <see cref="Driver"/>.</summary>
        public NetworkConnection Connection
        {
            get { return m_Connection; }
        }

        /// <summary>Updates every WebSocket that was opened and is not over.</summary>
        public static void UpdateAll()
        {
            WebSocket[] live;
            lock (s_Live)
                live = s_Live.ToArray();
            foreach (WebSocket socket in live)
                socket.Update();
        }

        /// <summary>Starts to connect. <see cref="OnOpen"/> or <see cref="OnError"/> follows.
        /// </summary>
        /// <exception cref="InvalidOperationException">It was opened before.</exception>
        public void Open()
        {
            if (m_Opened)
                throw new InvalidOperationException("A WebSocket is opened once; make a new one.");
            m_Opened = true;
            m_Driver = NetworkDriver.Create(new WebSocketNetworkInterface(), Settings());
            foreach (IWebSocketExtension extension in m_Extensions)
                m_Driver.AddExtension(0, extension);
            lock (s_Live)
                s_Live.Add(this);
            ConnectOptions options = new ConnectOptions();
            if (!string.IsNullOrEmpty(m_Protocol))
                options.SubProtocols = Array.ConvertAll(m_Protocol.Split(','), one => one.Trim());
            options.Headers = new Dictionary<string, string>();
            if (!string.IsNullOrEmpty(m_Origin))
                options.Headers["Origin"] = m_Origin;
            if (OnInternalRequestCreated != null)
                OnInternalRequestCreated(this, options);
            m_Connection = m_Driver.Connect(m_Uri.AbsoluteUri, options);
            if (!m_Connection.IsCreated)
                m_CloseReason = NetDriverLibrary.LastError;
        }

        private NetworkSettings Settings()
        {
            NetworkSettings settings = new NetworkSettings().WithPreset(NetworkPreset.BestHttp);
            NetDriverParameter parameter = settings.GetNetDriverParameters();
            parameter.localCloseEvents = true;
            parameter.fragmentEvents = OnIncompleteFrame != null;
            parameter.fragmentSize = (uint)MaxFragmentSize;
            parameter.deflate = PerMessageCompression;
            // Updates wait for their jobs, so a thread would be of no use.
            parameter.jobWorkers = 0;
            if (StartPingThread)
            {
                parameter.pingIntervalMS = Math.Max(100, PingFrequency);
                parameter.silenceTimeoutMS = (int)CloseAfterNoMessage.TotalMilliseconds;
            }
            return settings.WithNetDriverParameters(parameter);
        }

        /// <summary>Says goodbye with 1000.</summary>
        public void Close()
        {
            Close(NormalClosure, string.Empty);
        }

        /// <summary>Says goodbye; <see cref="OnClosed"/> follows once the server has answered.
        /// </summary>
        /// <param name="code">1000 to 1003, 1007 to 1014 or 3000 to 4999.</param>
        /// <param name="message">At most 123 bytes in UTF-8; null for none.</param>
        /// <returns>0, also when it is over already; otherwise a negative
        /// <see cref="Error.StatusCode"/>, and it stays as it was: NetworkStateMismatch before
        /// Open.</returns>
        public int Close(ushort code, string message)
        {
            if (m_State == WebSocketStates.Closing || m_State == WebSocketStates.Closed)
                return 0;
            if (!m_Opened)
                return (int)Error.StatusCode.NetworkStateMismatch;
            if (m_State == WebSocketStates.Connecting)
            {
                if (!m_Connection.IsCreated)
                    // OnError is about to say why.
                    return 0;
                // Nothing was agreed on that a goodbye could end.
                m_Driver.Abort(m_Connection);
                m_CloseCode = code;
                m_CloseReason = message ?? string.Empty;
                m_State = WebSocketStates.Closing;
                return 0;
            }
            int result = m_Driver.Close(m_Connection, code, message);
            if (result == 0)
            {
                m_CloseCode = code;
                m_CloseReason = message ?? string.Empty;
                m_State = WebSocketStates.Closing;
            }
            return result;
        }

        /// <summary>Sends a text.</summary>
        /// <param name="message">The text.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(string message)
        {
            return m_Driver.SendText(m_Connection, message);
        }

        /// <summary>Sends bytes.</summary>
        /// <param name="buffer">The message, copied.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(byte[] buffer)
        {
            return m_Driver.Send(m_Connection, buffer);
        }

        /// <summary>Sends a part of an array.</summary>
        /// <param name="buffer">The array, copied.</param>
        /// <param name="offset">The first byte.</param>
        /// <param name="count">How many.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(byte[] buffer, ulong offset, ulong count)
        {
            return m_Driver.Send(m_Connection, buffer, checked((int)offset), checked((int)count));
        }

        /// <summary>Sends memory as text. It is the library's until it is released.</summary>
        /// <param name="data">UTF-8.</param>
        /// <param name="released">Gets the array back, at once or later; null: nobody needs it.
        /// </param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; then it was not taken.
        /// </returns>
        public int SendAsText(BufferSegment data, BufferReleased released = null)
        {
            return m_Driver.SendOwned(m_Connection, data.Data, data.Offset, data.Count, true,
                released ?? s_Ignore, null);
        }

        /// <summary>Sends memory as it is. It is the library's until it is released.</summary>
        /// <param name="data">The message.</param>
        /// <param name="released">Gets the array back, at once or later; null: nobody needs it.
        /// </param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; then it was not taken.
        /// </returns>
        public int SendAsBinary(BufferSegment data, BufferReleased released = null)
        {
            return m_Driver.SendOwned(m_Connection, data.Data, data.Offset, data.Count, false,
                released ?? s_Ignore, null);
        }
    }
}
