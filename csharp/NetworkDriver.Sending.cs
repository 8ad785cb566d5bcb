using System;
using System.Runtime.InteropServices;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        /// <summary>Bytes of a packet that are not payload, on the widest interface.</summary>
        /// <param name="pipe">The pipeline, whose headers count.</param>
        /// <returns>The number: 10 on UDP and IPC, 24 on WebSocket (92 with TLS), and the headers
        /// of the pipeline's stages; 0 without an interface, and for an unknown pipeline.</returns>
        public int MaxHeaderSize(NetworkPipeline pipe)
        {
            uint widest = 0;
            uint size;
            for (uint i = 0; NativeMethods.nd_driver_get_header_size_max(Handle, i, pipe.Id, &size)
                == NativeMethods.ND_OK; i++)
                widest = Math.Max(widest, size);
            return (int)widest;
        }

        /// <summary>Bytes of the largest packet of a connection, headers included: what path-MTU
        /// discovery has found, else maxMessageSize.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The number, or a negative <see cref="Error.StatusCode"/>. A plain WebSocket
        /// has no headers here: the number is that of the largest message.</returns>
        public int GetMaxSupportedMessageSize(NetworkConnection connection)
        {
            uint size = 0;
            int result = NativeMethods.nd_connection_get_message_size_max(
                Handle, connection.Value, &size);
            return result == NativeMethods.ND_OK ? (int)size : Refused(connection, result);
        }

        /// <summary>The longest message that a connection takes.</summary>
        /// <param name="connection">Which.</param>
        /// <param name="pipe">The pipeline.</param>
        /// <returns>Bytes, or a negative <see cref="Error.StatusCode"/>.</returns>
        public int GetMaxSupportedPayloadSize(NetworkConnection connection, NetworkPipeline pipe)
        {
            uint size = 0;
            int result = NativeMethods.nd_connection_get_payload_size_max(
                Handle, connection.Value, pipe.Id, &size);
            return result == NativeMethods.ND_OK ? (int)size : Refused(connection, result);
        }

        /// <summary>Bytes that were sent on a connection and have not left yet.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>Bytes, frame headers included; always 0 on UDP and IPC. Or a negative
        /// <see cref="Error.StatusCode"/>.</returns>
        public int GetBufferedAmount(NetworkConnection connection)
        {
            uint bytes = 0;
            int result = NativeMethods.nd_connection_buffered_amount(
                Handle, connection.Value, &bytes);
            return result == NativeMethods.ND_OK ? (int)Math.Min(bytes, int.MaxValue)
                : Refused(connection, result);
        }

        /// <summary>Begins a message that is written in place.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="writer">Writes the message; valid until EndSend, AbortSend or the next
        /// update.</param>
        /// <param name="requiredPayloadSize">Bytes that the message needs; 0 for as many as one
        /// packet holds (64 KiB on plain WebSocket connections).</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int BeginSend(
            NetworkConnection connection, out DataStreamWriter writer, int requiredPayloadSize = 0)
        {
            return BeginSend(NetworkPipeline.Null, connection, out writer, requiredPayloadSize);
        }

        /// <summary>Begins a message that is written in place.</summary>
        /// <param name="pipe">The pipeline to send through.</param>
        /// <param name="connection">To whom.</param>
        /// <param name="writer">Writes the message; valid until EndSend, AbortSend or the next
        /// update.</param>
        /// <param name="requiredPayloadSize">Bytes that the message needs; 0 for as many as one
        /// packet holds (64 KiB on plain WebSocket connections).</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int BeginSend(
            NetworkPipeline pipe, NetworkConnection connection, out DataStreamWriter writer,
            int requiredPayloadSize = 0)
        {
            nd_driver* driver = Named;
            nd_send send;
            int result = NativeMethods.nd_driver_begin_send(
                driver, connection.Value, pipe.Id, (uint)requiredPayloadSize, &send);
            if (result == NativeMethods.ND_OK)
            {
                DataStreamWriter.Make(&send, driver, out writer);
                return result;
            }
            writer = default(DataStreamWriter);
            return Refused(connection, result);
        }

        /// <summary>Ends a message: it leaves with the next update or flush.</summary>
        /// <param name="writer">The writer that BeginSend gave.</param>
        /// <returns>The message's bytes, or a negative <see cref="Error.StatusCode"/>:
        /// NetworkPacketOverflow when a write did not fit, NetworkSendHandleInvalid when the writer
        /// was ended before. Either way the message is over.</returns>
        public int EndSend(DataStreamWriter writer)
        {
            return EndSend(ref writer, 0);
        }

        /// <summary>
        /// Ends a message and sends it as text: a plain WebSocket's text message.
        /// </summary>
        /// <param name="writer">The writer that BeginSend gave; what was written is UTF-8.</param>
        /// <returns>As <see cref="EndSend(DataStreamWriter)"/>; InvalidArgument in the UTP dialect
        /// and for bytes that are not UTF-8.</returns>
        public int EndSendText(DataStreamWriter writer)
        {
            return EndSend(ref writer, NativeMethods.ND_SEND_FLAG_TEXT);
        }

        /// <summary>Gives up a message; nothing is sent.</summary>
        /// <param name="writer">The writer that BeginSend gave.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int AbortSend(DataStreamWriter writer)
        {
            nd_driver* driver = Named;
            if (writer.Driver != driver && Handle != null)
                return (int)Error.StatusCode.NetworkSendHandleInvalid;
            nd_send send = default(nd_send);
            send.handle = writer.m_Send;
            return NativeMethods.nd_driver_abort_send(driver, &send);
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
            if (data == null)
                throw new ArgumentNullException("data");
            fixed (byte* bytes = data)
                return Send(pipe, connection, bytes, data.Length);
        }

        /// <summary>Sends a part of an array as one message.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The array.</param>
        /// <param name="offset">The first of its bytes to send.</param>
        /// <param name="count">How many to send.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(NetworkConnection connection, byte[] data, int offset, int count)
        {
            ByteOrder.CheckRange(data, offset, count);
            fixed (byte* bytes = data)
                return Send(NetworkPipeline.Null, connection, bytes + offset, count);
        }

        /// <summary>Sends one message, copied.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The message.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(NetworkConnection connection, ReadOnlySpan<byte> data)
        {
            fixed (byte* bytes = &MemoryMarshal.GetReference(data))
                return Send(NetworkPipeline.Null, connection, bytes, data.Length);
        }

        /// <summary>Sends one message, copied.</summary>
        /// <param name="pipe">The pipeline to send through.</param>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The message; may be null when it has no bytes.</param>
        /// <param name="length">Its bytes.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Send(NetworkPipeline pipe, NetworkConnection connection, byte* data, int length)
        {
            if (length < 0)
                throw new ArgumentOutOfRangeException("length");
            int result = NativeMethods.nd_driver_send(
                Named, connection.Value, pipe.Id, data, (uint)length, 0);
            return result == NativeMethods.ND_OK ? result : Refused(connection, result);
        }

        /// <summary>Sends a text message on a plain WebSocket.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="text">The text.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; InvalidArgument in the UTP
        /// dialect, which has no text.</returns>
        public int SendText(NetworkConnection connection, string text)
        {
            if (text == null)
                throw new ArgumentNullException("text");
            int count;
            fixed (byte* bytes = Utf8.InThread(text, out count))
            {
                int result = NativeMethods.nd_driver_send(
                    Named, connection.Value, 0, bytes, (uint)count,
                    NativeMethods.ND_SEND_FLAG_TEXT);
                return result == NativeMethods.ND_OK ? result : Refused(connection, result);
            }
        }

        /// <summary>
        /// Sends one message to many connections; it is encoded once for each dialect. A connection
        /// that cannot take it does not keep the others from getting it.
        /// </summary>
        /// <param name="connections">To whom.</param>
        /// <param name="data">The message.</param>
        /// <param name="results">Gets one status number for each connection; may be null.</param>
        /// <returns>How many took it, or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SendToMany(NetworkConnection[] connections, byte[] data, int[] results = null)
        {
            if (connections == null)
                throw new ArgumentNullException("connections");
            if (data == null)
                throw new ArgumentNullException("data");
            return SendToMany(connections, connections.Length, data, data.Length,
                NetworkPipeline.Null, false, results);
        }

        /// <summary>
        /// Sends one message to many connections; it is encoded once for each dialect. A connection
        /// that cannot take it does not keep the others from getting it.
        /// </summary>
        /// <param name="connections">To whom: the first ones of this array.</param>
        /// <param name="connectionCount">How many of them.</param>
        /// <param name="data">The message: the first bytes of this array.</param>
        /// <param name="length">How many of them.</param>
        /// <param name="pipe">The pipeline to send through.</param>
        /// <param name="text">Send as text, which must be UTF-8.</param>
        /// <param name="results">Gets one status number for each connection; may be null.</param>
        /// <returns>How many took it, or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SendToMany(
            NetworkConnection[] connections, int connectionCount, byte[] data, int length,
            NetworkPipeline pipe, bool text, int[] results)
        {
            if (connections == null)
                throw new ArgumentNullException("connections");
            if (connectionCount < 0 || connectionCount > connections.Length)
                throw new ArgumentOutOfRangeException("connectionCount");
            if (results != null && results.Length < connectionCount)
                throw new ArgumentException("There is not a place for each connection.", "results");
            ByteOrder.CheckRange(data, 0, length);
            uint sent = 0;
            fixed (NetworkConnection* targets = connections)
            fixed (byte* bytes = data)
            fixed (int* statuses = results)
            {
                int result = NativeMethods.nd_driver_send_to_many(
                    Handle, (ulong*)targets, (uint)connectionCount, pipe.Id, bytes, (uint)length,
                    text ? NativeMethods.ND_SEND_FLAG_TEXT : 0, statuses, &sent);
                return result == NativeMethods.ND_OK ? (int)sent : result;
            }
        }

        private int Refused(NetworkConnection connection, int result)
        {
            DriverBlock* block = Block;
            return block == null ? result
                : block->Refine((nd_driver*)m_Driver, result, connection);
        }

        private int EndSend(ref DataStreamWriter writer, uint flags)
        {
            if (writer.HasFailedWrites)
            {
                int aborted = AbortSend(writer);
                return aborted == NativeMethods.ND_OK
                    ? (int)Error.StatusCode.NetworkPacketOverflow : aborted;
            }
            nd_driver* driver = Named;
            if (writer.Driver != driver && Handle != null)
                return (int)Error.StatusCode.NetworkSendHandleInvalid;
            nd_send send = default(nd_send);
            send.handle = writer.m_Send;
            int length = writer.Length;
            int result = NativeMethods.nd_driver_end_send(driver, &send, (uint)length, flags);
            return result == NativeMethods.ND_OK ? length : result;
        }
    }
}
