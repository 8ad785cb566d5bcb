using System;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// The driver for several threads at once, as Unity Transport's: between updates any number
        /// of them pop events and send, one thread per connection. Take it once and keep it.
        /// </summary>
        /// <returns>The driver as all threads may use it.</returns>
        public Concurrent ToConcurrent()
        {
            // While the driver is in use, by a scheduled update for example, it is made later.
            DriverBlock* block = Block;
            if (block == null)
                return default(Concurrent);
            block->MakeConcurrent((nd_driver*)m_Driver);
            return AsConcurrent();
        }

        /// <summary>The same, for a driver that was asked for it before.</summary>
        internal Concurrent AsConcurrent()
        {
            DriverBlock* block = Block;
            return block == null ? default(Concurrent)
                : new Concurrent(block, (nd_driver*)m_Driver);
        }

        /// <summary>
        /// A driver for several threads at once, each for connections of its own, between the calls
        /// that have the driver to themselves: updates, Accept, Connect, Disconnect and all other
        /// calls of <see cref="NetworkDriver"/>. Two threads in one connection are told with
        /// <see cref="Error.StatusCode.NetworkDriverParallelForErr"/>, a call while the driver is
        /// in use with <see cref="Error.StatusCode.DriverInUse"/>, both with no event when they
        /// pop; nothing is harmed. What was sent leaves with the next update or flush.
        /// </summary>
        /// <remarks>
        /// A small value without references: copies are one driver, and structs of Unity's jobs
        /// take it. <see cref="LastEvent"/> tells nothing of events that are popped here: popping
        /// with details does.
        /// </remarks>
        public unsafe struct Concurrent
        {
            // Addresses as numbers, as in NetworkDriver.
            private readonly ulong m_Block;
            private readonly ulong m_Driver;

            internal Concurrent(DriverBlock* block, nd_driver* driver)
            {
                m_Block = (ulong)block;
                m_Driver = (ulong)driver;
            }

            /// <summary>Pops the oldest event of one connection.</summary>
            /// <param name="connection">Whose event.</param>
            /// <param name="reader">The event's bytes, valid until the next update.</param>
            /// <returns>The kind of event; Empty when none waits or the connection is stale.
            /// </returns>
            public NetworkEvent.Type PopEventForConnection(
                NetworkConnection connection, out DataStreamReader reader)
            {
                NetworkPipeline pipeline;
                return PopEventForConnection(connection, out reader, out pipeline);
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
                nd_event popped;
                return Pop(connection, &popped, out reader, out pipeline);
            }

            /// <summary>Pops the oldest event of one connection, and all that it carries.</summary>
            /// <param name="connection">Whose event.</param>
            /// <param name="reader">The event's bytes, valid until the next update.</param>
            /// <param name="pipeline">The pipeline that a message came through.</param>
            /// <param name="details">What <see cref="LastEvent"/> tells elsewhere: text flag, close
            /// code, close reason. Its Text can be read until the next update.</param>
            /// <returns>The kind of event; Empty when none waits or the connection is stale.
            /// </returns>
            public NetworkEvent.Type PopEventForConnection(
                NetworkConnection connection, out DataStreamReader reader,
                out NetworkPipeline pipeline, out NetworkEventDetails details)
            {
                nd_event popped;
                NetworkEvent.Type kind = Pop(connection, &popped, out reader, out pipeline);
                details = kind == NetworkEvent.Type.Empty ? default(NetworkEventDetails)
                    : new NetworkEventDetails(popped);
                return kind;
            }

            /// <summary>How many events of one connection can be popped now.</summary>
            /// <param name="connection">Which.</param>
            /// <returns>The number; 0 for a stale connection.</returns>
            public int GetEventQueueSizeForConnection(NetworkConnection connection)
            {
                DriverBlock* block = Block;
                return block == null ? 0
                    : block->EventCountBeside((nd_driver*)m_Driver, connection);
            }

            /// <summary>What a connection is doing.</summary>
            /// <param name="connection">Which.</param>
            /// <returns>The state; Disconnected for a stale or unknown connection.</returns>
            public NetworkConnection.State GetConnectionState(NetworkConnection connection)
            {
                int state = 0;
                NativeMethods.nd_concurrent_get_connection_state(Native, connection.Value, &state);
                return (NetworkConnection.State)state;
            }

            /// <summary>Bytes of a packet that are not payload, on the widest interface.</summary>
            /// <param name="pipe">The pipeline, whose headers count.</param>
            /// <returns>As <see cref="NetworkDriver.MaxHeaderSize"/>.</returns>
            public int MaxHeaderSize(NetworkPipeline pipe)
            {
                nd_concurrent* driver = Native;
                uint widest = 0;
                uint size;
                for (uint i = 0; NativeMethods.nd_concurrent_get_header_size_max(
                    driver, i, pipe.Id, &size) == NativeMethods.ND_OK; i++)
                    widest = Math.Max(widest, size);
                return (int)widest;
            }

            /// <summary>Bytes of the largest packet of a connection, headers included.</summary>
            /// <param name="connection">Which.</param>
            /// <returns>As <see cref="NetworkDriver.GetMaxSupportedMessageSize"/>.</returns>
            public int GetMaxSupportedMessageSize(NetworkConnection connection)
            {
                uint size = 0;
                int result = NativeMethods.nd_concurrent_get_message_size_max(
                    Native, connection.Value, &size);
                return result == NativeMethods.ND_OK ? (int)size : Refused(connection, result);
            }

            /// <summary>The longest message that a connection takes.</summary>
            /// <param name="connection">Which.</param>
            /// <param name="pipe">The pipeline.</param>
            /// <returns>Bytes, or a negative <see cref="Error.StatusCode"/>.</returns>
            public int GetMaxSupportedPayloadSize(
                NetworkConnection connection, NetworkPipeline pipe)
            {
                uint size = 0;
                int result = NativeMethods.nd_concurrent_get_payload_size_max(
                    Native, connection.Value, pipe.Id, &size);
                return result == NativeMethods.ND_OK ? (int)size : Refused(connection, result);
            }

            /// <summary>Begins a message that is written in place.</summary>
            /// <param name="connection">To whom.</param>
            /// <param name="writer">Writes the message; valid until EndSend, AbortSend or the next
            /// update.</param>
            /// <param name="requiredPayloadSize">Bytes that the message needs; 0 for as many as one
            /// packet holds (64 KiB on plain WebSocket connections).</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int BeginSend(
                NetworkConnection connection, out DataStreamWriter writer,
                int requiredPayloadSize = 0)
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
                nd_concurrent* driver = Native;
                nd_send send;
                int result = NativeMethods.nd_concurrent_begin_send(
                    driver, connection.Value, pipe.Id, (uint)requiredPayloadSize, &send);
                if (result == NativeMethods.ND_OK)
                {
                    DataStreamWriter.Make(&send, (nd_driver*)driver, out writer);
                    return result;
                }
                writer = default(DataStreamWriter);
                return Refused(connection, result);
            }

            /// <summary>Ends a message: it leaves with the next update or flush.</summary>
            /// <param name="writer">The writer that BeginSend of a concurrent driver gave.</param>
            /// <returns>The message's bytes, or a negative <see cref="Error.StatusCode"/>:
            /// NetworkPacketOverflow when a write did not fit, NetworkSendHandleInvalid when the
            /// writer was ended before. Either way the message is over, unless the driver is in
            /// use.</returns>
            public int EndSend(DataStreamWriter writer)
            {
                return EndSend(ref writer, 0);
            }

            /// <summary>
            /// Ends a message and sends it as text: a plain WebSocket's text message.
            /// </summary>
            /// <param name="writer">The writer; what was written is UTF-8.</param>
            /// <returns>As <see cref="EndSend(DataStreamWriter)"/>; InvalidArgument in the UTP
            /// dialect and for bytes that are not UTF-8.</returns>
            public int EndSendText(DataStreamWriter writer)
            {
                return EndSend(ref writer, NativeMethods.ND_SEND_FLAG_TEXT);
            }

            /// <summary>Gives up a message; nothing is sent.</summary>
            /// <param name="writer">The writer that BeginSend of a concurrent driver gave.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int AbortSend(DataStreamWriter writer)
            {
                nd_concurrent* driver = Native;
                if (driver != null && writer.Driver != (nd_driver*)driver)
                    return (int)Error.StatusCode.NetworkSendHandleInvalid;
                nd_send send = default(nd_send);
                send.handle = writer.m_Send;
                return Explained(NativeMethods.nd_concurrent_abort_send(driver, &send));
            }

            /// <summary>Sends one message, copied. It leaves with the next update or flush.
            /// </summary>
            /// <param name="connection">To whom.</param>
            /// <param name="data">The message.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int Send(NetworkConnection connection, byte[] data)
            {
                return Send(NetworkPipeline.Null, connection, data);
            }

            /// <summary>Sends one message, copied. It leaves with the next update or flush.
            /// </summary>
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

            /// <summary>Sends one message, copied.</summary>
            /// <param name="pipe">The pipeline to send through.</param>
            /// <param name="connection">To whom.</param>
            /// <param name="data">The message; may be null when it has no bytes.</param>
            /// <param name="length">Its bytes.</param>
            /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
            public int Send(
                NetworkPipeline pipe, NetworkConnection connection, byte* data, int length)
            {
                if (length < 0)
                    throw new ArgumentOutOfRangeException("length");
                int result = NativeMethods.nd_concurrent_send(
                    Native, connection.Value, pipe.Id, data, (uint)length, 0);
                return result == NativeMethods.ND_OK ? result : Refused(connection, result);
            }

            /// <summary>Sends a text message on a plain WebSocket. It leaves with the next update
            /// or flush.</summary>
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
                    int result = NativeMethods.nd_concurrent_send(
                        Native, connection.Value, 0, bytes, (uint)count,
                        NativeMethods.ND_SEND_FLAG_TEXT);
                    return result == NativeMethods.ND_OK ? result : Refused(connection, result);
                }
            }

            /// <summary>Is it a writer of this driver?</summary>
            internal bool Owns(DataStreamWriter writer)
            {
                nd_concurrent* driver = Native;
                return driver != null && writer.Driver == (nd_driver*)driver;
            }

            // Null when the driver is not there.
            private DriverBlock* Block
            {
                get
                {
                    DriverBlock* block = (DriverBlock*)m_Block;
                    return block != null && block->Handle == (nd_driver*)m_Driver ? block : null;
                }
            }

            // Null also when the driver is in use and was never shared before.
            private nd_concurrent* Native
            {
                get
                {
                    // The block asks whether it is still this driver's.
                    DriverBlock* block = (DriverBlock*)m_Block;
                    return block == null ? null : block->Concurrent((nd_driver*)m_Driver);
                }
            }

            private NetworkEvent.Type Pop(
                NetworkConnection connection, nd_event* popped, out DataStreamReader reader,
                out NetworkPipeline pipeline)
            {
                NetworkConnection same;
                DriverBlock* block = Block;
                if (block != null && block->PopBeside(
                    (nd_driver*)m_Driver, connection, popped))
                    return block->Events.Read(popped, out same, out reader, out pipeline);
                reader = default(DataStreamReader);
                pipeline = default(NetworkPipeline);
                return NetworkEvent.Type.Empty;
            }

            private int EndSend(ref DataStreamWriter writer, uint flags)
            {
                if (writer.HasFailedWrites)
                {
                    int aborted = AbortSend(writer);
                    return aborted == NativeMethods.ND_OK
                        ? (int)Error.StatusCode.NetworkPacketOverflow : aborted;
                }
                nd_concurrent* driver = Native;
                if (driver != null && writer.Driver != (nd_driver*)driver)
                    return (int)Error.StatusCode.NetworkSendHandleInvalid;
                nd_send send = default(nd_send);
                send.handle = writer.m_Send;
                int length = writer.Length;
                int result = NativeMethods.nd_concurrent_end_send(
                    driver, &send, (uint)length, flags);
                return result == NativeMethods.ND_OK ? length : Explained(result);
            }

            // Without a handle the library knows only that there is none.
            private int Explained(int result)
            {
                return result == InvalidHandle && Block != null && Native == null
                    ? (int)Error.StatusCode.DriverInUse : result;
            }

            private int Refused(NetworkConnection connection, int result)
            {
                DriverBlock* block = Block;
                return block == null ? result
                    : Explained(block->RefineBeside((nd_driver*)m_Driver, result, connection));
            }
        }
    }
}
