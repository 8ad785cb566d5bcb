using System;
using System.Net.Sockets;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        /// <summary>Changes limits of one connection, from now on. What waits already is not
        /// dropped.</summary>
        /// <param name="connection">Which.</param>
        /// <param name="limits">The limits; a field that is 0 stays as it is.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; InvalidArgument, and nothing
        /// has changed, for what is out of bounds.</returns>
        public int SetConnectionLimits(NetworkConnection connection, ConnectionLimits limits)
        {
            nd_connection_limits native = limits.ToNative();
            return Checked(connection,
                NativeMethods.nd_connection_set_limits(Handle, connection.Value, &native));
        }

        /// <summary>The limits that hold for a connection: its own, and where it has none those of
        /// its interface or of the driver.</summary>
        /// <param name="connection">Which.</param>
        /// <param name="limits">No field is 0; all are when there is no such connection.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int GetConnectionLimits(NetworkConnection connection, out ConnectionLimits limits)
        {
            nd_connection_limits native;
            NativeMethods.nd_connection_limits_init(&native);
            int result = NativeMethods.nd_connection_get_limits(Handle, connection.Value, &native);
            limits = ConnectionLimits.From(native);
            return Checked(connection, result);
        }

        /// <summary>Says what messages of a connection are that Send, EndSend, SendToMany,
        /// SendOwned and BeginMessage send without saying that they are text.</summary>
        /// <param name="connection">Which.</param>
        /// <param name="mode">Text or Binary (as at first).</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; InvalidArgument for text in
        /// the UTP dialect.</returns>
        public int SetWriteMode(NetworkConnection connection, WriteMode mode)
        {
            return Checked(connection,
                NativeMethods.nd_connection_set_write_mode(Handle, connection.Value, (uint)mode));
        }

        /// <summary>What messages of a connection are that say nothing of it.</summary>
        /// <param name="connection">Which.</param>
        /// <returns>The mode; Binary for a stale connection.</returns>
        public WriteMode GetWriteMode(NetworkConnection connection)
        {
            uint mode = NativeMethods.ND_WRITE_MODE_BINARY;
            NativeMethods.nd_connection_get_write_mode(Handle, connection.Value, &mode);
            return (WriteMode)mode;
        }

        /// <summary>Sends one binary message, whatever the connection's write mode is.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The message, copied.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SendBinary(NetworkConnection connection, byte[] data)
        {
            if (data == null)
                throw new ArgumentNullException("data");
            fixed (byte* bytes = data)
                return Checked(connection, NativeMethods.nd_driver_send(Handle, connection.Value,
                    0, bytes, (uint)data.Length, NativeMethods.ND_SEND_FLAG_BINARY));
        }

        /// <summary>
        /// Hands a TCP stream over that the program has accepted itself. It goes on as one of the
        /// interface's listener: TLS, the upgrade request, <see cref="Accept()"/>. The interface
        /// need not be bound, nor the driver listen.
        /// </summary>
        /// <param name="interfaceIndex">A WebSocket or TCP interface.</param>
        /// <param name="socket">The stream's handle, as <see cref="Socket.Handle"/>. The driver
        /// works with a duplicate; close yours without shutting the stream down. Mono and Unity
        /// shut a stream down when its Socket is closed or collected: keep it there until the
        /// connection is over.</param>
        /// <param name="received">What the program has read of the stream, copied; may be
        /// null.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int AcceptStream(int interfaceIndex, IntPtr socket, byte[] received = null)
        {
            fixed (byte* bytes = received)
                return NativeMethods.nd_driver_accept_stream(Handle, (uint)interfaceIndex,
                    (ulong)socket.ToInt64(), bytes, LengthOf(received));
        }
    }
}
