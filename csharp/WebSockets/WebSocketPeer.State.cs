using System;

namespace NetDriver.WebSockets
{
    public sealed partial class WebSocketPeer
    {
        /// <summary>Takes the close frame of the other side, once it is here (Godot 3): what came
        /// in front of it is told first.</summary>
        internal bool TakeCloseRequest(out CloseRequest request)
        {
            request = m_CloseRequest ?? default(CloseRequest);
            bool came = m_CloseRequest.HasValue;
            m_CloseRequest = null;
            return came;
        }

        /// <summary>Receives, sends, and moves the state on.</summary>
        public void Poll()
        {
            if (!m_Owned || !m_Driver.IsCreated)
                return;
            m_Driver.ScheduleUpdate().Complete();
            if (m_State != State.Closed && m_AcceptsStream && !m_Connection.IsCreated && !Accept())
                return;
            TakeEvents();
            if (m_State == State.Closed && m_Driver.GetStatistics().ConnectionsClosing == 0)
                m_Driver.Dispose();
        }

        private bool Accept()
        {
            m_Connection = m_Driver.Accept();
            if (m_Connection.IsCreated)
            {
                m_State = State.Open;
                Remember();
                return true;
            }
            if (m_Driver.GetStatistics().HandshakesPending == 0)
                Finish(-1, "the handshake failed");
            return false;
        }

        /// <summary>Takes what has happened, as far as there is room; how many packets came.
        /// </summary>
        internal int TakeEvents()
        {
            int packets = 0;
            DataStreamReader reader;
            while (m_Packets.Count < MaxQueuedPackets && m_QueuedBytes < InboundBufferSize)
            {
                switch (m_Driver.PopEventForConnection(m_Connection, out reader))
                {
                    case NetworkEvent.Type.Empty:
                        return packets;
                    case NetworkEvent.Type.Connect:
                        m_State = State.Open;
                        Remember();
                        break;
                    case NetworkEvent.Type.Data:
                        Packet packet;
                        packet.IsText = m_Driver.LastEvent.IsText;
                        packet.Bytes = new byte[reader.Length];
                        reader.ReadBytes(packet.Bytes);
                        m_QueuedBytes += packet.Bytes.Length;
                        m_Packets.Enqueue(packet);
                        packets++;
                        break;
                    case NetworkEvent.Type.CloseRequest:
                        NetworkEventDetails request = m_Driver.LastEvent;
                        m_State = State.Closing;
                        m_CloseRequest = new CloseRequest
                        {
                            Code = CodeOf(request),
                            Reason = request.Text,
                        };
                        break;
                    case NetworkEvent.Type.Disconnect:
                        NetworkEventDetails end = m_Driver.LastEvent;
                        Finish(CodeOf(end), end.Text);
                        return packets;
                }
            }
            return packets;
        }

        /// <summary>0 for a goodbye without a code; -1 without a goodbye, unless this side ended it
        /// with one because of what it got.</summary>
        private static int CodeOf(NetworkEventDetails details)
        {
            bool faulty = details.Reason == Error.DisconnectReason.ProtocolError
                || details.Reason == Error.DisconnectReason.MessageTooBig;
            bool said = faulty && details.CloseCode >= 1000 && details.CloseCode != 1006;
            bool asks = details.Type == NetworkEvent.Type.CloseRequest;
            if (!asks && !details.IsClean && !said)
                return -1;
            return details.CloseCode == 1005 ? 0 : details.CloseCode;
        }

        /// <summary>Were packets exchanged, or could they have been?</summary>
        internal bool WasOpen { get; private set; }

        private void Remember()
        {
            WasOpen = true;
            m_Protocol = m_Driver.GetConnectionText(m_Connection, ConnectionText.SubProtocol);
            m_Url = m_Driver.GetConnectionText(m_Connection, ConnectionText.Url);
        }

        /// <summary>Its server has stopped.</summary>
        internal void Lose()
        {
            Finish(-1, string.Empty);
        }

        private void Finish(int code, string reason)
        {
            m_State = State.Closed;
            m_CloseCode = code;
            m_CloseReason = reason;
        }

        /// <summary>Bytes that were sent and have not left yet.</summary>
        /// <returns>Bytes, frame headers included.</returns>
        public int GetCurrentOutboundBufferedAmount()
        {
            return Math.Max(0, m_Driver.GetBufferedAmount(m_Connection));
        }

        /// <summary>The other side's address.</summary>
        /// <returns>Without the port; empty without a connection.</returns>
        public string GetConnectedHost()
        {
            NetworkEndpoint endpoint = m_Driver.GetRemoteEndpoint(m_Connection);
            if (!endpoint.IsValid)
                return string.Empty;
            string address = endpoint.Address;
            return address.Substring(0, address.LastIndexOf(':')).Trim('[', ']');
        }

        /// <summary>The other side's port.</summary>
        /// <returns>The port; 0 without a connection.</returns>
        public int GetConnectedPort()
        {
            return m_Driver.GetRemoteEndpoint(m_Connection).Port;
        }

        /// <summary>The URL that was asked for.</summary>
        /// <returns>The URL; empty before there is one.</returns>
        public string GetRequestedUrl()
        {
            return m_Url;
        }

        /// <summary>The sub-protocol that was agreed on.</summary>
        /// <returns>Its name; empty for none.</returns>
        public string GetSelectedProtocol()
        {
            return m_Protocol;
        }

        /// <summary>Whether small packets leave at once (as at first).</summary>
        /// <param name="enabled">At once, or gathered by the system.</param>
        public void SetNoDelay(bool enabled)
        {
            m_Driver.SetNoDelay(m_Connection, enabled);
        }

        /// <summary>Ends it without a word, and frees what it has.</summary>
        public void Dispose()
        {
            m_State = State.Closed;
            if (m_Owned)
                m_Driver.Dispose();
        }
    }
}
