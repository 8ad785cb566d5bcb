using System;

namespace NetDriver.WebSockets
{
    public sealed partial class WebSocket
    {
        private static readonly BufferReleased s_Ignore = Ignore;

        private static void Ignore(byte[] data, object user)
        {
        }

        /// <summary>Receives, sends, and runs the callbacks of what has happened.</summary>
        public void Update()
        {
            if (!m_Driver.IsCreated)
                return;
            if (m_State == WebSocketStates.Closed)
            {
                // The answer to the server's goodbye may still be on its way.
                m_Driver.ScheduleUpdate().Complete();
                if (m_Driver.GetStatistics().ConnectionsClosing == 0)
                    Dispose();
                return;
            }
            if (!m_Connection.IsCreated)
            {
                Fail(m_CloseReason);
                return;
            }
            m_Driver.ScheduleUpdate().Complete();
            NetworkConnection connection;
            DataStreamReader reader;
            NetworkEvent.Type kind;
            while (m_Driver.IsCreated
                && (kind = m_Driver.PopEvent(out connection, out reader))
                    != NetworkEvent.Type.Empty)
                Take(kind, reader);
            // Closed before there was a connection: no event comes.
            if (m_State == WebSocketStates.Closing && m_Driver.IsCreated
                && m_Driver.GetConnectionState(m_Connection)
                    == NetworkConnection.State.Disconnected)
                End(m_CloseCode, m_CloseReason);
        }

        private void Take(NetworkEvent.Type kind, DataStreamReader reader)
        {
            switch (kind)
            {
                case NetworkEvent.Type.Connect:
                    m_State = WebSocketStates.Open;
                    if (OnOpen != null)
                        OnOpen(this);
                    break;
                case NetworkEvent.Type.Data:
                    TakeMessage(reader);
                    break;
                case NetworkEvent.Type.Fragment:
                    NetworkEventDetails piece = m_Driver.LastEvent;
                    if (OnIncompleteFrame != null)
                        OnIncompleteFrame(this, new IncompleteFrame(Read(reader), piece));
                    break;
                case NetworkEvent.Type.Disconnect:
                    NetworkEventDetails end = m_Driver.LastEvent;
                    if (end.IsClean)
                        End((ushort)end.CloseCode, end.Text);
                    else
                        Fail(end.Text.Length > 0 ? end.Text : end.Reason.ToString());
                    break;
            }
        }

        private void TakeMessage(DataStreamReader reader)
        {
            if (m_Driver.LastEvent.IsText)
            {
                if (OnMessage != null)
                    OnMessage(this, reader.ReadRemainingText());
                return;
            }
            if (OnBinaryNoAlloc == null && OnBinary == null)
                return;
            BufferSegment data = Read(reader);
            if (OnBinaryNoAlloc != null)
                OnBinaryNoAlloc(this, data);
            if (OnBinary != null)
                OnBinary(this, data.CopyToArray());
        }

        private BufferSegment Read(DataStreamReader reader)
        {
            int length = reader.Length;
            if (m_Buffer.Length < length)
                m_Buffer = new byte[Math.Max(length, 2 * m_Buffer.Length)];
            reader.ReadBytes(m_Buffer, 0, length);
            return new BufferSegment(m_Buffer, 0, length);
        }

        private void End(ushort code, string reason)
        {
            m_State = WebSocketStates.Closed;
            if (OnClosed != null)
                OnClosed(this, code, reason);
        }

        private void Fail(string error)
        {
            m_State = WebSocketStates.Closed;
            if (OnError != null)
                OnError(this, error);
        }

        private ConnectionInfo Facts()
        {
            ConnectionInfo info;
            m_Driver.GetConnectionInfo(m_Connection, out info);
            return info;
        }

        /// <summary>Ends it without a goodbye and without a callback.</summary>
        public void Dispose()
        {
            m_State = WebSocketStates.Closed;
            lock (s_Live)
                s_Live.Remove(this);
            m_Driver.Dispose();
        }
    }
}
