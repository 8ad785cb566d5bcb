using System.Runtime.CompilerServices;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        /// <summary>Pops the oldest event of all accepted connections.</summary>
        /// <param name="connection">To which it happened.</param>
        /// <param name="reader">Data: the message. Connect: the server's accept payload.
        /// Disconnect: one byte, the reason. Valid until the next update.</param>
        /// <returns>The kind of event; Empty when none waits. What is not popped is not lost.
        /// </returns>
        public NetworkEvent.Type PopEvent(
            out NetworkConnection connection, out DataStreamReader reader)
        {
            NetworkPipeline pipeline;
            return PopEvent(out connection, out reader, out pipeline);
        }

        /// <summary>Pops the oldest event of all accepted connections.</summary>
        /// <param name="connection">To which it happened.</param>
        /// <param name="reader">The event's bytes, valid until the next update.</param>
        /// <param name="pipeline">The pipeline that a message came through.</param>
        /// <returns>The kind of event; Empty when none waits.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public NetworkEvent.Type PopEvent(
            out NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            DriverBlock* block = (DriverBlock*)m_Block;
            // It asks whether it is still this driver's.
            if (block != null)
                return block->Pop(
                    (nd_driver*)m_Driver, out connection, out reader, out pipeline);
            connection = default(NetworkConnection);
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        /// <summary>
        /// Pops the oldest event of one connection. Both ways of popping may be mixed.
        /// </summary>
        /// <param name="connection">Whose event.</param>
        /// <param name="reader">The event's bytes, valid until the next update.</param>
        /// <returns>The kind of event; Empty when none waits or the connection is stale.</returns>
        public NetworkEvent.Type PopEventForConnection(
            NetworkConnection connection, out DataStreamReader reader)
        {
            NetworkPipeline pipeline;
            return PopEventForConnection(connection, out reader, out pipeline);
        }

        /// <summary>
        /// Pops the oldest event of one connection. Both ways of popping may be mixed.
        /// </summary>
        /// <param name="connection">Whose event.</param>
        /// <param name="reader">The event's bytes, valid until the next update.</param>
        /// <param name="pipeline">The pipeline that a message came through.</param>
        /// <returns>The kind of event; Empty when none waits or the connection is stale.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public NetworkEvent.Type PopEventForConnection(
            NetworkConnection connection, out DataStreamReader reader, out NetworkPipeline pipeline)
        {
            DriverBlock* block = (DriverBlock*)m_Block;
            // It asks whether it is still this driver's.
            if (block != null)
                return block->PopFor(
                    (nd_driver*)m_Driver, connection, out reader, out pipeline);
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        /// <summary>
        /// What the last popped event carries beyond its reader: text flag, close code, close
        /// reason. Its Type is Empty when none was popped since the last update. The text is made
        /// when this is read. It tells nothing of events that a <see cref="Concurrent"/> popped.
        /// </summary>
        public NetworkEventDetails LastEvent
        {
            get
            {
                DriverState state = State;
                return state == null ? default(NetworkEventDetails) : state.LastEvent();
            }
        }

        /// <summary>How many events of one connection can be popped now.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The number; 0 for a stale connection.</returns>
        public int GetEventQueueSizeForConnection(NetworkConnection connection)
        {
            DriverBlock* block = Block;
            return block == null ? 0
                : block->EventCount((nd_driver*)m_Driver, connection);
        }
    }
}
