using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct MultiNetworkDriver
    {
        /// <summary>
        /// The drivers for several threads at once, as Unity Transport's: between updates any
        /// number of them pop events and send, one thread per connection. Take it once the last
        /// driver is there, and keep it.
        /// </summary>
        /// <returns>The drivers as all threads may use them.</returns>
        public Concurrent ToConcurrent()
        {
            // While a driver is in use, by a scheduled update for example, its is made later.
            for (int i = 0; i < Count; i++)
                Block->Drivers[i].ToConcurrent();
            return new Concurrent(this);
        }

        /// <summary>
        /// Several drivers for several threads at once: see <see cref="NetworkDriver.Concurrent"/>.
        /// </summary>
        /// <remarks>A small value without references, as that of one driver.</remarks>
        public unsafe struct Concurrent
        {
            private readonly MultiNetworkDriver m_Drivers;

            internal Concurrent(MultiNetworkDriver drivers)
            {
                m_Drivers = drivers;
            }

            /// <summary>Pops the oldest event of one connection.</summary>
            /// <param name="connection">Whose event.</param>
            /// <param name="reader">The event's bytes, valid until the next update.</param>
            /// <returns>The kind of event; Empty when none waits or the connection is stale.
            /// </returns>
            public NetworkEvent.Type PopEventForConnection(
                NetworkConnection connection, out DataStreamReader reader)
            {
                return Of(connection).PopEventForConnection(connection, out reader);
            }

            /// <summary>Pops the oldest event of one connection.</summary>
            /// <param name="connection">Whose event.</param>
            /// <param name="reader">The event's bytes, valid until the next update.</param>
            /// <param name="pipeline">The pipeline that a message came through.</param>
            /// <returns>The kind of event; Empty when none waits or the connection is stale.
            /// </returns>
            public NetworkEvent.Type PopEventForConnection(
                NetworkConnection connection, out DataStreamReader reader,
                out NetworkPipeline pipeline)
            {
                return Of(connection).PopEventForConnection(connection, out reader, out pipeline);
            }

            /// <summary>Pops the oldest event of one connection, and all that it carries.</summary>
            /// <param name="connection">Whose event.</param>
            /// <param name="reader">The event's bytes, valid until the next update.</param>
            /// <param name="pipeline">The pipeline that a message came through.</param>
            /// <param name="details">Text flag, close code, close reason. Its Text can be read
            /// until the next update.</param>
            /// <returns>The kind of event; Empty when none waits or the connection is stale.
            /// </returns>
            public NetworkEvent.Type PopEventForConnection(
                NetworkConnection connection, out DataStreamReader reader,
                out NetworkPipeline pipeline, out NetworkEventDetails details)
            {
                return Of(connection).PopEventForConnection(
                    connection, out reader, out pipeline, out details);
            }

            /// <summary>How many events of one connection can be popped now.</summary>
            /// <param name="connection">Which.</param>
            /// <returns>The number; 0 for a stale connection.</returns>
            public int GetEventQueueSizeForConnection(NetworkConnection connection)
            {
                return Of(connection).GetEventQueueSizeForConnection(connection);
            }

            /// <summary>What a connection is doing.</summary>
            /// <param name="connection">Which.</param>
            /// <returns>The state; Disconnected for a stale or unknown connection.</returns>
            public NetworkConnection.State GetConnectionState(NetworkConnection connection)
            {
                return Of(connection).GetConnectionState(connection);
            }

            /// <summary>Bytes of a packet that are not payload, on the widest interface of a
            /// connection's driver.</summary>
            /// <param name="pipe">The pipeline, whose headers count.</param>
            /// <param name="connection">Which connection.</param>
            /// <returns>As <see cref="NetworkDriver.MaxHeaderSize"/>.</returns>
            public int MaxHeaderSize(NetworkPipeline pipe, NetworkConnection connection)
            {
                return Of(connection).MaxHeaderSize(pipe);
            }

            /// <summary>Bytes of the largest packet of a connection, headers included.</summary>
            /// <param name="connection">Which.</param>
            /// <returns>As <see cref="NetworkDriver.GetMaxSupportedMessageSize"/>.</returns>
            public int GetMaxSupportedMessageSize(NetworkConnection connection)
            {
                return Checked(connection, Of(connection).GetMaxSupportedMessageSize(connection));
            }

            /// <summary>The longest message that a connection takes.</summary>
            /// <param name="connection">Which.</param>
            /// <param name="pipe">The pipeline.</param>
            /// <returns>Bytes, or a negative <see cref="Error.StatusCode"/>.</returns>
            public int GetMaxSupportedPayloadSize(
                NetworkConnection connection, NetworkPipeline pipe)
            {
                return Checked(connection,
                    Of(connection).GetMaxSupportedPayloadSize(connection, pipe));
            }

            /// <summary>Begins a message.</summary>
            /// <param name="connection">To whom.</param>
            /// <param name="writer">Where to write it.</param>
            /// <param name="requiredPayloadSize">Bytes that it needs; 0 for as many as fit.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int BeginSend(
                NetworkConnection connection, out DataStreamWriter writer,
                int requiredPayloadSize = 0)
            {
                return BeginSend(NetworkPipeline.Null, connection, out writer, requiredPayloadSize);
            }

            /// <summary>Begins a message.</summary>
            /// <param name="pipe">The pipeline to send through.</param>
            /// <param name="connection">To whom.</param>
            /// <param name="writer">Where to write it.</param>
            /// <param name="requiredPayloadSize">Bytes that it needs; 0 for as many as fit.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int BeginSend(
                NetworkPipeline pipe, NetworkConnection connection, out DataStreamWriter writer,
                int requiredPayloadSize = 0)
            {
                return Checked(connection, Of(connection).BeginSend(
                    pipe, connection, out writer, requiredPayloadSize));
            }

            /// <summary>Ends a message: it leaves with the next update or flush.</summary>
            /// <param name="writer">The writer that BeginSend gave.</param>
            /// <returns>The bytes written, or a negative <see cref="Error.StatusCode"/>.</returns>
            public int EndSend(DataStreamWriter writer)
            {
                for (int i = 0; i < Count; i++)
                    if (At(i).Owns(writer))
                        return At(i).EndSend(writer);
                return (int)Error.StatusCode.NetworkSendHandleInvalid;
            }

            /// <summary>Gives up a message; nothing is sent.</summary>
            /// <param name="writer">The writer that BeginSend gave.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int AbortSend(DataStreamWriter writer)
            {
                for (int i = 0; i < Count; i++)
                    if (At(i).Owns(writer))
                        return At(i).AbortSend(writer);
                return (int)Error.StatusCode.NetworkSendHandleInvalid;
            }

            /// <summary>Sends one message, copied. It leaves with the next update or flush.
            /// </summary>
            /// <param name="pipe">The pipeline to send through.</param>
            /// <param name="connection">To whom.</param>
            /// <param name="data">The message.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int Send(NetworkPipeline pipe, NetworkConnection connection, byte[] data)
            {
                return Checked(connection, Of(connection).Send(pipe, connection, data));
            }

            /// <summary>Sends a text message on a plain WebSocket. It leaves with the next update
            /// or flush.</summary>
            /// <param name="connection">To whom.</param>
            /// <param name="text">The text.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>; InvalidArgument in the UTP
            /// dialect, which has no text.</returns>
            public int SendText(NetworkConnection connection, string text)
            {
                return Checked(connection, Of(connection).SendText(connection, text));
            }

            private int Count
            {
                get { return m_Drivers.Count; }
            }

            private NetworkDriver.Concurrent At(int place)
            {
                return m_Drivers.Block->Drivers[place].AsConcurrent();
            }

            private NetworkDriver.Concurrent Of(NetworkConnection connection)
            {
                int id = connection.DriverId;
                return id >= 1 && id <= Count ? At(id - 1)
                    : default(NetworkDriver.Concurrent);
            }

            private int Checked(NetworkConnection connection, int result)
            {
                int id = connection.DriverId;
                return Count > 0 && (id < 1 || id > Count)
                    ? (int)Error.StatusCode.NetworkIdMismatch : result;
            }
        }
    }
}
