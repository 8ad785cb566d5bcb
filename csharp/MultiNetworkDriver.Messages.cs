namespace NetDriver
{
    public unsafe partial struct MultiNetworkDriver
    {
        /// <summary>Pops the oldest event of the first driver that has one.</summary>
        /// <param name="connection">To which it happened.</param>
        /// <param name="reader">The event's bytes, valid until the next update.</param>
        /// <returns>The kind of event; Empty when none waits.</returns>
        public NetworkEvent.Type PopEvent(
            out NetworkConnection connection, out DataStreamReader reader)
        {
            NetworkPipeline pipeline;
            return PopEvent(out connection, out reader, out pipeline);
        }

        /// <summary>Pops the oldest event of the first driver that has one.</summary>
        /// <param name="connection">To which it happened.</param>
        /// <param name="reader">The event's bytes, valid until the next update.</param>
        /// <param name="pipeline">The pipeline that a message came through.</param>
        /// <returns>The kind of event; Empty when none waits.</returns>
        public NetworkEvent.Type PopEvent(
            out NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            for (int i = 0; i < Count; i++)
            {
                NetworkEvent.Type kind = Block->Drivers[i].PopEvent(
                    out connection, out reader, out pipeline);
                if (kind != NetworkEvent.Type.Empty)
                    return kind;
            }
            connection = default(NetworkConnection);
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        /// <summary>Pops the oldest event of one connection.</summary>
        /// <param name="connection">Whose event.</param>
        /// <param name="reader">The event's bytes, valid until the next update.</param>
        /// <returns>The kind of event; Empty when none waits or the connection is stale.</returns>
        public NetworkEvent.Type PopEventForConnection(
            NetworkConnection connection, out DataStreamReader reader)
        {
            return Of(connection).PopEventForConnection(connection, out reader);
        }

        /// <summary>Pops the oldest event of one connection.</summary>
        /// <param name="connection">Whose event.</param>
        /// <param name="reader">The event's bytes, valid until the next update.</param>
        /// <param name="pipeline">The pipeline that a message came through.</param>
        /// <returns>The kind of event; Empty when none waits or the connection is stale.</returns>
        public NetworkEvent.Type PopEventForConnection(
            NetworkConnection connection, out DataStreamReader reader, out NetworkPipeline pipeline)
        {
            return Of(connection).PopEventForConnection(connection, out reader, out pipeline);
        }

        /// <summary>How many events of one connection can be popped now.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The number; 0 for a stale connection.</returns>
        public int GetEventQueueSizeForConnection(NetworkConnection connection)
        {
            return Of(connection).GetEventQueueSizeForConnection(connection);
        }

        /// <summary>Begins a message.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="writer">Where to write it.</param>
        /// <param name="requiredPayloadSize">Bytes that it needs; 0 for as many as fit.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int BeginSend(
            NetworkConnection connection, out DataStreamWriter writer, int requiredPayloadSize = 0)
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
                if (Block->Drivers[i].Owns(writer))
                    return Block->Drivers[i].EndSend(writer);
            return Strange();
        }

        /// <summary>Gives up a message; nothing is sent.</summary>
        /// <param name="writer">The writer that BeginSend gave.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int AbortSend(DataStreamWriter writer)
        {
            for (int i = 0; i < Count; i++)
                if (Block->Drivers[i].Owns(writer))
                    return Block->Drivers[i].AbortSend(writer);
            return Strange();
        }

        /// <summary>Sends one message, copied. It leaves with the next update or flush.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The message.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(NetworkConnection connection, byte[] data)
        {
            return Send(NetworkPipeline.Null, connection, data);
        }

        /// <summary>Sends one message, copied. It leaves with the next update or flush.</summary>
        /// <param name="pipe">The pipeline to send through.</param>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The message.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(NetworkPipeline pipe, NetworkConnection connection, byte[] data)
        {
            return Checked(connection, Of(connection).Send(pipe, connection, data));
        }

        /// <summary>
        /// Sleeps until an update would bring something, until <see cref="NetworkDriver.Wake"/> is
        /// called for one of the drivers, or until the time is over. It sleeps for all of them at
        /// once; on Windows, which cannot, it looks each millisecond.
        /// </summary>
        /// <param name="timeoutMS">Milliseconds to sleep at most; at least 0.</param>
        /// <returns>Has an update something to show?</returns>
        public bool Wait(int timeoutMS)
        {
            if (timeoutMS < 0)
                throw new System.ArgumentOutOfRangeException("timeoutMS");
            uint ready = 0;
            if (IsCreated)
                Interop.NativeMethods.nd_multi_driver_wait(
                    Block->Native, (uint)timeoutMS, &ready);
            return ready != 0;
        }

        private int Strange()
        {
            return (int)(IsCreated ? Error.StatusCode.NetworkSendHandleInvalid
                : Error.StatusCode.InvalidHandle);
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
        public int GetMaxSupportedPayloadSize(NetworkConnection connection, NetworkPipeline pipe)
        {
            return Checked(connection,
                Of(connection).GetMaxSupportedPayloadSize(connection, pipe));
        }
    }

    public unsafe partial struct NetworkDriver
    {
        /// <summary>The library's handle; null when there is none.</summary>
        internal Interop.nd_driver* Native
        {
            get { return Handle; }
        }

        /// <summary>Was the writer begun by this driver?</summary>
        internal bool Owns(DataStreamWriter writer)
        {
            return Handle != null && writer.Driver == Handle;
        }
    }
}
