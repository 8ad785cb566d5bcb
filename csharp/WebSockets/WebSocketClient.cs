using System;

namespace NetDriver.WebSockets
{
    /// <summary>
    /// A client in the shape that users of Godot 3's WebSocketClient know: signals are events,
    /// which <see cref="Poll"/> raises. It wraps a <see cref="WebSocketPeer"/>.
    /// </summary>
    public sealed class WebSocketClient : IDisposable
    {
        private readonly WebSocketPeer m_Peer = new WebSocketPeer();
        private bool m_Connecting;
        private bool m_Connected;

        /// <summary>It is connected: the sub-protocol agreed on.</summary>
        public event Action<string> ConnectionEstablished;
        /// <summary>It is over: whether the server said goodbye.</summary>
        public event Action<bool> ConnectionClosed;
        /// <summary>It could not be connected.</summary>
        public event Action ConnectionError;
        /// <summary>A packet waits in <see cref="GetPeer"/>.</summary>
        public event Action DataReceived;
        /// <summary>The server wants to go: code and reason. ConnectionClosed follows.</summary>
        public event Action<int, string> ServerCloseRequest;

        /// <summary>With Godot 3's limits: 64 KiB and 1024 packets each way.</summary>
        public WebSocketClient()
        {
            VerifySsl = true;
            SetBuffers(64, 1024, 64, 1024);
        }

        /// <summary>Verify the server's certificate. Default true; without it everybody on the way
        /// can read and change everything.</summary>
        public bool VerifySsl { get; set; }

        /// <summary>Certificates to trust beside those of the system, as PEM. Null: none.</summary>
        public string TrustedSslCertificate { get; set; }

        /// <summary>Sets the limits; before <see cref="ConnectToUrl"/>.</summary>
        /// <param name="inKb">KiB that may wait to be read; also the longest message.</param>
        /// <param name="inPackets">Packets that may wait to be read.</param>
        /// <param name="outKb">KiB that may wait to be sent.</param>
        /// <param name="outPackets">Packets that may wait to be sent.</param>
        public void SetBuffers(int inKb, int inPackets, int outKb, int outPackets)
        {
            m_Peer.InboundBufferSize = checked(inKb * 1024);
            m_Peer.OutboundBufferSize = checked(outKb * 1024);
            m_Peer.MaxQueuedPackets = inPackets;
            m_Peer.MaxOutgoingPackets = outPackets;
        }

        /// <summary>Starts to connect.</summary>
        /// <param name="url">ws:// or wss://.</param>
        /// <param name="protocols">Sub-protocols to offer, best first. Null: none.</param>
        /// <param name="customHeaders">Header lines "Name: value". Null: none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int ConnectToUrl(
            string url, string[] protocols = null, string[] customHeaders = null)
        {
            m_Peer.SupportedProtocols = protocols;
            m_Peer.HandshakeHeaders = customHeaders;
            int result = m_Peer.ConnectToUrl(url, new TlsClientOptions
            {
                Insecure = !VerifySsl,
                CACertificate = TrustedSslCertificate,
            });
            m_Connecting = result == 0;
            m_Connected = false;
            return result;
        }

        /// <summary>Says goodbye; ConnectionClosed follows.</summary>
        /// <param name="code">As for <see cref="WebSocketPeer.Close"/>.</param>
        /// <param name="reason">At most 123 bytes in UTF-8.</param>
        /// <returns>As <see cref="WebSocketPeer.Close"/>.</returns>
        public int DisconnectFromHost(int code = 1000, string reason = "")
        {
            return m_Peer.Close(code, reason);
        }

        /// <summary>The server.</summary>
        /// <returns>The peer; there is one always.</returns>
        public WebSocketPeer GetPeer()
        {
            return m_Peer;
        }

        /// <summary>The server's address.</summary>
        /// <returns>Without the port; empty without a connection.</returns>
        public string GetConnectedHost()
        {
            return m_Peer.GetConnectedHost();
        }

        /// <summary>The server's port.</summary>
        /// <returns>The port; 0 without a connection.</returns>
        public int GetConnectedPort()
        {
            return m_Peer.GetConnectedPort();
        }

        /// <summary>Receives, sends, and raises the events.</summary>
        public void Poll()
        {
            int before = m_Peer.GetAvailablePacketCount();
            m_Peer.Poll();
            WebSocketPeer.State state = m_Peer.GetReadyState();
            if (m_Connecting && m_Peer.WasOpen)
            {
                m_Connecting = false;
                m_Connected = true;
                if (ConnectionEstablished != null)
                    ConnectionEstablished(m_Peer.GetSelectedProtocol());
            }
            int packets = m_Peer.GetAvailablePacketCount() - before;
            for (int i = 0; i < packets && DataReceived != null; i++)
                DataReceived();
            WebSocketPeer.CloseRequest request;
            if (m_Peer.TakeCloseRequest(out request) && ServerCloseRequest != null)
                ServerCloseRequest(request.Code, request.Reason);
            if (state != WebSocketPeer.State.Closed)
                return;
            if (m_Connecting && ConnectionError != null)
                ConnectionError();
            if (m_Connected && ConnectionClosed != null)
                ConnectionClosed(m_Peer.GetCloseCode() != -1);
            m_Connecting = m_Connected = false;
        }

        /// <summary>Ends it without a word.</summary>
        public void Dispose()
        {
            m_Peer.Dispose();
        }
    }
}
